//! How far a sink has come, in a small file that is replaced as a whole.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::sinks::Memory;

/// What is written down.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(in crate::sinks) struct Cursor {
    /// The place of the last record that is settled.
    pub(in crate::sinks) seq: i64,
    /// Records set aside.
    #[serde(default)]
    pub(in crate::sinks) aside: u64,
    /// Records passed over.
    #[serde(default)]
    pub(in crate::sinks) passed_over: u64,
    /// What the place remembers.
    #[serde(default)]
    pub(in crate::sinks) memory: Memory,
}

/// The file.
#[derive(Debug, Clone)]
pub(in crate::sinks) struct CursorFile(PathBuf);

impl CursorFile {
    pub(in crate::sinks) fn of(folder: &Path, sink: &str) -> Self {
        Self(folder.join(format!("{sink}.cursor.json")))
    }

    /// The cursor; none when the sink is new. A file that cannot be read is a fault: to begin anew would send
    /// everything twice.
    pub(in crate::sinks) fn read(&self) -> anyhow::Result<Option<Cursor>> {
        use anyhow::Context as _;
        match std::fs::read(&self.0) {
            Ok(text) => serde_json::from_slice(&text).map(Some).with_context(|| {
                format!("`{}` is spoilt: remove it to begin anew, which sends records again", self.0.display())
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", self.0.display())),
        }
    }

    /// Replaces it. It is not forced to the disk: an older one only sends some records again.
    pub(in crate::sinks) fn write(&self, cursor: &Cursor) -> std::io::Result<()> {
        let beside = self.0.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(cursor)?)?;
        std::fs::rename(beside, &self.0)
    }
}

/// How a sink stands, as its file tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The place of the last record that is settled.
    pub seq: i64,
    /// Records set aside.
    pub aside: u64,
    /// Records passed over.
    pub passed_over: u64,
}

/// How the sink of that name stands; none when it never began.
pub fn standing(folder: &Path, sink: &str) -> anyhow::Result<Option<Standing>> {
    let cursor = CursorFile::of(folder, sink).read()?;
    Ok(cursor.map(|Cursor { seq, aside, passed_over, .. }| Standing { seq, aside, passed_over }))
}
