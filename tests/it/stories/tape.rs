//! Every call story recorded with stand-ins and played again: what is answered then must be what was answered.

use std::path::PathBuf;

use ringfall::audit::record::Record;
use ringfall::replay::again::{Stage, Tape};
use ringfall::replay::differ::judge;
use ringfall::replay::recording::{Recording, RulesOf};
use ringfall::replay::standins::{Key, Own, StandIns};
use ringfall::replay::take::{self, Studio};
use ringfall::rules::ruleset::RuleSet;
use ringfall::twiml::templates::Templates;

use super::story::{Story, repository};

/// Recordings are the same each time they are made.
const KEY: &[u8] = b"the fixtures of this repository";

/// What does not come out as it went in.
pub(crate) fn differences(name: &str, story: &Story, rules: &RuleSet, records: &[Record]) -> Vec<String> {
    let templates = Templates::built_in();
    let key = Key::new(&[KEY, name.as_bytes()].concat()).unwrap();
    let mut found = Vec::new();
    let file = story.rule_file().strip_prefix(repository()).unwrap().to_owned();
    match recorded(rules, &templates, records, &mut StandIns::new(&key, rules, Own::Stay), file) {
        Ok(recording) => {
            found.extend(faults(&recording, rules, &templates));
            keep(name, &recording);
        }
        Err(error) => found.push(format!("it cannot be recorded: {error}")),
    }
    found
}

fn recorded(
    rules: &RuleSet,
    templates: &Templates,
    records: &[Record],
    all: &mut StandIns<'_>,
    file: PathBuf,
) -> Result<Recording, take::TakeError> {
    let call = take::true_recording(records, rules.digest.key())?;
    let file = PathBuf::from("../..").join(file).display().to_string().replace("../../fixtures/", "../");
    let rules_of = RulesOf { digest: rules.digest.short(), file: Some(file), texts: Vec::new() };
    let stage = || Stage::believing(rules, templates);
    take::stand_in(&call, &Studio { then: stage(), after: stage(), rules: rules_of }, all)
}

/// What the recording is answered now otherwise than then, with signatures checked and without, and as a text.
fn faults(recording: &Recording, rules: &RuleSet, templates: &Templates) -> Vec<String> {
    let mut found = Vec::new();
    match Recording::read("it.yaml", &recording.text()) {
        Ok(read) if read == *recording => {}
        Ok(_) => found.push("the recording reads otherwise than it was written".to_owned()),
        Err(error) => found.push(format!("the recording cannot be read: {error}")),
    }
    let tape = match Tape::of(recording) {
        Ok(tape) => tape,
        Err(error) => return vec![format!("the recording cannot be played: {error}")],
    };
    for stage in [Stage::believing(rules, templates), Stage::verifying(rules, templates)] {
        let verdict = judge(recording, &tape, &stage);
        found.extend(verdict.differences.iter().map(|difference| format!("played again: {difference:?}")));
        if verdict.left_out > 0 || verdict.played != recording.webhooks.len() {
            found.push(format!("played again: {} left out", verdict.left_out));
        }
    }
    found
}

/// The stories whose recordings stand in `fixtures/recorded/`.
const KEPT: [&str; 28] = [
    "backup-talks",
    "both-busy",
    "confirmed-by-voice",
    "declined-by-key",
    "every-request-thrice",
    "flow-in-spanish",
    "forwarded-by-the-primary",
    "gone-in-the-message",
    "gone-while-ringing",
    "greeting-for-a-friend",
    "handoff-sip",
    "hangup",
    "mailbox-with-screening",
    "menu-key",
    "menu-speech",
    "menu-wrong-keys",
    "offer-taken",
    "old-account-talks",
    "reject-closed",
    "shipped-after-hours",
    "shipped-in-hours",
    "shipped-tour-holiday",
    "shipped-urgent-night",
    "text-and-notice",
    "together-one-answers",
    "unlisted-number",
    "voicemail-transcribed",
    "withheld-caller",
];

fn keep(name: &str, recording: &Recording) {
    if std::env::var_os("RINGFALL_UPDATE_FIXTURES").is_some() && KEPT.contains(&name) {
        let path = repository().join("fixtures/recorded").join(format!("{name}.yaml"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, recording.text()).unwrap();
    }
}
