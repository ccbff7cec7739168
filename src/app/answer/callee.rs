//! The callee's leg: who picks up hears of the call, and takes it with a key.

use crate::app::answer::fault::Fault;
use crate::app::answer::{Done, Outcome, Visit};
use crate::audit::record::{Kind, Record};
use crate::decide::words::places;
use crate::respond;
use crate::respond::callee::{Callee, Screened};
use crate::webhook::continuation::Leg;
use crate::webhook::event::CallEvent;

/// Somebody or something has picked up, or was asked for a key.
pub(super) async fn screened(visit: &Visit<'_>, event: &CallEvent) -> Result<Done, Fault> {
    let continuation = visit.continuation()?;
    let Leg::Callee { contact, line, caller, asked } = continuation.leg else { return Err(Fault::NoPlace) };
    let org = visit.organization(&continuation.org, continuation.rules).await?;
    let callee = Callee { contact, line, caller, asked };
    let Screened { screen, step, twiml } = respond::callee::answer(&visit.house(&org), event, callee);
    let mut record = Record { step, ..visit.of(Kind::Screen, event, &org, line) };
    record.reported.contact = Some(places::contact_name(&org.rules, contact).to_owned());
    record.reported.accepted = respond::callee::accepted(screen);
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
            let plain = respond::callee::last_resort(screen);
            let done = visit.keep(record, plain).await;
            Ok(Done { outcome: Outcome::InSpite, ..done })
        }
    }
}
