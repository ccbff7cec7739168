//! Spellings that are read, and spellings that are refused with a way out.

use jiff::civil::{Weekday, date as day};

use super::{
    GrammarError, MomentError, date, day_rule, duration, hours_line, moment, open_spans, percentage, wait_limit,
};
use crate::model::moment::Zone;
use crate::rules::ruleset::{DayRule, Span, Weekly};

/// One line a test reads: the value, or code, place and way out.
fn told<T: std::fmt::Debug>(result: Result<T, GrammarError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => {
            format!("{} {:?}: {}; {}", error.code, error.at, error.message, error.help.unwrap_or_default())
        }
    }
}

#[test]
fn durations_are_whole_numbers_with_units_longest_first() {
    for (text, seconds) in [
        ("20s", 20),
        ("10m", 600),
        ("4h", 14_400),
        ("90d", 7_776_000),
        ("1h30m", 5_400),
        ("1d2h3m4s", 93_784),
        ("0s", 0),
    ] {
        assert_eq!(duration(text), Ok(seconds), "{text}");
    }
    for text in
        ["", "s", "m5", "5x", "30m1h", "5s5s", "1.5h", "-5s", "5 s", "20S", "١s", "99999999999999999999s", "4000d"]
    {
        assert_eq!(duration(text).unwrap_err().code, "bad-duration", "{text}");
    }
    assert_eq!(
        told(duration("20")),
        "duration-without-unit 0..2: `20` is a number without a unit; write `20s` for seconds, or use `m`, `h` or `d`"
    );
}

#[test]
fn an_hours_line_names_days_and_stretches() {
    let week = |text: &str| hours_line(text).unwrap();
    assert_eq!(week("mon-fri 09:00-17:00"), [Weekly { days: 0b001_1111, span: Span { from: 540, to: 1020 } }]);
    assert_eq!(
        week("mon,wed,fri 09:00-12:00 13:00-17:00"),
        [
            Weekly { days: 0b001_0101, span: Span { from: 540, to: 720 } },
            Weekly { days: 0b001_0101, span: Span { from: 780, to: 1020 } },
        ]
    );
    assert_eq!(week("daily 22:00-06:00"), [Weekly { days: 0b111_1111, span: Span { from: 1320, to: 1800 } }]);
    assert_eq!(week("sat 10:00-24:00"), [Weekly { days: 0b010_0000, span: Span { from: 600, to: 1440 } }]);
    assert_eq!(week("sat-mon 00:00-24:00"), [Weekly { days: 0b110_0001, span: Span { from: 0, to: 1440 } }]);
    assert_eq!(week("Mon-Tue, sat 23:59-00:01"), [Weekly { days: 0b010_0011, span: Span { from: 1439, to: 1441 } }]);
}

#[test]
fn a_wrong_hours_line_says_what_and_where() {
    let cases = [
        ("", "bad-hours 0..0"),
        ("09:00-17:00", "bad-hours 0..11: `09:00-17:00` does not start with its days"),
        ("mon-fri", "bad-hours 0..7: `mon-fri` has no time of day"),
        ("mon 24:30-25:00", "bad-time 4..9: there is no `24:30` in a day"),
        ("mon 09:00-24:01", "bad-time 10..15: there is no `24:01` in a day"),
        ("mon 09:60-10:00", "bad-time 4..9: there is no `09:60` in a day"),
        ("mon 24:00-06:00", "bad-time 4..9: a day ends at 24:00"),
        ("mon 09:00-09:00", "empty-interval 4..15: `09:00-09:00` ends where it starts"),
        ("mon 9:00-17:00", "bad-time 4..8: `9:00` is not a time of day; write `09:00`"),
        ("mon 9am-5pm", "bad-time 4..7: `9am` is not a time of day; write `09:00`"),
        ("mon 09:00-5pm", "bad-time 10..13: `5pm` is not a time of day; write `17:00`"),
        ("mon 09.00-17.00", "bad-time 4..9: `09.00` is not a time of day; write `09:00`"),
        ("mon 09:00 - 17:00", "bad-hours 4..9: `09:00` is not a stretch of time"),
        ("mon 09:00–17:00", "bad-hours 4..17"),
        ("mon fri 09:00-17:00", "bad-hours 4..7: the day `fri` stands apart from the others; write days with commas"),
        ("monday 09:00-17:00", "bad-weekday 0..6: `monday` is not a day of the week; did you mean `mon`?"),
        ("mon-fry 09:00-17:00", "bad-weekday 4..7"),
        ("mon,,tue 09:00-17:00", "bad-weekday 4..4"),
    ];
    for (text, start) in cases {
        let told = told(hours_line(text));
        assert!(told.starts_with(start), "{text}: {told}");
    }
}

#[test]
fn a_dated_day_is_open_in_stretches_or_closed() {
    assert_eq!(open_spans("closed"), Ok(vec![]));
    assert_eq!(
        open_spans("08:00-12:00 22:00-02:00"),
        Ok(vec![Span { from: 480, to: 720 }, Span { from: 1320, to: 1560 }])
    );
    assert_eq!(open_spans("").unwrap_err().code, "bad-hours");
}

#[test]
fn days_are_dates_or_rules() {
    assert_eq!(date("2026-12-24"), Ok(day(2026, 12, 24)));
    assert_eq!(day_rule("2026-12-24"), Ok(DayRule::Date(day(2026, 12, 24))));
    assert_eq!(day_rule("01-01"), Ok(DayRule::Yearly { month: 1, day: 1 }));
    assert_eq!(day_rule("02-29"), Ok(DayRule::Yearly { month: 2, day: 29 }));
    assert_eq!(day_rule("4th thu of nov"), Ok(DayRule::Weekday { nth: 4, weekday: Weekday::Thursday, month: 11 }));
    assert_eq!(day_rule("last mon of may"), Ok(DayRule::Weekday { nth: -1, weekday: Weekday::Monday, month: 5 }));
    assert_eq!(day_rule("easter"), Ok(DayRule::Easter(0)));
    assert_eq!(day_rule("easter+1"), Ok(DayRule::Easter(1)));
    assert_eq!(day_rule("easter-2"), Ok(DayRule::Easter(-2)));
    for (text, code) in [
        ("02-30", "bad-date"),
        ("13-01", "bad-date"),
        ("2025-02-29", "bad-date"),
        ("24.12.2026", "bad-date"),
        ("9999-01-01", "bad-date"),
        ("6th mon of may", "bad-day-rule"),
        ("4th thu of nvember", "bad-day-rule"),
        ("4th day of nov", "bad-weekday"),
        ("easter1", "bad-day-rule"),
        ("easter+-1", "bad-day-rule"),
        ("easter+999", "bad-day-rule"),
        ("christmas", "bad-day-rule"),
        ("", "bad-day-rule"),
    ] {
        assert_eq!(day_rule(text).unwrap_err().code, code, "{text}");
    }
}

#[test]
fn moments_are_local_and_told_apart_where_the_clock_comes_twice() {
    let zone = Zone::named("America/Los_Angeles").unwrap();
    let within = |text: &str| moment(text).unwrap().within(&zone).map(|at| at.timestamp().to_string());
    assert_eq!(within("2026-03-06 15:00").unwrap(), "2026-03-06T23:00:00Z");
    assert_eq!(within("2026-03-06T15:00:30").unwrap(), "2026-03-06T23:00:30Z");
    assert_eq!(within("2026-11-01 01:30").unwrap(), "2026-11-01T08:30:00Z");
    assert_eq!(within("2026-11-01 01:30 -08:00").unwrap(), "2026-11-01T09:30:00Z");
    assert_eq!(within("2026-11-01T09:30:00Z").unwrap(), "2026-11-01T09:30:00Z");
    let skipped = within("2026-03-08 02:30").unwrap_err();
    assert!(matches!(&skipped, MomentError::Skipped { to, .. } if to == "03:30"), "{skipped}");
    for (text, code) in [
        ("2026-03-06", "bad-moment"),
        ("2026-03-06 24:00", "bad-moment"),
        ("2026-03-06 3pm", "bad-moment"),
        ("2026-03-06 15:00 PST", "bad-moment"),
        ("2026-02-30 15:00", "bad-date"),
        ("", "bad-moment"),
    ] {
        assert_eq!(moment(text).unwrap_err().code, code, "{text}");
    }
}

#[test]
fn shares_and_limits_have_one_spelling() {
    assert_eq!(percentage("10%"), Ok(10));
    assert_eq!(percentage("100%"), Ok(100));
    for text in ["10", "101%", "%", "1.5%", "-1%", "+1%", "10 %"] {
        assert_eq!(percentage(text).unwrap_err().code, "bad-percentage", "{text}");
    }
    assert_eq!(wait_limit("<= 120s"), Ok(120));
    assert_eq!(wait_limit("<=2m"), Ok(120));
    assert_eq!(wait_limit("120s").unwrap_err().code, "bad-wait-limit");
    assert_eq!(wait_limit("<= 120").unwrap_err().at, 3..6);
}
