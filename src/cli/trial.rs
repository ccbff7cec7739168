//! `ringfall trial`: how a second rule file on trial fares, and what becomes of it.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};

use crate::app::ports::Clock as _;
use crate::audit::record::Kind;
use crate::cli::outcome::Outcome;
use crate::cli::rulefiles::{self, RuleFile};
use crate::cli::terminal;
use crate::clock::SystemClock;
use crate::files::Folder;
use crate::rules::Files as _;
use crate::rules::ruleset::{Rollout, RolloutMode, RuleSet};
use crate::store::Archive;

/// What to do with the rules on trial.
#[derive(Debug, clap::Args)]
#[command(after_help = "A rule file names rules on trial under `rollout`; docs/rules.md tells how.\n\n\
    Examples:\n  ringfall trial status\n  ringfall trial status --format json routing-rules/acme.yaml\n  \
    ringfall trial promote routing-rules/acme.yaml\n  ringfall trial abort routing-rules/acme.yaml")]
pub struct Trial {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show what is on trial, and which calls would have met something else
    Status {
        /// The data folder whose journal is read
        #[arg(long, value_name = "FOLDER", default_value = "data")]
        data: PathBuf,
        /// How many days back
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        days: u16,
        /// How to show it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// A rule file, or a folder of them
        #[arg(default_value = "routing-rules")]
        path: PathBuf,
    },
    /// Put the rules on trial into the rule file's place
    Promote {
        /// The rule file
        file: PathBuf,
    },
    /// End the trial: take `rollout` out of the rule file
    Abort {
        /// The rule file
        file: PathBuf,
    },
}

/// The ways to show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For eyes
    Text,
    /// For programs
    Json,
}

pub(crate) fn run(args: &Trial) -> crate::cli::Answer {
    match &args.action {
        Action::Status { data, days, format, path } => status(path, data, *days, *format),
        Action::Promote { file } => promote(file),
        Action::Abort { file } => abort(file),
    }
}

/// One rule file with its trial.
fn load(file: &RuleFile) -> anyhow::Result<RuleSet> {
    let usable = rulefiles::usable(file).map(|(rules, _)| rules);
    usable.with_context(|| format!("the rules of `{}` cannot be used", file.name))
}

fn one(path: &Path) -> anyhow::Result<(RuleSet, Box<Rollout>)> {
    let files = rulefiles::gather(&[path.to_owned()])?;
    let [file] = files.as_slice() else { anyhow::bail!("name one rule file instead of `{}`", path.display()) };
    let mut rules = load(file)?;
    let rollout = rules.rollout.take();
    let rollout = rollout.with_context(|| format!("`{}` has no `rollout`, so nothing is on trial", file.name))?;
    Ok((rules, rollout))
}

/// A call that would have met something else.
struct Differing {
    call: String,
    at: Timestamp,
    aspects: Vec<String>,
    old: String,
    new: String,
}

fn status(path: &Path, data: &Path, days: u16, format: Format) -> crate::cli::Answer {
    let mut tried = Vec::new();
    for file in rulefiles::gather(&[path.to_owned()])? {
        let rules = load(&file)?;
        if let Some(rollout) = rules.rollout {
            tried.push((file.stem(), file.name, rollout));
        }
    }
    let mut differing = if tried.is_empty() { BTreeMap::new() } else { differing(data, days)? };
    let mut forms = Vec::new();
    let mut text = String::new();
    for (stem, name, rollout) in tried {
        let calls = differing.remove(&stem).unwrap_or_default();
        text.push_str(&told(&name, &rollout, &calls, days));
        forms.push(form(&name, &rollout, &calls));
    }
    if forms.is_empty() {
        eprintln!("nothing is on trial in `{}`", path.display());
    }
    match format {
        Format::Text => terminal::put(&text),
        Format::Json => terminal::put(&format!("{:#}\n", serde_json::json!({ "version": 1, "trials": forms }))),
    }
    Ok(Outcome::Fine)
}

/// The differences that the journal holds, by organization.
fn differing(data: &Path, days: u16) -> anyhow::Result<BTreeMap<String, Vec<Differing>>> {
    let shown = data.display();
    let archive = Archive::open(data)
        .with_context(|| format!("no journal in the data folder `{shown}`: name yours with --data"))?;
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

/// Calls that are named one by one.
const NAMED: usize = 10;

fn told(name: &str, rollout: &Rollout, differing: &[Differing], days: u16) -> String {
    let until = rollout.until.map_or_else(String::new, |day| format!(" until {day}"));
    let mut text =
        format!("{name}: tries {} as {} on {}% of callers{until}\n", rollout.candidate, mode(rollout), rollout.share);
    let calls: BTreeSet<&str> = differing.iter().map(|one| one.call.as_str()).collect();
    text.push_str(&format!("   {} calls of the last {days} days would have met something else\n", calls.len()));
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

fn form(name: &str, rollout: &Rollout, differing: &[Differing]) -> serde_json::Value {
    let all: Vec<serde_json::Value> = differing
        .iter()
        .map(|one| serde_json::json!({ "call": one.call, "at": one.at.to_string(), "aspects": one.aspects, "old": one.old, "new": one.new }))
        .collect();
    serde_json::json!({
        "file": name, "candidate": rollout.candidate, "mode": mode(rollout), "share_percent": rollout.share,
        "until": rollout.until.map(|day| day.to_string()), "differences": all,
    })
}

const fn mode(rollout: &Rollout) -> &'static str {
    match rollout.mode {
        RolloutMode::Shadow => "shadow",
        RolloutMode::Canary => "canary",
    }
}

fn promote(file: &Path) -> crate::cli::Answer {
    let (_, rollout) = one(file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let bytes = Folder::new(folder.to_owned()).read(&rollout.candidate);
    let bytes = bytes.map_err(|error| anyhow::anyhow!("`{}`: {error}", rollout.candidate))?;
    replace(file, &bytes)?;
    eprintln!(
        "`{}` is now what `{}` was; a running service takes it up at once, or on SIGHUP",
        file.display(),
        rollout.candidate
    );
    Ok(Outcome::Fine)
}

fn abort(file: &Path) -> crate::cli::Answer {
    let (_, rollout) = one(file)?;
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read `{}`", file.display()))?;
    replace(file, without_rollout(&text).as_bytes())?;
    eprintln!("`{}` is no longer on trial in `{}`", rollout.candidate, file.display());
    Ok(Outcome::Fine)
}

/// The text without its top key `rollout`, everything else as it was.
fn without_rollout(text: &str) -> String {
    let mut inside = false;
    let mut left = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let opens = line.chars().next().is_some_and(|sign| !sign.is_whitespace() && sign != '#');
        if opens {
            inside = line.starts_with("rollout:");
        }
        if !inside || (line.starts_with('#') && !opens) {
            left.push_str(line);
        }
    }
    left
}

/// Writes the file anew, whole or not at all, when the text can be used in its place.
fn replace(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = file.display().to_string();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let loaded =
        crate::rules::load(&name, bytes, &Folder::new(folder.to_owned()), jiff::civil::Date::constant(2000, 1, 1));
    anyhow::ensure!(
        loaded.rules.is_some(),
        "what would stand in `{name}` cannot be used, so it was left as it is: see `ringfall check`"
    );
    let beside = file.with_extension("yaml.new");
    std::fs::write(&beside, bytes).with_context(|| format!("could not write `{}`", beside.display()))?;
    std::fs::rename(&beside, file).with_context(|| format!("could not replace `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::without_rollout;

    #[test]
    fn only_the_trial_is_taken_out() {
        let text = "version: 1\n# before\nrollout:\n  candidate: next.yaml\n\n  mode: shadow\n# after\nnumbers: []\n";
        assert_eq!(without_rollout(text), "version: 1\n# before\n# after\nnumbers: []\n");
        assert_eq!(without_rollout("rollout: { candidate: n.yaml, mode: shadow }\nversion: 1\n"), "version: 1\n");
        assert_eq!(without_rollout("version: 1\n"), "version: 1\n");
    }
}
