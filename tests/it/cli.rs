//! The command line as its user meets it: the built binary, its exit code, its words.

use std::process::{Command, Output};

fn ringfall(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringfall")).args(args).env("NO_COLOR", "1").output().unwrap()
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn no_command_is_misuse_and_shows_the_help() {
    let output = ringfall(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output.stderr).contains("Usage: ringfall <COMMAND>"));
}

#[test]
fn an_unknown_option_is_misuse() {
    let output = ringfall(&["init", "--frobnicate"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output.stderr).contains("--frobnicate"));
}

#[test]
fn init_never_overwrites_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.yaml");
    let path = path.to_str().unwrap();
    assert_eq!(ringfall(&["init", path]).status.code(), Some(0));
    std::fs::write(path, "mine").unwrap();
    let output = ringfall(&["init", path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output.stderr).contains("nothing was changed"));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = ringfall(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(words(&output.stdout).contains("ringfall"), "{shell}");
    }
}
