//! Opens the file: folder, lock, settings of the engine, and the steps to the current form.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::database::sqlite::{Newer, form};
use crate::disk::{Reserve, Room};
use crate::store::error::StoreError;

mod migrations {
    //! The steps to the current form, compiled in.
    refinery::embed_migrations!("src/store/migrations/steps");
}

/// The steps taken so far stand in this table.
const STEPS: &str = "refinery_schema_history";

/// The file of the journal in its folder.
pub(in crate::store) const FILE: &str = "ringfall.db";

/// The folder that this process alone writes to, until it is dropped.
#[derive(Debug)]
pub(in crate::store) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Drop for Folder {
    /// Gives it back by name: a process that is being started at that moment holds a copy of all files for an instant, and
    /// closing ours alone would leave the folder taken.
    fn drop(&mut self) {
        // What cannot be given back is given back by the closing.
        drop(self.lock.unlock());
    }
}

impl Folder {
    /// Makes the folder if need be, and takes it.
    pub(in crate::store) fn take(path: &Path) -> Result<Self, StoreError> {
        let cannot = |source| StoreError::Folder { folder: path.to_owned(), source };
        make(path).map_err(cannot)?;
        let mut options = OpenOptions::new();
        let mut lock = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(OWN)
            .open(path.join("ringfall.lock"))
            .map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // The holder's name is a courtesy: without it the refusal stands all the same.
                drop(lock.read_to_string(&mut pid));
                let pid = pid.trim();
                let holder =
                    if pid.is_empty() { "another process".to_owned() } else { format!("the process with id {pid}") };
                return Err(StoreError::Held { folder: path.to_owned(), holder });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(cannot(source)),
        }
        // So is ours, and there may be no room for it.
        let named = lock.set_len(0).and_then(|()| lock.rewind());
        drop(named.and_then(|()| writeln!(lock, "{}", std::process::id())));
        let reserve = Reserve::of(path);
        if Room::of(path).is_ok_and(|room| reserve.help_to_start(room.free)) {
            tracing::error!(folder = %path.display(), "the disk is full: this start uses the room that was set aside; make room now");
        }
        Ok(Self { path: path.to_owned(), lock })
    }

    /// The file of the journal.
    pub(in crate::store) fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }
}

/// The mode of files that this user alone may read and write.
const OWN: u32 = 0o600;

/// Makes the folder for this user alone: records name callers. A folder that is there keeps its rights.
pub fn make(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens the file for writing and brings it to the current form.
pub(in crate::store) fn prepare(file: &Path) -> Result<Connection, StoreError> {
    let of = |source| StoreError::of(file, source);
    // The engine would make it readable for all, and gives its own two files the rights that this one has.
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(OWN).open(file);
    made.map_err(|source| StoreError::Folder { folder: file.to_owned(), source })?;
    let mut connection = writer(file).map_err(of)?;
    if is_older(file, &connection)? {
        let cannot =
            |error: refinery::Error| StoreError::Migration { file: file.to_owned(), detail: error.to_string() };
        migrations::migrations::runner().run(&mut connection).map_err(cannot)?;
    }
    Ok(connection)
}

/// Whether steps are to be taken; a file with steps that are not known here is refused.
pub(in crate::store) fn is_older(file: &Path, connection: &Connection) -> Result<bool, StoreError> {
    let found = form(connection, STEPS).map_err(|source| StoreError::of(file, source))?;
    let runner = migrations::migrations::runner();
    let known = runner.get_migrations().iter().map(refinery::Migration::version).max().map_or(0, i64::from);
    if found > known {
        return Err(Newer { file: file.to_owned(), found, known }.into());
    }
    Ok(found < known)
}

/// A connection that writes: durable at each commit.
///
/// Pages of 8 kB hold four records each. The log is folded into the file by `checkpoints`; the engine does it itself
/// only when the log has grown to 40,000 pages (320 MB), because that thread does not get on.
pub(in crate::store) fn writer(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", 40_000)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    // What a statement may have to take back is held in memory: it is a few pages, and the disk is the records'.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// A connection that only reads.
pub(in crate::store) fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_lock_in_a_process_that_is_being_started_keeps_nobody_out() {
        let there = tempfile::tempdir().unwrap();
        let folder = Folder::take(there.path()).unwrap();
        assert!(matches!(Folder::take(there.path()), Err(StoreError::Held { .. })));
        let copy = folder.lock.try_clone().unwrap();
        drop(folder);
        let again = Folder::take(there.path());
        assert!(again.is_ok(), "{again:?}");
        drop(copy);
        assert!(matches!(Folder::take(there.path()), Err(StoreError::Held { .. })), "and the new holder keeps it");
    }
}
