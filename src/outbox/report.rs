//! What the carrier says of texts after it took them: in any order, again and again, and sometimes before it has
//! answered that it took them.

use crate::app::messenger::ports::OutboxError;
use crate::outbox::keep;
use crate::outbox::work::{Work, given, one, run};

/// What is told of texts that are not ours is forgotten after so many seconds.
const WEEK: i64 = 7 * 86_400;

/// How far a text has come in such a state; a smaller number is never news.
fn rank(status: &str) -> i64 {
    match status {
        "accepted" | "scheduled" | "queued" => 1,
        "sending" => 2,
        "sent" => 3,
        "delivered" | "undelivered" | "failed" | "canceled" | "partially_delivered" => 4,
        "read" => 5,
        _ => 0,
    }
}

/// Takes in a report. That a receiver cannot be reached is remembered.
pub(in crate::outbox) async fn report(
    work: &mut dyn Work,
    (org, sid): (&str, &str),
    status: &str,
    code: Option<u32>,
    at: i64,
) -> Result<(), OutboxError> {
    let select = "SELECT receiver, status FROM texts WHERE sid = $1 AND org = $2";
    let Some(text) = one(work, select, &given![sid, org]).await? else {
        return early(work, (org, sid), status, code, at).await;
    };
    if rank(status) <= text.maybe_text(1).as_deref().map_or(0, rank) {
        return Ok(());
    }
    let reason = code.map(|code| format!("the carrier reports code {code}"));
    let update = "UPDATE texts SET status = $2, code = $3, reason = coalesce($4, reason) WHERE sid = $1";
    run(work, update, &given![sid, status, code, reason.as_ref()]).await?;
    match keep::unreachable(code) {
        Some(reason) => keep::refuse(work, org, &text.text(0)?, reason).await,
        None => Ok(()),
    }
}

/// A report of a text that is not known by that name, or not yet.
async fn early(
    work: &mut dyn Work,
    (org, sid): (&str, &str),
    status: &str,
    code: Option<u32>,
    at: i64,
) -> Result<(), OutboxError> {
    run(work, "DELETE FROM reports WHERE at < $1", &given![at - WEEK]).await?;
    let known = one(work, "SELECT status FROM reports WHERE org = $1 AND sid = $2", &given![org, sid]).await?;
    if rank(status) <= known.and_then(|row| row.maybe_text(0)).as_deref().map_or(0, rank) {
        return Ok(());
    }
    let insert = "INSERT INTO reports (org, sid, status, code, at) VALUES ($1, $2, $3, $4, $5) \
                  ON CONFLICT (org, sid) DO UPDATE SET status = excluded.status, code = excluded.code, at = excluded.at";
    run(work, insert, &given![org, sid, status, code, at]).await
}

/// A text has its name now: what was told of it before counts.
pub(in crate::outbox) async fn caught_up(work: &mut dyn Work, org: &str, sid: &str) -> Result<(), OutboxError> {
    let delete = "DELETE FROM reports WHERE org = $1 AND sid = $2 RETURNING status, code, at";
    let Some(row) = one(work, delete, &given![org, sid]).await? else { return Ok(()) };
    let code = row.maybe_number(1).and_then(|code| u32::try_from(code).ok());
    report(work, (org, sid), &row.text(0)?, code, row.number(2)?).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_ends_a_text_is_never_taken_back() {
        let order = ["strange", "queued", "sending", "sent", "delivered", "read"];
        assert!(order.map(rank).is_sorted());
        assert_eq!(rank("undelivered"), rank("delivered"), "the first of them counts");
    }
}
