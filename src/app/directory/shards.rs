//! A map in many small parts, so that a changed copy shares all parts but one with the map it was made from.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

/// Parts of a map. Of 100,000 entries a part holds about a hundred, which is what a change copies.
const PARTS: usize = 1024;

/// A map that is cheap to copy and to change in one place.
#[derive(Debug, Clone)]
pub(in crate::app) struct Shards<K, V> {
    parts: Vec<Arc<BTreeMap<K, V>>>,
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        let empty = Arc::new(BTreeMap::new());
        Self { parts: vec![empty; PARTS] }
    }
}

impl<K: Ord + Hash + Clone, V: Clone> Shards<K, V> {
    fn place(key: &(impl Hash + ?Sized)) -> usize {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        usize::try_from(hasher.finish() % PARTS as u64).unwrap_or(0)
    }

    /// The value of that key.
    pub(in crate::app) fn get<Q: Ord + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.parts.get(Self::place(key))?.get(key)
    }

    /// Puts a value in its place; gives back the one that stood there.
    pub(in crate::app) fn put(&mut self, key: K, value: V) -> Option<V> {
        let part = self.parts.get_mut(Self::place(&key))?;
        Arc::make_mut(part).insert(key, value)
    }

    /// Takes a value out.
    pub(in crate::app) fn take<Q: Ord + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let part = self.parts.get_mut(Self::place(key))?;
        if part.contains_key(key) { Arc::make_mut(part).remove(key) } else { None }
    }

    /// All values, in no order that means anything.
    pub(in crate::app) fn values(&self) -> impl Iterator<Item = &V> {
        self.parts.iter().flat_map(|part| part.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_in_the_copy_alone() {
        let mut map = Shards::default();
        for number in 0..10_000 {
            assert_eq!(map.put(number, number), None);
        }
        let mut copy = map.clone();
        assert_eq!(copy.put(5, 50), Some(5));
        assert_eq!(copy.take(&7), Some(7));
        assert_eq!((map.get(&5), map.get(&7)), (Some(&5), Some(&7)));
        assert_eq!((copy.get(&5), copy.get(&7)), (Some(&50), None));
        assert_eq!((map.values().count(), copy.values().count()), (10_000, 9_999));
    }

    #[test]
    fn a_borrowed_key_finds_what_its_owner_put() {
        let mut map: Shards<Box<str>, u8> = Shards::default();
        map.put("calls.example.com".into(), 1);
        assert_eq!(map.get("calls.example.com"), Some(&1));
    }
}
