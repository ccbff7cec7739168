//! `ringfall switch`: what it says to whoever asks for something that cannot be.

use crate::support::{House, RULES, program};

const SWITCHES: &str =
    "switches:\n  closed_today: { default: off, expires: 12h }\n  storm: { default: off, expires: 12h }\n";

fn switch(house: &House, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = program(&house.path(""));
    let output = command.arg("switch").args(arguments).env("RINGFALL_RULES", "rules").output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[tokio::test]
async fn what_cannot_be_turned_is_told_with_what_can() {
    let rules = format!("{RULES}{SWITCHES}");
    let house = House::with(&[("rules/acme.yaml", rules.as_str())]);
    house.serve().await.running.stop().await;
    for (arguments, code, parts) in [
        (&["set", "snow", "on"][..], 1, &["no switch `snow`", "help: they have `closed_today`, `storm`"][..]),
        (&["set", "storm", "on", "--for", "abc"], 2, &["`abc` is not a duration", "`--for 4h`"]),
        (&["set", "closed_today", "on", "--for", "90d"], 2, &["stay turned until ", "longer `expires`"]),
    ] {
        let (ended, told) = switch(&house, arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {told}");
        assert!(parts.iter().all(|part| told.contains(part)), "{arguments:?}: {told}");
    }
    assert!(!switch(&house, &["list"]).1.contains("  by "), "something was turned");
    let (_, on) = switch(&house, &["set", "closed_today", "on", "--for", "4h"]);
    assert!(on.contains("closed_today  on  until "), "{on}");
    let (_, off) = switch(&house, &["set", "closed_today", "off"]);
    assert_eq!(off, "closed_today  off  by cli\n");
}

#[test]
fn of_several_organizations_one_must_be_named() {
    let other = RULES.replace("+16195550100", "+16195550101");
    let house = House::with(&[("rules/acme.yaml", RULES), ("rules/bravo.yaml", other.as_str())]);
    let (ended, told) = switch(&house, &["set", "storm", "on"]);
    assert_eq!(ended, Some(2), "{told}");
    assert!(told.contains("say which with `--org`: `acme`, `bravo`"), "{told}");
}
