//! The small texts of the language as values: durations, hours, days, moments and amounts.
//!
//! Everything is read from the source text exactly as written; what is refused says the way out.

mod amount;
mod day;
mod hours;
mod moment;

use std::ops::Range;

pub use amount::{duration, percentage, wait_limit};
pub use day::{date, day_rule};
pub use hours::{hours_line, open_spans};
pub use moment::{MomentError, WrittenMoment, moment};

/// Why a text is not what its place in the file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrammarError {
    /// The stable name of this kind of problem.
    pub code: &'static str,
    /// One lowercase sentence without a final period.
    pub message: String,
    /// A way out.
    pub help: Option<String>,
    /// The bytes of the text that are wrong.
    pub at: Range<usize>,
}

/// A piece of the text with its place in the whole.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Piece<'a> {
    const fn whole(text: &'a str) -> Self {
        Self { text, start: 0 }
    }

    /// The words between white space.
    fn words(self) -> impl Iterator<Item = Self> {
        self.split(char::is_whitespace).filter(|piece| !piece.text.is_empty())
    }

    /// The pieces between separators, empty ones included.
    fn split(self, separator: impl Fn(char) -> bool) -> impl Iterator<Item = Self> {
        let base = self.text.as_ptr().addr();
        self.text.split(separator).map(move |text| Self { text, start: self.start + (text.as_ptr().addr() - base) })
    }

    /// The pieces before and after the first separator.
    fn halves(self, separator: char) -> Option<(Self, Self)> {
        let (left, right) = self.text.split_once(separator)?;
        let skipped = left.len() + separator.len_utf8();
        Some((Self { text: left, start: self.start }, Self { text: right, start: self.start + skipped }))
    }

    const fn at(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn refuse(self, code: &'static str, message: impl Into<String>, help: impl Into<String>) -> GrammarError {
        GrammarError { code, message: message.into(), help: Some(help.into()), at: self.at() }
    }

    /// A number of exactly so many digits.
    fn digits<T: std::str::FromStr>(self, count: usize) -> Option<T> {
        let fits = self.text.len() == count && self.text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| self.text.parse().ok()).flatten()
    }
}

/// The text as an error shows it: never longer than a line.
fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests;
