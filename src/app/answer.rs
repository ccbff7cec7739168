//! The spine: a request is believed, understood, decided, written down and answered.
//!
//! Whoever is believed is answered: whatever breaks on the way, there is TwiML that reaches a person or a mailbox.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::time::error::Elapsed;

use crate::app::App;
use crate::app::answer::fault::Fault;
use crate::app::directory::resolve::{Believed, Disbelief, Reach, Refusal};
use crate::app::directory::{Owner, Profile};
use crate::app::ports::{Appended, JournalError, REPEATS_WITHIN_US};
use crate::audit::record::{Kind, Record, SecurityEvent};
use crate::model::simulator;
use crate::twiml;
use crate::webhook::endpoint::Endpoint;
use crate::webhook::event::CallEvent;
use crate::webhook::raw::{RawWebhook, Wire};
use crate::webhook::verified::Verified;

mod callee;
mod caller;
mod fallback;
pub mod fault;
mod memory;
mod observed;
mod paper;
mod place;
mod reports;
mod shadow;

/// A request as it came in.
#[derive(Debug)]
pub struct Request<'a> {
    /// Which address was asked.
    pub endpoint: Endpoint,
    /// What was sent.
    pub wire: Wire<'a>,
    /// How we were reached.
    pub reach: Reach,
    /// Who sent it, by network address.
    pub sender: Option<IpAddr>,
}

/// What is sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The TwiML; none for a refusal, which tells nothing.
    pub twiml: Option<String>,
}

impl Answer {
    /// The answer to whoever is not believed; it is the same for every reason.
    const FORBIDDEN: Self = Self::refusal(403);

    const fn refusal(status: u16) -> Self {
        Self { status, twiml: None }
    }
}

/// What became of a request, for the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Answered,
    Repeated,
    InSpite,
    /// Signed right, and long over: it is refused.
    Replayed,
    /// Not believed, and answered from the static ending because the account is on trial.
    Observed,
    Refused,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Repeated => "repeated",
            Self::InSpite => "fallback",
            Self::Replayed => "replayed",
            Self::Observed => "observed",
            Self::Refused => "refused",
        }
    }
}

/// TwiML with what became of its request.
struct Done {
    twiml: String,
    outcome: Outcome,
}

/// A believed request on its way to an answer.
struct Visit<'a> {
    app: &'a Arc<App>,
    endpoint: Endpoint,
    /// The request as it came in.
    wire: Wire<'a>,
    believed: &'a Believed,
    verified: &'a Verified<RawWebhook>,
    profile: &'a Profile,
    /// When the request came in.
    started: Timestamp,
    /// What time it is in the call: the same, but for an imagined call.
    at: Timestamp,
}

/// Answers a request.
pub async fn answer(app: &Arc<App>, request: Request<'_>) -> Answer {
    let started = app.clock.now();
    let word = request.endpoint.word();
    let (answer, outcome) = judged(app, request, started).await;
    app.metrics.webhook(word, outcome.word(), app.since(started));
    answer
}

/// The time of an imagined call, which only the simulator may tell.
fn imagined(verified: &Verified<RawWebhook>, profile: &Profile) -> Option<Timestamp> {
    let told = verified.get().fields().get(simulator::TIME).filter(|_| profile.owner == Owner::Simulator)?;
    Timestamp::from_millisecond(told.parse().ok()?).ok()
}

async fn judged(app: &Arc<App>, request: Request<'_>, started: Timestamp) -> (Answer, Outcome) {
    let Request { endpoint, wire, reach, sender } = request;
    let raw = match RawWebhook::read(wire, &app.manners.limits) {
        Ok(raw) => raw,
        Err(error) => {
            app.metrics.refused(error.word());
            if app.unread.allows(started.as_second(), EVENTS_A_MINUTE) {
                tracing::warn!(endpoint = endpoint.word(), %error, sender = sender.map(tracing::field::display), "refused unread");
            }
            return (Answer::refusal(error.status()), Outcome::Refused);
        }
    };
    match app.directory.verify(raw, &reach, started) {
        Ok(believed) => {
            let (verified, profile) = (&believed.verified, &*believed.profile);
            app.metrics.signature(match verified.slot() {
                crate::webhook::signature::Slot::Primary => "ok",
                crate::webhook::signature::Slot::Next => "ok-next",
            });
            let at = imagined(verified, profile).unwrap_or(started);
            let visit = Visit { app, endpoint, wire, believed: &believed, verified, profile, started, at };
            let done = visit.served().await;
            match done {
                Ok(done) => (Answer { status: 200, twiml: Some(done.twiml) }, done.outcome),
                Err(Forbidden) => (Answer::FORBIDDEN, Outcome::Refused),
            }
        }
        Err(refusal) => {
            disbelieved(app, endpoint, &refusal, sender, started);
            let Some(slug) = &refusal.observed else { return (Answer::FORBIDDEN, Outcome::Refused) };
            let twiml = observed::ending(app, endpoint, &refusal.raw, slug, started);
            (Answer { status: 200, twiml: Some(twiml) }, Outcome::Observed)
        }
    }
}

/// Seconds that a call can last: the carrier ends it after a day, and clocks may differ.
const LONGEST_CALL: i64 = 25 * 3600;

/// Seconds after a call in which its recordings may be reported.
const LATEST_REPORT: i64 = 48 * 3600;

/// Seconds after the end of a call within which what belongs to it may still arrive.
const LATE_END: i64 = 300;

/// A request that is genuine, and is not answered: it reaches for what is not its account's, or it is long over.
struct Forbidden;

impl Visit<'_> {
    /// Answers within the deadline, and in spite of any fault.
    async fn served(&self) -> Result<Done, Forbidden> {
        let left = self.app.manners.deadline.saturating_sub(self.app.since(self.started));
        // What a panic leaves behind is this request's own; shared state is behind locks that forgive it.
        let work = AssertUnwindSafe(self.answered()).catch_unwind();
        let fault = match tokio::time::timeout(left, work).await {
            Ok(Ok(Ok(Done { outcome: Outcome::Replayed, .. }))) => {
                return Err(self.forbidden("replayed", "this step was answered long ago"));
            }
            Ok(Ok(Ok(done))) => return Ok(done),
            Ok(Ok(Err(Fault::Replayed))) => {
                return Err(self.forbidden("replayed", "the call is over"));
            }
            Ok(Ok(Err(Fault::Foreign))) => {
                return Err(self.forbidden("foreign-number", "the number called belongs to another organization"));
            }
            Ok(Ok(Err(fault))) => fault,
            Ok(Err(_panic)) => Fault::Panic,
            Err(_elapsed) => Fault::Deadline,
        };
        Ok(self.in_spite_of(&fault))
    }

    async fn answered(&self) -> Result<Done, Fault> {
        if self.is_over() || self.ended_elsewhere() {
            return Err(Fault::Replayed);
        }
        if let Some(why) = self.withheld() {
            return Err(Fault::Withheld(why));
        }
        match self.endpoint {
            Endpoint::InboundCall => caller::arrived(self, &self.call()?).await,
            Endpoint::Continue => caller::continued(self, &self.call()?).await,
            Endpoint::Screen => callee::screened(self, &self.call()?).await,
            Endpoint::CallStatus => reports::status(self, &self.call()?).await,
            Endpoint::Recording | Endpoint::Transcription => reports::message_left(self, &self.call()?).await,
            Endpoint::InboundSms | Endpoint::MessageStatus => {
                reports::text(self, self.verified.message(self.endpoint)?.get()).await
            }
        }
    }

    fn call(&self) -> Result<CallEvent, Fault> {
        let event = self.verified.call(self.endpoint)?.into_inner();
        if event.status.is_final() && event.parent.is_none() && self.profile.owner != Owner::Simulator {
            self.app.ended.here(self.profile.account.as_str(), event.call.as_str());
        }
        Ok(event)
    }

    /// Whether this asks what to do in a call that has ended, as another node says. What comes late with the end
    /// itself is heard all the same.
    fn ended_elsewhere(&self) -> bool {
        let field = |name: &str| self.verified.get().fields().get(name).unwrap_or_default();
        let patience = match self.endpoint {
            Endpoint::InboundCall if matches!(field("CallStatus"), "ringing" | "in-progress" | "queued") => 0,
            Endpoint::InboundCall | Endpoint::Continue => LATE_END,
            Endpoint::Screen
            | Endpoint::CallStatus
            | Endpoint::Recording
            | Endpoint::Transcription
            | Endpoint::InboundSms
            | Endpoint::MessageStatus => return false,
        };
        let since = self.app.ended.since(self.profile.account.as_str(), field("CallSid"));
        since.is_some_and(|since| self.started.as_second().saturating_sub(since) >= patience)
    }

    /// Writes the record down, and then lets its answer go out.
    ///
    /// When the disk fails the answer goes out all the same, because it is what the record will say once it is
    /// written: a caller is worth more than a line in a book.
    fn keep(&self, mut record: Record, twiml: String) -> impl Future<Output = Done> {
        record.twiml = Some(twiml.clone());
        record.latency_us = self.microseconds();
        let call = record.call.clone();
        // The record is on its way before anything waits: what waits stays small.
        let appended = self.app.journal.append(record);
        let patience = self.app.manners.journal_deadline;
        async move { self.kept(tokio::time::timeout(patience, appended).await, twiml, &call) }
    }

    fn kept(&self, appended: Result<Result<Appended, JournalError>, Elapsed>, twiml: String, call: &str) -> Done {
        let fault = match appended {
            Ok(Ok(Appended::Fresh)) => return Done { twiml, outcome: Outcome::Answered },
            Ok(Ok(Appended::Repeat { twiml: before })) => {
                self.app.metrics.duplicate();
                return Done { twiml: before.unwrap_or(twiml), outcome: Outcome::Repeated };
            }
            Ok(Ok(Appended::Replayed { twiml: before, at })) => {
                let late = self.app.jumps.age(&*self.app.clock, at) > REPEATS_WITHIN_US / 1_000_000;
                let outcome = if late { Outcome::Replayed } else { Outcome::Repeated };
                return Done { twiml: before.unwrap_or(twiml), outcome };
            }
            Ok(Err(error)) => Fault::Journal(error),
            Err(_elapsed) => Fault::JournalSlow,
        };
        self.app.metrics.fallback(fault.word());
        tracing::error!(call = %call, endpoint = self.endpoint.word(), fault = %fault, "answered without a durable record");
        Done { twiml, outcome: Outcome::InSpite }
    }

    /// Writes a record down without anybody waiting for it.
    fn keep_aside(&self, record: Record) {
        keep_aside(self.app, record);
    }

    /// Refuses a request that is genuine, and says why to the keepers of the gate.
    fn forbidden(&self, event: &'static str, detail: &str) -> Forbidden {
        self.security(event, detail);
        self.app.metrics.refused(event);
        Forbidden
    }

    /// Whether the call of the URL began longer ago than a call, and what is reported after it, can last.
    fn is_over(&self) -> bool {
        let longest = match self.endpoint {
            Endpoint::Continue => LONGEST_CALL,
            Endpoint::Recording | Endpoint::Transcription => LONGEST_CALL + LATEST_REPORT,
            Endpoint::InboundCall
            | Endpoint::Screen
            | Endpoint::CallStatus
            | Endpoint::InboundSms
            | Endpoint::MessageStatus => return false,
        };
        let began = self.verified.get().query().get("at").and_then(|text| text.parse::<i64>().ok());
        let late = |began: i64| self.at.as_second().saturating_sub(began) > longest;
        // An imagined call goes by its own time.
        let real = self.at == self.started;
        began.is_some_and(|began| late(began) && (!real || self.app.jumps.age(&*self.app.clock, began) > longest))
    }

    fn security(&self, event: &str, detail: &str) {
        let event = SecurityEvent { event: event.to_owned(), peer: None, detail: detail.to_owned() };
        tracing::warn!(event = %event.event, detail = %event.detail, "security event");
        self.keep_aside(Record { security: Some(event), ..self.blank(Kind::Security) });
    }

    /// How long it has taken until now.
    fn microseconds(&self) -> u64 {
        u64::try_from(self.app.since(self.started).as_micros()).unwrap_or(u64::MAX)
    }

    /// The answer that does nothing.
    fn nothing(&self) -> String {
        twiml::empty().into_string()
    }
}

fn keep_aside(app: &Arc<App>, record: Record) {
    let app = Arc::clone(app);
    // Whoever runs without a runtime is stopping, and has nobody to write for.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        if let Err(error) = app.journal.append(record).await {
            tracing::error!(%error, "a record is not durable");
        }
    });
}

/// A stranger must not fill the disk: after so many events in a minute the rest is only counted.
const EVENTS_A_MINUTE: u32 = 60;

fn disbelieved(app: &Arc<App>, endpoint: Endpoint, refusal: &Refusal, sender: Option<IpAddr>, started: Timestamp) {
    let why = refusal.why;
    app.metrics.signature(why.word());
    app.metrics.refused("unverified");
    if !app.events.allows(started.as_second(), EVENTS_A_MINUTE) {
        return;
    }
    let event = if matches!(why, Disbelief::Observed(_)) { "signature-observed" } else { "signature-refused" };
    let named = refusal.named.as_ref().map(|slug| format!(" for `{slug}`")).unwrap_or_default();
    tracing::warn!(
        endpoint = endpoint.word(),
        reason = why.word(),
        org = refusal.named.as_ref().map(tracing::field::display),
        sender = sender.map(tracing::field::display),
        way_out = why.way_out(),
        "webhook refused"
    );
    let event = SecurityEvent {
        event: event.to_owned(),
        peer: sender.map(|sender| sender.to_string()),
        detail: format!("{}{named}: {}; {}", refusal.raw.path(), why.word(), why.way_out()),
    };
    let org = refusal.observed.as_ref().map(ToString::to_string).unwrap_or_default();
    let record = paper::blank(app, Kind::Security, endpoint, started);
    keep_aside(app, Record { org, security: Some(event), ..record });
}
