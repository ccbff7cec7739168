//! Room that is set aside while there is some: a disk that is full keeps nobody from starting, and takes nothing with it
//! at a stop.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// The file that holds the room.
const FILE: &str = "ringfall.reserve";

/// Bytes that are set aside: some thousand records.
const WHOLE: u64 = 16 << 20;

/// Bytes that a start wants: databases make their files anew, and the first calls come in.
const START: u64 = 4 << 20;

/// Less than this helps nobody.
const LEAST: u64 = 256 << 10;

/// The room set aside in a folder.
#[derive(Debug, Clone)]
pub struct Reserve(PathBuf);

impl Reserve {
    /// The one of the folder.
    pub fn of(folder: &Path) -> Self {
        Self(folder.join(FILE))
    }

    /// Sets room aside where there is not as much yet: half of what is free, and never more than it takes. Where the disk
    /// knows no way to do so, nothing is.
    pub fn set_aside(&self, free: u64) -> io::Result<()> {
        let held = std::fs::metadata(&self.0).map_or(0, |about| about.len());
        // A longer file would be taken for one that has reached its limit.
        let longest = getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX);
        let wanted = (free.saturating_add(held) / 2).min(WHOLE).min(longest);
        if wanted <= held || wanted < LEAST {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(&self.0)?;
        match fallocate(&file, FallocateFlags::empty(), 0, wanted) {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => std::fs::remove_file(&self.0),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the room to a start that finds less than it wants. Whether it did.
    pub fn help_to_start(&self, free: u64) -> bool {
        free < START && self.give()
    }

    /// Gives the room to whoever writes next. Whether there was any.
    pub fn give(&self) -> bool {
        // Emptied first: whoever has the file open would keep its room.
        let emptied = OpenOptions::new().write(true).open(&self.0).and_then(|file| File::set_len(&file, 0));
        emptied.and_then(|()| std::fs::remove_file(&self.0)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(folder: &Path) -> Option<u64> {
        std::fs::metadata(folder.join(FILE)).ok().map(|about| about.len())
    }

    #[test]
    fn half_of_what_is_free_is_set_aside_and_no_more_than_it_takes() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(folder.path());
        reserve.set_aside(LEAST).unwrap();
        assert_eq!(held(folder.path()), None, "a handful of bytes is left to whoever needs it");
        reserve.set_aside(6 << 20).unwrap();
        assert_eq!(held(folder.path()), Some(3 << 20));
        // Of the rest nothing more is taken while nothing changes, and more once there is more.
        reserve.set_aside(3 << 20).unwrap();
        assert_eq!(held(folder.path()), Some(3 << 20));
        reserve.set_aside(1 << 40).unwrap();
        assert_eq!(held(folder.path()), Some(WHOLE));
        reserve.set_aside(0).unwrap();
        assert_eq!(held(folder.path()), Some(WHOLE), "a full disk takes nothing of it");
    }

    #[test]
    fn it_is_given_to_a_start_that_finds_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(folder.path());
        assert!(!reserve.help_to_start(0), "there was none");
        reserve.set_aside(1 << 40).unwrap();
        assert!(!reserve.help_to_start(START));
        assert_eq!(held(folder.path()), Some(WHOLE));
        assert!(reserve.help_to_start(START - 1));
        assert_eq!(held(folder.path()), None);
    }
}
