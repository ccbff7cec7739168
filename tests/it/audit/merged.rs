//! The trail of all nodes in PostgreSQL: what stands there, who sees it, and how it is read.

use std::process::Output;

use ringfall::database::Address;
use ringfall::merged::Shipper;
use serde_json::{Value, json};

use super::sinks::{calls, state, until};
use crate::postgres::{self, Database};
use crate::support::{CALL, House, Service, program};

/// A node of that name on the database.
pub(super) async fn node(house: &House, name: &str, url: &str) -> Service {
    house.serve_with(&[("RINGFALL_DATABASE_URL", url), ("RINGFALL_NODE", name)], None).await
}

/// Records of callers in the database, and how many of them are different.
pub(super) fn decisions(database: &Database) -> (usize, usize) {
    let sql = "SELECT count(*), count(DISTINCT id) FROM audit_records WHERE kind = 'decision'";
    // The table is made with the first record.
    let told = database.try_sql(sql).unwrap_or_else(|_| "0|0".to_owned());
    let (all, different) = told.split_once('|').unwrap();
    (all.parse().unwrap(), different.parse().unwrap())
}

pub(super) fn ringfall(house: &House, database: &Database, args: &[&str]) -> Output {
    program(&house.path(".")).args(args).env("RINGFALL_DATABASE_URL", database.url.expose()).output().unwrap()
}

pub(super) fn told(house: &House, database: &Database, args: &[&str]) -> String {
    let output = ringfall(house, database, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A call whose steps two nodes answer, and two others, one on each.
pub(super) async fn two_nodes(database: &Database) -> House {
    let (house, other_house) = (House::new(), House::new());
    let url = database.url.expose();
    let (one, other) = (node(&house, "one", url).await, node(&other_house, "other", url).await);
    let forward = |seconds| [&house, &other_house].map(|house| house.clock.forward(seconds));
    let first = one.arrive().await;
    forward(20);
    let action = first.attribute("action");
    let second = other.ask(&action, &[("DialCallStatus", "no-answer"), ("CallStatus", "in-progress")]).await;
    forward(20);
    let action = second.attribute("action");
    one.ask(&action, &[("DialCallStatus", "busy"), ("CallStatus", "in-progress")]).await;
    forward(10);
    other.ask("/twilio/call-status", &[("CallStatus", "completed"), ("CallDuration", "50")]).await;
    calls(&one, 1..2).await;
    calls(&other, 2..3).await;
    // Each node closes what it knows of: some at once, the rest when no call can last that long.
    for seconds in [600, 20_000] {
        forward(seconds);
        for service in [&one, &other] {
            service.running.store.clone().unwrap().settle().await.unwrap();
        }
    }
    let closed = "SELECT count(*) FROM audit_records WHERE kind = 'closed'";
    until("everything is there", || database.try_sql(closed).is_ok_and(|count| count == "4")).await;
    one.running.stop().await;
    other.running.stop().await;
    house
}

#[tokio::test]
async fn a_call_that_two_nodes_answered_is_one_call() {
    let database = postgres::shared().database();
    let house = two_nodes(&database).await;
    let listed = told(&house, &database, &["audit", "list", "--call", CALL, "--format", "json"]);
    let records: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let nodes: Vec<&str> = records.iter().map(|record| record["node"].as_str().unwrap()).collect();
    assert_eq!(nodes[..4], ["one", "other", "one", "other"], "{listed}");
    let why = told(&house, &database, &["why", CALL]);
    let sentence = why.lines().next().unwrap();
    assert!(sentence.contains("rang primary (no answer), rang backup (busy)"), "{why}");
    assert!(why.contains("flows/main"), "reasons in words: {why}");
    let report: Value = serde_json::from_str(&told(&house, &database, &["report", "--format", "json"])).unwrap();
    assert_eq!(report["all"]["calls"], 3, "{report:#}");
    let id = records[1]["id"].as_str().unwrap();
    let shown: Value = serde_json::from_str(&told(&house, &database, &["audit", "show", id])).unwrap();
    assert_eq!(shown, records[1]);
    let tail = told(&house, &database, &["audit", "tail", "-n", "3", "--kind", "decision"]);
    assert_eq!(tail.lines().count(), 3, "{tail}");
    let rows = told(&house, &database, &["audit", "export", "--format", "csv", "--org", "acme"]);
    assert!(rows.lines().count() > 8 && rows.starts_with("\"id\",\"time\""), "{rows}");
    // One journal alone has only its part.
    let own = told(&house, &database, &["audit", "list", "--call", CALL, "--format", "json", "--data", "data"]);
    assert!(own.lines().count() < records.len() && !own.contains("\"other\""), "{own}");
    assert_eq!(ringfall(&house, &database, &["why", "CA404"]).status.code(), Some(1));
}

#[tokio::test]
async fn a_database_without_a_trail_is_told_as_such() {
    let database = postgres::shared().database();
    let output = ringfall(&House::new(), &database, &["audit", "list"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && told.contains("no node"), "{told}");
}

#[tokio::test]
async fn an_organization_sees_its_own_records_and_no_others() {
    let database = postgres::shared().database();
    let house = House::new();
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 0..3).await;
    service.ask_signed_by("wrong", "/twilio/inbound-call", &[]).await;
    until("four records", || database.try_sql("SELECT count(*) FROM audit_records").is_ok_and(|all| all == "4")).await;
    service.running.stop().await;
    let parts = database.sql(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'audit_records_%' ORDER BY 1",
    );
    let parts: Vec<&str> = parts.lines().collect();
    assert_eq!(parts, ["audit_records_2026_11", "audit_records_2026_12", "audit_records_2027_01"], "made ahead");
    for table in ["audit_records", parts[0]] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(database.ask(&count).unwrap(), "0", "who says nothing sees nothing");
        for (org, seen) in [("acme", "3"), ("globex", "0"), ("@platform", "4")] {
            let asked = format!("BEGIN; SET LOCAL ringfall.org = '{org}'; {count}; COMMIT");
            assert_eq!(database.ask(&asked).unwrap(), seen, "{org} in {table}");
        }
        let intruder = format!(
            "INSERT INTO {table} SELECT received, gen_random_uuid(), 'globex', call, kind, node, seq, record FROM {table}"
        );
        let refused = database.ask(&format!("BEGIN; SET LOCAL ringfall.org = 'acme'; {intruder}; COMMIT")).unwrap_err();
        assert!(refused.contains("row-level security"), "{refused}");
    }
}

#[tokio::test]
async fn a_month_that_is_missing_is_made() {
    let database = postgres::shared().database();
    let house = House::new();
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 0..2).await;
    until("two records", || decisions(&database) == (2, 2)).await;
    database.sql("DROP TABLE audit_records_2026_11");
    calls(&service, 2..5).await;
    until("three records", || decisions(&database) == (3, 3)).await;
    // Half a year later, without a restart.
    house.clock.forward(180 * 86_400);
    calls(&service, 5..6).await;
    until("four records", || decisions(&database) == (4, 4)).await;
    assert_eq!(database.sql("SELECT count(*) FROM audit_records_2027_05 WHERE kind = 'decision'"), "1");
    service.running.stop().await;
}

#[tokio::test]
async fn a_month_that_another_node_makes_at_the_same_moment_is_there() {
    let database = postgres::shared().database();
    let address = Address::parse(&database.url).unwrap();
    let mut shipper = Shipper::new(&address, None).unwrap();
    shipper.put(&[], "2026-11-30T00:00:00Z".parse().unwrap()).await.unwrap();
    let (other, connection) = tokio_postgres::connect(database.url.expose(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    other.batch_execute("BEGIN; SELECT audit_month('2027-04-10')").await.unwrap();
    let made = tokio::spawn(async move { shipper.put(&[], "2027-04-20T00:00:00Z".parse().unwrap()).await });
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = \
                 (SELECT oid FROM pg_database WHERE datname = current_database())";
    until("the second waits for the first", || database.sql(waits) == "1").await;
    other.batch_execute("COMMIT").await.unwrap();
    assert_eq!(made.await.unwrap(), Ok(()));
    assert_eq!(database.sql("SELECT count(*) FROM audit_records_2027_06"), "0", "and those that come next are made");
}

#[tokio::test]
async fn a_record_that_the_database_refuses_is_set_aside() {
    let database = postgres::shared().database();
    let house = House::new();
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 0..1).await;
    until("one record", || decisions(&database) == (1, 1)).await;
    let poison = "CA0000000000000000000000000000000d";
    database.sql(&format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.call = '{poison}' THEN \
         RAISE EXCEPTION 'I do not like it' USING ERRCODE = '22000'; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER refuse BEFORE INSERT ON audit_records FOR EACH ROW EXECUTE FUNCTION refuse()"
    ));
    calls(&service, 1..20).await;
    until("the others", || decisions(&database) == (19, 19)).await;
    until("it is set aside", || house.path("data/sinks/@database.aside.jsonl").exists()).await;
    let aside = std::fs::read_to_string(house.path("data/sinks/@database.aside.jsonl")).unwrap();
    assert!(aside.lines().count() == 1 && aside.contains(poison) && aside.contains("I do not like it"), "{aside}");
    service.running.stop().await;
}

#[tokio::test]
async fn a_database_of_ones_own_gets_what_a_sink_may_tell() {
    let database = postgres::shared().database();
    let house = House::new();
    house.write("owner.url", &format!("{}\n", database.url.expose()));
    let sink = json!({ "name": "owner", "orgs": ["acme"], "kinds": ["decision"], "numbers": "masked",
        "postgres": { "url_file": house.path("owner.url") } });
    house.write("ringfall.yaml", &json!({ "sinks": [sink] }).to_string());
    let service = house.serve().await;
    calls(&service, 0..4).await;
    service.ask_signed_by("wrong", "/twilio/inbound-call", &[]).await;
    until("four records", || decisions(&database) == (4, 4)).await;
    assert_eq!(database.sql("SELECT count(*) FROM audit_records WHERE record::text LIKE '%5550123%'"), "0");
    let caller = database.sql("SELECT DISTINCT record->'facts'->>'caller', org, node FROM audit_records");
    assert!(caller.starts_with("+1") && caller.ends_with("|acme|node-1"), "{caller}");
    // The cursor removed: everything comes again, and stands there once.
    service.running.stop().await;
    std::fs::remove_file(house.path("data/sinks/owner.cursor.json")).unwrap();
    let service = house.serve().await;
    calls(&service, 4..6).await;
    until("six records", || decisions(&database) == (6, 6)).await;
    assert_eq!(state(&service, "owner").await["kind"], "postgres");
    service.running.stop().await;
}

#[tokio::test]
async fn the_steps_of_the_trail_can_be_taken_back_and_taken_again() {
    let database = postgres::shared().database();
    for round in 0..2 {
        let house = House::new();
        let service = node(&house, "one", database.url.expose()).await;
        calls(&service, 0..1).await;
        until("a record", || decisions(&database) == (1, 1)).await;
        service.running.stop().await;
        database.sql(include_str!("../../../src/merged/migrations/back/2.sql"));
        let form = "SELECT max(version) FROM ringfall_audit_migrations";
        assert_eq!((database.sql(form), decisions(&database)), ("1".to_owned(), (1, 1)), "round {round}");
        database.sql(include_str!("../../../src/merged/migrations/back/1.sql"));
        let left = database.sql("SELECT count(*) FROM pg_tables WHERE tablename LIKE '%audit%'");
        assert_eq!(left, "0", "round {round}");
    }
}

#[tokio::test]
async fn the_trail_of_all_nodes_is_held_against_the_journal() {
    let database = postgres::shared().database();
    let house = two_nodes(&database).await;
    let verdict = told(&house, &database, &["audit", "verify"]);
    let own = told(&house, &database, &["audit", "list", "--format", "json", "--data", "data"]);
    let count = own.lines().count();
    assert!(verdict.contains(&format!("the trail of all nodes has {count} of these records as they are")), "{verdict}");
    let json: Value = serde_json::from_str(&told(&house, &database, &["audit", "verify", "--format", "json"])).unwrap();
    assert_eq!((&json["merged"]["same"], &json["merged"]["waiting"]), (&count.into(), &0.into()), "{json:#}");
    let second: Value = serde_json::from_str(own.lines().nth(1).unwrap()).unwrap();
    let id = second["id"].as_str().unwrap();
    let found = |deed: &str| {
        database.sql(&format!("{deed} WHERE id = '{id}'"));
        let output = ringfall(&house, &database, &["audit", "verify"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let altered = found("UPDATE audit_records SET record = replace(record::text, 'busy', 'down')::json");
    assert!(altered.contains(id) && altered.contains("says something else there"), "{altered}");
    let missing = found("DELETE FROM audit_records");
    assert!(missing.contains(id) && missing.contains("is missing there"), "{missing}");
}
