//! `ringfall switch`: how an organization's switches stand, turning one, taking a turn back.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

mod place;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::app::messenger::switchboard::{Footing, Switchboard};
use crate::app::ports::Clock as _;
use crate::cli::Answer;
use crate::cli::ground::{self, Where};
use crate::cli::outcome::Outcome;
use crate::cli::switch::place::Place;
use crate::cli::terminal;
use crate::clock::SystemClock;
use crate::control::command::end;
use crate::model::ids::OrgSlug;
use crate::model::moment::Moment;
use crate::model::near;
use crate::outbox::TurnLine;
use crate::rules::grammar;
use crate::rules::ruleset::{RuleSet, Switch as Rule};
use crate::settings::Settings;
use crate::sources;
use crate::tenant::event::Deed;
use crate::tenant::stamp::{Actor, At, Stamp};
use crate::tenant::switch::{Setting, SwitchState};

/// What to do with switches.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A running service follows within a second. In a folder that is no service's, with a database in the\n\
    settings, the switch is turned there, and all nodes follow. No switch stays turned longer than the rules allow.\n\
    Exit codes: 0 fine, 1 there is nothing like that, 2 misuse, 3 could not run.\n\
    Examples:\n  ringfall switch list --org acme --history\n  ringfall switch set closed_today on --for 4h\n  \
    ringfall switch undo closed_today"
)]
pub struct Switch {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show how the switches stand
    List(List),
    /// Turn a switch
    Set(Set),
    /// Take the last turn of a switch back
    Undo(Undo),
}

#[derive(Debug, clap::Args)]
struct List {
    /// The organization, by the name of its rule file; not needed when there is only one
    #[arg(long, value_name = "NAME", value_parser = ground::slug)]
    org: Option<OrgSlug>,
    /// Show the latest turns, too: who, when, until
    #[arg(long)]
    history: bool,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For eyes
    Text,
    /// For programs
    Json,
}

#[derive(Debug, clap::Args)]
struct Set {
    /// The switch, by its name in the rules
    switch: String,
    /// On or off
    #[arg(value_enum)]
    to: Position,
    /// For how long, such as `4h` [default: as long as the rules allow]
    #[arg(long = "for", value_name = "TIME")]
    time: Option<String>,
    /// Who turns it, for the history [default: cli]
    #[arg(long, value_name = "NAME", default_value = "cli")]
    by: String,
    /// The organization, by the name of its rule file; not needed when there is only one
    #[arg(long, value_name = "NAME", value_parser = ground::slug)]
    org: Option<OrgSlug>,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Position {
    /// On
    On,
    /// Off
    Off,
}

#[derive(Debug, clap::Args)]
struct Undo {
    /// The switch, by its name in the rules
    switch: String,
    /// Who does it, for the history [default: cli]
    #[arg(long, value_name = "NAME", default_value = "cli")]
    by: String,
    /// The organization, by the name of its rule file; not needed when there is only one
    #[arg(long, value_name = "NAME", value_parser = ground::slug)]
    org: Option<OrgSlug>,
    #[command(flatten)]
    place: Where,
}

pub(crate) fn run(args: &Switch) -> Answer {
    match &args.what {
        What::List(list) => show(list),
        What::Set(set) => turn(set),
        What::Undo(undo) => take_back(undo),
    }
}

/// The switch of that name; a near one is suggested.
fn named<'a>(rules: &'a RuleSet, name: &str) -> Option<&'a Rule> {
    let found = rules.switches.iter().find(|switch| *switch.name == *name);
    if found.is_none() {
        let hint = near::nearest(name, rules.switches.iter().map(|switch| &*switch.name));
        let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        eprintln!("error: the rules have no switch `{name}`{hint}");
        let all: Vec<_> = rules.switches.iter().map(|switch| format!("`{}`", switch.name)).collect();
        if all.is_empty() {
            eprintln!("help: they have none: name one below `switches` in the rules");
        } else {
            eprintln!("help: they have {}", all.join(", "));
        }
    }
    found
}

fn turn(set: &Set) -> Answer {
    let settings = set.place.settings()?;
    let (org, rules) = ground::organization(&settings, set.org.as_ref())?;
    let Some(switch) = named(&rules, &set.switch) else { return Ok(Outcome::Findings) };
    let now = Moment::new(SystemClock.now(), &rules.zone);
    let most = end(switch.expires, &now);
    let until = match set.time.as_deref().map(|text| until(text, (&rules, switch), &now, most)).transpose()? {
        Some(None) => return Ok(Outcome::Misuse),
        Some(Some(until)) => until,
        None => most,
    };
    let place = Place::of(&settings)?;
    let (on, by) = (set.to == Position::On, Stamp::new(&Actor::new(&set.by), now.timestamp()));
    let turned = place.amend((&org, &switch.name), &by, |state| {
        state.turn(Setting { on, until: Some(At::new(until)), set: by.clone(), from: "cli".to_owned() });
        Ok(Deed::SwitchTurned)
    })?;
    turned?;
    tell(&settings, &place, &org, &rules, switch, now.timestamp())
}

/// The end of so long a time from now; none when it is no time, or more than the rules allow.
fn until(
    text: &str,
    (rules, switch): (&RuleSet, &Rule),
    now: &Moment,
    most: Timestamp,
) -> anyhow::Result<Option<Timestamp>> {
    let seconds = match grammar::duration(text) {
        Ok(seconds) => seconds,
        Err(error) => {
            eprintln!("error: --for: {}", error.message);
            eprintln!("help: write it as `--for 4h` or `--for 1h30m`");
            return Ok(None);
        }
    };
    let until = now.timestamp().checked_add(SignedDuration::from_secs(seconds.into()))?;
    if until > most {
        let latest = Moment::new(most, &rules.zone);
        eprintln!("error: --for {text}: the rules let `{}` stay turned until {latest} at most", switch.name);
        eprintln!("help: leave out `--for` to turn it for so long, or give the switch a longer `expires` in the rules");
        return Ok(None);
    }
    Ok(Some(until))
}

/// How a switch stands now.
fn tell(settings: &Settings, place: &Place, org: &OrgSlug, rules: &RuleSet, switch: &Rule, now: Timestamp) -> Answer {
    let board = board(settings, place.switches(org)?);
    terminal::put(&line(&board, org, rules, switch, now));
    Ok(Outcome::Fine)
}

/// The switches as a call would find them: those that were turned, and what sources told the running service last.
fn board(settings: &Settings, states: Vec<SwitchState>) -> Switchboard {
    let board = Switchboard::default();
    board.replace(states);
    match sources::kept::read(&sources::kept::file(&settings.data)) {
        Ok(fed) => board.feed(fed),
        Err(error) => eprintln!("warning: what sources told is not known: {error:#}"),
    }
    board
}

fn take_back(undo: &Undo) -> Answer {
    let settings = undo.place.settings()?;
    let (org, rules) = ground::organization(&settings, undo.org.as_ref())?;
    let Some(switch) = named(&rules, &undo.switch) else { return Ok(Outcome::Findings) };
    let (place, now) = (Place::of(&settings)?, SystemClock.now());
    let by = Stamp::new(&Actor::new(&undo.by), now);
    let undone = |state: &mut SwitchState| state.undo(At::new(now)).map(|()| Deed::SwitchUndone);
    if let Err(nothing) = place.amend((&org, &switch.name), &by, undone)? {
        eprintln!("error: {nothing}");
        return Ok(Outcome::Findings);
    }
    tell(&settings, &place, &org, &rules, switch, now)
}

fn line(board: &Switchboard, org: &OrgSlug, rules: &RuleSet, switch: &Rule, now: Timestamp) -> String {
    let (on, footing) = board.stands(org.as_str(), switch, now);
    let on = if on.unwrap_or(switch.default) { "on" } else { "off" };
    let at = |at: Timestamp| Moment::new(at, &rules.zone);
    let why = match footing {
        Footing::Default => "  as usual".to_owned(),
        Footing::Told { at: second } => {
            format!("  by its source at {}", at(Timestamp::from_second(second).unwrap_or_default()))
        }
        Footing::Stale => "  because its source is silent".to_owned(),
        Footing::Turned => {
            let state = board.state(org.as_str(), &switch.name);
            let setting = state.and_then(|state| state.now);
            // Where it is as usual all the same, nothing will change at the end of its time.
            let changes = |setting: &&Setting| setting.on != switch.default || switch.source.is_some();
            let until = setting.as_ref().filter(changes).and_then(|setting| setting.until);
            let until = until.map(|until| format!("  until {}", at(until.timestamp()))).unwrap_or_default();
            let by = setting.map(|setting| format!("  by {}", setting.set.by)).unwrap_or_default();
            until + &by
        }
    };
    format!("{}  {on}{why}\n", switch.name)
}

fn show(list: &List) -> Answer {
    let settings = list.place.settings()?;
    let (org, rules) = ground::organization(&settings, list.org.as_ref())?;
    let place = Place::of(&settings)?;
    let (board, now) = (board(&settings, place.switches(&org)?), SystemClock.now());
    let turns = if list.history { place.turns(&org, 50)? } else { Vec::new() };
    if list.format == Format::Json {
        let switches = rules.switches.iter().map(|switch| {
            let (on, footing) = board.stands(org.as_str(), switch, now);
            let state = board.state(org.as_str(), &switch.name).filter(|_| footing == Footing::Turned);
            json!({
                "switch": &*switch.name,
                "on": on.unwrap_or(switch.default),
                "default": switch.default,
                "set": state.and_then(|state| state.now),
                "source": switch.source.as_ref().map(|_| if footing == Footing::Stale { "stale" } else { "good" }),
            })
        });
        let whole = json!({ "org": org.as_str(), "switches": switches.collect::<Vec<_>>(), "turns": turns });
        terminal::put(&format!("{whole:#}\n"));
        return Ok(Outcome::Fine);
    }
    let mut text: String = rules.switches.iter().map(|it| line(&board, &org, &rules, it, now)).collect();
    text.extend(turns.iter().map(|turn| told(&rules, turn)));
    terminal::put(&text);
    Ok(Outcome::Fine)
}

fn told(rules: &RuleSet, turn: &TurnLine) -> String {
    let at = |second: i64| {
        let at = Timestamp::from_second(second).unwrap_or_default();
        Moment::new(at, &rules.zone).to_string()
    };
    let to = match turn.on {
        Some(true) => "on",
        Some(false) => "off",
        None => "as usual",
    };
    let until = turn.until.map(|until| format!(" until {}", at(until))).unwrap_or_default();
    let deed = if turn.undone { "took back" } else { "turned" };
    format!("{}  {} {deed} {}: {to}{until}\n", at(turn.at), turn.by, turn.switch)
}
