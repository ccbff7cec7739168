//! Conditions and the facts that decide them, in words.

use crate::decide::trace::{HoursFact, Why};
use crate::decide::words::places;
use crate::model::moment::Moment;
use crate::rules::ruleset::{Condition, RuleSet, Span, Test};

/// What a condition asks, such as `hours office` or `not switch closed_today`.
pub fn asked(rules: &RuleSet, condition: &Condition) -> String {
    let not = if condition.negated { "not " } else { "" };
    let named = |names: Vec<&str>| names.join(" or ");
    let what = match &condition.test {
        Test::Hours(list) => named(list.iter().map(|id| rules.hours(*id).map_or("?", |hours| &hours.name)).collect()),
        Test::Caller(list) => {
            named(list.iter().map(|id| rules.caller_class(*id).map_or("?", |class| &class.name)).collect())
        }
        Test::Switch(list) => {
            named(list.iter().map(|id| rules.switch(*id).map_or("?", |switch| &switch.name)).collect())
        }
        Test::Line(list) => named(list.iter().map(|id| places::line_name(rules, *id)).collect()),
        Test::Language(list) => named(list.iter().map(|place| language(rules, *place)).collect()),
        Test::Attempt { at_least, within } => format!("at least {at_least} within {}", stretch(*within)),
    };
    format!("{not}{} {what}", places::test_key(&condition.test))
}

/// What stands before a fact that does not name what was asked, such as `hours office: `.
pub(crate) fn question(rules: &RuleSet, condition: &Condition) -> String {
    let named_by_fact = match &condition.test {
        Test::Caller(list) => list.len() == 1,
        Test::Switch(list) => list.len() == 1,
        Test::Hours(_) | Test::Line(_) | Test::Language(_) | Test::Attempt { .. } => false,
    };
    if named_by_fact { String::new() } else { format!("{}: ", asked(rules, condition)) }
}

/// What is added when a list of several failed and only the first fact is told.
pub(crate) fn others(condition: &Condition) -> &'static str {
    let several = match &condition.test {
        Test::Hours(list) => list.len() > 1,
        Test::Caller(list) => list.len() > 1,
        Test::Switch(list) => list.len() > 1,
        Test::Line(_) | Test::Language(_) | Test::Attempt { .. } => false,
    };
    if several { ", nor does another of the list hold" } else { "" }
}

/// A fact with its value, such as "15:00 is not before 15:00 (fri 08:00-15:00, America/Chicago)".
pub fn why(rules: &RuleSet, now: &Moment, why: &Why) -> String {
    match why {
        Why::Hours { fact, .. } => hours(rules, now, *fact),
        Why::Caller { class, within } => {
            let name = rules.caller_class(*class).map_or("?", |class| &class.name);
            format!("the caller is {}in `{name}`", if *within { "" } else { "not " })
        }
        Why::Switch { switch, on } => {
            let name = rules.switch(*switch).map_or("?", |switch| &switch.name);
            format!("switch `{name}` is {}", if *on { "on" } else { "off" })
        }
        Why::Stale { switch, on } => {
            let name = rules.switch(*switch).map_or("?", |switch| &switch.name);
            let on = if *on { "on" } else { "off" };
            format!("switch `{name}` is {on}: its source has told nothing for too long")
        }
        Why::Line(Some(line)) => format!("the call came in on `{}`", places::line_name(rules, *line)),
        Why::Line(None) => "the call came in on none of the lines".into(),
        Why::Language(place) => format!("the call is in `{}`", language(rules, *place)),
        Why::Attempt { count: 1 } => "it is the caller's first call in that time".into(),
        Why::Attempt { count } => format!("it is the caller's call number {count} in that time"),
        Why::NotCallable => "not to be rung (`callable: false`)".into(),
        Why::Busy { calls: 1 } => "already on a call of ours".into(),
        Why::Busy { calls } => format!("already on {calls} calls of ours"),
        Why::Loop => "it is the number that calls, or that forwarded the call to us".into(),
        Why::Barred(bar) => format!("not to be rung: {}", bar.words()),
        Why::Assumed(holds) => format!("assumed to {}", if *holds { "hold" } else { "fail" }),
    }
}

fn hours(rules: &RuleSet, now: &Moment, fact: HoursFact) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", (minute / 60) % 24, minute % 60);
    let interval = |span: Span| format!("{}-{}", clock(span.from), end(span.to));
    let zone = now.zoned().time_zone().iana_name().unwrap_or("UTC");
    let local = now.zoned().strftime("%H:%M");
    let today = now.zoned().strftime("%a").to_string().to_lowercase();
    let weekday = |day: jiff::civil::Date| day.strftime("%a").to_string().to_lowercase();
    match fact {
        HoursFact::Open { span, day } => {
            format!("{local} is within {} {} ({zone})", weekday(day), interval(span))
        }
        HoursFact::NoneToday { day } => format!("no hours on {} {day} ({zone})", weekday(day)),
        HoursFact::Before { minute, span } => {
            format!("{} is before {} ({today} {}, {zone})", clock(minute), clock(span.from), interval(span))
        }
        HoursFact::After { minute, span } => {
            format!("{} is not before {} ({today} {}, {zone})", clock(minute), end(span.to), interval(span))
        }
        HoursFact::Holiday { list, holiday } => {
            let list = rules.holiday_list(list);
            let name = list.and_then(|list| list.days.get(usize::from(holiday))).map_or("a holiday", |day| &day.name);
            format!("{} is {name} (`{}`)", now.date(), list.map_or("?", |list| &list.name))
        }
        HoursFact::ClosedOnDate { day } => format!("closed on {day} by its own date"),
    }
}

/// The end of an interval as it is written: `24:00` for midnight, the next day's clock beyond it.
fn end(minute: u16) -> String {
    let shown = if minute > 1440 { minute - 1440 } else { minute };
    format!("{:02}:{:02}", shown / 60, shown % 60)
}

fn language(rules: &RuleSet, place: u8) -> &str {
    rules.languages.get(usize::from(place)).map_or("?", |language| language)
}

/// A stretch of time as it would be written.
pub fn stretch(seconds: u32) -> String {
    match seconds {
        0 => "0 s".into(),
        hours if hours % 3600 == 0 => format!("{} h", hours / 3600),
        minutes if minutes % 60 == 0 => format!("{} min", minutes / 60),
        seconds => format!("{seconds} s"),
    }
}
