//! Sees that another process has changed the file.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use crate::tenant::event::Cursor;
use crate::tenants::sqlite::read;

/// Between two looks; a look reads one number in shared memory.
const EVERY: Duration = Duration::from_millis(200);

/// A thread that looks; it ends when this is dropped.
#[derive(Debug)]
pub(in crate::tenants::sqlite) struct Follower {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    pub(in crate::tenants::sqlite) fn start(
        connection: Connection,
        cursor: Arc<watch::Sender<Cursor>>,
    ) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let work = move || follow(&connection, &cursor, &told);
        let thread = thread::Builder::new().name("tenants".to_owned()).spawn(work)?;
        Ok(Self { over, thread: Some(thread) })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            drop(thread.join());
        }
    }
}

fn follow(connection: &Connection, cursor: &watch::Sender<Cursor>, over: &AtomicBool) {
    let mut seen = None;
    while !over.load(Ordering::Acquire) {
        let version = connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).ok();
        // What cannot be read now is looked for again next time.
        if version != seen
            && let Ok(last) = read::last(connection)
        {
            seen = version;
            advance(cursor, last);
        }
        thread::park_timeout(EVERY);
    }
}

/// Tells everybody who waits; never back.
pub(in crate::tenants::sqlite) fn advance(cursor: &watch::Sender<Cursor>, last: Cursor) {
    cursor.send_if_modified(|known| {
        let newer = last > *known;
        *known = last.max(*known);
        newer
    });
}
