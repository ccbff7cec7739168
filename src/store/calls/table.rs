//! The table of calls.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::audit::summary::Summary;
use crate::store::body;
use crate::store::calls::{Open, Step};

const CURSOR: &str = "calls";

/// How far the table has come.
pub(super) fn cursor(connection: &Connection) -> rusqlite::Result<i64> {
    let cursor = connection.query_row("SELECT seq FROM cursors WHERE name = ?1", [CURSOR], |row| row.get(0));
    Ok(cursor.optional()?.unwrap_or_default())
}

/// Tells how far the table has come.
pub(super) fn set_cursor(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    let cursor = "INSERT INTO cursors (name, seq) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq";
    connection.prepare_cached(cursor)?.execute(params![CURSOR, seq])?;
    Ok(())
}

/// Writes the call, and tells its row.
pub(super) fn save(connection: &Connection, open: &Open, due: i64) -> rusqlite::Result<i64> {
    let call = &open.summary;
    let summary = body::column(call)?;
    let records = body::places(open.steps.iter().map(|step| step.seq));
    let answered = call.answered.as_ref();
    let by = answered.and_then(|answered| answered.by.as_deref());
    let at = answered.map(|answered| answered.at_us);
    if let Some(id) = open.id {
        let update = "UPDATE calls SET line = ?2, caller = ?3, began = ?4, answered_by = ?5, answered_at = ?6, \
                      waited = ?7, ended = ?8, due = ?9, closed_at = ?10, records = ?11, summary = ?12 WHERE id = ?1";
        connection.prepare_cached(update)?.execute(params![
            id,
            call.line,
            call.caller,
            call.began_us,
            by,
            at,
            call.waited,
            call.end,
            due,
            call.closed_us,
            records,
            summary
        ])?;
        return Ok(id);
    }
    let insert = "INSERT INTO calls (org, call, line, caller, began, answered_by, answered_at, waited, ended, due, \
                  closed_at, records, summary) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                  ON CONFLICT (call, org) DO UPDATE SET summary = excluded.summary, records = excluded.records, \
                  due = excluded.due, ended = excluded.ended, closed_at = excluded.closed_at RETURNING id";
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
            records,
            summary
        ],
        |row| row.get(0),
    )
}

/// The call as it was left.
pub(super) fn load(connection: &Connection, call: &str, org: &str) -> rusqlite::Result<Option<Open>> {
    let select = "SELECT id, summary, records FROM calls WHERE call = ?1 AND org = ?2";
    let mut query = connection.prepare_cached(select)?;
    let found = query.query_row(params![call, org], |row| {
        let summary = body::decode(row.get_ref(1)?.as_blob()?)?;
        let records: Vec<i64> = body::read_places(row.get_ref(2)?.as_blob()?).collect();
        Ok((Open { id: Some(row.get(0)?), summary, ..Open::default() }, records))
    });
    let Some((mut open, records)) = found.optional()? else { return Ok(None) };
    let mut step = connection.prepare_cached("SELECT step FROM records WHERE seq = ?1")?;
    for seq in records {
        let name = step.query_row([seq], |row| Ok(Box::from(row.get_ref(0)?.as_str()?))).optional()?;
        open.steps.extend(name.map(|name| Step { name, seq }));
    }
    Ok(Some(open))
}

/// The row of the call.
pub(super) fn find(connection: &Connection, call: &Summary) -> rusqlite::Result<Option<i64>> {
    let select = "SELECT id FROM calls WHERE call = ?1 AND org = ?2";
    connection.prepare_cached(select)?.query_row(params![call.call, call.org], |row| row.get(0)).optional()
}

/// Shows calls that are to be closed by now and stand behind that place, some at once, each with call and organization as
/// one name, and its row for whoever does not have the call at hand. Tells the place of the last, unless that were all.
pub(super) fn each_due(
    connection: &Connection,
    (after, row): (i64, i64),
    (now_us, most): (i64, u32),
    mut show: impl FnMut(&str, Left<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<Option<(i64, i64)>> {
    let due = "SELECT call || ' ' || org, summary, due, id FROM calls \
               WHERE closed_at IS NULL AND (due, id) > (?1, ?2) AND due <= ?3 ORDER BY due, id LIMIT ?4";
    let mut query = connection.prepare_cached(due)?;
    let mut rows = query.query(params![after, row, now_us, most])?;
    let (mut shown, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        show(row.get_ref(0)?.as_str()?, Left(row.get_ref(1)?.as_blob()?))?;
        shown += 1;
        last = Some((row.get(2)?, row.get(3)?));
    }
    Ok(last.filter(|_| shown == most))
}

/// A call as the table has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left<'a>(&'a [u8]);

impl Left<'_> {
    /// The call.
    pub(super) fn read(self) -> rusqlite::Result<Summary> {
        body::decode(self.0)
    }
}
