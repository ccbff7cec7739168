//! Who has which number, kept from one run to the next: of two rule files that claim one, the same keeps it.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::app::live::Holders;
use crate::model::ids::OrgSlug;
use crate::model::phone::E164;

const FILE: &str = "numbers.json";

/// As they were left. What cannot be read is told and left out: it matters only where two files claim one number.
pub(in crate::startup) fn read(data: &Path) -> Holders {
    let text = match std::fs::read_to_string(data.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Holders::new(),
        Err(error) => return unread(&error),
    };
    let kept: BTreeMap<String, String> = match serde_json::from_str(&text) {
        Ok(kept) => kept,
        Err(error) => return unread(&error),
    };
    kept.iter().filter_map(|(number, org)| Some((E164::parse(number).ok()?, OrgSlug::parse(org).ok()?))).collect()
}

fn unread(error: &dyn std::fmt::Display) -> Holders {
    tracing::warn!(%error, "`{FILE}` cannot be read: a number in two rule files goes to the first by name");
    Holders::new()
}

/// Keeps them, when they differ from what is kept.
pub(in crate::startup) fn keep(data: &Path, holders: &Holders) {
    if read(data) == *holders {
        return;
    }
    if let Err(error) = write(data, holders) {
        tracing::warn!(%error, "`{FILE}` cannot be written: the next start may give a number of two rule files away");
    }
}

/// Whole or not at all.
fn write(data: &Path, holders: &Holders) -> std::io::Result<()> {
    let kept: BTreeMap<&str, &str> = holders.iter().map(|(number, org)| (number.as_str(), org.as_str())).collect();
    let text = serde_json::to_vec(&kept)?;
    let fresh = data.join(format!("{FILE}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(&text)?;
    file.sync_all()?;
    std::fs::rename(fresh, data.join(FILE))
}
