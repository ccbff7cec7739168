//! The tables in PostgreSQL that many nodes share.
//!
//! Nothing here waits longer than a few seconds: a server that is away, frozen or slow is an error, and found again by
//! itself when it is back. What waits to be kept meanwhile waits in each node's journal.

use std::time::Duration;

use bytes::BytesMut;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Transaction};
use tokio::sync::Mutex;
use tokio_postgres::Config;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::app::messenger::ports::OutboxError;
use crate::database::{self, Address, AddressError, Steps, Tls, told};
use crate::outbox::work::{Done, Row, Value, Work};

mod migrations {
    //! The steps to the current form, compiled in.
    refinery::embed_migrations!("src/outbox/migrations/postgres");
}

const STEPS: Steps = Steps { history: "ringfall_outbox_migrations", runner: migrations::migrations::runner };

/// Connections of one node.
const CONNECTIONS: usize = 4;

/// How long one deed may take, all in all.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long each statement may take, so that the server stops working on what nobody waits for.
const STATEMENT: &str = "4500";

/// How long a node may sleep inside a transaction, which others wait for.
const IDLE: &str = "10000";

/// The way there.
pub(in crate::outbox) struct Postgres {
    pool: Pool,
    config: Config,
    tls: Tls,
    /// Whether the tables were found to have their current form.
    formed: Mutex<bool>,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Postgres")
    }
}

fn away(error: &tokio_postgres::Error) -> OutboxError {
    OutboxError(format!("PostgreSQL: {}", told(error)))
}

impl Postgres {
    /// Tables at this address. They are reached, and brought to their current form, when they are needed.
    pub(in crate::outbox) fn at(address: &Address) -> Result<Self, AddressError> {
        let (config, tls) = (address.config(), address.tls()?);
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config.clone(), tls.clone(), manager);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()
            .map_err(|error| AddressError::Unusable(error.to_string()))?;
        Ok(Self { pool, config, tls, formed: Mutex::new(false) })
    }

    /// Does all of the deed for that organization, or nothing; in time, or not as far as is known.
    pub(in crate::outbox) async fn done<T: Send>(
        &self,
        whose: &str,
        deed: impl for<'w> FnOnce(&'w mut dyn Work) -> Done<'w, T> + Send,
    ) -> Result<T, OutboxError> {
        let late = |_late| Err(OutboxError("PostgreSQL does not answer in time".to_owned()));
        tokio::time::timeout(PATIENCE, self.tried(whose, deed)).await.unwrap_or_else(late)
    }

    async fn tried<T: Send>(
        &self,
        whose: &str,
        deed: impl for<'w> FnOnce(&'w mut dyn Work) -> Done<'w, T> + Send,
    ) -> Result<T, OutboxError> {
        self.form().await?;
        let lent = self.pool.get().await.map_err(|error| OutboxError(format!("PostgreSQL: {error}")))?;
        let mut lent = Lent(Some(lent));
        let client = lent.0.as_mut().ok_or_else(|| OutboxError("the connection is gone".to_owned()))?;
        let transaction = client.transaction().await.map_err(|error| away(&error))?;
        let begin = "SELECT set_config('ringfall.org', $1, true), set_config('statement_timeout', $2, true), \
                     set_config('idle_in_transaction_session_timeout', $3, true)";
        transaction.execute(begin, &[&whose, &STATEMENT, &IDLE]).await.map_err(|error| away(&error))?;
        let done = deed(&mut There(&transaction)).await?;
        transaction.commit().await.map_err(|error| away(&error))?;
        // Only a connection whose transaction ended well is used again.
        drop(lent.0.take());
        Ok(done)
    }

    /// Makes sure that the tables are there; asked again and again until it has succeeded once.
    async fn form(&self) -> Result<(), OutboxError> {
        let mut formed = self.formed.lock().await;
        if *formed {
            return Ok(());
        }
        let (mut client, connection) = self.config.connect(self.tls.clone()).await.map_err(|error| away(&error))?;
        let driver = tokio::spawn(connection);
        let done = database::bring_up(&mut client, &STEPS).await;
        driver.abort();
        done.map_err(OutboxError)?;
        *formed = true;
        Ok(())
    }
}

/// A connection of the pool, which is closed unless it is given back.
struct Lent(Option<Object>);

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

/// The transaction on the server.
struct There<'t>(&'t Transaction<'t>);

impl Work for There<'_> {
    fn rows<'a>(&'a mut self, sql: &'a str, given: &'a [Value]) -> Done<'a, Vec<Row>> {
        Box::pin(async move {
            let statement = self.0.prepare_cached(sql).await.map_err(|error| away(&error))?;
            let given: Vec<_> = given.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            let found = self.0.query(&statement, &given).await.map_err(|error| away(&error))?;
            found.iter().map(read).collect()
        })
    }

    fn skips(&self) -> &'static str {
        " FOR UPDATE SKIP LOCKED"
    }

    fn stands_for<'a>(&'a mut self, org: &'a str) -> Done<'a, ()> {
        Box::pin(async move {
            let say = "SELECT set_config('ringfall.org', $1, true)";
            self.0.execute(say, &[&org]).await.map(drop).map_err(|error| away(&error))
        })
    }

    fn alone<'a>(&'a mut self, org: &'a str) -> Done<'a, ()> {
        Box::pin(async move {
            let lock = "SELECT set_config('ringfall.org', $1, true), \
                        pg_advisory_xact_lock(hashtextextended('ringfall outbox ' || $1, 0))";
            self.0.execute(lock, &[&org]).await.map(drop).map_err(|error| away(&error))
        })
    }
}

fn read(row: &tokio_postgres::Row) -> Result<Row, OutboxError> {
    let value = |(place, column): (usize, &tokio_postgres::Column)| {
        let value = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(place).map(Value::from),
            Type::INT4 => row.try_get::<_, Option<i32>>(place).map(|it| Value::from(it.map(i64::from))),
            _ => row.try_get::<_, Option<&str>>(place).map(Value::from),
        };
        value.map_err(|error| away(&error))
    };
    row.columns().iter().enumerate().map(value).collect::<Result<_, _>>().map(Row)
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Number(number) if *kind == Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
            Self::Number(number) => number.to_sql(kind, out),
            // The one letter that it knows no form of; whoever sends us one must not keep all others from being told.
            Self::Text(text) if text.contains('\0') => text.replace('\0', "\u{fffd}").to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT4 | Type::INT8 | Type::TEXT | Type::VARCHAR)
    }

    to_sql_checked!();
}
