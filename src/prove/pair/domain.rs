//! What a call can be like for two rule sets at once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::decide::world::belongs;
use crate::model::call::{Attestation, State};
use crate::model::ids::{CallerClassId, ContactId, HoursId, LineId, SwitchId};
use crate::model::moment::{Moment, Zone};
use crate::model::phone::{Caller, E164};
use crate::prove::Limits;
use crate::prove::domain::{attestations, far_days, ordinary, under};
use crate::prove::pair::set::Set;
use crate::prove::pair::{Lines, Which};
use crate::rules::ruleset::{Condition, RuleSet, Test};
use crate::rules::schedule;

/// More kinds of callers, or of repeated calls, than this are not thought of.
const MOST_KINDS: usize = 60_000;

/// Kinds of moments, for calls on lines of the same two zones.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) classes: Vec<Moments>,
    old: Vec<Set>,
    new: Vec<Set>,
}

/// All moments at which the same hours of both hold.
#[derive(Debug)]
pub(crate) struct Moments {
    /// When it is so: from, and until.
    pub(crate) stretches: Vec<(Timestamp, Timestamp)>,
    holds: [Box<[bool]>; 2],
}

/// One kind of caller.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) caller: Caller,
    pub(crate) attestation: Attestation,
    pub(crate) forwarded_from: Option<E164>,
}

/// A switch by its name.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) name: Box<str>,
    old: Option<SwitchId>,
    new: Option<SwitchId>,
}

/// What can be asked of one of the two, answered for every kind of call.
#[derive(Debug)]
struct Known {
    callers: Vec<Set>,
    /// For each contact, the callers for whom it would go in circles.
    loops: Vec<Set>,
    /// For each contact, the person behind the number.
    persons: Vec<usize>,
    /// For each switch, which of all switches it is, and its default.
    switches: Vec<(usize, bool)>,
}

/// Everything that calls can be like.
#[derive(Debug)]
pub(crate) struct Joint<'a> {
    rules: [&'a RuleSet; 2],
    pub(crate) lines: Vec<Lines>,
    times_of: Vec<usize>,
    pub(crate) times: Vec<Times>,
    pub(crate) who: Vec<Kind>,
    texted: Set,
    pub(crate) persons: Vec<E164>,
    pub(crate) switches: Vec<Switch>,
    /// Seconds since each earlier call of the caller, for each kind of repeated call.
    pub(crate) attempts: Vec<Vec<u32>>,
    known: [Known; 2],
}

/// A switch that nobody has set, one that is set on, and one that is set off.
pub(crate) const UNSET: u8 = 1;
pub(crate) const ON: u8 = 2;
pub(crate) const OFF: u8 = 4;

/// The kinds of calls that are still thought of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Region {
    pub(crate) times: Set,
    pub(crate) who: Set,
    pub(crate) attempts: Set,
    /// For each switch, the positions it may have.
    pub(crate) switches: Box<[u8]>,
    /// For each person, the least and the most calls of ours they may be on.
    pub(crate) busy: Box<[(u8, u8)]>,
}

/// A question, as a cut through all kinds of calls.
#[derive(Debug)]
pub(crate) enum Cut<'j> {
    Times(&'j Set),
    Who(&'j Set),
    Attempts(Set),
    Switch(usize, u8),
    Busy(usize, u8),
    /// Nothing of it is known: the answer is no.
    Never,
}

impl Region {
    pub(crate) fn possible(&self, cut: &Cut<'_>, value: bool) -> bool {
        match cut {
            Cut::Times(yes) => self.times.meets(yes, value),
            Cut::Who(yes) => self.who.meets(yes, value),
            Cut::Attempts(yes) => self.attempts.meets(yes, value),
            Cut::Switch(place, yes) => self.switches.get(*place).is_some_and(|may| may & sided(*yes, value) != 0),
            Cut::Busy(person, least) => {
                self.busy.get(*person).is_some_and(|(from, to)| if value { to >= least } else { from < least })
            }
            Cut::Never => !value,
        }
    }

    pub(crate) fn cut(&mut self, cut: &Cut<'_>, value: bool) {
        match cut {
            Cut::Times(yes) => self.times.keep(yes, value),
            Cut::Who(yes) => self.who.keep(yes, value),
            Cut::Attempts(yes) => self.attempts.keep(yes, value),
            Cut::Switch(place, yes) => {
                self.switches.get_mut(*place).into_iter().for_each(|may| *may &= sided(*yes, value));
            }
            Cut::Busy(person, least) => {
                if let Some((from, to)) = self.busy.get_mut(*person) {
                    if value { *from = (*from).max(*least) } else { *to = (*to).min(least.saturating_sub(1)) }
                }
            }
            Cut::Never => {}
        }
    }

    /// The calls that are in both regions, if there are any.
    pub(crate) fn both(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        both.times.keep(&other.times, true);
        both.who.keep(&other.who, true);
        both.attempts.keep(&other.attempts, true);
        both.switches.iter_mut().zip(&other.switches).for_each(|(may, also)| *may &= also);
        for ((from, to), (least, most)) in both.busy.iter_mut().zip(&other.busy) {
            (*from, *to) = ((*from).max(*least), (*to).min(*most));
        }
        let none = both.times.is_empty()
            || both.who.is_empty()
            || both.attempts.is_empty()
            || both.switches.contains(&0)
            || both.busy.iter().any(|(from, to)| from > to);
        (!none).then_some(both)
    }

    /// How far the plainest call of the region is from an ordinary one.
    pub(crate) fn oddness(&self) -> usize {
        let switches = self.switches.iter().filter(|may| **may & UNSET == 0).count();
        let busy = self.busy.iter().filter(|(from, _)| *from > 0).count();
        let who = usize::from(!self.who.has(0)) * 2;
        switches + busy + who + usize::from(!self.attempts.has(0))
    }
}

const fn sided(yes: u8, value: bool) -> u8 {
    if value { yes } else { !yes }
}

impl<'a> Joint<'a> {
    pub(crate) fn new(old: &'a RuleSet, new: &'a RuleSet, limits: &Limits) -> Result<Self, String> {
        let rules = [old, new];
        let numbers = rules.iter().flat_map(|rules| &rules.contacts).map(|contact| contact.number.clone());
        let persons: Vec<E164> = numbers.collect::<BTreeSet<_>>().into_iter().collect();
        let who = who(rules, &persons)?;
        let names = rules.iter().flat_map(|rules| &rules.switches).map(|switch| switch.name.clone());
        let switches: Vec<Switch> = names
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|name| Switch { old: switch_of(old, &name), new: switch_of(new, &name), name })
            .collect();
        let known = rules.map(|rules| known(rules, &who, &persons, &switches));
        let mut joint = Self {
            rules,
            lines: lines(old, new),
            times_of: Vec::new(),
            times: Vec::new(),
            texted: Set::of(who.iter().map(|kind| kind.caller.number().is_some()), who.len()),
            who,
            persons,
            switches,
            attempts: attempts(rules)?,
            known,
        };
        joint.look_at_calendars(limits);
        Ok(joint)
    }

    fn look_at_calendars(&mut self, limits: &Limits) {
        let mut seen: Vec<(Zone, Zone)> = Vec::new();
        for lines in &self.lines {
            let zones = (zone(self.rules[0], lines.old), zone(self.rules[1], lines.new));
            let place = seen.iter().position(|known| *known == zones).unwrap_or_else(|| {
                self.times.push(times(self.rules, [&zones.0, &zones.1], limits));
                seen.push(zones.clone());
                seen.len() - 1
            });
            self.times_of.push(place);
        }
    }

    pub(crate) const fn rules(&self, which: Which) -> &'a RuleSet {
        match which {
            Which::Old => self.rules[0],
            Which::New => self.rules[1],
        }
    }

    const fn known(&self, which: Which) -> &Known {
        match which {
            Which::Old => &self.known[0],
            Which::New => &self.known[1],
        }
    }

    /// The kinds of moments of calls on that line.
    pub(crate) fn times(&self, line: usize) -> Option<&Times> {
        self.times.get(*self.times_of.get(line)?)
    }

    /// Every call on that line.
    pub(crate) fn all(&self, line: usize) -> Region {
        Region {
            times: Set::full(self.times(line).map_or(0, |times| times.classes.len())),
            who: Set::full(self.who.len()),
            attempts: Set::full(self.attempts.len()),
            switches: vec![UNSET | ON | OFF; self.switches.len()].into(),
            busy: vec![(0, u8::MAX); self.persons.len()].into(),
        }
    }

    pub(crate) fn hours(&self, which: Which, line: usize, hours: HoursId) -> Cut<'_> {
        let sets = self.times(line).map(|times| if which == Which::Old { &times.old } else { &times.new });
        sets.and_then(|sets| sets.get(hours.index())).map_or(Cut::Never, Cut::Times)
    }

    pub(crate) fn caller(&self, which: Which, class: CallerClassId) -> Cut<'_> {
        self.known(which).callers.get(class.index()).map_or(Cut::Never, Cut::Who)
    }

    pub(crate) fn loops(&self, which: Which, contact: ContactId) -> Cut<'_> {
        self.known(which).loops.get(contact.index()).map_or(Cut::Never, Cut::Who)
    }

    pub(crate) const fn texted(&self) -> Cut<'_> {
        Cut::Who(&self.texted)
    }

    pub(crate) fn switch(&self, which: Which, switch: SwitchId) -> Cut<'_> {
        self.known(which)
            .switches
            .get(switch.index())
            .map_or(Cut::Never, |(place, default)| Cut::Switch(*place, if *default { UNSET | ON } else { ON }))
    }

    pub(crate) fn busy(&self, which: Which, contact: ContactId, max: u8) -> Cut<'_> {
        self.known(which).persons.get(contact.index()).map_or(Cut::Never, |person| Cut::Busy(*person, max))
    }

    pub(crate) fn attempt(&self, at_least: u8, within: u32) -> Cut<'_> {
        let enough = |calls: &Vec<u32>| calls.iter().filter(|ago| **ago <= within).count() + 1 >= usize::from(at_least);
        Cut::Attempts(Set::of(self.attempts.iter().map(enough), self.attempts.len()))
    }

    /// The state of the plainest call of a region, as one of the two sees it.
    pub(crate) fn state(&self, which: Which, region: &Region) -> State {
        let rules = self.rules(which);
        let mut state = State {
            switches: vec![None; rules.switches.len()],
            stale: Vec::new(),
            active_calls: vec![0; rules.contacts.len()],
            earlier_calls: region
                .attempts
                .first()
                .and_then(|place| self.attempts.get(place))
                .cloned()
                .unwrap_or_default(),
        };
        for (switch, may) in self.switches.iter().zip(&region.switches) {
            let set = if may & UNSET != 0 { None } else { Some(may & ON != 0) };
            let id = if which == Which::Old { switch.old } else { switch.new };
            id.and_then(|id| state.switches.get_mut(id.index())).into_iter().for_each(|place| *place = set);
        }
        for (contact, person) in self.known(which).persons.iter().enumerate() {
            let calls = region.busy.get(*person).map_or(0, |(from, _)| *from);
            state.active_calls.get_mut(contact).into_iter().for_each(|place| *place = calls);
        }
        state
    }
}

fn zone(rules: &RuleSet, line: Option<LineId>) -> Zone {
    line.and_then(|id| rules.line(id)).map_or(&rules.zone, |line| &line.zone).clone()
}

/// Every line of both, by number, and calls to a number of nobody.
fn lines(old: &RuleSet, new: &RuleSet) -> Vec<Lines> {
    let place = |rules: &RuleSet, number: &E164| {
        let found = rules.lines.iter().position(|line| line.number == *number);
        found.and_then(|place| u16::try_from(place).ok()).map(LineId)
    };
    let shared = old.lines.iter().zip(0..).filter_map(|(line, id)| {
        place(new, &line.number).map(|other| Lines { old: Some(LineId(id)), new: Some(other) })
    });
    shared.chain([Lines { old: None, new: None }]).collect()
}

fn switch_of(rules: &RuleSet, name: &str) -> Option<SwitchId> {
    let place = rules.switches.iter().position(|switch| *switch.name == *name)?;
    u16::try_from(place).ok().map(SwitchId)
}

fn known(rules: &RuleSet, who: &[Kind], persons: &[E164], switches: &[Switch]) -> Known {
    let of = |holds: &dyn Fn(&Kind) -> bool| Set::of(who.iter().map(holds), who.len());
    let callers =
        rules.callers.iter().map(|class| of(&|kind: &Kind| belongs(class, &kind.caller, kind.attestation))).collect();
    let circles = |number: &E164| {
        of(&|kind: &Kind| kind.caller.number() == Some(number) || kind.forwarded_from.as_ref() == Some(number))
    };
    let place = |number: &E164| persons.binary_search(number).unwrap_or(usize::MAX);
    let switch = |name: &str| switches.iter().position(|switch| *switch.name == *name).unwrap_or(usize::MAX);
    Known {
        callers,
        loops: rules.contacts.iter().map(|contact| circles(&contact.number)).collect(),
        persons: rules.contacts.iter().map(|contact| place(&contact.number)).collect(),
        switches: rules.switches.iter().map(|own| (switch(&own.name), own.default)).collect(),
    }
}

/// Every kind of caller, the ordinary one first, with every number that may have forwarded the call.
fn who(rules: [&RuleSet; 2], persons: &[E164]) -> Result<Vec<Kind>, String> {
    let mut callers = vec![ordinary(&rules), Caller::Withheld, Caller::Client("guest".into())];
    let classes = || rules.iter().flat_map(|rules| &rules.callers);
    callers.extend(classes().flat_map(|class| &class.numbers).cloned().map(Caller::Number));
    for prefix in classes().flat_map(|class| &class.prefixes) {
        callers.extend(under(prefix).into_iter().map(Caller::Number));
    }
    callers.extend(persons.iter().cloned().map(Caller::Number));
    let mut seen = BTreeSet::new();
    let mut kinds = Vec::new();
    for attestation in attestations(&rules) {
        for caller in &callers {
            let within: Vec<bool> = classes().map(|class| belongs(class, caller, attestation)).collect();
            let person = caller.number().and_then(|number| persons.binary_search(number).ok());
            if !seen.insert((within, person, caller.number().is_some())) {
                continue;
            }
            let forwarded = std::iter::once(None).chain(persons.iter().cloned().map(Some));
            kinds.extend(forwarded.map(|forwarded_from| Kind { caller: caller.clone(), attestation, forwarded_from }));
            if kinds.len() > MOST_KINDS {
                return Err(format!("there are more than {MOST_KINDS} kinds of callers"));
            }
        }
    }
    // Calls that nobody has forwarded are the plainer ones.
    kinds.sort_by_key(|kind| kind.forwarded_from.is_some());
    Ok(kinds)
}

/// Every kind of repeated call that some condition tells apart, the first call first.
fn attempts(rules: [&RuleSet; 2]) -> Result<Vec<Vec<u32>>, String> {
    let mut windows: BTreeMap<u32, u8> = BTreeMap::new();
    let rules_of = rules.iter().flat_map(|rules| &rules.flows).flat_map(|flow| &flow.rules).flat_map(|rule| &rule.when);
    let greetings = rules.iter().flat_map(|rules| &rules.mailboxes).flat_map(|mailbox| &mailbox.greetings);
    let conditions: Vec<&Condition> = rules_of.chain(greetings.flat_map(|greeting| &greeting.when)).collect();
    let mut most = 0;
    for condition in conditions {
        if let Test::Attempt { at_least, within } = condition.test {
            windows.insert(within, 0);
            most = most.max(at_least.saturating_sub(1));
        }
    }
    let mut kinds: Vec<Vec<u32>> = vec![Vec::new()];
    for within in windows.keys() {
        let mut more = Vec::new();
        for calls in &kinds {
            let left = usize::from(most).saturating_sub(calls.len());
            for count in 0..=left {
                let mut calls = calls.clone();
                calls.extend(std::iter::repeat_n(*within, count));
                more.push(calls);
            }
        }
        kinds = more;
        if kinds.len() > MOST_KINDS {
            return Err(format!("there are more than {MOST_KINDS} kinds of repeated calls"));
        }
    }
    kinds.sort_by_key(Vec::len);
    Ok(kinds)
}

/// Which hours of each hold, and all stretches of time in which it is so.
type Calendar = BTreeMap<[Box<[bool]>; 2], Vec<(Timestamp, Timestamp)>>;

/// Every combination of hours of both, with all moments at which it is so.
fn times(rules: [&RuleSet; 2], zones: [&Zone; 2], limits: &Limits) -> Times {
    let mut found = Calendar::new();
    let day = SignedDuration::from_hours(24);
    let end = limits.from.checked_add(day * i32::from(limits.days)).unwrap_or(Timestamp::MAX);
    sweep(rules, zones, (limits.from, end), &mut found);
    let last = zones[0].table().to_datetime(end).date();
    let far: BTreeSet<_> = rules.iter().flat_map(|rules| far_days(rules, last)).collect();
    for date in far {
        let first = date.checked_sub(1.day()).ok().and_then(|day| day.to_zoned(zones[0].table().clone()).ok());
        if let Some(first) = first {
            let start = first.timestamp().max(end);
            let until = first.timestamp().checked_add(day * 4).unwrap_or(Timestamp::MAX);
            sweep(rules, zones, (start, until), &mut found);
        }
    }
    let mut classes: Vec<Moments> = found.into_iter().map(|(holds, stretches)| Moments { stretches, holds }).collect();
    classes.sort_by_key(|class| class.stretches.first().copied());
    let sets = |side: usize| {
        let count = rules.get(side).map_or(0, |rules| rules.hours.len());
        let holds = |class: &Moments, hours: usize| class.holds.get(side).and_then(|holds| holds.get(hours)).copied();
        let set = |hours| Set::of(classes.iter().map(|class| holds(class, hours).unwrap_or(false)), classes.len());
        (0..count).map(set).collect::<Vec<_>>()
    };
    let (old, new) = (sets(0), sets(1));
    Times { old, new, classes }
}

fn sweep(rules: [&RuleSet; 2], zones: [&Zone; 2], (from, until): (Timestamp, Timestamp), found: &mut Calendar) {
    let mut changes: Vec<(Timestamp, usize, usize)> = Vec::new();
    let mut holds: [Box<[bool]>; 2] = Default::default();
    for (side, ((rules, zone), holds)) in rules.iter().zip(zones).zip(&mut holds).enumerate() {
        let start = Moment::new(from, zone);
        let ids = || (0..).take(rules.hours.len()).map(HoursId);
        *holds = ids().map(|id| schedule::fact(rules, id, &start).holds()).collect();
        for id in ids() {
            let all = schedule::changes(rules, id, &start, until);
            changes.extend(all.filter(|at| *at < until).map(|at| (at, side, id.index())));
        }
    }
    changes.sort_unstable();
    let mut since = from;
    let mut rest = changes.as_slice();
    loop {
        let next = rest.first().map_or(until, |(at, ..)| *at);
        if since < next {
            found.entry(holds.clone()).or_default().push((since, next));
        }
        if rest.is_empty() {
            return;
        }
        let (now, later) = rest.split_at(rest.partition_point(|(at, ..)| *at == next));
        for (_, side, hours) in now {
            if let Some(holds) = holds.get_mut(*side).and_then(|holds| holds.get_mut(*hours)) {
                *holds = !*holds;
            }
        }
        since = next;
        rest = later;
    }
}
