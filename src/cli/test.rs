//! `ringfall test`: the tests that rule files carry.

#![expect(clippy::print_stderr, reason = "the command line prints its results")]

use std::path::PathBuf;

use crate::cli::outcome::Outcome;
use crate::cli::rulefiles;
use crate::cli::terminal;
use crate::draw::verdicts::{self, FileTests, Show};
use crate::journey::coverage::coverage;
use crate::journey::verdict;

pub mod add;

/// Which tests to run, and how to show them.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  ringfall test\n  ringfall test --coverage --fail-under 80 routing-rules/acme.yaml\n  \
    ringfall test --format junit > report.xml\n  \
    ringfall test add --call CA0123456789abcdef0123456789abcdef"
)]
pub struct Test {
    #[command(subcommand)]
    command: Option<TestCommand>,
    /// Show which rules, steps and menu keys no test has come to
    #[arg(long)]
    coverage: bool,
    /// Fail when the tests of any file come to less than so many percent of it
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    fail_under: Option<u8>,
    /// Run only the tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// How to show them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Rule files, folders of them, or `-` for standard input
    #[arg(default_value = "routing-rules")]
    paths: Vec<PathBuf>,
}

/// What else can be done with tests.
#[derive(Debug, clap::Subcommand)]
enum TestCommand {
    /// Make a test of a call that really happened
    Add(Box<add::Add>),
}

/// The ways to show tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For eyes
    Text,
    /// For programs; the form is versioned
    Json,
    /// For build servers
    Junit,
}

pub(crate) fn run(args: &Test) -> crate::cli::Answer {
    if let Some(TestCommand::Add(args)) = &args.command {
        return add::run(args);
    }
    let mut files = Vec::new();
    let mut broken = false;
    for file in rulefiles::gather(&args.paths)? {
        let Some((rules, cases)) = rulefiles::usable(&file) else {
            broken = true;
            continue;
        };
        let wanted = |name: &str| args.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
        let cases = cases.iter().filter(|case| wanted(&case.name));
        let verdicts: Vec<_> = cases.map(|case| verdict::judge(&rules, case)).collect();
        let coverage = coverage(&rules, verdicts.iter().map(|verdict| &verdict.journey));
        files.push(FileTests { name: file.name, verdicts, coverage });
    }
    if files.is_empty() {
        return Ok(Outcome::Findings);
    }
    if let Some(only) = args.only.as_ref().filter(|_| !broken && files.iter().all(|file| file.verdicts.is_empty())) {
        eprintln!("error: no test has `{only}` in its name");
        return Ok(Outcome::Misuse);
    }
    let show = if args.coverage { Show::Coverage } else { Show::Verdicts };
    match args.format {
        Format::Text => terminal::put(&verdicts::text(&files, show)),
        Format::Json => terminal::put(&verdicts::json::text(&files)),
        Format::Junit => terminal::put(&verdicts::junit::text(&files)),
    }
    let mut fine = !broken && files.iter().all(|file| file.failed() == 0);
    for (file, least) in files.iter().filter_map(|file| args.fail_under.map(|least| (file, least))) {
        let percent = file.coverage.percent();
        if percent < least {
            eprintln!("error: the tests of `{}` come to {percent}% of it, less than {least}%", file.name);
            fine = false;
        }
    }
    Ok(if fine { Outcome::Fine } else { Outcome::Findings })
}
