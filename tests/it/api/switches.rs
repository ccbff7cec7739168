//! A switch that is turned on one node, by command, text or API, counts on the other, and outlives both while
//! PostgreSQL is away.

use std::time::{Duration, Instant};

use ringfall::tenant::role::Role;
use serde_json::{Value, json};

use crate::api::nodes::{path, says};
use crate::api::{Desk, SECRET, jwt};
use crate::revisions::world;
use crate::support::{House, program};

const OWNER: &str = "+16195550130";
const OPEN: &str = "+16195550111";
const CLOSED: &str = "We are closed.";

const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  dana: { number: "+16195550111" }
  owner: { number: "+16195550130", notify: sms }
switches:
  closed: { expires: 4h, set_by: [owner] }
routes:
  - when: { switch: closed }
    cascade: [{ voicemail: We are closed. }]
  - cascade: [{ ring: dana, for: 20s }]
finally: { voicemail: Please leave your name. }
"#;

/// A house whose clock says what the command line's says.
fn house() -> House {
    let house = House::with(&[("rules/acme.yaml", RULES)]);
    house.clock.forward(jiff::Timestamp::now().as_second() - super::NOW);
    house
}

fn command(house: &House, arguments: &str) {
    let mut command = program(&house.path(""));
    let command =
        command.args(arguments.split_whitespace()).env("RINGFALL_RULES", "rules").env("RINGFALL_DATA", "data");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments}: {output:?}");
}

/// Waits until the node has kept a state that has switches, which were turned when all the rest was there.
async fn is_kept(house: &House) {
    let until = Instant::now() + Duration::from_secs(60);
    let kept = || ringfall::roster::kept::read(&house.path("data")).ok().flatten();
    while kept().is_none_or(|kept| kept.switches.is_empty()) {
        assert!(Instant::now() < until, "the organizations are not kept");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix_web::test]
async fn a_switch_turned_on_one_node_counts_on_all_and_outlives_them_without_the_database() {
    let server = crate::postgres::own();
    let database = server.database();
    let settings = [("RINGFALL_API_JWT_SECRET", SECRET), ("RINGFALL_DATABASE_URL", database.url.expose())];
    let second = [settings[0], settings[1], ("RINGFALL_NODE", "node-2")];
    let (house, other) = (house(), house());
    let service = house.serve_with(&settings, None).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let desk = Desk { house, service, client };
    world(desk.tenants().as_ref()).await;
    let there = other.serve_with(&second, None).await;
    says(&desk.service, OPEN).await;
    says(&there, OPEN).await;
    // By command, on the first.
    command(&desk.house, "switch set closed on --org acme --by ana");
    says(&desk.service, CLOSED).await;
    says(&there, CLOSED).await;
    // By text, on the second; a later turn is one at a later time.
    for house in [&desk.house, &other] {
        house.clock.forward(60);
    }
    let text = [("MessageSid", "SM00000000000000000000000000000001"), ("From", OWNER), ("Body", "open")];
    there.ask("/twilio/inbound-sms", &text).await;
    says(&there, OPEN).await;
    says(&desk.service, OPEN).await;
    // By API, on the first.
    for house in [&desk.house, &other] {
        house.clock.forward(60);
    }
    let end = json!(ringfall::app::ports::Clock::now(&*desk.house.clock).as_second() + 300);
    let word = jwt("acme", Role::Operator, &[("exp", end)]);
    let on = desk.ask("PUT", &path("switches/closed"), Some(&word), Some(&json!({ "on": true }))).await;
    assert_eq!((on.status, &on.body["on"]), (200, &Value::Bool(true)), "{}", on.text);
    says(&desk.service, CLOSED).await;
    says(&there, CLOSED).await;
    // Without the database, both come back as they were; what they know of organizations is kept within seconds.
    for house in [&desk.house, &other] {
        is_kept(house).await;
    }
    server.stop();
    says(&there, CLOSED).await;
    let Desk { house, service, .. } = desk;
    service.running.stop().await;
    there.running.stop().await;
    for (house, settings) in [(&house, &settings[..]), (&other, &second[..])] {
        let service = house.serve_with(settings, None).await;
        says(&service, CLOSED).await;
        service.running.stop().await;
    }
}

#[actix_web::test]
async fn what_was_turned_before_the_store_knew_the_organization_counts_on_all_nodes_once_it_does() {
    let database = crate::postgres::shared().database();
    let settings = [("RINGFALL_API_JWT_SECRET", SECRET), ("RINGFALL_DATABASE_URL", database.url.expose())];
    let second = [settings[0], settings[1], ("RINGFALL_NODE", "node-2")];
    let (house, other) = (house(), house());
    let service = house.serve_with(&settings, None).await;
    let there = other.serve_with(&second, None).await;
    command(&house, "switch set closed on --org acme --by ana");
    says(&service, CLOSED).await;
    says(&there, OPEN).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let desk = Desk { house, service, client };
    world(desk.tenants().as_ref()).await;
    says(&there, CLOSED).await;
    there.running.stop().await;
    desk.service.running.stop().await;
}

fn elsewhere(house: &House, arguments: &str, database: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = program(&house.path(""));
    let command = command.args(arguments.split_whitespace()).env("RINGFALL_RULES", "rules");
    let output = command.envs(database.iter().copied()).output().unwrap();
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), told.concat())
}

#[actix_web::test]
async fn a_switch_is_turned_for_all_nodes_where_none_of_them_is() {
    let database = crate::postgres::shared().database();
    let settings = [("RINGFALL_API_JWT_SECRET", SECRET), ("RINGFALL_DATABASE_URL", database.url.expose())];
    let (house, desktop) = (house(), House::with(&[("rules/acme.yaml", RULES), ("rules/bravo.yaml", RULES)]));
    let service = house.serve_with(&settings, None).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let desk = Desk { house, service, client };
    world(desk.tenants().as_ref()).await;
    says(&desk.service, OPEN).await;
    let (code, told) = elsewhere(&desktop, "switch set closed on --org acme --by ana", &settings[1..]);
    assert!(code == Some(0) && told.contains("closed  on  until") && told.contains("by ana"), "{told}");
    says(&desk.service, CLOSED).await;
    let (code, told) = elsewhere(&desktop, "switch list --org acme --history", &settings[1..]);
    assert!(code == Some(0) && told.contains("closed  on") && told.contains("ana turned closed: on"), "{told}");
    let (code, told) = elsewhere(&desktop, "switch undo closed --org acme", &settings[1..]);
    assert!(code == Some(0) && told.contains("closed  off  as usual"), "{told}");
    says(&desk.service, OPEN).await;
    let (code, told) = elsewhere(&desktop, "switch undo closed --org acme", &settings[1..]);
    assert!(code == Some(1) && told.contains("there is nothing to undo"), "{told}");
    // Whom no node would hear of is told so, and no folder is made that looks like a node's.
    let (code, told) = elsewhere(&desktop, "switch set closed on --org bravo", &settings[1..]);
    assert!(code == Some(3) && told.contains("`--data`") && told.contains("ringfall org add bravo"), "{told}");
    let (code, told) = elsewhere(&desktop, "switch set closed on --org acme", &[]);
    assert!(code == Some(3) && told.contains("`--data`") && !told.contains("closed  on"), "{told}");
    assert!(!desktop.path("data").exists());
    desk.service.running.stop().await;
}
