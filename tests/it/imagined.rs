//! `explain` and `test` as their users meet them: imagined calls through rule files on disk.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const RULES: &str = r#"
version: 1
timezone: America/Chicago
lines:
  office: { number: "+13125550100", start: office }
  urgent: { number: "+13125550199", start: urgent }
contacts:
  dana: { number: "+13125550111", notify: sms, max_calls: 1 }
  desk: { number: "+13125550120", confirm: none }
hours: { open: mon-fri 08:00-17:00 }
switches: { storm: { expires: 4h } }
flows:
  office:
    - { name: storm, when: { switch: storm }, cascade: [{ hangup: We are closed. }] }
    - { name: open, when: open, cascade: [{ ring: desk, for: 20s }] }
  urgent:
    - { name: third-try, when: { attempt: 3 }, cascade: [{ ring: desk, for: 20s }] }
    - { name: urgent, cascade: [{ ring: dana, for: 20s }] }
finally: { voicemail: Please leave a message. }
tests:
  - { name: the desk takes it, call: { to: office, at: "2026-03-09 10:00" }, legs: { desk: answered }, expect: { ends: connected } }
"#;

/// The rules above in a folder of their own, which lives as long as what is returned.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("acme.yaml"), RULES).unwrap();
    folder
}

fn ringfall(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = command(folder, args).output().unwrap();
    parts(&output)
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfall"));
    command.current_dir(folder).args(args).env("NO_COLOR", "1");
    command
}

fn parts(output: &Output) -> (Option<i32>, String, String) {
    let words = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), words(&output.stdout), words(&output.stderr))
}

#[test]
fn a_call_is_explained_to_its_end() {
    let folder = folder();
    let args = ["explain", "--to", "urgent", "--at", "2026-03-08 03:10", "--leg", "dana=mailbox", "acme.yaml"];
    let (code, out, err) = ringfall(folder.path(), &args);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for piece in [
        "call     to urgent (+13125550199) from +12025550100 on Sun 2026-03-08 03:10:00 (America/Chicago, UTC-05:00, the clocks change this day)",
        "rule #1 third-try: no, attempt at least 3",
        "rule #2 urgent: taken, it has no condition",
        "dana: answered_no_key, 24 s",
        "flows/urgent/1/cascade/0",
        "end      voicemail",
        "hint     dana: picked up and pressed nothing",
        "told     Sun 3:10: rang dana (picked up, no key), went to voicemail",
    ] {
        assert!(out.contains(piece), "{piece}\n{out}");
    }
}

#[test]
fn switches_attempts_and_legs_change_where_a_call_goes() {
    let folder = folder();
    for (args, end) in [
        (&["--to", "office", "--switch", "storm=on"][..], "end      hung_up"),
        (&["--to", "office", "--switch", "storm", "--switch", "storm=off"], "end      voicemail"),
        (&["--to", "office", "--leg", "desk=answered"], "end      connected after 8 s"),
        (&["--to", "urgent", "--attempt", "3", "--leg", "desk=answered"], "rule #1 third-try: taken"),
        (&["--to", "+13125550199", "--leg", "dana=caller-hangs-up"], "end      caller_gone"),
        (&["--to", "urgent", "--from", "+13125550111"], "dana: left out, it is the number that calls"),
        (&["--to", "office", "--from", "withheld"], "from withheld"),
        (&["--to", "urgent", "--forwarded-from", "+13125550111"], "or that forwarded the call to us"),
        (&["--to", "urgent", "--active", "dana=1"], "dana: left out, already on a call of ours"),
    ] {
        let args = [&["explain", "--at", "2026-03-09 10:00"], args, &["acme.yaml"]].concat();
        let (code, out, err) = ringfall(folder.path(), &args);
        assert_eq!(code, Some(0), "{args:?}\n{err}");
        assert!(out.contains(end), "{args:?}\n{out}");
    }
}

#[test]
fn what_cannot_be_asked_is_answered_with_a_way_out() {
    let folder = folder();
    for (args, way_out) in [
        (&[][..], "say so with `--to`: +13125550100 (office), +13125550199 (urgent)"),
        (&["--to", "sales"], "`sales` is in none of the lines"),
        (&["--to", "office", "--leg", "desc=busy"], "there is no contact `desc`; did you mean `desk`?"),
        (&["--to", "office", "--leg", "desk=bussy"], "did you mean `busy`?"),
        (&["--to", "office", "--leg", "desk"], "write `desk=answered`"),
        (&["--to", "office", "--switch", "strom"], "there is no switch `strom`; did you mean `storm`?"),
        (&["--to", "office", "--switch", "storm=maybe"], "a switch is on or off, not `maybe`"),
        (&["--to", "office", "--at", "tomorrow"], "such as `2026-03-06 15:00`"),
        (&["--to", "office", "--at", "2026-03-08 02:30"], "does not exist in America/Chicago"),
        (&["--to", "office", "--from", "5550143"], "`5550143` cannot call"),
    ] {
        let args = [&["explain"], args, &["acme.yaml"]].concat();
        let (code, out, err) = ringfall(folder.path(), &args);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}");
        assert!(err.contains(way_out), "{args:?}\n{err}");
    }
}

#[test]
fn the_number_called_chooses_the_file_of_a_folder() {
    let folder = folder();
    let rules = folder.path().join("routing-rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::copy(folder.path().join("acme.yaml"), rules.join("acme.yaml")).unwrap();
    std::fs::write(rules.join("other.yaml"), RULES.replace("+131255501", "+161955501")).unwrap();
    let (code, out, _) = ringfall(folder.path(), &["explain", "--to", "+16195550100"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("to office (+16195550100)"), "{out}");
    let (code, _, err) = ringfall(folder.path(), &["explain", "--to", "office"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("routing-rules/acme.yaml, routing-rules/other.yaml"), "{err}");
}

#[test]
fn a_number_of_nobody_goes_to_finally() {
    let folder = folder();
    let (code, out, err) = ringfall(folder.path(), &["explain", "--to", "+13125550142", "acme.yaml"]);
    assert_eq!(code, Some(0));
    assert!(err.contains("in none of the lines"), "{err}");
    assert!(out.contains("! the number called is none of our lines") && out.contains("end      voicemail"), "{out}");
}

#[test]
fn rules_come_from_standard_input_as_well() {
    let folder = folder();
    let mut child = command(folder.path(), &["explain", "--to", "urgent", "--format", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(RULES.as_bytes()).unwrap();
    let (code, out, _) = parts(&child.wait_with_output().unwrap());
    assert_eq!(code, Some(0));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["end"], &json["rings"][0]["contact"]), (&"voicemail".into(), &"dana".into()));
}

#[test]
fn a_flowchart_opens_as_one() {
    let folder = folder();
    let args = ["explain", "--to", "urgent", "--format", "mermaid", "acme.yaml"];
    let (code, out, _) = ringfall(folder.path(), &args);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("flowchart TD\n") && out.contains(" -.-> "), "{out}");
}

#[test]
fn tests_that_pass_are_fine_and_tests_that_fail_are_findings() {
    let folder = folder();
    let (code, out, _) = ringfall(folder.path(), &["test", "acme.yaml"]);
    assert_eq!(code, Some(0));
    assert_eq!(out, "acme.yaml\n  ok    the desk takes it\n\n1 test: 1 passed\n");
    let broken = RULES.replace("desk: answered", "desk: busy");
    std::fs::write(folder.path().join("broken.yaml"), broken).unwrap();
    let (code, out, _) = ringfall(folder.path(), &["test", "acme.yaml", "broken.yaml"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("FAIL  the desk takes it (line 21)"), "{out}");
    assert!(out.contains("ends: expected connected, got voicemail"), "{out}");
    assert!(out.ends_with("2 tests: 1 passed, 1 failed\n"), "{out}");
    let again =
        "ringfall explain --to +13125550100 --from +12025550100 --at '2026-03-09 10:00' --leg desk=busy broken.yaml";
    assert!(out.contains(again), "{out}");
    let (code, out, _) = ringfall(folder.path(), &["test", "--format", "junit", "broken.yaml"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("<testsuites tests=\"1\" failures=\"1\">"), "{out}");
}

#[test]
fn tests_that_come_to_too_little_are_findings() {
    let folder = folder();
    let (code, out, err) = ringfall(folder.path(), &["test", "--coverage", "--fail-under", "22", "acme.yaml"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("coverage 22%: rules 1/4, steps 1/5, menu keys 0/0"), "{out}");
    assert!(out.contains("not reached: flows/urgent/1\n"), "{out}");
    let (code, _, err) = ringfall(folder.path(), &["test", "--fail-under", "23", "acme.yaml"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("come to 22% of it, less than 23%"), "{err}");
}

#[test]
fn a_file_that_cannot_be_used_is_shown_with_its_place() {
    let folder = folder();
    std::fs::write(folder.path().join("bad.yaml"), RULES.replace("ring: dana", "ring: dena")).unwrap();
    for command in ["explain", "test"] {
        let (code, _, err) = ringfall(folder.path(), &[command, "bad.yaml"]);
        assert_eq!(code, Some(1), "{command}");
        assert!(err.contains("bad.yaml:") && err.contains("did you mean `dana`?"), "{err}");
        let (code, _, err) = ringfall(folder.path(), &[command, "missing.yaml"]);
        assert_eq!(code, Some(3), "{command}");
        assert!(err.contains("could not read `missing.yaml`"), "{err}");
    }
}

#[test]
fn the_shipped_rules_pass_their_own_tests() {
    let (code, out, err) = ringfall(Path::new(env!("CARGO_MANIFEST_DIR")), &["test"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("urgent-line.yaml"), "{out}");
}

#[test]
fn the_calendar_shows_every_change_of_the_days_asked_for() {
    let folder = folder();
    let args = ["calendar", "--start", "2026-03-07", "--days", "3", "--line", "office", "acme.yaml"];
    let (code, out, err) = ringfall(folder.path(), &args);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(
        out,
        "office (+13125550100), times in America/Chicago
  Sat 2026-03-07 00:00  no rule  voicemail  <- nobody can be reached
  Sun 2026-03-08        * the clocks go forward from 02:00 to 03:00: what lies between does not come
  Mon 2026-03-09 08:00  open     ring desk 20 s, else voicemail
  Mon 2026-03-09 17:00  no rule  voicemail  <- nobody can be reached
  nobody can be reached 88% of the time; the longest stretch is 55 h from Sat 2026-03-07 00:00
"
    );
    let args = ["calendar", "--start", "2026-03-09", "--days", "1", "--switch", "storm", "--format", "json"];
    let (code, out, _) = ringfall(folder.path(), &[&args[..], &["acme.yaml"]].concat());
    assert_eq!(code, Some(0));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["files"][0]["lines"][0]["stretches"][0]["rule"], "storm");
    assert_eq!(json["files"][0]["lines"][1]["stretches"][0]["rings"][0], "dana");
}

#[test]
fn a_calendar_that_cannot_be_asked_for_is_misuse_with_a_way_out() {
    let folder = folder();
    for (args, part) in [
        (["--start", "2026-02-30"], "there is no `2026-02-30` in the calendar"),
        (["--line", "ofice"], "there are office, urgent"),
        (["--from", "12"], "`12` cannot call"),
        (["--switch", "strom"], "did you mean `storm`?"),
    ] {
        let (code, out, err) = ringfall(folder.path(), &["calendar", args[0], args[1], "acme.yaml"]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains(part), "{err}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_command_without_a_word() {
    let folder = folder();
    let mut child = command(folder.path(), &["calendar", "--days", "400", "--format", "json", "acme.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Nobody reads: the pipe is closed before anything is written to it.
    drop(child.stdout.take());
    let (code, _, err) = parts(&child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""));
}

#[test]
fn a_caller_who_would_hear_nothing_is_warned_of() {
    let folder = folder();
    let rules = RULES.replace(
        "cascade: [{ ring: dana, for: 20s }]",
        "cascade: [{ say: One moment please. }, { ring: dana, for: 20s }]",
    );
    std::fs::write(folder.path().join("acme.yaml"), rules).unwrap();
    let args =
        ["explain", "--hear", "--to", "urgent", "--at", "2026-03-09 10:00", "--leg", "dana=mailbox", "acme.yaml"];
    let (code, out, err) = ringfall(folder.path(), &args);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for piece in [
        " 0:00    speech     2 s  \"One moment please.\"",
        " 0:02    ringing    8 s  ringing dana",
        " 0:10    silence   16 s  while dana is asked to take the call",
        "heard    8 s of ringing, 4 s of speech, 16 s of silence; the caller waited 28 s",
        "warning  16 s of silence from 0:10 on: callers take the line for dead and hang up",
    ] {
        assert!(out.contains(piece), "{piece}\n{out}");
    }
    let (code, out, _) = ringfall(folder.path(), &[&args[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["silence_seconds"], &json["heard"][0]["sound"]), (Some(0), &16.into(), &"speech".into()));
    let (code, _, err) = ringfall(folder.path(), &[&args[..], &["--format", "mermaid"]].concat());
    assert_eq!(code, Some(2));
    assert!(err.contains("is no flowchart"), "{err}");
}
