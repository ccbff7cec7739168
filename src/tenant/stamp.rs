//! Who did something, and when.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An instant to the microsecond, written as `2026-11-21T07:00:00Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(Timestamp);

impl At {
    /// The instant, cut to the microsecond so that both stores give back what they were given.
    pub fn new(at: Timestamp) -> Self {
        Self(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at))
    }

    /// The instant.
    pub const fn timestamp(self) -> Timestamp {
        self.0
    }

    /// Microseconds since 1970.
    pub fn microsecond(self) -> i64 {
        self.0.as_microsecond()
    }
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Debug for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "At({})", self.0)
    }
}

impl Serialize for At {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
        text.parse::<Timestamp>().map(Self::new).map_err(serde::de::Error::custom)
    }
}

/// Who acts, such as `cli:ana`, `token:tok_2f`, `service:observe`; for people to read, never for a decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(Box<str>);

impl Actor {
    /// Characters kept of a name.
    const LONGEST: usize = 120;

    /// The actor of that name: what cannot be shown on one line is left out of it, and an empty name is `unknown`.
    pub fn new(name: &str) -> Self {
        let name: String = name.trim().chars().filter(|sign| !sign.is_control()).take(Self::LONGEST).collect();
        Self(if name.is_empty() { "unknown".into() } else { name.into() })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Who did it, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: At,
}

impl Stamp {
    /// By this one, then.
    pub fn new(by: &Actor, at: Timestamp) -> Self {
        Self { by: by.clone(), at: At::new(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_back_to_the_microsecond() {
        let at = At::new("2026-11-21T07:00:00.123456789Z".parse().unwrap());
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(text, "\"2026-11-21T07:00:00.123456Z\"");
        assert_eq!(serde_json::from_str::<At>(&text).unwrap(), at);
    }

    #[test]
    fn an_actor_fits_on_one_line() {
        assert_eq!(Actor::new(" cli:ana\n\u{1b}[31m ").as_str(), "cli:ana[31m");
        assert_eq!(Actor::new("\n").as_str(), "unknown");
        assert_eq!(Actor::new(&"x".repeat(500)).as_str().len(), 120);
    }
}
