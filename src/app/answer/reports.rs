//! What the carrier only reports: states of legs, recordings, transcripts and texts. All are answered with nothing.

use std::sync::Arc;

use crate::app::answer::fault::Fault;
use crate::app::answer::{Done, Visit};
use crate::app::live::Organization;
use crate::audit::record::{Effected, Facts, Kind, Record, Reported};
use crate::decide::decision::Effect;
use crate::decide::words::places;
use crate::model::ids::{ContactId, OrgSlug};
use crate::respond::report;
use crate::rules::ruleset::{RuleSet, Verb};
use crate::webhook::continuation::{Continuation, Leg, Message};
use crate::webhook::endpoint::Endpoint;
use crate::webhook::event::{CallEvent, MessageEvent};

/// A leg has changed its state.
pub(super) async fn status(visit: &Visit<'_>, event: &CallEvent) -> Result<Done, Fault> {
    let continuation = Continuation::parse(visit.endpoint, visit.verified.get().query())?;
    let (org, contact) = match &continuation {
        Some(Continuation { org, rules, leg: Leg::Status(contact) }) => {
            (Belongs::under(org, visit.organization(org, *rules).await), *contact)
        }
        Some(_) | None => (Belongs::guessed(visit, event)?, None),
    };
    Ok(told(visit, event, &org, contact).await)
}

/// Writes the record down before anything waits: what waits stays small.
fn told(visit: &Visit<'_>, event: &CallEvent, org: &Belongs, contact: Option<ContactId>) -> impl Future<Output = Done> {
    let mut record = Record { step: report::status_step(event), ..org.record(visit, Kind::Status, event) };
    record.reported.contact = org.contact(contact);
    visit.keep(record, visit.nothing())
}

/// A message was recorded, or written out.
pub(super) async fn message_left(visit: &Visit<'_>, event: &CallEvent) -> Result<Done, Fault> {
    let Some(continuation) = Continuation::parse(visit.endpoint, visit.verified.get().query())? else {
        return Ok(left_outside(visit, event)?.await);
    };
    let (kind, message) = match &continuation.leg {
        Leg::Recording(message) => (Kind::Recording, message),
        Leg::Transcription(message) => (Kind::Transcription, message),
        Leg::Caller(_) | Leg::Callee { .. } | Leg::Status(_) => return Err(Fault::NoPlace),
    };
    let org = Belongs::under(&continuation.org, visit.organization(&continuation.org, continuation.rules).await);
    Ok(left(visit, event, &org, (kind, message)).await)
}

/// Writes the record down before anything waits.
fn left(
    visit: &Visit<'_>,
    event: &CallEvent,
    org: &Belongs,
    (kind, message): (Kind, &Message),
) -> impl Future<Output = Done> {
    let mut record = Record {
        step: report::message_step(kind, event),
        began: Some(message.began),
        ..org.record(visit, kind, event)
    };
    record.reported.status = Some(report::message_status(event).to_owned());
    record.reported.contact = org.mailbox(message);
    visit.keep(record, visit.nothing())
}

/// A message was left at an ending that stands elsewhere: no answer of ours sent the caller there, yet those whom the
/// ending would tell are to hear of it.
fn left_outside<'v>(visit: &'v Visit<'_>, event: &CallEvent) -> Result<impl Future<Output = Done> + use<'v>, Fault> {
    if visit.endpoint != Endpoint::Recording {
        return Err(Fault::NoPlace);
    }
    let org = match Belongs::guessed(visit, event)? {
        Belongs::To(org) => org,
        Belongs::Named(_) | Belongs::Nobody => return Err(Fault::NoPlace),
    };
    let steps = org.rules.cascade(RuleSet::FINALLY).into_iter().flat_map(|ending| ending.steps.iter());
    let mailbox = steps.filter_map(|step| if let Verb::Voicemail(id) = &step.verb { Some(*id) } else { None }).next();
    let mailbox = mailbox.ok_or(Fault::NoPlace)?;
    let status = report::message_status(event);
    let mut record = Record {
        step: report::message_step(Kind::Recording, event),
        began: Some(visit.at.as_second()),
        ..visit.of(Kind::Recording, event, &org, None)
    };
    record.reported.status = Some(status.to_owned());
    record.reported.contact = Some(places::mailbox_name(&org.rules, mailbox).to_owned());
    // Who says nothing leaves no message.
    if status == "completed" && record.reported.seconds != Some(0) {
        record.effects.push(Effected::of(&org.rules, &Effect::Message { mailbox }));
    }
    Ok(visit.keep(record, visit.nothing()))
}

/// A text message came in, or one of ours changed its state.
pub(super) async fn text(visit: &Visit<'_>, event: &MessageEvent) -> Result<Done, Fault> {
    let org = visit.whose(event.to.number.as_ref())?.map_or_else(String::new, |slug| slug.to_string());
    let caller = &event.from;
    let record = Record {
        org,
        step: format!("message.{}.{}", event.message, event.status),
        facts: Some(Facts {
            called: event.to.text.to_string(),
            caller: caller.to_string(),
            happened: "texted".to_owned(),
            ..Facts::default()
        }),
        reported: Reported {
            message: Some(event.message.to_string()),
            status: (!event.status.is_empty()).then(|| event.status.to_string()),
            text: (!event.body.is_empty()).then(|| event.body.to_string()),
            error: event.error.as_deref().map(str::to_owned),
            ..Reported::default()
        },
        ..visit.blank(Kind::Message)
    };
    Ok(visit.keep(record, visit.nothing()).await)
}

/// Whose report it is, as far as that can be told: a report is written down even when its rules are gone.
enum Belongs {
    To(Arc<Organization>),
    Named(OrgSlug),
    Nobody,
}

impl Belongs {
    fn under(slug: &OrgSlug, found: Result<Arc<Organization>, Fault>) -> Self {
        found.map_or_else(|_gone| Self::Named(slug.clone()), Self::To)
    }

    /// By the organization in the URL, the number, or the account.
    fn guessed(visit: &Visit<'_>, event: &CallEvent) -> Result<Self, Fault> {
        let now = visit.app.live.now();
        let Some(slug) = visit.whose(event.to.number.as_ref())? else { return Ok(Self::Nobody) };
        Ok(now.organization(&slug).map_or(Self::Named(slug), |org| Self::To(Arc::clone(org))))
    }

    fn record(&self, visit: &Visit<'_>, kind: Kind, event: &CallEvent) -> Record {
        match self {
            Self::To(org) => visit.of(kind, event, org, None),
            Self::Named(slug) => Record { org: slug.to_string(), ..visit.about(kind, event) },
            Self::Nobody => visit.about(kind, event),
        }
    }

    fn contact(&self, contact: Option<ContactId>) -> Option<String> {
        match (self, contact) {
            (Self::To(org), Some(id)) => Some(places::contact_name(&org.rules, id).to_owned()),
            (Self::To(_), None) | (Self::Named(_) | Self::Nobody, _) => None,
        }
    }

    fn mailbox(&self, message: &Message) -> Option<String> {
        match self {
            Self::To(org) => Some(places::mailbox_name(&org.rules, message.mailbox).to_owned()),
            Self::Named(_) | Self::Nobody => None,
        }
    }
}
