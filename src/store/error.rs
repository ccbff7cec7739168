//! Why the store cannot be opened, each with a way out.

use std::io;
use std::path::PathBuf;

use crate::database::sqlite::Newer;
use crate::disk::{is_out_of_room, way_out};

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder cannot be made or written to.
    #[error("cannot write to the data folder `{}`: {source}; {}", folder.display(), way_out(folder))]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the data folder `{}` is in use by {holder}; stop that process, or give this one a folder of its own with `--data`",
        folder.display()
    )]
    Held {
        /// The folder.
        folder: PathBuf,
        /// Who has it.
        holder: String,
    },
    /// There is none yet, and nothing was to be written.
    #[error(
        "nothing has been recorded yet in `{}`; start `ringfall serve`, or name the folder of a service that ran with `--data`",
        folder.display()
    )]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no room.
    #[error("the disk of `{}` is full; make room, or choose a folder on another disk with `--data`", file.display())]
    Full {
        /// The file.
        file: PathBuf,
    },
    /// The file was written by a newer program.
    #[error(transparent)]
    Newer(#[from] Newer),
    /// The file is damaged.
    #[error(
        "`{}` is damaged or is not a journal ({detail}); move it and its `-wal` and `-shm` away and start again: calls are answered at once, and `sqlite3 FILE .recover` saves what can be read",
        file.display()
    )]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// What the reader met.
        detail: String,
    },
    /// A step towards the current form failed.
    #[error("cannot bring `{}` to its current form: {detail}; the file is as it was before", file.display())]
    Migration {
        /// The file.
        file: PathBuf,
        /// What failed.
        detail: String,
    },
    /// Anything else.
    #[error("cannot open `{}`: {source}", file.display())]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// The writing thread could not be started.
    #[error("cannot start the journal's thread: {0}; the system is out of threads or memory")]
    Thread(io::Error),
}

impl StoreError {
    /// The kind of error that `source` is, for `file`.
    pub fn of(file: &std::path::Path, source: rusqlite::Error) -> Self {
        let file = file.to_owned();
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full { file },
            Some(rusqlite::ErrorCode::SystemIoFailure) if is_out_of_room(&file) => Self::Full { file },
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Self::Corrupt { file, detail: source.to_string() }
            }
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Self::Held { folder: file, holder: "another process that holds a lock in it".to_owned() }
            }
            Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::CannotOpen) => Self::Folder {
                folder: file,
                source: io::Error::new(io::ErrorKind::PermissionDenied, source.to_string()),
            },
            _ => Self::Sqlite { file, source },
        }
    }
}
