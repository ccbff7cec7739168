//! Measures the server: `cargo bench --bench server`.
//!
//! Signed webhooks of about 1.2 kB from many calls are sent to the release server, which is pinned to one core and
//! writes every decision to disk before it answers, and to a bare handler that only reads the form and verifies the
//! signature. The load comes from the other core. Also measured: latency at half load, ten thousand organizations,
//! idle memory and the time from start to ready. `cargo bench --bench server -- small` leaves the large run out, and
//! `BENCH_SECONDS` and `BENCH_LOG` set the length of a run and the server's log level. Nothing here passes or
//! fails: it prints figures beside their goals.
//!
//! When the load cannot keep a server busy, the throughputs say more about the load than about the server: then only
//! the processor time of a request can be believed, which counts all threads of the server, the writing one included.

#![allow(
    missing_docs,
    unreachable_pub,
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
    reason = "a bench may stop at the first surprise, prints its figures and reads the clock"
)]

mod bare;
mod calls;
mod load;
mod process;

use std::time::Duration;

use crate::calls::Calls;
use crate::load::{Load, Outcome};
use crate::process::{Server, Setup};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connections at once: a carrier keeps many open and uses them for many calls.
const CONNECTIONS: usize = 256;

/// Organizations of the large run.
const MANY: usize = 10_000;

fn main() {
    if std::env::var_os(bare::MARK).is_some() {
        return bare::serve();
    }
    let seconds = std::env::var("BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let span = Duration::from_secs(seconds);
    let pinned = process::pin_self();
    println!(
        "one core for the server, {} for the load; {seconds} s a run, {CONNECTIONS} connections",
        if pinned { "another" } else { "the same cores (no `taskset` here)" }
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure(span));
}

async fn measure(span: Duration) {
    let small = Setup::shipped("shipped");
    let (server, ready) = Server::start(&small).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    goal("start to ready, shipped rules", &format!("{} ms", ready.as_millis()), "< 300 ms", ready.as_millis() < 300);
    let idle = server.memory_mb();
    goal("idle memory, shipped rules", &format!("{idle} MB"), "< 40 MB", idle < 40);
    server.stop();

    let one = Setup::organizations("one", 1);
    let bare = bare_run(&one, span).await;
    row("bare handler", &bare);
    let mut keeping = Setup::organizations("keeping", 1);
    keeping.more = vec![(bare::FOLDER, keeping.folder.display().to_string())];
    let keeping = bare_run(&keeping, span).await;
    row("bare handler that keeps a row, durable", &keeping);
    println!("  by processor time {:.2} of the bare handler", bare.cpu_per_request() / keeping.cpu_per_request());
    let (server, _) = Server::start(&one).await;
    let calls = Calls::prepare(&server, 1, estimated_calls(span)).await;
    let full = run(&server, &calls, span).await;
    row("server, durable before answered", &full);
    let ratio = full.per_second() / bare.per_second();
    goal("  throughput against the bare handler", &format!("{ratio:.2}"), ">= 0.50", ratio >= 0.5);
    let ratio = bare.cpu_per_request() / full.cpu_per_request();
    goal("  the same by processor time", &format!("{ratio:.2}"), ">= 0.50", ratio >= 0.5);

    server.caught_up().await;
    let half = Load::new(CONNECTIONS, calls.rest(full.requests)).paced(full.per_second() / 2.0);
    let half = server.measured(half.run(server.port(), span)).await;
    row("server at half load", &half);
    let p99 = half.percentile(99.0);
    goal("  p99 at half load", &format!("{:.2} ms", ms(p99)), "< 10 ms", p99 < Duration::from_millis(10));
    println!(
        "  p50 {:.2} ms, p99.9 {:.2} ms, slowest {:.2} ms",
        ms(half.percentile(50.0)),
        ms(half.percentile(99.9)),
        ms(half.percentile(100.0))
    );
    server.stop();
    if std::env::args().any(|argument| argument == "small") {
        return;
    }

    let many = Setup::organizations("many", MANY);
    let (server, ready) = Server::start(&many).await;
    goal(
        "10,000 organizations: start to ready",
        &format!("{:.2} s", ready.as_secs_f64()),
        "< 3 s",
        ready.as_secs() < 3,
    );
    let memory = server.memory_mb();
    goal("10,000 organizations: memory", &format!("{memory} MB"), "< 250 MB", memory < 250);
    let calls = Calls::prepare(&server, MANY, estimated_calls(span)).await;
    let spread = run(&server, &calls, span).await;
    row("server, 10,000 organizations", &spread);
    let dearer = spread.cpu_per_request() / full.cpu_per_request() - 1.0;
    let text = format!("{:+.0} %", dearer * 100.0);
    goal("  cost of a request against one organization", &text, "< +10 %", dearer < 0.1);
    println!("  memory afterwards {} MB", server.memory_mb());
    server.stop();
}

async fn bare_run(setup: &Setup, span: Duration) -> Outcome {
    let (server, _) = Server::start_bare(setup).await;
    let calls = Calls::without_answers(&server, estimated_calls(span));
    let outcome = run(&server, &calls, span).await;
    server.stop();
    outcome
}

async fn run(server: &Server, calls: &Calls, span: Duration) -> Outcome {
    server.measured(Load::new(CONNECTIONS, calls.all()).run(server.port(), span)).await
}

/// More calls than any server here answers in that time.
fn estimated_calls(span: Duration) -> usize {
    span.as_secs() as usize * 25_000
}

fn row(name: &str, outcome: &Outcome) {
    println!(
        "{name:<50} {:>8.0} requests/s   {:>6.1} µs of processor a request   {:>3.0} % of the core   p50 {:.2} ms  p99 {:.2} ms{}",
        outcome.per_second(),
        outcome.cpu_per_request(),
        outcome.busy() * 100.0,
        ms(outcome.percentile(50.0)),
        ms(outcome.percentile(99.0)),
        if outcome.failed == 0 { String::new() } else { format!("   {} FAILED", outcome.failed) },
    );
}

fn goal(name: &str, figure: &str, goal: &str, reached: bool) {
    println!("{name:<50} {figure:>10}   goal {goal}: {}", if reached { "reached" } else { "missed" });
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
