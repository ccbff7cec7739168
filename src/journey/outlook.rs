//! What callers will meet in the days to come, change by change.
//!
//! Calls are imagined at every instant at which some hours change, and nowhere else: between two of them
//! every call goes the same way.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::decide::decision::Act;
use crate::journey::people::{Reply, Script};
use crate::journey::{Call, Journey, travel};
use crate::model::call::{Attestation, State};
use crate::model::ids::{ContactId, HoursId, LineId, MenuId};
use crate::model::moment::{Moment, Zone};
use crate::model::phone::Caller;
use crate::model::position::{RuleRef, StepRef};
use crate::rules::ruleset::{Condition, EndKind, Hours, RuleSet, Test};
use crate::rules::schedule::{self, HoursFact};

/// The calls to think of: who calls, and what the state outside the rules is.
#[derive(Debug, Clone, PartialEq)]
pub struct Callers {
    /// Who calls.
    pub caller: Caller,
    /// What the networks say of the caller's number.
    pub attestation: Attestation,
    /// The state outside the rules, the same all the time.
    pub state: State,
}

/// What callers of one line will meet.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The line.
    pub line: LineId,
    /// One after the other, without gaps.
    pub stretches: Vec<Stretch>,
    /// Days and nights that are not like others, in order.
    pub remarks: Vec<Remark>,
}

/// A stretch of time in which every call goes the same way.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Its first instant.
    pub from: Moment,
    /// The first instant after it.
    pub until: Moment,
    /// What callers meet.
    pub meets: Meets,
}

/// What a caller meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meets {
    /// The first rule taken; none when no rule holds.
    pub rule: Option<RuleRef>,
    /// The first thing that happens besides speech.
    pub first: First,
    /// Who is rung, when nobody answers and the caller waits.
    pub rung: Vec<ContactId>,
    /// Who else can be reached by the keys of menus.
    pub by_key: Vec<ContactId>,
    /// How the call ends when nobody answers and the caller waits.
    pub end: EndKind,
}

impl Meets {
    /// Whether no person can be reached.
    pub const fn is_gap(&self) -> bool {
        self.rung.is_empty() && self.by_key.is_empty() && !matches!(self.end, EndKind::HandedOff | EndKind::Connected)
    }
}

/// The first thing that happens besides speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// Somebody is rung.
    Ring(StepRef),
    /// A menu is played.
    Menu(MenuId),
    /// A message is taken.
    Voicemail,
    /// The call is given away.
    Handoff,
    /// The call is refused.
    Reject,
    /// The caller is hung up on.
    Hangup,
}

/// Something not like other days.
#[derive(Debug, Clone, PartialEq)]
pub struct Remark {
    /// When.
    pub at: Moment,
    /// What.
    pub what: Special,
}

/// What is not like other days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Special {
    /// A holiday closes these hours.
    Holiday {
        /// Its name.
        name: Box<str>,
        /// The hours.
        hours: HoursId,
    },
    /// These hours have a day of their own.
    Dated(HoursId),
    /// The clocks change.
    Clocks {
        /// Before.
        before: Offset,
        /// After.
        after: Offset,
    },
}

/// Looks ahead on every line, from one instant to another.
pub fn outlooks(rules: &RuleSet, callers: &Callers, from: Timestamp, until: Timestamp) -> Vec<Outlook> {
    let lines = (0..).take(rules.lines.len()).map(LineId);
    lines.filter_map(|line| outlook(rules, callers, line, from, until)).collect()
}

/// Looks ahead on one line.
pub fn outlook(rules: &RuleSet, callers: &Callers, id: LineId, from: Timestamp, until: Timestamp) -> Option<Outlook> {
    let line = rules.line(id)?;
    let asked = asked(rules);
    let start = Moment::new(from, &line.zone);
    let mut instants: BTreeSet<Timestamp> = BTreeSet::from([from]);
    for hours in &asked {
        instants.extend(schedule::changes(rules, *hours, &start, until));
    }
    let mut stretches: Vec<Stretch> = Vec::new();
    for at in instants {
        let meets = meets(rules, callers, id, at);
        if stretches.last().is_some_and(|last| last.meets == meets) {
            continue;
        }
        let from = Moment::new(at, &line.zone);
        stretches.last_mut().into_iter().for_each(|last| last.until = from.clone());
        stretches.push(Stretch { until: Moment::new(until, &line.zone), from, meets });
    }
    Some(Outlook { line: id, stretches, remarks: remarks(rules, &line.zone, &asked, from, until) })
}

/// Every one of the hours that some condition asks for.
fn asked(rules: &RuleSet) -> Vec<HoursId> {
    fn hours(when: &[Condition]) -> impl Iterator<Item = HoursId> {
        when.iter()
            .flat_map(|condition| match &condition.test {
                Test::Hours(list) => &**list,
                Test::Caller(_) | Test::Switch(_) | Test::Line(_) | Test::Language(_) | Test::Attempt { .. } => &[],
            })
            .copied()
    }
    let rules_of = rules.flows.iter().flat_map(|flow| &flow.rules).flat_map(|rule| hours(&rule.when));
    let greetings = rules.mailboxes.iter().flat_map(|mailbox| &mailbox.greetings);
    let all: BTreeSet<HoursId> = rules_of.chain(greetings.flat_map(|greeting| hours(&greeting.when))).collect();
    all.into_iter().collect()
}

/// Most calls imagined for one instant: menus of menus have more keys than anybody wants to read of.
const MOST_CALLS: usize = 64;

/// Deepest menus followed by keys.
const DEEPEST: usize = 3;

fn meets(rules: &RuleSet, callers: &Callers, line: LineId, at: Timestamp) -> Meets {
    let call = Call {
        line: Some(line),
        caller: callers.caller.clone(),
        forwarded_from: None,
        attestation: callers.attestation,
        at: at.as_second(),
        state: callers.state.clone(),
    };
    let waiting = travel(rules, &call, &mut Script::new());
    let rung = contacts(&waiting);
    let mut by_key: Vec<ContactId> = Vec::new();
    let mut open = vec![(Vec::<Box<str>>::new(), menu(&waiting, 0))];
    let mut calls = 0;
    while let Some((keys, menu)) = open.pop() {
        let choices = menu.and_then(|menu| rules.menu(menu)).map_or(&[][..], |menu| &menu.keys);
        for choice in choices.iter().filter(|_| keys.len() < DEEPEST) {
            calls += 1;
            if calls > MOST_CALLS {
                break;
            }
            let mut pressed = keys.clone();
            pressed.push(choice.digits.clone());
            let script = pressed.iter().fold(Script::new(), |script, key| script.key(Reply::Pressed(key.clone())));
            let journey = travel(rules, &call, &mut script.clone());
            let new = contacts(&journey).into_iter().filter(|contact| !rung.contains(contact));
            by_key.extend(new);
            open.push((pressed.clone(), self::menu(&journey, pressed.len())));
        }
    }
    by_key.sort_unstable();
    by_key.dedup();
    Meets { rule: waiting.rules().next(), first: first(&waiting), rung, by_key, end: waiting.end }
}

fn contacts(journey: &Journey) -> Vec<ContactId> {
    let mut contacts: Vec<ContactId> = Vec::new();
    for rung in journey.rung() {
        if !contacts.contains(&rung.contact) {
            contacts.push(rung.contact);
        }
    }
    contacts
}

/// The menu that comes after so many others, when one comes right then.
fn menu(journey: &Journey, after: usize) -> Option<MenuId> {
    let menus = journey.stops.iter().filter_map(|stop| match stop.decision.plan.act {
        Act::Menu { menu, .. } => Some(menu),
        Act::Ring { .. }
        | Act::OfferText { .. }
        | Act::Record { .. }
        | Act::PromiseText
        | Act::Thank
        | Act::Reject(_)
        | Act::Hangup(_)
        | Act::Handoff { .. }
        | Act::Nothing => None,
    });
    menus.into_iter().nth(after)
}

fn first(journey: &Journey) -> First {
    match journey.stops.first().map(|stop| &stop.decision.plan.act) {
        Some(Act::Ring { at, .. }) => First::Ring(*at),
        Some(Act::Menu { menu, .. }) => First::Menu(*menu),
        Some(Act::OfferText { .. } | Act::Record { .. }) => First::Voicemail,
        Some(Act::Handoff { .. }) => First::Handoff,
        Some(Act::Reject(_)) => First::Reject,
        Some(Act::PromiseText | Act::Thank | Act::Hangup(_) | Act::Nothing) | None => First::Hangup,
    }
}

fn remarks(rules: &RuleSet, zone: &Zone, asked: &[HoursId], from: Timestamp, until: Timestamp) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = Vec::new();
    let mut day = zone.table().to_datetime(from).date();
    while let Ok(midnight) = day.to_zoned(zone.table().clone()) {
        if midnight.timestamp() >= until {
            break;
        }
        let at = Moment::new(midnight.timestamp().max(from), zone);
        let specials = asked.iter().filter_map(|id| special(rules, *id, day));
        remarks.extend(specials.map(|what| Remark { at: at.clone(), what }));
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    for jump in zone.table().following(from).take_while(|jump| jump.timestamp() < until) {
        let just_before = jump.timestamp().checked_sub(SignedDuration::from_secs(1)).unwrap_or(from);
        let (before, after) = (zone.table().to_offset(just_before), jump.offset());
        if before != after {
            remarks.push(Remark { at: Moment::new(jump.timestamp(), zone), what: Special::Clocks { before, after } });
        }
    }
    remarks.sort_by_key(|remark| remark.at.timestamp());
    remarks
}

/// What is not as usual with some hours on a day.
fn special(rules: &RuleSet, id: HoursId, day: Date) -> Option<Special> {
    let hours: &Hours = rules.hours(id)?;
    if hours.dates.iter().any(|dated| dated.day == day) {
        return Some(Special::Dated(id));
    }
    let HoursFact::Holiday { list, holiday } = schedule::fact_on(rules, id, day) else {
        return None;
    };
    let name = rules.holiday_list(list)?.days.get(usize::from(holiday))?.name.clone();
    Some(Special::Holiday { name, hours: id })
}
