//! From a missed call to `TAKE`, from `CLOSED` to the voicemail, and what becomes of texts when things break.

mod messages;

use std::time::Duration;

use crate::fake_twilio::{Act, Fake, KEY, KEY_SECRET};
use crate::support::{CALL, House, LINE, Service, program};

const DANA: &str = "+16195550111";
const LEE: &str = "+16195550112";
const OWNER: &str = "+16195550130";
const CALLER: &str = "+13125550123";

const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  dana: { number: "+16195550111", notify: sms }
  lee: { number: "+16195550112", notify: sms }
  owner: { number: "+16195550130", notify: sms }
switches:
  closed_today: { expires: end_of_day, set_by: [owner] }
routes:
  - name: closed
    when: { switch: closed_today }
    cascade: [{ voicemail: box }]
  - name: open
    cascade: [{ ring: dana, for: 20s }, { ring: lee, for: 20s }, { voicemail: box }]
    missed: page
escalations:
  page:
    - { sms: [dana, lee], text: "Missed {{caller}}. Reply TAKE." }
    - { sms: owner, after: 10m, unless: taken, text: "Nobody took {{caller}}." }
mailboxes:
  box: { greeting: Please leave a message., send_to: [owner] }
finally: { voicemail: box }
"#;

struct Stage {
    house: House,
    fake: Fake,
    texts: u32,
}

impl Stage {
    fn new() -> Self {
        let fake = Fake::start();
        fake.state().own(LINE, &[]);
        Self { house: House::with(&[("rules/acme.yaml", RULES)]), fake, texts: 0 }
    }

    async fn serve(&self) -> Service {
        let settings =
            [("TWILIO_API_KEY", KEY), ("TWILIO_API_SECRET", KEY_SECRET), ("RINGFALL_TWILIO_API_URL", &self.fake.url())];
        self.service(&settings).await
    }

    async fn service(&self, settings: &[(&str, &str)]) -> Service {
        // The fake's messages are made at the time of the house.
        let now = ringfall::app::ports::Clock::now(&*self.house.clock).to_zoned(jiff::tz::TimeZone::UTC);
        self.fake.state().now = Some(jiff::fmt::rfc2822::to_string(&now).unwrap());
        self.house.serve_with(settings, None).await
    }

    /// Texts as the carrier has them, once there are so many.
    async fn told(&self, count: usize) -> Vec<(String, String)> {
        for _ in 0..600 {
            let texts = self.fake.state().texts();
            if texts.len() >= count {
                return texts;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let kept = self.outbox(&["outbox", "list", "--show-numbers"]);
        panic!("only these texts came: {:?}; kept are {kept:?}", self.fake.state().texts());
    }

    /// Somebody writes to the line.
    async fn text(&mut self, service: &Service, from: &str, body: &str) {
        self.texts += 1;
        let sid = format!("SM{:032x}", 0xffff_0000_u32 + self.texts);
        let fields = [
            ("MessageSid", sid.as_str()),
            ("From", from),
            ("To", LINE),
            ("Body", body),
            ("SmsStatus", "received"),
            ("CallSid", ""),
            ("CallStatus", ""),
            ("Direction", ""),
        ];
        let reply = service.ask("/twilio/inbound-sms", &fields).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(!reply.body.contains("Message"), "answers go out by the outbox: {}", reply.body);
    }

    /// The office is closed, so that callers come to the mailbox.
    async fn text_closed(&self, service: &Service) {
        let fields = [("MessageSid", "SM00000000000000000000000000000001"), ("From", OWNER), ("Body", "closed")];
        service.ask("/twilio/inbound-sms", &fields).await;
        self.told(1).await;
    }

    /// The caller hangs up before anybody answers.
    async fn miss(&self, service: &Service, call: &str) {
        let ringing = service.ask("/twilio/inbound-call", &[("CallSid", call)]).await;
        let gone = [("CallSid", call), ("CallStatus", "completed"), ("DialCallStatus", "no-answer")];
        service.ask(&ringing.attribute("action"), &gone).await;
    }

    fn outbox(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = program(&self.house.path(""));
        let command = command.args(arguments).env("RINGFALL_RULES", "rules").env("RINGFALL_DATA", "data");
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Waits until a line of the outbox says so.
    async fn until(&self, state: &str, part: &str) -> String {
        for _ in 0..200 {
            let (_, out, _) = self.outbox(&["outbox", "list", "--state", state, "--show-numbers"]);
            if out.contains(part) {
                return out;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("`{part}` never was {state}: {:?}", self.outbox(&["outbox", "list"]));
    }
}

fn pair(to: &str, body: &str) -> (String, String) {
    (to.to_owned(), body.to_owned())
}

fn sorted(mut texts: Vec<(String, String)>) -> Vec<(String, String)> {
    texts.sort();
    texts
}

#[actix_web::test]
async fn a_missed_call_is_taken_by_reply_and_the_others_hear_of_it() {
    let mut stage = Stage::new();
    let service = stage.serve().await;
    stage.miss(&service, CALL).await;
    let missed = format!("Missed {CALLER}. Reply TAKE.");
    assert_eq!(sorted(stage.told(2).await), [pair(DANA, &missed), pair(LEE, &missed)]);
    stage.text(&service, LEE, "Take").await;
    let texts = sorted(stage.told(4).await);
    assert!(texts.contains(&pair(LEE, &format!("You have the call from {CALLER}; the others know."))), "{texts:?}");
    assert!(texts.contains(&pair(DANA, &format!("lee takes the call from {CALLER}."))), "{texts:?}");
    stage.text(&service, DANA, "TAKE").await;
    let texts = stage.told(5).await;
    assert!(texts.contains(&pair(DANA, &format!("lee has already taken the call from {CALLER}."))), "{texts:?}");
    // The owner is told after ten minutes, unless somebody took it.
    stage.house.clock.forward(660);
    stage.until("skipped", "lee has taken the call").await;
    assert_eq!(stage.fake.state().texts().len(), 5);
    service.running.stop().await;
}

#[actix_web::test]
async fn a_text_that_comes_twice_is_heeded_once() {
    let mut stage = Stage::new();
    let service = stage.serve().await;
    stage.miss(&service, CALL).await;
    stage.miss(&service, "CA11111111111111111111111111111111").await;
    stage.told(4).await;
    stage.text(&service, LEE, "TAKE").await;
    stage.told(6).await;
    // The carrier did not hear our answer: the same text, under the same name.
    stage.texts -= 1;
    stage.text(&service, LEE, "TAKE").await;
    stage.text(&service, OWNER, "STATUS").await;
    let texts = stage.told(7).await;
    assert_eq!(texts.len(), 7, "{texts:?}");
    assert_eq!(texts[6], pair(OWNER, "closed_today is off."));
    // The other call is there to be taken still.
    stage.text(&service, DANA, "TAKE").await;
    let texts = stage.told(9).await;
    assert!(texts.contains(&pair(DANA, &format!("You have the call from {CALLER}; the others know."))), "{texts:?}");
    service.running.stop().await;
}

#[actix_web::test]
async fn a_call_that_nobody_takes_reaches_the_owner_later() {
    let stage = Stage::new();
    let service = stage.serve().await;
    stage.miss(&service, CALL).await;
    stage.told(2).await;
    stage.house.clock.forward(601);
    assert!(stage.told(3).await.contains(&pair(OWNER, &format!("Nobody took {CALLER}."))));
    service.running.stop().await;
}

#[actix_web::test]
async fn the_office_is_closed_by_text_and_the_next_call_goes_to_voicemail() {
    let mut stage = Stage::new();
    let service = stage.serve().await;
    let open = service.ask("/twilio/inbound-call", &[]).await;
    assert!(open.body.contains("<Dial"), "{}", open.body);
    stage.text(&service, OWNER, "CLOSED until 3pm").await;
    let told = stage.told(1).await;
    assert_eq!(told, [pair(OWNER, "closed_today is on until 3pm; write UNDO to take it back.")]);
    let other = "CA11111111111111111111111111111111";
    let closed = service.ask("/twilio/inbound-call", &[("CallSid", other)]).await;
    assert!(closed.body.contains("<Record") && !closed.body.contains("<Dial"), "{}", closed.body);
    let (_, listed, _) = stage.outbox(&["switch", "list", "--history"]);
    assert!(listed.contains("sms:owner turned closed_today: on until"), "{listed}");
    stage.text(&service, OWNER, "status").await;
    assert_eq!(stage.told(2).await[1].1, "closed_today is on until 3pm.");
    stage.text(&service, OWNER, "undo").await;
    assert_eq!(stage.told(3).await[2].1, "closed_today is off again, as usual.");
    let third = "CA22222222222222222222222222222222";
    assert!(service.ask("/twilio/inbound-call", &[("CallSid", third)]).await.body.contains("<Dial"));
    // A stranger gets nothing, and a contact without the switch is told so.
    stage.text(&service, "+16195550177", "closed").await;
    stage.text(&service, DANA, "closed").await;
    let texts = stage.told(4).await;
    assert_eq!(texts[3], pair(DANA, "CLOSED is not for you to say: the rules give you no switch."));
    assert!(!texts.iter().any(|(to, _)| to == "+16195550177"));
    service.running.stop().await;
}

#[actix_web::test]
async fn a_switch_outlives_a_restart_and_ends_by_itself() {
    let mut stage = Stage::new();
    let service = stage.serve().await;
    stage.text(&service, OWNER, "closed").await;
    stage.told(1).await;
    service.running.stop().await;
    let service = stage.serve().await;
    let other = "CA11111111111111111111111111111111";
    assert!(service.ask("/twilio/inbound-call", &[("CallSid", other)]).await.body.contains("<Record"));
    stage.house.clock.forward(15 * 3600);
    let third = "CA22222222222222222222222222222222";
    assert!(service.ask("/twilio/inbound-call", &[("CallSid", third)]).await.body.contains("<Dial"));
    service.running.stop().await;
}

#[actix_web::test]
async fn the_command_line_turns_switches_of_a_running_service() {
    let stage = Stage::new();
    // The command line goes by the real clock.
    stage.house.clock.forward(jiff::Timestamp::now().as_second() - 1_795_456_800);
    let service = stage.serve().await;
    let (code, out, err) = stage.outbox(&["switch", "set", "closed_today", "on", "--by", "ana"]);
    assert!(code == Some(0) && out.contains("closed_today  on  until"), "{out}{err}");
    let mut calls = 0;
    loop {
        // Many calls of one caller would be a circle, and come to the mailbox for that.
        let call = format!("CA{calls:032x}");
        let reply = service.ask("/twilio/inbound-call", &[("CallSid", &call), ("From", "anonymous")]).await;
        if reply.body.contains("<Record") {
            break;
        }
        calls += 1;
        assert!(calls < 600, "the switch was never seen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (code, out, _) = stage.outbox(&["switch", "undo", "closed_today"]);
    assert!(code == Some(0) && out == "closed_today  off  as usual\n", "{out}");
    let (code, _, err) = stage.outbox(&["switch", "set", "closed_todya", "on"]);
    assert!(code == Some(1) && err.contains("did you mean `closed_today`?"), "{err}");
    service.running.stop().await;
}

#[actix_web::test]
async fn texts_survive_a_carrier_that_is_away_and_a_restart() {
    let stage = Stage::new();
    // No key is set: the texts wait.
    let service = stage.service(&[]).await;
    stage.miss(&service, CALL).await;
    stage.until("waiting", "no API key").await;
    service.running.stop().await;
    assert!(stage.fake.state().texts().is_empty());
    stage.house.clock.forward(120);
    let service = stage.serve().await;
    assert_eq!(stage.told(2).await.len(), 2);
    service.running.stop().await;
}

#[actix_web::test]
async fn a_text_whose_answer_was_lost_is_looked_up_and_not_sent_again() {
    let stage = Stage::new();
    stage.fake.script("Messages.json", &[Act::DoAndCut, Act::Good]);
    let service = stage.serve().await;
    stage.miss(&service, CALL).await;
    stage.told(2).await;
    // The clock of the house stands still: it is moved until the look-up is due.
    stage.house.clock.forward(5);
    for _ in 0..100 {
        if stage.outbox(&["outbox", "list", "--state", "sent"]).1.lines().count() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (_, out, _) = stage.outbox(&["outbox", "list", "--state", "sent"]);
    assert_eq!(out.lines().count(), 2, "{:?}", stage.outbox(&["outbox", "list"]));
    assert_eq!(stage.fake.state().texts().len(), 2, "neither was sent twice");
    assert!(!out.contains(DANA), "numbers are masked: {out}");
    service.running.stop().await;
}

#[actix_web::test]
async fn a_text_that_never_reached_the_carrier_is_sent_after_looking() {
    let stage = Stage::new();
    stage.fake.script("Messages.json", &[Act::Close, Act::Good]);
    let service = stage.serve().await;
    stage.miss(&service, CALL).await;
    stage.told(1).await;
    for _ in 0..300 {
        stage.house.clock.forward(3);
        if stage.fake.state().texts().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stage.told(2).await.len(), 2);
    service.running.stop().await;
}

#[actix_web::test]
async fn what_the_carrier_refuses_is_dead_until_somebody_says_otherwise() {
    let stage = Stage::new();
    stage.fake.state().opted_out.insert(DANA.into());
    let service = stage.serve().await;
    stage.miss(&service, CALL).await;
    stage.told(1).await;
    let dead = stage.until("dead", "opted out").await;
    assert!(dead.contains(DANA) && dead.lines().count() == 1, "{dead}");
    assert_eq!(service.ready().await["outreach"]["texts"]["dead"], 1);
    let id = dead.split_whitespace().next().unwrap().to_owned();
    let (code, out, _) = stage.outbox(&["outbox", "drop", &id]);
    assert!(code == Some(0) && out.contains("will not go out"), "{out}");
    assert_eq!(stage.outbox(&["outbox", "retry", "999"]).0, Some(1));
    service.running.stop().await;
}

#[actix_web::test]
async fn whoever_read_the_journal_misses_nothing_of_the_one_that_takes_its_place() {
    let stage = Stage::new();
    let sink =
        serde_json::json!({ "sinks": [{ "name": "trail", "file": { "path": stage.house.path("shipped.jsonl") } }] });
    stage.house.write("ringfall.yaml", &sink.to_string());
    let service = stage.serve().await;
    stage.miss(&service, CALL).await;
    stage.told(2).await;
    service.running.stop().await;
    // A damaged journal is moved away, as its refusal says.
    for name in ["ringfall.db", "ringfall.db-wal", "ringfall.db-shm"] {
        drop(std::fs::rename(stage.house.path("data").join(name), stage.house.path(name)));
    }
    let service = stage.serve().await;
    let next = "CA11111111111111111111111111111111";
    stage.miss(&service, next).await;
    stage.told(4).await;
    let shipped =
        |part: &str| std::fs::read_to_string(stage.house.path("shipped.jsonl")).is_ok_and(|all| all.contains(part));
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while !shipped(next) || service.ready().await["chain"]["behind"] != 0 {
        assert!(std::time::Instant::now() < end, "{}", service.ready().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(shipped(CALL) && service.ready().await["chain"]["broken"].is_null(), "{}", service.ready().await);
    let store = service.running.store.clone().unwrap();
    let kept = store.archive().records_after(0, 100).unwrap();
    assert!(kept[0].seq > 2 && kept.iter().all(|kept| kept.record.call != CALL), "{kept:?}");
    service.running.stop().await;
}

#[actix_web::test]
async fn a_number_that_is_not_set_as_it_should_be_is_counted() {
    let stage = Stage::new();
    let service = stage.serve().await;
    for _ in 0..600 {
        if service.counted("ringfall_numbers_drifted").await == 1 {
            service.running.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody looked at the numbers");
}

#[actix_web::test]
async fn a_thousand_texts_leave_in_a_moment() {
    let stage = Stage::new();
    stage.fake.take_time(Duration::from_millis(100));
    let desk = ringfall::outbox::Desk::open(&stage.house.path("data")).unwrap();
    let draft = |number: u32| ringfall::app::messenger::ports::Entry::Draft {
        org: "acme".into(),
        call: format!("CA{number:032x}"),
        draft: ringfall::outreach::draft::Draft {
            key: "missed.0:dana".into(),
            kind: ringfall::outreach::draft::Kind::Missed,
            from: ringfall::model::phone::E164::parse(LINE).ok(),
            to: format!("+1{}55501{:02}", 200 + number / 100, number % 100),
            body: format!("Missed call {number}."),
            due: 1_795_456_800,
            unless_taken: false,
            refused: None,
        },
    };
    let all = (0..1_000).map(draft).collect();
    ringfall::app::messenger::ports::Outbox::keep(&desk, all, None).await.unwrap();
    let started = std::time::Instant::now();
    let url = stage.fake.url();
    let settings = [
        ("TWILIO_API_KEY", KEY),
        ("TWILIO_API_SECRET", KEY_SECRET),
        ("RINGFALL_TWILIO_API_URL", url.as_str()),
        ("RINGFALL_SPEND_A_DAY", "100000 USD"),
    ];
    let service = stage.service(&settings).await;
    let texts = stage.told(1_000).await;
    eprintln!("1,000 texts left in {:?}", started.elapsed());
    let receivers: std::collections::BTreeSet<_> = texts.iter().map(|(to, _)| to).collect();
    assert_eq!((texts.len(), receivers.len()), (1_000, 1_000), "each once");
    service.running.stop().await;
}

#[actix_web::test]
async fn whoever_writes_stop_hears_no_more() {
    let mut stage = Stage::new();
    let service = stage.serve().await;
    stage.text(&service, DANA, "Stop").await;
    stage.miss(&service, CALL).await;
    assert_eq!(stage.told(1).await[0].0, LEE);
    stage.until("dead", "STOP").await;
    stage.text(&service, DANA, "START").await;
    stage.miss(&service, "CA11111111111111111111111111111111").await;
    assert!(stage.told(3).await.iter().any(|(to, _)| to == DANA));
    service.running.stop().await;
}

#[actix_web::test]
async fn the_days_money_stops_texts_and_never_the_answer_to_a_call() {
    let stage = Stage::new();
    let url = stage.fake.url();
    let settings = [
        ("TWILIO_API_KEY", KEY),
        ("TWILIO_API_SECRET", KEY_SECRET),
        ("RINGFALL_TWILIO_API_URL", url.as_str()),
        ("RINGFALL_SPEND_A_DAY", "1.00 USD"),
        ("RINGFALL_SPEND_A_DAY_OF", "acme=0.05"),
    ];
    let service = stage.service(&settings).await;
    stage.miss(&service, CALL).await;
    assert_eq!(stage.told(2).await.len(), 2);
    stage.until("sent", LEE).await;
    let spent = service.ready().await["outreach"]["spent_today"].clone();
    assert_eq!(spent["near_ceiling"]["acme"], "0.04", "{spent}");
    let second = "CA11111111111111111111111111111111";
    // The next call is answered as ever; nobody is told of it.
    let ringing = service.ask("/twilio/inbound-call", &[("CallSid", second)]).await;
    assert!(ringing.body.contains("<Dial"), "{}", ringing.body);
    stage.miss(&service, second).await;
    let dead = stage.until("dead", "(`spend_a_day`) 0.04 are spent").await;
    assert!(dead.contains(DANA) && dead.contains("it costs 0.02, and of the day's 0.05"), "{dead}");
    assert_eq!(stage.told(2).await.len(), 2);
    let metrics = service.get("/metrics").await.body;
    for line in ["ringfall_texts_spent_today 0.04", "ringfall_texts_held_today 2", "{result=\"near\"} 1"] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    let id = stage.until("sent", DANA).await.split_whitespace().next().unwrap().to_owned();
    let (_, shown, _) = stage.outbox(&["outbox", "show", &id]);
    assert!(shown.contains("parts           1") && shown.contains("costs           0.02"), "{shown}");
    service.running.stop().await;
    // Started again, it has spent what it had.
    let service = stage.service(&settings).await;
    stage.miss(&service, "CA22222222222222222222222222222222").await;
    let fifth = || async { stage.outbox(&["outbox", "list", "--state", "dead"]).1.lines().count() };
    for _ in 0..200 {
        if fifth().await == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((fifth().await, stage.told(2).await.len()), (4, 2));
    service.running.stop().await;
}

#[actix_web::test]
async fn a_text_that_is_heeded_late_turns_nothing_that_was_turned_after_it() {
    use ringfall::tenant::stamp::{Actor, Stamp};
    use ringfall::tenant::switch::{Setting, SwitchState};

    let (mut stage, server) = (Stage::new(), crate::postgres::own());
    let database = server.database();
    let url = stage.fake.url();
    let settings = [
        ("TWILIO_API_KEY", KEY),
        ("TWILIO_API_SECRET", KEY_SECRET),
        ("RINGFALL_TWILIO_API_URL", url.as_str()),
        ("RINGFALL_DATABASE_URL", database.url.expose()),
    ];
    // The node starts again with the database away, and how far its journal was read is lost.
    let first = stage.service(&settings).await;
    let kept = || stage.house.path("data/organizations.kept").exists();
    while !kept() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    first.running.stop().await;
    server.stop();
    let file = rusqlite::Connection::open(stage.house.path("data/outbox.db")).unwrap();
    file.execute("DELETE FROM reading", []).unwrap();
    drop(file);
    let service = stage.service(&settings).await;
    stage.text(&service, OWNER, "closed 2h").await;
    stage.house.clock.forward(60);
    let now = ringfall::app::ports::Clock::now(&*stage.house.clock);
    let org = ringfall::model::ids::OrgSlug::parse("acme").unwrap();
    let mut state = SwitchState::new(org, "closed_today".to_owned());
    let set = Stamp::new(&Actor::new("cli:ana"), now);
    state.turn(Setting { on: false, until: None, set, from: "cli".to_owned() });
    let desk = ringfall::outbox::Desk::open(&stage.house.path("data")).unwrap();
    desk.turn(&state, "cli:ana", now.as_second(), false).unwrap();
    stage.house.clock.forward(60);
    server.start_again();
    let late = "closed_today was turned again at 10:01am, after you wrote; it is off, as usual.";
    assert_eq!(stage.told(1).await, [pair(OWNER, late)]);
    assert_eq!(desk.switches_of("acme").unwrap(), [state]);
    // Written now, it counts.
    stage.text(&service, OWNER, "closed 2h").await;
    assert!(stage.told(2).await[1].1.starts_with("closed_today is on until 12:02pm"), "{:?}", stage.told(2).await);
    stage.text(&service, OWNER, "undo").await;
    assert_eq!(stage.told(3).await[2].1, "closed_today is off again, as usual.");
    service.running.stop().await;
}
