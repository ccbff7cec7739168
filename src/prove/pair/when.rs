//! Moments in words: days of the week where they repeat, and the first where they do not.

use std::collections::BTreeMap;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::model::moment::Moment;
use crate::prove::pair::domain::Times;
use crate::prove::pair::set::Set;

/// How many stretches of time are named one by one.
const MOST_NAMED: usize = 3;

/// How many times of the week are named.
const MOST_WEEKLY: usize = 6;

/// When calls of these kinds can come; `began` is one of those moments, in its zone.
pub(crate) fn describe(set: &Set, times: &Times, began: &Moment) -> String {
    if (0..times.classes.len()).all(|place| set.has(place)) {
        return "at any time".to_owned();
    }
    let zone = began.zoned().time_zone();
    let stretches = stretches(set, times);
    let Some((first, until)) = stretches.first().copied() else { return String::new() };
    let first_shown = shown(first, until, zone);
    if stretches.len() <= MOST_NAMED {
        let all = stretches.iter().map(|(from, until)| shown(*from, *until, zone));
        return all.collect::<Vec<_>>().join("; ");
    }
    let weekly = weekly(&stretches, zone);
    if weekly.is_empty() || weekly.len() > MOST_WEEKLY {
        return format!("{first_shown}, and {} more stretches of time", stretches.len() - 1);
    }
    format!("{}; first {first_shown}", weekly.join(", "))
}

/// The moments of the kinds in the set, put together where one follows another.
fn stretches(set: &Set, times: &Times) -> Vec<(Timestamp, Timestamp)> {
    let chosen = times.classes.iter().enumerate().filter(|(place, _)| set.has(*place));
    let mut all: Vec<(Timestamp, Timestamp)> = chosen.flat_map(|(_, class)| class.stretches.iter().copied()).collect();
    all.sort_unstable();
    let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, until) in all {
        match merged.last_mut().filter(|(_, end)| *end >= from) {
            Some((_, end)) => *end = (*end).max(until),
            None => merged.push((from, until)),
        }
    }
    merged
}

fn shown(from: Timestamp, until: Timestamp, zone: &TimeZone) -> String {
    let (from, until) = (from.to_zoned(zone.clone()), until.to_zoned(zone.clone()));
    let end = if from.date() == until.date() { "%H:%M" } else { "%a %Y-%m-%d %H:%M" };
    format!("{} to {}", from.strftime("%a %Y-%m-%d %H:%M"), until.strftime(end))
}

/// The days and times of the week that come again, such as `mon-fri 17:00-18:00`; empty when most come only once.
fn weekly(stretches: &[(Timestamp, Timestamp)], zone: &TimeZone) -> Vec<String> {
    let mut found: BTreeMap<(Time, Time, i64), BTreeMap<i8, usize>> = BTreeMap::new();
    for (from, until) in stretches {
        let (from, until) = (from.to_zoned(zone.clone()), until.to_zoned(zone.clone()));
        let days = days_between(&from, &until);
        let weekday = from.weekday().to_monday_zero_offset();
        *found.entry((from.time(), until.time(), days)).or_default().entry(weekday).or_default() += 1;
    }
    let again: usize = found.values().flat_map(BTreeMap::values).filter(|count| **count > 1).sum();
    if again * 2 < stretches.len() {
        return Vec::new();
    }
    let mut all: Vec<(i8, String)> = Vec::new();
    for ((from, until, days), weekdays) in &found {
        let often: Vec<i8> = weekdays.iter().filter(|(_, count)| **count > 1).map(|(day, _)| *day).collect();
        let Some(first) = often.first().copied() else { continue };
        let over = match days {
            0 => String::new(),
            1 => " (the next day)".to_owned(),
            days => format!(" ({days} days later)"),
        };
        let end = if *days == 1 && *until == Time::midnight() {
            "24:00".to_owned()
        } else {
            format!("{}{over}", until.strftime("%H:%M"))
        };
        all.push((first, format!("{} {}-{end}", days_of_week(&often), from.strftime("%H:%M"))));
    }
    all.sort();
    all.into_iter().map(|(_, text)| text).collect()
}

fn days_between(from: &Zoned, until: &Zoned) -> i64 {
    from.date().until(until.date()).map_or(0, |span| i64::from(span.get_days()))
}

/// Days of the week as they are written in rules: runs with a hyphen.
fn days_of_week(days: &[i8]) -> String {
    let name = |day: i8| match Weekday::from_monday_zero_offset(day).unwrap_or(Weekday::Monday) {
        Weekday::Monday => "mon",
        Weekday::Tuesday => "tue",
        Weekday::Wednesday => "wed",
        Weekday::Thursday => "thu",
        Weekday::Friday => "fri",
        Weekday::Saturday => "sat",
        Weekday::Sunday => "sun",
    };
    let mut runs: Vec<(i8, i8)> = Vec::new();
    for day in days {
        match runs.last_mut().filter(|(_, last)| last + 1 == *day) {
            Some((_, last)) => *last = *day,
            None => runs.push((*day, *day)),
        }
    }
    let all = runs.iter().map(|(from, to)| match to - from {
        0 => name(*from).to_owned(),
        6 => "daily".to_owned(),
        1 => format!("{} {}", name(*from), name(*to)),
        _ => format!("{}-{}", name(*from), name(*to)),
    });
    all.collect::<Vec<_>>().join(" ")
}
