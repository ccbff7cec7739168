//! From settings to a service that answers: everything is put together here, and nowhere else.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, ServiceConfig};
use anyhow::Context as _;
use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::api::{self, Api};
use crate::app::ack::Acks;
use crate::app::directory::Directory;
use crate::app::live::{Change, FileState, Fresh, Live};
use crate::app::messenger::Outreach;
use crate::app::messenger::herald::Heralds;
use crate::app::messenger::switchboard::Switchboard;
use crate::app::metrics::{Metrics, OrgLabels};
use crate::app::ports::{Clock, Journal};
use crate::app::tenancy::Tenants;
use crate::app::trial::standing::Trials;
use crate::app::{Allowance, App, Gate, Manners};
use crate::clock::SystemClock;
use crate::files::{self, Folder, Watch};
use crate::model::ids::OrgSlug;
use crate::model::moment::bundled_tzdb;
use crate::outbox::Desk;
use crate::settings::{Reload, RulesFrom, Settings};
use crate::sources::Sources;
use crate::startup::administration::Apart;
use crate::startup::followers::Followers;
use crate::startup::revisions::Revisions;
use crate::store::{self, Options, Patience, Store};
use crate::web::Front;
use crate::web::server::{self, Capacity};
use crate::webhook::raw::Limits;

pub mod accounts;
mod administration;
pub mod carrier;
mod chores;
mod drift;
mod earlier;
mod elsewhere;
pub mod followers;
mod holders;
pub mod keys;
pub mod names;
pub mod organizations;
mod outlets;
mod outreach;
mod quiet;
mod retention;
pub mod revisions;
mod switches;
pub mod trials;

/// What the service stands on; a test brings its own.
#[derive(Debug)]
pub struct Ground {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// A journal instead of the store in the data folder.
    pub journal: Option<Arc<dyn Journal>>,
}

impl Default for Ground {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), journal: None }
    }
}

/// A service that answers.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The service itself.
    pub app: Arc<App>,
    /// The store, when it is the one in the data folder.
    pub store: Option<Arc<Store>>,
    /// The administration API.
    pub api: Data<Api>,
    apart: Option<Apart>,
    folders: Folders,
    followers: Option<Followers>,
    server: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
    outreach: outreach::Tasks,
    chores: Vec<JoinHandle<()>>,
    // Ends with the service.
    _watch: Option<Watch>,
    following: organizations::Following,
    revisions: Option<Revisions>,
    sources: Option<Sources>,
    drain: Duration,
}

impl fmt::Debug for Running {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Running({})", self.address)
    }
}

/// Starts everything. The listener is bound first: a second service on the same port fails before it touches anything.
pub async fn start(settings: &Settings, ground: Ground) -> anyhow::Result<Running> {
    let listener = TcpListener::bind(settings.listen)
        .with_context(|| format!("cannot listen on {}: choose another with --listen", settings.listen))?;
    let address = listener.local_addr()?;
    let api_listener = administration::listener(settings)?;
    data_folder(settings)?;
    let directory = Directory::new(accounts::load(settings)?);
    let folders = Folders::of(settings);
    let live = Live::default();
    // The disk and the rules have nothing to do with each other: they are made ready side by side.
    let (opened, change) = thread::scope(|scope| {
        let store = scope.spawn(|| open_store(settings, &ground));
        let change = folders.read_into(&live, &ground.clock);
        (store.join(), change)
    });
    let (journal, store) = opened.map_err(|_panic| anyhow::anyhow!("opening the journal failed unexpectedly"))??;
    let tenants = organizations::open(settings)?;
    let (feed, standing, shared) = organizations::load(settings, &tenants, &directory).await?;
    let (app, acks) = assembled(settings, ground.clock, Stores { journal, tenants }, live, directory);
    stand_in(&app).await;
    folders.tell(&app, change);
    let revisions = Revisions::start(settings, &app, &folders, standing).await;
    let followers = store.as_deref().map(|store| Followers::start(settings, &app, store, acks));
    let api = administration::assembled(settings, &app, &app.tenants)?;
    let front = front(settings, Arc::clone(&app));
    let here = api_listener.is_none().then(|| Data::clone(&api));
    let more = move |config: &mut ServiceConfig| here.iter().for_each(|api| api::routes(api, config));
    let server = server::start(listener, front, capacity(settings), more).context("cannot start the web server")?;
    let handle = server.handle();
    let task = tokio::spawn(server);
    let start_apart = |listener| administration::start(listener, Data::clone(&api), settings);
    let apart = api_listener.map(start_apart).transpose()?;
    let watch = match settings.reload {
        Reload::Watch => Some(folders.watch(&app)?),
        Reload::Signal => None,
    };
    let outreach = outreach::start(settings, &app, store.as_ref(), (feed.ring(), shared)).await;
    let chores = chores::start(settings, &app, store.as_ref());
    let sources = outlets::read_sources(settings, &app);
    let following = organizations::follow(settings, feed, &app);
    app.open.open();
    Ok(Running {
        address,
        app,
        store,
        api,
        apart,
        folders,
        followers,
        server: handle,
        task,
        outreach,
        chores,
        _watch: watch,
        following,
        revisions,
        sources,
        drain: settings.drain,
    })
}

/// Makes the data folder if need be, and refuses one that a newer program has written to.
fn data_folder(settings: &Settings) -> anyhow::Result<()> {
    store::make_folder(&settings.data).with_context(|| {
        let data = settings.data.display();
        format!("cannot make the data folder `{data}`: choose another with --data, or let this user make it there")
    })?;
    Ok(Desk::refuse_newer(&settings.data)?)
}

fn capacity(settings: &Settings) -> Capacity {
    Capacity {
        workers: settings.workers,
        connections: settings.connections,
        header_timeout: settings.header_timeout,
        drain: settings.drain,
    }
}

/// A file that was spoilt while nobody looked must not silence its organization: the rules kept last stand in.
async fn stand_in(app: &App) {
    let now = app.live.now();
    let refused: Vec<_> = now.files.iter().filter(|(_, file)| file.state == FileState::Refused).collect();
    let slugs = refused.into_iter().filter_map(|(stem, _)| OrgSlug::parse(stem).ok());
    let at = app.clock.now();
    for slug in slugs {
        match app.journal.rules(slug.as_str(), "").await {
            Ok(Some(texts)) => {
                if app.live.stand_in(&slug, &texts, at.to_zoned(TimeZone::UTC).date(), at) {
                    tracing::warn!(org = %slug, "its rule file is bad: the rules kept last answer instead");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::error!(org = %slug, %error, "its rule file is bad, and older rules cannot be read"),
        }
    }
}

/// The journal, and the store when it is the one in the data folder.
type Opened = (Arc<dyn Journal>, Option<Arc<Store>>);

fn open_store(settings: &Settings, ground: &Ground) -> anyhow::Result<Opened> {
    if let Some(journal) = &ground.journal {
        return Ok((Arc::clone(journal), None));
    }
    let options = Options {
        folder: settings.data.clone(),
        node: settings.node.clone(),
        clock: Arc::clone(&ground.clock),
        patience: Patience::default(),
        behind: earlier::read_up_to(settings),
    };
    let store = Store::open(&options);
    let store = Arc::new(store.with_context(|| format!("cannot open the journal in `{}`", settings.data.display()))?);
    Ok((Arc::<Store>::clone(&store), Some(store)))
}

/// Where everything is kept.
struct Stores {
    journal: Arc<dyn Journal>,
    tenants: Arc<dyn Tenants>,
}

/// All that answers, and what answers wait for.
type Assembled = (Arc<App>, Option<Arc<Acks>>);

fn assembled(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    stores: Stores,
    live: Live,
    directory: Directory,
) -> Assembled {
    let labels = if settings.metrics_org_label { OrgLabels::Shown } else { OrgLabels::Hidden };
    let prefix = settings.public_url.as_ref().map(|url| url.prefix().to_owned()).unwrap_or_default();
    let mut app = App {
        live,
        directory,
        journal: stores.journal,
        tenants: stores.tenants,
        clock,
        trials: Trials::default(),
        ended: crate::app::ended::Ended::default(),
        jumps: crate::app::jumps::Jumps::default(),
        metrics: Metrics::new(env!("CARGO_PKG_VERSION"), bundled_tzdb(), labels),
        board: Arc::default(),
        manners: Manners {
            node: settings.node.clone(),
            prefix,
            limits: Limits { body: settings.body_limit, ..Limits::default() },
            deadline: settings.deadline,
            journal_deadline: settings.journal_deadline,
        },
        switches: Switchboard::default(),
        outreach: Outreach::default(),
        heralds: Heralds::default(),
        open: Gate::default(),
        events: Allowance::default(),
        unread: Allowance::default(),
    };
    trials::open(&settings.data, &app);
    app.jumps.look(&*app.clock);
    let acks = followers::answers_wait(settings, &mut app);
    (Arc::new(app), acks)
}

fn front(settings: &Settings, app: Arc<App>) -> Front {
    Front {
        app,
        public: settings.public_url.clone(),
        proxies: settings.trusted_proxies.clone(),
        body_limit: settings.body_limit,
        body_timeout: settings.header_timeout,
        rules: settings.rules.clone(),
    }
}

/// Time after readiness is given up before connections are refused: whoever sends calls here must notice first.
const NOTICE: Duration = Duration::from_millis(200);

impl Running {
    /// Where the administration API listens.
    pub fn api_address(&self) -> SocketAddr {
        self.apart.as_ref().map_or(self.address, Apart::address)
    }

    /// Reads rules and templates again, and answers by them at once where they are good.
    pub fn reload(&self) {
        if !self.folders.reload(&self.app) {
            tracing::info!(rules = %self.folders.rules.display(), "read again as asked: nothing has changed");
        }
    }

    /// Wants no more calls, answers those that are under way, and ends. How many records are lost by it, because the disk
    /// did not take them for as long as open requests may wait.
    pub async fn stop(self) -> usize {
        let begun = Instant::now();
        self.app.open.shut();
        tokio::time::sleep(NOTICE).await;
        if let Some(apart) = self.apart {
            apart.stop().await;
        }
        self.server.stop(true).await;
        if let Ok(Err(error)) = self.task.await {
            tracing::error!(%error, "the web server ended badly");
        }
        for chore in self.chores {
            chore.abort();
            // That it was stopped is no news.
            drop(chore.await);
        }
        self.outreach.stop().await;
        if let Some(sources) = self.sources {
            sources.stop().await;
        }
        self.following.end().await;
        if let Some(revisions) = self.revisions {
            revisions.end().await;
        }
        if let Some(followers) = self.followers {
            followers.stop().await;
        }
        match self.store {
            Some(store) => store.close_within(self.drain.saturating_sub(begun.elapsed())),
            None => 0,
        }
    }
}

/// The folders that the rules come from.
#[derive(Debug, Clone)]
struct Folders {
    rules: PathBuf,
    from: RulesFrom,
    templates: PathBuf,
    data: PathBuf,
}

impl Folders {
    fn of(settings: &Settings) -> Self {
        let Settings { rules, templates, data, rules_from, .. } = settings;
        Self { rules: rules.clone(), from: *rules_from, templates: templates.clone(), data: data.clone() }
    }

    fn read_into(&self, live: &Live, clock: &Arc<dyn Clock>) -> Change {
        let now = clock.now();
        if self.from == RulesFrom::Store {
            return live.dress(&files::find_templates(&self.templates), now);
        }
        if live.now().read.is_none() {
            live.remember(holders::read(&self.data));
        }
        let found = files::find(&self.rules, &self.templates);
        let today = now.to_zoned(TimeZone::UTC).date();
        live.reload(&found, &Folder::new(self.rules.clone()), today, now)
    }

    /// Where the rules come from, in words.
    fn place(&self) -> String {
        match self.from {
            RulesFrom::Folder => self.rules.display().to_string(),
            RulesFrom::Store => "the store of organizations".to_owned(),
        }
    }

    /// Tells whether anything is different.
    fn reload(&self, app: &Arc<App>) -> bool {
        let change = self.read_into(&app.live, &app.clock);
        let differs = change.differs;
        if differs {
            self.tell(app, change);
        }
        differs
    }

    /// Says how everything stands, and keeps new rules for calls that begin under them.
    fn tell(&self, app: &Arc<App>, change: Change) {
        let now = app.live.now();
        for file in now.files.values() {
            for problem in &file.problems {
                tracing::error!(file = %file.name, state = file.state.word(), "{problem}");
            }
            for warning in &file.warnings {
                tracing::warn!(file = %file.name, "{warning}");
            }
        }
        for problem in &now.problems {
            tracing::error!("{problem}");
        }
        for slug in &change.gone {
            tracing::warn!(org = %slug, "no longer answered: its rules are gone");
        }
        let organizations = now.organizations().count();
        let stale = now.count(FileState::Stale);
        app.metrics.reloaded(organizations, stale, now.faults(), app.clock.now().as_second());
        tracing::info!(organizations, lines = now.lines(), stale, faults = now.faults(), rules = %self.place(), "rules read");
        if self.from == RulesFrom::Folder {
            holders::keep(&self.data, &app.live.holders());
        }
        keep(app, change);
    }

    fn watch(&self, app: &Arc<App>) -> anyhow::Result<Watch> {
        let (folders, app) = (self.clone(), Arc::clone(app));
        let runtime = tokio::runtime::Handle::current();
        let changed = move || {
            // What is spawned by a reload needs to know where.
            let _inside = runtime.enter();
            folders.reload(&app);
        };
        let watched = match self.from {
            RulesFrom::Folder => vec![self.rules.clone(), self.templates.clone()],
            RulesFrom::Store => vec![self.templates.clone()],
        };
        files::watch(&watched, changed)
            .context("cannot watch the folders: set `reload: signal` to read them only on SIGHUP")
    }
}

/// Rule texts on their way to the disk at once: enough for one commit to take many.
const KEPT_AT_ONCE: usize = 64;

fn keep(app: &Arc<App>, change: Change) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let kept = futures_util::stream::iter(change.fresh).for_each_concurrent(KEPT_AT_ONCE, |fresh| {
            let app = Arc::clone(&app);
            async move { keep_of(&app, fresh).await }
        });
        kept.await;
    });
}

/// One after the other: what is kept last stands in for a file that is spoilt.
async fn keep_of(app: &App, (org, all): Fresh) {
    for (digest, texts) in all {
        if let Err(error) = app.journal.keep_rules(org.as_str(), digest, texts).await {
            tracing::error!(%org, %error, "these rules are not kept: a restart would forget them");
        }
    }
}
