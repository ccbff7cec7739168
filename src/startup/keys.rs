//! The key of the stored secrets: given with the settings, or kept in a file on somebody's own machine.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::model::secret::Secret;
use crate::settings::{Environment, Settings};
use crate::vault::Ring;
use crate::vault::key::Key;

/// The name of the key's file in the data folder.
pub const FILE: &str = "encryption.key";

/// The keys, given those that stored secrets are sealed under; none when there is nothing to open and nothing to seal
/// with.
///
/// A key that is missing is told at once: a service that believes nobody would be worse than one that does not start.
pub fn ring(settings: &Settings, in_use: &BTreeSet<String>) -> anyhow::Result<Option<Arc<Ring>>> {
    let path = settings.data.join(FILE);
    let ring = match &settings.ring {
        Some(ring) => Some(Arc::clone(ring)),
        None => kept(&path)?,
    };
    let Some(ring) = ring else {
        if !in_use.is_empty() {
            anyhow::bail!(
                "stored secrets are sealed under the key {}, and there is no key: set `ENCRYPTION_KEY` (or \
                 `ENCRYPTION_KEY_FILE`) to its 64 hex digits, or bring back `{}`",
                words(in_use),
                path.display()
            );
        }
        return match settings.environment {
            Environment::Development => make(&path).map(Some),
            Environment::Production => Ok(None),
        };
    };
    let known: BTreeSet<String> =
        [Some(ring.current()), ring.previous()].iter().flatten().map(ToString::to_string).collect();
    let missing: BTreeSet<String> = in_use.difference(&known).cloned().collect();
    if !missing.is_empty() {
        anyhow::bail!(
            "stored secrets are sealed under the key {}, and the key given is {}: set `ENCRYPTION_KEY_PREVIOUS` to the \
             old key and run `ringfall key rotate`, or set `ENCRYPTION_KEY` back to it",
            words(&missing),
            ring.current()
        );
    }
    Ok(Some(ring))
}

fn words(keys: &BTreeSet<String>) -> String {
    keys.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The key in the file, if there is one.
fn kept(path: &Path) -> anyhow::Result<Option<Arc<Ring>>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Secret::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read the key in `{}`", path.display())),
    };
    let mode = std::fs::metadata(path)?.permissions().mode() & 0o777;
    let shown = path.display();
    anyhow::ensure!(mode & 0o077 == 0, "others may read `{shown}` (mode {mode:o}): run `chmod 600 {shown}`");
    let key = Key::parse(&text).with_context(|| format!("cannot use the key in `{shown}`"))?;
    Ok(Some(Arc::new(Ring::new(key, None)?)))
}

/// A new key in a file that this user alone may read.
fn make(path: &Path) -> anyhow::Result<Arc<Ring>> {
    let (key, text) = Key::draw()?;
    let failed = || format!("cannot write a key to `{}`", path.display());
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match made {
        Ok(file) => file,
        // Another process was faster; its key is as good.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return kept(path)?.with_context(failed);
        }
        Err(error) => return Err(error).with_context(failed),
    };
    file.write_all(text.expose().as_bytes()).and_then(|()| file.sync_all()).with_context(failed)?;
    Ok(Arc::new(Ring::new(key, None)?))
}
