//! Organizations in a SQLite file of their own beside the journal.
//!
//! The journal belongs to one process that holds its lock; this file is shared, because `ringfall org` and its like
//! change it while the service runs, which sees that within a fifth of a second.

mod change;
mod file;
mod follow;
mod read;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::{broadcast, mpsc, watch};

use crate::app::ports::Later;
use crate::app::tenancy::{
    Changed, IssuedToken, Loading, Page, PlatformThings, Tenant, TenantError, Tenants, TenantsHealth,
};
use crate::model::digest::Digest;
use crate::model::ids::OrgSlug;
use crate::tenant::change::Change;
use crate::tenant::event::{Cursor, Event};
use crate::tenant::item::{Item, Kept, Kind};
use crate::tenant::organization::Organization;
use crate::tenant::owner::{Owner, Platform};
use crate::tenant::revision::{RuleFiles, RuleRevision};
use crate::tenant::stamp::Stamp;
use crate::tenant::token::{ApiToken, TokenHash};
use crate::tenants::OpenError;
use crate::tenants::gather;
pub use crate::tenants::sqlite::file::NAME as FILE;
use crate::tenants::sqlite::follow::Follower;

/// Connections kept open between two questions; more are opened and closed as needed.
const KEPT: usize = 4;

/// Portions of a load on their way; reading waits for who takes them.
const PORTIONS: usize = 8;

/// The store.
#[derive(Debug)]
pub struct Sqlite {
    pool: Pool,
    cursor: Arc<watch::Sender<Cursor>>,
    _follower: Follower,
}

impl Sqlite {
    /// Opens the file in the folder, making both if need be, and brings it to its current form.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let file = file::prepare(folder)?;
        let of = |error: rusqlite::Error| OpenError::File { file: file.clone(), detail: error.to_string() };
        let watched = file::connect(&file).map_err(of)?;
        let cursor = Arc::new(watch::Sender::new(read::last(&watched).map_err(of)?));
        let follower = Follower::start(watched, Arc::clone(&cursor));
        let follower = follower.map_err(|error| OpenError::File { file: file.clone(), detail: error.to_string() })?;
        let pool = Pool { file, idle: Arc::default(), failing: Arc::default() };
        Ok(Self { pool, cursor, _follower: follower })
    }
}

/// Connections to the file.
#[derive(Debug, Clone)]
struct Pool {
    file: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    failing: Arc<Mutex<Option<String>>>,
}

impl Pool {
    /// Does the work on a thread that may wait, with a connection of its own.
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, TenantError> + Send + 'static,
    ) -> Later<'static, Result<T, TenantError>> {
        let pool = self.clone();
        Box::pin(async move {
            let task = tokio::task::spawn_blocking(move || pool.with(work));
            task.await.map_err(|error| TenantError::Unavailable(error.to_string()))?
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, TenantError>) -> Result<T, TenantError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let opened = idle.map_or_else(|| file::connect(&self.file), Ok);
        let done = opened.map_err(|error| read::failed(Kind::Organization, &error)).and_then(|mut connection| {
            let done = work(&mut connection);
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT {
                idle.push(connection);
            }
            done
        });
        let failing = match &done {
            Err(TenantError::Unavailable(why)) => Some(why.clone()),
            Ok(_) | Err(_) => None,
        };
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = failing;
        done
    }
}

impl Tenants for Sqlite {
    fn change<'a>(
        &'a self,
        scope: &'a Owner,
        changes: Vec<Change>,
        by: &'a Stamp,
    ) -> Later<'a, Result<Changed, TenantError>> {
        let (scope, by) = (scope.clone(), by.clone());
        let asked = self.pool.ask(move |connection| change::keep(connection, &scope, &changes, &by));
        Box::pin(async move {
            let changed = asked.await?;
            follow::advance(&self.cursor, changed.cursor());
            Ok(changed)
        })
    }

    fn tenant<'a>(&'a self, org: &'a OrgSlug) -> Later<'a, Result<Tenant, TenantError>> {
        let owner = Owner::Org(org.clone());
        self.pool.ask(move |connection| read::tenant(connection, &owner))
    }

    fn platform(&self, _platform: Platform) -> Later<'_, Result<PlatformThings, TenantError>> {
        self.pool.ask(|connection| read::platform(connection))
    }

    fn organizations<'a>(
        &'a self,
        _platform: Platform,
        after: Option<&'a OrgSlug>,
        most: u32,
    ) -> Later<'a, Result<Vec<Kept<Organization>>, TenantError>> {
        let after = after.map(|slug| slug.as_str().to_owned()).unwrap_or_default();
        self.pool.ask(move |connection| read::organizations(connection, &after, most))
    }

    fn load(&self, _platform: Platform) -> Loading {
        let (sender, receiver) = mpsc::channel(PORTIONS);
        let pool = self.pool.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = pool.with(|connection| read::load(connection, &sender)) {
                // Nobody listens any more: then nobody needs to know either.
                drop(sender.blocking_send(Err(error)));
            }
        });
        receiver
    }

    fn item<'a>(&'a self, scope: &'a Owner, kind: Kind, id: &'a str) -> Later<'a, Result<Kept<Item>, TenantError>> {
        let (owner, id) = (scope.clone(), id.to_owned());
        self.pool.ask(move |connection| read::item(connection, &owner, kind, &id))
    }

    fn token<'a>(
        &'a self,
        _platform: Platform,
        hash: &'a TokenHash,
    ) -> Later<'a, Result<Option<Kept<ApiToken>>, TenantError>> {
        let hash = hash.clone();
        self.pool.ask(move |connection| read::token(connection, &hash))
    }

    fn has_tokens(&self, _platform: Platform) -> Later<'_, Result<bool, TenantError>> {
        self.pool.ask(|connection| read::has_tokens(connection))
    }

    fn tokens<'a>(&'a self, owner: &'a Owner) -> Later<'a, Result<Vec<IssuedToken>, TenantError>> {
        let owner = owner.clone();
        self.pool.ask(move |connection| read::tokens(connection, &owner))
    }

    fn token_used<'a>(&'a self, owner: &'a Owner, id: &'a str, at: Timestamp) -> Later<'a, Result<(), TenantError>> {
        let (owner, id) = (owner.clone(), id.to_owned());
        self.pool.ask(move |connection| change::token_used(connection, &owner, &id, at))
    }

    fn revisions<'a>(&'a self, org: &'a OrgSlug) -> Later<'a, Result<Vec<Kept<RuleRevision>>, TenantError>> {
        let owner = Owner::Org(org.clone());
        self.pool.ask(move |connection| read::revisions(connection, &owner))
    }

    fn rule_files<'a>(&'a self, org: &'a OrgSlug, digest: &'a Digest) -> Later<'a, Result<RuleFiles, TenantError>> {
        let (owner, id) = (Owner::Org(org.clone()), digest.to_string());
        self.pool.ask(move |connection| {
            let found = read::item(connection, &owner, Kind::RuleFiles, &id)?;
            let files = gather::rule_files(vec![found]).pop();
            files.map(|kept| kept.item).ok_or(TenantError::NotFound(Kind::RuleFiles))
        })
    }

    fn events<'a>(&'a self, scope: &'a Owner, page: Page) -> Later<'a, Result<Vec<Event>, TenantError>> {
        let scope = scope.clone();
        self.pool.ask(move |connection| read::events(connection, &scope, page))
    }

    fn watch(&self) -> watch::Receiver<Cursor> {
        self.cursor.subscribe()
    }

    fn tell<'a>(&'a self, _platform: Platform, _words: &'a str) -> Later<'a, Result<(), TenantError>> {
        // There is nobody else.
        Box::pin(async { Ok(()) })
    }

    fn heard(&self, _platform: Platform) -> broadcast::Receiver<Arc<str>> {
        broadcast::channel(1).1
    }

    fn health(&self) -> TenantsHealth {
        let failing = self.pool.failing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        TenantsHealth { engine: "sqlite", failing, second_wall: false }
    }
}
