//! Calendar files as calendars export them, and as people break them.

use super::{CalendarFault, read};
use crate::model::moment::Zone;
use crate::rules::ruleset::DayRule;

fn file(events: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\n{events}END:VCALENDAR\n").replace('\n', "\r\n")
}

fn event(lines: &str) -> String {
    file(&format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n"))
}

fn zone() -> Zone {
    Zone::named("America/Los_Angeles").unwrap()
}

/// The days in one line each.
fn days(text: &str) -> Vec<String> {
    let calendar = read(text.as_bytes(), &zone()).unwrap();
    let told = calendar.days.iter().map(|day| match day.on {
        DayRule::Date(date) => format!("{date} +{} {}", day.days, day.name),
        DayRule::Yearly { .. } | DayRule::Weekday { .. } | DayRule::Easter(_) => {
            format!("{:?} +{} {}", day.on, day.days, day.name)
        }
    });
    told.collect()
}

fn faults(text: &str) -> Vec<CalendarFault> {
    read(text.as_bytes(), &zone()).unwrap_err()
}

#[test]
fn whole_days_close_up_to_their_end() {
    assert_eq!(
        days(&event("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:Christmas\\, closed")),
        ["2026-12-24 +3 Christmas, closed"]
    );
    assert_eq!(days(&event("DTSTART;VALUE=DATE:20261224\nSUMMARY:One")), ["2026-12-24 +1 One"]);
    assert_eq!(days(&event("DTSTART:20261224\nDURATION:P2D")), ["2026-12-24 +2 closed"]);
    assert_eq!(days(&event("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261224")), ["2026-12-24 +1 closed"]);
}

#[test]
fn folded_lines_alarms_and_canceled_events_are_understood() {
    let text = event(
        "SUMMARY:Staff \n outing\nDTSTART;VALUE=D\n ATE:20260601\nBEGIN:VALARM\nSUMMARY:no\nDTSTART:x\nEND:VALARM",
    );
    assert_eq!(days(&text), ["2026-06-01 +1 Staff outing"]);
    assert_eq!(days(&event("DTSTART;VALUE=DATE:20261224\nSTATUS:CANCELLED")), Vec::<String>::new());
    assert_eq!(
        days(&file("BEGIN:VTIMEZONE\nDTSTART:19700101T000000\nRRULE:FREQ=DAILY\nEND:VTIMEZONE\n")),
        Vec::<String>::new()
    );
}

#[test]
fn a_part_of_a_day_closes_the_day_and_is_remarked() {
    let text = event("DTSTART:20260601T060000Z\nDTEND:20260602T070000Z\nSUMMARY:Inventory");
    assert_eq!(days(&text), ["2026-05-31 +2 Inventory"]);
    let calendar = read(text.as_bytes(), &zone()).unwrap();
    assert_eq!(calendar.remarks[0].line, 4);
    assert_eq!(days(&event("DTSTART;TZID=America/New_York:20260601T013000")), ["2026-05-31 +1 closed"]);
    assert_eq!(days(&event("DTSTART;TZID=\"Pacific Standard Time\":20260601T013000")), ["2026-06-01 +1 closed"]);
}

#[test]
fn yearly_events_come_again() {
    assert_eq!(
        days(&event("DTSTART;VALUE=DATE:20200704\nRRULE:FREQ=YEARLY\nSUMMARY:Fourth")),
        ["Yearly { month: 7, day: 4 } +1 Fourth"]
    );
    assert_eq!(
        days(&event("DTSTART;VALUE=DATE:20201126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH")),
        ["Weekday { nth: 4, weekday: Thursday, month: 11 } +1 closed"]
    );
    assert_eq!(
        days(&event("DTSTART;VALUE=DATE:20260704\nRRULE:FREQ=YEARLY;COUNT=3\nEXDATE;VALUE=DATE:20270704")),
        ["2026-07-04 +1 closed", "2028-07-04 +1 closed"]
    );
    assert_eq!(
        days(&event("DTSTART;VALUE=DATE:20260525\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;UNTIL=20280101T000000Z")),
        ["2026-05-25 +1 closed", "2027-05-31 +1 closed"]
    );
    let endless = event("DTSTART;VALUE=DATE:20200704\nRRULE:FREQ=YEARLY");
    assert_eq!(read(endless.as_bytes(), &zone()).unwrap().last, None);
    let once = event("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227");
    assert_eq!(read(once.as_bytes(), &zone()).unwrap().last, Some(jiff::civil::date(2026, 12, 26)));
}

#[test]
fn what_is_not_understood_is_told_with_its_line() {
    for (lines, line, part) in [
        ("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=WEEKLY;BYDAY=MO", 5, "`FREQ=WEEKLY`"),
        ("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYDAY=MO,TU", 5, "`BYDAY=MO,TU`"),
        ("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYDAY=20MO", 5, "`BYDAY=20MO`"),
        ("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYDAY=1MO", 5, "weekday of the year"),
        ("DTSTART;VALUE=DATE:20260101\nRRULE:BYMONTH=1", 5, "without `FREQ=YEARLY`"),
        ("DTSTART;VALUE=DATE:20260101\nRDATE:20260102", 5, "`RDATE`"),
        ("DTSTART;VALUE=DATE:20260230", 4, "`20260230`"),
        ("DTSTART:20260101T250000", 4, "`20260101T250000`"),
        ("DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260101", 5, "ends before it starts"),
        ("SUMMARY:x", 3, "no `DTSTART`"),
    ] {
        let faults = faults(&event(lines));
        assert_eq!(faults.len(), 1, "{lines}: {faults:?}");
        assert!(faults[0].line == line && faults[0].message.contains(part), "{lines}: {faults:?}");
    }
}

#[test]
fn nonsense_is_refused_in_bounded_time() {
    assert!(faults("").first().unwrap().message.contains("BEGIN:VCALENDAR"));
    assert!(faults("BEGIN:VCALENDAR\nBEGIN:VEVENT\n")[0].message.contains("no end"));
    assert_eq!(read(&[b'B', b'\n', 0xff], &zone()).unwrap_err()[0].line, 2);
    assert!(faults(&"x".repeat(super::LARGEST + 1))[0].message.contains("bytes"));
    let many = "BEGIN:VEVENT\nDTSTART:20260101\nRRULE:FREQ=YEARLY;COUNT=170\nEND:VEVENT\n".repeat(500);
    assert!(faults(&file(&many))[0].message.contains("more than"));
    let broken = "BEGIN:VEVENT\nDTSTART:x\nEND:VEVENT\n".repeat(500);
    assert_eq!(faults(&file(&broken)).len(), super::MOST_FAULTS);
}
