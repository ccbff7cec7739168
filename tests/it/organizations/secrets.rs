//! Marked secrets go in everywhere, and come out nowhere: not in output, logs, metrics, answers or files.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ringfall::webhook::endpoint::Endpoint;
use ringfall::webhook::form::Form;
use ringfall::webhook::signature::Signer;

use crate::audit::google::Google;
use crate::fake_dns::Dns;
use crate::fake_mail::{MailServer, PASSWORD};
use crate::fake_twilio::{Fake, KEY as PLATFORM_KEY, KEY_SECRET};
use crate::notices::{BOT, People, TELEGRAM};
use crate::organizations::desk::{
    ACME, ACME_LINE, ACME_NEXT, ACME_TOKEN, BRAVO_TOKEN, Desk, KEY, NEXT_KEY, file, rules, texts,
};
use crate::support::{ACCOUNT, CALL, House, fields, program};

mod commands;
mod endpoints;

const API_SECRET: &str = "api-secret-api-secret-api-secret";
const API_KEY: &str = "SK00000000000000000000000000000ccc";
const PLATFORM_TOKEN: &str = "platformplatformplatformplatform";
const BRAVO_NEXT: &str = "bravo1bravo1bravo1bravo1bravo1br";
const JWT_SECRET: &str = "jwt-secret-jwt-secret-jwt-secret";
const HOOK: &str = "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==";

const RULES: &str = r##"version: 1
timezone: America/Denver
numbers: ["+16195550100"]
switches:
  closed_today: { expires: 4h }
routes:
  - name: nobody
    cascade:
      - { notify: team, body: "Call from {{caller}}." }
      - { notify: chat, body: "Call from {{caller}}." }
      - { notify: phone, body: "Call from {{caller}}." }
      - { notify: desk, body: "Call from {{caller}}." }
      - { voicemail: This is acme. }
channels:
  desk: { email: desk@example.com }
  team: { slack: "#calls" }
  chat: { telegram: "-1001234567890" }
  phone: { whatsapp: "+16195550130" }
finally: { voicemail: The end of acme. }
"##;

/// What must be found nowhere: every secret, as text and in the forms that a careless print would give it.
struct Marks(Vec<Vec<u8>>);

impl Marks {
    fn new(more: &[&str]) -> Self {
        let mut marks = Self(vec![(0..32).collect()]);
        let all = [ACME_TOKEN, ACME_NEXT, BRAVO_TOKEN, BRAVO_NEXT, PLATFORM_TOKEN, API_SECRET, KEY_SECRET, JWT_SECRET];
        for secret in all.iter().chain(&[KEY, NEXT_KEY, BOT, TELEGRAM, HOOK, PASSWORD, "hunter2hunter2"]).chain(more) {
            marks.add(secret);
        }
        marks
    }

    fn add(&mut self, secret: &str) {
        self.0.push(secret.as_bytes().to_vec());
        self.0.push(format!("{:?}", &secret.as_bytes()[..8]).trim_matches(['[', ']']).into());
    }

    /// The mark in these bytes, and what stands before it.
    fn found(&self, bytes: &[u8]) -> Option<String> {
        self.0.iter().find_map(|mark| {
            let at = bytes.windows(mark.len()).position(|window| window == mark)?;
            Some(String::from_utf8_lossy(&bytes[at.saturating_sub(80)..at + mark.len()]).into_owned())
        })
    }

    fn search(&self, what: &str, bytes: &[u8]) {
        let found = self.found(bytes);
        assert!(found.is_none(), "{what} holds a secret, at the end of {found:?}");
    }

    fn search_files(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.search_files(&path);
            } else {
                self.search(&path.display().to_string(), &std::fs::read(&path).unwrap());
            }
        }
    }

    /// Runs commands, searches all that they say, and takes in what one shows once; how any ended otherwise than told.
    fn drive(&mut self, desk: &Desk, entries: &[commands::Entry], server: &str, surprises: &mut Vec<String>) {
        let folder = desk.folder.join("in").display().to_string();
        for entry in entries {
            let words = commands::typed(entry, &folder, server);
            let output = desk.run(&words, entry.input);
            let (mut out, err) = texts(&output);
            if let Some(beginning) = entry.shows {
                let shown = out.split_whitespace().find(|word| word.starts_with(beginning)).map(str::to_owned);
                let shown = shown.unwrap_or_else(|| panic!("`{words}` shows no secret once: {out}{err}"));
                out = out.replace(&shown, "");
                self.add(&shown);
            }
            self.search(&format!("`{words}` on standard output"), out.as_bytes());
            self.search(&format!("`{words}` on standard error"), err.as_bytes());
            if output.status.code() != Some(entry.code) {
                surprises.push(format!("`{words}` ends with {:?}, not {}: {out}{err}", output.status, entry.code));
            }
        }
    }

    /// The latest secret that was shown once.
    fn latest(&self) -> String {
        let shown = self.0.iter().rev().find(|mark| mark.starts_with(b"ringfall_")).unwrap();
        String::from_utf8(shown.clone()).unwrap()
    }
}

/// Files with secrets, which are no part of what is searched.
fn files(folder: &Path) -> Google {
    std::fs::create_dir(folder).unwrap();
    for (name, secret, mode) in [
        ("token", ACME_TOKEN, 0o600),
        ("open", ACME_TOKEN, 0o644),
        ("next", ACME_NEXT, 0o600),
        ("secret", API_SECRET, 0o600),
        ("slack", BOT, 0o600),
        ("telegram", TELEGRAM, 0o600),
        ("hook", HOOK, 0o600),
        ("mail", PASSWORD, 0o600),
        ("half.env", ACME_TOKEN, 0o600),
    ] {
        file(&folder.join(name), secret, mode);
    }
    let env = format!("TWILIO_ACCOUNT_SID={ACME_TOKEN}\nTWILIO_AUTH_TOKEN={ACME}\nTWILIO_API_SECRET={API_SECRET}\n");
    file(&folder.join("swapped.env"), &env, 0o600);
    let google = Google::start(folder);
    let key = std::fs::read_to_string(&google.key_file).unwrap();
    file(&google.key_file, &key, 0o600);
    google
}

/// A piece of the private key in that file.
fn piece_of(google: &Google) -> String {
    let key: serde_json::Value = serde_json::from_slice(&std::fs::read(&google.key_file).unwrap()).unwrap();
    key["private_key"].as_str().unwrap().lines().nth(5).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn marked_secrets_are_found_nowhere() {
    let house = House::with(&[("rules/acme.yaml", RULES), ("rules/bravo.yaml", &rules("bravo", "+13035550100"))]);
    let (people, fake, dns) = (People::start(), Fake::start(), Dns::start());
    let (url, carrier) = (people.web.url(), fake.url());
    let google = files(&house.path("in"));
    let mut marks = Marks::new(&[&piece_of(&google)]);
    for entry in std::fs::read_dir(house.path("in")).unwrap() {
        let path = entry.unwrap().path();
        assert!(marks.found(&std::fs::read(&path).unwrap()).is_some(), "{} has no mark", path.display());
    }
    let mut surprises = Vec::new();
    let log = [("RINGFALL_LOG", "trace"), ("RINGFALL_LOG_FORMAT", "json")];
    let platform = [
        ("TWILIO_AUTH_TOKEN", PLATFORM_TOKEN),
        ("TWILIO_API_KEY", PLATFORM_KEY),
        ("TWILIO_API_SECRET", KEY_SECRET),
        ("RINGFALL_API_JWT_SECRET", JWT_SECRET),
        ("RINGFALL_PUBLIC_URL", "https://phones.example.com"),
        ("RINGFALL_OUTBOUND_ALLOW", "127.0.0.1"),
        ("RINGFALL_SLACK_URL", &url),
        ("RINGFALL_TELEGRAM_URL", &url),
        ("RINGFALL_DNS_RESOLVER", &dns.address),
    ];
    let desk = Desk::of(&house, &[&platform[..], &log, &[("ENCRYPTION_KEY", KEY)]].concat());
    marks.drive(&desk, commands::BEFORE, "", &mut surprises);
    let token = marks.latest();

    // A database that is not there has its password in an address.
    let database = ("RINGFALL_DATABASE_URL", "postgresql://ringfall:hunter2hunter2@127.0.0.1:9/none");
    let away = Desk::of(&house, &[&platform[..], &[database, ("ENCRYPTION_KEY", KEY)]].concat());
    for command in ["serve --print-config", "org list", "audit list", "outbox list", "doctor --rules rules"] {
        let (out, err) = texts(&away.run(command, ""));
        marks.search(&format!("`{command}` without its database"), (out + &err).as_bytes());
    }

    let keys = [("ENCRYPTION_KEY", NEXT_KEY), ("ENCRYPTION_KEY_PREVIOUS", KEY)];
    let mut variables = [&platform[..], &keys, &[("RINGFALL_LOG", "trace"), ("TWILIO_ACCOUNT_SID", ACCOUNT)]].concat();
    let account_page = desk.carrier.url.clone();
    variables.push(("RINGFALL_TWILIO_API_URL", &account_page));
    let served = Served::start(&house, &variables);
    ask_and_search(&served.address, &marks).await;
    for _ in 0..600 {
        if people.said().len() >= 2 && !MailServer::shared().taken().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let waits = desk.does("outbox list", "");
    assert_eq!(people.said().len(), 2, "Slack and Telegram are told with the stored tokens\n{waits}\n{surprises:#?}");
    assert_eq!(MailServer::shared().taken().len(), 1, "{waits}\n{surprises:#?}");
    endpoints::drive(&served.address, &token, &mut marks, &mut surprises).await;
    let server = format!("http://{}", served.address);
    let here = [("RINGFALL_TWILIO_API_URL", carrier.as_str()), ("RINGFALL_PUBLIC_URL", &server)];
    let both = Desk::of(&house, &[&platform[..], &keys, &log, &here].concat());
    marks.drive(&both, commands::MEANWHILE, &server, &mut surprises);
    let (out, log) = served.end();
    marks.drive(&both, commands::AFTER, &server, &mut surprises);
    marks.search("standard output", out.as_bytes());
    marks.search("the log", log.as_bytes());
    assert!(log.len() > 10_000, "a log that tells all is longer: {log}");

    std::fs::remove_dir_all(house.path("in")).unwrap();
    marks.search_files(&house.path("."));
    assert!(surprises.is_empty(), "not as the tables tell:\n{}", surprises.join("\n"));
}

/// A running service of a process of its own, whose log is kept.
struct Served {
    child: Stopped,
    address: String,
    log: String,
    rest: std::thread::JoinHandle<String>,
}

/// A program that ends with the test, whatever becomes of that.
struct Stopped(std::process::Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Served {
    fn start(house: &House, variables: &[(&str, &str)]) -> Self {
        let mut child = program(&house.path("."));
        child.envs(variables.iter().copied()).env("RINGFALL_LOG_FORMAT", "human");
        let child =
            child.args(["serve", "--listen", "127.0.0.1:0", "--data", &house.path("data").display().to_string()]);
        let child = child.args(["--rules", &house.path("rules").display().to_string()]);
        let mut child = Stopped(child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(child.0.stderr.take().unwrap());
        let mut log = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended:\n{log}");
            log.push_str(&line);
            if let Some(at) = line.find("listens on http://").map(|at| at + "listens on http://".len()) {
                let told = line[at..].chars().take_while(|sign| sign.is_ascii_digit() || ".:".contains(*sign));
                break told.collect();
            }
        };
        let rest = std::thread::spawn(move || {
            let mut rest = String::new();
            lines.read_to_string(&mut rest).unwrap();
            rest
        });
        Self { child, address, log, rest }
    }

    /// What it wrote to standard output, and its log.
    fn end(mut self) -> (String, String) {
        // In peace, so that it writes down the calls that have just come in.
        let asked = std::process::Command::new("kill").args(["-TERM", &self.child.0.id().to_string()]).status();
        assert!(asked.unwrap().success());
        let mut out = String::new();
        self.child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (out, self.log + &self.rest.join().unwrap())
    }
}

/// Asks every address that the carrier calls, rightly and wrongly signed, and those that anybody may ask.
async fn ask_and_search(address: &str, marks: &Marks) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for endpoint in Endpoint::ALL {
        for (token, account) in [(ACME_NEXT, ACME), (ACME_TOKEN, ACME), (BRAVO_TOKEN, ACME), (PLATFORM_TOKEN, ACCOUNT)]
        {
            let target = format!("{}?org=acme", endpoint.path());
            let wanted = endpoint == Endpoint::InboundCall && token == ACME_NEXT;
            let call = if wanted { CALL } else { "CAffffffffffffffffffffffffffffffff" };
            let form = Form::of(fields(&[("AccountSid", account), ("To", ACME_LINE), ("CallSid", call)]));
            let signature = Signer::new(token).sign(&format!("https://phones.example.com{target}"), &form);
            let request = client.post(format!("http://{address}{target}")).header("X-Twilio-Signature", signature);
            let request = request.header("Content-Type", "application/x-www-form-urlencoded");
            let reply = request.body(form.encode()).send().await.unwrap();
            assert!(!wanted || reply.status() == 200, "{reply:?}");
            marks.search(&target, format!("{:?}", reply.headers()).as_bytes());
            marks.search(&target, reply.text().await.unwrap().as_bytes());
        }
    }
    let pages =
        ["/metrics", "/readyz", "/healthz", "/audio/acme/none.mp3", "/listen/acme/none", "/api/v1/openapi.json", "/"];
    for page in pages {
        let reply = client.get(format!("http://{address}{page}")).send().await.unwrap();
        marks.search(page, reply.text().await.unwrap().as_bytes());
    }
    let reply = client.get(format!("http://{address}/api/v1/me")).bearer_auth(API_SECRET).send().await.unwrap();
    assert_eq!(reply.status(), 401);
    marks.search("a wrong token", reply.text().await.unwrap().as_bytes());
}
