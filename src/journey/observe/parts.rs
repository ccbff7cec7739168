//! The parts of an answer, each compared by its meaning.

use crate::decide::decision::{Act, Effect};
use crate::journey::observe::{Aspect, Aspects, Side};
use crate::model::ids::{ChannelId, ContactId, MailboxId};
use crate::model::phone::E164;
use crate::model::position::StepRef;
use crate::rules::ruleset::{
    ChannelKind, Confirm, Handoff, Mailbox, Notify, Receiver, Refusal, RuleSet, Show, Speech, Text, Texts, Verb,
};

/// Compares what happens.
pub(super) fn acts(old: Side<'_>, new: Side<'_>, found: &mut Aspects) {
    match (&old.decision.plan.act, &new.decision.plan.act) {
        (Act::Ring { seconds: one, .. }, Act::Ring { seconds: other, .. }) => {
            rings(old, new, found);
            if one != other {
                found.add(Aspect::Seconds);
            }
        }
        (Act::Menu { menu: one, .. }, Act::Menu { menu: other, .. }) => {
            if !same_menu(old, new) {
                found.add(Aspect::Course);
            }
            if old.rules.menu(*one).map(|menu| menu.wait) != new.rules.menu(*other).map(|menu| menu.wait) {
                found.add(Aspect::Seconds);
            }
        }
        (Act::OfferText { .. }, Act::OfferText { .. }) | (Act::Record { .. }, Act::Record { .. }) => {
            if !boxes(old, new) {
                found.add(Aspect::Mailbox);
            }
        }
        (Act::Handoff { at: one }, Act::Handoff { at: other }) => handoffs((old, *one), (new, *other), found),
        (Act::Reject(one), Act::Reject(other)) if one == other => {}
        (Act::PromiseText, Act::PromiseText)
        | (Act::Thank, Act::Thank)
        | (Act::Hangup(_), Act::Hangup(_))
        | (Act::Nothing, Act::Nothing) => {}
        _ => found.add(Aspect::Course),
    }
}

fn rings(old: Side<'_>, new: Side<'_>, found: &mut Aspects) {
    let (one, other) = (rung(old), rung(new));
    if !one.iter().map(|(number, ..)| number).eq(other.iter().map(|(number, ..)| number)) {
        found.add(Aspect::Rung);
        return;
    }
    if !one.iter().map(|(_, confirm, _)| confirm).eq(other.iter().map(|(_, confirm, _)| confirm)) {
        found.add(Aspect::Confirm);
    }
    if !one.iter().map(|(.., show)| show).eq(other.iter().map(|(.., show)| show)) {
        found.add(Aspect::Shown);
    }
}

/// Whether it is the same menu to its callers: by its name, or by its words.
fn same_menu(old: Side<'_>, new: Side<'_>) -> bool {
    let name = |side: Side<'_>| {
        let Act::Menu { menu, .. } = side.decision.plan.act else { return None };
        side.rules.menu(menu).map(|menu| menu.name.clone())
    };
    name(old) == name(new) || heard(old).last() == heard(new).last()
}

/// Everybody rung at once, in the order of their numbers.
fn rung(side: Side<'_>) -> Vec<(&E164, u8, &Show)> {
    let Act::Ring { contacts, .. } = &side.decision.plan.act else { return Vec::new() };
    let who = contacts.iter().filter_map(|id| side.rules.contact(*id));
    let mut all: Vec<_> = who.map(|contact| (&contact.number, contact.confirm as u8, &contact.show)).collect();
    all.sort_by_key(|(number, confirm, _)| (*number, *confirm));
    all
}

fn handoffs(old: (Side<'_>, StepRef), new: (Side<'_>, StepRef), found: &mut Aspects) {
    match (handoff(old.0.rules, old.1), handoff(new.0.rules, new.1)) {
        (Some(Handoff::Sip { uri: one, seconds: first }), Some(Handoff::Sip { uri: other, seconds: second })) => {
            if one != other {
                found.add(Aspect::Course);
            }
            if first != second {
                found.add(Aspect::Seconds);
            }
        }
        (Some(Handoff::Twiml(one)), Some(Handoff::Twiml(other)))
        | (Some(Handoff::Stream(one)), Some(Handoff::Stream(other)))
            if one == other => {}
        _ => found.add(Aspect::Course),
    }
}

fn handoff(rules: &RuleSet, at: StepRef) -> Option<&Handoff> {
    if let Verb::Handoff(handoff) = &rules.step(at)?.verb { Some(handoff) } else { None }
}

/// The mailbox of an answer.
pub(super) fn mailbox(side: Side<'_>) -> Option<&Mailbox> {
    if let Act::Record { mailbox, .. } | Act::OfferText { mailbox, .. } = side.decision.plan.act {
        return side.rules.mailbox(mailbox);
    }
    None
}

fn boxes(old: Side<'_>, new: Side<'_>) -> bool {
    match (mailbox(old), mailbox(new)) {
        (Some(one), Some(other)) => same_mailbox((old.rules, one), (new.rules, other)),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether messages left in the two go the same way.
pub(crate) fn same_mailbox(old: (&RuleSet, &Mailbox), new: (&RuleSet, &Mailbox)) -> bool {
    let (one, other) = (old.1, new.1);
    one.max == other.max
        && one.transcribe == other.transcribe
        && one.send_to.len() == other.send_to.len()
        && one.send_to.iter().zip(&other.send_to).all(|(one, other)| match (one, other) {
            (Receiver::Contact(one), Receiver::Contact(other)) => same_contact((old.0, *one), (new.0, *other)),
            _ => one == other,
        })
}

/// Whether the two are told of things in the same way, at the same number.
pub(crate) fn same_contact(old: (&RuleSet, ContactId), new: (&RuleSet, ContactId)) -> bool {
    let told = |(rules, id): (&RuleSet, ContactId)| {
        rules.contact(id).map(|contact| (contact.number.clone(), contact.notify == Notify::Sms))
    };
    told(old) == told(new)
}

pub(crate) fn same_contacts(old: (&RuleSet, &[ContactId]), new: (&RuleSet, &[ContactId])) -> bool {
    let pairs = || old.1.iter().zip(new.1);
    old.1.len() == new.1.len() && pairs().all(|(one, other)| same_contact((old.0, *one), (new.0, *other)))
}

pub(crate) fn same_channel(old: (&RuleSet, ChannelId), new: (&RuleSet, ChannelId)) -> bool {
    let told = |(rules, id): (&RuleSet, ChannelId)| -> Option<(ChannelKind, Box<str>)> {
        rules.channel(id).map(|channel| (channel.kind, channel.to.clone()))
    };
    told(old) == told(new)
}

/// Whether the escalations tell the same people at the same time, and whether in the same words.
pub(crate) fn same_escalation(
    old: (&RuleSet, crate::model::ids::EscalationId),
    new: (&RuleSet, crate::model::ids::EscalationId),
) -> (bool, bool) {
    let steps = |(rules, id)| RuleSet::escalation(rules, id).map_or(&[][..], |escalation| &escalation.steps);
    let (one, other) = (steps(old), steps(new));
    let same = one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| {
            let channels = match (one.channel, other.channel) {
                (Some(one), Some(other)) => same_channel((old.0, one), (new.0, other)),
                (one, other) => one.is_none() && other.is_none(),
            };
            channels
                && same_contacts((old.0, &one.sms), (new.0, &other.sms))
                && one.after == other.after
                && one.unless_taken == other.unless_taken
        });
    (same, one.iter().map(|step| &step.body).eq(other.iter().map(|step| &step.body)))
}

/// Compares what is sent.
pub(super) fn effects(old: Side<'_>, new: Side<'_>, found: &mut Aspects) {
    let (one, other) = (&old.decision.effects, &new.decision.effects);
    if one.len() != other.len() {
        found.add(Aspect::Texts);
        return;
    }
    for (one, other) in one.iter().zip(other) {
        let (same, words) = same_effect((old.rules, one), (new.rules, other));
        if !same {
            found.add(Aspect::Texts);
        }
        if !words {
            found.add(Aspect::Wording);
        }
    }
}

/// Whether the same is sent to the same, and whether in the same words.
fn same_effect(old: (&RuleSet, &Effect), new: (&RuleSet, &Effect)) -> (bool, bool) {
    match (old.1, new.1) {
        (Effect::Text { at: one }, Effect::Text { at: other }) => match (text(old.0, *one), text(new.0, *other)) {
            (Some(one), Some(other)) => same_text((old.0, one), (new.0, other)),
            (one, other) => (one.is_none() && other.is_none(), true),
        },
        (Effect::Notice { at: one, channel: first }, Effect::Notice { at: other, channel: second }) => {
            let body = |rules: &RuleSet, at| {
                if let Some(Verb::Notice(notice)) = RuleSet::step(rules, at).map(|step| &step.verb) {
                    Some(notice.body.clone())
                } else {
                    None
                }
            };
            let same = same_channel((old.0, *first), (new.0, *second));
            (same, body(old.0, *one) == body(new.0, *other))
        }
        (Effect::OfferedText { mailbox: one, .. }, Effect::OfferedText { mailbox: other, .. }) => {
            let body =
                |rules: &RuleSet, id| RuleSet::mailbox(rules, id)?.offer_text.as_ref().map(|offer| offer.body.clone());
            (true, body(old.0, *one) == body(new.0, *other))
        }
        (Effect::Missed { escalation: one }, Effect::Missed { escalation: other }) => {
            same_escalation((old.0, *one), (new.0, *other))
        }
        (Effect::Message { mailbox: one }, Effect::Message { mailbox: other }) => {
            let of = |rules, id: MailboxId| RuleSet::mailbox(rules, id);
            let same = match (of(old.0, *one), of(new.0, *other)) {
                (Some(one), Some(other)) => same_mailbox((old.0, one), (new.0, other)),
                (one, other) => one.is_none() && other.is_none(),
            };
            (same, true)
        }
        _ => (false, true),
    }
}

fn text(rules: &RuleSet, at: StepRef) -> Option<&Text> {
    if let Verb::Text(text) = &rules.step(at)?.verb { Some(text) } else { None }
}

/// Whether the texts go to the same people, and whether in the same words.
pub(crate) fn same_text(old: (&RuleSet, &Text), new: (&RuleSet, &Text)) -> (bool, bool) {
    let same = old.1.caller == new.1.caller && same_contacts((old.0, &old.1.contacts), (new.0, &new.1.contacts));
    (same, old.1.body == new.1.body)
}

/// Something heard, with the language it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words<'a> {
    Said(&'a str, &'a str),
    Played(&'a str, &'a str, Option<&'a str>),
}

impl Words<'_> {
    pub(super) fn shown(self) -> String {
        match self {
            Self::Said(_, text) => format!("says \"{text}\""),
            Self::Played(_, audio, _) => format!("plays {audio}"),
        }
    }
}

/// Everything heard of an answer, by the caller first, and by callees.
pub(super) fn heard<'a>(side: Side<'a>) -> impl Iterator<Item = Words<'a>> + 'a {
    let Side { rules, line, decision } = side;
    let language = decision.plan.language;
    let of_step = move |at: &StepRef| match rules.step(*at).map(|step| &step.verb) {
        Some(Verb::Speak(speech) | Verb::Hangup(Some(speech))) => Some(words(rules, speech, language)),
        _ => None,
    };
    let (mut first, mut second) = (None, None);
    match &decision.plan.act {
        Act::Menu { menu, .. } => first = rules.menu(*menu).map(|menu| words(rules, &menu.prompt, language)),
        Act::OfferText { mailbox, greeting, .. } => {
            first = greeting_of(rules, *mailbox, *greeting, language);
            let offer = rules.mailbox(*mailbox).and_then(|mailbox| mailbox.offer_text.as_ref());
            second = offer.map(|offer| said(rules, &offer.say, language));
        }
        Act::Record { mailbox, greeting, greeted: false, .. } => {
            first = greeting_of(rules, *mailbox, *greeting, language);
        }
        Act::Hangup(Some(at)) => first = of_step(at),
        Act::Ring { contacts, .. } => {
            let asked =
                contacts.iter().filter_map(|id| rules.contact(*id)).any(|contact| contact.confirm != Confirm::None);
            let spoken = line.and_then(|id| rules.line(id)).filter(|_| asked);
            first = spoken.map(|line| Words::Said("", &line.spoken));
        }
        Act::Record { greeted: true, .. }
        | Act::PromiseText
        | Act::Thank
        | Act::Reject(_)
        | Act::Hangup(None)
        | Act::Handoff { .. }
        | Act::Nothing => {}
    }
    decision.plan.speak.iter().filter_map(of_step).chain(first).chain(second)
}

fn greeting_of(rules: &RuleSet, id: MailboxId, greeting: Option<u8>, language: u8) -> Option<Words<'_>> {
    let mailbox = rules.mailbox(id)?;
    let special = greeting.and_then(|place| mailbox.greetings.get(usize::from(place)));
    Some(words(rules, special.map_or(&mailbox.greeting, |greeting| &greeting.speech), language))
}

fn words<'a>(rules: &'a RuleSet, speech: &'a Speech, language: u8) -> Words<'a> {
    match speech {
        Speech::Say(texts) => said(rules, texts, language),
        Speech::Play { audio, else_say } => {
            let instead = else_say.as_ref().map(|texts| texts.in_language(language));
            Words::Played(spoken_in(rules, language), audio, instead)
        }
    }
}

fn said<'a>(rules: &'a RuleSet, texts: &'a Texts, language: u8) -> Words<'a> {
    Words::Said(spoken_in(rules, language), texts.in_language(language))
}

fn spoken_in(rules: &RuleSet, language: u8) -> &str {
    rules.languages.get(usize::from(language)).map_or("", |language| language)
}

pub(super) const fn takes(confirm: Confirm) -> &'static str {
    match confirm {
        Confirm::Key => "takes it by key",
        Confirm::Voice => "takes it by key or voice",
        Confirm::None => "takes it by picking up",
    }
}

pub(super) const fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Busy => "busy",
        Refusal::Closed => "out of service",
    }
}
