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

/// A carrier, and houses for nodes; each has a folder of its own.
struct Site {
    fake: Fake,
    house: House,
    database: Option<String>,
}

impl Site {
    fn new(database: Option<String>) -> Self {
        let fake = Fake::start();
        fake.state().own(LINE, &[]);
        Self { fake, house: House::with(&[("routing-rules/acme.yaml", RULES)]), database }
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
        let form = Form::of(fields.iter().copied());
        let signature = Signer::new(TOKEN).sign(&format!("{PUBLIC}/twilio/inbound-call"), &form);
        let body = form.encode();
        let request = format!(
            "POST /twilio/inbound-call HTTP/1.1\r\nHost: phones.example.com\r\nX-Twilio-Signature: {signature}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        crate::support::raw(server.address, request.as_bytes()).contains("<Record")
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
