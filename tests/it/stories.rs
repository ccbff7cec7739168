//! The call stories of `fixtures/calls/`: each is placed over a real socket against a real service.

mod judge;
mod ledger;
mod story;
mod tape;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use ringfall::app::ports::Clock;
use ringfall::audit::record::Record;
use ringfall::audit::summary::Summary;
use ringfall::files::Folder;
use ringfall::model::simulator::{FILE, Simulator};
use ringfall::phone::log::CallLog;
use ringfall::phone::script::Actors;
use ringfall::phone::timeline::{Detail, Ink, draw};
use ringfall::phone::wire::{Exchange, Fault, Reply, Request, Wire};
use ringfall::phone::{Call, Elsewhere, Telling, over};
use ringfall::rules::load;
use ringfall::rules::ruleset::RuleSet;
use ringfall::settings::layers::Surroundings;
use ringfall::startup::{Ground, Running, start};
use ringfall::webhook::signature::Signer;

use story::{Story, repository};

/// When calls come that say nothing of it: a Monday morning.
const USUALLY: &str = "2026-11-23 10:00";

/// Stories told side by side; most of their time is spent in starting and stopping the service.
const AT_ONCE: usize = 12;

#[test]
fn every_call_story_goes_as_it_is_told() {
    let stories = Story::all();
    assert!(stories.len() >= 60, "the stories are gone");
    let share = stories.len().div_ceil(AT_ONCE);
    let failures: String = std::thread::scope(|scope| {
        let tellers: Vec<_> = stories.chunks(share).map(|part| scope.spawn(|| failures(part))).collect();
        tellers.into_iter().map(|teller| teller.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{failures}");
}

fn failures(stories: &[(String, Story)]) -> String {
    let mut failures = String::new();
    for (name, story) in stories {
        let Told { log, summary, records } = placed(story);
        let mut differences = judge::differences(story, &log);
        differences.extend(ledger::differences(story, &log, summary.as_ref(), &records));
        differences.extend(tape::differences(name, story, &rules_of(story), &records));
        if differences.is_empty() {
            continue;
        }
        writeln!(failures, "\n=== {name}: {}", story.sentence).unwrap();
        for difference in differences {
            writeln!(failures, "  - {difference}").unwrap();
        }
        writeln!(failures, "{}", draw(&log, Detail::Requests, Ink::Plain)).unwrap();
    }
    failures
}

/// What the phone noticed, and what the service wrote down.
struct Told {
    log: CallLog,
    summary: Option<Summary>,
    records: Vec<Record>,
}

/// Places the call of a story against a service of its own.
fn placed(story: &Story) -> Told {
    let rules = rules_of(story);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let clock = CallClock::new(moment(story, &rules));
        let service = served(story, folder.path(), &clock).await;
        let call = call(story, &rules, &service, folder.path(), clock.now());
        let wire = Wire::new(call.signer.clone(), None, call.delivery.timeout).unwrap();
        let mut line = Line { wire, clock: Arc::clone(&clock) };
        let script = story.script();
        let log = over(&mut line, &call, &script, &mut Actors::new(&script), &mut |_| {}).await.unwrap();
        clock.pass(3_600_000);
        let store = service.store.clone().unwrap();
        store.settle().await.unwrap();
        let org = org(story);
        let summary = store.call(&org, &call.sid).await.unwrap();
        let records = store.records(&org, &call.sid).await.unwrap();
        service.stop().await;
        Told { log, summary, records }
    })
}

async fn served(story: &Story, folder: &Path, clock: &Arc<CallClock>) -> Running {
    let rules = folder.join("rules");
    copy(story.rule_file().parent().unwrap(), &rules, &story.rule_file());
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let flags = BTreeMap::from([
        ("listen", "127.0.0.1:0".to_owned()),
        ("rules", text(&rules)),
        ("data", text(&folder.join("data"))),
        ("templates", text(&repository().join("twiml-templates"))),
        ("workers", "1".to_owned()),
        ("reload", "signal".to_owned()),
        ("drain", "1s".to_owned()),
    ]);
    let around = Surroundings { flags, folder: folder.to_owned(), ..Surroundings::default() };
    let settings = ringfall::settings::load(&around).settings.unwrap();
    let clock = Arc::<CallClock>::clone(clock);
    start(&settings, Ground { clock, journal: None }).await.unwrap()
}

/// The rule file, and the lists and calendars beside it.
fn copy(from: &Path, to: &Path, rule_file: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target, rule_file);
        } else if path == rule_file || path.extension().is_none_or(|ending| ending != "yaml") {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn call(story: &Story, rules: &RuleSet, service: &Running, folder: &Path, began: Timestamp) -> Call {
    let text = std::fs::read_to_string(folder.join("data").join(FILE)).unwrap();
    let simulator = Simulator::parse(&text).unwrap();
    let org = org(story);
    let at = |path: &str| format!("http://{}{path}?org={org}", service.address);
    let to = match &story.to {
        None => rules.lines[0].number.to_string(),
        Some(to) => {
            rules.lines.iter().find(|line| &*line.name == to).map_or(to.clone(), |line| line.number.to_string())
        }
    };
    let from = story.from.clone().unwrap_or_else(|| "+13125550123".to_owned());
    Call {
        url: at("/twilio/inbound-call"),
        status_url: Some(at("/twilio/call-status")),
        fallback_url: None,
        account: simulator.account.to_string(),
        signer: Signer::new(simulator.token.expose()),
        signed_origin: None,
        sid: "CA0123456789abcdef0123456789abcdef".to_owned(),
        to,
        from: if from == "withheld" { "anonymous".to_owned() } else { from },
        attestation: story.attestation(),
        forwarded_from: story.forwarded_from.clone(),
        caller_name: None,
        own_numbers: Some(rules.lines.iter().map(|line| line.number.to_string()).collect()),
        names: rules.contacts.iter().map(|contact| (contact.number.to_string(), contact.name.to_string())).collect(),
        began,
        delivery: story.delivery(),
        telling: Telling::Nothing,
        elsewhere: Elsewhere::HandedOver,
    }
}

fn rules_of(story: &Story) -> RuleSet {
    let path = story.rule_file();
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let beside = Folder::new(path.parent().unwrap().to_owned());
    let loaded = load(&path.display().to_string(), &bytes, &beside, Date::constant(2026, 11, 21));
    loaded.rules.unwrap_or_else(|| panic!("{}: {:?}", path.display(), loaded.diagnostics))
}

fn moment(story: &Story, rules: &RuleSet) -> Timestamp {
    let local: DateTime = story.at.as_deref().unwrap_or(USUALLY).replace(' ', "T").parse().unwrap();
    local.to_zoned(rules.zone.table().clone()).unwrap().timestamp()
}

fn org(story: &Story) -> String {
    story.rule_file().file_stem().unwrap().to_str().unwrap().to_owned()
}

/// The service's clock, which goes as the call's own does.
#[derive(Debug)]
struct CallClock(AtomicI64);

impl CallClock {
    fn new(began: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(began.as_millisecond())))
    }

    fn pass(&self, milliseconds: u64) {
        self.0.fetch_add(i64::try_from(milliseconds).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for CallClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// The real network, on which the passing of a call's time moves the service's clock.
struct Line {
    wire: Wire,
    clock: Arc<CallClock>,
}

impl Exchange for Line {
    async fn send(&mut self, request: &Request) -> Result<Reply, Fault> {
        self.wire.send(request).await
    }

    async fn pass(&mut self, milliseconds: u64) {
        self.clock.pass(milliseconds);
    }
}
