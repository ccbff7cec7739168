//! Organizations in PostgreSQL, for many nodes.
//!
//! Every transaction says for whom it is, so that the database itself keeps organizations apart. A change is
//! announced in its own transaction; a connection that only listens hears of it, and asks every few seconds whether
//! it missed something. Nothing here waits longer than a few seconds: PostgreSQL that is away, frozen or slow is
//! `Unavailable`, and found again by itself when it is back.

mod change;
mod follow;
mod form;
mod read;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_postgres::Transaction;

use crate::app::ports::Later;
use crate::app::tenancy::{
    Changed, IssuedToken, Loading, Page, PlatformThings, Tenant, TenantError, Tenants, TenantsHealth,
};
use crate::database::{Address, AddressError, Tls, told};
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
use crate::tenants::postgres::form::Form;

/// Words of other nodes that wait to be heard.
const HEARD: usize = 256;

/// Connections of one node: administration is rare, and calls are answered from memory.
const CONNECTIONS: usize = 4;

/// How long one question may take, all in all.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same for the server, which stops working on what nobody waits for.
const STATEMENT: &str = "4500";

/// How long a node may sleep inside a transaction, which others wait for.
const IDLE: &str = "10000";

/// Portions of a load on their way; reading waits for who takes them.
const PORTIONS: usize = 8;

/// The store.
#[derive(Debug)]
pub struct Postgres {
    link: Link,
    cursor: Arc<watch::Sender<Cursor>>,
    heard: broadcast::Sender<Arc<str>>,
    follower: JoinHandle<()>,
}

impl Postgres {
    /// A store at this address. It is reached, and brought to its current form, as soon as it can be.
    pub fn open(address: &Address) -> Result<Self, OpenError> {
        let tls = address.tls()?;
        let cursor = Arc::new(watch::Sender::new(0));
        let state = Arc::new(State::default());
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(address.config(), tls.clone(), manager);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()
            .map_err(|error| AddressError::Unusable(error.to_string()))?;
        let form = Arc::new(Form::new(address.config(), tls.clone()));
        let link = Link { pool, state, form };
        let heard = broadcast::Sender::new(HEARD);
        let follower = follow::Follower {
            config: address.config(),
            tls,
            link: link.clone(),
            cursor: Arc::clone(&cursor),
            heard: heard.clone(),
        };
        Ok(Self { link, cursor, heard, follower: tokio::spawn(follower.run()) })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// How the server stands, as seen from here.
#[derive(Debug, Default)]
struct State {
    failing: Mutex<Option<String>>,
    open_wall: std::sync::atomic::AtomicBool,
}

impl State {
    fn fails(&self, why: Option<String>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

/// The way to the server.
#[derive(Debug, Clone)]
struct Link {
    pool: Pool,
    state: Arc<State>,
    form: Arc<Form>,
}

/// Work inside a transaction.
type Work<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, TenantError>> + Send + 'a>>;

impl Link {
    /// Does the work in a transaction for this owner, in time or not at all.
    async fn ask<T: Send>(
        &self,
        scope: &Owner,
        work: impl for<'t> FnOnce(&'t Transaction<'t>) -> Work<'t, T> + Send,
    ) -> Result<T, TenantError> {
        let asked = tokio::time::timeout(PATIENCE, self.tried(scope, work)).await;
        let done = asked.unwrap_or_else(|_late| Err(TenantError::Unavailable("no answer in time".to_owned())));
        if let Err(TenantError::Unavailable(why)) = &done {
            self.state.fails(Some(why.clone()));
        }
        done
    }

    async fn tried<T: Send>(
        &self,
        scope: &Owner,
        work: impl for<'t> FnOnce(&'t Transaction<'t>) -> Work<'t, T> + Send,
    ) -> Result<T, TenantError> {
        let mut lent = self.lend().await?;
        let transaction = lent.client()?.transaction().await.map_err(|error| unreachable_server(&error))?;
        begin(&transaction, scope, STATEMENT).await?;
        let done = work(&transaction).await;
        let ended = match &done {
            Ok(_) => transaction.commit().await,
            Err(TenantError::Unavailable(_)) => return done,
            Err(_) => transaction.rollback().await,
        };
        ended.map_err(|error| unreachable_server(&error))?;
        lent.give_back();
        done
    }

    async fn lend(&self) -> Result<Lent, TenantError> {
        self.form.reached(&self.state).await?;
        let object = self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => unreachable_server(&error),
            PoolError::Timeout(_) => TenantError::Unavailable("no connection in time".to_owned()),
            error @ (PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_)) => {
                TenantError::Unavailable(error.to_string())
            }
        })?;
        Ok(Lent(Some(object)))
    }
}

/// A connection of the pool. Only one whose transaction ended well is given back: nobody knows what the others wait
/// for, and the server forgets what they had begun when they are closed.
#[derive(Debug)]
struct Lent(Option<Object>);

impl Lent {
    fn client(&mut self) -> Result<&mut tokio_postgres::Client, TenantError> {
        let object = self.0.as_mut().ok_or_else(|| TenantError::Unavailable("the connection is gone".to_owned()))?;
        Ok(object)
    }

    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

/// Says for whom the transaction is, and how long it may take.
async fn begin(transaction: &Transaction<'_>, scope: &Owner, statement: &str) -> Result<(), TenantError> {
    let sql = "SELECT set_config('ringfall.org', $1, true), set_config('statement_timeout', $2, true), \
               set_config('idle_in_transaction_session_timeout', $3, true)";
    let said = transaction.execute(sql, &[&scope.as_str(), &statement, &IDLE]).await;
    said.map(drop).map_err(|error| unreachable_server(&error))
}

/// What an error means when nothing about the question is wrong.
fn unreachable_server(error: &tokio_postgres::Error) -> TenantError {
    TenantError::Unavailable(told(error))
}

impl Tenants for Postgres {
    fn change<'a>(
        &'a self,
        scope: &'a Owner,
        changes: Vec<Change>,
        by: &'a Stamp,
    ) -> Later<'a, Result<Changed, TenantError>> {
        Box::pin(async move {
            let (asked, stamp) = (scope.clone(), by.clone());
            let changed = self.link.ask(scope, move |transaction| {
                Box::pin(async move { change::keep(transaction, &asked, &changes, &stamp).await })
            });
            let changed = changed.await?;
            follow::advance(&self.cursor, changed.cursor());
            Ok(changed)
        })
    }

    fn tenant<'a>(&'a self, org: &'a OrgSlug) -> Later<'a, Result<Tenant, TenantError>> {
        let owner = Owner::Org(org.clone());
        Box::pin(async move {
            let asked = owner.clone();
            self.link.ask(&owner, |at| Box::pin(async move { read::tenant(at, &asked).await })).await
        })
    }

    fn platform(&self, _platform: Platform) -> Later<'_, Result<PlatformThings, TenantError>> {
        Box::pin(self.link.ask(&Owner::Platform, |at| Box::pin(read::platform(at))))
    }

    fn organizations<'a>(
        &'a self,
        _platform: Platform,
        after: Option<&'a OrgSlug>,
        most: u32,
    ) -> Later<'a, Result<Vec<Kept<Organization>>, TenantError>> {
        let after = after.map(|slug| slug.as_str().to_owned()).unwrap_or_default();
        Box::pin(
            self.link
                .ask(&Owner::Platform, move |at| Box::pin(async move { read::organizations(at, &after, most).await })),
        )
    }

    fn load(&self, _platform: Platform) -> Loading {
        let (sender, receiver) = mpsc::channel(PORTIONS);
        let link = self.link.clone();
        tokio::spawn(async move {
            if let Err(error) = read::load(&link, &sender).await {
                // Nobody listens any more: then nobody needs to know either.
                drop(sender.send(Err(error)).await);
            }
        });
        receiver
    }

    fn item<'a>(&'a self, scope: &'a Owner, kind: Kind, id: &'a str) -> Later<'a, Result<Kept<Item>, TenantError>> {
        let (owner, id) = (scope.clone(), id.to_owned());
        Box::pin(self.link.ask(scope, move |at| Box::pin(async move { read::item(at, &owner, kind, &id).await })))
    }

    fn token<'a>(
        &'a self,
        _platform: Platform,
        hash: &'a TokenHash,
    ) -> Later<'a, Result<Option<Kept<ApiToken>>, TenantError>> {
        let hash = hash.clone();
        Box::pin(self.link.ask(&Owner::Platform, move |at| Box::pin(async move { read::token(at, &hash).await })))
    }

    fn has_tokens(&self, _platform: Platform) -> Later<'_, Result<bool, TenantError>> {
        Box::pin(self.link.ask(&Owner::Platform, |at| Box::pin(async move { read::has_tokens(at).await })))
    }

    fn tokens<'a>(&'a self, owner: &'a Owner) -> Later<'a, Result<Vec<IssuedToken>, TenantError>> {
        let asked = owner.clone();
        Box::pin(self.link.ask(owner, move |at| Box::pin(async move { read::tokens(at, &asked).await })))
    }

    fn token_used<'a>(&'a self, owner: &'a Owner, id: &'a str, at: Timestamp) -> Later<'a, Result<(), TenantError>> {
        let (asked, id) = (owner.clone(), id.to_owned());
        Box::pin(self.link.ask(owner, move |transaction| {
            Box::pin(async move { change::token_used(transaction, &asked, &id, at).await })
        }))
    }

    fn revisions<'a>(&'a self, org: &'a OrgSlug) -> Later<'a, Result<Vec<Kept<RuleRevision>>, TenantError>> {
        let owner = Owner::Org(org.clone());
        Box::pin(async move {
            let asked = owner.clone();
            self.link.ask(&owner, |at| Box::pin(async move { read::revisions(at, &asked).await })).await
        })
    }

    fn rule_files<'a>(&'a self, org: &'a OrgSlug, digest: &'a Digest) -> Later<'a, Result<RuleFiles, TenantError>> {
        let owner = Owner::Org(org.clone());
        Box::pin(async move {
            let found = self.item(&owner, Kind::RuleFiles, &digest.to_string()).await?;
            let files = gather::rule_files(vec![found]).pop();
            files.map(|kept| kept.item).ok_or(TenantError::NotFound(Kind::RuleFiles))
        })
    }

    fn events<'a>(&'a self, scope: &'a Owner, page: Page) -> Later<'a, Result<Vec<Event>, TenantError>> {
        let asked = scope.clone();
        Box::pin(self.link.ask(scope, move |at| Box::pin(async move { read::events(at, &asked, page).await })))
    }

    fn watch(&self) -> watch::Receiver<Cursor> {
        self.cursor.subscribe()
    }

    fn tell<'a>(&'a self, _platform: Platform, words: &'a str) -> Later<'a, Result<(), TenantError>> {
        let words = words.to_owned();
        Box::pin(self.link.ask(&Owner::Platform, move |at| {
            Box::pin(async move {
                let said = at.execute("SELECT pg_notify($1, $2)", &[&follow::WORDS, &words]).await;
                said.map(drop).map_err(|error| unreachable_server(&error))
            })
        }))
    }

    fn heard(&self, _platform: Platform) -> broadcast::Receiver<Arc<str>> {
        self.heard.subscribe()
    }

    fn health(&self) -> TenantsHealth {
        let failing = self.link.state.failing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let second_wall = !self.link.state.open_wall.load(std::sync::atomic::Ordering::Acquire);
        TenantsHealth { engine: "postgresql", failing, second_wall }
    }
}
