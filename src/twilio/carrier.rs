//! Texts of organizations over their accounts: the carrier's port on top of the REST interface.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::app::directory::outlet::Wanted;
use crate::app::messenger::ports::{Carrier, Failed, Outgoing, Parts, Receipt, Sound};
use crate::app::ports::Later;
use crate::model::ids::{AccountSid, OrgSlug, RecordingSid};
use crate::model::phone::E164;
use crate::twilio::client::{Client, Gate};
use crate::twilio::error::{Certainty, Error};
use crate::twilio::messages::{Message, Text};
use crate::twilio::recordings;

/// Over which accounts an organization's requests go, given one of its numbers: the first is the one to use. What it
/// says instead is why there is none.
pub type Accounts = dyn Fn(&OrgSlug, Option<&E164>, Wanted) -> Result<Vec<Client>, String> + Send + Sync;

/// How an account itself is called; what it says instead is why it cannot be.
pub type Account = dyn Fn(&AccountSid) -> Result<Client, String> + Send + Sync;

/// Twilio as a carrier of texts.
pub struct Texts {
    gate: Arc<Gate>,
    accounts: Box<Accounts>,
    account: Box<Account>,
    /// Where Twilio tells what became of a text, without the organization; none when nobody can reach us.
    report: Option<String>,
}

impl fmt::Debug for Texts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Texts")
    }
}

impl Texts {
    /// Texts through this gate, over these accounts, reported to this address.
    pub fn new(gate: Arc<Gate>, (accounts, account): (Box<Accounts>, Box<Account>), report: Option<String>) -> Self {
        Self { gate, accounts, account, report }
    }

    fn clients(&self, org: &OrgSlug, from: Option<&E164>, wanted: Wanted) -> Result<Vec<Client>, Failed> {
        (self.accounts)(org, from, wanted).map_err(|why| Failed::NotDone { why, wait: None })
    }

    fn client(&self, org: &OrgSlug, from: &E164) -> Result<Client, Failed> {
        let first = self.clients(org, Some(from), Wanted::Texts)?.into_iter().next();
        first.ok_or_else(|| Failed::NotDone { why: "it has no account".to_owned(), wait: None })
    }
}

impl Carrier for Texts {
    fn serves(&self, org: &OrgSlug, from: &E164) -> Result<(), String> {
        (self.accounts)(org, Some(from), Wanted::Texts).map(drop)
    }

    fn send<'a>(&'a self, org: &'a OrgSlug, text: &'a Outgoing) -> Later<'a, Result<Receipt, Failed>> {
        Box::pin(async move {
            let Outgoing { from, to, body, valid_for } = text;
            let report = self.report.as_ref().map(|url| format!("{url}?org={org}"));
            let text = Text { from, to, body, status_callback: report.as_deref(), valid_for: *valid_for };
            let sent = self.client(org, from)?.send_text(&text).await;
            sent.map(receipt).map_err(|error| failed(&error))
        })
    }

    fn find<'a>(
        &'a self,
        org: &'a OrgSlug,
        text: &'a Outgoing,
        since: Timestamp,
    ) -> Later<'a, Result<Vec<Receipt>, Failed>> {
        Box::pin(async move {
            let found = self.client(org, &text.from)?.texts_since(&text.from, &text.to, &text.body, since).await;
            // The oldest first: it is the likeliest to be the one that was sent then.
            found.map(|found| found.into_iter().rev().map(receipt).collect()).map_err(|error| failed(&error))
        })
    }

    fn sound<'a>(&'a self, org: &'a OrgSlug, recording: &'a RecordingSid) -> Later<'a, Result<Sound, Failed>> {
        Box::pin(async move {
            let mut none = Failed::Never { why: "no account of the organization has it".to_owned(), code: None };
            // Which of its accounts the call came in on is not told; mostly there is one.
            for client in self.clients(org, None, Wanted::Calls)? {
                match client.sound(recording).await {
                    Ok(sound) => {
                        return Ok(Sound { content_type: sound.content_type.clone(), parts: Box::new(sound) });
                    }
                    Err(error) => none = failed(&error),
                }
            }
            Err(none)
        })
    }

    fn delete<'a>(&'a self, org: &'a OrgSlug, recording: &'a RecordingSid) -> Later<'a, Result<(), Failed>> {
        Box::pin(async move {
            // One that an account does not have is as good as deleted there.
            for client in self.clients(org, None, Wanted::Calls)? {
                client.delete_recording(recording).await.map_err(|error| failed(&error))?;
            }
            Ok(())
        })
    }

    fn delete_of<'a>(&'a self, account: &'a AccountSid, recording: &'a RecordingSid) -> Later<'a, Result<(), Failed>> {
        Box::pin(async move {
            let client = (self.account)(account).map_err(|why| Failed::NotDone { why, wait: None })?;
            client.delete_recording(recording).await.map_err(|error| failed(&error))
        })
    }

    fn standings(&self) -> Vec<(String, &'static str)> {
        let all = self.gate.standings();
        all.into_iter().map(|(installation, standing)| (installation, standing.word())).collect()
    }
}

impl Parts for recordings::Sound {
    fn next(&mut self) -> Later<'_, Result<Option<Vec<u8>>, String>> {
        Box::pin(async move { self.part().await.map_err(|error| error.to_string()) })
    }
}

/// What Twilio says of a message that it has.
pub(crate) fn receipt(message: Message) -> Receipt {
    Receipt { segments: message.segments(), price: message.price(), sid: message.sid }
}

/// What an error means for what was to be sent.
pub(crate) fn failed(error: &Error) -> Failed {
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
