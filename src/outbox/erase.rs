//! Takes a person out of texts, calls, wishes and turns.

use std::sync::Arc;

use crate::app::messenger::ports::OutboxError;
use crate::audit::person::{ERASED, Whom};
use crate::outbox::desk::Desk;
use crate::outbox::work::{ALL, Value, Work, given};

/// The person, and the calls of theirs, each with its organization.
struct Person {
    caller: String,
    /// What stands for the caller within a text.
    digits: String,
    calls: Vec<(String, String)>,
}

impl Desk {
    /// Takes the person out of everything here, in the file and in what nodes share, and of texts about these calls
    /// (each with its organization); leaves nothing in the file's free room. A text that has not gone out never will.
    /// Tells how many rows named the person.
    pub async fn erase(&self, whom: &Whom, calls: &[(String, String)]) -> Result<usize, OutboxError> {
        let caller = whom.caller().to_owned();
        let digits = whom.digits().unwrap_or(&caller).to_owned();
        let person = Arc::new(Person { caller, digits, calls: calls.to_vec() });
        self.file().here(|connection| connection.pragma_update(None, "secure_delete", "on"))?;
        let (here, by) = (Arc::clone(&person), Arc::clone(&person));
        // A node that was given a database later has texts of before in its file.
        let mut rows = self.file().done(|work| Box::pin(async move { texts(work, &here).await }))?;
        rows += self.file().done(|work| Box::pin(async move { turns(work, &by.caller).await }))?;
        if rows > 0 {
            self.file().here(|connection| connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"))?;
        }
        if self.is_shared() {
            rows += self.with_texts(ALL, move |work| Box::pin(async move { texts(work, &person).await })).await?;
        }
        Ok(rows)
    }
}

async fn texts(work: &mut dyn Work, person: &Person) -> Result<usize, OutboxError> {
    let Person { caller, digits, calls } = person;
    let texts = "UPDATE texts SET body = $2, receiver = CASE receiver WHEN $1 THEN $2 ELSE receiver END, \
                 key = replace(key, $1, $2 || '-' || id), reason = CASE WHEN state IN ('waiting', 'unknown', 'sending') \
                 THEN 'the caller was erased' ELSE reason END, state = CASE WHEN state IN ('waiting', 'unknown', \
                 'sending') THEN 'skipped' ELSE state END WHERE ";
    let about = format!("{texts} org = $3 AND call = $4 AND body <> $2 RETURNING 1");
    let case = "UPDATE cases SET caller = $1 WHERE org = $2 AND call = $3 AND caller <> $1 RETURNING 1";
    let mut rows = 0;
    for (org, call) in calls {
        rows += changed(work, &about, &given![caller, ERASED, org, call]).await?;
        rows += changed(work, case, &given![ERASED, org, call]).await?;
    }
    let naming =
        format!("{texts} receiver = $1 OR replace(body, $3, '') <> body OR replace(key, $3, '') <> key RETURNING 1");
    rows += changed(work, &naming, &given![caller, ERASED, digits]).await?;
    for column in ["caller", "taken_by"] {
        let update = format!("UPDATE cases SET {column} = $2 WHERE {column} = $1 RETURNING 1");
        rows += changed(work, &update, &given![caller, ERASED]).await?;
    }
    rows += changed(work, "DELETE FROM refused WHERE number = $1 RETURNING 1", &given![caller]).await?;
    Ok(rows)
}

async fn turns(work: &mut dyn Work, caller: &str) -> Result<usize, OutboxError> {
    let by = "UPDATE turns SET by = $2 WHERE by = $1 RETURNING 1";
    let switches = "UPDATE switches SET state = replace(state, $1, $2) WHERE replace(state, $1, '') <> state \
                    RETURNING 1";
    Ok(changed(work, by, &given![caller, ERASED]).await? + changed(work, switches, &given![caller, ERASED]).await?)
}

/// How many rows the statement changed; it gives one back for each.
async fn changed(work: &mut dyn Work, sql: &str, given: &[Value]) -> Result<usize, OutboxError> {
    Ok(work.rows(sql, given).await?.len())
}
