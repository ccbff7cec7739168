//! The stored organizations: their store, the keys of their secrets, and the directory that follows them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::Office;
use crate::app::App;
use crate::app::directory::Directory;
use crate::app::tenancy::{TenantError, Tenants};
use crate::roster::feed::{self, Feed};
use crate::roster::gather::Gathered;
use crate::roster::{Bench, kept};
use crate::settings::Settings;
use crate::startup::revisions::Standing;
use crate::startup::switches::Shared;
use crate::startup::{elsewhere, keys};
use crate::store;
use crate::tenant::event::Cursor;
use crate::tenant::owner::Platform;
use crate::tenants;

/// How long a start waits for the database before it takes what was kept.
const PATIENCE: Duration = Duration::from_secs(10);

/// The quiet after a change before the state is kept anew, so that many changes are kept at once.
const QUIET: Duration = Duration::from_millis(500);

/// The rest after a keeping, in times of how long it took: of many organizations it is kept less often.
const REST: u32 = 20;

/// How long a stop waits for the database, of which there may be changes that nobody here has heard of yet.
const LAST: Duration = Duration::from_secs(2);

/// Opens the store.
pub fn open(settings: &Settings) -> anyhow::Result<Arc<dyn Tenants>> {
    let opened = tenants::open(&settings.data, settings.database_url.as_ref());
    opened.context("cannot open the store of organizations")
}

/// Fills the directory with everything that is stored, or with what was kept of it while the database is away.
pub(in crate::startup) async fn load(
    settings: &Settings,
    store: &Arc<dyn Tenants>,
    directory: &Directory,
) -> anyhow::Result<(Feed, Standing, Shared)> {
    let loaded = tokio::time::timeout(PATIENCE, Gathered::from(store.load(Platform))).await;
    let loaded = loaded.unwrap_or_else(|_elapsed| Err(TenantError::Unavailable("it does not answer".to_owned())));
    let mut gathered = match loaded {
        Ok(gathered) => gathered,
        Err(error @ TenantError::Unavailable(_)) => {
            let known = kept::read(&settings.data)?;
            let known = known.with_context(|| {
                format!("{error}, and nothing was kept of an earlier run in `{}`", settings.data.display())
            })?;
            tracing::error!(%error, "starting with the organizations as they were kept last");
            known
        }
        Err(error) => return Err(error).context("cannot read the organizations"),
    };
    let ring = keys::ring(settings, &gathered.keys())?;
    let standing = Standing {
        rules: std::mem::take(&mut gathered.rules),
        returned: std::mem::take(&mut gathered.returned),
        cursor: gathered.cursor,
    };
    let shared = Shared { switches: std::mem::take(&mut gathered.switches), cursor: gathered.cursor };
    let mut feed = Feed::new(Arc::clone(store), Bench { ring, ..Bench::default() });
    feed::tell(&feed.fill(gathered, directory));
    Ok((feed, standing, shared))
}

/// Follows changes, and keeps the last good state where the store is elsewhere. Whoever drops the tasks ends them.
pub fn follow(settings: &Settings, feed: Feed, app: &Arc<App>) -> Following {
    let (changed, changes) = watch::channel(feed.cursor());
    let mut tasks = vec![tokio::spawn(feed.follow(Arc::clone(app), changed))];
    let keeper = settings.database_url.is_some().then(|| {
        tasks.push(tokio::spawn(elsewhere::run(Arc::clone(app))));
        let (stop, stopped) = watch::channel(false);
        (stop, tokio::spawn(keep(Arc::clone(&app.tenants), settings.data.clone(), changes, stopped)))
    });
    Following { tasks, keeper }
}

/// What runs beside the service for its organizations.
#[derive(Debug)]
pub struct Following {
    tasks: Vec<JoinHandle<()>>,
    keeper: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Following {
    /// Ends it, and waits until it has let go of everything and the last change is kept.
    pub async fn end(mut self) {
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // It says that it was ended.
            drop(task.await);
        }
        if let Some((stop, keeper)) = &mut self.keeper {
            stop.send_replace(true);
            // Only a panic ends it otherwise, and that is told by itself.
            drop(keeper.await);
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.tasks.iter().chain(self.keeper.iter().map(|(_, keeper)| keeper)).for_each(JoinHandle::abort);
    }
}

/// Keeps the state whenever it has changed, and once more at the end.
async fn keep(
    store: Arc<dyn Tenants>,
    folder: PathBuf,
    mut changes: watch::Receiver<Cursor>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let begun = tokio::time::Instant::now();
        changes.mark_unchanged();
        let kept = tokio::select! {
            kept = kept_once(&store, &folder) => kept,
            _ = stop.changed() => break,
        };
        if let Err(error) = &kept {
            tracing::warn!(%error, "the state of the organizations is not kept: a restart needs the database");
        }
        let another = async {
            tokio::time::sleep(begun.elapsed() * REST).await;
            // Whoever tells of changes is gone when the service stops, and then there are no more.
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(QUIET).await;
        };
        tokio::select! {
            () = another => {}
            _ = stop.changed() => break,
        }
    }
    match tokio::time::timeout(LAST, kept_once(&store, &folder)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the last changes of organizations are not kept"),
        Err(_) => tracing::warn!("the last changes of organizations are not kept: the database does not answer"),
    }
}

async fn kept_once(store: &Arc<dyn Tenants>, folder: &Path) -> Result<(), kept::KeptError> {
    let lines = kept::keep(folder, store.load(Platform)).await?;
    tracing::debug!(lines, "the state of the organizations is kept");
    Ok(())
}

/// Where organizations and their accounts are changed, for commands.
pub async fn office(settings: &Settings) -> anyhow::Result<Office> {
    store::make_folder(&settings.data)
        .with_context(|| format!("cannot make the data folder `{}`", settings.data.display()))?;
    let store = open(settings)?;
    // Only who has no key of any kind needs to know whether one is missed.
    let in_use = if settings.ring.is_some() || settings.data.join(keys::FILE).exists() {
        std::collections::BTreeSet::new()
    } else {
        Office::new(Arc::clone(&store), None).keys_in_use().await?.into_keys().collect()
    };
    Ok(Office::new(store, keys::ring(settings, &in_use)?))
}
