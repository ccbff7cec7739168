//! A map of names that never moves all it has at once: a growing map does, and whoever asks at that moment waits for tens
//! of thousands of entries.

use std::borrow::Borrow;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

/// Maps that it is made of, each of which grows by itself.
const PARTS: usize = 256;

/// The map.
#[derive(Debug)]
pub(in crate::store) struct Spread<K, V> {
    by: RandomState,
    parts: Vec<HashTable<(K, V)>>,
    count: usize,
}

impl<K, V> Default for Spread<K, V> {
    fn default() -> Self {
        Self { by: RandomState::new(), parts: (0..PARTS).map(|_| HashTable::new()).collect(), count: 0 }
    }
}

/// Which part a name of that hash is in. The bits are none that its place within the part goes by.
fn part(hash: u64) -> usize {
    usize::try_from((hash >> 40) % PARTS as u64).unwrap_or_default()
}

impl<K: Borrow<str>, V> Spread<K, V> {
    /// Entries.
    pub(in crate::store) const fn len(&self) -> usize {
        self.count
    }

    /// The value of that name.
    pub(in crate::store) fn get(&self, name: &str) -> Option<&V> {
        let hash = self.by.hash_one(name);
        self.parts.get(part(hash))?.find(hash, |(known, _)| known.borrow() == name).map(|(_, value)| value)
    }

    /// The value of that name, to be changed, with the name as it is kept.
    pub(in crate::store) fn find(&mut self, name: &str) -> Option<(&K, &mut V)> {
        let hash = self.by.hash_one(name);
        let (name, value) = self.parts.get_mut(part(hash))?.find_mut(hash, |(known, _)| known.borrow() == name)?;
        Some((name, value))
    }

    /// The value of that name, to be changed.
    pub(in crate::store) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.find(name).map(|(_, value)| value)
    }

    /// Puts a value there.
    pub(in crate::store) fn insert(&mut self, name: K, value: V) {
        let Self { by, parts, count } = self;
        let hash = by.hash_one(name.borrow());
        let Some(part) = parts.get_mut(part(hash)) else { return };
        if let Some(known) = part.find_mut(hash, |(known, _)| known.borrow() == name.borrow()) {
            known.1 = value;
            return;
        }
        part.insert_unique(hash, (name, value), |(name, _)| by.hash_one(name.borrow()));
        *count += 1;
    }

    /// Takes the entry away.
    pub(in crate::store) fn remove(&mut self, name: &str) -> Option<(K, V)> {
        let hash = self.by.hash_one(name);
        let part = self.parts.get_mut(part(hash))?;
        let (taken, _) = part.find_entry(hash, |(known, _)| known.borrow() == name).ok()?.remove();
        self.count -= 1;
        Some(taken)
    }

    /// All values.
    pub(in crate::store) fn values(&self) -> impl Iterator<Item = &V> {
        self.parts.iter().flatten().map(|(_, value)| value)
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
        assert_eq!(all.find(&name(7)).map(|(name, number)| (&**name, *number)), Some((&*name(7), 7)));
        assert_eq!(all.get(&name(5_000)), None);
        assert_eq!(all.find("CA"), None);
        *all.get_mut(&name(7)).unwrap() = 70;
        assert_eq!(all.remove(&name(7)).map(|(_, value)| value), Some(70));
        assert_eq!((all.remove(&name(7)), all.get(&name(7)), all.len()), (None, None, 4_999));
        assert_eq!(all.values().sum::<usize>(), (0..5_000).sum::<usize>() - 7);
    }
}
