//! Practice calls and the people that they would tell: an imagined time tells nobody, and nothing waits for an account.

use std::process::Command;
use std::time::Duration;

use crate::fake_twilio::{Fake, KEY, KEY_SECRET};
use crate::support::{House, LINE, Service, program};

/// By the clock of the house it is Monday, ten in the morning.
const NOW: &str = "2026-11-23 10:00";

const DANA: &str = "+16195550111";

const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  dana: { number: "+16195550111", notify: sms }
channels:
  team: { slack: "C0123456789" }
routes:
  - name: any
    cascade: [{ ring: dana, for: 20s }, { voicemail: box }]
    missed: page
escalations:
  page:
    - { sms: dana, text: "Missed {{caller}}." }
    - { notify: team, text: "Missed {{caller}}." }
    - { sms: dana, after: 10m, unless: taken, text: "Nobody took {{caller}}." }
mailboxes:
  box: { greeting: Please leave a message., send_to: [dana] }
finally: { voicemail: box }
"#;

const NOBODY: &str = "a practice call, and no account to send by";
const IMAGINED: &str = "a practice call of an imagined time: nobody is told";

/// The caller of a practice call gives up while it rings.
async fn missed(house: &House, service: &Service, at: &str) {
    let mut call = Command::new(env!("CARGO_BIN_EXE_ringfall"));
    call.current_dir(house.path("")).env("NO_COLOR", "1").arg("call").args(["--server", &service.url("")]);
    call.args(["--rules", "rules", "--at", at, "--hang-up-after", "5s", "--leg", "dana=no-answer"]);
    let output = tokio::task::spawn_blocking(move || call.output()).await.unwrap().unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
}

fn listed(house: &House, state: &str) -> Vec<String> {
    let mut command = program(&house.path(""));
    command.args(["outbox", "list", "--state", state, "--show-numbers"]);
    let output = command.env("RINGFALL_RULES", "rules").env("RINGFALL_DATA", "data").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Waits until so many texts are in that state.
async fn until(house: &House, state: &str, count: usize) -> Vec<String> {
    for _ in 0..600 {
        let lines = listed(house, state);
        if lines.len() >= count {
            return lines;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never were {count} texts {state}: {:?}", listed(house, state));
}

fn own(fake: &Fake) -> [(&'static str, String); 3] {
    fake.state().own(LINE, &[]);
    [
        ("TWILIO_API_KEY", KEY.to_owned()),
        ("TWILIO_API_SECRET", KEY_SECRET.to_owned()),
        ("RINGFALL_TWILIO_API_URL", fake.url()),
    ]
}

#[actix_web::test]
async fn a_practice_call_without_an_account_leaves_nothing_that_waits_for_one() {
    let house = House::with(&[("rules/acme.yaml", RULES)]);
    let service = house.serve().await;
    missed(&house, &service, NOW).await;
    let dead = until(&house, "dead", 3).await;
    assert!(dead.iter().all(|line| line.ends_with(NOBODY)), "{dead:#?}");
    assert!(dead.iter().any(|line| line.contains("#team")), "{dead:#?}");
    assert_eq!(listed(&house, "waiting"), [""; 0]);
    service.running.stop().await;
    // An account is connected in the afternoon: nobody hears of what was practiced in the morning.
    let fake = Fake::start();
    let keys = own(&fake);
    let settings: Vec<_> = keys.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let service = house.serve_with(&settings, None).await;
    missed(&house, &service, NOW).await;
    assert!(until(&house, "sent", 1).await[0].contains(DANA));
    assert_eq!(fake.state().texts(), [(DANA.to_owned(), "Missed +13125550123.".to_owned())]);
    // The account carries texts, and there is none for the channel still.
    let dead = until(&house, "dead", 4).await;
    assert_eq!((dead.len(), listed(&house, "waiting").len()), (4, 1), "{dead:#?}");
    service.running.stop().await;
}

#[actix_web::test]
async fn a_call_of_an_imagined_time_tells_nobody_whatever_is_connected() {
    let house = House::with(&[("rules/acme.yaml", RULES)]);
    let fake = Fake::start();
    let keys = own(&fake);
    let settings: Vec<_> = keys.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let service = house.serve_with(&settings, None).await;
    for at in ["2026-12-25 12:00", "2026-11-22 10:00"] {
        missed(&house, &service, at).await;
    }
    let dead = until(&house, "dead", 6).await;
    assert!(dead.iter().all(|line| line.ends_with(IMAGINED)), "{dead:#?}");
    assert_eq!(listed(&house, "waiting"), [""; 0]);
    assert_eq!(fake.state().texts(), []);
    service.running.stop().await;
}
