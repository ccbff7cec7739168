//! The directory in memory, made from what is stored: put together, kept up to date, and kept on disk.

pub mod feed;
pub mod gather;
pub mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::app::directory::Next;
use crate::app::directory::outlet::Outlet;
use crate::app::directory::trial::Trial;
use crate::app::directory::{self, Bound, Grant, Profile, Withheld};
use crate::model::ids::{AccountSid, OrgSlug};
use crate::model::phone::E164;
use crate::tenant::binding::{Binding, Channel};
use crate::tenant::domain::{Domain, DomainState};
use crate::tenant::installation::{Installation, SignatureMode};
use crate::tenant::organization::{OrgState, Organization, Refusal};
use crate::tenant::owner::{Id, Owner};
use crate::tenant::plan::Capability;
use crate::tenant::profile::Provider;
use crate::tenant::sealed::Sealed;
use crate::vault::{OpenError, Place, Ring};
use crate::webhook::signature::{Verifier, VerifierSet};

/// What is stored of one organization, as far as requests are resolved by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Things {
    /// Itself.
    pub organization: Organization,
    /// Its installations.
    pub installations: Vec<Installation>,
    /// Its bindings.
    pub bindings: Vec<Binding>,
    /// Its host names.
    pub domains: Vec<Domain>,
}

impl Things {
    /// An organization that has nothing yet.
    pub const fn of(organization: Organization) -> Self {
        Self { organization, installations: Vec::new(), bindings: Vec::new(), domains: Vec::new() }
    }
}

/// Something stored that cannot be used; the rest is answered all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Its secrets are sealed, and there is no key at all.
    #[error(
        "the installation `{installation}` of `{owner}` is sealed under the key {key}, and there is no key: set `ENCRYPTION_KEY` to it"
    )]
    NoKey {
        /// Whose.
        owner: Owner,
        /// Which.
        installation: Id,
        /// The key that it needs.
        key: String,
    },
    /// A secret does not open.
    #[error("the installation `{installation}` of `{owner}` cannot be used: {error}")]
    Closed {
        /// Whose.
        owner: Owner,
        /// Which.
        installation: Id,
        /// Why.
        error: OpenError,
    },
    /// What is stored is not what it should be.
    #[error("the installation `{installation}` of `{owner}` cannot be used: {detail}")]
    Odd {
        /// Whose.
        owner: Owner,
        /// Which.
        installation: Id,
        /// What is odd about it.
        detail: String,
    },
    /// Two claim the same.
    #[error("`{loses}` is not answered on {what}: it belongs to `{keeps}`")]
    Claimed {
        /// The number, masked, or the host.
        what: String,
        /// Who keeps it.
        keeps: OrgSlug,
        /// Who does not get it.
        loses: OrgSlug,
    },
}

impl From<directory::Conflict> for Trouble {
    fn from(conflict: directory::Conflict) -> Self {
        Self::Claimed { what: conflict.what, keeps: conflict.keeps, loses: conflict.loses }
    }
}

/// What stored things are put together with.
#[derive(Debug, Clone, Default)]
pub struct Bench {
    /// The keys; none when there is nothing to be opened.
    pub ring: Option<Arc<Ring>>,
    /// The platform's accounts by their installations.
    pub platform: BTreeMap<Id, AccountSid>,
}

impl Bench {
    /// Puts an organization together. What was in memory before is carried over where it still holds.
    pub fn tenant(
        &self,
        things: &Things,
        before: Option<&directory::Tenant>,
        troubles: &mut Vec<Trouble>,
    ) -> directory::Tenant {
        let org = &things.organization;
        let bound: BTreeSet<&Id> =
            things.bindings.iter().filter(|it| is_own(it)).map(|it| &it.installation.id).collect();
        let mine = |it: &&Installation| it.provider == Provider::Twilio;
        let active = || {
            let mine = things.installations.iter().filter(mine);
            mine.filter(|it| it.is_active() && bound.contains(&it.id))
        };
        let known = |it: &Installation| {
            let mut known = before.into_iter().flat_map(|before| &before.profiles);
            known.find(|profile| profile.installation.as_deref() == Some(it.id.as_str()))
        };
        let profiles = active().filter_map(|it| {
            let made = self.profile(it, directory::Owner::Organization(org.slug.clone()), known(it).map(|it| &**it));
            made.map(Arc::new).map_err(|trouble| troubles.push(trouble)).ok()
        });
        let profiles: Vec<_> = profiles.collect();
        let taken: BTreeSet<&AccountSid> = profiles.iter().map(|profile| &profile.account).collect();
        let revoked = things.installations.iter().filter(mine).filter(|it| !it.is_active());
        let mut revoked: Vec<_> = revoked.filter_map(|it| AccountSid::parse(&it.account).ok()).collect();
        revoked.retain(|account| !taken.contains(account));
        let hosts = things.domains.iter().filter(|domain| domain.state == DomainState::Active);
        directory::Tenant {
            slug: org.slug.clone(),
            own: grant(org, Capability::OwnTwilio),
            platform: grant(org, Capability::PlatformVoice),
            platform_texts: grant(org, Capability::PlatformMessaging),
            outlets: active().filter_map(outlet).collect(),
            numbers: self.numbers(things),
            hosts: hosts.map(|domain| domain.host.as_str().into()).collect(),
            profiles,
            revoked,
        }
    }

    /// The numbers of an organization, each once.
    fn numbers(&self, things: &Things) -> Vec<Bound> {
        let mut numbers: Vec<Bound> = Vec::new();
        let calls = things.bindings.iter().filter(|it| matches!(it.channel, Channel::Voice | Channel::Sms));
        let mut calls: Vec<_> = calls.collect();
        calls.sort_by_key(|it| it.priority);
        for binding in calls {
            let account = match &binding.installation.owner {
                Owner::Platform => self.platform.get(&binding.installation.id).cloned(),
                Owner::Org(_) => {
                    let mut own = things.installations.iter();
                    let own = own.find(|it| it.id == binding.installation.id && it.is_active());
                    own.and_then(|it| AccountSid::parse(&it.account).ok())
                }
            };
            let (Some(account), Ok(number)) = (account, E164::parse(&binding.selector)) else { continue };
            if !numbers.iter().any(|known| known.account == account && known.number == number) {
                let line = (binding.line != binding.selector).then(|| binding.line.as_str().into());
                numbers.push(Bound { account, number, line });
            }
        }
        numbers
    }

    /// Puts an account together.
    pub fn profile(
        &self,
        it: &Installation,
        owner: directory::Owner,
        before: Option<&Profile>,
    ) -> Result<Profile, Trouble> {
        let odd = |detail: String| Trouble::Odd { owner: it.owner.clone(), installation: it.id.clone(), detail };
        let account = AccountSid::parse(&it.account).map_err(|error| odd(error.to_string()))?;
        let primary = it.primary.as_ref().ok_or_else(|| odd("it has no verifier: rotate it".to_owned()))?;
        let primary = self.verifier(it, primary)?;
        let next = it.next.as_ref().map(|next| self.verifier(it, next)).transpose()?;
        let changed = |before: &&Profile| before.keys.primary != primary;
        let retired = match before.filter(changed) {
            Some(before) => Some(VerifierSet::one(before.keys.primary.clone())),
            None => before.and_then(|before| before.retired.clone()),
        };
        let trial = match &it.signature {
            SignatureMode::Enforced => None,
            SignatureMode::Observe(watch) => {
                let (wanted, until) = (watch.needed, watch.until.timestamp());
                let known = before.and_then(|before| before.trial.as_ref());
                let known = known.filter(|trial| trial.has_terms(wanted, until)).map(Arc::clone);
                Some(known.unwrap_or_else(|| Arc::new(Trial::new(wanted, watch.good, until))))
            }
        };
        let installation = Some(it.id.as_str().into());
        let keys = VerifierSet { primary, next };
        let waits = it.next_mark().filter(|_| it.next_seen.is_none());
        let next = waits.map(|mark| Arc::new(Next { mark: mark.into(), seen: AtomicBool::new(false) }));
        Ok(Profile { owner, account, installation, keys, retired, trial, next })
    }

    fn verifier(&self, it: &Installation, sealed: &Sealed) -> Result<Verifier, Trouble> {
        let (owner, installation) = (it.owner.clone(), it.id.clone());
        let Some(ring) = &self.ring else {
            return Err(Trouble::NoKey { owner, installation, key: sealed.key_id.clone() });
        };
        match ring.open(Place::verifier(it), sealed) {
            Ok(bytes) => Verifier::import(&bytes).map_err(|error| Trouble::Odd {
                owner,
                installation,
                detail: error.to_string(),
            }),
            Err(error) => Err(Trouble::Closed { owner, installation, error }),
        }
    }
}

/// An account for what goes out; none when its name is no account's.
fn outlet(it: &Installation) -> Option<Arc<Outlet>> {
    let account = AccountSid::parse(&it.account).ok()?;
    Some(Arc::new(Outlet { at: it.reference(), account, key: it.api_key.clone() }))
}

/// Whether a binding leads to an account of its own organization.
fn is_own(binding: &Binding) -> bool {
    binding.installation.owner.org() == Some(&binding.org)
}

fn grant(org: &Organization, wanted: Capability) -> Grant {
    if org.state == OrgState::Suspended {
        return Grant::Ending(Withheld::Suspended);
    }
    match org.may_use(wanted) {
        Ok(()) => Grant::Full,
        Err(Refusal::NotOptedIn { .. }) => Grant::Ending(Withheld::NotOptedIn),
        Err(Refusal::Suspended(_)) => Grant::Ending(Withheld::Suspended),
        Err(Refusal::Plan(_) | Refusal::NoOptIn(_)) => Grant::Ending(Withheld::Plan),
    }
}
