//! A map of names that never moves all it has at once: a growing map does, and whoever asks at that moment waits for tens
//! of thousands of entries.

#![expect(clippy::disallowed_types, reason = "names are looked up here, and nothing goes by the order")]

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};

/// Maps that it is made of, each of which grows by itself.
const PARTS: usize = 256;

/// The map.
#[derive(Debug)]
pub(in crate::store) struct Spread<K, V> {
    by: RandomState,
    parts: Vec<HashMap<K, V>>,
    count: usize,
}

impl<K, V> Default for Spread<K, V> {
    fn default() -> Self {
        Self { by: RandomState::new(), parts: (0..PARTS).map(|_| HashMap::new()).collect(), count: 0 }
    }
}

impl<K: Borrow<str> + Eq + Hash, V> Spread<K, V> {
    fn place(&self, name: &str) -> usize {
        // As many bits as there are parts, which are a power of two.
        usize::try_from(self.by.hash_one(name)).unwrap_or_default() & (PARTS - 1)
    }

    fn part(&self, name: &str) -> Option<&HashMap<K, V>> {
        self.parts.get(self.place(name))
    }

    fn part_mut(&mut self, name: &str) -> Option<&mut HashMap<K, V>> {
        let place = self.place(name);
        self.parts.get_mut(place)
    }

    /// Entries.
    pub(in crate::store) const fn len(&self) -> usize {
        self.count
    }

    /// The value of that name.
    pub(in crate::store) fn get(&self, name: &str) -> Option<&V> {
        self.part(name)?.get(name)
    }

    /// The value of that name, to be changed.
    pub(in crate::store) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.part_mut(name)?.get_mut(name)
    }

    /// The name as it is kept.
    pub(in crate::store) fn name(&self, name: &str) -> Option<&K> {
        self.part(name)?.get_key_value(name).map(|(name, _)| name)
    }

    /// Puts a value there.
    pub(in crate::store) fn insert(&mut self, name: K, value: V) {
        let Some(part) = self.part_mut(name.borrow()) else { return };
        if part.insert(name, value).is_none() {
            self.count += 1;
        }
    }

    /// Takes the entry away.
    pub(in crate::store) fn remove(&mut self, name: &str) -> Option<(K, V)> {
        let taken = self.part_mut(name)?.remove_entry(name);
        self.count -= usize::from(taken.is_some());
        taken
    }

    /// All values.
    pub(in crate::store) fn values(&self) -> impl Iterator<Item = &V> {
        self.parts.iter().flat_map(HashMap::values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_under_its_name_alone() {
        let mut all: Spread<Box<str>, usize> = Spread::default();
        let name = |number: usize| format!("CA{number:032x} acme");
        for number in 0..5_000 {
            all.insert(name(number).into(), 0);
            all.insert(name(number).into(), number);
        }
        assert_eq!(all.len(), 5_000);
        assert!((0..5_000).all(|number| all.get(&name(number)) == Some(&number)));
        assert_eq!(all.name(&name(7)).map(|name| &**name), Some(&*name(7)));
        assert_eq!((all.get(&name(5_000)), all.name("CA")), (None, None));
        *all.get_mut(&name(7)).unwrap() = 70;
        assert_eq!(all.remove(&name(7)).map(|(_, value)| value), Some(70));
        assert_eq!((all.remove(&name(7)), all.get(&name(7)), all.len()), (None, None, 4_999));
        assert_eq!(all.values().sum::<usize>(), (0..5_000).sum::<usize>() - 7);
    }
}
