//! One sink at work: reads, veils, delivers, tries again, sets aside, and tells how it stands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::ack::Acks;
use crate::app::ports::JournalError;
use crate::app::trail::{Kept, Window};
use crate::audit::numbers::{Numbers, Pseudonyms, veiled};
use crate::audit::record::Record;
use crate::chain::entry::Print;
use crate::feed::plan::{Place, Sink, Start};
use crate::merged::print;
use crate::sinks::cursor::{Cursor, CursorFile};
use crate::sinks::{Deliver, Item, Surroundings, Trouble, aside};

/// Records that are sent in no time.
const FEW: i64 = 500;

/// Seconds after which it is said that records wait.
const LATE: u64 = 300;

/// The sink with all that it needs.
pub(in crate::sinks) struct Runner {
    plan: Sink,
    around: Surroundings,
    place: Box<dyn Deliver>,
    cursor: Cursor,
    file: CursorFile,
    names: BTreeMap<String, Pseudonyms>,
    tries: u32,
    warned: bool,
    /// For how long the oldest record had waited when this was read last.
    age: Duration,
    late: bool,
    ahead: Option<Ahead>,
}

/// Waits until somebody waits.
async fn wanted(acks: Option<&Acks>) {
    match acks {
        Some(acks) => acks.wanted().await,
        None => std::future::pending().await,
    }
}

/// What is kept behind a place, read ahead of its turn.
struct Ahead {
    seq: i64,
    found: JoinHandle<Result<Found, JournalError>>,
}

/// What a thread that may wait for the disk found.
struct Found {
    kept: Vec<(Option<Print>, Kept)>,
    latest: i64,
}

impl Found {
    fn behind(window: &Window, seq: i64, most: usize, prints: bool) -> Result<Self, JournalError> {
        let (kept, latest) = (window.after(seq, most)?, window.latest()?);
        let printed = |kept: Kept| (prints.then(|| print(&kept.record, &kept.body)).flatten(), kept);
        Ok(Self { kept: kept.into_iter().map(printed).collect(), latest })
    }
}

/// What was read in one go.
struct Read {
    items: Vec<Item>,
    /// The place up to which everything is settled once the items are.
    upto: i64,
    /// The last place that there is.
    latest: i64,
}

impl Runner {
    pub(in crate::sinks) fn new(plan: Sink, around: Surroundings, place: Box<dyn Deliver>) -> anyhow::Result<Self> {
        let file = CursorFile::of(&around.folder, &plan.name);
        let cursor = match file.read()? {
            Some(cursor) => cursor,
            None => {
                let seq = if plan.from == Start::Now { around.window.latest()? } else { 0 };
                let cursor = Cursor { seq, ..Cursor::default() };
                file.write(&cursor)?;
                cursor
            }
        };
        around.board.sink(&plan.name, |state| {
            state.kind = plan.place.word();
            state.limit = plan.limit;
            state.cursor = cursor.seq;
            state.aside = cursor.aside;
            state.passed_over = cursor.passed_over;
        });
        Ok(Self {
            plan,
            around,
            place,
            cursor,
            file,
            names: BTreeMap::new(),
            tries: 0,
            warned: false,
            age: Duration::ZERO,
            late: false,
            ahead: None,
        })
    }

    /// Works until it is told to stop.
    pub(in crate::sinks) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let pause = match self.turn().await {
                Ok(true) => Duration::ZERO,
                Ok(false) => self.around.pace.idle,
                Err(pause) => pause,
            };
            let pause = self.around.turns.as_ref().map_or(pause, |turns| pause.max(turns.pause()));
            let news = self.around.window.news();
            let acks = self.around.acks.clone();
            tokio::select! {
                biased;
                _ = stop.changed() => return,
                () = tokio::time::sleep(pause) => {}
                () = wanted(acks.as_deref()), if self.tries == 0 => {}
                () = news, if self.tries == 0 && pause == self.around.pace.idle => {}
            }
        }
    }

    /// One portion. Whether another is waiting: few records are left to become more, because a portion costs the same
    /// however small it is. The pause when it failed.
    async fn turn(&mut self) -> Result<bool, Duration> {
        let read = match self.read().await {
            Ok(read) => read,
            Err(error) => return Err(self.failed(&error.to_string(), None)),
        };
        if read.upto <= self.cursor.seq {
            self.around.board.sink(&self.plan.name, |state| {
                state.behind = 0;
                state.age_seconds = 0;
            });
            self.caught_up(0);
            return Ok(false);
        }
        let left = read.latest - read.upto;
        let more = left >= i64::try_from(self.place.portion().count / 2).unwrap_or(i64::MAX);
        // Whoever stands back behind callers reads when it is his turn.
        let stands_back = self.around.turns.as_ref().is_some_and(|turns| !turns.pause().is_zero());
        self.ahead = (more && self.tries == 0 && !stands_back).then(|| self.look(read.upto));
        self.deliver(&read.items).await?;
        self.settle(read.upto, read.items.len() as u64)?;
        self.caught_up(left);
        Ok(more)
    }

    /// Who waits for this place; only for the trail of all nodes does anybody.
    fn acks(&self) -> Option<&Acks> {
        self.around.acks.as_deref().filter(|_| self.plan.place == Place::Merged)
    }

    /// So few are left that whoever waits is served within a turn or two.
    fn caught_up(&self, left: i64) {
        if let Some(acks) = self.acks().filter(|_| left <= FEW) {
            acks.caught_up();
        }
    }

    async fn read(&mut self) -> Result<Read, JournalError> {
        let (portion, seq) = (self.place.portion(), self.cursor.seq);
        let ahead = self.ahead.take().filter(|ahead| ahead.seq == seq);
        let found = ahead.unwrap_or_else(|| self.look(seq)).found;
        let Found { kept, latest } = found.await.map_err(|error| JournalError::Unreadable(error.to_string()))??;
        self.tell_backlog(kept.first().map(|(_, first)| first), latest);
        let mut read = Read { items: Vec::new(), upto: seq, latest };
        let mut bytes = 0;
        for (print, one) in kept.into_iter().take(portion.count) {
            if self.wants(&one.record) {
                let item = self.veil(&one, print);
                bytes += item.body.len();
                if bytes > portion.bytes && !read.items.is_empty() {
                    break;
                }
                read.items.push(item);
            }
            read.upto = one.seq;
        }
        Ok(read)
    }

    /// Begins to read what is kept behind that place.
    fn look(&self, seq: i64) -> Ahead {
        let most = self.place.portion().count;
        let window = Arc::clone(&self.around.window);
        let (turns, age) = (self.around.turns.clone(), self.age);
        let prints = self.place.binds() && self.plan.numbers == Numbers::Full;
        let found = tokio::task::spawn_blocking(move || {
            let find = || Found::behind(&window, seq, most, prints);
            match turns {
                Some(turns) => turns.take(age, find),
                None => find(),
            }
        });
        Ahead { seq, found }
    }

    fn wants(&self, record: &Record) -> bool {
        let Sink { orgs, kinds, .. } = &self.plan;
        (orgs.is_empty() || orgs.iter().any(|org| *org == *record.org))
            && (kinds.is_empty() || kinds.contains(&record.kind))
            && self.place.wants(record)
    }

    fn veil(&mut self, kept: &Kept, print: Option<Print>) -> Item {
        if self.plan.numbers == Numbers::Full {
            return Item { seq: kept.seq, record: Arc::clone(&kept.record), body: Arc::clone(&kept.body), print };
        }
        let org = kept.record.org.to_string();
        let key = self.around.key;
        let names = self.names.entry(org).or_insert_with_key(|org| Pseudonyms::of(&key, org));
        let record = veiled(&kept.record, self.plan.numbers, names);
        let body = serde_json::to_string(&record).unwrap_or_default().into();
        Item { seq: kept.seq, record: Arc::new(record), body, print: None }
    }

    /// Says how many wait; too many are passed over, and long before that it is said that it will come to that.
    fn tell_backlog(&mut self, oldest: Option<&Kept>, latest: i64) {
        let behind = u64::try_from(latest.saturating_sub(self.cursor.seq)).unwrap_or(0);
        let now = self.around.clock.now().as_microsecond();
        let oldest = oldest.map_or(now, |oldest| oldest.record.received.us);
        let age_seconds = u64::try_from(now.saturating_sub(oldest) / 1_000_000).unwrap_or(0);
        self.around.board.sink(&self.plan.name, |state| {
            state.behind = behind;
            state.age_seconds = age_seconds;
        });
        self.age = Duration::from_secs(age_seconds);
        let (sink, limit) = (&self.plan.name, self.plan.limit);
        if behind >= limit / 2 && !self.warned {
            tracing::error!(%sink, behind, limit, age_seconds, "half of the records that may wait for this sink do");
        }
        self.warned = behind >= limit / 2;
        let late = age_seconds >= LATE;
        if late && !self.late {
            tracing::error!(%sink, behind, age_seconds, "records have waited for this sink for more than five minutes");
        } else if self.late && !late {
            tracing::info!(%sink, behind, "records do not wait long for this sink any more");
        }
        self.late = late;
    }

    /// Delivers all, in parts when some of it is refused; what is refused alone is set aside.
    async fn deliver(&mut self, items: &[Item]) -> Result<(), Duration> {
        let mut parts = vec![items];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.place.deliver(part, &mut self.cursor.memory).await {
                Ok(()) => {
                    self.worked();
                    if let Some(acks) = self.acks() {
                        acks.shared(part.iter().map(|item| &*item.record));
                    }
                }
                Err(Trouble::Later { why, after }) => return Err(self.failed(&why, after)),
                Err(Trouble::Never(why)) => match part {
                    [only] => self.put_aside(only, &why)?,
                    _ => {
                        let (first, rest) = part.split_at(part.len() / 2);
                        parts.push(rest);
                        parts.push(first);
                        continue;
                    }
                },
            }
            if let Some(last) = part.last().filter(|_| !parts.is_empty()) {
                self.settle(last.seq, 0)?;
            }
        }
        Ok(())
    }

    fn put_aside(&mut self, item: &Item, why: &str) -> Result<(), Duration> {
        let sink = &self.plan.name;
        if let Err(error) = aside::put(&self.around.folder, sink, item, why) {
            return Err(self.failed(&format!("a refused record cannot be set aside: {error}"), None));
        }
        tracing::error!(%sink, record = %item.record.id, %why, "the sink refuses a record; it is set aside");
        self.cursor.aside += 1;
        let aside = self.cursor.aside;
        self.around.board.sink(sink, |state| state.aside = aside);
        Ok(())
    }

    fn settle(&mut self, seq: i64, delivered: u64) -> Result<(), Duration> {
        self.cursor.seq = seq;
        if let Err(error) = self.file.write(&self.cursor) {
            return Err(self.failed(&format!("its cursor cannot be written: {error}"), None));
        }
        self.around.board.sink(&self.plan.name, |state| {
            state.behind = state.behind.saturating_sub(u64::try_from(seq - state.cursor).unwrap_or(0));
            state.cursor = seq;
            state.delivered += delivered;
        });
        Ok(())
    }

    fn worked(&mut self) {
        if self.tries > 0 {
            tracing::info!(sink = %self.plan.name, "the sink takes records again");
            self.tries = 0;
            self.around.board.sink(&self.plan.name, |state| state.failing = None);
        }
    }

    /// Says so, once until it works again, and how long to wait.
    fn failed(&mut self, why: &str, after: Option<Duration>) -> Duration {
        let sink = &self.plan.name;
        if self.tries == 0 {
            tracing::error!(%sink, %why, "the sink fails; its records wait");
        }
        self.around.board.sink(sink, |state| state.failing = Some(why.to_owned()));
        let pace = self.around.pace;
        let usual = pace.first_pause.saturating_mul(1 << self.tries.min(16)).min(pace.longest_pause);
        self.tries = self.tries.saturating_add(1);
        self.pass_over();
        // Several that failed together do not come back together.
        let spread = u32::from(self.plan.name.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)));
        let usual = usual + usual * spread / 1024;
        after.map_or(usual, |after| after.clamp(usual.min(pace.longest_pause), pace.longest_pause * 10))
    }

    /// Beyond the limit the oldest are passed over: the disk is the callers' first.
    fn pass_over(&mut self) {
        let Ok(latest) = self.around.window.latest() else { return };
        let limit = i64::try_from(self.plan.limit).unwrap_or(i64::MAX);
        let oldest = latest.saturating_sub(limit);
        if oldest > self.cursor.seq {
            let passed = u64::try_from(oldest - self.cursor.seq).unwrap_or(0);
            tracing::error!(sink = %self.plan.name, passed, "too many records wait for this sink; the oldest are passed over");
            self.cursor.passed_over += passed;
            self.cursor.seq = oldest;
            // A cursor that cannot be written now is written with the next portion.
            drop(self.file.write(&self.cursor));
            let (cursor, passed_over) = (oldest, self.cursor.passed_over);
            self.around.board.sink(&self.plan.name, |state| {
                state.cursor = cursor;
                state.passed_over = passed_over;
            });
        }
    }
}
