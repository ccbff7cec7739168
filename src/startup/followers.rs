//! Those who follow the trail beside the calls: sinks, the chain, and the eye on the disk.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::ack::{Acks, Shared};
use crate::app::board::{Board, ChainState, DiskState};
use crate::app::trail::{Trail, Window};
use crate::app::turns::Turns;
use crate::database::Address;
use crate::disk::{Reserve, Room};
use crate::feed::plan::{Place, Sink};
use crate::seal::{self, Follower, Keys, SealError, Sealing};
use crate::settings::{Ack, Settings};
use crate::sinks::{Pace, Sinks, Surroundings};
use crate::startup::quiet::Quiet;
use crate::startup::trials;
use crate::store::Store;

/// How long sinks may take to finish what they are at.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at the disk.
const LOOK: Duration = Duration::from_secs(20);

/// All of them.
#[derive(Debug)]
pub(in crate::startup) struct Followers {
    shipping: Option<Sinks>,
    sinks: Option<Sinks>,
    sealing: Option<Sealing>,
    disk: JoinHandle<()>,
    trials: JoinHandle<()>,
    #[expect(dead_code, reason = "its threads end with it")]
    quiet: Option<Quiet>,
}

impl Followers {
    /// Starts them behind the calls that are answered. What cannot be used is told of and left out.
    pub(in crate::startup) fn start(
        settings: &Settings,
        app: &Arc<App>,
        store: &Store,
        acks: Option<Arc<Acks>>,
    ) -> Self {
        let trail: Arc<dyn Trail> = Arc::new(store.archive().clone());
        let window = Arc::new(Window::new(trail));
        let journal = Arc::clone(&app.journal);
        let turns = Arc::new(Turns::behind(move || journal.health().written));
        let quiet =
            Quiet::start().inspect_err(|error| tracing::warn!(%error, "sinks share the threads of callers")).ok();
        let keys = Keys::open(&settings.data);
        // What answers wait for is as urgent as they are.
        let urgent = match (&keys, acks) {
            (Ok(keys), Some(acks)) => Some((keys, acks)),
            _ => None,
        };
        let shipping = urgent.map(|(keys, acks)| {
            let around =
                Surroundings { acks: Some(acks), turns: None, ..surroundings(settings, app, (&window, &turns), keys) };
            Sinks::start(&[Sink::merged()], &around)
        });
        let _there = quiet.as_ref().and_then(Quiet::enter);
        let disk = tokio::spawn(watch(settings.data.clone(), Arc::clone(&app.board)));
        let trials = trials::watch(settings, app, &window);
        let keys = match keys {
            Ok(keys) => keys,
            Err(error) => {
                unsealed(&app.board, &error);
                for sink in plans(settings) {
                    app.board.sink(&sink.name, |state| {
                        state.kind = sink.place.word();
                        state.failing = Some(error.to_string());
                    });
                }
                return Self { shipping: None, sinks: None, sealing: None, disk, trials, quiet };
            }
        };
        let mut plans = plans(settings);
        plans.retain(|plan| shipping.is_none() || plan.place != Place::Merged);
        let around = || surroundings(settings, app, (&window, &turns), &keys);
        let sinks = (!plans.is_empty()).then(|| Sinks::start(&plans, &around()));
        let sealing = settings.audit_chain.then(|| {
            let folder = seal::Folder::make(&settings.data, &settings.node)?;
            let (board, clock) = (Arc::clone(&app.board), Arc::clone(&app.clock));
            Follower::open(folder, keys.signer, (window, turns), board, clock).map(Follower::start)
        });
        let sealing = sealing.transpose().unwrap_or_else(|error| {
            unsealed(&app.board, &error);
            None
        });
        Self { shipping, sinks, sealing, disk, trials, quiet }
    }

    /// Lets them finish what they are at.
    pub(in crate::startup) async fn stop(self) {
        self.disk.abort();
        self.trials.abort();
        // Cut off is how it is meant to end; it must have let go of the service.
        drop(self.trials.await);
        for sinks in [self.shipping, self.sinks].into_iter().flatten() {
            sinks.stop(PATIENCE).await;
        }
        if let Some(sealing) = self.sealing {
            sealing.stop().await;
        }
    }
}

/// Says that nothing is bound.
fn unsealed(board: &Board, error: &SealError) {
    tracing::error!(%error, "records are not bound to the chain");
    board.chain(ChainState { broken: Some(error.to_string()), ..ChainState::default() });
}

/// The folder in which sinks keep how far they have come.
pub fn sinks_folder(data: &Path) -> PathBuf {
    data.join("sinks")
}

/// All that the settings name, and the trail of all nodes where there is a database.
pub fn plans(settings: &Settings) -> Vec<Sink> {
    settings.database_url.iter().map(|_| Sink::merged()).chain(settings.sinks.iter().cloned()).collect()
}

/// Has answers wait for the trail of all nodes, where they are to.
pub(in crate::startup) fn answers_wait(settings: &Settings, app: &mut App) -> Option<Arc<Acks>> {
    let Ack::Shared(wait) = settings.ack else { return None };
    let acks = Arc::new(Acks::new(wait, Arc::clone(&app.board)));
    let (journal, clock) = (Arc::clone(&app.journal), Arc::clone(&app.clock));
    app.journal = Arc::new(Shared::new(journal, Arc::clone(&acks), clock, &settings.node));
    Some(acks)
}

fn surroundings(
    settings: &Settings,
    app: &App,
    (window, turns): (&Arc<Window>, &Arc<Turns>),
    keys: &Keys,
) -> Surroundings {
    let folder = sinks_folder(&settings.data);
    // Without the folder each sink says that its cursor cannot be written.
    if let Err(error) = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder) {
        tracing::error!(%error, folder = %folder.display(), "the folder of the sinks cannot be made");
    }
    Surroundings {
        window: Arc::clone(window),
        board: Arc::clone(&app.board),
        clock: Arc::clone(&app.clock),
        database: settings.database_url.as_ref().and_then(|url| Address::parse(url).ok()),
        signer: settings.audit_chain.then(|| Arc::clone(&keys.signer)),
        acks: None,
        folder,
        key: keys.numbers,
        pace: Pace::default(),
        turns: Some(Arc::clone(turns)),
    }
}

async fn watch(data: PathBuf, board: Arc<Board>) {
    loop {
        let folder = data.clone();
        let looked = tokio::task::spawn_blocking(move || look_after(&folder)).await;
        if let Ok(Ok(room)) = looked {
            let disk = DiskState::new(room.free, room.size);
            if disk.filling && !board.disk_state().is_some_and(|before| before.filling) {
                let DiskState { free, size, .. } = disk;
                tracing::error!(free, size, "the disk of the data folder is filling: records will have no room");
            }
            board.disk(disk);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// How much room there is, and some of it is set aside.
fn look_after(folder: &Path) -> std::io::Result<Room> {
    let room = Room::of(folder)?;
    if let Err(error) = Reserve::of(folder).set_aside(room.free) {
        tracing::debug!(%error, "no room is set aside on the disk");
    }
    Ok(room)
}
