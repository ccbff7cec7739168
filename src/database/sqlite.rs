//! Files of SQLite: which form they have, and one program at a time to bring them to another.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};

/// A file that a newer program has written.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{}` has form {found}, and this program knows forms up to {known}; run the newer program that wrote it, put back what was saved before, or choose another folder with `--data`",
    file.display()
)]
pub struct Newer {
    /// The file.
    pub file: PathBuf,
    /// Its form.
    pub found: i64,
    /// The newest form known here.
    pub known: i64,
}

/// The form of the file, by the table with the steps that were taken: 0 for a new one.
pub fn form(connection: &Connection, steps: &str) -> rusqlite::Result<i64> {
    let table = "SELECT 1 FROM sqlite_master WHERE name = ?1";
    if connection.query_row(table, [steps], |_row| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    connection.query_row(&format!("SELECT coalesce(max(version), 0) FROM {steps}"), [], |row| row.get(0))
}

/// Does something with the file while no other program does: several may start at once. The lock beside it stays, as one
/// who waits for it may hold it open.
pub fn alone<T>(file: &Path, deed: impl FnOnce() -> T) -> io::Result<T> {
    let mut beside = file.as_os_str().to_owned();
    beside.push("-upgrade");
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(Path::new(&beside))?;
    lock.lock()?;
    let done = deed();
    // Given back here, however the deed ended.
    drop(lock);
    Ok(done)
}
