//! Turns the rollout: read, changed and kept again, whoever else turns it meanwhile.

use crate::app::tenancy::{Conflict, TenantError, Tenants};
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::item::Item;
use crate::tenant::owner::{Owner, Platform};
use crate::tenant::rollout::{Rollout, RolloutError};
use crate::tenant::stamp::Stamp;

/// How often a turn is tried against others who turn it too.
const TRIES: u32 = 8;

/// Why the rollout was not turned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TurnError {
    /// It may not be turned so.
    #[error(transparent)]
    Refused(#[from] RolloutError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] TenantError),
}

/// What a turn is called in the trail, and more about it for people.
pub type Told = (Deed, String);

/// How the rollout stands.
pub async fn standing(store: &dyn Tenants) -> Result<Rollout, TenantError> {
    Ok(store.platform(Platform).await?.rollout.map(|kept| kept.item).unwrap_or_default())
}

/// Turns it, and gives how it stands then. The stamp says who turned it.
pub async fn turn(
    store: &dyn Tenants,
    by: &Stamp,
    how: impl Fn(&mut Rollout) -> Result<Told, RolloutError> + Send + Sync,
) -> Result<Rollout, TurnError> {
    let mut tries = 1;
    loop {
        let kept = store.platform(Platform).await?.rollout;
        let mut rollout = kept.as_ref().map(|kept| kept.item.clone()).unwrap_or_default();
        let (deed, detail) = how(&mut rollout)?;
        rollout.updated = Some(by.clone());
        let item = Item::Rollout(rollout.clone());
        let change = match kept {
            Some(kept) => Change::changed(item, kept.version, deed, detail),
            None => Change::new(item, deed, detail),
        };
        match store.change(&Owner::Platform, vec![change], by).await {
            Ok(_) => return Ok(rollout),
            Err(TenantError::Conflict(Conflict::Stale(_) | Conflict::Taken(_))) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}
