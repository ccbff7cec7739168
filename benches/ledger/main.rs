//! Measures the audit trail on its way: `cargo bench --bench ledger`.
//!
//! Signed webhooks are sent to the release server, which is pinned to one core, with its journal alone and with three
//! sinks besides (a file, a signed receiver, PostgreSQL), by turns; then what the journal gathered is shipped into the
//! merged trail in PostgreSQL, by one node that answers nobody meanwhile. A real PostgreSQL is started, as the tests
//! do, with its disk waited for. `BENCH_SECONDS` sets the length of a run. Nothing here passes or fails: it prints
//! figures beside their goals.
//!
//! On two cores PostgreSQL and the receiver share one with the load, and the server cannot be kept busy by all that is
//! left: then the processor time of the server says more than the throughput.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "a bench may stop at the first surprise, prints its figures and reads the clock; it shares what it uses"
)]

#[path = "../server/bare.rs"]
mod bare;
#[path = "../server/calls.rs"]
mod calls;
#[path = "../server/load.rs"]
mod load;
#[path = "../../tests/it/postgres.rs"]
mod postgres;
#[path = "../server/process.rs"]
mod process;
mod receiver;

use std::time::{Duration, Instant};

use crate::calls::Calls;
use crate::load::{Load, Outcome};
use crate::process::{Server, Setup};

/// Connections at once.
const CONNECTIONS: usize = 256;

/// Runs of each kind, by turns.
const TURNS: usize = 3;

fn main() {
    let seconds = std::env::var("BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let span = Duration::from_secs(seconds);
    let pinned = process::pin_self();
    println!(
        "one core for the server, {} for the load, PostgreSQL and the receiver; {seconds} s a run",
        if pinned { "another" } else { "the same cores (no `taskset` here)" }
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure(span));
}

async fn measure(span: Duration) {
    let server = postgres::own_with(&["fsync = on", "max_wal_size = 4GB"], &[]);
    let (owner, merged) = (server.database(), server.database());
    let sink = receiver::start();
    // The calls are the same in every run: with a journal that knows them, they would be repeats.
    let alone = || Setup::organizations("alone", 1);
    let three = || with_sinks(&owner, &sink.to_string());
    let (mut without, mut with) = (Vec::new(), Vec::new());
    // Whoever comes first finds a disk that is not warm.
    println!("a run that does not count");
    drop(run("journal alone", alone(), span).await);
    for _ in 0..TURNS {
        without.push(run("journal alone", alone(), span).await.0);
        with.push(run("journal and three sinks", three(), span).await.0);
    }
    let ratio = rate(&with) / rate(&without);
    goal("  throughput with three sinks against none", &format!("{ratio:.2}"), ">= 0.90", ratio >= 0.9);
    let (_, last) = run("journal alone, to be shipped", alone(), span).await;
    ship(last, &merged).await;
}

/// A fresh data folder, and the three sinks.
fn with_sinks(owner: &postgres::Database, sink: &str) -> Setup {
    let three = Setup::organizations("three", 1);
    let write = |name: &str, text: &str| std::fs::write(three.folder.join(name), text).expect("to write a file");
    write("owner.url", owner.url.expose());
    write("hook.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    write(
        "ringfall.yaml",
        &format!(
            "sinks:\n- {{ name: file, file: {{ path: trail.jsonl }} }}\n\
             - {{ name: hook, http: {{ url: \"http://{sink}/\", secret_file: hook.secret, batch: 500 }} }}\n\
             - {{ name: owner, postgres: {{ url_file: owner.url }} }}\n"
        ),
    );
    three
}

/// What a run showed, and what it left.
async fn run(name: &str, setup: Setup, span: Duration) -> (Outcome, Setup) {
    let (server, _) = Server::start(setup).await;
    let calls = Calls::prepare(&server, 1, span.as_secs() as usize * 25_000).await;
    let outcome = server.measured(Load::new(CONNECTIONS, calls.all()).run(server.port(), span)).await;
    let left = server.stop();
    println!(
        "{name:<50} {:>8.0} requests/s   {:>6.1} µs of processor a request   {:>3.0} % of the core",
        outcome.per_second(),
        outcome.cpu_per_request(),
        outcome.cpu.as_secs_f64() / outcome.elapsed.as_secs_f64() * 100.0
    );
    (outcome, left)
}

fn rate(outcomes: &[Outcome]) -> f64 {
    outcomes.iter().map(Outcome::per_second).sum::<f64>() / outcomes.len() as f64
}

/// Sends what the journal holds into the trail of all nodes.
async fn ship(mut setup: Setup, merged: &postgres::Database) {
    setup.more.push(("RINGFALL_DATABASE_URL", merged.url.expose().to_owned()));
    let journal = rusqlite::Connection::open(setup.folder.join("data/ringfall.db")).expect("the journal");
    let all: i64 = journal.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).expect("a count");
    let all = all as u64;
    drop(journal);
    let (server, _) = Server::start(setup).await;
    let counted = || {
        let told = merged.try_sql("SELECT count(*) FROM audit_records");
        told.ok().and_then(|told| told.parse::<u64>().ok()).unwrap_or(0)
    };
    // The first records make the tables and the months.
    while counted() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (begun, first) = (Instant::now(), counted());
    // Counting is work, too: it is asked seldom.
    let mut last = first;
    while last < all {
        assert!(begun.elapsed() < Duration::from_secs(300), "{last} of {all} records arrived");
        tokio::time::sleep(Duration::from_millis(500)).await;
        last = counted();
    }
    let rate = (last - first) as f64 / begun.elapsed().as_secs_f64();
    goal(
        &format!("{} records shipped into PostgreSQL", last - first),
        &format!("{rate:.0}/s"),
        ">= 20,000/s",
        rate >= 20_000.0,
    );
    let size = merged.sql("SELECT sum(pg_total_relation_size(oid)) / (SELECT count(*) FROM audit_records) FROM pg_class WHERE relname LIKE 'audit_records_2%' AND relkind = 'r'");
    println!("  {} bytes of PostgreSQL a record, indexes and all", size.split('.').next().unwrap_or_default());
    drop(server.stop());
}

fn goal(name: &str, figure: &str, goal: &str, reached: bool) {
    println!("{name:<50} {figure:>10}   goal {goal}: {}", if reached { "reached" } else { "missed" });
}
