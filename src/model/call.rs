//! What is known of a call when a decision is due: all of it came with the request.

use serde::{Deserialize, Serialize};

use super::ids::{CallSid, ContactId, LineId, SwitchId};
use super::phone::{Caller, E164};

/// The facts of one call at one request.
#[derive(Debug, Clone, PartialEq)]
pub struct CallFacts {
    /// The caller's leg.
    pub call: CallSid,
    /// Which of our lines was called; none when the number is in no rule of this organization.
    pub line: Option<LineId>,
    /// Who calls.
    pub caller: Caller,
    /// What the networks say of the caller's number.
    pub attestation: Attestation,
    /// The number that forwarded the call to us, when the network tells.
    pub forwarded_from: Option<E164>,
    /// What happened since the last answer.
    pub happened: Happened,
}

/// What the request reports.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// A new call.
    Arrived,
    /// A ring ended, and the caller is still there.
    Rang(LegOutcome),
    /// A menu or an offer ended.
    Chose {
        /// The keys pressed; empty for none.
        digits: Box<str>,
        /// What was said; empty for nothing.
        speech: Box<str>,
    },
    /// A message was left, or the caller stayed silent.
    Recorded {
        /// Length of the message in seconds, when told.
        seconds: Option<u32>,
    },
    /// A hand-off gave the call back.
    Returned,
    /// The caller has hung up: nobody is to be rung.
    Gone,
}

/// What the carrier reports of a ring that ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DialReport {
    /// The carrier's word for the outcome.
    pub status: DialStatus,
    /// Whether caller and callee were connected; none when the carrier does not say.
    pub bridged: Option<bool>,
    /// The callee's leg; none when nobody was rung.
    pub leg: Option<CallSid>,
    /// How long the legs were together, in seconds; missing when nobody answered.
    pub seconds: Option<u32>,
}

/// The carrier's word for how a ring ended; never believed alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DialStatus {
    /// Somebody or something picked up; a screen that was refused counts here too.
    Completed,
    /// A conference ended.
    Answered,
    /// The callee was busy, or refused on the handset.
    Busy,
    /// It rang out.
    NoAnswer,
    /// The number could not be reached.
    Failed,
    /// The leg was canceled from outside.
    Canceled,
    /// A word that we do not know, as sent.
    Other(Box<str>),
    /// No word came.
    #[default]
    Missing,
}

impl DialStatus {
    /// Reads the carrier's `DialCallStatus`; never fails.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().replace('_', "-").as_str() {
            "" => Self::Missing,
            "completed" => Self::Completed,
            "answered" => Self::Answered,
            "busy" => Self::Busy,
            "no-answer" => Self::NoAnswer,
            "failed" => Self::Failed,
            "canceled" | "cancelled" => Self::Canceled,
            _ => Self::Other(text.into()),
        }
    }

    /// The word for it in records.
    pub fn word(&self) -> &str {
        match self {
            Self::Completed => "completed",
            Self::Answered => "answered",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Other(text) => text,
            Self::Missing => "missing",
        }
    }
}

/// What we know of the key that a callee was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum KeyRecord {
    /// The callee took the call.
    Accepted,
    /// The callee refused it.
    Declined,
    /// Nothing came.
    #[default]
    Silent,
}

/// How a ring ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LegOutcome {
    /// Caller and callee talked; who of several, when known.
    Connected(Option<ContactId>),
    /// The leg was answered, and nobody pressed the key: often a carrier's mailbox.
    NoKey,
    /// The callee refused the call by key.
    Declined,
    /// The callee was busy, or refused on the handset.
    Busy,
    /// It rang out.
    NoAnswer,
    /// The number could not be reached.
    Failed,
    /// The leg was canceled from outside.
    Canceled,
}

impl LegOutcome {
    /// The word for it in tests, records and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connected(_) => "connected",
            Self::NoKey => "answered_no_key",
            Self::Declined => "declined",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// The STIR/SHAKEN result that came with the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Attestation {
    /// Passed with full attestation.
    PassedA,
    /// Passed with partial attestation.
    PassedB,
    /// Passed with gateway attestation.
    PassedC,
    /// The signature on the caller's number does not hold.
    Failed,
    /// Nothing was signed.
    #[default]
    Unsigned,
}

impl Attestation {
    /// Reads the carrier's `StirVerstat`, by prefix and in any case; what is not known counts as unsigned.
    pub fn parse(text: &str) -> Self {
        let word = text.trim().to_ascii_lowercase();
        if word.starts_with("tn-validation-failed") {
            Self::Failed
        } else if word.starts_with("tn-validation-passed-a") {
            Self::PassedA
        } else if word.starts_with("tn-validation-passed-b") {
            Self::PassedB
        } else if word.starts_with("tn-validation-passed-c") {
            Self::PassedC
        } else {
            Self::Unsigned
        }
    }

    /// The word for it in rules, tests and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PassedA => "passed-a",
            Self::PassedB => "passed-b",
            Self::PassedC => "passed-c",
            Self::Failed => "failed",
            Self::Unsigned => "unsigned",
        }
    }

    /// All results, strongest first.
    pub const ALL: [Self; 5] = [Self::PassedA, Self::PassedB, Self::PassedC, Self::Failed, Self::Unsigned];
}

/// State from outside the rule file, read before deciding and kept in the record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Position of each switch by its index; a switch that is missing here stands at its default.
    pub switches: Vec<Option<bool>>,
    /// Switches whose source has told nothing for too long, so that they stand where the rules put them meanwhile.
    pub stale: Vec<SwitchId>,
    /// How many calls of ours each contact is on, by its index; missing means none.
    pub active_calls: Vec<u8>,
    /// How many seconds ago this caller called this organization before, newest first.
    pub earlier_calls: Vec<u32>,
}
