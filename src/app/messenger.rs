//! People are told: the journal's news become texts, texts go out, and what people answer is heeded.
//!
//! None of this is on a caller's time. Everything is read from the journal behind its writing and kept in an outbox
//! in the same step as the place that was read to, so that a crash at any point loses and doubles nothing.

pub mod ports;
pub mod reader;
pub mod sender;
pub mod switchboard;

use std::sync::{Arc, OnceLock};

use crate::app::messenger::ports::{Carrier, Outbox};

/// How telling people stands, for the readiness page and the metrics.
#[derive(Debug, Default)]
pub struct Outreach(OnceLock<(Arc<dyn Outbox>, Arc<dyn Carrier>)>);

impl Outreach {
    /// It has started.
    pub fn set(&self, outbox: &Arc<dyn Outbox>, carrier: &Arc<dyn Carrier>) {
        // It starts once; a second start would be of the same.
        drop(self.0.set((Arc::clone(outbox), Arc::clone(carrier))));
    }

    /// Texts by state, and each account's breaker in a word; nothing when people are not told at all.
    pub async fn standing(&self) -> Option<(Vec<(String, u64)>, Vec<(String, &'static str)>)> {
        let (outbox, carrier) = self.0.get()?;
        Some((outbox.counts().await.ok()?, carrier.standings()))
    }
}
