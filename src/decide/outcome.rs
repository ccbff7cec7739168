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

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: &str, bridged: Option<bool>) -> DialReport {
        DialReport { status: DialStatus::parse(status), bridged, leg: None, seconds: None }
    }

    fn judged(status: &str, bridged: Option<bool>, confirm: Confirm, key: KeyRecord) -> (LegOutcome, Option<Anomaly>) {
        let judged = judge(&report(status, bridged), confirm, key, Some(ContactId(3)));
        (judged.outcome, judged.anomaly)
    }

    const TAKEN: LegOutcome = LegOutcome::Connected(Some(ContactId(3)));

    #[test]
    fn a_call_is_taken_when_it_was_bridged_and_the_key_was_pressed() {
        let none = KeyRecord::Silent;
        assert_eq!(judged("completed", Some(true), Confirm::Key, KeyRecord::Accepted), (TAKEN, None));
        assert_eq!(judged("completed", Some(true), Confirm::None, none), (TAKEN, None));
        let swallowed = (LegOutcome::NoKey, Some(Anomaly::BridgedWithoutKey));
        assert_eq!(judged("completed", Some(true), Confirm::Key, none), swallowed);
        assert_eq!(judged("completed", Some(true), Confirm::Voice, none), swallowed);
    }

    #[test]
    fn completed_without_a_bridge_is_a_mailbox_or_a_refusal() {
        assert_eq!(judged("completed", Some(false), Confirm::Key, KeyRecord::Silent), (LegOutcome::NoKey, None));
        assert_eq!(judged("completed", Some(false), Confirm::Key, KeyRecord::Declined), (LegOutcome::Declined, None));
        assert_eq!(judged("completed", Some(false), Confirm::None, KeyRecord::Silent), (LegOutcome::NoAnswer, None));
        let gone = (LegOutcome::Failed, Some(Anomaly::KeyWithoutBridge));
        assert_eq!(judged("completed", Some(false), Confirm::Key, KeyRecord::Accepted), gone);
    }

    #[test]
    fn the_carriers_words_keep_their_meaning() {
        for (word, outcome) in [
            ("busy", LegOutcome::Busy),
            ("no-answer", LegOutcome::NoAnswer),
            ("failed", LegOutcome::Failed),
            ("canceled", LegOutcome::Canceled),
            ("", LegOutcome::Failed),
        ] {
            for confirm in [Confirm::Key, Confirm::None] {
                assert_eq!(judged(word, Some(false), confirm, KeyRecord::Silent), (outcome, None), "{word}");
                assert_eq!(judged(word, None, confirm, KeyRecord::Silent), (outcome, None), "{word}");
            }
        }
        let odd = (LegOutcome::Failed, Some(Anomaly::UnknownStatus));
        assert_eq!(judged("blorp", Some(false), Confirm::None, KeyRecord::Silent), odd);
    }

    #[test]
    fn carriers_that_do_not_tell_of_bridges_are_judged_by_the_length_of_the_talk() {
        let talked = |seconds| DialReport { seconds, ..report("completed", None) };
        let judged = |seconds| judge(&talked(seconds), Confirm::None, KeyRecord::Silent, None).outcome;
        assert_eq!(judged(Some(12)), LegOutcome::Connected(None));
        assert_eq!(judged(Some(0)), LegOutcome::NoAnswer);
        assert_eq!(judged(None), LegOutcome::NoAnswer);
    }
}
