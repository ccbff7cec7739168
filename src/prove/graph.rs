//! Every stop that a call can come to, and every way from one to the next.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::decide::decision::Act;
use crate::decide::trace::Considered;
use crate::journey::seconds;
use crate::model::call::Happened;
use crate::model::ids::LineId;
use crate::model::position::{MAX_HOPS, Position, StepRef};
use crate::prove::branch::{Branch, Request, Scene, Spent, bit_of, branches};
use crate::prove::domain::{Assumed, Unknown};
use crate::prove::people::{Coming, Does, comings};
use crate::rules::ruleset::{Condition, EndKind, Rule, RuleSet, Test};

/// A stop of the graph by its number.
pub(crate) type NodeId = usize;

/// What tells one stop from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The step and its stage.
    pub(crate) at: (StepRef, u8),
    /// How many answers the call has had, where that may come to matter.
    hop: u8,
    language: Option<u8>,
    /// The kind of line.
    line: usize,
    /// Which of the flows that promises speak of the call has come through.
    pub(crate) flows: u64,
    /// What is remembered.
    pub(crate) assumed: Vec<Assumed>,
    /// What can come of it, and in how many seconds.
    comings: Vec<(Does, u32)>,
}

/// One stop.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) key: Key,
    pub(crate) comings: Rc<[Coming]>,
    /// The ways from here.
    pub(crate) ways: Vec<Way>,
}

/// One way from a stop, or from the arrival of a call.
#[derive(Debug)]
pub(crate) struct Way {
    /// Which of the comings; the line for an arrival.
    pub(crate) by: usize,
    pub(crate) to: To,
    /// Seconds of waiting before somebody does something.
    pub(crate) took: u32,
    /// Seconds of listening before the next act.
    pub(crate) listened: u32,
    /// Every answer given on the way.
    pub(crate) asked: Rc<[Assumed]>,
    /// What is remembered after it.
    pub(crate) assumed: Vec<Assumed>,
    /// How out of the ordinary it is.
    pub(crate) odd: u32,
    /// Which of the watched contacts are rung at its end.
    pub(crate) rings: u64,
    /// Which of the watched flows the call has come through.
    pub(crate) flows: u64,
}

/// Where a way leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum To {
    Stop(NodeId),
    End(EndKind),
}

/// Lines that are the same for everything but where their calls start.
#[derive(Debug)]
struct LineKind {
    line: Option<LineId>,
    pub(crate) zone: usize,
    language: u8,
    tests: Vec<bool>,
}

/// What is asked of the rules at a stop, but for the number of answers before.
type Asked = ((StepRef, u8), Does, Option<u8>, usize, Vec<Assumed>);

/// The step and stage that a call waits at, and its language.
type Next = ((StepRef, u8), Option<u8>);

/// One possible answer, as far as a promise may speak of it.
#[derive(Debug)]
struct Answer {
    end: Option<EndKind>,
    next: Option<Next>,
    comings: Rc<[Coming]>,
    told: Vec<(Does, u32)>,
    listened: u32,
    asked: Rc<[Assumed]>,
    assumed: Vec<Assumed>,
    odd: u32,
    rings: u64,
    flows: u64,
}

/// Answers that were asked for already.
#[derive(Debug, Default)]
pub(crate) struct Answers(BTreeMap<Asked, Rc<[Answer]>>);

/// The whole.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    /// The ways of arrival; `by` is the place in `lines`.
    pub(crate) arrivals: Vec<Way>,
    /// The lines that calls arrive on, one for each that differs.
    pub(crate) lines: Vec<Option<LineId>>,
    kinds: Vec<LineKind>,
    /// The kind of each of `lines`.
    kind_of: Vec<usize>,
}

/// How far each step can still go: the number of stops after it, none where a call can go in circles.
pub(crate) type Reach = BTreeMap<(StepRef, u8), Option<u8>>;

/// Explores everything that can come of calls for which the premise is so.
pub(crate) fn explore(
    scene: &Scene<'_>,
    premise: &[Assumed],
    reach: Option<&Reach>,
    answers: &mut Answers,
    left: &mut u64,
) -> Result<Graph, Spent> {
    let mut explorer = Explorer { scene, reach, graph: empty(scene), places: BTreeMap::new(), answers, left };
    explorer.arrive(premise)?;
    let mut next = 0;
    while next < explorer.graph.nodes.len() {
        explorer.go_on(next)?;
        next += 1;
    }
    Ok(explorer.graph)
}

impl Graph {
    /// The zone in which a call on that kind of arrival is judged.
    pub(crate) fn zone(&self, arrival: usize) -> usize {
        self.kind_of.get(arrival).and_then(|kind| self.kinds.get(*kind)).map_or(0, |kind| kind.zone)
    }

    /// The ways out of a stop, or of the arrival.
    pub(crate) fn ways(&self, from: Option<NodeId>) -> &[Way] {
        from.map_or(&self.arrivals, |from| self.nodes.get(from).map_or(&[], |node| &node.ways))
    }

    /// The number of ways.
    pub(crate) fn count_ways(&self) -> usize {
        self.nodes.iter().map(|node| node.ways.len()).sum::<usize>() + self.arrivals.len()
    }
}

struct Explorer<'a, 'b> {
    scene: &'a Scene<'a>,
    /// How far each step goes; without it the number of answers is not counted.
    reach: Option<&'a Reach>,
    graph: Graph,
    places: BTreeMap<Key, NodeId>,
    answers: &'b mut Answers,
    left: &'b mut u64,
}

/// Where a way comes from.
#[derive(Debug, Clone, Copy)]
struct From {
    by: usize,
    took: u32,
    kind: usize,
    flows: u64,
    hop: u8,
}

impl Explorer<'_, '_> {
    fn arrive(&mut self, premise: &[Assumed]) -> Result<(), Spent> {
        let position = Position::start(0);
        for by in 0..self.graph.lines.len() {
            let line = self.graph.lines.get(by).copied().flatten();
            let kind = self.graph.kind_of.get(by).copied().unwrap_or(0);
            let zone = self.graph.zone(by);
            if !self.scene.domain.agree(zone, premise) {
                continue;
            }
            let request = Request { line, zone, position: &position, happened: &Happened::Arrived, assumed: premise };
            let found = branches(self.scene, request, self.left)?;
            let answers: Vec<Answer> = found.into_iter().map(|branch| self.answer(branch)).collect();
            let from = From { by, took: 0, kind, flows: 0, hop: 0 };
            let mut ways = self.ways(from, &answers);
            self.graph.arrivals.append(&mut ways);
        }
        Ok(())
    }

    fn go_on(&mut self, id: NodeId) -> Result<(), Spent> {
        let Some(node) = self.graph.nodes.get(id) else { return Ok(()) };
        let (key, comings) = (node.key.clone(), Rc::clone(&node.comings));
        let mut ways: Vec<Way> = Vec::new();
        for (by, coming) in comings.iter().enumerate() {
            let answers = self.answers_to(&key, coming)?;
            let from = From { by, took: coming.took, kind: key.line, flows: key.flows, hop: key.hop };
            let mut more = self.ways(from, &answers);
            ways.append(&mut more);
        }
        if let Some(node) = self.graph.nodes.get_mut(id) {
            node.ways = ways;
        }
        Ok(())
    }

    fn answers_to(&mut self, key: &Key, coming: &Coming) -> Result<Rc<[Answer]>, Spent> {
        let (line, zone) = self.graph.kinds.get(key.line).map_or((None, 0), |kind| (kind.line, kind.zone));
        let counted = key.hop >= MAX_HOPS;
        let asked = (key.at, coming.does.clone(), key.language, key.line, key.assumed.clone());
        if let Some(known) = self.answers.0.get(&asked).filter(|_| !counted) {
            return Ok(Rc::clone(known));
        }
        let position = Position {
            step: Some(key.at.0),
            stage: key.at.1,
            hop: key.hop,
            began: 0,
            language: key.language,
            missed: None,
            rule: None,
        };
        let request = Request { line, zone, position: &position, happened: &coming.happened, assumed: &key.assumed };
        let found = branches(self.scene, request, self.left)?;
        let answers: Rc<[Answer]> = found.into_iter().map(|branch| self.answer(branch)).collect();
        // At the last answers the step does matter, and they are few: they are asked for each time.
        if !counted {
            self.answers.0.insert(asked, Rc::clone(&answers));
        }
        Ok(answers)
    }

    fn answer(&self, branch: Branch) -> Answer {
        let Branch { decision, asked, assumed } = branch;
        let rung = if let Act::Ring { contacts, .. } = &decision.plan.act { contacts.as_slice() } else { &[] };
        let rings = rung.iter().fold(0, |bits, contact| bits | bit_of(&self.scene.watched.contacts, contact));
        let flows = decision.trace.iter().fold(0, |bits, considered| {
            let Considered::Flow(flow) = considered else { return bits };
            bits | bit_of(&self.scene.watched.flows, flow)
        });
        let start = StepRef { cascade: RuleSet::FINALLY, index: 0 };
        let next = decision.next.as_ref();
        let next = next.map(|next| ((next.step.unwrap_or(start), next.stage), next.language));
        let end = decision.end.or_else(|| next.is_none().then_some(EndKind::HungUp));
        let comings: Rc<[Coming]> = comings(self.scene.rules, &decision).into();
        let told = comings.iter().map(|coming| (coming.does.clone(), coming.took)).collect();
        let listened = seconds::before(self.scene.rules, &decision.plan);
        let odd = asked.iter().map(|assumed| oddness(self.scene.rules, *assumed)).sum();
        Answer { end, next, comings, told, listened, asked: asked.into(), assumed, odd, rings, flows }
    }

    fn ways(&mut self, from: From, answers: &[Answer]) -> Vec<Way> {
        let mut ways: Vec<Way> = Vec::with_capacity(answers.len());
        for answer in answers {
            let flows = from.flows | answer.flows;
            let to = match (answer.end, answer.next) {
                (None, Some(next)) => To::Stop(self.stop(from, next, answer)),
                (end, _) => To::End(end.unwrap_or(EndKind::HungUp)),
            };
            let way = Way {
                by: from.by,
                to,
                took: from.took,
                listened: answer.listened,
                asked: Rc::clone(&answer.asked),
                assumed: answer.assumed.clone(),
                odd: answer.odd,
                rings: answer.rings,
                flows,
            };
            push_new(&mut ways, way);
        }
        ways
    }

    fn stop(&mut self, from: From, next: Next, answer: &Answer) -> NodeId {
        let (at, language) = next;
        let flows = from.flows | answer.flows;
        let next = from.hop.saturating_add(1);
        let hop = match self.reach.map(|reach| reach.get(&at).copied().flatten()) {
            None => 0,
            // No way from here is long enough for the number of answers to matter.
            Some(Some(far)) if next.saturating_add(far) < MAX_HOPS => 0,
            Some(_) => next,
        };
        let (assumed, comings) = (answer.assumed.clone(), answer.told.clone());
        let key = Key { at, hop, language, line: from.kind, flows, assumed, comings };
        if let Some(known) = self.places.get(&key) {
            return *known;
        }
        let id = self.graph.nodes.len();
        self.places.insert(key.clone(), id);
        let comings = Rc::clone(&answer.comings);
        self.graph.nodes.push(Node { key, comings, ways: Vec::new() });
        id
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

/// Ways that differ in nothing that a promise speaks of are kept once.
fn push_new(ways: &mut Vec<Way>, way: Way) {
    let same = |other: &Way| {
        other.to == way.to
            && other.by == way.by
            && other.rings == way.rings
            && other.flows == way.flows
            && other.listened == way.listened
            && other.assumed == way.assumed
    };
    if !ways.iter().any(same) {
        ways.push(way);
    }
}

fn empty(scene: &Scene<'_>) -> Graph {
    let rules = scene.rules;
    let tests: Vec<&[LineId]> = line_tests(rules);
    let mut graph =
        Graph { nodes: Vec::new(), arrivals: Vec::new(), lines: Vec::new(), kinds: Vec::new(), kind_of: Vec::new() };
    let mut starts = Vec::new();
    let ids = (0..).take(rules.lines.len()).map(LineId).map(Some);
    for id in ids.chain([None]) {
        let line = id.and_then(|id| rules.line(id));
        let zone = scene.domain.zone(line.map_or(&rules.zone, |line| &line.zone));
        let language = line.map_or(0, |line| line.language);
        let holds = tests.iter().map(|list| id.is_some_and(|id| list.contains(&id))).collect();
        let kind = LineKind { line: id, zone, language, tests: holds };
        let same = |other: &LineKind| {
            other.zone == kind.zone
                && other.language == kind.language
                && other.tests == kind.tests
                && other.line.is_some() == kind.line.is_some()
        };
        let place = graph.kinds.iter().position(same).unwrap_or_else(|| {
            graph.kinds.push(kind);
            graph.kinds.len() - 1
        });
        let start = (place, line.map(|line| line.start));
        if !starts.contains(&start) {
            starts.push(start);
            graph.lines.push(id);
            graph.kind_of.push(place);
        }
    }
    graph
}

/// Every list of lines that something asks about.
fn line_tests(rules: &RuleSet) -> Vec<&[LineId]> {
    fn lists(when: &[Condition]) -> impl Iterator<Item = &[LineId]> {
        when.iter().filter_map(|condition| match &condition.test {
            Test::Line(list) => Some(&**list),
            Test::Hours(_) | Test::Caller(_) | Test::Switch(_) | Test::Language(_) | Test::Attempt { .. } => None,
        })
    }
    let of_rules = rules.flows.iter().flat_map(|flow| &flow.rules).flat_map(|rule: &Rule| lists(&rule.when));
    let greetings = rules.mailboxes.iter().flat_map(|mailbox| &mailbox.greetings);
    of_rules.chain(greetings.flat_map(|greeting| lists(&greeting.when))).collect()
}
