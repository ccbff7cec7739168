//! `ringfall calendar`: what callers will meet in the days to come, change by change.

#![expect(clippy::print_stderr, reason = "the command line prints its results")]

use std::path::PathBuf;

use jiff::SignedDuration;

use crate::app::ports::Clock as _;
use crate::cli::explain::{Misuse, caller, switches};
use crate::cli::outcome::Outcome;
use crate::cli::rulefiles;
use crate::cli::terminal;
use crate::clock::SystemClock;
use crate::draw::calendar;
use crate::journey::outlook::{self, Callers, Outlook};
use crate::model::call::{Attestation, State};
use crate::model::ids::LineId;
use crate::rules::grammar;
use crate::rules::ruleset::{Line, RuleSet};

/// How far to look ahead, and for whom.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    ringfall calendar\n  \
    ringfall calendar --days 7 --start 2026-11-23 routing-rules/acme.yaml\n  \
    ringfall calendar --from +13125550177 --line urgent --format json\n\n\
    Switches that are not named stand at their defaults. Days that are not like others are marked with *.")]
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
    /// Where a switch stands all the time, such as `maintenance=on`
    #[arg(long, value_name = "SWITCH=on|off")]
    switch: Vec<String>,
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
    let (mut broken, mut loaded) = (false, Vec::new());
    for file in rulefiles::gather(std::slice::from_ref(&args.path))? {
        match rulefiles::usable(&file) {
            Some((rules, _)) => loaded.push((file.name, rules)),
            None => broken = true,
        }
    }
    if loaded.is_empty() {
        return Ok(Outcome::Findings);
    }
    match drawn(args, &loaded) {
        Ok(text) => terminal::put(&format!("{text}\n")),
        Err(Misuse(problem)) => {
            eprintln!("error: {problem}");
            return Ok(if broken { Outcome::Findings } else { Outcome::Misuse });
        }
    }
    Ok(if broken { Outcome::Findings } else { Outcome::Fine })
}

fn drawn(args: &Calendar, loaded: &[(String, RuleSet)]) -> Result<String, Misuse> {
    let start = args.start.as_deref().map(grammar::date).transpose().map_err(|error| {
        let help = error.help.map_or_else(String::new, |help| format!(": {help}"));
        Misuse(format!("--start: {}{help}", error.message))
    })?;
    let mut files: Vec<(&str, &RuleSet, Vec<Outlook>)> = Vec::new();
    for (name, rules) in loaded {
        let callers = Callers {
            caller: caller(&args.from)?,
            attestation: Attestation::Unsigned,
            state: State { switches: switches(&args.switch, rules)?, ..State::default() },
        };
        let outlooks = of_file(args, rules, &callers, start);
        if !outlooks.is_empty() {
            files.push((name, rules, outlooks));
        }
    }
    if let (true, Some(line)) = (files.is_empty(), &args.line) {
        let names = loaded.iter().flat_map(|(_, rules)| &rules.lines).map(|line| &*line.name);
        return Err(Misuse(format!("there is no line `{line}`; there are {}", names.collect::<Vec<_>>().join(", "))));
    }
    Ok(match args.format {
        Format::Text => {
            let texts = files.iter().map(|(_, rules, outlooks)| calendar::text(rules, outlooks).trim_end().to_owned());
            texts.collect::<Vec<_>>().join("\n\n")
        }
        Format::Json => {
            format!("{:#}", calendar::json(files.iter().map(|(name, rules, all)| (*name, *rules, all.as_slice()))))
        }
    })
}

/// The outlooks of the lines asked for.
fn of_file(args: &Calendar, rules: &RuleSet, callers: &Callers, start: Option<jiff::civil::Date>) -> Vec<Outlook> {
    let wanted =
        |line: &Line| args.line.as_deref().is_none_or(|name| name == &*line.name || name == line.number.as_str());
    let mut outlooks = Vec::new();
    for (line, id) in rules.lines.iter().zip(0..).filter(|(line, _)| wanted(line)) {
        let day = start.and_then(|day| day.to_zoned(line.zone.table().clone()).ok());
        let from = day.map_or_else(|| SystemClock.now(), |day| day.timestamp());
        // Nobody reads fractions of a second.
        let from = jiff::Timestamp::from_second(from.as_second()).unwrap_or(from);
        let until = from.checked_add(SignedDuration::from_hours(24 * i64::from(args.days))).unwrap_or(from);
        outlooks.extend(outlook::outlook(rules, callers, LineId(id), from, until));
    }
    outlooks
}
