//! A call of the journal made into a recording that can be shown to anybody.

use std::collections::BTreeSet;

use crate::audit::record::{Kind, Record, Request};
use crate::model::digest::RulesKey;
use crate::replay::again::{Keys, Played, Stage, Tape, play, reasons};
use crate::replay::fields;
use crate::replay::recording::{Answer, FORM, Recording, RulesOf, Webhook};
use crate::replay::standins::{NUMBERS, StandIns, Words};
use crate::replay::{ORIGIN, TOKEN, tree};
use crate::webhook::form::{Charset, Form};
use crate::webhook::origin::Origin;
use crate::webhook::raw::Limits;
use crate::webhook::signature::Signer;

/// Why a call cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TakeError {
    /// There is no request in its records.
    #[error("its records hold no request: it was answered before requests were kept")]
    NoRequest,
    /// It has no record at all that decides.
    #[error("nothing was decided in it, so there is nothing to play again")]
    NothingDecided,
    /// A request that is no form.
    #[error("a request of it is no form")]
    NoForm,
    /// It goes otherwise with stand-ins, whatever is kept.
    #[error("it goes otherwise with stand-ins: {0}")]
    GoesOtherwise(String),
    /// A recorded request cannot be played.
    #[error("{0}")]
    Unplayable(String),
}

/// The digest of the rules that a call began under.
pub fn rules_of(records: &[Record]) -> Option<RulesKey> {
    records
        .iter()
        .filter(|record| record.kind == Kind::Decision)
        .find_map(|record| record.rules.as_deref().and_then(RulesKey::parse))
}

/// The call as it was, with everything that names people in it; only to be played, never to be kept.
pub fn true_recording(records: &[Record], rules: RulesKey) -> Result<Recording, TakeError> {
    let mut end = None;
    let mut webhooks = Vec::new();
    let mut requests = 0_usize;
    let first = records.iter().find(|record| record.kind == Kind::Decision).ok_or(TakeError::NothingDecided)?;
    let prefix = records.iter().filter_map(|record| record.twiml.as_deref()).find_map(prefix).unwrap_or_default();
    for record in records {
        match record.kind {
            Kind::Decision | Kind::Screen | Kind::Status | Kind::Recording | Kind::Transcription => {}
            Kind::Closed => {
                end = record.summary.as_ref().and_then(|summary| summary.end.clone()).or(end);
                continue;
            }
            Kind::Message | Kind::Trial | Kind::Security => continue,
        }
        if let Some(decided) = record.decision.as_ref().and_then(|decision| decision.end.clone()) {
            end = Some(decided);
        }
        let Some(request) = &record.request else { continue };
        requests += 1;
        webhooks.push(webhook(record, request)?);
    }
    if requests == 0 {
        return Err(TakeError::NoRequest);
    }
    Ok(Recording {
        fixture: FORM,
        org: first.org.clone(),
        call: first.call.clone(),
        rules: RulesOf { digest: rules.to_string(), ..RulesOf::default() },
        templates: first.templates.clone(),
        signed_for: format!("{ORIGIN}{prefix}"),
        kept: Vec::new(),
        webhooks,
        end: end.unwrap_or_else(|| "unknown".to_owned()),
    })
}

/// What stands before our own paths in an answer.
fn prefix(twiml: &str) -> Option<String> {
    let (_, url) = tree::addresses(twiml).into_iter().next()?;
    let at = url.find("/twilio/")?;
    url.get(..at).map(str::to_owned)
}

/// The field in which the phone for trials tells the time.
const TIME: &str = crate::model::simulator::TIME;

fn webhook(record: &Record, request: &Request) -> Result<Webhook, TakeError> {
    let latin = request.content_type.as_deref().map(str::to_ascii_lowercase);
    let charset = match latin.as_deref() {
        None => Charset::Utf8,
        Some(kind) if kind.starts_with("application/x-www-form-urlencoded") => {
            if kind.contains("8859") || kind.contains("latin") { Charset::Latin1 } else { Charset::Utf8 }
        }
        Some(_) => return Err(TakeError::NoForm),
    };
    let form = Form::parse(request.body.as_bytes(), charset, &Limits::default()).map_err(|_error| TakeError::NoForm)?;
    let told =
        form.get(TIME).and_then(|text| text.parse().ok()).and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let received = jiff::Timestamp::from_microsecond(record.received.us).unwrap_or_default();
    let mut at = told.unwrap_or(received);
    // A call arrives at the second from which its hours are judged.
    if record.from.as_ref().is_some_and(|from| from.step.is_none())
        && let Some(began) = record.began.filter(|began| *began != at.as_second())
    {
        at = jiff::Timestamp::from_second(began).unwrap_or(at);
    }
    let pairs: Vec<String> = match charset {
        Charset::Utf8 => request.body.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect(),
        Charset::Latin1 => form.iter().map(|pair| Form::of([pair]).encode()).collect(),
    };
    let decided = record.fault.is_none();
    Ok(Webhook {
        at: at.to_string(),
        method: request.method.clone(),
        target: request.target.clone(),
        content_type: None,
        signature: String::new(),
        form: pairs,
        state: record.state.clone(),
        fault: record.fault.as_deref().map(|fault| fault.split(':').next().unwrap_or_default().to_owned()),
        answer: Answer {
            decision: record.decision.clone(),
            next: record.to.clone(),
            accepted: record.reported.accepted.filter(|_| record.kind == Kind::Screen),
            effects: if decided { record.effects.clone() } else { Vec::new() },
            reasons: reasons(&record.trace),
            twiml: record.twiml.clone().unwrap_or_default(),
        },
    })
}

/// What a recording is made with.
#[derive(Debug)]
pub struct Studio<'a> {
    /// What it went by.
    pub then: Stage<'a>,
    /// What the stand-ins go by: the same, or the copy of the rules with stand-ins.
    pub after: Stage<'a>,
    /// Where the rules will be found.
    pub rules: RulesOf,
}

/// The recording with stand-ins, signed with the token for fixtures, and still going the same way.
pub fn stand_in(call: &Recording, studio: &Studio<'_>, all: &mut StandIns<'_>) -> Result<Recording, TakeError> {
    let truth = answers(call, &studio.then)?;
    let mut why = String::new();
    for words in [Words::Replaced, Words::Kept] {
        all.kept.clear();
        let mut made = replaced(call, &studio.rules, all, words)?;
        let now = answers(&made, &studio.after)?;
        if let Some(place) = parted(call, &truth, &now) {
            why = format!("webhook {}", place + 1);
            continue;
        }
        if words == Words::Kept {
            all.kept.insert("what people said and typed, because the call went by it".to_owned());
        }
        let answered = call.webhooks.iter().zip(truth.iter().zip(now));
        for (place, (made, (webhook, (truth, now)))) in made.webhooks.iter_mut().zip(answered).enumerate() {
            match now {
                Ok(now) if webhook.fault.is_none() && truth.as_ref() == Ok(&webhook.answer) => made.answer = now,
                Ok(_) | Err(_) => {
                    made.answer = answer_in_words(&webhook.answer, &known(webhook), all);
                    if webhook.fault.is_none() {
                        let note = format!("webhook {} was answered otherwise than it is now", place + 1);
                        all.kept.insert(note);
                    }
                }
            }
        }
        made.kept = all.kept.iter().cloned().collect();
        return Ok(made);
    }
    Err(TakeError::GoesOtherwise(why))
}

/// The first request that is decided otherwise.
fn parted(call: &Recording, truth: &[Result<Answer, String>], now: &[Result<Answer, String>]) -> Option<usize> {
    let same = |one: &Result<Answer, String>, two: &Result<Answer, String>| match (one, two) {
        (Ok(one), Ok(two)) => {
            one.decision == two.decision
                && one.next == two.next
                && one.accepted == two.accepted
                && one.effects == two.effects
        }
        (Err(_), Err(_)) => true,
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
    };
    let pairs = truth.iter().zip(now).zip(&call.webhooks);
    pairs.enumerate().find(|(_, ((one, two), webhook))| webhook.fault.is_none() && !same(one, two)).map(|(at, _)| at)
}

/// What each request of a call is answered.
fn answers(call: &Recording, stage: &Stage<'_>) -> Result<Vec<Result<Answer, String>>, TakeError> {
    let tape = Tape::of(call).map_err(TakeError::Unplayable)?;
    let mut keys = Keys::default();
    let answer = |played: Played| played.answer(stage.rules);
    Ok(tape.requests.iter().map(|request| play(&tape, request, stage, &mut keys, None).map(answer)).collect())
}

fn replaced(call: &Recording, rules: &RulesOf, all: &mut StandIns<'_>, words: Words) -> Result<Recording, TakeError> {
    let origin = Origin::parse(&call.signed_for).map_err(|error| TakeError::Unplayable(error.to_string()))?;
    let mut made = call.clone();
    made.rules = rules.clone();
    made.call = all.field("CallSid", &call.call, words).unwrap_or_default();
    for webhook in &mut made.webhooks {
        let pairs = webhook.form.iter().map(String::as_str);
        webhook.form = fields::changed(pairs, Charset::Utf8, |name, value| all.field(name, value, words));
        webhook.target = all.target(&webhook.target, &rules.digest, words);
        webhook.signature = sign(webhook, &origin, &Signer::new(TOKEN));
    }
    Ok(made)
}

/// The signature of a request as it stands in the recording.
pub fn sign(webhook: &Webhook, origin: &Origin, signer: &Signer) -> String {
    let form = Form::parse(webhook.body().as_bytes(), Charset::Utf8, &Limits::default()).unwrap_or_default();
    signer.sign(&origin.url(&webhook.target), &form)
}

/// The numbers that came with a request.
fn known(webhook: &Webhook) -> BTreeSet<String> {
    let form = Form::parse(webhook.body().as_bytes(), Charset::Utf8, &Limits::default()).unwrap_or_default();
    let query = webhook.target.split_once('?').map_or("", |(_, query)| query);
    let query = Form::parse(query.as_bytes(), Charset::Utf8, &Limits::default()).unwrap_or_default();
    let callers = query.iter().filter(|(name, _)| *name == "f").map(|(_, value)| format!("+{value}"));
    let parties = form.iter().chain(query.iter()).filter(|(name, _)| NUMBERS.contains(name));
    let numbers = parties.map(|(_, value)| value.to_owned()).chain(callers);
    numbers.filter(|value| crate::model::phone::E164::parse(value).is_ok()).collect()
}

/// An answer that cannot be had by playing, with stand-ins for what came with its request.
fn answer_in_words(answer: &Answer, known: &BTreeSet<String>, all: &mut StandIns<'_>) -> Answer {
    let mut made = answer.clone();
    made.twiml = all.answer_text(&answer.twiml, known);
    made.reasons = answer.reasons.iter().map(|line| all.answer_text(line, known)).collect();
    made
}
