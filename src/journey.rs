//! One whole imagined call: `decide` asked again and again, with people who do what they are told.

pub mod coverage;
pub mod hear;
pub mod observe;
pub mod outlook;
pub mod people;
pub mod seconds;
pub mod verdict;

use crate::decide;
use crate::decide::decision::{Act, Decision, Effect};
use crate::decide::trace::Considered;
use crate::journey::people::{Handed, People, Question, Reply};
use crate::model::call::{Attestation, CallFacts, Happened, LegOutcome, State};
use crate::model::ids::{CallSid, ContactId, LineId, MailboxId, MenuId};
use crate::model::leg::Leg;
use crate::model::moment::Moment;
use crate::model::phone::{Caller, E164};
use crate::model::position::{Position, RuleRef, StepRef};
use crate::rules::ruleset::{Confirm, EndKind, Handoff, RuleSet, Verb};

/// A call that might come.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The line it comes in on; none for a number that is in none of the lines.
    pub line: Option<LineId>,
    /// Who calls.
    pub caller: Caller,
    /// The number that forwarded the call, if one did.
    pub forwarded_from: Option<E164>,
    /// What the networks say of the caller's number.
    pub attestation: Attestation,
    /// When it comes, in seconds since 1970.
    pub at: i64,
    /// The state outside the rules, the same all through the call.
    pub state: State,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Journey {
    /// When the call came, in the zone of its line.
    pub began: Moment,
    /// Every answer in order.
    pub stops: Vec<Stop>,
    /// How it ended.
    pub end: EndKind,
    /// Seconds until the caller talked to a person, heard the tone of a mailbox, or was hung up on.
    pub waited: u32,
}

/// One answer, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// Seconds since the call came.
    pub at: u32,
    /// What was reported.
    pub happened: Happened,
    /// What was decided.
    pub decision: Decision,
    /// What those did who were rung.
    pub legs: Vec<Rung>,
    /// How many seconds the act took.
    pub took: u32,
}

/// Somebody who was rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// Who.
    pub contact: ContactId,
    /// What they did.
    pub leg: Leg,
    /// Seconds from the first ring until it was over, or they talked.
    pub took: u32,
}

impl Journey {
    /// Everybody rung, in order, once for each ring.
    pub fn rung(&self) -> impl Iterator<Item = Rung> + '_ {
        self.stops.iter().flat_map(|stop| stop.legs.iter().copied())
    }

    /// Everything to send, in order.
    pub fn effects(&self) -> impl Iterator<Item = &Effect> {
        self.stops.iter().flat_map(|stop| &stop.decision.effects)
    }

    /// The rules taken, in order.
    pub fn rules(&self) -> impl Iterator<Item = RuleRef> + '_ {
        self.stops
            .iter()
            .flat_map(|stop| &stop.decision.trace)
            .filter_map(|considered| if let Considered::Taken(rule) = considered { Some(*rule) } else { None })
    }

    /// The menus that the caller heard, once for each time.
    pub fn menus(&self) -> impl Iterator<Item = MenuId> + '_ {
        self.stops
            .iter()
            .filter_map(|stop| if let Act::Menu { menu, .. } = stop.decision.plan.act { Some(menu) } else { None })
    }

    /// The mailbox that took a message, or offered to.
    pub fn mailbox(&self) -> Option<MailboxId> {
        self.stops.iter().rev().find_map(|stop| {
            if let Act::Record { mailbox, .. } | Act::OfferText { mailbox, .. } = stop.decision.plan.act {
                Some(mailbox)
            } else {
                None
            }
        })
    }
}

/// Follows the call to its end; `decide` never lets one go on for ever.
pub fn travel(rules: &RuleSet, call: &Call, people: &mut dyn People) -> Journey {
    let mut position = Position::start(call.at);
    let began = decide::moment(rules, call.line, &position);
    let mut facts = CallFacts {
        call: CallSid::imagined(),
        line: call.line,
        caller: call.caller.clone(),
        attestation: call.attestation,
        forwarded_from: call.forwarded_from.clone(),
        happened: Happened::Arrived,
    };
    let mut journey = Journey { began, stops: Vec::new(), end: EndKind::CallerGone, waited: 0 };
    let mut clock = 0_u32;
    let mut waiting = true;
    loop {
        let decision = decide::decide(rules, &facts, &position, &call.state, &journey.began);
        let listened = seconds::before(rules, &decision.plan);
        let met = meet(rules, &decision, people);
        let until = met.until.min(met.took);
        if waiting {
            journey.waited = clock.saturating_add(listened).saturating_add(until);
        }
        // Who hears the tone waits no more, whatever they do then.
        waiting &= !matches!(decision.plan.act, Act::Record { .. });
        journey.end = decision.end.unwrap_or(journey.end);
        let next = decision.next.clone();
        let took = listened.saturating_add(met.took);
        let happened = std::mem::replace(&mut facts.happened, met.happened);
        journey.stops.push(Stop { at: clock, happened, decision, legs: met.legs, took });
        clock = clock.saturating_add(took);
        match next {
            Some(next) => position = next,
            None => return journey,
        }
    }
}

/// What comes of one act.
pub(crate) struct Met {
    pub(crate) happened: Happened,
    pub(crate) legs: Vec<Rung>,
    /// Seconds the act takes once it has begun.
    pub(crate) took: u32,
    /// Seconds of them that the caller waits.
    pub(crate) until: u32,
}

impl Met {
    const fn after(took: u32, happened: Happened) -> Self {
        Self { happened, legs: Vec::new(), took, until: took }
    }
}

/// What the people make of an answer.
pub(crate) fn meet(rules: &RuleSet, decision: &Decision, people: &mut dyn People) -> Met {
    match &decision.plan.act {
        Act::Ring { contacts, seconds, .. } => ring(rules, contacts, *seconds, people),
        Act::Menu { menu, attempt, .. } => {
            let wait = rules.menu(*menu).map_or(0, |menu| u32::from(menu.wait));
            asked(people.asked(Question::Menu(*menu, *attempt)), wait)
        }
        Act::OfferText { mailbox, .. } => asked(people.asked(Question::OfferText(*mailbox)), 0),
        Act::Record { mailbox, .. } => match people.tone(*mailbox) {
            Some(seconds) => {
                let happened = Happened::Recorded { seconds: Some(seconds) };
                Met { happened, legs: Vec::new(), took: seconds, until: 0 }
            }
            None => Met::after(0, Happened::Gone),
        },
        Act::Handoff { at } => handed(rules, *at, people),
        Act::PromiseText | Act::Thank | Act::Reject(_) | Act::Hangup(_) | Act::Nothing => Met::after(0, Happened::Gone),
    }
}

fn asked(reply: Reply, wait: u32) -> Met {
    let chose = |digits: &str, speech: &str| Happened::Chose { digits: digits.into(), speech: speech.into() };
    match reply {
        Reply::Pressed(digits) => Met::after(0, chose(&digits, "")),
        Reply::Said(speech) => Met::after(seconds::spoken(&speech), chose("", &speech)),
        Reply::Silence => Met::after(wait, chose("", "")),
        Reply::HangsUp => Met::after(0, Happened::Gone),
    }
}

fn handed(rules: &RuleSet, at: StepRef, people: &mut dyn People) -> Met {
    let ringing = match rules.step(at).map(|step| &step.verb) {
        Some(Verb::Handoff(Handoff::Sip { seconds, .. })) => Some(u32::from(*seconds)),
        _ => None,
    };
    match (people.handed_off(), ringing) {
        (Handed::Kept, Some(_)) => Met::after(seconds::PICK_UP, Happened::Rang(LegOutcome::Connected(None))),
        (Handed::Kept, None) | (Handed::HangsUp, _) => Met::after(0, Happened::Gone),
        (Handed::Returned, Some(ringing)) => Met::after(ringing, Happened::Rang(LegOutcome::NoAnswer)),
        (Handed::Returned, None) => Met::after(seconds::SETUP, Happened::Returned),
    }
}

/// Rings people at once: the first to talk has the call, or else the last to give up ends the ring.
fn ring(rules: &RuleSet, contacts: &[ContactId], ringing: u16, people: &mut dyn People) -> Met {
    let mut legs = Vec::with_capacity(contacts.len());
    let mut reports = Vec::with_capacity(contacts.len());
    people.ringing(contacts, ringing);
    for id in contacts.iter().copied() {
        let confirm = rules.contact(id).map_or(Confirm::Key, |contact| contact.confirm);
        let leg = people.rung(id);
        let took = seconds::leg(leg, confirm, ringing);
        legs.push(Rung { contact: id, leg, took });
        reports.push((took, outcome(leg, confirm, id)));
    }
    let talks = |report: &&(u32, Option<LegOutcome>)| matches!(report.1, Some(LegOutcome::Connected(_)));
    let first = reports.iter().filter(talks).min_by_key(|(took, _)| *took);
    let hangs_up = reports.iter().find(|(_, outcome)| outcome.is_none());
    let last = reports.iter().max_by_key(|(took, _)| *took);
    let (took, outcome) = first.or(hangs_up).or(last).copied().unwrap_or((0, Some(LegOutcome::Failed)));
    let happened = outcome.map_or(Happened::Gone, Happened::Rang);
    Met { happened, legs, took, until: took }
}

/// What the carrier and our own record make of what somebody did; none when the caller has gone.
const fn outcome(leg: Leg, confirm: Confirm, who: ContactId) -> Option<LegOutcome> {
    let free = matches!(confirm, Confirm::None);
    Some(match leg {
        Leg::Answered => LegOutcome::Connected(Some(who)),
        Leg::AnsweredNoKey if free => LegOutcome::Connected(Some(who)),
        Leg::AnsweredNoKey => LegOutcome::NoKey,
        Leg::Declined if free => LegOutcome::Busy,
        Leg::Declined => LegOutcome::Declined,
        Leg::Busy => LegOutcome::Busy,
        Leg::NoAnswer => LegOutcome::NoAnswer,
        Leg::Unreachable => LegOutcome::Failed,
        Leg::Canceled => LegOutcome::Canceled,
        Leg::CallerHangsUp => return None,
    })
}

#[cfg(test)]
mod tests;
