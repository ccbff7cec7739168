//! Records that a sink refuses, set aside in a file of their own so that the rest goes on.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::sinks::Item;

/// The file of a sink's refused records.
pub(in crate::sinks) fn name(sink: &str) -> String {
    format!("{sink}.aside.jsonl")
}

/// Adds a record with the reason, safe on disk.
pub(in crate::sinks) fn put(folder: &Path, sink: &str, item: &Item, why: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.append(true).create(true).mode(0o600).open(folder.join(name(sink)))?;
    let why = serde_json::to_string(why)?;
    writeln!(file, "{{\"seq\":{},\"why\":{why},\"record\":{}}}", item.seq, item.body)?;
    file.sync_data()
}
