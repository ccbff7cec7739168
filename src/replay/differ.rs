//! A recording compared with what is answered now: every difference, in words, with its place.

use crate::replay::TOKEN;
use crate::replay::again::{Keys, Stage, Tape, play};
use crate::replay::recording::{Answer, Recording};
use crate::replay::{take, tree};
use crate::webhook::continuation::{Continuation, Leg};
use crate::webhook::endpoint::Endpoint;
use crate::webhook::form::{Charset, Form};
use crate::webhook::raw::Limits;
use crate::webhook::signature::Signer;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Which webhook of the call, from 1.
    pub webhook: usize,
    /// The address that was asked, such as `inbound-call`.
    pub asked: &'static str,
    /// `twiml`, `decision`, `effects`, `reasons`, `accepted` or `request`.
    pub what: &'static str,
    /// Where in it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What was answered then.
    pub expected: String,
    /// What is answered now.
    pub got: String,
}

/// What came of playing a recording.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// How many requests were played.
    pub played: usize,
    /// How many of them were answered in spite of a fault, and so are not compared.
    pub faulty: usize,
    /// How many were left out, because after another answer they would not have come.
    pub left_out: usize,
    /// Every difference.
    pub differences: Vec<Difference>,
}

/// Which addresses are asked for now instead of those that were then.
#[derive(Debug, Default)]
pub struct Routes {
    /// Nothing is looked up before the first answer that differs.
    open: bool,
    pairs: Vec<(String, String)>,
}

/// Where a request of the recording goes now.
#[derive(Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// Where it went then.
    Same,
    /// To another place of the call.
    Instead(&'a str),
    /// Nowhere: nobody asks for it any more.
    Gone,
}

impl Routes {
    /// Where the request with this target goes.
    pub fn of(&self, target: &str) -> Route<'_> {
        let configured = !target.contains("rules=");
        if !self.open || configured {
            return Route::Same;
        }
        let fits = |url: &str| target.strip_prefix(url).is_some_and(|rest| rest.is_empty() || rest.starts_with('&'));
        // By GET the carrier's fields follow ours; the longest address that fits is the one that was asked.
        match self.pairs.iter().filter(|(then, _)| fits(then)).max_by_key(|(then, _)| then.len()) {
            None => Route::Gone,
            Some((then, now)) if then == now => Route::Same,
            Some((_, now)) => Route::Instead(now),
        }
    }

    /// Starts looking up; the answers so far were the same.
    pub fn open<'a>(&mut self, same_so_far: impl Iterator<Item = &'a Answer>, prefix: &str) {
        if !std::mem::replace(&mut self.open, true) {
            same_so_far.for_each(|answer| self.same(&answer.twiml, prefix));
        }
    }

    /// The addresses of this answer are asked for as they were.
    pub fn same(&mut self, twiml: &str, prefix: &str) {
        let all = tree::addresses(twiml).into_iter().map(|(_, url)| without(prefix, &url));
        self.pairs.extend(all.map(|url| (url.clone(), url)));
    }

    /// Those of one answer are asked for in place of those of the other.
    pub fn pair(&mut self, then: &str, now: &str, prefix: &str) {
        let mut others = tree::addresses(now);
        for (place, url) in tree::addresses(then) {
            if let Some(at) = others.iter().position(|(other, _)| *other == place) {
                let (_, other) = others.remove(at);
                self.pairs.push((without(prefix, &url), without(prefix, &other)));
            }
        }
    }
}

fn without(prefix: &str, url: &str) -> String {
    url.strip_prefix(prefix).unwrap_or(url).to_owned()
}

/// Plays the recording and compares.
pub fn judge(recording: &Recording, tape: &Tape, stage: &Stage<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    follow(recording, tape, stage, |step| match step {
        Step::Compared { differences, .. } => {
            verdict.played += 1;
            verdict.differences.extend(differences);
        }
        Step::Faulty => {
            verdict.played += 1;
            verdict.faulty += 1;
        }
        Step::LeftOut => verdict.left_out += 1,
    });
    verdict
}

/// One request on the way through a recording.
#[derive(Debug)]
pub enum Step {
    /// It was played: what is answered now, unless that is the same, and every difference.
    Compared {
        /// The new answer, if it is another one.
        now: Option<Box<Answer>>,
        /// The place in the call that is asked for now, if it is another one.
        instead: Option<String>,
        /// The differences.
        differences: Vec<Difference>,
    },
    /// It was answered in spite of a fault, and is only passed by.
    Faulty,
    /// Nobody asks for it any more.
    LeftOut,
}

/// Goes through a recording request by request.
pub fn follow(recording: &Recording, tape: &Tape, stage: &Stage<'_>, mut each: impl FnMut(Step)) {
    let same = recording.rules.digest == stage.rules.digest.short();
    let measure = if same { Measure::SameRules } else { Measure::OtherRules };
    let prefix = tape.origin.prefix();
    let (mut keys, mut routes) = (Keys::default(), Routes::default());
    for (place, (webhook, request)) in recording.webhooks.iter().zip(&tape.requests).enumerate() {
        let instead = match routes.of(request.target()) {
            Route::Same => None,
            Route::Instead(target) => Some(target.to_owned()),
            Route::Gone => {
                each(Step::LeftOut);
                continue;
            }
        };
        let played = play(tape, request, stage, &mut keys, instead.as_deref());
        if webhook.fault.is_some() {
            routes.same(&webhook.answer.twiml, prefix);
            each(Step::Faulty);
            continue;
        }
        let note = |what, place_in: String, expected, got| Difference {
            webhook: place + 1,
            asked: request.endpoint.word(),
            what,
            place: place_in,
            expected,
            got,
        };
        let played = match played {
            Ok(played) => played,
            Err(error) => {
                let differences = vec![note("request", String::new(), "an answer".to_owned(), error)];
                each(Step::Compared { now: None, instead, differences });
                continue;
            }
        };
        let fault = played.fault.clone();
        let now = played.answer(stage.rules);
        if now == webhook.answer {
            if routes.open {
                routes.same(&now.twiml, prefix);
            }
            each(Step::Compared { now: None, instead, differences: Vec::new() });
            continue;
        }
        let before = recording.webhooks.iter().take(place).map(|webhook| &webhook.answer);
        routes.open(before, prefix);
        if goes_on_alike(&webhook.answer, &now) {
            routes.pair(&webhook.answer.twiml, &now.twiml, prefix);
        }
        let mut differences = Vec::new();
        if let Some(fault) = fault {
            differences.push(note("twiml", String::new(), "an answer from its template".to_owned(), fault));
        }
        let apart = compare(&webhook.answer, &now, measure);
        differences
            .extend(apart.into_iter().map(|Apart { what, place, expected, got }| note(what, place, expected, got)));
        each(Step::Compared { now: Some(Box::new(now)), instead, differences });
    }
}

/// Whether the next request may report of the same thing that it reported of then.
pub fn goes_on_alike(then: &Answer, now: &Answer) -> bool {
    match (&then.decision, &now.decision) {
        (Some(one), Some(two)) => one.act == two.act && one.contacts == two.contacts && one.name == two.name,
        (None, None) => then.accepted == now.accepted,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// What differs, without the request that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// As in [`Difference::what`].
    pub what: &'static str,
    /// Where in it.
    pub place: String,
    /// What was answered then.
    pub expected: String,
    /// What is answered now.
    pub got: String,
}

/// What may differ between two answers that mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Nothing but the writing of the TwiML: the same rules decided.
    SameRules,
    /// The numbers of steps and the words of reasons. What callers and callees meet, and what is sent, may not.
    OtherRules,
    /// The same, and the path before our own in addresses.
    OtherServer,
}

/// Compares two answers.
pub fn compare(then: &Answer, now: &Answer, measure: Measure) -> Vec<Apart> {
    let same_rules = measure == Measure::SameRules;
    let mut found = Vec::new();
    let mut check = |what, place: &str, expected: String, got: String| {
        if expected != got {
            found.push(Apart { what, place: place.to_owned(), expected, got });
        }
    };
    let words = |answer: &Answer| answer.decision.as_ref().map_or_else(|| "nothing".to_owned(), |it| it.plan.clone());
    if then.decision != now.decision && !(goes_on_alike(then, now) && !same_rules && alike(then, now)) {
        check("decision", "plan", words(then), words(now));
        for (name, read) in DECIDED {
            check("decision", name, read(then), read(now));
        }
        if same_rules {
            let step = |answer: &Answer| answer.decision.as_ref().and_then(|it| it.step.clone()).unwrap_or_default();
            check("decision", "step", step(then), step(now));
        }
    }
    if same_rules {
        let place = |answer: &Answer| answer.next.as_ref().and_then(|next| serde_json::to_string(next).ok());
        check("decision", "next", place(then).unwrap_or_default(), place(now).unwrap_or_default());
    }
    let yes = |answer: &Answer| answer.accepted.map_or("unknown", |yes| if yes { "yes" } else { "no" }).to_owned();
    check("accepted", "", yes(then), yes(now));
    let effects = |answer: &Answer| {
        let name = |effect: &crate::audit::record::Effected| {
            let to = effect.to.as_deref().map_or_else(String::new, |to| format!(" to {to}"));
            if same_rules { format!("{}{to}", effect.key) } else { format!("{}{to}", effect.kind) }
        };
        let all: Vec<String> = answer.effects.iter().map(name).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
    };
    check("effects", "", effects(then), effects(now));
    if same_rules {
        reasons(then, now, &mut check);
    }
    let same = |one: &str, two: &str| same_address(one, two, measure);
    let apart = tree::compare(&then.twiml, &now.twiml, &same);
    found.extend(apart.into_iter().map(|apart| Apart {
        what: "twiml",
        place: apart.place,
        expected: apart.expected,
        got: apart.got,
    }));
    found
}

type Read = fn(&Answer) -> String;

/// What of a decision counts under any rules.
const DECIDED: [(&str, Read); 4] = [
    ("rings", |answer| answer.decision.as_ref().map_or_else(String::new, |it| it.contacts.join(", "))),
    ("seconds", |answer| {
        answer.decision.as_ref().and_then(|it| it.seconds).map_or_else(String::new, |seconds| seconds.to_string())
    }),
    ("name", |answer| answer.decision.as_ref().and_then(|it| it.name.clone()).unwrap_or_default()),
    ("end", |answer| answer.decision.as_ref().and_then(|it| it.end.clone()).unwrap_or_default()),
];

fn alike(then: &Answer, now: &Answer) -> bool {
    DECIDED.iter().all(|(_, read)| read(then) == read(now))
}

/// The first line that differs says most; the rest follows from it.
fn reasons(then: &Answer, now: &Answer, check: &mut impl FnMut(&'static str, &str, String, String)) {
    let none = String::new();
    for at in 0..then.reasons.len().max(now.reasons.len()) {
        let (one, two) = (then.reasons.get(at).unwrap_or(&none), now.reasons.get(at).unwrap_or(&none));
        if one != two {
            check("reasons", &format!("line {}", at + 1), one.trim().to_owned(), two.trim().to_owned());
            return;
        }
    }
}

/// Whether two addresses of ours lead to the same place.
fn same_address(one: &str, two: &str, measure: Measure) -> bool {
    if one == two {
        return true;
    }
    let read = |url: &str| {
        let (path, query) = url.split_once('?')?;
        let at = path.find("/twilio/")?;
        let (prefix, path) = path.split_at_checked(at)?;
        let query = Form::parse(query.as_bytes(), Charset::Utf8, &Limits::default()).ok()?;
        let place = Continuation::parse(Endpoint::from_path(path)?, &query).ok()??;
        Some((prefix.to_owned(), place))
    };
    let (Some((prefix, one)), Some((other, two))) = (read(one), read(two)) else { return false };
    if (prefix != other && measure != Measure::OtherServer) || one.org != two.org {
        return false;
    }
    if measure == Measure::SameRules {
        return one == two;
    }
    match (&one.leg, &two.leg) {
        (Leg::Caller(one), Leg::Caller(two)) => {
            (one.stage, one.hop, one.began, one.language) == (two.stage, two.hop, two.began, two.language)
        }
        (Leg::Callee { caller, asked, .. }, Leg::Callee { caller: other, asked: again, .. }) => {
            (caller, asked) == (other, again)
        }
        (Leg::Status(one), Leg::Status(two)) => one.is_some() == two.is_some(),
        (Leg::Recording(one), Leg::Recording(two)) | (Leg::Transcription(one), Leg::Transcription(two)) => {
            one.began == two.began
        }
        _ => false,
    }
}

/// The recording with what is answered now in place of what was answered then. Requests that nobody asks for any more
/// are left out, and the others ask for what is asked for now.
pub fn updated(recording: &Recording, tape: &Tape, stage: &Stage<'_>) -> Recording {
    let mut made = Recording { webhooks: Vec::new(), ..recording.clone() };
    made.rules.digest = stage.rules.digest.short();
    made.templates = Some(stage.templates.digest().short());
    let signer = Signer::new(TOKEN);
    let mut steps = Vec::new();
    follow(recording, tape, stage, |step| steps.push(step));
    for (webhook, step) in recording.webhooks.iter().zip(steps) {
        let mut webhook = webhook.clone();
        match step {
            Step::LeftOut => continue,
            Step::Faulty => {}
            Step::Compared { now, instead, .. } => {
                if let Some(target) = instead {
                    webhook.target = target;
                    webhook.signature = take::sign(&webhook, &tape.origin, &signer);
                }
                if let Some(now) = now {
                    webhook.answer = *now;
                }
            }
        }
        if let Some(end) = webhook.answer.decision.as_ref().and_then(|decision| decision.end.clone()) {
            made.end = end;
        }
        made.webhooks.push(webhook);
    }
    made
}
