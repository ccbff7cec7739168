//! The trail of all nodes in one table of PostgreSQL: records are put there in batches, and read by call, by
//! organization and by time.
//!
//! A record stands there once, however often it is sent: its name and its time are its key. Each month is a partition
//! of its own, made ahead by whoever comes first.

mod bind;
mod forget;
mod keep;
mod proof;
mod read;
mod row;
mod runs;
mod ship;

use std::time::Duration;

use tokio::task::AbortHandle;
use tokio_postgres::{Client, Config};

use crate::database::{self, Address, AddressError, Steps, Tls};

pub use crate::merged::bind::{Known, print};
pub use crate::merged::forget::erase;
pub use crate::merged::keep::{Gone, Terms, let_go};
pub use crate::merged::proof::{Chain, Chosen, Faulty, Proof, Proved, Step, Told};
pub use crate::merged::read::{Asked, Places, Reader};
pub use crate::merged::row::Row;
pub use crate::merged::ship::{Refused, Shipper};

mod migrations {
    //! The steps to the current form, compiled in.
    refinery::embed_migrations!("src/merged/migrations/steps");
}

const STEPS: Steps = Steps { history: "ringfall_audit_migrations", runner: migrations::migrations::runner };

/// All chains: from one name to the next, so that not every row is looked at.
const CHAINS: &str = "WITH RECURSIVE chains AS ((SELECT node, key FROM audit_checkpoints ORDER BY node, key LIMIT 1) \
    UNION ALL SELECT next.node, next.key FROM chains, LATERAL (SELECT node, key FROM audit_checkpoints AS later \
    WHERE (later.node, later.key) > (chains.node, chains.key) ORDER BY node, key LIMIT 1) AS next) \
    SELECT node, key FROM chains";

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);

/// Where the trail is.
#[derive(Clone)]
struct Way {
    config: Config,
    tls: Tls,
}

/// A connection that works; what drives it ends with it.
struct Link {
    client: Client,
    driver: AbortHandle,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Way {
    fn to(address: &Address) -> Result<Self, AddressError> {
        Ok(Self { config: address.config(), tls: address.tls()? })
    }

    /// Connects, for everybody's records, with so many milliseconds for each statement.
    async fn connect(&self, patience: Duration) -> Result<Link, String> {
        let connecting = tokio::time::timeout(CONNECTING, self.config.connect(self.tls.clone()));
        let connected = connecting.await.map_err(|_late| "no connection in time".to_owned())?;
        let (client, connection) = connected.map_err(|error| database::told(&error))?;
        let driver = tokio::spawn(async move {
            // Whoever asks hears of it.
            drop(connection.await);
        });
        let link = Link { client, driver: driver.abort_handle() };
        let say = format!("SET ringfall.org = '@platform'; SET statement_timeout = {}", patience.as_millis());
        let said = tokio::time::timeout(CONNECTING, link.client.batch_execute(&say)).await;
        said.map_err(|_late| "no answer in time".to_owned())?.map_err(|error| database::told(&error))?;
        Ok(link)
    }
}
