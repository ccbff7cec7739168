//! On which days holidays fall.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::rules::ruleset::{DayRule, Holiday, Holidays};

/// Western Easter Sunday of a year: Gauss's rule for the Gregorian calendar, in the form of Meeus, Jones and Butcher.
pub fn easter_sunday(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let (golden, century, rest) = (year.rem_euclid(19), year.div_euclid(100), year.rem_euclid(100));
    let moon_shift = (century + 8).div_euclid(25);
    let correction = (century - moon_shift + 1).div_euclid(3);
    let epact = (19 * golden + century - century.div_euclid(4) - correction + 15).rem_euclid(30);
    let to_sunday = (32 + 2 * century.rem_euclid(4) + 2 * (rest / 4) - epact - rest % 4).rem_euclid(7);
    let late = (golden + 11 * epact + 22 * to_sunday) / 451;
    let packed = epact + to_sunday - 7 * late + 114;
    let (month, day) = (i8::try_from(packed / 31).ok()?, i8::try_from(packed % 31 + 1).ok()?);
    Date::new(i16::try_from(year).ok()?, month, day).ok()
}

impl DayRule {
    /// The day it names in a year; none when that year has no such day.
    pub fn in_year(self, year: i16) -> Option<Date> {
        match self {
            Self::Date(date) => (date.year() == year).then_some(date),
            Self::Yearly { month, day } => Date::new(year, month, day).ok(),
            Self::Weekday { nth, weekday, month } => {
                Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok()
            }
            Self::Easter(offset) => easter_sunday(year)?.checked_add(offset.days()).ok(),
        }
    }

    /// Whether it names that very day.
    fn names(self, day: Date) -> bool {
        match self {
            Self::Date(date) => date == day,
            Self::Yearly { month, day: number } => day.month() == month && day.day() == number,
            Self::Weekday { month, .. } if month != day.month() => false,
            Self::Weekday { weekday, nth, .. } if nth > 0 => day.weekday() == weekday && (day.day() - 1) / 7 + 1 == nth,
            Self::Weekday { weekday, .. } => day.weekday() == weekday && day.day() + 7 > day.days_in_month(),
            Self::Easter(offset) => {
                let sunday = day.checked_sub(offset.days()).ok();
                sunday.is_some_and(|sunday| {
                    (3..=4).contains(&sunday.month()) && easter_sunday(sunday.year()) == Some(sunday)
                })
            }
        }
    }
}

impl Holiday {
    /// Whether the day is one of its days.
    pub fn covers(&self, day: Date) -> bool {
        if let DayRule::Date(first) = self.on {
            let late = (day - first).get_days();
            return (0..i32::from(self.days)).contains(&late);
        }
        let mut start = Some(day);
        (0..self.days).any(|_| {
            let candidate = start;
            start = start.and_then(|day| day.yesterday().ok());
            candidate.is_some_and(|candidate| self.on.names(candidate))
        })
    }
}

/// The first holiday of a list that the day belongs to, as its place in the list.
pub fn holiday_on(list: &Holidays, day: Date) -> Option<u16> {
    let place = list.days.iter().position(|holiday| holiday.covers(day))?;
    u16::try_from(place).ok()
}
