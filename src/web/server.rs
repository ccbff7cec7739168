//! The web server around the addresses: its threads, limits, timeouts and end.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};

use crate::web::{Front, routes};

/// How much the server takes on.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Threads that answer.
    pub workers: usize,
    /// Open connections in all.
    pub connections: usize,
    /// Time to send a request's head.
    pub header_timeout: Duration,
    /// Longest wait for open requests when stopping.
    pub drain: Duration,
}

/// Time that a connection may stand idle; the carrier keeps its connections for the next step of a call.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Time for the other side to close after we have.
const GOODBYE: Duration = Duration::from_secs(1);

/// Starts answering on a listener that is bound already; `more` are addresses of other rooms.
pub fn start(
    listener: TcpListener,
    front: Front,
    capacity: Capacity,
    more: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    serve(listener, capacity, move |config| {
        more(config);
        routes(&front, config);
    })
}

/// Starts answering at these addresses alone, on a listener that is bound already.
pub fn serve(
    listener: TcpListener,
    capacity: Capacity,
    addresses: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    let share = capacity.connections.div_ceil(capacity.workers.max(1));
    let server = HttpServer::new(move || App::new().configure(addresses.clone()))
        .workers(capacity.workers)
        .max_connections(share)
        .client_request_timeout(capacity.header_timeout)
        .client_disconnect_timeout(GOODBYE)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(capacity.drain.as_secs())
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}
