//! Recorded calls: the repository's own are played again, in process and over a socket, and broken ones are told of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use ringfall::replay::recording::Recording;
use ringfall::replay::schema;

use crate::support::{House, program};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn recorded() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("fixtures/recorded")).unwrap();
    let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(all.len() > 20, "the recordings are gone");
    all
}

fn replay(folder: &Path, args: &[&str]) -> Output {
    program(folder).arg("replay").args(args).output().unwrap()
}

/// A folder with one recording of the two people and its rules, as they stand in the repository.
fn two_people() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("calls/rules")).unwrap();
    fs::create_dir_all(folder.path().join("recorded")).unwrap();
    for name in ["calls/rules/two-people.yaml", "recorded/backup-talks.yaml", "recorded/mailbox-with-screening.yaml"] {
        fs::copy(root().join("fixtures").join(name), folder.path().join(name)).unwrap();
    }
    folder
}

fn change(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn the_schema_is_the_one_published_and_the_recordings_keep_to_it() {
    let path = root().join(schema::CHECKED_IN);
    if std::env::var_os("RINGFALL_UPDATE_FIXTURES").is_some() {
        fs::write(&path, schema::text()).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == schema::text(), "run: ringfall schema --fixture > {}", schema::CHECKED_IN);
    let printed = program(Path::new(".")).args(["schema", "--fixture"]).output().unwrap();
    assert_eq!(words(&printed.stdout), stored);
    let published = jsonschema::validator_for(&schema::value()).unwrap();
    for path in recorded() {
        let text = fs::read_to_string(&path).unwrap();
        let read = Recording::read(&path.display().to_string(), &text).unwrap();
        assert_eq!(read.text(), text, "{}", path.display());
        let value = serde_json::to_value(&read).unwrap();
        let complaints: Vec<_> = published.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(complaints.is_empty(), "{}: {complaints:?}", path.display());
    }
}

#[test]
fn the_recorded_calls_are_answered_as_they_were() {
    for args in [&["fixtures"][..], &["--verify"], &["--format", "json"], &["--format", "junit"]] {
        let output = replay(&root(), args);
        let (out, err) = (words(&output.stdout), words(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{args:?}\n{out}\n{err}");
        assert_eq!(err, "");
    }
}

#[test]
fn the_fixtures_name_nobody() {
    for path in recorded() {
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("%2B") {
            let number: String = text[at + 3..].chars().take_while(char::is_ascii_digit).collect();
            assert!(
                number.len() == 4 || number.len() == 11 && &number[4..9] == "55501",
                "{}: +{number}",
                path.display()
            );
        }
        for private in ["CallToken", "FromCity", "StirPassportToken", "RingfallTime"] {
            assert!(!text.contains(private), "{}: {private}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_answers_the_recorded_calls_as_they_were() {
    let rules = fs::read_to_string(root().join("fixtures/calls/rules/two-people.yaml")).unwrap();
    let house = House::with(&[("rules/two-people.yaml", &rules)]);
    let service = house.serve().await;
    let url = service.url("");
    let data = house.path("data").display().to_string();
    let all: Vec<String> = recorded().iter().map(|path| path.display().to_string()).collect();
    let of_two = all.iter().filter(|path| {
        let text = fs::read_to_string(path).unwrap();
        text.contains("org: two-people") && !text.contains("fault:")
    });
    let paths: Vec<String> = of_two.cloned().collect();
    assert!(paths.len() > 5, "{paths:?}");
    // Twice: each time the calls are others, or the server would answer what it answered before.
    for _ in 0..2 {
        let (url, data, sent) = (url.clone(), data.clone(), paths.clone());
        let output = tokio::task::spawn_blocking(move || {
            let mut args = vec!["--server", url.as_str(), "--data", data.as_str()];
            args.extend(sent.iter().map(String::as_str));
            replay(&root(), &args)
        });
        let output = output.await.unwrap();
        let (out, err) = (words(&output.stdout), words(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
        assert!(out.starts_with(&format!("{} calls answered as recorded;", paths.len())), "{out}");
    }
    assert!(service.counted("ringfall_webhooks_total{endpoint=\"continue\",outcome=\"repeated\"}").await == 0);
    service.running.stop().await;
}

#[test]
fn a_change_is_shown_with_its_place() {
    let folder = two_people();
    change(&folder.path().join("calls/rules/two-people.yaml"), "ring: backup", "ring: primary");
    let output = replay(folder.path(), &["recorded"]);
    let out = words(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    for part in [
        "recorded/backup-talks.yaml: call CA",
        "webhook 3, continue",
        "decision rings: expected `backup`, got `primary`",
        "later webhooks left out",
    ] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    let json = replay(folder.path(), &["recorded", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["summary"]["otherwise"], 2);
    let junit = words(&replay(folder.path(), &["recorded", "--format", "junit"]).stdout);
    assert!(junit.contains("failures=\"2\"") && junit.contains("webhook 3, continue: decision"), "{junit}");
}

#[test]
fn what_is_answered_now_becomes_the_expectation_when_asked() {
    let folder = two_people();
    let rules = folder.path().join("calls/rules/two-people.yaml");
    change(&rules, "20s", "25s");
    let output = replay(folder.path(), &["recorded", "--update"]);
    let out = words(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(out.contains("(written anew)") && out.contains("Dial timeout: expected `20`, got `25`"), "{out}");
    let again = replay(folder.path(), &["recorded", "--verify"]);
    assert_eq!(again.status.code(), Some(0), "{}{}", words(&again.stdout), words(&again.stderr));
    assert_eq!(words(&again.stderr), "", "the new digest stands in the files");
}

#[test]
fn a_rule_put_before_the_others_moves_no_call_that_does_not_meet_it() {
    let folder = two_people();
    let rules = folder.path().join("calls/rules/two-people.yaml");
    let text = fs::read_to_string(&rules).unwrap();
    let at = text.find("routes:\n").unwrap() + "routes:\n".len();
    let more = "  - { when: { attempt: 9 }, cascade: [{ ring: backup, for: 5s }, { ring: primary, for: 5s }] }\n";
    fs::write(&rules, format!("{}{more}{}", &text[..at], &text[at..])).unwrap();
    let output = replay(folder.path(), &["recorded"]);
    let (out, err) = (words(&output.stdout), words(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    assert!(err.contains("2 recordings went by other rules"), "{err}");
}

#[test]
fn what_cannot_be_played_is_told_with_its_place_and_the_rest_goes_on() {
    let folder = two_people();
    let recorded = folder.path().join("recorded");
    let good = fs::read_to_string(recorded.join("backup-talks.yaml")).unwrap();
    let write = |name: &str, text: String| fs::write(recorded.join(name), text).unwrap();
    let cut = good.lines().take(60).fold(String::new(), |text, line| text + line + "\n");
    write("cut.yaml", cut);
    write("no-yaml.yaml", good.replacen("  digest:", "\tdigest:", 1));
    write("older.yaml", good.replacen("fixture: 1", "fixture: 0", 1));
    write("newer.yaml", good.replacen("fixture: 1", "fixture: 9", 1));
    write("gone.yaml", good.replacen("two-people.yaml", "no-people.yaml", 1));
    write("nowhere.yaml", good.replacen("  file: ../calls/rules/two-people.yaml\n", "", 1));
    write("typo.yaml", good.replacen("templates:", "tempaltes:", 1));
    write("time.yaml", good.replacen("at: 2026-11-23T18:00:00Z", "at: yesterday", 1));
    write("path.yaml", good.replacen("/twilio/inbound-call", "/twilio/inbound-sms", 1));
    let output = replay(folder.path(), &["recorded"]);
    let (out, err) = (words(&output.stdout), words(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    assert_eq!(out, "2 calls answered as recorded, 9 could not be played; 18 webhooks\n");
    for part in [
        "recorded/cut.yaml:",
        "is the file cut off?",
        "recorded/no-yaml.yaml:6:",
        "recorded/older.yaml:2:1: a recording of form 0, and form 1 is read here: record the call again",
        "recorded/newer.yaml:2:1: a recording of form 9, and form 1 is read here: it takes a newer `ringfall`",
        "recorded/gone.yaml: its rules `recorded/../calls/rules/no-people.yaml` are gone: name others with `--rules`",
        "recorded/nowhere.yaml: its rules `fdf795e932461a2e` are gone: name others with `--rules`",
        "recorded/typo.yaml:",
        "tempaltes",
        "recorded/time.yaml: `at` of webhook 1 is no moment",
        "recorded/path.yaml: webhook 1: `/twilio/inbound-sms` is no address that calls ask",
    ] {
        assert!(err.contains(part), "{part} in\n{err}");
    }
    let named = replay(folder.path(), &["recorded/nowhere.yaml", "--rules", "calls/rules/two-people.yaml"]);
    assert_eq!(named.status.code(), Some(0), "{}", words(&named.stderr));
}

#[test]
fn a_forged_recording_is_noticed_when_signatures_are_checked() {
    let folder = two_people();
    change(&folder.path().join("recorded/backup-talks.yaml"), "Direction=inbound", "Direction=outbound-api");
    assert_eq!(replay(folder.path(), &["recorded"]).status.code(), Some(0));
    let output = replay(folder.path(), &["recorded", "--verify"]);
    let out = words(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("request: expected `an answer`, got `the signature: mismatch`"), "{out}");
}

#[test]
fn nothing_to_play_is_misuse_and_a_missing_folder_cannot_be_run() {
    let folder = tempfile::tempdir().unwrap();
    let output = replay(folder.path(), &["."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output.stderr).contains("there is no recorded call in `.`"));
    assert_eq!(replay(folder.path(), &["nowhere"]).status.code(), Some(3));
    assert_eq!(replay(folder.path(), &["--verify", "--server", "http://127.0.0.1:1"]).status.code(), Some(2));
}
