//! Every place that a call can come to under both rule sets, answer by answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::journey::observe::{Side, compare};
use crate::model::call::Happened;
use crate::model::ids::EscalationId;
use crate::model::position::{MAX_HOPS, Position, StepRef};
use crate::prove::Limits;
use crate::prove::branch::Spent;
use crate::prove::pair::alike::Alike;
use crate::prove::pair::branch::{Answers, Request, branches};
use crate::prove::pair::class::{Classes, Found, line_name};
use crate::prove::pair::domain::{Joint, Region};
use crate::prove::pair::example::{Does, comings};
use crate::prove::pair::merge::{Arrival, Part, merge};
use crate::prove::pair::{Class, Covered, Which};
use crate::rules::ruleset::RuleSet;

type NodeId = usize;

/// Where a call waits under one of the two.
type Where = (Option<StepRef>, u8, Option<u8>, Option<EscalationId>);

/// Where a call waits under both, and what is known of it.
type Key = (usize, Where, Where, Region);

/// One place in which a call waits.
#[derive(Debug)]
struct Node {
    line: usize,
    old: Position,
    new: Position,
    region: Region,
    comings: Vec<(Does, Happened)>,
    /// Where each answer leads, once it is known: below the limit of answers, and beyond it.
    ways: [Option<Vec<(usize, NodeId)>>; 2],
}

/// What a place costs in questions. It bounds the memory of a search: a place takes about a kilobyte in large files.
const COST_OF_PLACE: u64 = 100;

/// How calls come to a place in so many steps.
type Parents = BTreeMap<(u8, NodeId), Vec<Arrival>>;

/// The place before, and which of the comings there it was; none at the beginning.
type Before = (Option<NodeId>, usize);

/// What was explored.
#[derive(Debug)]
pub(crate) struct Explored<'a> {
    joint: Joint<'a>,
    classes: Classes,
    covered: Covered,
    unfinished: Option<String>,
}

impl Explored<'_> {
    pub(crate) fn into_classes(self) -> (Vec<Class>, Covered, Option<String>) {
        let Self { joint, classes, covered, unfinished } = self;
        (classes.finish(&joint), covered, unfinished)
    }
}

/// Follows every call through both; an error when it is not even clear what calls can be like.
pub(crate) fn explore<'a>(old: &'a RuleSet, new: &'a RuleSet, limits: Limits) -> Result<Explored<'a>, String> {
    let joint = Joint::new(old, new, &limits)?;
    let mut explorer = Explorer {
        alike: Alike::new(old, new, &joint),
        joint: &joint,
        nodes: Vec::new(),
        places: BTreeMap::new(),
        parents: BTreeMap::new(),
        classes: Classes::default(),
        answers: 0,
        stops: 0,
        left: 0,
    };
    let (mut left, mut cut_short) = (limits.questions, Vec::new());
    for (line, after) in (0..joint.lines.len()).zip((1..=joint.lines.len() as u64).rev()) {
        // Every line has its share, and what one does not need is for those after it.
        let share = left / after;
        explorer.left = share;
        if explorer.walk(line).is_err() {
            cut_short.push(line_name(&joint, line));
        }
        left -= share - explorer.left;
        explorer.forget();
    }
    let unfinished = (!cut_short.is_empty()).then(|| {
        let (asked, some) = (limits.questions, cut_short.len());
        let named: Vec<&str> = cut_short.iter().take(NAMED).map(String::as_str).collect();
        let more = if some > NAMED { format!(" and {} more lines", some - NAMED) } else { String::new() };
        let others = if some < joint.lines.len() { "; on the other lines everything was followed" } else { "" };
        format!(
            "it takes more than {asked} questions to follow every path through both on {}{more}{others}",
            named.join(", ")
        )
    });
    let covered = Covered {
        lines: joint.lines.len().saturating_sub(1),
        moments: joint.times.iter().map(|times| times.classes.len()).max().unwrap_or(0),
        callers: joint.who.len(),
        switches: joint.switches.len(),
        stops: explorer.stops,
        answers: explorer.answers,
        days: limits.days,
    };
    let classes = explorer.classes;
    Ok(Explored { classes, covered, unfinished, joint })
}

/// Lines that are named when they were not followed to the end.
const NAMED: usize = 5;

struct Explorer<'j, 'a> {
    joint: &'j Joint<'a>,
    alike: Alike<'a>,
    nodes: Vec<Node>,
    places: BTreeMap<Key, NodeId>,
    parents: Parents,
    classes: Classes,
    answers: usize,
    stops: usize,
    left: u64,
}

impl Explorer<'_, '_> {
    /// Goes on answer by answer, all calls on the line at once, because a call that has had too many answers goes
    /// elsewhere.
    fn walk(&mut self, line: usize) -> Result<(), Spent> {
        let mut layer = self.arrive(line)?;
        let mut hop = 1_u8;
        while !layer.is_empty() && hop < u8::MAX {
            let mut next = Vec::new();
            for id in layer {
                for (coming, to) in self.ways(id, hop)? {
                    next.push((to, (Some(id), coming)));
                    self.left = self.left.checked_sub(1).ok_or(Spent)?;
                }
            }
            hop += 1;
            layer = self.settle(next, hop);
        }
        Ok(())
    }

    /// Lets go of what belongs to a line that is done with.
    fn forget(&mut self) {
        self.stops += self.nodes.len();
        self.nodes.clear();
        self.places.clear();
        self.parents.clear();
    }

    /// The places that calls have come to in so many answers. Calls that wait at the same place are put together again,
    /// whatever they were told apart by on their way: from here on they meet the same.
    fn settle(&mut self, reached: Vec<(NodeId, Before)>, hop: u8) -> Vec<NodeId> {
        let mut order = Vec::new();
        let mut together: BTreeMap<(Where, Where), (NodeId, Vec<Part>)> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (id, (parent, coming)) in reached {
            let Some(node) = self.nodes.get(id).filter(|_| seen.insert(id)) else { continue };
            let place = (waits(&node.old), waits(&node.new));
            let arrival = Arrival { parent, coming, region: node.region.clone() };
            let part = Part { region: node.region.clone(), arrivals: vec![arrival] };
            together
                .entry(place)
                .or_insert_with(|| {
                    order.push(place);
                    (id, Vec::new())
                })
                .1
                .push(part);
        }
        let mut layer = Vec::new();
        for place in order {
            let Some((like, parts)) = together.remove(&place) else { continue };
            for part in merge(parts) {
                let Some(id) = self.place(like, part.region) else { continue };
                self.parents.insert((hop, id), part.arrivals);
                layer.push(id);
            }
        }
        layer
    }

    /// The same place for other calls.
    fn place(&mut self, like: NodeId, region: Region) -> Option<NodeId> {
        let node = self.nodes.get(like)?;
        let key = (node.line, waits(&node.old), waits(&node.new), region);
        if let Some(known) = self.places.get(&key) {
            return Some(*known);
        }
        let (old, new, comings) = (node.old.clone(), node.new.clone(), node.comings.clone());
        let (id, line, region) = (self.nodes.len(), node.line, key.3.clone());
        self.places.insert(key, id);
        self.nodes.push(Node { line, old, new, region, comings, ways: [None, None] });
        Some(id)
    }

    fn arrive(&mut self, line: usize) -> Result<Vec<NodeId>, Spent> {
        if self.arrivals_alike(line) {
            return Ok(Vec::new());
        }
        let start = Position::start(0);
        let region = self.joint.all(line);
        let request = Request { line, old: &start, new: &start, happened: &Happened::Arrived, region: &region };
        let mut reached = Vec::new();
        for answers in branches(self.joint, request, &mut self.left)? {
            reached.extend(self.look(line, answers, None, 1).map(|to| (to, (None, 0))));
        }
        Ok(self.settle(reached, 1))
    }

    /// Whether calls on that line begin in flows that are alike, in the same language.
    fn arrivals_alike(&mut self, line: usize) -> bool {
        let Some(lines) = self.joint.lines.get(line) else { return true };
        let old = lines.old.and_then(|id| self.joint.rules(Which::Old).line(id));
        let new = lines.new.and_then(|id| self.joint.rules(Which::New).line(id));
        match (old, new) {
            (Some(old), Some(new)) => old.language == new.language && self.alike.flows(old.start, new.start),
            _ => self.alike.endings(),
        }
    }

    /// Where each answer at a place leads; asked once.
    fn ways(&mut self, id: NodeId, hop: u8) -> Result<Vec<(usize, NodeId)>, Spent> {
        let cut = usize::from(hop >= MAX_HOPS);
        let Some(node) = self.nodes.get(id) else { return Ok(Vec::new()) };
        if let Some(known) = node.ways.get(cut).and_then(Option::as_ref) {
            return Ok(known.clone());
        }
        let (line, region, comings) = (node.line, node.region.clone(), node.comings.clone());
        let at = |position: &Position| Position { hop: if cut == 0 { 1 } else { MAX_HOPS }, ..position.clone() };
        let (old, new) = (at(&node.old), at(&node.new));
        let mut ways = Vec::new();
        for (place, (_, happened)) in comings.iter().enumerate() {
            let request = Request { line, old: &old, new: &new, happened, region: &region };
            for answers in branches(self.joint, request, &mut self.left)? {
                let known = self.nodes.len();
                let to = self.look(line, answers, Some((id, place)), hop);
                ways.extend(to.map(|to| (place, to)));
                let cost = if self.nodes.len() > known { COST_OF_PLACE } else { 1 };
                self.left = self.left.checked_sub(cost).ok_or(Spent)?;
            }
        }
        ways.sort_unstable();
        ways.dedup();
        if let Some(known) = self.nodes.get_mut(id).and_then(|node| node.ways.get_mut(cut)) {
            *known = Some(ways.clone());
        }
        Ok(ways)
    }

    /// Compares two answers, and notes where the call waits when both let it wait and something can still differ.
    fn look(&mut self, line: usize, answers: Answers, from: Option<(NodeId, usize)>, hop: u8) -> Option<NodeId> {
        self.answers += 1;
        let lines = self.joint.lines.get(line).copied()?;
        let (old_rules, new_rules) = (self.joint.rules(Which::Old), self.joint.rules(Which::New));
        let old = Side { rules: old_rules, line: lines.old, decision: &answers.old };
        let new = Side { rules: new_rules, line: lines.new, decision: &answers.new };
        let aspects = compare(old, new);
        if !aspects.is_empty() {
            let (path, plain) = self.path(from, hop, &answers.region);
            self.classes.add(Found { aspects, line, old, new, region: &answers.region, plain: &plain, path: &path });
        }
        if aspects.part_ways() {
            return None;
        }
        let plain = |position: &Position| Position { hop: 1, began: 0, rule: None, ..position.clone() };
        let (one, other) = (plain(answers.old.next.as_ref()?), plain(answers.new.next.as_ref()?));
        if self.same_from_here(&one, &other) {
            return None;
        }
        let key = (line, waits(&one), waits(&other), answers.region);
        if let Some(known) = self.places.get(&key) {
            return Some(*known);
        }
        let id = self.nodes.len();
        let comings = comings(old, new);
        let region = key.3.clone();
        self.places.insert(key, id);
        self.nodes.push(Node { line, old: one, new: other, region, comings, ways: [None, None] });
        Some(id)
    }

    fn same_from_here(&mut self, old: &Position, new: &Position) -> bool {
        let (Some(one), Some(other)) = (old.step, new.step) else { return false };
        let missed = match (old.missed, new.missed) {
            (Some(one), Some(other)) => {
                let rules = |which| self.joint.rules(which);
                let same = crate::journey::observe::same_escalation;
                same((rules(Which::Old), one), (rules(Which::New), other)) == (true, true)
            }
            (one, other) => one.is_none() && other.is_none(),
        };
        missed && old.stage == new.stage && old.language == new.language && self.alike.steps(one, other)
    }

    /// What everybody has done up to an answer, stop by stop, and those of the calls who come to it so.
    fn path(&self, from: Option<(NodeId, usize)>, hop: u8, region: &Region) -> (Vec<Does>, Region) {
        let (mut path, mut region) = (Vec::new(), region.clone());
        let (mut at, mut hop) = (from, hop);
        while let Some((id, coming)) = at {
            let Some(node) = self.nodes.get(id) else { break };
            if let Some((does, _)) = node.comings.get(coming) {
                path.push(does.clone());
            }
            let arrivals = self.parents.get(&(hop, id)).map_or(&[][..], Vec::as_slice);
            let come = arrivals.iter().filter_map(|arrival| Some((arrival, region.both(&arrival.region)?)));
            let Some((arrival, some)) = come.min_by_key(|(_, some)| some.oddness()) else { break };
            (region, at) = (some, arrival.parent.map(|parent| (parent, arrival.coming)));
            hop = hop.saturating_sub(1);
        }
        path.reverse();
        (path, region)
    }
}

/// Where a call waits.
const fn waits(position: &Position) -> Where {
    (position.step, position.stage, position.language, position.missed)
}
