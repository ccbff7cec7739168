//! The URLs in an answer that bring the call back to us. All are relative to our own origin.

use crate::model::digest::RulesKey;
use crate::model::ids::{ContactId, LineId, MailboxId, OrgSlug};
use crate::model::phone::Caller;
use crate::model::position::Position;
use crate::webhook::continuation::{Continuation, Leg, Message};

/// What all links of one answer share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Links<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) org: &'a OrgSlug,
    pub(crate) rules: RulesKey,
}

impl Links<'_> {
    fn to(&self, leg: Leg) -> String {
        Continuation { org: self.org.clone(), rules: self.rules, leg }.target(self.prefix)
    }

    /// Where the call goes on.
    pub(crate) fn next(&self, position: &Position) -> String {
        self.to(Leg::Caller(position.clone()))
    }

    /// What the callee meets, having been asked so often.
    pub(crate) fn screen(&self, contact: ContactId, line: Option<LineId>, caller: &Caller, asked: u8) -> String {
        self.to(Leg::Callee { contact, line, caller: caller.number().cloned(), asked })
    }

    /// Where Twilio reports on a contact's leg.
    pub(crate) fn leg_status(&self, contact: ContactId) -> String {
        self.to(Leg::Status(Some(contact)))
    }

    /// A URL that always answers with nothing: where a finished recording of no consequence goes.
    pub(crate) fn done(&self) -> String {
        self.to(Leg::Status(None))
    }

    /// Where Twilio reports that a message has been recorded.
    pub(crate) fn recording(&self, began: i64, mailbox: MailboxId) -> String {
        self.to(Leg::Recording(Message { began, mailbox }))
    }

    /// Where Twilio sends a message's text.
    pub(crate) fn transcription(&self, began: i64, mailbox: MailboxId) -> String {
        self.to(Leg::Transcription(Message { began, mailbox }))
    }
}
