//! A running service on a real socket, with rules, a clock and a data folder of its own.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ringfall::app::ports::Clock;
use ringfall::audit::record::Record;
use ringfall::audit::summary::Summary;
use ringfall::model::call::Attestation;
use ringfall::phone::log::CallLog;
use ringfall::phone::script::{Actors, Script};
use ringfall::phone::wire::{self, Exchange, Fault, Purpose, Request, Wire};
use ringfall::phone::{self, Call, Delivery, Elsewhere};
use ringfall::settings::layers::Surroundings;
use ringfall::startup::{self, Ground, Running};
use ringfall::twiml::schema::{self, Context};
use ringfall::webhook::form::Form;
use ringfall::webhook::signature::{HEADER, Signer};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The account that signs.
pub(crate) const ACCOUNT: &str = "AC5a0c3e7d9b1f24680ace13579bdf0246";
/// What it signs with.
pub(crate) const TOKEN: &str = "5d1c7a90e2b84f36a1c05e7d9b3f2684";
/// A caller.
pub(crate) const CALLER: &str = "+14155550123";

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct Hand(Mutex<Timestamp>);

impl Hand {
    pub(crate) fn set(&self, at: &str) {
        *self.0.lock().unwrap() = at.parse().unwrap();
    }

    pub(crate) fn pass(&self, by: SignedDuration) {
        let mut at = self.0.lock().unwrap();
        *at += by;
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// One service; it stops with the test.
pub(crate) struct Service {
    runtime: Runtime,
    house: House,
}

/// Everything of a service but the threads it runs on.
pub(crate) struct House {
    running: Option<Running>,
    clock: Arc<Hand>,
    folder: TempDir,
    /// Where it listened first: a restart listens there again.
    listen: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Service {
    /// Answers by these rule files, from a Monday at ten in Los Angeles.
    pub(crate) fn new(rules: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        for (name, text) in rules {
            std::fs::write(folder.path().join("rules").join(name), text).unwrap();
        }
        Self::in_folder(folder)
    }

    /// Answers by the rule files that are shipped.
    pub(crate) fn shipped() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("routing-rules");
        copy(&shipped, &folder.path().join("rules"));
        Self::in_folder(folder)
    }

    fn in_folder(folder: TempDir) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let clock = Arc::new(Hand(Mutex::new("2026-11-23T18:00:00Z".parse().unwrap())));
        let mut house = House { running: None, clock, folder, listen: "127.0.0.1:0".to_owned() };
        runtime.block_on(house.start());
        Self { runtime, house }
    }

    pub(crate) fn running(&self) -> &Running {
        self.house.running()
    }

    /// Writes a rule file and has everything read again.
    pub(crate) fn house_rules(&self, name: &str, text: &str) {
        let _inside = self.runtime.enter();
        self.house.write_rules(name, text);
        self.house.running().reload();
    }

    pub(crate) fn clock(&self) -> &Hand {
        &self.house.clock
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running().address
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address())
    }

    /// A signed webhook by POST.
    pub(crate) fn post(&self, target: &str, fields: &[(&str, &str)]) -> Reply {
        let form = Form::of(fields.iter().copied());
        let signature = Signer::new(TOKEN).sign(&format!("{}{target}", self.origin()), &form);
        let body = form.encode();
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\n{HEADER}: {signature}\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            self.address(),
            body.len()
        );
        self.send(&[head.as_bytes(), body.as_bytes()].concat())
    }

    /// Bytes as they are, and what comes back until the server closes.
    pub(crate) fn send(&self, bytes: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// A call to `to` that the phone can place.
    pub(crate) fn call_to(&self, to: &str, sid: &str) -> Call {
        Call {
            url: format!("{}/twilio/inbound-call", self.origin()),
            status_url: Some(format!("{}/twilio/call-status", self.origin())),
            fallback_url: None,
            account: ACCOUNT.to_owned(),
            signer: Signer::new(TOKEN),
            signed_origin: None,
            sid: sid.to_owned(),
            to: to.to_owned(),
            from: CALLER.to_owned(),
            attestation: Attestation::PassedA,
            forwarded_from: None,
            caller_name: None,
            own_numbers: None,
            names: BTreeMap::new(),
            began: self.clock().now(),
            delivery: Delivery::default(),
            telling: ringfall::phone::Telling::Nothing,
            elsewhere: Elsewhere::HandedOver,
        }
    }

    /// Places a call over the socket; before the request of that number, something happens to the house.
    pub(crate) fn place(&mut self, call: &Call, script: &Script, disturbance: Option<Disturbance>) -> CallLog {
        let wire = Wire::new(call.signer.clone(), None, Duration::from_secs(15)).unwrap();
        let mut line = Line { wire, house: &mut self.house, disturbance, sent: 0, answers: Vec::new() };
        let mut people = Actors::new(script);
        let log = self.runtime.block_on(phone::over(&mut line, call, script, &mut people, &mut |_| {})).unwrap();
        for (request, reply) in &line.answers {
            well_formed(request, reply);
        }
        log
    }

    /// Everything written down about a call, after all of it is on disk.
    pub(crate) fn records(&self, org: &str, call: &str) -> Vec<Record> {
        let store = self.running().store.as_ref().unwrap();
        self.runtime.block_on(async {
            store.settle().await.unwrap();
            store.records(org, call).await.unwrap()
        })
    }

    /// The call as a whole.
    pub(crate) fn summary(&self, org: &str, call: &str) -> Option<Summary> {
        let store = self.running().store.as_ref().unwrap();
        self.runtime.block_on(async {
            store.settle().await.unwrap();
            store.call(org, call).await.unwrap()
        })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.runtime.block_on(self.house.stop());
    }
}

impl House {
    async fn start(&mut self) {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let flags = [
            ("listen", self.listen.clone()),
            ("rules", at("rules")),
            ("templates", at("templates")),
            ("data", at("data")),
            ("workers", "2".to_owned()),
        ];
        let variables = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", TOKEN), ("RINGFALL_RELOAD", "signal")];
        let around = Surroundings {
            flags: flags.into(),
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            folder: self.folder.path().to_owned(),
            file: None,
        };
        let settings = ringfall::settings::load(&around).settings.unwrap();
        let ground = Ground { clock: Arc::<Hand>::clone(&self.clock), ..Ground::default() };
        let running = startup::start(&settings, ground).await.unwrap();
        self.listen = running.address.to_string();
        self.running = Some(running);
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    fn write_rules(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join("rules").join(name), text).unwrap();
    }
}

/// What happens to the house in the middle of a call.
#[derive(Debug, Clone)]
pub(crate) struct Disturbance {
    /// Before which request of the call.
    pub(crate) before: usize,
    pub(crate) what: What,
}

/// The kinds of things that happen.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// The clock jumps by so many seconds.
    Jump(i64),
    /// The service ends and starts again.
    Restart,
    /// A rule file changes, and is read.
    Reload(&'static str, String),
    /// A rule file changes, is read, and then the service ends and starts again.
    ReloadAndRestart(&'static str, String),
}

/// The wire between the phone and the house; the house's clock goes with the call.
struct Line<'a> {
    wire: Wire,
    house: &'a mut House,
    disturbance: Option<Disturbance>,
    sent: usize,
    answers: Vec<(Request, wire::Reply)>,
}

impl Exchange for Line<'_> {
    async fn send(&mut self, request: &Request) -> Result<wire::Reply, Fault> {
        if let Some(Disturbance { what, .. }) = self.disturbance.take_if(|it| it.before == self.sent) {
            match what {
                What::Jump(seconds) => self.house.clock.pass(SignedDuration::from_secs(seconds)),
                What::Restart => {
                    self.house.stop().await;
                    self.house.start().await;
                }
                What::Reload(name, text) => {
                    self.house.write_rules(name, &text);
                    self.house.running().reload();
                }
                What::ReloadAndRestart(name, text) => {
                    self.house.write_rules(name, &text);
                    self.house.running().reload();
                    self.house.stop().await;
                    self.house.start().await;
                }
            }
        }
        self.sent += 1;
        let reply = self.wire.send(request).await?;
        self.answers.push((request.clone(), reply.clone()));
        Ok(reply)
    }

    async fn pass(&mut self, milliseconds: u64) {
        self.house.clock.pass(SignedDuration::from_millis(i64::try_from(milliseconds).unwrap()));
    }
}

/// Every answer of ours is TwiML that the carrier takes.
fn well_formed(request: &Request, reply: &wire::Reply) {
    assert_eq!(reply.status, 200, "{request:?}");
    let context = if request.purpose == Purpose::Screening { Context::Screening } else { Context::Voice };
    let text = std::str::from_utf8(&reply.body).unwrap();
    let errors: Vec<_> = schema::check(text, context).into_iter().filter(schema::Complaint::is_error).collect();
    assert!(errors.is_empty(), "{request:?}: {errors:?}\n{text}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
