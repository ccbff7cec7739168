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
use crate::decide::walk::Walk;
use crate::decide::world::{Known, World};
use crate::model::call::{CallFacts, Happened, State};
use crate::model::ids::LineId;
use crate::model::moment::Moment;
use crate::model::position::Position;
use crate::rules::ruleset::RuleSet;

/// Decides what a call meets next, with every reason.
///
/// `now` is the moment the call began, in the zone of its line (see [`moment`]), so that hours stay
/// the same all through a call. Whatever the arguments say, there is an answer: what does not fit the
/// rules leads to `finally`.
pub fn decide(rules: &RuleSet, facts: &CallFacts, position: &Position, state: &State, now: &Moment) -> Decision {
    let mut world = Known { rules, facts, state, now };
    decide_in(rules, &mut world, facts.line, &facts.happened, position)
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
