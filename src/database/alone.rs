//! One program at a time: several may start at once, and a file of SQLite is made and brought up by one of them.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Does something with the file while no other program does. The lock beside it stays, as one who waits for it may hold
/// it open.
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
