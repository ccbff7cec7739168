//! Makes sure that the database has the current form, once.

use std::sync::atomic::Ordering;

use tokio::sync::Mutex;
use tokio_postgres::{Client, Config};

use crate::app::tenancy::TenantError;
use crate::database::{self, Steps, Tls};
use crate::tenants::postgres::{State, unreachable_server};

mod migrations {
    //! The steps to the current form, compiled in.
    refinery::embed_migrations!("src/tenants/migrations/postgres");
}

const STEPS: Steps = Steps { history: "ringfall_tenants_migrations", runner: migrations::migrations::runner };

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
        done.map_err(TenantError::Unavailable)?;
        *reached = true;
        Ok(())
    }
}

async fn bring_up(client: &mut Client, state: &State) -> Result<(), String> {
    if database::passes_by_the_wall(client).await? && !state.open_wall.swap(true, Ordering::AcqRel) {
        tracing::warn!("this role of PostgreSQL passes by row-level security: give the service one that does not");
    }
    database::bring_up(client, &STEPS).await
}
