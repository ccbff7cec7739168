//! Whole imagined calls: how long they take, whom they reach, and how tests of rule files judge them.

use crate::journey::coverage::coverage;
use crate::journey::people::{Handed, People, Question, Reply, Script};
use crate::journey::verdict::{Verdict, judge};
use crate::journey::{Call, Journey, travel};
use crate::model::call::{Attestation, State};
use crate::model::ids::{ContactId, LineId, MailboxId};
use crate::model::leg::Leg;
use crate::model::phone::Caller;
use crate::rules::ruleset::{EndKind, RuleSet};
use crate::rules::{Loaded, NoFiles, load};

const RULES: &str = r#"
version: 1
timezone: America/Chicago
lines: { main: { number: "+13125550100", start: main }, agent: { number: "+13125550101", start: agent } }
contacts:
  dana: { number: "+13125550111", notify: sms }
  lee: { number: "+13125550112", notify: sms }
  desk: { number: "+13125550120", confirm: none }
  spare: { number: "+13125550121", confirm: none }
  owner: { number: "+13125550130", notify: sms, callable: false }
hours: { office: mon-fri 08:00-17:00 }
flows:
  main:
    - name: open
      when: office
      cascade: [{ menu: top }]
      missed: tell
    - name: closed
      cascade: [{ ring: dana, for: 20s }, { ring: [desk, spare], for: 30s }]
      missed: tell
  agent:
    - cascade: [{ handoff: "https://agents.example.com/twiml" }, { ring: desk }]
menus:
  top:
    say: Press 1 for the desk or 2 to hear from us.
    keys: { "1": [{ ring: desk, for: 20s }], "2": [{ text: caller, body: Hello. }, { hangup: Goodbye. }] }
    wait: 5s
    tries: 2
escalations:
  tell:
    - { sms: [dana, lee], text: "Missed {{caller}}." }
    - { sms: owner, text: "Still missed.", after: 10m, unless: taken }
mailboxes:
  office: { greeting: Leave a message., send_to: [owner] }
finally: { voicemail: office }
"#;

fn loaded(more: &str) -> Loaded {
    let text = format!("{RULES}{more}");
    load("journey.yaml", text.as_bytes(), &NoFiles, jiff::civil::date(2026, 3, 1))
}

fn rules() -> RuleSet {
    let loaded = loaded("");
    loaded.rules.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

/// Monday 2026-03-09 at 15:00 in Chicago, or at night.
const OPEN: i64 = 1_773_086_400;
const CLOSED: i64 = OPEN + 8 * 3600;

fn call(at: i64) -> Call {
    Call {
        line: Some(LineId(0)),
        caller: Caller::parse("+12025550143"),
        forwarded_from: None,
        attestation: Attestation::Unsigned,
        at,
        state: State::default(),
    }
}

fn goes(at: i64, mut script: Script) -> Journey {
    travel(&rules(), &call(at), &mut script)
}

const DANA: ContactId = ContactId(0);
const DESK: ContactId = ContactId(2);
const SPARE: ContactId = ContactId(3);

#[test]
fn waiting_ends_when_a_person_talks() {
    let journey = goes(OPEN, Script::new().key(Reply::Pressed("1".into())).leg(DESK, [Leg::Answered]));
    assert_eq!(journey.end, EndKind::Connected);
    // 3 seconds of menu, and 8 until the desk picks up; the desk need not confirm.
    assert_eq!(journey.waited, 3 + 8);
}

#[test]
fn waiting_ends_with_the_tone_and_not_with_the_message() {
    let journey = goes(CLOSED, Script::new().leg(DANA, [Leg::AnsweredNoKey]));
    assert_eq!(journey.end, EndKind::Voicemail);
    // Dana's mailbox picks up after 8 and is asked twice, the others ring out, and the greeting takes 2.
    assert_eq!(journey.waited, 8 + 16 + 30 + 2);
    let last = journey.stops.last().unwrap();
    assert!(last.at > journey.waited, "the message itself is not waiting");
}

#[test]
fn silence_hears_the_menu_as_often_as_it_is_played() {
    let journey = goes(OPEN, Script::new());
    assert_eq!(journey.menus().count(), 2);
    assert_eq!(journey.waited, 2 * (3 + 5) + 2);
}

#[test]
fn of_several_rung_at_once_the_first_to_talk_has_the_call() {
    let journey = goes(CLOSED, Script::new().leg(SPARE, [Leg::AnsweredNoKey]).leg(DESK, [Leg::Busy]));
    assert_eq!(journey.end, EndKind::Connected);
    assert_eq!(journey.waited, 20 + 8);
    assert_eq!(journey.rung().map(|rung| rung.contact).collect::<Vec<_>>(), [DANA, DESK, SPARE]);
}

#[test]
fn people_do_one_thing_after_the_other_and_the_last_for_ever() {
    let mut script = Script::new().leg(DANA, [Leg::Busy, Leg::Answered]);
    assert_eq!([DANA, DANA, DANA].map(|id| script.rung(id)), [Leg::Busy, Leg::Answered, Leg::Answered]);
    assert_eq!(script.rung(DESK), Leg::NoAnswer);
}

#[test]
fn a_caller_who_hangs_up_in_the_menu_has_gone() {
    let journey = goes(OPEN, Script::new().key(Reply::HangsUp));
    assert_eq!((journey.end, journey.waited), (EndKind::CallerGone, 3));
    assert_eq!(journey.effects().count(), 1, "the escalation starts");
}

#[test]
fn a_hand_off_keeps_the_call_or_gives_it_back() {
    struct Agent(Handed);
    impl People for Agent {
        fn rung(&mut self, _: ContactId) -> Leg {
            Leg::Answered
        }
        fn asked(&mut self, _: Question) -> Reply {
            Reply::Silence
        }
        fn tone(&mut self, _: MailboxId) -> Option<u32> {
            None
        }
        fn handed_off(&mut self) -> Handed {
            self.0
        }
    }
    let call = Call { line: Some(LineId(1)), ..call(OPEN) };
    let kept = travel(&rules(), &call, &mut Agent(Handed::Kept));
    assert_eq!((kept.end, kept.rung().count()), (EndKind::HandedOff, 0));
    let returned = travel(&rules(), &call, &mut Agent(Handed::Returned));
    assert_eq!((returned.end, returned.rung().count()), (EndKind::Connected, 1));
}

fn verdicts(tests: &str) -> (RuleSet, Vec<Verdict>) {
    let loaded = loaded(&format!("tests:\n{tests}"));
    let rules = loaded.rules.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let verdicts = loaded.cases.iter().map(|case| judge(&rules, case)).collect();
    (rules, verdicts)
}

fn failures(test: &str) -> Vec<String> {
    let (_, verdicts) = verdicts(&format!("  - {{ name: it, {test} }}\n"));
    let failures = verdicts[0].failures.iter();
    failures.map(|failure| format!("{}: {} / {}", failure.what, failure.expected, failure.got)).collect()
}

#[test]
fn expectations_that_hold_say_nothing() {
    for test in [
        "call: { to: main, at: \"2026-03-09 15:00\" }, keys: [\"2\"], expect: { rule: open, flow: main, menu: top, ends: hung_up, rings: [], sms: [caller, dana, lee] }",
        "call: { to: main, at: \"2026-03-09 17:00\" }, legs: { dana: mailbox }, expect: { rule: closed, rings: [dana, desk, spare], mailbox: office, waits: \"<= 56s\" }",
        "call: { to: main, at: \"2026-03-09 17:00\" }, legs: { dana: caller_hangs_up }, expect: { ends: caller_gone, sms: [lee, dana] }",
    ] {
        assert_eq!(failures(test), [""; 0], "{test}");
    }
}

#[test]
fn expectations_that_do_not_hold_say_what_came_instead() {
    let at_night = "call: { to: main, at: \"2026-03-09 17:00\" }, legs: { desk: answered }";
    for (expect, failure) in [
        ("rule: open", "rule: open / closed"),
        ("ends: voicemail", "ends: voicemail / connected"),
        ("rings: [lee]", "rings: lee / dana, desk, spare"),
        ("rings: []", "rings: nobody / dana, desk, spare"),
        ("sms: [dana]", "sms: dana / nobody"),
        ("waits: \"<= 10s\"", "waits: at most 10 s / 28 s"),
        ("mailbox: office", "mailbox: office / no mailbox"),
        ("menu: top", "menu: top / no menu"),
        ("flow: agent", "flow: agent / main"),
    ] {
        assert_eq!(failures(&format!("{at_night}, expect: {{ {expect} }}")), [failure]);
    }
}

#[test]
fn keys_that_nobody_asked_for_are_a_failure() {
    let test = "call: { to: main, at: \"2026-03-09 15:00\" }, keys: [\"1\", \"5\"], expect: { ends: voicemail }";
    assert_eq!(failures(test), ["keys: every one of them asked for / nobody asked for `5`"]);
}

#[test]
fn coverage_names_what_no_test_has_come_to() {
    let (rules, verdicts) = verdicts(
        "  - { name: closed, call: { to: main, at: \"2026-03-09 18:00\" }, expect: { ends: voicemail } }\n  - { name: open, call: { to: main, at: \"2026-03-09 10:00\" }, keys: [\"1\"], expect: { rings: [desk] } }\n",
    );
    let coverage = coverage(&rules, verdicts.iter().map(|verdict| &verdict.journey));
    assert_eq!((coverage.rules.reached, coverage.rules.total()), (2, 3));
    assert_eq!((coverage.steps.reached, coverage.steps.total()), (5, 9));
    assert_eq!((coverage.keys.reached, coverage.keys.total()), (1, 2));
    assert_eq!(coverage.percent(), 57);
    let missing: Vec<&str> = coverage.missing().collect();
    assert_eq!(
        missing,
        [
            "flows/agent/0",
            "menus/top/keys/2/0",
            "menus/top/keys/2/1",
            "flows/agent/0/cascade/0",
            "flows/agent/0/cascade/1",
            "menus/top/keys/2"
        ]
    );
}
