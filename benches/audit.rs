//! The trail of a million calls, read by the program itself: `report`, `why`, `audit verify`, and letting a day go.
//!
//! `cargo bench --bench audit` writes the calls into a folder that goes away and prints one table; every figure is of a
//! whole process, the median of some runs. `CALLS=100000` takes fewer.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    clippy::cast_precision_loss,
    reason = "a benchmark measures with the clock and prints what it saw"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;
use ringfall::app::board::Board;
use ringfall::app::ports::{Clock, Journal as _};
use ringfall::app::trail::Window;
use ringfall::app::turns::Turns;
use ringfall::audit::record::{Decided, Facts, Kind, Place, Received, Record};
use ringfall::audit::summary::Summary;
use ringfall::model::moment::Zone;
use ringfall::seal::{Folder, Follower, Keys};
use ringfall::store::{Options, Patience, Store};
use uuid::Uuid;

/// What the shipped binary allocates with.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SECOND: i64 = 1_000_000;
const BEGAN: i64 = 1_780_000_000;
/// Half a year.
const STRETCH: i64 = 182 * 86_400;
/// Calls on their way at once.
const AT_ONCE: u64 = 2_000;

/// The time of the call at hand.
#[derive(Debug)]
struct Told(AtomicI64);

impl Clock for Told {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).expect("a time")
    }
}

fn main() {
    let calls: u64 = std::env::var("CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let begun = Instant::now();
    let records = runtime.block_on(fill(folder.path(), calls));
    let size = std::fs::metadata(folder.path().join("ringfall.db")).expect("a journal").len();
    println!(
        "{calls} calls in {records} records, {} MB, written in {:.0} s",
        size >> 20,
        begun.elapsed().as_secs_f64()
    );
    let begun = Instant::now();
    runtime.block_on(bind(folder.path()));
    println!("bound to the chain in {:.0} s\n", begun.elapsed().as_secs_f64());
    println!("{:<44} {:>12} {:>12}", "", "median", "goal");
    let report = median(5, || run(folder.path(), &["report"]));
    row("report over all calls", &format!("{:.2} s", report.as_secs_f64()), "3 s");
    let month = median(5, || run(folder.path(), &["report", "--since", "2026-10-15", "--format", "json"]));
    row("report over the last weeks", &format!("{:.2} s", month.as_secs_f64()), "");
    let mut number = 0;
    let why = median(15, || {
        number = (number + calls / 7) % calls;
        run(folder.path(), &["why", &name(number)])
    });
    row("why, one call", &format!("{:.0} ms", why.as_secs_f64() * 1e3), "50 ms");
    let verify = median(3, || run(folder.path(), &["audit", "verify"]));
    row("audit verify", &format!("{:.0}/s", records as f64 / verify.as_secs_f64()), "200000/s");
}

fn row(what: &str, figure: &str, goal: &str) {
    println!("{what:<44} {figure:>12} {goal:>12}");
}

fn median(runs: usize, mut once: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..runs).map(|_| once()).collect();
    times.sort();
    times.get(runs / 2).copied().expect("a run")
}

/// How long the program takes, from its start to its end.
fn run(data: &Path, args: &[&str]) -> Duration {
    let begun = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfall"));
    let status = command.args(args).arg("--data").arg(data).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.expect("the program").success(), "{args:?}");
    begun.elapsed()
}

fn name(number: u64) -> String {
    format!("CA{number:032x}")
}

/// Writes the calls through the store, as the service does; the number of records.
async fn fill(folder: &Path, calls: u64) -> u64 {
    let clock = Arc::new(Told(AtomicI64::new(BEGAN * SECOND)));
    let shared: Arc<dyn Clock> = Arc::<Told>::clone(&clock);
    let options = Options {
        folder: folder.to_owned(),
        node: "node-1".to_owned(),
        clock: shared,
        patience: Patience::default(),
        behind: 0,
    };
    let store = Store::open(&options).expect("a store");
    let zone = Zone::named("America/Los_Angeles").expect("a zone");
    let mut records = 0;
    for first in (0..calls).step_by(usize::try_from(AT_ONCE).expect("a number")) {
        let some = first..(first + AT_ONCE).min(calls);
        let at = |number: u64| {
            BEGAN + STRETCH * i64::try_from(number).expect("a number") / i64::try_from(calls).expect("a number")
        };
        clock.0.store(at(some.end) * SECOND, Ordering::Relaxed);
        let all: Vec<Record> = some.flat_map(|number| call(number, at(number), &zone)).collect();
        records += all.len() as u64;
        for answer in join_all(all.into_iter().map(|record| store.append(record))).await {
            answer.expect("a record that is kept");
        }
    }
    store.settle().await.expect("a table of calls");
    store.close();
    records
}

/// A call as its records: it comes in, its ring ends, and it is closed.
fn call(number: u64, at: i64, zone: &Zone) -> Vec<Record> {
    let (taken, wait) = (!number.is_multiple_of(3), i64::try_from(4 + number % 23).expect("a number"));
    let of = |kind, step: &str, at: i64| {
        let received = Received::at(Timestamp::from_second(at).expect("a time"), zone);
        let id =
            Uuid::from_u128(u128::from(number) << 32 | u128::from(at.unsigned_abs() % 1_000) << 4 | step.len() as u128);
        Record {
            org: format!("org-{}", number % 5),
            call: name(number),
            step: step.to_owned(),
            endpoint: "continue".to_owned(),
            began: Some(at),
            rules: Some("0123456789abcdef".repeat(4)),
            ..Record::blank(kind, id, "node-1", received)
        }
    };
    let facts = |happened: &str| Facts {
        line: Some("main".to_owned()),
        called: "+16195550100".to_owned(),
        caller: format!("+1312555{:04}", 100 + number % 100),
        caller_is: "number".to_owned(),
        happened: happened.to_owned(),
        ..Facts::default()
    };
    let ring = |contact: &str| Decided {
        act: "ring".to_owned(),
        contacts: vec![contact.to_owned()],
        seconds: Some(20),
        plan: format!("ring {contact} for 20 s, and then a mailbox takes a message"),
        ..Decided::default()
    };
    let arrived = Record {
        facts: Some(facts("arrived")),
        decision: Some(ring("primary")),
        to: Some(Place { hop: 1, step: Some("0.0".to_owned()), ..Place::default() }),
        twiml: Some(
            "<?xml version=\"1.0\"?><Response><Dial timeout=\"20\"><Number>+16195550111</Number></Dial></Response>"
                .repeat(3),
        ),
        ..of(Kind::Decision, "arrived", at)
    };
    let outcome = if taken { "connected" } else { "no_answer" };
    let end = if taken { "connected" } else { "voicemail" };
    let connected = taken.then(|| "primary".to_owned());
    let rang = Record {
        facts: Some(Facts { outcome: Some(outcome.to_owned()), connected, ..facts("rang") }),
        decision: Some(Decided { act: "none".to_owned(), end: Some(end.to_owned()), ..Decided::default() }),
        from: Some(Place { hop: 1, step: Some("0.0".to_owned()), ..Place::default() }),
        began: Some(at),
        ..of(Kind::Decision, "rang 1", at + wait)
    };
    let mut summary = Summary::default();
    [&arrived, &rang].into_iter().for_each(|record| summary.fold(record));
    let effects = summary.close((at + 60) * SECOND, "status");
    let closed =
        Record { summary: Some(Box::new(summary)), effects, began: Some(at), ..of(Kind::Closed, "closed", at + 60) };
    vec![arrived, rang, closed]
}

/// Binds all records to a chain, as the service does beside the calls.
async fn bind(folder: &Path) {
    let clock: Arc<dyn Clock> = Arc::new(Told(AtomicI64::new((BEGAN + STRETCH) * SECOND)));
    let archive = ringfall::store::Archive::open(folder).expect("a journal");
    let window = Arc::new(Window::new(Arc::new(archive)));
    let signer = Keys::open(folder).expect("a key").signer;
    let chain = Folder::make(folder, "node-1").expect("a chain");
    let follower =
        Follower::open(chain, signer, (window, Arc::new(Turns::behind(|| 0))), Arc::new(Board::default()), clock)
            .expect("a follower");
    follower.start().stop().await;
}
