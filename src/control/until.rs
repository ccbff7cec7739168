//! Until when something holds, as people write it on a phone: `2h`, `until 3pm`, `until tomorrow 9am`.

use jiff::civil::{Date, Time, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::model::moment::Moment;

/// What the words after a command say of its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Nothing: the rules say how long.
    Unsaid,
    /// Then.
    At(Timestamp),
}

/// Why the words say nothing, as an answer.
pub(crate) type Doubt = String;

/// Longest stretch that is understood: a year.
const LONGEST: i64 = 366 * 86_400;

/// Reads the words after a command, in lowercase.
pub(crate) fn read(words: &[&str], now: &Moment) -> Result<Until, Doubt> {
    let words: Vec<&str> = words.iter().copied().filter(|word| !matches!(*word, "the" | "on" | "at")).collect();
    match words.as_slice() {
        [] => Ok(Until::Unsaid),
        ["until" | "till" | "til" | "to"] => Err("Until when? Write it like this: UNTIL 3PM.".to_owned()),
        ["until" | "till" | "til" | "to", rest @ ..] => then(rest, now).map(Until::At),
        ["for", rest @ ..] => stretch(rest, now).map(Until::At),
        ["today"] => then(&["midnight"], now).map(Until::At),
        rest => stretch(rest, now).map(Until::At),
    }
}

fn stretch(words: &[&str], now: &Moment) -> Result<Timestamp, Doubt> {
    let text = words.concat();
    let doubt = || format!("I do not understand `{}`; write 2h, 30m or UNTIL 3PM.", shown(words));
    let seconds = seconds(&text).filter(|seconds| (60..=LONGEST).contains(seconds)).ok_or_else(doubt)?;
    now.timestamp().checked_add(SignedDuration::from_secs(seconds)).map_err(|_out_of_range| doubt())
}

/// `2h`, `1h30m`, `90min`, `2hours`, `1day` in seconds.
fn seconds(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
        let (count, after) = rest.split_at_checked(digits)?;
        let letters = after.len() - after.trim_start_matches(|sign: char| sign.is_ascii_alphabetic()).len();
        let (unit, after) = after.split_at_checked(letters)?;
        let size = match unit {
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            _ => return None,
        };
        total = total.checked_add(count.parse::<i64>().ok()?.checked_mul(size)?)?;
        rest = after;
    }
    Some(total)
}

/// The next moment that the words name.
fn then(words: &[&str], now: &Moment) -> Result<Timestamp, Doubt> {
    let today = now.date();
    let (day, clock) = match words {
        ["tomorrow", rest @ ..] => (today.tomorrow().ok(), rest),
        ["today", rest @ ..] => (Some(today), rest),
        [first, rest @ ..] => match (weekday(first), first.parse::<Date>()) {
            (Some(weekday), _) => (today.nth_weekday(1, weekday).ok(), rest),
            (None, Ok(date)) => (Some(date), rest),
            (None, Err(_)) => (None, words),
        },
        [] => (None, words),
    };
    let named = clock.len() < words.len();
    let time = match clock {
        [] if named => Time::midnight(),
        _ => time(clock)?,
    };
    let date = match day {
        Some(date) => date,
        // A time that has passed today is meant for tomorrow.
        None if time > now.time() => today,
        None => today.tomorrow().unwrap_or(today),
    };
    let doubt = || format!("`{}` is over; write a time that is still to come.", shown(words));
    let zoned = date.to_datetime(time).to_zoned(now.zoned().time_zone().clone()).map_err(|_range| doubt())?;
    let last = now.zoned().checked_add(366.days()).map_err(|_range| doubt())?;
    let at = zoned.timestamp();
    if at <= now.timestamp() || at > last.timestamp() { Err(doubt()) } else { Ok(at) }
}

fn weekday(word: &str) -> Option<Weekday> {
    let days = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let fits = |name: &str| word.len() >= 3 && name.starts_with(word);
    days.into_iter().find(|(name, _)| fits(name)).map(|(_, day)| day)
}

fn time(words: &[&str]) -> Result<Time, Doubt> {
    let text = words.concat();
    let doubt = || format!("I do not understand the time `{}`; write it like 3PM or 15:00.", shown(words));
    match text.as_str() {
        "noon" => return Ok(Time::constant(12, 0, 0, 0)),
        "midnight" => return Ok(Time::midnight()),
        _ => {}
    }
    let (digits, half) = match text.strip_suffix("pm").or_else(|| text.strip_suffix("p.m")) {
        Some(digits) => (digits, Some(12)),
        None => match text.strip_suffix("am").or_else(|| text.strip_suffix("a.m")) {
            Some(digits) => (digits, Some(0)),
            None => (text.as_str(), None),
        },
    };
    let (hour, minute) = match digits.split_once([':', '.']) {
        Some((hour, minute)) => (hour, Some(minute).filter(|minute| minute.len() == 2)),
        None => (digits, Some("0")),
    };
    let number =
        |text: &str| -> Option<i8> { text.bytes().all(|sign| sign.is_ascii_digit()).then_some(text)?.parse().ok() };
    let (Some(hour), Some(minute)) = (number(hour), minute.and_then(number)) else { return Err(doubt()) };
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return Err(doubt()),
        None if !digits.contains([':', '.']) && (1..=12).contains(&hour) => {
            return Err(format!("{hour} in the morning or in the afternoon? Write {hour}AM or {hour}PM."));
        }
        None => hour,
    };
    Time::new(hour, minute, 0, 0).map_err(|_range| doubt())
}

/// What was written, short enough for an answer.
fn shown(words: &[&str]) -> String {
    words.join(" ").chars().filter(|sign| *sign != '`').take(30).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::moment::Zone;

    /// Monday 2026-11-23 10:00 in Los Angeles.
    fn now() -> Moment {
        Moment::new(Timestamp::from_second(1_795_456_800).unwrap(), &Zone::named("America/Los_Angeles").unwrap())
    }

    fn until(text: &str) -> String {
        let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        match read(&words, &now()) {
            Ok(Until::Unsaid) => "unsaid".to_owned(),
            Ok(Until::At(at)) => at.to_zoned(now().zoned().time_zone().clone()).strftime("%a %d %H:%M").to_string(),
            Err(doubt) => doubt,
        }
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, meant) in [
            ("", "unsaid"),
            ("until 3pm", "Mon 23 15:00"),
            ("until 3:30 pm", "Mon 23 15:30"),
            ("till 15:00", "Mon 23 15:00"),
            ("until 9am", "Tue 24 09:00"),
            ("until noon", "Mon 23 12:00"),
            ("until midnight", "Tue 24 00:00"),
            ("until tomorrow 9am", "Tue 24 09:00"),
            ("until tomorrow at 9am", "Tue 24 09:00"),
            ("until fri 8am", "Fri 27 08:00"),
            ("until monday 8am", "Mon 30 08:00"),
            ("until 2026-12-01 9am", "Tue 01 09:00"),
            ("until wed", "Wed 25 00:00"),
            ("until 12am", "Tue 24 00:00"),
            ("until 12pm", "Mon 23 12:00"),
            ("today", "Tue 24 00:00"),
            ("2h", "Mon 23 12:00"),
            ("2 h", "Mon 23 12:00"),
            ("for 90 minutes", "Mon 23 11:30"),
            ("1h30m", "Mon 23 11:30"),
            ("for 2 days", "Wed 25 10:00"),
        ] {
            assert_eq!(until(text), meant, "{text}");
        }
    }

    #[test]
    fn what_can_mean_two_things_is_asked_back() {
        assert_eq!(until("until 3"), "3 in the morning or in the afternoon? Write 3AM or 3PM.");
        for text in
            ["until", "until 25:00", "until 13pm", "until 3:5pm", "for ever", "0h", "99999999999999999999h", "400d"]
        {
            assert!(until(text).contains(['?', ';']) || until(text).contains("Write"), "{text}: {}", until(text));
        }
        assert!(until("until 2026-11-20 9am").contains("is over"));
        assert!(until("until today 9am").contains("is over"));
    }

    #[test]
    fn a_day_whose_clocks_change_is_counted_by_the_clock_on_the_wall() {
        // Sunday 2026-11-01, clocks go back at 02:00; from Saturday 10:00 until Sunday 9am are 24 hours, not 23.
        let zone = Zone::named("America/Los_Angeles").unwrap();
        let saturday = Moment::new("2026-10-31T17:00:00Z".parse().unwrap(), &zone);
        let Ok(Until::At(at)) = read(&["until", "tomorrow", "9am"], &saturday) else { panic!("not read") };
        assert_eq!(at.as_second() - saturday.seconds(), 24 * 3600);
    }
}
