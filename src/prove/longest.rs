//! How far calls go, and how long callers wait.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::position::{MAX_HOPS, StepRef};
use crate::prove::graph::{Graph, NodeId, To, Way};

/// A step with its stage.
type At = (StepRef, u8);

/// The steps of a graph, without what is known at them, and where each leads.
#[derive(Debug, Default)]
struct Steps {
    next: BTreeMap<At, BTreeSet<At>>,
    starts: Vec<At>,
}

fn steps(graph: &Graph) -> Steps {
    let at = |id: NodeId| graph.nodes.get(id).map(|node| node.key.at);
    let target = |way: &Way| if let To::Stop(id) = way.to { at(id) } else { None };
    let mut steps = Steps { starts: graph.arrivals.iter().filter_map(target).collect(), ..Steps::default() };
    for node in &graph.nodes {
        let next = steps.next.entry(node.key.at).or_default();
        next.extend(node.ways.iter().filter_map(target));
    }
    steps
}

/// What a walk through the steps in depth finds: how far each goes, and which ways lead back.
#[derive(Debug, Default)]
pub(crate) struct Depths {
    /// How many stops can follow; none where a call can go in circles.
    reach: BTreeMap<At, Option<u8>>,
    /// Ways that lead back to a step which the call came through.
    back: BTreeSet<(At, At)>,
}

impl Depths {
    pub(crate) fn of(graph: &Graph) -> Self {
        let steps = steps(graph);
        let mut depths = Self::default();
        let mut open: BTreeSet<At> = BTreeSet::new();
        for start in &steps.starts {
            depths.descend(&steps, *start, &mut open);
        }
        depths
    }

    /// Whether a call could have so many answers that their number matters.
    pub(crate) fn counts(&self) -> bool {
        self.reach.values().any(|far| far.is_none_or(|far| far >= MAX_HOPS))
    }

    /// Visits everything below, without recursion: a file may nest deeper than a stack likes.
    fn descend(&mut self, steps: &Steps, start: At, open: &mut BTreeSet<At>) {
        let none = BTreeSet::new();
        let below = |at: At| (at, steps.next.get(&at).unwrap_or(&none).iter());
        let mut stack = Vec::new();
        if self.enter(start, open) {
            stack.push(below(start));
        }
        while let Some((at, children)) = stack.last_mut() {
            let at = *at;
            let Some(child) = children.next().copied() else {
                stack.pop();
                open.remove(&at);
                stack.last().into_iter().for_each(|(parent, _)| self.raise(*parent, at));
                continue;
            };
            if open.contains(&child) {
                self.back.insert((at, child));
                self.reach.insert(at, None);
            } else if self.enter(child, open) {
                stack.push(below(child));
            } else {
                self.raise(at, child);
            }
        }
    }

    /// Whether the step is met for the first time.
    fn enter(&mut self, at: At, open: &mut BTreeSet<At>) -> bool {
        let new = !self.reach.contains_key(&at);
        if new {
            self.reach.insert(at, Some(0));
            open.insert(at);
        }
        new
    }

    /// A step goes one further than the step after it.
    fn raise(&mut self, at: At, child: At) {
        let own = self.reach.get(&at).copied().flatten();
        let far = self.reach.get(&child).copied().flatten();
        let circles = |at: &At| self.reach.get(at) == Some(&None);
        let raised = if circles(&at) || circles(&child) { None } else { own.max(far.map(|far| far.saturating_add(1))) };
        self.reach.insert(at, raised);
    }
}

/// A path: its ways, each as (where from, its place there).
pub(crate) type Path = Vec<(Option<NodeId>, usize)>;

/// How a stop is reached after a number of answers: the best way to it, with what makes it the best.
#[derive(Debug, Clone, Copy)]
struct Reached {
    value: u32,
    from: Option<NodeId>,
    way: usize,
}

/// Everything that calls reach answer by answer, best ways first.
struct Layers<'a, V, B> {
    graph: &'a Graph,
    /// The value of a path that is one way longer; none when the way is not to be followed.
    value: V,
    /// Whether the first value is better than the second.
    better: B,
    reached: Vec<BTreeMap<NodeId, Reached>>,
}

impl<'a, V: Fn(u32, &Way) -> Option<u32>, B: Fn(u32, u32) -> bool> Layers<'a, V, B> {
    const fn new(graph: &'a Graph, value: V, better: B) -> Self {
        Self { graph, value, better, reached: Vec::new() }
    }

    /// Goes on by one answer; the best of the ways that `wanted` picks, and whether there is more to come.
    fn next(&mut self, wanted: impl Fn(&Way) -> bool) -> (Option<Reached>, bool) {
        let mut layer: BTreeMap<NodeId, Reached> = BTreeMap::new();
        let mut best: Option<Reached> = None;
        // Calls that have had all the answers they may have are cut short, and no others.
        let cut = self.graph.cuts && self.reached.len() >= usize::from(MAX_HOPS);
        let arrival = [(None, 0)];
        let before = self.reached.last().into_iter().flatten().map(|(id, reached)| (Some(*id), reached.value));
        let starts = arrival.iter().copied().filter(|_| self.reached.is_empty()).chain(before);
        for (from, value) in starts {
            for (way, place) in self.graph.ways(from).iter().zip(0..).filter(|(way, _)| way.cut == cut) {
                let Some(value) = (self.value)(value, way) else { continue };
                let reached = Reached { value, from, way: place };
                if wanted(way) && best.is_none_or(|best| (self.better)(value, best.value)) {
                    best = Some(reached);
                }
                let To::Stop(id) = way.to else { continue };
                let known = layer.entry(id).or_insert(reached);
                if (self.better)(value, known.value) {
                    *known = reached;
                }
            }
        }
        let more = !layer.is_empty() && self.reached.len() < MOST_ANSWERS;
        self.reached.push(layer);
        (best, more)
    }

    /// The path that ends so, from the layer that was gone to last.
    fn path(&self, last: Reached) -> Path {
        let mut path = vec![(last.from, last.way)];
        let mut from = last.from;
        for layer in self.reached.iter().rev().skip(1) {
            let Some(reached) = from.and_then(|from| layer.get(&from)) else { break };
            path.push((reached.from, reached.way));
            from = reached.from;
        }
        path.reverse();
        path
    }
}

/// No call has more answers: those it may have, and then the steps of `finally`.
const MOST_ANSWERS: usize = 2 * MAX_HOPS as usize;

/// The longest waits of a graph.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    /// Seconds that no caller waits longer than.
    pub(crate) longest: u32,
    /// The fewest ways on which somebody waits longer than the limit, the longest wait among those.
    pub(crate) over: Option<Path>,
}

/// Finds the longest waits. Who presses a key to hear again what was heard before waits by choice: ways back are not
/// followed.
pub(crate) fn waits(graph: &Graph, limit: u32) -> Waits {
    let value =
        |clock: u32, way: &Way| (!way.back).then_some(clock.saturating_add(way.took).saturating_add(way.listened));
    let mut layers = Layers::new(graph, value, |one, other| one > other);
    let mut found = Waits::default();
    loop {
        let (ended, more) = layers.next(|way| matches!(way.to, To::End(_)));
        found.longest = found.longest.max(ended.map_or(0, |ended| ended.value));
        if let (None, Some(ended)) = (&found.over, ended.filter(|ended| ended.value > limit)) {
            found.over = Some(layers.path(ended));
        }
        if !more {
            return found;
        }
    }
}

/// The best path whose last way is as asked: few ways, and nothing out of the ordinary on them.
pub(crate) fn shortest(graph: &Graph, bad: impl Fn(&Way) -> bool) -> Option<Path> {
    let mut layers = Layers::new(graph, |odd: u32, way: &Way| Some(odd + way.odd), |one, other| one < other);
    let mut found: Option<(u32, Path)> = None;
    for length in 0_u32.. {
        let (best, more) = layers.next(&bad);
        let cost = best.map(|best| length + best.value);
        if let (Some(best), Some(cost)) =
            (best, cost.filter(|cost| found.as_ref().is_none_or(|(least, _)| cost < least)))
        {
            found = Some((cost, layers.path(best)));
        }
        let done = found.as_ref().is_some_and(|(least, _)| *least <= length + 1);
        if done || !more {
            break;
        }
    }
    found.map(|(_, path)| path)
}

/// Marks the ways that lead back to where the call came through. There is none without a key pressed somewhere on the
/// round: rules in which silence alone goes in circles are not loaded.
pub(crate) fn mark_ways_back(graph: &mut Graph, depths: &Depths) {
    let places: Vec<At> = graph.nodes.iter().map(|node| node.key.at).collect();
    for node in &mut graph.nodes {
        for way in &mut node.ways {
            let To::Stop(to) = way.to else { continue };
            way.back = places.get(to).is_some_and(|to| depths.back.contains(&(node.key.at, *to)));
        }
    }
}
