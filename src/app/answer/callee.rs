//! The callee's leg: who picks up hears of the call, and takes it with a key.

use crate::app::answer::fault::Fault;
use crate::app::answer::{Done, Outcome, Visit};
use crate::app::live::Organization;
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
    let (kept, in_spite) = written(visit, event, &org, Callee { contact, line, caller, asked });
    let done = kept.await;
    Ok(if in_spite { Done { outcome: Outcome::InSpite, ..done } } else { done })
}

/// Answers and writes the record down; tells as well whether that was in spite of a template that failed. All of it
/// happens before anything waits: what waits stays small.
fn written(
    visit: &Visit<'_>,
    event: &CallEvent,
    org: &Organization,
    callee: Callee,
) -> (impl Future<Output = Done>, bool) {
    let Callee { contact, line, asked, .. } = callee;
    let Screened { screen, step, twiml } = respond::callee::answer(&visit.house(org), event, callee);
    let mut record = Record { step, ..visit.of(Kind::Screen, event, org, line) };
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
        Ok(twiml) => (visit.keep(record, twiml.into_string()), false),
        Err(error) => {
            let fault = Fault::Template(error);
            visit.app.metrics.fallback(fault.word());
            tracing::error!(org = %org.slug, %fault, "a callee is put through or given up without the template");
            record.fault = Some(fault.to_string());
            (visit.keep(record, respond::callee::last_resort(screen)), true)
        }
    }
}
