//! What records ask to be sent.

use crate::audit::record::{Effected, Facts, Kind as RecordKind, Place, Received, Record};
use crate::model::moment::Zone;
use crate::model::phone::E164;
use crate::outreach::draft::{Draft, Kind};
use crate::outreach::effects::{Case, perhaps_told, transcript, wanted};
use crate::outreach::guard::refusal;
use crate::rules::ruleset::RuleSet;

const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  dana: { number: "+16195550111", notify: sms }
  lee: { number: "+16195550112", notify: sms }
  owner: { number: "+16195550130" }
  abroad: { number: "+493012345678" }
countries: [US]
routes:
  - name: main
    cascade: [{ ring: dana }, { ring: lee }, { text: [caller, owner], body: "Sorry, {{caller}}." }, { voicemail: box }]
    missed: page
escalations:
  page:
    - { sms: [dana, lee], text: "Missed {{caller}} on {{line}} at {{time}}. Reply TAKE." }
    - { sms: [owner, abroad], after: 10m, unless: taken, text: "Nobody took {{caller}}." }
mailboxes:
  box: { greeting: Please leave a message., send_to: [owner, on_duty], transcribe: true }
finally: { voicemail: box }
"#;

fn rules() -> RuleSet {
    let today = jiff::civil::date(2026, 11, 23);
    let loaded = crate::rules::load("acme", RULES.as_bytes(), &crate::rules::NoFiles, today);
    loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

const NOW: i64 = 1_795_456_800;

fn record(caller: &str, kind: &str, step: Option<&str>, to: Option<&str>) -> Record {
    let at = jiff::Timestamp::from_second(NOW).unwrap();
    let effect = Effected {
        key: kind.to_owned(),
        kind: kind.to_owned(),
        step: step.map(str::to_owned),
        to: to.map(str::to_owned),
    };
    let facts = Facts { caller: caller.into(), called: "+16195550100".into(), ..Facts::default() };
    Record {
        call: "CA0123456789abcdef0123456789abcdef".into(),
        facts: Some(facts),
        effects: vec![effect],
        ..Record::blank(RecordKind::Decision, uuid::Uuid::nil(), "node", Received::at(at, &Zone::utc()))
    }
}

fn drafts(record: &Record) -> Vec<Draft> {
    wanted(&rules(), record, &|sid| Some(format!("https://phones.example.com/listen/{sid}"))).drafts
}

fn told(drafts: &[Draft]) -> Vec<(&str, i64, &str)> {
    drafts.iter().filter(|it| it.refused.is_none()).map(|it| (it.to.as_str(), it.due - NOW, it.body.as_str())).collect()
}

#[test]
fn a_missed_call_is_told_to_both_at_once_and_to_the_owner_later() {
    let record = record("+13125550123", "missed", None, Some("page"));
    let drafts = drafts(&record);
    let first = "Missed +13125550123 on +16195550100 at 10:00am on Mon Nov 23. Reply TAKE.";
    assert_eq!(
        told(&drafts),
        [("+16195550111", 0, first), ("+16195550112", 0, first), ("+16195550130", 600, "Nobody took +13125550123.")]
    );
    assert!(!drafts[0].unless_taken && drafts[2].unless_taken);
    assert_eq!(drafts[0].from.as_ref().unwrap().as_str(), "+16195550100");
    assert!(drafts[3].refused.as_ref().unwrap().contains("landline"), "{drafts:?}");
    let mut keys: Vec<_> = drafts.iter().map(|draft| &draft.key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), drafts.len(), "every text has a name of its own");
}

/// The step that sends a text.
fn text_step(rules: &RuleSet) -> String {
    let place = |cascade: &crate::rules::ruleset::Cascade| {
        cascade.steps.iter().position(|step| matches!(step.verb, crate::rules::ruleset::Verb::Text(_)))
    };
    let found = rules.cascades.iter().enumerate().find_map(|(id, cascade)| place(cascade).map(|at| (id, at)));
    let (cascade, index) = found.unwrap();
    format!("{cascade}.{index}")
}

#[test]
fn a_caller_gets_a_text_only_at_a_number_that_can_be_had() {
    let step = text_step(&rules());
    let to = |caller: &str| drafts(&record(caller, "text", Some(&step), None));
    let fine = to("+13125550123");
    assert_eq!(told(&fine)[0], ("+13125550123", 0, "Sorry, +13125550123."));
    for (caller, why) in [
        ("anonymous", "withheld"),
        ("sip:{{line}}@example.com", "no phone number"),
        ("+19005550123", "extra"),
        ("+493012345678", "landline"),
        ("+447911123456", "countries"),
        ("+16195550100", "our own"),
        ("+18005550123", "toll-free"),
    ] {
        let drafts = to(caller);
        assert!(drafts[0].refused.as_ref().is_some_and(|told| told.contains(why)), "{caller}: {:?}", drafts[0]);
        assert_eq!(told(&drafts).len(), 1, "the owner hears all the same");
        assert!(!drafts[0].body.contains("example.com"), "{:?}", drafts[0]);
    }
}

#[test]
fn a_message_is_told_with_its_length_and_a_link_and_its_transcript_follows() {
    let mut left = record("+13125550123", "message", None, Some("box"));
    left.facts.as_mut().unwrap().seconds = Some(12);
    left.reported.recording = Some("RE0123456789abcdef0123456789abcdef".into());
    left.from = Some(Place { rule: Some("0.0".into()), ..Place::default() });
    let asked = wanted(&rules(), &left, &|sid| Some(format!("https://phones.example.com/listen/{sid}")));
    let body = "New message (12 s) from +13125550123 for +16195550100, 10:00am on Mon Nov 23. \
                Listen: https://phones.example.com/listen/RE0123456789abcdef0123456789abcdef";
    let numbers = ["+16195550130", "+16195550111", "+16195550112"];
    assert_eq!(told(&asked.drafts), numbers.map(|number| (number, 0, body)), "the owner, and both who were rung");
    // Where no rule led the caller there, nobody can tell who is on duty, and all who are told by text are.
    let outside = Record { from: None, ..left };
    let all: Vec<String> = wanted(&rules(), &outside, &|_| None).drafts.into_iter().map(|draft| draft.to).collect();
    assert!(all.len() > 1 && all[0] == "+16195550130" && all.contains(&"+16195550111".to_owned()), "{all:?}");
    let mut written = record("", "none", None, None);
    written.effects.clear();
    written.reported.contact = Some("box".into());
    written.reported.text = Some("Please call me back.".into());
    let case = asked.case.unwrap();
    let body = "Message from +13125550123: Please call me back.";
    assert_eq!(told(&transcript(&rules(), &written, &case, &[])), [("+16195550130", 0, body)]);
    // Who was on duty is known by whom the message was told.
    let keys: Vec<&str> = asked.drafts.iter().map(|draft| &*draft.key).collect();
    let had = perhaps_told(&rules(), &written).into_iter().filter(|(_, key)| keys.contains(&&**key));
    let had: Vec<_> = had.map(|(contact, _)| contact).collect();
    assert_eq!(told(&transcript(&rules(), &written, &case, &had)), numbers.map(|number| (number, 0, body)));
    written.reported.text = Some("(blank)".into());
    let case = Case { call: "CA".into(), caller: "x".into(), called: String::new(), at: NOW };
    assert_eq!(transcript(&rules(), &written, &case, &[]), []);
}

#[test]
fn the_guard_lets_listed_mobiles_through() {
    let rules = rules();
    for number in ["+16195550111", "+13125550199"] {
        assert_eq!(refusal(&rules, &E164::parse(number).unwrap()), None, "{number}");
    }
}

#[test]
fn every_kind_reads_back() {
    for kind in Kind::ALL {
        assert_eq!(Kind::named(kind.word()), Some(kind));
    }
    assert_eq!(Kind::named("other"), None);
}
