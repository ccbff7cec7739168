//! The recordings that a command is pointed at.

use std::io::Read as _;
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
    let mut start = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(400).read_to_end(&mut start));
    read.is_err() || String::from_utf8_lossy(&start).lines().any(|line| line.starts_with("fixture:"))
}

/// Bytes of a recording at most: a call of hundreds of requests takes less than one megabyte.
const LARGEST: u64 = 16 << 20;

/// The text of a recording; what is wrong with the file, in words, when there is none.
pub(crate) fn text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("larger than a recording can be ({} MB)", LARGEST >> 20));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        format!("no text in UTF-8, as a recording is: byte {place} is no part of a letter")
    })
}

/// The paths in a sentence.
pub(crate) fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}
