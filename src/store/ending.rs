//! The end of the writing thread: what still waits is written if there is any way.

use std::time::Duration;

use crossbeam_channel::Receiver;

use crate::store::writer::{Job, TICK, Writer};

impl Writer {
    /// Tries to write what waits, again and again, until it is safe or patience is at its end. How many are lost.
    pub(in crate::store) fn write_the_last(&mut self, jobs: &Receiver<Job>, patience: Duration) -> usize {
        let mut rounds = patience.as_millis().div_ceil(TICK.as_millis());
        self.write_deferred();
        if self.deferred.is_waiting() && self.reserve.give() {
            tracing::warn!("the journal is written to the room that was set aside on its disk");
            self.write_deferred();
        }
        if self.deferred.is_waiting() && rounds > 0 {
            let (records, seconds) = (self.deferred.len(), patience.as_secs());
            tracing::warn!(records, seconds, "stopping waits until the journal can write; make room on its disk now");
        }
        while self.deferred.is_waiting() && rounds > 0 {
            std::thread::sleep(TICK);
            let why = self.counts.why();
            // What comes so late waits with the others.
            jobs.try_iter().for_each(|job| self.defer(job, &why));
            self.write_deferred();
            rounds -= 1;
        }
        let records = self.deferred.len();
        if records > 0 {
            tracing::error!(records, "records that could not be written are lost by stopping now");
        }
        records
    }
}
