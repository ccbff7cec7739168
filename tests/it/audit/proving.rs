//! The trail of all nodes proves itself: every way to change it in the database is found and named, by nothing but the
//! database.

use ringfall::database::Address;
use ringfall::merged::Terms;
use ringfall::seal::Keys;
use serde_json::Value;

use super::merged::{decisions, node, ringfall, told, two_nodes};
use super::sinks::{calls, state, until};
use crate::postgres::{self, Database};
use crate::support::{CALL, House};

const DAY: i64 = 86_400;

/// What `audit verify` finds from a folder in which nothing is.
fn found(database: &Database, damage: &str) -> String {
    let output = ringfall(&House::new(), database, &["audit", "verify"]);
    assert_eq!(output.status.code(), Some(1), "{damage}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn proved(database: &Database) -> Value {
    serde_json::from_str(&told(&House::new(), database, &["audit", "verify", "--format", "json"])).unwrap()
}

/// The place and the name of a record of that node, `number` counted from 0.
fn record(database: &Database, node: &str, number: usize) -> (i64, String) {
    let sql = format!("SELECT seq, id FROM audit_records WHERE node = '{node}' ORDER BY seq OFFSET {number} LIMIT 1");
    let told = database.sql(&sql);
    let (seq, id) = told.split_once('|').unwrap();
    (seq.parse().unwrap(), id.to_owned())
}

const TABLES: [&str; 3] = ["audit_records", "audit_chain", "audit_checkpoints"];

/// Keeps how it is, so that it can be damaged in several ways.
fn save(database: &Database) {
    for table in TABLES {
        database.sql(&format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}"));
    }
}

fn mend(database: &Database) {
    for table in TABLES {
        database.sql(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}"));
    }
}

/// Ways to change records, each with what is to be found.
fn changed_records(database: &Database) -> Vec<(String, String)> {
    let (third, id) = record(database, "one", 2);
    let (fourth, next) = record(database, "one", 3);
    let one = format!("node = 'one' AND seq = {third}");
    let last: i64 = database.sql("SELECT max(seq) FROM audit_records WHERE node = 'one'").parse().unwrap();
    let columns = "received, gen_random_uuid(), org, call, kind, node";
    vec![
        (
            format!("UPDATE audit_records SET record = replace(record::text, 'acme', 'acne')::json WHERE {one}"),
            format!("record {id} (place {third}) was altered"),
        ),
        (
            format!("UPDATE audit_records SET org = 'globex' WHERE {one}"),
            format!("record {id} (place {third}) was altered"),
        ),
        (format!("DELETE FROM audit_records WHERE {one}"), format!("record {id} (place {third}) is missing")),
        (
            format!(
                "UPDATE audit_records SET seq = {third} + {fourth} - seq WHERE node = 'one' AND seq IN ({third}, {fourth})"
            ),
            format!("record {id} (place {third}) was reordered: record {next} stands in its place"),
        ),
        (
            format!(
                "INSERT INTO audit_records SELECT {columns}, {last} + 1, record, run FROM audit_records WHERE {one}"
            ),
            format!("a record at place {} was added", last + 1),
        ),
        (
            format!("INSERT INTO audit_records SELECT {columns}, seq, record, run FROM audit_records WHERE {one}"),
            format!("a record at place {third} was added"),
        ),
        (
            format!("INSERT INTO audit_records SELECT {columns}, 0, record, run FROM audit_records WHERE {one}"),
            "a record at place 0 was added".to_owned(),
        ),
    ]
}

/// The second run of a node, of which there are several.
const SECOND: &str = "SELECT min(before) FROM audit_chain WHERE node = 'one' AND before > 0";

/// Ways to change what proves them.
fn changed_chains(database: &Database) -> Vec<(String, String)> {
    let last: i64 = database.sql("SELECT max(seq) FROM audit_records WHERE node = 'one'").parse().unwrap();
    vec![
        (
            format!("DELETE FROM audit_chain WHERE node = 'one' AND before = ({SECOND})"),
            "are missing, and so are their entries".to_owned(),
        ),
        (
            "DELETE FROM audit_chain WHERE node = 'one' AND before = 0".to_owned(),
            "records before the first place are proved by nothing".to_owned(),
        ),
        (
            "DELETE FROM audit_records WHERE node = 'one'; DELETE FROM audit_chain WHERE node = 'one'".to_owned(),
            // The last checkpoint tells that there was more; only that all of it was let go would look the same.
            String::new(),
        ),
        (
            format!(
                "DELETE FROM audit_records WHERE node = 'one' AND run >= ({SECOND}); \
                 DELETE FROM audit_chain WHERE node = 'one' AND before >= ({SECOND})"
            ),
            format!("and once had {last}"),
        ),
        (
            "UPDATE audit_checkpoints SET signature = repeat('0', 128) WHERE node = 'one' AND \
             count = (SELECT max(count) FROM audit_checkpoints WHERE node = 'one')"
                .to_owned(),
            "is not signed by its key".to_owned(),
        ),
    ]
}

#[tokio::test]
async fn every_change_is_named_when_all_disks_are_gone() {
    let database = postgres::shared().database();
    let house = two_nodes(&database).await;
    // Some more runs.
    let service = node(&house, "one", database.url.expose()).await;
    for call in 20..24 {
        let before = decisions(&database).0;
        calls(&service, call..call + 1).await;
        until("another run", || decisions(&database).0 == before + 1).await;
    }
    service.running.stop().await;
    drop(house);
    let verdict = told(&House::new(), &database, &["audit", "verify"]);
    for node in ["one", "other"] {
        assert!(verdict.contains(&format!("the trail of all nodes holds for {node}: ")), "{verdict}");
    }
    assert!(verdict.contains("signed until 2026-11-"), "{verdict}");
    let json = proved(&database);
    let nodes = json["nodes"].as_array().unwrap();
    let whole: u64 = nodes.iter().map(|node| node["whole"].as_u64().unwrap()).sum();
    assert_eq!(whole.to_string(), database.sql("SELECT count(*) FROM audit_records"), "{json:#}");
    assert!(nodes.iter().all(|node| node["first"] == 1 && node["unsigned"] == 0), "{json:#}");
    save(&database);
    let ways = changed_records(&database).into_iter().chain(changed_chains(&database));
    for (damage, finding) in ways {
        database.sql(&damage);
        if finding.is_empty() {
            let json = proved(&database);
            assert_eq!(json["nodes"][0]["let_go"], nodes[0]["whole"], "{json:#}");
        } else {
            let told = found(&database, &damage);
            assert!(told.contains("one") && told.contains(&finding), "{damage}: {told}");
        }
        mend(&database);
        told(&House::new(), &database, &["audit", "verify"]);
    }
    database.sql(
        "INSERT INTO audit_records SELECT received, gen_random_uuid(), org, call, kind, 'nobody', 1, record FROM \
         audit_records LIMIT 1",
    );
    assert!(found(&database, "").contains("1 records of nobody are proved by nothing"));
}

#[tokio::test]
async fn only_the_keys_that_are_demanded_count() {
    let database = postgres::shared().database();
    drop(two_nodes(&database).await);
    let json = proved(&database);
    let keys: Vec<&str> = json["nodes"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    told(&House::new(), &database, &["audit", "verify", "--key", keys[0], "--key", keys[1]]);
    let output = ringfall(&House::new(), &database, &["audit", "verify", "--key", keys[0]]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && told.contains("of node other, the checkpoint"), "{told}");
}

#[tokio::test]
async fn an_export_of_all_nodes_carries_its_proof() {
    let database = postgres::shared().database();
    drop(two_nodes(&database).await);
    let house = House::new();
    told(&house, &database, &["audit", "export", "--call", CALL, "--out", "call.jsonl"]);
    let verdict = told(&house, &database, &["audit", "verify", "call.jsonl"]);
    for node in ["one", "other"] {
        assert!(verdict.contains(&format!("records of {node} are as they were written")), "{verdict}");
    }
    let text = std::fs::read_to_string(house.path("call.jsonl")).unwrap();
    let records = text.lines().filter(|line| line.contains("\"record\":")).count();
    let listed = told(&house, &database, &["audit", "list", "--call", CALL]);
    assert_eq!(records, listed.lines().count(), "{text}");
    house.write("altered.jsonl", &text.replacen("primary", "backup", 1));
    assert_eq!(ringfall(&house, &database, &["audit", "verify", "altered.jsonl"]).status.code(), Some(1));
    told(&house, &database, &["audit", "export", "--out", "all.jsonl"]);
    let all = told(&house, &database, &["audit", "verify", "all.jsonl", "--format", "json"]);
    let all: Value = serde_json::from_str(&all).unwrap();
    let records: u64 = all.as_array().unwrap().iter().map(|chain| chain["records"].as_u64().unwrap()).sum();
    assert_eq!(records.to_string(), database.sql("SELECT count(*) FROM audit_records"), "{all:#}");
    assert_eq!(all[0]["left_out"], 0, "{all:#}");
    told(&house, &database, &["audit", "export", "--since", "2030-01-01", "--out", "none.jsonl"]);
    assert!(told(&house, &database, &["audit", "verify", "none.jsonl"]).contains("0 records of one"));
}

#[tokio::test]
async fn an_erased_person_leaves_the_trail_of_all_nodes_proved() {
    let database = postgres::shared().database();
    let house = two_nodes(&database).await;
    told(&house, &database, &["audit", "erase", "--caller", "+13125550123", "--keep-recordings"]);
    assert_eq!(database.sql("SELECT count(*) FROM audit_records WHERE record::text LIKE '%3125550123%'"), "0");
    let json = proved(&database);
    let erased: u64 = json["nodes"].as_array().unwrap().iter().map(|node| node["erased"].as_u64().unwrap()).sum();
    assert!(erased > 5, "{json:#}");
    let salts = "SELECT count(*) FROM audit_chain, generate_series(0, records - 1) AS entry WHERE \
                 substr(entries, entry * 136 + 25, 16) = decode(repeat('00', 16), 'hex')";
    assert_eq!(database.sql(salts), erased.to_string(), "what could tell what was erased is gone");
    told(&house, &database, &["audit", "verify"]);
    told(&house, &database, &["audit", "export", "--out", "all.jsonl"]);
    assert!(told(&house, &database, &["audit", "verify", "all.jsonl"]).contains("without a person who was erased"));
    database.sql("UPDATE audit_records SET record = replace(record::text, 'no_answer', 'connected')::json");
    assert!(found(&database, "").contains("was altered"));
}

#[tokio::test]
async fn what_is_let_go_leaves_the_rest_proved() {
    let database = postgres::shared().database();
    let house = House::of_two();
    let more =
        [("RINGFALL_DATABASE_URL", database.url.expose()), ("RINGFALL_NODE", "one"), ("RINGFALL_RETENTION", "off")];
    // November 23, December 5 and 17.
    for day in 0..3 {
        let service = house.serve_with(&more, None).await;
        calls(&service, day * 10..day * 10 + 3).await;
        let call = format!("CA{:032x}", 900 + day);
        let fields = [("CallSid", call.as_str()), ("To", "+16195550190")];
        assert_eq!(service.ask("/twilio/inbound-call", &fields).await.status, 200);
        until("the day is there", || decisions(&database).0 == (day + 1) * 4).await;
        service.running.stop().await;
        house.clock.forward(12 * DAY);
    }
    let whole = proved(&database)["nodes"][0]["whole"].as_u64().unwrap();
    let address = Address::parse(&database.url).unwrap();
    let signer = Keys::open(&house.path("data")).unwrap().signer;
    let at = |text: &str| text.parse().unwrap();
    let now = at("2026-12-29T00:00:00Z");
    let of = [("other".to_owned(), at("2026-12-10T00:00:00Z"))];
    // Without a key nothing leaves the midst.
    let terms = Terms { before: None, of: &of, signer: None };
    assert_eq!(ringfall::merged::let_go(&address, now, terms).await.unwrap().records, 0);
    let terms = Terms { signer: Some(&signer), ..terms };
    let gone = ringfall::merged::let_go(&address, now, terms).await.unwrap().records;
    assert!(gone >= 2, "{gone}");
    assert_eq!(ringfall::merged::let_go(&address, now, terms).await.unwrap().records, 0);
    let json = proved(&database);
    let left = |json: &Value, name: &str| json["nodes"][0][name].as_u64().unwrap();
    assert_eq!((left(&json, "let_go_since"), left(&json, "whole")), (gone, whole - gone), "{json:#}");
    save(&database);
    database.sql("UPDATE audit_chain SET let_go = replace(let_go::text, 'places\":[', 'places\":[9999,')::json");
    assert!(found(&database, "").contains("is missing"), "what is signed cannot be added to");
    mend(&database);
    // A month as a whole, and some days of the next.
    let terms = Terms { before: Some(at("2026-12-10T00:00:00Z")), of: &[], signer: Some(&signer) };
    let gone = ringfall::merged::let_go(&address, now, terms).await.unwrap();
    assert_eq!(gone.months, 1, "{gone:?}");
    assert_eq!(decisions(&database).0, 4);
    let json = proved(&database);
    assert!(left(&json, "let_go") > 0 && left(&json, "whole") >= 4, "{json:#}");
    let verdict = told(&House::new(), &database, &["audit", "verify"]);
    assert!(verdict.contains("the trail is kept from the checkpoint of 2026-12-"), "{verdict}");
    told(&house, &database, &["audit", "export", "--out", "rest.jsonl"]);
    told(&house, &database, &["audit", "verify", "rest.jsonl"]);
    // A run that stays, from the midst of which everything is too old.
    database
        .sql("UPDATE audit_chain SET received_to = '2030-01-01' WHERE first = (SELECT min(first) FROM audit_chain)");
    let terms = Terms { before: Some(at("2026-12-18T00:00:00Z")), ..terms };
    ringfall::merged::let_go(&address, now, terms).await.unwrap();
    assert!(left(&proved(&database), "let_go_since") > 0);
    // It goes on behind what was let go.
    let service = house.serve_with(&more, None).await;
    calls(&service, 70..72).await;
    until("two more", || decisions(&database).0 >= 2).await;
    service.running.stop().await;
    proved(&database);
    database.sql("DELETE FROM audit_records WHERE seq = (SELECT max(seq) FROM audit_records)");
    assert!(found(&database, "").contains("is missing"));
}

#[tokio::test]
async fn a_tail_that_was_cut_with_its_signatures_is_missed_by_the_node_that_sent_it() {
    let database = postgres::shared().database();
    let house = House::new();
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 0..3).await;
    until("three records", || decisions(&database) == (3, 3)).await;
    calls(&service, 3..6).await;
    until("six records", || decisions(&database) == (6, 6)).await;
    service.running.stop().await;
    database.sql(
        "DELETE FROM audit_checkpoints WHERE count > (SELECT min(count) FROM audit_checkpoints); \
         DELETE FROM audit_chain WHERE before >= (SELECT max(count) FROM audit_checkpoints); \
         DELETE FROM audit_records WHERE seq > (SELECT max(seq) FROM audit_checkpoints)",
    );
    let left = decisions(&database).0;
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 6..8).await;
    until("it is told", || house.path("data/sinks/@database.cursor.json").exists()).await;
    let mut failing = Value::Null;
    for _ in 0..1_000 {
        failing = state(&service, "@database").await["failing"].clone();
        if failing.is_string() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(failing.to_string().contains("it was cut, or the database is an older copy"), "{failing}");
    assert_eq!(decisions(&database).0, left, "nothing hides it");
    service.running.stop().await;
    std::fs::remove_file(house.path("data/sinks/@database.cursor.json")).unwrap();
    let service = node(&house, "one", database.url.expose()).await;
    until("all of them", || decisions(&database) == (8, 8)).await;
    service.running.stop().await;
    told(&house, &database, &["audit", "verify"]);
}

#[tokio::test]
async fn a_node_that_lost_its_disk_has_a_second_chain() {
    let database = postgres::shared().database();
    let lost = House::new();
    let service = node(&lost, "one", database.url.expose()).await;
    calls(&service, 0..3).await;
    until("three records", || decisions(&database) == (3, 3)).await;
    service.running.stop().await;
    drop(lost);
    let house = House::new();
    house.clock.forward(60);
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 10..15).await;
    until("eight records", || decisions(&database) == (8, 8)).await;
    service.running.stop().await;
    let json = proved(&database);
    let whole: Vec<_> = json["nodes"].as_array().unwrap().iter().map(|node| (&node["node"], &node["whole"])).collect();
    assert_eq!(whole.len(), 2, "{json:#}");
    let sum: u64 = whole.iter().map(|(_, whole)| whole.as_u64().unwrap()).sum();
    assert_eq!(sum.to_string(), database.sql("SELECT count(*) FROM audit_records"), "{json:#}");
    database.sql("DELETE FROM audit_records WHERE call LIKE '%02'");
    assert!(found(&database, "").contains("stands in its place"));
}

#[tokio::test]
async fn what_is_sent_again_is_bound_once() {
    let database = postgres::shared().database();
    let house = House::new();
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 0..5).await;
    until("five records", || decisions(&database) == (5, 5)).await;
    service.running.stop().await;
    // The proof gone and the records left: they were sent by a release that bound nothing.
    database.sql("DELETE FROM audit_chain; DELETE FROM audit_checkpoints; UPDATE audit_records SET run = NULL");
    std::fs::remove_file(house.path("data/sinks/@database.cursor.json")).unwrap();
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 5..7).await;
    until("seven records", || decisions(&database) == (7, 7)).await;
    service.running.stop().await;
    let output = ringfall(&House::new(), &database, &["audit", "verify", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let node = &json["nodes"][0];
    let all: u64 = database.sql("SELECT count(*) FROM audit_records").parse().unwrap();
    assert_eq!(node["whole"].as_u64().unwrap() + node["before"].as_u64().unwrap(), all, "{json:#}");
    assert!(node["before"].as_u64().unwrap() >= 5, "{json:#}");
    let wall = "SELECT (SELECT count(*) FROM audit_chain) + (SELECT count(*) FROM audit_checkpoints)";
    assert_eq!(database.ask(&format!("BEGIN; SET LOCAL ringfall.org = 'acme'; {wall}; COMMIT")).unwrap(), "0");
    assert_ne!(database.ask(&format!("BEGIN; SET LOCAL ringfall.org = '@platform'; {wall}; COMMIT")).unwrap(), "0");
}
