//! How tests of rule files look, passed and failed.

use crate::draw::verdicts::{self, FileTests, Show};
use crate::journey::coverage::coverage;
use crate::journey::verdict::judge;
use crate::rules::{NoFiles, load};

const RULES: &str = r#"
version: 1
timezone: America/Chicago
numbers: ["+13125550100"]
contacts: { dana: "+13125550111" }
hours: { office: mon-fri 08:00-17:00 }
routes:
  - { name: open, when: office, cascade: [{ ring: dana, for: 20s }] }
  - { name: closed, cascade: [{ voicemail: "Closed & \"gone\" <today>." }] }
finally: { voicemail: Leave a message. }
tests:
  - { name: "dana takes \"it\" & <talks>", call: { at: "2026-03-09 10:00" }, legs: { dana: answered }, expect: { ends: connected } }
  - { name: dana is <rung>, call: { at: "2026-03-09 10:00" }, legs: { dana: busy }, expect: { ends: connected, waits: "<= 1s" } }
"#;

fn files() -> Vec<FileTests> {
    let loaded = load("cases.yaml", RULES.as_bytes(), &NoFiles, jiff::civil::date(2026, 3, 1));
    let rules = loaded.rules.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let verdicts: Vec<_> = loaded.cases.iter().map(|case| judge(&rules, case)).collect();
    let coverage = coverage(&rules, verdicts.iter().map(|verdict| &verdict.journey));
    vec![FileTests { name: "cases.yaml".into(), verdicts, coverage }]
}

#[test]
fn a_terminal_shows_what_was_expected_and_what_came() {
    insta::assert_snapshot!("text", verdicts::text(&files(), Show::Coverage));
}

#[test]
fn a_build_server_reads_junit() {
    insta::assert_snapshot!("junit", verdicts::junit::text(&files()));
}

#[test]
fn programs_read_json() {
    let json: serde_json::Value = serde_json::from_str(&verdicts::json::text(&files())).unwrap();
    assert_eq!((&json["passed"], &json["failed"]), (&1.into(), &1.into()));
    let failures = &json["files"][0]["tests"][1]["failures"];
    assert_eq!(failures[0]["what"], "ends");
    assert_eq!(json["files"][0]["coverage"]["rules"]["missing"], serde_json::json!(["flows/main/1"]));
}
