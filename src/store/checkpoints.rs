//! Folds the log into the file beside the writing, so that no caller waits for it.
//!
//! The engine would do it within a commit, with tens of milliseconds of copying and waiting for the disk. A thread
//! of its own does the bulk; what was written meanwhile is little, and the writer folds it in itself, after which the
//! log starts anew.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;

use crate::store::open;

/// Rows after which the log is folded: some 20 MB. More makes the log longer to read at a start after a crash, fewer
/// writes pages that change often more times than need be.
const EVERY: usize = 4000;

/// The thread, and what the writer knows of it.
#[derive(Debug)]
pub(in crate::store) struct Checkpoints {
    ask: Option<Sender<()>>,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    since: usize,
    underway: bool,
}

impl Checkpoints {
    /// Starts the thread.
    pub(in crate::store) fn start(file: PathBuf) -> io::Result<Self> {
        let (ask, asked) = bounded(1);
        let done = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&done);
        let thread = std::thread::Builder::new().name("journal-log".to_owned());
        let thread = thread.spawn(move || work(&file, &asked, &tell))?;
        Ok(Self { ask: Some(ask), done, thread: Some(thread), since: 0, underway: false })
    }

    /// So many rows were written; call it between two transactions.
    pub(in crate::store) fn wrote(&mut self, connection: &Connection, rows: usize) {
        self.since += rows;
        if self.underway && self.done.swap(false, Ordering::AcqRel) {
            self.underway = false;
            self.since = 0;
            fold(connection);
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

fn work(file: &std::path::Path, asked: &Receiver<()>, done: &AtomicBool) {
    let mut connection = None;
    for () in asked {
        if connection.is_none() {
            connection = open::writer(file).ok();
        }
        if let Some(connection) = &connection {
            fold(connection);
        }
        done.store(true, Ordering::Release);
    }
}

/// Folds in what can be without anybody waiting. What cannot be now is folded the next time; a disk that fails shows
/// at the next commit.
fn fold(connection: &Connection) {
    drop(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0)));
}
