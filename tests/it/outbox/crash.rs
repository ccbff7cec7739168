//! `kill -9` at every step of a text's way: nothing is lost, and nothing goes out twice as far as the carrier can tell.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ringfall::webhook::form::Form;
use ringfall::webhook::signature::Signer;

use crate::fake_twilio::{Act, Fake, KEY, KEY_SECRET};
use crate::process::Server;
use crate::support::{ACCOUNT, House, LINE, PUBLIC, TOKEN, program};

/// How long something may take: three looks at the carrier are 40 seconds, and the machine may be busy.
const LONG: Duration = Duration::from_secs(240);

/// Every caller is sent a text, so that no receiver gets many.
const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
routes:
  - cascade: [{ text: caller, body: "We saw your call to {{line}}." }, { voicemail: Please leave a message. }]
finally: { voicemail: Please leave a message. }
"#;

const OWNER: &str = "+16195550130";

/// The owner closes the office by text.
const SWITCHED: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  owner: { number: "+16195550130", notify: sms }
switches:
  closed_today: { expires: 4h, set_by: [owner] }
routes:
  - when: { switch: closed_today }
    cascade: [{ voicemail: We are closed. }]
finally: { voicemail: Please leave a message. }
"#;

/// A carrier, and houses for nodes; each has a folder of its own.
struct Site {
    fake: Fake,
    house: House,
    database: Option<String>,
}

impl Site {
    fn new(database: Option<String>) -> Self {
        Self::with(RULES, database)
    }

    fn with(rules: &str, database: Option<String>) -> Self {
        let fake = Fake::start();
        fake.state().own(LINE, &[]);
        Self { fake, house: House::with(&[("routing-rules/acme.yaml", rules)]), database }
    }

    fn variables(&self, node: &str) -> Vec<(String, String)> {
        let mut variables = vec![
            ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
            ("TWILIO_AUTH_TOKEN", TOKEN.to_owned()),
            ("TWILIO_API_KEY", KEY.to_owned()),
            ("TWILIO_API_SECRET", KEY_SECRET.to_owned()),
            ("RINGFALL_TWILIO_API_URL", self.fake.url()),
            ("RINGFALL_PUBLIC_URL", PUBLIC.to_owned()),
            ("RINGFALL_SPEND_A_DAY", "100000 USD".to_owned()),
            ("RINGFALL_NODE", node.to_owned()),
            ("RINGFALL_DATA", format!("data-{node}")),
        ];
        variables.extend(self.database.clone().map(|url| ("RINGFALL_DATABASE_URL", url)));
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn serve(&self, node: &str) -> Server {
        let variables = self.variables(node);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Server::start(&self.house.path(""), &variables)
    }

    /// Somebody calls; whether the call was answered.
    fn call(&self, server: &Server, number: u32) -> bool {
        let (call, from) = (format!("CA{number:032x}"), caller(number));
        let fields = [("AccountSid", ACCOUNT), ("CallSid", &call), ("CallStatus", "ringing"), ("From", &from)];
        let fields = [&fields[..], &[("To", LINE), ("Direction", "inbound")]].concat();
        Self::ask(server, "/twilio/inbound-call", &fields).contains("<Record")
    }

    /// The owner writes to the line.
    fn text(server: &Server, number: u32, body: &str) {
        let (sid, from) = (format!("SM{number:032x}"), OWNER);
        let fields = [("AccountSid", ACCOUNT), ("MessageSid", &sid), ("SmsStatus", "received"), ("From", from)];
        let answer = Self::ask(server, "/twilio/inbound-sms", &[&fields[..], &[("To", LINE), ("Body", body)]].concat());
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn ask(server: &Server, path: &str, fields: &[(&str, &str)]) -> String {
        let form = Form::of(fields.iter().copied());
        let signature = Signer::new(TOKEN).sign(&format!("{PUBLIC}{path}"), &form);
        let body = form.encode();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: phones.example.com\r\nX-Twilio-Signature: {signature}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        crate::support::raw(server.address, request.as_bytes())
    }

    /// The switches as the command line shows them, once they stand so.
    fn until_switch(&self, node: &str, wanted: &str) -> String {
        let until = Instant::now() + LONG;
        loop {
            let mut command = program(&self.house.path(""));
            let output = command.args(["switch", "list", "--history"]).envs(self.variables(node)).output().unwrap();
            let told = String::from_utf8(output.stdout).unwrap();
            if told.contains(wanted) {
                return told;
            }
            assert!(Instant::now() < until, "no `{wanted}` in {told}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The words of the texts that the carrier has, once there are so many.
    fn until_words(&self, count: usize) -> Vec<String> {
        let until = Instant::now() + LONG;
        loop {
            let words: Vec<_> = self.fake.state().texts().into_iter().map(|(_, words)| words).collect();
            if words.len() >= count {
                return words;
            }
            assert!(Instant::now() < until, "only {words:?}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// The outbox as the command line shows it.
    fn outbox(&self, node: &str) -> Vec<serde_json::Value> {
        let mut command = program(&self.house.path(""));
        let command =
            command.args(["outbox", "list", "--format", "json", "--limit", "1000"]).envs(self.variables(node));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Waits until so many texts are in that state, and the carrier has so many.
    fn until(&self, node: &str, state: &str, count: usize, carried: usize) {
        let until = Instant::now() + LONG;
        loop {
            let texts = self.outbox(node);
            let there = texts.iter().filter(|text| text["state"] == state).count();
            let has = self.fake.state().texts().len();
            if there == count && has == carried {
                return;
            }
            assert!(Instant::now() < until, "not {count} {state} and {carried} carried but {has}: {texts:?}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// How many texts the carrier has for each receiver.
    fn carried(&self) -> BTreeMap<String, usize> {
        let mut carried = BTreeMap::new();
        for (to, _) in self.fake.state().texts() {
            *carried.entry(to).or_default() += 1;
        }
        carried
    }
}

fn caller(number: u32) -> String {
    format!("+13125550{:03}", 100 + number)
}

/// Dies when the texts are in that state because of what the carrier did, and finds everything again.
fn dies_and_comes_back(act: Act, state: &str, carried: usize) {
    let site = Site::new(None);
    let mut server = site.serve("one");
    site.fake.script("Messages.json", &[act]);
    assert!(site.call(&server, 1));
    site.until("one", state, 1, carried);
    server.kill();
    drop(server);
    let server = site.serve("one");
    site.until("one", "sent", 1, 1);
    // What comes after goes out as ever, and the first does not go out again.
    assert!(site.call(&server, 2));
    site.until("one", "sent", 2, 2);
}

#[test]
fn a_text_that_waits_goes_out_after_the_crash() {
    // Longer than one request goes on trying.
    dies_and_comes_back(Act::TooMany(Some(60)), "waiting", 0);
}

#[test]
fn a_text_that_was_handed_over_and_never_arrived_is_looked_for_and_sent_once() {
    dies_and_comes_back(Act::Hang, "sending", 0);
}

#[test]
fn a_text_that_the_carrier_has_and_did_not_tell_of_is_found_and_not_sent_again() {
    dies_and_comes_back(Act::DoAndHang, "sending", 1);
}

#[test]
fn a_text_that_is_settled_stays_so() {
    dies_and_comes_back(Act::Good, "sent", 1);
}

#[test]
fn a_decision_that_was_answered_is_told_of_though_nothing_was_read_yet() {
    let site = Site::new(None);
    let mut server = site.serve("one");
    assert!(site.call(&server, 1));
    server.kill();
    drop(server);
    let _server = site.serve("one");
    site.until("one", "sent", 1, 1);
}

#[test]
fn of_many_texts_and_many_crashes_each_goes_out_once() {
    let site = Site::new(None);
    site.fake.take_time(Duration::from_millis(40));
    let mut called = Vec::new();
    for round in 0..6 {
        let mut server = site.serve("one");
        for number in 0..8 {
            let number = round * 8 + number;
            if site.call(&server, number) {
                called.push(caller(number));
            }
        }
        // At another point of their way each time.
        std::thread::sleep(Duration::from_millis(u64::from(round) * 35));
        server.kill();
    }
    let _server = site.serve("one");
    let until = Instant::now() + LONG;
    while site.outbox("one").iter().any(|text| text["state"] != "sent") || site.carried().len() < called.len() {
        assert!(Instant::now() < until, "{:?}", site.outbox("one"));
        std::thread::sleep(Duration::from_millis(100));
    }
    let carried = site.carried();
    assert_eq!(called.len(), 48);
    assert!(called.iter().all(|to| carried.get(to) == Some(&1)), "{carried:?}");
}

#[test]
fn of_two_nodes_on_one_database_the_other_sees_to_what_a_dead_one_had_on_its_way() {
    let database = crate::postgres::shared().database();
    let site = Site::new(Some(database.url.expose().to_owned()));
    let mut nodes = BTreeMap::from([("one", site.serve("one")), ("two", site.serve("two"))]);
    // One never arrived, and of the other nothing was told.
    site.fake.script("Messages.json", &[Act::Hang]);
    assert!(site.call(&nodes["one"], 1));
    site.until("one", "sending", 1, 0);
    site.fake.script("Messages.json", &[Act::DoAndHang]);
    assert!(site.call(&nodes["two"], 2));
    site.until("one", "sending", 2, 1);
    let who = database.sql("SELECT node FROM texts WHERE state = 'sending' ORDER BY id");
    let (dead, alive) = if who.starts_with("one/") { ("one", "two") } else { ("two", "one") };
    nodes.remove(dead).unwrap().kill();
    let dies = who.lines().filter(|node| node.starts_with(&format!("{dead}/"))).count();
    assert!(dies > 0, "{who}");
    // What the dead one had is found or sent by the other; what the living one has, it gives up by itself.
    site.until(alive, "sent", 2, 2);
    assert!(site.call(&nodes[alive], 3));
    site.until(alive, "sent", 3, 3);
    assert!(site.carried().values().all(|count| *count == 1), "{:?}", site.carried());
}

#[test]
fn a_turn_by_text_is_done_at_once_while_the_database_is_away_and_answered_once_afterwards() {
    let postgres = crate::postgres::own();
    let database = postgres.database();
    let site = Site::with(SWITCHED, Some(database.url.expose().to_owned()));
    let mut server = site.serve("one");
    Site::text(&server, 1, "Closed 2h");
    assert!(site.until_words(1)[0].starts_with("closed_today is on until "), "{:?}", site.until_words(1));
    postgres.stop();
    Site::text(&server, 2, "Undo");
    let told = site.until_switch("one", "closed_today  off");
    assert_eq!(told.matches("took back").count(), 1, "{told}");
    // It dies between the turn and its answer, and again before the database is back.
    for _ in 0..2 {
        server.kill();
        drop(server);
        server = site.serve("one");
    }
    Site::text(&server, 3, "Closed 1h");
    site.until_switch("one", "closed_today  on");
    assert_eq!(site.until_words(1).len(), 1, "answers wait");
    postgres.start_again();
    Site::text(&server, 4, "Help");
    let words = site.until_words(4);
    assert_eq!(words.iter().filter(|words| **words == "closed_today is off again, as usual.").count(), 1, "{words:?}");
    assert_eq!(words.iter().filter(|words| words.starts_with("closed_today is on until")).count(), 2, "{words:?}");
    let told = site.until_switch("one", "closed_today  on");
    assert_eq!((told.matches("took back").count(), told.matches(" turned ").count()), (1, 2), "{told}");
    // What was turned once is not turned again by the same text.
    Site::text(&server, 2, "Undo");
    Site::text(&server, 5, "Status");
    assert!(site.until_words(5)[4].starts_with("closed_today is on"), "{:?}", site.until_words(5));
}
