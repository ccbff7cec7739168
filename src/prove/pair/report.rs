//! What was found of two rule sets, for eyes and for programs.

use serde::Serialize;

use crate::decide::words::places;
use crate::journey::observe::{Aspect, Difference, differences};
use crate::prove::example::CounterExample;
use crate::prove::pair::{Class, Pair, Turn};
use crate::rules::ruleset::RuleSet;

/// Version of the form for programs; fields may be added without a new one.
pub const VERSION: u8 = 1;

/// One of the two rule sets with the name of its file.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The file as the user named it.
    pub name: &'a str,
    /// What is in it.
    pub rules: &'a RuleSet,
}

/// The form for programs.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The old rules.
    pub old: String,
    /// The new rules.
    pub new: String,
    /// `equal` when it is proved that no call meets anything else, `different`, or `unfinished`.
    pub verdict: &'static str,
    /// Why there may be more differences than are listed; null when there are none.
    pub unfinished: Option<String>,
    /// What was looked at.
    pub covered: CoveredPart,
    /// Lines that only the old rules have.
    pub lines_gone: Vec<String>,
    /// Lines that only the new rules have.
    pub lines_new: Vec<String>,
    /// The classes of calls that meet something else.
    pub classes: Vec<ClassPart>,
}

/// What was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct CoveredPart {
    /// Lines of both.
    pub lines: usize,
    /// Kinds of moments.
    pub moments: usize,
    /// Kinds of callers.
    pub callers: usize,
    /// Switches.
    pub switches: usize,
    /// Places in which a call can wait.
    pub stops: usize,
    /// Pairs of answers compared.
    pub answers: usize,
    /// Days ahead.
    pub days: u16,
}

/// Calls that meet the same other thing.
#[derive(Debug, Clone, Serialize)]
pub struct ClassPart {
    /// In what the answers differ: course, rung, confirm, ending, texts, mailbox, seconds, shown or wording.
    pub aspects: Vec<&'static str>,
    /// The lines they come in on.
    pub lines: Vec<String>,
    /// When.
    pub when: String,
    /// What else they have in common.
    pub known: Vec<String>,
    /// What the old rules do.
    pub old: TurnPart,
    /// What the new rules do.
    pub new: TurnPart,
}

/// What one of the two does.
#[derive(Debug, Clone, Serialize)]
pub struct TurnPart {
    /// The rule taken; null when none is taken there.
    pub rule: Option<String>,
    /// The path of the place in the file.
    pub path: String,
    /// File and line.
    pub at: String,
    /// What it does.
    pub what: String,
    /// The smallest call, in lines.
    pub example: Vec<String>,
}

/// For programs.
pub fn report(pair: &Pair, old: Named<'_>, new: Named<'_>) -> Report {
    let covered = &pair.covered;
    Report {
        old: old.name.to_owned(),
        new: new.name.to_owned(),
        verdict: if pair.differs() {
            "different"
        } else if pair.unfinished.is_some() {
            "unfinished"
        } else {
            "equal"
        },
        unfinished: pair.unfinished.clone(),
        covered: CoveredPart {
            lines: covered.lines,
            moments: covered.moments,
            callers: covered.callers,
            switches: covered.switches,
            stops: covered.stops,
            answers: covered.answers,
            days: covered.days,
        },
        lines_gone: pair.lines_gone.clone(),
        lines_new: pair.lines_new.clone(),
        classes: pair.classes.iter().map(|class| part(class, old, new)).collect(),
    }
}

fn part(class: &Class, old: Named<'_>, new: Named<'_>) -> ClassPart {
    let example = &class.example;
    ClassPart {
        aspects: class.aspects.list().map(Aspect::word).collect(),
        lines: class.lines.clone(),
        when: class.when.clone(),
        known: class.known.clone(),
        old: turn(&class.old, old, &example.old_call, &example.old),
        new: turn(&class.new, new, &example.new_call, &example.new),
    }
}

fn turn(turn: &Turn, named: Named<'_>, call: &crate::journey::Call, journey: &crate::journey::Journey) -> TurnPart {
    let told = CounterExample { call: call.clone(), journey: journey.clone() };
    TurnPart {
        rule: turn.rule.map(|rule| places::rule_title(named.rules, rule)),
        path: path(turn, named.rules),
        at: at(turn, named),
        what: turn.what.clone(),
        example: told.lines(named.rules),
    }
}

fn path(turn: &Turn, rules: &RuleSet) -> String {
    match (turn.rule, turn.step) {
        (Some(rule), _) => places::rule(rules, rule),
        (None, Some(step)) => places::step(rules, step),
        (None, None) => "when the caller hangs up".to_owned(),
    }
}

/// File and line of the rule taken, or of the step come to.
fn at(turn: &Turn, named: Named<'_>) -> String {
    let line = turn.rule.and_then(|rule| named.rules.rule(rule)).map(|rule| rule.at);
    let line = line.or_else(|| turn.step.and_then(|step| named.rules.step(step)).map(|step| step.at));
    line.map_or_else(|| named.name.to_owned(), |line| format!("{}:{line}", named.name))
}

/// Which classes are told in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Those of ordinary calls; the others in a line each.
    Ordinary,
    /// All of them.
    All,
}

/// For eyes.
pub fn text(pair: &Pair, old: Named<'_>, new: Named<'_>, detail: Detail) -> String {
    let mut drawing = String::new();
    let mut put = |line: &str| {
        drawing.push_str(line.trim_end());
        drawing.push('\n');
    };
    put(&headline(pair, old.name, new.name));
    for (lines, what) in [(&pair.lines_gone, "no longer answered"), (&pair.lines_new, "answered from now on")] {
        for line in lines {
            put(&format!("   line {line}: {what}"));
        }
    }
    let full = |class: &Class| detail == Detail::All || class.known.is_empty();
    let (told, brief): (Vec<&Class>, Vec<&Class>) = pair.classes.iter().partition(|class| full(class));
    for (number, class) in told.iter().enumerate() {
        put("");
        for line in class_lines(number + 1, class, old, new) {
            put(&line);
        }
    }
    if !brief.is_empty() {
        put("");
        put("and only if something is not as usual (--all tells these in full):");
    }
    for (number, class) in brief.iter().enumerate() {
        put(&brief_line(told.len() + number + 1, class, old, new));
    }
    put("");
    put(&covered(pair));
    if let Some(why) = &pair.unfinished {
        put(&format!(
            "not finished: {why}; there may be more differences than are listed, and `--budget` lets it go on for longer"
        ));
    }
    drawing
}

fn headline(pair: &Pair, old: &str, new: &str) -> String {
    let names = format!("{old} -> {new}");
    match (pair.classes.len(), pair.differs(), &pair.unfinished) {
        (_, false, None) => format!("{names}: no difference, proved: every call meets the same"),
        (_, false, Some(_)) => format!("{names}: no difference was found, and none is ruled out"),
        (0, true, _) => format!("{names}: other lines, and the same for every call on the lines of both"),
        (1, ..) => format!("{names}: 1 class of calls meets something else"),
        (count, ..) => format!("{names}: {count} classes of calls meet something else"),
    }
}

fn covered(pair: &Pair) -> String {
    let covered = &pair.covered;
    format!(
        "covered: {} lines and calls to numbers of nobody, {} kinds of moments in the next {} days, {} kinds of callers, \
         every position of {} switches, everything that people can do at {} places ({} pairs of answers)",
        covered.lines, covered.moments, covered.days, covered.callers, covered.switches, covered.stops, covered.answers
    )
}

fn brief_line(number: usize, class: &Class, old: Named<'_>, new: Named<'_>) -> String {
    let title = class.aspect().title();
    let places = format!("{} -> {}", at(&class.old, old), at(&class.new, new));
    format!("{number:>2} {title} on {}, {places}: {}", class.lines.join(", "), class.known.join(", "))
}

fn class_lines(number: usize, class: &Class, old: Named<'_>, new: Named<'_>) -> Vec<String> {
    let titles: Vec<&str> = class.aspects.list().map(Aspect::title).collect();
    let mut lines = vec![format!("{number:>2} {}", titles.join("; "))];
    let mut row = |title: &str, text: &str| lines.push(format!("   {title:<8} {text}"));
    row("on", &class.lines.join(", "));
    row("when", &class.when);
    for known in &class.known {
        row("only if", known);
    }
    for (title, turn, named) in [("old", &class.old, old), ("new", &class.new, new)] {
        let rule = turn.rule.map_or_else(|| path(turn, named.rules), |rule| places::rule_title(named.rules, rule));
        row(title, &format!("{}: {rule}: {}", at(turn, named), turn.what));
    }
    let example = &class.example;
    let told = |call: &crate::journey::Call, journey: &crate::journey::Journey, rules: &RuleSet| {
        CounterExample { call: call.clone(), journey: journey.clone() }.lines(rules)
    };
    let before = told(&example.old_call, &example.old, old.rules);
    let after = told(&example.new_call, &example.new, new.rules);
    let shared = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    for (place, line) in before.iter().take(shared).enumerate() {
        row(if place == 0 { "example" } else { "" }, line);
    }
    for (title, rest) in [("  old", &before), ("  new", &after)] {
        for (place, line) in rest.iter().skip(shared).enumerate() {
            row(if place == 0 { title } else { "" }, line);
        }
    }
    lines
}

/// The differences that an example shows when it is played, which must hold those of its class.
pub fn shown(class: &Class, old: &RuleSet, new: &RuleSet) -> Vec<Difference> {
    let example = &class.example;
    let sides = ((old, example.old_call.line, &example.old), (new, example.new_call.line, &example.new));
    differences(sides.0, sides.1).collect()
}

/// Everything that was compared, for programs.
#[derive(Debug, Clone, Serialize)]
struct Whole<'a> {
    /// Version of this form.
    version: u8,
    /// Whether some call meets something else, or a file is only on one side.
    differs: bool,
    /// Files that only the old side has.
    gone: &'a [String],
    /// Files that only the new side has.
    fresh: &'a [String],
    /// Each file of both sides.
    files: &'a [Report],
}

/// The form for programs as indented JSON with a line's end.
pub fn json(files: &[Report], gone: &[String], fresh: &[String]) -> String {
    let differs = !gone.is_empty() || !fresh.is_empty() || files.iter().any(|file| file.verdict == "different");
    let whole = Whole { version: VERSION, differs, gone, fresh, files };
    // Our forms hold nothing that JSON cannot.
    serde_json::to_string_pretty(&whole).map_or_else(|_error| "{}\n".to_owned(), |text| text + "\n")
}
