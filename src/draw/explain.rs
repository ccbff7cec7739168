//! One call explained: every rule, condition and person considered, and the fact that decided each.

pub mod hear;
pub mod json;
pub mod mermaid;

use std::fmt::Write as _;

use crate::decide::words::sentence::{Answered, sentence};
use crate::decide::words::{Line, Verdict, effects, places, words};
use crate::journey::{Call, Journey, Stop};
use crate::model::leg::Leg;
use crate::rules::ruleset::{Confirm, EndKind, RuleSet};

/// A call and what became of it.
#[derive(Debug, Clone, Copy)]
pub struct Explained<'a> {
    /// The rules it went through.
    pub rules: &'a RuleSet,
    /// The call.
    pub call: &'a Call,
    /// The number called, as given.
    pub to: &'a str,
    /// What became of it.
    pub journey: &'a Journey,
}

/// Beyond this width a line pushes its path to the right instead of all others.
const WIDEST: usize = 84;

/// Draws the call as a tree for a terminal.
pub fn text(explained: Explained<'_>) -> String {
    let mut rows = vec![Row::titled("call", header(explained))];
    for stop in &explained.journey.stops {
        rows.extend(stop_rows(explained, stop));
    }
    let waited = explained.journey.waited;
    rows.push(Row::titled("end", ending(explained.journey.end, waited)));
    for effect in explained.journey.effects() {
        let sent = effects::sent(explained.rules, effect);
        rows.push(Row::titled(sent.kind, sent.what));
    }
    rows.extend(hints(explained).into_iter().map(|hint| Row::titled("hint", hint)));
    rows.push(Row::titled("told", summary(explained)));
    layout(&rows)
}

/// The call in one sentence.
pub fn summary(explained: Explained<'_>) -> String {
    let mut before = None;
    let answers = explained.journey.stops.iter().map(|stop| {
        let after = before.replace(stop.took);
        Answered { trace: &stop.decision.trace, after }
    });
    let Explained { rules, call, journey, .. } = explained;
    sentence(rules, &journey.began, &call.caller, answers, Some(journey.end))
}

/// What is worth a look although nothing is wrong with the rules.
pub fn hints(explained: Explained<'_>) -> Vec<String> {
    let mut swallowed = Vec::new();
    for rung in explained.journey.rung() {
        let confirms = explained.rules.contact(rung.contact).is_some_and(|contact| contact.confirm != Confirm::None);
        if rung.leg == Leg::AnsweredNoKey && confirms && !swallowed.contains(&rung.contact) {
            swallowed.push(rung.contact);
        }
    }
    if swallowed.is_empty() {
        return Vec::new();
    }
    let names = places::contact_names(explained.rules, &swallowed);
    vec![format!("{names}: picked up and pressed nothing; a carrier's mailbox may be answering")]
}

/// One line of the drawing.
struct Row {
    title: String,
    depth: usize,
    text: String,
    path: String,
}

impl Row {
    fn titled(title: &str, text: String) -> Self {
        Self { title: title.to_owned(), depth: 0, text, path: String::new() }
    }
}

pub(crate) fn header(explained: Explained<'_>) -> String {
    let Explained { rules, call, to, journey } = explained;
    let line = call.line.map_or_else(String::new, |line| format!("{} ", places::line_name(rules, line)));
    let to = if line.trim() == to { to.to_owned() } else { format!("{line}({to})") };
    let began = journey.began.zoned();
    let zone = began.time_zone().iana_name().unwrap_or("UTC");
    let mut text = format!("to {to} from {} on {}", call.caller, began.strftime("%a %Y-%m-%d %H:%M:%S"));
    let change = if clocks_change(began) { ", the clocks change this day" } else { "" };
    let _ = write!(text, " ({zone}, UTC{}{change})", began.strftime("%:z"));
    for (switch, on) in rules.switches.iter().zip(&call.state.switches) {
        if let Some(on) = on {
            let _ = write!(text, ", {} {}", switch.name, if *on { "on" } else { "off" });
        }
    }
    text
}

/// Whether the local day has two offsets from UTC.
fn clocks_change(began: &jiff::Zoned) -> bool {
    let start = began.start_of_day();
    let end = start.as_ref().ok().and_then(|start| start.tomorrow().ok());
    start.ok().zip(end).is_some_and(|(start, end)| start.offset() != end.offset())
}

fn stop_rows(explained: Explained<'_>, stop: &Stop) -> Vec<Row> {
    let clock = format!("{:>2}:{:02}", stop.at / 60, stop.at % 60);
    let lines = words(explained.rules, &explained.journey.began, &stop.decision.trace);
    let rows = lines.into_iter().enumerate().map(|(place, line)| Row {
        title: if place == 0 { clock.clone() } else { String::new() },
        depth: usize::from(line.depth),
        text: line_text(explained.rules, stop, &line),
        path: line.path,
    });
    rows.collect()
}

fn line_text(rules: &RuleSet, stop: &Stop, line: &Line) -> String {
    let Line { what, why, .. } = line;
    match line.verdict {
        Verdict::Taken => format!("{what}: taken, {why}"),
        Verdict::NotTaken if why.is_empty() => format!("{what} holds"),
        Verdict::NotTaken => format!("{what}: no, {why}"),
        Verdict::Skipped if why.is_empty() => what.clone(),
        Verdict::Skipped => format!("{what}: left out, {why}"),
        Verdict::Held if why.is_empty() => what.clone(),
        Verdict::Held => format!("{what}: yes, {why}"),
        Verdict::Rung => {
            let rung = stop.legs.iter().find(|rung| places::contact_name(rules, rung.contact) == *what);
            rung.map_or_else(|| format!("{what}: rung"), |rung| format!("{what}: {}, {} s", rung.leg.word(), rung.took))
        }
        Verdict::Reported => format!("-> {what}"),
        Verdict::Reached => what.clone(),
        Verdict::Amiss => format!("! {what}"),
    }
}

fn ending(end: EndKind, waited: u32) -> String {
    match end {
        EndKind::Connected => format!("connected after {waited} s"),
        EndKind::Voicemail => format!("voicemail; the caller heard the tone after {waited} s"),
        EndKind::Texted => format!("texted; the caller waited {waited} s"),
        EndKind::Rejected => "rejected".into(),
        EndKind::HungUp => format!("hung_up; the caller listened for {waited} s"),
        EndKind::HandedOff => format!("handed_off after {waited} s"),
        EndKind::CallerGone => format!("caller_gone after {waited} s"),
    }
}

fn layout(rows: &[Row]) -> String {
    let left = |row: &Row| row.depth * 2 + row.text.chars().count();
    let fitting = rows.iter().filter(|row| !row.path.is_empty()).map(left).filter(|width| *width <= WIDEST);
    let width = fitting.max().unwrap_or(0);
    let mut drawing = String::new();
    for row in rows {
        let indent = " ".repeat(row.depth * 2);
        let fill = " ".repeat(width.saturating_sub(left(row)));
        let line = format!("{:<8} {indent}{}{fill}  {}", row.title, row.text, row.path);
        drawing.push_str(line.trim_end());
        drawing.push('\n');
    }
    drawing
}

#[cfg(test)]
mod tests;
