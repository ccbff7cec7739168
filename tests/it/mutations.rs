//! Rule files with a few bytes changed: nothing makes the loader stumble, and what it takes answers every call.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringfall::diagnostic::Diagnostic;
use ringfall::draw::diagnostics::{self, Style};
use ringfall::files::Folder;
use ringfall::journey::people::{Reply, Script};
use ringfall::journey::{self, Call, verdict};
use ringfall::model::call::{Attestation, State};
use ringfall::model::ids::{ContactId, LineId};
use ringfall::model::leg::Leg;
use ringfall::model::phone::Caller;
use ringfall::rules::load;
use ringfall::rules::ruleset::RuleSet;

use crate::chance::Chance;

const FILES: usize = 2_000;

/// Nobody who checks a file waits longer; the debug build is ten times slower than what is shipped.
const LONGEST: Duration = Duration::from_secs(5);

/// What people and programs write into YAML when it goes wrong.
const PIECES: [&str; 40] = [
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    "- ",
    ",",
    "#",
    "|",
    ">",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "\t",
    "\n",
    "\r\n",
    "\u{feff}",
    "\0",
    "\u{2028}",
    "é",
    "𝄞",
    "~",
    "null",
    "yes",
    "0",
    "-1",
    "99999999999999999999",
    "1e999",
    ".inf",
    "+16195550100",
    "2026-02-30",
    "25:61",
    "mon-sun",
    "0s",
    "99999h",
    "{{caller}}",
];

fn bases() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["routing-rules", "fixtures/rules/good", "fixtures/rules/bad", "fixtures/calls/rules"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "yaml") {
                let text = fs::read(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 20);
    found
}

/// Changes a little of the text.
pub(crate) fn mutate(chance: &mut Chance, text: &mut Vec<u8>, others: &[(PathBuf, Vec<u8>)]) {
    let at = chance.below(text.len() + 1);
    let until = (at + 1 + chance.below(12)).min(text.len());
    match chance.below(8) {
        0 => drop(text.drain(at..until)),
        1 if at < text.len() => text[at] = u8::try_from(chance.below(256)).unwrap(),
        2 | 3 => drop(text.splice(at..at, chance.one_of(&PIECES).bytes())),
        4 => drop(text.splice(at..until, chance.one_of(&PIECES).bytes())),
        // A line of another file.
        5 => {
            let (_, other) = chance.one_of(others);
            let lines: Vec<_> = other.split_inclusive(|byte| *byte == b'\n').collect();
            let line = chance.one_of(&lines).to_vec();
            let start = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
            drop(text.splice(start..start, line));
        }
        // A line twice, or away.
        6 => {
            let mut lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            if let Some(line) = lines.get(chance.below(lines.len().max(1))).cloned() {
                let place = chance.below(lines.len());
                if chance.once_in(2) { lines.insert(place, line) } else { drop(lines.remove(place)) }
            }
            *text = lines.concat();
        }
        // Two words of the file change places.
        _ => {
            let words: Vec<(usize, usize)> = words(text);
            if words.len() > 1 {
                let mut pair = [*chance.one_of(&words), *chance.one_of(&words)];
                pair.sort_unstable();
                let [(first, first_end), (second, second_end)] = pair;
                if first_end <= second {
                    let later = text[second..second_end].to_vec();
                    let earlier = text[first..first_end].to_vec();
                    drop(text.splice(second..second_end, earlier));
                    drop(text.splice(first..first_end, later));
                }
            }
        }
    }
}

fn words(text: &[u8]) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in text.iter().chain(b" ").enumerate() {
        let inside = byte.is_ascii_alphanumeric() || b"+_-.:".contains(byte);
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push((from, at));
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    words
}

/// Whether it was taken as rules.
fn tries(path: &Path, text: &[u8], chance: &mut Chance) -> bool {
    let loaded =
        load("acme.yaml", text, &Folder::new(path.parent().unwrap().to_owned()), jiff::civil::date(2026, 11, 21));
    let errors = loaded.diagnostics.iter().filter(|found| found.is_error()).count();
    assert_eq!(loaded.rules.is_none(), errors > 0, "rules without errors, or errors without rules");
    for diagnostic in &loaded.diagnostics {
        has_its_place(diagnostic);
    }
    let shown = diagnostics::text(&loaded.diagnostics, Style::Plain);
    assert_eq!(shown.is_empty(), loaded.diagnostics.is_empty());
    assert!(!diagnostics::json(&loaded.diagnostics).is_null());
    let Some(rules) = &loaded.rules else { return false };
    for case in &loaded.cases {
        let _verdict = verdict::judge(rules, case);
    }
    for _ in 0..10 {
        ends(rules, chance);
    }
    true
}

fn has_its_place(diagnostic: &Diagnostic) {
    assert!(!diagnostic.message.is_empty() && !diagnostic.message.ends_with('.'), "{diagnostic:?}");
    for label in diagnostic.primary.iter().chain(&diagnostic.secondary) {
        assert!(label.source.text.get(label.span.clone()).is_some(), "{diagnostic:?}");
        let (line, column) = label.line_and_column();
        assert!(line > 0 && column > 0);
    }
}

/// Any call under the rules comes to an end, whoever calls, and whatever people do.
fn ends(rules: &RuleSet, chance: &mut Chance) {
    let index = |chance: &mut Chance, count: usize| u16::try_from(chance.below(count.max(1))).unwrap();
    let mut script = Script::new();
    for _ in 0..4 {
        let contact = ContactId(index(chance, rules.contacts.len()));
        script = script.leg(contact, [*chance.one_of(&Leg::ALL)]);
        let reply: &str = ["1", "2", "9", "", "hangup", "yes"][chance.below(6)];
        script = script.key(Reply::read(reply));
    }
    let call = Call {
        line: (!chance.once_in(8)).then(|| LineId(index(chance, rules.lines.len()))),
        caller: Caller::parse(["+14155550123", "anonymous", "sip:sam@pbx.example.com", "911"][chance.below(4)]),
        forwarded_from: None,
        attestation: *chance.one_of(&Attestation::ALL),
        at: 1_795_000_000 + i64::try_from(chance.below(400 * 86_400)).unwrap(),
        state: State::default(),
    };
    let journey = journey::travel(rules, &call, &mut script);
    assert!(!journey.stops.is_empty());
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a file that takes a minute to check is as bad as one that cannot be read"
)]
fn no_changed_rule_file_makes_the_loader_stumble_or_dawdle() {
    let bases = bases();
    let good: Vec<_> = bases.iter().filter(|(path, _)| !path.to_string_lossy().contains("/bad/")).cloned().collect();
    let mut taken = 0;
    for number in 0..FILES {
        let mut chance = Chance::new(number as u64);
        // Good files come up more often: what is nearly right goes deepest.
        let from = if chance.once_in(3) { &bases } else { &good };
        let (path, base) = chance.one_of(from);
        let mut text = base.clone();
        for _ in 0..=chance.below(3) {
            mutate(&mut chance, &mut text, &bases);
        }
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| tries(path, &text, &mut chance)));
        let shown = || format!("file {number}, from {}:\n{}", path.display(), String::from_utf8_lossy(&text));
        assert!(outcome.is_ok(), "{}", shown());
        assert!(started.elapsed() < LONGEST, "{:?} for {}", started.elapsed(), shown());
        taken += usize::from(outcome.is_ok_and(|taken| taken));
    }
    assert!(taken > FILES / 50 && taken < FILES, "{taken} were taken: the changes are too small or too large");
}
