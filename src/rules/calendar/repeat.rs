//! How a calendar's events repeat: yearly, by date or by weekday of a month, for a while or for ever.

use jiff::civil::{Date, Weekday};

use crate::model::moment::Zone;
use crate::rules::calendar::content;
use crate::rules::ruleset::DayRule;

/// No call is older than this, so a rule that started before it may stand for all years.
const FIRST_YEAR: i16 = 2026;

/// An event that starts later and never ends is written out for so many years.
const YEARS_AHEAD: i16 = 60;

/// The last year of the calendar.
const LAST_YEAR: i16 = 2199;

/// A yearly repetition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Repeat {
    interval: i16,
    count: Option<u16>,
    until: Option<Date>,
    month: Option<i8>,
    month_day: Option<i8>,
    weekday: Option<(i8, Weekday)>,
}

/// Reads the value of an `RRULE`; the error is the message.
pub(super) fn parse(text: &str, zone: &Zone) -> Result<Repeat, String> {
    let mut repeat = Repeat { interval: 1, ..Repeat::default() };
    let mut yearly = false;
    for part in text.trim().split(';').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let known = match key.to_ascii_uppercase().as_str() {
            "FREQ" => {
                yearly = value.eq_ignore_ascii_case("YEARLY");
                yearly
            }
            "INTERVAL" => value.parse().is_ok_and(|years: i16| {
                repeat.interval = years;
                (1..=100).contains(&years)
            }),
            "COUNT" => set(&mut repeat.count, value.parse().ok().filter(|count| *count > 0)),
            "UNTIL" => set(&mut repeat.until, until(value, zone)),
            "BYMONTH" => set(&mut repeat.month, value.parse().ok().filter(|month| (1..=12).contains(month))),
            "BYMONTHDAY" => set(&mut repeat.month_day, value.parse().ok().filter(|day| (1..=31).contains(day))),
            "BYDAY" => set(&mut repeat.weekday, weekday(value)),
            "WKST" => true,
            _ => false,
        };
        if !known {
            return Err(format!("the event repeats by `{}`, which is not understood", content::shown(part)));
        }
    }
    if yearly { Ok(repeat) } else { Err("the event repeats without `FREQ=YEARLY`".to_owned()) }
}

fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    *place = value;
    place.is_some()
}

fn until(value: &str, zone: &Zone) -> Option<Date> {
    let (day, clock) = value.split_once('T').unwrap_or((value, ""));
    let date = content::date(day)?;
    let Some(clock) = clock.strip_suffix('Z') else {
        return Some(date);
    };
    let instant = jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(content::time(clock)?)).ok()?;
    Some(zone.table().to_datetime(instant).date())
}

fn weekday(value: &str) -> Option<(i8, Weekday)> {
    let letters = value.trim_start_matches(|sign: char| sign.is_ascii_digit() || sign == '+' || sign == '-');
    let nth = value.strip_suffix(letters)?.parse().ok().filter(|nth| (1..=5).contains(nth) || *nth == -1)?;
    let day = match letters.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    Some((nth, day))
}

impl Repeat {
    /// The first days of all its occurrences, the start included; the error is the message.
    pub(super) fn days(&self, start: Date, except: &[Date]) -> Result<Vec<DayRule>, String> {
        let month = self.month.unwrap_or_else(|| start.month());
        let rule = match (self.weekday, self.month_day) {
            (Some(_), Some(_)) => return Err("the event repeats by weekday and by day of the month at once".to_owned()),
            (Some(_), None) if self.month.is_none() => {
                return Err("the event repeats by a weekday of the year".to_owned());
            }
            (Some((nth, weekday)), None) => DayRule::Weekday { nth, weekday, month },
            (None, day) => {
                let day = day.unwrap_or_else(|| start.day());
                Date::new(2024, month, day)
                    .map_err(|_none| "the event repeats on a day that never comes".to_owned())?;
                DayRule::Yearly { month, day }
            }
        };
        let endless = self.count.is_none() && self.until.is_none();
        if endless && self.interval == 1 && except.is_empty() && start.year() <= FIRST_YEAR {
            return Ok(vec![rule]);
        }
        let last = if endless { start.year().max(FIRST_YEAR).saturating_add(YEARS_AHEAD) } else { LAST_YEAR };
        let until = self.until.unwrap_or(Date::MAX);
        let mut days = vec![start];
        let years = (start.year()..=last.min(LAST_YEAR)).step_by(usize::from(self.interval.unsigned_abs().max(1)));
        days.extend(years.filter_map(|year| rule.in_year(year)).filter(|day| *day > start));
        let count = self.count.map_or(usize::MAX, usize::from);
        let kept = days.into_iter().take(count).filter(|day| *day <= until && !except.contains(day));
        Ok(kept.map(DayRule::Date).collect())
    }
}
