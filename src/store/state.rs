//! How the journal stands, readable while it works.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::app::ports::JournalHealth;

/// The counts, shared by the writing thread and whoever asks.
#[derive(Debug, Default)]
pub(in crate::store) struct Counts {
    written: AtomicU64,
    repeats: AtomicU64,
    deferred: AtomicU64,
    lost: AtomicU64,
    failing: Mutex<Option<String>>,
}

impl Counts {
    /// A record is safe, or its step was.
    pub(in crate::store) fn appended(&self, fresh: bool) {
        let count = if fresh { &self.written } else { &self.repeats };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// So many wait now.
    pub(in crate::store) fn deferred(&self, count: usize) {
        self.deferred.store(count as u64, Ordering::Relaxed);
    }

    /// So many more are lost.
    pub(in crate::store) fn lost(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// Writing fails.
    pub(in crate::store) fn fails(&self, why: &str) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }

    /// Writing works.
    pub(in crate::store) fn works(&self) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Why writing fails.
    pub(in crate::store) fn why(&self) -> String {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    /// All of it.
    pub(in crate::store) fn health(&self) -> JournalHealth {
        JournalHealth {
            written: self.written.load(Ordering::Relaxed),
            repeats: self.repeats.load(Ordering::Relaxed),
            deferred: self.deferred.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            failing: self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
