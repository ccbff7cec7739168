//! Calls: how one stands, and ending one.

use serde::Deserialize;

use crate::model::ids::CallSid;
use crate::twilio::client::Client;
use crate::twilio::error::Error;

/// A call as Twilio has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Call {
    /// Twilio's name for it.
    pub sid: String,
    /// `queued`, `ringing`, `in-progress`, `completed` and others.
    pub status: String,
    /// Its length in seconds, once it is over.
    #[serde(default)]
    pub duration: Option<String>,
}

impl Client {
    /// How a call stands.
    pub async fn call(&self, sid: &CallSid) -> Result<Call, Error> {
        self.get(&format!("Calls/{sid}.json"), &[]).await
    }
}
