//! The `.env` file: `NAME=value` lines that nobody but its owner may read.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Reads the file; none is as good as an empty one.
pub fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("others may read it (mode {mode:o}): run `chmod 600 {}`", path.display()));
    }
    parse(&std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?)
}

/// Reads the text: comments, `export`, and one pair of quotes around a value are understood.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut variables = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let fits =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let Some((name, value)) = line.split_once('=').filter(|(name, _)| fits(name.trim())) else {
            // The line itself is not shown: it may be half a secret.
            return Err(format!("line {} is not `NAME=value`", number + 1));
        };
        variables.insert(name.trim().to_owned(), unquoted(value.trim()).to_owned());
    }
    Ok(variables)
}

fn unquoted(value: &str) -> &str {
    let within = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}
