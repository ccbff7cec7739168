//! How rules on trial fare: what was counted while they answered, and which calls would have met something else.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::app::ports::Clock as _;
use crate::app::trial::standing::{Book, Count, Standing};
use crate::audit::record::Kind;
use crate::cli::Answer;
use crate::cli::office::Format;
use crate::cli::outcome::Outcome;
use crate::cli::rollout::rules::OnTrial;
use crate::cli::{rulefiles, terminal};
use crate::clock::SystemClock;
use crate::model::count::counted;
use crate::model::ids::OrgSlug;
use crate::rules::ruleset::{Rollout, RolloutMode};
use crate::settings::Settings;
use crate::startup::trials;
use crate::store::Archive;

/// Calls that are named one by one.
const NAMED: usize = 10;

/// A call that would have met something else.
struct Differing {
    call: String,
    at: Timestamp,
    aspects: Vec<String>,
    old: String,
    new: String,
}

pub(super) fn show(on_trial: &[OnTrial], settings: &Settings, days: u16, format: Format) -> Answer {
    if on_trial.is_empty() {
        eprintln!("nothing is on trial");
    }
    let begun = Archive::is_in(&settings.data);
    if !on_trial.is_empty() && !begun {
        eprintln!(
            "nothing was answered yet: there is no journal in the data folder `{}`; name another with --data",
            settings.data.display()
        );
    }
    let differing = if on_trial.is_empty() || !begun { Ok(BTreeMap::new()) } else { differing(&settings.data, days) };
    let mut differing = differing?;
    let book = trials::read(&settings.data)?;
    let (mut forms, mut text) = (Vec::new(), String::new());
    for one in on_trial {
        let calls = differing.remove(&one.org).unwrap_or_default();
        let standing = standing(&book, one);
        text.push_str(&told(one, standing.as_ref(), &calls, days));
        forms.push(form(one, standing.as_ref(), &calls));
    }
    terminal::put(&match format {
        Format::Text => text,
        Format::Json => format!("{:#}\n", json!({ "version": 1, "trials": forms })),
    });
    Ok(Outcome::Fine)
}

/// What was counted of this very candidate.
pub(super) fn standing(book: &Book, one: &OnTrial) -> Option<Standing> {
    let standing = book.trials.get(&OrgSlug::parse(&one.org).ok()?)?;
    let beside = one.place.beside();
    let bytes = beside.read(&one.rollout.candidate).ok()?;
    let loaded = crate::rules::load(&one.rollout.candidate, &bytes, &*beside, rulefiles::today());
    (loaded.rules?.digest == standing.candidate).then(|| standing.clone())
}

/// The differences that the journal holds, by organization.
fn differing(data: &Path, days: u16) -> anyhow::Result<BTreeMap<String, Vec<Differing>>> {
    let shown = data.display();
    let archive = Archive::open(data)?;
    let from =
        SystemClock.now().checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
    let mut found: BTreeMap<String, Vec<Differing>> = BTreeMap::new();
    archive
        .each_record(from..Timestamp::MAX, |kept| {
            let record = kept.record;
            if let (Kind::Trial, Some(tried)) = (record.kind, record.tried) {
                let at = Timestamp::from_microsecond(record.received.us).unwrap_or_default();
                let differing =
                    Differing { call: record.call, at, aspects: tried.aspects, old: tried.old, new: tried.new };
                found.entry(record.org).or_default().push(differing);
            }
            ControlFlow::Continue(())
        })
        .with_context(|| format!("could not read the journal in `{shown}`"))?;
    Ok(found)
}

fn told(one: &OnTrial, standing: Option<&Standing>, differing: &[Differing], days: u16) -> String {
    let Rollout { candidate, mode, share, until, bound } = &one.rollout;
    let until = until.map_or_else(String::new, |day| format!(" until {day}"));
    let mode = word(*mode);
    let mut text = format!("{}: tries {candidate} as {mode} on {share}% of callers{until}\n", one.name);
    if let Some(standing) = standing.filter(|_| mode == "canary") {
        let line = |side: &str, Count { ended, unanswered }: Count, percent: u64| {
            format!("   {side:<11} {unanswered} of {ended} calls unanswered ({percent}%)\n")
        };
        text.push_str(&line("candidate", standing.tried, standing.tried.percent()));
        text.push_str(&line("others", standing.others, standing.others.percent()));
        text.push_str(&match &standing.returned {
            Some(returned) => format!("   taken back  {}: {}\n", returned.at, returned.why),
            None => format!(
                "   counted since {} on this node; taken back more than {} points above the others, once {} have ended on either side\n",
                standing.since, bound.rise, bound.calls
            ),
        });
    }
    let calls: BTreeSet<&str> = differing.iter().map(|one| one.call.as_str()).collect();
    if mode == "shadow" || !calls.is_empty() {
        text.push_str(&format!(
            "   {} of the last {days} days would have met something else\n",
            counted(calls.len(), "call")
        ));
    }
    for one in differing.iter().rev().take(NAMED) {
        text.push_str(&format!(
            "   {}  {}  {}\n      old  {}\n      new  {}\n",
            one.call,
            one.at,
            one.aspects.join(", "),
            one.old,
            one.new
        ));
    }
    if differing.len() > NAMED {
        text.push_str(&format!(
            "   and {} differences before them (--format json tells all)\n",
            differing.len() - NAMED
        ));
    }
    text
}

fn form(one: &OnTrial, standing: Option<&Standing>, differing: &[Differing]) -> Value {
    let all: Vec<Value> = differing
        .iter()
        .map(|one| json!({ "call": one.call, "at": one.at.to_string(), "aspects": one.aspects, "old": one.old, "new": one.new }))
        .collect();
    let Rollout { candidate, mode, share, until, bound } = &one.rollout;
    json!({
        "organization": one.org, "rules": one.name, "candidate": candidate, "mode": word(*mode),
        "share_percent": share, "until": until.map(|day| day.to_string()),
        "return_if": { "unanswered_rises_percent": bound.rise, "calls": bound.calls },
        "fares": standing, "differences": all,
    })
}

const fn word(mode: RolloutMode) -> &'static str {
    match mode {
        RolloutMode::Shadow => "shadow",
        RolloutMode::Canary => "canary",
    }
}
