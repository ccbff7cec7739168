//! One promise after the other: searched for a call that breaks it, with ever more remembered.

use std::collections::BTreeSet;

use crate::decide::trace::Considered;
use crate::journey::Journey;
use crate::model::ids::{ContactId, FlowId, HoursId};
use crate::prove::answers::Answers;
use crate::prove::branch::{Scene, Spent, Watched, bit_of};
use crate::prove::domain::{Assumed, Domain, Unknown};
use crate::prove::example::{self, CounterExample};
use crate::prove::graph::{Graph, To, explore};
use crate::prove::longest::{Depths, Path, mark_ways_back, shortest, waits};
use crate::prove::{Limits, Outcome, Proof};
use crate::rules::ruleset::{Claim, RuleSet};
use crate::rules::schedule;

/// What is known so far, shared by all promises of a file.
#[derive(Debug)]
pub(crate) struct Prover<'a> {
    rules: &'a RuleSet,
    domain: Domain<'a>,
    watched: Watched,
    tracked: BTreeSet<Unknown>,
    answers: Answers,
    /// What was explored last, and for which calls.
    explored: Option<Explored>,
    left: u64,
    questions: u64,
}

/// Everything that can come of calls for which the premise is so.
#[derive(Debug)]
struct Explored {
    premise: Vec<Assumed>,
    graph: Graph,
    proof: Proof,
}

impl<'a> Prover<'a> {
    pub(crate) fn new(rules: &'a RuleSet, limits: Limits) -> Self {
        let mut watched = Watched::default();
        for promise in &rules.promises {
            if let Claim::NeverRings { contact, except_flow, .. } = &promise.claim {
                add(&mut watched.contacts, *contact);
                except_flow.iter().for_each(|flow| add(&mut watched.flows, *flow));
            }
        }
        Self {
            rules,
            domain: Domain::new(rules, &limits),
            watched,
            tracked: BTreeSet::new(),
            answers: Answers::default(),
            explored: None,
            left: limits.questions,
            questions: limits.questions,
        }
    }

    pub(crate) fn prove(&mut self, claim: &Claim) -> Outcome {
        if self.watched.contacts.len() > 64 || self.watched.flows.len() > 64 {
            return Outcome::Unfinished("more than 64 contacts or flows stand in promises".to_owned());
        }
        // Of a promise for certain hours, only calls in those hours are thought of.
        let premise: Vec<Assumed> = match claim {
            Claim::NeverRings { during, .. } => during.iter().map(|hours| (Unknown::Hours(*hours), true)).collect(),
            Claim::EveryCallEnds(_) | Claim::CallerWaitsAtMost(_) => Vec::new(),
        };
        loop {
            if self.explore(&premise).is_err() {
                let most = self.questions;
                return Outcome::Unfinished(format!("it takes more than {most} questions to follow every path"));
            }
            let Some(explored) = &self.explored else {
                return Outcome::Unfinished("there is nothing to follow".to_owned());
            };
            let graph = &explored.graph;
            let Some(path) = self.suspect(claim, explored) else {
                return Outcome::Proved(explored.proof);
            };
            let arrival = path.first().and_then(|(_, arrival)| graph.arrivals.get(*arrival));
            let zone = arrival.map_or(0, |way| graph.zone(way.by));
            let assumed = assumed(explored, &path);
            let contradiction = self.domain.contradiction(zone, &assumed);
            if contradiction.is_empty() {
                let example = example::play(self.rules, &self.domain, graph, &path, &assumed);
                return broken(self.rules, claim, example);
            }
            let before = self.tracked.len();
            self.tracked.extend(contradiction);
            if self.tracked.len() == before {
                let why = "what a call would have to be like contradicts itself in a way not seen through";
                return Outcome::Unfinished(why.to_owned());
            }
            self.explored = None;
            self.answers = Answers::default();
        }
    }

    /// Explores for the premise, unless that is what was explored last.
    fn explore(&mut self, premise: &[Assumed]) -> Result<(), Spent> {
        if self.explored.as_ref().is_some_and(|explored| explored.premise == premise) {
            return Ok(());
        }
        let scene = Scene { rules: self.rules, domain: &self.domain, tracked: &self.tracked, watched: &self.watched };
        let mut graph = explore(&scene, premise, false, &mut self.answers, &mut self.left)?;
        let depths = Depths::of(&graph);
        if depths.counts() {
            graph = explore(&scene, premise, true, &mut self.answers, &mut self.left)?;
        }
        mark_ways_back(&mut graph, &depths);
        let longest_wait = waits(&graph, u32::MAX).longest;
        let proof = Proof { states: graph.nodes.len(), ways: graph.count_ways(), longest_wait };
        self.explored = Some(Explored { premise: premise.to_vec(), graph, proof });
        Ok(())
    }

    /// The shortest path that seems to break the promise.
    fn suspect(&self, claim: &Claim, explored: &Explored) -> Option<Path> {
        let graph = &explored.graph;
        match claim {
            Claim::CallerWaitsAtMost(limit) if explored.proof.longest_wait <= *limit => None,
            Claim::CallerWaitsAtMost(limit) => waits(graph, *limit).over,
            Claim::EveryCallEnds(ends) => shortest(graph, |way| matches!(way.to, To::End(end) if !ends.contains(&end))),
            Claim::NeverRings { contact, except_flow, .. } => {
                let rung = bit_of(&self.watched.contacts, contact);
                let excepted = except_flow.map_or(0, |flow| bit_of(&self.watched.flows, &flow));
                shortest(graph, |way| way.rings & rung != 0 && way.flows & excepted == 0)
            }
        }
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if !list.contains(&one) {
        list.push(one);
    }
}

/// Everything answered along a path.
fn assumed(explored: &Explored, path: &Path) -> Vec<Assumed> {
    let ways = path.iter().filter_map(|(from, place)| explored.graph.ways(*from).get(*place));
    let answers = ways.flat_map(|way| way.asked.iter().copied());
    let mut all: Vec<Assumed> = answers.chain(explored.premise.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Believes a counter-example only when the call itself breaks the promise.
fn broken(rules: &RuleSet, claim: &Claim, example: Option<CounterExample>) -> Outcome {
    match example.filter(|example| breaks(rules, claim, &example.journey)) {
        Some(example) => Outcome::Broken(Box::new(example)),
        None => Outcome::Unfinished("a path was found that breaks it, and no call could be made to take it".to_owned()),
    }
}

/// Whether a call breaks a promise.
pub(crate) fn breaks(rules: &RuleSet, claim: &Claim, journey: &Journey) -> bool {
    match claim {
        Claim::EveryCallEnds(ends) => !ends.contains(&journey.end),
        Claim::CallerWaitsAtMost(limit) => journey.waited > *limit,
        Claim::NeverRings { contact, during, except_flow } => {
            let holds = |hours: HoursId| schedule::fact(rules, hours, &journey.began).holds();
            during.is_none_or(holds) && rung_outside(journey, *contact, *except_flow)
        }
    }
}

/// Whether the contact is rung before the call comes through the flow.
fn rung_outside(journey: &Journey, contact: ContactId, except_flow: Option<FlowId>) -> bool {
    let mut excepted = false;
    journey.stops.iter().any(|stop| {
        let entered =
            |considered: &Considered| matches!(considered, Considered::Flow(flow) if Some(*flow) == except_flow);
        excepted |= stop.decision.trace.iter().any(entered);
        !excepted && stop.legs.iter().any(|leg| leg.contact == contact)
    })
}
