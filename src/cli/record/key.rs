//! The key that stand-ins are derived from.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;

use crate::replay::standins::Key;

/// The name of its file in the data folder.
const FILE: &str = "fixture.key";

/// The key of the named file, or of the data folder, where it is made when it is not there.
pub(crate) fn of(named: Option<&Path>, data: &Path) -> anyhow::Result<Key> {
    let path = named.map_or_else(|| data.join(FILE), Path::to_owned);
    let shown = path.display();
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => make(&path)?,
        Err(error) => return Err(error).with_context(|| format!("could not read `{shown}`")),
    };
    Key::new(text.trim_ascii()).with_context(|| format!("`{shown}` has less than {} bytes", Key::SHORTEST))
}

fn make(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = [0; 16];
    let mut source = std::fs::File::open("/dev/urandom").context("the machine has no source of randomness")?;
    source.read_exact(&mut bytes).context("the machine's source of randomness cannot be read")?;
    let text = format!("{:032x}\n", u128::from_be_bytes(bytes));
    let failed = || format!("could not write `{}`", path.display());
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    eprintln!("note: made `{}`: the same people have the same stand-ins as long as it stays", path.display());
    Ok(text.into_bytes())
}
