//! Recorded calls under both rule sets: what is known is told, and what is not is never made up.

use jiff::civil::date;

use super::people::Unknown;
use super::report::{About, Detail, report, text};
use super::{Both, Did, Seen, Tally, Then, Trail, html};
use crate::audit::record::{Decided, Effected, Facts, Kind, Place, Record};
use crate::journey::observe::Aspect;
use crate::model::ids::ContactId;
use crate::rules::ruleset::{EndKind, RuleSet};
use crate::rules::{NoFiles, load};

const RULES: &str = r#"
version: 1
timezone: America/Denver
numbers: ["+17205550100"]
contacts:
  ann: { number: "+17205550111" }
  bo: { number: "+17205550112", confirm: none }
  cy: { number: "+17205550113", confirm: none }
hours: { day: mon-fri 08:00-17:00 }
routes:
  - name: open
    when: day
    cascade: [{ ring: ann, for: 20s }, { ring: bo, for: 15s }]
finally: { voicemail: Please leave a message. }
"#;

fn rules(text: &str) -> RuleSet {
    let loaded = load("test.yaml", text.as_bytes(), &NoFiles, date(2026, 3, 2));
    loaded.rules.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

/// Monday 2026-03-02 at so many minutes of the local day.
fn at(minutes: i64) -> i64 {
    1_772_434_800 + minutes * 60
}

fn ring(name: &str, seconds: u16, then: Then, after: u32) -> Did {
    Did { act: "ring".into(), names: vec![name.into()], seconds: Some(seconds), then, after: Some(after) }
}

fn record(then: Then) -> Did {
    Did { act: "record".into(), names: vec!["finally.voicemail".into()], then, ..Did::default() }
}

fn missed(word: &str) -> Then {
    Then::Missed(word.into())
}

fn seen(call: &str, began: i64, did: Vec<Did>, end: &str) -> Seen {
    Seen {
        seen: 1,
        org: "test".into(),
        call: call.into(),
        called: "+17205550100".into(),
        caller: "+12125550188".into(),
        attestation: "unsigned".into(),
        began,
        did,
        end: Some(end.into()),
        waited: Some(16),
        ..Seen::default()
    }
}

/// Four calls: one that ann takes, one that bo takes, one that nobody takes, and one in the evening.
fn calls() -> Vec<Seen> {
    vec![
        seen("CA1", at(600), vec![ring("ann", 20, Then::Taken(Some("ann".into())), 14)], "connected"),
        seen(
            "CA2",
            at(610),
            vec![ring("ann", 20, missed("no_answer"), 20), ring("bo", 15, Then::Taken(None), 7)],
            "connected",
        ),
        seen(
            "CA3",
            at(620),
            vec![ring("ann", 20, missed("busy"), 2), ring("bo", 15, missed("no_answer"), 15), record(Then::Left(9))],
            "voicemail",
        ),
        seen("CA4", at(17 * 60 + 30), vec![record(Then::Left(9))], "voicemail"),
    ]
}

fn tallied(old: &RuleSet, new: &RuleSet) -> Tally {
    let mut tally = Tally::default();
    calls().iter().for_each(|seen| tally.add(Both { old, new }, seen));
    tally
}

#[test]
fn the_rules_that_a_call_was_recorded_under_do_the_same_again() {
    let rules = rules(RULES);
    let tally = tallied(&rules, &rules);
    assert_eq!((tally.calls, tally.changed, tally.unknown, tally.not_reproduced.len()), (4, 0, 0, 0));
    assert_eq!(tally.answers.get("ann"), Some(&(3, 1)));
    assert_eq!(tally.answers.get("bo"), Some(&(2, 1)));
}

#[test]
fn a_changed_hour_moves_only_the_call_of_that_hour_and_makes_up_no_answer() {
    let (old, new) = (rules(RULES), rules(&RULES.replace("17:00", "18:00")));
    let mut tally = tallied(&old, &new);
    assert_eq!((tally.calls, tally.changed, tally.unknown), (4, 1, 1));
    let about = About {
        both: Both { old: &old, new: &new },
        names: ("old", "new"),
        calls: "test",
        full_numbers: false,
        unreadable: 0,
    };
    let told = report(&mut tally, about);
    assert_eq!(told.groups.len(), 1);
    let group = &told.groups[0];
    assert_eq!((group.calls[0].call.as_str(), group.calls[0].old, group.calls[0].new), ("CA4", "voicemail", "unknown"));
    assert_eq!(group.unknown[0].likelihood(), "unknown; ann answered 1 of 3 rings");
    assert_eq!((group.old.at.as_str(), group.new.at.as_str()), ("old:14", "new:11"));
    assert_eq!(group.calls[0].caller, "+12*******88");
    let drawn = text(&told, Detail::Few);
    assert!(
        drawn.contains("unknown  1 of them: rings ann, who was not rung then: unknown; ann answered 1 of 3 rings"),
        "{drawn}"
    );
}

#[test]
fn people_who_are_rung_in_another_order_do_what_they_did() {
    let turned = RULES
        .replace("{ ring: ann, for: 20s }, { ring: bo, for: 15s }", "{ ring: bo, for: 15s }, { ring: ann, for: 20s }");
    let (old, new) = (rules(RULES), rules(&turned));
    let both = Both { old: &old, new: &new };
    let all = calls();
    // Ann took the first call, and bo was not rung: nobody knows whether bo would have taken it.
    assert_eq!(both.compare(&all[0]).new.unknown, Some(Unknown::NotRung(ContactId(1))));
    let second = both.compare(&all[1]);
    assert_eq!((second.new.end(), second.new.waited()), (Some(EndKind::Connected), Some(7)));
    assert!(second.differs.is_some_and(|differs| differs.aspects.has(Aspect::Rung)));
    assert_eq!(both.compare(&all[2]).new.end(), Some(EndKind::Voicemail));
    assert!(both.compare(&all[3]).differs.is_none());
}

#[test]
fn another_ringing_time_is_known_only_as_far_as_it_rang_then() {
    let shorter = rules(&RULES.replace("for: 20s", "for: 12s"));
    let longer = rules(&RULES.replace("for: 20s", "for: 30s"));
    let old = rules(RULES);
    let all = calls();
    let under = |new: &RuleSet, call: &Seen| Both { old: &old, new }.compare(call).new;
    assert_eq!(under(&longer, &all[0]).end(), Some(EndKind::Connected));
    assert_eq!(under(&shorter, &all[0]).unknown, Some(Unknown::OtherSeconds(ContactId(0))));
    assert_eq!(under(&shorter, &all[1]).end(), Some(EndKind::Connected));
    assert_eq!(under(&longer, &all[1]).unknown, Some(Unknown::OtherSeconds(ContactId(0))));
    assert_eq!(under(&longer, &all[2]).end(), Some(EndKind::Voicemail));
}

#[test]
fn a_call_of_other_rules_is_counted_as_such() {
    let old = rules(&RULES.replace("ring: bo", "ring: cy"));
    let tally = tallied(&old, &old);
    assert_eq!((tally.changed, tally.not_reproduced), (0, vec!["CA2".into(), "CA3".into()]));
}

#[test]
fn parts_add_up_to_the_whole() {
    let (old, new) = (rules(RULES), rules(&RULES.replace("17:00", "18:00").replace("for: 15s", "for: 9s")));
    let whole = tallied(&old, &new);
    let mut sum = Tally::default();
    for seen in calls().iter().rev() {
        let mut part = Tally::default();
        part.add(Both { old: &old, new: &new }, seen);
        sum.merge(part);
    }
    let about = About {
        both: Both { old: &old, new: &new },
        names: ("old", "new"),
        calls: "test",
        full_numbers: true,
        unreadable: 0,
    };
    let (mut one, mut other) = (whole, sum);
    let told = |tally: &mut Tally| serde_json::to_value(report(tally, about)).unwrap();
    assert_eq!(told(&mut one), told(&mut other));
}

#[test]
fn a_page_shows_hostile_names_as_text() {
    let hostile = "<script>alert(1)</script>\"'&";
    let mut told = {
        let (old, new) = (rules(RULES), rules(&RULES.replace("17:00", "18:00")));
        let about = About {
            both: Both { old: &old, new: &new },
            names: (hostile, hostile),
            calls: hostile,
            full_numbers: false,
            unreadable: 3,
        };
        report(&mut tallied(&old, &new), about)
    };
    told.groups[0].calls[0].call = hostile.into();
    let page = html::page(&[told]);
    assert!(
        !page.contains("<script") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"),
        "{page}"
    );
    assert!(
        !page.contains("http://")
            || page.matches("http://").count() == page.matches("http://www.w3.org/2000/svg").count()
    );
}

/// A decision's record: at which hop the request came, what it reported, and what was decided.
fn written(hop: u8, seconds: i64, facts: Facts, decision: Decided, ends: bool) -> Record {
    let place = |hop| Place { step: Some("1.0".into()), hop, ..Place::default() };
    let mut record: Record = serde_json::from_value(serde_json::json!({
        "schema": 1, "id": "019aa5a0-0000-7000-8000-000000000001", "kind": "decision", "org": "test", "node": "one",
        "received": { "us": (at(600) + seconds) * 1_000_000, "utc": "", "local": "", "zone": "UTC" },
        "call": "CA1", "step": format!("d{hop}"), "latency_us": 7,
    }))
    .unwrap();
    record.began = Some(at(600));
    record.facts = Some(Facts { called: "+17205550100".into(), caller: "+12125550188".into(), ..facts });
    record.decision = Some(decision);
    record.from = (hop > 0).then(|| place(hop));
    record.to = (!ends).then(|| place(hop + 1));
    record.effects = vec![Effected::default()];
    record
}

#[test]
fn records_of_the_trail_become_a_recorded_call_in_whatever_order() {
    let ring = |name: &str| Decided {
        act: "ring".into(),
        contacts: vec![name.into()],
        seconds: Some(20),
        ..Decided::default()
    };
    let facts = |happened: &str, outcome: Option<&str>| Facts {
        happened: happened.into(),
        outcome: outcome.map(str::to_owned),
        ..Facts::default()
    };
    let over = Decided { act: "nothing".into(), end: Some("connected".into()), ..Decided::default() };
    let mut talked = written(2, 100, facts("rang", Some("connected")), over, true);
    talked.reported.dial_seconds = Some(60);
    let mut closed = talked.clone();
    closed.kind = Kind::Closed;
    closed.summary = Some(Box::new(crate::audit::summary::Summary {
        waited: Some(40),
        end: Some("connected".into()),
        ..Default::default()
    }));
    let records = [
        written(1, 20, facts("rang", Some("no_answer")), ring("bo"), false),
        written(0, 0, facts("arrived", None), ring("ann"), false),
        talked,
        closed,
    ];
    let mut trail = Trail::default();
    for record in &records {
        trail.line(&serde_json::to_string(record).unwrap()).unwrap();
    }
    let seen = trail.next_done().unwrap();
    let did: Vec<(&str, &Then, Option<u32>)> =
        seen.did.iter().map(|did| (did.names[0].as_str(), &did.then, did.after)).collect();
    assert_eq!(did, [("ann", &missed("no_answer"), Some(20)), ("bo", &Then::Taken(None), Some(20))]);
    assert_eq!((seen.end.as_deref(), seen.waited, seen.began), (Some("connected"), Some(40), at(600)));
    let again = serde_json::to_string(&seen).unwrap();
    assert!(super::trail::is_seen(&again), "{again}");
    assert_eq!(super::trail::read(&again).unwrap(), seen);
}

#[test]
fn lines_that_are_no_calls_say_what_is_wrong() {
    let mut trail = Trail::default();
    assert!(trail.line("{\"schema\":1,").unwrap_err().to_string().starts_with("neither a record nor"));
    assert!(
        trail
            .line("{\"seen\":9,\"call\":\"CA1\",\"called\":\"\",\"caller\":\"\",\"began\":1}")
            .unwrap_err()
            .to_string()
            .contains("newer program (form 9)")
    );
}
