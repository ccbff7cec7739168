//! What is kept: texts, calls, wishes, switches and reports.

use crate::app::messenger::ports::{Entry, OutboxError};
use crate::outbox::report;
use crate::outbox::work::{Work, given, one, run};
use crate::outreach::draft::Draft;
use crate::tenant::switch::SwitchState;

/// How long texts about switches are remembered, in seconds: longer than what nodes share may be away.
const REMEMBERED: i64 = 30 * 86_400;

/// Keeps all of it, with the place in the journal of that node that it came from.
pub(in crate::outbox) async fn all(
    work: &mut dyn Work,
    node: &str,
    entries: &[Entry],
    place: Option<i64>,
) -> Result<(), OutboxError> {
    let mut whose = "";
    for entry in entries {
        if whose != entry.org() {
            whose = entry.org();
            work.stands_for(whose).await?;
        }
        keep(work, entry).await?;
    }
    let Some(place) = place else { return Ok(()) };
    let insert = "INSERT INTO reading (node, record) VALUES ($1, $2) \
                  ON CONFLICT (node) DO UPDATE SET record = excluded.record";
    run(work, insert, &given![node, place]).await
}

/// How far the node's journal has been read; nothing for one that was never read.
pub(in crate::outbox) async fn place(work: &mut dyn Work, node: &str) -> Result<Option<i64>, OutboxError> {
    let row = one(work, "SELECT record FROM reading WHERE node = $1", &given![node]).await?;
    row.map(|row| row.number(0)).transpose()
}

/// The name of this file, which no other has; it is drawn once.
pub(in crate::outbox) async fn identity(work: &mut dyn Work) -> Result<String, OutboxError> {
    let draw =
        "INSERT INTO identity (one, name) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET name = name RETURNING name";
    let fresh = uuid::Uuid::now_v7().simple().to_string();
    let row = one(work, draw, &given![&fresh]).await?;
    row.ok_or_else(|| OutboxError("it has no name".to_owned()))?.text(0)
}

async fn keep(work: &mut dyn Work, entry: &Entry) -> Result<(), OutboxError> {
    match entry {
        Entry::Draft { org, call, draft } => text(work, org, call, draft).await,
        Entry::Case { org, case } => {
            let insert = "INSERT INTO cases (org, call, caller, called, at) VALUES ($1, $2, $3, $4, $5) \
                          ON CONFLICT (org, call) DO NOTHING";
            run(work, insert, &given![org, &case.call, &case.caller, &case.called, case.at]).await
        }
        Entry::Taken { org, call, by, at } => {
            let update =
                "UPDATE cases SET taken_by = $3, taken_at = $4 WHERE org = $1 AND call = $2 AND taken_by IS NULL";
            run(work, update, &given![org, call, by, *at]).await
        }
        Entry::Wish { org, number, refused: Some(reason) } => refuse(work, org, number, reason).await,
        Entry::Wish { org, number, refused: None } => {
            run(work, "DELETE FROM refused WHERE org = $1 AND number = $2", &given![org, number]).await
        }
        Entry::Switch { state, by, at, undone } => switch(work, state, by, *at, *undone).await,
        Entry::Heeded { org, message, answer, at } => heed(work, (org, message), answer, *at).await,
        Entry::Report { org, sid, status, error, at } => report::report(work, (org, sid), status, *error, *at).await,
    }
}

async fn text(work: &mut dyn Work, org: &str, call: &str, draft: &Draft) -> Result<(), OutboxError> {
    let insert = "INSERT INTO texts (org, call, key, kind, sender, receiver, body, state, due, expires, unless_taken, \
                  reason, made, changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) \
                  ON CONFLICT (org, call, key) DO NOTHING";
    let from = draft.from.as_ref().map_or("", |number| number.as_str());
    let state = if draft.refused.is_some() { "dead" } else { "waiting" };
    let expires = draft.due + draft.kind.worth();
    let row = given![
        org,
        call,
        &draft.key,
        draft.kind.word(),
        from,
        &draft.to,
        &draft.body,
        state,
        draft.due,
        expires,
        draft.unless_taken,
        draft.refused.as_ref(),
        draft.due,
    ];
    run(work, insert, &row).await
}

/// Nothing goes to this number any more.
pub(in crate::outbox) async fn refuse(
    work: &mut dyn Work,
    org: &str,
    number: &str,
    reason: &str,
) -> Result<(), OutboxError> {
    let insert = "INSERT INTO refused (org, number, reason) VALUES ($1, $2, $3) \
                  ON CONFLICT (org, number) DO UPDATE SET reason = excluded.reason";
    run(work, insert, &given![org, number, reason]).await
}

/// Keeps how a switch stands, and the turn.
pub(in crate::outbox) async fn switch(
    work: &mut dyn Work,
    state: &SwitchState,
    by: &str,
    at: i64,
    undone: bool,
) -> Result<(), OutboxError> {
    let text = serde_json::to_string(state).map_err(|error| OutboxError(error.to_string()))?;
    let (org, switch) = (state.org.as_str(), &state.switch);
    let insert = "INSERT INTO switches (org, switch, state) VALUES ($1, $2, $3) \
                  ON CONFLICT (org, switch) DO UPDATE SET state = excluded.state";
    run(work, insert, &given![org, switch, &text]).await?;
    let now = state.now.as_ref();
    let until = now.and_then(|setting| setting.until).map(|until| until.timestamp().as_second());
    let on = now.map(|setting| setting.on);
    let insert = "INSERT INTO turns (org, switch, by, at, state, until, undone) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    run(work, insert, &given![org, switch, by, at, on, until, undone]).await
}

/// Remembers a text that was about a switch, and forgets those that nobody sends again.
async fn heed(work: &mut dyn Work, (org, message): (&str, &str), answer: &str, at: i64) -> Result<(), OutboxError> {
    run(work, "DELETE FROM heeded WHERE at < $1", &given![at - REMEMBERED]).await?;
    let insert = "INSERT INTO heeded (org, message, answer, at) VALUES ($1, $2, $3, $4) \
                  ON CONFLICT (org, message) DO NOTHING";
    run(work, insert, &given![org, message, answer, at]).await
}

/// The answer to a text that was heeded.
pub(in crate::outbox) async fn heeded(
    work: &mut dyn Work,
    org: &str,
    message: &str,
) -> Result<Option<String>, OutboxError> {
    let select = "SELECT answer FROM heeded WHERE org = $1 AND message = $2";
    Ok(one(work, select, &given![org, message]).await?.and_then(|row| row.maybe_text(0)))
}

pub(in crate::outbox) async fn switches(work: &mut dyn Work) -> Result<Vec<SwitchState>, OutboxError> {
    let rows = work.rows("SELECT state FROM switches ORDER BY org, switch", &[]).await?;
    let read = |text: String| serde_json::from_str(&text).map_err(|error| OutboxError(error.to_string()));
    rows.iter().map(|row| row.text(0).and_then(read)).collect()
}

/// The switch that this one turned last, unless somebody turned it since.
pub(in crate::outbox) async fn last_turn(
    work: &mut dyn Work,
    org: &str,
    by: &str,
) -> Result<Option<String>, OutboxError> {
    let select = "SELECT switch FROM turns t WHERE org = $1 AND by = $2 AND undone = 0 AND NOT EXISTS \
                  (SELECT 1 FROM turns u WHERE u.org = $1 AND u.switch = t.switch AND u.id > t.id) \
                  ORDER BY id DESC LIMIT 1";
    Ok(one(work, select, &given![org, by]).await?.and_then(|row| row.maybe_text(0)))
}

/// What a carrier's code says of the receiver, for good.
pub(in crate::outbox) const fn unreachable(code: Option<u32>) -> Option<&'static str> {
    match code {
        Some(21610) => Some("opted out with STOP"),
        Some(21614 | 30006) => Some("a landline, or not to be reached by text"),
        Some(_) | None => None,
    }
}
