//! Addresses under which a message can be heard: signed by us, for one recording, until they expire.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::chain::hex;
use crate::model::ids::{OrgSlug, RecordingSid};
use crate::model::secret::Secret;

/// How long an address is good, in seconds: a week.
const GOOD_FOR: i64 = 7 * 86_400;

/// What addresses are signed with, and what else they may be signed with.
#[derive(Clone)]
pub struct ListenKey {
    signs: Secret,
    counts: Vec<Secret>,
}

impl fmt::Debug for ListenKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ListenKey(***)")
    }
}

impl ListenKey {
    /// The key of this text.
    pub const fn new(text: Secret) -> Self {
        Self { signs: text, counts: Vec::new() }
    }

    /// The same, and addresses that were signed with these are good as well.
    pub fn and(self, others: impl IntoIterator<Item = Secret>) -> Self {
        Self { counts: others.into_iter().collect(), ..self }
    }

    /// The request target under which the recording can be heard from then on, for a week.
    pub fn target(&self, org: &OrgSlug, recording: &RecordingSid, from: Timestamp) -> String {
        let until = from.as_second().saturating_add(GOOD_FOR);
        format!("/listen/{org}/{recording}?until={until}&sig={}", signature(&self.signs, org, recording, until))
    }

    /// Whether the address is ours, and still good.
    pub fn allows(&self, org: &OrgSlug, recording: &RecordingSid, until: i64, sig: &str, now: Timestamp) -> bool {
        let ours = |key| signature(key, org, recording, until);
        let is_ours = |key| bool::from(ours(key).as_bytes().ct_eq(sig.as_bytes()));
        std::iter::once(&self.signs).chain(&self.counts).any(is_ours) && now.as_second() <= until
    }
}

fn signature(key: &Secret, org: &OrgSlug, recording: &RecordingSid, until: i64) -> String {
    // A key of any length is one for this construction; without it, nothing would be allowed.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()) else { return String::new() };
    mac.update(format!("listen\n{org}\n{recording}\n{until}").as_bytes());
    hex(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_good_for_one_recording_of_one_organization_and_a_week() {
        let key = ListenKey::new(Secret::new("0123456789abcdef0123456789abcdef".into()));
        let (acme, other) = (OrgSlug::parse("acme").unwrap(), OrgSlug::parse("other").unwrap());
        let recording = RecordingSid::parse("RE0123456789abcdef0123456789abcdef").unwrap();
        let second = RecordingSid::parse("REffffffffffffffffffffffffffffffff").unwrap();
        let now = Timestamp::from_second(1_795_456_800).unwrap();
        let target = key.target(&acme, &recording, now);
        let sig = target.split("sig=").nth(1).unwrap();
        let until = now.as_second() + GOOD_FOR;
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        assert!(target.starts_with("/listen/acme/RE0123456789abcdef0123456789abcdef?until="));
        assert!(key.allows(&acme, &recording, until, sig, at(until)));
        assert!(!key.allows(&acme, &recording, until, sig, at(until + 1)), "over");
        assert!(!key.allows(&acme, &recording, until + 1, sig, now), "made longer");
        assert!(!key.allows(&other, &recording, until, sig, now) && !key.allows(&acme, &second, until, sig, now));
        let stranger = ListenKey::new(Secret::new("f".repeat(32)));
        assert!(!stranger.allows(&acme, &recording, until, sig, now));
        let after = stranger.and([Secret::new("0123456789abcdef0123456789abcdef".into())]);
        assert!(after.allows(&acme, &recording, until, sig, now), "what was signed before counts");
        assert!(!after.target(&acme, &recording, now).ends_with(sig));
        for bad in ["", "0", &"0".repeat(64), &sig.to_uppercase()] {
            assert!(!key.allows(&acme, &recording, until, bad, now), "{bad}");
        }
        assert!(!format!("{key:?}").contains("0123"));
    }
}
