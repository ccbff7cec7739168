//! Whether a ring counts as taken: connected by the carrier's word, and confirmed by our own record.

use crate::model::call::{DialReport, DialStatus, KeyRecord, LegOutcome};
use crate::model::ids::ContactId;
use crate::rules::ruleset::Confirm;

/// What came of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// What the rules go on with.
    pub outcome: LegOutcome,
    /// Where the carrier's word and our record disagree, if they do; worth a warning.
    pub anomaly: Option<Anomaly>,
}

/// A disagreement between the carrier and our own record. Such a call counts as missed: the safe side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anomaly {
    /// Caller and callee were connected, and we have no record of the key.
    BridgedWithoutKey,
    /// The callee pressed the key, and was not connected.
    KeyWithoutBridge,
    /// The carrier's word for the leg is not in its documentation.
    UnknownStatus,
}

impl Anomaly {
    /// The word for it in records and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BridgedWithoutKey => "bridged_without_key",
            Self::KeyWithoutBridge => "key_without_bridge",
            Self::UnknownStatus => "unknown_status",
        }
    }
}

/// Judges a leg by the carrier's report, and by our record of the key when the contact confirms.
///
/// `who` is the contact rung, when it was one; with several at once nobody confirms.
pub fn judge(report: &DialReport, confirm: Confirm, key: KeyRecord, who: Option<ContactId>) -> Judged {
    let bridged = report.bridged.unwrap_or_else(|| was_answered(&report.status) && report.seconds > Some(0));
    let connected = LegOutcome::Connected(who);
    if confirm == Confirm::None {
        let outcome = if bridged { connected } else { unanswered(&report.status, LegOutcome::NoAnswer) };
        return Judged { outcome, anomaly: unknown(&report.status) };
    }
    let (outcome, anomaly) = match (bridged, key) {
        (true, KeyRecord::Accepted) => (connected, None),
        (true, KeyRecord::Declined) => (LegOutcome::Declined, Some(Anomaly::BridgedWithoutKey)),
        (true, KeyRecord::Silent) => (LegOutcome::NoKey, Some(Anomaly::BridgedWithoutKey)),
        (false, KeyRecord::Accepted) => (LegOutcome::Failed, Some(Anomaly::KeyWithoutBridge)),
        (false, KeyRecord::Declined) => (LegOutcome::Declined, None),
        (false, KeyRecord::Silent) => (unanswered(&report.status, LegOutcome::NoKey), unknown(&report.status)),
    };
    Judged { outcome, anomaly }
}

const fn was_answered(status: &DialStatus) -> bool {
    matches!(status, DialStatus::Completed | DialStatus::Answered)
}

/// What came of a leg that was not connected.
const fn unanswered(status: &DialStatus, picked_up: LegOutcome) -> LegOutcome {
    match status {
        DialStatus::Completed | DialStatus::Answered => picked_up,
        DialStatus::Busy => LegOutcome::Busy,
        DialStatus::NoAnswer => LegOutcome::NoAnswer,
        DialStatus::Canceled => LegOutcome::Canceled,
        DialStatus::Failed | DialStatus::Other(_) | DialStatus::Missing => LegOutcome::Failed,
    }
}

fn unknown(status: &DialStatus) -> Option<Anomaly> {
    matches!(status, DialStatus::Other(_)).then_some(Anomaly::UnknownStatus)
}
