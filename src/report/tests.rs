//! Calls added up and told.

use crate::audit::samples;
use crate::audit::summary::{Answered, Rung, Summary};
use crate::report::call::Call;
use crate::report::figures::Figures;
use crate::report::tally::Tally;
use crate::report::text::{Ink, text};
use crate::report::{advice, json, svg, why};

/// Monday 2026-11-23 10:00 in Los Angeles.
const MONDAY: i64 = 1_795_456_800_000_000;
const SECOND: i64 = 1_000_000;

/// A call that rings these, each with its outcome, twenty seconds apart.
fn call(hours: i64, rung: &[(&str, &str)]) -> Summary {
    let began_us = MONDAY + hours * 3600 * SECOND;
    let ring = |(place, (contact, outcome)): (usize, &(&str, &str))| Rung {
        hop: u8::try_from(place).unwrap() + 1,
        contact: (*contact).to_owned(),
        at_us: began_us + i64::try_from(place).unwrap() * 20 * SECOND,
        outcome: Some((*outcome).to_owned()),
    };
    let rung: Vec<_> = rung.iter().enumerate().map(ring).collect();
    let taken = rung.iter().find(|rung| rung.outcome.as_deref() == Some("connected"));
    let answered =
        taken.map(|rung| Answered { by: Some(rung.contact.clone()), at_us: rung.at_us + 9 * SECOND, by_key: true });
    let waited = answered.as_ref().map_or(40, |it| u32::try_from((it.at_us - began_us) / SECOND).unwrap());
    let end = if answered.is_some() { "connected" } else { "voicemail" };
    Summary {
        line: Some("main".to_owned()),
        zone: "America/Los_Angeles".to_owned(),
        caller: "+13125550123".to_owned(),
        began_us,
        rung,
        answered,
        waited: Some(waited),
        end: Some(end.to_owned()),
        over_us: Some(began_us + 70 * SECOND),
        ..Summary::default()
    }
}

fn added(calls: &[Summary]) -> Figures {
    let (mut one, mut other) = (Tally::new(None), Tally::new(None));
    for (place, summary) in calls.iter().enumerate() {
        let written = serde_json::to_string(summary).unwrap();
        let read = Call::read(&written).unwrap();
        assert_eq!(read, Call::of(summary.clone()));
        if place % 2 == 0 { one.add(&read) } else { other.add(&read) }
    }
    one.merge(other);
    one.finish().0
}

fn week() -> Vec<Summary> {
    let mut calls = Vec::new();
    for number in 0..30 {
        calls.push(call(number % 4, &[("dana", "answered_no_key"), ("lee", "connected")]));
        calls.push(call(24 + number % 4, &[("dana", "connected")]));
        calls.push(call(48, &[("dana", "no_answer"), ("lee", "busy")]));
    }
    calls
}

#[test]
fn calls_add_up() {
    let figures = added(&week());
    assert_eq!((figures.calls, figures.taken(), figures.missed), (90, 60, 30));
    assert_eq!(figures.tiers.into_iter().collect::<Vec<_>>(), [(1, 30), (2, 30)]);
    assert_eq!((figures.waits.at(50), figures.waits.at(95)), (Some(29), Some(40)));
    assert_eq!(figures.waits_taken.at(95), Some(29));
    let (monday, wednesday) = (figures.week[0][10], figures.week[2][10]);
    assert_eq!((monday.calls, monday.taken, wednesday.missed), (8, 8, 30));
    let dana = &figures.contacts["dana"];
    assert_eq!((dana.rings, dana.taken, dana.no_key, dana.no_answer, dana.cost()), (90, 30, 30, 30, 20));
}

#[test]
fn a_mailbox_that_keeps_answering_is_suspected() {
    let found = advice::mailboxes(&added(&week()));
    assert_eq!(
        found.iter().map(|it| (it.contact.as_str(), it.no_key, it.not_taken)).collect::<Vec<_>>(),
        [("dana", 30, 60)]
    );
}

#[test]
fn a_better_order_is_named_when_it_spares_callers_seconds() {
    let order = advice::order(&added(&week())).unwrap();
    assert_eq!(
        (order.now, order.better),
        (vec!["dana".to_owned(), "lee".to_owned()], vec!["lee".to_owned(), "dana".to_owned()])
    );
    let good: Vec<_> = (0..40).map(|_| call(0, &[("dana", "connected")])).collect();
    assert_eq!(advice::order(&added(&good)), None);
    let mut calls = week();
    calls.extend((0..30).map(|_| call(5, &[("dana", "no_answer"), ("lee", "no_answer"), ("desk", "connected")])));
    let order = advice::order(&added(&calls)).unwrap();
    assert_eq!((order.now[0].as_str(), order.better[0].as_str()), ("dana", "desk"));
    assert!(order.seconds_better + 2 <= order.seconds_now);
}

#[test]
fn the_report_says_it_in_words() {
    let (whole, lines) = {
        let mut tally = Tally::new(None);
        week().into_iter().for_each(|summary| tally.add(&Call::of(summary)));
        tally.finish()
    };
    let text = text(&whole, &lines, Ink::Plain);
    for part in [
        "90 calls from 2026-11-23 to 2026-11-25\n",
        "taken             60  67 %  30 at ring 1, 30 at ring 2\n",
        "missed            30  33 %  0 of them with a message\n",
        "waited     half up to 29 s, 95 of 100 up to 40 s; those who were taken: half up to 9 s, 95 of 100 up to 29 s\n",
        "hint: dana: 30 of 60 rings that were not taken were picked up without a key",
    ] {
        assert!(text.contains(part), "{part}\n--\n{text}");
    }
    let week: Vec<_> = text.lines().filter(|line| line.starts_with("Mon") || line.starts_with("Wed")).collect();
    assert!(week[0].contains('░') && week[1].contains('█') && week[3].contains("100"), "{week:?}");
    let json = json::json(&whole, &lines);
    assert_eq!(json["all"]["week"][2][10]["missed"], 30);
    let picture = svg::svg(&whole);
    assert_eq!(picture.matches("<rect").count(), 24 * 7 + 1);
    assert!(picture.contains("Wed 10:00: 30 calls, 0 taken, 30 missed, waited 40 s"), "{picture}");
}

#[test]
fn no_calls_are_no_calls() {
    let (whole, lines) = Tally::new(None).finish();
    assert_eq!(text(&whole, &lines, Ink::Plain), "no calls\n");
}

#[test]
fn a_call_is_told_in_a_sentence() {
    let taken = call(0, &[("dana", "answered_no_key"), ("lee", "connected")]);
    assert_eq!(
        why::sentence(&taken),
        "Mon 2026-11-23 10:00: +13125550123 called main, rang dana (picked up, no key), rang lee (took it after 9 s), talked for 41 s"
    );
    let mut missed = call(0, &[("dana", "no_answer"), ("lee", "busy")]);
    missed.message_seconds = Some(12);
    assert_eq!(
        why::sentence(&missed),
        "Mon 2026-11-23 10:00: +13125550123 called main, rang dana (no answer), rang lee (busy), left a message of 12 s"
    );
}

#[test]
fn a_call_is_told_as_it_went_on() {
    let records = [samples::decision(), samples::closed()];
    assert_eq!(
        why::timeline(&records),
        "     0.0 s  the caller pressed 4711; rings primary for 20 s, showing +13125550123\n   100.0 s  the call is closed: connected\n"
    );
    assert!(why::reasons(&records).contains("    taken: caller +13125550123 is one of vip"));
    assert_eq!(why::folded(&records).end.as_deref(), Some("connected"));
}
