//! Rules on trial that answer callers: who meets them, how they fare, and how they are taken back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ringfall::app::revisions;
use ringfall::app::tenancy::{Page, Tenants};
use ringfall::audit::record::{Kind, Record};
use ringfall::files::Folder;
use ringfall::model::leg::Leg;
use ringfall::phone::script::Script;
use ringfall::startup::Running;
use ringfall::tenant::event::Deed;
use ringfall::tenant::owner::Owner;
use ringfall::tenants;
use serde_json::Value;

use crate::postgres;
use crate::revisions::world;
use crate::support::{House, RULES, Service, program};
use crate::telephone::{Disturbance, Telephone, What};
use crate::tenants::things::{at, by, slug};

/// On a machine that is busy.
const LONG: Duration = Duration::from_secs(90);

const CANARY: &str = "rollout: { candidate: next/acme.yaml, mode: canary, share: 50%, return_if: { unanswered_rises: 20%, calls: 6 } }\n";

fn current() -> String {
    format!("{RULES}{CANARY}")
}

/// The same, but the two are rung the other way round.
fn turned() -> String {
    RULES.replace(
        "{ ring: primary, for: 20s }, { ring: backup, for: 20s }",
        "{ ring: backup, for: 20s }, { ring: primary, for: 20s }",
    )
}

/// Rings only somebody who never answers.
fn worse() -> String {
    RULES.replace("{ ring: primary, for: 20s }, { ring: backup, for: 20s }", "{ ring: backup, for: 20s }")
}

/// Places a call of that caller, at which only the primary answers; returns who was rung first, and the records.
fn call(phone: &mut Telephone, number: u32, caller: u32, disturbance: Option<Disturbance>) -> (String, Vec<Record>) {
    let sid = format!("CA{number:032x}");
    let mut call = phone.call_to("+16195550100", &sid);
    call.from = format!("+1415555{:04}", 100 + caller);
    call.names = [("+16195550111", "primary"), ("+18585550107", "backup")]
        .map(|(number, name)| (number.to_owned(), name.to_owned()))
        .into();
    let mut script = Script { talk: 5, ..Script::default() };
    script.legs.insert("primary".to_owned(), vec![Leg::Answered]);
    script.legs.insert("backup".to_owned(), vec![Leg::NoAnswer]);
    phone.place(&call, &script, disturbance);
    phone.pass(60);
    let records = phone.records("acme", &sid);
    let first = records.iter().find_map(|record| record.decision.as_ref()?.contacts.first().cloned()).unwrap();
    (first, records)
}

fn wait(what: &str, mut until: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !until() {
        assert!(begun.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn returned(running: &Running) -> bool {
    running.app.trials.standing().trials.get(&slug("acme")).is_some_and(|it| it.returned.is_some())
}

/// By which rules each answer of the call was decided.
fn digests(records: &[Record]) -> Vec<String> {
    let decisions = records.iter().filter(|record| record.kind == Kind::Decision);
    let mut all: Vec<String> = decisions.filter_map(|record| record.rules.clone()).collect();
    all.dedup();
    all
}

#[test]
fn a_share_of_callers_is_answered_by_the_candidate_all_through_their_calls() {
    let mut phone = Telephone::new(&[("rules/acme.yaml", &current()), ("rules/next/acme.yaml", &turned())]);
    let mut met = BTreeMap::new();
    for number in 0..24 {
        let (first, records) = call(&mut phone, number, number, None);
        assert_eq!(digests(&records).len(), 1, "all of a call goes by the rules it began with");
        met.insert(number, (first, digests(&records).remove(0)));
    }
    let tried = met.values().filter(|(first, _)| first == "backup").count();
    assert!((4..=20).contains(&tried), "{met:?}");
    let rules: std::collections::BTreeSet<_> = met.values().collect();
    assert_eq!(rules.len(), 2, "{rules:?}");
    for number in 0..24 {
        let (first, _) = call(&mut phone, 100 + number, number, None);
        assert_eq!(first, met[&number].0, "a caller always meets the same");
    }
    let metrics = phone.metrics();
    assert!(
        metrics.contains(&format!("ringfall_trial_answers_total{{outcome=\"answered\"}} {}", 2 * tried)),
        "{metrics}"
    );

    // The trial ends, and everything starts anew, in the middle of a call that it answers.
    let (caller, _) = met.iter().find(|(_, (first, _))| first == "backup").unwrap();
    let ended = What::ReloadAndRestart("rules/acme.yaml", RULES.to_owned());
    let (first, records) = call(&mut phone, 1_000, *caller, Some(Disturbance { before: 1, what: ended }));
    assert_eq!((first.as_str(), digests(&records)), ("backup", vec![met[caller].1.clone()]));
    let rung = records.iter().filter_map(|record| record.decision.as_ref()?.contacts.first().cloned());
    assert_eq!(rung.collect::<Vec<_>>(), ["backup", "primary"], "the call ended by the rules it began with");
    assert_eq!(call(&mut phone, 1_001, *caller, None).0, "primary", "and the next goes by the others");
}

#[test]
fn a_candidate_whose_calls_go_unanswered_is_taken_back_and_stays_so() {
    let mut phone = Telephone::new(&[("rules/acme.yaml", &current()), ("rules/next/acme.yaml", &worse())]);
    let mut number = 0;
    let mut rang = |phone: &mut Telephone| {
        number += 1;
        call(phone, number, number, None).0
    };
    let begun = Instant::now();
    while !returned(phone.running()) {
        assert!(begun.elapsed() < LONG, "it is not taken back: {:?}", phone.running().app.trials.standing());
        rang(&mut phone);
    }
    let standing = phone.running().app.trials.standing().trials.remove(&slug("acme")).unwrap();
    assert!(standing.tried.ended >= 6 && standing.tried.unanswered == standing.tried.ended, "{standing:?}");
    assert!(standing.others.ended >= 6 && standing.others.unanswered == 0, "{standing:?}");
    assert!((0..10).all(|_| rang(&mut phone) == "primary"), "the others answer everybody");
    wait("nothing is counted", || phone.metrics().contains("ringfall_trial_canaries{result=\"returned\"} 1"));
    let metrics = phone.metrics();
    assert!(metrics.contains("ringfall_trial_calls_total{side=\"candidate\",outcome=\"unanswered\"}"), "{metrics}");
    assert!(metrics.contains("ringfall_trial_calls_total{side=\"others\",outcome=\"answered\"}"), "{metrics}");
    wait("it is not written down", || {
        ringfall::startup::trials::read(&phone.data())
            .is_ok_and(|book| book.trials.values().any(|it| it.returned.is_some()))
    });

    phone.restart();
    assert!((0..10).all(|_| rang(&mut phone) == "primary"), "a restart knows it");
    let ready: Value = serde_json::from_str(&phone.ready()).unwrap();
    assert_eq!((&ready["status"], &ready["trials"][0]["state"]), (&"ready".into(), &"returned".into()), "{ready:#}");
    let events: Vec<_> = phone.events().into_iter().filter(|(event, _)| event.starts_with("canary-")).collect();
    assert_eq!(events.iter().map(|(event, _)| event.as_str()).collect::<Vec<_>>(), ["canary-began", "canary-returned"]);
    assert!(events[1].1.contains("calls went unanswered (100%)"), "{events:?}");

    let (data, rules) = (phone.data(), phone.data().parent().unwrap().join("rules"));
    let run = |code: i32, args: &[&str]| {
        let mut command = program(rules.parent().unwrap());
        let command = command.env("RINGFALL_DATA", &data).env("RINGFALL_RULES", &rules).args(["rollout", "rules"]);
        let output = command.args(args).output().unwrap();
        let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {words}");
        words
    };
    let told = run(0, &["status"]);
    for part in ["as canary on 50% of callers", "calls unanswered (100%)", "calls unanswered (0%)", "taken back"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let status: Value = serde_json::from_str(&run(0, &["status", "--org", "acme", "--format", "json"])).unwrap();
    assert_eq!(status["trials"][0]["fares"]["others"]["unanswered"], 0, "{status:#}");
    // A candidate that is changed is another one.
    phone.reload("rules/next/acme.yaml", &turned());
    wait("it is not tried", || phone.running().app.trials.standing().trials.values().all(|it| it.returned.is_none()));
    let told = run(0, &["promote", "--org", "acme"]);
    assert!(told.contains("`next/acme.yaml` is promoted"), "{told}");
    assert_eq!(std::fs::read_to_string(rules.join("acme.yaml")).unwrap(), turned());
    assert!(run(3, &["abort", "--org", "acme"]).contains("nothing is on trial"));
}

#[test]
fn before_the_first_call_a_trial_is_told_of_and_can_be_ended() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("routing-rules");
    std::fs::create_dir_all(rules.join("next")).unwrap();
    std::fs::write(rules.join("acme.yaml"), current()).unwrap();
    std::fs::write(rules.join("next/acme.yaml"), turned()).unwrap();
    let run = |args: &[&str]| {
        let output = program(folder.path()).args(["rollout", "rules"]).args(args).output().unwrap();
        let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {words}");
        words
    };
    let told = run(&["status", "--org", "acme"]);
    assert!(told.contains("tries next/acme.yaml as canary") && told.contains("nothing was answered yet"), "{told}");
    let told = run(&["abort", "--org", "acme"]);
    assert!(told.contains("the trial of `next/acme.yaml` is ended"), "{told}");
    let left = std::fs::read_to_string(rules.join("acme.yaml")).unwrap();
    assert!(!left.contains("rollout"), "{left}");
}

#[test]
fn while_nobody_can_count_nobody_is_answered_by_the_candidate() {
    let mut phone = Telephone::new(&[("rules/acme.yaml", &current()), ("rules/next/acme.yaml", &turned())]);
    std::fs::write(phone.data().join("trials.json"), "{ \"seq\":").unwrap();
    phone.restart();
    assert!((0..12).all(|number| call(&mut phone, number, number, None).0 == "primary"));
}

async fn push(store: &dyn Tenants, house: &House) {
    let files = Folder::new(house.path("rules"));
    let examined = revisions::examine(&slug("acme"), current().as_bytes(), &files, at(1_795_456_800));
    revisions::push(store, &examined.candidate.unwrap(), "", &by()).await.unwrap();
}

/// Asks for a new call of a caller that takes part or not, and gives what is answered.
async fn first(service: &Service, number: u32) -> String {
    let (sid, from) = (format!("CA{number:032x}"), format!("+1415555{:04}", 100 + number % 100));
    service.ask("/twilio/inbound-call", &[("CallSid", &sid), ("From", &from)]).await.body
}

#[tokio::test]
async fn what_one_node_takes_back_is_taken_back_on_all() {
    let database = postgres::shared().database();
    let url = [("RINGFALL_RULES_FROM", "store"), ("RINGFALL_DATABASE_URL", database.url.expose())];
    let store = tenants::open(std::path::Path::new("/nonexistent"), Some(&database.url)).unwrap();
    world(store.as_ref()).await;
    let house = House::with(&[("rules/next/acme.yaml", &turned())]);
    push(store.as_ref(), &house).await;
    let (one, other) = (house.serve_with(&url, None).await, House::new().serve_with(&url, None).await);
    let begins_with_backup = |answer: &str| answer.contains("+18585550107");
    let mut tried = None;
    for number in 0..100 {
        let (here, there) = (first(&one, number).await, first(&other, number).await);
        assert_eq!(begins_with_backup(&here), begins_with_backup(&there), "{number}: the same callers on every node");
        if begins_with_backup(&here) {
            tried = Some(number);
        }
    }
    let tried = tried.expect("nobody takes part");
    let live = one.running.app.live.now().organization(&slug("acme")).unwrap().trial.clone().unwrap();
    // Calls of the candidate that nobody takes, on one node: they go until both have hung up.
    let count = |taken: bool, rules: String| ringfall::audit::summary::Summary {
        rules: Some(rules),
        answered: taken.then(Default::default),
        ..Default::default()
    };
    let begun = Instant::now();
    while !one.running.app.trials.standing().trials.contains_key(&slug("acme")) {
        assert!(begun.elapsed() < LONG, "nothing is counted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..6 {
        one.running.app.trials.count(&slug("acme"), &count(false, live.candidate.digest.short()));
        one.running.app.trials.count(&slug("acme"), &count(true, "others".to_owned()));
    }
    let begun = Instant::now();
    while !returned(&other.running) {
        assert!(begun.elapsed() < LONG, "the other node does not learn of it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for node in [&one, &other] {
        assert!(!begins_with_backup(&first(node, 1_000 + tried).await));
    }
    let events = store.events(&Owner::Org(slug("acme")), Page::Before(u64::MAX >> 1, 10)).await.unwrap();
    assert!(
        events.iter().any(|event| event.deed == Deed::CanaryReturned && event.detail.contains("100%")),
        "{events:?}"
    );
    // A node that starts now knows it from the store.
    let third = House::new().serve_with(&url, None).await;
    assert!(returned(&third.running) && !begins_with_backup(&first(&third, 2_000 + tried).await));
    for node in [one, other, third] {
        node.running.stop().await;
    }
}
