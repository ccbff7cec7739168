//! Where a command turns switches: on the node whose data folder it is, or in what the nodes share.

use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::app::switching::{self, SwitchError};
use crate::app::tenancy::{Page, TenantError, Tenants};
use crate::model::ids::OrgSlug;
use crate::outbox::{Desk, TurnLine};
use crate::settings::Settings;
use crate::startup::organizations;
use crate::store::Archive;
use crate::tenant::event::{Deed, Event};
use crate::tenant::item::Kind;
use crate::tenant::owner::Owner;
use crate::tenant::stamp::Stamp;
use crate::tenant::switch::{NothingToUndo, SwitchState};

/// Where they are.
pub(super) enum Place {
    /// On a node, which tells the others.
    Node(Desk),
    /// In the database, which every node follows.
    Shared(Shared),
}

/// The store of organizations, and what drives the way there.
pub(super) struct Shared {
    store: Arc<dyn Tenants>,
    runtime: Runtime,
}

impl Place {
    /// The node of the data folder, even with the database away; from a folder that is no node's, the database.
    pub(super) fn of(settings: &Settings) -> anyhow::Result<Self> {
        let data = &settings.data;
        if Archive::is_in(data) {
            return Ok(Self::Node(Desk::open(data)?));
        }
        anyhow::ensure!(
            settings.database_url.is_some(),
            "no service ran in `{}`, and none would follow: name the data folder of yours with `--data`, or start it first",
            data.display()
        );
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let store = {
            let _there = runtime.enter();
            organizations::open(settings)?
        };
        Ok(Self::Shared(Shared { store, runtime }))
    }

    /// The switches of an organization that were ever turned.
    pub(super) fn switches(&self, org: &OrgSlug) -> anyhow::Result<Vec<SwitchState>> {
        match self {
            Self::Node(desk) => Ok(desk.switches_of(org.as_str())?),
            Self::Shared(Shared { store, runtime }) => {
                let tenant = runtime.block_on(store.tenant(org)).map_err(|error| told(error, org))?;
                Ok(tenant.switches.into_iter().map(|kept| kept.item).collect())
            }
        }
    }

    /// The latest turns, newest first.
    pub(super) fn turns(&self, org: &OrgSlug, most: u32) -> anyhow::Result<Vec<TurnLine>> {
        match self {
            Self::Node(desk) => Ok(desk.turns(org.as_str(), most)?),
            Self::Shared(Shared { store, runtime }) => {
                let owner = Owner::Org(org.clone());
                let events = runtime.block_on(store.events(&owner, Page::newest(LOOKED_THROUGH)));
                let events = events.map_err(|error| told(error, org))?;
                let turns = events.iter().filter(|event| event.kind == Some(Kind::Switch)).map(turn);
                Ok(turns.take(usize::try_from(most)?).collect())
            }
        }
    }

    /// Changes how a switch stands.
    pub(super) fn amend(
        &self,
        (org, name): (&OrgSlug, &str),
        by: &Stamp,
        how: impl Fn(&mut SwitchState) -> Result<Deed, NothingToUndo> + Send + Sync,
    ) -> anyhow::Result<Result<(), NothingToUndo>> {
        match self {
            Self::Node(desk) => {
                let known = desk.switches_of(org.as_str())?.into_iter().find(|state| state.switch == name);
                let mut state = known.unwrap_or_else(|| SwitchState::new(org.clone(), name.to_owned()));
                match how(&mut state) {
                    Ok(deed) => {
                        let undone = deed == Deed::SwitchUndone;
                        desk.turn(&state, &by.by.to_string(), by.at.timestamp().as_second(), undone)?;
                        Ok(Ok(()))
                    }
                    Err(nothing) => Ok(Err(nothing)),
                }
            }
            Self::Shared(Shared { store, runtime }) => {
                match runtime.block_on(switching::amend(&**store, (org, name), None, by, how)) {
                    Ok(_) => Ok(Ok(())),
                    Err(SwitchError::Nothing(nothing)) => Ok(Err(nothing)),
                    Err(SwitchError::Store(error)) => Err(told(error, org)),
                }
            }
        }
    }
}

/// Lines of the trail in which turns are looked for.
const LOOKED_THROUGH: u32 = 500;

fn told(error: TenantError, org: &OrgSlug) -> anyhow::Error {
    if matches!(error, TenantError::NotFound(_)) {
        let why =
            format!("the database has no organization `{org}`, and what its rule file alone tells stays on its node");
        return anyhow::anyhow!(
            "{why}: name the data folder of that node with `--data`, or add it with `ringfall org add {org}`"
        );
    }
    anyhow::Error::new(error).context("the switches in the database cannot be used")
}

/// A turn as the trail of the store tells it, which does not say until when.
fn turn(event: &Event) -> TurnLine {
    TurnLine {
        switch: event.id.clone(),
        by: event.by.by.to_string(),
        at: event.by.at.timestamp().as_second(),
        on: match event.detail.as_str() {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        },
        until: None,
        undone: event.deed == Deed::SwitchUndone,
    }
}
