//! Every stop that a call can come to, and every way from one to the next.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::model::ids::LineId;
use crate::model::position::StepRef;
use crate::prove::answers::{Answer, Answers, Next, Waiting};
use crate::prove::branch::{Scene, Spent};
use crate::prove::domain::Assumed;
use crate::prove::people::Coming;
use crate::rules::ruleset::{Condition, EndKind, Rule, RuleSet, Test};

/// A stop of the graph by its number.
pub(crate) type NodeId = usize;

/// What tells one stop from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The step and its stage.
    pub(crate) at: (StepRef, u8),
    language: Option<u8>,
    /// The kind of line.
    line: usize,
    /// Which of the flows that promises speak of the call has come through.
    pub(crate) flows: u64,
    /// What is remembered.
    pub(crate) assumed: Vec<Assumed>,
    /// What can come of it, and in how many seconds, by its number.
    comings: usize,
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
    /// How out of the ordinary it is.
    pub(crate) odd: u32,
    /// Which of the watched contacts are rung at its end.
    pub(crate) rings: u64,
    /// Which of the watched flows the call has come through.
    pub(crate) flows: u64,
    /// Whether it is the way of a call that has had as many answers as a call may have.
    pub(crate) cut: bool,
    /// Whether it leads back to where the call came through.
    pub(crate) back: bool,
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

/// The whole.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    /// The ways of arrival; `by` is the place in `lines`.
    pub(crate) arrivals: Vec<Way>,
    /// The lines that calls arrive on, one for each that differs.
    pub(crate) lines: Vec<Option<LineId>>,
    /// Whether it has ways of calls that are cut short.
    pub(crate) cuts: bool,
    kinds: Vec<LineKind>,
    /// The kind of each of `lines`.
    kind_of: Vec<usize>,
}

/// Explores everything that can come of calls for which the premise is so; with `cuts`, also what comes at each stop
/// of calls that have had as many answers as a call may have.
pub(crate) fn explore(
    scene: &Scene<'_>,
    premise: &[Assumed],
    cuts: bool,
    answers: &mut Answers,
    left: &mut u64,
) -> Result<Graph, Spent> {
    let mut explorer = Explorer { scene, graph: empty(scene, cuts), places: BTreeMap::new(), answers, left };
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

/// What a way that is kept costs in questions. It bounds the memory of a search: a way takes about a hundred bytes, so
/// the questions of [`crate::prove::Limits::from`] are spent before the ways take 300 MB.
const COST_OF_WAY: u64 = 10;

struct Explorer<'a, 'b> {
    scene: &'a Scene<'a>,
    graph: Graph,
    places: BTreeMap<Key, NodeId>,
    answers: &'b mut Answers,
    left: &'b mut u64,
}

/// Where ways come from.
#[derive(Debug, Clone, Copy)]
struct From {
    by: usize,
    took: u32,
    kind: usize,
    flows: u64,
    cut: bool,
}

impl Explorer<'_, '_> {
    fn arrive(&mut self, premise: &[Assumed]) -> Result<(), Spent> {
        let mut ways = Ways::default();
        for by in 0..self.graph.lines.len() {
            let line = self.graph.lines.get(by).copied().flatten();
            let kind = self.graph.kind_of.get(by).copied().unwrap_or(0);
            let zone = self.graph.zone(by);
            if !self.scene.domain.agree(zone, premise) {
                continue;
            }
            let answers = self.answers.on_arrival(self.scene, line, zone, premise, self.left)?;
            self.go(From { by, took: 0, kind, flows: 0, cut: false }, &answers, &mut ways)?;
        }
        self.graph.arrivals = ways.ways;
        Ok(())
    }

    fn go_on(&mut self, id: NodeId) -> Result<(), Spent> {
        let Some(node) = self.graph.nodes.get(id) else { return Ok(()) };
        let (key, comings) = (node.key.clone(), Rc::clone(&node.comings));
        let (line, zone) = self.graph.kinds.get(key.line).map_or((None, 0), |kind| (kind.line, kind.zone));
        let cuts: &[bool] = if self.graph.cuts { &[false, true] } else { &[false] };
        let mut ways = Ways::default();
        for (by, coming) in comings.iter().enumerate() {
            for cut in cuts.iter().copied() {
                let assumed = &key.assumed;
                let stop = Waiting { at: key.at, language: key.language, kind: key.line, line, zone, assumed, cut };
                let answers = self.answers.at_stop(self.scene, stop, coming, self.left)?;
                let from = From { by, took: coming.took, kind: key.line, flows: key.flows, cut };
                self.go(from, &answers, &mut ways)?;
            }
        }
        if let Some(node) = self.graph.nodes.get_mut(id) {
            node.ways = ways.ways;
        }
        Ok(())
    }

    fn go(&mut self, from: From, answers: &[Answer], ways: &mut Ways) -> Result<(), Spent> {
        for answer in answers {
            let to = match (answer.end, answer.next) {
                (None, Some(next)) => To::Stop(self.stop(from, next, answer)),
                (end, _) => To::End(end.unwrap_or(EndKind::HungUp)),
            };
            let kept = ways.add(Way {
                by: from.by,
                to,
                took: from.took,
                listened: answer.listened,
                asked: Rc::clone(&answer.asked),
                odd: answer.odd,
                rings: answer.rings,
                flows: from.flows | answer.flows,
                cut: from.cut,
                back: false,
            });
            let cost = if kept { COST_OF_WAY } else { 1 };
            *self.left = self.left.checked_sub(cost).ok_or(Spent)?;
        }
        Ok(())
    }

    fn stop(&mut self, from: From, next: Next, answer: &Answer) -> NodeId {
        let (at, language) = next;
        let flows = from.flows | answer.flows;
        let key = Key { at, language, line: from.kind, flows, assumed: answer.assumed.clone(), comings: answer.told };
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

/// Ways from one stop. Of those that differ in nothing that a promise speaks of, the first is kept, and the slowest.
#[derive(Debug, Default)]
struct Ways {
    ways: Vec<Way>,
    /// The places of the first and the slowest.
    known: BTreeMap<Sameness, (usize, usize)>,
}

/// What ways have in common that differ in nothing: target, contacts rung, flows come through, seconds of listening,
/// and whether they are cut short.
type Sameness = (To, u64, u64, u32, bool);

impl Ways {
    /// Whether the way is kept beside those known.
    fn add(&mut self, way: Way) -> bool {
        let place = self.ways.len();
        let key = (way.to, way.rings, way.flows, way.listened, way.cut);
        let (first, slowest) = *self.known.entry(key).or_insert((place, place));
        if first == place {
            self.ways.push(way);
            return true;
        }
        if self.ways.get(slowest).is_none_or(|slowest| slowest.took >= way.took) {
            return false;
        }
        if slowest == first {
            self.known.insert(key, (first, place));
            self.ways.push(way);
            return true;
        }
        if let Some(slowest) = self.ways.get_mut(slowest) {
            *slowest = way;
        }
        false
    }
}

fn empty(scene: &Scene<'_>, cuts: bool) -> Graph {
    let rules = scene.rules;
    let tests: Vec<&[LineId]> = line_tests(rules);
    let mut graph = Graph {
        nodes: Vec::new(),
        arrivals: Vec::new(),
        lines: Vec::new(),
        cuts,
        kinds: Vec::new(),
        kind_of: Vec::new(),
    };
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
