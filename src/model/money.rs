//! Amounts of money, in millionths of a currency's unit: what texts cost is counted in fractions of a cent.

use std::fmt;

use serde::Serialize;

/// An amount. What it is an amount of stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Money(i64);

/// Millionths of one unit.
const UNIT: i64 = 1_000_000;

/// Digits after the point.
const DIGITS: usize = 6;

impl Money {
    /// So many millionths.
    pub const fn of_millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    /// The same in millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// Reads `5`, `5.00` or `0.0079`: nothing below zero, and no more than six digits after the point.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > DIGITS {
            return None;
        }
        let part: i64 = format!("{part:0<DIGITS$}").parse().ok()?;
        whole.parse::<i64>().ok()?.checked_mul(UNIT)?.checked_add(part).map(Self)
    }

    /// So many times as much.
    pub const fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(count as i64))
    }

    /// Both together.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The number of units, as gauges count.
    pub fn units(self) -> f64 {
        // Amounts are far smaller than what this could not hold.
        let (whole, part) = (self.0 / UNIT, self.0 % UNIT);
        let small = |number: i64| f64::from(i32::try_from(number).unwrap_or(i32::MAX));
        small(whole) + small(part) / small(UNIT)
    }
}

impl fmt::Display for Money {
    /// With two digits after the point, and more where there are more.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / UNIT.unsigned_abs(), self.0.unsigned_abs() % UNIT.unsigned_abs());
        let part = format!("{part:0>DIGITS$}");
        let more = part.trim_end_matches('0');
        write!(out, "{sign}{whole}.{more:0<2}")
    }
}

/// A currency by its three letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads `USD`; small letters mean the same.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_alphabetic).then(|| Self(letters.map(|letter| letter.to_ascii_uppercase())))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(out, "{}", char::from(*letter)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_told_as_people_write_them() {
        for (text, millionths, told) in [
            ("5", 5_000_000, "5.00"),
            ("5.0", 5_000_000, "5.00"),
            ("0.0079", 7_900, "0.0079"),
            ("0.000001", 1, "0.000001"),
        ] {
            let money = Money::parse(text).unwrap();
            assert_eq!((money.millionths(), money.to_string().as_str()), (millionths, told));
        }
        for bad in ["", "-1", "+1", "1.", ".5", "1,5", "1.0000001", "1e3", "five", "9999999999999999"] {
            assert_eq!(Money::parse(bad), None, "{bad}");
        }
        assert_eq!(Money::of_millionths(-10_000).to_string(), "-0.01");
        assert!((Money::parse("2.5").unwrap().units() - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn a_currency_has_three_letters() {
        assert_eq!(Currency::parse("usd").unwrap().to_string(), "USD");
        for bad in ["", "US", "USDX", "U$D", "12A", "€"] {
            assert_eq!(Currency::parse(bad), None, "{bad}");
        }
    }
}
