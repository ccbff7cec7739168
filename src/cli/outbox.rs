//! `ringfall outbox`: texts that wait, went out, or never will.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use jiff::Timestamp;

use crate::app::ports::Clock as _;
use crate::cli::Answer;
use crate::cli::ground::{self, Where};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::clock::SystemClock;
use crate::model::ids::OrgSlug;
use crate::model::phone::mask;
use crate::outbox::{Desk, Listed};

/// What to do with texts.
#[derive(Debug, clap::Args)]
#[command(after_help = "Numbers are masked; `--show-numbers` shows them. The service may run meanwhile.\n\
    Exit codes: 0 fine, 1 there is nothing like that, 2 misuse, 3 could not run.\n\
    Examples:\n  ringfall outbox list --state dead\n  ringfall outbox retry 17")]
pub struct Outbox {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show texts, newest first
    List(List),
    /// Let a dead text try again
    Retry(One),
    /// Let a text that was not sent never go out
    Drop(One),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only those of this organization
    #[arg(long, value_name = "NAME", value_parser = ground::slug)]
    org: Option<OrgSlug>,
    /// Only those in this state; may be given several times
    #[arg(long, value_enum, value_name = "STATE")]
    state: Vec<State>,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Show whole phone numbers
    #[arg(long)]
    show_numbers: bool,
    /// How to show them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum State {
    /// Due now or later
    Waiting,
    /// On its way
    Sending,
    /// Whether it went out is not known yet
    Unknown,
    /// With the carrier
    Sent,
    /// Not wanted any more
    Skipped,
    /// Never sent
    Dead,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Skipped => "skipped",
            Self::Dead => "dead",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For eyes
    Text,
    /// For programs
    Json,
}

#[derive(Debug, clap::Args)]
struct One {
    /// Its number in the list
    id: i64,
    #[command(flatten)]
    place: Where,
}

pub(crate) fn run(args: &Outbox) -> Answer {
    let now = SystemClock.now().as_second();
    match &args.what {
        What::List(list) => show(list),
        What::Retry(one) => {
            let done = Desk::open(&one.place.settings()?.data)?.retry(one.id, now)?;
            Ok(told(done, one.id, "tries again"))
        }
        What::Drop(one) => {
            let done = Desk::open(&one.place.settings()?.data)?.discard(one.id, now)?;
            Ok(told(done, one.id, "will not go out"))
        }
    }
}

fn told(done: bool, id: i64, what: &str) -> Outcome {
    if done {
        terminal::put(&format!("text {id} {what}\n"));
        return Outcome::Fine;
    }
    eprintln!("error: there is no text {id} for which that could be done; see `ringfall outbox list`");
    Outcome::Findings
}

fn show(list: &List) -> Answer {
    let desk = Desk::open(&list.place.settings()?.data)?;
    let states: Vec<_> = list.state.iter().map(|state| state.word()).collect();
    let mut texts = desk.list(list.org.as_ref().map(OrgSlug::as_str), &states, list.limit)?;
    if !list.show_numbers {
        texts.iter_mut().for_each(|text| text.to = mask(&text.to));
    }
    match list.format {
        Format::Json => terminal::put(&format!("{:#}\n", serde_json::to_value(&texts)?)),
        Format::Text => terminal::put(&texts.iter().map(line).collect::<String>()),
    }
    Ok(Outcome::Fine)
}

fn line(text: &Listed) -> String {
    let due = Timestamp::from_second(text.due).map(|due| due.to_string()).unwrap_or_default();
    let reason = text.reason.as_ref().map(|reason| format!("  {reason}")).unwrap_or_default();
    let Listed { id, org, kind, to, state, .. } = text;
    format!("{id:>6}  {state:<8} {due}  {org}  {kind:<10} {to}{reason}\n")
}
