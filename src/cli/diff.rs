//! `ringfall diff`: which calls would meet something else under other rules.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

mod calls;
mod recordings;
mod sides;

use std::path::PathBuf;

use anyhow::Context as _;

use crate::app::ports::Clock as _;
use crate::cli::diff::sides::{Sides, sides};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::clock::SystemClock;
use crate::diff::Both;
use crate::diff::html;
use crate::diff::report::{self as recorded, About};
use crate::model::count;
use crate::prove::Limits;
use crate::prove::pair::report::{self, Detail, Named};
use crate::prove::pair::{Pair, pair};

/// What to compare, and how to show it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "OLD and NEW are rule files, folders of them (compared file by file, by name), or git revisions: \
    `HEAD~3:routing-rules/acme.yaml`, or a bare revision such as `main` that means the other side's path in it. \
    What the rules of a revision include is read from the same revision.\n\n\
    --prove, which is the default, follows every kind of call through both: all moments, callers, switches, and \
    everything that people can do. \"No difference\" is a proof, and says what it covers.\n\n\
    --calls takes recorded calls through both, with people who do again what they did then. Where the new rules ask \
    for something that did not happen then, the outcome is unknown, and nothing is made up.\n\n\
    Examples:\n  ringfall diff main routing-rules/acme.yaml\n  \
    ringfall diff HEAD~3:routing-rules routing-rules --exit-code\n  \
    ringfall diff acme.yaml next.yaml --prove --format json\n  \
    ringfall diff main routing-rules/acme.yaml --calls last-30d --format html --out report.html\n\n\
    Exit codes:\n  0  compared; with --exit-code: proved that no call meets anything else, or none of the --calls does\n  \
    1  with --exit-code: some call meets something else, or it could not be proved that none does; \
    with or without it: some of the --calls could not be read, and the others were compared\n  \
    2  misuse of the command line\n  \
    3  could not compare: a file, a revision or the rules in it cannot be used"
)]
pub struct Diff {
    /// The rules of now
    #[arg(value_name = "OLD")]
    old: String,
    /// The rules to be
    #[arg(value_name = "NEW")]
    new: String,
    /// Follow every kind of call through both, and list those that differ or prove that none does; the default
    /// without --calls
    #[arg(long)]
    prove: bool,
    /// Take recorded calls through both: `last-30d` (or `h`, `w`) of the journal, a file of records or recorded calls
    /// as JSON lines, a recording, or a folder of them
    #[arg(long, value_name = "CALLS")]
    calls: Option<String>,
    /// The data folder whose journal is read
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    data: PathBuf,
    /// How many days ahead calls are thought of
    #[arg(long, value_name = "DAYS", default_value_t = 400, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// How many questions --prove may ask, such as `300M`; ten million take about a second, and some megabytes
    #[arg(long, value_name = "QUESTIONS", value_parser = budget)]
    budget: Option<u64>,
    /// Tell also those differences in full that show only if something is not as usual, and name every call
    #[arg(long)]
    all: bool,
    /// Show callers' numbers whole
    #[arg(long)]
    full_numbers: bool,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Tell by the exit code whether there is a difference
    #[arg(long)]
    exit_code: bool,
}

/// The ways to show differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For eyes
    Text,
    /// For programs; the form is versioned
    Json,
    /// One page with plots that can be sent to a colleague; with --calls
    Html,
}

/// Reads a count such as `500`, `40k`, `300M` or `2G`.
fn budget(text: &str) -> Result<u64, String> {
    let units = [('k', 1_000), ('M', 1_000_000), ('G', 1_000_000_000)];
    let mut found = units.into_iter().filter_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let (digits, factor) = found.next().unwrap_or((text, 1));
    let count = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(factor));
    count.filter(|count| *count > 0).ok_or_else(|| "write a count of questions such as `300M`".to_owned())
}

pub(crate) fn run(args: &Diff) -> crate::cli::Answer {
    let proving = args.prove || args.calls.is_none();
    if args.format == Format::Html && proving {
        eprintln!("error: the page shows recorded calls: use --format html with --calls, and without --prove");
        return Ok(Outcome::Misuse);
    }
    if args.format == Format::Json && args.prove && args.calls.is_some() {
        eprintln!("error: --prove and --calls write different forms: ask for one at a time with --format json");
        return Ok(Outcome::Misuse);
    }
    let sides = sides(&args.old, &args.new)?;
    let (mut text, mut found, mut unreadable) = (String::new(), false, false);
    if proving {
        found |= prove(args, &sides, &mut text);
    }
    if let Some(source) = &args.calls {
        if proving {
            text.push('\n');
        }
        let seen = recorded(args, &sides, source, &mut text)?;
        found |= seen.0;
        unreadable = seen.1;
    }
    match &args.out {
        Some(file) => std::fs::write(file, text).with_context(|| format!("could not write `{}`", file.display()))?,
        None => terminal::put(&text),
    }
    Ok(if unreadable || (args.exit_code && found) { Outcome::Findings } else { Outcome::Fine })
}

/// Takes recorded calls through both; whether any meets something else, and whether some could not be read.
fn recorded(args: &Diff, sides: &Sides, source: &str, text: &mut String) -> anyhow::Result<(bool, bool)> {
    let mut counted = calls::count(&calls::place(source, &args.data, SystemClock.now())?, sides)?;
    if counted.elsewhere > 0 {
        eprintln!("note: {} to numbers that are in none of these rules", count::counted(counted.elsewhere, "call"));
    }
    let mut reports = Vec::new();
    for ((old, new), tally) in sides.pairs.iter().zip(&mut counted.tallies) {
        let about = About {
            both: Both { old: &old.rules, new: &new.rules },
            names: (&old.name, &new.name),
            calls: source,
            full_numbers: args.full_numbers,
            unreadable: counted.unreadable,
        };
        reports.push(recorded::report(tally, about));
    }
    let detail = if args.all { recorded::Detail::All } else { recorded::Detail::Few };
    match args.format {
        Format::Text => {
            let drawn: Vec<String> = reports.iter().map(|report| recorded::text(report, detail)).collect();
            text.push_str(&drawn.join("\n"));
        }
        Format::Json => text.push_str(&recorded::json(&reports)),
        Format::Html => text.push_str(&html::page(&reports)),
    }
    Ok((reports.iter().any(|report| report.changed > 0), counted.unreadable > 0))
}

/// Compares file by file; whether anything differs, or may differ.
fn prove(args: &Diff, sides: &Sides, text: &mut String) -> bool {
    let mut limits = Limits { days: args.days, ..Limits::from(SystemClock.now()) };
    limits.questions = args.budget.unwrap_or(limits.questions);
    let pairs: Vec<(Named<'_>, Named<'_>, Pair)> =
        sides.pairs.iter().map(|(old, new)| (named(old), named(new), pair(&old.rules, &new.rules, limits))).collect();
    let detail = if args.all { Detail::All } else { Detail::Ordinary };
    if args.format == Format::Json {
        let reports: Vec<_> = pairs.iter().map(|(old, new, pair)| report::report(pair, *old, *new)).collect();
        text.push_str(&report::json(&reports, &sides.gone, &sides.fresh));
    } else {
        let drawn = pairs.iter().map(|(old, new, pair)| report::text(pair, *old, *new, detail));
        let gone = sides.gone.iter().map(|name| format!("{name}: the organization is no longer there\n"));
        let fresh = sides.fresh.iter().map(|name| format!("{name}: the organization is new\n"));
        text.push_str(&drawn.chain(gone).chain(fresh).collect::<Vec<_>>().join("\n"));
    }
    let equal = pairs.iter().all(|(_, _, pair)| pair.proved_equal());
    !equal || !sides.gone.is_empty() || !sides.fresh.is_empty()
}

fn named(side: &sides::Side) -> Named<'_> {
    Named { name: &side.name, rules: &side.rules }
}
