//! What is answered: one plain sentence each, short enough for a text message.

use jiff::Timestamp;

use crate::control::command::Turn;
use crate::control::sender::Sender;
use crate::model::moment::Moment;
use crate::rules::ruleset::{Expires, RuleSet};

/// Longest answer: what a carrier takes as one message.
const LONGEST: usize = 1600;

/// How one switch stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// On or off.
    pub on: bool,
    /// Until when; none while it stands at its default.
    pub until: Option<Timestamp>,
}

/// The answer to a turn.
pub fn turned(rules: &RuleSet, turn: &Turn, now: &Moment) -> String {
    let Some(switch) = rules.switch(turn.switch) else { return "That switch is gone.".to_owned() };
    let (name, state) = (&switch.name, word(turn.on));
    let until = moment(turn.until, now);
    if turn.on == switch.default {
        return format!("{name} is {state}, as usual.");
    }
    let longest = match switch.expires {
        Expires::EndOfDay => "the end of the day".to_owned(),
        Expires::After(seconds) => stretch(seconds),
    };
    if turn.cut {
        format!("{name} is {state} until {until}, because the rules allow no more than {longest} at a time.")
    } else {
        format!("{name} is {state} until {until}; write UNDO to take it back.")
    }
}

/// The answer to a turn that came too late: somebody turned the switch since it was asked for.
pub fn overtaken(name: &str, since: Timestamp, standing: Standing, now: &Moment) -> String {
    let (since, state) = (moment(since, now), word(standing.on));
    match standing.until {
        Some(until) => {
            format!("{name} was turned again at {since}, after you wrote; it is {state} until {}.", moment(until, now))
        }
        None => format!("{name} was turned again at {since}, after you wrote; it is {state}, as usual."),
    }
}

/// The answer to `UNDO`.
pub fn undone(name: &str, standing: Standing, now: &Moment) -> String {
    match standing.until {
        Some(until) => format!("{name} is {} again, until {}.", word(standing.on), moment(until, now)),
        None => format!("{name} is {} again, as usual.", word(standing.on)),
    }
}

/// The answer to `UNDO` when the sender turned nothing lately.
pub fn nothing_to_undo() -> String {
    "You have turned nothing that could be undone.".to_owned()
}

/// The answer to `STATUS`: `standing` tells of each switch by its place in the rules.
pub fn status(sender: &Sender<'_>, standing: &dyn Fn(usize) -> Standing, now: &Moment) -> String {
    let rules = sender.rules();
    let told = |(place, switch): (usize, &crate::rules::ruleset::Switch)| {
        let Standing { on, until } = standing(place);
        match until {
            Some(until) => format!("{} is {} until {}", switch.name, word(on), moment(until, now)),
            None => format!("{} is {}", switch.name, word(on)),
        }
    };
    let all: Vec<_> = rules.switches.iter().enumerate().map(told).collect();
    if all.is_empty() {
        return "The rules have no switches.".to_owned();
    }
    short(&format!("{}.", all.join(", ")))
}

/// The answer to `HELP`.
pub fn help(sender: &Sender<'_>) -> String {
    let mut examples = Vec::new();
    if !sender.closed().is_empty() {
        examples.push("CLOSED UNTIL 3PM, OPEN".to_owned());
    }
    if !sender.away().is_empty() {
        examples.push("AWAY 2H, BACK".to_owned());
    }
    let named = |id: &crate::model::ids::SwitchId| !sender.closed().contains(id) && !sender.away().contains(id);
    let others = sender.switches.iter().filter(|id| named(id)).filter_map(|id| sender.switch(*id));
    examples.extend(others.map(|switch| format!("{} ON 2H", switch.name.to_uppercase())));
    let fixed = if sender.switches.is_empty() { "STATUS, TAKE" } else { "STATUS, UNDO, TAKE" };
    examples.push(fixed.to_owned());
    short(&format!("You can write {}; STOP ends all texts.", examples.join(", ")))
}

/// The answer to `TAKE`, to whoever takes the call.
pub fn taken_by_you(caller: &str) -> String {
    format!("You have the call from {caller}; the others know.")
}

/// What the others hear.
pub fn taken_by(name: &str, caller: &str) -> String {
    short(&format!("{name} takes the call from {caller}."))
}

/// The answer to `TAKE` when somebody was quicker.
pub fn taken_before(name: &str, caller: &str) -> String {
    short(&format!("{name} has already taken the call from {caller}."))
}

/// The answer to `TAKE` when there is nothing to take.
pub fn nothing_to_take() -> String {
    "No missed call is waiting to be taken.".to_owned()
}

const fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// The moment as somebody there says it: `3pm`, `3:30pm tomorrow`, `9am on Fri Nov 27`.
pub fn moment(at: Timestamp, now: &Moment) -> String {
    let then = at.to_zoned(now.zoned().time_zone().clone());
    let midnight = then.time() == jiff::civil::Time::midnight();
    let clock = match (midnight, then.minute()) {
        (true, _) => "midnight".to_owned(),
        (false, 0) => then.strftime("%-I%P").to_string(),
        (false, _) => then.strftime("%-I:%M%P").to_string(),
    };
    // Midnight belongs to the evening before it.
    let day = if midnight { then.date().yesterday().unwrap_or_else(|_first| then.date()) } else { then.date() };
    if day == now.date() {
        clock
    } else if now.date().tomorrow().is_ok_and(|tomorrow| day == tomorrow) {
        format!("{clock} tomorrow")
    } else {
        format!("{clock} on {}", day.strftime("%a %b %-d"))
    }
}

fn stretch(seconds: u32) -> String {
    let (count, unit) = match seconds {
        whole if whole % 86_400 == 0 => (whole / 86_400, "day"),
        whole if whole % 3_600 == 0 => (whole / 3_600, "hour"),
        other => (other / 60, "minute"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

fn short(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(LONGEST - 1).collect();
    cut.push('…');
    cut
}
