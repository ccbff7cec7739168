//! Promises over whole files: held, broken by the call that is shown, and given up on honestly.

pub(crate) mod chance;

use jiff::civil::date;

use super::{CounterExample, Limits, Outcome, Verdict, diagnostics, promises};
use crate::model::moment::Zone;
use crate::rules::grammar;
use crate::rules::ruleset::{EndKind, RuleSet};
use crate::rules::{NoFiles, load};

pub(crate) fn rules(text: &str) -> RuleSet {
    let loaded = load("test.yaml", text.as_bytes(), &NoFiles, date(2026, 3, 2));
    let told: Vec<String> =
        loaded.diagnostics.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect();
    loaded.rules.unwrap_or_else(|| panic!("{}", told.join("\n")))
}

pub(crate) fn limits() -> Limits {
    let from = grammar::moment("2026-03-02 12:00Z").unwrap().within(&Zone::utc()).unwrap();
    Limits::from(from.timestamp())
}

fn prove(text: &str) -> Vec<Verdict> {
    promises(&rules(text), limits())
}

fn one(text: &str) -> Outcome {
    prove(text).remove(0).outcome
}

fn example(text: &str) -> CounterExample {
    let outcome = one(text);
    let Outcome::Broken(example) = outcome else { panic!("{outcome:?}") };
    *example
}

/// The example of the language, cut down to what needs no other files.
const TRIAGE: &str = r#"
version: 1
timezone: America/Chicago
lines:
  main: { number: "+13125550100", start: triage }
  urgent: { number: "+13125550199", start: urgent }
contacts:
  dana: { number: "+13125550111", notify: sms, away: dana_away }
  lee: { number: "+13125550112", notify: sms, max_calls: 1 }
  desk: { number: "+13125550120", confirm: none }
  service: { number: "+18005550123", confirm: none }
  owner: { number: "+13125550130", notify: sms, callable: false }
defaults:
  ring: { for: 18s, confirm: key, show: caller }
hours:
  office:
    - mon-thu 08:00-17:00
    - fri 08:00-15:00
    - { closed: us-holidays }
    - { date: 2026-12-24, open: 08:00-12:00 }
  quiet: daily 22:00-06:00
holidays:
  us-holidays:
    - { name: New Year's Day, date: 01-01 }
    - { name: Thanksgiving, date: 4th thu of nov, days: 2 }
callers:
  vip: { numbers: ["+13125550177"] }
  blocked: { numbers: ["+13125550166"], prefixes: ["+1900"] }
switches:
  maintenance: { expires: 4h }
  closed_today: { expires: end_of_day, set_by: [owner] }
  dana_away: { expires: 12h, set_by: [dana] }
flows:
  triage:
    - name: spam
      when: { caller: blocked }
      cascade: [{ reject: busy }]
    - name: maintenance
      when: { switch: maintenance }
      cascade: [{ say: maintenance }, { ring: service, for: 30s }]
    - name: vip
      when: VIP
      cascade:
        - { ring: dana }
        - { ring: lee, for: 20s }
    - name: open
      when: { hours: office, not: { switch: closed_today } }
      cascade: [{ menu: main }]
    - name: after-hours
      cascade: [{ say: closed }, { menu: after }]
  urgent:
    - cascade:
        - { ring: dana, for: 15s }
        - { ring: lee, for: 15s }
        - { ring: service, for: 30s }
menus:
  main:
    say: For scheduling press 1. For an emergency press 2. To leave a message press 3.
    keys:
      "1": [{ ring: desk, for: 25s }]
      "2": [{ flow: urgent }]
      "3": [{ voicemail: office }]
    wait: 6s
    tries: 2
    otherwise: [{ flow: urgent }]
  after:
    say: If water is running now, press 1. Otherwise hold to leave a message.
    keys: { "1": [{ flow: urgent }] }
    wait: 5s
prompts:
  maintenance: { say: Our phones are being serviced. We will connect you to our answering service. }
  closed: { say: Our office is closed. }
mailboxes:
  office: { greeting: Please leave your name and number., max: 120s }
finally: { voicemail: office }
promises:
  - every_call_ends: [connected, voicemail, rejected]
  - caller_waits_at_most: 130s
  - never_rings: { contact: dana, during: quiet, except_flow: urgent }
"#;

fn triage(vip: &str) -> String {
    TRIAGE.replace("when: VIP", &format!("when: {vip}"))
}

#[test]
fn the_promises_of_the_language_s_example_hold() {
    for verdict in prove(&triage("{ caller: vip, not: { hours: quiet } }")) {
        let Outcome::Proved(proof) = verdict.outcome else { panic!("{verdict:?}") };
        assert!(proof.states > 4 && proof.longest_wait <= 130, "{proof:?}");
    }
}

#[test]
fn without_its_condition_the_vip_rule_rings_dana_at_night_and_the_call_is_shown() {
    let rules = rules(&triage("{ caller: vip }"));
    let verdicts = promises(&rules, limits());
    assert!(matches!(verdicts[0].outcome, Outcome::Proved(_)));
    assert!(matches!(verdicts[1].outcome, Outcome::Proved(_)));
    let Outcome::Broken(example) = &verdicts[2].outcome else { panic!("{verdicts:?}") };
    assert_eq!(
        example.lines(&rules),
        [
            "to main on Mon 2026-03-02 22:00 America/Chicago from +13125550177",
            "rule #3 vip",
            "   0 s  ring dana: dana no_answer",
            "  18 s  ring lee: lee no_answer",
            "  38 s  voicemail office",
            "ends as voicemail after 41 s of waiting",
        ]
    );
}

/// A small file: what is not given is the least that a file needs.
fn small(parts: &str, rules: &str, promise: &str) -> String {
    format!(
        r#"
version: 1
timezone: America/Denver
numbers: ["+17205550100"]
contacts:
  ann: "+17205550111"
  bo: {{ number: "+17205550112", away: bo_away }}
switches:
  bo_away: {{ expires: 4h }}
  late: {{ expires: 4h }}
{parts}
routes:
{rules}
finally: {{ voicemail: Please leave a message. }}
promises:
  - {promise}
"#
    )
}

#[test]
fn a_switch_is_not_on_and_off_in_one_call() {
    let text = small(
        "menus:\n  more: { say: Press 1., keys: { \"1\": [{ flow: second }] }, wait: 5s }",
        "",
        "every_call_ends: [connected, voicemail]",
    );
    let text =
        text.replace("numbers: [\"+17205550100\"]", "lines: { only: { number: \"+17205550100\", start: first } }");
    let text = text.replace(
        "routes:\n",
        r"flows:
  first:
    - when: { switch: late }
      cascade: [{ ring: ann }]
    - cascade: [{ menu: more }]
  second:
    - when: { switch: late }
      cascade: [{ hangup: Good night. }]
    - cascade: [{ ring: bo }]
",
    );
    let Outcome::Proved(proof) = one(&text) else { panic!("{:?}", one(&text)) };
    assert!(proof.states > 2, "{proof:?}");
    // With another switch in between it is possible, and found.
    let other = text.replacen("when: { switch: late }", "when: { switch: bo_away }", 1);
    let example = example(&other);
    assert_eq!(example.journey.end, EndKind::HungUp);
    assert_eq!(example.journey.stops.len(), 2);
}

#[test]
fn hours_that_never_meet_are_not_assumed_together() {
    let hours = "hours:\n  day: daily 08:00-18:00\n  night: daily 18:00-08:00\n  noon: mon 12:00-12:01";
    let routes = |second: &str| {
        format!(
            r"  - when: day
    cascade: [{{ menu: asks }}]
  - cascade: [{{ ring: ann }}]
menus:
  asks:
    say: Press 1.
    keys: {{ '1': [{{ flow: main }}] }}
    wait: 5s
mailboxes:
  box:
    greeting: Hello
    greetings: [{{ when: {second}, say: A greeting that is far longer than the others and takes eight seconds to listen to at the least. }}]
"
        )
    };
    let with = |second: &str| {
        small(hours, &routes(second), "caller_waits_at_most: 11s")
            .replace("finally: { voicemail: Please leave a message. }", "finally: { voicemail: box }")
            .replace("- cascade: [{ ring: ann }]", "- cascade: [{ voicemail: box }]")
    };
    // The menu comes by day alone, and the long greeting by night alone.
    assert!(matches!(one(&with("night")), Outcome::Proved(_)), "{:?}", one(&with("night")));
    let example = example(&with("noon"));
    assert_eq!(example.journey.began.time().to_string(), "12:00:00");
    assert!(example.journey.waited > 11);
}

#[test]
fn the_shortest_call_that_waits_too_long_is_shown() {
    let text = small(
        "",
        "  - cascade: [{ ring: ann, for: 20s }, { ring: bo, for: 20s }, { ring: ann, for: 30s }]",
        "caller_waits_at_most: 30s",
    );
    let example = example(&text);
    // Bo is away, which makes the call shorter; a mailbox that answers takes longer than ringing out.
    assert_eq!(example.journey.waited, 24 + 30 + 2);
    let rules = rules(&text);
    let problems = diagnostics(
        &rules,
        &load("x.yaml", text.as_bytes(), &NoFiles, date(2026, 3, 2)).source,
        &promises(&rules, limits()),
    );
    assert_eq!(problems[0].code, "broken-promise");
    assert_eq!(problems[0].message, "a caller can wait 56 seconds, and 30 are promised");
    assert!(problems[0].help.as_deref().unwrap().contains("ring ann: ann answered_no_key"), "{problems:?}");
    assert_eq!(problems[0].primary.as_ref().unwrap().line_and_column().0, 16);
}

#[test]
fn a_number_that_is_in_no_line_is_a_path_too() {
    let text = small("", "  - cascade: [{ voicemail: Hello. }]", "every_call_ends: [voicemail]");
    let example = example(&text.replace("finally: { voicemail: Please leave a message. }", "finally: { say: Bye. }"));
    assert_eq!((example.call.line, example.journey.end), (None, EndKind::HungUp));
}

#[test]
fn somebody_who_calls_from_a_contact_s_own_number_is_thought_of() {
    let routes = "  - cascade: [{ ring: ann }, { hangup: true }]\n    when: { caller: ours }\n  - cascade: [{ ring: ann }]\ncallers:\n  ours: { numbers: [\"+17205550111\"] }";
    let example = example(&small("", routes, "every_call_ends: [connected, voicemail]"));
    assert_eq!(example.journey.end, EndKind::HungUp);
    assert_eq!(example.journey.stops.len(), 1, "ann is not rung with her own call");
}

#[test]
fn repeated_calls_are_counted_without_contradiction() {
    let rules_of = |second: &str| {
        format!(
            "  - when: {{ attempt: {{ at_least: 3, within: 10m }} }}\n    cascade: [{{ menu: again }}]\n  - cascade: [{{ ring: ann }}]\nmenus:\n  again:\n    say: Press 1.\n    keys: {{ '1': [{{ menu: more }}] }}\n    wait: 5s\n  more: {{ say: Press 2., keys: {{ '2': [{{ flow: main }}] }}, wait: 5s }}\nmailboxes:\n  box:\n    greeting: Hello.\n    greetings: [{{ when: {second}, say: This one takes much longer than the other one does to be heard. }}]\n"
        )
    };
    let with = |second: &str| {
        small("", &rules_of(second), "caller_waits_at_most: 11s")
            .replace("finally: { voicemail: Please leave a message. }", "finally: { voicemail: box }")
            .replace("- cascade: [{ ring: ann }]", "- cascade: [{ voicemail: box }]")
    };
    // Who has called three times within ten minutes has called twice within an hour.
    let never = "{ not: { attempt: { at_least: 2, within: 1h } } }";
    assert!(matches!(one(&with(never)), Outcome::Proved(_)), "{:?}", one(&with(never)));
    let may = "{ not: { attempt: { at_least: 4, within: 1h } } }";
    let example = example(&with(may));
    assert_eq!(example.call.state.earlier_calls, [600, 600]);
}

#[test]
fn what_is_too_much_work_is_given_up_and_said() {
    let rules = rules(&triage("{ caller: vip }"));
    for verdict in promises(&rules, Limits { questions: 20, ..limits() }) {
        let Outcome::Unfinished(why) = verdict.outcome else { panic!("{verdict:?}") };
        assert_eq!(why, "it takes more than 20 questions to follow every path");
    }
}

/// A file as large as they come: 200 rules in 20 flows, 40 contacts, 20 menus whose keys lead on and back.
const LARGE: &str = include_str!("../../fixtures/rules/promises/large.yaml");

#[test]
fn a_large_file_is_followed_to_every_end() {
    let rules = rules(LARGE);
    let verdicts = promises(&rules, limits());
    for verdict in verdicts.iter().take(2) {
        let Outcome::Proved(proof) = verdict.outcome else { panic!("{verdict:?}") };
        assert!(proof.states > 700 && proof.longest_wait == 523, "{proof:?}");
    }
    let Outcome::Broken(example) = &verdicts[2].outcome else { panic!("{verdicts:?}") };
    let lines = example.lines(&rules);
    assert!(lines.contains(&"   4 s  ring c39: c39 no_answer".to_owned()), "{lines:?}");
}
