//! Speed and size of the rule language: deciding, loading, checking, and how cost grows with rules.
//!
//! `cargo bench --bench rules` prints one table; every figure is a median, and nothing is asserted.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "a benchmark measures with the clock and prints what it saw"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::civil::date;
use ringfall::decide::decide;
use ringfall::model::call::{Attestation, CallFacts, Happened, State};
use ringfall::model::ids::{CallSid, LineId};
use ringfall::model::moment::Moment;
use ringfall::model::phone::Caller;
use ringfall::model::position::Position;
use ringfall::prove::pair::pair;
use ringfall::prove::{Limits, promises};
use ringfall::rules::ruleset::RuleSet;
use ringfall::rules::{FileError, Files, load};

/// Files beside the shipped rules, read from disk as they are asked for.
struct Beside;

impl Files for Beside {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("routing-rules");
        std::fs::read(root.join(path)).map_err(|error| FileError::Unreadable(error.to_string()))
    }
}

const SMALL: &str = include_str!("../routing-rules/small-business.yaml");
const TOUR: &str = include_str!("../routing-rules/tour-company.yaml");
const LARGE: &str = include_str!("../fixtures/rules/promises/large.yaml");

fn main() {
    println!("ringfall rules benchmark (medians; one core)\n");
    deciding();
    growing();
    loading();
    proving();
    comparing();
    checking();
}

fn compiled(name: &str, text: &str) -> RuleSet {
    let loaded = load(name, text.as_bytes(), &Beside, date(2026, 11, 21));
    loaded.rules.unwrap_or_else(|| panic!("{name}: {:?}", loaded.diagnostics))
}

fn facts() -> CallFacts {
    CallFacts {
        call: CallSid::parse("CA0123456789abcdef0123456789abcdef").unwrap(),
        line: Some(LineId(0)),
        caller: Caller::parse("+12125550142"),
        attestation: Attestation::PassedA,
        forwarded_from: None,
        happened: Happened::Arrived,
    }
}

/// Median time of one call of `work`, in nanoseconds.
fn median_ns(mut work: impl FnMut()) -> f64 {
    const ROUNDS: usize = 41;
    const EACH: u32 = 2_000;
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..EACH {
                work();
            }
            start.elapsed()
        })
        .collect();
    rounds.sort();
    rounds.get(ROUNDS / 2).unwrap().as_secs_f64() * 1e9 / f64::from(EACH)
}

fn decide_ns(rules: &RuleSet) -> f64 {
    let facts = facts();
    // A Monday morning in office hours, so that the usual rule is taken.
    let began = "2026-11-23T18:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let now = Moment::new(began, &rules.zone);
    let position = Position::start(began.as_second());
    let state = State::default();
    median_ns(|| {
        black_box(decide(black_box(rules), black_box(&facts), &position, &state, &now));
    })
}

fn deciding() {
    println!("one decision with its trace");
    println!(
        "  small business   {:>9.0} ns   (goal: at most 1,000)",
        decide_ns(&compiled("small-business.yaml", SMALL))
    );
    println!("  tour company     {:>9.0} ns   (goal: at most 5,000)", decide_ns(&compiled("tour-company.yaml", TOUR)));
}

/// A file in which the last of `count` rules is the first that holds; each of the others waits for somebody else.
fn file_with_rules(count: usize) -> String {
    let mut text = String::from(
        "version: 1\ntimezone: America/Los_Angeles\nnumbers: [\"+16195550100\"]\ncontacts:\n  desk: { number: \"+16195550111\", confirm: none }\ncallers:\n",
    );
    for rule in 1..count {
        writeln!(text, "  c{rule}: {{ numbers: [\"+1303{:07}\"] }}", 5_550_000 + rule).unwrap();
    }
    text.push_str("routes:\n");
    for rule in 1..count {
        writeln!(text, "  - {{ when: {{ caller: c{rule} }}, cascade: [{{ ring: desk, for: 20s }}] }}").unwrap();
    }
    text.push_str("  - { cascade: [{ ring: desk, for: 20s }] }\nfinally: { voicemail: Please leave a message. }\n");
    text
}

fn growing() {
    println!("\nrules considered by one decision");
    let mut ten = 0.0;
    for count in [10_usize, 100, 1_000] {
        let ns = decide_ns(&compiled("many-rules.yaml", &file_with_rules(count)));
        if count == 10 {
            ten = ns;
        }
        println!(
            "  {count:>5} rules {ns:>12.0} ns   {:>6.1} ns a rule   {:>6.1}x of ten rules",
            ns / count as f64,
            ns / ten
        );
    }
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<usize>().ok()).unwrap_or(0) * 1024
}

fn loading() {
    const FILES: usize = 10_000;
    // Each organization has its own number, so nothing can be shared by accident.
    let texts: Vec<String> =
        (0..FILES).map(|number| SMALL.replace("+16195550100", &format!("+1619{:07}", 2_000_000 + number))).collect();
    drop(compiled("warm-up.yaml", SMALL));
    let before = resident();
    let start = Instant::now();
    let rules: Vec<RuleSet> = texts.iter().map(|text| compiled("small.yaml", text)).collect();
    let took = start.elapsed();
    let each = (resident() - before) / FILES;
    println!("\n{FILES} small files loaded");
    println!("  time             {:>9.2} s    (goal: under 2)", took.as_secs_f64());
    println!("  memory each      {each:>9} B    (goal: under 8,192)");
    drop(black_box(rules));
}

/// The time to prove all promises of a file, or to find calls that break them.
fn proving() {
    println!("\npromises proved over every path");
    let from = "2026-11-21T12:00:00Z".parse::<jiff::Timestamp>().unwrap();
    for (name, text, goal) in [
        ("small business", SMALL, ""),
        ("tour company", TOUR, ""),
        ("200 rules, 40 contacts, 20 menus", LARGE, "   (goal: under 2,000)"),
    ] {
        let rules = compiled("promises.yaml", text);
        let mut times: Vec<Duration> = (0..5)
            .map(|_| {
                let start = Instant::now();
                black_box(promises(&rules, Limits::from(from)));
                start.elapsed()
            })
            .collect();
        times.sort();
        println!("  {name:<33}{:>9.1} ms{goal}", times.get(2).unwrap().as_secs_f64() * 1e3);
    }
}

/// Two rule sets side by side, every call through both: one hour, one number and one text changed.
fn comparing() {
    let limits = || Limits::from("2026-11-21T12:00:00Z".parse().unwrap());
    let change = |text: &str| {
        text.replacen("mon-fri 08:00-18:00", "mon-fri 08:00-19:00", 1)
            .replacen("+13035550112", "+13035550114", 1)
            .replacen("for: 20s", "for: 25s", 1)
    };
    println!();
    for (name, text) in [("tour company", TOUR), ("200 rules, 40 contacts, 20 menus", LARGE)] {
        let (old, same, new) = (compiled(name, text), compiled(name, text), compiled(name, &change(text)));
        for (what, other) in [("itself", &same), ("a changed copy", &new)] {
            let start = Instant::now();
            let found = black_box(pair(&old, other, limits()));
            let (time, classes) = (start.elapsed().as_secs_f64() * 1e3, found.classes.len());
            let end = if found.unfinished.is_some() { ", given up" } else { "" };
            println!("{name} against {what}: {time:.1} ms, {classes} classes, {} answers{end}", found.covered.answers);
        }
    }
}

fn checking() {
    let binary = env!("CARGO_BIN_EXE_ringfall");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/routing-rules/small-business.yaml");
    let mut times: Vec<Duration> = (0..21)
        .map(|_| {
            let start = Instant::now();
            let status =
                Command::new(binary).args(["check", path]).stdout(Stdio::null()).stderr(Stdio::null()).status();
            assert!(status.expect("ringfall runs").success(), "the shipped file is fine");
            start.elapsed()
        })
        .collect();
    times.sort();
    let median = times.get(times.len() / 2).unwrap().as_secs_f64() * 1e3;
    let mut note = String::new();
    write!(note, "{median:.1}").unwrap();
    println!("\nringfall check small-business.yaml, whole process");
    println!("  wall             {note:>9} ms   (goal: under 20)");
}
