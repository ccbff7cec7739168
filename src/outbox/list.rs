//! What the command line shows and does: the list of texts, and switches with every turn.

use rusqlite::params;

use crate::app::messenger::ports::{Entry, OutboxError};
use crate::outbox::desk::Desk;
use crate::outbox::keep;
use crate::tenant::switch::SwitchState;

/// A text in the list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// Its number in the list.
    pub id: i64,
    /// Whose.
    pub org: String,
    /// The call, or the text that it answers.
    pub call: String,
    /// Why it is sent.
    pub kind: String,
    /// Who gets it.
    pub to: String,
    /// `waiting`, `sending`, `unknown`, `sent`, `skipped` or `dead`.
    pub state: String,
    /// When it is due, in seconds since 1970.
    pub due: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// The carrier's name for it.
    pub sid: Option<String>,
}

/// One turn of a switch.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TurnLine {
    /// The switch.
    pub switch: String,
    /// Who.
    pub by: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// On or off; nothing for back at the default.
    pub on: Option<bool>,
    /// Until when.
    pub until: Option<i64>,
    /// Whether this took a turn back.
    pub undone: bool,
}

impl Desk {
    /// Texts in these states, newest first; all states for none.
    pub fn list(&self, org: Option<&str>, states: &[&str], most: u32) -> Result<Vec<Listed>, OutboxError> {
        let states = states.join(",");
        self.here(|connection| {
            let select = "SELECT id, org, call, kind, receiver, state, due, attempts, reason, sid FROM texts \
                          WHERE (?1 IS NULL OR org = ?1) AND (?2 = '' OR instr(',' || ?2 || ',', ',' || state || ',') > 0) \
                          ORDER BY id DESC LIMIT ?3";
            let mut query = connection.prepare(select)?;
            let rows = query.query_map(params![org, states, most], |row| {
                Ok(Listed {
                    id: row.get(0)?,
                    org: row.get(1)?,
                    call: row.get(2)?,
                    kind: row.get(3)?,
                    to: row.get(4)?,
                    state: row.get(5)?,
                    due: row.get(6)?,
                    attempts: row.get(7)?,
                    reason: row.get(8)?,
                    sid: row.get(9)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Lets a dead text try again, for an hour; whether there was one.
    pub fn retry(&self, id: i64, now: i64) -> Result<bool, OutboxError> {
        let update = "UPDATE texts SET state = 'waiting', due = ?2, expires = max(expires, ?2 + 3600), attempts = 0, \
                      looks = 0, changed = ?2 WHERE id = ?1 AND state IN ('dead', 'skipped', 'waiting')";
        self.here(|connection| connection.execute(update, params![id, now]).map(|changed| changed > 0))
    }

    /// Lets a text that was not sent never go out; whether there was one.
    pub fn discard(&self, id: i64, now: i64) -> Result<bool, OutboxError> {
        let update = "UPDATE texts SET state = 'skipped', reason = 'dropped by hand', changed = ?2 \
                      WHERE id = ?1 AND state IN ('dead', 'waiting', 'unknown')";
        self.here(|connection| connection.execute(update, params![id, now]).map(|changed| changed > 0))
    }

    /// The switches of an organization that were ever turned.
    pub fn switches_of(&self, org: &str) -> Result<Vec<SwitchState>, OutboxError> {
        let all = self.here(|connection| keep::switches(connection))?;
        Ok(all.into_iter().filter(|state| state.org.as_str() == org).collect())
    }

    /// Keeps how a switch stands now.
    pub fn turn(&self, state: &SwitchState, by: &str, at: i64, undone: bool) -> Result<(), OutboxError> {
        let entry = Entry::Switch { state: state.clone(), by: by.to_owned(), at, undone };
        self.here(|connection| {
            let transaction = connection.transaction()?;
            keep::keep(&transaction, &entry)?;
            transaction.commit()
        })
    }

    /// The latest turns of an organization's switches, newest first.
    pub fn turns(&self, org: &str, most: u32) -> Result<Vec<TurnLine>, OutboxError> {
        self.here(|connection| {
            let select =
                "SELECT switch, by, at, state, until, undone FROM turns WHERE org = ?1 ORDER BY id DESC LIMIT ?2";
            let mut query = connection.prepare(select)?;
            let rows = query.query_map(params![org, most], |row| {
                Ok(TurnLine {
                    switch: row.get(0)?,
                    by: row.get(1)?,
                    at: row.get(2)?,
                    on: row.get(3)?,
                    until: row.get(4)?,
                    undone: row.get(5)?,
                })
            })?;
            rows.collect()
        })
    }
}
