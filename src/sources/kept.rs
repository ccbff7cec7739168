//! What sources told last, in a file of the data folder, so that a restart does not forget it.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::app::messenger::switchboard::Fed;

/// The file of a data folder.
pub fn file(data: &Path) -> PathBuf {
    data.join("sources.json")
}

/// What was told; nothing before the first time.
pub fn read(file: &Path) -> anyhow::Result<Vec<Fed>> {
    match std::fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| format!("`{}` is spoilt", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", file.display())),
    }
}

/// Replaces it as a whole.
pub(in crate::sources) fn write(file: &Path, all: &[Fed]) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let mut open = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    open.write_all(&serde_json::to_vec(all)?)?;
    open.sync_all()?;
    std::fs::rename(beside, file)
}
