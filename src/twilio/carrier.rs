//! Texts of organizations over their accounts: the carrier's port on top of the REST interface.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::app::messenger::ports::{Carrier, Failed, Outgoing, Parts, Sound};
use crate::app::ports::Later;
use crate::model::ids::{OrgSlug, RecordingSid};
use crate::twilio::client::{Client, Gate};
use crate::twilio::error::{Certainty, Error};
use crate::twilio::messages::Text;
use crate::twilio::recordings;

/// Which account an organization's texts go over.
pub type Accounts = dyn Fn(&OrgSlug) -> Option<Client> + Send + Sync;

/// Twilio as a carrier of texts.
pub struct Texts {
    gate: Arc<Gate>,
    accounts: Box<Accounts>,
}

impl fmt::Debug for Texts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Texts")
    }
}

impl Texts {
    /// Texts through this gate, over these accounts.
    pub fn new(gate: Arc<Gate>, accounts: Box<Accounts>) -> Self {
        Self { gate, accounts }
    }

    fn client(&self, org: &OrgSlug) -> Result<Client, Failed> {
        let missing = || Failed::NotDone { why: "there is no API key for this organization".to_owned(), wait: None };
        (self.accounts)(org).ok_or_else(missing)
    }
}

impl Carrier for Texts {
    fn serves(&self, org: &OrgSlug) -> bool {
        (self.accounts)(org).is_some()
    }

    fn send<'a>(&'a self, org: &'a OrgSlug, text: &'a Outgoing) -> Later<'a, Result<String, Failed>> {
        Box::pin(async move {
            let Outgoing { from, to, body, valid_for } = text;
            let text = Text { from, to, body, status_callback: None, valid_for: *valid_for };
            self.client(org)?.send_text(&text).await.map(|message| message.sid).map_err(|error| failed(&error))
        })
    }

    fn find<'a>(
        &'a self,
        org: &'a OrgSlug,
        text: &'a Outgoing,
        since: Timestamp,
    ) -> Later<'a, Result<Vec<String>, Failed>> {
        Box::pin(async move {
            let found = self.client(org)?.texts_since(&text.from, &text.to, &text.body, since).await;
            // The oldest first: it is the likeliest to be the one that was sent then.
            let names = |mut messages: Vec<crate::twilio::messages::Message>| {
                messages.reverse();
                messages.into_iter().map(|message| message.sid).collect()
            };
            found.map(names).map_err(|error| failed(&error))
        })
    }

    fn sound<'a>(&'a self, org: &'a OrgSlug, recording: &'a RecordingSid) -> Later<'a, Result<Sound, Failed>> {
        Box::pin(async move {
            let sound = self.client(org)?.sound(recording).await.map_err(|error| failed(&error))?;
            Ok(Sound { content_type: sound.content_type.clone(), parts: Box::new(sound) })
        })
    }

    fn delete<'a>(&'a self, org: &'a OrgSlug, recording: &'a RecordingSid) -> Later<'a, Result<(), Failed>> {
        Box::pin(async move { self.client(org)?.delete_recording(recording).await.map_err(|error| failed(&error)) })
    }

    fn standings(&self) -> Vec<(String, &'static str)> {
        let all = self.gate.standings();
        all.into_iter().map(|(account, standing)| (account.to_string(), standing.word())).collect()
    }
}

impl Parts for recordings::Sound {
    fn next(&mut self) -> Later<'_, Result<Option<Vec<u8>>, String>> {
        Box::pin(async move { self.part().await.map_err(|error| error.to_string()) })
    }
}

fn failed(error: &Error) -> Failed {
    let code = match error {
        Error::Refused(refusal) => refusal.code,
        Error::TooMany { .. } | Error::NotReached(_) | Error::Unknown(_) | Error::Resting(_) | Error::Strange(_) => {
            None
        }
    };
    let (wait, why) = (error.wait(), error.to_string());
    match error.certainty() {
        Certainty::Never => Failed::Never { why, code },
        Certainty::NotDone => Failed::NotDone { why, wait },
        Certainty::Unknown => Failed::Unknown(why),
    }
}
