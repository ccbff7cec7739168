//! Binds new records to the chain, some time after they were written and on nobody's time.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::app::board::{Board, ChainState};
use crate::app::ports::Clock;
use crate::app::trail::Window;
use crate::app::turns::Turns;
use crate::chain::checkpoint::{Checkpoint, Signer};
use crate::chain::entry::{SALT, SIZE, Tip};
use crate::seal::{Folder, SealError};

/// Entries after which a checkpoint is made.
const CHECKPOINT_EVERY: u64 = 1_000;

/// Microseconds after which a checkpoint is made when there are new entries.
const CHECKPOINT_AFTER: i64 = 60_000_000;

/// Microseconds between two times that checkpoints are written down: the disk is the callers' first.
const KEPT_EVERY: i64 = 1_000_000;

/// Entries in one file at most; a new one is also begun with each day, so that whole days can be let go.
const SEGMENT: u64 = 65_536;

/// Records bound in one go.
const AT_ONCE: usize = 500;

const IDLE: Duration = Duration::from_millis(400);

const DAY: i64 = 86_400_000_000;

/// What binds.
#[derive(Debug)]
pub struct Follower {
    folder: Folder,
    signer: Arc<Signer>,
    window: Arc<Window>,
    turns: Arc<Turns>,
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
    file: File,
    tip: Tip,
    signed: u64,
    signed_us: i64,
    segment: u64,
    segment_day: i64,
    /// Checkpoints that are not written down yet, and when the last ones were.
    fresh: Vec<Checkpoint>,
    kept_us: i64,
    /// How late the last record was bound.
    age: Duration,
}

/// The follower at work.
#[derive(Debug)]
pub struct Sealing {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sealing {
    /// Binds and signs what there is, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the chain's follower ended badly");
        }
    }
}

impl Follower {
    /// Goes on where the chain ends.
    pub fn open(
        folder: Folder,
        signer: Arc<Signer>,
        (window, turns): (Arc<Window>, Arc<Turns>),
        board: Arc<Board>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SealError> {
        folder.mend_checkpoints()?;
        let tip = folder.tip()?;
        let segment = folder.segments()?.last().map_or(0, |segment| segment.before);
        let file = folder.writing(segment, tip.count - segment)?;
        let last = folder.checkpoints()?.pop();
        let signed = last.as_ref().map_or(0, |last| last.count);
        if signed > tip.count {
            return Err(SealError::Spoilt(format!("it ends after {} records, and {signed} were signed", tip.count)));
        }
        let now = clock.now().as_microsecond();
        let since = last.and_then(|last| last.at.parse::<Timestamp>().ok()).map_or(now, Timestamp::as_microsecond);
        let segment_day = since.div_euclid(DAY);
        Ok(Self {
            folder,
            signer,
            window,
            turns,
            board,
            clock,
            file,
            tip,
            signed,
            signed_us: now,
            segment,
            segment_day,
            fresh: Vec::new(),
            kept_us: now,
            age: Duration::ZERO,
        })
    }

    /// Works in the background until it is stopped.
    pub fn start(self) -> Sealing {
        let (stop, stopped) = watch::channel(false);
        Sealing { stop, task: tokio::spawn(self.run(stopped)) }
    }

    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let last = *stop.borrow_and_update();
            let (window, folder) = (Arc::clone(&self.window), self.folder.clone());
            let turned = tokio::task::spawn_blocking(move || {
                let turned = self.turn(last);
                (self, turned)
            });
            let Ok((back, turned)) = turned.await else {
                tracing::error!(chain = %folder.node(), "binding records failed unexpectedly; the chain is not continued");
                return;
            };
            self = back;
            let more = self.tell(turned);
            if last {
                return;
            }
            let pause = if more { self.turns.pause() } else { IDLE };
            tokio::select! {
                _ = stop.changed() => {}
                () = tokio::time::sleep(pause) => {}
                () = window.news(), if !more => {}
            }
        }
    }

    /// Whether a portion is waiting: few records are left to become more, because a turn costs the same however few
    /// there are.
    fn tell(&self, turned: Result<bool, SealError>) -> bool {
        let behind = self.window.latest().map_or(0, |latest| u64::try_from(latest - self.tip.seq).unwrap_or(0));
        let before = self.board.chain_state().and_then(|state| state.broken);
        let broken = turned.as_ref().err().map(ToString::to_string);
        if let (Some(why), None) = (&broken, before) {
            tracing::error!(%why, "records cannot be bound to the chain");
        }
        self.board.chain(ChainState { count: self.tip.count, seq: self.tip.seq, behind, broken });
        turned.unwrap_or(false) && behind >= AT_ONCE as u64 / 2
    }

    /// Binds some records; all of them, and signed, at the end.
    fn turn(&mut self, last: bool) -> Result<bool, SealError> {
        let mut bound = false;
        loop {
            let some = self.bind()?;
            bound |= some;
            let now = self.clock.now().as_microsecond();
            let new = self.tip.count - self.signed;
            let due = (last && !some) || (now - self.signed_us).abs() >= CHECKPOINT_AFTER;
            if new >= CHECKPOINT_EVERY || (new > 0 && due) {
                self.sign(now);
            }
            let is_over = self.tip.count - self.segment >= SEGMENT;
            if last || is_over || (now - self.kept_us).abs() >= KEPT_EVERY {
                self.keep(now)?;
            }
            if !some || !last {
                return Ok(bound);
            }
        }
    }

    fn bind(&mut self) -> Result<bool, SealError> {
        // A checkpoint stands at a fixed distance, however fast records come.
        let room = CHECKPOINT_EVERY.saturating_sub(self.tip.count - self.signed).max(1);
        let most = usize::try_from(room).unwrap_or(AT_ONCE).min(AT_ONCE);
        let (tip, last, bytes) = self.turns.take(self.age, || self.next(most))?;
        let Some(last) = last else { return self.behind_the_journal().map(|()| false) };
        let written = last.get_timestamp().map_or(0, |written| written.to_unix().0);
        let age = u64::try_from(self.clock.now().as_second()).unwrap_or(0).saturating_sub(written);
        self.age = Duration::from_secs(age);
        if let Err(source) = self.file.write_all(&bytes) {
            // What is half there is cut off, so that the next try begins where this one did.
            self.file = self.folder.writing(self.segment, self.tip.count - self.segment)?;
            return Err(SealError::Journal(format!("the chain cannot be written: {source}")));
        }
        self.tip = tip;
        Ok(true)
    }

    /// The entries of the next records, where the chain ends with them, and the name of the last one.
    fn next(&self, most: usize) -> Result<(Tip, Option<Uuid>, Vec<u8>), SealError> {
        let kept = self.window.stored(self.tip.seq, most).map_err(|error| SealError::Journal(error.to_string()))?;
        let (mut tip, mut last) = (self.tip, None);
        let mut bytes = Vec::with_capacity(kept.len() * SIZE);
        for (seq, stored) in &kept {
            let entry = tip.extend(*seq, stored, salt()?);
            entry.encode(&mut bytes);
            last = Some(entry.id);
        }
        Ok((tip, last, bytes))
    }

    /// A journal that ends before the chain does has lost records.
    fn behind_the_journal(&self) -> Result<(), SealError> {
        let latest = self.window.latest().map_err(|error| SealError::Journal(error.to_string()))?;
        if latest < self.tip.seq {
            let seq = self.tip.seq;
            return Err(SealError::Spoilt(format!(
                "the journal ends at place {latest}, and place {seq} was bound: records are missing"
            )));
        }
        Ok(())
    }

    fn sign(&mut self, now: i64) {
        let at = self.clock.now().to_string();
        self.fresh.push(self.signer.sign(self.folder.node(), &self.tip, &at));
        self.signed = self.tip.count;
        self.signed_us = now;
    }

    /// Writes down what was signed, behind the entries that it is over.
    fn keep(&mut self, now: i64) -> Result<(), SealError> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        self.file.sync_data().map_err(|error| SealError::Journal(format!("the chain cannot be written: {error}")))?;
        self.folder.add_checkpoints(&self.fresh)?;
        self.fresh.clear();
        self.kept_us = now;
        let day = now.div_euclid(DAY);
        let is_over = self.tip.count - self.segment >= SEGMENT || day != self.segment_day;
        // A file ends with a checkpoint.
        if is_over && self.tip.count == self.signed {
            self.file = self.folder.writing(self.tip.count, 0)?;
            self.segment = self.tip.count;
            self.segment_day = day;
            self.folder.trim_checkpoints()?;
        }
        Ok(())
    }
}

/// Random bytes, never all zero: that means that the person was erased.
fn salt() -> Result<[u8; SALT], SealError> {
    let mut salt = [0; SALT];
    while salt == [0; SALT] {
        aws_lc_rs::rand::fill(&mut salt)
            .map_err(|_unshown| SealError::Journal("no random bytes are to be had".to_owned()))?;
    }
    Ok(salt)
}
