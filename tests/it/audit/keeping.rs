//! What is too old leaves the journal and the chain, once all who read the trail have it.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{House, Service, program};

const DAY: i64 = 86_400;

/// Calls, each with its own name.
async fn calls(service: &Service, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let call = format!("CA{number:032x}");
        assert_eq!(service.ask("/twilio/inbound-call", &[("CallSid", &call)]).await.status, 200);
    }
}

/// Waits for what `/readyz` says, while the time goes on a little.
async fn until(house: &House, service: &Service, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        let ready = service.ready().await;
        if reached(&ready) {
            return ready;
        }
        assert!(Instant::now() < end, "not reached: {what}: {ready:#}");
        house.clock.forward(1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn bound(house: &House, service: &Service) {
    until(house, service, "all is bound", |ready| ready["chain"]["behind"] == 0).await;
}

fn ringfall(house: &House, args: &[&str]) -> Output {
    program(&house.path(".")).args(args).output().unwrap()
}

fn told(house: &House, args: &[&str]) -> String {
    let output = ringfall(house, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn kept(house: &House) -> i64 {
    let file = rusqlite::Connection::open(house.path("data/ringfall.db")).unwrap();
    file.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap()
}

/// Serves one day after the other; each day's records end at a signed checkpoint.
async fn days(house: &House, more: &[(&str, &str)], days: std::ops::Range<usize>) {
    for day in days {
        let service = house.serve_with(more, None).await;
        calls(&service, day * 10..day * 10 + 5).await;
        bound(house, &service).await;
        service.running.stop().await;
        house.clock.forward(DAY);
    }
}

#[tokio::test]
async fn days_that_are_too_old_go_and_the_chain_holds() {
    let house = House::new();
    let more = [("RINGFALL_RETENTION", "3d")];
    days(&house, &more, 0..6).await;
    let service = house.serve_with(&more, None).await;
    calls(&service, 60..61).await;
    until(&house, &service, "old days went", |ready| ready["retention"]["upto"].as_i64().unwrap_or(0) >= 10).await;
    let end = Instant::now() + Duration::from_secs(60);
    while told(&house, &["audit", "list"]).contains("CA00000000000000000000000000000001") {
        assert!(Instant::now() < end, "the first call is still there");
        house.clock.forward(1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(service.counted("ringfall_retention_held").await, 0);
    service.running.stop().await;
    let verdict = told(&house, &["audit", "verify"]);
    assert!(verdict.contains("the trail is kept from the checkpoint of 2026-11-"), "{verdict}");
    let json: Value = serde_json::from_str(&told(&house, &["audit", "verify", "--format", "json"])).unwrap();
    assert_eq!(json["whole"].as_i64().unwrap(), kept(&house), "{json:#}");
    assert!(json["let_go"].as_u64().unwrap() >= 10, "{json:#}");
    told(&house, &["audit", "export", "--out", "rest.jsonl"]);
    assert!(told(&house, &["audit", "verify", "rest.jsonl"]).contains("are as they were written"));
    // It starts again on what is left.
    let service = house.serve_with(&more, None).await;
    calls(&service, 61..62).await;
    bound(&house, &service).await;
    assert_eq!(service.ready().await["chain"]["broken"], Value::Null);
    service.running.stop().await;
}

#[tokio::test]
async fn what_a_sink_has_not_read_stays_for_the_days_of_grace() {
    let house = House::new();
    let sink = json!({ "sinks": [{ "name": "hook", "http": { "url": "http://127.0.0.1:9/", "secret_file": "hook.secret" } }] });
    house.write("ringfall.yaml", &sink.to_string());
    house.write("hook.secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    let more = [("RINGFALL_RETENTION", "2d")];
    days(&house, &more, 0..5).await;
    let service = house.serve_with(&more, None).await;
    let ready =
        until(&house, &service, "it is told", |ready| ready["retention"]["held"].as_u64().unwrap_or(0) > 0).await;
    assert_eq!(ready["retention"]["held_by"], json!(["sink hook"]), "{ready:#}");
    assert!(service.counted("ringfall_retention_held").await > 0);
    assert!(told(&house, &["audit", "list"]).contains("CA00000000000000000000000000000001"));
    house.clock.forward(7 * DAY);
    until(&house, &service, "grace is over", |ready| ready["retention"]["upto"].as_i64().unwrap_or(0) >= 5).await;
    service.running.stop().await;
}
