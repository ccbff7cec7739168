//! One recorded call under both rule sets.

use crate::diff::people::{Recorded, Unknown};
use crate::diff::seen::Seen;
use crate::journey::observe::{Aspects, Side, differences, place};
use crate::journey::{Call, Journey, travel};
use crate::model::call::{Attestation, State};
use crate::model::ids::LineId;
use crate::model::phone::{Caller, E164};
use crate::model::position::{RuleRef, StepRef};
use crate::rules::ruleset::{EndKind, RuleSet};

/// The two rule sets.
#[derive(Debug, Clone, Copy)]
pub struct Both<'a> {
    /// Those of now.
    pub old: &'a RuleSet,
    /// Those to be.
    pub new: &'a RuleSet,
}

/// What becomes of a call under one of the two.
#[derive(Debug, Clone, PartialEq)]
pub struct Went {
    /// The call as these rules see it.
    pub line: Option<LineId>,
    /// What becomes of it, up to what is not known.
    pub journey: Journey,
    /// What is not known of it.
    pub unknown: Option<Unknown>,
}

impl Went {
    /// How it ends; none when that is not known.
    pub fn end(&self) -> Option<EndKind> {
        self.unknown.is_none().then_some(self.journey.end)
    }

    /// How long the caller waits; none when that is not known.
    pub fn waited(&self) -> Option<u32> {
        self.unknown.is_none().then_some(self.journey.waited)
    }
}

/// The rule taken where two calls differ, or else the step come to.
pub type Cause = (Option<RuleRef>, Option<StepRef>);

/// Where a call begins to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Differs {
    /// The answer, in both.
    pub stop: usize,
    /// In what.
    pub aspects: Aspects,
    /// Why, in each of the two.
    pub causes: (Cause, Cause),
}

/// One call under both.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Under the old rules.
    pub old: Went,
    /// Under the new rules.
    pub new: Went,
    /// The weightiest difference; none when everything is the same.
    pub differs: Option<Differs>,
    /// Whether the old rules do what was recorded; not when the call was recorded under others.
    pub reproduced: bool,
}

impl<'a> Both<'a> {
    /// Takes the call through both.
    pub fn compare(self, seen: &Seen) -> Compared {
        let old = self.follow(seen, self.old);
        let new = self.follow(seen, self.new);
        let all = differences((self.old, old.line, &old.journey), (self.new, new.line, &new.journey));
        let mut found: Option<(usize, Aspects)> = None;
        for difference in all {
            // What parts the ways is the difference; other words on the way there are not.
            if found.is_none() || difference.aspects.part_ways() {
                found = Some((difference.stop, difference.aspects));
            }
        }
        let cause = |went: &Went, stop: usize| {
            let (rule, step) = went.journey.stops.get(stop).map_or((None, None), |stop| place(&stop.decision));
            (rule, step.filter(|_| rule.is_none()))
        };
        let differs =
            found.map(|(stop, aspects)| Differs { stop, aspects, causes: (cause(&old, stop), cause(&new, stop)) });
        let reproduced = old.unknown.is_none() && self.reproduces(seen, &old.journey);
        Compared { old, new, differs, reproduced }
    }

    fn follow(self, seen: &Seen, rules: &'a RuleSet) -> Went {
        let call = call(seen, rules, self);
        let mut people = Recorded::new(seen, rules, self.old, self.new);
        let journey = travel(rules, &call, &mut people);
        Went { line: call.line, journey, unknown: people.unknown }
    }

    /// Whether the journey rings whom the record says, in that order, and ends as it says.
    fn reproduces(self, seen: &Seen, journey: &Journey) -> bool {
        let rung = journey.rung().filter_map(|rung| self.old.contact(rung.contact)).map(|contact| &*contact.name);
        let ended = seen.end.as_deref().is_none_or(|end| end == journey.end.word());
        ended && rung.eq(seen.rings().map(|ring| ring.name))
    }

    /// One side of an answer.
    pub fn side<'w>(rules: &'w RuleSet, went: &'w Went, stop: usize) -> Option<Side<'w>> {
        went.journey.stops.get(stop).map(|stop| Side { rules, line: went.line, decision: &stop.decision })
    }
}

fn call(seen: &Seen, rules: &RuleSet, both: Both<'_>) -> Call {
    let named = || rules.lines.iter().position(|line| Some(&*line.name) == seen.line.as_deref());
    let line = rules.lines.iter().position(|line| line.number.as_str() == seen.called).or_else(named);
    let mut state = State {
        switches: vec![None; rules.switches.len()],
        stale: Vec::new(),
        active_calls: vec![0; rules.contacts.len()],
        earlier_calls: seen.earlier.clone(),
    };
    for (name, on) in &seen.switches {
        let place = rules.switches.iter().position(|switch| *switch.name == **name);
        place.and_then(|place| state.switches.get_mut(place)).into_iter().for_each(|switch| *switch = Some(*on));
    }
    for (name, calls) in &seen.active {
        let known = |rules: &RuleSet| {
            let found = rules.contacts.iter().find(|contact| *contact.name == **name);
            found.map(|contact| contact.number.clone())
        };
        let number = known(both.old).or_else(|| known(both.new));
        for (contact, active) in rules.contacts.iter().zip(&mut state.active_calls) {
            if Some(&contact.number) == number.as_ref() {
                *active = (*active).max(*calls);
            }
        }
    }
    Call {
        line: line.and_then(|place| u16::try_from(place).ok()).map(LineId),
        caller: Caller::parse(if seen.caller == "withheld" { "" } else { &seen.caller }),
        forwarded_from: seen.forwarded_from.as_deref().and_then(|number| E164::parse(number).ok()),
        attestation: Attestation::ALL.into_iter().find(|word| word.word() == seen.attestation).unwrap_or_default(),
        at: seen.began,
        state,
    }
}
