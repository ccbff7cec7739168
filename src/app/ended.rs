//! Calls that have ended, told to other nodes and heard from them: no carrier asks about these again.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

/// Seconds for which an end is remembered at least, unless too many calls end: no call lasts longer.
const REMEMBERED: i64 = 25 * 3600;

/// Calls of one half of the memory.
const MANY: usize = 200_000;

/// Ends that wait to be told while nobody can hear them; what is more is not told.
const WAITING: usize = 20_000;

/// The memory; it is read on the way of every call, and nobody waits for it.
#[derive(Debug, Default)]
pub struct Ended {
    names: RandomState,
    calls: Mutex<Halves>,
    news: Mutex<Vec<String>>,
}

/// The older half is forgotten when the younger has lasted long enough or is full.
#[derive(Debug, Default)]
struct Halves {
    young: BTreeMap<u64, i64>,
    old: BTreeMap<u64, i64>,
    since: i64,
}

impl Ended {
    /// A call has ended, and this node was told so: the others should know.
    pub fn here(&self, account: &str, call: &str) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        if news.len() < WAITING {
            news.push(format!("{account} {call}"));
        }
    }

    /// What should be told now.
    pub fn news(&self) -> Vec<String> {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another node says that a call has ended, at this second.
    pub fn elsewhere(&self, name: &str, now: i64) {
        let Some((account, call)) = name.split_once(' ') else { return };
        let key = self.names.hash_one((account, call));
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(calls.since) >= REMEMBERED || calls.young.len() >= MANY {
            calls.since = now;
            calls.old = std::mem::take(&mut calls.young);
        }
        calls.young.entry(key).or_insert(now);
    }

    /// When the call ended, if another node said so.
    pub fn since(&self, account: &str, call: &str) -> Option<i64> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.young.is_empty() && calls.old.is_empty() {
            return None;
        }
        let key = self.names.hash_one((account, call));
        calls.young.get(&key).or_else(|| calls.old.get(&key)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_known_by_its_account_and_for_as_long_as_a_call_can_last() {
        let ended = Ended::default();
        ended.elsewhere("AC1 CA1", 1_000);
        ended.elsewhere("nonsense", 1_000);
        assert_eq!(
            (ended.since("AC1", "CA1"), ended.since("AC2", "CA1"), ended.since("AC1", "CA2")),
            (Some(1_000), None, None)
        );
        ended.elsewhere("AC1 CA2", 1_000 + REMEMBERED);
        assert_eq!(ended.since("AC1", "CA1"), Some(1_000));
        ended.elsewhere("AC1 CA3", 1_000 + 2 * REMEMBERED);
        assert_eq!((ended.since("AC1", "CA1"), ended.since("AC1", "CA2")), (None, Some(1_000 + REMEMBERED)));
    }

    #[test]
    fn what_nobody_hears_does_not_fill_the_memory() {
        let ended = Ended::default();
        (0..WAITING + 5).for_each(|call| ended.here("AC1", &format!("CA{call}")));
        assert_eq!((ended.news().len(), ended.news().len()), (WAITING, 0));
    }
}
