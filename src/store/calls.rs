//! Calls as a whole, kept beside the records: folded in memory, written in batches, closed when they are over.
//!
//! The table is a view of the records up to a cursor that is written in the same transaction, so a crash
//! costs nothing: what came after the cursor is folded again at the start.

use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::{NoContext, Uuid};

use crate::audit::record::{Kind, Received, Record};
use crate::audit::summary::Summary;
use crate::model::moment::Zone;
use crate::store::Patience;
use crate::store::rows::unreadable;

const CURSOR: &str = "calls";
const SECOND: i64 = 1_000_000;

/// Calls closed in one go, so that a long list never keeps an answer waiting for more than some milliseconds.
const CLOSED_AT_ONCE: u32 = 100;

/// Calls in memory that are looked at in one go.
const LOOKED_AT_ONCE: usize = 200;

/// A call that has not come for so long leaves the memory; the table still has it.
const IDLE: i64 = 600 * SECOND;

/// The calls at hand.
#[derive(Debug)]
pub(in crate::store) struct Calls {
    node: String,
    patience: Patience,
    open: BTreeMap<Name, Open>,
    /// What is not in the table yet, by the place of its first such record in the trail.
    unwritten: BTreeMap<i64, (Name, i64)>,
    underway: Vec<i64>,
    folded: i64,
    written: i64,
    looked_at: Option<Name>,
}

/// Call and organization.
type Name = (String, String);

#[derive(Debug, Clone, Default)]
struct Open {
    id: Option<i64>,
    shelf: i64,
    summary: Summary,
    unwritten: Option<i64>,
}

/// How much is done in one go, so that no answer waits for it.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Portion {
    /// Calls written at most.
    pub(in crate::store) calls: usize,
    /// The present, in microseconds since 1970.
    pub(in crate::store) now_us: i64,
    /// Only those that have waited so many microseconds: a call is often whole a second later.
    pub(in crate::store) waited_us: i64,
}

impl Portion {
    /// The absolute distance, so that a clock that is set back does not stop the writing.
    const fn has(self, since: i64) -> bool {
        (self.now_us - since).abs() >= self.waited_us
    }
}

impl Calls {
    /// Nothing yet.
    pub(in crate::store) fn new(node: &str, patience: Patience) -> Self {
        Self {
            node: node.to_owned(),
            patience,
            open: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            underway: Vec::new(),
            folded: 0,
            written: 0,
            looked_at: None,
        }
    }

    /// Folds what was written after the cursor.
    pub(in crate::store) fn catch_up(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let cursor = connection.query_row("SELECT seq FROM cursors WHERE name = ?1", [CURSOR], |row| row.get(0));
        self.written = cursor.optional()?.unwrap_or_default();
        self.folded = self.written;
        let mut rest = connection.prepare("SELECT seq, body, shelf FROM records WHERE seq > ?1 ORDER BY seq")?;
        let mut rows = rest.query([self.written])?;
        while let Some(row) = rows.next()? {
            let seq = row.get(0)?;
            // A body that cannot be read is of a newer form: it stays in the trail, and this view does without it.
            if let Ok(record) = serde_json::from_str::<Record>(row.get_ref(1)?.as_str()?) {
                self.meet(connection, &record, row.get(2)?)?;
                self.fold(seq, &record, 0);
            }
            self.folded = seq;
        }
        Ok(())
    }

    /// Shows every call at hand.
    pub(in crate::store) fn each(&self, mut show: impl FnMut(&Summary)) {
        self.open.values().for_each(|open| show(&open.summary));
    }

    /// The shelf of the record's call: `now` is that of a call not heard of before.
    pub(in crate::store) fn meet(
        &mut self,
        connection: &Connection,
        record: &Record,
        now: i64,
    ) -> rusqlite::Result<i64> {
        if !is_of_call(record) {
            return Ok(0);
        }
        let name = (record.call.clone(), record.org.clone());
        if let Some(open) = self.open.get(&name) {
            return Ok(open.shelf);
        }
        let open = load(connection, &name)?.unwrap_or_else(|| Open { shelf: now, ..Open::default() });
        let shelf = open.shelf;
        self.open.insert(name, open);
        Ok(shelf)
    }

    /// Takes in one record that was met and is safe on disk.
    pub(in crate::store) fn fold(&mut self, seq: i64, record: &Record, now_us: i64) {
        self.folded = self.folded.max(seq);
        if !is_of_call(record) {
            return;
        }
        let name = (record.call.clone(), record.org.clone());
        if let Some(open) = self.open.get_mut(&name) {
            open.summary.fold(record);
            if open.unwritten.is_none() {
                open.unwritten = Some(seq);
                self.unwritten.insert(seq, (name, now_us));
            }
        }
    }

    /// Whether anything waits to be written.
    pub(in crate::store) const fn is_behind(&self) -> bool {
        self.folded > self.written
    }

    /// Whether anything of the portion waits.
    pub(in crate::store) fn has(&self, portion: Portion) -> bool {
        self.unwritten.first_key_value().is_some_and(|(_, (_, since))| portion.has(*since))
    }

    /// Writes what has waited longest, within the transaction at hand. Call [`Self::settled`] once it is committed.
    pub(in crate::store) fn write(&mut self, connection: &Connection, portion: Portion) -> rusqlite::Result<()> {
        self.underway.clear();
        let waiting = self.unwritten.iter().take_while(|(_, (_, since))| portion.has(*since));
        for (seq, (name, _)) in waiting.take(portion.calls) {
            if let Some(open) = self.open.get_mut(name) {
                open.id = Some(save(connection, open, self.patience)?);
            }
            self.underway.push(*seq);
        }
        let cursor =
            "INSERT INTO cursors (name, seq) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq";
        connection.prepare_cached(cursor)?.execute(params![CURSOR, self.cursor()])?;
        Ok(())
    }

    /// Everything up to here is in the table once what is underway is; later calls may be there as well, which does
    /// no harm because folding a record again changes nothing.
    fn cursor(&self) -> i64 {
        let rest = self.unwritten.keys().nth(self.underway.len());
        rest.map_or(self.folded, |first| first - 1)
    }

    /// What [`Self::write`] wrote is safe; closed calls leave the memory, and some that will hardly be asked for.
    pub(in crate::store) fn settled(&mut self, now_us: i64) {
        self.written = self.cursor();
        for seq in std::mem::take(&mut self.underway) {
            let Some((name, _)) = self.unwritten.remove(&seq) else { continue };
            if let Some(open) = self.open.get_mut(&name) {
                open.unwritten = None;
                if open.summary.closed_us.is_some() {
                    self.open.remove(&name);
                }
            }
        }
        self.forget_idle(now_us);
    }

    /// Looks at some calls, other ones each time.
    fn forget_idle(&mut self, now_us: i64) {
        let from = self.looked_at.take().map_or(Bound::Unbounded, Bound::Excluded);
        let mut idle = Vec::new();
        for (name, open) in self.open.range((from, Bound::Unbounded)).take(LOOKED_AT_ONCE) {
            self.looked_at = Some(name.clone());
            if open.unwritten.is_none() && (now_us - open.summary.last_us).abs() >= IDLE {
                idle.push(name.clone());
            }
        }
        for name in idle {
            self.open.remove(&name);
        }
    }

    /// What [`Self::write`] wrote is undone: rows that it made are not there.
    pub(in crate::store) fn undone(&mut self, connection: &Connection) {
        for seq in std::mem::take(&mut self.underway) {
            let Some((name, _)) = self.unwritten.get(&seq) else { continue };
            if let Some(open) = self.open.get_mut(name) {
                // When even this cannot be read, the row is looked for by its name at the next writing.
                open.id = find(connection, name).ok().flatten();
            }
        }
    }

    /// The calls that are over, or were left behind: their closing records, to be written like any other.
    pub(in crate::store) fn due(&self, connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Record>> {
        let due = "SELECT call, org, summary FROM calls WHERE closed_at IS NULL AND due <= ?1 ORDER BY due LIMIT ?2";
        let mut query = connection.prepare_cached(due)?;
        let mut rows = query.query(params![now.as_microsecond(), CLOSED_AT_ONCE])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let name = (row.get(0)?, row.get(1)?);
            let summary = match self.open.get(&name) {
                Some(open) => open.summary.clone(),
                None => serde_json::from_str(row.get_ref(2)?.as_str()?).map_err(unreadable)?,
            };
            if deadline(&summary, self.patience) <= now.as_microsecond() {
                records.push(self.closing(summary, now));
            }
        }
        Ok(records)
    }

    fn closing(&self, mut summary: Summary, now: Timestamp) -> Record {
        let by = if summary.over_us.is_some() { "status" } else { "sweep" };
        let effects = summary.close(now.as_microsecond(), by);
        let zone = Zone::named(&summary.zone).unwrap_or_else(Zone::utc);
        let subsecond = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, subsecond));
        Record {
            org: summary.org.clone(),
            call: summary.call.clone(),
            step: "closed".to_owned(),
            began: Some(summary.began_us / SECOND),
            effects,
            rules: summary.rules.clone(),
            summary: Some(Box::new(summary)),
            ..Record::blank(Kind::Closed, id, &self.node, Received::at(now, &zone))
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

fn save(connection: &Connection, open: &Open, patience: Patience) -> rusqlite::Result<i64> {
    let call = &open.summary;
    let text = serde_json::to_string(call).map_err(unreadable)?;
    let answered = call.answered.as_ref();
    let by = answered.and_then(|answered| answered.by.as_deref());
    let at = answered.map(|answered| answered.at_us);
    let due = deadline(call, patience);
    if let Some(id) = open.id {
        let update = "UPDATE calls SET line = ?2, began = ?3, answered_by = ?4, answered_at = ?5, waited = ?6, \
                      ended = ?7, due = ?8, closed_at = ?9, summary = ?10, caller = ?11 WHERE id = ?1";
        connection.prepare_cached(update)?.execute(params![
            id,
            call.line,
            call.began_us,
            by,
            at,
            call.waited,
            call.end,
            due,
            call.closed_us,
            text,
            call.caller
        ])?;
        return Ok(id);
    }
    let insert = "INSERT INTO calls (org, call, line, caller, began, answered_by, answered_at, waited, ended, due, \
                  closed_at, summary, shelf) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                  ON CONFLICT (call, org) DO UPDATE SET summary = excluded.summary, due = excluded.due, \
                  ended = excluded.ended, closed_at = excluded.closed_at RETURNING id";
    connection.prepare_cached(insert)?.query_row(
        params![
            call.org,
            call.call,
            call.line,
            call.caller,
            call.began_us,
            by,
            at,
            call.waited,
            call.end,
            due,
            call.closed_us,
            text,
            open.shelf
        ],
        |row| row.get(0),
    )
}

fn load(connection: &Connection, name: &Name) -> rusqlite::Result<Option<Open>> {
    let select = "SELECT id, summary, shelf FROM calls WHERE call = ?1 AND org = ?2";
    let mut query = connection.prepare_cached(select)?;
    let found = query.query_row(params![name.0, name.1], |row| {
        let summary = serde_json::from_str(row.get_ref(1)?.as_str()?).map_err(unreadable)?;
        Ok(Open { id: Some(row.get(0)?), shelf: row.get(2)?, summary, unwritten: None })
    });
    found.optional()
}

fn find(connection: &Connection, name: &Name) -> rusqlite::Result<Option<i64>> {
    let select = "SELECT id FROM calls WHERE call = ?1 AND org = ?2";
    connection.prepare_cached(select)?.query_row(params![name.0, name.1], |row| row.get(0)).optional()
}
