//! What answering must know of other requests, at hand without a look into the file.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::ports::Key;
use crate::audit::record::{Kind, Record};
use crate::audit::summary::{Summary, is_final};
use crate::store::spread::Spread;

/// How long an earlier call of the same caller counts at most.
pub(in crate::store) const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// The same in seconds.
const DAY: i64 = 24 * 3600;

/// The newest calls that are remembered of one caller; a rule asks for 255 at most, and hardly for more than three.
const CALLS_OF_ONE: usize = 16;

/// Callers and calls that are remembered; beyond it the older half is forgotten. About 20 MB when full.
pub(in crate::store) const MANY: usize = 100_000;

/// The memory.
#[derive(Debug, Default)]
pub(in crate::store) struct Memory(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Organization and caller: the last calls, newest first.
    arrivals: Aging<Vec<Arrival>>,
    /// Organization and call: what callees answered, oldest first.
    keys: Aging<Vec<KeyPress>>,
    rings: Rings,
    scratch: String,
}

#[derive(Debug)]
struct Arrival {
    call: Box<str>,
    began: i64,
}

#[derive(Debug)]
struct KeyPress {
    leg: Option<Box<str>>,
    accepted: bool,
}

/// Values in two generations: when the younger has lasted a day or is full it becomes the older, and what was in
/// that and not asked for is forgotten. Nothing is forgotten within a day unless there is too much of it.
#[derive(Debug)]
struct Aging<V> {
    young: Spread<Box<str>, V>,
    old: Spread<Box<str>, V>,
    since: i64,
}

impl<V> Default for Aging<V> {
    fn default() -> Self {
        Self { young: Spread::default(), old: Spread::default(), since: i64::MIN }
    }
}

impl<V: Default> Aging<V> {
    fn get(&self, name: &str) -> Option<&V> {
        self.young.get(name).or_else(|| self.old.get(name))
    }

    /// Changes the value at this second; a new one when there is none.
    fn change(&mut self, name: &str, now: i64, how: impl FnOnce(&mut V)) {
        if now.saturating_sub(self.since) >= DAY || self.young.len() >= MANY / 2 {
            self.since = now;
            self.old = std::mem::take(&mut self.young);
        }
        if let Some(value) = self.young.get_mut(name) {
            return how(value);
        }
        let (name, mut value) = self.old.remove(name).unwrap_or_else(|| (name.into(), V::default()));
        how(&mut value);
        self.young.insert(name, value);
    }
}

/// Who rings or talks in which call.
#[derive(Debug, Default)]
struct Rings {
    /// Organization and call: organization and contact of whoever it rings.
    by_call: Spread<Arc<str>, Vec<Box<str>>>,
    /// The same the other way around, with the time of each ring.
    by_contact: Spread<Box<str>, Vec<(Arc<str>, i64)>>,
}

impl Memory {
    /// Takes in what a record tells.
    pub(in crate::store) fn note(&self, record: &Record) {
        let org = record.org.as_str();
        match record.kind {
            Kind::Decision => {
                if let Some(facts) = record.facts.as_ref().filter(|facts| facts.happened == "arrived") {
                    let began = record.began.unwrap_or(record.received.us / 1_000_000);
                    self.arrived(org, &facts.caller, &record.call, began);
                }
                if let Some(decision) = &record.decision {
                    let rung = if decision.act == "ring" { decision.contacts.as_slice() } else { &[] };
                    self.inner().ring(org, &record.call, rung.iter().map(String::as_str), record.received.us);
                }
            }
            Kind::Screen => {
                if let Some(accepted) = record.reported.accepted {
                    let now = record.received.us / 1_000_000;
                    self.pressed(org, &record.call, record.leg.as_deref(), (accepted, now));
                }
            }
            Kind::Status => {
                let over = record.leg.is_none() && record.reported.call_status.as_deref().is_some_and(is_final);
                if over {
                    self.over(org, &record.call);
                }
            }
            Kind::Closed => self.over(org, &record.call),
            Kind::Recording | Kind::Transcription | Kind::Message | Kind::Trial | Kind::Security => {}
        }
    }

    /// Takes in a call that was there when the service started.
    pub(in crate::store) fn known(&self, summary: &Summary) {
        self.arrived(&summary.org, &summary.caller, &summary.call, summary.began_us / 1_000_000);
        self.inner().ring(&summary.org, &summary.call, summary.ringing(), summary.last_us);
    }

    /// A call came in.
    pub(in crate::store) fn arrived(&self, org: &str, caller: &str, call: &str, began: i64) {
        // Two callers who hide their numbers are not the same caller.
        if !["+", "sip:", "sips:", "client:"].iter().any(|opening| caller.starts_with(opening)) {
            return;
        }
        let mut inner = self.inner();
        let Inner { arrivals, scratch, .. } = &mut *inner;
        arrivals.change(pair(scratch, org, caller), began, |calls| {
            if calls.iter().any(|known| *known.call == *call) {
                return;
            }
            let place = calls.partition_point(|known| known.began > began);
            calls.insert(place, Arrival { call: call.into(), began });
            calls.truncate(CALLS_OF_ONE);
        });
    }

    /// A callee answered yes or no at this second when asked for a key.
    pub(in crate::store) fn pressed(&self, org: &str, call: &str, leg: Option<&str>, (accepted, now): (bool, i64)) {
        let mut inner = self.inner();
        let Inner { keys, scratch, .. } = &mut *inner;
        let press = KeyPress { leg: leg.map(Box::from), accepted };
        keys.change(pair(scratch, org, call), now, |keys| keys.push(press));
    }

    /// What was answered, on that leg or on any.
    pub(in crate::store) fn key(&self, org: &str, call: &str, leg: Option<&str>) -> Key {
        let mut inner = self.inner();
        let Inner { keys, scratch, .. } = &mut *inner;
        let keys = keys.get(pair(scratch, org, call)).map_or(&[][..], Vec::as_slice);
        let mut of_leg = keys.iter().filter(|key| leg.is_none() || key.leg.as_deref() == leg);
        if of_leg.clone().any(|key| key.accepted) {
            Key::Accepted
        } else if of_leg.next().is_some() {
            Key::Declined
        } else {
            Key::Nothing
        }
    }

    /// How many seconds before `began` the caller called, newest first; this call apart.
    pub(in crate::store) fn earlier(&self, org: &str, caller: &str, call: &str, began: i64) -> Vec<u32> {
        let mut inner = self.inner();
        let Inner { arrivals, scratch, .. } = &mut *inner;
        let calls = arrivals.get(pair(scratch, org, caller)).map_or(&[][..], Vec::as_slice);
        let others = calls.iter().filter(|known| *known.call != *call);
        let ago = others.map(|known| began - known.began).filter(|ago| (0..=DAY).contains(ago));
        ago.filter_map(|ago| u32::try_from(ago).ok()).collect()
    }

    /// How many other calls the contact is on; a ring that began before `since_us` counts no more.
    pub(in crate::store) fn active(&self, org: &str, contact: &str, call: &str, since_us: i64) -> u8 {
        let mut inner = self.inner();
        let Inner { rings, scratch, .. } = &mut *inner;
        let Some(calls) = rings.by_contact.get(pair(scratch, org, contact)) else { return 0 };
        let own = pair(scratch, org, call);
        let count = calls.iter().filter(|(name, at)| **name != *own && *at >= since_us).count();
        u8::try_from(count).unwrap_or(u8::MAX)
    }

    fn over(&self, org: &str, call: &str) {
        self.inner().ring(org, call, std::iter::empty(), 0);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // What a panicking holder left is a count that is off by one at worst.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// These contacts ring or talk in the call now, and no others.
    fn ring<'a>(&mut self, org: &str, call: &str, contacts: impl Iterator<Item = &'a str>, at: i64) {
        let Self { rings: Rings { by_call, by_contact }, scratch, .. } = self;
        let mut contacts = contacts.peekable();
        let name = pair(scratch, org, call);
        let (name, before) = match by_call.remove(name) {
            Some(known) => known,
            None if contacts.peek().is_none() => return,
            None => (name.into(), Vec::new()),
        };
        for contact in before {
            let Some(calls) = by_contact.get_mut(&contact) else { continue };
            calls.retain(|(call, _)| !Arc::ptr_eq(call, &name));
            if calls.is_empty() {
                by_contact.remove(&contact);
            }
        }
        let mut contacts: Vec<Box<str>> = contacts.map(|contact| pair(scratch, org, contact).into()).collect();
        contacts.sort_unstable();
        contacts.dedup();
        for contact in &contacts {
            let ring = (Arc::clone(&name), at);
            match by_contact.get_mut(contact) {
                Some(calls) => calls.push(ring),
                None => by_contact.insert(contact.clone(), vec![ring]),
            }
        }
        if !contacts.is_empty() {
            by_call.insert(name, contacts);
        }
    }
}

/// Both as one name.
fn pair<'a>(scratch: &'a mut String, org: &str, name: &str) -> &'a str {
    scratch.clear();
    scratch.push_str(org);
    scratch.push(' ');
    scratch.push_str(name);
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: &str = "+16195550142";

    #[test]
    fn callers_are_remembered_for_a_day_and_hidden_ones_never() {
        let memory = Memory::default();
        let began = 1_795_000_000;
        memory.arrived("acme", CALLER, "CA1", began);
        memory.arrived("acme", "withheld", "CA2", began);
        assert_eq!(memory.earlier("acme", CALLER, "CA9", began + 60), [60]);
        assert_eq!(memory.earlier("acme", CALLER, "CA9", began + DAY), [86_400]);
        assert_eq!(memory.earlier("acme", CALLER, "CA9", began + DAY + 1), Vec::<u32>::new());
        assert_eq!(memory.earlier("other", CALLER, "CA9", began + 60), Vec::<u32>::new());
        assert_eq!(memory.earlier("acme", "withheld", "CA9", began + 60), Vec::<u32>::new());
    }

    #[test]
    fn memory_is_bounded_and_keeps_what_is_newest() {
        let memory = Memory::default();
        for number in 0..2 * MANY as i64 {
            memory.arrived("acme", &format!("+1{number:010}"), "CA1", number);
        }
        let inner = memory.inner();
        assert!(inner.arrivals.young.len() + inner.arrivals.old.len() <= MANY);
        assert!(inner.arrivals.get(&format!("acme +1{:010}", 2 * MANY - 1)).is_some());
        assert!(inner.arrivals.get("acme +10000000000").is_none());
    }
}
