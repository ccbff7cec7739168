//! `ringfall numbers` and `ringfall fallback`, against a fake of Twilio.

use std::process::Output;

use crate::fake_twilio::{Act, Fake, KEY, KEY_SECRET};
use crate::support::{ACCOUNT, House, LINE, PUBLIC, RULES, TOKEN, program};

const STATIC: &str = "https://static.example.com/phones";

/// The command with a whole environment; what it wrote, and how it ended.
fn ringfall(house: &House, fake: &Fake, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program(&house.path(""));
    let settings = [
        ("RINGFALL_RULES", "rules"),
        ("RINGFALL_PUBLIC_URL", PUBLIC),
        ("RINGFALL_FALLBACK_URL", STATIC),
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("TWILIO_API_KEY", KEY),
        ("TWILIO_API_SECRET", KEY_SECRET),
    ];
    let Output { status, stdout, stderr } =
        command.args(arguments).envs(settings).env("RINGFALL_TWILIO_API_URL", fake.url()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn two_lines() -> House {
    let rules = RULES.replace("numbers: [\"+16195550100\"]", "numbers: [\"+16195550100\", \"+16195550101\"]");
    House::with(&[("rules/acme.yaml", &rules)])
}

#[test]
fn a_plan_shows_both_sides_and_apply_makes_them_the_same() {
    let (house, fake) = (House::new(), Fake::start());
    let trunk = "TK0123456789abcdef0123456789abcdef";
    fake.state().own(LINE, &[("voice_url", "https://old.example.com/voice"), ("trunk_sid", trunk)]);
    fake.state().own("+16195550190", &[]);
    let (code, out, err) = ringfall(&house, &fake, &["numbers", "plan"]);
    assert_eq!(code, Some(1), "{out}{err}");
    for part in [
        "https://phones.example.com/twilio/inbound-call?org=acme  https://old.example.com/voice",
        "https://static.example.com/phones/acme/16195550100.xml",
        trunk,
        "left alone: +16195550190",
    ] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    assert_eq!(ringfall(&house, &fake, &["numbers", "drift"]).0, Some(1));
    let (code, out, err) = ringfall(&house, &fake, &["numbers", "apply", "--org", "acme"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("as it should be") && err.contains("1 of 1 numbers set"), "{out}{err}");
    let state = fake.state().number(LINE).clone();
    assert_eq!(state["voice_url"], "https://phones.example.com/twilio/inbound-call?org=acme");
    assert_eq!(state["voice_fallback_method"], "GET");
    assert_eq!(state["sms_url"], "https://phones.example.com/twilio/inbound-sms?org=acme");
    assert_eq!(state["trunk_sid"], serde_json::Value::Null);
    assert_eq!(fake.state().number("+16195550190")["voice_url"], "");
    let (code, out, _) = ringfall(&house, &fake, &["numbers", "drift"]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    let (code, out, _) = ringfall(&house, &fake, &["numbers", "plan", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["lines"][0]["good"]), (Some(0), &true.into()));
}

#[test]
fn when_one_number_fails_all_are_as_they_were() {
    for act in [Act::Fault(400, 21402), Act::DoAndCut] {
        let (house, fake) = (two_lines(), Fake::start());
        fake.state().own(LINE, &[("voice_url", "https://old.example.com/voice")]);
        let second = fake.state().own("+16195550101", &[("voice_url", "https://old.example.com/other")]);
        let before = fake.state().numbers.clone();
        // The second is asked again after a broken answer, and breaks again.
        fake.script(&format!("{second}.json"), &vec![act.clone(); if matches!(act, Act::DoAndCut) { 4 } else { 1 }]);
        let (code, out, err) = ringfall(&house, &fake, &["numbers", "apply"]);
        assert_eq!(code, Some(3), "{out}{err}");
        assert!(err.contains("+16195550101 could not be set, and everything is as it was"), "{act:?}: {err}");
        assert_eq!(fake.state().numbers, before, "{act:?}");
    }
}

#[test]
fn a_number_that_the_account_does_not_have_is_told() {
    let (house, fake) = (House::new(), Fake::start());
    let (code, out, _) = ringfall(&house, &fake, &["numbers", "plan"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("does not have this number"), "{out}");
    let (code, out, _) = ringfall(&house, &fake, &["numbers", "drift"]);
    assert_eq!((code, out.as_str()), (Some(1), "+16195550100 acme/+16195550100: the account does not have it\n"));
}

#[test]
fn a_number_is_bought_only_when_it_is_named_twice() {
    let (house, fake) = (House::new(), Fake::start());
    fake.state().for_sale = vec!["+16195550142".into(), "+16195550143".into()];
    let (code, out, _) = ringfall(&house, &fake, &["numbers", "search", "--area-code", "619"]);
    assert_eq!((code, out.lines().count()), (Some(0), 2), "{out}");
    let (code, _, err) = ringfall(&house, &fake, &["numbers", "buy", "+16195550142"]);
    assert!(code == Some(2) && err.contains("--confirm +16195550142"), "{err}");
    let (code, ..) = ringfall(&house, &fake, &["numbers", "buy", "+16195550142", "--confirm", "+16195550143"]);
    assert_eq!(code, Some(2));
    assert!(fake.state().numbers.is_empty());
    // The answer breaks off: whether the number was bought is looked up, and it is not bought twice.
    fake.script("IncomingPhoneNumbers.json", &[Act::DoAndCut]);
    let (code, out, err) = ringfall(&house, &fake, &["numbers", "buy", "+16195550142", "--confirm", "+16195550142"]);
    assert_eq!((code, out.as_str()), (Some(0), "+16195550142 is bought\n"), "{err}");
    let (code, _, err) = ringfall(&house, &fake, &["numbers", "buy", "+16195550142", "--confirm", "+16195550142"]);
    assert!(code == Some(3) && err.contains("no longer"), "{err}");
    assert_eq!(fake.state().numbers.len(), 1);
}

#[test]
fn what_is_missing_is_named_with_the_way_out() {
    let (house, fake) = (House::new(), Fake::start());
    let told = |without: &[&str], arguments: &[&str]| {
        let mut command = program(&house.path(""));
        command.args(arguments).env("RINGFALL_RULES", "rules").env("RINGFALL_TWILIO_API_URL", fake.url());
        for (name, value) in [
            ("RINGFALL_PUBLIC_URL", PUBLIC),
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", TOKEN),
            ("TWILIO_API_KEY", KEY),
            ("TWILIO_API_SECRET", "wrong-secret"),
        ] {
            if !without.contains(&name) {
                command.env(name, value);
            }
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8(output.stderr).unwrap()
    };
    let plan = ["numbers", "plan"];
    assert!(told(&["TWILIO_API_KEY", "TWILIO_API_SECRET"], &plan).contains("TWILIO_API_KEY"));
    assert!(told(&["RINGFALL_PUBLIC_URL"], &plan).contains("public_url"));
    assert!(told(&[], &["numbers", "plan", "--org", "nobody"]).contains("nobody.yaml"));
    let wrong = told(&[], &plan);
    assert!(wrong.contains("20003") && !wrong.contains("wrong-secret"), "{wrong}");
}

#[test]
fn the_ending_is_written_for_a_static_host() {
    let (house, fake) = (House::new(), Fake::start());
    let (code, out, err) = ringfall(&house, &fake, &["fallback", "export", "--out", "there"]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(out, "there/acme/16195550100.xml\nthere/acme/thanks.xml\n");
    let xml = std::fs::read_to_string(house.path("there/acme/16195550100.xml")).unwrap();
    assert!(xml.contains("Please leave your name and number after the tone."), "{xml}");
    // A file with a mistake keeps the others from nothing, and is told.
    house.write("rules/broken.yaml", "version: 1\nnumbers: 5\n");
    let (code, out, err) = ringfall(&house, &fake, &["fallback", "export", "--out", "again"]);
    assert_eq!((code, out.as_str()), (Some(3), "again/acme/16195550100.xml\nagain/acme/thanks.xml\n"), "{err}");
    assert!(err.contains("broken.yaml") && err.contains("has mistakes"), "{err}");
}
