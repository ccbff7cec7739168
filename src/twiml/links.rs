//! The URLs in an answer that bring the call back to us. All are relative to our own origin.

use crate::model::digest::Digest;
use crate::model::ids::{ContactId, LineId, MailboxId, OrgSlug};
use crate::model::phone::E164;
use crate::model::position::Position;

/// What all links of one answer share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Links<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) org: &'a OrgSlug,
    pub(crate) digest: Digest,
}

impl Links<'_> {
    fn base(&self, path: &str) -> String {
        format!("{}/twilio/{path}?org={}&rules={}", self.prefix, self.org, self.digest.short())
    }

    /// Where the call goes on.
    pub(crate) fn next(&self, position: &Position) -> String {
        let mut url = self.base("continue");
        url.push_str(&format!("&at={}", position.began));
        if let Some(step) = position.step {
            url.push_str(&format!("&s={}.{}", step.cascade.0, step.index));
        }
        url.push_str(&format!("&g={}&h={}", position.stage, position.hop));
        if let Some(language) = position.language {
            url.push_str(&format!("&l={language}"));
        }
        if let Some(missed) = position.missed {
            url.push_str(&format!("&m={}", missed.0));
        }
        if let Some(rule) = position.rule {
            url.push_str(&format!("&r={}.{}", rule.flow.0, rule.index));
        }
        url
    }

    /// What the callee meets before the caller does; none of both is told to Twilio besides.
    pub(crate) fn screen(&self, contact: ContactId, line: Option<LineId>, caller: Option<&E164>) -> String {
        let mut url = self.base("screen");
        url.push_str(&format!("&c={}", contact.0));
        if let Some(line) = line {
            url.push_str(&format!("&n={}", line.0));
        }
        if let Some(caller) = caller {
            url.push_str(&format!("&f={}", caller.as_str().trim_start_matches('+')));
        }
        url
    }

    /// What the callee's answer leads to, having been asked so often.
    pub(crate) fn screened(
        &self,
        contact: ContactId,
        line: Option<LineId>,
        caller: Option<&E164>,
        asked: u8,
    ) -> String {
        format!("{}&a={asked}", self.screen(contact, line, caller))
    }

    /// Where Twilio reports on a contact's leg.
    pub(crate) fn leg_status(&self, contact: ContactId) -> String {
        format!("{}&c={}", self.base("call-status"), contact.0)
    }

    /// A URL that always answers with nothing: where a finished recording of no consequence goes.
    pub(crate) fn done(&self) -> String {
        self.base("call-status")
    }

    /// Where Twilio reports that a message has been recorded.
    pub(crate) fn recording(&self, began: i64, mailbox: MailboxId) -> String {
        format!("{}&at={began}&b={}", self.base("recording"), mailbox.0)
    }

    /// Where Twilio sends a message's text.
    pub(crate) fn transcription(&self, began: i64, mailbox: MailboxId) -> String {
        format!("{}&at={began}&b={}", self.base("transcription"), mailbox.0)
    }
}
