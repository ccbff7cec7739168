//! Starts what tells people: the reader of the journal and the sender of texts.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::messenger::Means;
use crate::app::messenger::listen::ListenKey;
use crate::app::messenger::ports::{Carrier, Outbox, Trail};
use crate::app::messenger::reader::{self, Link, Links};
use crate::app::messenger::sender::{self, Limits};
use crate::model::ids::RecordingSid;
use crate::model::secret::Secret;
use crate::outbox::Desk;
use crate::settings::Settings;
use crate::startup::carrier::Accounts;
use crate::startup::{accounts, carrier, drift, outlets, switches};
use crate::store::Store;
use crate::twilio::carrier::{self as carrier_port, Texts};
use crate::twilio::client::Gate;
use crate::vault::Ring;
use crate::webhook::endpoint::Endpoint;
use crate::webhook::origin::Origin;

/// The file of the key in the data folder.
const LISTEN: &str = "listen.key";

/// Tasks that run until they are dropped.
#[derive(Debug, Default)]
pub(super) struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    /// Stops them, and waits until they let go of everything. What they were at is found again at the next start.
    pub(super) async fn stop(mut self) {
        for task in std::mem::take(&mut self.0) {
            task.abort();
            // That it was stopped is no news.
            drop(task.await);
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Starts telling people. Calls are answered whether or not this works.
pub(super) async fn start(
    settings: &Settings,
    app: &Arc<App>,
    store: Option<&Arc<Store>>,
    (ring, shared): (Option<Arc<Ring>>, switches::Shared),
) -> Tasks {
    let Some(store) = store else { return Tasks::default() };
    outlets::carry_notices(settings, app);
    let started = async {
        let gate = carrier::gate(settings)?;
        let accounts = Arc::new(Accounts::new(settings, Arc::clone(&gate), ring.clone()));
        let key = listen_key(settings, ring.as_deref())?;
        Ok::<_, anyhow::Error>((ready(settings, app, (&accounts, &shared), (gate, key)).await?, accounts))
    };
    match started.await {
        Ok((Means { outbox, carrier, key, spend }, accounts)) => {
            let trail: Arc<dyn Trail> = Arc::<Store>::clone(store);
            let links = Arc::new(Links(link(settings.public_url.clone(), key)));
            let reader = reader::run(Arc::clone(app), trail, Arc::clone(&outbox), links);
            let alike = switches::run(Arc::clone(app), Arc::clone(&outbox), shared);
            let limits = Limits { spend, a_second: settings.texts_a_second };
            let sender = sender::run(Arc::clone(app), outbox, carrier, limits);
            let mut tasks = vec![tokio::spawn(reader), tokio::spawn(sender), tokio::spawn(alike)];
            tasks.extend(watch_numbers(settings, app, accounts));
            Tasks(tasks)
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "nobody will be told of missed calls and messages");
            Tasks::default()
        }
    }
}

/// Looks after the numbers, where it is known how we are reached.
fn watch_numbers(settings: &Settings, app: &Arc<App>, accounts: Arc<Accounts>) -> Option<JoinHandle<()>> {
    let service = settings.public_url.clone()?;
    Some(tokio::spawn(drift::run(Arc::clone(app), accounts, service, settings.fallback_url.clone())))
}

/// Addresses of recordings, where it is known how we are reached.
fn link(public: Option<Origin>, key: ListenKey) -> Box<Link> {
    Box::new(move |org, recording, from| {
        let recording = RecordingSid::parse(recording).ok()?;
        Some(format!("{}{}", public.as_ref()?, key.target(org, &recording, from)))
    })
}

/// What addresses are signed with: on many machines what all of them have, and on one alone a key of its own. One
/// machine may get company: what it signed before stays good there.
fn listen_key(settings: &Settings, ring: Option<&Ring>) -> anyhow::Result<ListenKey> {
    let shared = ring.filter(|_| settings.database_url.is_some());
    let mut common = shared.into_iter().flat_map(Ring::signs).cloned();
    let Some(signs) = common.next() else { return own_key(&settings.data).map(ListenKey::new) };
    let own = settings.data.join(LISTEN).is_file().then(|| own_key(&settings.data)).transpose()?;
    Ok(ListenKey::new(signs).and(common.chain(own)))
}

/// The key in the data folder; it is made on the first start.
fn own_key(data: &Path) -> anyhow::Result<Secret> {
    let path = data.join(LISTEN);
    let shown = path.display();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Secret::new(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = accounts::random_hex()?;
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            let mut file = file.with_context(|| format!("cannot write `{shown}`"))?;
            file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{shown}`"))?;
            Ok(Secret::new(text))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read `{shown}`")),
    }
}

/// Why nothing can be asked of an account any more.
const ENDING: &str = "the service is ending";

/// Over which accounts requests go, as the directory has it at that moment.
fn ways(app: &Arc<App>, accounts: &Arc<Accounts>) -> (Box<carrier_port::Accounts>, Box<carrier_port::Account>) {
    // What belongs to the service must not keep it.
    let (known, accounts) = ((Arc::downgrade(app), Arc::downgrade(app)), (Arc::clone(accounts), Arc::clone(accounts)));
    let of_organization: Box<carrier_port::Accounts> = Box::new(move |org, from, wanted| {
        let app = known.0.upgrade().ok_or(ENDING)?;
        accounts.0.clients(&app.directory.now(), org, from, wanted).map_err(|error| error.to_string())
    });
    let itself: Box<carrier_port::Account> = Box::new(move |account| {
        let app = known.1.upgrade().ok_or(ENDING)?;
        accounts.1.client_of(&app.directory.now(), account).map_err(|error| error.to_string())
    });
    (of_organization, itself)
}

async fn ready(
    settings: &Settings,
    app: &Arc<App>,
    (accounts, shared): (&Arc<Accounts>, &switches::Shared),
    (gate, key): (Arc<Gate>, ListenKey),
) -> anyhow::Result<Means> {
    let outbox: Arc<dyn Outbox> =
        Arc::new(Desk::shared(&settings.data, settings.database_url.as_ref(), &settings.node)?);
    // The first call must find the switches as they were left, on whatever node.
    outbox.keep(shared.news(&outbox.switches().await?), None).await?;
    app.switches.replace(outbox.switches().await?);
    if accounts.given().is_err() {
        tracing::info!("the settings have no API key: only organizations with a key of their own can send texts");
    }
    let report = settings.public_url.as_ref().map(|url| url.url(Endpoint::MessageStatus.path()));
    let carrier: Arc<dyn Carrier> = Arc::new(Texts::new(gate, ways(app, accounts), report));
    let spend = Arc::new(settings.spend.clone());
    let means = Means { outbox, carrier, key, spend };
    app.outreach.set(means.clone());
    Ok(means)
}
