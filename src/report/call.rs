//! A call as the report needs it, read from its summary without taking what it leaves aside.

use std::borrow::Cow;

use serde::Deserialize;

use crate::audit::summary::Summary;

/// The call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<'a> {
    /// Name of the line, or the number when it has none.
    pub line: Cow<'a, str>,
    /// When it came in, in microseconds since 1970.
    pub began_us: i64,
    /// The zone of the line.
    pub zone: Cow<'a, str>,
    /// Who was rung, in order.
    pub rung: Vec<Ring<'a>>,
    /// Whether somebody took it, and who when that is known.
    pub answered: Option<Option<Cow<'a, str>>>,
    /// Seconds that the caller waited.
    pub waited: Option<u32>,
    /// How it ended.
    pub end: Option<Cow<'a, str>>,
    /// Whether a message was left.
    pub message: bool,
}

/// One contact in one ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring<'a> {
    /// The answer that rang.
    pub hop: u8,
    /// Who.
    pub contact: Cow<'a, str>,
    /// When, in microseconds since 1970.
    pub at_us: i64,
    /// How it ended.
    pub outcome: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Lean<'a> {
    line: Option<&'a str>,
    called: &'a str,
    began_us: i64,
    #[serde(default)]
    zone: &'a str,
    #[serde(default, borrow)]
    rung: Vec<LeanRing<'a>>,
    answered: Option<LeanAnswered<'a>>,
    waited: Option<u32>,
    end: Option<&'a str>,
    message_seconds: Option<u32>,
}

#[derive(Deserialize)]
struct LeanRing<'a> {
    hop: u8,
    contact: &'a str,
    at_us: i64,
    outcome: Option<&'a str>,
}

#[derive(Deserialize)]
struct LeanAnswered<'a> {
    by: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// Reads the written form of a summary.
    pub fn read(summary: &'a str) -> Result<Self, serde_json::Error> {
        // Names with an escape in them can't be borrowed; they are rare, and the long way reads them.
        match serde_json::from_str::<Lean<'a>>(summary) {
            Ok(lean) => Ok(Self::lean(lean)),
            Err(_) => serde_json::from_str::<Summary>(summary).map(Self::of),
        }
    }

    fn lean(lean: Lean<'a>) -> Self {
        let ring = |ring: LeanRing<'a>| Ring {
            hop: ring.hop,
            contact: ring.contact.into(),
            at_us: ring.at_us,
            outcome: ring.outcome.map(Into::into),
        };
        Self {
            line: lean.line.unwrap_or(lean.called).into(),
            began_us: lean.began_us,
            zone: lean.zone.into(),
            rung: lean.rung.into_iter().map(ring).collect(),
            answered: lean.answered.map(|answered| answered.by.map(Into::into)),
            waited: lean.waited,
            end: lean.end.map(Into::into),
            message: lean.message_seconds.is_some_and(|seconds| seconds > 0),
        }
    }

    /// The call of that summary.
    pub fn of(summary: Summary) -> Self {
        let ring = |rung: crate::audit::summary::Rung| Ring {
            hop: rung.hop,
            contact: rung.contact.into(),
            at_us: rung.at_us,
            outcome: rung.outcome.map(Into::into),
        };
        Self {
            line: summary.line.unwrap_or(summary.called).into(),
            began_us: summary.began_us,
            zone: summary.zone.into(),
            rung: summary.rung.into_iter().map(ring).collect(),
            answered: summary.answered.map(|answered| answered.by.map(Into::into)),
            waited: summary.waited,
            end: summary.end.map(Into::into),
            message: summary.message_seconds.is_some_and(|seconds| seconds > 0),
        }
    }

    /// The tier that took it, counted from 1: how many rings it needed.
    pub fn tier(&self) -> Option<u8> {
        let by = self.answered.as_ref()?.as_deref();
        let taken = |ring: &&Ring<'_>| ring.outcome.as_deref() == Some("connected");
        let hop = self.rung.iter().find(taken).or_else(|| {
            let named = |ring: &&Ring<'_>| by.is_some_and(|by| by == ring.contact);
            self.rung.iter().rev().find(named).or(self.rung.last())
        })?;
        let mut before: Vec<u8> = self.rung.iter().map(|ring| ring.hop).filter(|other| *other <= hop.hop).collect();
        before.dedup();
        u8::try_from(before.len()).ok()
    }
}
