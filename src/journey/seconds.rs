//! How long things take in an imagined call: round figures, the same wherever waiting is counted.

use crate::decide::decision::{Act, Plan};
use crate::decide::screen::ASKS;
use crate::model::leg::Leg;
use crate::rules::ruleset::{Confirm, RuleSet, Speech, Verb};

/// Characters spoken in a second.
pub const SPOKEN_PER_SECOND: usize = 14;

/// A recording whose length nobody knows here.
pub const RECORDING: u32 = 10;

/// Until somebody who picks up does so, at most; half the ringing time when that is shorter.
pub const PICK_UP: u32 = 8;

/// Until a callee has heard who calls and has pressed a key, or has let it pass.
pub const KEY_PROMPT: u32 = 8;

/// Until the carrier reports a leg that is busy or cannot be reached.
pub const SETUP: u32 = 2;

/// How long a text takes to say.
pub fn spoken(text: &str) -> u32 {
    u32::try_from(text.chars().count().div_ceil(SPOKEN_PER_SECOND)).unwrap_or(u32::MAX)
}

/// How long something heard takes.
pub fn heard(speech: &Speech, language: u8) -> u32 {
    match speech {
        Speech::Say(texts) => spoken(texts.in_language(language)),
        Speech::Play { .. } => RECORDING,
    }
}

/// How long it rings until somebody who picks up does so.
pub fn pick_up(ringing: u16) -> u32 {
    (u32::from(ringing) / 2).min(PICK_UP)
}

/// How long a leg rings and asks, until the caller talks or the next step comes.
pub fn leg(leg: Leg, confirm: Confirm, ringing: u16) -> u32 {
    let pick_up = pick_up(ringing);
    let ringing = u32::from(ringing);
    match (leg, confirm) {
        (Leg::NoAnswer, _) => ringing,
        (Leg::Answered | Leg::AnsweredNoKey | Leg::CallerHangsUp, Confirm::None) => pick_up,
        (Leg::Answered | Leg::Declined, Confirm::Key | Confirm::Voice) => pick_up + KEY_PROMPT,
        (Leg::AnsweredNoKey, Confirm::Key | Confirm::Voice) => pick_up + KEY_PROMPT * u32::from(ASKS),
        (Leg::CallerHangsUp, Confirm::Key | Confirm::Voice) => pick_up,
        (Leg::Declined, Confirm::None) => pick_up,
        (Leg::Busy | Leg::Unreachable | Leg::Canceled, _) => SETUP,
    }
}

/// How long the caller listens before the act of a plan begins: its speech, and what the act says first.
pub fn before(rules: &RuleSet, plan: &Plan) -> u32 {
    let language = plan.language;
    let of_step = |at: &crate::model::position::StepRef| match rules.step(*at).map(|step| &step.verb) {
        Some(Verb::Speak(speech) | Verb::Hangup(Some(speech))) => heard(speech, language),
        _ => 0,
    };
    let first: u32 = plan.speak.iter().map(of_step).sum();
    let then = match &plan.act {
        Act::Menu { menu, .. } => rules.menu(*menu).map_or(0, |menu| heard(&menu.prompt, language)),
        Act::OfferText { mailbox, greeting, .. } => {
            let offer = rules.mailbox(*mailbox).and_then(|mailbox| mailbox.offer_text.as_ref());
            greeting_of(rules, *mailbox, *greeting, language)
                + offer.map_or(0, |offer| spoken(offer.say.in_language(language)))
        }
        Act::Record { mailbox, greeting, greeted: false, .. } => greeting_of(rules, *mailbox, *greeting, language),
        Act::Hangup(Some(at)) => of_step(at),
        Act::Record { greeted: true, .. }
        | Act::Ring { .. }
        | Act::PromiseText
        | Act::Thank
        | Act::Reject(_)
        | Act::Hangup(None)
        | Act::Handoff { .. }
        | Act::Nothing => 0,
    };
    first.saturating_add(then)
}

fn greeting_of(rules: &RuleSet, mailbox: crate::model::ids::MailboxId, greeting: Option<u8>, language: u8) -> u32 {
    let Some(mailbox) = rules.mailbox(mailbox) else { return 0 };
    let special = greeting.and_then(|place| mailbox.greetings.get(usize::from(place)));
    heard(special.map_or(&mailbox.greeting, |greeting| &greeting.speech), language)
}
