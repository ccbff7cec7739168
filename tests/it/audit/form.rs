//! The published form of a record.

use std::path::Path;

use ringfall::audit::schema;
use serde_json::Value;

use crate::support::{CALL, House, program};

#[test]
fn the_schema_is_the_one_published() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(schema::CHECKED_IN);
    if std::env::var_os("RINGFALL_UPDATE_FIXTURES").is_some() {
        std::fs::write(&path, schema::text()).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == schema::text(), "run: ringfall schema --audit > {}", schema::CHECKED_IN);
    let printed = program(Path::new(".")).args(["schema", "--audit"]).output().unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), stored);
}

#[tokio::test]
async fn what_is_written_is_what_was_published() {
    let house = House::new();
    let service = house.serve().await;
    let first = service.arrive().await;
    let action = first.attribute("action");
    service.ask(&action, &[("DialCallStatus", "no-answer"), ("CallStatus", "in-progress")]).await;
    service.ask("/twilio/call-status", &[("CallStatus", "completed"), ("CallDuration", "31")]).await;
    let refused = service.ask_signed_by("wrong", "/twilio/inbound-call", &[]).await;
    assert_eq!(refused.status, 403);
    house.clock.forward(3600);
    let store = service.running.store.clone().unwrap();
    store.settle().await.unwrap();
    let records = store.records("acme", CALL).await.unwrap();
    let kinds: Vec<_> = records.iter().map(|record| record.kind.word()).collect();
    assert_eq!(kinds, ["decision", "decision", "status", "closed"]);
    let asked: Vec<_> = records.iter().filter_map(|record| record.request.as_ref()).collect();
    assert_eq!(asked.len(), 3, "a record for each request holds it as it came");
    assert_eq!((asked[1].method.as_str(), asked[1].target.as_str()), ("POST", action.as_str()));
    assert!(asked[1].body.contains("DialCallStatus=no-answer"), "{}", asked[1].body);
    let published = jsonschema::validator_for(&schema::value()).unwrap();
    for record in records {
        let written: Value = serde_json::to_value(&record).unwrap();
        let complaints: Vec<_> = published.iter_errors(&written).map(|error| error.to_string()).collect();
        assert!(complaints.is_empty(), "{complaints:?}\n{written:#}");
    }
    service.running.stop().await;
}
