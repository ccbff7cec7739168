//! `ringfall calendar`: what callers will meet in the days to come, change by change.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line prints its results")]

use std::path::PathBuf;

use jiff::SignedDuration;

use crate::app::ports::Clock as _;
use crate::cli::outcome::Outcome;
use crate::cli::rulefiles;
use crate::clock::SystemClock;
use crate::draw::calendar;
use crate::journey::outlook::{self, Callers};
use crate::model::call::{Attestation, State};
use crate::model::phone::Caller;
use crate::rules::grammar;
use crate::rules::ruleset::RuleSet;

/// How far to look ahead, and for whom.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    ringfall calendar\n  \
    ringfall calendar --days 7 --start 2026-11-23 routing-rules/acme.yaml\n  \
    ringfall calendar --from +13125550177 --line urgent --format json\n\n\
    Switches stand at their defaults. Days that are not like others are marked with *.")]
pub struct Calendar {
    /// How many days to look ahead
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=400))]
    days: u16,
    /// The first day, such as `2026-11-23`; today when left out
    #[arg(long, value_name = "DATE")]
    start: Option<String>,
    /// Who calls: a number, or `withheld`
    #[arg(long, value_name = "NUMBER", default_value = crate::cli::explain::STRANGER)]
    from: String,
    /// The name of a line, or its number; all lines when left out
    #[arg(long, value_name = "LINE")]
    line: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// A rule file, a folder of them, or `-` for standard input
    #[arg(default_value = "routing-rules")]
    path: PathBuf,
}

/// The ways to show a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table for eyes
    Text,
    /// For programs; the form is versioned
    Json,
}

pub(crate) fn run(args: &Calendar) -> crate::cli::Answer {
    let start = match args.start.as_deref().map(grammar::date).transpose() {
        Ok(start) => start,
        Err(error) => {
            eprintln!("error: --start: {}", error.message);
            return Ok(Outcome::Misuse);
        }
    };
    let callers =
        Callers { caller: Caller::parse(&args.from), attestation: Attestation::Unsigned, state: State::default() };
    let (mut broken, mut drawn) = (false, Vec::new());
    for file in rulefiles::gather(std::slice::from_ref(&args.path))? {
        let Some((rules, _)) = rulefiles::usable(&file) else {
            broken = true;
            continue;
        };
        if let Some(text) = of_file(args, &rules, &callers, start) {
            drawn.push(text);
        }
    }
    if drawn.is_empty() && !broken {
        eprintln!("error: no line is called `{}`", args.line.as_deref().unwrap_or_default());
        return Ok(Outcome::Misuse);
    }
    println!("{}", drawn.join("\n\n"));
    Ok(if broken { Outcome::Findings } else { Outcome::Fine })
}

/// The outlook of one file; none when the line asked for is not in it.
fn of_file(args: &Calendar, rules: &RuleSet, callers: &Callers, start: Option<jiff::civil::Date>) -> Option<String> {
    let wanted = |line: &crate::rules::ruleset::Line| {
        args.line.as_deref().is_none_or(|name| name == &*line.name || name == line.number.as_str())
    };
    let mut outlooks = Vec::new();
    for (line, id) in rules.lines.iter().zip(0..).filter(|(line, _)| wanted(line)) {
        let day = start.and_then(|day| day.to_zoned(line.zone.table().clone()).ok());
        let from = day.map_or_else(|| SystemClock.now(), |day| day.timestamp());
        let until = from.checked_add(SignedDuration::from_hours(24 * i64::from(args.days))).unwrap_or(from);
        outlooks.extend(outlook::outlook(rules, callers, crate::model::ids::LineId(id), from, until));
    }
    let text = || match args.format {
        Format::Text => calendar::text(rules, &outlooks).trim_end().to_owned(),
        Format::Json => format!("{:#}", calendar::json(rules, &outlooks)),
    };
    (!outlooks.is_empty()).then(text)
}
