//! Puts every stored secret under the current key, in batches; whoever was interrupted starts again where it stopped.

use std::collections::BTreeMap;

use crate::admin::{AdminError, Office, TRIES, is_stale};
use crate::model::ids::OrgSlug;
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::installation::Installation;
use crate::tenant::item::{Item, Kept};
use crate::tenant::owner::{Owner, Platform};
use crate::tenant::sealed::Sealed;
use crate::tenant::stamp::Stamp;
use crate::vault::{Place, Ring};

/// Organizations looked at in one go.
const BATCH: u32 = 200;

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Organizations looked at.
    pub organizations: u64,
    /// Installations put under the current key.
    pub resealed: u64,
    /// Installations that were under it already, or have no secrets.
    pub current: u64,
}

impl Office {
    /// Puts everything under the current key, and tells how far it is after each batch.
    pub async fn reseal(&self, by: &Stamp, mut told: impl FnMut(&Progress)) -> Result<Progress, AdminError> {
        let mut progress = Progress::default();
        let platform = self.store.platform(Platform).await?.installations;
        self.reseal_batch(platform, &mut progress, by).await?;
        let mut after: Option<OrgSlug> = None;
        loop {
            let page = self.store.organizations(Platform, after.as_ref(), BATCH).await?;
            let Some(last) = page.last().map(|kept| kept.item.slug.clone()) else { return Ok(progress) };
            let mut batch = Vec::new();
            for organization in &page {
                batch.extend(self.show(&organization.item.slug).await?.installations);
            }
            self.reseal_batch(batch, &mut progress, by).await?;
            progress.organizations += u64::try_from(page.len()).unwrap_or(0);
            told(&progress);
            after = Some(last);
        }
    }

    async fn reseal_batch(
        &self,
        mut batch: Vec<Kept<Installation>>,
        progress: &mut Progress,
        by: &Stamp,
    ) -> Result<(), AdminError> {
        for attempt in 0..=TRIES {
            let mut changes = Vec::new();
            for Kept { item, version } in &batch {
                if let Some(renewed) = renewed(self.ring()?, item)? {
                    let item = Item::Installation(Box::new(renewed));
                    changes.push(Change::changed(item, *version, Deed::InstallationResealed, ""));
                }
            }
            let count = u64::try_from(changes.len()).unwrap_or(0);
            let done =
                if count == 0 { Ok(()) } else { self.store.change(&Owner::Platform, changes, by).await.map(drop) };
            match done {
                Ok(()) => {
                    progress.resealed += count;
                    progress.current += u64::try_from(batch.len()).unwrap_or(0).saturating_sub(count);
                    return Ok(());
                }
                // Somebody rotated one of them meanwhile: all of them are read again.
                Err(error) if is_stale(&error) && attempt < TRIES => batch = self.read_again(&batch).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn read_again(&self, batch: &[Kept<Installation>]) -> Result<Vec<Kept<Installation>>, AdminError> {
        let owners: BTreeMap<&Owner, ()> = batch.iter().map(|kept| (&kept.item.owner, ())).collect();
        let mut fresh = Vec::new();
        for owner in owners.keys() {
            match owner {
                Owner::Platform => fresh.extend(self.store.platform(Platform).await?.installations),
                Owner::Org(slug) => fresh.extend(self.show(slug).await?.installations),
            }
        }
        Ok(fresh)
    }

    /// How many stored secrets are sealed under each key.
    pub async fn keys_in_use(&self) -> Result<BTreeMap<String, u64>, AdminError> {
        let mut keys = BTreeMap::new();
        let mut count = |it: &Installation| {
            for sealed in it.sealed() {
                *keys.entry(sealed.key_id.clone()).or_default() += 1;
            }
        };
        self.store.platform(Platform).await?.installations.iter().for_each(|kept| count(&kept.item));
        for organization in self.organizations().await? {
            self.show(&organization.slug).await?.installations.iter().for_each(|kept| count(&kept.item));
        }
        Ok(keys)
    }
}

/// The installation with its secrets under the current key; none when they are already.
fn renewed(ring: &Ring, it: &Installation) -> Result<Option<Installation>, AdminError> {
    let renew = |place: Place<'_>, sealed: &Sealed| ring.renew(place, sealed);
    let mut changed = it.clone();
    let mut any = false;
    let verifiers = [(&it.primary, &mut changed.primary), (&it.next, &mut changed.next)];
    for (old, new) in verifiers {
        if let Some(fresh) = old.as_ref().map(|sealed| renew(Place::verifier(it), sealed)).transpose()?.flatten() {
            *new = Some(fresh);
            any = true;
        }
    }
    if let (Some(old), Some(new)) = (&it.api_key, &mut changed.api_key)
        && let Some(fresh) = renew(Place::api_secret(it), &old.secret)?
    {
        new.secret = fresh;
        any = true;
    }
    Ok(any.then_some(changed))
}
