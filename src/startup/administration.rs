//! The administration API beside the service: at its addresses, or on a listener of its own.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use anyhow::Context as _;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::admin::Office;
use crate::api::{self, Api};
use crate::app::access::Gatekeeper;
use crate::app::tenancy::Tenants;
use crate::app::{Allowance, App};
use crate::settings::Settings;
use crate::startup::carrier::Check;
use crate::startup::keys;
use crate::startup::names::Dns;
use crate::web::server::{self, Capacity};

/// Open connections to a listener of the API's own.
const CONNECTIONS: usize = 256;

/// Bytes of a body at most: a rule file with all that it includes.
const LARGEST_BODY: usize = 4 << 20;

/// The API on a listener of its own.
pub(in crate::startup) struct Apart {
    address: SocketAddr,
    server: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

/// Puts the API together.
pub(in crate::startup) fn assembled(
    settings: &Settings,
    app: &Arc<App>,
    tenants: &Arc<dyn Tenants>,
) -> anyhow::Result<Data<Api>> {
    // The organizations are loaded by now: keys that are missing have been missed.
    let ring = keys::ring(settings, &BTreeSet::new())?;
    Ok(Data::new(Api {
        app: Arc::clone(app),
        tenants: Arc::clone(tenants),
        office: Office::new(Arc::clone(tenants), ring),
        carrier: Arc::new(Check::new(settings)?),
        names: Arc::new(Dns::new(settings)),
        gatekeeper: Gatekeeper::new(Arc::clone(tenants), settings.api.jwt.clone()),
        proxies: settings.trusted_proxies.clone(),
        looking: Semaphore::new(1),
        body_limit: LARGEST_BODY,
        body_timeout: settings.header_timeout,
        refusals: Allowance::default(),
    }))
}

/// The listener of the API's own, when it has one.
pub(in crate::startup) fn listener(settings: &Settings) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = settings.api.listen else { return Ok(None) };
    let bound = TcpListener::bind(address);
    bound.map(Some).with_context(|| format!("cannot listen on {address} for the API: choose another as `api_listen`"))
}

/// Starts answering there.
pub(in crate::startup) fn start(listener: TcpListener, api: Data<Api>, settings: &Settings) -> anyhow::Result<Apart> {
    let address = listener.local_addr()?;
    let capacity = Capacity {
        workers: 1,
        connections: CONNECTIONS,
        header_timeout: settings.header_timeout,
        drain: settings.drain,
    };
    let server = server::serve(listener, capacity, move |config| api::routes(&api, config));
    let server = server.context("cannot start the web server of the API")?;
    let handle = server.handle();
    Ok(Apart { address, server: handle, task: tokio::spawn(server) })
}

impl Apart {
    /// Where it listens.
    pub(in crate::startup) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers what is under way, and ends.
    pub(in crate::startup) async fn stop(self) {
        self.server.stop(true).await;
        if let Ok(Err(error)) = self.task.await {
            tracing::error!(%error, "the web server of the API ended badly");
        }
    }
}
