//! The answer to a request that is not believed, of an account on trial: the static ending, and nothing is acted on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;

use crate::app::App;
use crate::app::answer::fallback::SORRY;
use crate::app::live::Organization;
use crate::model::call::{Attestation, CallFacts, Happened, LegOutcome};
use crate::model::ids::{CallSid, LineId, OrgSlug};
use crate::model::phone::{Caller, E164};
use crate::model::position::Position;
use crate::respond;
use crate::rules::ruleset::RuleSet;
use crate::twiml;
use crate::twiml::last_resort::{Known, last_resort};
use crate::webhook::continuation::{Continuation, Leg};
use crate::webhook::endpoint::Endpoint;
use crate::webhook::raw::RawWebhook;

/// What is answered. The request chooses how far into the ending it is, and nothing else.
pub(super) fn ending(app: &Arc<App>, endpoint: Endpoint, raw: &RawWebhook, slug: &OrgSlug, at: Timestamp) -> String {
    match endpoint {
        Endpoint::InboundCall | Endpoint::Continue => {
            let made = catch_unwind(AssertUnwindSafe(|| written(app, raw, slug, at)));
            made.unwrap_or_else(|_panic| SORRY.to_owned())
        }
        Endpoint::Screen => respond::callee::HANG_UP.to_owned(),
        Endpoint::CallStatus
        | Endpoint::Recording
        | Endpoint::Transcription
        | Endpoint::InboundSms
        | Endpoint::MessageStatus => twiml::empty().into_string(),
    }
}

fn written(app: &App, raw: &RawWebhook, slug: &OrgSlug, at: Timestamp) -> String {
    let here = Continuation::parse(Endpoint::Continue, raw.query()).ok().flatten().filter(|place| place.org == *slug);
    let (org, position) = match here {
        Some(Continuation { rules, leg: Leg::Caller(position), .. }) => {
            let ours = position.step.is_some_and(|at| at.cascade == RuleSet::FINALLY);
            let org = app.live.under(slug, rules).filter(|_| ours);
            let position = if org.is_some() { position } else { Position::start(at.as_second()) };
            (org, position)
        }
        Some(_) | None => (None, Position::start(at.as_second())),
    };
    let org = org.or_else(|| app.live.now().organization(slug).map(Arc::clone));
    let facts = facts(raw, org.as_deref());
    let audio_base = format!("{}/audio/{slug}", app.manners.prefix);
    let known = Known {
        org: Some(slug),
        facts: Some(&facts),
        position: Some(&position),
        prefix: &app.manners.prefix,
        audio_base: Some(&audio_base),
    };
    last_resort(org.as_deref().map(|org| &*org.rules), &known).into_string()
}

/// What the request tells of its call: only whether the caller is still waiting.
fn facts(raw: &RawWebhook, org: Option<&Organization>) -> CallFacts {
    let field = |name: &str| raw.fields().get(name).unwrap_or_default();
    let number = E164::parse(field("To")).ok();
    let line: Option<LineId> = org.and_then(|org| respond::line_of(&org.rules, number.as_ref(), None));
    let gone = ["completed", "busy", "failed", "no-answer", "canceled"].contains(&field("CallStatus"));
    let happened = if gone {
        Happened::Gone
    } else if field("DialBridged") == "true" {
        Happened::Rang(LegOutcome::Connected(None))
    } else if !field("RecordingUrl").is_empty() {
        Happened::Recorded { seconds: None }
    } else {
        Happened::Arrived
    };
    CallFacts {
        call: CallSid::imagined(),
        line,
        caller: Caller::Withheld,
        attestation: Attestation::default(),
        forwarded_from: None,
        happened,
    }
}
