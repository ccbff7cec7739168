//! Differences put together: those of one kind at one place of the rules are one class.

use std::collections::{BTreeMap, BTreeSet};

use crate::journey::observe::{Aspects, Side, describe, place};
use crate::model::position::{RuleRef, StepRef};
use crate::prove::pair::domain::{Joint, OFF, ON, Region, UNSET};
use crate::prove::pair::example::{Does, play};
use crate::prove::pair::set::Set;
use crate::prove::pair::{Class, Turn, Which, when};

/// One difference as it is found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) aspects: Aspects,
    /// Place of the line.
    pub(crate) line: usize,
    pub(crate) old: Side<'a>,
    pub(crate) new: Side<'a>,
    pub(crate) region: &'a Region,
    /// Those of them for whom people do what the path says.
    pub(crate) plain: &'a Region,
    pub(crate) path: &'a [Does],
}

/// All differences so far.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    all: BTreeMap<(Aspects, Cause, Cause), Members>,
}

/// The rule taken at a difference, or else the step come to.
type Cause = (Option<RuleRef>, Option<StepRef>);

/// The calls of one class.
#[derive(Debug)]
struct Members {
    lines: BTreeSet<usize>,
    times: BTreeMap<usize, Set>,
    who: Set,
    attempts: Set,
    switches: Box<[u8]>,
    busy: Box<[u8]>,
    /// The smallest: steps and oddness, its line, its kind, and what people do.
    best: (usize, usize),
    line: usize,
    region: Region,
    path: Vec<Does>,
    turns: (Turn, Turn),
}

impl Classes {
    pub(crate) fn add(&mut self, found: Found<'_>) {
        let key = (found.aspects, cause(found.old), cause(found.new));
        let size = (found.path.len(), found.plain.oddness());
        let members = self.all.entry(key).or_insert_with(|| Members::new(&found, size));
        members.lines.insert(found.line);
        members
            .times
            .entry(found.line)
            .and_modify(|set| set.extend(&found.region.times))
            .or_insert_with(|| found.region.times.clone());
        members.who.extend(&found.region.who);
        members.attempts.extend(&found.region.attempts);
        members.switches.iter_mut().zip(&found.region.switches).for_each(|(may, other)| *may |= other);
        members.busy.iter_mut().zip(&found.region.busy).for_each(|(least, (from, _))| *least = (*least).min(*from));
        if size < members.best {
            members.best = size;
            members.line = found.line;
            members.region = found.plain.clone();
            members.path = found.path.to_vec();
            members.turns = turns(&found);
        }
    }

    /// Every class with its smallest call, the weightiest and then the plainest first.
    pub(crate) fn finish(self, joint: &Joint<'_>) -> Vec<Class> {
        let mut all: Vec<((usize, usize), Class)> = Vec::new();
        for ((aspects, ..), members) in self.all {
            let Some(example) = play(joint, members.line, &members.region, &members.path) else { continue };
            let lines = members.lines.iter().map(|line| line_name(joint, *line)).collect();
            let when = members.times.get(&members.line).zip(joint.times(members.line));
            let when = when.map_or_else(String::new, |(set, times)| when::describe(set, times, &example.old.began));
            let known = known(joint, &members);
            let (old, new) = members.turns;
            all.push((members.best, Class { aspects, lines, old, new, when, known, example }));
        }
        all.sort_by_key(|(size, class)| (size.1 > 0, class.aspect(), *size));
        all.into_iter().map(|(_, class)| class).collect()
    }
}

impl Members {
    fn new(found: &Found<'_>, best: (usize, usize)) -> Self {
        let region = found.region;
        Self {
            lines: BTreeSet::new(),
            times: BTreeMap::new(),
            who: region.who.clone(),
            attempts: region.attempts.clone(),
            switches: region.switches.clone(),
            busy: region.busy.iter().map(|(from, _)| *from).collect(),
            best,
            line: found.line,
            region: found.plain.clone(),
            path: found.path.to_vec(),
            turns: turns(found),
        }
    }
}

/// A rule that is taken is the cause of everything that comes of it at once.
fn cause(side: Side<'_>) -> Cause {
    let (rule, step) = place(side.decision);
    (rule, step.filter(|_| rule.is_none()))
}

fn turns(found: &Found<'_>) -> (Turn, Turn) {
    (turn(found.old, found.aspects), turn(found.new, found.aspects))
}

fn turn(side: Side<'_>, aspects: Aspects) -> Turn {
    let (rule, step) = place(side.decision);
    let mut said: Vec<String> = Vec::new();
    for aspect in aspects.list() {
        let what = describe(side, aspect);
        if !said.contains(&what) {
            said.push(what);
        }
    }
    Turn { rule, step, what: said.join("; ") }
}

pub(crate) fn line_name(joint: &Joint<'_>, line: usize) -> String {
    let id = joint.lines.get(line).and_then(|lines| lines.old);
    let line = id.and_then(|id| joint.rules(Which::Old).line(id));
    line.map_or_else(|| "a number that is in none of the lines".to_owned(), |line| line.name.to_string())
}

/// What all calls of a class have in common, beside the time.
fn known(joint: &Joint<'_>, members: &Members) -> Vec<String> {
    let mut said = Vec::new();
    if !members.who.has(0)
        && let Some(kind) = members.who.first().and_then(|place| joint.who.get(place))
    {
        let forwarded =
            kind.forwarded_from.as_ref().map_or_else(String::new, |from| format!(", forwarded from {from}"));
        said.push(format!("callers such as {} ({}{forwarded})", kind.caller, kind.attestation.word()));
    }
    for (switch, may) in joint.switches.iter().zip(&members.switches) {
        match may & (UNSET | ON | OFF) {
            ON => said.push(format!("switch {} is on", switch.name)),
            OFF => said.push(format!("switch {} is off", switch.name)),
            _ => {}
        }
    }
    for (person, least) in joint.persons.iter().zip(&members.busy) {
        if *least > 0 {
            said.push(format!("{person} is on {least} of our calls"));
        }
    }
    if !members.attempts.has(0) {
        said.push("the caller has called before".to_owned());
    }
    said
}
