//! Who may call: accounts, organizations, numbers and hosts in memory. A request looks here and nowhere else.
//!
//! A change makes a copy that shares all but the changed parts with the one before, and swaps it in once.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use crate::app::directory::outlet::Outlet;
use crate::app::directory::shards::Shards;
use crate::app::directory::trial::Trial;
use crate::model::ids::{AccountSid, OrgSlug};
use crate::model::phone::E164;
use crate::tenant::owner;
use crate::tenant::profile::Provider;
use crate::tenant::rollout::{Held, Rollout};
use crate::webhook::signature::{Verifier, VerifierSet};

pub mod outlet;
pub mod resolve;
mod shards;
pub mod trial;

#[cfg(test)]
mod tests;

/// Whose account a profile is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The installation's: it answers for whoever is opted in, and for everybody who is known by a rule file alone.
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
}

/// An account at the carrier with the keys that check its signatures.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Whose it is.
    pub owner: Owner,
    /// The account.
    pub account: AccountSid,
    /// The name of the installation in the store; none for what comes from the environment.
    pub installation: Option<Box<str>>,
    /// Its keys.
    pub keys: VerifierSet,
    /// The key before, which believes nothing and only explains.
    pub retired: Option<VerifierSet>,
    /// While it is on trial.
    pub trial: Option<Arc<Trial>>,
    /// While a next key waits to be seen.
    pub next: Option<Arc<Next>>,
}

/// A next key that waits to be seen.
#[derive(Debug)]
pub struct Next {
    /// What tells it from another one.
    pub mark: Box<[u8]>,
    /// Whether it signed a request.
    pub seen: AtomicBool,
}

impl Profile {
    /// An account that was given with the settings.
    pub const fn given(owner: Owner, account: AccountSid, keys: VerifierSet) -> Self {
        Self { owner, account, installation: None, keys, retired: None, trial: None, next: None }
    }
}

/// How far an organization is served over an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// In full.
    Full,
    /// Its callers hear the static ending of its rules, and nothing else is done.
    Ending(Withheld),
}

/// Why an organization is not served in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// It is suspended.
    Suspended,
    /// Its plan has no account of its own.
    Plan,
    /// It uses the platform's account, and is not opted in to that.
    NotOptedIn,
    /// The rollout holds it back.
    Rollout(Held),
}

impl Withheld {
    /// The stable name for counters and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Plan => "plan",
            Self::NotOptedIn => "not-opted-in",
            Self::Rollout(held) => held.word(),
        }
    }
}

/// A number of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The account that the number is in.
    pub account: AccountSid,
    /// The number.
    pub number: E164,
    /// The line of the rules that it rings; none for the line with that number.
    pub line: Option<Box<str>>,
}

/// An organization with all that a request can be resolved by.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its name.
    pub slug: OrgSlug,
    /// How far it is served over its own accounts.
    pub own: Grant,
    /// How far it is served over the platform's.
    pub platform: Grant,
    /// How far its texts are carried over the platform's.
    pub platform_texts: Grant,
    /// Its own accounts that a binding leads to.
    pub profiles: Vec<Arc<Profile>>,
    /// The same accounts for what goes out.
    pub outlets: Vec<Arc<Outlet>>,
    /// Its accounts that were revoked, so that a record can say so.
    pub revoked: Vec<AccountSid>,
    /// Its numbers, that of the first binding first.
    pub numbers: Vec<Bound>,
    /// Its own host names, lowercase and without a port.
    pub hosts: Vec<Box<str>>,
}

impl Tenant {
    /// Whether any of its numbers is in that account.
    fn is_in(&self, account: &AccountSid) -> bool {
        self.numbers.iter().any(|bound| bound.account == *account)
    }

    /// Whether it is suspended.
    pub fn is_suspended(&self) -> bool {
        self.own == Grant::Ending(Withheld::Suspended)
    }

    /// The line that the number's binding names, where it names one.
    pub fn line(&self, number: &E164) -> Option<&str> {
        self.numbers.iter().filter(|bound| bound.number == *number).find_map(|bound| bound.line.as_deref())
    }
}

/// What is claimed by two organizations; the one that had it keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The number, masked, or the host.
    pub what: String,
    /// Who keeps it.
    pub keeps: OrgSlug,
    /// Who does not get it.
    pub loses: OrgSlug,
}

/// Everybody, at one time.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Accounts of the platform and of the simulator.
    shared: Vec<Arc<Profile>>,
    /// The platform's stored accounts for what goes out.
    outlets: Vec<Arc<Outlet>>,
    rollout: Rollout,
    tenants: Shards<OrgSlug, Arc<Tenant>>,
    numbers: Shards<(AccountSid, E164), Arc<Tenant>>,
    accounts: Shards<AccountSid, Vec<Arc<Tenant>>>,
    hosts: Shards<Box<str>, Arc<Tenant>>,
}

impl Snapshot {
    /// The organization of that name.
    pub fn tenant(&self, slug: &OrgSlug) -> Option<&Arc<Tenant>> {
        self.tenants.get(slug)
    }

    /// All organizations, in no order that means anything.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.tenants.values()
    }

    /// The organization that has that number in that account.
    pub fn number(&self, account: &AccountSid, number: &E164) -> Option<&Arc<Tenant>> {
        self.numbers.get(&(account.clone(), number.clone()))
    }

    /// Sets the platform's stored accounts; those from the settings stay as they are.
    pub fn share(&mut self, profiles: Vec<Arc<Profile>>, outlets: Vec<Arc<Outlet>>) {
        self.shared.retain(|profile| profile.installation.is_none());
        self.shared.extend(profiles);
        self.outlets = outlets;
    }

    /// Whether calls can come in over an account that is stored, an organization's own or the platform's.
    pub fn has_account(&self) -> bool {
        let stored = self.shared.iter().any(|profile| profile.installation.is_some());
        stored || self.tenants().any(|tenant| !tenant.profiles.is_empty())
    }

    /// The accounts that belong to no organization.
    pub fn shared(&self) -> &[Arc<Profile>] {
        &self.shared
    }

    /// Puts an organization in, in place of what it was before.
    pub fn put(&mut self, tenant: Tenant) -> Vec<Conflict> {
        self.remove(&tenant.slug);
        let tenant = Arc::new(tenant);
        let mut conflicts = Vec::new();
        let mut conflict = |what: String, keeps: &Arc<Tenant>| {
            conflicts.push(Conflict { what, keeps: keeps.slug.clone(), loses: tenant.slug.clone() });
        };
        for bound in &tenant.numbers {
            let key = (bound.account.clone(), bound.number.clone());
            match self.numbers.get(&key).filter(|holder| holder.slug != tenant.slug) {
                Some(holder) => conflict(bound.number.masked(), holder),
                None => drop(self.numbers.put(key, Arc::clone(&tenant))),
            }
        }
        for host in &tenant.hosts {
            match self.hosts.get(host).filter(|holder| holder.slug != tenant.slug) {
                Some(holder) => conflict(host.to_string(), holder),
                None => drop(self.hosts.put(host.clone(), Arc::clone(&tenant))),
            }
        }
        for account in accounts(&tenant) {
            let mut sharers = self.accounts.get(account).cloned().unwrap_or_default();
            sharers.push(Arc::clone(&tenant));
            self.accounts.put(account.clone(), sharers);
        }
        self.tenants.put(tenant.slug.clone(), tenant);
        conflicts
    }

    /// Takes all organizations out.
    pub fn clear(&mut self) {
        let (shared, outlets) = (std::mem::take(&mut self.shared), std::mem::take(&mut self.outlets));
        *self = Self { shared, outlets, rollout: std::mem::take(&mut self.rollout), ..Self::default() };
    }

    /// Takes an organization out.
    pub fn remove(&mut self, slug: &OrgSlug) {
        let Some(old) = self.tenants.take(slug) else { return };
        for bound in &old.numbers {
            let key = (bound.account.clone(), bound.number.clone());
            if self.numbers.get(&key).is_some_and(|holder| holder.slug == *slug) {
                self.numbers.take(&key);
            }
        }
        for host in &old.hosts {
            if self.hosts.get(host).is_some_and(|holder| holder.slug == *slug) {
                self.hosts.take(host);
            }
        }
        for account in accounts(&old) {
            let mut sharers = self.accounts.take(account).unwrap_or_default();
            sharers.retain(|tenant| tenant.slug != *slug);
            if !sharers.is_empty() {
                self.accounts.put(account.clone(), sharers);
            }
        }
    }

    /// How far an organization is served over that account; none when the account is not for it at all.
    pub fn grant(&self, profile: &Profile, slug: &OrgSlug) -> Option<Grant> {
        let tenant = self.tenant(slug);
        match (&profile.owner, tenant) {
            (Owner::Simulator, _) | (Owner::Platform, None) => Some(Grant::Full),
            (Owner::Platform, Some(tenant)) => {
                let held = || self.held(&owner::Owner::Platform, slug);
                tenant.is_in(&profile.account).then(|| held().unwrap_or(tenant.platform))
            }
            (Owner::Organization(own), Some(tenant)) => {
                let held = || self.held(&owner::Owner::Org(slug.clone()), slug);
                (own == slug).then(|| held().unwrap_or(tenant.own))
            }
            (Owner::Organization(_), None) => None,
        }
    }

    /// What the rollout lets an organization have over an account of that owner, when it is not all.
    fn held(&self, owner: &owner::Owner, slug: &OrgSlug) -> Option<Grant> {
        let held = self.rollout.lets_in(Provider::Twilio, owner, slug).err()?;
        Some(Grant::Ending(Withheld::Rollout(held)))
    }

    /// Sets the switches of the whole platform.
    pub fn roll_out(&mut self, rollout: Rollout) {
        self.rollout = rollout;
    }
}

/// The tenant's own accounts, each once.
fn accounts(tenant: &Tenant) -> impl Iterator<Item = &AccountSid> {
    let all = tenant.profiles.iter().map(|profile| &profile.account).chain(&tenant.revoked);
    let mut list: Vec<&AccountSid> = all.collect();
    list.sort();
    list.dedup();
    list.into_iter()
}

/// What was seen of an installation that is on trial or has a next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The organization; none for the platform's own.
    pub org: Option<OrgSlug>,
    /// The installation.
    pub installation: Box<str>,
    /// Requests that were signed right.
    pub good: u32,
    /// Requests that were not.
    pub bad: u32,
    /// Whether enough were.
    pub over: bool,
    /// The next key, when it signed one.
    pub next: Option<Box<[u8]>>,
}

/// The snapshot that answers now, and the one way to change it.
pub struct Directory {
    snapshot: ArcSwap<Snapshot>,
    changing: Mutex<()>,
    /// Checked when no key fits, so that a refusal takes the same time whatever its reason.
    decoy: VerifierSet,
    /// Accounts of which something is to be written down.
    observed: Mutex<Vec<Arc<Profile>>>,
}

impl fmt::Debug for Directory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Directory({} organizations)", self.snapshot.load().tenants().count())
    }
}

impl Directory {
    /// A directory of these accounts, which belong to no organization, and of nobody else yet.
    pub fn new(shared: Vec<Profile>) -> Self {
        let snapshot = Snapshot { shared: shared.into_iter().map(Arc::new).collect(), ..Snapshot::default() };
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            changing: Mutex::default(),
            decoy: VerifierSet::one(Verifier::from_token("")),
            observed: Mutex::default(),
        }
    }

    /// What answers now.
    pub fn now(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Changes a copy, and swaps it in.
    pub fn change<T>(&self, change: impl FnOnce(&mut Snapshot) -> T) -> T {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Snapshot::clone(&self.snapshot.load());
        let told = change(&mut next);
        self.snapshot.store(Arc::new(next));
        told
    }

    /// Counts a request of an account on trial.
    fn observe(&self, profile: &Arc<Profile>, good: bool) {
        if profile.trial.as_ref().is_some_and(|trial| trial.count(good)) {
            self.note(profile);
        }
    }

    /// The next key of the account signed a request.
    fn saw_next(&self, profile: &Arc<Profile>) {
        if profile.next.as_ref().is_some_and(|next| !next.seen.swap(true, Ordering::AcqRel)) {
            self.note(profile);
        }
    }

    fn note(&self, profile: &Arc<Profile>) {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(profile));
    }

    /// What was seen of accounts on trial and of next keys since this was asked last.
    pub fn take_observations(&self) -> Vec<Observation> {
        let observed = std::mem::take(&mut *self.observed.lock().unwrap_or_else(PoisonError::into_inner));
        let told = observed.into_iter().filter_map(|profile| {
            let (good, bad) = profile.trial.as_ref().map(|trial| trial.take()).unwrap_or_default();
            let over = profile.trial.as_ref().is_some_and(|trial| trial.is_over());
            let next = profile.next.as_ref().filter(|next| next.seen.load(Ordering::Acquire));
            let next = next.map(|next| next.mark.clone());
            let org = match &profile.owner {
                Owner::Organization(slug) => Some(slug.clone()),
                Owner::Platform | Owner::Simulator => None,
            };
            Some(Observation { org, installation: profile.installation.clone()?, good, bad, over, next })
        });
        told.collect()
    }

    /// The owners of the accounts in words, for the readiness page: the platform's, then how many organizations have
    /// their own.
    pub fn owners(&self) -> Vec<&'static str> {
        let now = self.now();
        let mut owners: Vec<_> = now.shared.iter().map(|profile| profile.owner.word()).collect();
        if now.tenants().any(|tenant| !tenant.profiles.is_empty()) {
            owners.push("organizations");
        }
        owners
    }
}
