//! How the trail's followers stand, for metrics, readiness and whoever looks after the machine.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::app::retention::Reader;

/// What is known now.
#[derive(Debug, Default)]
pub struct Board {
    sinks: Mutex<BTreeMap<String, SinkState>>,
    chain: Mutex<Option<ChainState>>,
    disk: Mutex<Option<DiskState>>,
    ack: Mutex<Option<AckState>>,
    readers: Mutex<BTreeMap<String, i64>>,
    retention: Mutex<Option<RetentionState>>,
    sources: Mutex<SourcesState>,
}

/// How a sink stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SinkState {
    /// What sort of place it is.
    pub kind: &'static str,
    /// The place of the last record that it has.
    pub cursor: i64,
    /// Records delivered since the start.
    pub delivered: u64,
    /// Records that wait for it.
    pub behind: u64,
    /// Seconds that the oldest of them has waited.
    pub age_seconds: u64,
    /// Why it fails, while it does.
    pub failing: Option<String>,
    /// Records that it refuses, set aside since it was first started.
    pub aside: u64,
    /// Records that it never gets, because too many waited.
    pub passed_over: u64,
    /// Records that may wait for it; beyond it, the oldest are passed over.
    pub limit: u64,
}

/// How the chain stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ChainState {
    /// Records bound.
    pub count: u64,
    /// The place of the last of them.
    pub seq: i64,
    /// Records that wait to be bound.
    pub behind: u64,
    /// Why it is broken or cannot go on.
    pub broken: Option<String>,
}

/// How far what is too old was let go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RetentionState {
    /// Days for which records are kept.
    pub days: u32,
    /// Records up to this place are gone, or on their way out.
    pub upto: i64,
    /// Places that are too old and stay for a while, because somebody has not read them.
    pub held: u64,
    /// Who has not.
    pub held_by: Vec<String>,
    /// Why what is too old cannot be let go.
    pub failing: Option<String>,
}

/// How the sources of switches stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SourcesState {
    /// Those that told something lately.
    pub good: u64,
    /// Those that could not be read last time, while what they told before still counts.
    pub failing: u64,
    /// Those whose switches stand where the rules put them, because nothing was told for too long.
    pub stale: u64,
    /// What is wrong with some of them.
    pub troubles: Vec<SourceTrouble>,
}

/// What is wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceTrouble {
    /// Whose.
    pub organization: String,
    /// The switch.
    pub switch: String,
    /// Whether nothing was told for too long.
    pub stale: bool,
    /// Why it cannot be read.
    pub why: String,
}

/// How waiting for the trail of all nodes stands, where answers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct AckState {
    /// Whether it was in vain, and answers wait for this node's journal alone.
    pub fallen_back: bool,
    /// Records that were not shared before their answer since the start.
    pub alone: u64,
}

/// How full the disk under the data folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct DiskState {
    /// Bytes that are free.
    pub free: u64,
    /// Bytes in all.
    pub size: u64,
    /// Whether that is little.
    pub filling: bool,
}

impl DiskState {
    /// So much is free of so much; little is a tenth, and never more than two gigabytes.
    pub fn new(free: u64, size: u64) -> Self {
        Self { free, size, filling: free < (size / 10).min(2 << 30) }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    /// Changes what is known of a sink.
    pub fn sink(&self, name: &str, change: impl FnOnce(&mut SinkState)) {
        let mut sinks = lock(&self.sinks);
        match sinks.get_mut(name) {
            Some(state) => change(state),
            None => change(sinks.entry(name.to_owned()).or_default()),
        }
    }

    /// What is known of the chain from now on.
    pub fn chain(&self, state: ChainState) {
        *lock(&self.chain) = Some(state);
    }

    /// What is known of the disk from now on.
    pub fn disk(&self, state: DiskState) {
        *lock(&self.disk) = Some(state);
    }

    /// What is known of waiting for the trail of all nodes from now on.
    pub fn ack(&self, state: AckState) {
        *lock(&self.ack) = Some(state);
    }

    /// How that stands, where answers wait.
    pub fn ack_state(&self) -> Option<AckState> {
        *lock(&self.ack)
    }

    /// Somebody other than a sink reads the trail, and has settled everything up to that place.
    pub fn reader(&self, name: &str, place: i64) {
        lock(&self.readers).insert(name.to_owned(), place);
    }

    /// All who read the trail, sinks as well.
    pub fn readers(&self) -> Vec<Reader> {
        let sinks = self.sinks().into_iter().map(|(name, state)| (format!("sink {name}"), state.cursor));
        let readers = sinks.chain(lock(&self.readers).clone());
        readers.map(|(name, place)| Reader { name, place }).collect()
    }

    /// What is known of letting go from now on.
    pub fn retention(&self, state: RetentionState) {
        *lock(&self.retention) = Some(state);
    }

    /// How far what is too old was let go, once it was looked at.
    pub fn retention_state(&self) -> Option<RetentionState> {
        lock(&self.retention).clone()
    }

    /// What is known of the sources of switches from now on.
    pub fn set_sources(&self, state: SourcesState) {
        *lock(&self.sources) = state;
    }

    /// The sources of switches.
    pub fn sources(&self) -> SourcesState {
        lock(&self.sources).clone()
    }

    /// Every sink by its name.
    pub fn sinks(&self) -> BTreeMap<String, SinkState> {
        lock(&self.sinks).clone()
    }

    /// The chain, once it is followed.
    pub fn chain_state(&self) -> Option<ChainState> {
        lock(&self.chain).clone()
    }

    /// The disk, once it was looked at.
    pub fn disk_state(&self) -> Option<DiskState> {
        *lock(&self.disk)
    }
}
