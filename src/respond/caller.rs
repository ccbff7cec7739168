//! The caller's leg: a call arrives, or one of its steps has ended.

use crate::decide::decision::Decision;
use crate::decide::outcome::{Judged, judge};
use crate::model::call::{CallFacts, Happened, LegOutcome, State};
use crate::model::ids::{ContactId, LineId};
use crate::model::moment::Moment;
use crate::model::position::Position;
use crate::respond::{House, Memory, line_of};
use crate::rules::ruleset::{Confirm, Contact, Handoff, RuleSet, Verb};
use crate::twiml::last_resort::Known;
use crate::twiml::{self, RenderError, Setting, Twiml};
use crate::webhook::event::CallEvent;

/// The word for a number that is in no rule.
pub const UNKNOWN_NUMBER: &str = "unknown_number";

/// One request on the caller's leg, with all that deciding needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Stand {
    /// What is known of the call.
    pub facts: CallFacts,
    /// Where it stands.
    pub position: Position,
    /// What makes this request the same as its repeat, within the call.
    pub step: String,
    /// The line that the number's binding names, where it names one.
    pub bound: Option<Box<str>>,
    /// The word for something in the carrier's report that does not fit our own records.
    pub anomaly: Option<&'static str>,
}

impl Stand {
    /// A call has arrived, at this second.
    pub fn arrived(rules: &RuleSet, event: &CallEvent, began: i64, memory: &impl Memory) -> Self {
        let (line, bound) = line(rules, event, memory);
        let gone = event.status.is_final();
        let (happened, step) = if gone { (Happened::Gone, "arrival.gone") } else { (Happened::Arrived, "arrival") };
        Self {
            facts: facts(event, line, happened),
            position: Position::start(began),
            step: step.to_owned(),
            bound,
            anomaly: line.is_none().then_some(UNKNOWN_NUMBER),
        }
    }

    /// A step of a call has ended.
    pub fn continued(rules: &RuleSet, event: &CallEvent, position: Position, memory: &impl Memory) -> Self {
        let (line, bound) = line(rules, event, memory);
        let (happened, anomaly) = happened(rules, event, &position, memory);
        let place = position.step.map_or_else(|| "start".to_owned(), crate::audit::wire::step);
        let gone = if happened == Happened::Gone { ".gone" } else { "" };
        let step = format!("{place}.{}.{}{gone}", position.stage, position.hop);
        Self { facts: facts(event, line, happened), position, step, bound, anomaly }
    }
}

/// The line that rings, and the name that the number's binding gives it.
fn line(rules: &RuleSet, event: &CallEvent, memory: &impl Memory) -> (Option<LineId>, Option<Box<str>>) {
    let number = event.to.number.as_ref();
    let bound = number.and_then(|number| memory.line(number));
    (line_of(rules, number, bound.as_deref()), bound)
}

/// What the request tells of its call.
pub fn facts(event: &CallEvent, line: Option<LineId>, happened: Happened) -> CallFacts {
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
    rules: &RuleSet,
    event: &CallEvent,
    position: &Position,
    memory: &impl Memory,
) -> (Happened, Option<&'static str>) {
    let gone = event.status.is_final();
    let verb = position.step.and_then(|at| rules.step(at)).map(|step| &step.verb);
    let mut anomaly = None;
    let told = match verb {
        Some(Verb::Ring(ring)) => {
            let judged = judged(rules, event, &ring.contacts, memory);
            anomaly = judged.anomaly.map(crate::decide::outcome::Anomaly::word);
            Happened::Rang(judged.outcome)
        }
        Some(Verb::Handoff(Handoff::Sip { .. })) => {
            let report = event.dial.clone().unwrap_or_default();
            Happened::Rang(judge(&report, Confirm::None, crate::model::call::KeyRecord::Silent, None).outcome)
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
    (if gone && !settled { Happened::Gone } else { told }, anomaly)
}

fn judged(rules: &RuleSet, event: &CallEvent, contacts: &[ContactId], memory: &impl Memory) -> Judged {
    let report = event.dial.clone().unwrap_or_default();
    let one = match contacts {
        [one] => Some(*one),
        _ => None,
    };
    // Several who ring at once do not confirm: the loader refuses such lists.
    let confirm = one.and_then(|id| rules.contact(id)).map_or(Confirm::None, |contact| contact.confirm);
    let key = memory.key(&event.call, report.leg.as_ref());
    judge(&report, confirm, key, one)
}

/// What came of a request: everything that its record tells, and what is sent.
#[derive(Debug)]
pub struct Answered {
    /// What was read from outside the rules.
    pub state: State,
    /// The moment by which hours are judged.
    pub now: Moment,
    /// What was decided.
    pub decision: Decision,
    /// The answer, unless its template failed.
    pub twiml: Result<Twiml, RenderError>,
}

/// Decides and renders.
pub fn answer(house: &House<'_>, stand: &Stand, memory: &impl Memory) -> Answered {
    let House { org, rules, templates, prefix } = *house;
    let Stand { facts, position, .. } = stand;
    let now = crate::decide::moment(rules, facts.line, position);
    let state = state(rules, facts, position.began, memory);
    let decision = crate::decide::decide(rules, facts, position, &state, &now);
    let audio_base = house.audio_base();
    let setting = Setting { org, rules, facts, prefix, audio_base: Some(&audio_base) };
    let twiml = twiml::render(templates, &setting, &decision);
    Answered { state, now, decision, twiml }
}

/// What the caller meets when the template of the answer failed: the ending of the rules.
pub fn last_resort(house: &House<'_>, stand: &Stand) -> Twiml {
    let audio_base = house.audio_base();
    let known = Known {
        org: Some(house.org),
        facts: Some(&stand.facts),
        position: Some(&stand.position),
        prefix: house.prefix,
        audio_base: Some(&audio_base),
    };
    twiml::last_resort(Some(house.rules), &known)
}

/// State from outside the rule file.
pub fn state(rules: &RuleSet, facts: &CallFacts, began: i64, memory: &impl Memory) -> State {
    let limited = rules.contacts.iter().any(|contact| contact.max_calls.is_some());
    let active = |contact: &Contact| match contact.max_calls {
        Some(_) => memory.active_calls(&contact.name, &facts.call),
        None => 0,
    };
    let earlier = |number| memory.earlier_calls(number, &facts.call, began);
    State {
        switches: memory.switches(rules),
        stale: memory.stale(rules),
        active_calls: if limited { rules.contacts.iter().map(active).collect() } else { Vec::new() },
        earlier_calls: facts.caller.number().map(earlier).unwrap_or_default(),
    }
}
