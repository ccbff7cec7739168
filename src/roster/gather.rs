//! Gathers a whole load, which comes kind by kind, into organizations, and puts them into the directory at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::app::directory::outlet::Outlet;
use crate::app::directory::{self, Directory};
use crate::app::tenancy::{Loading, PlatformThings, Portion, Tenant, TenantError};
use crate::model::digest::Digest;
use crate::model::ids::{AccountSid, OrgSlug};
use crate::roster::{Bench, Things, Trouble, outlet};
use crate::tenant::event::Cursor;
use crate::tenant::installation::Installation;
use crate::tenant::item::Item;
use crate::tenant::owner::Owner;
use crate::tenant::profile::Provider;
use crate::tenant::revision::Returned;
use crate::tenant::rollout::Rollout;
use crate::tenant::switch::SwitchState;

/// Everything that is stored, as of one place of the trail.
#[derive(Debug, Default)]
pub struct Gathered {
    organizations: BTreeMap<OrgSlug, Things>,
    /// What belongs to the platform.
    pub platform: Vec<Installation>,
    rollout: Rollout,
    /// The revisions of rules that answer.
    pub rules: BTreeMap<OrgSlug, Digest>,
    /// What those have on trial that was taken back.
    pub returned: BTreeMap<OrgSlug, Returned>,
    /// The switches that were ever turned.
    pub switches: Vec<SwitchState>,
    /// The place of the trail.
    pub cursor: Cursor,
}

impl Gathered {
    /// Takes a whole load.
    pub async fn from(mut loading: Loading) -> Result<Self, TenantError> {
        let mut gathered = Self::default();
        while let Some(portion) = loading.recv().await {
            match portion? {
                Portion::Items(items) => items.into_iter().for_each(|kept| gathered.take(kept.item)),
                Portion::End(cursor) => {
                    gathered.cursor = cursor;
                    return Ok(gathered);
                }
            }
        }
        Err(TenantError::Unavailable("the load broke off".to_owned()))
    }

    /// The names of the keys that anything is sealed under.
    pub fn keys(&self) -> BTreeSet<String> {
        let own = self.organizations.values().flat_map(|things| &things.installations);
        own.chain(&self.platform).flat_map(Installation::sealed).map(|sealed| sealed.key_id.clone()).collect()
    }

    /// Takes one thing; what hangs on an organization comes after it.
    pub fn take(&mut self, item: Item) {
        match item {
            Item::Organization(it) => drop(self.organizations.insert(it.slug.clone(), Things::of(it))),
            Item::Installation(it) => match it.owner.clone() {
                Owner::Platform => self.platform.push(*it),
                Owner::Org(slug) => self.of(&slug, |things| things.installations.push(*it)),
            },
            Item::Binding(it) => self.of(&it.org.clone(), |things| things.bindings.push(it)),
            Item::Domain(it) => self.of(&it.org.clone(), |things| things.domains.push(it)),
            Item::Rollout(it) => self.rollout = it,
            Item::Revision(it) => {
                self.returned.extend(it.returned.map(|returned| (it.org.clone(), returned)));
                self.rules.insert(it.org, it.digest);
            }
            Item::Switch(it) => self.switches.push(it),
            Item::Profile(_) | Item::RuleFiles(_) | Item::Token(_) => {}
        }
    }

    fn of(&mut self, slug: &OrgSlug, take: impl FnOnce(&mut Things)) {
        if let Some(things) = self.organizations.get_mut(slug) {
            take(things);
        }
    }

    /// Puts everything into the directory in one swap, in place of all that was there.
    pub fn fill(self, bench: &mut Bench, directory: &Directory) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        let shared = platform(bench, &self.platform, &directory.now(), &mut troubles);
        let before = Arc::clone(&directory.now());
        let mut next = Vec::with_capacity(self.organizations.len());
        for things in self.organizations.into_values() {
            let known = before.tenant(&things.organization.slug);
            next.push(bench.tenant(&things, known.map(|it| &**it), &mut troubles));
        }
        let conflicts = directory.change(|now| {
            now.clear();
            now.share(shared.profiles, shared.outlets);
            now.roll_out(self.rollout);
            next.into_iter().flat_map(|tenant| now.put(tenant)).collect::<Vec<_>>()
        });
        troubles.extend(conflicts.into_iter().map(Trouble::from));
        troubles
    }
}

/// The platform's accounts: for what comes in, and for what goes out.
pub(in crate::roster) struct Shared {
    pub(in crate::roster) profiles: Vec<Arc<directory::Profile>>,
    pub(in crate::roster) outlets: Vec<Arc<Outlet>>,
}

/// The platform's accounts; the bench learns what bindings may lead to.
pub(in crate::roster) fn platform(
    bench: &mut Bench,
    installations: &[Installation],
    now: &directory::Snapshot,
    troubles: &mut Vec<Trouble>,
) -> Shared {
    let twilio = || installations.iter().filter(|it| it.provider == Provider::Twilio && it.is_active());
    let accounts = twilio().filter_map(|it| Some((it.id.clone(), AccountSid::parse(&it.account).ok()?)));
    bench.platform = accounts.collect();
    // One without a verifier stands for the account from the settings, so that bindings can lead there.
    let made = twilio().filter(|it| it.primary.is_some()).filter_map(|it| {
        let mut known = now.shared().iter();
        let known = known.find(|profile| profile.installation.as_deref() == Some(it.id.as_str()));
        let made = bench.profile(it, directory::Owner::Platform, known.map(|it| &**it));
        made.map(Arc::new).map_err(|trouble| troubles.push(trouble)).ok()
    });
    Shared { profiles: made.collect(), outlets: twilio().filter_map(outlet).collect() }
}

impl From<Tenant> for Things {
    fn from(tenant: Tenant) -> Self {
        Self {
            organization: tenant.organization.item,
            installations: tenant.installations.into_iter().map(|kept| kept.item).collect(),
            bindings: tenant.bindings.into_iter().map(|kept| kept.item).collect(),
            domains: tenant.domains.into_iter().map(|kept| kept.item).collect(),
        }
    }
}

/// The platform's things as a directory needs them.
pub(in crate::roster) fn parts(things: PlatformThings) -> (Vec<Installation>, Rollout) {
    let installations = things.installations.into_iter().map(|kept| kept.item).collect();
    (installations, things.rollout.map(|kept| kept.item).unwrap_or_default())
}
