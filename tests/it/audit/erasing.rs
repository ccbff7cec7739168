//! A person is taken out of every file of the data folder, and their recordings out of the carrier's keeping.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::json;

use super::web::Web;
use crate::fake_twilio::{Act, Fake, KEY, KEY_SECRET};
use crate::support::{ACCOUNT, House, LINE, TOKEN, program};

const CALLER: &str = "+13125550123";
const DIGITS: &[u8] = b"3125550123";
const RECORDING: &str = "RE00000000000000000000000000000001";

const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  dana: { number: "+16195550111", notify: sms }
routes:
  - cascade: [{ ring: dana, for: 20s }, { voicemail: box }]
    missed: page
escalations:
  page: [{ sms: dana, text: "Missed {{caller}}. Reply TAKE." }]
mailboxes:
  box: { greeting: Please leave a message., send_to: [dana] }
finally: { voicemail: box }
"#;

/// All files below the folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn naming(house: &House, folder: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| std::fs::read(path).unwrap().windows(DIGITS.len()).any(|window| window == DIGITS);
    files(&house.path(folder)).into_iter().filter(holds).collect()
}

struct Stage {
    house: House,
    fake: Fake,
}

impl Stage {
    fn erase(&self, more: &[&str]) -> Output {
        self.erase_caller(CALLER, more)
    }

    fn erase_caller(&self, caller: &str, more: &[&str]) -> Output {
        let mut command = program(&self.house.path("."));
        command.args(["audit", "erase", "--caller", caller]).args(more);
        command.env("TWILIO_ACCOUNT_SID", ACCOUNT).env("TWILIO_AUTH_TOKEN", TOKEN).env("TWILIO_API_KEY", KEY);
        command.env("TWILIO_API_SECRET", KEY_SECRET).env("RINGFALL_TWILIO_API_URL", self.fake.url());
        command.output().unwrap()
    }

    /// The caller leaves a message, writes a text, and calls once more in vain; one sink refuses everything.
    async fn set() -> Self {
        let house = House::with(&[("rules/acme.yaml", RULES)]);
        let refusing = Web::start(|_| (400, String::new()));
        let sinks = json!({ "sinks": [
            { "name": "trail", "file": { "path": house.path("out/trail.jsonl") } },
            { "name": "hook", "http": { "url": refusing.url(), "secret_file": house.path("hook.secret") } },
        ] });
        house.write("hook.secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
        house.write("ringfall.yaml", &sinks.to_string());
        let fake = Fake::start();
        fake.state().own(LINE, &[]);
        fake.state().recordings.insert(RECORDING.into(), b"a voice".to_vec());
        let settings =
            [("TWILIO_API_KEY", KEY), ("TWILIO_API_SECRET", KEY_SECRET), ("RINGFALL_TWILIO_API_URL", &fake.url())];
        let service = house.serve_with(&settings, None).await;
        let ringing = service.arrive().await;
        house.clock.forward(20);
        let action = ringing.attribute("action");
        let mailbox = service.ask(&action, &[("DialCallStatus", "no-answer"), ("CallStatus", "in-progress")]).await;
        let left = [
            ("RecordingSid", RECORDING),
            ("RecordingStatus", "completed"),
            ("RecordingDuration", "7"),
            ("RecordingUrl", "https://api.twilio.com/2010-04-01/Recordings/RE"),
        ];
        service.ask(&mailbox.attribute("recordingStatusCallback"), &left).await;
        service.ask("/twilio/call-status", &[("CallStatus", "completed"), ("CallDuration", "50")]).await;
        let text = [
            ("MessageSid", "SM000000000000000000000000ffff0001"),
            ("Body", "please call back 312 555 0123"),
            ("SmsStatus", "received"),
            ("CallSid", ""),
            ("CallStatus", ""),
            ("Direction", ""),
        ];
        assert_eq!(service.ask("/twilio/inbound-sms", &text).await.status, 200);
        let other = "CA00000000000000000000000000000002";
        service.ask("/twilio/inbound-call", &[("CallSid", other), ("From", "+12025550142")]).await;
        house.clock.forward(600);
        service.running.store.clone().unwrap().settle().await.unwrap();
        let end = Instant::now() + Duration::from_secs(90);
        loop {
            let ready = service.ready().await;
            let sinks = &ready["sinks"];
            let behind = sinks["trail"]["behind"].as_u64() == Some(0) && sinks["hook"]["behind"].as_u64() == Some(0);
            if behind && fake.state().texts().iter().any(|(_, body)| body.contains("Missed")) {
                break;
            }
            assert!(Instant::now() < end, "{ready:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        service.running.stop().await;
        Self { house, fake }
    }
}

#[tokio::test]
async fn a_person_leaves_every_file_and_the_carrier() {
    let stage = Stage::set().await;
    let before = naming(&stage.house, "data");
    for name in ["ringfall.db", "outbox.db", "hook.aside.jsonl"] {
        assert!(before.iter().any(|path| path.ends_with(name)), "{name} is not among {before:?}");
    }
    assert_eq!(naming(&stage.house, "out").len(), 1);
    let dry = stage.erase(&["--dry-run"]);
    let told = String::from_utf8(dry.stdout).unwrap();
    assert!(told.contains(&format!("recording {RECORDING} of `acme` would be deleted")), "{told}");
    assert_eq!(naming(&stage.house, "data"), before);
    // The carrier refuses at first: everything else is done, and the recording is remembered.
    stage.fake.script(&format!("{RECORDING}.json"), &[Act::Fault(403, 20003)]);
    let output = stage.erase(&[]);
    let told = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(told.contains(&format!("recording {RECORDING} of `acme` is not deleted: ")), "{told}");
    assert!(told.contains("rows of the outbox") && told.contains("hook.aside.jsonl"), "{told}");
    assert_eq!(naming(&stage.house, "data"), Vec::<PathBuf>::new(), "{told}");
    assert_eq!(naming(&stage.house, "out"), Vec::<PathBuf>::new());
    let lines = std::fs::read_to_string(stage.house.path("out/trail.jsonl")).unwrap();
    assert!(lines.lines().any(|line| line.contains("\"erased\":true")) && lines.contains("+12025550142"));
    let again = stage.erase(&[]);
    assert!(stage.fake.state().recordings.is_empty(), "{again:?}");
    assert!(!stage.house.path("data/erasing.json").exists());
    let verify = program(&stage.house.path(".")).args(["audit", "verify"]).output().unwrap();
    assert!(verify.status.success(), "{verify:?}");
    // The sink goes on behind what was blanked.
    let service = stage.house.serve().await;
    service
        .ask("/twilio/inbound-call", &[("CallSid", "CA00000000000000000000000000000003"), ("From", "+12025550199")])
        .await;
    let end = Instant::now() + Duration::from_secs(60);
    while !std::fs::read_to_string(stage.house.path("out/trail.jsonl")).unwrap().contains("+12025550199") {
        assert!(Instant::now() < end, "the sink does not go on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    service.running.stop().await;
    assert!(std::fs::read_to_string(stage.house.path("out/trail.jsonl")).unwrap().starts_with(&lines));
}

#[tokio::test]
async fn what_is_left_of_one_person_is_not_told_when_another_is_erased() {
    let stage = Stage::set().await;
    let refusals = [Act::Fault(403, 20003), Act::Fault(403, 20003)];
    stage.fake.script(&format!("{RECORDING}.json"), &refusals);
    let first = String::from_utf8(stage.erase(&[]).stdout).unwrap();
    assert!(first.contains(RECORDING), "{first}");
    let other = stage.erase_caller("+12025550142", &[]);
    let told = String::from_utf8([other.stdout, other.stderr].concat()).unwrap();
    assert_eq!(other.status.code(), Some(1), "{told}");
    assert!(told.contains("earlier erasings that are not deleted: 1; `") && !told.contains(RECORDING), "{told}");
    let again = stage.erase(&[]);
    assert!(stage.fake.state().recordings.is_empty(), "{again:?}");
}

/// The caller leaves a message at a number that is nobody's.
async fn stray(house: &House, recording: &str) {
    let service = house.serve().await;
    let call = [("CallSid", "CA000000000000000000000000000000aa"), ("To", "+16195550199")];
    let apology = service.ask("/twilio/inbound-call", &call).await;
    let left = [call[0], call[1], ("RecordingSid", recording), ("RecordingStatus", "completed")];
    service.ask(&apology.attribute("recordingStatusCallback"), &left).await;
    service.running.store.clone().unwrap().settle().await.unwrap();
    service.running.stop().await;
}

#[tokio::test]
async fn a_message_at_nobodys_number_is_deleted_over_the_account() {
    let stage = Stage { house: House::of_two(), fake: Fake::start() };
    stage.fake.state().recordings.insert(RECORDING.into(), b"a voice".to_vec());
    stray(&stage.house, RECORDING).await;
    let output = stage.erase(&[]);
    assert!(output.status.success(), "{output:?}");
    assert!(stage.fake.state().recordings.is_empty() && !stage.house.path("data/erasing.json").exists());
}

#[tokio::test]
async fn a_message_that_cannot_be_deleted_is_told_of_once() {
    let house = House::of_two();
    stray(&house, RECORDING).await;
    let erase = || {
        let output = program(&house.path(".")).args(["audit", "erase", "--caller", CALLER]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let told = erase();
    assert!(told.contains(&format!("recording {RECORDING} of `{ACCOUNT}` cannot be deleted from here: ")), "{told}");
    assert!(!house.path("data/erasing.json").exists());
    let again = erase();
    assert!(again.contains("nothing tells of this caller") && !again.contains(RECORDING), "{again}");
}

#[tokio::test]
async fn a_line_is_nobody_who_called() {
    let stage = Stage::set().await;
    let mut command = program(&stage.house.path("."));
    let output = command.args(["audit", "erase", "--caller", LINE]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test]
async fn a_person_leaves_the_trail_of_all_nodes() {
    let database = crate::postgres::shared().database();
    let house = House::with(&[("rules/acme.yaml", RULES)]);
    let service = house.serve_with(&[("RINGFALL_DATABASE_URL", database.url.expose())], None).await;
    let ringing = service.arrive().await;
    let action = ringing.attribute("action");
    service.ask(&action, &[("DialCallStatus", "no-answer"), ("CallStatus", "in-progress")]).await;
    let other = "CA00000000000000000000000000000002";
    service.ask("/twilio/inbound-call", &[("CallSid", other), ("From", "+12025550142")]).await;
    let there = "SELECT count(*) FROM audit_records WHERE kind = 'decision'";
    let end = Instant::now() + Duration::from_secs(90);
    while database.try_sql(there).unwrap_or_default() != "3" {
        assert!(Instant::now() < end, "the records are not there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    service.running.stop().await;
    let naming = "SELECT count(*) FROM audit_records WHERE strpos(record::text, '3125550123') > 0";
    assert_ne!(database.sql(naming), "0");
    let mut command = program(&house.path("."));
    command.args(["audit", "erase", "--caller", CALLER]).env("RINGFALL_DATABASE_URL", database.url.expose());
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success() && told.contains("records of the trail of all nodes"), "{output:?}");
    assert_eq!(database.sql(naming), "0");
    let others = "SELECT count(*) FROM audit_records WHERE strpos(record::text, '12025550142') > 0";
    assert_ne!(database.sql(others), "0");
}
