//! What recorded calls show of a change, for programs and for eyes.

use std::fmt::Write as _;

use serde::Serialize;

use crate::decide::words::places;
use crate::diff::compare::{Both, Cause};
use crate::diff::people::Unknown;
use crate::diff::tally::{Group, Moved, Tally, day};
use crate::journey::observe::Aspect;
use crate::model::count::counted;
use crate::model::phone::mask;
use crate::rules::ruleset::{EndKind, RuleSet};

/// Version of the form for programs; fields may be added without a new one.
pub const VERSION: u8 = 1;

/// Calls of one group that are named in a report for eyes.
const NAMED: usize = 5;

/// What a report is about, beside the calls.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The rules.
    pub both: Both<'a>,
    /// The names of the two files.
    pub names: (&'a str, &'a str),
    /// Where the calls come from, as the user said it.
    pub calls: &'a str,
    /// Whether numbers are shown whole.
    pub full_numbers: bool,
    /// Lines and files that hold no recorded call.
    pub unreadable: u64,
}

/// Everything that a report tells.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of this form.
    pub version: u8,
    /// The old rules.
    pub old: String,
    /// The new rules.
    pub new: String,
    /// Where the calls come from.
    pub source: String,
    /// All calls.
    pub calls: u64,
    /// Calls that meet the same.
    pub unchanged: u64,
    /// Calls that meet something else.
    pub changed: u64,
    /// Calls of which it is not known how they end under the new rules.
    pub unknown: u64,
    /// Lines and files that hold no recorded call.
    pub unreadable: u64,
    /// The first day and the last.
    pub stretch: Option<(String, String)>,
    /// Calls recorded under other rules than the old: those would have taken them elsewhere.
    pub recorded_under_other_rules: Vec<String>,
    /// How long callers waited, where it is known under both.
    pub waits: WaitsPart,
    /// How calls end under the old rules and under the new.
    pub ends: Vec<EndsPart>,
    /// For each hour of the week from Monday on, in the zone of the line: all calls, and those that changed.
    pub week: Vec<(u32, u32)>,
    /// For every stretch of ten seconds of waiting: calls under the old rules, and under the new.
    pub wait_stretches: Vec<(u64, u64)>,
    /// The differences by their cause.
    pub groups: Vec<GroupPart>,
}

/// How long callers waited.
#[derive(Debug, Clone, Serialize)]
pub struct WaitsPart {
    /// How many calls it is known of.
    pub calls: u64,
    /// As recorded.
    pub recorded: WaitPart,
    /// Under the old rules.
    pub old: WaitPart,
    /// Under the new rules.
    pub new: WaitPart,
}

/// Seconds that half of the callers, and that 95 of 100, did not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WaitPart {
    /// Half of them.
    pub median: Option<usize>,
    /// 95 of 100.
    pub p95: Option<usize>,
}

/// How many calls end so under the old rules, and so under the new.
#[derive(Debug, Clone, Serialize)]
pub struct EndsPart {
    /// Under the old rules, or `unknown`.
    pub old: &'static str,
    /// Under the new rules, or `unknown`.
    pub new: &'static str,
    /// How many.
    pub calls: u64,
}

/// Calls that meet the same other thing for the same reason.
#[derive(Debug, Clone, Serialize)]
pub struct GroupPart {
    /// In what the answers differ.
    pub aspects: Vec<&'static str>,
    /// The same in words.
    pub title: String,
    /// What the old rules do there.
    pub old: PlacePart,
    /// What the new rules do there.
    pub new: PlacePart,
    /// What is not known, with the likelihood from the record of the contact.
    pub unknown: Vec<UnknownPart>,
    /// The calls.
    pub calls: Vec<CallPart>,
}

/// What one of the two does.
#[derive(Debug, Clone, Serialize)]
pub struct PlacePart {
    /// File and line.
    pub at: String,
    /// The rule, or the path of the step.
    pub rule: String,
    /// What it does.
    pub what: String,
}

/// Something that is not known.
#[derive(Debug, Clone, Serialize)]
pub struct UnknownPart {
    /// Of how many calls of the group.
    pub calls: u64,
    /// In words.
    pub what: String,
    /// The contact.
    pub contact: Option<String>,
    /// How often the contact was rung in these records.
    pub rung: Option<u64>,
    /// How often the contact answered.
    pub answered: Option<u64>,
}

/// One call that meets something else.
#[derive(Debug, Clone, Serialize)]
pub struct CallPart {
    /// The caller's leg.
    pub call: String,
    /// When it came in, in UTC.
    pub at: String,
    /// Who called; masked unless whole numbers were asked for.
    pub caller: String,
    /// The line called.
    pub called: String,
    /// How it ends under the old rules, or `unknown`.
    pub old: &'static str,
    /// How it ends under the new rules, or `unknown`.
    pub new: &'static str,
}

fn end(end: Option<EndKind>) -> &'static str {
    end.map_or("unknown", EndKind::word)
}

/// Tells everything.
pub fn report(tally: &mut Tally, about: About<'_>) -> Report {
    let wait = |place: usize| {
        let waits = tally.waits.get(place);
        let percentile = |percent| waits.and_then(|waits| waits.percentile(percent));
        WaitPart { median: percentile(50), p95: percentile(95) }
    };
    let waits = WaitsPart {
        calls: tally.waits.first().map_or(0, crate::diff::tally::Waits::count),
        recorded: wait(0),
        old: wait(1),
        new: wait(2),
    };
    let [_, before, after] = &tally.waits;
    let wait_stretches = before.stretches(10).zip(after.stretches(10)).collect();
    let ends = tally
        .ends
        .iter()
        .map(|((old, new), calls)| EndsPart { old: end(*old), new: end(*new), calls: *calls })
        .collect();
    let answers = tally.answers.clone();
    let groups = tally.ordered();
    let groups = groups.into_iter().map(|((aspects, old, new), group)| GroupPart {
        aspects: aspects.list().map(Aspect::word).collect(),
        title: aspects.list().map(Aspect::title).collect::<Vec<_>>().join("; "),
        old: place(about.both.old, about.names.0, *old, &group.old),
        new: place(about.both.new, about.names.1, *new, &group.new),
        unknown: unknowns(about.both.new, group, &answers),
        calls: group.calls.iter().map(|moved| call(moved, about)).collect(),
    });
    let groups = groups.collect();
    Report {
        version: VERSION,
        old: about.names.0.to_owned(),
        new: about.names.1.to_owned(),
        source: about.calls.to_owned(),
        calls: tally.calls,
        unchanged: tally.calls - tally.changed,
        changed: tally.changed,
        unknown: tally.unknown,
        unreadable: about.unreadable,
        stretch: tally.stretch.map(|(first, last)| (day(first), day(last))),
        recorded_under_other_rules: tally.not_reproduced.iter().map(|call| call.to_string()).collect(),
        waits,
        ends,
        week: tally.week.clone(),
        wait_stretches,
        groups,
    }
}

fn place(rules: &RuleSet, name: &str, cause: Cause, what: &str) -> PlacePart {
    let (rule, step) = cause;
    let line = rule.and_then(|rule| rules.rule(rule)).map(|rule| rule.at);
    let line = line.or_else(|| step.and_then(|step| rules.step(step)).map(|step| step.at));
    let rule = match (rule, step) {
        (Some(rule), _) => format!("{} {}", places::flow_name(rules, rule.flow), places::rule_title(rules, rule)),
        (None, Some(step)) => places::step(rules, step),
        (None, None) => "when the caller hangs up".to_owned(),
    };
    PlacePart { at: line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}")), rule, what: what.to_owned() }
}

type Answers = std::collections::BTreeMap<Box<str>, (u64, u64)>;

fn unknowns(rules: &RuleSet, group: &Group, answers: &Answers) -> Vec<UnknownPart> {
    let all = group.unknown.iter().map(|(unknown, calls)| {
        let name = |contact| places::contact_name(rules, contact).to_owned();
        let (contact, what) = match unknown {
            Unknown::NotRung(contact) => {
                (Some(name(*contact)), format!("rings {}, who was not rung then", name(*contact)))
            }
            Unknown::OtherSeconds(contact) => {
                (Some(name(*contact)), format!("rings {} for another time or with others than then", name(*contact)))
            }
            Unknown::NotAsked(what) => (None, format!("asks the caller by {what}, which was not asked then")),
            Unknown::NotHanded => {
                (None, "hands the call to another application, which did not have it then".to_owned())
            }
        };
        let record = contact.as_deref().map(|name| answers.get(name).copied().unwrap_or((0, 0)));
        UnknownPart {
            calls: *calls,
            what,
            contact,
            rung: record.map(|(rung, _)| rung),
            answered: record.map(|(_, answered)| answered),
        }
    });
    all.collect()
}

fn call(moved: &Moved, about: About<'_>) -> CallPart {
    let at = jiff::Timestamp::from_second(moved.began).unwrap_or_default();
    let shown = |number: &str| if about.full_numbers { number.to_owned() } else { masked(number) };
    CallPart {
        call: moved.call.to_string(),
        at: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        caller: shown(&moved.caller),
        called: moved.called.to_string(),
        old: end(moved.old),
        new: end(moved.new),
    }
}

/// A number, or an address, so that not everybody can read it.
fn masked(text: &str) -> String {
    if text == "withheld" { text.to_owned() } else { mask(text) }
}

impl UnknownPart {
    /// The likelihood in words, from the contact's own record.
    pub fn likelihood(&self) -> String {
        match (&self.contact, self.rung, self.answered) {
            (Some(name), Some(0), _) => format!("unknown; {name} was never rung in these records"),
            (Some(name), Some(rung), Some(answered)) => format!("unknown; {name} answered {answered} of {rung} rings"),
            _ => "unknown".to_owned(),
        }
    }
}

/// The report as indented JSON with a line's end.
pub fn json(reports: &[Report]) -> String {
    // Our forms hold nothing that JSON cannot.
    serde_json::to_string_pretty(reports).map_or_else(|_error| "[]\n".to_owned(), |text| text + "\n")
}

/// The report for eyes.
pub fn text(report: &Report, detail: Detail) -> String {
    let mut drawing = String::new();
    let mut put = |line: String| {
        drawing.push_str(line.trim_end());
        drawing.push('\n');
    };
    let stretch = report.stretch.as_ref().map_or_else(String::new, |(from, to)| format!(" from {from} to {to}"));
    put(format!("{} -> {}: {}{stretch}", report.old, report.new, counted(report.calls, "recorded call")));
    put(format!("   unchanged {:>8}", report.unchanged));
    put(format!("   changed   {:>8}{}", report.changed, of_groups(report)));
    if report.unknown > 0 {
        put(format!(
            "   unknown   {:>8}  how they end under the new rules: nobody did then what the new rules ask for",
            report.unknown
        ));
    }
    if !report.recorded_under_other_rules.is_empty() {
        let count = report.recorded_under_other_rules.len();
        put(format!(
            "   {count} calls were recorded under other rules: {} would have taken them elsewhere than they went",
            report.old
        ));
    }
    if report.unreadable > 0 {
        put(format!("   {} lines or files hold no recorded call and were passed over", report.unreadable));
    }
    for line in waits(report).into_iter().chain(ends(report)) {
        put(line);
    }
    for (number, group) in report.groups.iter().enumerate() {
        put(String::new());
        for line in group_lines(number + 1, group, detail) {
            put(line);
        }
    }
    drawing
}

/// How many calls of a group are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// A few.
    Few,
    /// All of them.
    All,
}

fn of_groups(report: &Report) -> String {
    match report.groups.len() {
        0 => String::new(),
        1 => "  for one reason".to_owned(),
        count => format!("  for {count} reasons"),
    }
}

fn waits(report: &Report) -> Vec<String> {
    let WaitsPart { calls, recorded, old, new } = &report.waits;
    if *calls == 0 {
        return Vec::new();
    }
    let row = |title: &str, of: fn(&WaitPart) -> Option<usize>| {
        let shown = |part| of(part).map_or_else(|| "-".to_owned(), |seconds| format!("{seconds} s"));
        format!("   {title:<10}{:>10}{:>10}{:>10}", shown(recorded), shown(old), shown(new))
    };
    vec![
        String::new(),
        format!(
            "   {:<10}{:>10}{:>10}{:>10}   of {calls} calls whose end is known under both",
            "waits", "recorded", "old", "new"
        ),
        row("median", |part| part.median),
        row("95 of 100", |part| part.p95),
    ]
}

fn ends(report: &Report) -> Vec<String> {
    let moved: Vec<&EndsPart> = report.ends.iter().filter(|ends| ends.old != ends.new).collect();
    if moved.is_empty() {
        return Vec::new();
    }
    let lines = moved.iter().map(|ends| format!("   {:<12} -> {:<12} {:>8}", ends.old, ends.new, ends.calls));
    std::iter::once(String::new()).chain(lines).collect()
}

fn group_lines(number: usize, group: &GroupPart, detail: Detail) -> Vec<String> {
    let count = group.calls.len();
    let mut lines = vec![format!("{number:>2} {}: {count} {}", group.title, if count == 1 { "call" } else { "calls" })];
    for (title, part) in [("old", &group.old), ("new", &group.new)] {
        lines.push(format!("   {title:<8} {}: {}: {}", part.at, part.rule, part.what));
    }
    for unknown in &group.unknown {
        lines.push(format!("   unknown  {} of them: {}: {}", unknown.calls, unknown.what, unknown.likelihood()));
    }
    let named = if detail == Detail::All { count } else { NAMED };
    for call in group.calls.iter().take(named) {
        let mut line = String::new();
        // Writing to a string cannot fail.
        let _infallible = write!(line, "   {}  {}  {} -> {}", call.call, call.at, call.old, call.new);
        lines.push(line);
    }
    if count > named {
        lines.push(format!("   and {} more (--all names them)", count - named));
    }
    lines
}
