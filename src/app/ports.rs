//! What the running service asks of the outside: a clock, and a journal that forgets nothing.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::audit::record::Record;
use crate::model::digest::Digest;

/// The one reader of the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Time that has gone by since some moment, whatever the clock is set to meanwhile.
    fn steady(&self) -> Duration {
        Duration::try_from(self.now().duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default()
    }
}

/// A name for a record that is made now: a version 7 UUID. Chance is asked for once and counted on from there: a
/// system call for every record would cost as much as deciding.
pub fn new_id(at: Timestamp) -> Uuid {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(chance()));
    static NODE: LazyLock<u64> = LazyLock::new(chance);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 10];
    // The count stands in front, so that names of one millisecond are in their order.
    let tail = NODE.to_be_bytes().into_iter().take(4);
    let all = next.to_be_bytes().into_iter().skip(2).chain(tail);
    bytes.iter_mut().zip(all).for_each(|(place, byte)| *place = byte);
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// Bits that no other process has.
fn chance() -> u64 {
    let at = uuid::Timestamp::from_unix(uuid::NoContext, 0, 0);
    u64::try_from(Uuid::new_v7(at).as_u128() & u128::from(u64::MAX >> 2)).unwrap_or_default()
}

/// An answer that is still on its way.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where records are kept. Nothing that it was given is forgotten, and the same step is written once.
pub trait Journal: fmt::Debug + Send + Sync {
    /// Writes the record, the effects that it names and, on a [`Screen`](crate::audit::record::Kind::Screen)
    /// with `accepted`, the callee's yes or no; answers when all of it is safe on disk.
    ///
    /// Whatever it answers, the caller must be answered: a record that could not be written is kept in memory
    /// as long as there is room, and written as soon as that is possible.
    fn append(&self, record: Record) -> Later<'_, Result<Appended, JournalError>>;

    /// What a callee answered when asked for a key: `leg` narrows it to one leg of the call when it is known.
    fn key(&self, org: &str, call: &str, leg: Option<&str>) -> Key;

    /// How many seconds before this call, which began at `began` (seconds since 1970), the same caller called this
    /// organization, newest first; up to a day back. Callers who hide their number have no earlier calls.
    fn earlier_calls(&self, org: &str, caller: &str, call: &str, began: i64) -> Vec<u32>;

    /// How many calls other than this one ring the contact of that name, or have it talking.
    fn active_calls(&self, org: &str, contact: &str, call: &str) -> u8;

    /// Keeps the text of a rule file with all it includes, so that a call begun under it can end under it.
    fn keep_rules<'a>(
        &'a self,
        org: &'a str,
        digest: Digest,
        files: Vec<RuleText>,
    ) -> Later<'a, Result<(), JournalError>>;

    /// The files of the rules whose digest starts with these hex digits; none when they were never kept, and those
    /// kept last when there are several, as for no digits at all.
    fn rules<'a>(&'a self, org: &'a str, digest: &'a str) -> Later<'a, Result<Option<Vec<RuleText>>, JournalError>>;

    /// How it stands.
    fn health(&self) -> JournalHealth;
}

/// One file of an organization's rules; the first of a list is the rule file itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RuleText {
    /// The path below the rules folder.
    pub path: String,
    /// The bytes, as text.
    pub text: String,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is the first of its step.
    Fresh,
    /// The step was answered before: this is what was answered, when it was anything.
    Repeat {
        /// The answer.
        twiml: Option<String>,
    },
    /// The step was answered so long ago that this is no retry, by the clock: see [`REPEATS_WITHIN_US`].
    Replayed {
        /// The answer.
        twiml: Option<String>,
        /// When it was answered, in seconds since 1970.
        at: i64,
    },
}

/// How long after a step was answered its repeat is still answered the same; the carrier asks again within seconds.
pub const REPEATS_WITHIN_US: i64 = 3_600_000_000;

/// Why a record is not safe on disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// It is kept in memory and will be written.
    #[error("the journal cannot write now ({0}); the record is kept in memory and written later")]
    Deferred(String),
    /// There is no room for it anywhere.
    #[error("the journal cannot write ({0}), and its memory is full; the record is lost")]
    Lost(String),
    /// It could not be read.
    #[error("the journal cannot be read: {0}")]
    Unreadable(String),
    /// The service is stopping.
    #[error("the journal is closed")]
    Closed,
}

/// What a callee answered when asked for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The call was taken.
    Accepted,
    /// The call was declined.
    Declined,
    /// Nothing was pressed, as far as is known here.
    Nothing,
}

/// How the journal stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalHealth {
    /// Records that are safe on disk since the start.
    pub written: u64,
    /// Requests whose step had a record.
    pub repeats: u64,
    /// Records that wait in memory because they could not be written.
    pub deferred: u64,
    /// Records that are lost since the start.
    pub lost: u64,
    /// Why writing fails, while it does.
    pub failing: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn records_have_names_of_their_own_that_tell_when() {
        let at = Timestamp::from_millisecond(1_795_000_000_123).unwrap();
        let names: BTreeSet<Uuid> = (0..10_000).map(|_| new_id(at)).collect();
        assert_eq!(names.len(), 10_000);
        for name in names {
            assert_eq!((name.get_version_num(), name.get_variant()), (7, uuid::Variant::RFC4122));
            assert_eq!(name.get_timestamp().unwrap().to_unix(), (1_795_000_000, 123_000_000));
        }
    }
}
