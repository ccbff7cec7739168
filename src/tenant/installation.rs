//! An account at a provider with its sealed credentials: connected, rotated, promoted, revoked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::tenant::owner::{Id, Owner, Reference};
use crate::tenant::profile::Provider;
use crate::tenant::sealed::Sealed;
use crate::tenant::stamp::{At, Stamp};

words! {
    /// Whether an installation is used.
    InstallationState {
        /// It is.
        Active = "active",
        /// It never is again; its secrets are gone.
        Revoked = "revoked",
    }
}

/// What a signature that does not hold means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureMode {
    /// The installation is new: the request is answered with the safe ending, explained and counted.
    Observe(Watch),
    /// The request is refused.
    Enforced,
}

/// How long a new installation is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Enforced from then on, whatever was seen.
    pub until: At,
    /// Enforced as soon as so many held.
    pub needed: u32,
    /// So many held.
    pub good: u32,
    /// So many did not.
    pub bad: u32,
}

impl Watch {
    /// Whether it is over at that moment.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.good >= self.needed || now >= self.until.timestamp()
    }
}

/// What a next verifier must have shown before it is the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A request that it signed.
    Seen,
    /// Nothing: whoever says so knows that it holds.
    Unseen,
}

/// A key for the provider's API; it never signs webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its public part.
    pub sid: String,
    /// Its secret part.
    pub secret: Sealed,
}

/// An installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Which.
    pub id: Id,
    /// Whose credentials these are.
    pub owner: Owner,
    /// In which app: the owner's own, or the platform's.
    pub profile: Reference,
    /// At whom.
    pub provider: Provider,
    /// The account there, such as an AccountSid; one owner connects an account once.
    pub account: String,
    /// Whether it is used.
    pub state: InstallationState,
    /// What a signature that does not hold means.
    pub signature: SignatureMode,
    /// What signatures are checked with.
    #[serde(default)]
    pub primary: Option<Sealed>,
    /// What they may be checked with too, while a rotation is under way.
    #[serde(default)]
    pub next: Option<Sealed>,
    /// When a request came that was signed with the next one, for the first time.
    #[serde(default)]
    pub next_seen: Option<At>,
    /// What the provider's API is called with.
    #[serde(default)]
    pub api_key: Option<ApiKey>,
    /// By whom it was connected, and when.
    pub created: Stamp,
    /// By whom its keys were changed last, and when.
    #[serde(default)]
    pub rotated: Option<Stamp>,
    /// By whom it was revoked, and when.
    #[serde(default)]
    pub revoked: Option<Stamp>,
}

/// Why an installation does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstallationError {
    /// It is gone for good.
    #[error("the installation is revoked: connect the account anew")]
    Revoked,
    /// A rotation is under way.
    #[error("a next token is there already: promote it or drop it first (`connect rollback`, `drop-next` by API)")]
    Rotating,
    /// No rotation is under way.
    #[error("there is no next token: rotate first")]
    NothingNext,
    /// Nobody knows that the next verifier holds.
    #[error(
        "no request has come yet that was signed with the next token, and from now on all others would be refused: \
         promote it at the provider, place a call, and try again; or insist with `--unseen` (`unseen=true` by API)"
    )]
    NextUnseen,
}

impl Installation {
    /// How other things name it.
    pub fn reference(&self) -> Reference {
        Reference { owner: self.owner.clone(), id: self.id.clone() }
    }

    /// Every ciphertext it has, to see which keys they need.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        self.primary.iter().chain(&self.next).chain(self.api_key.iter().map(|key| &key.secret))
    }

    /// Whether it is used.
    pub const fn is_active(&self) -> bool {
        matches!(self.state, InstallationState::Active)
    }

    /// Takes a second verifier beside the first: both hold until it is promoted or dropped.
    pub fn rotate(&mut self, next: Sealed, by: Stamp) -> Result<(), InstallationError> {
        self.must_be_active()?;
        if self.next.is_some() {
            return Err(InstallationError::Rotating);
        }
        self.next = Some(next);
        self.rotated = Some(by);
        Ok(())
    }

    /// What tells the next verifier from one before and one after it.
    pub fn next_mark(&self) -> Option<&[u8]> {
        self.next.as_ref().map(|next| &*next.nonce)
    }

    /// A request came that was signed with the next verifier, unless another one is the next by now.
    pub fn saw_next(&mut self, mark: &[u8], at: At) {
        if self.next_mark() == Some(mark) {
            self.next_seen.get_or_insert(at);
        }
    }

    /// The next verifier becomes the only one, once it was seen or whatever was seen.
    pub fn promote(&mut self, proof: Proof, by: Stamp) -> Result<(), InstallationError> {
        self.must_be_active()?;
        if self.next.is_some() && self.next_seen.is_none() && proof == Proof::Seen {
            return Err(InstallationError::NextUnseen);
        }
        let next = self.next.take().ok_or(InstallationError::NothingNext)?;
        (self.primary, self.next_seen) = (Some(next), None);
        self.rotated = Some(by);
        Ok(())
    }

    /// The next verifier is dropped, and the first stays.
    pub fn drop_next(&mut self, by: Stamp) -> Result<(), InstallationError> {
        self.must_be_active()?;
        self.next.take().ok_or(InstallationError::NothingNext)?;
        self.next_seen = None;
        self.rotated = Some(by);
        Ok(())
    }

    /// Takes another key for the provider's API.
    pub fn set_api_key(&mut self, key: ApiKey, by: Stamp) -> Result<(), InstallationError> {
        self.must_be_active()?;
        self.api_key = Some(key);
        self.rotated = Some(by);
        Ok(())
    }

    /// Uses it never again, and forgets its secrets.
    pub fn revoke(&mut self, by: Stamp) -> Result<(), InstallationError> {
        self.must_be_active()?;
        self.state = InstallationState::Revoked;
        (self.primary, self.next, self.next_seen, self.api_key) = (None, None, None, None);
        self.revoked = Some(by);
        Ok(())
    }

    /// Counts signatures that held and that did not; says whether that ended the watch.
    pub fn observed(&mut self, good: u32, bad: u32, now: Timestamp) -> bool {
        let SignatureMode::Observe(watch) = &mut self.signature else { return false };
        watch.good = watch.good.saturating_add(good);
        watch.bad = watch.bad.saturating_add(bad);
        let over = watch.is_over(now);
        if over {
            self.signature = SignatureMode::Enforced;
        }
        over
    }

    /// Refuses what does not hold from now on.
    pub const fn enforce(&mut self) {
        self.signature = SignatureMode::Enforced;
    }

    const fn must_be_active(&self) -> Result<(), InstallationError> {
        if self.is_active() { Ok(()) } else { Err(InstallationError::Revoked) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::OrgSlug;
    use crate::tenant::stamp::Actor;

    fn stamp(second: i64) -> Stamp {
        Stamp::new(&Actor::new("cli:ana"), Timestamp::from_second(second).unwrap())
    }

    fn sealed(key: &str) -> Sealed {
        Sealed { key_id: key.into(), nonce: vec![0; 12], bytes: vec![1; 56] }
    }

    fn installation() -> Installation {
        let owner = Owner::Org(OrgSlug::parse("acme").unwrap());
        let watch = Watch { until: At::new(Timestamp::from_second(1_000).unwrap()), needed: 3, good: 0, bad: 0 };
        Installation {
            id: Id::parse("in_1").unwrap(),
            profile: Reference { owner: owner.clone(), id: Id::parse("app_1").unwrap() },
            owner,
            provider: Provider::Twilio,
            account: "AC0123456789abcdef0123456789abcdef".into(),
            state: InstallationState::Active,
            signature: SignatureMode::Observe(watch),
            primary: Some(sealed("one")),
            next: None,
            next_seen: None,
            api_key: None,
            created: stamp(0),
            rotated: None,
            revoked: None,
        }
    }

    #[test]
    fn a_rotation_keeps_both_verifiers_until_it_is_promoted() {
        let mut it = installation();
        it.rotate(sealed("two"), stamp(5)).unwrap();
        assert_eq!(it.sealed().map(|sealed| sealed.key_id.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(it.rotate(sealed("three"), stamp(6)), Err(InstallationError::Rotating));
        let mark = it.next_mark().unwrap().to_owned();
        it.saw_next(&mark, stamp(7).at);
        it.promote(Proof::Seen, stamp(7)).unwrap();
        assert_eq!(it.sealed().map(|sealed| sealed.key_id.as_str()).collect::<Vec<_>>(), ["two"]);
        assert_eq!(it.rotated, Some(stamp(7)));
        assert_eq!(it.promote(Proof::Seen, stamp(8)), Err(InstallationError::NothingNext));
    }

    #[test]
    fn what_was_never_seen_is_promoted_only_by_whoever_insists() {
        let mut it = installation();
        it.rotate(Sealed { nonce: vec![2; 12], ..sealed("two") }, stamp(5)).unwrap();
        assert_eq!(it.promote(Proof::Seen, stamp(6)), Err(InstallationError::NextUnseen));
        let first = it.next_mark().unwrap().to_owned();
        it.saw_next(&first, stamp(6).at);
        it.drop_next(stamp(7)).unwrap();
        it.rotate(Sealed { nonce: vec![3; 12], ..sealed("three") }, stamp(8)).unwrap();
        // What was seen of the one before says nothing of this one.
        it.saw_next(&first, stamp(9).at);
        assert_eq!(it.promote(Proof::Seen, stamp(9)), Err(InstallationError::NextUnseen));
        it.promote(Proof::Unseen, stamp(9)).unwrap();
        assert_eq!((it.primary.unwrap().key_id.as_str(), it.next, it.next_seen), ("three", None, None));
    }

    #[test]
    fn a_rotation_can_be_dropped() {
        let mut it = installation();
        it.rotate(sealed("two"), stamp(5)).unwrap();
        it.drop_next(stamp(6)).unwrap();
        assert_eq!(it.primary, Some(sealed("one")));
        assert_eq!(it.drop_next(stamp(7)), Err(InstallationError::NothingNext));
    }

    #[test]
    fn a_revoked_installation_keeps_no_secret_and_never_comes_back() {
        let mut it = installation();
        it.set_api_key(ApiKey { sid: "SK0".into(), secret: sealed("one") }, stamp(4)).unwrap();
        it.revoke(stamp(5)).unwrap();
        assert_eq!(it.sealed().count(), 0);
        assert!(!it.is_active());
        let refused = Err(InstallationError::Revoked);
        assert_eq!(it.rotate(sealed("two"), stamp(6)), refused);
        assert_eq!(it.promote(Proof::Unseen, stamp(6)), refused);
        assert_eq!(it.drop_next(stamp(6)), refused);
        assert_eq!(it.revoke(stamp(6)), refused);
    }

    #[test]
    fn a_watch_ends_by_good_signatures_or_by_its_date_and_then_stays_ended() {
        let before = Timestamp::from_second(10).unwrap();
        let mut it = installation();
        assert!(!it.observed(2, 40, before));
        assert!(it.observed(1, 0, before));
        assert_eq!(it.signature, SignatureMode::Enforced);
        assert!(!it.observed(1, 1, before));
        let mut it = installation();
        assert!(it.observed(0, 1, Timestamp::from_second(1_000).unwrap()));
        assert_eq!(it.signature, SignatureMode::Enforced);
    }

    #[test]
    fn an_installation_reads_back_whole() {
        let mut it = installation();
        it.rotate(sealed("two"), stamp(5)).unwrap();
        let text = serde_json::to_string(&it).unwrap();
        assert_eq!(serde_json::from_str::<Installation>(&text).unwrap(), it);
    }
}
