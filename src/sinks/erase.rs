//! Takes a person out of the files that sinks write on this machine, while no service writes to them.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use uuid::Uuid;

use crate::audit::person::Whom;
use crate::feed::plan::{Place, Sink};
use crate::sinks::aside;
use crate::sinks::file::FileLines;

/// Takes the person and these records out of what was set aside in `folder`, and of the sinks' own files. Tells in
/// which files how many lines did name them.
pub fn erase(plans: &[Sink], folder: &Path, whom: &Whom, ids: &[Uuid]) -> io::Result<Vec<(PathBuf, usize)>> {
    let telling = |line: &str| whom.is_named_in(line) || id(line).is_some_and(|id| ids.contains(&id));
    let mut found = Vec::new();
    for plan in plans {
        let path = folder.join(aside::name(&plan.name));
        found.push((path.clone(), without(&path, telling)?));
        if let Place::File(file) = &plan.place {
            for path in FileLines::new(file).all()? {
                found.push((path.clone(), blanked(&path, telling)?));
            }
        }
    }
    found.retain(|(_, lines)| *lines > 0);
    Ok(found)
}

/// The record's name in a line; in what was set aside it stands within.
fn id(line: &str) -> Option<Uuid> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let record = value.get("record").unwrap_or(&value);
    record.get("id")?.as_str()?.parse().ok()
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file without such lines, replaced as a whole.
fn without(path: &Path, telling: impl Fn(&str) -> bool) -> io::Result<usize> {
    let Some(text) = read(path)? else { return Ok(0) };
    let (gone, kept): (Vec<&str>, Vec<&str>) = text.split_inclusive('\n').partition(|line| telling(line));
    if !gone.is_empty() {
        let beside = path.with_extension("new");
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all_at(kept.concat().as_bytes(), 0)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
    }
    Ok(gone.len())
}

/// The file with such lines saying only that something was erased, each as long as before: the sink remembers which
/// file it is and how long, and others may read it from a place that they remember.
fn blanked(path: &Path, telling: impl Fn(&str) -> bool) -> io::Result<usize> {
    let bytes = std::fs::read(path)?;
    let file = OpenOptions::new().write(true).open(path)?;
    let (mut place, mut lines) = (0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        if telling(&text) {
            let left = id(&text).map_or_else(|| json!({ "erased": true }), |id| json!({ "id": id, "erased": true }));
            let room = line.strip_suffix(b"\n").unwrap_or(line).len();
            let mut left = left.to_string().into_bytes();
            left.resize(room, b' ');
            file.write_all_at(&left, place)?;
            lines += 1;
        }
        place += line.len() as u64;
    }
    file.sync_all()?;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_blanked_where_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trail.jsonl");
        let lines = ["{\"id\":\"019aa5a0-0000-7000-8000-000000000001\",\"caller\":\"+13125550123\"}", "{\"id\":\"2\"}"];
        std::fs::write(&path, format!("{}\n{}\n", lines[0], lines[1])).unwrap();
        let before = std::fs::metadata(&path).unwrap().len();
        assert_eq!(blanked(&path, |line| line.contains("3125550123")).unwrap(), 1);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.len() as u64, before);
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first, json!({ "id": "019aa5a0-0000-7000-8000-000000000001", "erased": true }));
        assert_eq!(text.lines().nth(1), Some(lines[1]));
    }

    #[test]
    fn what_was_set_aside_goes_as_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook.aside.jsonl");
        std::fs::write(&path, "{\"seq\":1,\"record\":{\"caller\":\"+13125550123\"}}\n{\"seq\":2,\"record\":{}}\n")
            .unwrap();
        assert_eq!(without(&path, |line| line.contains("3125550123")).unwrap(), 1);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"seq\":2,\"record\":{}}\n");
        assert_eq!(without(&folder.path().join("none"), |_| true).unwrap(), 0);
    }
}
