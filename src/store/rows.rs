//! Records, keys and rule texts as rows.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Deserialize;

use crate::app::ports::RuleText;
use crate::audit::record::{Kind, Record};
use crate::store::body;

/// Where a record goes, and when.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Spot {
    /// The place in the trail.
    pub(in crate::store) seq: i64,
    /// Microseconds since 1970.
    pub(in crate::store) written_us: i64,
}

/// Writes a record with its keys.
pub(in crate::store) fn append(
    connection: &Connection,
    spot: Spot,
    record: &Record,
    body: &[u8],
) -> rusqlite::Result<()> {
    let Spot { seq, written_us } = spot;
    let insert = "INSERT INTO records (seq, written, kind, org, call, step, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let kind = record.kind.word();
    connection.prepare_cached(insert)?.execute(params![
        seq,
        written_us,
        kind,
        record.org,
        record.call,
        record.step,
        body
    ])?;
    if is_loose(record) {
        let insert = "INSERT INTO loose_steps (org, step, record) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(insert)?.execute(params![record.org, record.step, seq])?;
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
    Ok(())
}

/// Whether the record belongs to no call, and its request may come again all the same.
fn is_loose(record: &Record) -> bool {
    record.call.is_empty() && record.kind != Kind::Security
}

/// The place of the record of this step, when it belongs to no call; the calls know theirs.
pub(in crate::store) fn loose_place(connection: &Connection, record: &Record) -> rusqlite::Result<Option<i64>> {
    if !is_loose(record) {
        return Ok(None);
    }
    let select = "SELECT record FROM loose_steps WHERE org = ?1 AND step = ?2";
    connection.prepare_cached(select)?.query_row(params![record.org, record.step], |row| row.get(0)).optional()
}

/// What was answered by the record at that place, and when its request came in.
pub(in crate::store) fn answered(connection: &Connection, seq: i64) -> rusqlite::Result<(Option<String>, i64)> {
    #[derive(Deserialize)]
    struct Moment {
        us: i64,
    }
    #[derive(Deserialize)]
    struct Answer {
        twiml: Option<String>,
        received: Moment,
    }
    let mut query = connection.prepare_cached("SELECT body FROM records WHERE seq = ?1")?;
    let answer = query.query_row([seq], |row| Ok(body::decode::<Answer>(row.get_ref(0)?.as_blob()?)));
    // A body of a newer form has its answer under the same name; if not, the caller hears what was decided now.
    let answer = answer.optional()?.and_then(Result::ok);
    Ok(answer.map_or((None, i64::MAX), |answer| (answer.twiml, answer.received.us)))
}

/// The last place in the trail, and when it was written.
pub(in crate::store) fn last(connection: &Connection) -> rusqlite::Result<Spot> {
    let records = "SELECT seq, written FROM records ORDER BY seq DESC LIMIT 1";
    let last = connection.query_row(records, [], |row| Ok(Spot { seq: row.get(0)?, written_us: row.get(1)? }));
    let last = last.optional()?.unwrap_or(Spot { seq: 0, written_us: 0 });
    let cursors: i64 = connection.query_row("SELECT coalesce(max(seq), 0) FROM cursors", [], |row| row.get(0))?;
    Ok(Spot { seq: last.seq.max(cursors), ..last })
}

/// The cursor behind which a journal was begun, or went on after it was put back.
pub(in crate::store) const BEGUN: &str = "begun";

/// The next record gets a place behind this one.
pub(in crate::store) fn begin_behind(connection: &Connection, place: i64) -> rusqlite::Result<()> {
    let cursor = "INSERT INTO cursors (name, seq) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq";
    connection.execute(cursor, params![BEGUN, place])?;
    Ok(())
}

/// The place of the last record, even if it was let go or is of a journal before this one; 0 when there never was one.
pub(in crate::store) fn latest(connection: &Connection) -> rusqlite::Result<i64> {
    let select = "SELECT max(coalesce((SELECT max(seq) FROM records), 0), \
                  coalesce((SELECT max(seq) FROM cursors WHERE name LIKE 'retention%' OR name = ?1), 0))";
    connection.prepare_cached(select)?.query_row([BEGUN], |row| row.get(0))
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
    let unreadable = |error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    };
    files.optional()?.transpose().map_err(unreadable)
}
