//! Calls as a whole, kept beside the records: which steps they have, folded in memory, written in portions, closed
//! when they are over.
//!
//! The table is a view of the records up to a cursor that is written in the same transaction, so a crash
//! costs nothing: what came after the cursor is folded again at the start.

mod ends;
mod table;

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::app::ports::new_id;
use crate::audit::record::{Kind, Received, Record};
use crate::audit::summary::Summary;
use crate::model::moment::Zone;
use crate::store::calls::ends::Ends;
use crate::store::spread::Spread;
use crate::store::{Patience, body};

const SECOND: i64 = 1_000_000;

/// A call that has not come for so long leaves the memory; the table still has it.
const IDLE: i64 = 600 * SECOND;

/// The calls at hand.
#[derive(Debug)]
pub(in crate::store) struct Calls {
    node: String,
    patience: Patience,
    open: Spread<Name, Box<Open>>,
    /// What is not in the table yet, by the place of its first such record in the trail.
    waiting: VecDeque<Waiting>,
    /// What is being written, portion by portion from the end.
    round: Round,
    /// Calls that were written and are not over, and since when.
    resting: VecDeque<(i64, Name)>,
    /// Calls that got a step in the transaction at hand, once for each.
    fresh: Vec<Name>,
    ends: Ends,
    folded: i64,
    written: i64,
    scratch: String,
}

/// Call and organization.
type Name = Arc<str>;

#[derive(Debug, Default)]
struct Open {
    id: Option<i64>,
    steps: Vec<Step>,
    summary: Summary,
    waits: bool,
}

#[derive(Debug)]
struct Step {
    name: Box<str>,
    seq: i64,
}

/// Calls that are written one portion after the other, by their names. Names are random, and the table finds a call by
/// its name: many that are neighbors there change a page of the disk together, where each alone would change its own.
#[derive(Debug, Default)]
struct Round {
    /// Call by call, the last name first.
    names: Vec<Name>,
    /// The place of the first record that is not in the table yet.
    seq: i64,
    /// How many at the end are being written in the transaction at hand.
    underway: usize,
}

/// Calls of a round at most: the cursor of the table stands still meanwhile, and a start after a crash reads what comes
/// behind it.
const ROUND: usize = 64_000;

/// When more calls wait, a round waits longer: the more calls are written together, the more of them are neighbors.
const FEW: usize = 500;

/// How much longer, at most. Even so a call is written before it is closed.
const LONGER: i64 = 8;

#[derive(Debug)]
struct Waiting {
    seq: i64,
    name: Name,
    /// The beginning of the name, which hardly two have in common: to sort by without a look at the names.
    order: u128,
    since: i64,
}

/// The characters by which names differ, behind the two letters of their kind.
fn order(name: &str) -> u128 {
    let mut order = [0; 16];
    name.bytes().skip(2).zip(&mut order).for_each(|(byte, place)| *place = byte);
    u128::from_be_bytes(order)
}

/// How much is done in one go, so that no answer waits for it.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Portion {
    /// Calls written at most.
    pub(in crate::store) calls: usize,
    /// The present, in microseconds since 1970.
    pub(in crate::store) now_us: i64,
    /// Only those that have waited so many microseconds: a call is often whole a second later. Many wait longer.
    pub(in crate::store) waited_us: i64,
}

impl Portion {
    /// The absolute distance, so that a clock that is set back does not stop the writing.
    const fn has(self, since: i64) -> bool {
        (self.now_us - since).abs() >= self.waited_us
    }

    /// Whether it is worth a round: few wait, or no more come, or they have waited long enough.
    fn begins(self, waiting: &VecDeque<Waiting>) -> bool {
        let (Some(first), Some(last)) = (waiting.front(), waiting.back()) else { return false };
        let long = (self.now_us - first.since).abs() >= self.waited_us * LONGER;
        self.has(first.since) && (waiting.len() <= FEW || long || self.has(last.since))
    }
}

impl Calls {
    /// Nothing yet.
    pub(in crate::store) fn new(node: &str, patience: Patience) -> Self {
        Self {
            node: node.to_owned(),
            patience,
            open: Spread::default(),
            waiting: VecDeque::new(),
            round: Round::default(),
            resting: VecDeque::new(),
            fresh: Vec::new(),
            ends: Ends::default(),
            folded: 0,
            written: 0,
            scratch: String::new(),
        }
    }

    /// Folds what was written after the cursor.
    pub(in crate::store) fn catch_up(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.written = table::cursor(connection)?;
        self.folded = self.written;
        let mut rest = connection.prepare("SELECT seq, body FROM records WHERE seq > ?1 ORDER BY seq")?;
        let mut rows = rest.query([self.written])?;
        while let Some(row) = rows.next()? {
            let seq = row.get(0)?;
            // A body that cannot be read is of a newer form: it stays in the trail, and this view does without it.
            if let Ok(record) = body::decode::<Record>(row.get_ref(1)?.as_blob()?) {
                self.place(connection, &record)?;
                self.took(seq, &record);
                self.fold(seq, &record, 0);
            }
            self.folded = seq;
        }
        self.committed();
        Ok(())
    }

    /// Shows every call at hand.
    pub(in crate::store) fn each(&self, mut show: impl FnMut(&Summary)) {
        self.open.values().for_each(|open| show(&open.summary));
    }

    /// The place of the record that the step has already, if it belongs to a call; afterwards the call is at hand.
    pub(in crate::store) fn place(
        &mut self,
        connection: &Connection,
        record: &Record,
    ) -> rusqlite::Result<Option<i64>> {
        if !is_of_call(record) {
            return Ok(None);
        }
        self.name(record);
        if let Some(open) = self.open.get(&self.scratch) {
            return Ok(open.steps.iter().find(|step| *step.name == *record.step).map(|step| step.seq));
        }
        let open = table::load(connection, &record.call, &record.org)?.unwrap_or_default();
        let place = open.steps.iter().find(|step| *step.name == *record.step).map(|step| step.seq);
        self.open.insert(self.scratch.as_str().into(), Box::new(open));
        Ok(place)
    }

    /// The step has this record now, once the transaction at hand is committed.
    pub(in crate::store) fn took(&mut self, seq: i64, record: &Record) {
        if !is_of_call(record) {
            return;
        }
        self.name(record);
        let Some((name, open)) = self.open.find(&self.scratch) else { return };
        if open.steps.iter().all(|step| step.seq != seq) {
            open.steps.push(Step { name: record.step.as_str().into(), seq });
            self.fresh.push(Arc::clone(name));
        }
    }

    /// What was taken is safe.
    pub(in crate::store) fn committed(&mut self) {
        self.fresh.clear();
    }

    /// What was taken has not happened.
    pub(in crate::store) fn rolled_back(&mut self) {
        for name in self.fresh.drain(..) {
            if let Some(open) = self.open.get_mut(&name) {
                open.steps.pop();
            }
        }
    }

    /// Writes call and organization into the scratch.
    fn name(&mut self, record: &Record) {
        self.scratch.clear();
        self.scratch.push_str(&record.call);
        self.scratch.push(' ');
        self.scratch.push_str(&record.org);
    }

    /// Takes in one record that is safe on disk.
    pub(in crate::store) fn fold(&mut self, seq: i64, record: &Record, now_us: i64) {
        self.folded = self.folded.max(seq);
        if !is_of_call(record) {
            return;
        }
        self.name(record);
        let Some((name, open)) = self.open.find(&self.scratch) else { return };
        let lasted = open.summary.over_us.is_none();
        open.summary.fold(record);
        if lasted && open.summary.over_us.is_some() {
            self.ends.add(deadline(&open.summary, self.patience), Arc::clone(name));
        }
        if !open.waits {
            open.waits = true;
            self.waiting.push_back(Waiting { seq, order: order(name), name: Arc::clone(name), since: now_us });
        }
    }

    /// Whether anything waits to be written.
    pub(in crate::store) const fn is_behind(&self) -> bool {
        self.folded > self.written
    }

    /// Everything up to this place is in the table.
    pub(in crate::store) const fn written(&self) -> i64 {
        self.written
    }

    /// Whether anything of the portion waits.
    pub(in crate::store) fn has(&self, portion: Portion) -> bool {
        !self.round.names.is_empty() || portion.begins(&self.waiting)
    }

    /// Writes some of what has waited longest, within the transaction at hand. Call [`Self::settled`] once it is
    /// committed.
    pub(in crate::store) fn write(&mut self, connection: &Connection, portion: Portion) -> rusqlite::Result<()> {
        self.round.underway = 0;
        if self.round.names.is_empty() || portion.calls > ROUND {
            self.begin_round(portion);
        }
        for name in self.round.names.iter().rev().take(portion.calls) {
            if let Some(open) = self.open.get_mut(name) {
                let due = deadline(&open.summary, self.patience);
                open.id = Some(table::save(connection, open, due)?);
            }
            self.round.underway += 1;
        }
        table::set_cursor(connection, self.cursor())
    }

    fn begin_round(&mut self, portion: Portion) {
        if self.round.names.is_empty() {
            self.round.seq = self.waiting.front().map_or(self.folded, |first| first.seq);
        }
        let waited = self.waiting.iter().take_while(|waiting| portion.has(waiting.since)).count();
        let mut waited: Vec<_> = self.waiting.drain(..waited.min(portion.calls.max(ROUND))).collect();
        waited.sort_unstable_by_key(|waiting| Reverse(waiting.order));
        self.round.names.extend(waited.into_iter().map(|waiting| waiting.name));
    }

    /// Everything up to here is in the table once what is underway is; later calls may be there as well, which does
    /// no harm because folding a record again changes nothing.
    fn cursor(&self) -> i64 {
        if self.round.names.len() > self.round.underway {
            return self.round.seq - 1;
        }
        self.waiting.front().map_or(self.folded, |first| first.seq - 1)
    }

    /// What [`Self::write`] wrote is safe; closed calls leave the memory, and some that will hardly be asked for.
    pub(in crate::store) fn settled(&mut self, now_us: i64) {
        self.written = self.cursor();
        let rest = self.round.names.len().saturating_sub(std::mem::take(&mut self.round.underway));
        for name in self.round.names.drain(rest..) {
            let Some(open) = self.open.get_mut(&name) else { continue };
            open.waits = false;
            if open.summary.closed_us.is_some() {
                self.open.remove(&name);
            } else {
                self.resting.push_back((now_us, name));
            }
        }
        self.forget_idle(now_us);
    }

    fn forget_idle(&mut self, now_us: i64) {
        while let Some((since, _)) = self.resting.front()
            && (now_us - since).abs() >= IDLE
        {
            let Some((_, name)) = self.resting.pop_front() else { return };
            // A call that came again since then rests once more, further behind.
            let idle = |open: &Open| !open.waits && (now_us - open.summary.last_us).abs() >= IDLE;
            if self.open.get(&name).is_some_and(|open| idle(open)) {
                self.open.remove(&name);
            }
        }
    }

    /// What [`Self::write`] wrote is undone: rows that it made are not there.
    pub(in crate::store) fn undone(&mut self, connection: &Connection) {
        for name in self.round.names.iter().rev().take(std::mem::take(&mut self.round.underway)) {
            if let Some(open) = self.open.get_mut(name) {
                // When even this cannot be read, the row is looked for by its name at the next writing.
                open.id = table::find(connection, &open.summary).ok().flatten();
            }
        }
    }

    /// Some of the calls that are over, or were left behind: their closing records, to be written like any other.
    pub(in crate::store) fn due(&mut self, connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Record>> {
        let calls = self.ends.due(connection, &self.open, (self.patience, now.as_microsecond()))?;
        Ok(calls.into_iter().map(|call| self.closing(call, now)).collect())
    }

    /// The table is looked through for such calls from its beginning at the next time.
    pub(in crate::store) fn look_again(&mut self) {
        self.ends.look_again();
    }

    fn closing(&self, mut summary: Summary, now: Timestamp) -> Record {
        let by = if summary.over_us.is_some() { "status" } else { "sweep" };
        let effects = summary.close(now.as_microsecond(), by);
        let zone = Zone::named(&summary.zone).unwrap_or_else(Zone::utc);
        Record {
            org: summary.org.clone(),
            call: summary.call.clone(),
            account: summary.account.clone(),
            step: "closed".to_owned(),
            began: Some(summary.began_us / SECOND),
            effects,
            rules: summary.rules.clone(),
            summary: Some(Box::new(summary)),
            ..Record::blank(Kind::Closed, new_id(now), &self.node, Received::unwritten(now, &zone))
        }
    }
}

/// When the call is closed: a little after it is over, because requests may still be on their way, or else
/// when no call can last that long.
fn deadline(summary: &Summary, patience: Patience) -> i64 {
    let over = summary.over_us.map(|over| over.saturating_add(patience.grace_seconds * SECOND));
    let longest = summary.began_us.max(summary.last_us).saturating_add(patience.call_seconds * SECOND);
    over.map_or(longest, |over| over.min(longest))
}

fn is_of_call(record: &Record) -> bool {
    !record.call.is_empty() && record.kind != Kind::Security
}
