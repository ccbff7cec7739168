//! Speed of playing recorded calls again: the calls of `fixtures/recorded`, on one core.
//!
//! `cargo bench --bench replay` prints one table; every figure is a median, and nothing is asserted.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "a benchmark measures with the clock and prints what it saw"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ringfall::files::Folder;
use ringfall::replay::again::{Keys, Stage, Tape, play};
use ringfall::replay::differ::judge;
use ringfall::replay::recording::Recording;
use ringfall::rules::load;
use ringfall::rules::ruleset::RuleSet;
use ringfall::twiml::templates::Templates;

/// What the shipped binary allocates with.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Call {
    recording: Recording,
    tape: Tape,
    rules: PathBuf,
}

fn main() {
    let templates = Templates::built_in();
    let mut rules = BTreeMap::new();
    let calls = calls(&mut rules);
    let webhooks: usize = calls.iter().map(|call| call.tape.requests.len()).sum();
    println!("ringfall replay benchmark (medians; one core)\n");
    println!("{} recorded calls, {webhooks} webhooks, compared with what was answered then", calls.len());
    let under = |call: &Call| rules.get(&call.rules).unwrap();
    let believed = rate(webhooks, || {
        for call in &calls {
            let verdict = judge(&call.recording, &call.tape, &Stage::believing(under(call), &templates));
            assert!(verdict.differences.is_empty());
            black_box(verdict);
        }
    });
    let keys = Stage::verifying(under(&calls[0]), &templates).keys;
    let verified = rate(webhooks, || {
        for call in &calls {
            let stage = Stage { rules: under(call), templates: &templates, keys: keys.clone() };
            let verdict = judge(&call.recording, &call.tape, &stage);
            assert!(verdict.differences.is_empty());
            black_box(verdict);
        }
    });
    let answered = rate(webhooks, || {
        for call in &calls {
            let (stage, mut pressed) = (Stage::believing(under(call), &templates), Keys::default());
            for request in &call.tape.requests {
                black_box(play(&call.tape, request, &stage, &mut pressed, None).unwrap());
            }
        }
    });
    for (what, rate, goal) in [("without verification", believed, 200_000.0), ("with verification", verified, 60_000.0)]
    {
        println!("  {what:<24}{rate:>10.0} webhooks/s   (goal: {goal:.0}, reached {:.2} times)", rate / goal);
    }
    println!("  {:<24}{answered:>10.0} webhooks/s", "answered, not compared");
    let texts: Vec<String> = calls.iter().map(|call| call.recording.text()).collect();
    let read = rate(webhooks, || {
        for text in &texts {
            black_box(Recording::read("call.yaml", text).unwrap());
        }
    });
    println!("  {:<24}{read:>10.0} webhooks/s", "files read");
}

fn calls(rules: &mut BTreeMap<PathBuf, RuleSet>) -> Vec<Call> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recorded");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let call = |path: PathBuf| {
        let recording = Recording::read("call.yaml", &std::fs::read_to_string(path).unwrap()).unwrap();
        let path = folder.join(recording.rules.file.as_ref().unwrap());
        rules.entry(path.clone()).or_insert_with(|| {
            let beside = Folder::new(path.parent().unwrap().to_owned());
            load("rules.yaml", &std::fs::read(&path).unwrap(), &beside, jiff::civil::date(2026, 11, 21)).rules.unwrap()
        });
        Call { tape: Tape::of(&recording).unwrap(), recording, rules: path }
    };
    paths.into_iter().map(call).collect()
}

/// Webhooks a second.
fn rate(webhooks: usize, mut work: impl FnMut()) -> f64 {
    const ROUNDS: usize = 21;
    const EACH: usize = 40;
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..EACH).for_each(|_| work());
            start.elapsed().as_secs_f64()
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    (webhooks * EACH) as f64 / rounds[ROUNDS / 2]
}
