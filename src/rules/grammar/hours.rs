//! Opening hours: the lines of a week and the spans of one day.

use jiff::civil::Weekday;

use crate::rules::grammar::{GrammarError, Piece, shown};
use crate::rules::ruleset::{Span, Weekly};

/// Minutes of a day.
const DAY: u16 = 1440;

/// The days of a week as they are written, from Monday.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Reads `mon-fri 09:00-17:00`, `mon,wed 09:00-12:00 13:00-17:00` or `daily 22:00-06:00`.
pub fn hours_line(text: &str) -> Result<Vec<Weekly>, GrammarError> {
    let mut words = Piece::whole(text).words().peekable();
    let mut days = 0;
    loop {
        let Some(word) = words.next_if(|word| !word.text.starts_with(|sign: char| sign.is_ascii_digit())) else {
            let place = words.peek().copied().unwrap_or(Piece::whole(text));
            return Err(place.refuse(
                "bad-hours",
                format!("`{}` does not start with its days", shown(text)),
                "write the days first: `mon-fri 09:00-17:00`, `sat,sun 10:00-14:00` or `daily 22:00-06:00`",
            ));
        };
        days |= days_of(word)?;
        if !word.text.ends_with(',') {
            break;
        }
    }
    let spans = spans_of(words, Piece::whole(text))?;
    Ok(spans.into_iter().map(|span| Weekly { days, span }).collect())
}

/// Reads the spans of one day, `08:00-12:00 13:00-15:00`, or `closed` for none.
pub fn open_spans(text: &str) -> Result<Vec<Span>, GrammarError> {
    if text.trim() == "closed" {
        return Ok(Vec::new());
    }
    spans_of(Piece::whole(text).words(), Piece::whole(text))
}

fn spans_of<'a>(words: impl Iterator<Item = Piece<'a>>, whole: Piece<'a>) -> Result<Vec<Span>, GrammarError> {
    let spans = words.map(span_of).collect::<Result<Vec<Span>, _>>()?;
    if spans.is_empty() {
        return Err(whole.refuse(
            "bad-hours",
            format!("`{}` has no time of day", shown(whole.text)),
            "write from and to, such as `09:00-17:00`; the whole day is `00:00-24:00`",
        ));
    }
    Ok(spans)
}

/// The days of one word, such as `mon-thu,sat,`, as bits from Monday.
fn days_of(word: Piece<'_>) -> Result<u8, GrammarError> {
    let trimmed = word.text.strip_suffix(',').unwrap_or(word.text);
    let list = Piece { text: trimmed, start: word.start };
    list.split(|sign| sign == ',').try_fold(0, |days, item| Ok(days | item_of(item)?))
}

fn item_of(item: Piece<'_>) -> Result<u8, GrammarError> {
    if item.text.eq_ignore_ascii_case("daily") {
        return Ok(0b111_1111);
    }
    let Some((first, last)) = item.halves('-') else {
        return Ok(1 << day_of(item)?);
    };
    let (first, last) = (day_of(first)?, day_of(last)?);
    // `sat-mon` runs over the end of the week.
    let count = (last + 7 - first) % 7;
    Ok((0..=count).fold(0, |days, step| days | 1 << ((first + step) % 7)))
}

/// The place of a day in the week, from Monday.
fn day_of(word: Piece<'_>) -> Result<u8, GrammarError> {
    weekday_of(word.text).map(|day| day.to_monday_zero_offset().unsigned_abs()).ok_or_else(|| {
        let opening: String = word.text.chars().take(3).collect::<String>().to_ascii_lowercase();
        let help = if weekday_of(&opening).is_some() {
            format!("did you mean `{opening}`?")
        } else {
            "days are `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`, or `daily` for all of them".to_owned()
        };
        word.refuse("bad-weekday", format!("`{}` is not a day of the week", shown(word.text)), help)
    })
}

/// A day of the week by its three letters, in any case.
pub(super) fn weekday_of(text: &str) -> Option<Weekday> {
    DAYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, day)| *day)
}

fn span_of(word: Piece<'_>) -> Result<Span, GrammarError> {
    if weekday_of(word.text).is_some() {
        let help = "write days with commas and no spaces, such as `mon,fri 09:00-17:00`";
        return Err(word.refuse("bad-hours", format!("the day `{}` stands apart from the others", word.text), help));
    }
    let Some((from, to)) = word.halves('-').filter(|(from, to)| !from.text.is_empty() && !to.text.is_empty()) else {
        return Err(word.refuse(
            "bad-hours",
            format!("`{}` is not a stretch of time", shown(word.text)),
            "write from and to with a hyphen and no spaces, such as `09:00-17:00`",
        ));
    };
    let (start, end) = (minute_of(from)?, minute_of(to)?);
    if start == DAY {
        return Err(from.refuse("bad-time", "a day ends at 24:00, and nothing starts there", "write `00:00`"));
    }
    if start == end {
        return Err(word.refuse(
            "empty-interval",
            format!("`{}` ends where it starts", shown(word.text)),
            "the whole day is `00:00-24:00`",
        ));
    }
    Ok(Span { from: start, to: if end < start { end + DAY } else { end } })
}

/// The minute of the day, 24:00 included.
fn minute_of(word: Piece<'_>) -> Result<u16, GrammarError> {
    let parts = word.halves(':').and_then(|(hour, minute)| Some((hour.digits::<u16>(2)?, minute.digits::<u16>(2)?)));
    match parts {
        Some((hour, minute)) if hour * 60 + minute <= DAY && minute < 60 => Ok(hour * 60 + minute),
        Some(_) => Err(word.refuse(
            "bad-time",
            format!("there is no `{}` in a day", shown(word.text)),
            "hours go from `00:00` to `24:00`; what runs over midnight is written `22:00-06:00`",
        )),
        None => {
            Err(word.refuse("bad-time", format!("`{}` is not a time of day", shown(word.text)), suggestion(word.text)))
        }
    }
}

/// The likely meaning of a time in another spelling.
fn suggestion(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (clock, shift) = match (lower.strip_suffix("pm"), lower.strip_suffix("am")) {
        (Some(clock), _) => (clock, 12),
        (None, Some(clock)) => (clock, 0),
        (None, None) => (lower.as_str(), 0),
    };
    let half_day = clock.len() < lower.len();
    let (hour, minute) = clock.split_once([':', '.', 'h']).unwrap_or((clock, "00"));
    let parsed = hour.parse::<u16>().ok().zip(minute.parse::<u16>().ok());
    match parsed {
        Some((hour, minute)) if minute < 60 && hour <= 12 && half_day => {
            format!("write `{:02}:{minute:02}`", hour % 12 + shift)
        }
        Some((hour, minute)) if minute < 60 && hour < 24 && !half_day => format!("write `{hour:02}:{minute:02}`"),
        Some(_) | None => "write hours and minutes with two digits each, such as `09:00`".to_owned(),
    }
}
