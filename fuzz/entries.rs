//! What strangers, owners and damaged disks can hand to the program, each as one function over bytes: it may refuse
//! them, and may neither panic nor contradict itself. The targets here run them for hours; `tests/it/fuzzed.rs` runs
//! the same functions over the seeds, and over copies of them with a few bytes changed, in the ordinary suite.

use std::sync::LazyLock;

use jiff::Timestamp;
use ringfall::audit::person;
use ringfall::audit::record::Record;
use ringfall::chain::entry::{self, Form as Sealed, Tip};
use ringfall::chain::export::Reader;
use ringfall::control::command::wish;
use ringfall::control::{self, Command, Sender, sentences};
use ringfall::draw::diagnostics::{self, Style};
use ringfall::feed::plan;
use ringfall::journey::people::Script;
use ringfall::journey::{self, Call};
use ringfall::model::call::{Attestation, State};
use ringfall::model::ids::LineId;
use ringfall::model::leg::Leg;
use ringfall::model::moment::{Moment, Zone};
use ringfall::model::phone::{Caller, E164};
use ringfall::phone::script;
use ringfall::replay::recording::Recording;
use ringfall::rules::ruleset::RuleSet;
use ringfall::rules::{NoFiles, calendar, load};
use ringfall::settings::dotenv;
use ringfall::twiml::document;
use ringfall::twiml::schema::{self, Context};
use ringfall::webhook::continuation::Continuation;
use ringfall::webhook::endpoint::Endpoint;
use ringfall::webhook::event::CallEvent;
use ringfall::webhook::form::{Charset, Form};
use ringfall::webhook::raw::{Limits, RawWebhook, Wire};
use ringfall::webhook::signature::{Signer, Verifier, VerifierSet};

/// Something that takes any bytes.
type Entry = fn(&[u8]);

/// Every entry, by the name of its target and of its folder of seeds.
pub(crate) const ENTRIES: [(&str, Entry); 10] = [
    ("form", form),
    ("webhook", webhook),
    ("rules", rules),
    ("twiml", twiml),
    ("recording", recording),
    ("journal", journal),
    ("export", export),
    ("control", control),
    ("calendar", calendar),
    ("settings", settings),
];

/// Hands the bytes to the entry of that name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let (_, entry) = ENTRIES.iter().find(|(known, _)| *known == name).expect("an entry of that name");
    entry(bytes);
}

/// A moment that stays the same: Monday 2026-11-23 10:00 in Los Angeles.
const NOW: i64 = 1_795_456_800;

/// A form: what was read is written, and read as the same.
fn form(bytes: &[u8]) {
    for charset in [Charset::Utf8, Charset::Latin1] {
        let Ok(form) = Form::parse(bytes, charset, &Limits::default()) else { continue };
        assert_eq!(form.iter().count(), form.len());
        let again = Form::parse(form.encode().as_bytes(), Charset::Utf8, &Limits::default());
        // Written out, a form of many signs may be longer than a form may be.
        if let Ok(again) = again {
            assert!(form.iter().eq(again.iter()), "{form:?} was read as {again:?}");
        }
        for (name, _) in form.iter() {
            assert!(form.get(name).is_some());
        }
    }
}

/// A request, its first line the target and the rest the body: signed it is believed, changed it is not, and what its
/// fields say is an event or is none.
fn webhook(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (target, body) = text.split_once('\n').unwrap_or((text, ""));
    let wire = |method, signature| {
        let content_type = Some("application/x-www-form-urlencoded");
        let wire = Wire { method, target, content_type, signature, body: body.as_bytes() };
        RawWebhook::read(wire, &Limits::default())
    };
    let url = format!("https://phones.example.com{target}");
    let keys = VerifierSet::one(Verifier::from_token("0123456789abcdef0123456789abcdef"));
    let Ok(raw) = wire("POST", None) else { return };
    let fields = Form::parse(body.as_bytes(), Charset::Utf8, &Limits::default()).expect("it was read before");
    let good = Signer::new("0123456789abcdef0123456789abcdef").sign(&url, &fields);
    let other = Signer::new("0123456789abcdef0123456789abcdee").sign(&url, &fields);
    assert!(keys.check(&url, &raw).is_err(), "no signature is a bad one");
    let signed = wire("POST", Some(&good)).expect("it was read before");
    assert!(keys.check(&url, &signed).is_ok(), "our own signature is refused");
    let forged = wire("POST", Some(&other)).expect("it was read before");
    assert!(keys.check(&url, &forged).is_err(), "another token's signature is believed");
    for endpoint in Endpoint::ALL {
        drop(CallEvent::recorded(endpoint, &signed));
        let query = Form::parse(raw.raw_query().as_bytes(), Charset::Utf8, &Limits::default());
        let Ok(Ok(Some(place))) = query.map(|query| Continuation::parse(endpoint, &query)) else { continue };
        let target = place.target("");
        let (_, query) = target.split_once('?').expect("a place is told in the query");
        let query = Form::parse(query.as_bytes(), Charset::Utf8, &Limits::default()).expect("our own query");
        assert_eq!(Continuation::parse(endpoint, &query).expect("our own query"), Some(place));
    }
}

/// A rule file: every mistake has a place, and rules without one answer a call to its end.
fn rules(bytes: &[u8]) {
    let loaded = load("acme.yaml", bytes, &NoFiles, jiff::civil::date(2026, 11, 23));
    let bad = loaded.diagnostics.iter().any(ringfall::diagnostic::Diagnostic::is_error);
    assert_eq!(loaded.rules.is_none(), bad, "rules without errors, or errors without rules");
    for diagnostic in &loaded.diagnostics {
        for label in diagnostic.primary.iter().chain(&diagnostic.secondary) {
            assert!(label.source.text.get(label.span.clone()).is_some(), "{diagnostic:?} has no place");
        }
    }
    assert_eq!(diagnostics::text(&loaded.diagnostics, Style::Plain).is_empty(), loaded.diagnostics.is_empty());
    let Some(rules) = loaded.rules else { return };
    let call = Call {
        line: (!rules.lines.is_empty()).then_some(LineId(0)),
        caller: Caller::parse("+13125550123"),
        forwarded_from: None,
        attestation: Attestation::ALL[0],
        at: NOW,
        state: State::default(),
    };
    assert!(!journey::travel(&rules, &call, &mut Script::new()).stops.is_empty());
}

/// A document of verbs: what is well formed reads back the same, and what the carrier takes is well formed.
fn twiml(bytes: &[u8]) {
    let Ok(xml) = std::str::from_utf8(bytes) else { return };
    let parsed = document::parse(xml);
    for context in [Context::Voice, Context::Screening] {
        let complaints = schema::check(xml, context);
        if parsed.is_err() {
            assert!(complaints.iter().any(schema::Complaint::is_error), "what cannot be read is taken");
        }
    }
    if let Ok(response) = &parsed {
        assert!(response.same(&document::parse(xml).expect("it was read before")));
        response.verbs().for_each(|verb| drop(verb.text()));
    }
}

/// A recorded call: what was read is written, and read as the same.
fn recording(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(recording) = Recording::read("call.yaml", text) else { return };
    let again = Recording::read("call.yaml", &recording.text()).expect("our own file");
    assert_eq!(recording, again);
}

/// What is stored of a record (a seed may be its JSON): it is bound and holds, and so it does without its person.
fn journal(bytes: &[u8]) {
    let written = serde_json::from_slice::<Record>(bytes).ok();
    let stored = written.and_then(|record| rmp_serde::to_vec_named(&record).ok()).unwrap_or_else(|| bytes.to_vec());
    let mut tip = Tip::genesis("node-1");
    let bound = tip.extend(1, &stored, [7; entry::SALT]);
    assert_eq!(bound.form(&stored), Sealed::Whole);
    let Some(record) = entry::read(&stored) else { return };
    let open = person::without(record.clone());
    assert_eq!(person::without(open.clone()), open, "taking the person out twice changes something");
    let kept = rmp_serde::to_vec_named(&open).expect("a record can be written");
    assert_eq!(bound.erased().form(&kept), Sealed::Open, "the chain does not hold without the person");
    let text = serde_json::to_string(&record).expect("a record can be written");
    let again: Record = serde_json::from_str(&text).expect("our own record");
    assert_eq!(serde_json::to_string(&again).expect("a record can be written"), text);
}

/// An export, line by line: it proves something or is refused with its line.
fn export(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut reader = Reader::new(&[]);
    if text.lines().all(|line| reader.line(line).is_ok()) {
        drop(reader.finish());
    }
}

const SWITCHES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  owner: { number: "+16195550130" }
  dana: { number: "+16195550111", away: dana_away }
switches:
  closed_today: { expires: end_of_day, set_by: [owner] }
  maintenance: { expires: 4h, set_by: [owner] }
  dana_away: { expires: 12h, set_by: [dana, owner] }
routes:
  - when: { not: { switch: [closed_today, maintenance] } }
    cascade: [{ ring: owner }, { ring: dana }]
finally: { voicemail: Please leave a message. }
"#;

/// A text from a contact, and what `ringfall call` is told: a command that holds for a while, or an answer.
fn control(bytes: &[u8]) {
    static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
        let loaded = load("acme.yaml", SWITCHES.as_bytes(), &NoFiles, jiff::civil::date(2026, 11, 23));
        loaded.rules.expect("rules without a mistake")
    });
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let zone = Zone::named("America/Los_Angeles").expect("a zone");
    let now = Moment::new(Timestamp::from_second(NOW).expect("a moment"), &zone);
    let _read = wish(text);
    for number in ["+16195550130", "+16195550111"] {
        let number = E164::parse(number).expect("a number");
        let sender = Sender::find(&RULES, &number).expect("a contact");
        match control::read(text, &sender, &now) {
            Ok(Command::Turn(turn)) => {
                assert!(turn.until.as_second() > NOW, "it is over before it begins");
                assert!(sender.may(turn.switch), "it is not in this person's hands");
                assert!(!sentences::turned(&RULES, &turn, &now).is_empty());
            }
            Ok(_) => {}
            Err(answer) => assert!(!answer.is_empty()),
        }
    }
    drop(script::MessageEnd::parse(text));
    drop(script::Phase::parse(text));
    drop(Leg::parse(text));
    drop(script::Script::milliseconds(text));
}

/// A calendar of holidays.
fn calendar(bytes: &[u8]) {
    drop(calendar::read(bytes, &Zone::named("Europe/Berlin").expect("a zone")));
}

/// A settings file: secrets in lines, and a list of sinks.
fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    drop(dotenv::parse(text));
    if let Ok(value) = serde_yaml::from_str::<serde_yaml::Value>(text)
        && let Err(faults) = plan::read(value)
    {
        assert!(!faults.is_empty(), "refused for no reason");
    }
}
