//! What is kept: texts, calls, wishes, switches and reports.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::app::messenger::ports::Entry;
use crate::outreach::draft::Draft;
use crate::tenant::switch::SwitchState;

pub(in crate::outbox) fn keep(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    match entry {
        Entry::Draft { org, call, draft } => text(transaction, org, call, draft),
        Entry::Case { org, case } => {
            let insert = "INSERT INTO cases (org, call, caller, called, at) VALUES (?1, ?2, ?3, ?4, ?5) \
                          ON CONFLICT (org, call) DO NOTHING";
            let row = params![org, case.call, case.caller, case.called, case.at];
            transaction.prepare_cached(insert)?.execute(row).map(drop)
        }
        Entry::Taken { org, call, by, at } => {
            let update =
                "UPDATE cases SET taken_by = ?3, taken_at = ?4 WHERE org = ?1 AND call = ?2 AND taken_by IS NULL";
            transaction.prepare_cached(update)?.execute(params![org, call, by, at]).map(drop)
        }
        Entry::Wish { org, number, refused: Some(reason) } => refuse(transaction, org, number, reason),
        Entry::Wish { org, number, refused: None } => {
            let delete = "DELETE FROM refused WHERE org = ?1 AND number = ?2";
            transaction.prepare_cached(delete)?.execute(params![org, number]).map(drop)
        }
        Entry::Switch { state, by, at, undone } => switch(transaction, state, by, *at, *undone),
        Entry::Report { sid, status, error } => report(transaction, sid, status, *error),
    }
}

fn text(transaction: &Transaction<'_>, org: &str, call: &str, draft: &Draft) -> rusqlite::Result<()> {
    let insert = "INSERT INTO texts (org, call, key, kind, sender, receiver, body, state, due, expires, unless_taken, \
                  reason, made, changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13) \
                  ON CONFLICT (org, call, key) DO NOTHING";
    let from = draft.from.as_ref().map_or("", |number| number.as_str());
    let state = if draft.refused.is_some() { "dead" } else { "waiting" };
    let expires = draft.due + draft.kind.worth();
    let row = params![
        org,
        call,
        draft.key,
        draft.kind.word(),
        from,
        draft.to,
        draft.body,
        state,
        draft.due,
        expires,
        draft.unless_taken,
        draft.refused,
        draft.due,
    ];
    transaction.prepare_cached(insert)?.execute(row).map(drop)
}

/// Nothing goes to this number any more.
pub(in crate::outbox) fn refuse(
    transaction: &Transaction<'_>,
    org: &str,
    number: &str,
    reason: &str,
) -> rusqlite::Result<()> {
    let insert = "INSERT INTO refused (org, number, reason) VALUES (?1, ?2, ?3) \
                  ON CONFLICT (org, number) DO UPDATE SET reason = excluded.reason";
    transaction.prepare_cached(insert)?.execute(params![org, number, reason]).map(drop)
}

fn switch(transaction: &Transaction<'_>, state: &SwitchState, by: &str, at: i64, undone: bool) -> rusqlite::Result<()> {
    let text = serde_json::to_string(state).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let insert = "INSERT INTO switches (org, switch, state) VALUES (?1, ?2, ?3) \
                  ON CONFLICT (org, switch) DO UPDATE SET state = excluded.state";
    transaction.prepare_cached(insert)?.execute(params![state.org.as_str(), state.switch, text])?;
    let now = state.now.as_ref();
    let until = now.and_then(|setting| setting.until).map(|until| until.timestamp().as_second());
    let on = now.map(|setting| setting.on);
    let insert = "INSERT INTO turns (org, switch, by, at, state, until, undone) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let row = params![state.org.as_str(), state.switch, by, at, on, until, undone];
    transaction.prepare_cached(insert)?.execute(row).map(drop)
}

pub(in crate::outbox) fn switches(connection: &Connection) -> rusqlite::Result<Vec<SwitchState>> {
    let mut query = connection.prepare_cached("SELECT state FROM switches ORDER BY org, switch")?;
    let rows = query.query_map([], |row| row.get::<_, String>(0))?;
    let read = |text: rusqlite::Result<String>| {
        serde_json::from_str(&text?)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))
    };
    rows.map(read).collect()
}

/// The switch that this one turned last, unless somebody turned it since.
pub(in crate::outbox) fn last_turn(connection: &Connection, org: &str, by: &str) -> rusqlite::Result<Option<String>> {
    let select = "SELECT switch FROM turns t WHERE org = ?1 AND by = ?2 AND undone = 0 AND NOT EXISTS \
                  (SELECT 1 FROM turns u WHERE u.org = ?1 AND u.switch = t.switch AND u.id > t.id) \
                  ORDER BY id DESC LIMIT 1";
    connection.prepare_cached(select)?.query_row(params![org, by], |row| row.get(0)).optional()
}

/// What the carrier says of a text of ours; a receiver who cannot be reached is remembered.
fn report(transaction: &Transaction<'_>, sid: &str, status: &str, error: Option<u32>) -> rusqlite::Result<()> {
    let select = "SELECT org, receiver FROM texts WHERE sid = ?1";
    let found = transaction.prepare_cached(select)?.query_row([sid], |row| Ok((row.get(0)?, row.get(1)?)));
    let found: Option<(String, String)> = found.optional()?;
    let Some((org, receiver)) = found else { return Ok(()) };
    let reason = error.map(|code| format!("the carrier reports code {code}"));
    let update = "UPDATE texts SET status = ?2, reason = coalesce(?3, reason) WHERE sid = ?1";
    transaction.prepare_cached(update)?.execute(params![sid, status, reason])?;
    match unreachable(error) {
        Some(reason) => refuse(transaction, &org, &receiver, reason),
        None => Ok(()),
    }
}

/// What a carrier's code says of the receiver, for good.
pub(in crate::outbox) const fn unreachable(code: Option<u32>) -> Option<&'static str> {
    match code {
        Some(21610) => Some("opted out with STOP"),
        Some(21614 | 30006) => Some("a landline, or not to be reached by text"),
        Some(_) | None => None,
    }
}
