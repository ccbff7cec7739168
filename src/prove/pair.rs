//! Two rule sets side by side: which calls meet something else under the new one, or a proof that none does.
//!
//! Both machines walk together. Every question about the world is put to both at once, so a call is never taken for
//! one thing by the old rules and for another by the new; as long as both answer alike, what people do next is the
//! same for both. What is known of a call is kept whole, so every difference that is found can be called.

mod alike;
mod branch;
mod class;
mod domain;
mod example;
mod explore;
mod merge;
pub mod report;
mod set;
mod when;

use crate::journey::observe::{Aspect, Aspects};
use crate::journey::{Call, Journey};
use crate::model::ids::LineId;
use crate::model::position::{RuleRef, StepRef};
use crate::prove::Limits;
use crate::rules::ruleset::RuleSet;

/// What was found of two rule sets.
#[derive(Debug)]
pub struct Pair {
    /// The classes of calls that meet something else, the weightiest first.
    pub classes: Vec<Class>,
    /// Lines that only the old rules have.
    pub lines_gone: Vec<String>,
    /// Lines that only the new rules have.
    pub lines_new: Vec<String>,
    /// What was looked at.
    pub covered: Covered,
    /// Why the search came to no end; then there may be more differences than are listed.
    pub unfinished: Option<String>,
}

impl Pair {
    /// Whether it is proved that no call meets anything else.
    pub const fn proved_equal(&self) -> bool {
        !self.differs() && self.unfinished.is_none()
    }

    /// Whether some call meets something else.
    pub const fn differs(&self) -> bool {
        !self.classes.is_empty() || !self.lines_gone.is_empty() || !self.lines_new.is_empty()
    }
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Covered {
    /// Lines that both rule sets have.
    pub lines: usize,
    /// Kinds of moments: combinations of hours of both that the calendar brings.
    pub moments: usize,
    /// Kinds of callers.
    pub callers: usize,
    /// Switches, each in every position.
    pub switches: usize,
    /// Places in which a call can wait under both.
    pub stops: usize,
    /// Pairs of answers compared.
    pub answers: usize,
    /// Days ahead that calls were thought of.
    pub days: u16,
}

/// Calls that meet the same other thing for the same reason.
#[derive(Debug)]
pub struct Class {
    /// In what the answers differ.
    pub aspects: Aspects,
    /// The lines they come in on.
    pub lines: Vec<String>,
    /// What the old rules do.
    pub old: Turn,
    /// What the new rules do.
    pub new: Turn,
    /// When such calls can come, in words.
    pub when: String,
    /// What else they have in common, in words.
    pub known: Vec<String>,
    /// The smallest such call.
    pub example: Example,
}

impl Class {
    /// The weightiest aspect.
    pub fn aspect(&self) -> Aspect {
        self.aspects.list().next().unwrap_or(Aspect::Course)
    }
}

/// The answer of one of the two at the point at which they differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// The rule taken there, if one is.
    pub rule: Option<RuleRef>,
    /// The step come to.
    pub step: Option<StepRef>,
    /// What it does.
    pub what: String,
}

/// A call under both.
#[derive(Debug)]
pub struct Example {
    /// The call as the old rules see it.
    pub old_call: Call,
    /// What becomes of it under the old rules.
    pub old: Journey,
    /// The call as the new rules see it.
    pub new_call: Call,
    /// What becomes of it under the new rules.
    pub new: Journey,
}

/// Looks for every class of calls that meets something else under the new rules.
pub fn pair(old: &RuleSet, new: &RuleSet, limits: Limits) -> Pair {
    let mut gone = only(old, new);
    let mut fresh = only(new, old);
    gone.sort();
    fresh.sort();
    match explore::explore(old, new, limits) {
        Ok(found) => {
            let (classes, covered, unfinished) = found.into_classes();
            Pair { classes, lines_gone: gone, lines_new: fresh, covered, unfinished }
        }
        Err(why) => Pair {
            classes: Vec::new(),
            lines_gone: gone,
            lines_new: fresh,
            covered: Covered { days: limits.days, ..Covered::default() },
            unfinished: Some(why),
        },
    }
}

/// Lines of the first that the second has not.
fn only(first: &RuleSet, second: &RuleSet) -> Vec<String> {
    let lacks = |number: &crate::model::phone::E164| !second.lines.iter().any(|line| line.number == *number);
    let all = first.lines.iter().filter(|line| lacks(&line.number));
    all.map(|line| {
        if *line.name == *line.number.as_str() {
            line.number.to_string()
        } else {
            format!("{} ({})", line.name, line.number)
        }
    })
    .collect()
}

/// The same line in both, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) old: Option<LineId>,
    pub(crate) new: Option<LineId>,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Old,
    New,
}

#[cfg(test)]
mod tests;
