//! What was settled so long ago that nobody is to find it any more.

use crate::app::messenger::ports::OutboxError;
use crate::outbox::work::{Work, given};

/// Rows that go at once: whoever waits for a text waits for these.
const PORTION: i64 = 500;

/// Lets go of some texts that were settled before that moment and of calls that people were told of before it, of one
/// organization or of all; how many.
pub(in crate::outbox) async fn let_go(
    work: &mut dyn Work,
    org: Option<&str>,
    before: i64,
) -> Result<usize, OutboxError> {
    let whose = if org.is_some() { "org = $3" } else { "org <> $3" };
    let texts = format!(
        "DELETE FROM texts WHERE id IN (SELECT id FROM texts WHERE state IN ('sent', 'skipped', 'dead') AND \
         changed < $1 AND {whose} LIMIT $2) RETURNING 1"
    );
    let cases = format!(
        "DELETE FROM cases WHERE (org, call) IN (SELECT org, call FROM cases WHERE at < $1 AND {whose} LIMIT $2) \
         RETURNING 1"
    );
    let org = org.unwrap_or_default();
    let mut gone = 0;
    for sql in [&texts, &cases] {
        gone += work.rows(sql, &given![before, PORTION, org]).await?.len();
    }
    Ok(gone)
}
