//! Mailboxes, whether named or written in place, and escalations.

use crate::model::ids::{ChannelId, ContactId, MailboxId};
use crate::rules::compile::names::Section;
use crate::rules::compile::texts::Heard;
use crate::rules::compile::{Desk, Entry};
use crate::rules::place::At;
use crate::rules::ruleset::{
    Escalation, EscalationStep, Greeting, Mailbox, OfferText, Receiver, Speech, Template, Texts,
};
use crate::rules::written::{self, FlagOr, Said};

/// Longest message in seconds where nothing is said.
const LONGEST_MESSAGE: u16 = 120;

/// What callers are offered where the file says no more than yes.
const OFFER: &str = "Or press 1 and we will text you.";

/// The text they get where the file says nothing else.
const OFFERED: &str = "Sorry that we missed your call to {{line}}. Reply to this message and tell us how we can help.";

impl<'a> Desk<'a> {
    pub(super) fn mailbox(&mut self, name: &str, at: &At<'a>, written: &'a written::Mailbox) -> Mailbox {
        let greeting = self.speech(&at.field("greeting"), &written.greeting);
        let list = at.field("greetings");
        let mut greetings = Vec::with_capacity(written.greetings.len());
        for (index, greeting) in written.greetings.iter().enumerate() {
            greetings.extend(self.greeting(&list.item(index), greeting));
        }
        let max = match written.max.as_deref() {
            Some(max) => self.short_seconds(&at.field("max"), max, 5, 3600),
            None => Some(LONGEST_MESSAGE),
        };
        let offer = written.offer_text.as_ref().and_then(|offer| {
            self.offer(&at.field("offer_text"), offer, written.text.as_deref().map(|text| (at.field("text"), text)))
        });
        if let (Some(_), None) = (&written.text, &written.offer_text) {
            let at = at.field("text");
            self.report(
                &at,
                at.key_error("stray-option", "`text` has no `offer_text` beside it").help("add `offer_text: true`"),
            );
        }
        Mailbox {
            name: name.into(),
            greetings: greetings.into_boxed_slice(),
            greeting: greeting.unwrap_or_else(nothing),
            max: max.unwrap_or(LONGEST_MESSAGE),
            send_to: self.receivers(&at.field("send_to"), &written.send_to.0),
            transcribe: written.transcribe.unwrap_or(false),
            offer_text: offer.map(Box::new),
            at: at.line(),
        }
    }

    fn greeting(&mut self, at: &At<'a>, written: &'a written::GreetingFor) -> Option<Greeting> {
        let heard =
            Heard { say: written.say.as_ref(), play: written.play.as_deref(), else_say: written.else_say.as_ref() };
        let speech = self.heard(at, &heard);
        let Some(when) = &written.when else {
            self.error(
                at,
                "missing-field",
                "the greeting does not say when it is used",
                "add `when:`, or make it the `greeting`",
            );
            return None;
        };
        let when = self.when(&at.field("when"), when);
        Some(Greeting { when: when.into_boxed_slice(), speech: speech? })
    }

    fn offer(&mut self, at: &At<'a>, written: &FlagOr<Said>, body: Option<(At<'a>, &str)>) -> Option<OfferText> {
        let say = self.flag_or_texts(at, written, OFFER);
        let body = match body {
            Some((at, body)) => self.template(&at, body),
            None => Some(Template(OFFERED.into())),
        };
        Some(OfferText { say: say?, body: body? })
    }

    fn receivers(&mut self, at: &At<'a>, names: &[String]) -> Box<[Receiver]> {
        let mut receivers = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let place = at.one_of(index);
            let receiver = if name == "on_duty" {
                Some(Receiver::OnDuty)
            } else if name.contains('@') {
                self.mail_address(&place, name).then(|| Receiver::Address(name.as_str().into()))
            } else {
                self.find(Section::Contacts, name, &place).map(|id| Receiver::Contact(ContactId(id)))
            };
            receivers.extend(receiver);
        }
        receivers.into_boxed_slice()
    }

    /// The mailbox of a step: a named one, or one made of the greeting written in place.
    pub(super) fn voicemail(&mut self, at: &At<'a>, said: &'a Said, step: &'a written::Step) -> Option<MailboxId> {
        let place = at.field("voicemail");
        let named = match said {
            written::TextOr::Text(name) => self.names.get(Section::Mailboxes, name),
            written::TextOr::Full(_) => None,
        };
        let body = step.body.as_deref().map(|body| (at.field("body"), body));
        let offer = step.offer_text.as_ref().and_then(|offer| self.offer(&at.field("offer_text"), offer, body));
        if let Some(index) = named {
            self.names.mark(Section::Mailboxes, index);
            let Some(offer) = offer else { return Some(MailboxId(index)) };
            let mailbox = self.mailboxes.get(usize::from(index))?.clone();
            return self.add_mailbox(Mailbox { offer_text: Some(Box::new(offer)), ..mailbox });
        }
        let unknown = Self::names_something(said).filter(|name| self.names.get(Section::Prompts, name).is_none());
        if let Some(name) = unknown {
            self.find(Section::Mailboxes, name, &place);
            return None;
        }
        let greeting = self.speech(&place, said)?;
        self.add_mailbox(Mailbox {
            name: place.path().into(),
            greetings: Box::default(),
            greeting,
            max: LONGEST_MESSAGE,
            send_to: Box::default(),
            transcribe: false,
            offer_text: offer.map(Box::new),
            at: at.line(),
        })
    }

    fn add_mailbox(&mut self, mailbox: Mailbox) -> Option<MailboxId> {
        let index = u16::try_from(self.mailboxes.len()).ok()?;
        self.mailboxes.push(mailbox);
        Some(MailboxId(index))
    }

    pub(super) fn escalation(&mut self, entry: &Entry<'a, Vec<written::Escalation>>) -> Escalation {
        let at = &entry.at;
        if entry.value.is_empty() {
            let help = "add a message, such as `- { sms: owner, text: \"Missed call from {{caller}}.\" }`";
            self.report(at, at.key_error("empty-list", "there are no messages here").help(help));
        }
        let mut steps = Vec::with_capacity(entry.value.len());
        let mut words: Option<(At<'a>, &str)> = None;
        for (index, written) in entry.value.iter().enumerate() {
            let at = at.item(index);
            if let Some(text) = &written.text {
                words = Some((at.field("text"), text));
            }
            steps.extend(self.escalation_step(&at, written, words));
        }
        Escalation { name: entry.name.into(), steps: steps.into_boxed_slice(), at: at.line() }
    }

    fn escalation_step(
        &mut self,
        at: &At<'a>,
        written: &written::Escalation,
        words: Option<(At<'a>, &str)>,
    ) -> Option<EscalationStep> {
        let sms = self.contact_list(&at.field("sms"), &written.sms.0);
        let channel =
            written.notify.as_ref().map(|name| self.find(Section::Channels, name, &at.field("notify")).map(ChannelId));
        match (written.sms.0.is_empty(), &written.notify) {
            (true, None) => self.error(
                at,
                "missing-field",
                "the message has no receiver",
                "add `sms:` with contacts, or `notify:` with a channel",
            ),
            (false, Some(_)) => {
                self.error(at, "several-verbs", "the message goes by `sms` and by `notify`", "make two messages of it");
            }
            (true, Some(_)) | (false, None) => {}
        }
        let Some((words_at, words)) = words else {
            self.error(at, "missing-body", "the message has no words", "add `text:` with what it says");
            return None;
        };
        let body =
            if written.text.is_some() { self.template(&words_at, words) } else { Some(Template(words.trim().into())) };
        let after = match written.after.as_deref() {
            Some(after) => self.seconds(&at.field("after"), after, 0, 7 * 86_400),
            None => Some(0),
        };
        Some(EscalationStep {
            sms: sms.into_boxed_slice(),
            channel: channel.flatten(),
            body: body?,
            after: after?,
            unless_taken: written.unless.is_some(),
        })
    }
}

/// Stands in for a greeting that was refused; such a file makes no rule set.
fn nothing() -> Speech {
    Speech::Say(Texts(Box::default()))
}
