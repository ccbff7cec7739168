//! The mark of a request whose signature holds; only this room can make it.

use crate::webhook::signature::Slot;

/// A value that came in a request whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    inner: T,
    slot: Slot,
}

impl<T> Verified<T> {
    pub(in crate::webhook) const fn new(inner: T, slot: Slot) -> Self {
        Self { inner, slot }
    }

    /// Which of the two keys the request was signed with.
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// The value.
    pub const fn get(&self) -> &T {
        &self.inner
    }

    /// The value without its mark.
    pub fn into_inner(self) -> T {
        self.inner
    }
}
