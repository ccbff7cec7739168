//! The disk under a folder: how much room it has, what to say when it has none, and room that is set aside on it.

use std::io;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

mod reserve;

pub use crate::disk::reserve::Reserve;

/// Bytes without which nothing can be begun.
const ROOM: u64 = 1 << 20;

/// The room of a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Free for this user.
    pub free: u64,
    /// The whole disk.
    pub size: u64,
    /// Whether it is only read: it has no room and needs none.
    pub read_only: bool,
}

impl Room {
    /// Of the disk that the folder is on.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let disk = statvfs(folder)?;
        Ok(Self {
            free: disk.f_bavail * disk.f_frsize,
            size: disk.f_blocks * disk.f_frsize,
            read_only: disk.f_flag.contains(StatVfsMountFlags::RDONLY),
        })
    }

    const fn is_out(self) -> bool {
        self.size > 0 && !self.read_only && self.free < ROOM
    }
}

/// Whether there is no room left where the file is: the database engine then calls it an error of the disk, or says that
/// it cannot open it.
pub fn is_out_of_room(file: &Path) -> bool {
    let folder = if file.is_dir() { Some(file) } else { file.parent() };
    Room::of(folder.unwrap_or(Path::new(""))).is_ok_and(Room::is_out)
}

/// What to do about a file that cannot be used.
pub fn way_out(file: &Path) -> &'static str {
    if is_out_of_room(file) {
        "the disk is full: make room, and start again"
    } else {
        "let this user write to it, or choose another folder with `--data`"
    }
}
