//! Folds the log into the file beside the writing, so that no caller waits for it.
//!
//! The engine would do it within a commit, with tens of milliseconds of copying and waiting for the disk. A thread
//! of its own does it, a little at a time. The log starts anew whenever nothing was written meanwhile; when calls come
//! in without a pause it grows, and the writer folds in the rest itself, once in a while.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;

use crate::store::open;

/// Rows after which the log is folded: less than a megabyte, so that no commit waits behind a long queue for the disk. On
/// two cores at half load one answer in a hundred took 8 ms with it, 11 with 500 rows, 34 with 4,000; how much could be
/// answered was the same.
const EVERY: usize = 300;

/// Pages of the log, 128 MB of them, from which on the writer ends it: seconds of a busy node, and still read in a
/// fraction of a second at a start after a crash.
const LONG: i64 = 16_384;

/// The thread, and what the writer knows of it.
#[derive(Debug)]
pub(in crate::store) struct Checkpoints {
    ask: Option<Sender<()>>,
    done: Arc<AtomicBool>,
    length: Arc<AtomicI64>,
    thread: Option<JoinHandle<()>>,
    since: usize,
    underway: bool,
}

impl Checkpoints {
    /// Starts the thread.
    pub(in crate::store) fn start(file: PathBuf) -> io::Result<Self> {
        let (ask, asked) = bounded(1);
        let done = Arc::new(AtomicBool::new(false));
        let length = Arc::new(AtomicI64::new(0));
        let tell = (Arc::clone(&done), Arc::clone(&length));
        let thread = std::thread::Builder::new().name("journal-log".to_owned());
        let thread = thread.spawn(move || work(&file, &asked, &tell))?;
        Ok(Self { ask: Some(ask), done, length, thread: Some(thread), since: 0, underway: false })
    }

    /// So many rows were written; call it between two transactions.
    pub(in crate::store) fn wrote(&mut self, connection: &Connection, rows: usize) {
        self.since += rows;
        if self.underway && self.done.swap(false, Ordering::AcqRel) {
            self.underway = false;
            self.since = 0;
            if self.length.load(Ordering::Acquire) >= LONG {
                fold(connection);
            }
        } else if !self.underway && self.since >= EVERY {
            self.underway = self.ask.as_ref().is_some_and(|ask| ask.try_send(()).is_ok());
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.ask.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn work(file: &std::path::Path, asked: &Receiver<()>, (done, length): &(Arc<AtomicBool>, Arc<AtomicI64>)) {
    let mut connection = None;
    for () in asked {
        if connection.is_none() {
            connection = open::writer(file).ok();
        }
        if let Some(connection) = &connection {
            length.store(fold(connection), Ordering::Release);
        }
        done.store(true, Ordering::Release);
    }
}

/// Folds in what can be without anybody waiting. What cannot be now is folded the next time; a disk that fails shows
/// at the next commit. Tells how many pages the log has.
fn fold(connection: &Connection) -> i64 {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1)).unwrap_or_default()
}
