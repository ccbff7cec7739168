//! Which keys a request is checked with; an unverified request only says which, and never more.

use crate::model::ids::{AccountSid, OrgSlug};
use crate::webhook::continuation;
use crate::webhook::origin::Origin;
use crate::webhook::raw::RawWebhook;
use crate::webhook::signature::{Failure, VerifierSet};
use crate::webhook::verified::Verified;

/// Whose account a profile is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The installation's: it answers for every organization.
    Platform,
    /// One organization's own: it answers for no other.
    Organization(OrgSlug),
    /// Nobody's: the phone for trials on this very machine.
    Simulator,
}

impl Owner {
    /// The word for it in records and logs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Organization(_) => "organization",
            Self::Simulator => "simulator",
        }
    }

    /// Whether it may act for the organization.
    pub fn serves(&self, org: &OrgSlug) -> bool {
        match self {
            Self::Platform | Self::Simulator => true,
            Self::Organization(own) => own == org,
        }
    }
}

/// An account at the carrier with the keys that check its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Whose it is.
    pub owner: Owner,
    /// The account.
    pub account: AccountSid,
    /// Its keys.
    pub keys: VerifierSet,
}

/// From where a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// From a program on this machine, and through no proxy.
    Local,
    /// From anywhere else.
    Remote,
}

/// How the service was reached, as far as that is known.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The configured public address.
    pub public: Option<Origin>,
    /// What the request itself says it called; believed only where nothing is configured, or from the simulator.
    pub told: Vec<Origin>,
    /// From where.
    pub peer: Peer,
}

impl Reach {
    /// The addresses that a request of this owner may have been signed for.
    fn origins(&self, owner: &Owner) -> impl Iterator<Item = &Origin> {
        let told = match (owner, &self.public) {
            (Owner::Simulator, _) | (_, None) => self.told.as_slice(),
            (Owner::Platform | Owner::Organization(_), Some(_)) => &[],
        };
        self.public.iter().chain(told)
    }
}

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disbelief {
    /// It names no account.
    NoAccount,
    /// It names an account that is not ours.
    UnknownAccount,
    /// It comes from the simulator's account, and not from this machine.
    SimulatorFromOutside,
    /// It names an organization that the account does not serve.
    ForeignOrganization,
    /// The signature does not hold.
    Signature(Failure),
}

impl Disbelief {
    /// The stable name for metrics and security events; no answer tells it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoAccount => "no-account",
            Self::UnknownAccount => "unknown-account",
            Self::SimulatorFromOutside => "simulator-from-outside",
            Self::ForeignOrganization => "foreign-organization",
            Self::Signature(failure) => failure.word(),
        }
    }
}

/// All accounts that are answered.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    profiles: Vec<Profile>,
}

impl Credentials {
    /// These accounts.
    pub const fn new(profiles: Vec<Profile>) -> Self {
        Self { profiles }
    }

    /// Whether a carrier can call at all, the simulator apart.
    pub fn has_carrier(&self) -> bool {
        self.profiles.iter().any(|profile| profile.owner != Owner::Simulator)
    }

    /// The owners in words, for the readiness page.
    pub fn owners(&self) -> impl Iterator<Item = &'static str> {
        self.profiles.iter().map(|profile| profile.owner.word())
    }

    /// Believes the request, or tells why not.
    ///
    /// The account in the fields is only a claim: it selects the keys, and when they fit it is the truth,
    /// because the fields are signed.
    pub fn verify(&self, raw: RawWebhook, reach: &Reach) -> Result<(Verified<RawWebhook>, &Profile), Disbelief> {
        let claimed = raw.fields().get("AccountSid").and_then(|text| AccountSid::parse(text).ok());
        let claimed = claimed.ok_or(Disbelief::NoAccount)?;
        let known = self.profiles.iter().filter(|profile| profile.account == claimed);
        let mut disbelief = Disbelief::UnknownAccount;
        let mut raw = raw;
        for profile in known {
            if profile.owner == Owner::Simulator && reach.peer == Peer::Remote {
                disbelief = Disbelief::SimulatorFromOutside;
                continue;
            }
            for origin in reach.origins(&profile.owner) {
                match profile.keys.verify(origin, raw) {
                    Ok(verified) => return allowed(verified, profile),
                    Err(refused) => {
                        disbelief = Disbelief::Signature(refused.failure);
                        raw = refused.raw;
                    }
                }
            }
        }
        Err(disbelief)
    }
}

/// An account of one organization answers for no other.
fn allowed(verified: Verified<RawWebhook>, profile: &Profile) -> Result<(Verified<RawWebhook>, &Profile), Disbelief> {
    match continuation::organization(verified.get().query()) {
        Ok(Some(org)) if !profile.owner.serves(&org) => Err(Disbelief::ForeignOrganization),
        Ok(_) | Err(_) => Ok((verified, profile)),
    }
}
