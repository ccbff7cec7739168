//! Rules from the store on running services: brought by the command line, seen by every node, and the way back.

use std::process::Output;
use std::time::{Duration, Instant};

use ringfall::app::revisions;
use ringfall::app::tenancy::Tenants;
use ringfall::tenant::item::Item;
use ringfall::tenant::owner::Owner;
use ringfall::tenant::plan::{Capability, Plan};
use ringfall::tenants;

use crate::postgres;
use crate::support::{ACCOUNT, House, LINE, RULES, Service, program};
use crate::tenants::things::{at, binding, by, installation, make, organization, profile, slug};

const NO_ANSWER: [(&str, &str); 3] =
    [("DialCallStatus", "no-answer"), ("DialBridged", "false"), ("CallStatus", "in-progress")];

/// On a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

fn changed() -> String {
    RULES.replace("+16195550111", "+16195550122").replace("+18585550107", "+18585550199")
}

/// An organization that uses the platform's account, which is the one in the settings, for its line.
pub(crate) async fn world(store: &dyn Tenants) {
    let mut acme = organization("acme", Plan::Basic);
    acme.opt_in(Capability::PlatformVoice).unwrap();
    let mut account = installation(&Owner::Platform, ACCOUNT);
    (account.primary, account.next, account.api_key) = (None, None, None);
    let things = [
        Item::Profile(profile(&Owner::Platform)),
        Item::Installation(Box::new(account)),
        Item::Organization(acme),
        Item::Binding(binding("acme", &Owner::Platform, LINE)),
    ];
    for thing in things {
        make(store, &Owner::Platform, thing).await.unwrap();
    }
}

async fn push(store: &dyn Tenants, text: &str) {
    let examined = revisions::examine(&slug("acme"), text.as_bytes(), &ringfall::rules::NoFiles, at(1_795_456_800));
    revisions::push(store, &examined.candidate.unwrap(), "", &by()).await.unwrap();
}

/// Waits until a new call rings that number, and gives how long that took.
async fn rings(service: &Service, number: &str) -> Duration {
    let begun = Instant::now();
    for call in 0_u32.. {
        let sid = format!("CA{call:032x}");
        let answer = service.ask("/twilio/inbound-call", &[("CallSid", &sid)]).await;
        if answer.body.contains(number) {
            break;
        }
        assert!(begun.elapsed() < LONG, "nobody rings {number}: {} {}", answer.status, answer.body);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs `ringfall rules` in the house, and expects that exit code.
fn rules(house: &House, code: i32, args: &[&str]) -> String {
    let mut command = program(&house.path(""));
    let command = command.env("RINGFALL_DATA", house.path("data")).env("RINGFALL_RULES", house.path("rules"));
    let output = command.arg("rules").args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", words(&output));
    words(&output)
}

#[tokio::test]
async fn rules_are_brought_and_taken_back_by_command_while_calls_come_in() {
    let house = House::new();
    world(tenants::open(&house.path("data"), None).unwrap().as_ref()).await;
    let service = house.serve_with(&[("RINGFALL_RULES_FROM", "store")], None).await;
    assert_eq!(service.running.app.live.now().organizations().count(), 0, "the folder does not answer");

    let told = rules(&house, 0, &["push", "--org", "acme", "--note", "first"]);
    assert!(told.contains("`acme` is answered by") && told.contains("rules_from: store"), "{told}");
    rings(&service, "+16195550111").await;
    let under_way = service.arrive().await;

    house.write("rules/acme.yaml", &changed());
    rules(&house, 0, &["push", "--org", "acme", "--note", "winter", "rules/acme.yaml"]);
    rings(&service, "+16195550122").await;
    let next = service.ask(&under_way.attribute("action"), &NO_ANSWER).await;
    assert!(next.body.contains("+18585550107"), "a call finishes by the rules it began with: {}", next.body);

    // Commands go by what answers, and by a folder where they are told so.
    house.write("rules/acme.yaml", RULES);
    let told = |more: &[&str]| {
        let mut command = program(&house.path(""));
        let command = command.env("RINGFALL_DATA", house.path("data")).env("RINGFALL_RULES", house.path("rules"));
        let command = command.env("RINGFALL_RULES_FROM", "store").args(["doctor", "--offline", "--org", "acme"]);
        words(&command.args(more).output().unwrap())
    };
    let digest = |text: &str| {
        let today = jiff::civil::date(2026, 11, 23);
        let rules = ringfall::rules::load("acme", text.as_bytes(), &ringfall::rules::NoFiles, today).rules.unwrap();
        format!("acme: rules: 1 line, rules {}", rules.digest.short())
    };
    assert!(told(&[]).contains(&digest(&changed())), "{}", told(&[]));
    assert!(told(&["--rules", "rules"]).contains(&digest(RULES)), "{}", told(&["--rules", "rules"]));

    let list = rules(&house, 0, &["list", "--org", "acme", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!((&list[0]["note"], &list[0]["state"]), (&"winter".into(), &"current".into()));
    assert_eq!((&list[1]["note"], &list[1]["state"]), (&"first".into(), &"previous".into()));
    let first = list[1]["digest"].as_str().unwrap();
    assert_eq!(rules(&house, 0, &["show", "--org", "acme", &first[..12]]), RULES);
    assert_eq!(rules(&house, 0, &["show", "--org", "acme"]), changed());

    rules(&house, 0, &["rollback", "--org", "acme", "--note", "nobody was rung"]);
    rings(&service, "+16195550111").await;
    service.running.stop().await;
}

#[tokio::test]
async fn what_check_refuses_is_not_taken() {
    let house = House::new();
    world(tenants::open(&house.path("data"), None).unwrap().as_ref()).await;
    house.write("bad.yaml", "version: 1\ntimezone: Mars/Olympus\n");
    let told = rules(&house, 1, &["push", "--org", "acme", "bad.yaml"]);
    assert!(told.contains("Mars/Olympus") && told.contains("not taken"), "{told}");
    house.write("broken.yaml", &format!("{RULES}promises:\n  - never_rings: {{ contact: backup }}\n"));
    assert!(rules(&house, 1, &["push", "--org", "acme", "broken.yaml"]).contains("broken-promise"));
    assert_eq!(rules(&house, 0, &["list", "--org", "acme"]), "");
    assert!(rules(&house, 2, &["push", "--org", "nobody", "rules/acme.yaml"]).contains("no organization `nobody`"));
    assert!(rules(&house, 2, &["rollback", "--org", "acme"]).contains("no earlier revision"));
}

#[test]
fn which_rules_hold_is_shown() {
    let house = House::new();
    let shown = |from: &str| {
        let mut command = program(&house.path(""));
        let output = command.args(["serve", "--print-config"]).env("RINGFALL_RULES_FROM", from).output().unwrap();
        (output.status.code(), words(&output))
    };
    let (code, told) = shown("store");
    assert!(code == Some(0) && told.contains("environment RINGFALL_RULES_FROM"), "{told}");
    let (code, told) = shown("both");
    assert!(code == Some(2) && told.contains("`both` is not `folder` or `store`"), "{told}");
}

#[tokio::test]
async fn every_node_answers_by_a_new_revision_and_finishes_calls_of_another_node() {
    let database = postgres::shared().database();
    let url = [("RINGFALL_RULES_FROM", "store"), ("RINGFALL_DATABASE_URL", database.url.expose())];
    let store = tenants::open(std::path::Path::new("/nonexistent"), Some(&database.url)).unwrap();
    world(store.as_ref()).await;
    push(store.as_ref(), RULES).await;
    let (one, other, third) = (House::new(), House::new(), House::new());
    let (one, other) = (one.serve_with(&url, None).await, other.serve_with(&url, None).await);
    rings(&one, "+16195550111").await;
    rings(&other, "+16195550111").await;
    let under_way = one.arrive().await;
    push(store.as_ref(), &changed()).await;
    let waited = [rings(&one, "+16195550122").await, rings(&other, "+16195550122").await];
    eprintln!("nodes answered by the new revision after {waited:?}");
    // A node that was started later has never answered by the first.
    let third = third.serve_with(&url, None).await;
    rings(&third, "+16195550122").await;
    for node in [&other, &third] {
        let next = node.ask(&under_way.attribute("action"), &NO_ANSWER).await;
        assert!(next.body.contains("+18585550107"), "{}", next.body);
    }
    for node in [one, other, third] {
        node.running.stop().await;
    }
}

#[tokio::test]
async fn a_node_starts_with_its_rules_while_the_database_is_away() {
    let server = postgres::own();
    let database = server.database();
    let url = [("RINGFALL_RULES_FROM", "store"), ("RINGFALL_DATABASE_URL", database.url.expose())];
    let store = tenants::open(std::path::Path::new("/nonexistent"), Some(&database.url)).unwrap();
    world(store.as_ref()).await;
    push(store.as_ref(), RULES).await;
    let house = House::new();
    let service = house.serve_with(&url, None).await;
    rings(&service, "+16195550111").await;
    let begun = Instant::now();
    while !ringfall::roster::kept::read(&house.path("data")).is_ok_and(|kept| kept.is_some()) {
        assert!(begun.elapsed() < LONG, "the state of the organizations is not kept");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop();
    rings(&service, "+16195550111").await;
    service.running.stop().await;
    let service = house.serve_with(&url, None).await;
    rings(&service, "+16195550111").await;
    // What is changed once the database is back is taken up.
    server.start_again();
    let begun = Instant::now();
    while store.tenant(&slug("acme")).await.is_err() {
        assert!(begun.elapsed() < LONG, "the database does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    push(store.as_ref(), &changed()).await;
    rings(&service, "+16195550122").await;
    service.running.stop().await;
}
