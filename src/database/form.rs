//! Brings a database to the form that its tables have now, once, whoever of many nodes comes first.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::database::told;

/// The lock that a node holds while it takes the steps: `ringfall` in numbers.
const LOCK: i64 = 0x72_69_6e_67_66_61_6c_6c;

/// The steps to the current form of some tables.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    /// The table in which the steps taken so far stand.
    pub history: &'static str,
    /// The steps, compiled in.
    pub runner: fn() -> refinery::Runner,
}

impl Steps {
    fn known(&self) -> i64 {
        (self.runner)().get_migrations().iter().map(refinery::Migration::version).max().map_or(0, i64::from)
    }
}

/// Whether the role of this connection sees and writes everything, whatever row-level security says.
pub async fn passes_by_the_wall(client: &Client) -> Result<bool, String> {
    let wall = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
    Ok(client.query_one(wall, &[]).await.map_err(|error| told(&error))?.get(0))
}

/// Takes the steps that are missing.
pub async fn bring_up(client: &mut Client, steps: &Steps) -> Result<(), String> {
    let known = steps.known();
    if form(client, steps).await? == known {
        return Ok(());
    }
    // Held by the session: a node that dies on the way gives it back.
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(|error| told(&error))?;
    let done = under_the_lock(client, steps, known).await;
    // A connection that is gone has given it back.
    drop(client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await);
    done
}

async fn under_the_lock(client: &mut Client, steps: &Steps, known: i64) -> Result<(), String> {
    let found = form(client, steps).await?;
    if found > known {
        return Err(format!("it has form {found}, and this program knows forms up to {known}: run a newer one"));
    }
    if found < known {
        let mut runner = (steps.runner)();
        let done = runner.set_migration_table_name(steps.history).run_async(client).await;
        done.map_err(|error| format!("it cannot be brought to its current form: {error}"))?;
        tracing::info!(form = known, steps = steps.history, "the database was brought to its current form");
    }
    Ok(())
}

/// The form of the database: 0 for a new one.
async fn form(client: &Client, steps: &Steps) -> Result<i64, String> {
    let sql = format!("SELECT CAST(coalesce(max(version), 0) AS bigint) FROM {}", steps.history);
    match client.query_one(&sql, &[]).await {
        Ok(row) => Ok(row.get(0)),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(told(&error)),
    }
}
