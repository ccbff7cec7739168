//! The way to the carrier's REST interface: the account and its key from the settings.

use std::sync::Arc;

use anyhow::Context as _;

use crate::admin::{AccountCheck, CheckError};
use crate::app::ports::Later;
use crate::model::ids::AccountSid;
use crate::model::secret::Secret;
use crate::settings::Settings;
use crate::twilio::client::{Client, Gate, Patience};
use crate::twilio::error::Error;

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

/// Asks the carrier whether a token is the account's.
#[derive(Debug)]
pub struct Check(Arc<Gate>);

impl Check {
    /// Asks at the address that the settings name.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        gate(settings).map(Self)
    }
}

impl AccountCheck for Check {
    fn check<'a>(&'a self, account: &'a AccountSid, token: &'a Secret) -> Later<'a, Result<(), CheckError>> {
        Box::pin(async move {
            match self.0.with_token(account, token).describe().await {
                Ok(found) if found.sid != account.as_str() => Err(CheckError::Wrong(account.clone())),
                Ok(found) if found.status.is_empty() || found.status == "active" => Ok(()),
                Ok(found) => Err(CheckError::NotInUse { account: account.clone(), status: found.status }),
                Err(Error::Refused(refusal)) if matches!(refusal.status, 401 | 403 | 404) => {
                    Err(CheckError::Wrong(account.clone()))
                }
                Err(error) => Err(CheckError::NotAsked(error.to_string())),
            }
        })
    }
}
