//! Durations, percentages and the waits that a test expects.

use crate::rules::grammar::{GrammarError, Piece, shown};

/// The units of a duration, longest first, in seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// No duration in a rule file is longer: ten years.
const LONGEST: u64 = 3_660 * 86_400;

/// Reads `20s`, `10m`, `4h`, `90d` or `1h30m` as seconds.
pub fn duration(text: &str) -> Result<u32, GrammarError> {
    duration_of(Piece::whole(text))
}

fn duration_of(piece: Piece<'_>) -> Result<u32, GrammarError> {
    let text = piece.text;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(piece.refuse(
            "duration-without-unit",
            format!("`{}` is a number without a unit", shown(text)),
            format!("write `{}s` for seconds, or use `m`, `h` or `d`", shown(text)),
        ));
    }
    let bad = || {
        piece.refuse(
            "bad-duration",
            format!("`{}` is not a duration", shown(text)),
            "write whole numbers with `d`, `h`, `m` or `s`, longest unit first, such as `20s`, `10m` or `1h30m`",
        )
    };
    let seconds = seconds_of(text).ok_or_else(bad)?;
    if seconds > LONGEST {
        return Err(piece.refuse(
            "bad-duration",
            format!("`{}` is longer than ten years", shown(text)),
            "write a duration of at most `3660d`",
        ));
    }
    u32::try_from(seconds).map_err(|_too_long| bad())
}

/// The sum of its parts; none when it breaks the form, and anything too long when it overflows.
fn seconds_of(text: &str) -> Option<u64> {
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    let mut count: Option<u64> = None;
    for sign in text.chars() {
        if let Some(digit) = sign.to_digit(10) {
            count = Some(count.unwrap_or(0).saturating_mul(10).saturating_add(digit.into()));
        } else {
            // The iterator only moves on, so no unit comes twice and none after a shorter one.
            let (_, size) = units.find(|(unit, _)| *unit == sign)?;
            total = total.saturating_add(count.take()?.saturating_mul(*size));
        }
    }
    (count.is_none() && !text.is_empty()).then_some(total)
}

/// Reads `10%` as a share of at most one hundred.
pub fn percentage(text: &str) -> Result<u8, GrammarError> {
    let piece = Piece::whole(text);
    let number = text.strip_suffix('%').filter(|number| number.len() <= 3);
    let digits = number.filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    let share: Option<u8> = digits.and_then(|digits| digits.parse().ok()).filter(|share| *share <= 100);
    share.ok_or_else(|| {
        piece.refuse(
            "bad-percentage",
            format!("`{}` is not a percentage", shown(text)),
            "write a whole number from `0%` to `100%`",
        )
    })
}

/// Reads `<= 120s`, the longest wait that a test allows, as seconds.
pub fn wait_limit(text: &str) -> Result<u32, GrammarError> {
    let piece = Piece::whole(text);
    let Some(rest) = text.trim_start().strip_prefix("<=") else {
        return Err(piece.refuse(
            "bad-wait-limit",
            format!("`{}` is not a limit of waiting", shown(text)),
            "write `\"<= 120s\"`",
        ));
    };
    let rest = rest.trim();
    duration_of(Piece { text: rest, start: text.find(rest).unwrap_or(0) })
}
