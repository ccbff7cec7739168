//! Reasons as the journal keeps them: small, and told apart by the names of their variants.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serializer};

use crate::decide::trace::Trace;

/// Writes them as one piece of bytes.
pub(super) fn serialize<S: Serializer>(trace: &Trace, serializer: S) -> Result<S::Ok, S::Error> {
    let bytes = rmp_serde::to_vec(trace).map_err(S::Error::custom)?;
    serializer.serialize_bytes(&bytes)
}

/// Reads them back.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Trace, D::Error> {
    let bytes = Bytes::deserialize(deserializer)?;
    rmp_serde::from_slice(&bytes.0).map_err(D::Error::custom)
}

/// Bytes, which come as such or as a list of numbers.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Visitor).map(Self)
    }
}

struct Visitor;

impl<'de> serde::de::Visitor<'de> for Visitor {
    type Value = Vec<u8>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::decide::trace::{Considered, HoursFact, StepOutcome, Why};
    use crate::model::call::LegOutcome;
    use crate::model::ids::{CascadeId, ContactId, FlowId, HoursId, LineId};
    use crate::model::position::{RuleRef, StepRef};
    use crate::rules::ruleset::Span;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Held(#[serde(with = "super")] Trace);

    fn trace() -> Trace {
        let rule = RuleRef { flow: FlowId(2), index: 1 };
        let at = StepRef { cascade: CascadeId(3), index: 0 };
        let open = HoursFact::Open { span: Span { from: 540, to: 1020 }, day: jiff::civil::date(2026, 11, 21) };
        vec![
            Considered::Line(LineId(0)),
            Considered::Outcome { at, what: StepOutcome::Rang(LegOutcome::Connected(Some(ContactId(7)))) },
            Considered::Passed { rule, condition: 0, why: Why::Attempt { count: 2 } },
            Considered::Held { rule, condition: 1, why: Why::Hours { hours: HoursId(300), fact: open } },
            Considered::Skipped { at, contact: ContactId(1), why: Why::Loop },
            Considered::Finally,
        ]
    }

    #[test]
    fn reasons_are_read_back_from_bytes_and_from_json() {
        let held = Held(trace());
        let bytes = rmp_serde::to_vec_named(&held).unwrap();
        assert_eq!(rmp_serde::from_slice::<Held>(&bytes).unwrap(), held);
        let text = serde_json::to_string(&held).unwrap();
        assert_eq!(serde_json::from_str::<Held>(&text).unwrap(), held);
    }

    #[test]
    fn what_is_kept_stays_readable() {
        // Written by the first form. When this fails, reasons kept before cannot be read any more: give the old names
        // back with `#[serde(rename)]`, and put new fields last with `#[serde(default)]`.
        let kept = [
            "96",
            "81a44c696e6500",
            "81a74f7574636f6d659292030081a452616e6781a9436f6e6e656374656407",
            "81a650617373656493920201",
            "0081a7417474656d70749102",
        ];
        let kept = kept.concat();
        let bytes = rmp_serde::to_vec(&trace()).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hex.starts_with(&kept), "{hex}");
        assert_eq!(rmp_serde::from_slice::<Trace>(&bytes).unwrap(), trace());
    }
}
