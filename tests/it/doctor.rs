//! `ringfall doctor`, in sickness and in health.

use crate::fake_twilio::{Fake, KEY, KEY_SECRET};
use crate::support::{ACCOUNT, House, LINE, TOKEN, program};

/// What it says of each thing.
fn examined(house: &House, settings: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = program(&house.path(""));
    command.arg("doctor").args(arguments).env("RINGFALL_RULES", "rules").env("RINGFALL_DATA", "data");
    command.env("PATH", "/usr/bin:/bin").envs(settings.iter().copied());
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[actix_web::test]
async fn a_whole_installation_is_well_and_each_ailment_has_its_remedy() {
    let (house, fake) = (House::new(), Fake::start());
    fake.state().own(LINE, &[]);
    let service = house.serve().await;
    // It runs on this very thread, which waits for commands below.
    assert_eq!(service.get("/healthz").await.status, 200);
    let public = format!("http://{}", service.address);
    let api = fake.url();
    let settings = [
        ("RINGFALL_PUBLIC_URL", public.as_str()),
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("TWILIO_API_KEY", KEY),
        ("TWILIO_API_SECRET", KEY_SECRET),
        ("RINGFALL_TWILIO_API_URL", &api),
    ];
    let (code, told) = examined(&house, &settings, &[]);
    assert_eq!(code, Some(1), "{told}");
    for part in [
        "PASS  settings",
        "PASS  acme: rules",
        "PASS  data folder",
        "PASS  disk",
        "PASS  public address",
        "PASS  auth token",
        "PASS  API key: works; the account has 1 number",
        "FAIL  acme: numbers: +16195550100 differs in: voice",
        "-> see both sides with `ringfall numbers plan --org acme`",
        "WARN  acme: fallback",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    let mut command = program(&house.path(""));
    let apply = command.args(["numbers", "apply"]).env("RINGFALL_RULES", "rules").envs(settings).output().unwrap();
    assert!(apply.status.success());
    let (code, told) = examined(&house, &settings, &["--org", "acme"]);
    assert!(code == Some(0) && told.contains("PASS  acme: numbers"), "{told}");
    assert_eq!(examined(&house, &settings, &["--strict"]).0, Some(1));
    let mut wrong = settings;
    wrong[2].1 = "ffffffffffffffffffffffffffffffff";
    wrong[4].1 = "not-the-secret";
    let (code, told) = examined(&house, &wrong, &[]);
    assert!(code == Some(1) && told.contains("FAIL  auth token") && told.contains("FAIL  API key"), "{told}");
    assert!(!told.contains("not-the-secret") && !told.contains("ffffffffffff"), "{told}");
    service.running.stop().await;
    assert!(examined(&house, &settings, &[]).1.contains("FAIL  public address"));
}

#[test]
fn without_asking_anybody_it_looks_at_what_is_here() {
    let house = House::with(&[("rules/acme.yaml", "version: 1\n")]);
    let (code, told) = examined(&house, &[], &["--offline"]);
    assert!(code == Some(1) && told.contains("FAIL  rules"), "{told}");
    assert!(told.contains("WARN  data folder") && !told.contains("public address"), "{told}");
    let (code, told) = examined(&house, &[("RINGFALL_DRAIN", "soon")], &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, json[0]["verdict"].as_str()), (Some(1), Some("FAIL")), "{told}");
}

#[actix_web::test]
async fn the_database_of_all_nodes_is_asked() {
    let database = crate::postgres::shared().database();
    let house = House::new();
    let url = ("RINGFALL_DATABASE_URL", database.url.expose());
    let (_, told) = examined(&house, &[url], &[]);
    assert!(told.contains("PASS  database") && told.contains("WARN  trail of all nodes: PostgreSQL has no"), "{told}");
    let service = house.serve_with(&[url], None).await;
    service.arrive().await;
    let count = "SELECT count(*) FROM audit_records";
    crate::audit::until("its record is there", || database.try_sql(count).is_ok_and(|count| count == "1")).await;
    service.running.stop().await;
    let (_, told) = examined(&house, &[url], &[]);
    assert!(told.contains("PASS  trail of all nodes: has records of node-1"), "{told}");
    let (_, told) = examined(&house, &[url, ("RINGFALL_NODE", "other")], &[]);
    assert!(told.contains("WARN  trail of all nodes: has records of node-1, and none of `other`"), "{told}");
    let superuser = url.1.replace("ringfall@", "postgres@");
    let (_, told) = examined(&house, &[("RINGFALL_DATABASE_URL", &superuser)], &[]);
    assert!(told.contains("WARN  database: this role passes by"), "{told}");
    let away = ("RINGFALL_DATABASE_URL", "postgresql://ringfall:hunter2@127.0.0.1:1/none");
    let (code, told) = examined(&house, &[away], &[]);
    assert!(code == Some(1) && told.contains("FAIL  database") && !told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn it_tells_how_the_trail_stands() {
    let house = House::new();
    let sinks = serde_json::json!({ "sinks": [
        { "name": "hook", "http": { "url": "http://127.0.0.1:9/", "secret_file": house.path("hook.secret") } },
        { "name": "trail", "file": { "path": house.path("trail.jsonl") } },
    ] });
    house.write("hook.secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    house.write("ringfall.yaml", &sinks.to_string());
    // The call came in twenty days ago.
    let now = ringfall::app::ports::Clock::now(&*house.clock).as_second();
    house.clock.forward(jiff::Timestamp::now().as_second() - 20 * 86_400 - 60 - now);
    let service = house.serve().await;
    service.arrive().await;
    for _ in 0..1_200 {
        if service.ready().await["sinks"]["trail"]["delivered"] == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    service.running.stop().await;
    let (_, told) = examined(&house, &[], &["--offline"]);
    for part in [
        "PASS  journal: 1 record written",
        "PASS  chain: 1 record bound",
        "PASS  sink trail: 0 records waiting",
        "WARN  sink hook: 1 record waiting, the oldest for ",
        "PASS  retention: the oldest record is ",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    let (code, told) = examined(&house, &[("RINGFALL_RETENTION", "1d")], &["--offline"]);
    assert!(code == Some(1) && told.contains("FAIL  retention: records are 20 days old"), "{told}");
    let file = rusqlite::Connection::open(house.path("data/ringfall.db")).unwrap();
    file.execute("DELETE FROM records", []).unwrap();
    drop(file);
    assert!(examined(&house, &[], &["--offline"]).1.contains("FAIL  chain: place 1 was bound"));
}

#[tokio::test]
async fn it_tells_what_texts_have_cost_today() {
    use crate::outbox::{DANA, draft, room_for};
    use ringfall::app::messenger::ports::Outbox as _;

    let house = House::new();
    let examined = |settings: &[(&str, &str)]| examined(&house, settings, &["--offline"]).1;
    assert!(!examined(&[]).contains("spending"), "nothing was ever sent");
    let desk = ringfall::outbox::Desk::open(std::path::Path::new(&house.path("data"))).unwrap();
    assert!(examined(&[]).contains("PASS  acme: spending: texts have cost 0.00 of 10.00 USD since midnight UTC"));
    let now = jiff::Timestamp::now().as_second();
    let texts = ["+16195550112", DANA].map(|to| draft(to, to, now)).to_vec();
    desk.keep(texts, None).await.unwrap();
    // Two cents, if the day did not end meanwhile.
    assert_eq!(desk.claim(room_for(now, 2)).await.unwrap().len(), 2);
    let own = [("RINGFALL_SPEND_A_DAY_OF", "acme=0.02"), ("RINGFALL_SPEND_A_DAY", "7.00 EUR")];
    let told = examined(&own);
    assert!(told.contains("WARN  acme: spending: texts have cost 0.02 of 0.02 EUR since midnight UTC"), "{told}");
    assert!(told.contains("`spend_a_day_of: acme=…` lets it spend more"), "{told}");
    desk.keep(vec![draft("more", "+16195550113", now)], None).await.unwrap();
    assert!(desk.claim(room_for(now, 2)).await.unwrap().is_empty());
    let told = examined(&own);
    assert!(told.contains("FAIL  acme: spending") && told.contains("and 1 were held up"), "{told}");
}

#[test]
fn a_number_in_two_files_fails_with_both_places() {
    let rules = crate::support::RULES;
    let house = House::with(&[("rules/acme.yaml", rules), ("rules/zebra.yml", rules)]);
    for arguments in [&[][..], &["--org", "zebra"]] {
        let (code, told) = examined(&house, &[], arguments);
        let both = told.contains("rules/acme.yaml:3") && told.contains("rules/zebra.yml:3");
        assert!(code == Some(1) && both && told.contains("FAIL  numbers"), "{told}");
        assert!(told.contains("take it out of one of the two"), "{told}");
    }
}
