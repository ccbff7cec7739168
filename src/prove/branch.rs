//! A world that answers every question both ways, and folds what it need not remember.

use std::collections::BTreeSet;

use crate::decide;
use crate::decide::decision::Decision;
use crate::decide::trace::{Considered, Why};
use crate::decide::world::{Place, Seen, World};
use crate::model::call::Happened;
use crate::model::ids::{CallerClassId, ContactId, FlowId, HoursId, LineId, SwitchId};
use crate::model::position::{Position, RuleRef};
use crate::prove::domain::{Assumed, Domain, Unknown};
use crate::rules::ruleset::{RuleSet, Test, Verb};

/// What a search works with.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) domain: &'a Domain<'a>,
    /// Questions whose answers are remembered.
    pub(crate) tracked: &'a BTreeSet<Unknown>,
    pub(crate) watched: &'a Watched,
}

/// What the promises speak of.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) contacts: Vec<ContactId>,
    pub(crate) flows: Vec<FlowId>,
}

/// One request as the search puts it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) line: Option<LineId>,
    pub(crate) zone: usize,
    pub(crate) position: &'a Position,
    pub(crate) happened: &'a Happened,
    /// Remembered answers, sorted.
    pub(crate) assumed: &'a [Assumed],
}

/// One possible answer to a request.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) decision: Decision,
    /// Every answer on the way.
    pub(crate) asked: Vec<Assumed>,
    /// Remembered answers afterwards, sorted.
    pub(crate) assumed: Vec<Assumed>,
}

/// The search has asked more than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent;

/// All answers that a request could get; answers that differ in nothing to be remembered come once.
pub(crate) fn branches(scene: &Scene<'_>, request: Request<'_>, left: &mut u64) -> Result<Vec<Branch>, Spent> {
    let mut script = Script::default();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    loop {
        let mut world = Branching::new(scene, request, &mut script, &mut seen, left);
        let decision = decide::decide_in(scene.rules, &mut world, request.line, request.happened, request.position);
        let Branching { asked, assumed, folded, .. } = world;
        if *left == 0 {
            return Err(Spent);
        }
        if !folded {
            found.push(Branch { decision, asked, assumed });
        }
        if !script.turn() {
            return Ok(found);
        }
    }
}

/// The flow that every answer to the request goes through first, and the call's language from there on; none when
/// something is asked, said or sent before.
pub(crate) fn entry(scene: &Scene<'_>, request: Request<'_>) -> Option<(FlowId, Option<u8>)> {
    let mut left = u64::MAX;
    let (mut script, mut seen) = (Script::default(), BTreeSet::new());
    let mut world = Branching::new(scene, request, &mut script, &mut seen, &mut left);
    // One walk is enough: up to the first question they are all the same.
    world.folded = true;
    let decision = decide::decide_in(scene.rules, &mut world, request.line, request.happened, request.position);
    let mut language = request.position.language;
    for considered in &decision.trace {
        if let Considered::Flow(flow) = considered {
            return Some((*flow, language));
        }
        let verb =
            if let Considered::Step(at) = considered { scene.rules.step(*at).map(|step| &step.verb) } else { None };
        match verb {
            Some(Verb::Flow { language: other, .. }) => language = other.or(language),
            None if matches!(considered, Considered::Outcome { .. }) => {}
            Some(_) | None => return None,
        }
    }
    None
}

/// The choices of one walk: which were made against the usual, and whether the other way is still to be tried.
#[derive(Debug, Default)]
pub(crate) struct Script {
    choices: Vec<(bool, bool)>,
    cursor: usize,
    /// Choices before this one are as in the walk before.
    fresh: usize,
}

impl Script {
    /// Whether to answer against the usual.
    pub(crate) fn choose(&mut self) -> bool {
        let place = self.cursor;
        self.cursor += 1;
        if let Some((unusual, _)) = self.choices.get(place) {
            return *unusual;
        }
        self.choices.push((false, true));
        false
    }

    /// Goes on to the next combination, if there is one.
    pub(crate) fn turn(&mut self) -> bool {
        self.choices.truncate(self.cursor);
        while self.choices.pop_if(|(_, open)| !*open).is_some() {}
        let Some(last) = self.choices.last_mut() else {
            return false;
        };
        *last = (true, false);
        self.fresh = self.choices.len();
        self.cursor = 0;
        true
    }
}

/// Where a walk is, as far as it bears on what may still come of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    taken: Vec<RuleRef>,
    place: Option<Place>,
    /// Whether somebody of the ring step at hand is rung already, and who of those watched.
    rung: bool,
    watched: u64,
    assumed: Vec<Assumed>,
}

struct Branching<'a, 'b> {
    scene: &'a Scene<'a>,
    zone: usize,
    assumed: Vec<Assumed>,
    asked: Vec<Assumed>,
    script: &'b mut Script,
    seen: &'b mut BTreeSet<Spot>,
    spot: Spot,
    /// Whether something keeps the contact at hand from being rung.
    blocked: bool,
    left: &'b mut u64,
    /// Whether another walk has been at the same spot, so that this one need not go on.
    folded: bool,
    /// Answers that get a folded walk into the rule at hand, and so to its end soon; the next one last.
    way_out: Vec<bool>,
}

impl<'a, 'b> Branching<'a, 'b> {
    fn new(
        scene: &'a Scene<'a>,
        request: Request<'_>,
        script: &'b mut Script,
        seen: &'b mut BTreeSet<Spot>,
        left: &'b mut u64,
    ) -> Self {
        Self {
            scene,
            zone: request.zone,
            assumed: request.assumed.to_vec(),
            asked: Vec::new(),
            script,
            seen,
            spot: Spot::default(),
            blocked: false,
            left,
            folded: false,
            way_out: Vec::new(),
        }
    }

    fn ask(&mut self, unknown: Unknown, usual: bool) -> bool {
        if self.folded {
            return self.way_out.pop().unwrap_or(false);
        }
        *self.left = self.left.saturating_sub(1);
        if *self.left == 0 {
            self.folded = true;
            return false;
        }
        let can = |value: bool| self.scene.domain.possible(self.zone, &self.assumed, (unknown, value));
        let value = match (can(usual), can(!usual)) {
            (true, true) => self.script.choose() != usual,
            (true, false) => usual,
            (false, _) => !usual,
        };
        self.asked.push((unknown, value));
        if self.scene.tracked.contains(&unknown)
            && let Err(place) = self.assumed.binary_search(&(unknown, value))
        {
            self.assumed.insert(place, (unknown, value));
        }
        value
    }

    fn seen(&mut self, unknown: Unknown, usual: bool) -> Seen {
        let holds = self.ask(unknown, usual);
        Seen { holds, why: Why::Assumed(holds) }
    }

    /// Notes whether the contact that was looked at last is rung.
    fn close_contact(&mut self, next: Place) {
        let Some(Place::Contact(step, contact)) = self.spot.place else { return };
        let same_step = matches!(next, Place::Contact(other, _) if other == step);
        if !same_step {
            (self.spot.rung, self.spot.watched) = (false, 0);
            return;
        }
        let callable =
            self.scene.rules.contact(contact).is_some_and(|contact| contact.callable && contact.barred.is_none());
        if callable && !self.blocked {
            self.spot.rung = true;
            self.spot.watched |= bit_of(&self.scene.watched.contacts, &contact);
        }
    }
}

/// The bit of something that promises speak of; no bits for anything else.
pub(crate) fn bit_of<T: PartialEq>(watched: &[T], one: &T) -> u64 {
    let place = watched.iter().position(|other| other == one);
    place.and_then(|place| 1_u64.checked_shl(u32::try_from(place).ok()?)).unwrap_or(0)
}

impl World for Branching<'_, '_> {
    fn hours(&mut self, hours: HoursId) -> Seen {
        self.seen(Unknown::Hours(hours), true)
    }

    fn caller(&mut self, class: CallerClassId) -> Seen {
        self.seen(Unknown::Caller(class), false)
    }

    fn switch(&mut self, switch: SwitchId) -> Seen {
        let usual = self.scene.rules.switch(switch).is_some_and(|switch| switch.default);
        let seen = self.seen(Unknown::Switch(switch), usual);
        self.blocked |= seen.holds;
        seen
    }

    fn attempt(&mut self, at_least: u8, within: u32) -> Seen {
        self.seen(Unknown::Attempt(at_least, within), false)
    }

    fn busy(&mut self, contact: ContactId, max: u8) -> Option<Why> {
        let busy = self.ask(Unknown::Busy(contact), false);
        self.blocked |= busy;
        busy.then_some(Why::Busy { calls: max })
    }

    fn loops(&mut self, contact: ContactId) -> Option<Why> {
        let circles = self.ask(Unknown::Loop(contact), false);
        self.blocked |= circles;
        circles.then_some(Why::Loop)
    }

    fn passing(&mut self, place: Place) {
        if self.folded {
            self.way_out = way_out(self.scene.rules, place);
            return;
        }
        self.close_contact(place);
        self.blocked = false;
        self.spot.place = Some(place);
        if let Place::Taken(rule) = place {
            self.spot.taken.push(rule);
            return;
        }
        // Up to the choice that is new in this walk, the last walk was here itself.
        if self.script.cursor >= self.script.fresh {
            self.spot.assumed.clone_from(&self.assumed);
            self.folded = !self.seen.insert(self.spot.clone());
            if self.folded {
                self.way_out = way_out(self.scene.rules, place);
            }
        }
    }
}

/// Answers by which the conditions of a rule hold, the last one first; of no consequence but for speed.
fn way_out(rules: &RuleSet, place: Place) -> Vec<bool> {
    let Place::Rule(at) = place else { return Vec::new() };
    let when = rules.rule(at).map_or(&[][..], |rule| &rule.when);
    let mut answers = Vec::new();
    for condition in when.iter().rev() {
        let questions = match &condition.test {
            Test::Hours(list) => list.len(),
            Test::Caller(list) => list.len(),
            Test::Switch(list) => list.len(),
            Test::Attempt { .. } => 1,
            Test::Line(_) | Test::Language(_) => 0,
        };
        // One yes makes a list hold, and it takes as many noes as it is long to make it fail.
        let asked = if condition.negated { questions } else { questions.min(1) };
        answers.extend(std::iter::repeat_n(!condition.negated, asked));
    }
    answers
}
