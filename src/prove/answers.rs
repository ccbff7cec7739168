//! What the rules answer to a call that waits at a stop: asked once, and kept.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::decide::decision::Act;
use crate::decide::trace::Considered;
use crate::journey::seconds;
use crate::model::call::Happened;
use crate::model::ids::{FlowId, LineId};
use crate::model::position::{MAX_HOPS, Position, StepRef};
use crate::prove::branch::{Branch, Request, Scene, Spent, bit_of, branches, entry};
use crate::prove::domain::{Assumed, Unknown};
use crate::prove::people::{Coming, Does, comings};
use crate::rules::ruleset::{EndKind, RuleSet};

/// The step and stage that a call waits at, and its language.
pub(crate) type Next = ((StepRef, u8), Option<u8>);

/// One possible answer, as far as a promise may speak of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) end: Option<EndKind>,
    pub(crate) next: Option<Next>,
    pub(crate) comings: Rc<[Coming]>,
    /// The number of what can come of it, with its seconds.
    pub(crate) told: usize,
    /// Seconds of listening before the act.
    pub(crate) listened: u32,
    pub(crate) asked: Rc<[Assumed]>,
    pub(crate) assumed: Vec<Assumed>,
    pub(crate) odd: u32,
    /// Which of the watched contacts are rung.
    pub(crate) rings: u64,
    /// Which of the watched flows are come through.
    pub(crate) flows: u64,
}

/// A call that waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting<'a> {
    pub(crate) at: (StepRef, u8),
    pub(crate) language: Option<u8>,
    /// The kind of its line, one of the lines of that kind, and their zone.
    pub(crate) kind: usize,
    pub(crate) line: Option<LineId>,
    pub(crate) zone: usize,
    pub(crate) assumed: &'a [Assumed],
    /// Whether the call has had as many answers as a call may have.
    pub(crate) cut: bool,
}

/// What is asked of the rules at a stop.
type Asked = ((StepRef, u8), Does, Option<u8>, usize, Vec<Assumed>, bool);

/// What is asked of the rules where a flow begins, and nothing was heard or asked before.
type Entered = (FlowId, Option<u8>, usize, Vec<Assumed>);

/// Answers that were asked for already.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    at_stops: BTreeMap<Asked, Rc<[Answer]>>,
    /// Many keys of many menus lead to the same flow.
    in_flows: BTreeMap<Entered, Rc<[Answer]>>,
    told: BTreeMap<Vec<(Does, u32)>, usize>,
}

impl Answers {
    /// Every answer to a call that arrives.
    pub(crate) fn on_arrival(
        &mut self,
        scene: &Scene<'_>,
        line: Option<LineId>,
        zone: usize,
        premise: &[Assumed],
        left: &mut u64,
    ) -> Result<Rc<[Answer]>, Spent> {
        let position = Position::start(0);
        let request = Request { line, zone, position: &position, happened: &Happened::Arrived, assumed: premise };
        self.fresh(scene, request, left)
    }

    /// Every answer to what comes of a stop.
    pub(crate) fn at_stop(
        &mut self,
        scene: &Scene<'_>,
        stop: Waiting<'_>,
        coming: &Coming,
        left: &mut u64,
    ) -> Result<Rc<[Answer]>, Spent> {
        let Waiting { at, language, kind, line, zone, assumed, cut } = stop;
        let asked = (at, coming.does.clone(), language, kind, assumed.to_vec(), cut);
        if let Some(known) = self.at_stops.get(&asked) {
            return Ok(Rc::clone(known));
        }
        let position = Position {
            step: Some(at.0),
            stage: at.1,
            // Below the limit the number changes nothing but the number after it.
            hop: if cut { MAX_HOPS } else { 1 },
            began: 0,
            language,
            missed: None,
            rule: None,
        };
        let request = Request { line, zone, position: &position, happened: &coming.happened, assumed };
        let answers = self.through_flow(scene, request, kind, left)?;
        self.at_stops.insert(asked, Rc::clone(&answers));
        Ok(answers)
    }

    /// The answers, asked once for each flow that requests go into at once.
    fn through_flow(
        &mut self,
        scene: &Scene<'_>,
        request: Request<'_>,
        kind: usize,
        left: &mut u64,
    ) -> Result<Rc<[Answer]>, Spent> {
        let Some((flow, language)) = entry(scene, request) else {
            return self.fresh(scene, request, left);
        };
        let entered = (flow, language, kind, request.assumed.to_vec());
        if let Some(known) = self.in_flows.get(&entered) {
            return Ok(Rc::clone(known));
        }
        let answers = self.fresh(scene, request, left)?;
        self.in_flows.insert(entered, Rc::clone(&answers));
        Ok(answers)
    }

    /// Asks; of answers that differ in nothing that a promise speaks of, the plainest is kept.
    fn fresh(&mut self, scene: &Scene<'_>, request: Request<'_>, left: &mut u64) -> Result<Rc<[Answer]>, Spent> {
        let found = branches(scene, request, left)?;
        let mut kept = BTreeMap::new();
        for (place, branch) in found.into_iter().enumerate() {
            let answer = self.answer(scene, branch);
            let Answer { end, next, told, listened, rings, flows, .. } = answer;
            let key = (end, next, told, listened, rings, flows, answer.assumed.clone());
            let plainest = kept.entry(key).or_insert_with(|| (place, None::<Answer>));
            if plainest.1.as_ref().is_none_or(|other| answer.odd < other.odd) {
                plainest.1 = Some(answer);
            }
        }
        let mut kept: Vec<(usize, Option<Answer>)> = kept.into_values().collect();
        kept.sort_by_key(|(place, _)| *place);
        Ok(kept.into_iter().filter_map(|(_, answer)| answer).collect())
    }

    fn answer(&mut self, scene: &Scene<'_>, branch: Branch) -> Answer {
        let Branch { decision, asked, assumed } = branch;
        let rung = if let Act::Ring { contacts, .. } = &decision.plan.act { contacts.as_slice() } else { &[] };
        let rings = rung.iter().fold(0, |bits, contact| bits | bit_of(&scene.watched.contacts, contact));
        let flows = decision.trace.iter().fold(0, |bits, considered| {
            let Considered::Flow(flow) = considered else { return bits };
            bits | bit_of(&scene.watched.flows, flow)
        });
        let start = StepRef { cascade: RuleSet::FINALLY, index: 0 };
        let next = decision.next.as_ref();
        let next = next.map(|next| ((next.step.unwrap_or(start), next.stage), next.language));
        let comings: Rc<[Coming]> = comings(scene.rules, &decision).into();
        let timed = comings.iter().map(|coming| (coming.does.clone(), coming.took)).collect();
        let number = self.told.len();
        let told = *self.told.entry(timed).or_insert(number);
        let listened = seconds::before(scene.rules, &decision.plan);
        let odd = asked.iter().map(|assumed| oddness(scene.rules, *assumed)).sum();
        Answer { end: decision.end, next, comings, told, listened, asked: asked.into(), assumed, odd, rings, flows }
    }
}

/// How far an answer is from an ordinary call: among calls of the same length the plainest is the best example.
fn oddness(rules: &RuleSet, (unknown, value): Assumed) -> u32 {
    match unknown {
        Unknown::Switch(switch) => u32::from(rules.switch(switch).is_some_and(|switch| switch.default != value)),
        Unknown::Busy(_) | Unknown::Attempt(..) => u32::from(value),
        // Calls that lead back to who made them are rare enough to weigh more than a step or two.
        Unknown::Loop(_) => 3 * u32::from(value),
        Unknown::Hours(_) | Unknown::Caller(_) => 0,
    }
}
