//! Turns the rollout: read, changed and kept again, whoever else turns it meanwhile.

use std::collections::BTreeSet;

use crate::app::tenancy::{Conflict, TenantError, Tenants};
use crate::model::ids::OrgSlug;
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::item::Item;
use crate::tenant::owner::{Owner, Platform};
use crate::tenant::profile::Provider;
use crate::tenant::rollout::{Matrix, Rollout, RolloutError, Stage};
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

/// What can be turned on and off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lever {
    /// Organizations' own accounts are used at all.
    OwnAccounts,
    /// Organizations that opted in may use the platform's account.
    PlatformFallback,
    /// A provider passes through `canary` on its way to `on`.
    Progressive,
    /// Everything is taken back for now, and the stages are kept.
    RollbackMode,
}

impl Lever {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OwnAccounts => "own-accounts",
            Self::PlatformFallback => "platform-fallback",
            Self::Progressive => "progressive",
            Self::RollbackMode => "rollback-mode",
        }
    }

    const fn of(self, rollout: &mut Rollout) -> &mut bool {
        match self {
            Self::OwnAccounts => &mut rollout.enabled,
            Self::PlatformFallback => &mut rollout.allow_platform_fallback,
            Self::Progressive => &mut rollout.progressive,
            Self::RollbackMode => &mut rollout.rollback_mode,
        }
    }
}

/// A turn of the rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// These are turned on or off.
    Levers(Vec<(Lever, bool)>),
    /// A provider is let further in, or less far.
    Stage {
        /// Which.
        provider: Provider,
        /// How far.
        stage: Stage,
        /// Whom `canary` means.
        orgs: BTreeSet<OrgSlug>,
        /// What state of the security matrix is cited.
        matrix: Option<Matrix>,
    },
    /// A provider is taken one stage back.
    Rollback(Provider),
    /// No organization's own account is used any more.
    Kill,
}

impl Turn {
    /// Makes it, and tells what the trail should say.
    pub fn of(&self, rollout: &mut Rollout, by: &Stamp) -> Result<Told, RolloutError> {
        Ok(match self {
            Self::Levers(levers) => {
                let told = levers.iter().map(|(lever, on)| {
                    *lever.of(rollout) = *on;
                    format!("{} {}", lever.word(), if *on { "on" } else { "off" })
                });
                (Deed::RolloutChanged, told.collect::<Vec<_>>().join(", "))
            }
            Self::Stage { provider, stage, orgs, matrix } => {
                rollout.set_stage(*provider, *stage, orgs.clone(), matrix.as_ref(), by.clone())?;
                let cited = matrix.as_ref().map(|matrix| format!(", matrix {}", matrix.reference)).unwrap_or_default();
                (Deed::RolloutStaged, format!("{provider} {stage}{cited}"))
            }
            Self::Rollback(provider) => {
                let stage = rollout.roll_back(*provider, by.clone())?;
                (Deed::RolloutRolledBack, format!("{provider} {stage}"))
            }
            Self::Kill => {
                rollout.kill(by.clone());
                (Deed::RolloutKilled, String::new())
            }
        })
    }
}

/// What a turn is called in the trail, and more about it for people.
pub type Told = (Deed, String);

/// How the rollout stands.
pub async fn standing(store: &dyn Tenants) -> Result<Rollout, TenantError> {
    Ok(store.platform(Platform).await?.rollout.map(|kept| kept.item).unwrap_or_default())
}

/// Turns it, and gives how it stands then. The stamp says who turned it.
pub async fn turn(store: &dyn Tenants, by: &Stamp, turn: &Turn) -> Result<Rollout, TurnError> {
    let mut tries = 1;
    loop {
        let kept = store.platform(Platform).await?.rollout;
        let mut rollout = kept.as_ref().map(|kept| kept.item.clone()).unwrap_or_default();
        let (deed, detail) = turn.of(&mut rollout, by)?;
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
