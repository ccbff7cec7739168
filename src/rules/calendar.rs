//! Holidays out of a calendar file (RFC 5545): every event becomes days that are closed.
//!
//! What an event repeats by is understood when it is yearly and simple; anything else is refused with
//! its line, because a holiday that silently fails to come would be worse than a file that is not taken.

mod content;
mod repeat;

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ToSpan};

use crate::model::moment::Zone;
use crate::rules::calendar::content::Line;
use crate::rules::calendar::repeat::Repeat;
use crate::rules::ruleset::{DayRule, Holiday};

/// Largest calendar file in bytes: twenty years of a busy office's closing days are a tenth of it.
pub const LARGEST: usize = 1 << 20;

/// Most days that one file may close; places in a list are told by 16 bits.
const MOST_DAYS: usize = 20_000;

/// After so many faults the rest of the file is not worth telling.
const MOST_FAULTS: usize = 50;

/// The holidays of a calendar file.
#[derive(Debug)]
pub struct Calendar {
    /// The days, in the order of the file.
    pub days: Vec<Holiday>,
    /// The last day that the file knows of; none when something in it repeats for ever.
    pub last: Option<Date>,
    /// What was taken in a way that its author may not expect.
    pub remarks: Vec<CalendarFault>,
}

/// Something about one line of a calendar file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarFault {
    /// The line, from 1.
    pub line: u32,
    /// One lowercase sentence without a final period.
    pub message: String,
    /// A way out.
    pub help: String,
}

impl CalendarFault {
    fn new(line: u32, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { line, message: message.into(), help: help.into() }
    }
}

/// Reads a calendar file; moments in UTC become local days of `zone`.
pub fn read(bytes: &[u8], zone: &Zone) -> Result<Calendar, Vec<CalendarFault>> {
    if bytes.len() > LARGEST {
        let message = format!("the calendar has {} bytes, and at most {LARGEST} are read", bytes.len());
        return Err(vec![CalendarFault::new(1, message, "keep only the closing days in it")]);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        vec![CalendarFault::new(number(line), "the calendar is not UTF-8 text", "save it as UTF-8")]
    })?;
    let mut reader = Reader {
        zone,
        calendar: Calendar { days: Vec::new(), last: None, remarks: Vec::new() },
        faults: Vec::new(),
        endless: false,
    };
    reader.file(text.strip_prefix('\u{feff}').unwrap_or(text));
    if reader.faults.is_empty() { Ok(reader.calendar) } else { Err(reader.faults) }
}

fn number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// The event being read.
#[derive(Debug, Default)]
struct Event {
    line: u32,
    name: Option<String>,
    start: Option<(u32, Edge)>,
    end: Option<(u32, Edge)>,
    duration: Option<(u32, i64)>,
    repeat: Option<(u32, Repeat)>,
    except: Vec<Date>,
    canceled: bool,
}

/// Where an event starts or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// A whole day.
    Day(Date),
    /// A local time.
    Time(DateTime),
}

impl Edge {
    fn date(self) -> Date {
        match self {
            Self::Day(date) => date,
            Self::Time(time) => time.date(),
        }
    }
}

struct Reader<'a> {
    zone: &'a Zone,
    calendar: Calendar,
    faults: Vec<CalendarFault>,
    endless: bool,
}

impl Reader<'_> {
    fn fault(&mut self, line: u32, message: impl Into<String>, help: impl Into<String>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(CalendarFault::new(line, message, help));
        }
    }

    fn file(&mut self, text: &str) {
        let lines = content::unfold(text);
        if !lines.first().is_some_and(|line| line.is("BEGIN", "VCALENDAR")) {
            let help = "give a file in iCalendar form, as calendars export it with the ending `.ics`";
            self.fault(1, "the file does not open with `BEGIN:VCALENDAR`", help);
            return;
        }
        let mut event: Option<Event> = None;
        // Alarms and the like stand inside events, with properties of the same names.
        let mut nested = 0_u32;
        for line in &lines {
            match event.as_mut() {
                None if line.is("BEGIN", "VEVENT") => event = Some(Event { line: line.number, ..Event::default() }),
                None => {}
                Some(_) if line.name == "BEGIN" => nested += 1,
                Some(_) if line.name == "END" && nested > 0 => nested -= 1,
                Some(_) if line.is("END", "VEVENT") => event.take().into_iter().for_each(|event| self.close(event)),
                Some(event) if nested == 0 => self.property(event, line),
                Some(_) => {}
            }
        }
        if let Some(event) = event {
            self.fault(event.line, "the event has no end", "the file may be cut off: export it again");
        }
        if self.endless {
            self.calendar.last = None;
        }
    }

    fn property(&mut self, event: &mut Event, line: &Line) {
        match line.name.as_str() {
            "SUMMARY" => event.name = Some(content::unescape(&line.value)),
            "STATUS" => event.canceled = line.value.eq_ignore_ascii_case("CANCELLED"),
            "DTSTART" => event.start = self.edge(line).map(|edge| (line.number, edge)),
            "DTEND" => event.end = self.edge(line).map(|edge| (line.number, edge)),
            "DURATION" => match content::duration(&line.value) {
                Some(seconds) => event.duration = Some((line.number, seconds)),
                None => self.unread(line),
            },
            "EXDATE" => {
                for part in line.value.split(',') {
                    let edge = self.edge(&line.with_value(part));
                    event.except.extend(edge.map(Edge::date));
                }
            }
            "RRULE" => match repeat::parse(&line.value, self.zone) {
                Ok(repeat) => event.repeat = Some((line.number, repeat)),
                Err(message) => self.fault(line.number, message, REPEAT_HELP),
            },
            "RDATE" | "RECURRENCE-ID" | "EXRULE" => {
                let message = format!("the calendar uses `{}`, which is not understood", line.name);
                self.fault(line.number, message, "write the days as events of their own");
            }
            _ => {}
        }
    }

    fn unread(&mut self, line: &Line) {
        let message = format!("`{}` is not a value of `{}`", content::shown(&line.value), line.name);
        self.fault(line.number, message, "a day is `VALUE=DATE:20261224`, a time is `20261224T090000`");
    }

    fn edge(&mut self, line: &Line) -> Option<Edge> {
        let edge = edge_of(line, self.zone);
        if edge.is_none() {
            self.unread(line);
        }
        edge
    }

    fn close(&mut self, event: Event) {
        if event.canceled {
            return;
        }
        let Some((line, start)) = event.start else {
            if self.faults.is_empty() {
                self.fault(event.line, "the event has no `DTSTART`", "say on which day it starts");
            }
            return;
        };
        let Some(count) = self.length(&event, line, start) else {
            return;
        };
        let name = event.name.unwrap_or_else(|| "closed".to_owned());
        if matches!(start, Edge::Time(_)) {
            let message = format!("`{}` is a part of a day, and closes all of it", content::shown(&name));
            let help = "for shorter hours use `{ date: …, open: … }` in the rule file";
            self.calendar.remarks.push(CalendarFault::new(line, message, help));
        }
        let mut starts = Vec::new();
        match event.repeat {
            None => starts.push(DayRule::Date(start.date())),
            Some((line, repeat)) => match repeat.days(start.date(), &event.except) {
                Ok(days) => starts = days,
                Err(message) => self.fault(line, message, REPEAT_HELP),
            },
        }
        self.add(line, &name, &starts, count);
    }

    /// How many days the event closes; its end does not belong to it.
    fn length(&mut self, event: &Event, line: u32, start: Edge) -> Option<i32> {
        let end = match (event.end, event.duration, start) {
            (Some((_, end)), _, _) => end,
            (None, Some((_, seconds)), Edge::Day(day)) => {
                Edge::Day(day.checked_add((seconds / 86_400).max(1).days()).ok()?)
            }
            (None, Some((_, seconds)), Edge::Time(time)) => Edge::Time(time.checked_add(seconds.seconds()).ok()?),
            (None, None, Edge::Day(day)) => Edge::Day(day.tomorrow().ok()?),
            (None, None, Edge::Time(_)) => start,
        };
        let last = match end {
            Edge::Day(day) if day > start.date() => day.yesterday().ok()?,
            Edge::Time(time) if time.time() == Time::midnight() && time.date() > start.date() => {
                time.date().yesterday().ok()?
            }
            Edge::Day(day) => day,
            Edge::Time(time) => time.date(),
        };
        let days = (last - start.date()).get_days() + 1;
        if days < 1 {
            self.fault(
                event.end.map_or(line, |(line, _)| line),
                "the event ends before it starts",
                "turn the two around",
            );
            return None;
        }
        Some(days)
    }

    fn add(&mut self, line: u32, name: &str, starts: &[DayRule], count: i32) {
        for start in starts {
            let mut left = count;
            let mut on = *start;
            while left > 0 {
                if self.calendar.days.len() >= MOST_DAYS {
                    let message = format!("the calendar closes more than {MOST_DAYS} stretches of days");
                    self.fault(line, message, "keep only the closing days in it");
                    return;
                }
                let days = u8::try_from(left.min(200)).unwrap_or(200);
                self.calendar.days.push(Holiday { name: name.into(), on, days });
                left -= i32::from(days);
                let DayRule::Date(day) = on else {
                    self.endless = true;
                    break;
                };
                let Ok(next) = day.checked_add(i64::from(days).days()) else { break };
                self.calendar.last = self.calendar.last.max(next.yesterday().ok());
                on = DayRule::Date(next);
            }
        }
    }
}

const REPEAT_HELP: &str = "events may repeat by `FREQ=YEARLY` with `COUNT`, `UNTIL`, `INTERVAL`, `BYMONTH`, `BYMONTHDAY` and one `BYDAY` such as `4TH`; write other days as events of their own";

fn edge_of(line: &Line, zone: &Zone) -> Option<Edge> {
    let value = line.value.trim();
    let Some((day, clock)) = value.split_once('T') else {
        return content::date(value).map(Edge::Day);
    };
    let (clock, utc) = clock.strip_suffix('Z').map_or((clock, false), |clock| (clock, true));
    let written = content::date(day)?.to_datetime(content::time(clock)?);
    let theirs = line.parameter("TZID").and_then(Zone::named);
    let instant: Option<Timestamp> = match theirs {
        _ if utc => jiff::tz::Offset::UTC.to_timestamp(written).ok(),
        Some(theirs) => theirs.table().to_timestamp(written).ok(),
        // A local time without a zone that we know is meant as it stands.
        None => return Some(Edge::Time(written)),
    };
    instant.map(|instant| Edge::Time(zone.table().to_datetime(instant)))
}

#[cfg(test)]
mod tests;
