//! A phone for people without a Twilio account: plays Twilio's side of a call against any server that speaks TwiML.
//!
//! The call runs on a clock of its own, which ringing, speaking and waiting move on; nothing really waits
//! unless asked to. Only `phone::wire` touches the network.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::call::Attestation;
use crate::phone::carrier::Carrier;
use crate::phone::log::{CallLog, Entry};
use crate::phone::script::{Actors, People, Script};
use crate::phone::wire::{Exchange, Fault, Wire};
use crate::webhook::signature::Signer;

mod callbacks;
mod carrier;
mod dial;
mod gather;
pub mod log;
pub mod parameters;
mod reading;
mod record;
pub mod report;
mod ring;
mod screening;
pub mod script;
pub mod timeline;
mod verbs;
pub mod wire;

/// A call to be placed.
#[derive(Debug, Clone)]
pub struct Call {
    /// The number's voice URL, with everything in its query.
    pub url: String,
    /// The number's status callback URL, if it has one.
    pub status_url: Option<String>,
    /// The number's fallback URL, if it has one.
    pub fallback_url: Option<String>,
    /// The account that the number belongs to.
    pub account: String,
    /// Signs with the account's auth token.
    pub signer: Signer,
    /// The public origin that the server believes it has, when it is not the one of `url`.
    pub signed_origin: Option<String>,
    /// The caller's leg.
    pub sid: String,
    /// The number called.
    pub to: String,
    /// Who calls, as the carrier writes it.
    pub from: String,
    /// What the networks say of the caller's number.
    pub attestation: Attestation,
    /// The number that forwarded the call, when the network tells.
    pub forwarded_from: Option<String>,
    /// The caller's name, when looked up.
    pub caller_name: Option<String>,
    /// Other numbers of the account, which may be shown as caller id; none for not known.
    pub own_numbers: Option<Vec<String>>,
    /// What numbers are called by people.
    pub names: BTreeMap<String, String>,
    /// When the call begins.
    pub began: Timestamp,
    /// How requests arrive.
    pub delivery: Delivery,
    /// Whether the server is told the time of the call, as only our own simulator is believed.
    pub telling: Telling,
    /// Whether documents of other servers are followed too; their requests are signed as well.
    pub elsewhere: Elsewhere,
}

/// How requests arrive at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// How often each request is sent.
    pub copies: u8,
    /// What becomes of callbacks.
    pub callbacks: Callbacks,
    /// Chooses the order of what arrives out of order.
    pub seed: u64,
    /// The longest wait for an answer.
    pub timeout: Duration,
    /// Whether a second of the call takes a second.
    pub pace: Pace,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { copies: 1, callbacks: Callbacks::InOrder, seed: 0, timeout: Duration::from_secs(15), pace: Pace::AtOnce }
    }
}

/// What becomes of callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callbacks {
    /// They arrive as things happen.
    InOrder,
    /// They arrive after the call, in any order, repetitions of earlier requests among them.
    Shuffled,
    /// They never arrive.
    Lost,
}

/// How fast a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the server answers.
    AtOnce,
    /// A second takes a second.
    RealTime,
}

/// What is done about documents of other servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// The call counts as handed over.
    HandedOver,
    /// They are requested like those of the server called.
    Followed,
}

/// Whether the server is told the time of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// It has a clock of its own, and that one counts.
    Nothing,
    /// Each request carries the time of the call, whose clock goes faster than the server's.
    Time,
}

/// Why a call could not be placed at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Nothing answers at the server's address.
    #[error("no server answers at `{url}`: {cause}")]
    Unreachable {
        /// Where it was tried.
        url: String,
        /// Why it failed.
        cause: String,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be set up: {0}")]
    Client(Fault),
}

/// Places a call with people who keep to a script.
pub async fn place(call: &Call, script: &Script) -> Result<CallLog, PlaceError> {
    place_with(call, script, &mut Actors::new(script), &mut |_| {}).await
}

/// Places a call with these people, telling of each thing as it happens.
pub async fn place_with<P: People>(
    call: &Call,
    script: &Script,
    people: &mut P,
    listen: &mut dyn FnMut(&Entry),
) -> Result<CallLog, PlaceError> {
    let wire = Wire::new(call.signer.clone(), call.signed_origin.clone(), call.delivery.timeout);
    let mut wire = wire.map_err(PlaceError::Client)?;
    if call.delivery.pace == Pace::RealTime {
        wire = wire.in_real_time();
    }
    over(&mut wire, call, script, people, listen).await
}

/// Places a call over any exchange, as tests do without a network.
pub async fn over<X: Exchange, P: People>(
    exchange: &mut X,
    call: &Call,
    script: &Script,
    people: &mut P,
    listen: &mut dyn FnMut(&Entry),
) -> Result<CallLog, PlaceError> {
    Carrier::new(call, script, exchange, people, listen).run().await
}

#[cfg(test)]
mod tests;
