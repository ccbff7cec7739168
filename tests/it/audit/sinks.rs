//! Records on their way to where their owners read them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::google::Google;
use super::web::{Act, Asked, Web};
use crate::support::{House, Service};

/// Calls, each with its own name; every one makes one record.
pub(super) async fn calls(service: &Service, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let call = format!("CA{number:032x}");
        let reply = service.ask("/twilio/inbound-call", &[("CallSid", &call)]).await;
        assert_eq!(reply.status, 200);
    }
}

/// Waits for something, however busy the machine is.
pub(crate) async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !reached() {
        assert!(Instant::now() < end, "not reached: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn with_sinks(sinks: &Value) -> House {
    let house = House::new();
    house.write("ringfall.yaml", &json!({ "sinks": sinks }).to_string());
    house
}

fn ids<'a>(records: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    records.into_iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

fn lines(house: &House, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(house.path(name)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn is_set(of: &[String]) -> bool {
    of.iter().collect::<BTreeSet<_>>().len() == of.len()
}

pub(super) async fn state(service: &Service, sink: &str) -> Value {
    service.ready().await["sinks"][sink].clone()
}

#[tokio::test]
async fn a_file_has_each_record_once_across_crashes_of_any_kind() {
    let house = House::new();
    let file = house.path("out/trail.jsonl");
    house.write("ringfall.yaml", &json!({ "sinks": [{ "name": "trail", "file": { "path": file } }] }).to_string());
    let service = house.serve().await;
    calls(&service, 0..20).await;
    until("20 lines", || lines(&house, "out/trail.jsonl").len() == 20).await;
    service.running.stop().await;
    // The machine stopped between writing lines and writing the cursor down.
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}{{\"id\":\"written but not settled\"}}\n{{\"id\":\"ha")).unwrap();
    let service = house.serve().await;
    calls(&service, 20..30).await;
    until("30 lines", || std::fs::read_to_string(&file).unwrap().lines().count() == 30).await;
    let ids = ids(&lines(&house, "out/trail.jsonl"));
    assert!(is_set(&ids) && ids.len() == 30);
    // The cursor is written down after the lines.
    let end = Instant::now() + Duration::from_secs(120);
    while state(&service, "trail").await["behind"] != 0 {
        assert!(Instant::now() < end, "the cursor is never written down");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(service.counted("ringfall_sink_failing{sink=\"trail\",kind=\"file\"}").await == 0);
    service.running.stop().await;
}

#[tokio::test]
async fn what_a_sink_is_told_is_its_own_choice() {
    let house = House::new();
    let path = |name: &str| house.path(name);
    let sinks = json!([
        { "name": "full", "file": { "path": path("full.jsonl") } },
        { "name": "masked", "numbers": "masked", "file": { "path": path("masked.jsonl") } },
        { "name": "names", "numbers": "pseudonym", "file": { "path": path("names.jsonl") } },
        { "name": "others", "orgs": ["globex"], "file": { "path": path("others.jsonl") } },
        { "name": "security", "kinds": ["security"], "file": { "path": path("security.jsonl") } },
        { "name": "metrics", "cloudwatch": { "path": path("metrics.jsonl") } },
    ]);
    house.write("ringfall.yaml", &json!({ "sinks": sinks }).to_string());
    let service = house.serve().await;
    calls(&service, 0..3).await;
    service.ask_signed_by("wrong", "/twilio/inbound-call", &[]).await;
    until("all of it", || {
        lines(&house, "names.jsonl").len() == 4
            && lines(&house, "full.jsonl").len() == 4
            && lines(&house, "security.jsonl").len() == 1
    })
    .await;
    until("metrics", || lines(&house, "metrics.jsonl").len() == 3).await;
    until("masked", || lines(&house, "masked.jsonl").len() == 4).await;
    let text = |name: &str| std::fs::read_to_string(house.path(name)).unwrap_or_default();
    assert!(text("full.jsonl").contains("+13125550123"));
    for name in ["masked.jsonl", "names.jsonl", "metrics.jsonl"] {
        assert!(!text(name).contains("5550123"), "{name}");
    }
    let callers: BTreeSet<String> = lines(&house, "names.jsonl")
        .iter()
        .filter_map(|record| record["facts"]["caller"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(callers.len(), 1, "the same caller has the same name: {callers:?}");
    assert_eq!(text("others.jsonl"), "");
    assert_eq!(lines(&house, "metrics.jsonl")[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Ringfall");
    service.running.stop().await;
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A receiver that keeps records by their id, and whether each request was signed as it should be.
struct Inbox {
    web: Web,
    records: Arc<Mutex<BTreeMap<String, u32>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Inbox {
    fn start(poison: &'static str) -> Self {
        let (records, asked): (Arc<Mutex<BTreeMap<_, _>>>, Arc<Mutex<Vec<Asked>>>) = Default::default();
        let (kept, seen) = (Arc::clone(&records), Arc::clone(&asked));
        let web = Web::start(move |request| {
            if !poison.is_empty() && request.body.contains(poison) {
                return (422, "{\"error\":\"I do not like it\"}".to_owned());
            }
            let body: Value = serde_json::from_str(&request.body).unwrap();
            for record in body["data"]["records"].as_array().unwrap() {
                *kept.lock().unwrap().entry(record["id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            seen.lock().unwrap().push(request.clone());
            (200, "{}".to_owned())
        });
        Self { web, records, asked }
    }

    fn house(&self) -> House {
        let house = House::new();
        house.write("hook.secret", SECRET);
        let http = json!({ "url": format!("{}/audit?token=hunter2", self.web.url()), "secret_file": house.path("hook.secret"), "batch": 10 });
        house.write("ringfall.yaml", &json!({ "sinks": [{ "name": "hook", "http": http }] }).to_string());
        house
    }
}

#[tokio::test]
async fn a_receiver_gets_everything_through_faults_of_every_kind() {
    let inbox = Inbox::start("");
    inbox.web.script([
        Act::Fault(500, None),
        Act::Close,
        Act::Fault(429, Some(1)),
        Act::DoAndCut,
        Act::Fault(401, None),
        Act::Fault(404, None),
    ]);
    let house = inbox.house();
    let service = house.serve().await;
    calls(&service, 0..35).await;
    let failing = state(&service, "hook").await;
    until("all records", || inbox.records.lock().unwrap().len() == 35).await;
    assert!(inbox.web.is_through());
    until("nothing waits", || inbox.asked.lock().unwrap().len() >= 4).await;
    let told = failing.to_string();
    assert!(!told.contains("hunter2"), "{told}");
    let asked = inbox.asked.lock().unwrap().clone();
    let signer = ringfall::feed::hook::Signer::parse(SECRET).unwrap();
    for request in &asked {
        let at = request.header("webhook-timestamp").parse().unwrap();
        assert_eq!(request.header("webhook-signature"), signer.sign(request.header("webhook-id"), at, &request.body));
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert!(body["data"]["records"].as_array().unwrap().len() <= 10);
    }
    service.running.stop().await;
}

#[tokio::test]
async fn a_record_that_is_refused_is_set_aside_and_the_rest_goes_on() {
    let poison = "CA0000000000000000000000000000000d";
    let inbox = Inbox::start(poison);
    let house = inbox.house();
    let service = house.serve().await;
    calls(&service, 0..30).await;
    until("the others", || inbox.records.lock().unwrap().len() == 29).await;
    until("it is set aside", || lines(&house, "data/sinks/hook.aside.jsonl").len() == 1).await;
    let aside = &lines(&house, "data/sinks/hook.aside.jsonl")[0];
    assert_eq!(aside["record"]["call"], poison);
    assert!(aside["why"].as_str().unwrap().contains("422"), "{aside}");
    let state = state(&service, "hook").await;
    assert_eq!(state["aside"], 1, "{state}");
    service.running.stop().await;
}

#[tokio::test]
async fn what_waited_for_a_receiver_arrives_after_a_restart() {
    let inbox = Inbox::start("");
    inbox.web.script((0..1000).map(|_| Act::Close));
    let house = inbox.house();
    let service = house.serve().await;
    calls(&service, 0..25).await;
    until("it fails", || *inbox.web.faults.lock().unwrap() > 1).await;
    service.running.stop().await;
    let inbox = Inbox::start("");
    house.write("ringfall.yaml", &std::fs::read_to_string(inbox.house().path("ringfall.yaml")).unwrap());
    house.write("hook.secret", SECRET);
    let config = json!({ "sinks": [{ "name": "hook", "http": { "url": inbox.web.url(), "batch": 10 } }] });
    house.write("ringfall.yaml", &config.to_string());
    let service = house.serve().await;
    until("all records", || inbox.records.lock().unwrap().len() == 25).await;
    assert!(inbox.records.lock().unwrap().values().all(|times| *times == 1));
    service.running.stop().await;
}

#[tokio::test]
async fn a_sheet_has_each_row_once_however_answers_get_lost() {
    let house = House::new();
    let google = Google::start(&house.path("."));
    let sheet =
        json!({ "id": "1AbC", "credentials_file": google.key_file, "base_url": google.web.url(), "pause_ms": 10 });
    house.write("ringfall.yaml", &json!({ "sinks": [{ "name": "sheet", "sheet": sheet }] }).to_string());
    // The token, the first row, its writing, the rows behind, the first rows: each goes wrong once.
    google.web.script([Act::Fault(503, None), Act::Close, Act::DoAndCut]);
    let service = house.serve().await;
    calls(&service, 0..5).await;
    until("five rows", || google.kept.lock().unwrap().rows.len() >= 6).await;
    google.web.script([Act::DoAndCut]);
    calls(&service, 5..9).await;
    until("nine rows", || google.kept.lock().unwrap().rows.len() >= 10).await;
    google.web.script([Act::DoAndBabble, Act::Fault(429, Some(1)), Act::Fault(401, None)]);
    calls(&service, 9..12).await;
    until("twelve rows", || google.kept.lock().unwrap().rows.len() >= 13 && google.web.is_through()).await;
    service.running.stop().await;
    let service = house.serve().await;
    calls(&service, 12..14).await;
    until("fourteen rows", || google.kept.lock().unwrap().rows.len() >= 15).await;
    service.running.stop().await;
    let kept = google.kept.lock().unwrap();
    let ids: Vec<String> = kept.rows[1..].iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
    assert!(is_set(&ids) && ids.len() == 14, "{ids:?}");
    assert_eq!((kept.rows[0][0].as_str(), kept.rows[1][6].as_str()), (Some("id"), Some("+13125550123")));
    assert_eq!(kept.complaints, Vec::<String>::new());
}

#[tokio::test]
async fn a_tab_of_somebody_else_is_left_alone() {
    let house = House::new();
    let google = Google::start(&house.path("."));
    google.kept.lock().unwrap().rows.push(vec![json!("Kunde"), json!("Umsatz")]);
    let sheet =
        json!({ "id": "1AbC", "credentials_file": google.key_file, "base_url": google.web.url(), "pause_ms": 10 });
    house.write("ringfall.yaml", &json!({ "sinks": [{ "name": "sheet", "sheet": sheet }] }).to_string());
    let service = house.serve().await;
    calls(&service, 0..1).await;
    until("it is read", || google.kept.lock().unwrap().asked > 0).await;
    let mut state = state(&service, "sheet").await;
    while state["failing"].is_null() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        state = self::state(&service, "sheet").await;
    }
    assert!(state["failing"].as_str().unwrap().contains("`Kunde`"), "{state}");
    assert_eq!(google.kept.lock().unwrap().rows.len(), 1);
    service.running.stop().await;
}

#[tokio::test]
async fn firestore_has_a_document_for_each_record() {
    let house = House::new();
    let google = Google::start(&house.path("."));
    google.kept.lock().unwrap().poison = Some("CA00000000000000000000000000000003".to_owned());
    let place = json!({ "credentials_file": google.key_file, "base_url": google.web.url() });
    house.write("ringfall.yaml", &json!({ "sinks": [{ "name": "fire", "firestore": place }] }).to_string());
    google.web.script([Act::Close, Act::Fault(500, None), Act::DoAndCut]);
    let service = house.serve().await;
    calls(&service, 0..12).await;
    until("eleven documents", || google.kept.lock().unwrap().documents.len() == 11).await;
    until("one aside", || lines(&house, "data/sinks/fire.aside.jsonl").len() == 1).await;
    service.running.stop().await;
    let kept = google.kept.lock().unwrap();
    assert_eq!(kept.complaints, Vec::<String>::new());
    let document = kept.documents.values().next().unwrap();
    assert_eq!(document["facts"]["mapValue"]["fields"]["caller"]["stringValue"], "+13125550123");
}

#[tokio::test]
async fn callers_are_answered_while_every_sink_is_down() {
    let inbox = Inbox::start("");
    inbox.web.script((0..10_000).map(|_| Act::Close));
    let house = with_sinks(&json!([
        { "name": "hook", "http": { "url": inbox.web.url() } },
        { "name": "nowhere", "http": { "url": "http://127.0.0.1:9" } },
        { "name": "dir", "file": { "path": "/proc/nowhere/trail.jsonl" } },
    ]));
    let service = house.serve().await;
    calls(&service, 0..50).await;
    let ready = service.ready().await;
    assert_eq!(ready["status"], "ready");
    let mut sinks = ready["sinks"].clone();
    while sinks.as_object().unwrap().values().any(|sink| sink["failing"].is_null()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        sinks = service.ready().await["sinks"].clone();
    }
    assert_eq!(service.counted("ringfall_sink_failing{sink=\"nowhere\",kind=\"http\"}").await, 1);
    assert!(service.counted("ringfall_sink_backlog{sink=\"nowhere\",kind=\"http\"}").await > 0);
    service.running.stop().await;
}

#[tokio::test]
async fn what_is_spoilt_beside_the_journal_keeps_no_caller_from_being_answered() {
    let house = with_sinks(&json!([
        { "name": "sheet", "sheet": { "id": "1AbC", "credentials_file": "nowhere.json" } },
        { "name": "good", "file": { "path": "/dev/null/never" } },
    ]));
    let service = house.serve().await;
    calls(&service, 0..3).await;
    service.running.stop().await;
    for entry in std::fs::read_dir(house.path("data/chain")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "chain") {
            std::fs::write(path, "").unwrap();
        }
    }
    let service = house.serve().await;
    calls(&service, 3..6).await;
    let ready = service.ready().await;
    assert!(ready["sinks"]["sheet"]["failing"].as_str().unwrap().contains("nowhere.json"), "{ready:#}");
    assert!(ready["chain"]["broken"].as_str().unwrap().contains("3 were signed"), "{ready:#}");
    service.running.stop().await;
}
