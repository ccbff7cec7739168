//! The one thread that writes: what waits goes into one transaction, and everybody is answered when it is safe.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::app::ports::{Appended, Clock, JournalError, REPEATS_WITHIN_US};
use crate::disk::Reserve;
use crate::store::body;
use crate::store::calls::{Calls, Portion};
use crate::store::checkpoints::Checkpoints;
use crate::store::deferred::{Deferred, Kept, Written};
use crate::store::memory::Memory;
use crate::store::reply::{Replies, Waiting};
use crate::store::retention::Retention;
use crate::store::retry::{Retry, is_broken, is_outage};
use crate::store::rows::{self, KeptRules, Spot};
use crate::store::state::Counts;
use crate::store::told::Told;

/// Rows of one transaction at most: more would only make the first ones wait.
const BATCH: usize = 512;

/// How often the writer looks up from an empty channel.
pub(in crate::store) const TICK: Duration = Duration::from_millis(250);

/// When so many records came together, more are on their way: a short wait saves each of them most of a commit.
const CROWD: usize = 4;

/// That wait: a tenth of what a caller could notice, and twice what a commit takes on a fair disk.
const GATHER: Duration = Duration::from_micros(800);

/// How long a call waits for its row: most of it has happened by then.
const LAG_US: i64 = 1_000_000;

/// How often the table of calls is cared for, and how many calls at once: 10,000 a second, a millisecond each time.
const HOUSE_US: i64 = 10_000;
const HOUSE: Duration = Duration::from_micros(HOUSE_US.unsigned_abs());
const HOUSE_CALLS: usize = 100;

/// Something to do.
#[derive(Debug)]
pub(in crate::store) enum Job {
    /// A record to write.
    Append(Written, Waiting),
    /// Rules to keep.
    Rules(KeptRules, oneshot::Sender<Result<(), JournalError>>),
    /// Brings the table of calls up to date.
    Settle(oneshot::Sender<Result<(), JournalError>>),
    /// Does something with the connection.
    #[cfg(test)]
    Run(fn(&Connection)),
    /// The end; what waits in memory is tried for that long.
    Stop(Duration),
}

/// The writing thread's own things.
#[derive(Debug)]
pub(in crate::store) struct Writer {
    pub(in crate::store) file: PathBuf,
    pub(in crate::store) connection: Connection,
    pub(in crate::store) clock: Arc<dyn Clock>,
    pub(in crate::store) calls: Calls,
    pub(in crate::store) memory: Arc<Memory>,
    pub(in crate::store) told: Arc<Told>,
    pub(in crate::store) counts: Arc<Counts>,
    pub(in crate::store) deferred: Deferred,
    pub(in crate::store) checkpoints: Checkpoints,
    /// The last place in the trail that is taken.
    pub(in crate::store) last: Spot,
    pub(in crate::store) kept_house_us: i64,
    /// Whether the table of calls needs care again soon, though nobody asks for anything.
    pub(in crate::store) behind: bool,
    pub(in crate::store) wrote_calls_us: i64,
    pub(in crate::store) retry: Retry,
    pub(in crate::store) retention: Retention,
    /// Room for what still waits at the end.
    pub(in crate::store) reserve: Reserve,
}

impl Writer {
    /// Works until it is told to stop or nobody is left to tell it. How many records are lost by the end.
    pub(in crate::store) fn run(mut self, jobs: &Receiver<Job>) -> usize {
        let mut batch = Vec::with_capacity(BATCH);
        let mut goes_on = true;
        let mut crowded = false;
        let mut patience = Duration::ZERO;
        while goes_on {
            if crowded {
                std::thread::sleep(GATHER);
            }
            match jobs.recv_timeout(if self.behind { HOUSE } else { TICK }) {
                Ok(job) => batch.push(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => goes_on = false,
            }
            batch.extend(jobs.try_iter().take(BATCH));
            for job in &batch {
                if let Job::Stop(longest) = job {
                    (goes_on, patience) = (false, *longest);
                }
            }
            if !goes_on {
                batch.extend(jobs.try_iter());
            }
            crowded = batch.len() >= CROWD;
            self.work(&mut batch);
        }
        let lost = self.write_the_last(jobs, patience);
        self.keep_house(true);
        // The next start replays the log by itself; folding it in now only makes that start faster.
        drop(self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
        lost
    }

    fn work(&mut self, batch: &mut Vec<Job>) {
        if self.deferred.is_waiting() && self.retry.is_due(self.now_us()) {
            self.write_deferred();
        }
        if self.retry.failing && !self.deferred.is_waiting() && self.retry.is_due(self.now_us()) {
            // Nothing waits to be tried with: the next record is the trial.
            self.reopen();
            self.retry.failing = false;
        }
        if !batch.is_empty() {
            if self.retry.failing {
                let why = self.counts.why();
                batch.drain(..).for_each(|job| self.defer(job, &why));
            } else {
                self.commit(batch);
            }
        }
        let behind = (self.now_us() - self.kept_house_us).abs() >= HOUSE_US;
        if behind && !self.retry.failing {
            self.keep_house(false);
            self.let_go(self.kept_house_us);
        }
    }

    fn now_us(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    /// One transaction for all; if one of them spoils it, each gets its own.
    fn commit(&mut self, batch: &mut Vec<Job>) {
        let portion = self.portion();
        let done = self.transact(batch, portion);
        if portion.is_some() {
            self.wrote_calls(done.is_ok());
        }
        match done {
            Ok(done) => {
                self.calls.committed();
                self.recovered();
                let rows = done.len();
                self.answer(batch.drain(..), done);
                self.checkpoints.wrote(&self.connection, rows);
            }
            Err(error) if is_outage(&error) => {
                self.calls.rolled_back();
                self.outage(batch, &error);
            }
            Err(_) if batch.len() > 1 => {
                self.calls.rolled_back();
                for job in std::mem::take(batch) {
                    let mut alone = vec![job];
                    self.commit(&mut alone);
                }
            }
            Err(error) => {
                self.calls.rolled_back();
                let why = error.to_string();
                for job in batch.drain(..) {
                    self.counts.lost(1);
                    job.fail(JournalError::Lost(why.clone()));
                }
            }
        }
    }

    /// The calls that are to be written along with a batch, so that they cost no commit of their own.
    fn portion(&mut self) -> Option<Portion> {
        let now_us = self.now_us();
        let portion = Portion { calls: HOUSE_CALLS, now_us, waited_us: LAG_US };
        let due = (now_us - self.wrote_calls_us).abs() >= HOUSE_US && self.calls.has(portion);
        self.wrote_calls_us = if due { now_us } else { self.wrote_calls_us };
        due.then_some(portion)
    }

    fn wrote_calls(&mut self, safe: bool) {
        if safe {
            self.calls.settled(self.now_us());
        } else {
            self.calls.undone(&self.connection);
        }
    }

    fn transact(&mut self, batch: &[Job], portion: Option<Portion>) -> rusqlite::Result<Vec<Done>> {
        let now_us = self.now_us();
        let mut last = Spot { written_us: now_us.max(self.last.written_us), ..self.last };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut done = Vec::with_capacity(batch.len());
        for job in batch {
            done.push(match job {
                Job::Append(written, _) => {
                    let appended = append(&transaction, (&mut self.calls, &self.told), &mut last, written)?;
                    Done::Appended(last.seq, appended)
                }
                Job::Rules(kept, _) => {
                    rows::keep_rules(&transaction, now_us, kept)?;
                    Done::Nothing
                }
                #[cfg(test)]
                Job::Run(act) => {
                    act(&transaction);
                    Done::Nothing
                }
                Job::Settle(_) | Job::Stop(_) => Done::Nothing,
            });
        }
        if let Some(portion) = portion {
            self.calls.write(&transaction, portion)?;
        }
        transaction.commit()?;
        self.last = last;
        Ok(done)
    }

    fn answer(&mut self, jobs: impl Iterator<Item = Job>, done: Vec<Done>) {
        let now_us = self.now_us();
        let mut replies = Replies::default();
        for (job, done) in jobs.zip(done) {
            match (job, done) {
                (Job::Append(written, waiting), Done::Appended(seq, appended)) => {
                    let fresh = appended == Appended::Fresh;
                    self.counts.appended(fresh);
                    if fresh {
                        self.calls.fold(seq, &written.record, now_us);
                    }
                    replies.add(waiting, appended, written);
                }
                (Job::Rules(_, reply), _) => drop(reply.send(Ok(()))),
                (Job::Settle(reply), _) => {
                    self.keep_house(true);
                    drop(reply.send(Ok(())));
                }
                _ => {}
            }
        }
        replies.tell();
    }

    /// Nothing can be written now: everything waits in memory, and everybody is told.
    fn outage(&mut self, batch: &mut Vec<Job>, error: &rusqlite::Error) {
        let why = error.to_string();
        if !self.retry.failing {
            tracing::error!(error = %why, "the journal cannot write; records are kept in memory until it can");
        }
        self.behind = false;
        self.counts.fails(&why);
        self.retry.failed(self.now_us(), is_broken(error));
        batch.drain(..).for_each(|job| self.defer(job, &why));
    }

    pub(in crate::store) fn defer(&mut self, job: Job, why: &str) {
        match job {
            Job::Append(written, waiting) => {
                let answer = match self.deferred.keep(written) {
                    Kept::Waits => Err(JournalError::Deferred(why.to_owned())),
                    Kept::Repeat(twiml) => Ok(Appended::Repeat { twiml }),
                    Kept::NoRoom => {
                        self.counts.lost(1);
                        Err(JournalError::Lost(why.to_owned()))
                    }
                };
                self.counts.deferred(self.deferred.len());
                waiting.tell(answer);
            }
            #[cfg(test)]
            Job::Run(act) => act(&self.connection),
            Job::Rules(kept, reply) => {
                // Records that wait are told by these rules: they are written together.
                self.deferred.keep_rules(kept);
                drop(reply.send(Err(JournalError::Deferred(why.to_owned()))));
            }
            other => other.fail(JournalError::Deferred(why.to_owned())),
        }
    }

    /// Tries to write what waits, oldest first.
    pub(in crate::store) fn write_deferred(&mut self) {
        if self.retry.reopen {
            self.reopen();
        }
        while self.deferred.is_waiting() {
            match self.transact_deferred(BATCH) {
                Ok(count) => self.released(count),
                Err(error) if is_outage(&error) => {
                    self.counts.fails(&error.to_string());
                    self.retry.failed(self.now_us(), is_broken(&error));
                    return;
                }
                Err(error) => match self.transact_deferred(1) {
                    Ok(count) => self.released(count),
                    Err(again) if is_outage(&again) => {}
                    Err(_) => {
                        tracing::error!(error = %error, "a record can never be written and is lost");
                        self.counts.lost(1);
                        if self.deferred.release().is_none() {
                            self.deferred.rules_are_kept();
                        }
                    }
                },
            }
        }
        self.counts.deferred(0);
        self.recovered();
    }

    fn recovered(&mut self) {
        if self.retry.down {
            self.retry = Retry::default();
            self.counts.works();
            tracing::info!("the journal writes again; everything that waited is safe");
        }
    }

    fn transact_deferred(&mut self, count: usize) -> rusqlite::Result<Vec<Option<i64>>> {
        let written = self.try_deferred(count);
        if written.is_ok() {
            self.calls.committed();
        } else {
            self.calls.rolled_back();
        }
        written
    }

    fn try_deferred(&mut self, count: usize) -> rusqlite::Result<Vec<Option<i64>>> {
        let now_us = self.now_us();
        let mut last = Spot { written_us: now_us.max(self.last.written_us), ..self.last };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for kept in self.deferred.rules() {
            rows::keep_rules(&transaction, now_us, kept)?;
        }
        let mut places = Vec::new();
        for written in self.deferred.first(count) {
            let fresh = append(&transaction, (&mut self.calls, &self.told), &mut last, written)? == Appended::Fresh;
            places.push(fresh.then_some(last.seq));
        }
        transaction.commit()?;
        self.last = last;
        Ok(places)
    }

    fn released(&mut self, places: Vec<Option<i64>>) {
        let now_us = self.now_us();
        self.checkpoints.wrote(&self.connection, places.len());
        self.deferred.rules_are_kept();
        for place in places {
            let Some(written) = self.deferred.release() else { return };
            self.counts.appended(place.is_some());
            if let Some(seq) = place {
                self.calls.fold(seq, &written.record, now_us);
            }
        }
        self.counts.deferred(self.deferred.len());
    }

    fn reopen(&mut self) {
        match crate::store::open::writer(&self.file) {
            Ok(connection) => {
                self.connection = connection;
                self.retry.reopen = false;
            }
            Err(error) => tracing::warn!(error = %error, "the journal cannot be opened again"),
        }
    }

    /// Brings the table of calls up to date and closes those that are over; what fails is done the next time.
    fn keep_house(&mut self, whole: bool) {
        self.kept_house_us = self.now_us();
        self.behind = false;
        let now_us = self.kept_house_us;
        let portion = if whole {
            Portion { calls: usize::MAX, now_us, waited_us: 0 }
        } else {
            Portion { calls: HOUSE_CALLS, now_us, waited_us: LAG_US }
        };
        // A busy writer has written them along with its records.
        let alone = (now_us - self.wrote_calls_us).abs() >= 2 * HOUSE_US && self.calls.has(portion);
        if (alone || whole) && !self.write_calls(portion) {
            return;
        }
        if whole {
            self.calls.look_again();
        }
        let mut closed = self.close_calls();
        while closed && whole {
            closed = self.close_calls();
        }
        self.behind = closed || self.calls.has(portion);
        if whole && self.calls.is_behind() {
            self.write_calls(portion);
        }
    }

    fn write_calls(&mut self, portion: Portion) -> bool {
        self.wrote_calls_us = portion.now_us;
        let written = self.transact_calls(portion);
        self.wrote_calls(written.is_ok());
        if let Err(error) = &written {
            house_failed(error);
        }
        written.is_ok()
    }

    fn transact_calls(&mut self, portion: Portion) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.calls.write(&transaction, portion)?;
        transaction.commit()
    }

    /// Closes some of the calls that are over; tells whether there were any.
    fn close_calls(&mut self) -> bool {
        let records = self.calls.due(&self.connection, self.clock.now()).unwrap_or_else(|error| {
            house_failed(&error);
            Vec::new()
        });
        let mut batch = Vec::with_capacity(records.len());
        for record in records {
            let Ok(body) = body::encode(&record) else { continue };
            self.memory.note(&record);
            let (reply, _) = oneshot::channel();
            batch.push(Job::Append(Written { record: Box::new(record), body }, Waiting::here(reply)));
        }
        let some = !batch.is_empty();
        if some {
            self.commit(&mut batch);
        }
        some && !self.retry.failing
    }
}

/// Writes the record behind the last one, unless its step has one.
fn append(
    connection: &Connection,
    (calls, told): (&mut Calls, &Told),
    last: &mut Spot,
    written: &Written,
) -> rusqlite::Result<Appended> {
    let record = &written.record;
    let place = match calls.place(connection, record)? {
        Some(place) => Some(place),
        None => rows::loose_place(connection, record)?,
    };
    if let Some(place) = place {
        let (twiml, at) = rows::answered(connection, place)?;
        let late = record.received.us.saturating_sub(at) > REPEATS_WITHIN_US;
        let at = at / 1_000_000;
        return Ok(if late { Appended::Replayed { twiml, at } } else { Appended::Repeat { twiml } });
    }
    let spot = Spot { seq: last.seq + 1, ..*last };
    told.note(spot.seq, record);
    rows::append(connection, spot, record, &written.body)?;
    calls.took(spot.seq, record);
    *last = spot;
    Ok(Appended::Fresh)
}

fn house_failed(error: &rusqlite::Error) {
    tracing::warn!(error = %error, "the table of calls could not be brought up to date; it is tried again");
}

/// What became of a job.
#[derive(Debug)]
enum Done {
    Appended(i64, Appended),
    Nothing,
}

impl Job {
    fn fail(self, error: JournalError) {
        match self {
            Self::Append(_, waiting) => waiting.tell(Err(error)),
            Self::Rules(_, reply) | Self::Settle(reply) => drop(reply.send(Err(error))),
            #[cfg(test)]
            Self::Run(_) => {}
            Self::Stop(_) => {}
        }
    }
}
