//! What is written, to be read: in the order of the trail, by time, or call by call.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::app::live;
use crate::app::ports::{JournalError, RuleText};
use crate::app::retention::proof;
use crate::audit::record::Record;
use crate::audit::summary::Summary;
use crate::respond::written;
use crate::rules::ruleset::RuleSet;
use crate::store::error::StoreError;
use crate::store::readers::Readers;
use crate::store::{body, open, retention, rows};

/// Rows in memory at once while a stretch is gone through.
const PAGE: usize = 500;

/// Rule sets kept ready for putting records into words.
const RULE_SETS: usize = 64;

/// The journal to read. All of this waits for the disk; a clone is cheap.
#[derive(Debug, Clone)]
pub struct Archive {
    pub(in crate::store) readers: Readers,
    rules: Arc<Mutex<Known>>,
}

/// Rules by organization and digest; none when they are not kept.
type Known = BTreeMap<(String, String), Option<Arc<RuleSet>>>;

/// A record with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The place in the trail of this node: larger than that of every earlier record, and never used again.
    pub seq: i64,
    /// When it was written, in microseconds since 1970; never before an earlier record.
    pub written_us: i64,
    /// The record.
    pub record: Record,
}

impl Archive {
    /// Whether there is a journal in the data folder.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(open::FILE).exists()
    }

    /// The journal in the data folder, beside a running server or without one.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let file = folder.join(open::FILE);
        // What cannot be read is told as such here, and not at the first question.
        if !file.exists() {
            return Err(StoreError::Nothing { folder: folder.to_owned() });
        }
        let connection = open::reader(&file).map_err(|source| StoreError::of(&file, source))?;
        open::is_older(&file, &connection)?;
        Ok(Self::of(file))
    }

    pub(in crate::store) fn of(file: PathBuf) -> Self {
        Self { readers: Readers::new(file), rules: Arc::default() }
    }

    /// So many records behind that place, in their order. Place 0 is before all of them.
    pub fn records_after(&self, seq: i64, limit: usize) -> Result<Vec<Kept>, JournalError> {
        let select = "SELECT seq, written, body FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let kept = self.readers.ask(|connection| {
            let mut query = connection.prepare_cached(select)?;
            let rows = query.query_map(params![seq, i64::try_from(limit).unwrap_or(i64::MAX)], kept)?;
            rows.collect::<Result<Vec<_>, _>>()
        })?;
        self.worded(kept)
    }

    /// The same, byte for byte as it is stored, for whoever binds it.
    pub fn stored_after(&self, seq: i64, limit: usize) -> Result<Vec<(i64, Vec<u8>)>, JournalError> {
        let select = "SELECT seq, body FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        self.readers.ask(|connection| {
            let mut query = connection.prepare_cached(select)?;
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            query.query_map(params![seq, i64::try_from(limit).unwrap_or(i64::MAX)], row)?.collect()
        })
    }

    /// The place of the last record, even if it was let go or is of a journal before this one; 0 when there never was
    /// one.
    pub fn latest(&self) -> Result<i64, JournalError> {
        self.readers.ask(rows::latest)
    }

    /// Up to where an organization that keeps less was looked through.
    pub fn let_go_of(&self, org: &str) -> Result<i64, JournalError> {
        let select = "SELECT coalesce(max(seq), 0) FROM cursors WHERE name = ?1";
        let name = retention::cursor(org);
        self.readers.ask(|connection| connection.prepare_cached(select)?.query_row([name], |row| row.get(0)))
    }

    /// The places of an organization's records in a stretch of the trail; what belongs to nobody is nobody's.
    pub fn places_of(&self, org: &str, behind: i64, upto: i64) -> Result<Vec<i64>, JournalError> {
        let select = "SELECT seq FROM records WHERE seq > ?1 AND seq <= ?2 AND org = ?3 ORDER BY seq";
        self.readers.ask(|connection| {
            let mut query = connection.prepare_cached(select)?;
            query.query_map(params![behind, upto, org], |row| row.get(0))?.collect()
        })
    }

    /// Records of recordings up to that place, in their order, at most so many: the place, the organization, and the
    /// carrier's name for the recording.
    pub fn recordings(&self, behind: i64, upto: i64, limit: usize) -> Result<Vec<(i64, String, String)>, JournalError> {
        let select = "SELECT seq, body FROM records WHERE seq > ?1 AND seq <= ?2 AND (kind = 'recording' OR org = '' AND kind = 'decision') \
                      ORDER BY seq";
        self.readers.ask(|connection| {
            let mut query = connection.prepare_cached(select)?;
            let mut rows = query.query(params![behind, upto])?;
            let mut found = Vec::new();
            // Not every row names one, so that they are counted as they are found.
            while found.len() < limit {
                let Some(row) = rows.next()? else { break };
                // What this program cannot read is of a newer one, and names nothing that it could delete.
                let record = body::decode::<Record>(row.get_ref(1)?.as_blob()?).ok();
                let named = record.and_then(|record| Some((record.holder().to_owned(), record.reported.recording?)));
                if let Some((holder, recording)) = named {
                    found.push((row.get(0)?, holder, recording));
                }
            }
            Ok(found)
        })
    }

    /// The place before the first record that was written at that time or later.
    pub fn place_before(&self, at: Timestamp) -> Result<i64, JournalError> {
        self.readers.ask(|connection| place_before(connection, at.as_microsecond()))
    }

    /// Whether a clock that reads so can be believed by what is written: something is a day old and no more than a month,
    /// or nothing is older. A clock that was set far ahead finds nothing between its own day and the past.
    pub fn believes(&self, now: Timestamp) -> Result<bool, JournalError> {
        let (month, day) = proof(now);
        let between = "SELECT EXISTS (SELECT 1 FROM records WHERE seq > ?1 AND seq <= ?2) \
                       OR NOT EXISTS (SELECT 1 FROM records WHERE seq <= ?1)";
        self.readers.ask(|connection| {
            let (month, day) = (month.as_microsecond(), day.as_microsecond());
            let places = params![place_before(connection, month)?, place_before(connection, day)?];
            connection.query_row(between, places, |row| row.get(0))
        })
    }

    /// Shows the records that were written in the stretch, in their order, until it is enough.
    pub fn each_record(
        &self,
        stretch: Range<Timestamp>,
        mut show: impl FnMut(Kept) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let mut place = self.place_before(stretch.start)?;
        loop {
            let page = self.records_after(place, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            place = last.seq;
            for kept in page {
                if kept.written_us >= stretch.end.as_microsecond() || show(kept).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// Shows the calls that began in the stretch, in the order in which they began, until it is enough: those of one
    /// organization, or of all. A call appears some seconds after its first record.
    pub fn each_call(
        &self,
        org: Option<&str>,
        stretch: Range<Timestamp>,
        mut show: impl FnMut(Summary) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let select = "SELECT began, id, summary FROM calls WHERE (began, id) > (?1, ?2) AND began < ?3 \
                      AND (?4 IS NULL OR org = ?4) ORDER BY began, id LIMIT ?5";
        let (mut began, mut id) = (stretch.start.as_microsecond(), -1_i64);
        let (end, limit) = (stretch.end.as_microsecond(), i64::try_from(PAGE).unwrap_or(i64::MAX));
        loop {
            let page = self.readers.ask(|connection| {
                let mut query = connection.prepare_cached(select)?;
                let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, body::decode(row.get_ref(2)?.as_blob()?)?));
                let rows = query.query_map(params![began, id, end, org, limit], row)?;
                rows.collect::<rusqlite::Result<Vec<(i64, i64, Summary)>>>()
            })?;
            let Some((last, last_id, _)) = page.last() else { return Ok(()) };
            (began, id) = (*last, *last_id);
            for (_, _, summary) in page {
                if show(summary).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// One call as a whole, as far as it is written.
    pub fn call(&self, org: &str, call: &str) -> Result<Option<Summary>, JournalError> {
        let select = "SELECT summary FROM calls WHERE call = ?1 AND org = ?2";
        self.readers.ask(|connection| {
            let mut query = connection.prepare_cached(select)?;
            query.query_row(params![call, org], |row| body::decode(row.get_ref(0)?.as_blob()?)).optional()
        })
    }

    /// The organizations that have a call of that name; more than one only by an odd chance.
    pub fn organizations_of(&self, call: &str) -> Result<Vec<String>, JournalError> {
        let select = "SELECT org FROM calls WHERE call = ?1 UNION SELECT org FROM records WHERE call = ?1 AND \
                      seq > (SELECT coalesce(max(seq), 0) FROM cursors WHERE name = 'calls') AND kind <> 'security'";
        self.readers.ask(|connection| {
            connection.prepare_cached(select)?.query_map([call], |row| row.get(0))?.collect::<Result<Vec<_>, _>>()
        })
    }

    /// When the first call that is kept began; none without calls.
    pub fn first_call(&self) -> Result<Option<Timestamp>, JournalError> {
        let began = self.readers.ask(|connection| {
            connection.query_row("SELECT min(began) FROM calls", [], |row| row.get::<_, Option<i64>>(0))
        })?;
        Ok(began.and_then(|began| Timestamp::from_microsecond(began).ok()))
    }

    /// All records of one call, in the order they were written.
    pub fn records(&self, org: &str, call: &str) -> Result<Vec<Record>, JournalError> {
        let kept = self.readers.ask(|connection| records(connection, org, call))?;
        Ok(self.worded(kept)?.into_iter().map(|kept| kept.record).collect())
    }

    /// The files of the rules whose digest starts with these hex digits; of several, those kept last.
    pub fn rules(&self, org: &str, digest: &str) -> Result<Option<Vec<RuleText>>, JournalError> {
        self.readers.ask(|connection| rows::rules(connection, org, digest))
    }

    fn worded(&self, mut kept: Vec<Kept>) -> Result<Vec<Kept>, JournalError> {
        for Kept { record, .. } in &mut kept {
            let digest = record.rules.as_deref().filter(|_| !record.considered.is_empty());
            let rules = digest.map(|digest| self.rule_set(&record.org, digest)).transpose()?.flatten();
            written::put_into_words(record, rules.as_deref());
        }
        Ok(kept)
    }

    fn rule_set(&self, org: &str, digest: &str) -> Result<Option<Arc<RuleSet>>, JournalError> {
        let name = (org.to_owned(), digest.to_owned());
        if let Some(known) = self.known().get(&name) {
            return Ok(known.clone());
        }
        let texts = self.rules(org, digest)?;
        let rules = texts.and_then(|texts| live::compiled(&texts, jiff::civil::Date::ZERO)).map(Arc::new);
        let mut known = self.known();
        if known.len() >= RULE_SETS {
            known.clear();
        }
        // Rules that are missing now may be kept a moment later.
        if rules.is_some() {
            known.insert(name, rules.clone());
        }
        Ok(rules)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept { seq: row.get(0)?, written_us: row.get(1)?, record: body::decode(row.get_ref(2)?.as_blob()?)? })
}

/// The records that the table of calls knows of, and those behind its cursor.
fn records(connection: &Connection, org: &str, call: &str) -> rusqlite::Result<Vec<Kept>> {
    // One look for both, so that the table does not move on in between.
    let looking = connection.unchecked_transaction()?;
    let select = "SELECT records FROM calls WHERE call = ?1 AND org = ?2";
    let places = looking
        .prepare_cached(select)?
        .query_row(params![call, org], |row| Ok(body::read_places(row.get_ref(0)?.as_blob()?).collect::<Vec<_>>()));
    let places = places.optional()?.unwrap_or_default();
    let mut found = Vec::with_capacity(places.len());
    let mut one = looking.prepare_cached("SELECT seq, written, body FROM records WHERE seq = ?1")?;
    for place in &places {
        found.extend(one.query_row([place], kept).optional()?);
    }
    let select = "SELECT seq, written, body FROM records WHERE seq > max(?3, (SELECT coalesce(max(seq), 0) FROM \
                  cursors WHERE name = 'calls')) AND call = ?1 AND org = ?2 ORDER BY seq";
    let mut rest = looking.prepare_cached(select)?;
    let behind = places.last().copied().unwrap_or_default();
    for row in rest.query_map(params![call, org, behind], kept)? {
        found.push(row?);
    }
    Ok(found)
}

/// The place before the first record, and the last one. Two questions, because both ends are found at once only one at
/// a time: asked for together, they would be looked for among all records.
pub(in crate::store) const ENDS: &str = "SELECT coalesce((SELECT min(seq) FROM records), 1) - 1, \
                                         coalesce((SELECT max(seq) FROM records), 0)";

/// Records are written in the order of time, so their places can be searched by halving.
fn place_before(connection: &Connection, at_us: i64) -> rusqlite::Result<i64> {
    let ends = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (mut low, mut high): (i64, i64) = connection.prepare_cached(ENDS)?.query_row([], ends)?;
    let mut query =
        connection.prepare_cached("SELECT seq, written FROM records WHERE seq > ?1 ORDER BY seq LIMIT 1")?;
    // Everything up to `low` is older; everything behind `high` is not.
    while low < high {
        let middle = low + (high - low) / 2;
        let next: Option<(i64, i64)> = query.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match next {
            Some((seq, written)) if written < at_us => low = seq,
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}
