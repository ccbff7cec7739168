//! What answering must know of other requests, at hand without a look into the file.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use crate::app::ports::Key;
use crate::audit::record::{Kind, Record};
use crate::audit::summary::{Summary, is_final};

/// How long an earlier call of the same caller counts at most.
pub(in crate::store) const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// The newest calls that are remembered of one caller; a rule asks for 255 at most, and hardly for more than three.
const CALLS_OF_ONE: usize = 16;

/// Callers and calls that are remembered; beyond it those asked for least are forgotten. About 20 MB when full.
const MANY: u64 = 100_000;

/// The memory.
#[derive(Debug)]
pub(in crate::store) struct Memory {
    /// Organization and caller: the last calls, newest first.
    arrivals: Cache<String, Vec<Arrival>>,
    /// Organization and call: what callees answered, oldest first.
    keys: Cache<String, Vec<KeyPress>>,
    rings: Mutex<Rings>,
}

#[derive(Debug, Clone)]
struct Arrival {
    call: String,
    began: i64,
}

#[derive(Debug, Clone)]
struct KeyPress {
    leg: Option<String>,
    accepted: bool,
}

/// Who rings or talks in which call.
#[derive(Debug, Default)]
struct Rings {
    by_call: BTreeMap<String, Vec<String>>,
    by_contact: BTreeMap<String, BTreeMap<String, i64>>,
}

impl Memory {
    pub(in crate::store) fn new() -> Self {
        Self {
            arrivals: Cache::builder().max_capacity(MANY).time_to_live(REMEMBERED).build(),
            keys: Cache::builder().max_capacity(MANY).time_to_live(REMEMBERED).build(),
            rings: Mutex::default(),
        }
    }

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
                    self.rings().set(org, &record.call, rung.iter().map(String::as_str), record.received.us);
                }
            }
            Kind::Screen => {
                if let Some(accepted) = record.reported.accepted {
                    self.pressed(org, &record.call, record.leg.as_deref(), accepted);
                }
            }
            Kind::Status => {
                let over = record.leg.is_none() && record.reported.call_status.as_deref().is_some_and(is_final);
                if over {
                    self.over(org, &record.call);
                }
            }
            Kind::Closed => self.over(org, &record.call),
            Kind::Recording | Kind::Transcription | Kind::Message | Kind::Security => {}
        }
    }

    /// Takes in a call that was there when the service started.
    pub(in crate::store) fn known(&self, summary: &Summary) {
        self.arrived(&summary.org, &summary.caller, &summary.call, summary.began_us / 1_000_000);
        self.rings().set(&summary.org, &summary.call, summary.ringing(), summary.last_us);
    }

    /// A call came in.
    pub(in crate::store) fn arrived(&self, org: &str, caller: &str, call: &str, began: i64) {
        // Two callers who hide their numbers are not the same caller.
        if !["+", "sip:", "sips:", "client:"].iter().any(|opening| caller.starts_with(opening)) {
            return;
        }
        let name = pair(org, caller);
        let mut calls = self.arrivals.get(&name).unwrap_or_default();
        if calls.iter().any(|known| known.call == call) {
            return;
        }
        let place = calls.partition_point(|known| known.began > began);
        calls.insert(place, Arrival { call: call.to_owned(), began });
        calls.truncate(CALLS_OF_ONE);
        self.arrivals.insert(name, calls);
    }

    /// A callee answered when asked for a key.
    pub(in crate::store) fn pressed(&self, org: &str, call: &str, leg: Option<&str>, accepted: bool) {
        let name = pair(org, call);
        let mut keys = self.keys.get(&name).unwrap_or_default();
        keys.push(KeyPress { leg: leg.map(str::to_owned), accepted });
        self.keys.insert(name, keys);
    }

    /// What was answered, on that leg or on any.
    pub(in crate::store) fn key(&self, org: &str, call: &str, leg: Option<&str>) -> Key {
        let keys = self.keys.get(&pair(org, call)).unwrap_or_default();
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
        let calls = self.arrivals.get(&pair(org, caller)).unwrap_or_default();
        let others = calls.iter().filter(|known| known.call != call && known.began <= began);
        others.map(|known| u32::try_from(began - known.began).unwrap_or(u32::MAX)).collect()
    }

    /// How many other calls the contact is on; a ring that began before `since_us` counts no more.
    pub(in crate::store) fn active(&self, org: &str, contact: &str, call: &str, since_us: i64) -> u8 {
        let rings = self.rings();
        let own = pair(org, call);
        let calls = rings.by_contact.get(&pair(org, contact));
        let count =
            calls.map_or(0, |calls| calls.iter().filter(|(name, at)| **name != own && **at >= since_us).count());
        u8::try_from(count).unwrap_or(u8::MAX)
    }

    fn over(&self, org: &str, call: &str) {
        self.rings().set(org, call, std::iter::empty(), 0);
    }

    fn rings(&self) -> MutexGuard<'_, Rings> {
        // What a panicking holder left is a count that is off by one at worst.
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rings {
    fn set<'a>(&mut self, org: &str, call: &str, contacts: impl Iterator<Item = &'a str>, at: i64) {
        let name = pair(org, call);
        for before in self.by_call.remove(&name).unwrap_or_default() {
            if let Some(calls) = self.by_contact.get_mut(&before) {
                calls.remove(&name);
                if calls.is_empty() {
                    self.by_contact.remove(&before);
                }
            }
        }
        let contacts: Vec<String> = contacts.map(|contact| pair(org, contact)).collect();
        for contact in &contacts {
            self.by_contact.entry(contact.clone()).or_default().insert(name.clone(), at);
        }
        if !contacts.is_empty() {
            self.by_call.insert(name, contacts);
        }
    }
}

fn pair(org: &str, name: &str) -> String {
    format!("{org} {name}")
}
