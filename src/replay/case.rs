//! A recorded call as a test of the rule language, put into a rule file without touching the rest of it.

use std::fmt::Write as _;

use crate::decide::decision::Act;
use crate::decide::words::places;
use crate::journey::verdict;
use crate::model::call::{Attestation, Happened, LegOutcome};
use crate::model::ids::ContactId;
use crate::replay::again::{Keys, Outcome, Stage, Tape, play};
use crate::replay::recording::Recording;
use crate::respond::caller::{Answered, Stand};
use crate::rules::ruleset::{EndKind, RuleSet};

/// Why a call cannot be told as a test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// It cannot be played.
    #[error("webhook {0}: {1}")]
    Unplayable(usize, String),
    /// It called a number that is in no rule.
    #[error("it called a number that is in no rule, and a test calls a line")]
    NoLine,
    /// The recording does not begin with the call.
    #[error("it does not begin with a call that comes in")]
    NoArrival,
    /// The list of tests is not one that a line can be added to.
    #[error("line {0}: `tests:` stands in brackets: write each test on lines of its own, with a `-` before it")]
    Brackets(usize),
    /// The file includes others, and not this one.
    #[error("line {0}: add `{1}` to `use:` first")]
    NotIncluded(usize, String),
}

/// What happened in a call, in the words of tests.
#[derive(Debug, Clone, Default)]
pub struct Told {
    to: String,
    from: String,
    at: String,
    attestation: Attestation,
    attempt: usize,
    switches: Vec<(String, bool)>,
    legs: Vec<(String, Vec<&'static str>)>,
    keys: Vec<String>,
    rings: Vec<String>,
    mailbox: Option<String>,
    ends: Option<EndKind>,
}

/// Follows a recorded call, and tells it.
pub fn tell(recording: &Recording, tape: &Tape, stage: &Stage<'_>) -> Result<Told, CaseError> {
    let rules = stage.rules;
    let mut told = None;
    let mut keys = Keys::default();
    let mut rung = Vec::new();
    let mut asking = false;
    for (place, (request, webhook)) in tape.requests.iter().zip(&recording.webhooks).enumerate() {
        let played = play(tape, request, stage, &mut keys, None);
        let played = played.map_err(|error| CaseError::Unplayable(place + 1, error))?;
        if webhook.fault.is_some() {
            continue;
        }
        let Outcome::Caller(stand, answered) = &played.outcome else { continue };
        let told = match &mut told {
            Some(told) => told,
            None => told.insert(arrival(rules, stand, answered)?),
        };
        if asking || !rung.is_empty() {
            reported(rules, told, &stand.facts.happened, &rung, asking);
        }
        (rung, asking) = answered_with(rules, told, answered);
    }
    told.ok_or(CaseError::NoArrival)
}

fn arrival(rules: &RuleSet, stand: &Stand, answered: &Answered) -> Result<Told, CaseError> {
    if stand.position.step.is_some() {
        return Err(CaseError::NoArrival);
    }
    let line = stand.facts.line.and_then(|id| rules.line(id)).ok_or(CaseError::NoLine)?;
    let switches = rules.switches.iter().zip(&answered.state.switches);
    Ok(Told {
        to: line.name.to_string(),
        from: stand.facts.caller.to_string(),
        at: verdict::local(&answered.now),
        attestation: stand.facts.attestation,
        attempt: answered.state.earlier_calls.len() + 1,
        switches: switches.filter_map(|(switch, on)| on.map(|on| (switch.name.to_string(), on))).collect(),
        ..Told::default()
    })
}

/// Takes in what the request reports of the answer before it.
fn reported(rules: &RuleSet, told: &mut Told, happened: &Happened, rung: &[ContactId], asked: bool) {
    let leg = match happened {
        Happened::Rang(outcome) => match outcome {
            LegOutcome::Connected(_) => "answered",
            LegOutcome::NoKey => "answered_no_key",
            LegOutcome::Declined => "declined",
            LegOutcome::Busy => "busy",
            LegOutcome::NoAnswer => "no_answer",
            LegOutcome::Failed => "unreachable",
            LegOutcome::Canceled => "canceled",
        },
        Happened::Gone if asked => return told.keys.push("hangup".to_owned()),
        Happened::Gone => "caller_hangs_up",
        Happened::Chose { digits, speech } => {
            let said = [digits, speech].into_iter().find(|text| !text.is_empty());
            return told.keys.push(said.map_or_else(|| "silence".to_owned(), ToString::to_string));
        }
        Happened::Arrived | Happened::Recorded { .. } | Happened::Returned => return,
    };
    // Of several who ring at once, one does it, and the others do not answer.
    for (place, contact) in rung.iter().enumerate() {
        let word = if place == 0 { leg } else { "no_answer" };
        let name = places::contact_name(rules, *contact);
        match told.legs.iter_mut().find(|(known, _)| known == name) {
            Some((_, words)) => words.push(word),
            None => told.legs.push((name.to_owned(), vec![word])),
        }
    }
}

/// Takes in the answer: who is rung by it, and whether the caller is asked for a key.
fn answered_with(rules: &RuleSet, told: &mut Told, answered: &Answered) -> (Vec<ContactId>, bool) {
    let decision = &answered.decision;
    told.ends = decision.end.or(told.ends);
    match &decision.plan.act {
        Act::Ring { contacts, .. } => {
            told.rings.extend(contacts.iter().map(|id| places::contact_name(rules, *id).to_owned()));
            (contacts.clone(), false)
        }
        Act::Menu { .. } => (Vec::new(), true),
        Act::OfferText { mailbox, .. } | Act::Record { mailbox, .. } => {
            told.mailbox = Some(places::mailbox_name(rules, *mailbox).to_owned());
            (Vec::new(), matches!(decision.plan.act, Act::OfferText { .. }))
        }
        Act::PromiseText | Act::Thank | Act::Reject(_) | Act::Hangup(_) | Act::Handoff { .. } | Act::Nothing => {
            (Vec::new(), false)
        }
    }
}

/// How much a test says; what it says too much is left out of the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Everything that is known.
    All,
    /// Not for the how-maniest time the caller calls: the earlier calls may be long past.
    FirstAttempt,
}

impl Told {
    /// A name for the test that says what happens.
    pub fn sentence(&self) -> String {
        let rings = if self.rings.is_empty() { String::new() } else { format!(" rings {}", self.rings.join(", ")) };
        let and = if rings.is_empty() { "" } else { " and" };
        let ends = self.ends.map_or_else(|| " goes on".to_owned(), |end| format!("{and} ends {}", end.word()));
        format!("the call of {}{rings}{ends}", self.at)
    }

    /// The test as YAML, an item of the list.
    pub fn lines(&self, name: &str, detail: Detail) -> Vec<String> {
        let mut call =
            format!("to: {}, from: {}, at: {}", quoted(&self.to), quoted(&self.from), always_quoted(&self.at));
        if !self.switches.is_empty() {
            let one = |(name, on): &(String, bool)| format!("{}: {}", quoted(name), if *on { "on" } else { "off" });
            let _infallible = write!(call, ", switches: {{ {} }}", joined(self.switches.iter().map(one)));
        }
        if self.attempt > 1 && detail == Detail::All {
            let _infallible = write!(call, ", attempt: {}", self.attempt);
        }
        if self.attestation != Attestation::Unsigned {
            let _infallible = write!(call, ", attestation: {}", self.attestation.word());
        }
        let mut lines = vec![format!("- name: {}", always_quoted(name)), format!("  call: {{ {call} }}")];
        if !self.legs.is_empty() {
            let one = |(name, words): &(String, Vec<&str>)| match words.as_slice() {
                [word] => format!("{}: {word}", quoted(name)),
                words => format!("{}: [{}]", quoted(name), words.join(", ")),
            };
            lines.push(format!("  legs: {{ {} }}", joined(self.legs.iter().map(one))));
        }
        if !self.keys.is_empty() {
            lines.push(format!("  keys: [{}]", joined(self.keys.iter().map(|key| always_quoted(key)))));
        }
        let mut expect = Vec::new();
        expect.extend(self.ends.map(|end| format!("ends: {}", end.word())));
        expect.push(format!("rings: [{}]", joined(self.rings.iter().map(|name| quoted(name)))));
        // A mailbox that is written in place has no name to expect.
        let named = self.mailbox.as_ref().filter(|name| !name.contains(['/', '[']) && *name != "finally");
        expect.extend(named.map(|name| format!("mailbox: {}", quoted(name))));
        lines.push(format!("  expect: {{ {} }}", expect.join(", ")));
        lines
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// A name as YAML takes it for a text.
fn quoted(text: &str) -> String {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == '-';
    let opens = text.starts_with(|sign: char| sign.is_ascii_alphabetic());
    let word =
        ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if opens && !word && text.chars().all(plain) { text.to_owned() } else { always_quoted(text) }
}

/// The text in the quotes of JSON, which YAML reads alike.
fn always_quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The text of a rule file with one more test.
pub fn inserted(text: &str, item: &[String]) -> Result<String, CaseError> {
    let lines: Vec<&str> = text.lines().collect();
    let Some(head) = lines.iter().position(|line| line.starts_with("tests:")) else {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Ok(format!("{text}{gap}\ntests:\n{}", indented(item, 2)));
    };
    let after = lines.get(head).and_then(|line| line.strip_prefix("tests:")).unwrap_or_default();
    let after = after.split(" #").next().unwrap_or_default().trim();
    if after == "[]" {
        let mut out = rejoined(lines.get(..head).unwrap_or_default());
        out.push_str("tests:\n");
        out.push_str(&indented(item, 2));
        out.push_str(&rejoined(lines.get(head + 1..).unwrap_or_default()));
        return Ok(out);
    }
    if !after.is_empty() {
        return Err(CaseError::Brackets(head + 1));
    }
    let body = lines.get(head + 1..).unwrap_or_default();
    let belongs = |line: &&str| line.is_empty() || line.starts_with([' ', '#', '-', '\t']);
    let length = body.iter().take_while(|line| belongs(line)).count();
    let block = body.get(..length).unwrap_or_default();
    let is_item = |line: &&str| line.trim_start().starts_with("- ");
    let indent = block.iter().find(|line| is_item(line)).map_or(2, |line| line.len() - line.trim_start().len());
    let said = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let last = block.iter().rposition(said).map_or(0, |at| at + 1);
    let (before, rest) = lines.split_at_checked(head + 1 + last).unwrap_or_default();
    Ok(rejoined(before) + &indented(item, indent) + &rejoined(rest))
}

/// The text of a rule file that includes that file of tests.
pub fn including(text: &str, path: &str) -> Result<String, CaseError> {
    let Some(at) = text.lines().position(|line| line.starts_with("use:")) else {
        let lines: Vec<&str> = text.lines().collect();
        let after = lines.iter().position(|line| line.starts_with("version:")).map_or(0, |at| at + 1);
        let (before, rest) = lines.split_at_checked(after).unwrap_or_default();
        return Ok(format!("{}use: [{path}]\n{}", rejoined(before), rejoined(rest)));
    };
    if text.contains(path) { Ok(text.to_owned()) } else { Err(CaseError::NotIncluded(at + 1, path.to_owned())) }
}

fn rejoined(lines: &[&str]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        text.push_str(line);
        text.push('\n');
        text
    })
}

fn indented(item: &[String], by: usize) -> String {
    item.iter().fold(String::new(), |mut text, line| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "{:by$}{line}", "");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Vec<String> {
        vec!["- name: \"new\"".to_owned(), "  call: {}".to_owned()]
    }

    #[test]
    fn a_test_is_added_to_the_list_and_the_rest_stays() {
        let text = "version: 1\ntests:\n  - name: \"old\" # keep\n    call: {}\n\n# about the end\nfinally: x\n";
        let expected = "version: 1\ntests:\n  - name: \"old\" # keep\n    call: {}\n  - name: \"new\"\n    call: {}\n\n# about the end\nfinally: x\n";
        assert_eq!(inserted(text, &item()).unwrap(), expected);
    }

    #[test]
    fn a_list_is_begun_where_there_is_none() {
        assert_eq!(inserted("version: 1", &item()).unwrap(), "version: 1\n\ntests:\n  - name: \"new\"\n    call: {}\n");
        let empty = "tests: []\nfinally: x\n";
        assert_eq!(inserted(empty, &item()).unwrap(), "tests:\n  - name: \"new\"\n    call: {}\nfinally: x\n");
        let flush = "tests:\n- name: old\n";
        assert_eq!(inserted(flush, &item()).unwrap(), "tests:\n- name: old\n- name: \"new\"\n  call: {}\n");
        assert_eq!(inserted("tests: [{ name: a }]\n", &item()), Err(CaseError::Brackets(1)));
    }

    #[test]
    fn words_that_yaml_reads_otherwise_are_quoted() {
        for (text, expected) in [("dana", "dana"), ("on", "\"on\""), ("+1312", "\"+1312\""), ("a b", "\"a b\"")] {
            assert_eq!(quoted(text), expected);
        }
    }
}
