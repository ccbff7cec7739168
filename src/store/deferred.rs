//! Records that could not be written yet, kept in memory within a limit until they can.

use std::collections::{BTreeMap, VecDeque};

use crate::audit::record::Record;
use crate::store::rows::KeptRules;

/// A record with its written form.
#[derive(Debug)]
pub(in crate::store) struct Written {
    /// The record.
    pub(in crate::store) record: Box<Record>,
    /// Its written form.
    pub(in crate::store) body: Vec<u8>,
}

/// What the waiting records may take: some twenty thousand of them, minutes of a very busy node.
const LIMIT_BYTES: usize = 64 << 20;

/// The waiting records, oldest first.
#[derive(Debug, Default)]
pub(in crate::store) struct Deferred {
    waiting: VecDeque<Written>,
    steps: BTreeMap<(String, String, String), Option<String>>,
    bytes: usize,
    rules: Vec<KeptRules>,
}

/// What became of a record that could not be written.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) enum Kept {
    /// It waits.
    Waits,
    /// Its step waits already, with this answer.
    Repeat(Option<String>),
    /// There is no room.
    NoRoom,
}

impl Deferred {
    /// How many wait.
    pub(in crate::store) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether anything waits.
    pub(in crate::store) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.rules.is_empty()
    }

    /// Takes in rules: a reload is rare, and each is a few kilobytes.
    pub(in crate::store) fn keep_rules(&mut self, kept: KeptRules) {
        self.rules.push(kept);
    }

    /// The rules that wait.
    pub(in crate::store) fn rules(&self) -> &[KeptRules] {
        &self.rules
    }

    /// The rules are safe.
    pub(in crate::store) fn rules_are_kept(&mut self) {
        self.rules.clear();
    }

    /// Takes one in.
    pub(in crate::store) fn keep(&mut self, written: Written) -> Kept {
        let key = key(&written.record);
        if let Some(twiml) = self.steps.get(&key) {
            return Kept::Repeat(twiml.clone());
        }
        let size = written.body.len() * 2;
        if self.bytes + size > LIMIT_BYTES {
            return Kept::NoRoom;
        }
        self.bytes += size;
        self.steps.insert(key, written.record.twiml.clone());
        self.waiting.push_back(written);
        Kept::Waits
    }

    /// The oldest ones.
    pub(in crate::store) fn first(&self, count: usize) -> impl Iterator<Item = &Written> {
        self.waiting.iter().take(count)
    }

    /// The oldest one is safe, or can never be.
    pub(in crate::store) fn release(&mut self) -> Option<Written> {
        let written = self.waiting.pop_front()?;
        self.steps.remove(&key(&written.record));
        self.bytes = self.bytes.saturating_sub(written.body.len() * 2);
        Some(written)
    }
}

fn key(record: &Record) -> (String, String, String) {
    (record.call.clone(), record.org.clone(), record.step.clone())
}
