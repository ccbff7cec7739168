//! The store on one machine: a SQLite file in the data folder, written by one thread with group commit.
//!
//! A commit only adds records at the end of one table, with the effects they ask for in them. Which step of which call
//! has a record is known in memory, and the table of calls is written a moment later in portions; after a crash both
//! are made again from the records behind the table's cursor.
//!
//! To read, take an [`Archive`]: it goes through the trail from any place ([`Archive::records_after`]), through a
//! stretch of time ([`Archive::each_record`], [`Archive::each_call`]) or one call ([`Archive::records`],
//! [`Archive::call`]), without holding more than a page of it in memory, beside a running server or without one. What
//! it gives are [`Record`]s put into words: reasons are kept as they were decided, and told by the rules of that
//! time, which are kept as well.

mod archive;
mod body;
mod calls;
mod checkpoints;
mod deferred;
mod ending;
mod erase;
mod error;
mod follow;
mod memory;
mod news;
mod open;
mod readers;
mod reply;
mod retention;
mod retry;
mod rows;
mod spread;
mod state;
mod told;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, unbounded};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

pub use crate::store::erase::{Erased, Erasing};
pub use crate::store::error::StoreError;
pub use crate::store::open::make as make_folder;

pub use crate::store::archive::{Archive, Kept};

use crate::app::ports::{Appended, Clock, Journal, JournalError, JournalHealth, Key, Later, RuleText};
use crate::audit::record::Record;
use crate::audit::summary::Summary;
use crate::disk::Reserve;
use crate::model::digest::Digest;
use crate::store::calls::Calls;
use crate::store::checkpoints::Checkpoints;
use crate::store::deferred::{Deferred, Written};
use crate::store::memory::{MANY, Memory, REMEMBERED};
use crate::store::open::Folder;
use crate::store::reply::Waiting;
use crate::store::retention::{Own, Retention, Wish};
use crate::store::retry::Retry;
use crate::store::rows::KeptRules;
use crate::store::state::Counts;
use crate::store::told::Told;
use crate::store::writer::{Job, Writer};

/// Records on their way to the writing thread. When the disk hangs, this many calls wait for it (some 50 MB);
/// those after them are answered without a record, and counted.
const QUEUE: usize = 8192;

/// How long calls are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Seconds from the end of a call to its closing. The carrier's status callback may overtake an action request,
    /// which may take fifteen seconds: a shorter wait would call a call missed that was taken.
    pub grace_seconds: i64,
    /// Seconds after which no call can still be alive. Shorter than the carrier's four hours, and long talks are
    /// closed as `unknown` before they end.
    pub call_seconds: i64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { grace_seconds: 20, call_seconds: 4 * 3600 + 600 }
    }
}

/// What the store needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder.
    pub folder: PathBuf,
    /// The node's name in records.
    pub node: String,
    /// The reader of the time.
    pub clock: Arc<dyn Clock>,
    /// How long calls are waited for.
    pub patience: Patience,
    /// The last place that was read of a journal in this folder.
    pub behind: i64,
}

/// The store.
#[derive(Debug)]
pub struct Store {
    jobs: Sender<Job>,
    memory: Arc<Memory>,
    told: Arc<Told>,
    counts: Arc<Counts>,
    archive: Archive,
    clock: Arc<dyn Clock>,
    patience: Patience,
    wish: Arc<Wish>,
    thread: Mutex<Option<JoinHandle<usize>>>,
    /// Given back when nothing is written any more, and not when the thread stumbles.
    folder: Mutex<Option<Folder>>,
}

impl Store {
    /// Opens the journal in the folder, making both if need be, and takes in what the last run left behind.
    pub fn open(options: &Options) -> Result<Self, StoreError> {
        let folder = Folder::take(&options.folder)?;
        let file = folder.file();
        let connection = open::prepare(&file)?;
        let of = |source| StoreError::of(&file, source);
        let mut calls = Calls::new(&options.node, options.patience);
        calls.catch_up(&connection).map_err(of)?;
        let memory = Arc::new(Memory::default());
        let now_us = options.clock.now().as_microsecond();
        remember(&connection, &memory, now_us).map_err(of)?;
        calls.each(|summary| memory.known(summary));
        let counts = Arc::new(Counts::default());
        // Room is taken when records wait, and not for as many as may.
        let (jobs, received) = unbounded();
        let retention = Retention::default();
        let mut last = rows::last(&connection).map_err(of)?;
        if last.seq < options.behind {
            rows::begin_behind(&connection, options.behind).map_err(of)?;
            tracing::error!(
                last = last.seq,
                read = options.behind,
                "the journal is younger than what was read of the one before: it goes on behind that, and what was only \
                 in the other is gone"
            );
            last.seq = options.behind;
        }
        let told = Arc::new(Told::after(last.seq));
        let wish = Arc::clone(&retention.wish);
        let writer = Writer {
            file: file.clone(),
            last,
            connection,
            clock: Arc::clone(&options.clock),
            calls,
            memory: Arc::clone(&memory),
            told: Arc::clone(&told),
            counts: Arc::clone(&counts),
            deferred: Deferred::default(),
            checkpoints: Checkpoints::start(file.clone()).map_err(StoreError::Thread)?,
            kept_house_us: now_us,
            behind: false,
            wrote_calls_us: now_us,
            retry: Retry::default(),
            retention,
            reserve: Reserve::of(&options.folder),
        };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(&received));
        Ok(Self {
            jobs,
            memory,
            told,
            counts,
            archive: Archive::of(file),
            clock: Arc::clone(&options.clock),
            patience: options.patience,
            wish,
            thread: Mutex::new(Some(thread.map_err(StoreError::Thread)?)),
            folder: Mutex::new(Some(folder)),
        })
    }

    /// Writes what waits, stops and gives the folder back; what is appended afterwards is refused. Whoever reads at that
    /// moment may go on.
    pub fn close(&self) {
        self.close_within(Duration::ZERO);
    }

    /// The same; what the disk does not take at once is tried for that long. How many records are lost by the end.
    pub fn close_within(&self, patience: Duration) -> usize {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return 0 };
        // A thread that is gone needs no telling, and what waited in it is gone as well.
        drop(self.jobs.send(Job::Stop(patience)));
        let waited = |_panic| usize::try_from(self.counts.health().deferred).unwrap_or(usize::MAX);
        let lost = thread.join().unwrap_or_else(waited);
        self.folder.lock().unwrap_or_else(PoisonError::into_inner).take();
        lost
    }

    /// Brings the table of calls up to date, and closes the calls that are over.
    pub async fn settle(&self) -> Result<(), JournalError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Settle(reply))?;
        answer.await.map_err(|_gone| JournalError::Closed)?
    }

    /// Lets go of records up to the place, and of calls that began before that time, in small portions. Whoever says
    /// so knows that nobody needs them any more.
    pub fn let_go(&self, upto: i64, before: Timestamp) {
        self.wish.set(upto, before.as_microsecond());
    }

    /// Lets go of some records of one organization that keeps less than others, and of its calls that began before
    /// that time; everything up to the place was looked through.
    pub fn let_go_of(&self, org: &str, places: Vec<i64>, upto: i64, before: Timestamp) {
        self.wish.add(Own { org: org.to_owned(), places, upto, before_us: before.as_microsecond() });
    }

    /// One call as a whole, as far as it is written.
    pub async fn call(&self, org: &str, call: &str) -> Result<Option<Summary>, JournalError> {
        let (org, call) = (org.to_owned(), call.to_owned());
        self.read(move |archive| archive.call(&org, &call)).await
    }

    /// All records of one call, in the order they were written.
    pub async fn records(&self, org: &str, call: &str) -> Result<Vec<Record>, JournalError> {
        let (org, call) = (org.to_owned(), call.to_owned());
        self.read(move |archive| archive.records(&org, &call)).await
    }

    /// What is written, to be read on a thread that may wait.
    pub const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Reads on a thread that may wait.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Archive) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let archive = self.archive.clone();
        let answer = tokio::task::spawn_blocking(move || question(&archive));
        answer.await.map_err(|error| JournalError::Unreadable(error.to_string()))?
    }

    fn send(&self, job: Job) -> Result<(), JournalError> {
        if self.jobs.len() >= QUEUE {
            self.counts.lost(1);
            return Err(JournalError::Lost("the disk does not keep up".to_owned()));
        }
        self.jobs.send(job).map_err(|_gone| {
            self.counts.fails("the writing thread has stopped");
            JournalError::Closed
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

impl Journal for Store {
    fn append(&self, record: Record) -> Later<'_, Result<Appended, JournalError>> {
        self.memory.note(&record);
        let body = body::encode(&record).map_err(|error| JournalError::Lost(error.to_string()));
        let (reply, answer) = oneshot::channel();
        let sent = body
            .and_then(|body| self.send(Job::Append(Written { record: Box::new(record), body }, Waiting::here(reply))));
        Box::pin(async move {
            sent?;
            let reply = answer.await.map_err(|_gone| JournalError::Closed)?;
            drop(reply.done_with);
            reply.appended
        })
    }

    fn key(&self, org: &str, call: &str, leg: Option<&str>) -> Key {
        self.memory.key(org, call, leg)
    }

    fn earlier_calls(&self, org: &str, caller: &str, call: &str, began: i64) -> Vec<u32> {
        self.memory.earlier(org, caller, call, began)
    }

    fn active_calls(&self, org: &str, contact: &str, call: &str) -> u8 {
        let since = self.clock.now().as_second() - self.patience.call_seconds;
        self.memory.active(org, contact, call, since.saturating_mul(1_000_000))
    }

    fn keep_rules<'a>(
        &'a self,
        org: &'a str,
        digest: Digest,
        files: Vec<RuleText>,
    ) -> Later<'a, Result<(), JournalError>> {
        Box::pin(async move {
            let files = serde_json::to_string(&files).map_err(|error| JournalError::Lost(error.to_string()))?;
            let (reply, answer) = oneshot::channel();
            self.send(Job::Rules(KeptRules { org: org.to_owned(), digest: digest.to_string(), files }, reply))?;
            answer.await.map_err(|_gone| JournalError::Closed)?
        })
    }

    fn rules<'a>(&'a self, org: &'a str, digest: &'a str) -> Later<'a, Result<Option<Vec<RuleText>>, JournalError>> {
        let (org, digest) = (org.to_owned(), digest.to_owned());
        Box::pin(async move { self.read(move |archive| archive.rules(&org, &digest)).await })
    }

    fn health(&self) -> JournalHealth {
        self.counts.health()
    }
}

/// Brings back what answering must know of the last day.
fn remember(connection: &Connection, memory: &Memory, now_us: i64) -> rusqlite::Result<()> {
    let since = now_us - i64::try_from(REMEMBERED.as_micros()).unwrap_or(i64::MAX);
    let arrivals = "SELECT org, caller, call, began / 1000000 FROM calls WHERE began >= ?1 \
                    ORDER BY began DESC LIMIT ?2";
    let mut query = connection.prepare(arrivals)?;
    let mut rows = query.query(params![since, i64::try_from(MANY).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        let text = |index| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
        memory.arrived(text(0)?, text(1)?, text(2)?, row.get(3)?);
    }
    let mut query = connection.prepare("SELECT summary FROM calls WHERE closed_at IS NULL AND due >= ?1")?;
    let mut rows = query.query([now_us])?;
    while let Some(row) = rows.next()? {
        memory.known(&body::decode(row.get_ref(0)?.as_blob()?)?);
    }
    let mut query =
        connection.prepare("SELECT org, call, leg, accepted, at / 1000000 FROM keys WHERE at >= ?1 ORDER BY at")?;
    let mut rows = query.query(params![since])?;
    while let Some(row) = rows.next()? {
        let text = |index| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
        let leg = text(2)?;
        memory.pressed(text(0)?, text(1)?, (!leg.is_empty()).then_some(leg), (row.get(3)?, row.get(4)?));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
