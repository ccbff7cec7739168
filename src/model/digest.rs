//! A content address: SHA-256 of what it names.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a rule file with all it includes, or of a set of templates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// Bytes of the short form that URLs carry: 64 bits tell the revisions of one organization apart.
    pub const SHORT: usize = 8;

    /// The digest of `parts`, each with its length before it so that no two lists of parts collide.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// Reads exactly 64 lowercase hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let digit = |sign: u8| char::from(sign).to_digit(16).filter(|_| !sign.is_ascii_uppercase());
        let mut digits = text.bytes().map(digit);
        for byte in &mut bytes {
            let (high, low) = (digits.next()??, digits.next()??);
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }

    /// All 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 hex digits, as URLs and people use them.
    pub fn short(&self) -> String {
        let mut text = String::with_capacity(Self::SHORT * 2);
        self.key().push_to(&mut text);
        text
    }

    /// The short form as a value, to look rules up by.
    pub fn key(&self) -> RulesKey {
        RulesKey(self.0.iter().take(Self::SHORT).fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }
}

/// The short form of a rule set's digest: 16 lowercase hex digits in URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RulesKey(u64);

impl RulesKey {
    /// Reads exactly 16 lowercase hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let whole = text.len() == Digest::SHORT * 2 && text.bytes().all(fits);
        if whole { u64::from_str_radix(text, 16).ok().map(Self) } else { None }
    }

    /// Appends the digits.
    pub fn push_to(self, text: &mut String) {
        text.extend((0..Digest::SHORT * 2).rev().map(|place| {
            let digit = u8::try_from(self.0 >> (place * 4) & 0xf).unwrap_or_default();
            char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
        }));
    }
}

impl fmt::Display for RulesKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest has 64 lowercase hex digits")]
pub struct DigestError;

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        Self::parse(&text).ok_or(DigestError)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Digest({})", self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_reads_back_as_the_key() {
        let digest = Digest::of([b"rules".as_slice()]);
        assert_eq!(RulesKey::parse(&digest.short()), Some(digest.key()));
        assert_eq!(digest.key().to_string(), digest.short());
        for bad in ["", "0", "0123456789ABCDEF", "+123456789abcdef", "0123456789abcdef0"] {
            assert_eq!(RulesKey::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_digest_reads_back_whole() {
        let digest = Digest::of([b"rules".as_slice()]);
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        for bad in [&digest.short(), &format!("{digest}0"), &"A".repeat(64), &"g".repeat(64)] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }
}
