//! From the records of the trail, or lines of them, to recorded calls; a call is let go as soon as it is over.

use std::collections::{BTreeMap, VecDeque};

use crate::audit::record::{Facts, Kind, Record};
use crate::diff::seen::{Did, FORM, Seen, Then};

/// A call cannot last longer with the carrier: one whose records stopped that long ago has no more.
const LONGEST_CALL: i64 = 5 * 3_600 * SECOND;

const SECOND: i64 = 1_000_000;

/// Calls of which the trail may still tell more.
#[derive(Debug, Default)]
pub struct Trail {
    open: BTreeMap<(String, String), Draft>,
    /// Calls in the order in which they were heard of last, perhaps more than once.
    heard: VecDeque<(i64, (String, String))>,
    done: VecDeque<Seen>,
}

/// Why a line is no recorded call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrailError {
    /// It is not the JSON of a record or of a recorded call.
    #[error("neither a record nor a recorded call: {0}")]
    NoRecord(String),
    /// Its form is newer than this program.
    #[error("written by a newer program (form {0}): update this one")]
    Newer(u16),
}

/// A call in the making.
#[derive(Debug, Default)]
struct Draft {
    seen: Seen,
    last: i64,
    /// For each answer, by its number: what was done, when, and what came of it.
    hops: BTreeMap<u8, Hop>,
    /// What ended it without a further request.
    ending: Option<Did>,
    gone: Option<i64>,
    accepted: Vec<i64>,
}

#[derive(Debug, Default)]
struct Hop {
    did: Option<Did>,
    at: i64,
    then: Option<(Then, Option<i64>, i64)>,
}

impl Trail {
    /// Reads a line: of the trail, or a recorded call as such.
    pub fn line(&mut self, line: &str) -> Result<(), TrailError> {
        if is_seen(line) {
            self.done.push_back(read(line)?);
            return Ok(());
        }
        let record: Record = serde_json::from_str(line).map_err(|error| TrailError::NoRecord(error.to_string()))?;
        if record.schema > crate::audit::record::SCHEMA {
            return Err(TrailError::Newer(record.schema));
        }
        self.record(&record);
        Ok(())
    }

    /// Adds a record; those of other kinds than calls are passed over.
    pub fn record(&mut self, record: &Record) {
        if record.call.is_empty() || matches!(record.kind, Kind::Security | Kind::Message | Kind::Trial) {
            return;
        }
        let name = (record.org.clone(), record.call.clone());
        let draft = self.open.entry(name.clone()).or_default();
        draft.add(record);
        let now = record.received.us;
        self.heard.push_back((now, name.clone()));
        if record.kind == Kind::Closed {
            self.close(&name);
        }
        while let Some((at, _)) = self.heard.front().filter(|(at, _)| now.saturating_sub(*at) > LONGEST_CALL) {
            let at = *at;
            let Some((_, name)) = self.heard.pop_front() else { return };
            if self.open.get(&name).is_some_and(|draft| draft.last <= at) {
                self.close(&name);
            }
        }
    }

    /// The next call that is over.
    pub fn next_done(&mut self) -> Option<Seen> {
        self.done.pop_front()
    }

    /// Nothing more comes: all calls are over.
    pub fn finish(&mut self) {
        while let Some((name, _)) = self.open.first_key_value() {
            let name = name.clone();
            self.close(&name);
        }
    }

    fn close(&mut self, name: &(String, String)) {
        self.done.extend(self.open.remove(name).and_then(Draft::finish));
    }
}

/// Whether the line is a recorded call as such.
pub fn is_seen(line: &str) -> bool {
    line.starts_with("{\"seen\":")
}

/// Reads a recorded call.
pub fn read(line: &str) -> Result<Seen, TrailError> {
    let seen: Seen = serde_json::from_str(line).map_err(|error| TrailError::NoRecord(error.to_string()))?;
    if seen.seen > FORM { Err(TrailError::Newer(u16::from(seen.seen))) } else { Ok(seen) }
}

impl Draft {
    fn add(&mut self, record: &Record) {
        let at = record.received.us;
        self.last = self.last.max(at);
        match record.kind {
            Kind::Decision => self.decision(record, at),
            Kind::Screen if record.reported.accepted == Some(true) => self.accepted.push(at),
            Kind::Status => {
                let word = record.reported.call_status.as_deref();
                if record.leg.is_none() && word.is_some_and(crate::audit::summary::is_final) {
                    self.gone = Some(self.gone.map_or(at, |gone| gone.min(at)));
                }
            }
            Kind::Closed => {
                let summary = record.summary.as_deref();
                let end = summary.and_then(|summary| summary.end.clone()).filter(|end| end != "unknown");
                self.seen.end = end.or_else(|| self.seen.end.take());
                self.seen.waited = summary.and_then(|summary| summary.waited).or(self.seen.waited);
            }
            Kind::Screen | Kind::Recording | Kind::Transcription | Kind::Message | Kind::Trial | Kind::Security => {}
        }
    }

    fn decision(&mut self, record: &Record, at: i64) {
        let seen = &mut self.seen;
        if seen.call.is_empty() {
            seen.seen = FORM;
            seen.org.clone_from(&record.org);
            seen.call.clone_from(&record.call);
            seen.began = record.began.unwrap_or(at / SECOND);
            seen.rules.clone_from(&record.rules);
        }
        if let Some(facts) = &record.facts {
            if seen.called.is_empty() {
                seen.called.clone_from(&facts.called);
                seen.line.clone_from(&facts.line);
                seen.caller.clone_from(&facts.caller);
                seen.attestation.clone_from(&facts.attestation);
                seen.forwarded_from.clone_from(&facts.forwarded_from);
            }
            let from = record.from.as_ref().map_or(0, |from| from.hop);
            if let Some(then) = then(facts) {
                let talked = record.reported.dial_seconds.map(|seconds| i64::from(seconds) * SECOND);
                self.hops.entry(from).or_default().then.get_or_insert((then, talked, at));
            }
        }
        add_new(&mut self.seen.switches, &record.state.switches);
        add_new(&mut self.seen.active, &record.state.active_calls);
        if self.seen.earlier.is_empty() {
            self.seen.earlier.clone_from(&record.state.earlier_calls);
        }
        let Some(decision) = &record.decision else { return };
        if decision.end.is_some() {
            let weighty = decision.end.as_deref() != Some("caller_gone") || self.seen.end.is_none();
            self.seen.end = if weighty { decision.end.clone() } else { self.seen.end.take() };
        }
        let names =
            if decision.act == "ring" { decision.contacts.clone() } else { decision.name.iter().cloned().collect() };
        let did = Did { act: decision.act.clone(), names, seconds: decision.seconds, ..Did::default() };
        match &record.to {
            Some(to) => {
                let hop = self.hops.entry(to.hop).or_default();
                hop.did.get_or_insert(did);
                hop.at = if hop.at == 0 { at } else { hop.at.min(at) };
            }
            None if did.act == "nothing" => {}
            None => self.ending = Some(did),
        }
    }

    /// The whole; none when nothing was ever decided in it.
    fn finish(self) -> Option<Seen> {
        let Self { mut seen, hops, ending, gone, accepted, .. } = self;
        if seen.call.is_empty() {
            return None;
        }
        let last = hops.keys().next_back().copied();
        for (number, hop) in hops {
            let Some(mut did) = hop.did else { continue };
            let over = match hop.then {
                Some((then, talked, at)) => {
                    did.then = then;
                    at.saturating_sub(talked.unwrap_or(0))
                }
                None if Some(number) == last && gone.is_some() && ending.is_none() => {
                    did.then = Then::Gone;
                    gone.unwrap_or(hop.at)
                }
                None => hop.at,
            };
            let taken = matches!(did.then, Then::Taken(_));
            let pressed = accepted.iter().copied().filter(|at| taken && (hop.at..=over.max(hop.at)).contains(at)).min();
            let over = pressed.unwrap_or(over);
            if !did.then.is_nothing() {
                did.after = u32::try_from(over.saturating_sub(hop.at).max(0) / SECOND).ok();
            }
            seen.did.push(did);
        }
        seen.did.extend(ending);
        Some(seen)
    }
}

fn add_new<T: Clone>(known: &mut Vec<(String, T)>, read: &[(String, T)]) {
    for (name, value) in read {
        if !known.iter().any(|(other, _)| other == name) {
            known.push((name.clone(), value.clone()));
        }
    }
}

/// What came of the answer before, by the facts of a request.
fn then(facts: &Facts) -> Option<Then> {
    Some(match facts.happened.as_str() {
        "rang" => match facts.outcome.as_deref()? {
            "connected" => Then::Taken(facts.connected.clone()),
            word => Then::Missed(word.to_owned()),
        },
        "chose" => match (facts.digits.as_deref().filter(|digits| !digits.is_empty()), facts.speech.as_deref()) {
            (Some(digits), _) => Then::Pressed(digits.to_owned()),
            (None, Some(speech)) if !speech.is_empty() => Then::Said(speech.to_owned()),
            (None, _) => Then::Pressed(String::new()),
        },
        "recorded" => Then::Left(facts.seconds.unwrap_or(0)),
        "returned" => Then::Returned,
        "gone" => Then::Gone,
        _ => return None,
    })
}
