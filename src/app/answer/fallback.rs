//! The answer in spite of a fault: from the line's `finally`, or the installation's last resort.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::app::answer::fault::Fault;
use crate::app::answer::{Done, Outcome, Visit};
use crate::app::live::Organization;
use crate::audit::record::{self, Facts, Kind, Record};
use crate::model::call::{CallFacts, Happened, LegOutcome};
use crate::model::digest::Digest;
use crate::model::ids::{LineId, OrgSlug};
use crate::model::position::Position;
use crate::respond::{self, Memory as _};
use crate::twiml::last_resort::{Known, last_resort};
use crate::webhook::continuation::{Continuation, Leg};
use crate::webhook::endpoint::Endpoint;
use crate::webhook::event::CallEvent;
use crate::webhook::form::{Charset, Form};

/// What a caller hears when even the last resort stumbles.
pub(super) const SORRY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Say>We are sorry, we cannot take your call \
                     right now. Please call again in a few minutes.</Say></Response>\n";

impl Visit<'_> {
    /// Answers in spite of the fault, writes it down and counts it. Nobody waits for the disk here.
    pub(super) fn in_spite_of(&self, fault: &Fault) -> Done {
        self.app.metrics.fallback(fault.word());
        // Whatever made the fault may still be there: nothing here may pass it on.
        let made = catch_unwind(AssertUnwindSafe(|| self.last_answer()));
        let (twiml, mut record) = made.unwrap_or_else(|_panic| (self.static_answer(), self.blank(Kind::Decision)));
        tracing::error!(
            org = %record.org,
            call = %record.call,
            endpoint = self.endpoint.word(),
            fault = fault.word(),
            microseconds = self.microseconds(),
            "answered in spite of a fault: {fault}",
        );
        if !record.call.is_empty() {
            // The same request again is the same fault: it must not fill the disk. Another recording is another message.
            let recording = record.reported.recording.as_deref().unwrap_or_default();
            let asked = Digest::of([self.verified.get().target().as_bytes(), recording.as_bytes()]);
            record.step = format!("fault.{}.{}.{}", fault.word(), self.endpoint.word(), asked.short());
        }
        record.fault = Some(fault.to_string());
        record.twiml = Some(twiml.clone());
        self.keep_aside(record);
        Done { twiml, outcome: Outcome::InSpite }
    }

    fn static_answer(&self) -> String {
        match self.endpoint {
            Endpoint::InboundCall | Endpoint::Continue => SORRY.to_owned(),
            Endpoint::Screen => respond::callee::HANG_UP.to_owned(),
            Endpoint::CallStatus
            | Endpoint::Recording
            | Endpoint::Transcription
            | Endpoint::InboundSms
            | Endpoint::MessageStatus => self.nothing(),
        }
    }

    fn last_answer(&self) -> (String, Record) {
        let event = self.verified.call(self.endpoint).ok().map(|event| event.into_inner());
        let kind = match self.endpoint {
            Endpoint::Screen => Kind::Screen,
            // A message that belongs to no place in a call is one all the same.
            Endpoint::Recording => Kind::Recording,
            Endpoint::Transcription => Kind::Transcription,
            Endpoint::InboundCall
            | Endpoint::Continue
            | Endpoint::CallStatus
            | Endpoint::InboundSms
            | Endpoint::MessageStatus => Kind::Decision,
        };
        let record = event.as_ref().map_or_else(|| self.blank(kind), |event| self.about(kind, event));
        if !matches!(self.endpoint, Endpoint::InboundCall | Endpoint::Continue) {
            return (self.static_answer(), record);
        }
        let place = self.place(event.as_ref());
        let org = place.org.as_ref();
        let audio_base = org.map(|org| format!("{}/audio/{}", self.app.manners.prefix, org.slug));
        let line = |org: &Arc<Organization>, event: &CallEvent| {
            let number = event.to.number.as_ref();
            let bound = number.and_then(|number| self.memory(&org.slug).line(number));
            respond::line_of(&org.rules, number, bound.as_deref())
        };
        let facts = event.as_ref().map(|event| rough_facts(event, org.and_then(|org| line(org, event)), place.entered));
        let known = Known {
            org: org.map(|org| &org.slug),
            facts: facts.as_ref(),
            position: Some(&place.position),
            prefix: &self.app.manners.prefix,
            audio_base: audio_base.as_deref(),
        };
        let twiml = last_resort(org.map(|org| &*org.rules), &known).into_string();
        let mut record = match (org, &event) {
            (Some(org), Some(event)) => self.of(kind, event, org, facts.as_ref().and_then(|facts| facts.line)),
            (Some(_), None) | (None, _) => record,
        };
        record.began = Some(place.position.began);
        record.from = org.filter(|_| place.entered).map(|org| record::Place::of(&org.rules, &place.position));
        record.facts = event.zip(facts).map(|(event, facts)| match org {
            Some(org) => Facts::of(&org.rules, &facts, &event.to.text),
            None => Facts::unnamed(&facts, &event.to.text),
        });
        (twiml, record)
    }

    /// Where the call stands, as far as memory tells without waiting for anything.
    fn place(&self, event: Option<&CallEvent>) -> Rough {
        let fresh = || Position::start(self.at.as_second());
        let raw = self.verified.get();
        let here = Continuation::parse(Endpoint::Continue, raw.query()).ok().flatten();
        let failed = event
            .and_then(|event| event.fault.as_ref())
            .and_then(|fault| failed_place(fault.url.as_deref()?, |slug| self.grant(slug).is_some()));
        if let Some(Continuation { org: slug, rules, leg: Leg::Caller(position) }) = here.or(failed) {
            if let Some(org) = self.app.live.under(&slug, rules) {
                return Rough { org: Some(org), position, entered: true };
            }
            // A position under rules that are gone means nothing under others.
            let org = self.app.live.now().organization(&slug).map(Arc::clone);
            let position = Position { hop: position.hop, ..Position::start(position.began) };
            return Rough { org, position, entered: true };
        }
        let now = self.app.live.now();
        let bound =
            self.bound(event.and_then(|event| event.to.number.as_ref())).filter(|slug| self.grant(slug).is_some());
        let known = [bound, self.believed.named.clone(), self.host()];
        let org = known.iter().flatten().find_map(|slug| now.organization(slug).map(Arc::clone));
        Rough { org, position: fresh(), entered: false }
    }
}

struct Rough {
    org: Option<Arc<Organization>>,
    position: Position,
    /// Whether the call was in it before.
    entered: bool,
}

/// The place in the call that the carrier's error is about.
///
/// The URL of the request was looked at when it was believed; this one stands in a field, and is no better than
/// whoever sent it.
fn failed_place(url: &str, serves: impl Fn(&OrgSlug) -> bool) -> Option<Continuation> {
    let (path, query) = url.split_once('?')?;
    if !path.ends_with(Endpoint::Continue.path()) {
        return None;
    }
    let limits = crate::webhook::raw::Limits::default();
    let query = Form::parse(query.as_bytes(), Charset::Utf8, &limits).ok()?;
    Continuation::parse(Endpoint::Continue, &query).ok().flatten().filter(|place| serves(&place.org))
}

/// What happened, judged by the carrier's word alone.
fn rough_facts(event: &CallEvent, line: Option<LineId>, entered: bool) -> CallFacts {
    let talked = event.dial.as_ref().is_some_and(|dial| dial.bridged == Some(true));
    let happened = if talked {
        Happened::Rang(LegOutcome::Connected(None))
    } else if let Some(recording) = &event.recording {
        Happened::Recorded { seconds: recording.seconds }
    } else if event.status.is_final() {
        Happened::Gone
    } else if entered {
        Happened::Returned
    } else {
        Happened::Arrived
    };
    respond::caller::facts(event, line, happened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_cannot_point_at_the_calls_of_another_organization() {
        let url = "https://calls.example.com/twilio/continue?org=acme&rules=0123456789abcdef&at=1&g=0&h=3";
        assert_eq!(failed_place(url, |slug| slug.as_str() == "other"), None);
        assert!(failed_place(url, |slug| slug.as_str() == "acme").is_some());
    }
}
