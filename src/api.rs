//! The administration API: every address below `/api/v1`, each of which says first who may do what there.
//!
//! What is done lies in lower rooms, where the command line finds it too; here it is asked for and shown.

mod accounts;
mod around;
mod call;
pub mod describe;
mod domains;
pub mod error;
mod events;
mod installations;
mod organizations;
mod page;
mod rollout;
mod rules;
mod selves;
mod sms;
mod switches;
mod tokens;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use tokio::sync::Semaphore;

use crate::admin::{AccountCheck, Names, Office};
use crate::app::access::Gatekeeper;
use crate::app::network::Network;
use crate::app::tenancy::Tenants;
use crate::app::{Allowance, App};

/// How every path of the API begins.
pub const PATH: &str = "/api/v1";

/// What the API stands on.
pub struct Api {
    /// The service.
    pub app: Arc<App>,
    /// Where organizations are kept.
    pub tenants: Arc<dyn Tenants>,
    /// Where organizations and their accounts are changed.
    pub office: Office,
    /// Who asks the carrier whether a token is right.
    pub carrier: Arc<dyn AccountCheck>,
    /// Who looks host names up.
    pub names: Arc<dyn Names>,
    /// Who lets people in.
    pub gatekeeper: Gatekeeper,
    /// Whose forwarding headers count.
    pub proxies: Vec<Network>,
    /// Who may have rules looked at now: proving takes a processor's time, which callers need.
    pub looking: Semaphore,
    /// Largest body in bytes.
    pub body_limit: usize,
    /// Time to send a body.
    pub body_timeout: Duration,
    /// How many refusals were written into the trail lately.
    pub refusals: Allowance,
}

impl fmt::Debug for Api {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Api({:?})", self.gatekeeper)
    }
}

/// Puts every address of the API there, as it is and below the path of the public address.
pub fn routes(api: &Data<Api>, config: &mut ServiceConfig) {
    let prefix = &api.app.manners.prefix;
    if !prefix.is_empty() {
        config.service(scope(&format!("{prefix}{PATH}"), api));
    }
    config.service(scope(PATH, api));
}

fn scope(path: &str, api: &Data<Api>) -> impl actix_web::dev::HttpServiceFactory + use<> {
    web::scope(path)
        .app_data(Data::clone(api))
        .wrap(from_fn(around::around))
        .configure(describe::operations)
        .default_service(web::to(describe::nowhere))
}
