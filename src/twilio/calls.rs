//! Calls: how one stands, and ending one.

use serde::Deserialize;

use crate::model::ids::CallSid;
use crate::twilio::client::Client;
use crate::twilio::error::Error;
use crate::twilio::exchange::Twice;

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

    /// Ends a call that is under way; one that is over is refused with code 21220.
    pub async fn end_call(&self, sid: &CallSid) -> Result<Call, Error> {
        self.post(&format!("Calls/{sid}.json"), &[("Status", "completed")], Twice::Harmless).await
    }
}
