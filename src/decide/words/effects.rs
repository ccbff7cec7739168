//! What is sent, in words.

use crate::decide::decision::Effect;
use crate::decide::words::{facts, places};
use crate::model::ids::{ContactId, EscalationId};
use crate::rules::ruleset::{EscalationStep, Receiver, RuleSet, Verb};

/// Something sent: its kind, and to whom and when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sent {
    /// `text`, `notice`, `missed` or `message`.
    pub kind: &'static str,
    /// To whom and when.
    pub what: String,
}

/// Puts an effect into words.
pub fn sent(rules: &RuleSet, effect: &Effect) -> Sent {
    match effect {
        Effect::Text { at } => {
            let title = places::step_title(rules, *at);
            let to = title.strip_prefix("text to ").unwrap_or(&title).to_owned();
            Sent { kind: "text", what: format!("to {to}") }
        }
        Effect::Notice { channel, .. } => {
            let name = rules.channel(*channel).map_or("?", |channel| &channel.name);
            Sent { kind: "notice", what: format!("to {name}") }
        }
        Effect::OfferedText { .. } => Sent { kind: "text", what: "to the caller, who asked for it".into() },
        Effect::Missed { escalation } => Sent { kind: "missed", what: missed(rules, *escalation) },
        Effect::Message { mailbox } => {
            let mailbox = rules.mailbox(*mailbox);
            let to: Vec<String> = mailbox.map_or_else(Vec::new, |mailbox| {
                mailbox.send_to.iter().map(|receiver| receiver_name(rules, receiver)).collect()
            });
            let name = mailbox.map_or("?", |mailbox| &mailbox.name);
            let to = if to.is_empty() { String::new() } else { format!(", sent to {}", to.join(", ")) };
            Sent { kind: "message", what: format!("in {name}{to}") }
        }
    }
}

/// Which contacts get a text at once because of an effect; a message in a mailbox is told apart.
pub fn texted(rules: &RuleSet, effect: &Effect) -> Vec<ContactId> {
    match effect {
        Effect::Text { at } => match rules.step(*at).map(|step| &step.verb) {
            Some(Verb::Text(text)) => text.contacts.to_vec(),
            _ => Vec::new(),
        },
        Effect::Missed { escalation } => {
            let steps = rules.escalation(*escalation).map_or(&[][..], |escalation| &escalation.steps);
            steps.iter().filter(|step| step.after == 0).flat_map(|step| step.sms.iter().copied()).collect()
        }
        Effect::Notice { .. } | Effect::OfferedText { .. } | Effect::Message { .. } => Vec::new(),
    }
}

/// Whether an effect is a text to the caller.
pub fn texts_caller(rules: &RuleSet, effect: &Effect) -> bool {
    match effect {
        Effect::OfferedText { .. } => true,
        Effect::Text { at } => {
            matches!(rules.step(*at).map(|step| &step.verb), Some(Verb::Text(text)) if text.caller)
        }
        Effect::Notice { .. } | Effect::Missed { .. } | Effect::Message { .. } => false,
    }
}

fn missed(rules: &RuleSet, id: EscalationId) -> String {
    let Some(escalation) = rules.escalation(id) else { return "?".into() };
    let steps: Vec<String> = escalation.steps.iter().map(|step| one(rules, step)).collect();
    format!("{}: {}", escalation.name, steps.join("; "))
}

fn one(rules: &RuleSet, step: &EscalationStep) -> String {
    let channel = step.channel.and_then(|id| rules.channel(id)).map(|channel| &channel.name);
    let what = match channel {
        Some(channel) => format!("notice to {channel}"),
        None => format!("text to {}", places::contact_names(rules, &step.sms)),
    };
    let when = if step.after == 0 { "now".to_owned() } else { format!("after {}", facts::stretch(step.after)) };
    let unless = if step.unless_taken { " unless taken" } else { "" };
    format!("{what} {when}{unless}")
}

fn receiver_name(rules: &RuleSet, receiver: &Receiver) -> String {
    match receiver {
        Receiver::Contact(id) => places::contact_name(rules, *id).to_owned(),
        Receiver::OnDuty => "those on duty".into(),
        Receiver::Address(address) => address.to_string(),
    }
}
