//! The callee's leg: who picks up hears of the call, and takes it with a key.

use crate::app::answer::fault::Fault;
use crate::app::answer::{Done, Outcome, Visit};
use crate::audit::record::{Kind, Record};
use crate::decide::screen::{Screen, ScreenFacts, screen};
use crate::decide::words::places;
use crate::model::call::KeyRecord;
use crate::model::phone::Caller;
use crate::twiml::{self, ScreenSetting};
use crate::webhook::continuation::Leg;
use crate::webhook::event::CallEvent;

/// Somebody or something has picked up, or was asked for a key.
pub(super) async fn screened(visit: &Visit<'_>, event: &CallEvent) -> Result<Done, Fault> {
    let continuation = visit.continuation()?;
    let Leg::Callee { contact, line, caller, asked } = continuation.leg else { return Err(Fault::NoPlace) };
    let org = visit.organization(&continuation.org, continuation.rules).await?;
    let facts = ScreenFacts {
        contact,
        line,
        asked,
        digits: event.digits.as_deref().unwrap_or_default(),
        speech: event.speech.as_ref().map_or("", |speech| &speech.text),
    };
    let screen = screen(&org.rules, facts);
    let caller = caller.map_or(Caller::Withheld, Caller::Number);
    let prefix = visit.app.manners.prefix.as_str();
    let setting = ScreenSetting { org: &org.slug, rules: &org.rules, caller: &caller, prefix };
    let twiml = twiml::render_screen(&org.templates, &setting, screen);
    let mut record = Record {
        step: format!("screen.{}.{}.{asked}", event.call, contact.0),
        ..visit.of(Kind::Screen, event, &org, line)
    };
    record.reported.contact = Some(places::contact_name(&org.rules, contact).to_owned());
    record.reported.accepted = accepted(screen);
    tracing::info!(
        org = %org.slug,
        call = %record.call,
        leg = %event.call,
        contact = %places::contact_name(&org.rules, contact),
        asked,
        accepted = record.reported.accepted,
        microseconds = visit.microseconds(),
        "screen",
    );
    match twiml {
        Ok(twiml) => Ok(visit.keep(record, twiml.into_string()).await),
        Err(error) => {
            let fault = Fault::Template(error);
            visit.app.metrics.fallback(fault.word());
            tracing::error!(org = %org.slug, %fault, "a callee is put through or given up without the template");
            record.fault = Some(fault.to_string());
            // Without its words a callee cannot be asked: whoever has said yes is put through, the rest is given up.
            let plain = match screen {
                Screen::Connect => visit.nothing(),
                Screen::Ask { .. } | Screen::Decline | Screen::GiveUp => super::fallback::hang_up(),
            };
            let done = visit.keep(record, plain).await;
            Ok(Done { outcome: Outcome::InSpite, ..done })
        }
    }
}

/// The callee's yes or no, once it is known.
fn accepted(screen: Screen) -> Option<bool> {
    match (screen, screen.record()) {
        (_, KeyRecord::Accepted) => Some(true),
        (_, KeyRecord::Declined) => Some(false),
        (Screen::Ask { .. } | Screen::Connect | Screen::Decline | Screen::GiveUp, KeyRecord::Silent) => None,
    }
}
