//! The addresses on the wire: one screen that says what can be asked.

pub mod audio;
pub mod health;
pub mod listen;
pub mod raw;
pub mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Route, guard};

use crate::app::App;
use crate::app::network::Network;
use crate::webhook::endpoint::Endpoint;
use crate::webhook::origin::Origin;

/// What the addresses need besides the service itself.
#[derive(Debug, Clone)]
pub struct Front {
    /// The service.
    pub app: Arc<App>,
    /// The configured public address.
    pub public: Option<Origin>,
    /// Whose forwarding headers count.
    pub proxies: Vec<Network>,
    /// Largest body in bytes.
    pub body_limit: usize,
    /// Time to send a body.
    pub body_timeout: Duration,
    /// Folder of the rule files, whose recordings are served.
    pub rules: PathBuf,
}

/// Every address, as it is and below the path of the public address.
pub fn routes(front: &Front, config: &mut ServiceConfig) {
    let prefix = front.app.manners.prefix.clone();
    config.app_data(web::Data::new(front.clone()));
    if !prefix.is_empty() {
        config.service(web::scope(&prefix).configure(addresses));
    }
    config.configure(addresses);
    config.default_service(web::to(nowhere));
}

fn addresses(config: &mut ServiceConfig) {
    for endpoint in Endpoint::ALL {
        let answer = move |request: HttpRequest, payload: web::Payload, front: web::Data<Front>| {
            raw::webhook(endpoint, request, payload, front)
        };
        config.service(web::resource(endpoint.path()).to(answer));
    }
    config.route("/audio/{org}/{path:.*}", read().to(audio::recording));
    config.route("/listen/{org}/{recording}", read().to(listen::message));
    config.route("/healthz", read().to(health::alive));
    config.route("/readyz", read().to(health::ready));
    config.route("/metrics", read().to(health::metrics));
}

/// What is read, or asked for without being read, as whoever watches a service does.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn nowhere() -> HttpResponse {
    HttpResponse::NotFound().finish()
}
