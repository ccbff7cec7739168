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
use crate::twilio::codes;

/// What to do with texts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Numbers are masked and words left out; `--show-numbers` shows them. The service may run meanwhile.\n\
    Exit codes: 0 fine, 1 there is nothing like that, 2 misuse, 3 could not run.\n\
    Examples:\n  ringfall outbox list --state dead\n  ringfall outbox retry 17"
)]
pub struct Outbox {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show texts, newest first
    List(List),
    /// Show all that is known of a text
    Show(Whole),
    /// Let a text that died, or could not be delivered, try again
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
struct Whole {
    /// Its number in the list
    id: i64,
    /// Show whole phone numbers, and the words
    #[arg(long)]
    show_numbers: bool,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, clap::Args)]
struct One {
    /// Its number in the list
    id: i64,
    #[command(flatten)]
    place: Where,
}

pub(crate) fn run(args: &Outbox) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let now = SystemClock.now().as_second();
        match &args.what {
            What::List(list) => show(list).await,
            What::Show(one) => whole(one).await,
            What::Retry(one) => Ok(told(desk(&one.place)?.retry(one.id, now).await?, one.id, "tries again")),
            What::Drop(one) => Ok(told(desk(&one.place)?.discard(one.id, now).await?, one.id, "will not go out")),
        }
    })
}

fn desk(place: &Where) -> anyhow::Result<Desk> {
    let settings = place.settings()?;
    Ok(Desk::shared(&settings.data, settings.database_url.as_ref(), &settings.node)?)
}

fn told(done: bool, id: i64, what: &str) -> Outcome {
    if done {
        terminal::put(&format!("text {id} {what}\n"));
        return Outcome::Fine;
    }
    eprintln!("error: there is no text {id} for which that could be done; see `ringfall outbox list`");
    Outcome::Findings
}

async fn show(list: &List) -> Answer {
    let desk = desk(&list.place)?;
    let states: Vec<_> = list.state.iter().map(|state| state.word()).collect();
    let mut texts = desk.list(list.org.as_ref().map(OrgSlug::as_str), &states, list.limit).await?;
    if !list.show_numbers {
        texts.iter_mut().for_each(masked);
    }
    match list.format {
        Format::Json => terminal::put(&format!("{:#}\n", serde_json::to_value(&texts)?)),
        Format::Text => terminal::put(&texts.iter().map(line).collect::<String>()),
    }
    Ok(Outcome::Fine)
}

/// Hides the numbers, and the words, which may hold some.
fn masked(text: &mut Listed) {
    text.to = mask(&text.to);
    text.from = mask(&text.from);
    text.body.clear();
}

fn at(second: i64) -> String {
    Timestamp::from_second(second).map(|at| at.to_string()).unwrap_or_default()
}

/// Why it is where it is: the carrier's code in words, where that is known.
fn reason(text: &Listed) -> Option<String> {
    let code = text.code.and_then(codes::known);
    let meant = code.map(|code| format!("{} (code {}): {}", code.meaning, code.number, code.remedy));
    meant.or_else(|| text.reason.clone())
}

fn line(text: &Listed) -> String {
    let reason = reason(text).map(|reason| format!("  {reason}")).unwrap_or_default();
    let Listed { id, org, kind, to, state, status, .. } = text;
    let state = status.as_ref().unwrap_or(state);
    format!("{id:>6}  {state:<11} {}  {org}  {kind:<10} {to}{reason}\n", at(text.due))
}

async fn whole(one: &Whole) -> Answer {
    let Some(mut text) = desk(&one.place)?.text(one.id).await? else {
        eprintln!("error: there is no text {}; see `ringfall outbox list`", one.id);
        return Ok(Outcome::Findings);
    };
    if !one.show_numbers {
        masked(&mut text);
    }
    let why = reason(&text);
    let segments = text.segments.map(|segments| segments.to_string());
    let Listed {
        id, org, call, kind, to, state, due, attempts, sid, status, from, body, expires, changed, cost, ..
    } = text;
    let rows = [
        ("text", Some(id.to_string())),
        ("organization", Some(org)),
        ("because of", Some(call)),
        ("kind", Some(kind)),
        ("from", Some(from)),
        ("to", Some(to)),
        ("words", Some(body).filter(|body| !body.is_empty())),
        ("state", Some(state)),
        ("carrier says", status),
        ("carrier's name", sid),
        ("reason", why),
        ("parts", segments),
        ("costs", cost),
        ("due", Some(at(due))),
        ("worth it until", Some(at(expires))),
        ("tried", Some(format!("{attempts} times"))),
        ("changed", Some(at(changed))),
    ];
    let lines = rows.into_iter().filter_map(|(name, value)| Some(format!("{name:<15} {}\n", value?)));
    terminal::put(&lines.collect::<String>());
    Ok(Outcome::Fine)
}
