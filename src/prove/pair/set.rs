//! Sets of small numbers, compared and cut in a few machine words.

/// A set of numbers below a bound that all sets of one kind share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Set(Box<[u64]>);

const BITS: usize = 64;

impl Set {
    pub(crate) fn full(count: usize) -> Self {
        Self::of((0..count).map(|_| true), count)
    }

    /// The places at which `holds` says yes.
    pub(crate) fn of(holds: impl Iterator<Item = bool>, count: usize) -> Self {
        let mut words = vec![0_u64; count.div_ceil(BITS).max(1)];
        for (place, holds) in holds.enumerate() {
            if let Some(word) = words.get_mut(place / BITS).filter(|_| holds) {
                *word |= 1 << (place % BITS);
            }
        }
        Self(words.into())
    }

    pub(crate) fn has(&self, place: usize) -> bool {
        self.0.get(place / BITS).is_some_and(|word| word & (1 << (place % BITS)) != 0)
    }

    /// The smallest, if there is any.
    pub(crate) fn first(&self) -> Option<usize> {
        let (place, word) = self.0.iter().enumerate().find(|(_, word)| **word != 0)?;
        Some(place * BITS + usize::try_from(word.trailing_zeros()).unwrap_or(0))
    }

    /// Whether some are in both, or in this and not in the other.
    pub(crate) fn meets(&self, other: &Self, inside: bool) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & (if inside { *other } else { !*other }) != 0)
    }

    /// Keeps those in the other, or those not in it.
    pub(crate) fn keep(&mut self, other: &Self, inside: bool) {
        for (one, other) in self.0.iter_mut().zip(&other.0) {
            *one &= if inside { *other } else { !*other };
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        for (one, other) in self.0.iter_mut().zip(&other.0) {
            *one |= other;
        }
    }
}
