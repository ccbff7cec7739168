//! The installation's key for the trail: what checkpoints are signed with and pseudonyms are made with.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::hmac;

use crate::chain::checkpoint::Signer;
use crate::chain::{bytes, hex};
use crate::seal::SealError;

/// The file in the data folder.
const FILE: &str = "audit.key";

/// What is derived from the key.
#[derive(Debug)]
pub struct Keys {
    /// Signs checkpoints.
    pub signer: Arc<Signer>,
    /// Makes pseudonyms.
    pub numbers: [u8; 32],
}

impl Keys {
    /// Those of the data folder; a first start makes them, for this user alone.
    pub fn open(data: &Path) -> Result<Self, SealError> {
        let file = data.join(FILE);
        let wrong = |why: String| SealError::Key(format!("`{}` {why}", file.display()));
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Self::make(&file),
            Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
        };
        let mode = std::fs::metadata(&file).map_err(|error| wrong(error.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(wrong(format!("can be read by others (mode {:o}): chmod 600 it", mode & 0o777)));
        }
        let key = bytes::<32>(text.trim()).ok_or_else(|| wrong("is not 64 hex digits".to_owned()))?;
        Self::derived(&key)
    }

    fn make(file: &Path) -> Result<Self, SealError> {
        let mut key = [0; 32];
        let cannot = |why: String| SealError::Key(format!("`{}` cannot be made: {why}", file.display()));
        aws_lc_rs::rand::fill(&mut key).map_err(|_unshown| cannot("no random bytes are to be had".to_owned()))?;
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).and_then(|mut out| {
            writeln!(out, "{}", hex(&key))?;
            out.sync_all()
        });
        made.map_err(|error| cannot(error.to_string()))?;
        Self::derived(&key)
    }

    fn derived(key: &[u8; 32]) -> Result<Self, SealError> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, key);
        let part = |name: &str| {
            let mut part = [0; 32];
            part.copy_from_slice(hmac::sign(&master, name.as_bytes()).as_ref());
            part
        };
        let signer = Signer::new(&part("ringfall checkpoints"));
        let signer = signer.ok_or_else(|| SealError::Key("the key makes no signature".to_owned()))?;
        Ok(Self { signer: Arc::new(signer), numbers: part("ringfall numbers") })
    }
}
