//! The recordings that a command is pointed at.

use std::path::{Path, PathBuf};

use crate::cli::replay::unreadable;

/// All recordings of these paths: files as named, and whatever in folders says that it is one.
pub(crate) fn gather(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            inside(path, &mut all)?;
        } else {
            unreadable(std::fs::metadata(path), path)?;
            all.push(path.clone());
        }
    }
    Ok(all)
}

fn inside(folder: &Path, all: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let mut entries = Vec::new();
    for entry in unreadable(std::fs::read_dir(folder), folder)? {
        entries.push(unreadable(entry, folder)?.path());
    }
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        if hidden {
            continue;
        }
        if path.is_dir() {
            inside(&path, all)?;
        } else if yaml && is_recording(&path) {
            all.push(path);
        }
    }
    Ok(())
}

/// Whether the file says that it is a recording. One that cannot be read at all is told of when it is played.
fn is_recording(path: &Path) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return true };
    let text = String::from_utf8_lossy(bytes.get(..400).unwrap_or(&bytes)).into_owned();
    text.lines().any(|line| line.starts_with("fixture:"))
}

/// The paths in a sentence.
pub(crate) fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}
