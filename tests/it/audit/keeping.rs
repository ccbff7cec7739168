//! What is too old leaves the journal and the chain, once all who read the trail have it.

use std::process::Output;
use std::time::{Duration, Instant};

use ringfall::merged::Terms;
use serde_json::{Value, json};

use crate::fake_twilio::{Act, Fake, KEY, KEY_SECRET};
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
    // The chain is cut first: the journal may have some more, and is cut further when the service runs again.
    let (whole, waiting) = (json["whole"].as_i64().unwrap(), json["waiting"].as_i64().unwrap());
    assert!(whole > 0 && whole + waiting <= kept(&house), "{json:#}");
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
        until(&house, &service, "it is told", |ready| ready["retention"]["held_by"] == json!(["sink hook"])).await;
    assert!(ready["retention"]["held"].as_u64().unwrap_or(0) > 0, "{ready:#}");
    assert!(service.counted("ringfall_retention_held").await > 0);
    assert!(told(&house, &["audit", "list"]).contains("CA00000000000000000000000000000001"));
    house.clock.forward(7 * DAY);
    until(&house, &service, "grace is over", |ready| ready["retention"]["upto"].as_i64().unwrap_or(0) >= 5).await;
    service.running.stop().await;
}

#[tokio::test]
async fn the_trail_of_all_nodes_lets_months_and_days_go() {
    let database = crate::postgres::shared().database();
    let house = House::new();
    let more = [("RINGFALL_DATABASE_URL", database.url.expose()), ("RINGFALL_RETENTION", "off")];
    let received = "SELECT count(*) FROM audit_records WHERE kind = 'decision'";
    for day in 0..4 {
        let service = house.serve_with(&more, None).await;
        calls(&service, day * 10..day * 10 + 5).await;
        let wanted = (day + 1) * 5;
        let end = Instant::now() + Duration::from_secs(90);
        while database.try_sql(received).unwrap_or_default() != wanted.to_string() {
            assert!(Instant::now() < end, "day {day} is not there");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        service.running.stop().await;
        house.clock.forward(12 * DAY);
    }
    // The calls came in on November 23, December 5 and 17 and 29; it is January 10 now.
    let address = ringfall::database::Address::parse(&database.url).unwrap();
    let before = "2026-12-10T00:00:00Z".parse().unwrap();
    let now = "2027-01-10T00:00:00Z".parse().unwrap();
    let signer = ringfall::seal::Keys::open(&house.path("data")).unwrap().signer;
    let terms = Terms { before: Some(before), of: &[], signer: Some(&signer) };
    let wrong = ringfall::merged::let_go(&address, "2036-01-10T00:00:00Z".parse().unwrap(), terms).await;
    assert!(wrong.unwrap_err().contains("the clock may be set wrong"));
    let gone = ringfall::merged::let_go(&address, now, terms).await.unwrap();
    assert_eq!(gone.months, 1, "November: {gone:?}");
    assert!(gone.records >= 5, "the first days of December: {gone:?}");
    assert_eq!(database.sql(received), "10");
    assert_eq!(database.sql("SELECT to_regclass('audit_records_2026_11') IS NULL"), "t");
    let of = [("other".to_owned(), "2027-01-01T00:00:00Z".parse().unwrap())];
    let again = ringfall::merged::let_go(&address, now, Terms { of: &of, ..terms }).await.unwrap();
    assert_eq!(again, ringfall::merged::Gone::default());
    // A node does it by itself.
    let more = [("RINGFALL_DATABASE_URL", database.url.expose()), ("RINGFALL_RETENTION", "20d")];
    let service = house.serve_with(&more, None).await;
    let end = Instant::now() + Duration::from_secs(90);
    while database.sql(received) != "5" {
        assert!(Instant::now() < end, "{} are left", database.sql(received));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    service.running.stop().await;
}

#[tokio::test]
async fn an_organization_may_keep_less_and_that_is_signed_for() {
    let house = House::of_two();
    let more = [("RINGFALL_RETENTION_OF", "acme=2d")];
    for day in 0..4 {
        let service = house.serve_with(&more, None).await;
        calls(&service, day * 10..day * 10 + 3).await;
        let call = format!("CA{:032x}", 900 + day);
        let fields = [("CallSid", call.as_str()), ("To", "+16195550190")];
        assert_eq!(service.ask("/twilio/inbound-call", &fields).await.status, 200);
        bound(&house, &service).await;
        service.running.stop().await;
        house.clock.forward(DAY);
    }
    let service = house.serve_with(&more, None).await;
    let first = "CA00000000000000000000000000000001";
    let end = Instant::now() + Duration::from_secs(90);
    while told(&house, &["audit", "list", "--org", "acme"]).contains(first) {
        assert!(Instant::now() < end, "the first call of acme is still there: {:#}", service.ready().await);
        house.clock.forward(1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    service.running.stop().await;
    let others = told(&house, &["audit", "list", "--org", "other"]);
    assert!(others.contains(&format!("CA{:032x}", 900)), "{others}");
    let verdict = told(&house, &["audit", "verify"]);
    assert!(verdict.contains("went sooner, as their organizations want it"), "{verdict}");
    told(&house, &["audit", "export", "--org", "other", "--out", "other.jsonl"]);
    assert!(told(&house, &["audit", "verify", "other.jsonl"]).contains("are as they were written"));
    // What nobody signed for is missed, and so is everything when the signature is not the chain's.
    let statement = std::fs::read_dir(house.path("data/chain")).unwrap().map(|entry| entry.unwrap().path());
    let statement = statement.into_iter().find(|path| path.extension().is_some_and(|it| it == "let-go")).unwrap();
    let text = std::fs::read_to_string(&statement).unwrap();
    std::fs::write(&statement, text.replacen("\"places\":[", "\"places\":[9999,", 1)).unwrap();
    assert_eq!(ringfall(&house, &["audit", "verify"]).status.code(), Some(1));
    std::fs::write(&statement, text).unwrap();
    let file = rusqlite::Connection::open(house.path("data/ringfall.db")).unwrap();
    file.execute("DELETE FROM records WHERE seq = (SELECT min(seq) FROM records WHERE org = 'other')", []).unwrap();
    drop(file);
    let output = ringfall(&house, &["audit", "verify"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[tokio::test]
async fn recordings_go_at_the_carrier_before_the_records_that_name_them() {
    const RECORDING: &str = "RE00000000000000000000000000000001";
    const STRAY: &str = "RE00000000000000000000000000000002";
    let rules = crate::support::RULES.replace("{ ring: backup, for: 20s }", "{ voicemail: Please speak. }");
    let house = House::with(&[("rules/acme.yaml", &rules)]);
    let fake = Fake::start();
    fake.state().recordings.insert(RECORDING.into(), b"a voice".to_vec());
    let url = fake.url();
    let more = [
        ("RINGFALL_RETENTION", "2d"),
        ("RINGFALL_RETENTION_RECORDINGS", "delete"),
        ("TWILIO_API_KEY", KEY),
        ("TWILIO_API_SECRET", KEY_SECRET),
        ("RINGFALL_TWILIO_API_URL", url.as_str()),
    ];
    let service = house.serve_with(&more, None).await;
    let ringing = service.arrive().await;
    let missed = [("DialCallStatus", "no-answer"), ("CallStatus", "in-progress")];
    let mailbox = service.ask(&ringing.attribute("action"), &missed).await;
    let left = [("RecordingSid", RECORDING), ("RecordingStatus", "completed"), ("RecordingDuration", "7")];
    service.ask(&mailbox.attribute("recordingStatusCallback"), &left).await;
    // A caller of a number that is nobody's leaves a message, too: only the account has it.
    fake.state().recordings.insert(STRAY.into(), b"another voice".to_vec());
    let stray = [("CallSid", "CA000000000000000000000000000000aa"), ("To", "+16195550199")];
    let apology = service.ask("/twilio/inbound-call", &stray).await;
    let callback = apology.attribute("recordingStatusCallback");
    service.ask(&callback, &[stray[0], stray[1], ("RecordingSid", STRAY), left[1], left[2]]).await;
    bound(&house, &service).await;
    service.running.stop().await;
    house.clock.forward(DAY);
    days(&house, &more, 1..4).await;
    // The carrier refuses: the record stays, and who looks is told.
    fake.script(&format!("{RECORDING}.json"), &[Act::Fault(403, 20003)]);
    let service = house.serve_with(&more, None).await;
    let failing = |ready: &Value| ready["retention"]["failing"].as_str().is_some_and(|why| why.contains(RECORDING));
    until(&house, &service, "it is told", failing).await;
    assert_eq!(service.counted("ringfall_retention_failing").await, 1);
    assert!(told(&house, &["audit", "list", "--kind", "recording"]).contains("recording"));
    // Ten minutes later it is tried again.
    house.clock.forward(700);
    until(&house, &service, "it is gone", |_| fake.state().recordings.is_empty()).await;
    until(&house, &service, "nothing fails", |ready| ready["retention"]["failing"].is_null()).await;
    let end = Instant::now() + Duration::from_secs(60);
    while !told(&house, &["audit", "list", "--kind", "recording"]).is_empty() {
        assert!(Instant::now() < end, "the record is still there");
        house.clock.forward(1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    service.running.stop().await;
}
