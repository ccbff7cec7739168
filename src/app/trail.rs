//! The records that are kept, in order, for those who follow them: sinks, the chain, whoever asks.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::app::ports::JournalError;
use crate::audit::record::Record;

/// A record with its place.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its place in the trail of this node.
    pub seq: i64,
    /// The record.
    pub record: Arc<Record>,
    /// Its written form.
    pub body: Arc<str>,
}

/// A place, and what is stored there.
pub type Stored = (i64, Vec<u8>);

/// Reads what is kept; may wait for the disk, so it is asked on a thread that may.
pub trait Trail: fmt::Debug + Send + Sync {
    /// Records behind the place `seq`, in order, at most so many.
    fn after(&self, seq: i64, most: usize) -> Result<Vec<Kept>, JournalError>;

    /// What is stored behind the place `seq`, byte for byte and in order, at most so many: for whoever binds it.
    fn stored(&self, seq: i64, most: usize) -> Result<Vec<Stored>, JournalError>;

    /// The place of the last record, even if it was let go; 0 when there never was one.
    fn latest(&self) -> Result<i64, JournalError>;
}

/// What several followers read at about the same time is read once.
#[derive(Debug)]
pub struct Window {
    trail: Arc<dyn Trail>,
    /// What was read last, the newest last.
    portions: Mutex<VecDeque<Arc<[Kept]>>>,
    news: Notify,
}

/// Records read in one go: some four megabytes in memory.
const AT_ONCE: usize = 500;

/// Portions that are held for those who come a little later, until somebody has read everything.
const HELD: usize = 4;

impl Window {
    /// A window onto the trail.
    pub fn new(trail: Arc<dyn Trail>) -> Self {
        Self { trail, portions: Mutex::default(), news: Notify::new() }
    }

    /// Records behind the place `seq`, in order, at most so many.
    pub fn after(&self, seq: i64, most: usize) -> Result<Vec<Kept>, JournalError> {
        if let Some(held) = self.held(seq, most) {
            return Ok(held);
        }
        let read: Arc<[Kept]> = self.trail.after(seq, AT_ONCE)?.into();
        let mut portions = self.portions.lock().unwrap_or_else(PoisonError::into_inner);
        if read.is_empty() {
            portions.clear();
        } else {
            if portions.len() >= HELD {
                portions.pop_front();
            }
            portions.push_back(Arc::clone(&read));
        }
        Ok(read.iter().take(most).cloned().collect())
    }

    fn held(&self, seq: i64, most: usize) -> Option<Vec<Kept>> {
        let portions = self.portions.lock().unwrap_or_else(PoisonError::into_inner);
        portions.iter().rev().find_map(|portion| {
            let start = portion.partition_point(|kept| kept.seq <= seq);
            // A portion serves only who stands within it, so that nothing between is left out.
            let within = start > 0 || portion.first().is_some_and(|first| first.seq == seq + 1);
            let rest = portion.get(start..).filter(|rest| within && !rest.is_empty())?;
            Some(rest.iter().take(most).cloned().collect())
        })
    }

    /// What is stored behind the place `seq`, in order, at most so many.
    pub fn stored(&self, seq: i64, most: usize) -> Result<Vec<Stored>, JournalError> {
        self.trail.stored(seq, most)
    }

    /// The place of the last record; 0 when there is none.
    pub fn latest(&self) -> Result<i64, JournalError> {
        self.trail.latest()
    }

    /// Tells followers that there is something new.
    pub fn tell(&self) {
        self.news.notify_waiters();
    }

    /// Waits until there is something new.
    pub async fn news(&self) {
        self.news.notified().await;
    }
}
