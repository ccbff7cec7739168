//! Names and paths of the places in a rule set.

use crate::model::ids::{CascadeId, ContactId, FlowId, LineId, MailboxId, MenuId};
use crate::model::position::{RuleRef, StepRef};
use crate::rules::ruleset::{Condition, Handoff, Owner, Refusal, RuleSet, Speech, Test, Verb};

/// What stands for a name that these rules don't have.
const UNKNOWN: &str = "?";

/// How much of a text is shown.
const SHOWN: usize = 48;

/// The name of a line.
pub fn line_name(rules: &RuleSet, id: LineId) -> &str {
    rules.line(id).map_or(UNKNOWN, |line| &line.name)
}

/// The name of a contact.
pub fn contact_name(rules: &RuleSet, id: ContactId) -> &str {
    rules.contact(id).map_or(UNKNOWN, |contact| &contact.name)
}

/// The name of a flow.
pub fn flow_name(rules: &RuleSet, id: FlowId) -> &str {
    rules.flow(id).map_or(UNKNOWN, |flow| &flow.name)
}

/// The name of a menu.
pub fn menu_name(rules: &RuleSet, id: MenuId) -> &str {
    rules.menu(id).map_or(UNKNOWN, |menu| &menu.name)
}

/// The name of a mailbox.
pub fn mailbox_name(rules: &RuleSet, id: MailboxId) -> &str {
    rules.mailbox(id).map_or(UNKNOWN, |mailbox| &mailbox.name)
}

/// Names in a row.
pub fn contact_names(rules: &RuleSet, ids: &[ContactId]) -> String {
    ids.iter().map(|id| contact_name(rules, *id)).collect::<Vec<_>>().join(", ")
}

/// The path of a line.
pub fn line(rules: &RuleSet, id: LineId) -> String {
    format!("lines/{}", line_name(rules, id))
}

/// The path of a flow.
pub fn flow(rules: &RuleSet, id: FlowId) -> String {
    format!("flows/{}", flow_name(rules, id))
}

/// The path of a rule, such as `flows/triage/3`.
pub fn rule(rules: &RuleSet, at: RuleRef) -> String {
    format!("flows/{}/{}", flow_name(rules, at.flow), at.index)
}

/// A rule as people call it: its place and its name.
pub fn rule_title(rules: &RuleSet, at: RuleRef) -> String {
    let name = rules.rule(at).and_then(|rule| rule.name.as_deref());
    let number = u32::from(at.index) + 1;
    name.map_or_else(|| format!("rule #{number}"), |name| format!("rule #{number} {name}"))
}

/// The name of a rule, or its path when it has none.
pub fn rule_name(rules: &RuleSet, at: RuleRef) -> String {
    let name = rules.rule(at).and_then(|rule| rule.name.as_deref());
    name.map_or_else(|| rule(rules, at), str::to_owned)
}

/// The path of a condition, such as `flows/triage/3/when/not/hours`.
pub fn condition(rules: &RuleSet, at: RuleRef, condition: Option<&Condition>) -> String {
    let not = if condition.is_some_and(|condition| condition.negated) { "not/" } else { "" };
    let key = condition.map_or(UNKNOWN, |condition| test_key(&condition.test));
    format!("{}/when/{not}{key}", rule(rules, at))
}

/// The key of a test in the file.
pub const fn test_key(test: &Test) -> &'static str {
    match test {
        Test::Hours(_) => "hours",
        Test::Caller(_) => "caller",
        Test::Switch(_) => "switch",
        Test::Line(_) => "line",
        Test::Language(_) => "language",
        Test::Attempt { .. } => "attempt",
    }
}

/// The path of a list of steps.
pub fn cascade(rules: &RuleSet, id: CascadeId) -> String {
    match rules.cascade(id).map(|cascade| cascade.owner) {
        Some(Owner::Finally) => "finally".into(),
        Some(Owner::Rule(at)) => format!("{}/cascade", rule(rules, at)),
        Some(Owner::Key(menu, key)) => {
            let digits = rules.menu(menu).and_then(|menu| menu.keys.get(usize::from(key)));
            format!("menus/{}/keys/{}", menu_name(rules, menu), digits.map_or(UNKNOWN, |key| &key.digits))
        }
        Some(Owner::Otherwise(menu)) => format!("menus/{}/otherwise", menu_name(rules, menu)),
        None => UNKNOWN.into(),
    }
}

/// The path of a step, such as `flows/urgent/0/cascade/1`.
pub fn step(rules: &RuleSet, at: StepRef) -> String {
    format!("{}/{}", cascade(rules, at.cascade), at.index)
}

/// A step as people read it.
pub fn step_title(rules: &RuleSet, at: StepRef) -> String {
    let Some(step) = rules.step(at) else { return UNKNOWN.into() };
    match &step.verb {
        Verb::Ring(ring) => format!("ring {} {} s", contact_names(rules, &ring.contacts), ring.seconds),
        Verb::Speak(speech) => speech_title(speech),
        Verb::Menu(menu) => format!("menu {}", menu_name(rules, *menu)),
        Verb::Flow { flow, language } => {
            let language = language.and_then(|place| rules.languages.get(usize::from(place)));
            let language = language.map_or_else(String::new, |language| format!(" in `{language}`"));
            format!("go to flow {}{language}", flow_name(rules, *flow))
        }
        Verb::Voicemail(mailbox) => format!("voicemail {}", mailbox_name(rules, *mailbox)),
        Verb::Reject(Refusal::Busy) => "reject busy".into(),
        Verb::Reject(Refusal::Closed) => "reject closed".into(),
        Verb::Hangup(None) => "hang up".into(),
        Verb::Hangup(Some(speech)) => format!("{}, hang up", speech_title(speech)),
        Verb::Text(text) => {
            let caller = text.caller.then_some("the caller");
            let contacts = text.contacts.iter().map(|id| contact_name(rules, *id));
            format!("text to {}", caller.into_iter().chain(contacts).collect::<Vec<_>>().join(", "))
        }
        Verb::Notice(notice) => {
            format!("notify {}", rules.channel(notice.channel).map_or(UNKNOWN, |channel| &channel.name))
        }
        Verb::Handoff(Handoff::Twiml(to) | Handoff::Stream(to) | Handoff::Sip { uri: to, .. }) => {
            format!("hand off to {to}")
        }
    }
}

/// Something heard, shortened.
pub fn speech_title(speech: &Speech) -> String {
    match speech {
        Speech::Say(texts) => {
            let text = texts.in_language(0);
            let shown: String = text.chars().take(SHOWN).collect();
            let more = if text.chars().count() > SHOWN { "…" } else { "" };
            format!("say \"{shown}{more}\"")
        }
        Speech::Play { audio, .. } => format!("play {audio}"),
    }
}
