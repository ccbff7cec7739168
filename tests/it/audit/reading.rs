//! The trail as its owner reads it: calls told and added up, records listed, exported, verified and erased.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use serde_json::Value;

use crate::support::{CALL, House, program};

/// Two calls: one rings out and reaches the mailbox, one caller hangs up.
async fn trail() -> House {
    let house = House::new();
    let service = house.serve().await;
    let first = service.arrive().await;
    house.clock.forward(20);
    let action = first.attribute("action");
    let second = service.ask(&action, &[("DialCallStatus", "no-answer"), ("CallStatus", "in-progress")]).await;
    house.clock.forward(20);
    let action = second.attribute("action");
    service.ask(&action, &[("DialCallStatus", "busy"), ("CallStatus", "in-progress")]).await;
    house.clock.forward(10);
    service.ask("/twilio/call-status", &[("CallStatus", "completed"), ("CallDuration", "50")]).await;
    let other = "CA00000000000000000000000000000002";
    service.ask("/twilio/inbound-call", &[("CallSid", other), ("From", "+12025550142")]).await;
    house.clock.forward(5);
    service
        .ask("/twilio/call-status", &[("CallSid", other), ("CallStatus", "no-answer"), ("From", "+12025550142")])
        .await;
    service.ask_signed_by("wrong", "/twilio/inbound-call", &[]).await;
    house.clock.forward(600);
    service.running.store.clone().unwrap().settle().await.unwrap();
    service.running.stop().await;
    house
}

fn ringfall(house: &House, args: &[&str]) -> Output {
    program(&house.path(".")).args(args).output().unwrap()
}

fn told(house: &House, args: &[&str]) -> String {
    let output = ringfall(house, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_call_is_told_with_its_reasons() {
    let house = trail().await;
    let text = told(&house, &["why", CALL]);
    let first = text.lines().next().unwrap();
    assert!(
        first.starts_with("Mon 2026-11-23 10:00: +13125550123 called ")
            && first.contains("rang primary (no answer), rang backup (busy)"),
        "{text}"
    );
    assert!(text.contains("     0.0 s  rings primary for 20 s") && text.contains("flows/main"), "{text}");
    let json: Value = serde_json::from_str(&told(&house, &["why", CALL, "--format", "json"])).unwrap();
    assert_eq!(json["records"].as_array().unwrap().len(), 5, "{json:#}");
    assert_eq!(ringfall(&house, &["why", "CA404"]).status.code(), Some(1));
}

#[tokio::test]
async fn calls_are_added_up() {
    let house = trail().await;
    let text = told(&house, &["report", "--svg", "week.svg"]);
    assert!(
        text.starts_with("2 calls from 2026-11-23 to 2026-11-23\n") && text.contains("missed             2 100 %"),
        "{text}"
    );
    assert!(std::fs::read_to_string(house.path("week.svg")).unwrap().contains("<svg"));
    let json: Value = serde_json::from_str(&told(&house, &["report", "--format", "json", "--org", "acme"])).unwrap();
    assert_eq!(json["all"]["people"]["primary"]["rings"], 2, "{json:#}");
    assert_eq!(told(&house, &["report", "--until", "2026-11-01"]), "no calls\n");
}

#[tokio::test]
async fn records_are_listed_shown_and_tailed() {
    let house = trail().await;
    let all = told(&house, &["audit", "list", "--format", "json"]);
    let records: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 9, "{all}");
    assert_eq!(told(&house, &["audit", "list", "--caller", "+12025550142"]).lines().count(), 2);
    let refused = told(&house, &["audit", "list", "--kind", "security"]);
    assert_eq!(refused.lines().count(), 1);
    assert!(refused.contains("signature-refused, /twilio/inbound-call: mismatch; `public_url` must be"), "{refused}");
    assert_eq!(told(&house, &["audit", "list", "--until", "2026-11-23"]), "");
    let id = records[1]["id"].as_str().unwrap();
    let shown: Value = serde_json::from_str(&told(&house, &["audit", "show", id])).unwrap();
    assert_eq!(shown, records[1]);
    let tail = told(&house, &["audit", "tail", "-n", "2", "--format", "json"]);
    assert_eq!(tail, all.lines().skip(7).map(|line| format!("{line}\n")).collect::<String>());
}

#[tokio::test]
async fn an_export_verifies_without_the_journal() {
    let house = trail().await;
    told(&house, &["audit", "export", "--call", CALL, "--out", "call.jsonl"]);
    let verdict = told(&house, &["audit", "verify", "call.jsonl"]);
    assert!(verdict.starts_with("5 records of node-1 are as they were written"), "{verdict}");
    let text = std::fs::read_to_string(house.path("call.jsonl")).unwrap();
    house.write("altered.jsonl", &text.replacen("rings primary", "rings nobody", 1));
    let output = ringfall(&house, &["audit", "verify", "altered.jsonl"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let other = ringfall(&house, &["audit", "verify", "call.jsonl", "--key", &"0".repeat(64)]);
    assert_eq!(other.status.code(), Some(1));
    let rows = told(&house, &["audit", "export", "--format", "csv", "--kind", "closed"]);
    let lines: Vec<&str> = rows.lines().collect();
    assert_eq!(lines.len(), 3, "{rows}");
    assert!(lines[0].starts_with("\"id\",\"time\"") && rows.contains("\"+13125550123\""), "{rows}");
}

#[tokio::test]
async fn an_export_that_fails_leaves_the_file_of_the_day_before() {
    let house = trail().await;
    told(&house, &["audit", "export", "--format", "json", "--out", "all.jsonl"]);
    let kept = std::fs::read_to_string(house.path("all.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), 9, "{kept}");
    std::fs::set_permissions(house.path("all.jsonl"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let names = || {
        let entries = std::fs::read_dir(house.path(".")).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<std::collections::BTreeSet<_>>()
    };
    let before = names();
    // Nobody listens there.
    let away = "postgres://nobody@127.0.0.1:1/nothing";
    let mut export = program(&house.path("."));
    export.args(["audit", "export", "--format", "csv", "--out", "all.jsonl"]).env("RINGFALL_DATABASE_URL", away);
    let output = export.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(std::fs::read_to_string(house.path("all.jsonl")).unwrap(), kept);
    assert_eq!(names(), before, "nothing is left behind");
    told(&house, &["audit", "export", "--format", "json", "--kind", "closed", "--out", "all.jsonl"]);
    let whole = std::fs::read_to_string(house.path("all.jsonl")).unwrap();
    assert_eq!(whole.lines().count(), 2, "{whole}");
    let mode = std::fs::metadata(house.path("all.jsonl")).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, names()), (0o600, before), "as the file before");
}

#[tokio::test]
async fn a_person_is_erased_and_the_chain_holds() {
    let house = trail().await;
    let before = told(&house, &["audit", "verify"]);
    assert!(before.contains("9 records as they were written, 0 without"), "{before}");
    let service = house.serve().await;
    let busy = ringfall(&house, &["audit", "erase", "--caller", "+13125550123"]);
    assert_eq!(busy.status.code(), Some(3), "a running service holds the journal: {busy:?}");
    service.running.stop().await;
    let erased = told(&house, &["audit", "erase", "--caller", "+13125550123"]);
    assert!(erased.starts_with("erased from 1 call and 5 records\n"), "{erased}");
    let after = told(&house, &["audit", "verify"]);
    assert!(after.contains("4 records as they were written, 5 without"), "{after}");
    let why = told(&house, &["why", CALL]);
    assert!(why.contains("erased called") && !why.contains("5550123"), "{why}");
    for entry in std::fs::read_dir(house.path("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(7).any(|window| window == b"5550123");
            assert!(!found, "the number is still in {}", path.display());
        }
    }
    assert_eq!(ringfall(&house, &["audit", "erase", "--caller", "+13125550123"]).status.code(), Some(1));
    let service = house.serve().await;
    assert_eq!(service.arrive().await.status, 200);
    service.running.stop().await;
}

#[tokio::test]
async fn a_record_that_was_altered_in_the_file_is_named() {
    let house = trail().await;
    let listed = told(&house, &["audit", "list", "--format", "json"]);
    let third: Value = serde_json::from_str(listed.lines().nth(2).unwrap()).unwrap();
    let file = rusqlite::Connection::open(house.path("data/ringfall.db")).unwrap();
    file.execute("UPDATE records SET body = (SELECT body FROM records WHERE seq = 2) WHERE seq = 3", []).unwrap();
    drop(file);
    let output = ringfall(&house, &["audit", "verify"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains(third["id"].as_str().unwrap()) && text.contains("was reordered"), "{text}");
}

#[tokio::test]
async fn a_refusal_names_the_organization_that_it_claimed() {
    let house = House::new();
    let service = house.serve().await;
    let answer = service.ask_signed_by("wrong", "/twilio/inbound-call?org=acme", &[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (403, ""));
    service.running.stop().await;
    let refused = told(&house, &["audit", "list", "--kind", "security"]);
    assert!(refused.contains("/twilio/inbound-call for `acme`: mismatch; "), "{refused}");
}

#[tokio::test]
async fn what_is_no_number_is_told_as_such_when_somebody_is_to_be_erased() {
    let house = trail().await;
    for more in [&[][..], &["--dry-run"]] {
        let output = ringfall(&house, &[&["audit", "erase", "--caller", "abc"], more].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("`abc` is no number") && said.contains("`+13125550123`"), "{said}");
    }
    let output = ringfall(&house, &["audit", "erase", "--caller", "+13125550199"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
