//! Whether some hours hold at a moment, why, and when that changes next.
//!
//! Everything compares local wall-clock time, so the night the clocks go forward loses the minutes it
//! skips, and the night they go back has its hour twice. A dated exception beats a holiday, a holiday
//! beats the week; what runs over midnight belongs to the day it starts on.

mod change;
mod holiday;

use jiff::civil::{Date, DateTime};

pub use change::{HORIZON_DAYS, changes, next_change};
pub use holiday::{easter_sunday, holiday_on};

use crate::model::ids::{HolidaysId, HoursId};
use crate::model::moment::Moment;
use crate::rules::ruleset::{Dated, Hours, RuleSet, Span, Weekly};

/// Minutes of a day.
const DAY: u16 = 1440;

/// What the calendar says of some hours at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum HoursFact {
    /// Within this interval, which started on this local day.
    Open {
        /// The interval.
        span: Span,
        /// The day.
        #[serde(with = "crate::model::moment::day")]
        day: Date,
    },
    /// No interval on this day.
    NoneToday {
        /// The day.
        #[serde(with = "crate::model::moment::day")]
        day: Date,
    },
    /// Before the next interval of the day.
    Before {
        /// Local minute of the day.
        minute: u16,
        /// The interval.
        span: Span,
    },
    /// At or after the end of the last interval that had started.
    After {
        /// Local minute of the day.
        minute: u16,
        /// The interval.
        span: Span,
    },
    /// A holiday: the list, and the place of the day in it.
    Holiday {
        /// The list.
        list: HolidaysId,
        /// Which of its days.
        holiday: u16,
    },
    /// A dated exception closes the day.
    ClosedOnDate {
        /// The day.
        #[serde(with = "crate::model::moment::day")]
        day: Date,
    },
}

impl HoursFact {
    /// Whether the hours hold.
    pub const fn holds(&self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

/// What the calendar says of these hours at that moment, in the moment's own zone.
pub fn fact(rules: &RuleSet, hours: HoursId, moment: &Moment) -> HoursFact {
    fact_at(rules, hours, moment.zoned().datetime())
}

/// What rules over a day as a whole: [`HoursFact::Holiday`] when a holiday closes it, though the night before may
/// still run into it; otherwise what holds when the day ends.
pub fn fact_on(rules: &RuleSet, hours: HoursId, day: Date) -> HoursFact {
    fact_at(rules, hours, day.at(23, 59, 0, 0))
}

/// The same for a local time.
fn fact_at(rules: &RuleSet, id: HoursId, local: DateTime) -> HoursFact {
    let (day, minute) = (local.date(), minute_of(local));
    let Some(hours) = rules.hours(id) else {
        return HoursFact::NoneToday { day };
    };
    let today = day_of(rules, hours, day);
    if let Some(span) = today.spans().find(|span| span.from <= minute && minute < span.to) {
        return HoursFact::Open { span, day };
    }
    if let Some((span, day)) = tail(rules, hours, day, minute) {
        return HoursFact::Open { span, day };
    }
    match today {
        Day::Holiday { list, holiday } => return HoursFact::Holiday { list, holiday },
        Day::Dated(dated) if dated.open.is_empty() => return HoursFact::ClosedOnDate { day },
        Day::Dated(_) | Day::Week { .. } => {}
    }
    let next = today.spans().filter(|span| span.from > minute).min_by_key(|span| span.from);
    let last = today.spans().filter(|span| span.to <= minute).max_by_key(|span| span.to);
    match (next, last) {
        (Some(span), _) => HoursFact::Before { minute, span },
        (None, Some(span)) => HoursFact::After { minute, span },
        (None, None) => HoursFact::NoneToday { day },
    }
}

/// The local minute of the day.
fn minute_of(local: DateTime) -> u16 {
    u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs())
}

/// What rules over one day.
#[derive(Clone, Copy)]
enum Day<'a> {
    Dated(&'a Dated),
    Holiday { list: HolidaysId, holiday: u16 },
    Week { week: &'a [Weekly], bit: u8 },
}

impl<'a> Day<'a> {
    /// The intervals that start on the day.
    fn spans(self) -> impl Iterator<Item = Span> + use<'a> {
        let (dated, week, bit): (&[Span], &[Weekly], u8) = match self {
            Self::Dated(dated) => (&dated.open, &[], 0),
            Self::Holiday { .. } => (&[], &[], 0),
            Self::Week { week, bit } => (&[], week, bit),
        };
        let weekly = week.iter().filter(move |weekly| weekly.days & bit != 0).map(|weekly| weekly.span);
        dated.iter().copied().chain(weekly)
    }
}

fn day_of<'a>(rules: &RuleSet, hours: &'a Hours, day: Date) -> Day<'a> {
    if let Some(dated) = dated_on(hours, day) {
        return Day::Dated(dated);
    }
    for list in &hours.closed {
        if let Some(holiday) = rules.holiday_list(*list).and_then(|days| holiday_on(days, day)) {
            return Day::Holiday { list: *list, holiday };
        }
    }
    Day::Week { week: &hours.week, bit: bit_of(day) }
}

fn bit_of(day: Date) -> u8 {
    1 << day.weekday().to_monday_zero_offset()
}

fn dated_on(hours: &Hours, day: Date) -> Option<&Dated> {
    let place = hours.dates.binary_search_by(|dated| dated.day.cmp(&day)).ok()?;
    hours.dates.get(place)
}

/// The interval of the day before that runs over midnight and still holds.
fn tail(rules: &RuleSet, hours: &Hours, day: Date, minute: u16) -> Option<(Span, Date)> {
    let reaches = |span: &Span| span.to > minute + DAY;
    // Few hours run over midnight, so the day before is looked up only when something could.
    let possible = hours.week.iter().any(|weekly| reaches(&weekly.span)) || !hours.dates.is_empty();
    let yesterday = possible.then(|| day.yesterday().ok()).flatten()?;
    let span = day_of(rules, hours, yesterday).spans().find(reaches)?;
    Some((span, yesterday))
}

#[cfg(test)]
mod tests;
