//! A call as a whole, folded from its records: who was rung, who talked, how long the caller waited, how it ended.
//!
//! Records may come twice and in any order, because the carrier repeats requests and lets a status callback
//! overtake an action request that is still on its way: the fold only ever adds what it learns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::record::{Decided, Effected, Kind, Place, Record, Reported};

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The organization.
    pub org: String,
    /// The caller's leg.
    pub call: String,
    /// The carrier account that it came over.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// Name of the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The number that was called.
    pub called: String,
    /// Who called.
    pub caller: String,
    /// When it came in, in microseconds since 1970.
    pub began_us: i64,
    /// The latest record, in microseconds since 1970.
    pub last_us: i64,
    /// The zone of the line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// Digest of the rules it began under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// Every ring, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rung: Vec<Rung>,
    /// Who took the call; the contact's name, or nothing when it is not known which of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
    /// Seconds until the caller talked to somebody, heard the tone, or the call was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited: Option<u32>,
    /// It was placed for another time than that of its requests, as `ringfall call --at` does: how long anybody waited is
    /// not known then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imagined: bool,
    /// How it ended: a word of the rules' endings, or `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The mailbox, when the caller reached one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// Length of the message left, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_seconds: Option<u32>,
    /// Where the call stands; none once the rules have no more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The escalation that starts when nobody takes the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<String>,
    /// Whether it has started.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missed_told: bool,
    /// How many answers the call has had.
    pub hops: u8,
    /// The last act.
    pub act: String,
    /// When the call was first known to be over, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_us: Option<i64>,
    /// When the record that closes it was written, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_us: Option<i64>,
    /// What closed it: `status`, `answer` or `sweep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
}

/// One contact in one ring.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Rung {
    /// The answer that rang, counted from 1.
    pub hop: u8,
    /// Who.
    pub contact: String,
    /// When it started, in microseconds since 1970.
    pub at_us: i64,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// That somebody took the call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Answered {
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When, in microseconds since 1970.
    pub at_us: i64,
    /// Whether the callee's key says when; the time is reckoned back from the end of the talk otherwise, and
    /// that counts the question as talk.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_key: bool,
}

/// The words of `CallStatus` that mean that the leg is over.
pub fn is_final(status: &str) -> bool {
    matches!(status, "completed" | "busy" | "no-answer" | "failed" | "canceled")
}

const SECOND: i64 = 1_000_000;

/// The end of a call whose caller reached a mailbox.
const VOICEMAIL: &str = "voicemail";

/// Between the time that a call has and that of its first request, beyond which the one is imagined.
const IMAGINED: i64 = 120 * SECOND;

impl Summary {
    /// Adds what a record tells. Records of other calls are the caller's mistake and are folded all the same.
    pub fn fold(&mut self, record: &Record) {
        if self.call.is_empty() {
            self.org.clone_from(&record.org);
            self.call.clone_from(&record.call);
            self.zone.clone_from(&record.received.zone);
        }
        if self.account.is_empty() {
            self.account.clone_from(&record.account);
        }
        let at = record.received.us;
        let began = record.began.map_or(at, |began| began.saturating_mul(SECOND));
        self.began_us = self.earlier(began);
        let is_first = record.facts.as_ref().is_some_and(|facts| facts.happened == "arrived");
        self.imagined |= is_first && at.saturating_sub(began).saturating_abs() > IMAGINED;
        if record.kind != Kind::Closed {
            self.last_us = self.last_us.max(at);
        }
        self.fold_facts(record);
        match record.kind {
            Kind::Decision => self.fold_decision(record),
            Kind::Screen => self.fold_screen(&record.reported, at),
            Kind::Status => self.fold_status(record.leg.is_some(), &record.reported, at),
            Kind::Recording => self.fold_recording(&record.reported),
            Kind::Closed => self.fold_closed(record),
            Kind::Transcription | Kind::Message | Kind::Trial | Kind::Security => {}
        }
        self.missed_told |= record.effects.iter().any(|effect| effect.kind == "missed");
        self.waited = self.waited.filter(|_| !self.imagined);
    }

    /// Whether somebody, or a mailbox, or another application has had the call, or it was refused on purpose.
    pub fn is_taken(&self) -> bool {
        self.answered.is_some() || self.end.as_deref().is_some_and(|end| matches!(end, "handed_off" | "rejected"))
    }

    /// The contacts who ring or talk now, as far as is known.
    pub fn ringing(&self) -> impl Iterator<Item = &str> {
        let open = self.over_us.is_none() && self.act == "ring";
        let now = self.rung.iter().filter(move |rung| open && rung.hop == self.hops);
        now.map(|rung| rung.contact.as_str())
    }

    /// Closes the call: `at` is now, in microseconds since 1970. What is to be sent because nobody took it comes back.
    pub fn close(&mut self, at: i64, by: &str) -> Vec<Effected> {
        let end = match (self.end.take(), &self.answered) {
            (Some(end), _) => end,
            (None, Some(_)) => "connected".to_owned(),
            (None, None) if self.act == "handoff" => "handed_off".to_owned(),
            (None, None) if self.over_us.is_some() => "caller_gone".to_owned(),
            (None, None) => "unknown".to_owned(),
        };
        self.end = Some(end);
        let over = self.over_us.unwrap_or(self.last_us);
        self.waited = self.waited.or_else(|| self.wait_until(over));
        self.closed_us = Some(at);
        self.closed_by = Some(by.to_owned());
        self.place = None;
        if self.missed_told || self.is_taken() {
            return Vec::new();
        }
        let effects: Vec<Effected> =
            self.missed.as_deref().map(|name| Effected::missed(Some(name))).into_iter().collect();
        self.missed_told = !effects.is_empty();
        effects
    }

    const fn earlier(&self, began: i64) -> i64 {
        if self.began_us == 0 || began < self.began_us { began } else { self.began_us }
    }

    fn fold_facts(&mut self, record: &Record) {
        let Some(facts) = &record.facts else { return };
        let at = record.received.us;
        if self.caller.is_empty() {
            self.caller.clone_from(&facts.caller);
            self.called.clone_from(&facts.called);
            self.line.clone_from(&facts.line);
        }
        match facts.happened.as_str() {
            "rang" if facts.outcome.as_deref() == Some("connected") => {
                let talked = record.reported.dial_seconds.map_or(0, |seconds| i64::from(seconds) * SECOND);
                let hop = record.from.as_ref().map_or(0, |from| from.hop);
                let by = facts.connected.clone().or_else(|| self.only_one_rung(hop));
                self.answer(by, at.saturating_sub(talked));
            }
            "recorded" => {
                self.message_seconds = facts.seconds.or(self.message_seconds);
                if self.answered.is_none() && self.waited.is_none() {
                    let spoke = i64::from(facts.seconds.unwrap_or(0)) * SECOND;
                    self.waited = self.wait_until(at.saturating_sub(spoke));
                }
            }
            "gone" => self.over(at),
            _ => {}
        }
    }

    fn fold_decision(&mut self, record: &Record) {
        let Some(decision) = &record.decision else { return };
        let hop = record.to.as_ref().or(record.from.as_ref()).map_or(0, |place| place.hop);
        let outcome = record.facts.as_ref().and_then(|facts| facts.outcome.as_deref());
        if let (Some(outcome), Some(from)) = (outcome, &record.from) {
            self.rang(from.hop, outcome, record.facts.as_ref().and_then(|facts| facts.connected.as_deref()));
        }
        if decision.act == "ring" {
            self.ring(hop, decision, record.received.us);
        }
        if weight(decision.end.as_deref()) > weight(self.end.as_deref()) {
            self.end.clone_from(&decision.end);
        }
        if matches!(decision.act.as_str(), "record" | "offer_text") {
            self.mailbox.clone_from(&decision.name);
        }
        if hop < self.hops && !self.act.is_empty() {
            return;
        }
        self.hops = hop;
        self.act.clone_from(&decision.act);
        self.rules = self.rules.take().or_else(|| record.rules.clone());
        self.place.clone_from(&record.to);
        if let Some(missed) = record.to.as_ref().and_then(|place| place.missed.clone()) {
            self.missed = Some(missed);
        }
        if record.to.is_none() && decision.act != "handoff" {
            self.over(record.received.us);
        }
    }

    fn ring(&mut self, hop: u8, decision: &Decided, at: i64) {
        if self.rung.iter().any(|rung| rung.hop == hop) {
            return;
        }
        let place = self.rung.partition_point(|rung| rung.hop < hop);
        let new =
            decision.contacts.iter().map(|contact| Rung { hop, contact: contact.clone(), at_us: at, outcome: None });
        drop(self.rung.splice(place..place, new));
    }

    /// Of several rung at once, only the one who talked has an outcome of its own; the others were let go.
    fn rang(&mut self, hop: u8, outcome: &str, who: Option<&str>) {
        for rung in self.rung.iter_mut().filter(|rung| rung.hop == hop && rung.outcome.is_none()) {
            let other = who.is_some_and(|who| who != rung.contact);
            rung.outcome = Some(if other { "canceled" } else { outcome }.to_owned());
        }
    }

    fn fold_screen(&mut self, reported: &Reported, at: i64) {
        match reported.accepted {
            Some(true) => self.accept(reported.contact.clone(), at),
            Some(false) => {
                let contact = reported.contact.as_deref();
                let last = self.rung.iter_mut().rev().find(|rung| Some(rung.contact.as_str()) == contact);
                if let Some(rung) = last.filter(|rung| rung.outcome.is_none()) {
                    rung.outcome = Some("declined".to_owned());
                }
            }
            None => {}
        }
    }

    fn fold_status(&mut self, of_callee: bool, reported: &Reported, at: i64) {
        let ended = reported.call_status.as_deref().is_some_and(is_final);
        if ended && !of_callee {
            self.over(at);
        }
    }

    fn fold_recording(&mut self, reported: &Reported) {
        if reported.status.as_deref() != Some("absent") {
            self.message_seconds = reported.seconds.or(self.message_seconds);
            // Whoever left a message has reached a mailbox, though no rules may have sent them there.
            if weight(self.end.as_deref()) < weight(Some(VOICEMAIL)) {
                self.end = Some(VOICEMAIL.to_owned());
            }
        }
    }

    fn fold_closed(&mut self, record: &Record) {
        let Some(closed) = &record.summary else { return };
        if weight(closed.end.as_deref()) > weight(self.end.as_deref()) {
            self.end.clone_from(&closed.end);
        }
        self.imagined |= closed.imagined;
        self.waited = if self.imagined { None } else { self.waited.or(closed.waited) };
        self.over_us = self.over_us.or(closed.over_us);
        self.closed_us = self.closed_us.or(closed.closed_us);
        self.closed_by = self.closed_by.take().or_else(|| closed.closed_by.clone());
        self.place = None;
    }

    /// Somebody talked, from about then on.
    fn answer(&mut self, by: Option<String>, at: i64) {
        let known = self.answered.take().unwrap_or(Answered { by: None, at_us: at, by_key: false });
        let at_us = if known.by_key { known.at_us } else { known.at_us.min(at) };
        self.answered_at(Answered { by: known.by.or(by), at_us, by_key: known.by_key });
    }

    /// Somebody took the call by key, exactly then.
    fn accept(&mut self, by: Option<String>, at: i64) {
        let known = self.answered.take().unwrap_or_default();
        let at_us = if known.by_key { known.at_us.min(at) } else { at };
        self.answered_at(Answered { by: known.by.or(by), at_us, by_key: true });
    }

    fn answered_at(&mut self, answered: Answered) {
        let at_us = if self.imagined { answered.at_us } else { answered.at_us.max(self.began_us) };
        self.waited = self.wait_until(at_us);
        self.answered = Some(Answered { at_us, ..answered });
    }

    fn wait_until(&self, at: i64) -> Option<u32> {
        (!self.imagined).then(|| seconds_between(self.began_us, at))
    }

    fn over(&mut self, at: i64) {
        self.over_us = Some(self.over_us.map_or(at, |over| over.min(at)));
    }

    fn only_one_rung(&self, hop: u8) -> Option<String> {
        let mut rung = self.rung.iter().filter(|rung| rung.hop == hop);
        let first = rung.next()?;
        rung.next().is_none().then(|| first.contact.clone())
    }
}

/// Which of two endings tells more: a caller who hangs up after the tone has still reached the mailbox.
fn weight(end: Option<&str>) -> u8 {
    match end {
        None => 0,
        Some("unknown" | "caller_gone") => 1,
        Some(VOICEMAIL) => 2,
        Some(_) => 3,
    }
}

fn seconds_between(from: i64, to: i64) -> u32 {
    u32::try_from(to.saturating_sub(from).max(0) / SECOND).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
