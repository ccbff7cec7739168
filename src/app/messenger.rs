//! People are told: the journal's news become texts, texts go out, and what people answer is heeded.
//!
//! None of this is on a caller's time. Everything is read from the journal behind its writing and kept in an outbox
//! in the same step as the place that was read to, so that a crash at any point loses and doubles nothing.

mod bookmark;
pub mod herald;
pub mod listen;
mod pace;
pub mod ports;
pub mod reader;
pub mod sender;
pub mod switchboard;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::app::messenger::listen::ListenKey;
use crate::app::messenger::ports::{Carrier, Outbox};

/// How long a look at the outbox may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// How telling people stands, for the readiness page and the metrics.
#[derive(Debug, Default)]
pub struct Outreach(OnceLock<Means>);

/// What people are told with.
#[derive(Debug, Clone)]
pub struct Means {
    /// Where texts wait.
    pub outbox: Arc<dyn Outbox>,
    /// Who carries them.
    pub carrier: Arc<dyn Carrier>,
    /// What addresses of recordings are signed with.
    pub key: ListenKey,
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
        let place = self.0.get()?.outbox.place().await.ok()?;
        Some(place.record)
    }

    /// Texts by state, and each installation's breaker in a word; nothing when people are not told at all.
    pub async fn standing(&self) -> Option<(Vec<(String, u64)>, Vec<(String, &'static str)>)> {
        let Means { outbox, carrier, .. } = self.0.get()?;
        // Whoever asks how we are does not wait for a database that is away.
        let counts = tokio::time::timeout(PATIENCE, outbox.counts()).await;
        Some((counts.ok()?.ok()?, carrier.standings()))
    }
}
