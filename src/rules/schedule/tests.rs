//! Hours against the calendar: examples with their reasons here, every zone's clock changes in `zones`.

mod zones;

use jiff::civil::{Date, date};

use super::{HoursFact, changes, easter_sunday, fact, next_change};
use crate::model::digest::Digest;
use crate::model::ids::{HolidaysId, HoursId};
use crate::model::moment::{Moment, Zone};
use crate::rules::grammar;
use crate::rules::ruleset::{Dated, Holiday, Holidays, Hours, RuleSet, Span, Weekly};

/// Hours as a test writes them.
#[derive(Default)]
struct Written<'a> {
    week: &'a [&'a str],
    dates: &'a [(&'a str, &'a str)],
    /// (day, how many days)
    holidays: &'a [(&'a str, u8)],
}

fn rules(all: &[Written<'_>]) -> RuleSet {
    let mut hours = Vec::new();
    let mut holidays = Vec::new();
    for (written, place) in all.iter().zip(0..) {
        let week: Vec<Weekly> = written.week.iter().flat_map(|line| grammar::hours_line(line).unwrap()).collect();
        let mut dates: Vec<Dated> = written
            .dates
            .iter()
            .map(|(day, open)| Dated {
                day: grammar::date(day).unwrap(),
                open: grammar::open_spans(open).unwrap().into(),
            })
            .collect();
        dates.sort_by_key(|dated| dated.day);
        let days = written
            .holidays
            .iter()
            .map(|(day, days)| Holiday { name: (*day).into(), on: grammar::day_rule(day).unwrap(), days: *days })
            .collect();
        holidays.push(Holidays { name: format!("list{place}").into(), days, ends: None, must_cover: None, at: 1 });
        hours.push(Hours {
            name: format!("hours{place}").into(),
            week: week.into(),
            dates: dates.into(),
            closed: [HolidaysId(place)].into(),
            at: 1,
        });
    }
    RuleSet {
        digest: Digest::of([]),
        zone: Zone::utc(),
        languages: ["en".into()].into(),
        countries: [].into(),
        lines: [].into(),
        contacts: [].into(),
        hours: hours.into(),
        holidays: holidays.into(),
        callers: [].into(),
        switches: [].into(),
        flows: [].into(),
        menus: [].into(),
        cascades: [].into(),
        mailboxes: [].into(),
        escalations: [].into(),
        channels: [].into(),
        rollout: None,
        promises: [].into(),
    }
}

fn at(zone: &str, text: &str) -> Moment {
    grammar::moment(text).unwrap().within(&Zone::named(zone).unwrap()).unwrap()
}

const WEST: &str = "America/Los_Angeles";

fn told(rules: &RuleSet, text: &str) -> HoursFact {
    fact(rules, HoursId(0), &at(WEST, text))
}

fn open(rules: &RuleSet, text: &str) -> bool {
    told(rules, text).holds()
}

#[test]
fn the_start_counts_and_the_end_does_not() {
    let rules = rules(&[Written { week: &["mon-fri 09:00-12:00 13:00-17:00"], ..Written::default() }]);
    let (morning, noon) = (Span { from: 540, to: 720 }, Span { from: 780, to: 1020 });
    assert_eq!(told(&rules, "2026-03-06 08:59:59"), HoursFact::Before { minute: 539, span: morning });
    assert_eq!(told(&rules, "2026-03-06 09:00"), HoursFact::Open { span: morning, day: date(2026, 3, 6) });
    assert!(open(&rules, "2026-03-06 11:59:59"));
    assert_eq!(told(&rules, "2026-03-06 12:00"), HoursFact::Before { minute: 720, span: noon });
    assert_eq!(told(&rules, "2026-03-06 17:00"), HoursFact::After { minute: 1020, span: noon });
    assert_eq!(told(&rules, "2026-03-07 10:00"), HoursFact::NoneToday { day: date(2026, 3, 7) });
}

#[test]
fn what_runs_over_midnight_belongs_to_the_day_it_starts() {
    // Friday's night alone: Saturday early is open, Friday early and Saturday late are not.
    let rules = rules(&[Written { week: &["fri 22:00-06:00"], ..Written::default() }]);
    assert!(!open(&rules, "2026-03-06 03:00"));
    assert!(open(&rules, "2026-03-06 22:00"));
    assert_eq!(
        told(&rules, "2026-03-07 05:59"),
        HoursFact::Open { span: Span { from: 1320, to: 1800 }, day: date(2026, 3, 6) }
    );
    assert_eq!(told(&rules, "2026-03-07 06:00"), HoursFact::NoneToday { day: date(2026, 3, 7) });
    assert!(!open(&rules, "2026-03-07 23:00"));
}

#[test]
fn a_holiday_takes_its_own_night_and_leaves_the_night_before() {
    let written = Written { week: &["daily 22:00-06:00"], holidays: &[("12-25", 1)], ..Written::default() };
    let rules = rules(&[written]);
    assert!(open(&rules, "2026-12-25 05:59"), "the tail of the 24th is the 24th's");
    assert_eq!(told(&rules, "2026-12-25 12:00"), HoursFact::Holiday { list: HolidaysId(0), holiday: 0 });
    assert!(!open(&rules, "2026-12-25 23:00"));
    assert!(!open(&rules, "2026-12-26 05:00"), "the tail of the 25th went with the holiday");
    assert!(open(&rules, "2026-12-26 22:00"));
}

#[test]
fn a_dated_day_beats_a_holiday_and_a_holiday_beats_the_week() {
    let rules = rules(&[Written {
        week: &["daily 09:00-17:00"],
        dates: &[("2026-12-24", "08:00-12:00"), ("2026-12-31", "closed"), ("2027-01-01", "22:00-02:00")],
        holidays: &[("12-24", 3), ("01-01", 1)],
    }]);
    assert!(open(&rules, "2026-12-24 08:30"));
    assert_eq!(told(&rules, "2026-12-24 13:00"), HoursFact::After { minute: 780, span: Span { from: 480, to: 720 } });
    assert_eq!(told(&rules, "2026-12-26 10:00"), HoursFact::Holiday { list: HolidaysId(0), holiday: 0 });
    assert!(open(&rules, "2026-12-27 10:00"));
    assert_eq!(told(&rules, "2026-12-31 10:00"), HoursFact::ClosedOnDate { day: date(2026, 12, 31) });
    assert!(!open(&rules, "2027-01-01 12:00"));
    assert!(open(&rules, "2027-01-02 01:59"), "the tail of the dated night");
    assert!(!open(&rules, "2027-01-02 02:00"));
}

#[test]
fn a_dated_day_removes_the_week_s_tail_of_that_day() {
    let rules =
        rules(&[Written { week: &["daily 22:00-06:00"], dates: &[("2026-05-01", "closed")], ..Written::default() }]);
    assert!(open(&rules, "2026-05-01 05:00"));
    assert!(!open(&rules, "2026-05-02 05:00"));
}

#[test]
fn holidays_fall_on_their_days() {
    let list = |day: &str, days: u8| Holidays {
        name: "x".into(),
        days: [Holiday { name: "x".into(), on: grammar::day_rule(day).unwrap(), days }].into(),
        ends: None,
        must_cover: None,
        at: 1,
    };
    let all = |day: &str, days: u8, year: i16| -> Vec<String> {
        let list = list(day, days);
        let mut found = Vec::new();
        let mut today = date(year, 1, 1);
        while today.year() == year {
            if super::holiday_on(&list, today).is_some() {
                found.push(today.strftime("%m-%d").to_string());
            }
            today = today.tomorrow().unwrap();
        }
        found
    };
    assert_eq!(all("4th thu of nov", 2, 2026), ["11-26", "11-27"]);
    assert_eq!(all("last mon of may", 1, 2026), ["05-25"]);
    assert_eq!(all("5th mon of feb", 1, 2026), Vec::<String>::new());
    assert_eq!(all("5th thu of feb", 1, 2024), ["02-29"]);
    assert_eq!(all("02-29", 1, 2024), ["02-29"]);
    assert_eq!(all("02-29", 1, 2026), Vec::<String>::new());
    assert_eq!(all("02-28", 2, 2024), ["02-28", "02-29"]);
    assert_eq!(all("02-28", 2, 2026), ["02-28", "03-01"]);
    assert_eq!(all("12-31", 2, 2026), ["01-01", "12-31"]);
    assert_eq!(all("easter-2", 4, 2026), ["04-03", "04-04", "04-05", "04-06"]);
    assert_eq!(all("easter-50", 1, 2026), ["02-14"]);
    assert_eq!(all("2026-12-31", 3, 2027), ["01-01", "01-02"]);
}

#[test]
fn easter_falls_as_the_almanac_says() {
    // From the published tables of the Western churches.
    for (year, month, day) in [
        (1818, 3, 22),
        (1943, 4, 25),
        (1954, 4, 18),
        (1981, 4, 19),
        (2000, 4, 23),
        (2008, 3, 23),
        (2024, 3, 31),
        (2025, 4, 20),
        (2026, 4, 5),
        (2027, 3, 28),
        (2028, 4, 16),
        (2029, 4, 1),
        (2030, 4, 21),
        (2038, 4, 25),
        (2285, 3, 22),
    ] {
        assert_eq!(easter_sunday(year), Some(date(year, month, day)));
    }
    for year in 1583..=2400 {
        let sunday = easter_sunday(year).unwrap();
        assert_eq!(sunday.weekday(), jiff::civil::Weekday::Sunday);
        assert!(date(year, 3, 22) <= sunday && sunday <= date(year, 4, 25), "{sunday}");
    }
}

/// The next changes in local words.
fn walk(rules: &RuleSet, zone: &str, from: &str, count: usize) -> Vec<String> {
    let mut moment = at(zone, from);
    let mut found = Vec::new();
    while let Some(next) = next_change(rules, HoursId(0), &moment).filter(|_| found.len() < count) {
        moment = Moment::new(next, &Zone::named(zone).unwrap());
        found.push(moment.zoned().strftime("%m-%d %H:%M %:z").to_string());
    }
    found
}

#[test]
fn the_next_change_is_exact_in_the_nights_the_clocks_change() {
    let early = rules(&[Written { week: &["daily 01:30-02:30"], ..Written::default() }]);
    // 02:00 to 03:00 is skipped: the interval ends as the clocks jump.
    assert_eq!(
        walk(&early, WEST, "2026-03-08 00:00", 3),
        ["03-08 01:30 -08:00", "03-08 03:00 -07:00", "03-09 01:30 -07:00"]
    );
    // 01:00 to 02:00 comes twice, and the interval with it.
    assert_eq!(
        walk(&early, WEST, "2026-11-01 00:00", 4),
        ["11-01 01:30 -07:00", "11-01 01:00 -08:00", "11-01 01:30 -08:00", "11-01 02:30 -08:00"]
    );
    let skipped = rules(&[Written { week: &["daily 02:15-02:45"], ..Written::default() }]);
    assert_eq!(walk(&skipped, WEST, "2026-03-07 12:00", 1), ["03-09 02:15 -07:00"]);
}

#[test]
fn what_never_changes_has_no_next_change() {
    let rules = rules(&[
        Written { week: &["daily 00:00-24:00"], ..Written::default() },
        Written { dates: &[("2020-01-01", "09:00-10:00")], ..Written::default() },
    ]);
    let now = at(WEST, "2026-03-07 12:00");
    assert_eq!(next_change(&rules, HoursId(0), &now), None);
    assert_eq!(next_change(&rules, HoursId(1), &now), None);
    assert_eq!(next_change(&rules, HoursId(9), &now), None);
}

#[test]
fn changes_run_over_the_end_of_the_year_and_leap_days() {
    let rules = rules(&[Written { week: &["daily 22:00-02:00"], holidays: &[("02-29", 1)], ..Written::default() }]);
    assert_eq!(walk(&rules, WEST, "2027-12-31 12:00", 2), ["12-31 22:00 -08:00", "01-01 02:00 -08:00"]);
    assert_eq!(
        walk(&rules, WEST, "2028-02-28 12:00", 4),
        ["02-28 22:00 -08:00", "02-29 02:00 -08:00", "03-01 22:00 -08:00", "03-02 02:00 -08:00"]
    );
    let now = at(WEST, "2026-01-01 12:00");
    let until = now.timestamp() + jiff::SignedDuration::from_hours(24 * 365);
    assert_eq!(changes(&rules, HoursId(0), &now, until).count(), 730);
}

#[test]
fn seconds_within_a_minute_make_no_difference() {
    let rules = rules(&[Written { week: &["daily 09:00-09:01"], ..Written::default() }]);
    let day: Date = date(2026, 6, 1);
    for (second, holds) in [("08:59:59", false), ("09:00:00", true), ("09:00:59", true), ("09:01:00", false)] {
        assert_eq!(open(&rules, &format!("{day} {second}")), holds, "{second}");
    }
}
