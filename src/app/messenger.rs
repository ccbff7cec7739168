//! People are told: the journal's news become texts, texts go out, and what people answer is heeded.
//!
//! None of this is on a caller's time. Everything is read from the journal behind its writing and kept in an outbox
//! in the same step as the place that was read to, so that a crash at any point loses and doubles nothing.

mod bookmark;
pub mod herald;
pub mod listen;
mod pace;
pub mod ports;
mod practice;
mod purse;
pub mod reader;
pub mod sender;
pub mod switchboard;
mod trouble;
mod turning;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::app::messenger::listen::ListenKey;
use crate::app::messenger::ports::{Carrier, Outbox, OutboxError, Spent};
use crate::outreach::spend::{self, Spend};

/// How long a look at the outbox may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// How telling people stands, for the readiness page and the metrics.
#[derive(Debug, Default)]
pub struct Outreach(OnceLock<Means>);

/// How telling people stands at a moment.
#[derive(Debug)]
pub struct Standing {
    /// Texts by state.
    pub texts: Vec<(String, u64)>,
    /// How each installation's requests fare, in a word.
    pub carrier: Vec<(String, &'static str)>,
    /// What organizations have spent today, and how that stands to their ceilings.
    pub spent: Vec<(spend::Standing, Spent)>,
}

/// What people are told with.
#[derive(Debug, Clone)]
pub struct Means {
    /// Where texts wait.
    pub outbox: Arc<dyn Outbox>,
    /// Who carries them.
    pub carrier: Arc<dyn Carrier>,
    /// What addresses of recordings are signed with.
    pub key: ListenKey,
    /// What texts cost, and how much may be spent.
    pub spend: Arc<Spend>,
}

impl Outreach {
    /// It has started.
    pub fn set(&self, means: Means) {
        // It starts once; a second start would be of the same.
        drop(self.0.set(means));
    }

    /// What people are told with; nothing when they are not told at all.
    pub fn means(&self) -> Option<&Means> {
        self.0.get()
    }

    /// What recordings are fetched with, and what their addresses are checked with.
    pub fn listening(&self) -> Option<(&dyn Carrier, &ListenKey)> {
        self.0.get().map(|means| (&*means.carrier, &means.key))
    }

    /// The place up to which the journal was read for telling people.
    pub async fn place(&self) -> Option<i64> {
        self.0.get()?.outbox.place().await.ok()
    }

    /// Lets go of what was settled before that moment, of one organization or of all; how many rows.
    pub async fn let_go(&self, org: Option<&str>, before: i64) -> Result<usize, OutboxError> {
        let Some(Means { outbox, .. }) = self.0.get() else { return Ok(0) };
        let mut gone = 0;
        loop {
            let some = outbox.let_go(org, before).await?;
            gone += some;
            if some == 0 {
                return Ok(gone);
            }
        }
    }

    /// How it stands at that moment; nothing when people are not told at all.
    pub async fn standing(&self, now: i64) -> Option<Standing> {
        let Means { outbox, carrier, spend, .. } = self.0.get()?;
        // Whoever asks how we are does not wait for a database that is away.
        let asked = async { Some((outbox.counts().await.ok()?, outbox.spent(now).await.ok()?)) };
        let (texts, spent) = tokio::time::timeout(PATIENCE, asked).await.ok()??;
        let ceiling = |spent: Spent| (spend.standing(&spent.org, spent.spent), spent);
        Some(Standing { texts, carrier: carrier.standings(), spent: spent.into_iter().map(ceiling).collect() })
    }
}
