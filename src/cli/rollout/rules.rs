//! `ringfall rollout rules`: how a second rule file on trial fares, and what becomes of it.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::admin::Office;
use crate::app::live::{self, Bundle};
use crate::app::ports::RuleText;
use crate::app::revisions;
use crate::app::tenancy::Tenants;
use crate::cli::Answer;
use crate::cli::ground::slug;
use crate::cli::office::{self, Desk, Format, Misuse};
use crate::cli::outcome::Outcome;
use crate::cli::rulefiles;
use crate::cli::terminal;
use crate::draw::diagnostics;
use crate::files::Folder;
use crate::model::ids::OrgSlug;
use crate::rules::Files;
use crate::rules::ruleset::{Rollout, RuleSet};
use crate::settings::{RulesFrom, Settings};
use crate::startup::trials;
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::owner::Owner;

mod status;

/// What to do with rules on trial.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A rule file names rules on trial under `rollout`; docs/rules.md tells how. Without a file, what is on trial is\n\
    looked for where calls are answered from: the folder of rules, or the store with `rules_from: store`.\n\
    Exit codes: 0 fine, 1 the rules have errors, 2 misuse, 3 could not run.\n\
    Examples:\n  ringfall rollout rules status\n  ringfall rollout rules promote routing-rules/acme.yaml\n  \
    ringfall rollout rules abort --org acme"
)]
pub(super) struct Rules {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show what is on trial, how its calls fare, and which would have met something else
    Status {
        /// How many days back
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        days: u16,
        #[command(flatten)]
        which: Which,
    },
    /// Put the rules on trial into the place of those that answer
    Promote {
        #[command(flatten)]
        which: Which,
    },
    /// End the trial: take `rollout` out of the rules that answer
    Abort {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The organization
    #[arg(long, value_name = "NAME", value_parser = slug, conflicts_with = "path")]
    org: Option<OrgSlug>,
    /// A rule file; for `status` also a folder of them
    #[arg(value_name = "FILE")]
    path: Option<PathBuf>,
}

pub(super) fn run(args: &Rules, desk: &Desk, format: Format) -> Answer {
    let settings = desk.settings()?;
    match &args.action {
        Action::Status { days, which } => {
            let on_trial = find(desk, &settings, which, true)?;
            status::show(&on_trial, &settings, *days, format)
        }
        Action::Promote { which } => end(desk, &settings, which, Deed::TrialPromoted),
        Action::Abort { which } => end(desk, &settings, which, Deed::TrialAborted),
    }
}

/// Rules that have others on trial.
struct OnTrial {
    /// The organization, when the rules are named after one.
    org: String,
    /// What the rules are called in messages.
    name: String,
    /// Their text.
    text: String,
    rollout: Rollout,
    place: Place,
}

/// Where rules stand.
enum Place {
    /// In this file.
    File(PathBuf),
    /// In the store, with these files beside them.
    Store(Vec<RuleText>),
}

impl Place {
    /// The files that rules at this place may name.
    fn beside(&self) -> Box<dyn Files> {
        match self {
            Self::File(file) => Box::new(Folder::new(folder_of(file).to_owned())),
            Self::Store(texts) => Box::new(Bundle(texts.clone())),
        }
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What is on trial there. Whoever asks for all hears of none as of nothing; else there must be one.
fn find(desk: &Desk, settings: &Settings, which: &Which, all: bool) -> anyhow::Result<Vec<OnTrial>> {
    let store = which.path.is_none() && settings.rules_from == RulesFrom::Store;
    let found = if store { in_store(desk, which)? } else { in_files(settings, which)? };
    match found.as_slice() {
        [] if !all => {
            let place = if store {
                "the store".to_owned()
            } else {
                which.path.as_ref().unwrap_or(&settings.rules).display().to_string()
            };
            anyhow::bail!("nothing is on trial in `{place}`: its rules have no `rollout`")
        }
        [_, _, ..] if !all => {
            let names: Vec<_> = found.iter().map(|one| one.name.as_str()).collect();
            Err(Misuse(format!("several rule files have others on trial ({}): name one", names.join(", "))).into())
        }
        _ => Ok(found),
    }
}

fn in_files(settings: &Settings, which: &Which) -> anyhow::Result<Vec<OnTrial>> {
    let of_org = which.org.as_ref().map(|org| settings.rules.join(format!("{org}.yaml")));
    let path = which.path.clone().or(of_org).unwrap_or_else(|| settings.rules.clone());
    let mut found = Vec::new();
    for file in rulefiles::gather(&[path])? {
        let usable = rulefiles::usable(&file).map(|(rules, _)| rules);
        let rules = usable.with_context(|| format!("the rules of `{}` cannot be used", file.name))?;
        let Some(rollout) = rules.rollout else { continue };
        let place = PathBuf::from(&file.name);
        let text = std::fs::read_to_string(&place).with_context(|| format!("could not read `{}`", file.name))?;
        found.push(OnTrial { org: file.stem(), name: file.name, text, rollout: *rollout, place: Place::File(place) });
    }
    Ok(found)
}

fn in_store(desk: &Desk, which: &Which) -> anyhow::Result<Vec<OnTrial>> {
    let Some(org) = which.org.clone() else {
        return Err(Misuse("the rules are in the store: say whose with `--org`".to_owned()).into());
    };
    let texts = with_store(desk, async |store| {
        let Some(current) = store.tenant(&org).await?.rules else { return Ok(Vec::new()) };
        Ok(revisions::rule_texts(store, &org, &current.item.digest).await?)
    })?;
    let mut rules: Option<RuleSet> = live::compiled(&texts, rulefiles::today());
    let rollout = rules.as_mut().and_then(|rules| rules.rollout.take());
    let (Some(rollout), Some((main, others))) = (rollout, texts.split_first()) else { return Ok(Vec::new()) };
    let name = format!("the rules of {org}");
    let place = Place::Store(others.to_vec());
    Ok(vec![OnTrial { org: org.to_string(), name, text: main.text.clone(), rollout: *rollout, place }])
}

/// Asks the store of organizations.
fn with_store<T>(desk: &Desk, ask: impl AsyncFnOnce(&dyn Tenants) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut got = None;
    office::run(desk, async |office: Office, _| {
        got = Some(ask(office.store().as_ref()).await?);
        Ok(Outcome::Fine)
    })?;
    got.context("the store was not asked")
}

/// Ends a trial in one way or the other: what shall answer then is looked at as `check` does, and takes the place.
fn end(desk: &Desk, settings: &Settings, which: &Which, deed: Deed) -> Answer {
    let Some(one) = find(desk, settings, which, false)?.pop() else { return Ok(Outcome::Findings) };
    let beside = one.place.beside();
    let candidate = &*one.rollout.candidate;
    let bytes = if deed == Deed::TrialPromoted {
        let standing = trials::read(&settings.data).ok().and_then(|book| status::standing(&book, &one));
        if let Some(returned) = standing.and_then(|standing| standing.returned) {
            eprintln!("note: `{candidate}` was taken back at {}: {}", returned.at, returned.why);
        }
        beside.read(candidate).map_err(|error| anyhow::anyhow!("`{candidate}`: {error}"))?
    } else {
        without_rollout(&one.text).into_bytes()
    };
    let by = desk.stamp();
    let org = OrgSlug::parse(&one.org).map_err(|error| Misuse(format!("`{}`: {error}", one.name)))?;
    let examined = revisions::examine(&org, &bytes, &*beside, by.at.timestamp());
    if !examined.problems.is_empty() {
        eprintln!("{}", diagnostics::text(&examined.problems, terminal::style(&std::io::stderr())));
    }
    let Some(new) = examined.candidate else {
        eprintln!("error: what would answer then has errors, so {} stays as it is", one.name);
        return Ok(Outcome::Findings);
    };
    let told = if deed == Deed::TrialPromoted {
        format!("`{candidate}` is promoted")
    } else {
        format!("the trial of `{candidate}` is ended")
    };
    match &one.place {
        Place::File(file) => {
            replace(file, &bytes)?;
            // The file is what counts: that nobody could write a line about it changes nothing.
            let noted = with_store(desk, async |store| {
                let line = Change::noted(Owner::Platform, deed, format!("{org}: {told}"));
                Ok(store.change(&Owner::Platform, vec![line], &by).await?)
            });
            if let Err(error) = noted {
                eprintln!("warning: the trail has no line about this: {error:#}");
            }
            eprintln!("{told} in `{}`; a running service takes it up within a second, or on SIGHUP", one.name);
        }
        Place::Store(..) => {
            with_store(desk, async |store| Ok(revisions::push(store, &new, &told, &by).await?))?;
            eprintln!("{told}; every node takes it up within a second");
        }
    }
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

/// Writes the file anew, whole or not at all.
fn replace(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = file.with_extension("yaml.new");
    std::fs::write(&beside, bytes).with_context(|| format!("could not write `{}`", beside.display()))?;
    std::fs::rename(&beside, file).with_context(|| format!("could not replace `{}`", file.display()))
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
