//! A recording played again: believed, read, decided and rendered by the very functions that the server asks.

use jiff::Timestamp;

use crate::audit::record::{Effected, Place, StateRead, TraceLine};
use crate::model::call::KeyRecord;
use crate::model::ids::{CallSid, OrgSlug, SwitchId};
use crate::model::phone::E164;
use crate::replay::TOKEN;
use crate::replay::recording::{Answer, Recording, Webhook};
use crate::respond::callee::{Callee, Screened};
use crate::respond::caller::{Answered, Stand};
use crate::respond::{House, Memory, callee, caller, written};
use crate::rules::ruleset::RuleSet;
use crate::twiml;
use crate::twiml::templates::Templates;
use crate::webhook::continuation::{Continuation, Leg};
use crate::webhook::endpoint::Endpoint;
use crate::webhook::event::CallEvent;
use crate::webhook::form::Form;
use crate::webhook::origin::Origin;
use crate::webhook::raw::{Limits, RawWebhook, Wire};
use crate::webhook::signature::{Verifier, VerifierSet};

/// What a recording is played under.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// The templates.
    pub templates: &'a Templates,
    /// The keys that requests are checked with; none when they count as believed, because they were when they came.
    pub keys: Option<VerifierSet>,
}

impl<'a> Stage<'a> {
    /// Without looking at signatures.
    pub const fn believing(rules: &'a RuleSet, templates: &'a Templates) -> Self {
        Self { rules, templates, keys: None }
    }

    /// With every signature checked.
    pub fn verifying(rules: &'a RuleSet, templates: &'a Templates) -> Self {
        Self { rules, templates, keys: Some(VerifierSet::one(Verifier::from_token(TOKEN))) }
    }
}

/// A recording made ready to be played.
#[derive(Debug)]
pub struct Tape {
    /// The organization.
    pub org: OrgSlug,
    /// What the requests are signed for.
    pub origin: Origin,
    /// The requests.
    pub requests: Vec<Request>,
}

/// One recorded request, made ready.
#[derive(Debug)]
pub struct Request {
    /// The address that was asked.
    pub endpoint: Endpoint,
    /// When.
    pub at: Timestamp,
    method: String,
    target: String,
    content_type: String,
    signature: String,
    body: String,
    state: StateRead,
}

/// The content type of a form that says nothing else.
pub const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

impl Tape {
    /// Makes a recording ready, or tells what in it cannot be played.
    pub fn of(recording: &Recording) -> Result<Self, String> {
        let org = OrgSlug::parse(&recording.org).map_err(|error| format!("`org`: {error}"))?;
        let origin = Origin::parse(&recording.signed_for).map_err(|error| format!("`signed_for`: {error}"))?;
        let requests =
            recording.webhooks.iter().enumerate().map(|(place, webhook)| {
                Request::of(webhook).map_err(|error| format!("webhook {}: {error}", place + 1))
            });
        Ok(Self { org, origin, requests: requests.collect::<Result<_, _>>()? })
    }
}

impl Request {
    fn of(webhook: &Webhook) -> Result<Self, String> {
        let path = webhook.target.split('?').next().unwrap_or_default();
        let known = Endpoint::from_path(path).filter(|endpoint| {
            // Text messages belong to no call.
            !matches!(endpoint, Endpoint::InboundSms | Endpoint::MessageStatus)
        });
        Ok(Self {
            endpoint: known.ok_or_else(|| format!("`{path}` is no address that calls ask"))?,
            at: webhook.moment().ok_or("`at` is no moment")?,
            method: webhook.method.clone(),
            target: webhook.target.clone(),
            content_type: webhook.content_type.clone().unwrap_or_else(|| FORM.to_owned()),
            signature: webhook.signature.clone(),
            body: webhook.body(),
            state: webhook.state.clone(),
        })
    }

    /// The request as it comes off the wire.
    pub fn wire(&self) -> Wire<'_> {
        Wire {
            method: &self.method,
            target: &self.target,
            content_type: (self.method == "POST").then_some(self.content_type.as_str()),
            signature: Some(&self.signature),
            body: self.body.as_bytes(),
        }
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }
}

/// What was pressed by those who were rung in this call.
#[derive(Debug, Default)]
pub struct Keys(Vec<(CallSid, bool)>);

impl Keys {
    /// As the journal tells it: a yes counts more than a no.
    fn of(&self, leg: Option<&CallSid>) -> KeyRecord {
        let mut of_leg = self.0.iter().filter(|(known, _)| leg.is_none_or(|leg| known == leg)).peekable();
        if of_leg.peek().is_none() {
            KeyRecord::Silent
        } else if of_leg.any(|(_, accepted)| *accepted) {
            KeyRecord::Accepted
        } else {
            KeyRecord::Declined
        }
    }
}

/// What was known then, beside the request itself.
struct Then<'a> {
    state: &'a StateRead,
    keys: &'a Keys,
}

impl Memory for Then<'_> {
    fn key(&self, _call: &CallSid, leg: Option<&CallSid>) -> KeyRecord {
        self.keys.of(leg)
    }

    fn switches(&self, rules: &RuleSet) -> Vec<Option<bool>> {
        if self.state.switches.is_empty() {
            return Vec::new();
        }
        let set = |name: &str| self.state.switches.iter().find(|(known, _)| known == name).map(|(_, on)| *on);
        rules.switches.iter().map(|switch| set(&switch.name)).collect()
    }

    fn stale(&self, rules: &RuleSet) -> Vec<SwitchId> {
        let known = |name: &str| self.state.stale.iter().any(|stale| stale == name);
        let all = rules.switches.iter().zip(0_u16..);
        all.filter(|(switch, _)| known(&switch.name)).map(|(_, place)| SwitchId(place)).collect()
    }

    fn active_calls(&self, contact: &str, _call: &CallSid) -> u8 {
        self.state.active_calls.iter().find(|(known, _)| known == contact).map_or(0, |(_, calls)| *calls)
    }

    fn earlier_calls(&self, _caller: &E164, _call: &CallSid, _began: i64) -> Vec<u32> {
        self.state.earlier_calls.clone()
    }

    fn line(&self, _number: &E164) -> Option<Box<str>> {
        self.state.line.as_deref().map(Box::from)
    }
}

/// What came of one request.
#[derive(Debug)]
pub enum Outcome {
    /// The caller's next step.
    Caller(Stand, Box<Answered>),
    /// A callee was asked, or answered.
    Callee(Screened),
    /// Nothing: it only reports.
    Report,
}

/// One request played.
#[derive(Debug)]
pub struct Played {
    /// What came of it.
    pub outcome: Outcome,
    /// What is sent.
    pub twiml: String,
    /// Why the template failed, if it did.
    pub fault: Option<String>,
}

/// Plays one request. `instead` is the place in the call that it asks for when that is not the one of its own target.
pub fn play(
    tape: &Tape,
    request: &Request,
    stage: &Stage<'_>,
    keys: &mut Keys,
    instead: Option<&str>,
) -> Result<Played, String> {
    let raw = RawWebhook::read(request.wire(), &Limits::default()).map_err(|error| error.to_string())?;
    let endpoint = request.endpoint;
    let (event, raw) = match &stage.keys {
        None => (CallEvent::recorded(endpoint, &raw).map_err(|error| error.to_string())?, raw),
        Some(set) => {
            let verified = set.verify(&tape.origin, raw);
            let verified = verified.map_err(|refused| format!("the signature: {}", refused.failure.word()))?;
            let event = verified.call(endpoint).map_err(|error| error.to_string())?;
            (event.into_inner(), verified.into_inner())
        }
    };
    let house = House { org: &tape.org, rules: stage.rules, templates: stage.templates, prefix: tape.origin.prefix() };
    let then = Then { state: &request.state, keys };
    let place = |query: &Form| Continuation::parse(endpoint, query).map_err(|error| error.to_string());
    let place = || match instead {
        None => place(raw.query()),
        Some(target) => place(&query_of(target)?),
    };
    match endpoint {
        Endpoint::InboundCall => {
            Ok(of_caller(&house, Stand::arrived(stage.rules, &event, request.at.as_second(), &then), &then))
        }
        Endpoint::Continue => match place()?.map(|place| place.leg) {
            Some(Leg::Caller(position)) => {
                Ok(of_caller(&house, Stand::continued(stage.rules, &event, position, &then), &then))
            }
            Some(_) | None => Err("the target names no place in a call".to_owned()),
        },
        Endpoint::Screen => match place()?.map(|place| place.leg) {
            Some(Leg::Callee { contact, line, caller, asked }) => {
                let screened = callee::answer(&house, &event, Callee { contact, line, caller, asked });
                if let Some(accepted) = callee::accepted(screened.screen) {
                    keys.0.push((event.call, accepted));
                }
                Ok(of_callee(screened))
            }
            Some(_) | None => Err("the target names no callee".to_owned()),
        },
        Endpoint::CallStatus
        | Endpoint::Recording
        | Endpoint::Transcription
        | Endpoint::InboundSms
        | Endpoint::MessageStatus => {
            Ok(Played { outcome: Outcome::Report, twiml: twiml::empty().into_string(), fault: None })
        }
    }
}

fn query_of(target: &str) -> Result<Form, String> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    Form::parse(query.as_bytes(), crate::webhook::form::Charset::Utf8, &Limits::default())
        .map_err(|error| error.to_string())
}

fn of_caller(house: &House<'_>, stand: Stand, then: &Then<'_>) -> Played {
    let mut answered = caller::answer(house, &stand, then);
    let rendered = std::mem::replace(&mut answered.twiml, Ok(twiml::empty()));
    match rendered {
        Ok(twiml) => {
            Played { outcome: Outcome::Caller(stand, Box::new(answered)), twiml: twiml.into_string(), fault: None }
        }
        Err(error) => {
            let twiml = caller::last_resort(house, &stand).into_string();
            let fault = Some(error.to_string());
            answered.twiml = Err(error);
            Played { outcome: Outcome::Caller(stand, Box::new(answered)), twiml, fault }
        }
    }
}

fn of_callee(mut screened: Screened) -> Played {
    match std::mem::replace(&mut screened.twiml, Ok(twiml::empty())) {
        Ok(twiml) => Played { outcome: Outcome::Callee(screened), twiml: twiml.into_string(), fault: None },
        Err(error) => {
            let twiml = callee::last_resort(screened.screen);
            Played { outcome: Outcome::Callee(screened), twiml, fault: Some(error.to_string()) }
        }
    }
}

impl Played {
    /// The answer as recordings tell it.
    pub fn answer(self, rules: &RuleSet) -> Answer {
        let twiml = self.twiml;
        match &self.outcome {
            Outcome::Caller(_, answered) => {
                let decision = &answered.decision;
                let said = self.fault.is_none().then_some(decision);
                Answer {
                    decision: said.map(|decision| written::decided(rules, decision)),
                    next: said.and_then(|decision| decision.next.as_ref()).map(|next| Place::of(rules, next)),
                    accepted: None,
                    effects: said.map_or_else(Vec::new, |decision| {
                        decision.effects.iter().map(|effect| Effected::of(rules, effect)).collect()
                    }),
                    reasons: reasons(&written::reasons(rules, &answered.now, &decision.trace)),
                    twiml,
                }
            }
            Outcome::Callee(screened) => {
                Answer { accepted: callee::accepted(screened.screen), twiml, ..Answer::default() }
            }
            Outcome::Report => Answer { twiml, ..Answer::default() },
        }
    }
}

/// The lines of a record's reasons as recordings write them.
pub fn reasons(lines: &[TraceLine]) -> Vec<String> {
    lines.iter().map(reason).collect()
}

fn reason(line: &TraceLine) -> String {
    let depth = usize::from(line.depth) * 2;
    let mut text = String::with_capacity(depth + line.text.len() + line.path.len() + 3);
    text.extend(std::iter::repeat_n(' ', depth));
    text.push_str(&line.text);
    if !line.path.is_empty() {
        text.push_str(" [");
        text.push_str(&line.path);
        text.push(']');
    }
    text
}
