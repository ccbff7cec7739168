//! What was written can be read: in order, by time, call by call, and in words.

use std::ops::ControlFlow;

use super::*;
use crate::decide::trace::{Considered, HoursFact, Why};
use crate::model::ids::{FlowId, HoursId, LineId};
use crate::model::position::RuleRef;
use crate::rules::ruleset::Span;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Twelve hundred calls, a second between each and the next.
async fn many(folder: &Path) -> Store {
    let clock = Set::at_start();
    let store = Store::open(&options(folder, &clock)).unwrap();
    for hundred in 0..12_u32 {
        let calls = (0..100).map(|number| {
            clock.pass(1);
            let began = clock.now().as_second();
            let mut record = arrival(hundred * 100 + number);
            record.began = Some(began);
            record.received = Received::at(at(began), &Zone::utc());
            if number % 10 == 0 {
                record.org = "other".to_owned();
            }
            store.append(record)
        });
        for appended in futures_util::future::join_all(calls).await {
            assert_eq!(appended, Ok(Appended::Fresh));
        }
    }
    store.settle().await.unwrap();
    store
}

#[tokio::test]
async fn the_trail_is_read_on_from_any_place_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = many(folder.path()).await;
    let archive = store.archive();
    let (mut place, mut calls) = (0, Vec::new());
    loop {
        let page = archive.records_after(place, 77).unwrap();
        let Some(last) = page.last() else { break };
        place = last.seq;
        assert!(page.is_sorted_by(|one, two| one.seq < two.seq && one.written_us <= two.written_us));
        calls.extend(page.into_iter().map(|kept| kept.record.call));
    }
    assert_eq!(calls, (0..1200).map(call).collect::<Vec<_>>());
    assert_eq!(Archive::open(folder.path()).unwrap().records_after(1199, 9).unwrap().len(), 1);
}

#[tokio::test]
async fn a_stretch_of_time_is_read_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let store = many(folder.path()).await;
    let archive = store.archive();
    let mut seen = 0;
    let count = |_| {
        seen += 1;
        ControlFlow::Continue(())
    };
    archive.each_record(at(START)..at(START + 10_000), count).unwrap();
    assert_eq!(seen, 1200);
    let first = |from: i64, to: i64| {
        let mut first = None;
        let stop = |kept: Kept| {
            first = Some(kept);
            ControlFlow::Break(())
        };
        archive.each_record(at(from)..at(to), stop).unwrap();
        first
    };
    assert_eq!(first(START - 10, START), None);
    assert_eq!(first(START + 5000, START + 9000), None);
    let middle = archive.place_before(at(START + 150)).unwrap();
    let next = archive.records_after(middle, 1).unwrap().remove(0);
    assert!(next.written_us >= at(START + 150).as_microsecond());
    let before = archive.records_after(middle - 1, 1).unwrap().remove(0);
    assert!(before.written_us < at(START + 150).as_microsecond());

    let calls = |org: Option<&str>, from: i64, to: i64| {
        let mut calls = Vec::new();
        let keep = |summary: Summary| {
            calls.push(summary.began_us / 1_000_000 - START);
            ControlFlow::Continue(())
        };
        archive.each_call(org, at(START + from)..at(START + to), keep).unwrap();
        calls
    };
    assert_eq!(calls(None, 0, 5000), (1..=1200).collect::<Vec<_>>());
    assert_eq!(calls(None, 100, 103), [100, 101, 102]);
    assert_eq!(calls(Some("other"), 0, 40), [1, 11, 21, 31]);
    assert_eq!(calls(Some("nobody"), 0, 5000), Vec::<i64>::new());
}

/// A journal has millions of records: a question that looks at all of them to find its ends would keep the disk busy.
#[test]
fn the_ends_of_the_trail_are_found_without_looking_at_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(&options(folder.path(), &Set::at_start())).unwrap());
    let connection = open::reader(&folder.path().join("ringfall.db")).unwrap();
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", archive::ENDS)).unwrap();
    let steps: Vec<String> = plan.query_map([], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(steps.iter().filter(|step| step.as_str() == "SEARCH records").count(), 2, "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("SCAN records")), "{steps:?}");
}

const RULES: &str = "version: 1\ntimezone: America/Los_Angeles\nnumbers: [\"+16195550100\"]\n\
    contacts: { primary: \"+16195550111\" }\nhours: { business: mon-fri 09:00-17:00 }\n\
    routes: [{ when: business, cascade: [{ ring: primary, for: 20s }] }]\nfinally: { voicemail: Please. }\n";

#[tokio::test]
async fn reasons_are_told_in_the_words_of_the_rules_they_were_decided_by() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    let rules = [RuleText { path: "acme.yaml".to_owned(), text: RULES.to_owned() }];
    let compiled = crate::app::live::compiled(&rules, jiff::civil::Date::ZERO).unwrap();
    let rule = RuleRef { flow: FlowId(0), index: 0 };
    let fact = HoursFact::After { minute: 1200, span: Span { from: 540, to: 1020 } };
    let why = Why::Hours { hours: HoursId(0), fact };
    let considered = vec![Considered::Line(LineId(0)), Considered::Passed { rule, condition: 0, why }];
    let mut decided = arrival(1);
    decided.considered = considered;
    decided.rules = Some(compiled.digest.short());
    let received = decided.received.clone();
    decided.received = Received { utc: String::new(), local: String::new(), ..received.clone() };
    store.append(decided).await.unwrap();

    let told = store.records("acme", &call(1)).await.unwrap().remove(0);
    assert_eq!(told.received, received);
    assert_eq!(told.trace.len(), 2, "the rules are not kept yet, and the reasons are told by their places");
    assert!(told.trace[1].text.contains("HoursId(0)"), "{:?}", told.trace);

    store.keep_rules("acme", compiled.digest, rules.to_vec()).await.unwrap();
    let told = store.records("acme", &call(1)).await.unwrap().remove(0);
    assert!(told.considered.is_empty());
    assert_eq!(told.trace[1].path, "flows/main/0/when/hours");
    assert!(told.trace[1].text.contains("hours business: 20:00 is not before 17:00"), "{:?}", told.trace);
}

#[tokio::test]
async fn a_step_of_a_call_that_is_long_over_still_has_its_one_record() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    store.append(arrival(1)).await.unwrap();
    store.append(ended(1, START + 12)).await.unwrap();
    clock.pass(60);
    store.settle().await.unwrap();
    clock.pass(3600);
    store.settle().await.unwrap();
    let repeat = Appended::Repeat { twiml: Some("<Response><!--1--></Response>".to_owned()) };
    assert_eq!(store.append(arrival(1)).await, Ok(repeat.clone()));
    drop(store);
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    assert_eq!(store.append(arrival(1)).await, Ok(repeat));
    assert_eq!(store.records("acme", &call(1)).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_text_that_is_told_twice_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    let text = || Record { call: String::new(), ..record(Kind::Message, 0, "message.SM1.received", START) };
    assert_eq!(store.append(text()).await, Ok(Appended::Fresh));
    assert_eq!(store.append(text()).await, Ok(Appended::Repeat { twiml: None }));
    drop(store);
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    assert_eq!(store.append(text()).await, Ok(Appended::Repeat { twiml: None }));
    assert_eq!(count(folder.path(), "SELECT count(*) FROM records"), 1);
}
