//! Twilio's REST interface: what the service asks of an installation's account, with what came of each request.
//!
//! A request is done, not done, or nobody knows. Only what is known not to have been done is asked again; whoever
//! sends something that must not happen twice looks an unknown outcome up before trying again.

pub mod breaker;
pub mod calls;
pub mod carrier;
pub mod client;
pub mod codes;
pub mod error;
pub mod messages;
pub mod numbers;
pub mod recordings;
pub mod wiring;

mod exchange;
mod page;
