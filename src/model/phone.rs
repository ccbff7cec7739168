//! Phone numbers and callers; `Debug` never shows a whole number.

use std::fmt;

/// Why a text is not a phone number in E.164.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum E164Error {
    /// The text does not open with a plus.
    #[error("a phone number starts with `+` and its country code, such as `+16195550100`")]
    NoPlus,
    /// Something besides digits stands in it.
    #[error("a phone number is `+` and digits only, such as `+16195550100`")]
    NotDigits,
    /// Too few or too many digits.
    #[error("a phone number has 7 to 15 digits after the `+`, and this has {0}")]
    Length(usize),
    /// A country code never opens with zero.
    #[error("no country code starts with 0: write the number as it is dialed from abroad")]
    LeadingZero,
}

/// A phone number in E.164: a plus and 7 to 15 digits, the first not zero.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct E164(Box<str>);

impl E164 {
    /// Reads a number exactly; nothing is guessed, stripped or completed.
    pub fn parse(text: &str) -> Result<Self, E164Error> {
        let digits = text.strip_prefix('+').ok_or(E164Error::NoPlus)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(E164Error::NotDigits);
        }
        if !(7..=15).contains(&digits.len()) {
            return Err(E164Error::Length(digits.len()));
        }
        if digits.starts_with('0') {
            return Err(E164Error::LeadingZero);
        }
        Ok(Self(text.into()))
    }

    /// The number with its plus.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number for eyes that need not know all of it: country end and last two digits.
    pub fn masked(&self) -> String {
        mask(&self.0)
    }
}

/// Masks all but the first three and the last two characters of what may be a number.
pub fn mask(text: &str) -> String {
    let count = text.chars().count();
    if count < 7 {
        return "*".repeat(count);
    }
    text.chars().enumerate().map(|(place, sign)| if place < 3 || place + 2 >= count { sign } else { '*' }).collect()
}

impl fmt::Display for E164 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "E164({})", self.masked())
    }
}

/// Who calls, as far as the carrier tells.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A number that can be shown, matched and called back.
    Number(E164),
    /// The caller or the carrier withheld the number.
    Withheld,
    /// A SIP address, as written.
    Sip(Box<str>),
    /// A browser or app client, by its name.
    Client(Box<str>),
    /// Something that is none of these; kept for the record, never dialed or shown.
    Malformed(Box<str>),
}

/// What old carrier accounts send for a withheld number: the word, dialed on a keypad.
const WITHHELD_DIGITS: [&str; 4] = ["+266696687", "+7378742833", "+2562533", "+86282452253"];

/// The words that carriers use for a withheld number, in whatever case.
const WITHHELD_WORDS: [&str; 6] = ["anonymous", "unknown", "restricted", "private", "blocked", "unavailable"];

impl Caller {
    /// Reads the carrier's `From`; never fails, because a caller without a number is still a caller.
    pub fn parse(text: &str) -> Self {
        let trimmed = text.trim();
        let word = trimmed.to_ascii_lowercase();
        if trimmed.is_empty() || WITHHELD_DIGITS.contains(&trimmed) || WITHHELD_WORDS.contains(&word.as_str()) {
            return Self::Withheld;
        }
        if word.starts_with("sip:") || word.starts_with("sips:") {
            let user = trimmed.split_once(':').map_or("", |(_, rest)| rest);
            let user = user.split(['@', ';']).next().unwrap_or_default().to_ascii_lowercase();
            let withheld = WITHHELD_WORDS.contains(&user.as_str());
            return if withheld { Self::Withheld } else { Self::Sip(trimmed.into()) };
        }
        if let Some(name) = trimmed.strip_prefix("client:") {
            return Self::Client(name.into());
        }
        E164::parse(trimmed).map_or_else(|_| Self::Malformed(trimmed.into()), Self::Number)
    }

    /// The caller's number, when there is one.
    pub const fn number(&self) -> Option<&E164> {
        match self {
            Self::Number(number) => Some(number),
            Self::Withheld | Self::Sip(_) | Self::Client(_) | Self::Malformed(_) => None,
        }
    }

    /// The caller as logs may show it.
    pub fn masked(&self) -> String {
        match self {
            Self::Number(number) => number.masked(),
            Self::Withheld => "withheld".to_owned(),
            Self::Sip(text) => format!("sip:{}", mask(text)),
            Self::Client(name) => format!("client:{}", mask(name)),
            Self::Malformed(text) => format!("malformed:{}", mask(text)),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => out.write_str(number.as_str()),
            Self::Withheld => out.write_str("withheld"),
            Self::Sip(text) | Self::Malformed(text) => out.write_str(text),
            Self::Client(name) => write!(out, "client:{name}"),
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Caller({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        assert_eq!(E164::parse("+16195550100").unwrap().as_str(), "+16195550100");
        assert_eq!(E164::parse("16195550100"), Err(E164Error::NoPlus));
        assert_eq!(E164::parse("+1 619 555 0100"), Err(E164Error::NotDigits));
        assert_eq!(E164::parse("+12345"), Err(E164Error::Length(5)));
        assert_eq!(E164::parse("+0619555010"), Err(E164Error::LeadingZero));
    }

    #[test]
    fn withheld_callers_have_many_spellings() {
        for text in
            ["", " ", "anonymous", "Anonymous", "UNKNOWN", "+266696687", "+7378742833", "sip:anonymous@x.invalid"]
        {
            assert_eq!(Caller::parse(text), Caller::Withheld, "{text}");
        }
        assert_eq!(Caller::parse("client:alice"), Caller::Client("alice".into()));
        assert_eq!(Caller::parse("sip:bob@example.com"), Caller::Sip("sip:bob@example.com".into()));
        assert_eq!(Caller::parse("911"), Caller::Malformed("911".into()));
    }

    #[test]
    fn debug_masks_digits() {
        assert_eq!(format!("{:?}", Caller::parse("+16195550100")), "Caller(+16*******00)");
    }
}
