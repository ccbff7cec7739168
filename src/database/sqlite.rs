//! Files of SQLite: which form they have, and one program at a time to bring them to another.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};
use rustix::fs::{StatVfs, StatVfsMountFlags};

/// Bytes that a start needs at least.
const ROOM: u64 = 1 << 20;

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

/// Whether there is no room left where the file is: the engine then calls it an error of the disk, or says that it
/// cannot open it.
pub fn is_out_of_room(file: &Path) -> bool {
    let named = |folder: &&Path| !folder.as_os_str().is_empty();
    let folder = if file.is_dir() { Some(file) } else { file.parent() };
    let left = rustix::fs::statvfs(folder.filter(named).unwrap_or(Path::new("."))).ok();
    // What is only read has no room and needs none.
    let writes = |disk: &StatVfs| disk.f_blocks > 0 && !disk.f_flag.contains(StatVfsMountFlags::RDONLY);
    left.filter(writes).is_some_and(|disk| disk.f_bavail * disk.f_frsize < ROOM)
}

/// What to do about a file that cannot be used.
pub fn way_out(file: &Path) -> &'static str {
    if is_out_of_room(file) {
        "the disk is full: make room, and start again"
    } else {
        "let this user write to it, or choose another folder with `--data`"
    }
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
