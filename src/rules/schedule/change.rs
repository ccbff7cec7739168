//! When some hours begin or cease to hold: exact to the second, also in the nights the clocks change.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::model::ids::HoursId;
use crate::model::moment::Moment;
use crate::rules::ruleset::{Hours, RuleSet, Span};
use crate::rules::schedule::{DAY, bit_of, dated_on, fact_at};

/// How far ahead a change is looked for.
pub const HORIZON_DAYS: u16 = 400;

/// The next instant at which the hours begin or cease to hold; none within [`HORIZON_DAYS`].
pub fn next_change(rules: &RuleSet, hours: HoursId, moment: &Moment) -> Option<Timestamp> {
    let until = moment.timestamp().checked_add(SignedDuration::from_hours(24 * i64::from(HORIZON_DAYS))).ok()?;
    Changes::new(rules, hours, moment, until).next()
}

/// All instants after the moment, up to `until`, at which the hours begin or cease to hold.
pub fn changes(rules: &RuleSet, hours: HoursId, moment: &Moment, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    Changes::new(rules, hours, moment, until)
}

/// Walks the calendar a day at a time; only instants at which something could change are judged.
struct Changes<'a> {
    rules: &'a RuleSet,
    id: HoursId,
    hours: Option<&'a Hours>,
    zone: TimeZone,
    /// Up to here all is judged.
    cursor: Timestamp,
    until: Timestamp,
    holds: bool,
    /// Instants still to be judged, the latest first.
    waiting: Vec<Timestamp>,
}

impl<'a> Changes<'a> {
    fn new(rules: &'a RuleSet, id: HoursId, moment: &Moment, until: Timestamp) -> Self {
        let zone = moment.zoned().time_zone().clone();
        let cursor = moment.timestamp();
        let holds = fact_at(rules, id, moment.zoned().datetime()).holds();
        Self { rules, id, hours: rules.hours(id), zone, cursor, until, holds, waiting: Vec::new() }
    }

    /// Collects what may happen in the day that follows the cursor.
    fn gather(&mut self) -> Option<()> {
        let end = self.cursor.checked_add(SignedDuration::from_hours(24)).ok()?.min(self.until);
        let hours = self.hours?;
        // A clock that is put back over midnight shows the day before once more, hence one day more on each side.
        let mut day = self.zone.to_datetime(self.cursor).date().yesterday().ok()?;
        let last = self.zone.to_datetime(end).date().tomorrow().ok()?;
        while day <= last {
            let dated = dated_on(hours, day).map_or(&[] as &[Span], |dated| &dated.open);
            let bit = bit_of(day);
            let weekly = hours.week.iter().filter(|weekly| weekly.days & bit != 0).map(|weekly| &weekly.span);
            for span in dated.iter().chain(weekly) {
                self.push_local(day, span.from, end);
                self.push_local(day, span.to, end);
            }
            day = day.tomorrow().ok()?;
        }
        let jumps = self.zone.following(self.cursor).map(|jump| jump.timestamp()).take_while(|at| *at <= end);
        self.waiting.extend(jumps);
        self.waiting.sort_unstable_by(|a, b| b.cmp(a));
        self.waiting.dedup();
        self.cursor = end;
        Some(())
    }

    /// Every instant at which the local clock shows that minute; one that is skipped needs none, the jump is judged.
    fn push_local(&mut self, day: Date, minute: u16, end: Timestamp) {
        let (day, minute) = if minute < DAY { (Ok(day), minute) } else { (day.tomorrow(), minute - DAY) };
        let (hour, minute) = (i8::try_from(minute / 60), i8::try_from(minute % 60));
        let (Ok(day), Ok(hour), Ok(minute)) = (day, hour, minute) else { return };
        let Ok(local) = DateTime::new(day.year(), day.month(), day.day(), hour, minute, 0, 0) else { return };
        let offsets = match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => [Some(offset), None],
            AmbiguousOffset::Fold { before, after } => [Some(before), Some(after)],
            AmbiguousOffset::Gap { .. } => [None, None],
        };
        let instants = offsets.into_iter().flatten().filter_map(|offset| offset.to_timestamp(local).ok());
        let cursor = self.cursor;
        self.waiting.extend(instants.filter(|at| *at > cursor && *at <= end));
    }
}

impl Iterator for Changes<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        loop {
            while let Some(at) = self.waiting.pop() {
                if fact_at(self.rules, self.id, self.zone.to_datetime(at)).holds() != self.holds {
                    self.holds = !self.holds;
                    return Some(at);
                }
            }
            if self.cursor >= self.until {
                return None;
            }
            self.gather()?;
        }
    }
}
