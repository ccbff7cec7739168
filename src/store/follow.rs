//! The archive as those see it who follow the trail.

use std::sync::Arc;

use crate::app::ports::JournalError;
use crate::app::trail::{Kept, Stored, Trail};
use crate::store::archive::Archive;

impl Trail for Archive {
    fn after(&self, seq: i64, most: usize) -> Result<Vec<Kept>, JournalError> {
        let kept = self.records_after(seq, most)?.into_iter().map(|kept| {
            let body = serde_json::to_string(&kept.record);
            let body = body.map_err(|error| JournalError::Unreadable(error.to_string()))?;
            Ok(Kept { seq: kept.seq, record: Arc::new(kept.record), body: body.into() })
        });
        kept.collect()
    }

    fn stored(&self, seq: i64, most: usize) -> Result<Vec<Stored>, JournalError> {
        self.stored_after(seq, most)
    }

    fn latest(&self) -> Result<i64, JournalError> {
        Self::latest(self)
    }
}
