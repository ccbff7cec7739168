//! Loops that a call could run in without its caller pressing anything.

use std::collections::BTreeSet;

use crate::model::ids::CascadeId;
use crate::rules::compile::Desk;
use crate::rules::compile::names::Section;
use crate::rules::ruleset::{Flow, Menu, Verb};

/// A flow or a menu, by its index.
type Stop = (Section, u16);

/// How many loops are reported; mending one mostly mends others.
const MOST_LOOPS: usize = 20;

/// How much of a loop is shown.
const MOST_SHOWN: usize = 8;

impl Desk<'_> {
    /// Reports each loop of flows and menus that consumes no key, once.
    pub(super) fn endless_loops(&mut self, flows: &[Flow], menus: &[Menu]) {
        let mut state = Walk { done: BTreeSet::new(), path: Vec::new(), on_path: BTreeSet::new(), loops: Vec::new() };
        for index in 0..flows.len() {
            let stop = (Section::Flows, u16::try_from(index).unwrap_or(u16::MAX));
            self.walk(stop, flows, menus, &mut state);
        }
        for index in 0..menus.len() {
            let stop = (Section::Menus, u16::try_from(index).unwrap_or(u16::MAX));
            self.walk(stop, flows, menus, &mut state);
        }
        for stops in state.loops.into_iter().take(MOST_LOOPS) {
            self.endless_loop(&stops);
        }
    }

    /// Depth first without recursion: a file may chain thousands of flows.
    fn walk(&self, start: Stop, flows: &[Flow], menus: &[Menu], state: &mut Walk) {
        if state.done.contains(&start) {
            return;
        }
        let mut open: Vec<(Stop, Vec<Stop>)> = vec![(start, self.next_of(start, flows, menus))];
        state.path.push(start);
        state.on_path.insert(start);
        while let Some((stop, rest)) = open.last_mut() {
            let Some(next) = rest.pop() else {
                let done = *stop;
                state.done.insert(done);
                open.pop();
                state.path.pop();
                state.on_path.remove(&done);
                continue;
            };
            if state.on_path.contains(&next) {
                let place = state.path.iter().position(|stop| *stop == next).unwrap_or_default();
                state.loops.push(state.path.iter().skip(place).copied().collect());
            } else if !state.done.contains(&next) {
                state.path.push(next);
                state.on_path.insert(next);
                open.push((next, self.next_of(next, flows, menus)));
            }
        }
    }

    /// Where a call can go from here without a key.
    fn next_of(&self, stop: Stop, flows: &[Flow], menus: &[Menu]) -> Vec<Stop> {
        let index = usize::from(stop.1);
        let cascades: Vec<CascadeId> = if stop.0 == Section::Flows {
            flows.get(index).into_iter().flat_map(|flow| flow.rules.iter().map(|rule| rule.cascade)).collect()
        } else {
            menus.get(index).into_iter().filter_map(|menu| menu.otherwise).collect()
        };
        let steps = cascades.iter().filter_map(|id| self.cascades.get(id.index())).flat_map(|cascade| &cascade.steps);
        let mut next: Vec<Stop> = Vec::new();
        for step in steps {
            if let Verb::Flow { flow, .. } = step.verb {
                next.push((Section::Flows, flow.0));
            } else if let Verb::Menu(menu) = step.verb {
                next.push((Section::Menus, menu.0));
            }
        }
        next.sort_unstable();
        next.dedup();
        next
    }

    fn endless_loop(&mut self, stops: &[Stop]) {
        let long = stops.len() > MOST_SHOWN;
        let stops = stops.get(..MOST_SHOWN).unwrap_or(stops);
        let named: Vec<_> =
            stops.iter().filter_map(|(section, index)| Some((*section, self.names.place(*section, *index)?))).collect();
        let Some((_, first)) = named.first() else { return };
        let words: Vec<String> = stops
            .iter()
            .chain(stops.first().filter(|_| !long))
            .map(|(section, index)| {
                let name = self.names.of(*section).nth(usize::from(*index)).unwrap_or_default();
                format!("{} `{name}`", section.thing())
            })
            .collect();
        let rest = if long { " and on through others" } else { "" };
        let message = format!("a call can go round for ever without a key: {}{rest}", words.join(" to "));
        let mut problem = first.key_error("endless-loop", message);
        for (_, place) in named.iter().skip(1) {
            problem = problem.also(place.source(), place.key_span(), "and on from here");
        }
        self.problems.push(problem.help("let one of them end, or ask the caller by a menu on the way"));
    }
}

struct Walk {
    done: BTreeSet<Stop>,
    path: Vec<Stop>,
    on_path: BTreeSet<Stop>,
    loops: Vec<Vec<Stop>>,
}
