//! Turns a switch in the store of organizations, whoever else turns it meanwhile; every node follows.

use crate::app::tenancy::{Conflict, TenantError, Tenants};
use crate::model::ids::OrgSlug;
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::item::{Item, Kept, Kind};
use crate::tenant::owner::Owner;
use crate::tenant::stamp::Stamp;
use crate::tenant::switch::{NothingToUndo, SwitchState};

/// How often a turn is tried against others who turn it too.
const TRIES: u32 = 8;

/// Why a switch was not turned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// There is nothing to take back.
    #[error(transparent)]
    Nothing(#[from] NothingToUndo),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] TenantError),
}

/// How an organization's switch stands in the store; none when it was never turned.
pub async fn standing(
    store: &dyn Tenants,
    org: &OrgSlug,
    name: &str,
) -> Result<Option<Kept<SwitchState>>, TenantError> {
    match store.item(&Owner::Org(org.clone()), Kind::Switch, name).await {
        Ok(Kept { item: Item::Switch(item), version }) => Ok(Some(Kept { item, version })),
        Ok(_) | Err(TenantError::NotFound(Kind::Switch)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Changes a switch, from how it stands in the store or from `here` where something became of it later. Nothing is
/// written when `how` leaves it as it stands in the store.
pub async fn amend(
    store: &dyn Tenants,
    (org, name): (&OrgSlug, &str),
    here: Option<&SwitchState>,
    by: &Stamp,
    how: impl Fn(&mut SwitchState) -> Result<Deed, NothingToUndo> + Send + Sync,
) -> Result<Kept<SwitchState>, SwitchError> {
    let mut tries = 1;
    loop {
        let kept = standing(store, org, name).await?;
        let known = kept.as_ref().map(|kept| &kept.item);
        let mut state = match here.filter(|here| here.is_later_than(known)).or(known) {
            Some(state) => state.clone(),
            None => SwitchState::new(org.clone(), name.to_owned()),
        };
        let deed = how(&mut state)?;
        let told = state.now.as_ref().map_or("as usual", |setting| if setting.on { "on" } else { "off" });
        let item = Item::Switch(state.clone());
        let change = match kept {
            Some(kept) if kept.item == state => return Ok(kept),
            Some(kept) => Change::changed(item, kept.version, deed, told),
            None => Change::new(item, deed, told),
        };
        match store.change(&Owner::Org(org.clone()), vec![change], by).await {
            Ok(changed) => return Ok(Kept { item: state, version: changed.cursor() }),
            Err(TenantError::Conflict(Conflict::Stale(_) | Conflict::Taken(_))) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}
