//! Moments as tests and imagined calls name them: local wall-clock time, told apart where it comes twice.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset};

use crate::model::moment::{Moment, Zone};
use crate::rules::grammar::day::date_of;
use crate::rules::grammar::{GrammarError, Piece, shown};

/// A local time as written, with the offset from UTC when it says one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenMoment {
    /// The local calendar day and time.
    pub civil: DateTime,
    /// The offset from UTC.
    pub offset: Option<Offset>,
}

/// Why a written moment is not an instant in a zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    /// The clocks are put forward over it.
    #[error("{time} does not exist in {zone}: the clocks are put forward over it, to {to}")]
    Skipped {
        /// The local time.
        time: String,
        /// The zone.
        zone: String,
        /// The local time that the clocks show instead.
        to: String,
    },
    /// It lies outside what the calendar holds.
    #[error("{time} is too far away")]
    TooFar {
        /// The local time.
        time: String,
    },
}

impl WrittenMoment {
    /// The instant in that zone; of a local time that comes twice, the first pass unless an offset says otherwise.
    pub fn within(&self, zone: &Zone) -> Result<Moment, MomentError> {
        let time = || self.civil.strftime("%Y-%m-%d %H:%M").to_string();
        let too_far = |_error: jiff::Error| MomentError::TooFar { time: time() };
        if let Some(offset) = self.offset {
            return Ok(Moment::new(offset.to_timestamp(self.civil).map_err(too_far)?, zone));
        }
        let ambiguous = zone.table().to_ambiguous_timestamp(self.civil);
        let gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let moment = Moment::new(ambiguous.compatible().map_err(too_far)?, zone);
        if gap {
            let to = moment.zoned().strftime("%H:%M").to_string();
            return Err(MomentError::Skipped { time: time(), zone: zone.name().to_owned(), to });
        }
        Ok(moment)
    }
}

/// Reads `2026-03-06 15:00`, with seconds or an offset such as `-08:00` after it where it matters.
pub fn moment(text: &str) -> Result<WrittenMoment, GrammarError> {
    let piece = Piece::whole(text);
    let bad = || {
        piece.refuse(
            "bad-moment",
            format!("`{}` is not a moment", shown(text)),
            "write local date and time, such as `2026-03-06 15:00`",
        )
    };
    let mut words = piece.split(|sign| sign == ' ' || sign == 'T').filter(|word| !word.text.is_empty());
    let (Some(day), Some(clock), offset, None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err(bad());
    };
    let (clock, attached) = cut_offset(clock);
    let written = match (attached, offset) {
        (Some(_), Some(_)) => return Err(bad()),
        (attached, word) => attached.or(word),
    };
    let offset = written.map(|word| offset_of(word.text).ok_or_else(bad)).transpose()?;
    let mut parts = clock.split(|sign| sign == ':');
    let hour = parts.next().and_then(|part| part.digits::<i8>(2)).ok_or_else(bad)?;
    let minute = parts.next().and_then(|part| part.digits::<i8>(2)).ok_or_else(bad)?;
    let second = parts.next().map_or(Some(0), |part| part.digits::<i8>(2)).ok_or_else(bad)?;
    if parts.next().is_some() {
        return Err(bad());
    }
    let time = jiff::civil::Time::new(hour, minute, second, 0).map_err(|_none| {
        clock.refuse(
            "bad-moment",
            format!("there is no `{}` in a day", shown(clock.text)),
            "times of day go from `00:00` to `23:59`",
        )
    })?;
    Ok(WrittenMoment { civil: date_of(day)?.to_datetime(time), offset })
}

/// The time of day, and the offset that stands right behind it.
fn cut_offset(word: Piece<'_>) -> (Piece<'_>, Option<Piece<'_>>) {
    let Some(place) = word.text.find(['+', '-', 'Z']) else {
        return (word, None);
    };
    let (clock, offset) = word.text.split_at(place);
    (Piece { text: clock, start: word.start }, Some(Piece { text: offset, start: word.start + place }))
}

fn offset_of(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(rest), _) => (1, rest),
        (None, Some(rest)) => (-1, rest),
        (None, None) => return None,
    };
    let (hours, minutes) = Piece::whole(rest).halves(':')?;
    let (hours, minutes) = (hours.digits::<i32>(2)?, minutes.digits::<i32>(2).filter(|minutes| *minutes < 60)?);
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok().filter(|_| hours <= 15)
}
