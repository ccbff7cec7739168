//! Promises, proved over every path that a call could take, or broken by a call that one can read.
//!
//! The paths are those of `decide` itself, asked through a world that branches: hours, callers, switches,
//! busy lines and repeated calls are assumed one way and the other. At first every question may be answered
//! anew each time it is asked; that allows too much, so what then holds is proved, and what seems broken is
//! tried on a real call. When no call can be like that, the questions that contradict each other are
//! remembered from then on, and the search starts over.

mod answers;
mod branch;
mod claim;
mod domain;
mod example;
mod graph;
mod longest;
pub mod pair;
mod people;

use std::sync::Arc;

use jiff::Timestamp;

use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::prove::claim::Prover;
use crate::rules::codes::Code;
use crate::rules::ruleset::{Claim, Promise, RuleSet};

pub use example::CounterExample;

/// The kinds of problem that proofs report; `docs/diagnostics.md` has a paragraph for each.
pub const CODES: [Code; 2] = [
    Code { name: "broken-promise", severity: Severity::Error, meaning: "A call can come that breaks a promise." },
    Code {
        name: "promise-not-proved",
        severity: Severity::Warning,
        meaning: "It could not be found out whether a promise holds.",
    },
];

/// How far a proof looks, and how much work it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The first moment at which a call might come.
    pub from: Timestamp,
    /// How many days ahead calls are thought of; days with hours of their own are looked at however far away.
    pub days: u16,
    /// How many questions the search may ask before it gives up. Ten million take about a second; too few leave
    /// promises of large files unproved.
    pub questions: u64,
}

impl Limits {
    /// Limits that large files stay within, for calls from that moment on.
    pub const fn from(from: Timestamp) -> Self {
        Self { from, days: 400, questions: 30_000_000 }
    }
}

/// What became of one promise.
#[derive(Debug)]
pub struct Verdict {
    /// Which promise, as its place in the rule set.
    pub promise: usize,
    /// What was found.
    pub outcome: Outcome,
}

/// What can be found of a promise.
#[derive(Debug)]
pub enum Outcome {
    /// It holds for every call.
    Proved(Proof),
    /// It does not hold for this call.
    Broken(Box<CounterExample>),
    /// The search came to no end, and why.
    Unfinished(String),
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Places in which a call can wait for somebody, told apart by what is known there.
    pub states: usize,
    /// Ways from one to the next, or to an end.
    pub ways: usize,
    /// Seconds that no caller waits longer than.
    pub longest_wait: u32,
}

/// Proves every promise of the rules, or finds a call that breaks it.
pub fn promises(rules: &RuleSet, limits: Limits) -> Vec<Verdict> {
    if rules.promises.is_empty() {
        return Vec::new();
    }
    let mut prover = Prover::new(rules, limits);
    let verdicts = rules.promises.iter().enumerate();
    verdicts.map(|(promise, promised)| Verdict { promise, outcome: prover.prove(&promised.claim) }).collect()
}

/// What is to be said of the verdicts: errors for broken promises, warnings for those that are not proved.
pub fn diagnostics(rules: &RuleSet, source: &Arc<Source>, verdicts: &[Verdict]) -> Vec<Diagnostic> {
    let all = verdicts.iter().filter_map(|verdict| {
        let promise = rules.promises.get(verdict.promise)?;
        let path = format!("promises[{}]", verdict.promise);
        told(rules, promise, &verdict.outcome).map(|diagnostic| diagnostic.path(path).at(source, bytes(promise), ""))
    });
    all.collect()
}

fn bytes(promise: &Promise) -> std::ops::Range<usize> {
    let place = |byte: u32| usize::try_from(byte).unwrap_or(usize::MAX);
    place(promise.span.start)..place(promise.span.end)
}

fn told(rules: &RuleSet, promise: &Promise, outcome: &Outcome) -> Option<Diagnostic> {
    match outcome {
        Outcome::Proved(_) => None,
        Outcome::Broken(example) => {
            let message = broken(rules, &promise.claim, example);
            let help = format!("this call breaks it:\n{}", example.lines(rules).join("\n"));
            Some(Diagnostic::error("broken-promise", message).help(help))
        }
        Outcome::Unfinished(why) => {
            let message = format!("the promise could not be proved: {why}");
            let help = "no call was found that breaks it; fewer switches and shorter cascades make a proof possible";
            Some(Diagnostic::warning("promise-not-proved", message).help(help))
        }
    }
}

fn broken(rules: &RuleSet, claim: &Claim, example: &CounterExample) -> String {
    match claim {
        Claim::EveryCallEnds(_) => format!("a call can end as `{}`", example.journey.end.word()),
        Claim::CallerWaitsAtMost(limit) => {
            format!("a caller can wait {} seconds, and {limit} are promised", example.journey.waited)
        }
        Claim::NeverRings { contact, during, .. } => {
            let name = crate::decide::words::places::contact_name(rules, *contact);
            match during.and_then(|hours| rules.hours(hours)) {
                Some(hours) => format!("`{name}` can be rung during `{}`", hours.name),
                None => format!("`{name}` can be rung"),
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
