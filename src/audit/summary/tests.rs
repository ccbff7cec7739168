//! Calls folded from their records, in order and out of it.

use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::audit::record::{Facts, Received};
use crate::model::moment::Zone;

const START: i64 = 1_795_000_000;

fn record(kind: Kind, after: i64) -> Record {
    let received = Received::at(Timestamp::from_second(START + after).unwrap(), &Zone::utc());
    Record {
        org: "acme".to_owned(),
        call: "CA1".to_owned(),
        began: Some(START),
        rules: Some("0123".to_owned()),
        ..Record::blank(kind, Uuid::nil(), "one", received)
    }
}

fn place(hop: u8) -> Option<Place> {
    (hop > 0).then(|| Place { hop, missed: Some("owner".to_owned()), ..Place::default() })
}

/// What the request reported, from which hop to which, and what was decided.
fn decision(after: i64, happened: &str, hops: (u8, u8), act: &str, contacts: &[&str]) -> Record {
    let (happened, outcome) = happened.split_once(' ').map_or((happened, None), |(what, how)| (what, Some(how)));
    let facts = Facts {
        called: "+16195550100".to_owned(),
        caller: "+16195550142".to_owned(),
        happened: happened.to_owned(),
        outcome: outcome.map(str::to_owned),
        ..Facts::default()
    };
    let contacts = contacts.iter().map(|contact| (*contact).to_owned()).collect();
    let end = match act {
        "record" | "thank" => Some("voicemail"),
        "nothing" if outcome == Some("connected") => Some("connected"),
        "nothing" => Some("caller_gone"),
        _ => None,
    };
    let decided = Decided { act: act.to_owned(), contacts, end: end.map(str::to_owned), ..Decided::default() };
    Record {
        facts: Some(facts),
        from: place(hops.0),
        to: place(hops.1),
        decision: Some(decided),
        ..record(Kind::Decision, after)
    }
}

fn status(after: i64, leg: Option<&str>, word: &str) -> Record {
    let reported = Reported { call_status: Some(word.to_owned()), ..Reported::default() };
    Record { leg: leg.map(str::to_owned), reported, ..record(Kind::Status, after) }
}

fn pressed(after: i64, contact: &str, accepted: bool) -> Record {
    let reported = Reported { contact: Some(contact.to_owned()), accepted: Some(accepted), ..Reported::default() };
    Record { leg: Some("CA2".to_owned()), reported, ..record(Kind::Screen, after) }
}

fn fold(records: &[Record]) -> Summary {
    let mut summary = Summary::default();
    records.iter().for_each(|record| summary.fold(record));
    summary
}

/// Primary does not pick up, backup takes the call with a key after 31 s and talks for a minute.
fn taken_by_backup() -> Vec<Record> {
    let mut talked = decision(92, "rang connected", (2, 0), "nothing", &[]);
    talked.reported.dial_seconds = Some(61);
    talked.facts.as_mut().unwrap().connected = Some("backup".to_owned());
    vec![
        decision(0, "arrived", (0, 1), "ring", &["primary"]),
        decision(22, "rang no_answer", (1, 2), "ring", &["backup"]),
        pressed(31, "backup", true),
        status(91, Some("CA2"), "completed"),
        status(92, None, "completed"),
        talked,
    ]
}

#[test]
fn a_call_taken_by_the_backup_is_told_whole() {
    let mut summary = fold(&taken_by_backup());
    assert!(summary.close(i64::MAX, "status").is_empty());
    assert_eq!(summary.end.as_deref(), Some("connected"));
    assert_eq!(summary.answered.as_ref().unwrap().by.as_deref(), Some("backup"));
    assert_eq!(summary.waited, Some(31));
    let rung: Vec<_> = summary.rung.iter().map(|rung| (rung.contact.as_str(), rung.outcome.as_deref())).collect();
    assert_eq!(rung, [("primary", Some("no_answer")), ("backup", Some("connected"))]);
}

#[test]
fn of_several_rung_at_once_those_who_did_not_talk_were_let_go() {
    let mut talked = decision(40, "rang connected", (1, 0), "nothing", &[]);
    talked.facts.as_mut().unwrap().connected = Some("lee".to_owned());
    let summary = fold(&[decision(0, "arrived", (0, 1), "ring", &["dana", "lee"]), talked]);
    let outcomes: Vec<_> = summary.rung.iter().map(|rung| rung.outcome.as_deref()).collect();
    assert_eq!(outcomes, [Some("canceled"), Some("connected")]);
}

#[test]
fn a_message_ends_the_wait_at_the_tone() {
    let mut left = decision(75, "recorded", (2, 0), "thank", &[]);
    left.facts.as_mut().unwrap().seconds = Some(30);
    let mut entered = decision(22, "rang busy", (1, 2), "record", &[]);
    entered.effects = vec![Effected::missed(Some("owner"))];
    let mut summary =
        fold(&[decision(0, "arrived", (0, 1), "ring", &["primary"]), entered, left, status(76, None, "completed")]);
    assert!(summary.close(i64::MAX, "status").is_empty(), "the escalation has started already");
    assert_eq!((summary.end.as_deref(), summary.message_seconds), (Some("voicemail"), Some(30)));
    assert_eq!(summary.waited, Some(45));
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_is_missed() {
    let records = [decision(0, "arrived", (0, 1), "ring", &["primary"]), status(8, None, "no-answer")];
    let mut summary = fold(&records);
    assert_eq!(summary.ringing().count(), 0);
    assert_eq!(summary.close(i64::MAX, "status"), [Effected::missed(Some("owner"))]);
    assert_eq!((summary.end.as_deref(), summary.waited), (Some("caller_gone"), Some(8)));
}

#[test]
fn who_rings_now_is_known_until_the_ring_ends() {
    let mut summary = fold(&[decision(0, "arrived", (0, 1), "ring", &["primary"])]);
    assert_eq!(summary.ringing().collect::<Vec<_>>(), ["primary"]);
    summary.fold(&decision(22, "rang no_answer", (1, 2), "menu", &[]));
    assert_eq!(summary.ringing().count(), 0);
}

proptest! {
    #[test]
    fn order_and_repeats_do_not_change_what_is_told(
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        again in proptest::collection::vec(0..6_usize, 0..6),
    ) {
        let records = taken_by_backup();
        let mut summary = Summary::default();
        for index in order.iter().chain(&again) {
            summary.fold(&records[*index]);
        }
        let expected = fold(&records);
        let told = |call: &Summary| {
            let rung: Vec<_> = call.rung.iter().map(|rung| (rung.hop, rung.contact.clone())).collect();
            (call.end.clone(), call.answered.clone(), call.waited, call.over_us, call.missed.clone(), rung, call.hops)
        };
        prop_assert_eq!(told(&summary), told(&expected));
    }
}

#[test]
fn a_key_says_when_the_talk_began_and_the_question_is_no_talk() {
    let mut talked = decision(50, "rang connected", (1, 0), "nothing", &[]);
    talked.reported.dial_seconds = Some(40);
    let reported = Reported { accepted: Some(true), contact: Some("anna".to_owned()), ..Reported::default() };
    let key = Record { reported, ..record(Kind::Screen, 18) };
    let arrived = decision(0, "arrived", (0, 1), "ring", &["anna"]);
    for order in [[&arrived, &key, &talked], [&arrived, &talked, &key]] {
        let mut summary = Summary::default();
        order.into_iter().for_each(|record| summary.fold(record));
        assert_eq!(summary.waited, Some(18));
        assert_eq!(summary.answered.unwrap().by.as_deref(), Some("anna"));
    }
}

#[test]
fn a_caller_who_was_handed_on_is_not_missed() {
    let mut summary = Summary::default();
    summary.fold(&decision(0, "arrived", (0, 1), "handoff", &[]));
    summary.fold(&status(90, None, "completed"));
    assert_eq!(summary.close(0, "status"), []);
    assert_eq!(summary.end.as_deref(), Some("handed_off"));
}

#[test]
fn a_call_of_an_imagined_time_has_no_waits() {
    for began in [START - 7 * 86_400, START + 7 * 86_400] {
        let mut call = Summary::default();
        let arrived = Record { began: Some(began), ..decision(0, "arrived", (0, 1), "ring", &["primary"]) };
        let rang = Record { began: Some(began), ..decision(9, "rang connected", (1, 0), "nothing", &[]) };
        [arrived, rang].iter().for_each(|record| call.fold(record));
        call.close((START + 60) * SECOND, "status");
        assert_eq!((call.imagined, call.waited), (true, None));
        assert!(call.answered.is_some());
    }
    let mut usual = Summary::default();
    usual.fold(&decision(3, "arrived", (0, 1), "ring", &["primary"]));
    usual.fold(&decision(9, "rang connected", (1, 0), "nothing", &[]));
    assert_eq!((usual.imagined, usual.waited), (false, Some(9)));
}
