//! A place in a call's cascade, as the carrier brings it back in the next request's URL.

use serde::{Deserialize, Serialize};

use super::ids::{CascadeId, EscalationId};

/// How many answers one call may get from the rules; the next one goes straight to `finally`.
///
/// A caller who circles in menus is the only way to come near it: every other step moves forward.
/// Forty menus at ten seconds each are over six minutes of pressing keys.
pub const MAX_HOPS: u8 = 40;

/// Where a call stands: which step was answered last, and what must be remembered of the way there.
///
/// The server keeps nothing of a call between requests; all of this travels in the action URL,
/// which the carrier signs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The step whose outcome the request reports; none for a call that has just arrived.
    pub step: Option<StepRef>,
    /// Which part of the step: a menu's try, or a voicemail's stage.
    pub stage: u8,
    /// How many answers the call has had.
    pub hop: u8,
    /// When the call arrived, in seconds since 1970: hours are judged by this all through the call.
    pub began: i64,
    /// The language chosen on the way, as an index into the rule set's languages.
    pub language: Option<u8>,
    /// Who is to be told if nobody takes the call, from the last rule taken that says so.
    pub missed: Option<EscalationId>,
    /// The rule taken last: (flow, rule).
    pub rule: Option<RuleRef>,
}

impl Position {
    /// The position of a call that arrives now.
    pub const fn start(began: i64) -> Self {
        Self { step: None, stage: 0, hop: 0, began, language: None, missed: None, rule: None }
    }
}

/// One step of one cascade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepRef {
    /// The list.
    pub cascade: CascadeId,
    /// The place in it.
    pub index: u16,
}

/// One rule of one flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RuleRef {
    /// The flow.
    pub flow: super::ids::FlowId,
    /// The place in it.
    pub index: u16,
}
