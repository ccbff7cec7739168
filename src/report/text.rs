//! The report for eyes: plain lines, with a map of the week.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::report::advice::{self, Mailbox};
use crate::report::figures::{Contact, Figures, Waits, percent};

/// Days as the maps name them.
pub const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Whether the maps may be colored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Signs alone.
    Plain,
    /// For a terminal.
    Colored,
}

/// The whole report.
pub fn text(whole: &Figures, lines: &BTreeMap<String, Figures>, ink: Ink) -> String {
    if whole.calls == 0 {
        return "no calls\n".to_owned();
    }
    let mut out = String::new();
    head(&mut out, whole);
    people(&mut out, whole);
    if lines.len() > 1 {
        per_line(&mut out, lines);
    }
    maps(&mut out, whole, ink);
    hints(&mut out, whole, lines);
    out
}

/// Adds a line.
macro_rules! line {
    ($out:expr, $($format:tt)*) => {{
        $out.push_str(&format!($($format)*));
        $out.push('\n');
    }};
}

fn head(out: &mut String, whole: &Figures) {
    let day =
        |us| Timestamp::from_microsecond(us).map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%d").to_string());
    line!(
        out,
        "{} call{} from {} to {}",
        grouped(whole.calls),
        if whole.calls == 1 { "" } else { "s" },
        day(whole.first_us),
        day(whole.last_us)
    );
    let tier = |(tier, calls): (&u8, &u64)| match tier {
        0 => format!("{} at an unknown ring", grouped(*calls)),
        _ => format!("{} at ring {tier}", grouped(*calls)),
    };
    let tiers: Vec<_> = whole.tiers.iter().map(tier).collect();
    share(out, "taken", whole.taken(), whole.calls, &tiers.join(", "));
    let messages = format!("{} of them with a message", grouped(whole.messages));
    share(out, "missed", whole.missed, whole.calls, &messages);
    for (end, calls) in &whole.ends {
        if matches!(end.as_str(), "rejected" | "handed_off" | "open") {
            share(out, end, *calls, whole.calls, "");
        }
    }
    line!(out, "waited     {}; those who were taken: {}", waits(&whole.waits), waits(&whole.waits_taken));
}

fn share(out: &mut String, name: &str, part: u64, whole: u64, more: &str) {
    let text = format!("{name:<10} {:>9} {:>3} %  {more}", grouped(part), percent(part, whole));
    line!(out, "{}", text.trim_end());
}

fn waits(waits: &Waits) -> String {
    match (waits.at(50), waits.at(95)) {
        (Some(median), Some(most)) => format!("half up to {median} s, 95 of 100 up to {most} s"),
        _ => "not known".to_owned(),
    }
}

fn people(out: &mut String, whole: &Figures) {
    if whole.contacts.is_empty() {
        return;
    }
    let mut rows: Vec<(&String, &Contact)> = whole.contacts.iter().collect();
    rows.sort_by_key(|(_, contact)| std::cmp::Reverse(contact.rings));
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(6);
    line!(
        out,
        "\n{:<width$} {:>9} {:>9}      {:>9} {:>9} {:>9} {:>9} {:>9}",
        "person",
        "rings",
        "taken",
        "no key",
        "no answer",
        "busy",
        "declined",
        "failed"
    );
    for (name, it) in rows {
        line!(
            out,
            "{name:<width$} {:>9} {:>9} {:>3} % {:>8} {:>9} {:>9} {:>9} {:>9}",
            grouped(it.rings),
            grouped(it.taken),
            it.percent(),
            grouped(it.no_key),
            grouped(it.no_answer),
            grouped(it.busy),
            grouped(it.declined),
            grouped(it.failed)
        );
    }
}

fn per_line(out: &mut String, lines: &BTreeMap<String, Figures>) {
    let width = lines.keys().map(|name| name.chars().count()).max().unwrap_or(0).max(6);
    line!(out, "\n{:<width$} {:>9} {:>9}      {:>9}       half wait  95 of 100", "line", "calls", "taken", "missed");
    for (name, it) in lines {
        let seconds = |percent| it.waits.at(percent).map_or_else(|| "-".to_owned(), |seconds| format!("{seconds} s"));
        line!(
            out,
            "{name:<width$} {:>9} {:>9} {:>3} % {:>8} {:>3} % {:>10} {:>10}",
            grouped(it.calls),
            grouped(it.taken()),
            percent(it.taken(), it.calls),
            grouped(it.missed),
            percent(it.missed, it.calls),
            seconds(50),
            seconds(95)
        );
    }
}

/// From nothing to most.
const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];

/// Of a hundred missed calls, from green over yellow to red in the terminal's own 256 colors.
const COLORS: [u8; 5] = [34, 106, 178, 202, 160];

fn maps(out: &mut String, whole: &Figures, ink: Ink) {
    let most = whole.week.iter().flatten().map(|cell| cell.calls).max().unwrap_or(0);
    let hours: String = (0..24).map(|hour| format!("{hour:>3}")).collect();
    line!(out, "\nwhen calls come (darker is more, up to {} in an hour of the week)\n    {hours}", grouped(most));
    for (day, cells) in DAYS.iter().zip(&whole.week) {
        let row: String = cells.iter().map(|cell| format!("  {}", shade(cell.calls, most))).collect();
        line!(out, "{day} {row}");
    }
    line!(out, "\nof a hundred calls, how many were missed\n    {hours}");
    for (day, cells) in DAYS.iter().zip(&whole.week) {
        let row: String = cells.iter().map(|cell| missed(cell.missed, cell.calls, ink)).collect();
        line!(out, "{day} {row}");
    }
}

fn shade(calls: u64, most: u64) -> char {
    let step = if calls == 0 { 0 } else { 1 + (calls - 1) * 4 / most.max(1) };
    let step = usize::try_from(step).unwrap_or(0);
    SHADES.get(step.min(SHADES.len() - 1)).copied().unwrap_or('·')
}

fn missed(missed: u64, calls: u64, ink: Ink) -> String {
    if calls == 0 {
        return "  ·".to_owned();
    }
    let share = percent(missed, calls);
    let color = usize::try_from(share / 21).ok().and_then(|step| COLORS.get(step));
    match (ink, color) {
        (Ink::Colored, Some(color)) => format!("\u{1b}[38;5;{color}m{share:>3}\u{1b}[0m"),
        _ => format!("{share:>3}"),
    }
}

fn hints(out: &mut String, whole: &Figures, lines: &BTreeMap<String, Figures>) {
    let mut hints: Vec<String> = advice::mailboxes(whole).iter().map(mailbox).collect();
    for (name, line) in lines {
        if let Some(order) = advice::order(line) {
            hints.push(format!(
                "on {name}, ring {} instead of {}: a caller would lose about {} s instead of {} s to rings that nobody takes",
                order.better.join(", then "),
                order.now.join(", then "),
                order.seconds_better,
                order.seconds_now
            ));
        }
    }
    if !hints.is_empty() {
        line!(out, "");
    }
    for hint in hints {
        line!(out, "hint: {hint}");
    }
}

fn mailbox(found: &Mailbox) -> String {
    let Mailbox { contact, no_key, not_taken } = found;
    format!(
        "{contact}: {} of {} rings that were not taken were picked up without a key: a carrier's mailbox seems to answer. \
         Ring for a shorter time, or have it switched off",
        grouped(*no_key),
        grouped(*not_taken)
    )
}

/// The number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
