//! A call as a timeline that a person can read: who hears what, when, and why it ended so.

use std::fmt::Write as _;

use crate::phone::log::{CallLog, Entry, Kind, Who, seconds};

/// Whether colors may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Words alone.
    Plain,
    /// Colors of a terminal.
    Colored,
}

/// Which entries are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What people notice, and what the carrier complains about.
    People,
    /// The requests as well.
    Requests,
}

/// One entry as a line, or none when it is not to be shown.
pub fn line(entry: &Entry, detail: Detail, ink: Ink) -> Option<String> {
    if entry.kind == Kind::Request && detail == Detail::People {
        return None;
    }
    let who = match &entry.who {
        // Some sentences name their subject themselves.
        Who::Callee(name) if !entry.text.starts_with(name.as_str()) => format!("{name} "),
        Who::Callee(_) | Who::Caller | Who::Carrier => String::new(),
    };
    let takes = if entry.takes == 0 { String::new() } else { format!("  ({})", seconds(entry.takes)) };
    let indent = if matches!(entry.who, Who::Callee(_)) { "    " } else { "" };
    let mark = match entry.kind {
        Kind::Warning => "warning: ",
        Kind::Error if entry.who == Who::Carrier => "error: ",
        Kind::Request => "  > ",
        Kind::Call
        | Kind::Hears
        | Kind::Plays
        | Kind::Silence
        | Kind::Tone
        | Kind::Rings
        | Kind::Leg
        | Kind::Presses
        | Kind::Speaks
        | Kind::Talks
        | Kind::Records
        | Kind::Goes
        | Kind::Error
        | Kind::Ends => "",
    };
    let text = format!("{mark}{indent}{who}{}{takes}", entry.text);
    Some(format!("{:>8}  {}", seconds(entry.at), paint(&text, entry.kind, ink)))
}

/// The whole call: every line, then the summary.
pub fn draw(log: &CallLog, detail: Detail, ink: Ink) -> String {
    let mut text = String::new();
    for line in log.timeline.iter().filter_map(|entry| line(entry, detail, ink)) {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "{line}");
    }
    text.push('\n');
    text.push_str(&summary(log, ink));
    text
}

/// The sentence at the end, with the number of complaints.
pub fn summary(log: &CallLog, ink: Ink) -> String {
    let sentence = log.summary();
    let sentence = match ink {
        Ink::Plain => sentence,
        Ink::Colored if log.dropped() => format!("\u{1b}[1;31m{sentence}\u{1b}[0m"),
        Ink::Colored => format!("\u{1b}[1m{sentence}\u{1b}[0m"),
    };
    let warnings = match log.warnings.len() {
        0 => String::new(),
        1 => "1 complaint about the answers, above.\n".to_owned(),
        count => format!("{count} complaints about the answers, above.\n"),
    };
    format!("{sentence}\n{warnings}")
}

fn paint(text: &str, kind: Kind, ink: Ink) -> String {
    let code = match (ink, kind) {
        (Ink::Plain, _) => return text.to_owned(),
        (Ink::Colored, Kind::Warning) => "33",
        (Ink::Colored, Kind::Error) => "31",
        (Ink::Colored, Kind::Request | Kind::Goes) => "2",
        (Ink::Colored, Kind::Talks | Kind::Records) => "32",
        (Ink::Colored, _) => return text.to_owned(),
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
