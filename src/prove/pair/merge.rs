//! Calls that were told apart and have come to the same place, put together again.

use std::collections::BTreeMap;

use crate::prove::pair::domain::Region;

/// How some calls come to a place.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// The place before; none at the beginning.
    pub(crate) parent: Option<usize>,
    /// What people did there.
    pub(crate) coming: usize,
    /// Which calls come so.
    pub(crate) region: Region,
}

/// Calls at one place.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) region: Region,
    /// Every call of the region is in one of these.
    pub(crate) arrivals: Vec<Arrival>,
}

/// In what two regions may differ to be put together: then the whole holds exactly the calls of both.
#[derive(Debug, Clone, Copy)]
enum Side {
    Times,
    Who,
    Attempts,
    Switch(usize),
    Busy(usize),
}

/// Puts parts together that differ in one thing only, until no two do.
pub(crate) fn merge(mut parts: Vec<Part>) -> Vec<Part> {
    loop {
        let before = parts.len();
        let Some(Part { region, .. }) = parts.first().filter(|_| before > 1) else { return parts };
        let (switches, persons) = (region.switches.len(), region.busy.len());
        let sides = [Side::Times, Side::Who, Side::Attempts].into_iter();
        for side in sides.chain((0..switches).map(Side::Switch)).chain((0..persons).map(Side::Busy)) {
            parts = along(parts, side);
        }
        if parts.len() == before {
            return parts;
        }
    }
}

/// Puts parts together that differ on that side only.
fn along(parts: Vec<Part>, side: Side) -> Vec<Part> {
    let mut alike: BTreeMap<Region, Vec<Part>> = BTreeMap::new();
    for part in parts {
        alike.entry(without(&part.region, side)).or_default().push(part);
    }
    let joined = alike.into_values().map(|mut parts| {
        if let Side::Busy(person) = side {
            parts.sort_by_key(|part| part.region.busy.get(person).copied());
        }
        let mut joined: Vec<Part> = Vec::new();
        for part in parts {
            let taken = joined.last_mut().is_some_and(|last| last.region.take_in(&part.region, side));
            match joined.last_mut().filter(|_| taken) {
                Some(last) => last.arrivals.extend(part.arrivals),
                None => joined.push(part),
            }
        }
        joined
    });
    joined.flatten().collect()
}

/// The region with that side left out.
fn without(region: &Region, side: Side) -> Region {
    let mut rest = region.clone();
    match side {
        Side::Times => rest.times.clear(),
        Side::Who => rest.who.clear(),
        Side::Attempts => rest.attempts.clear(),
        Side::Switch(place) => rest.switches.get_mut(place).into_iter().for_each(|may| *may = 0),
        Side::Busy(person) => rest.busy.get_mut(person).into_iter().for_each(|calls| *calls = (0, 0)),
    }
    rest
}

impl Region {
    /// Takes in the calls of a region that differs on that side only; tells whether the whole is a region.
    fn take_in(&mut self, other: &Self, side: Side) -> bool {
        match side {
            Side::Times => self.times.extend(&other.times),
            Side::Who => self.who.extend(&other.who),
            Side::Attempts => self.attempts.extend(&other.attempts),
            Side::Switch(place) => {
                let also = other.switches.get(place).copied().unwrap_or(0);
                self.switches.get_mut(place).into_iter().for_each(|may| *may |= also);
            }
            Side::Busy(person) => {
                let (Some((_, to)), Some((least, most))) = (self.busy.get_mut(person), other.busy.get(person)) else {
                    return false;
                };
                if *least > to.saturating_add(1) {
                    return false;
                }
                *to = (*to).max(*most);
            }
        }
        true
    }
}
