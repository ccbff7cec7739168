//! The grammar: a text from a contact becomes a command, or an answer that says what was not understood.

use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::control::sender::Sender;
use crate::control::until::{self, Until};
use crate::model::ids::SwitchId;
use crate::model::moment::Moment;
use crate::model::near;
use crate::rules::ruleset::{Expires, Switch};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A switch is turned.
    Turn(Turn),
    /// How do the switches stand?
    Status,
    /// The sender's last turn is taken back.
    Undo,
    /// What can be written?
    Help,
    /// The sender takes the missed call.
    Take,
}

/// A switch is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Which.
    pub switch: SwitchId,
    /// On or off.
    pub on: bool,
    /// Until when; afterwards the switch stands at its default again.
    pub until: Timestamp,
    /// Whether a longer time was asked for than the rules allow.
    pub cut: bool,
}

/// What somebody may say of getting texts at all; it is heard from everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// No more.
    Stop,
    /// Again.
    Start,
}

/// The wish that a text is, when it is one: the words that carriers know, alone.
pub fn wish(text: &str) -> Option<Wish> {
    match plain(text).as_str() {
        "stop" | "stopall" | "stop all" | "unsubscribe" | "cancel" | "end" | "quit" | "revoke" | "optout"
        | "opt out" => Some(Wish::Stop),
        "start" | "unstop" => Some(Wish::Start),
        _ => None,
    }
}

/// The words that are known besides names of switches.
const WORDS: [&str; 9] = ["closed", "open", "away", "back", "status", "undo", "help", "take", "stop"];

/// Longest text that is read; nobody commands in more.
const LONGEST: usize = 160;

/// Lowercase, single spaces, and no signs that a phone adds by itself.
fn plain(text: &str) -> String {
    let letters = text.chars().take(LONGEST).flat_map(char::to_lowercase);
    let kept: String =
        letters.map(|sign| if sign.is_alphanumeric() || "_:.-".contains(sign) { sign } else { ' ' }).collect();
    let words = kept.split(' ').map(|word| word.trim_matches(['.', '-', ':'])).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Reads what a contact writes. An error is the answer to send.
pub fn read(text: &str, sender: &Sender<'_>, now: &Moment) -> Result<Command, String> {
    let text = plain(text);
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let Some((first, rest)) = words.split_first() else { return Ok(Command::Help) };
    match (*first, rest) {
        ("status" | "state", []) => Ok(Command::Status),
        ("undo", []) => Ok(Command::Undo),
        ("help" | "info" | "commands", []) => Ok(Command::Help),
        ("take" | "taken" | "mine", []) => Ok(Command::Take),
        _ => match named(sender, &words) {
            Some((held, ["on", rest @ ..])) => turn(&held, true, rest, now),
            Some((held, ["off", rest @ ..])) => turn(&held, false, rest, now),
            Some((held, rest)) => turn(&held, true, rest, now),
            None => by_word(sender, first, rest, now),
        },
    }
}

/// The words that mean a switch of whatever name.
fn by_word(sender: &Sender<'_>, first: &str, rest: &[&str], now: &Moment) -> Result<Command, String> {
    match first {
        "closed" | "close" => turn(&one(sender, "CLOSED", &sender.closed())?, true, rest, now),
        "open" | "opened" => turn(&one(sender, "OPEN", &sender.closed())?, false, rest, now),
        "away" => turn(&one(sender, "AWAY", &sender.away())?, true, rest, now),
        "back" | "here" => turn(&one(sender, "BACK", &sender.away())?, false, rest, now),
        _ => Err(unknown(sender, first)),
    }
}

/// A switch in the sender's hands, with its id.
struct Held<'a>(SwitchId, &'a Switch);

/// The one switch that is meant.
fn one<'a>(sender: &Sender<'a>, word: &str, meant: &[SwitchId]) -> Result<Held<'a>, String> {
    match meant {
        [only] => {
            let switch = sender.switch(*only).ok_or_else(|| none_here(sender, word))?;
            Ok(Held(*only, switch))
        }
        [] => Err(none_here(sender, word)),
        several => {
            let names: Vec<_> = several.iter().filter_map(|id| sender.switch(*id)).map(|it| &*it.name).collect();
            let first = names.first().map_or(String::new(), |name| name.to_uppercase());
            Err(format!("Which one: {}? Write its name, such as {first} ON 2H.", names.join(", ")))
        }
    }
}

fn none_here(sender: &Sender<'_>, word: &str) -> String {
    match sender.switches.first().and_then(|id| sender.switch(*id)) {
        Some(switch) => {
            let name = switch.name.to_uppercase();
            format!("{word} is no switch of yours; you can write {name} ON or {name} OFF.")
        }
        None => format!("{word} is not for you to say: the rules give you no switch."),
    }
}

/// The switch in the sender's hands whose name the words begin with, and the words after it.
fn named<'a, 'w>(sender: &Sender<'a>, words: &'w [&'w str]) -> Option<(Held<'a>, &'w [&'w str])> {
    (1..=words.len().min(4)).rev().find_map(|length| {
        let (name, rest) = words.split_at_checked(length)?;
        let written = name.join("_").replace('-', "_");
        let same = |switch: &Switch| switch.name.replace('-', "_") == written;
        let mut held = sender.switches.iter().filter_map(|id| sender.switch(*id).map(|switch| Held(*id, switch)));
        held.find(|Held(_, switch)| same(switch)).map(|held| (held, rest))
    })
}

fn unknown(sender: &Sender<'_>, written: &str) -> String {
    let own = sender.switches.iter().filter_map(|id| sender.switch(*id)).map(|switch| &*switch.name);
    let shown: String = written.chars().take(30).collect();
    match near::nearest(written, WORDS.into_iter().chain(own)) {
        Some(near) => {
            format!("I do not know `{shown}`; did you mean {}? HELP shows what you can write.", near.to_uppercase())
        }
        None => format!("I do not know `{shown}`; HELP shows what you can write."),
    }
}

fn turn(Held(id, switch): &Held<'_>, on: bool, rest: &[&str], now: &Moment) -> Result<Command, String> {
    let asked = until::read(rest, now)?;
    let most = end(switch.expires, now);
    let (until, cut) = match asked {
        Until::Unsaid => (most, false),
        Until::At(at) if at > most => (most, true),
        Until::At(at) => (at, false),
    };
    Ok(Command::Turn(Turn { switch: *id, on, until, cut }))
}

/// The latest moment until which a switch that is turned now may stay so.
pub fn end(expires: Expires, now: &Moment) -> Timestamp {
    let ended = match expires {
        Expires::After(seconds) => now.timestamp().checked_add(SignedDuration::from_secs(seconds.into())).ok(),
        Expires::EndOfDay => {
            now.zoned().checked_add(1.day()).and_then(|day| day.start_of_day()).map(|day| day.timestamp()).ok()
        }
    };
    ended.unwrap_or(Timestamp::MAX)
}
