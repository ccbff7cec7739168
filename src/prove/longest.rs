//! How far calls go, and how long callers wait.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::position::StepRef;
use crate::prove::graph::{Graph, NodeId, Reach, To, Way};
use crate::prove::people::Does;

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
    pub(crate) reach: Reach,
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
        self.reach.values().any(|far| far.is_none_or(|far| far >= crate::model::position::MAX_HOPS))
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

/// The longest waits of a graph.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    /// Seconds that no caller waits longer than.
    pub(crate) longest: u32,
    /// The fewest ways on which somebody waits longer than the limit, the longest wait among those.
    pub(crate) over: Option<(u32, Path)>,
}

/// How a stop is reached after a number of ways with the longest wait.
#[derive(Debug, Clone, Copy)]
struct Reached {
    wait: u32,
    from: Option<NodeId>,
    way: usize,
}

/// Finds the longest waits. Who presses a key to hear again what was heard before waits by choice: such ways back
/// are not followed.
pub(crate) fn waits(graph: &Graph, depths: &Depths, limit: u32) -> Waits {
    let mut found = Waits::default();
    let mut layers: Vec<BTreeMap<NodeId, Reached>> = Vec::new();
    loop {
        let mut layer = Layer::default();
        match layers.last() {
            None => layer.add(graph, depths, None, 0),
            Some(before) => before.iter().for_each(|(id, reached)| layer.add(graph, depths, Some(*id), reached.wait)),
        }
        let ended = layer.ended.map_or(0, |ended| ended.wait);
        found.longest = found.longest.max(ended);
        if let (None, Some(ended)) = (&found.over, layer.ended.filter(|ended| ended.wait > limit)) {
            found.over = Some((ended.wait, path(&layers, ended)));
        }
        if layer.stops.is_empty() || layers.len() > MOST_WAYS {
            return found;
        }
        layers.push(layer.stops);
    }
}

/// What is reached by one way more.
#[derive(Debug, Default)]
struct Layer {
    stops: BTreeMap<NodeId, Reached>,
    /// The end with the longest wait.
    ended: Option<Reached>,
}

impl Layer {
    fn add(&mut self, graph: &Graph, depths: &Depths, from: Option<NodeId>, clock: u32) {
        for (place, way) in graph.ways(from).iter().enumerate() {
            let wait = clock.saturating_add(way.took).saturating_add(way.listened);
            let reached = Reached { wait, from, way: place };
            let best = match way.to {
                To::Stop(_) if goes_back(graph, depths, from, way) => continue,
                To::Stop(id) => self.stops.entry(id).or_insert(reached),
                To::End(_) => self.ended.get_or_insert(reached),
            };
            if best.wait < wait {
                *best = reached;
            }
        }
    }
}

/// No call has more answers; without keys that lead back none comes near it.
const MOST_WAYS: usize = 4 * crate::model::position::MAX_HOPS as usize;

fn goes_back(graph: &Graph, depths: &Depths, from: Option<NodeId>, way: &Way) -> bool {
    let To::Stop(to) = way.to else { return false };
    let (Some(from), Some(to)) = (from.and_then(|from| graph.nodes.get(from)), graph.nodes.get(to)) else {
        return false;
    };
    let pressed = matches!(from.comings.get(way.by).map(|coming| &coming.does), Some(Does::Presses(_)));
    pressed && depths.back.contains(&(from.key.at, to.key.at))
}

fn path(layers: &[BTreeMap<NodeId, Reached>], last: Reached) -> Path {
    let mut path = vec![(last.from, last.way)];
    let mut from = last.from;
    for layer in layers.iter().rev() {
        let Some(reached) = from.and_then(|from| layer.get(&from)) else { break };
        path.push((reached.from, reached.way));
        from = reached.from;
    }
    path.reverse();
    path
}

/// The best path whose last way is as asked: few ways, and nothing out of the ordinary on them.
pub(crate) fn shortest(graph: &Graph, bad: impl Fn(&Way) -> bool) -> Option<Path> {
    let mut best: BTreeMap<Option<NodeId>, (u32, Option<NodeId>, usize)> = BTreeMap::new();
    let mut open: BTreeSet<(u32, Option<NodeId>)> = BTreeSet::from([(0, None)]);
    let mut found: Option<(u32, Option<NodeId>, usize)> = None;
    while let Some((cost, from)) = open.pop_first() {
        if found.is_some_and(|(least, ..)| least <= cost) {
            break;
        }
        for (place, way) in graph.ways(from).iter().enumerate() {
            let reached = (cost + 1 + way.odd, from, place);
            if bad(way) && found.is_none_or(|found| reached < found) {
                found = Some(reached);
            }
            let To::Stop(to) = way.to else { continue };
            let known = best.get(&Some(to)).copied();
            if known.is_none_or(|known| reached.0 < known.0) {
                open.remove(&(known.map_or(0, |known| known.0), Some(to)));
                best.insert(Some(to), reached);
                open.insert((reached.0, Some(to)));
            }
        }
    }
    let (_, mut from, place) = found?;
    let mut path = vec![(from, place)];
    while let Some((_, before, place)) = from.and_then(|_| best.get(&from)).copied() {
        path.push((before, place));
        from = before;
    }
    path.reverse();
    Some(path)
}
