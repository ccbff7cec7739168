//! Sends records on to where their owners read them: each sink at its own pace, from its own cursor, and never on a
//! caller's time.

mod aside;
mod cursor;
mod erase;
mod file;
mod firestore;
pub(crate) mod google;
mod http;
mod lines;
mod postgres;
mod runner;
mod sheet;
pub(crate) mod web;

pub use crate::sinks::cursor::{Standing, standing};
pub use crate::sinks::erase::erase;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::ack::Acks;
use crate::app::board::Board;
use crate::app::ports::{Clock, Later};
use crate::app::trail::Window;
use crate::app::turns::Turns;
use crate::audit::record::Record;
use crate::chain::checkpoint::Signer;
use crate::chain::entry::Print;
use crate::database::Address;
use crate::feed::plan::{Place, Sink};
use crate::sinks::runner::Runner;

/// What all sinks share.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Where the records come from.
    pub window: Arc<Window>,
    /// Where it is shown how they stand.
    pub board: Arc<Board>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where the trail of all nodes is.
    pub database: Option<Address>,
    /// Who signs for what is sent there; none when it is not bound.
    pub signer: Option<Arc<Signer>>,
    /// Who waits for the trail of all nodes.
    pub acks: Option<Arc<Acks>>,
    /// The folder of their cursors and of what is set aside.
    pub folder: PathBuf,
    /// What pseudonyms are made with.
    pub key: [u8; 32],
    /// How often they look and try.
    pub pace: Pace,
    /// The turns that they take behind callers; none when callers wait for them.
    pub turns: Option<Arc<Turns>>,
}

/// How often a sink looks for records, and tries again.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two looks when there was nothing.
    pub idle: Duration,
    /// Before the second try.
    pub first_pause: Duration,
    /// Between two tries at most.
    pub longest_pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            idle: Duration::from_millis(300),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

/// All sinks at work.
#[derive(Debug)]
pub struct Sinks {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sinks {
    /// Starts them. A sink whose files cannot be used is told of and left out: callers come first.
    pub fn start(plans: &[Sink], around: &Surroundings) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        for plan in plans {
            let runner = place(plan, around).and_then(|place| Runner::new(plan.clone(), around.clone(), place));
            match runner {
                Ok(runner) => tasks.push(tokio::spawn(runner.run(stopped.clone()))),
                Err(error) => {
                    let why = format!("{error:#}");
                    tracing::error!(sink = %plan.name, %why, "the sink cannot be used; mend it and start again");
                    around.board.sink(&plan.name, |state| {
                        state.kind = plan.place.word();
                        state.failing = Some(why);
                    });
                }
            }
        }
        Self { stop, tasks }
    }

    /// Lets each finish what it is at, for a while, and ends them.
    pub async fn stop(self, patience: Duration) {
        self.stop.send_replace(true);
        let all = futures_util::future::join_all(self.tasks);
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("a sink did not end in time; what it has not confirmed is sent again at the next start");
        }
    }
}

fn place(plan: &Sink, around: &Surroundings) -> anyhow::Result<Box<dyn Deliver>> {
    use anyhow::Context as _;
    let clock = &around.clock;
    let made: anyhow::Result<Box<dyn Deliver>> = match &plan.place {
        Place::File(file) => Ok(Box::new(file::FileLines::new(file))),
        Place::Stdout => Ok(Box::new(lines::Stdout::records())),
        Place::CloudWatch(it) => Ok(match &it.path {
            Some(path) => Box::new(file::FileLines::metrics(path, &it.namespace)),
            None => Box::new(lines::Stdout::metrics(&it.namespace)),
        }),
        Place::Http(it) => http::Receiver::new(it, clock).map(|place| Box::new(place) as Box<dyn Deliver>),
        Place::Merged => match &around.database {
            Some(address) => postgres::Postgres::at(address, around.signer.clone(), clock)
                .map(|place| Box::new(place) as Box<dyn Deliver>),
            None => Err(anyhow::anyhow!("no database is set")),
        },
        Place::Postgres(it) => postgres::Postgres::new(it, clock).map(|place| Box::new(place) as Box<dyn Deliver>),
        Place::Sheet(it) => sheet::Sheet::new(it, clock).map(|place| Box::new(place) as Box<dyn Deliver>),
        Place::Firestore(it) => firestore::Firestore::new(it, clock).map(|place| Box::new(place) as Box<dyn Deliver>),
    };
    made.with_context(|| format!("the sink `{}` cannot be used", plan.name))
}

/// A record on its way, as this sink may have it.
#[derive(Debug, Clone)]
struct Item {
    /// Its place in the trail.
    seq: i64,
    /// The record.
    record: Arc<Record>,
    /// Its written form.
    body: Arc<str>,
    /// What is bound of it, when it was made while it was read.
    print: Option<Print>,
}

/// How much a place takes at once.
#[derive(Debug, Clone, Copy)]
struct Portion {
    /// Records.
    count: usize,
    /// Bytes of their written form; a single record may be larger.
    bytes: usize,
}

/// Why a portion was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It may be taken later.
    Later {
        /// What happened.
        why: String,
        /// When the place wants to be asked again.
        after: Option<Duration>,
    },
    /// Something in it will never be taken.
    Never(String),
}

impl Trouble {
    fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }
}

/// What a place remembers between two starts, written down together with the cursor.
type Memory = serde_json::Value;

/// A place that takes records. Taking one twice must leave it there once, wherever the place allows that.
trait Deliver: Send {
    /// How much it takes at once.
    fn portion(&self) -> Portion;

    /// Whether rows of this record are kept there; those that are not are passed over.
    fn wants(&self, _record: &Record) -> bool {
        true
    }

    /// Whether what it takes is bound to a chain: then that is prepared while records are read.
    fn binds(&self) -> bool {
        false
    }

    /// Takes the portion, all of it or nothing that counts.
    fn deliver<'a>(&'a mut self, items: &'a [Item], memory: &'a mut Memory) -> Later<'a, Result<(), Trouble>>;
}
