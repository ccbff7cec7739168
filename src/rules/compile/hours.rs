//! Opening hours.

use jiff::civil::Date;

use crate::model::ids::HolidaysId;
use crate::rules::compile::names::Section;
use crate::rules::compile::{Desk, Entry};
use crate::rules::grammar;
use crate::rules::place::At;
use crate::rules::ruleset::{Dated, Hours, Span, Weekly};
use crate::rules::written::{Interval, OneOrMany, TextOr};

impl<'a> Desk<'a> {
    pub(super) fn hours(&mut self, entry: &Entry<'a, OneOrMany<TextOr<Interval>>>) -> Hours {
        let at = &entry.at;
        let mut week: Vec<Weekly> = Vec::new();
        let mut dates: Vec<(Dated, At<'a>)> = Vec::new();
        let mut closed: Vec<HolidaysId> = Vec::new();
        if entry.value.0.is_empty() {
            self.report(
                at,
                at.key_error("empty-list", "there are no hours here")
                    .help("write an interval, such as `mon-fri 09:00-17:00`"),
            );
        }
        for (index, interval) in entry.value.0.iter().enumerate() {
            let at = at.one_of(index);
            match interval {
                TextOr::Text(line) => week.extend(self.read(&at, grammar::hours_line(line)).into_iter().flatten()),
                TextOr::Full(interval) => self.interval(&at, interval, &mut dates, &mut closed),
            }
        }
        dates.sort_by_key(|(dated, _)| dated.day);
        for ((first, first_at), (second, second_at)) in dates.iter().zip(dates.iter().skip(1)) {
            if first.day == second.day {
                let message = format!("{} has hours twice", second.day);
                let clash = second_at.error("duplicate-date", message).also(
                    first_at.source(),
                    first_at.span(),
                    "first written here",
                );
                self.report(second_at, clash.help("write all intervals of the day in one `open` list"));
            }
        }
        Hours {
            name: entry.name.into(),
            week: week.into_boxed_slice(),
            dates: dates.into_iter().map(|(dated, _)| dated).collect(),
            closed: closed.into_boxed_slice(),
            at: at.line(),
        }
    }

    fn interval(
        &mut self,
        at: &At<'a>,
        interval: &Interval,
        dates: &mut Vec<(Dated, At<'a>)>,
        closed: &mut Vec<HolidaysId>,
    ) {
        let list = at.field("closed");
        for (index, name) in interval.closed.0.iter().enumerate() {
            closed.extend(self.find(Section::Holidays, name, &list.one_of(index)).map(HolidaysId));
        }
        match &interval.date {
            Some(day) => {
                let date_at = at.field("date");
                let day = self.read(&date_at, grammar::date(day));
                let open = self.dated_spans(at, &interval.open.0);
                if let (Some(day), Some(open)) = (day, open) {
                    dates.push((Dated { day, open }, date_at));
                }
                if !interval.closed.0.is_empty() {
                    let problem = list.key_error("several-verbs", "`closed` and `date` stand in one entry");
                    self.report(&list, problem.help("make two entries of it; a day without hours is `open: closed`"));
                }
            }
            None if !interval.open.0.is_empty() => {
                let open = at.field("open");
                self.report(
                    &open,
                    open.key_error("stray-option", "`open` has no `date` beside it")
                        .help("add `date:`, or write the line as a text, such as `sat 10:00-14:00`"),
                );
            }
            None if interval.closed.0.is_empty() && !at.is_broken() => {
                self.error(
                    at,
                    "missing-field",
                    "the entry says nothing",
                    "write `closed:` with a holiday list, or `date:` with `open:`",
                );
            }
            None => {}
        }
    }

    fn dated_spans(&mut self, at: &At<'_>, open: &[String]) -> Option<Box<[Span]>> {
        let list = at.field("open");
        if open.is_empty() {
            self.error(
                &list,
                "missing-field",
                "the date does not say when it is open",
                "add `open: 08:00-12:00`, or `open: closed`",
            );
            return None;
        }
        if matches!(open, [only] if only == "closed") {
            return Some(Box::default());
        }
        let mut spans: Vec<Span> = Vec::new();
        for (index, text) in open.iter().enumerate() {
            spans.extend(self.read(&list.one_of(index), grammar::open_spans(text))?);
        }
        Some(spans.into_boxed_slice())
    }

    /// A day.
    pub(super) fn day(&mut self, at: &At<'_>, text: &str) -> Option<Date> {
        self.read(at, grammar::date(text))
    }
}
