//! A service with a telephone: whole calls over the socket, which anything may happen in the middle of.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ringfall::app::ports::Clock as _;
use ringfall::audit::record::Record;
use ringfall::audit::summary::Summary;
use ringfall::model::call::Attestation;
use ringfall::phone::log::CallLog;
use ringfall::phone::script::{Actors, Script};
use ringfall::phone::wire::{self, Exchange, Fault, Purpose, Request, Wire};
use ringfall::phone::{self, Call, Delivery, Elsewhere};
use ringfall::startup::Running;
use ringfall::twiml::schema::{self, Context};
use ringfall::webhook::form::Form;
use ringfall::webhook::signature::{HEADER, Signer};
use tokio::runtime::Runtime;

use crate::support::{ACCOUNT, House, PUBLIC, Reply, Service, TOKEN, raw};

/// A caller.
pub(crate) const CALLER: &str = "+14155550123";

/// A service and the threads it runs on; it stops with the test.
pub(crate) struct Telephone {
    runtime: Runtime,
    inhabited: Inhabited,
}

/// A house with its service, which may move out and in again at the same address.
struct Inhabited {
    house: House,
    service: Option<Service>,
    listen: String,
}

impl Telephone {
    /// Answers by these rule files, from a Monday at ten in Los Angeles.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self::of(House::with(files))
    }

    /// Answers by the rule files that are shipped.
    pub(crate) fn shipped() -> Self {
        let house = House::with(&[]);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("routing-rules"), &house.path("rules"));
        Self::of(house)
    }

    fn of(house: House) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut inhabited = Inhabited { house, service: None, listen: "127.0.0.1:0".to_owned() };
        runtime.block_on(inhabited.start());
        Self { runtime, inhabited }
    }

    pub(crate) fn running(&self) -> &Running {
        &self.inhabited.service().running
    }

    /// Where the service keeps what it writes.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.inhabited.house.path("data")
    }

    /// Lets time pass, or go back.
    pub(crate) fn pass(&self, seconds: i64) {
        self.inhabited.house.clock.forward(seconds);
    }

    /// Writes a rule file and has everything read again.
    pub(crate) fn reload(&self, name: &str, text: &str) {
        let _inside = self.runtime.enter();
        self.inhabited.reload(name, text);
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.inhabited.service().address
    }

    /// A signed webhook by POST.
    pub(crate) fn post(&self, target: &str, fields: &[(&str, &str)]) -> Reply {
        let form = Form::of(fields.iter().copied());
        let signature = Signer::new(TOKEN).sign(&format!("{PUBLIC}{target}"), &form);
        self.runtime.block_on(self.inhabited.service().post(target, form.encode(), &[(HEADER, &signature)]))
    }

    /// The status that comes back for these bytes; 0 when nothing does.
    pub(crate) fn send(&self, bytes: &[u8]) -> u16 {
        let answer = raw(self.address(), bytes);
        answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// Ends the service, and starts it again on what it left behind.
    pub(crate) fn restart(&mut self) {
        let inhabited = &mut self.inhabited;
        self.runtime.block_on(async {
            inhabited.stop().await;
            inhabited.start().await;
        });
    }

    /// What the readiness page says.
    pub(crate) fn ready(&self) -> String {
        self.runtime.block_on(self.inhabited.service().get("/readyz")).body
    }

    /// What the keepers of the gate were told, in order: the event, and more about it.
    pub(crate) fn events(&self) -> Vec<(String, String)> {
        let archive = self.running().store.as_ref().unwrap().archive();
        let mut events = Vec::new();
        archive
            .each_record(jiff::Timestamp::MIN..jiff::Timestamp::MAX, |kept| {
                events.extend(kept.record.security.map(|event| (event.event, event.detail)));
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        events
    }

    pub(crate) fn metrics(&self) -> String {
        self.runtime.block_on(self.inhabited.service().get("/metrics")).body
    }

    /// A call to `to` that can be placed.
    pub(crate) fn call_to(&self, to: &str, sid: &str) -> Call {
        let origin = format!("http://{}", self.address());
        Call {
            url: format!("{origin}/twilio/inbound-call"),
            status_url: Some(format!("{origin}/twilio/call-status")),
            fallback_url: None,
            account: ACCOUNT.to_owned(),
            signer: Signer::new(TOKEN),
            signed_origin: Some(PUBLIC.to_owned()),
            sid: sid.to_owned(),
            to: to.to_owned(),
            from: CALLER.to_owned(),
            attestation: Attestation::PassedA,
            forwarded_from: None,
            caller_name: None,
            own_numbers: None,
            names: BTreeMap::new(),
            began: self.inhabited.house.clock.now(),
            delivery: Delivery::default(),
            elsewhere: Elsewhere::HandedOver,
            telling: phone::Telling::Nothing,
        }
    }

    /// Places a call over the socket; before the request of that number, something happens to the house.
    pub(crate) fn place(&mut self, call: &Call, script: &Script, disturbance: Option<Disturbance>) -> CallLog {
        let signed_origin = call.signed_origin.clone();
        let wire = Wire::new(call.signer.clone(), signed_origin, Duration::from_secs(15)).unwrap();
        let inhabited = &mut self.inhabited;
        let mut line = Line { wire, inhabited, disturbance, sent: 0, behind: 0, answers: Vec::new() };
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

impl Drop for Telephone {
    fn drop(&mut self) {
        self.runtime.block_on(self.inhabited.stop());
    }
}

impl Inhabited {
    async fn start(&mut self) {
        // Years pass here within a minute, and nothing may be let go meanwhile.
        let settings =
            [("RINGFALL_LISTEN", self.listen.as_str()), ("RINGFALL_WORKERS", "2"), ("RINGFALL_RETENTION", "off")];
        let service = self.house.serve_with(&settings, None).await;
        self.listen = service.address.to_string();
        self.service = Some(service);
    }

    async fn stop(&mut self) {
        if let Some(service) = self.service.take() {
            service.running.stop().await;
        }
    }

    fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    fn reload(&self, name: &str, text: &str) {
        self.house.write(name, text);
        self.service().running.reload();
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
    inhabited: &'a mut Inhabited,
    disturbance: Option<Disturbance>,
    sent: usize,
    /// Milliseconds of the call that the clock, which counts seconds, has not seen yet.
    behind: u64,
    answers: Vec<(Request, wire::Reply)>,
}

impl Exchange for Line<'_> {
    async fn send(&mut self, request: &Request) -> Result<wire::Reply, Fault> {
        if let Some(Disturbance { what, .. }) = self.disturbance.take_if(|it| it.before == self.sent) {
            match what {
                What::Jump(seconds) => self.inhabited.house.clock.forward(seconds),
                What::Restart => {
                    self.inhabited.stop().await;
                    self.inhabited.start().await;
                }
                What::Reload(name, text) => self.inhabited.reload(name, &text),
                What::ReloadAndRestart(name, text) => {
                    self.inhabited.reload(name, &text);
                    self.inhabited.stop().await;
                    self.inhabited.start().await;
                }
            }
        }
        self.sent += 1;
        let reply = self.wire.send(request).await?;
        self.answers.push((request.clone(), reply.clone()));
        Ok(reply)
    }

    async fn pass(&mut self, milliseconds: u64) {
        self.behind += milliseconds;
        self.inhabited.house.clock.forward(i64::try_from(self.behind / 1000).unwrap());
        self.behind %= 1000;
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
