//! What the running service does with a request; its ports to the outside are traits.

pub mod access;
pub mod ack;
pub mod answer;
pub mod board;
pub mod directory;
pub mod ended;
pub mod jumps;
pub mod live;
pub mod messenger;
pub mod metrics;
pub mod network;
pub mod outside;
pub mod ports;
pub mod retention;
pub mod revisions;
pub mod rollout;
pub mod switching;
pub mod tenancy;
pub mod trail;
pub mod trial;
pub mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::app::board::Board;
use crate::app::directory::Directory;
use crate::app::ended::Ended;
use crate::app::jumps::Jumps;
use crate::app::live::Live;
use crate::app::messenger::Outreach;
use crate::app::messenger::herald::Heralds;
use crate::app::messenger::switchboard::Switchboard;
use crate::app::metrics::Metrics;
use crate::app::ports::{Clock, Journal};
use crate::app::tenancy::Tenants;
use crate::app::trial::standing::Trials;
use crate::webhook::raw::Limits;

/// Everything that a request may use.
#[derive(Debug)]
pub struct App {
    /// The rules that answer.
    pub live: Live,
    /// Who may call.
    pub directory: Directory,
    /// Where organizations are kept; no answer waits for it.
    pub tenants: Arc<dyn Tenants>,
    /// Where records are kept.
    pub journal: Arc<dyn Journal>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// How those who follow the trail stand.
    pub board: Arc<Board>,
    /// What the installation was told.
    pub manners: Manners,
    /// The switches as calls see them.
    pub switches: Switchboard,
    /// How rules on trial fare.
    pub trials: Trials,
    /// Calls that have ended on other nodes.
    pub ended: Ended,
    /// How the clock was set.
    pub jumps: Jumps,
    /// How telling people stands.
    pub outreach: Outreach,
    /// Who carries notices to channels.
    pub heralds: Heralds,
    /// Whether calls are wanted: not before everything is loaded, and no more when stopping.
    pub open: Gate,
    /// How many security events were written down lately.
    pub events: Allowance,
    /// How many log lines told lately of requests that were refused unread.
    pub unread: Allowance,
}

/// How the service behaves.
#[derive(Debug, Clone)]
pub struct Manners {
    /// The machine's name in records.
    pub node: String,
    /// Path of the public address; empty, or with a slash before and none behind.
    pub prefix: String,
    /// What a request may cost before it is believed.
    pub limits: Limits,
    /// Time for one answer.
    pub deadline: Duration,
    /// Wait for the journal within that.
    pub journal_deadline: Duration,
}

/// Open or shut; many threads look at it.
#[derive(Debug, Default)]
pub struct Gate(AtomicBool);

impl Gate {
    /// Lets calls in.
    pub fn open(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Wants no more calls; those that come are answered all the same.
    pub fn shut(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Whether calls are wanted.
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// So many in a minute, and no more.
#[derive(Debug, Default)]
pub struct Allowance {
    minute: AtomicI64,
    used: AtomicU32,
}

impl Allowance {
    /// Whether one more is allowed at this second.
    pub fn allows(&self, second: i64, most: u32) -> bool {
        let minute = second.div_euclid(60);
        if self.minute.swap(minute, Ordering::AcqRel) != minute {
            self.used.store(0, Ordering::Release);
        }
        self.used.fetch_add(1, Ordering::AcqRel) < most
    }
}

impl App {
    /// The time from an instant until now; nothing when the clock was set back meanwhile.
    fn since(&self, started: Timestamp) -> Duration {
        Duration::try_from(self.clock.now().duration_since(started)).unwrap_or_default()
    }
}
