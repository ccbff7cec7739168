//! Everything that can break between a believed request and its answer; each has a word for the counters.

use crate::app::directory::Withheld;
use crate::app::ports::JournalError;
use crate::twiml::RenderError;
use crate::webhook::continuation::ContinuationError;
use crate::webhook::event::EventError;

/// What broke.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// No organization has the number that was called.
    #[error("no rule file has the number that was called")]
    UnknownNumber,
    /// The organization is not among those that are answered.
    #[error("there are no rules for the organization `{0}`")]
    UnknownOrganization(String),
    /// The number that was called belongs to another organization than the one that was named.
    #[error("the number that was called belongs to another organization")]
    Foreign,
    /// The call began longer ago than a call can last, or another node says that it has ended.
    #[error("the call is over")]
    Replayed,
    /// The organization is served only so far.
    #[error("the organization is not served in full: {}", .0.word())]
    Withheld(Withheld),
    /// The rules that the call began under are gone.
    #[error("the rules `{0}` that the call began under are not known any more")]
    RulesGone(String),
    /// The template failed.
    #[error(transparent)]
    Template(RenderError),
    /// The fields are no event.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The URL is none that we wrote.
    #[error(transparent)]
    Continuation(#[from] ContinuationError),
    /// The URL lacks its place in a call.
    #[error("the URL names no place in a call")]
    NoPlace,
    /// The carrier asks here because its first request failed.
    #[error("the carrier asks for a second time, after its error {0}")]
    CarrierFallback(String),
    /// The record could not be written.
    #[error(transparent)]
    Journal(JournalError),
    /// The disk took too long.
    #[error("the journal did not answer in time")]
    JournalSlow,
    /// Something is wrong with the program.
    #[error("the program stumbled over itself")]
    Panic,
    /// There was no time left.
    #[error("the answer took too long")]
    Deadline,
}

impl Fault {
    /// The stable name for counters.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::UnknownNumber => "unknown-number",
            Self::UnknownOrganization(_) => "unknown-organization",
            Self::Foreign => "foreign-number",
            Self::Replayed => "replayed",
            Self::Withheld(_) => "withheld",
            Self::RulesGone(_) => "rules-gone",
            Self::Template(_) => "template",
            Self::Event(_) => "event",
            Self::Continuation(_) | Self::NoPlace => "continuation",
            Self::CarrierFallback(_) => "carrier-fallback",
            Self::Journal(JournalError::Deferred(_)) => "journal-deferred",
            Self::Journal(JournalError::Lost(_)) => "journal-lost",
            Self::Journal(JournalError::Unreadable(_)) => "journal-unreadable",
            Self::Journal(JournalError::Closed) => "journal-closed",
            Self::JournalSlow => "journal-slow",
            Self::Panic => "panic",
            Self::Deadline => "deadline",
        }
    }
}
