//! The caller's leg: a call arrives, or one of its steps has ended.

use std::sync::Arc;

use crate::app::answer::fault::Fault;
use crate::app::answer::{Done, Outcome, Visit, paper, place};
use crate::app::live::Organization;
use crate::app::ports::Key;
use crate::audit::record::{Decided, Effected, Facts, Kind, Place, Record, StateRead};
use crate::decide::decision::{Act, Decision};
use crate::decide::outcome::{Judged, judge};
use crate::decide::words::places;
use crate::model::call::{CallFacts, Happened, KeyRecord, LegOutcome, State};
use crate::model::ids::{ContactId, LineId};
use crate::model::position::Position;
use crate::rules::ruleset::{Confirm, EndKind, Handoff, Verb};
use crate::twiml::last_resort::Known;
use crate::twiml::{self, RenderError, Setting};
use crate::webhook::continuation::Leg;
use crate::webhook::event::CallEvent;

/// One request on the caller's leg, with all that deciding needs.
pub(super) struct Stand {
    pub(super) org: Arc<Organization>,
    pub(super) facts: CallFacts,
    pub(super) position: Position,
    /// What makes this request the same as its repeat, within the call.
    pub(super) step: String,
    /// Things in the carrier's report that do not fit our own records.
    pub(super) anomalies: Vec<String>,
}

/// A call has arrived.
pub(super) async fn arrived(visit: &Visit<'_>, event: &CallEvent) -> Result<Done, Fault> {
    if let Some(fault) = &event.fault {
        return Err(Fault::CarrierFallback(fault.code.to_string()));
    }
    let (org, line) = visit.newcomer(event)?;
    let happened = if event.status.is_final() { Happened::Gone } else { Happened::Arrived };
    let step = if happened == Happened::Gone { "arrival.gone" } else { "arrival" }.to_owned();
    let position = Position::start(visit.at.as_second());
    let facts = facts(event, line, happened);
    let mut anomalies = Vec::new();
    if line.is_none() {
        visit.app.metrics.anomaly("unknown-number");
        anomalies.push("unknown_number".to_owned());
    }
    Ok(decided(visit, event, Stand { org, facts, position, step, anomalies }).await)
}

/// A step of a call has ended.
pub(super) async fn continued(visit: &Visit<'_>, event: &CallEvent) -> Result<Done, Fault> {
    let continuation = visit.continuation()?;
    let Leg::Caller(position) = continuation.leg else { return Err(Fault::NoPlace) };
    let org = visit.organization(&continuation.org, continuation.rules).await?;
    let line = place::line_of(&org.rules, event.to.number.as_ref());
    let mut anomalies = Vec::new();
    let happened = happened(visit, event, &org, &position, &mut anomalies);
    let place = position.step.map_or_else(|| "start".to_owned(), crate::audit::wire::step);
    let gone = if happened == Happened::Gone { ".gone" } else { "" };
    let step = format!("{place}.{}.{}{gone}", position.stage, position.hop);
    let facts = facts(event, line, happened);
    Ok(decided(visit, event, Stand { org, facts, position, step, anomalies }).await)
}

pub(super) fn facts(event: &CallEvent, line: Option<LineId>, happened: Happened) -> CallFacts {
    CallFacts {
        call: event.call.clone(),
        line,
        caller: event.from.clone(),
        attestation: event.attestation,
        forwarded_from: event.forwarded_from.clone(),
        happened,
    }
}

/// What the request reports of the step that the call stood at.
fn happened(
    visit: &Visit<'_>,
    event: &CallEvent,
    org: &Organization,
    position: &Position,
    anomalies: &mut Vec<String>,
) -> Happened {
    let gone = event.status.is_final();
    let verb = position.step.and_then(|at| org.rules.step(at)).map(|step| &step.verb);
    let told = match verb {
        Some(Verb::Ring(ring)) => {
            let judged = judged(visit, event, org, &ring.contacts);
            if let Some(anomaly) = judged.anomaly {
                visit.app.metrics.anomaly(anomaly.word());
                anomalies.push(anomaly.word().to_owned());
            }
            Happened::Rang(judged.outcome)
        }
        Some(Verb::Handoff(Handoff::Sip { .. })) => {
            let report = event.dial.clone().unwrap_or_default();
            Happened::Rang(judge(&report, Confirm::None, KeyRecord::Silent, None).outcome)
        }
        Some(Verb::Voicemail(_)) if position.stage > 0 => {
            Happened::Recorded { seconds: event.recording.as_ref().and_then(|recording| recording.seconds) }
        }
        Some(Verb::Handoff(Handoff::Twiml(_) | Handoff::Stream(_))) => Happened::Returned,
        Some(
            Verb::Menu(_)
            | Verb::Voicemail(_)
            | Verb::Speak(_)
            | Verb::Flow { .. }
            | Verb::Reject(_)
            | Verb::Hangup(_)
            | Verb::Text(_)
            | Verb::Notice(_),
        )
        | None => Happened::Chose {
            digits: event.digits.clone().unwrap_or_default(),
            speech: event.speech.as_ref().map(|speech| speech.text.clone()).unwrap_or_default(),
        },
    };
    // A caller who hangs up after talking, or after the tone, has still talked or left a message.
    let settled = match &told {
        Happened::Rang(LegOutcome::Connected(_)) => true,
        Happened::Recorded { .. } => event.recording.is_some(),
        Happened::Rang(_) | Happened::Chose { .. } | Happened::Arrived | Happened::Returned | Happened::Gone => false,
    };
    if gone && !settled { Happened::Gone } else { told }
}

fn judged(visit: &Visit<'_>, event: &CallEvent, org: &Organization, contacts: &[ContactId]) -> Judged {
    let report = event.dial.clone().unwrap_or_default();
    let one = match contacts {
        [one] => Some(*one),
        _ => None,
    };
    // Several who ring at once do not confirm: the loader refuses such lists.
    let confirm = one.and_then(|id| org.rules.contact(id)).map_or(Confirm::None, |contact| contact.confirm);
    let leg = report.leg.as_ref().map(ToString::to_string);
    let key = match visit.app.journal.key(org.slug.as_str(), event.call.as_str(), leg.as_deref()) {
        Key::Accepted => KeyRecord::Accepted,
        Key::Declined => KeyRecord::Declined,
        Key::Nothing => KeyRecord::Silent,
    };
    judge(&report, confirm, key, one)
}

/// Decides, renders, writes down and answers.
async fn decided(visit: &Visit<'_>, event: &CallEvent, stand: Stand) -> Done {
    let Stand { org, facts, position, .. } = &stand;
    let rules = &org.rules;
    let now = crate::decide::moment(rules, facts.line, position);
    let state = state(visit, org, facts, position.began);
    let decision = crate::decide::decide(rules, facts, position, &state, &now);
    let audio_base = format!("{}/audio/{}", visit.app.manners.prefix, org.slug);
    let prefix = visit.app.manners.prefix.as_str();
    let setting = Setting { org: &org.slug, rules, facts, prefix, audio_base: Some(&audio_base) };
    let mut record = Record {
        step: stand.step.clone(),
        began: Some(position.began),
        facts: Some(Facts::of(rules, facts, &event.to.text)),
        from: Some(Place::of(rules, position)),
        state: StateRead::of(rules, &state),
        trace: paper::reasons(rules, &now, &decision.trace),
        ..visit.of(Kind::Decision, event, org, facts.line)
    };
    record.reported.anomalies.clone_from(&stand.anomalies);
    match twiml::render(&org.templates, &setting, &decision) {
        Ok(twiml) => {
            record.to = decision.next.as_ref().map(|next| Place::of(rules, next));
            record.effects = decision.effects.iter().map(|effect| Effected::of(rules, effect)).collect();
            record.decision = Some(Decided::of(rules, &decision, plan(org, &decision)));
            count(visit, &stand, event, &decision);
            let done = visit.keep(record, twiml.into_string()).await;
            tell(visit, &stand, &decision, done.outcome);
            done
        }
        Err(error) => {
            let known = Known {
                org: Some(&org.slug),
                facts: Some(facts),
                position: Some(position),
                prefix,
                audio_base: Some(&audio_base),
            };
            let twiml = twiml::last_resort(Some(rules), &known).into_string();
            template_failed(visit, &stand, record, twiml, error).await
        }
    }
}

async fn template_failed(
    visit: &Visit<'_>,
    stand: &Stand,
    mut record: Record,
    twiml: String,
    error: RenderError,
) -> Done {
    let fault = Fault::Template(error);
    visit.app.metrics.fallback(fault.word());
    tracing::error!(org = %stand.org.slug, call = %stand.facts.call, %fault, "answered from `finally`");
    record.fault = Some(fault.to_string());
    let done = visit.keep(record, twiml).await;
    Done { outcome: Outcome::InSpite, ..done }
}

/// What was decided, in a sentence.
fn plan(org: &Organization, decision: &Decision) -> String {
    let rules = &org.rules;
    let step = |at| places::step_title(rules, at);
    match &decision.plan.act {
        Act::Ring { contacts, seconds, .. } => {
            format!("rings {} for {seconds} s", places::contact_names(rules, contacts))
        }
        Act::Menu { menu, attempt, .. } => {
            format!("plays menu {}, try {}", places::menu_name(rules, *menu), u16::from(*attempt) + 1)
        }
        Act::OfferText { mailbox, .. } => {
            format!("offers a text instead of a message in {}", places::mailbox_name(rules, *mailbox))
        }
        Act::Record { mailbox, .. } => format!("takes a message in {}", places::mailbox_name(rules, *mailbox)),
        Act::PromiseText => "promises a text and hangs up".to_owned(),
        Act::Thank => "thanks for the message and hangs up".to_owned(),
        Act::Reject(_) => "refuses the call".to_owned(),
        Act::Hangup(at) => at.map_or_else(|| "hangs up".to_owned(), step),
        Act::Handoff { at } => step(*at),
        Act::Nothing => "does nothing: the call is over".to_owned(),
    }
}

/// State from outside the rule file. No switch can be set yet: all stand at their default.
fn state(visit: &Visit<'_>, org: &Organization, facts: &CallFacts, began: i64) -> State {
    let journal = &visit.app.journal;
    let (slug, call) = (org.slug.as_str(), facts.call.as_str());
    let number = facts.caller.number();
    let earlier = |number: &crate::model::phone::E164| journal.earlier_calls(slug, number.as_str(), call, began);
    let limited = org.rules.contacts.iter().any(|contact| contact.max_calls.is_some());
    let active = |contact: &crate::rules::ruleset::Contact| match contact.max_calls {
        Some(_) => journal.active_calls(slug, &contact.name, call),
        None => 0,
    };
    State {
        switches: Vec::new(),
        active_calls: if limited { org.rules.contacts.iter().map(active).collect() } else { Vec::new() },
        earlier_calls: number.map(earlier).unwrap_or_default(),
    }
}

fn count(visit: &Visit<'_>, stand: &Stand, event: &CallEvent, decision: &Decision) {
    let metrics = &visit.app.metrics;
    let position = decision.next.as_ref().unwrap_or(&stand.position);
    metrics.decision(decision.plan.act.word(), decision.end.map(EndKind::word), || {
        let rule = position.rule;
        let flow = rule.map_or_else(String::new, |at| places::flow_name(&stand.org.rules, at.flow).to_owned());
        let name = rule.map_or_else(String::new, |at| places::rule_name(&stand.org.rules, at));
        (stand.org.slug.to_string(), flow, name)
    });
    if let Happened::Rang(outcome) = &stand.facts.happened {
        metrics.leg(outcome.word());
    }
    // The thanks after a message come when the waiting is long over.
    if decision.end.is_some() && decision.plan.act != Act::Thank {
        let talked = event.dial.as_ref().and_then(|dial| dial.seconds).unwrap_or(0);
        let waited = visit.at.as_second() - stand.position.began - i64::from(talked);
        metrics.waited(i32::try_from(waited.max(0)).map_or(f64::MAX, f64::from));
    }
}

fn tell(visit: &Visit<'_>, stand: &Stand, decision: &Decision, outcome: Outcome) {
    tracing::info!(
        org = %stand.org.slug,
        call = %stand.facts.call,
        step = %stand.step,
        act = decision.plan.act.word(),
        end = decision.end.map(EndKind::word),
        outcome = outcome.word(),
        rules = %stand.org.rules.digest.key(),
        microseconds = visit.microseconds(),
        "{}",
        visit.endpoint.word(),
    );
}
