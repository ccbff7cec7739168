//! What a decision must be safe in before it is answered.

use std::time::Duration;

use crate::settings::Reader;

/// What a decision must be safe in before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// This node's journal.
    Local,
    /// The trail of all nodes as well, which is waited for so long.
    Shared(Duration),
}

impl Reader<'_> {
    /// None only when a fault was kept.
    pub(in crate::settings) fn ack(&mut self, journal_deadline: Option<Duration>) -> Option<Ack> {
        let shared = self.read("audit_ack", "`local` or `shared`", |text| match text {
            "local" => Some(false),
            "shared" => Some(true),
            _ => None,
        });
        let wait = self.seconds("audit_ack_wait", 0..=10)?;
        if !shared? {
            return Some(Ack::Local);
        }
        if self.layers.get("database_url").is_none() {
            self.fault(
                "audit_ack",
                "`shared` needs the database of all nodes: set `RINGFALL_DATABASE_URL` or `…_FILE`",
            );
        }
        if let Some(deadline) = journal_deadline.filter(|deadline| wait >= *deadline) {
            self.fault("audit_ack_wait", format!("must be shorter than `journal_deadline`, which is {deadline:?}"));
        }
        Some(Ack::Shared(wait))
    }
}
