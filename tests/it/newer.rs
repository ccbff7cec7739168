//! Files that a newer program wrote, and folders where none has written yet.

use std::path::Path;

use crate::support::{House, program};

const NEWER: &str =
    "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (99, 'x', '', '0')";

/// Takes a step that nobody knows here.
fn bring_on(file: &Path) {
    rusqlite::Connection::open(file).unwrap().execute(NEWER, []).unwrap();
}

/// The exit code, and everything that was said.
fn said(house: &House, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = program(&house.path(""));
    command.args(arguments).env("RINGFALL_RULES", "rules").env("RINGFALL_LISTEN", "127.0.0.1:0");
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[tokio::test]
async fn an_outbox_of_a_newer_program_keeps_the_service_from_starting() {
    let house = House::new();
    house.serve().await.running.stop().await;
    bring_on(&house.path("data/outbox.db"));
    let (code, told) = said(&house, &["serve"]);
    assert_eq!(code, Some(3), "{told}");
    let (_, examined) = said(&house, &["doctor", "--offline"]);
    for told in [told, examined] {
        for part in ["outbox.db` has form 99, and this program knows forms up to", "the newer program", "saved before"]
        {
            assert!(told.contains(part), "no `{part}` in {told}");
        }
        assert!(!told.contains("away"), "{told}");
    }
}

#[tokio::test]
async fn a_journal_of_a_newer_program_is_not_even_read() {
    let house = House::new();
    house.serve().await.running.stop().await;
    bring_on(&house.path("data/ringfall.db"));
    for command in [&["serve"][..], &["report"], &["why", "CA1"], &["audit", "list"], &["doctor", "--offline"]] {
        let (code, told) = said(&house, command);
        assert_ne!(code, Some(0), "{command:?}: {told}");
        for part in ["ringfall.db` has form 99, and this program knows forms up to", "the newer program"] {
            assert!(told.contains(part), "{command:?}: no `{part}` in {told}");
        }
    }
}

#[test]
fn before_anything_was_recorded_readers_say_how_it_begins() {
    let house = House::new();
    for command in [&["report"][..], &["why", "CA1"], &["audit", "list"]] {
        let (code, told) = said(&house, command);
        assert_eq!(code, Some(3), "{command:?}: {told}");
        let way_out = "nothing has been recorded yet in `data`; start `ringfall serve`";
        assert!(told.contains(way_out) && !told.contains("writ"), "{command:?}: {told}");
    }
    assert!(!house.path("data").exists());
}
