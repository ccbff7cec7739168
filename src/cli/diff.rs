//! `ringfall diff`: which calls would meet something else under other rules.

mod sides;

use crate::app::ports::Clock as _;
use crate::cli::diff::sides::{Sides, sides};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::clock::SystemClock;
use crate::prove::Limits;
use crate::prove::pair::report::{self, Detail, Named};
use crate::prove::pair::{Pair, pair};

/// What to compare, and how to show it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "OLD and NEW are rule files, folders of them (compared file by file, by name), or git revisions: \
    `HEAD~3:routing-rules/acme.yaml`, or a bare revision such as `main` that means the other side's path in it. \
    What the rules of a revision include is read from the same revision.\n\n\
    Every kind of call is followed through both: all moments, callers, switches, and everything that people can do. \
    \"No difference\" is a proof, and says what it covers.\n\n\
    Examples:\n  ringfall diff main routing-rules/acme.yaml\n  \
    ringfall diff HEAD~3:routing-rules routing-rules --exit-code\n  \
    ringfall diff acme.yaml next.yaml --prove --format json\n\n\
    Exit codes:\n  0  compared; with --exit-code: proved that no call meets anything else\n  \
    1  with --exit-code: some call meets something else, or it could not be proved that none does\n  \
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
    #[arg(long)]
    prove: bool,
    /// How many days ahead calls are thought of
    #[arg(long, value_name = "DAYS", default_value_t = 400, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// Tell also those differences in full that show only if something is not as usual
    #[arg(long)]
    all: bool,
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
}

pub(crate) fn run(args: &Diff) -> crate::cli::Answer {
    let sides = sides(&args.old, &args.new)?;
    let found = prove(args, &sides);
    Ok(if args.exit_code && found { Outcome::Findings } else { Outcome::Fine })
}

/// Compares file by file; whether anything differs, or may differ.
fn prove(args: &Diff, sides: &Sides) -> bool {
    let limits = Limits { days: args.days, ..Limits::from(SystemClock.now()) };
    let pairs: Vec<(Named<'_>, Named<'_>, Pair)> =
        sides.pairs.iter().map(|(old, new)| (named(old), named(new), pair(&old.rules, &new.rules, limits))).collect();
    let detail = if args.all { Detail::All } else { Detail::Ordinary };
    match args.format {
        Format::Text => {
            let mut drawn: Vec<String> =
                pairs.iter().map(|(old, new, pair)| report::text(pair, *old, *new, detail)).collect();
            drawn.extend(sides.gone.iter().map(|name| format!("{name}: the organization is no longer there\n")));
            drawn.extend(sides.fresh.iter().map(|name| format!("{name}: the organization is new\n")));
            terminal::put(&drawn.join("\n"));
        }
        Format::Json => {
            let reports: Vec<_> = pairs.iter().map(|(old, new, pair)| report::report(pair, *old, *new)).collect();
            terminal::put(&report::json(&reports, &sides.gone, &sides.fresh));
        }
    }
    let equal = pairs.iter().all(|(_, _, pair)| pair.proved_equal());
    !equal || !sides.gone.is_empty() || !sides.fresh.is_empty()
}

fn named(side: &sides::Side) -> Named<'_> {
    Named { name: &side.name, rules: &side.rules }
}
