//! Days of the year: dates, and the rules by which holidays move.

use jiff::civil::Date;

use crate::rules::grammar::hours::weekday_of;
use crate::rules::grammar::{GrammarError, Piece, shown};
use crate::rules::ruleset::DayRule;

/// The months as they are written.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Which of a month's weekdays, as written.
const ORDINALS: [(&str, i8); 6] = [("1st", 1), ("2nd", 2), ("3rd", 3), ("4th", 4), ("5th", 5), ("last", -1)];

/// How far from Easter a holiday may lie: further would not be told from a date by its readers.
const EASTER_REACH: i16 = 120;

/// Years that a rule file may name: the calendar's arithmetic is far wider, typing errors are not.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;

/// Reads `2026-12-24`.
pub fn date(text: &str) -> Result<Date, GrammarError> {
    date_of(Piece::whole(text))
}

pub(super) fn date_of(piece: Piece<'_>) -> Result<Date, GrammarError> {
    let parts: Vec<Piece<'_>> = piece.split(|sign| sign == '-').collect();
    let [year, month, day] = parts.as_slice() else {
        return Err(bad_date(piece));
    };
    let (Some(year), Some(month), Some(day)) = (year.digits::<i16>(4), month.digits::<i8>(2), day.digits::<i8>(2))
    else {
        return Err(bad_date(piece));
    };
    if !YEARS.contains(&year) {
        return Err(piece.refuse("bad-date", format!("the year {year} is too far away"), "years go from 1970 to 2199"));
    }
    Date::new(year, month, day).map_err(|_none| no_such_day(piece))
}

fn bad_date(piece: Piece<'_>) -> GrammarError {
    piece.refuse(
        "bad-date",
        format!("`{}` is not a date", shown(piece.text)),
        "write year, month and day with two hyphens, such as `2026-12-24`",
    )
}

fn no_such_day(piece: Piece<'_>) -> GrammarError {
    piece.refuse(
        "bad-date",
        format!("there is no `{}` in the calendar", shown(piece.text)),
        "the month comes first, then the day of the month",
    )
}

/// Reads the day of a holiday: `12-24`, `2026-12-24`, `4th thu of nov`, `last mon of may` or `easter+1`.
pub fn day_rule(text: &str) -> Result<DayRule, GrammarError> {
    let piece = Piece::whole(text);
    if let Some(offset) = text.strip_prefix("easter") {
        return easter(piece, offset);
    }
    let words: Vec<Piece<'_>> = piece.words().collect();
    match words.as_slice() {
        [one] if one.text.len() == 5 && one.text.contains('-') => yearly(*one),
        [one] if one.text.starts_with(|sign: char| sign.is_ascii_digit()) => Ok(DayRule::Date(date_of(*one)?)),
        [nth, weekday, of, month] if of.text == "of" => by_weekday(*nth, *weekday, *month),
        _ => Err(piece.refuse(
            "bad-day-rule",
            format!("`{}` is not a day that a holiday falls on", shown(text)),
            "write `12-24`, `2026-12-24`, `4th thu of nov`, `last mon of may`, `easter` or `easter+1`",
        )),
    }
}

fn easter(piece: Piece<'_>, offset: &str) -> Result<DayRule, GrammarError> {
    let number = offset.strip_prefix(['+', '-']).unwrap_or_default();
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let days = if offset.is_empty() { Some(0) } else { offset.parse::<i16>().ok().filter(|_| plain) };
    days.filter(|days| days.abs() <= EASTER_REACH).map(DayRule::Easter).ok_or_else(|| {
        piece.refuse(
            "bad-day-rule",
            format!("`{}` is not a day counted from Easter Sunday", shown(piece.text)),
            format!("write `easter`, `easter+1` or `easter-2`, at most {EASTER_REACH} days away"),
        )
    })
}

fn yearly(piece: Piece<'_>) -> Result<DayRule, GrammarError> {
    let parts = piece.halves('-').and_then(|(month, day)| Some((month.digits::<i8>(2)?, day.digits::<i8>(2)?)));
    let (month, day) = parts.ok_or_else(|| bad_date(piece))?;
    // A leap year, so that February 29 may be named.
    Date::new(2024, month, day).map_err(|_none| no_such_day(piece))?;
    Ok(DayRule::Yearly { month, day })
}

fn by_weekday(nth: Piece<'_>, weekday: Piece<'_>, month: Piece<'_>) -> Result<DayRule, GrammarError> {
    let ordinal = ORDINALS.iter().find(|(word, _)| *word == nth.text).map(|(_, number)| *number);
    let ordinal = ordinal.ok_or_else(|| {
        nth.refuse(
            "bad-day-rule",
            format!("`{}` does not say which one of the month", shown(nth.text)),
            "write `1st`, `2nd`, `3rd`, `4th`, `5th` or `last`",
        )
    })?;
    let day = weekday_of(weekday.text).ok_or_else(|| {
        weekday.refuse(
            "bad-weekday",
            format!("`{}` is not a day of the week", shown(weekday.text)),
            "days are `mon`, `tue`, `wed`, `thu`, `fri`, `sat` and `sun`",
        )
    })?;
    let place = MONTHS.iter().zip(1_i8..).find(|(name, _)| name.eq_ignore_ascii_case(month.text));
    let (_, number) = place.ok_or_else(|| {
        month.refuse(
            "bad-day-rule",
            format!("`{}` is not a month", shown(month.text)),
            format!("months are {}", MONTHS.map(|name| format!("`{name}`")).join(", ")),
        )
    })?;
    Ok(DayRule::Weekday { nth: ordinal, weekday: day, month: number })
}
