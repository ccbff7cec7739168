//! What many calls under both rule sets add up to; tallies of parts add up to the tally of the whole.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::diff::compare::{Both, Cause, Compared, Differs, Went};
use crate::diff::people::Unknown;
use crate::diff::seen::Seen;
use crate::journey::observe::{Aspects, describe};
use crate::model::leg::Leg;
use crate::rules::ruleset::{EndKind, RuleSet};

/// Waits beyond this are counted as this.
const LONGEST_WAIT: usize = 900;

/// Hours of a week.
pub const WEEK: usize = 168;

/// Everything that is told of many calls.
#[derive(Debug, Clone)]
pub struct Tally {
    /// All calls.
    pub calls: u64,
    /// Calls that meet something else.
    pub changed: u64,
    /// Calls of which it is not known how they end under the new rules.
    pub unknown: u64,
    /// Calls that the old rules would have taken elsewhere than they went.
    pub not_reproduced: Vec<Box<str>>,
    /// The first and the last of the calls, in seconds since 1970.
    pub stretch: Option<(i64, i64)>,
    /// Calls of which both waits are known: as recorded, under the old rules, and under the new.
    pub waits: [Waits; 3],
    /// For each hour of the week from Monday on: all calls, and those that meet something else.
    pub week: Vec<(u32, u32)>,
    /// Endings under the old rules and under the new; none for not known.
    pub ends: BTreeMap<(Option<EndKind>, Option<EndKind>), u64>,
    /// For each contact by name: how often rung, and how often answered.
    pub answers: BTreeMap<Box<str>, (u64, u64)>,
    /// The differences by their cause.
    pub groups: BTreeMap<(Aspects, Cause, Cause), Group>,
}

/// How often callers waited so many seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits(Vec<u32>);

/// Calls that meet the same other thing for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The earliest of the calls, which the words are of.
    first: (i64, Box<str>),
    /// What the old rules do there.
    pub old: String,
    /// What the new rules do there.
    pub new: String,
    /// The calls.
    pub calls: Vec<Moved>,
    /// What is not known of some of them, and of how many.
    pub unknown: BTreeMap<Unknown, u64>,
}

/// One call that meets something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moved {
    /// When it came in, in seconds since 1970.
    pub began: i64,
    /// The caller's leg.
    pub call: Box<str>,
    /// Who called.
    pub caller: Box<str>,
    /// The number called.
    pub called: Box<str>,
    /// How it ends under the old rules; none when that is not known.
    pub old: Option<EndKind>,
    /// How it ends under the new rules; none when that is not known.
    pub new: Option<EndKind>,
    /// What is not known of it.
    pub unknown: Option<Unknown>,
}

impl Default for Waits {
    fn default() -> Self {
        Self(vec![0; LONGEST_WAIT + 1])
    }
}

impl Waits {
    fn add(&mut self, seconds: u32) {
        let place = usize::try_from(seconds).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        self.0.get_mut(place).into_iter().for_each(|count| *count += 1);
    }

    /// How many waits there are.
    pub fn count(&self) -> u64 {
        self.0.iter().copied().map(u64::from).sum()
    }

    /// The wait that so many percent of callers do not exceed; none of none.
    pub fn percentile(&self, percent: u64) -> Option<usize> {
        let wanted = (self.count() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        self.0.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted
        })
    }

    /// How many waits are in each stretch of so many seconds.
    pub fn stretches(&self, seconds: usize) -> impl Iterator<Item = u64> + '_ {
        self.0.chunks(seconds.max(1)).map(|chunk| chunk.iter().copied().map(u64::from).sum())
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            calls: 0,
            changed: 0,
            unknown: 0,
            not_reproduced: Vec::new(),
            stretch: None,
            waits: Default::default(),
            week: vec![(0, 0); WEEK],
            ends: BTreeMap::new(),
            answers: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }
}

impl Tally {
    /// Takes a call through both, and adds what comes of it.
    pub fn add(&mut self, both: Both<'_>, seen: &Seen) {
        let compared = both.compare(seen);
        self.calls += 1;
        let (first, last) = self.stretch.unwrap_or((seen.began, seen.began));
        self.stretch = Some((first.min(seen.began), last.max(seen.began)));
        self.note_answers(seen);
        if !compared.reproduced {
            self.not_reproduced.push(seen.call.as_str().into());
        }
        let (old, new) = (compared.old.end(), compared.new.end());
        *self.ends.entry((old, new)).or_default() += 1;
        self.unknown += u64::from(new.is_none());
        if let (Some(before), Some(after)) = (compared.old.waited(), compared.new.waited()) {
            let [recorded, olds, news] = &mut self.waits;
            recorded.add(seen.waited.unwrap_or(before));
            olds.add(before);
            news.add(after);
        }
        let hour = self.week.get_mut(hour_of_week(&compared.old));
        let changed = compared.differs.is_some();
        hour.into_iter().for_each(|(all, moved)| {
            *all += 1;
            *moved += u32::from(changed);
        });
        if let Some(differs) = compared.differs {
            self.changed += 1;
            self.note_group(both, seen, &compared, differs);
        }
    }

    fn note_answers(&mut self, seen: &Seen) {
        for ring in seen.rings() {
            // Who was let go, by a faster colleague or by the caller, says nothing of whether they answer.
            let Some(leg) = ring.leg.filter(|leg| !matches!(leg, Leg::CallerHangsUp | Leg::Canceled)) else { continue };
            let (rung, answered) = match self.answers.get_mut(ring.name) {
                Some(known) => known,
                None => self.answers.entry(ring.name.into()).or_default(),
            };
            *rung += 1;
            *answered += u64::from(leg == Leg::Answered);
        }
    }

    fn note_group(&mut self, both: Both<'_>, seen: &Seen, compared: &Compared, differs: Differs) {
        let what = |rules: &RuleSet, went: &Went| {
            let side = Both::side(rules, went, differs.stop);
            let mut said: Vec<String> = Vec::new();
            for aspect in differs.aspects.list() {
                let what = side.map_or_else(String::new, |side| describe(side, aspect));
                if !said.contains(&what) {
                    said.push(what);
                }
            }
            said.join("; ")
        };
        let (old_cause, new_cause) = differs.causes;
        let group = self.groups.entry((differs.aspects, old_cause, new_cause)).or_insert_with(|| Group {
            first: (i64::MAX, Box::default()),
            old: String::new(),
            new: String::new(),
            calls: Vec::new(),
            unknown: BTreeMap::new(),
        });
        if (seen.began, seen.call.as_str()) < (group.first.0, &*group.first.1) {
            group.first = (seen.began, seen.call.as_str().into());
            (group.old, group.new) = (what(both.old, &compared.old), what(both.new, &compared.new));
        }
        let unknown = compared.new.unknown.clone();
        if let Some(unknown) = &unknown {
            *group.unknown.entry(unknown.clone()).or_default() += 1;
        }
        group.calls.push(Moved {
            began: seen.began,
            call: seen.call.as_str().into(),
            caller: seen.caller.as_str().into(),
            called: seen.called.as_str().into(),
            old: compared.old.end(),
            new: compared.new.end(),
            unknown,
        });
    }

    /// Adds the tally of other calls under the same two rule sets.
    pub fn merge(&mut self, other: Self) {
        self.calls += other.calls;
        self.changed += other.changed;
        self.unknown += other.unknown;
        self.not_reproduced.extend(other.not_reproduced);
        self.stretch = match (self.stretch, other.stretch) {
            (Some((from, to)), Some((first, last))) => Some((from.min(first), to.max(last))),
            (one, another) => one.or(another),
        };
        for (own, other) in self.waits.iter_mut().zip(&other.waits) {
            own.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own += other);
        }
        for ((all, moved), (more, others)) in self.week.iter_mut().zip(&other.week) {
            *all += more;
            *moved += others;
        }
        for (ends, count) in other.ends {
            *self.ends.entry(ends).or_default() += count;
        }
        for (name, (rung, answered)) in other.answers {
            let own = self.answers.entry(name).or_default();
            *own = (own.0 + rung, own.1 + answered);
        }
        for (cause, group) in other.groups {
            match self.groups.get_mut(&cause) {
                None => drop(self.groups.insert(cause, group)),
                Some(own) => {
                    if group.first < own.first {
                        (own.first, own.old, own.new) = (group.first, group.old, group.new);
                    }
                    own.calls.extend(group.calls);
                    for (unknown, count) in group.unknown {
                        *own.unknown.entry(unknown).or_default() += count;
                    }
                }
            }
        }
    }

    /// Puts everything into the order in which it is told: the largest group first, the earliest call first.
    pub fn ordered(&mut self) -> Vec<(&(Aspects, Cause, Cause), &Group)> {
        self.not_reproduced.sort();
        self.groups.values_mut().for_each(|group| group.calls.sort());
        let mut all: Vec<_> = self.groups.iter().collect();
        all.sort_by_key(|((aspects, ..), group)| (!aspects.part_ways(), std::cmp::Reverse(group.calls.len())));
        all
    }
}

/// The hour of the week in which the call came, in the zone of its line.
fn hour_of_week(went: &Went) -> usize {
    let began = &went.journey.began;
    let day = usize::try_from(began.weekday().to_monday_zero_offset()).unwrap_or(0);
    day * 24 + usize::try_from(began.time().hour()).unwrap_or(0)
}

/// A moment as reports show it, in UTC.
pub(crate) fn day(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().strftime("%Y-%m-%d").to_string()
}
