//! Which keys a request is checked with; an unverified request only says which, and never more.

use std::sync::Arc;

use jiff::Timestamp;

use crate::app::directory::trial::Explained;
use crate::app::directory::{Directory, Owner, Profile, Snapshot, Tenant};
use crate::model::ids::{AccountSid, OrgSlug};
use crate::model::phone::E164;
use crate::webhook::continuation;
use crate::webhook::origin::Origin;
use crate::webhook::raw::RawWebhook;
use crate::webhook::signature::{Failure, Slot, VerifierSet};
use crate::webhook::verified::Verified;

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
    /// What the request itself says it called. It names an organization's own host, and is believed as an address only
    /// where nothing is configured, or from the simulator.
    pub told: Vec<Origin>,
    /// From where.
    pub peer: Peer,
}

impl Reach {
    /// The addresses that a request of this owner may have been signed for.
    fn origins<'a>(&'a self, owner: &Owner, host: Option<&'a Origin>) -> impl Iterator<Item = &'a Origin> {
        let told = match (owner, &self.public) {
            (Owner::Simulator, _) | (_, None) => self.told.as_slice(),
            (Owner::Platform | Owner::Organization(_), Some(_)) => &[],
        };
        host.into_iter().chain(self.public.iter()).chain(told)
    }

    /// The organization that answers under the host that was asked, with the address that this makes.
    fn hosted<'a>(&'a self, now: &'a Snapshot) -> Option<(&'a Arc<Tenant>, &'a Origin)> {
        self.told.iter().filter(|origin| origin.as_str().starts_with("https://")).find_map(|origin| {
            let host = origin.host().to_ascii_lowercase();
            let name = host.strip_suffix(":443").unwrap_or(&host);
            Some((now.hosts.get(name)?, origin))
        })
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
    /// It names an organization and comes in under the host of another.
    ForeignHost,
    /// The account was revoked.
    Revoked,
    /// It is signed right, and names another account than the one whose key signed it.
    WrongAccount,
    /// The signature does not hold.
    Signature(Failure),
    /// The signature does not hold, and the account is on trial.
    Observed(Explained),
}

impl Disbelief {
    /// The stable name for metrics and security events; no answer tells it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoAccount => "no-account",
            Self::UnknownAccount => "unknown-account",
            Self::SimulatorFromOutside => "simulator-from-outside",
            Self::ForeignOrganization => "foreign-organization",
            Self::ForeignHost => "foreign-host",
            Self::Revoked => "revoked",
            Self::WrongAccount => "wrong-account",
            Self::Signature(failure) => failure.word(),
            Self::Observed(explained) => explained.word(),
        }
    }

    /// What to do about it, if it was no stranger: for the log and the security event, and never for an answer.
    pub const fn way_out(self) -> &'static str {
        match self {
            Self::NoAccount => {
                "nothing that the carrier sends lacks its account: something on the way changes the form"
            }
            Self::UnknownAccount => {
                "if the account is yours, perhaps a subaccount, connect it with `ringfall connect twilio`, or set \
                 TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
            }
            Self::SimulatorFromOutside => "`ringfall call` works from this machine alone: run it here",
            Self::ForeignOrganization => {
                "the account does not serve the organization in the URL: see `ringfall connect list`, connect it with \
                 `ringfall connect twilio --org`, or put right the URL at the carrier"
            }
            Self::ForeignHost => {
                "the host belongs to another organization than the URL names: see `ringfall domain list`, and put right \
                 the URL at the carrier"
            }
            Self::Revoked => "if the account is to be believed again, connect it anew with `ringfall connect twilio`",
            Self::WrongAccount => Explained::WrongAccount.way_out(),
            Self::Signature(Failure::Missing) => Explained::Missing.way_out(),
            Self::Signature(Failure::Malformed) => "something on the way changes the header `X-Twilio-Signature`",
            Self::Signature(Failure::BodyUnsigned | Failure::BodyChanged) => {
                "something on the way changes the body or the URL: let the proxy pass both on as they are"
            }
            Self::Signature(Failure::Mismatch) => {
                "`public_url` must be what the carrier calls, scheme, host and path, and the auth token must be that of the \
                 account: `ringfall doctor` looks at both"
            }
            Self::Observed(explained) => explained.way_out(),
        }
    }
}

/// A request that is not believed.
#[derive(Debug)]
pub struct Refusal {
    /// Why.
    pub why: Disbelief,
    /// The request; nothing of it may be acted on.
    pub raw: RawWebhook,
    /// The organization whose static ending is answered all the same, because its account is on trial.
    pub observed: Option<OrgSlug>,
    /// The organization that the request named, for the record of its refusal.
    pub named: Option<OrgSlug>,
}

/// A request that is believed.
#[derive(Debug)]
pub struct Believed {
    /// The request.
    pub verified: Verified<RawWebhook>,
    /// The account that signed it.
    pub profile: Arc<Profile>,
    /// The organization that the URL or the host names.
    pub named: Option<OrgSlug>,
}

/// What a request claims, before anything of it is believed.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The account in its fields.
    pub account: AccountSid,
    /// The organization in its URL, or the one under whose host it came in.
    pub org: Option<OrgSlug>,
    /// The number that was called.
    pub number: Option<E164>,
}

/// The accounts whose keys may fit.
#[derive(Debug)]
pub struct Selection<'a> {
    profiles: Vec<&'a Arc<Profile>>,
    /// What is wrong when there are none.
    otherwise: Disbelief,
}

impl<'a> Selection<'a> {
    const fn none(otherwise: Disbelief) -> Self {
        Self { profiles: Vec::new(), otherwise }
    }

    /// The accounts.
    pub fn profiles(&self) -> impl Iterator<Item = &'a Profile> + '_ {
        self.profiles.iter().map(|profile| &***profile)
    }
}

impl Snapshot {
    /// The keys that a request with this claim may have been signed with. Each is reached through an organization's
    /// binding, or belongs to the platform.
    pub fn select(&self, claim: &Claim) -> Selection<'_> {
        let shared: Vec<_> = self.shared.iter().filter(|profile| profile.account == claim.account).collect();
        let Some(slug) = &claim.org else { return self.by_account(claim, shared) };
        let Some(tenant) = self.tenant(slug) else {
            // Whoever is known by a rule file alone is called over the accounts of nobody in particular.
            let otherwise = if self.accounts.get(&claim.account).is_some() {
                Disbelief::ForeignOrganization
            } else {
                Disbelief::UnknownAccount
            };
            return Selection { profiles: shared, otherwise };
        };
        let mut profiles: Vec<_> = tenant.profiles.iter().filter(|profile| profile.account == claim.account).collect();
        profiles.extend(shared.into_iter().filter(|profile| self.grant(profile, slug).is_some()));
        if profiles.is_empty() {
            // A key of the organization that fits a request of another account is still no reason to believe it.
            if tenant.revoked.contains(&claim.account) {
                return Selection::none(Disbelief::Revoked);
            }
            return Selection { profiles: tenant.profiles.iter().collect(), otherwise: Disbelief::ForeignOrganization };
        }
        Selection { profiles, otherwise: Disbelief::UnknownAccount }
    }

    /// By the account alone: its number's organization comes first, then whoever else has the account.
    fn by_account<'a>(&'a self, claim: &Claim, shared: Vec<&'a Arc<Profile>>) -> Selection<'a> {
        let bound = claim.number.as_ref().and_then(|number| self.number(&claim.account, number));
        let sharers = self.accounts.get(&claim.account).map_or(&[] as &[_], Vec::as_slice);
        let others = sharers.iter().filter(|tenant| bound.is_none_or(|bound| bound.slug != tenant.slug));
        let own = bound.into_iter().chain(others).flat_map(|tenant| &tenant.profiles);
        let profiles: Vec<_> = own.filter(|profile| profile.account == claim.account).chain(shared).collect();
        let revoked = sharers.iter().any(|tenant| tenant.revoked.contains(&claim.account));
        let otherwise = if revoked { Disbelief::Revoked } else { Disbelief::UnknownAccount };
        Selection { profiles, otherwise }
    }
}

/// A request on its way through the keys.
struct Attempt<'a> {
    reach: &'a Reach,
    host: Option<&'a Origin>,
    claimed: AccountSid,
    now: Timestamp,
}

impl Directory {
    /// Believes the request, or tells why not.
    ///
    /// What stands in the request is only a claim: it selects the keys, and when they fit it is the truth, because the
    /// fields and the URL are signed.
    pub fn verify(&self, raw: RawWebhook, reach: &Reach, now: Timestamp) -> Result<Believed, Box<Refusal>> {
        let snapshot = self.snapshot.load();
        let named = continuation::organization(raw.query()).ok().flatten();
        let hosted = reach.hosted(&snapshot);
        let org = named.clone().or_else(|| hosted.map(|(tenant, _)| tenant.slug.clone()));
        let fail = |raw, why| Err(Box::new(Refusal { why, raw, observed: None, named: org.clone() }));
        let Some(claimed) = raw.fields().get("AccountSid").and_then(|text| AccountSid::parse(text).ok()) else {
            return fail(self.delayed(raw, reach), Disbelief::NoAccount);
        };
        if let (Some(named), Some((tenant, _))) = (&named, hosted)
            && *named != tenant.slug
        {
            return fail(self.delayed(raw, reach), Disbelief::ForeignHost);
        }
        let number = raw.fields().get("To").and_then(|text| E164::parse(text).ok());
        let claim = Claim { account: claimed.clone(), org: org.clone(), number };
        let selection = snapshot.select(&claim);
        if selection.profiles.is_empty() {
            return fail(self.delayed(raw, reach), selection.otherwise);
        }
        let attempt = Attempt { reach, host: hosted.map(|(_, origin)| origin), claimed, now };
        let found = attempt.through(raw, &selection);
        let (verified, profile) = found.map_err(|miss| {
            let observed = miss.on_trial.and_then(|profile| {
                self.observe(profile, false);
                ending_of(&snapshot, profile, &claim)
            });
            Box::new(Refusal { why: miss.why, raw: miss.raw, observed, named: org.clone() })
        })?;
        if org.as_ref().is_some_and(|slug| snapshot.grant(profile, slug).is_none()) {
            return fail(verified.into_inner(), Disbelief::ForeignOrganization);
        }
        if profile.trial.as_ref().is_some_and(|trial| trial.runs(now)) {
            self.observe(profile, true);
        }
        if verified.slot() == Slot::Next {
            self.saw_next(profile);
        }
        Ok(Believed { verified, profile: Arc::clone(profile), named: org })
    }

    /// Spends the time of a check that fails.
    fn delayed(&self, raw: RawWebhook, reach: &Reach) -> RawWebhook {
        let nobody = Owner::Simulator;
        let origin = reach.origins(&nobody, None).next();
        let url = origin.map_or_else(|| raw.target().to_owned(), |origin| origin.url(raw.target()));
        // Whatever it says is not heard.
        std::hint::black_box(self.decoy.check(&url, &raw)).ok();
        raw
    }
}

/// Whose static ending is answered to a request of an account on trial.
fn ending_of(now: &Snapshot, profile: &Profile, claim: &Claim) -> Option<OrgSlug> {
    match &profile.owner {
        Owner::Organization(slug) => Some(slug.clone()),
        Owner::Platform | Owner::Simulator => {
            let bound = claim.number.as_ref().and_then(|number| now.number(&profile.account, number));
            bound.map(|tenant| tenant.slug.clone()).or_else(|| claim.org.clone())
        }
    }
}

/// A request that no key fits.
struct Miss<'a> {
    raw: RawWebhook,
    why: Disbelief,
    on_trial: Option<&'a Arc<Profile>>,
}

impl Attempt<'_> {
    fn through<'a>(
        &self,
        mut raw: RawWebhook,
        selection: &Selection<'a>,
    ) -> Result<(Verified<RawWebhook>, &'a Arc<Profile>), Box<Miss<'a>>> {
        let mut why = selection.otherwise;
        for profile in &selection.profiles {
            match self.tried(profile, raw, why) {
                Ok(verified) => return Ok((verified, profile)),
                Err((untouched, reason)) => (raw, why) = (untouched, reason),
            }
        }
        let on_trial = selection.profiles.iter().find(|profile| {
            let guessed = profile.account != self.claimed && why != Disbelief::WrongAccount;
            !guessed && profile.trial.as_ref().is_some_and(|trial| trial.runs(self.now))
        });
        if let Some(profile) = on_trial {
            why = Disbelief::Observed(self.explained(&raw, profile, why));
        }
        Err(Box::new(Miss { raw, why, on_trial: on_trial.copied() }))
    }

    /// Tries the keys of one account.
    #[expect(clippy::result_large_err, reason = "the request is handed on from key to key, and lives on the stack")]
    fn tried(
        &self,
        profile: &Profile,
        mut raw: RawWebhook,
        mut why: Disbelief,
    ) -> Result<Verified<RawWebhook>, (RawWebhook, Disbelief)> {
        if profile.owner == Owner::Simulator && self.reach.peer == Peer::Remote {
            // It takes the time of a check, and nobody hears what it says.
            std::hint::black_box(profile.keys.check(raw.target(), &raw)).ok();
            return Err((raw, Disbelief::SimulatorFromOutside));
        }
        for origin in self.reach.origins(&profile.owner, self.host) {
            match profile.keys.verify(origin, raw) {
                Ok(verified) if profile.account == self.claimed => return Ok(verified),
                Ok(verified) => (raw, why) = (verified.into_inner(), Disbelief::WrongAccount),
                Err(refused) => {
                    let told = why == Disbelief::WrongAccount || profile.account != self.claimed;
                    why = if told { why } else { Disbelief::Signature(refused.failure) };
                    raw = refused.raw;
                }
            }
        }
        Err((raw, why))
    }

    /// Looks for the reason in what is known to go wrong.
    fn explained(&self, raw: &RawWebhook, profile: &Profile, why: Disbelief) -> Explained {
        match why {
            Disbelief::WrongAccount => return Explained::WrongAccount,
            Disbelief::Signature(Failure::Missing) => return Explained::Missing,
            Disbelief::NoAccount
            | Disbelief::UnknownAccount
            | Disbelief::SimulatorFromOutside
            | Disbelief::ForeignOrganization
            | Disbelief::ForeignHost
            | Disbelief::Revoked
            | Disbelief::Signature(_)
            | Disbelief::Observed(_) => {}
        }
        let holds = |origin: &Origin| profile.keys.check(&origin.url(raw.target()), raw).is_ok();
        let expected: Vec<&Origin> = self.reach.origins(&profile.owner, self.host).collect();
        if expected.iter().filter_map(|origin| other_scheme(origin)).any(|origin| holds(&origin)) {
            return Explained::WrongScheme;
        }
        if self.reach.told.iter().any(holds) {
            return Explained::WrongHost;
        }
        let before =
            |keys: &VerifierSet| expected.iter().any(|origin| keys.check(&origin.url(raw.target()), raw).is_ok());
        if profile.retired.as_ref().is_some_and(before) {
            return Explained::OldToken;
        }
        Explained::Unknown
    }
}

/// The same address by the other scheme.
fn other_scheme(origin: &Origin) -> Option<Origin> {
    let (scheme, rest) = origin.as_str().split_once("://")?;
    let other = if scheme == "https" { "http" } else { "https" };
    Origin::parse(&format!("{other}://{rest}")).ok()
}
