//! `ringfall check`, `schema` and `init` as their user meets them.

use std::process::{Command, Output, Stdio};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/routing-rules");
const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/twiml-templates");

fn ringfall(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringfall")).args(args).env("NO_COLOR", "1").stdin(Stdio::null()).output().unwrap()
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn small() -> String {
    std::fs::read_to_string(format!("{SHIPPED}/small-business.yaml")).unwrap()
}

#[test]
fn the_shipped_files_are_fine_even_strictly() {
    let output = ringfall(&["check", "--strict", "--templates", TEMPLATES, SHIPPED]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output.stdout));
    assert!(output.stdout.is_empty());
    assert!(
        words(&output.stderr).starts_with("checked 3 rule files and 14 templates, 9 promises proved: nothing wrong")
    );
}

#[test]
fn the_starting_file_is_fine_and_its_tests_pass() {
    let output = ringfall(&["init", "-"]);
    let folder = folder(&[("acme.yaml", &words(&output.stdout))]);
    let path = folder.path().to_str().unwrap();
    assert_eq!(ringfall(&["check", "--strict", path]).status.code(), Some(0));
    assert_eq!(ringfall(&["test", path]).status.code(), Some(0));
}

#[test]
fn mistakes_are_findings_and_all_are_shown() {
    let text = small().replace("America/Los_Angeles", "America/Los_Angles").replace("for: 20s", "fro: 20s");
    let folder = folder(&[("acme.yaml", &text)]);
    let path = folder.path().join("acme.yaml");
    let output = ringfall(&["check", "--format", "lines", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let lines = words(&output.stdout);
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(lines.contains("acme.yaml:5:11: error[unknown-zone]: timezone: "), "{lines}");
    assert!(lines.contains("error[unknown-field]"), "{lines}");
}

#[test]
fn a_number_in_two_files_is_shown_with_both_places() {
    let folder = folder(&[("acme.yaml", &small()), ("bright.yaml", &small())]);
    let output = ringfall(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = words(&output.stdout);
    assert!(text.contains("error[number-twice]"), "{text}");
    assert!(text.contains("acme.yaml:6") && text.contains("bright.yaml:6"), "{text}");
}

#[test]
fn a_file_whose_name_is_no_organization_is_shown() {
    let folder = folder(&[("Acme Tours.yaml", &small())]);
    let output = ringfall(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output.stdout).contains("error[file-name]"));
}

#[test]
fn a_broken_promise_comes_with_the_call_that_breaks_it() {
    let text = small().replace("caller_waits_at_most: 90s", "caller_waits_at_most: 30s");
    let folder = folder(&[("acme.yaml", &text)]);
    let output = ringfall(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = words(&output.stdout);
    assert!(text.contains("error[broken-promise]"), "{text}");
    assert!(text.contains("ring primary: primary answered_no_key"), "{text}");
}

#[test]
fn a_template_that_twilio_would_refuse_is_shown_with_its_place() {
    let folder = folder(&[("acme.yaml", &small()), ("templates/reject.xml.j2", "<Response><Rejekt/></Response>\n")]);
    let templates = folder.path().join("templates");
    let output = ringfall(&["check", "--templates", templates.to_str().unwrap(), folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = words(&output.stdout);
    assert!(text.contains("reject.xml.j2:1"), "{text}");
    assert!(text.contains("Rejekt"), "{text}");
}

#[test]
fn a_fault_in_the_speaking_part_alone_is_shown_where_it_is() {
    let part = "{% if part.play %}<Play>{{ part.play }}</Play>\n{% else %}<Say>{{ part.sy }}</Say>{% endif %}\n";
    let folder = folder(&[("acme.yaml", &small()), ("templates/speech.xml.j2", part)]);
    let templates = folder.path().join("templates");
    let output = ringfall(&["check", "--templates", templates.to_str().unwrap(), folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = words(&output.stdout);
    assert!(text.contains("error[failing-template]") && text.contains("speech.xml.j2:2"), "{text}");
}

#[test]
fn the_starting_file_gets_a_name_that_an_organization_can_have() {
    let folder = folder(&[]);
    for name in ["shop", "My Shop.yaml"] {
        let output = ringfall(&["init", folder.path().join(name).to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(!folder.path().join(name).exists());
    }
}

#[test]
fn choosing_tests_that_are_not_there_is_misuse() {
    let output = ringfall(&["test", "--only", "no such test", SHIPPED]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output.stderr).contains("no test has `no such test` in its name"));
}

#[test]
fn a_reader_who_has_had_enough_is_no_fault() {
    for command in ["schema", "init -", "completions bash", "test --format json"] {
        let script = format!("'{}' {command} | true", env!("CARGO_BIN_EXE_ringfall"));
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("set -o pipefail; {script}")]).current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = shell.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}: {}", words(&output.stderr));
    }
}

#[test]
fn a_missing_file_could_not_be_checked() {
    let output = ringfall(&["check", "no-such-file.yaml"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(words(&output.stderr).contains("could not read `no-such-file.yaml`"));
}

#[test]
fn the_schema_is_the_one_checked_in() {
    let output = ringfall(&["schema"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(words(&output.stdout), std::fs::read_to_string(format!("{SHIPPED}/ringfall-1.schema.json")).unwrap());
}
