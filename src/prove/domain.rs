//! What a call can be like: every combination of hours that the calendar brings, every kind of caller.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::decide::world::belongs;
use crate::model::call::Attestation;
use crate::model::ids::{CallerClassId, ContactId, HoursId, SwitchId};
use crate::model::moment::{Moment, Zone};
use crate::model::phone::{Caller, E164};
use crate::prove::Limits;
use crate::rules::ruleset::{CallerClass, DayRule, Hours, RuleSet};
use crate::rules::schedule;

/// A question whose answer is not in the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unknown {
    /// Whether the hours hold.
    Hours(HoursId),
    /// Whether the caller is in the class.
    Caller(CallerClassId),
    /// Whether ringing the contact would go in circles.
    Loop(ContactId),
    /// Whether the caller has called at least so often within so many seconds.
    Attempt(u8, u32),
    /// Whether the switch is on.
    Switch(SwitchId),
    /// Whether the contact is on too many calls.
    Busy(ContactId),
}

/// An answer that is taken for granted.
pub(crate) type Assumed = (Unknown, bool);

/// One combination of hours, and an instant at which it is so.
#[derive(Debug)]
struct TimeClass {
    at: Timestamp,
    holds: Box<[bool]>,
}

/// One kind of caller, and somebody of that kind.
#[derive(Debug)]
struct Kind {
    caller: Caller,
    attestation: Attestation,
    within: Box<[bool]>,
}

/// Days with hours of their own beyond the horizon are looked at up to this number.
const MOST_FAR_DAYS: usize = 400;

/// Everything that calls can be like.
#[derive(Debug)]
pub(crate) struct Domain<'a> {
    rules: &'a RuleSet,
    zones: Vec<Zone>,
    times: Vec<Vec<TimeClass>>,
    callers: Vec<Kind>,
    /// What can be beside what is assumed, once it has been looked up.
    can: RefCell<BTreeMap<Beside, Vec<[bool; 2]>>>,
}

/// A zone, a kind of question, and what is assumed of that kind.
type Beside = (usize, u8, Vec<Assumed>);

/// A call that is as assumed.
#[derive(Debug)]
pub(crate) struct Witness {
    pub(crate) at: Timestamp,
    pub(crate) caller: Caller,
    pub(crate) attestation: Attestation,
    pub(crate) forwarded_from: Option<E164>,
}

impl<'a> Domain<'a> {
    pub(crate) fn new(rules: &'a RuleSet, limits: &Limits) -> Self {
        let mut zones = vec![rules.zone.clone()];
        for line in &rules.lines {
            if !zones.contains(&line.zone) {
                zones.push(line.zone.clone());
            }
        }
        let times = zones.iter().map(|zone| times(rules, zone, limits)).collect();
        Self { rules, zones, times, callers: callers(rules), can: RefCell::default() }
    }

    /// The place of a zone in the domain.
    pub(crate) fn zone(&self, zone: &Zone) -> usize {
        self.zones.iter().position(|known| known == zone).unwrap_or(0)
    }

    /// Whether the answer is possible beside what is assumed.
    pub(crate) fn possible(&self, zone: usize, assumed: &[Assumed], one: Assumed) -> bool {
        let (unknown, value) = one;
        match unknown {
            Unknown::Switch(_) | Unknown::Busy(_) => !assumed.contains(&(unknown, !value)),
            Unknown::Hours(HoursId(index)) | Unknown::Caller(CallerClassId(index)) => {
                let of_kind = assumed.iter().filter(|(other, _)| kind(*other) == kind(unknown)).copied();
                let beside = (zone, kind(unknown), of_kind.collect::<Vec<_>>());
                let mut known = self.can.borrow_mut();
                let can = known.entry(beside).or_insert_with_key(|beside| self.can(beside));
                can.get(usize::from(index)).is_some_and(|[no, yes]| if value { *yes } else { *no })
            }
            Unknown::Loop(_) | Unknown::Attempt(..) => {
                let of_kind = assumed.iter().filter(|(other, _)| kind(*other) == kind(unknown)).copied();
                self.agree(zone, &of_kind.chain([one]).collect::<Vec<_>>())
            }
        }
    }

    /// For each hours or class: whether it can be otherwise, and whether it can be so.
    fn can(&self, beside: &Beside) -> Vec<[bool; 2]> {
        let (zone, group, assumed) = beside;
        if *group == kind(Unknown::Hours(HoursId(0))) {
            let fitting = self.times.get(*zone).into_iter().flatten().filter(|class| class.fits(assumed));
            return both(self.rules.hours.len(), fitting.map(|class| &class.holds));
        }
        let fitting = self.callers.iter().filter(|kind| self.forwarded(kind, assumed).is_some());
        both(self.rules.callers.len(), fitting.map(|kind| &kind.within))
    }

    /// Whether a call can be as assumed, all at once.
    pub(crate) fn agree(&self, zone: usize, assumed: &[Assumed]) -> bool {
        self.time(zone, assumed).is_some() && self.who(assumed).is_some() && steady(assumed) && countable(assumed)
    }

    /// A call that is as assumed.
    pub(crate) fn witness(&self, zone: usize, assumed: &[Assumed]) -> Option<Witness> {
        let at = self.time(zone, assumed)?.at;
        let (kind, forwarded_from) = self.who(assumed)?;
        let fits = steady(assumed) && countable(assumed);
        fits.then(|| Witness { at, caller: kind.caller.clone(), attestation: kind.attestation, forwarded_from })
    }

    /// The answers that cannot all be so, each needed for the contradiction; empty when a call can be like that.
    pub(crate) fn contradiction(&self, zone: usize, assumed: &[Assumed]) -> BTreeSet<Unknown> {
        let mut found = BTreeSet::new();
        for group in 0..=LAST_GROUP {
            let mut left: Vec<Assumed> =
                assumed.iter().filter(|(unknown, _)| kind(*unknown) == group).copied().collect();
            left.sort_unstable();
            left.dedup();
            if self.agree(zone, &left) {
                continue;
            }
            let mut place = 0;
            while let Some(one) = left.get(place).copied() {
                left.remove(place);
                if self.agree(zone, &left) {
                    left.insert(place, one);
                    place += 1;
                }
            }
            found.extend(left.into_iter().map(|(unknown, _)| unknown));
        }
        found
    }

    fn time(&self, zone: usize, assumed: &[Assumed]) -> Option<&TimeClass> {
        self.times.get(zone)?.iter().find(|class| class.fits(assumed))
    }

    /// A caller of that kind, with the number that has to have forwarded the call.
    fn who(&self, assumed: &[Assumed]) -> Option<(&Kind, Option<E164>)> {
        self.callers.iter().find_map(|kind| Some((kind, self.forwarded(kind, assumed)?)))
    }

    /// The number that has to have forwarded a call of this caller, if any; none when the caller does not fit.
    fn forwarded(&self, kind: &Kind, assumed: &[Assumed]) -> Option<Option<E164>> {
        let number = |contact: &ContactId| self.rules.contact(*contact).map(|contact| &contact.number);
        let loops = |wanted: bool| {
            assumed.iter().filter_map(move |(unknown, value)| {
                if let (Unknown::Loop(contact), true) = (unknown, *value == wanted) { number(contact) } else { None }
            })
        };
        let own = kind.caller.number();
        let member = assumed.iter().all(|(unknown, value)| {
            let Unknown::Caller(class) = unknown else { return true };
            kind.within.get(class.index()).copied().unwrap_or(false) == *value
        });
        // One number may be the caller's own, and one may have forwarded the call.
        let forwarding: BTreeSet<&E164> = loops(true).filter(|number| Some(*number) != own).collect();
        let free = loops(false).all(|number| Some(number) != own && !forwarding.contains(number));
        (member && free && forwarding.len() <= 1).then(|| forwarding.first().copied().cloned())
    }
}

impl TimeClass {
    fn fits(&self, assumed: &[Assumed]) -> bool {
        assumed.iter().all(|(unknown, value)| {
            let Unknown::Hours(hours) = unknown else { return true };
            self.holds.get(hours.index()).copied().unwrap_or(false) == *value
        })
    }
}

fn both<'v>(count: usize, vectors: impl Iterator<Item = &'v Box<[bool]>>) -> Vec<[bool; 2]> {
    let mut can = vec![[false; 2]; count];
    for vector in vectors {
        for ([no, yes], holds) in can.iter_mut().zip(vector) {
            *(if *holds { yes } else { no }) = true;
        }
    }
    can
}

/// Questions that bear on each other have the same kind.
pub(crate) const fn kind(unknown: Unknown) -> u8 {
    match unknown {
        Unknown::Hours(_) => 0,
        Unknown::Caller(_) | Unknown::Loop(_) => 1,
        Unknown::Attempt(..) => 2,
        Unknown::Switch(_) => 3,
        Unknown::Busy(_) => LAST_GROUP,
    }
}

const LAST_GROUP: u8 = 4;

/// Nothing is assumed both ways.
fn steady(assumed: &[Assumed]) -> bool {
    let plain = |(unknown, _): &&Assumed| matches!(unknown, Unknown::Switch(_) | Unknown::Busy(_));
    assumed.iter().filter(plain).all(|(unknown, value)| !assumed.contains(&(*unknown, !value)))
}

const fn attempt(unknown: Unknown) -> Option<(u8, u32)> {
    if let Unknown::Attempt(count, within) = unknown { Some((count, within)) } else { None }
}

/// Some number of earlier calls makes all that is assumed of them so.
fn countable(assumed: &[Assumed]) -> bool {
    let attempts = |wanted: bool| {
        assumed.iter().filter_map(move |(unknown, value)| attempt(*unknown).filter(|_| *value == wanted))
    };
    // The call itself counts as one.
    attempts(false)
        .all(|(count, within)| count > 1 && !attempts(true).any(|(least, stretch)| stretch <= within && least >= count))
}

/// How many seconds ago the caller has to have called for all that is assumed, newest first.
pub(crate) fn earlier_calls(assumed: &[Assumed]) -> Vec<u32> {
    let asked = assumed.iter().filter_map(|(unknown, value)| attempt(*unknown).filter(|_| *value));
    let mut wanted: Vec<(u32, u8)> = asked.map(|(count, within)| (within, count)).collect();
    wanted.sort_unstable();
    let mut calls = Vec::new();
    for (within, count) in wanted {
        while calls.len() + 1 < usize::from(count) {
            calls.push(within);
        }
    }
    calls
}

/// Every combination of hours from the first moment on, each with its earliest instant.
fn times(rules: &RuleSet, zone: &Zone, limits: &Limits) -> Vec<TimeClass> {
    let mut found: BTreeMap<Box<[bool]>, Timestamp> = BTreeMap::new();
    let day = SignedDuration::from_hours(24);
    let end = limits.from.checked_add(day * i32::from(limits.days)).unwrap_or(Timestamp::MAX);
    sweep(rules, zone, limits.from, end, &mut found);
    for date in far_days(rules, zone.table().to_datetime(end).date()) {
        let first = date.checked_sub(1.day()).ok().and_then(|day| day.to_zoned(zone.table().clone()).ok());
        if let Some(first) = first {
            let start = first.timestamp();
            sweep(rules, zone, start, start.checked_add(day * 4).unwrap_or(Timestamp::MAX), &mut found);
        }
    }
    let mut classes: Vec<TimeClass> = found.into_iter().map(|(holds, at)| TimeClass { at, holds }).collect();
    classes.sort_by_key(|class| class.at);
    classes
}

fn sweep(
    rules: &RuleSet,
    zone: &Zone,
    from: Timestamp,
    until: Timestamp,
    found: &mut BTreeMap<Box<[bool]>, Timestamp>,
) {
    let start = Moment::new(from, zone);
    let ids = || (0..).take(rules.hours.len()).map(HoursId);
    let mut holds: Box<[bool]> = ids().map(|id| schedule::fact(rules, id, &start).holds()).collect();
    let mut changes: Vec<(Timestamp, HoursId)> = Vec::new();
    for id in ids() {
        changes.extend(schedule::changes(rules, id, &start, until).map(|at| (at, id)));
    }
    changes.sort_unstable();
    found.entry(holds.clone()).or_insert(from);
    let mut rest = changes.as_slice();
    while let Some((at, _)) = rest.first().copied() {
        let together = rest.partition_point(|(other, _)| *other == at);
        let (now, later) = rest.split_at(together);
        for (_, id) in now {
            if let Some(holds) = holds.get_mut(id.index()) {
                *holds = !*holds;
            }
        }
        if !found.contains_key(&holds) {
            found.insert(holds.clone(), at);
        }
        rest = later;
    }
}

/// Days beyond the horizon that something in the calendar names.
pub(crate) fn far_days(rules: &RuleSet, after: Date) -> BTreeSet<Date> {
    let dated = |hours: &Hours| -> Vec<Date> { hours.dates.iter().map(|dated| dated.day).collect() };
    let mut days: BTreeSet<Date> = rules.hours.iter().flat_map(dated).collect();
    for holiday in rules.holidays.iter().flat_map(|list| &list.days) {
        if let DayRule::Date(day) = holiday.on {
            days.insert(day);
        }
    }
    days.into_iter().filter(|day| *day > after).take(MOST_FAR_DAYS).collect()
}

/// Every kind of caller: in the lists, under the longest of the prefixes, under none, and without a number.
fn callers(rules: &RuleSet) -> Vec<Kind> {
    let mut who: Vec<Caller> = vec![ordinary(&[rules]), Caller::Withheld, Caller::Client("guest".into())];
    let listed = rules.callers.iter().flat_map(|class| &class.numbers);
    who.extend(listed.cloned().map(Caller::Number));
    for prefix in rules.callers.iter().flat_map(|class| &class.prefixes) {
        who.extend(under(prefix).into_iter().map(Caller::Number));
    }
    let contacts: BTreeSet<&E164> = rules.contacts.iter().map(|contact| &contact.number).collect();
    who.extend(contacts.iter().map(|number| Caller::Number((*number).clone())));
    let mut seen = BTreeSet::new();
    let mut kinds = Vec::new();
    for attestation in attestations(&[rules]) {
        for caller in &who {
            let within: Box<[bool]> = rules.callers.iter().map(|class| belongs(class, caller, attestation)).collect();
            let contact = caller.number().filter(|number| contacts.contains(number));
            if seen.insert((within.clone(), contact.cloned())) {
                kinds.push(Kind { caller: caller.clone(), attestation, within });
            }
        }
    }
    kinds
}

/// A number in no class and of no contact, when there is one.
pub(crate) fn ordinary(rules: &[&RuleSet]) -> Caller {
    let strange = |number: &E164| {
        let caller = Caller::Number(number.clone());
        !rules.iter().flat_map(|rules| &rules.contacts).any(|contact| contact.number == *number)
            && !rules.iter().flat_map(|rules| &rules.lines).any(|line| line.number == *number)
            && !rules
                .iter()
                .flat_map(|rules| &rules.callers)
                .any(|class| belongs(class, &caller, Attestation::Unsigned))
    };
    let numbers = ["+12125550188", "+14155550189", "+13035550190", "+13055550191", "+17135550192"];
    let found = numbers.iter().filter_map(|text| E164::parse(text).ok()).find(strange);
    found.map_or_else(|| Caller::Client("somebody".into()), Caller::Number)
}

/// Numbers that open with the prefix, spread so that longer prefixes and lists seldom catch them all.
pub(crate) fn under(prefix: &str) -> Vec<E164> {
    let pads = ["5550100", "0550100", "9550100", "3350100", "7750100", "1550100"];
    let numbers = pads.iter().filter_map(|pad| {
        let mut text = prefix.to_owned();
        let missing = 12_usize.saturating_sub(prefix.len()).max(1);
        text.extend(pad.chars().cycle().take(missing.min(16_usize.saturating_sub(prefix.len()))));
        E164::parse(&text).ok()
    });
    numbers.chain(E164::parse(prefix).ok()).collect()
}

/// What networks may say of a number, as far as a class asks for it; the usual first.
pub(crate) fn attestations(rules: &[&RuleSet]) -> Vec<Attestation> {
    let asked = |attestation: &Attestation| {
        let mut classes = rules.iter().flat_map(|rules| &rules.callers);
        classes.any(|class: &CallerClass| class.attestation.contains(attestation))
    };
    let usual = [Attestation::Unsigned, Attestation::PassedA, Attestation::PassedB];
    let unasked = usual.iter().chain(&Attestation::ALL).find(|attestation| !asked(attestation));
    let mut all: Vec<Attestation> = unasked.copied().into_iter().collect();
    all.extend(Attestation::ALL.into_iter().filter(asked));
    all
}
