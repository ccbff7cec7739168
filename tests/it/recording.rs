//! The story of the README: a hundred calls are recorded, one opening hour is changed, and exactly the calls that it
//! moves are told of.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use jiff::{Timestamp, ToSpan as _};
use ringfall::model::call::Attestation;
use ringfall::model::simulator::{FILE, Simulator};
use ringfall::phone::script::{Actors, Script};
use ringfall::phone::{Call, Delivery, Elsewhere, Telling, place_with};
use ringfall::replay::recording::Recording;
use ringfall::webhook::signature::Signer;

use crate::chance::Chance;
use crate::support::{House, LINE, Service, program};

const RULES: &str = r#"# The rules of a business that closes in the afternoon.
version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  primary: "+16195550111"
  backup: { number: "+18585550107", confirm: none }
hours:
  business: mon-fri 09:00-17:00
callers:
  friends: { numbers: ["+12125550142"] }
routes:
  - { name: friends, when: { caller: friends }, cascade: [{ ring: backup, for: 10s }] }
  - { name: open, when: business, cascade: [{ ring: primary, for: 20s }, { ring: backup, for: 20s }] }
  - { name: again, when: { attempt: { at_least: 2, within: 1h } }, cascade: [{ ring: backup, for: 20s }] }
finally: { voicemail: Please leave your name and number after the tone. }
"#;

const CALLS: usize = 100;

fn words(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn ringfall(folder: &Path, args: &[&str]) -> Output {
    program(folder).args(args).output().unwrap()
}

fn fine(folder: &Path, args: &[&str]) -> String {
    let output = ringfall(folder, args);
    let (out, err) = (words(&output.stdout), words(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{args:?}\n{out}\n{err}");
    out
}

/// A service that was called a hundred times in the last days, and still runs.
async fn called() -> (House, Service) {
    let house = House::with(&[("rules/acme.yaml", RULES)]);
    let service = house.serve().await;
    let text = fs::read_to_string(house.path("data").join(FILE)).unwrap();
    let simulator = Simulator::parse(&text).unwrap();
    let mut chance = Chance::new(7);
    let start = Timestamp::now() - 12 * 24.hours();
    for number in 0..CALLS {
        let began = start + (i64::try_from(number).unwrap() * 97 + 11).minutes();
        let from = *chance.one_of(&["+13125550123", "+12125550142", "+17145550166", "anonymous", "+442079460123"]);
        let leg = |chance: &mut Chance| *chance.one_of(&["answered", "no_answer", "busy", "answered_no_key"]);
        let mut script = Script::default();
        script.add_leg(&format!("primary={}", leg(&mut chance))).unwrap();
        script.add_leg(&format!("backup={}", leg(&mut chance))).unwrap();
        let call = Call {
            url: service.url("/twilio/inbound-call?org=acme"),
            status_url: Some(service.url("/twilio/call-status?org=acme")),
            fallback_url: None,
            account: simulator.account.to_string(),
            signer: Signer::new(simulator.token.expose()),
            signed_origin: None,
            sid: format!("CA{}", chance.hex(32)),
            to: LINE.to_owned(),
            from: from.to_owned(),
            attestation: Attestation::Unsigned,
            forwarded_from: None,
            caller_name: Some("DANA EXAMPLE".to_owned()),
            own_numbers: None,
            names: [("+16195550111", "primary"), ("+18585550107", "backup")]
                .map(|(number, name)| (number.to_owned(), name.to_owned()))
                .into(),
            began,
            delivery: Delivery { timeout: std::time::Duration::from_secs(120), ..Delivery::default() },
            telling: Telling::Time,
            elsewhere: Elsewhere::HandedOver,
        };
        let log = place_with(&call, &script, &mut Actors::new(&script), &mut |_| {}).await.unwrap();
        assert!(!log.dropped(), "{log:?}");
    }
    service.running.store.clone().unwrap().settle().await.unwrap();
    (house, service)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

fn read(path: &Path) -> Recording {
    Recording::read("call.yaml", &fs::read_to_string(path).unwrap()).unwrap()
}

/// The calls that are answered otherwise, as `replay` tells.
fn otherwise(folder: &Path, args: &[&str]) -> BTreeSet<String> {
    let output = ringfall(folder, &[&["replay", "--format", "json"], args].concat());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["unplayed"], 0, "{}", words(&output.stderr));
    let calls = report["calls"].as_array().unwrap().iter().filter(|call| call["same"] == false);
    let moved: BTreeSet<String> = calls.map(|call| call["call"].as_str().unwrap().to_owned()).collect();
    assert_eq!(output.status.code(), Some(i32::from(!moved.is_empty())));
    moved
}

#[tokio::test(flavor = "multi_thread")]
async fn one_opening_hour_moves_exactly_the_calls_of_that_hour() {
    let (house, service) = called().await;
    let told = tokio::task::spawn_blocking(move || {
        story(&house);
        sampled(&house);
        tested(&house);
        house
    });
    let house = told.await.unwrap();
    service.running.stop().await;
    drop(house);
}

fn story(house: &House) {
    let folder = house.path("");
    let out = fine(&folder, &["record", "--last", "30d", "--out", "calls", "--rules", "rules"]);
    assert!(out.starts_with("recorded 100 calls with ") && out.ends_with(" in `calls`\n"), "{out}");
    for args in [&["replay", "calls"][..], &["replay", "calls", "--verify"]] {
        let out = fine(&folder, args);
        assert!(out.starts_with("100 calls answered as recorded;"), "{out}");
    }
    let recordings = files(&folder.join("calls"));
    assert_eq!(recordings.len(), CALLS);
    for path in &recordings {
        let text = fs::read_to_string(path).unwrap();
        for private in ["3125550123", "7145550166", "2079460123", "DANA", "RingfallTime"] {
            assert!(!text.contains(private), "{private} in {text}");
        }
    }
    house.write("rules/acme.yaml", &RULES.replace("09:00-17:00", "09:00-16:00"));
    // Those who called on a working day from four to five, friends apart: they are not rung by the hour.
    let zone = jiff::tz::TimeZone::get("America/Los_Angeles").unwrap();
    let moves = |recording: &Recording| {
        let began = recording.webhooks[0].moment().unwrap().to_zoned(zone.clone());
        let friend = recording.webhooks[0].form.iter().any(|pair| pair.ends_with("2125550142"));
        began.hour() == 16 && began.weekday().to_monday_zero_offset() < 5 && !friend
    };
    let hit = recordings.iter().map(|path| read(path)).filter(moves).map(|recording| recording.call);
    let expected: BTreeSet<String> = hit.collect();
    assert!(!expected.is_empty(), "no call fell into that hour");
    assert_eq!(otherwise(&folder, &["calls"]), expected);
    house.write("rules/acme.yaml", RULES);
    assert_eq!(otherwise(&folder, &["calls"]), BTreeSet::new());
}

fn sampled(house: &House) {
    let folder = house.path("");
    let names =
        |folder: &Path| files(folder).iter().map(|path| path.file_name().unwrap().to_owned()).collect::<Vec<_>>();
    let sample = |out: &str, seed: &str| {
        let args = ["record", "--sample", "9", "--seed", seed, "--embed", "--rules", "rules", "--out", out];
        fine(&folder, &args);
        names(&folder.join(out))
    };
    let first = sample("one", "1");
    assert_eq!((first.len(), first == sample("two", "1")), (9, true));
    assert_ne!(first, sample("three", "2"));
    // Whoever has the copy has no number of the rules, and the same people under the rules themselves.
    for path in files(&folder.join("one")) {
        let text = fs::read_to_string(path).unwrap();
        for number in ["6195550111", "8585550107", "6195550100", "2125550142"] {
            assert!(!text.contains(number), "{number} in {text}");
        }
    }
    fine(&folder, &["replay", "one", "--verify"]);
    let friends =
        |path: &Path| read(path).webhooks[0].answer.reasons.iter().any(|line| line.contains("taken: rule #1"));
    for path in files(&folder.join("one")).iter().filter(|path| !friends(path)) {
        fine(&folder, &["replay", "--verify", "--rules", "rules/acme.yaml", path.to_str().unwrap()]);
    }
    let missing = ringfall(&folder, &["record", "--call", "CA00000000000000000000000000000000"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(words(&missing.stderr).contains("there is no call"), "{}", words(&missing.stderr));
    assert_eq!(ringfall(&folder, &["record"]).status.code(), Some(2));
    assert_eq!(ringfall(&folder, &["record", "--last", "soon"]).status.code(), Some(2));
    assert_eq!(ringfall(&folder, &["record", "--last", "1d", "--data", "nowhere"]).status.code(), Some(3));
}

fn tested(house: &House) {
    let folder = house.path("");
    let recordings = files(&folder.join("calls"));
    let rings_both = |path: &&PathBuf| {
        let read = read(path);
        read.end == "connected" && read.webhooks.iter().filter(|it| it.answer.next.is_some()).count() == 2
    };
    let path = recordings.iter().find(rings_both).unwrap().to_str().unwrap();
    let out = fine(&folder, &["test", "add", "--fixture", path, "rules/acme.yaml"]);
    assert!(out.starts_with("added to `rules/acme.yaml`: the call of 2026"), "{out}");
    let out = fine(&folder, &["test", "add", "--fixture", path, "rules/acme.yaml"]);
    assert!(out.ends_with("(2)\n"), "{out}");
    let text = fs::read_to_string(house.path("rules/acme.yaml")).unwrap();
    assert!(text.starts_with(RULES), "{text}");
    let args = ["test", "add", "--beside", "--name", "it stands beside", "--fixture", path, "rules/acme.yaml"];
    assert_eq!(fine(&folder, &args), "added to `rules/tests/acme.yaml`: it stands beside\n");
    let again = ringfall(&folder, &args);
    assert_eq!(again.status.code(), Some(1));
    assert!(words(&again.stderr).contains("two tests have the same name"), "{}", words(&again.stderr));
    fine(&folder, &["test", "rules/acme.yaml", "--only", "it stands beside"]);
    let call = fs::read_to_string(house.path("rules/tests/acme.yaml")).unwrap();
    assert!(call.contains("legs: {") && call.contains("rings: [primary, backup]"), "{call}");
    fine(&folder, &["check", "rules/acme.yaml"]);
    // Under other rules the call goes otherwise, and its test would not pass.
    house.write("other.yaml", &RULES.replace("{ ring: primary, for: 20s }, ", ""));
    let refused = ringfall(&folder, &["test", "add", "--fixture", path, "other.yaml"]);
    let told = words(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("not added") && told.contains("rings: the call had primary, backup"), "{told}");
    house.write("rules/acme.yaml", RULES);
    // The trail knows the call by its own name.
    let answers = trail(house);
    let out = fine(&folder, &["test", "add", "--call", &answers, "--rules", "rules"]);
    assert!(out.starts_with("added to `rules/acme.yaml`"), "{out}");
    // The file has changed by that, and calls of before become tests of it all the same.
    let more = ["test", "add", "--call", &answers, "--rules", "rules", "--name", "told again"];
    assert_eq!(fine(&folder, &more), "added to `rules/acme.yaml`: told again\n");
}

/// A call of the trail that ended with a talk.
fn trail(house: &House) -> String {
    let archive = ringfall::store::Archive::open(&house.path("data")).unwrap();
    let mut found = None;
    let all = Timestamp::MIN..Timestamp::MAX;
    archive
        .each_call(Some("acme"), all, |summary| {
            let wanted = summary.end.as_deref() == Some("connected") && summary.caller == "+13125550123";
            found = wanted.then_some(summary.call);
            if wanted { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        })
        .unwrap();
    found.unwrap()
}
