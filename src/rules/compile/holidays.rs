//! Lists of holidays, with their calendar files.

use jiff::civil::Date;

use crate::diagnostic::Diagnostic;
use crate::rules::calendar;
use crate::rules::compile::{Desk, Entry};
use crate::rules::grammar;
use crate::rules::place::At;
use crate::rules::ruleset::{DayRule, Holiday, Holidays};
use crate::rules::written;

impl<'a> Desk<'a> {
    pub(super) fn holidays(&mut self, entry: &Entry<'a, Vec<written::Holiday>>) -> Holidays {
        let at = &entry.at;
        let mut days: Vec<Holiday> = Vec::new();
        let mut must_cover: Option<u16> = None;
        let mut calendars_end: Option<Date> = None;
        if entry.value.is_empty() {
            let problem = at.key_error("empty-list", "there are no holidays here");
            self.report(at, problem.help("add a holiday, such as `- { name: New Year's Day, date: 01-01 }`"));
        }
        for (index, written) in entry.value.iter().enumerate() {
            let at = at.item(index);
            match (&written.date, &written.ics) {
                (Some(_), Some(_)) => {
                    let ics = at.field("ics");
                    self.report(
                        &ics,
                        ics.key_error("several-verbs", "`date` and `ics` stand in one entry")
                            .help("make two entries of it"),
                    );
                }
                (Some(date), None) => days.extend(self.holiday(&at, written, date)),
                (None, Some(path)) => {
                    let last = self.calendar(&at, written, path, &mut days);
                    calendars_end = calendars_end.into_iter().chain(last).min();
                }
                (None, None) => {
                    self.error(
                        &at,
                        "missing-field",
                        "the holiday has no day",
                        "add `date:` with a day, or `ics:` with a calendar file",
                    );
                }
            }
            must_cover = must_cover.max(self.must_cover(&at, written));
        }
        Holidays {
            name: entry.name.into(),
            ends: calendars_end.or_else(|| last_day(&days)),
            days: days.into_boxed_slice(),
            must_cover,
            at: at.line(),
        }
    }

    fn holiday(&mut self, at: &At<'_>, written: &written::Holiday, date: &str) -> Option<Holiday> {
        let on = self.read(&at.field("date"), grammar::day_rule(date))?;
        let name = written.name.as_deref().unwrap_or(date).trim().into();
        Some(Holiday { name, on, days: written.days.unwrap_or(1) })
    }

    fn calendar(
        &mut self,
        at: &At<'_>,
        written: &written::Holiday,
        path: &str,
        days: &mut Vec<Holiday>,
    ) -> Option<Date> {
        for option in ["name", "days"] {
            let at = at.field(option);
            let given = if option == "name" { written.name.is_some() } else { written.days.is_some() };
            if given {
                let problem = at.key_error("stray-option", format!("`{option}` stands beside a calendar file"));
                self.report(&at, problem.help("delete it: the file names its days itself"));
            }
        }
        let at = at.field("ics");
        let bytes = self.file(&at, path)?;
        match calendar::read(&bytes, &self.zone.clone()) {
            Ok(calendar) => {
                for remark in calendar.remarks {
                    let problem = Diagnostic::warning("calendar-remark", remark.message).help(remark.help);
                    self.fault_in(&at, path, &bytes, remark.line, problem);
                }
                if calendar.days.is_empty() {
                    let warning = at.warning("empty-calendar", format!("`{path}` has no all-day events"));
                    self.report(&at, warning.help("holidays are events that last whole days"));
                }
                days.extend(calendar.days);
                calendar.last
            }
            Err(faults) => {
                for fault in faults {
                    let problem = Diagnostic::error("bad-calendar", fault.message).help(fault.help);
                    self.fault_in(&at, path, &bytes, fault.line, problem);
                }
                None
            }
        }
    }

    fn must_cover(&mut self, at: &At<'_>, written: &written::Holiday) -> Option<u16> {
        let text = written.must_cover.as_deref()?;
        let seconds = self.seconds(&at.field("must_cover"), text, 86_400, 730 * 86_400)?;
        u16::try_from(seconds / 86_400).ok()
    }
}

/// The last day of a list that holds single dates only.
fn last_day(days: &[Holiday]) -> Option<Date> {
    let mut last: Option<Date> = None;
    for holiday in days {
        let DayRule::Date(day) = holiday.on else { return None };
        let end = day.checked_add(jiff::Span::new().days(i64::from(holiday.days) - 1)).unwrap_or(day);
        last = last.max(Some(end));
    }
    last
}
