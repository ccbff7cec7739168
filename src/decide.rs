//! `decide`: the one pure, total function that every surface asks where a call goes.

pub mod decision;
pub mod outcome;
pub mod screen;
pub mod trace;
pub mod words;
pub mod world;

mod choice;
mod condition;
mod happened;
mod walk;

use crate::decide::decision::Decision;
use crate::decide::trace::Circle;
use crate::decide::walk::Walk;
use crate::decide::world::{Known, World};
use crate::model::call::{CallFacts, Happened, State};
use crate::model::ids::LineId;
use crate::model::moment::Moment;
use crate::model::phone::E164;
use crate::model::position::Position;
use crate::rules::ruleset::RuleSet;

/// Decides what a call meets next, with every reason.
///
/// `now` is the moment the call began, in the zone of its line (see [`moment`]), so that hours stay
/// the same all through a call. Whatever the arguments say, there is an answer: what does not fit the
/// rules leads to `finally`.
pub fn decide(rules: &RuleSet, facts: &CallFacts, position: &Position, state: &State, now: &Moment) -> Decision {
    let mut world = Known { rules, facts, state, now };
    let arrives = facts.happened == Happened::Arrived && position.step.is_none();
    match circle(rules, facts, state).filter(|_| arrives) {
        Some(circle) => Walk::new(rules, &mut world, facts.line, position).circles(circle),
        None => decide_in(rules, &mut world, facts.line, &facts.happened, position),
    }
}

/// Calls of one caller within a minute that no hand can dial: something forwards our own calls back to us.
const BURST: usize = 10;

/// How it shows that the call goes in circles, if it does. Whatever the rules say of such calls would be done again
/// and again; a proof over the rules need not look at it, because every proof looks at `finally` alone, too.
fn circle(rules: &RuleSet, facts: &CallFacts, state: &State) -> Option<Circle> {
    let ours = |number: Option<&E164>| rules.lines.iter().any(|line| number == Some(&line.number));
    if ours(facts.caller.number()) {
        return Some(Circle::OwnNumber);
    }
    if ours(facts.forwarded_from.as_ref()) {
        return Some(Circle::Forwarded);
    }
    let calls = state.earlier_calls.iter().filter(|ago| **ago <= 60).count().saturating_add(1);
    (calls >= BURST).then(|| Circle::Burst { calls: u8::try_from(calls).unwrap_or(u8::MAX) })
}

/// The same with the facts coming from `world`: one that knows, or one that tries every possibility.
pub fn decide_in<W: World>(
    rules: &RuleSet,
    world: &mut W,
    line: Option<LineId>,
    happened: &Happened,
    position: &Position,
) -> Decision {
    let walk = Walk::new(rules, world, line, position);
    happened::answer(walk, happened)
}

/// When the call of this position began, in the zone in which its hours are meant.
pub fn moment(rules: &RuleSet, line: Option<LineId>, position: &Position) -> Moment {
    let zone = line.and_then(|id| rules.line(id)).map_or(&rules.zone, |line| &line.zone);
    Moment::new(jiff::Timestamp::from_second(position.began).unwrap_or_default(), zone)
}

#[cfg(test)]
pub(crate) mod tests;
