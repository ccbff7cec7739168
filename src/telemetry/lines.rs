//! Log lines on their way to standard error: whoever answers a call never waits for whoever reads the log.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use tracing_subscriber::fmt::MakeWriter;

use crate::telemetry::masked;

/// Lines that wait at most, some 5 MB; when standard error is stuck for longer, the next ones are left out and counted.
const WAITING: usize = 20_000;

/// How long lines gather: too short for eyes, and long enough that a busy server writes many at once.
const GATHER: Duration = Duration::from_millis(10);

/// How long the end waits for the last lines.
const PATIENCE: Duration = Duration::from_secs(1);

enum Job {
    Line(Vec<u8>),
    End(Sender<()>),
}

/// The way to standard error, with every phone number masked: a second net below the types that mask themselves.
#[derive(Clone)]
pub(super) struct Lines {
    jobs: Sender<Job>,
    left_out: Arc<AtomicU64>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Lines")
    }
}

impl Lines {
    /// Starts the thread that writes.
    pub(super) fn start() -> io::Result<Self> {
        // Room is taken when lines wait, and not for as many as may.
        let (jobs, waiting) = unbounded();
        let left_out = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&left_out);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || work(&waiting, &counted))?;
        Ok(Self { jobs, left_out })
    }

    /// Waits until what was said so far is written, for a while.
    pub(super) fn finish(&self) {
        let (done, told) = bounded(1);
        if self.jobs.send(Job::End(done)).is_ok() {
            // Whether the last lines made it or not, there is nobody left to tell.
            let _unheard = told.recv_timeout(PATIENCE);
        }
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.jobs.len() >= WAITING || self.jobs.send(Job::Line(line.to_vec())).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn work(waiting: &Receiver<Job>, left_out: &AtomicU64) {
    let mut text = Vec::new();
    for first in waiting {
        if matches!(first, Job::Line(_)) {
            std::thread::sleep(GATHER);
        }
        let mut ended = Vec::new();
        for job in std::iter::once(first).chain(waiting.try_iter()) {
            match job {
                Job::Line(line) => text.extend_from_slice(&masked(&line)),
                Job::End(done) => ended.push(done),
            }
        }
        let missing = left_out.swap(0, Ordering::Relaxed);
        if missing > 0 {
            text.extend_from_slice(format!("{missing} lines are left out: nobody reads them fast enough\n").as_bytes());
        }
        // A log that cannot be written has no place to say so.
        drop(io::stderr().lock().write_all(&text));
        text.clear();
        for done in ended {
            let _unheard = done.send(());
        }
    }
}
