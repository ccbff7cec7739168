//! Measures the server: `cargo bench --bench server`.
//!
//! Signed webhooks of about 1.2 kB from many calls are sent to the release server, which is pinned to one core and
//! writes every decision to disk before it answers, and to a bare handler that only reads the form and verifies the
//! signature. The load comes from the other core. Also measured: latency at half load, ten thousand organizations,
//! idle memory and the time from start to ready. `cargo bench --bench server -- small` leaves the large run out, and
//! `BENCH_SECONDS` and `BENCH_LOG` set how long each server is loaded altogether and the server's log level; with
//! `BENCH_OTHER`, a program that was built before a change, both builds are measured side by side. Nothing here passes
//! or fails: it prints figures beside their goals.
//!
//! All servers run side by side and are loaded in turn, round by round: what the machine does beside the benchmark makes
//! a request dearer or cheaper by a third from minute to minute, and a ratio is only true within one round. The figure
//! is the median of the rounds. Between its rounds a server stands still, so that what it has put off, such as the closing of
//! calls, is done in its own rounds. The processor time of a request counts all threads of the server, the writing one
//! included.
//!
//! When the load cannot keep a server busy, the throughputs say more about the load than about the server: then only
//! the processor time of a request can be believed.

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

use std::path::Path;
use std::process::Command;
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

/// Rounds in which the servers are loaded in turn; an odd number, for the one in the middle.
const ROUNDS: u32 = 7;

/// After this long a server that stood still knows what time it is: before, it believes that new connections are old.
const AWAKE: Duration = Duration::from_millis(700);

fn main() {
    if std::env::var_os(bare::MARK).is_some() {
        return bare::serve();
    }
    let seconds = std::env::var("BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(14);
    let span = Duration::from_secs(seconds);
    let pinned = process::pin_self();
    println!(
        "one core for the servers, {} for the load; {seconds} s each in {ROUNDS} rounds, {CONNECTIONS} connections",
        if pinned { "another" } else { "the same cores (no `taskset` here)" }
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure(span));
}

async fn measure(span: Duration) {
    let (server, ready) = Server::start(Setup::shipped("shipped")).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    goal("start to ready, shipped rules", &format!("{} ms", ready.as_millis()), "< 300 ms", ready.as_millis() < 300);
    let idle = server.memory_mb();
    goal("idle memory, shipped rules", &format!("{idle} MB"), "< 40 MB", idle < 40);
    drop(server.stop());

    let mut lanes = Lanes::start(span).await;
    for _ in 0..ROUNDS {
        for lane in lanes.each() {
            lane.round(span / ROUNDS).await;
        }
    }
    lanes.tell();
    half_load(lanes.one, span).await;
}

/// The servers side by side.
struct Lanes {
    bare: Lane,
    keeping: Lane,
    one: Lane,
    other: Option<Lane>,
    many: Option<Lane>,
}

impl Lanes {
    async fn start(span: Duration) -> Self {
        let bare = Lane::bare("bare handler", Setup::organizations("bare", 1), span).await;
        let mut keeping = Setup::organizations("keeping", 1);
        keeping.more = vec![(bare::FOLDER, keeping.folder.display().to_string())];
        let keeping = Lane::bare("bare handler that keeps a row, durable", keeping, span).await;
        let (server, _) = Server::start(Setup::organizations("one", 1)).await;
        let one = Lane::of("server, durable before answered", server, 1, span).await;
        let mut other = None;
        if let Some(program) = std::env::var_os("BENCH_OTHER") {
            let (server, _) = Server::start_program(Path::new(&program), Setup::organizations("other", 1)).await;
            other = Some(Lane::of("the other build", server, 1, span).await);
        }
        let small = std::env::args().any(|argument| argument == "small");
        let many = if small { None } else { Some(many(span).await) };
        Self { bare, keeping, one, other, many }
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Lane> {
        let Self { bare, keeping, one, other, many } = self;
        [bare, keeping, one].into_iter().chain(other).chain(many)
    }

    fn tell(&mut self) {
        self.each().for_each(|lane| lane.row());
        let Self { bare, keeping, one, other, many } = self;
        let bare_cost = |lane: &Lane| bare.against(lane, Outcome::cpu_per_request);
        println!("a bare handler against one that keeps a row, by processor time {}", bare_cost(keeping));
        let ratio = one.against(bare, Outcome::per_second);
        goal("server against the bare handler, by throughput", &ratio.to_string(), ">= 0.50", ratio.median >= 0.5);
        let ratio = bare_cost(one);
        goal("the same by processor time", &ratio.to_string(), ">= 0.50", ratio.median >= 0.5);
        if let Some(other) = other {
            let ratio = one.against(other, Outcome::cpu_per_request);
            println!("a request against the other build, by processor time {ratio}");
        }
        if let Some(many) = many {
            let ratio = many.against(one, Outcome::cpu_per_request);
            goal("a request among 10,000 organizations against one", &ratio.to_string(), "< 1.10", ratio.median < 1.1);
            println!("  memory afterwards {} MB", many.server.memory_mb());
        }
    }
}

async fn many(span: Duration) -> Lane {
    let (server, ready) = Server::start(Setup::organizations("many", MANY)).await;
    let text = format!("{:.2} s", ready.as_secs_f64());
    goal("10,000 organizations: start to ready", &text, "< 3 s", ready.as_secs() < 3);
    let memory = server.memory_mb();
    goal("10,000 organizations: memory", &format!("{memory} MB"), "< 250 MB", memory < 250);
    Lane::of("server, 10,000 organizations", server, MANY, span).await
}

/// How long the server's answers take when it has half of what it can do, and the disk is its own.
async fn half_load(one: Lane, span: Duration) {
    drop(Command::new("sync").status());
    one.server.go_on();
    one.server.caught_up().await;

    let pace = one.median(Outcome::per_second) / 2.0;
    let half = Load::new(CONNECTIONS, one.calls.all()).after(one.begun).paced(pace);
    let half = half.run(one.server.port(), span).await;
    let p99 = half.percentile(99.0);
    goal("p99 at half load", &format!("{:.2} ms", ms(p99)), "< 10 ms", p99 < Duration::from_millis(10));
    println!(
        "  {:.0} requests/s, p50 {:.2} ms, p99.9 {:.2} ms, slowest {:.2} ms",
        half.per_second(),
        ms(half.percentile(50.0)),
        ms(half.percentile(99.9)),
        ms(half.percentile(100.0))
    );
}

/// A server with its calls, and what each round showed.
struct Lane {
    name: &'static str,
    server: Server,
    calls: Calls,
    /// Calls that were begun: none is sent in two rounds.
    begun: usize,
    rounds: Vec<Outcome>,
}

/// A ratio of two lanes, round by round.
struct Ratio {
    least: f64,
    median: f64,
    most: f64,
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:.2} ({:.2} to {:.2})", self.median, self.least, self.most)
    }
}

impl Lane {
    async fn bare(name: &'static str, setup: Setup, span: Duration) -> Self {
        let (server, _) = Server::start_bare(setup).await;
        let calls = Calls::without_answers(&server, estimated_calls(span));
        Self { name, server, calls, begun: 0, rounds: Vec::new() }
    }

    async fn of(name: &'static str, server: Server, organizations: usize, span: Duration) -> Self {
        let calls = Calls::prepare(&server, organizations, estimated_calls(span)).await;
        server.pause();
        Self { name, server, calls, begun: 0, rounds: Vec::new() }
    }

    async fn round(&mut self, span: Duration) {
        let load = Load::new(CONNECTIONS, self.calls.all()).after(self.begun);
        self.server.go_on();
        let outcome = self.server.measured(async {
            tokio::time::sleep(AWAKE).await;
            load.run(self.server.port(), span).await
        });
        let outcome = outcome.await;
        self.server.pause();
        self.begun += outcome.requests / self.calls.steps() + CONNECTIONS;
        self.rounds.push(outcome);
    }

    fn median(&self, figure: impl Fn(&Outcome) -> f64) -> f64 {
        middle(self.rounds.iter().map(figure).collect()).median
    }

    fn against(&self, other: &Self, figure: impl Fn(&Outcome) -> f64) -> Ratio {
        middle(self.rounds.iter().zip(&other.rounds).map(|(own, other)| figure(own) / figure(other)).collect())
    }

    fn row(&self) {
        let failed: usize = self.rounds.iter().map(|outcome| outcome.failed).sum();
        println!(
            "{:<50} {:>8.0} requests/s   {:>6.1} µs of processor a request   p50 {:.2} ms  p99 {:.2} ms{}",
            self.name,
            self.median(Outcome::per_second),
            self.median(Outcome::cpu_per_request),
            self.median(|outcome| ms(outcome.percentile(50.0))),
            self.median(|outcome| ms(outcome.percentile(99.0))),
            if failed == 0 { String::new() } else { format!("   {failed} FAILED") },
        );
    }
}

fn middle(mut figures: Vec<f64>) -> Ratio {
    figures.sort_unstable_by(f64::total_cmp);
    Ratio { least: figures[0], median: figures[figures.len() / 2], most: figures[figures.len() - 1] }
}

/// More calls than any server here answers in that time, and again half of it.
fn estimated_calls(span: Duration) -> usize {
    span.as_secs() as usize * 27_000 + 20 * CONNECTIONS
}

fn goal(name: &str, figure: &str, goal: &str, reached: bool) {
    println!("{name:<50} {figure:>22}   goal {goal}: {}", if reached { "reached" } else { "missed" });
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
