//! Records, effects, keys and rule texts as rows.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Deserialize;

use crate::app::ports::{Appended, RuleText};
use crate::audit::record::{Kind, Record};
use crate::audit::summary::Summary;

/// Where a record goes: its place in the trail, and the shelf of its call.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Spot {
    /// The place in the trail.
    pub(in crate::store) seq: i64,
    /// The minute in which its call was first heard of.
    pub(in crate::store) shelf: i64,
}

/// Writes a record with its effects and keys, unless its step has one.
pub(in crate::store) fn append(
    connection: &Connection,
    spot: Spot,
    record: &Record,
    body: &str,
) -> rusqlite::Result<Appended> {
    let Spot { seq, shelf } = spot;
    let insert = "INSERT INTO records (seq, at, kind, org, call, step, shelf, body) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (shelf, call, org, step) DO NOTHING";
    let changed = connection.prepare_cached(insert)?.execute(params![
        seq,
        record.received.us,
        record.kind.word(),
        record.org,
        record.call,
        record.step,
        shelf,
        body
    ])?;
    if changed == 0 {
        return Ok(Appended::Repeat { twiml: answered(connection, shelf, record)? });
    }
    for effect in &record.effects {
        let insert = "INSERT INTO outbox (record, org, call, effect, kind, step, target, due) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (call, org, effect) DO NOTHING";
        connection.prepare_cached(insert)?.execute(params![
            seq,
            record.org,
            record.call,
            effect.key,
            effect.kind,
            effect.step,
            effect.to,
            record.received.us
        ])?;
    }
    if let (Kind::Screen, Some(accepted)) = (record.kind, record.reported.accepted) {
        let insert = "INSERT INTO keys (call, org, leg, contact, accepted, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                      ON CONFLICT (call, org, leg) DO UPDATE SET accepted = max(accepted, excluded.accepted)";
        let leg = record.leg.as_deref().unwrap_or_default();
        let contact = &record.reported.contact;
        connection.prepare_cached(insert)?.execute(params![
            record.call,
            record.org,
            leg,
            contact,
            accepted,
            record.received.us
        ])?;
    }
    Ok(Appended::Fresh)
}

/// What was answered to the step of this record before.
fn answered(connection: &Connection, shelf: i64, record: &Record) -> rusqlite::Result<Option<String>> {
    #[derive(Deserialize)]
    struct Answer {
        twiml: Option<String>,
    }
    let select = "SELECT body FROM records WHERE shelf = ?1 AND call = ?2 AND org = ?3 AND step = ?4";
    let mut query = connection.prepare_cached(select)?;
    let key = params![shelf, record.call, record.org, record.step];
    let answer = query.query_row(key, |row| Ok(serde_json::from_str::<Answer>(row.get_ref(0)?.as_str()?)))?;
    // A body of a newer form has its answer under the same name; if not, the caller hears what was decided now.
    Ok(answer.ok().and_then(|answer| answer.twiml))
}

/// The place in the trail after the last one.
pub(in crate::store) fn next_seq(connection: &Connection) -> rusqlite::Result<i64> {
    let latest = "SELECT max(coalesce((SELECT max(seq) FROM records), 0), coalesce((SELECT max(seq) FROM cursors), 0))";
    connection.query_row(latest, [], |row| row.get::<_, i64>(0)).map(|seq| seq + 1)
}

/// Keeps the files of a rule set.
pub(in crate::store) fn keep_rules(connection: &Connection, now_us: i64, kept: &KeptRules) -> rusqlite::Result<()> {
    let insert = "INSERT INTO rule_texts (org, digest, kept, files) VALUES (?1, ?2, ?3, ?4) \
                  ON CONFLICT (org, digest) DO UPDATE SET kept = excluded.kept";
    connection.prepare_cached(insert)?.execute(params![kept.org, kept.digest, now_us, kept.files])?;
    Ok(())
}

/// Rules to be kept, ready for their row.
#[derive(Debug)]
pub(in crate::store) struct KeptRules {
    /// The organization.
    pub(in crate::store) org: String,
    /// All hex digits.
    pub(in crate::store) digest: String,
    /// The files as JSON.
    pub(in crate::store) files: String,
}

/// The files of the rules whose digest starts with `digest`; of several, those kept last.
pub(in crate::store) fn rules(
    connection: &Connection,
    org: &str,
    digest: &str,
) -> rusqlite::Result<Option<Vec<RuleText>>> {
    let select = "SELECT files FROM rule_texts WHERE org = ?1 AND digest >= ?2 AND digest < ?2 || 'g' \
                  ORDER BY kept DESC LIMIT 1";
    let mut query = connection.prepare_cached(select)?;
    let files = query.query_row(params![org, digest], |row| Ok(serde_json::from_str(row.get_ref(0)?.as_str()?)));
    files.optional()?.transpose().map_err(unreadable)
}

/// One call as a whole.
pub(in crate::store) fn summary(connection: &Connection, org: &str, call: &str) -> rusqlite::Result<Option<Summary>> {
    let select = "SELECT summary FROM calls WHERE call = ?1 AND org = ?2";
    let mut query = connection.prepare_cached(select)?;
    let found = query.query_row(params![call, org], |row| Ok(serde_json::from_str(row.get_ref(0)?.as_str()?)));
    found.optional()?.transpose().map_err(unreadable)
}

/// All records of one call.
pub(in crate::store) fn records(connection: &Connection, org: &str, call: &str) -> rusqlite::Result<Vec<Record>> {
    // A call that is not in its table yet was first heard of a moment ago.
    let select = "SELECT body FROM records WHERE call = ?1 AND org = ?2 AND shelf IN ( \
                  SELECT shelf FROM calls WHERE call = ?1 AND org = ?2 \
                  UNION SELECT max(shelf) FROM records UNION SELECT max(shelf) - 1 FROM records) ORDER BY seq";
    let mut query = connection.prepare_cached(select)?;
    let mut rows = query.query(params![call, org])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(unreadable)?);
    }
    Ok(records)
}

/// A text in the file that is not what it should be.
pub(in crate::store) fn unreadable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}
