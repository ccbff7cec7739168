//! The way to the carrier's REST interface: the account and its key from the settings.

use std::sync::Arc;

use anyhow::Context as _;

use crate::settings::Settings;
use crate::twilio::client::{Client, Gate, Patience};

/// The way to the interface that the settings name.
pub fn gate(settings: &Settings) -> anyhow::Result<Arc<Gate>> {
    let gate = Gate::new(&settings.twilio_api_url, Patience::default());
    Ok(Arc::new(gate.context("cannot use `twilio_api_url`")?))
}

/// The account of the settings, called with its API key.
pub fn client(settings: &Settings, gate: &Arc<Gate>) -> anyhow::Result<Client> {
    let twilio = settings.twilio.as_ref();
    let twilio = twilio.context("there is no carrier account: set `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN`")?;
    let key = twilio.key.as_ref();
    let key = key.context("there is no API key: set `TWILIO_API_KEY` and `TWILIO_API_SECRET` (or `…_FILE`)")?;
    Ok(gate.client(&twilio.account, key))
}
