//! Keeps this node's switches and those in the store of organizations alike: what was turned last counts, wherever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::app::messenger::ports::{Entry, Outbox, OutboxError};
use crate::app::switching::{self, SwitchError};
use crate::app::tenancy::{Page, TenantError};
use crate::model::ids::OrgSlug;
use crate::tenant::event::{Cursor, Deed};
use crate::tenant::item::Kind;
use crate::tenant::owner::Owner;
use crate::tenant::stamp::{Actor, At, Stamp};
use crate::tenant::switch::SwitchState;

/// Between two looks at what was turned on this node.
const LOOK: Duration = Duration::from_millis(200);

/// Wait when the store or the outbox fails.
const TROUBLE: Duration = Duration::from_secs(1);

/// Lines of the trail that are read at once.
const LINES: u32 = 500;

/// Why the two are not alike now.
#[derive(Debug, thiserror::Error)]
enum Apart {
    #[error(transparent)]
    Store(#[from] TenantError),
    #[error(transparent)]
    Here(#[from] OutboxError),
}

/// The switches as they stand in the store, as of a place of the trail.
#[derive(Debug, Default)]
pub(in crate::startup) struct Shared {
    /// All that were ever turned.
    pub(in crate::startup) switches: Vec<SwitchState>,
    /// The place.
    pub(in crate::startup) cursor: Cursor,
}

impl Shared {
    /// What of it this node does not know yet.
    pub(in crate::startup) fn news(&self, here: &[SwitchState]) -> Vec<Entry> {
        let known: BTreeMap<_, _> = here.iter().map(|state| ((&state.org, &*state.switch), state)).collect();
        let later = |state: &&SwitchState| state.is_later_than(known.get(&(&state.org, &*state.switch)).copied());
        self.switches.iter().filter(later).map(entry).collect()
    }
}

fn entry(state: &SwitchState) -> Entry {
    let by = state.now.as_ref().map_or_else(|| "store".to_owned(), |setting| setting.set.by.to_string());
    let at = state.changed.map_or(0, |at| at.timestamp().as_second());
    Entry::Switch { state: state.clone(), by, at, undone: state.now.is_none() }
}

/// Follows both until the task is dropped.
pub(in crate::startup) async fn run(app: Arc<App>, outbox: Arc<dyn Outbox>, shared: Shared) {
    let mut notices = app.tenants.watch();
    let mut follower =
        Follower { app: &app, outbox: &*outbox, cursor: shared.cursor, version: None, waiting: BTreeSet::new() };
    let mut well = true;
    let mut told = true;
    loop {
        let done = follower.round(told || !well).await;
        match &done {
            Ok(()) if !well => tracing::info!("switches are the same on all nodes again"),
            Err(error) if well => {
                tracing::error!(%error, "switches that are turned on one node do not reach the others now");
            }
            Ok(()) | Err(_) => {}
        }
        well = done.is_ok();
        told = tokio::select! {
            told = notices.changed() => told.is_ok(),
            () = tokio::time::sleep(if well { LOOK } else { TROUBLE }) => false,
        };
    }
}

struct Follower<'a> {
    app: &'a Arc<App>,
    outbox: &'a dyn Outbox,
    /// How far the trail was read.
    cursor: Cursor,
    /// As of which turn on this node the store knows all that it takes.
    version: Option<i64>,
    /// Whose turns the store did not take then: it does not know them, or they are suspended.
    waiting: BTreeSet<OrgSlug>,
}

impl Follower<'_> {
    async fn round(&mut self, told: bool) -> Result<(), Apart> {
        if told {
            self.pull().await?;
        }
        let version = self.outbox.switches_version().await?;
        if self.version != Some(version) || self.waiting.iter().any(|org| self.is_taken(org)) {
            self.waiting = self.push().await?;
            self.version = Some(version);
        }
        Ok(())
    }

    /// Whether the store takes turns of this organization's switches.
    fn is_taken(&self, org: &OrgSlug) -> bool {
        self.app.directory.now().tenant(org).is_some_and(|tenant| !tenant.is_suspended())
    }

    /// Takes over what was turned elsewhere.
    async fn pull(&mut self) -> Result<(), Apart> {
        let (mut cursor, mut turned) = (self.cursor, BTreeSet::new());
        loop {
            let events = self.app.tenants.events(&Owner::Platform, Page::After(cursor, LINES)).await?;
            let Some(last) = events.last() else { break };
            cursor = last.seq;
            let switches = events.iter().filter(|event| event.kind == Some(Kind::Switch));
            turned.extend(switches.filter_map(|event| event.owner.org().cloned()));
        }
        let mut shared = Shared { switches: Vec::new(), cursor };
        for slug in turned {
            match self.app.tenants.tenant(&slug).await {
                Ok(tenant) => shared.switches.extend(tenant.switches.into_iter().map(|kept| kept.item)),
                Err(TenantError::NotFound(_)) => {}
                Err(TenantError::Unreadable(odd)) => {
                    tracing::error!(org = %slug, %odd, "its switches cannot be read: they stand as they were");
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !shared.switches.is_empty() {
            let news = shared.news(&self.outbox.switches().await?);
            self.outbox.keep(news, None).await?;
        }
        self.cursor = cursor;
        Ok(())
    }

    /// Tells the store of what was turned here; whose turns it does not take yet.
    async fn push(&self) -> Result<BTreeSet<OrgSlug>, Apart> {
        let mut waiting = BTreeSet::new();
        for state in self.outbox.switches().await? {
            if !self.is_taken(&state.org) || !self.tell(&state.org, &state).await? {
                waiting.insert(state.org);
            }
        }
        Ok(waiting)
    }

    /// Tells the store of one; whether it took it.
    async fn tell(&self, org: &OrgSlug, here: &SwitchState) -> Result<bool, Apart> {
        let store = self.app.tenants.as_ref();
        let by = match &here.now {
            Some(setting) => setting.set.clone(),
            None => Stamp {
                by: Actor::new("service:switches"),
                at: here.changed.unwrap_or_else(|| At::new(self.app.clock.now())),
            },
        };
        let deed = if here.now.is_some() { Deed::SwitchTurned } else { Deed::SwitchUndone };
        match switching::amend(store, (org, &here.switch), Some(here), &by, |_| Ok(deed)).await {
            Ok(_) | Err(SwitchError::Nothing(_)) => Ok(true),
            // It was suspended, or has gone, and is not known as such here yet: what is turned here counts here.
            Err(SwitchError::Store(TenantError::Forbidden(_) | TenantError::NotFound(_))) => Ok(false),
            Err(SwitchError::Store(error)) => Err(error.into()),
        }
    }
}
