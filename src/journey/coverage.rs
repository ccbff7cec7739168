//! Which rules, steps and menu keys some calls have come to.

use std::collections::BTreeSet;

use crate::decide::trace::{Considered, StepOutcome};
use crate::decide::words::places;
use crate::journey::Journey;
use crate::model::ids::{CascadeId, FlowId, MenuId};
use crate::model::position::{RuleRef, StepRef};
use crate::rules::ruleset::{RuleSet, Verb};

/// What of a rule set was come to, and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// The rules.
    pub rules: Share,
    /// The steps.
    pub steps: Share,
    /// The keys of menus.
    pub keys: Share,
}

/// A part of a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Share {
    /// How many were come to.
    pub reached: usize,
    /// The paths of the others.
    pub missing: Vec<String>,
}

impl Share {
    /// How many there are.
    pub const fn total(&self) -> usize {
        self.reached + self.missing.len()
    }

    fn of(all: impl IntoIterator<Item = (bool, String)>) -> Self {
        let mut share = Self::default();
        for (reached, path) in all {
            if reached {
                share.reached += 1;
            } else {
                share.missing.push(path);
            }
        }
        share
    }
}

impl Coverage {
    /// Everything that was come to, in percent of everything there is, rounded down; 100 for nothing of nothing.
    pub fn percent(&self) -> u8 {
        let reached = self.rules.reached + self.steps.reached + self.keys.reached;
        let total = self.rules.total() + self.steps.total() + self.keys.total();
        let percent = (reached * 100).checked_div(total).unwrap_or(100);
        u8::try_from(percent).unwrap_or(100)
    }

    /// The paths of all that was not come to.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let Self { rules, steps, keys } = self;
        rules.missing.iter().chain(&steps.missing).chain(&keys.missing).map(String::as_str)
    }
}

/// What these calls have come to.
pub fn coverage<'a>(rules: &RuleSet, journeys: impl IntoIterator<Item = &'a Journey>) -> Coverage {
    let mut seen = Seen::default();
    for stop in journeys.into_iter().flat_map(|journey| &journey.stops) {
        for considered in &stop.decision.trace {
            seen.note(rules, considered);
        }
    }
    let all_rules = (0..).zip(&rules.flows).flat_map(|(flow, list)| {
        (0..=u16::MAX).zip(&list.rules).map(move |(index, _)| RuleRef { flow: FlowId(flow), index })
    });
    let all_steps = (0..=u16::MAX).zip(&rules.cascades).flat_map(|(cascade, list)| {
        (0..=u16::MAX).zip(&list.steps).map(move |(index, _)| StepRef { cascade: CascadeId(cascade), index })
    });
    let all_keys = (0..).zip(&rules.menus).flat_map(|(menu, list)| {
        (0..=u8::MAX).zip(&list.keys).map(move |(place, key)| (MenuId(menu), place, key.cascade))
    });
    Coverage {
        rules: Share::of(all_rules.map(|at| (seen.rules.contains(&at), places::rule(rules, at)))),
        steps: Share::of(all_steps.map(|at| (seen.steps.contains(&at), places::step(rules, at)))),
        keys: Share::of(
            all_keys
                .map(|(menu, place, cascade)| (seen.keys.contains(&(menu, place)), places::cascade(rules, cascade))),
        ),
    }
}

#[derive(Default)]
struct Seen {
    rules: BTreeSet<RuleRef>,
    steps: BTreeSet<StepRef>,
    keys: BTreeSet<(MenuId, u8)>,
}

impl Seen {
    fn note(&mut self, rules: &RuleSet, considered: &Considered) {
        if let Considered::Taken(rule) = considered {
            self.rules.insert(*rule);
        } else if let Considered::Step(at) = considered {
            self.steps.insert(*at);
        } else if let Considered::Outcome { at, what: StepOutcome::Key(place) } = considered
            && let Some(Verb::Menu(menu)) = rules.step(*at).map(|step| &step.verb)
        {
            self.keys.insert((*menu, *place));
        }
    }
}
