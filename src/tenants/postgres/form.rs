//! Brings the database to its current form, once, whoever of many nodes comes first.

use std::sync::atomic::Ordering;

use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config};

use crate::app::tenancy::TenantError;
use crate::tenants::postgres::{State, Tls, unreachable_server};

mod migrations {
    //! The steps to the current form, compiled in.
    refinery::embed_migrations!("src/tenants/migrations/postgres");
}

/// The steps taken so far stand in this table.
const HISTORY: &str = "ringfall_tenants_migrations";

/// The lock that a node holds while it takes the steps: `ringfall` in numbers.
const LOCK: i64 = 0x72_69_6e_67_66_61_6c_6c;

/// Whether the form was found to be right.
pub(in crate::tenants::postgres) struct Form {
    config: Config,
    tls: Tls,
    reached: Mutex<bool>,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Form")
    }
}

impl Form {
    pub(in crate::tenants::postgres) fn new(config: Config, tls: Tls) -> Self {
        Self { config, tls, reached: Mutex::new(false) }
    }

    /// Makes sure of it; asked again and again until it has succeeded once.
    pub(in crate::tenants::postgres) async fn reached(&self, state: &State) -> Result<(), TenantError> {
        let mut reached = self.reached.lock().await;
        if *reached {
            return Ok(());
        }
        let (mut client, connection) =
            self.config.connect(self.tls.clone()).await.map_err(|error| unreachable_server(&error))?;
        let driver = tokio::spawn(connection);
        let done = bring_up(&mut client, state).await;
        driver.abort();
        done?;
        *reached = true;
        Ok(())
    }
}

async fn bring_up(client: &mut Client, state: &State) -> Result<(), TenantError> {
    let cannot = |error: tokio_postgres::Error| unreachable_server(&error);
    let wall = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
    let open: bool = client.query_one(wall, &[]).await.map_err(cannot)?.get(0);
    if open && !state.open_wall.swap(true, Ordering::AcqRel) {
        tracing::warn!("this role of PostgreSQL passes by row-level security: give the service one that does not");
    }
    if form(client).await? == known() {
        return Ok(());
    }
    // Held by the session: a node that dies on the way gives it back.
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(cannot)?;
    let found = form(client).await?;
    if found > known() {
        let known = known();
        let told = format!("it has form {found}, and this program knows forms up to {known}: run a newer one");
        return Err(TenantError::Unavailable(told));
    }
    if found < known() {
        let mut runner = migrations::migrations::runner();
        let done = runner.set_migration_table_name(HISTORY).run_async(client).await;
        done.map_err(|error| TenantError::Unavailable(format!("it cannot be brought to its current form: {error}")))?;
        tracing::info!(form = known(), "the database was brought to its current form");
    }
    Ok(())
}

fn known() -> i64 {
    let runner = migrations::migrations::runner();
    runner.get_migrations().iter().map(refinery::Migration::version).max().map_or(0, i64::from)
}

/// The form of the database: 0 for a new one.
async fn form(client: &Client) -> Result<i64, TenantError> {
    let sql = format!("SELECT CAST(coalesce(max(version), 0) AS bigint) FROM {HISTORY}");
    match client.query_one(&sql, &[]).await {
        Ok(row) => Ok(row.get(0)),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(unreachable_server(&error)),
    }
}
