//! The SQLite file in the data folder.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, TransactionBehavior};

use crate::app::messenger::ports::OutboxError;
use crate::database::sqlite::{alone, form};
use crate::outbox::work::{Done, Row, Value, Work};

mod migrations {
    //! The steps to the current form, compiled in.
    refinery::embed_migrations!("src/outbox/migrations/sqlite");
}

/// The name in the data folder.
pub(in crate::outbox) const NAME: &str = "outbox.db";

/// The steps taken so far stand in this table.
const STEPS: &str = "refinery_schema_history";

/// How long a command or the service waits for the other's writing.
const BUSY: Duration = Duration::from_secs(5);

/// The file.
#[derive(Debug, Clone)]
pub(in crate::outbox) struct File {
    connection: Arc<Mutex<Connection>>,
}

impl File {
    /// Opens it, making it if need be.
    pub(in crate::outbox) fn open(data: &Path) -> Result<Self, String> {
        let file = data.join(NAME);
        DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|error| error.to_string())?;
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&file);
        made.map_err(|error| error.to_string())?;
        let connection = connect(&file).map_err(|error| error.to_string())?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Does something with the file, here and now.
    pub(in crate::outbox) fn here<T>(
        &self,
        deed: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        deed(&mut connection).map_err(|error| failed(&error))
    }

    /// Does all of the deed, or nothing; here and now.
    pub(in crate::outbox) fn done<T>(
        &self,
        deed: impl for<'w> FnOnce(&'w mut dyn Work) -> Done<'w, T>,
    ) -> Result<T, OutboxError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| failed(&error))?;
        // Nothing in here waits for anything.
        let never = || Err(OutboxError("the file kept somebody waiting".to_owned()));
        let done = deed(&mut Here(&mut connection)).now_or_never().unwrap_or_else(never);
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = connection.execute_batch(end).map_err(|error| failed(&error));
        if ended.is_err() {
            // Whoever comes next must not find this one's transaction.
            drop(connection.execute_batch("ROLLBACK"));
        }
        let done = done?;
        ended.map(|()| done)
    }

    /// The same, on a thread that may wait.
    pub(in crate::outbox) fn aside<T: Send + 'static>(
        &self,
        deed: impl for<'w> FnOnce(&'w mut dyn Work) -> Done<'w, T> + Send + 'static,
    ) -> Done<'static, T> {
        let file = self.clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || file.done(deed)).await;
            done.map_err(|error| OutboxError(error.to_string()))?
        })
    }
}

/// The newest form that is known here.
fn known() -> i64 {
    let runner = migrations::migrations::runner();
    runner.get_migrations().iter().map(refinery::Migration::version).max().map_or(0, i64::from)
}

/// The form of the file in the folder, and the newest one known here; none when it cannot be looked at.
pub(in crate::outbox) fn forms(data: &Path) -> Option<(i64, i64)> {
    Some((form(&there(data)?, STEPS).ok()?, known()))
}

/// The last place in a journal that any node has read by this file; none when that cannot be told.
pub(in crate::outbox) fn read_up_to(data: &Path) -> Option<i64> {
    there(data)?.query_row("SELECT max(record) FROM reading", [], |row| row.get(0)).ok()?
}

/// The file in the folder as it is, if it is there and can be looked at.
fn there(data: &Path) -> Option<Connection> {
    let connection = Connection::open_with_flags(data.join(NAME), OpenFlags::SQLITE_OPEN_READ_WRITE).ok()?;
    connection.busy_timeout(BUSY).ok()?;
    Some(connection)
}

fn connect(file: &Path) -> Result<Connection, Box<dyn std::error::Error>> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.set_prepared_statement_cache_capacity(64);
    if form(&connection, STEPS)? != known() {
        alone(file, || -> Result<(), Box<dyn std::error::Error>> {
            // The engine refuses this at once where another program does it too, and waits for nobody.
            connection.pragma_update(None, "journal_mode", "wal")?;
            migrations::migrations::runner().run(&mut connection)?;
            Ok(())
        })??;
    }
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    Ok(connection)
}

fn failed(error: &rusqlite::Error) -> OutboxError {
    OutboxError(error.to_string())
}

/// The transaction that is open on the connection.
struct Here<'c>(&'c mut Connection);

impl Here<'_> {
    fn asked(&mut self, sql: &str, given: &[Value]) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.0.prepare_cached(&sql.replace('$', "?"))?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(given))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let value = |column| row.get_ref(column).map(Value::from);
            found.push(Row((0..columns).map(value).collect::<rusqlite::Result<_>>()?));
        }
        Ok(found)
    }
}

impl Work for Here<'_> {
    fn rows<'a>(&'a mut self, sql: &'a str, given: &'a [Value]) -> Done<'a, Vec<Row>> {
        let asked = self.asked(sql, given).map_err(|error| failed(&error));
        Box::pin(std::future::ready(asked))
    }

    fn skips(&self) -> &'static str {
        ""
    }

    fn stands_for<'a>(&'a mut self, _: &'a str) -> Done<'a, ()> {
        // The file is one machine's, and nobody else's statements reach it.
        Box::pin(std::future::ready(Ok(())))
    }

    fn alone<'a>(&'a mut self, _: &'a str) -> Done<'a, ()> {
        // The whole file is locked.
        Box::pin(std::future::ready(Ok(())))
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Integer(number) => Self::Number(number),
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Self::Null,
        }
    }
}
