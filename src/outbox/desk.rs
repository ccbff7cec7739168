//! The file, and the port over it.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use crate::app::messenger::ports::{Became, Delivery, Entry, Outbox, OutboxError, Place, Room, Told, Waiting};
use crate::app::ports::Later;
use crate::model::phone::E164;
use crate::outbox::{claim, keep};
use crate::outreach::effects::Case;
use crate::tenant::switch::SwitchState;

mod migrations {
    //! The steps to the current form, compiled in.
    refinery::embed_migrations!("src/outbox/migrations");
}

/// The name in the data folder.
const NAME: &str = "outbox.db";

/// How long a command or the service waits for the other's writing.
const BUSY: Duration = Duration::from_secs(5);

/// Why the outbox cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open `{}`: {detail}; let this user write to it, or choose another folder with `--data`", file.display())]
pub struct OpenError {
    file: PathBuf,
    detail: String,
}

/// The outbox.
#[derive(Debug, Clone)]
pub struct Desk {
    connection: Arc<Mutex<Connection>>,
}

impl Desk {
    /// Opens the outbox in the data folder, making it if need be.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let file = data.join(NAME);
        let because = |detail: String| OpenError { file: file.clone(), detail };
        DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|error| because(error.to_string()))?;
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&file);
        made.map_err(|error| because(error.to_string()))?;
        let connection = connect(&file).map_err(|error| because(error.to_string()))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Does something with the file, here and now.
    pub(crate) fn here<T>(&self, deed: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, OutboxError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        deed(&mut connection).map_err(|error| OutboxError(error.to_string()))
    }

    /// The same, on a thread that may wait.
    fn aside<T: Send + 'static>(
        &self,
        deed: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Later<'static, Result<T, OutboxError>> {
        let desk = self.clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || desk.here(deed)).await;
            done.map_err(|error| OutboxError(error.to_string()))?
        })
    }
}

fn connect(file: &Path) -> Result<Connection, Box<dyn std::error::Error>> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.set_prepared_statement_cache_capacity(64);
    migrations::migrations::runner().run(&mut connection)?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    Ok(connection)
}

impl Outbox for Desk {
    fn place(&self) -> Later<'_, Result<Place, OutboxError>> {
        self.aside(|connection| {
            let select = "SELECT record, effect FROM place";
            let place = connection.query_row(select, [], |row| Ok(Place { record: row.get(0)?, effect: row.get(1)? }));
            Ok(place.optional()?.unwrap_or_default())
        })
    }

    fn keep(&self, entries: Vec<Entry>, place: Option<Place>) -> Later<'_, Result<(), OutboxError>> {
        if entries.is_empty() && place.is_none() {
            return Box::pin(async { Ok(()) });
        }
        self.aside(move |connection| {
            let transaction = connection.transaction()?;
            entries.iter().try_for_each(|entry| keep::keep(&transaction, entry))?;
            if let Some(place) = place {
                let insert = "INSERT INTO place (one, record, effect) VALUES (1, ?1, ?2) \
                              ON CONFLICT (one) DO UPDATE SET record = excluded.record, effect = excluded.effect";
                transaction.prepare_cached(insert)?.execute(params![place.record, place.effect])?;
            }
            transaction.commit()
        })
    }

    fn claim(&self, room: Room) -> Later<'_, Result<Vec<Delivery>, OutboxError>> {
        self.aside(move |connection| claim::claim(connection, &room))
    }

    fn settle(&self, id: i64, became: Became, now: i64) -> Later<'_, Result<(), OutboxError>> {
        self.aside(move |connection| claim::settle(connection, id, &became, now))
    }

    fn recover(&self, now: i64) -> Later<'_, Result<usize, OutboxError>> {
        self.aside(move |connection| {
            let update = "UPDATE texts SET state = 'unknown', due = ?1, changed = ?1 WHERE state = 'sending'";
            connection.execute(update, [now])
        })
    }

    fn cases<'a>(&'a self, org: &'a str, number: &'a E164, since: i64) -> Later<'a, Result<Vec<Told>, OutboxError>> {
        let (org, number) = (org.to_owned(), number.to_string());
        self.aside(move |connection| {
            let select = "SELECT c.call, c.caller, c.called, c.at, c.taken_by FROM cases c \
                          WHERE c.org = ?1 AND c.at >= ?3 AND EXISTS (SELECT 1 FROM texts t \
                          WHERE t.org = ?1 AND t.call = c.call AND t.receiver = ?2 AND t.kind = 'missed') \
                          ORDER BY c.at DESC, c.call LIMIT 100";
            let mut query = connection.prepare_cached(select)?;
            let rows = query.query_map(params![org, number, since], |row| {
                let case = Case { call: row.get(0)?, caller: row.get(1)?, called: row.get(2)?, at: row.get(3)? };
                Ok(Told { case, taken_by: row.get(4)? })
            })?;
            rows.collect()
        })
    }

    fn case<'a>(&'a self, org: &'a str, call: &'a str) -> Later<'a, Result<Option<Case>, OutboxError>> {
        let (org, call) = (org.to_owned(), call.to_owned());
        self.aside(move |connection| {
            let select = "SELECT call, caller, called, at FROM cases WHERE org = ?1 AND call = ?2";
            let case = connection.query_row(select, params![org, call], |row| {
                Ok(Case { call: row.get(0)?, caller: row.get(1)?, called: row.get(2)?, at: row.get(3)? })
            });
            case.optional()
        })
    }

    fn others<'a>(&'a self, org: &'a str, call: &'a str, but: &'a E164) -> Later<'a, Result<Vec<E164>, OutboxError>> {
        let (org, call, but) = (org.to_owned(), call.to_owned(), but.to_string());
        self.aside(move |connection| {
            // Whoever has not been told of the call needs not hear that it was taken.
            let select = "SELECT DISTINCT receiver FROM texts WHERE org = ?1 AND call = ?2 AND kind = 'missed' \
                          AND receiver <> ?3 AND state IN ('sending', 'unknown', 'sent') ORDER BY receiver";
            let mut query = connection.prepare_cached(select)?;
            let rows = query.query_map(params![org, call, but], |row| row.get::<_, String>(0))?;
            let numbers: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
            Ok(numbers.iter().filter_map(|number| E164::parse(number).ok()).collect())
        })
    }

    fn switches(&self) -> Later<'_, Result<Vec<SwitchState>, OutboxError>> {
        self.aside(|connection| keep::switches(connection))
    }

    fn switches_version(&self) -> Later<'_, Result<i64, OutboxError>> {
        self.aside(|connection| connection.query_row("SELECT coalesce(max(id), 0) FROM turns", [], |row| row.get(0)))
    }

    fn last_turn<'a>(&'a self, org: &'a str, by: &'a str) -> Later<'a, Result<Option<String>, OutboxError>> {
        let (org, by) = (org.to_owned(), by.to_owned());
        self.aside(move |connection| keep::last_turn(connection, &org, &by))
    }

    fn kept<'a>(
        &'a self,
        org: &'a str,
        call: &'a str,
        key: &'a str,
    ) -> Later<'a, Result<Option<Waiting>, OutboxError>> {
        let (org, call, key) = (org.to_owned(), call.to_owned(), key.to_owned());
        self.aside(move |connection| {
            let select = "SELECT key, sender, receiver, body, state, reason, sid, status, attempts, due, expires \
                          FROM texts WHERE org = ?1 AND call = ?2 AND key = ?3";
            let kept = connection.query_row(select, params![org, call, key], |row| {
                Ok(Waiting {
                    key: row.get(0)?,
                    from: row.get(1)?,
                    to: row.get(2)?,
                    body: row.get(3)?,
                    state: row.get(4)?,
                    reason: row.get(5)?,
                    sid: row.get(6)?,
                    status: row.get(7)?,
                    attempts: row.get(8)?,
                    due: row.get(9)?,
                    expires: row.get(10)?,
                })
            });
            kept.optional()
        })
    }

    fn counts(&self) -> Later<'_, Result<Vec<(String, u64)>, OutboxError>> {
        self.aside(|connection| {
            // States that end are many and uninteresting; dead ones are few and worth a look.
            let select = "SELECT state, count(*) FROM texts WHERE state IN ('waiting', 'unknown') GROUP BY state \
                          UNION ALL SELECT 'dead', count(*) FROM texts WHERE state = 'dead'";
            let mut query = connection.prepare_cached(select)?;
            let rows = query.query_map([], |row| {
                let count: i64 = row.get(1)?;
                Ok((row.get(0)?, u64::try_from(count).unwrap_or_default()))
            })?;
            rows.collect()
        })
    }
}
