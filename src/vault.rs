//! Secrets at rest: sealed by AES-256-GCM, each under a named key and bound to the row that it stands in.
//!
//! A sealed secret opens only where it was put: table, organization, row and field are part of what is
//! authenticated, so that nobody who can write to the database can move a secret to another organization.

use std::fmt;

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::vault::key::Key;

pub mod key;

#[cfg(test)]
mod tests;

pub use crate::vault::key::{KeyError, KeyId};

/// Where a secret stands. A secret that is sealed for one place does not open in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The organization; empty for the platform's own.
    pub org: &'a str,
    /// The row.
    pub row: &'a str,
    /// The column.
    pub field: &'a str,
}

impl Place<'_> {
    /// What is authenticated with the secret: each part with its length, so that no two places read the same.
    fn associated(&self) -> Vec<u8> {
        let parts = [self.table, self.org, self.row, self.field];
        let mut bytes = b"ringfall/1".to_vec();
        for part in parts {
            bytes.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{} of `{}`", self.table, self.field, self.row)
    }
}

/// A secret as it is stored: nonce, ciphertext and tag, with the name of the key that it is sealed under.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key.
    pub key: KeyId,
    /// Nonce, ciphertext, tag.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sealed({}, {} bytes)", self.key, self.bytes.len())
    }
}

/// Why a secret does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The ring has no such key.
    #[error("it is sealed under the key {0}, which is not here: set `ENCRYPTION_KEY_PREVIOUS` to that key")]
    UnknownKey(KeyId),
    /// It was changed, cut, or moved here from another row.
    #[error("it was changed, or belongs to another row: take it from a backup, or connect anew")]
    Broken,
}

/// Why nothing can be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the machine's cryptography refuses to seal a secret")]
pub struct SealError;

/// The installation's keys: one seals and opens, the previous one only opens.
pub struct Ring {
    current: Key,
    previous: Option<Key>,
}

impl fmt::Debug for Ring {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ring({}", self.current.id())?;
        match &self.previous {
            Some(previous) => write!(out, ", previously {})", previous.id()),
            None => out.write_str(")"),
        }
    }
}

impl Ring {
    /// A ring of one key, or of two while the key is being changed.
    pub fn new(current: Key, previous: Option<Key>) -> Result<Self, KeyError> {
        if previous.as_ref().is_some_and(|previous| previous.id() == current.id()) {
            return Err(KeyError::Same);
        }
        Ok(Self { current, previous })
    }

    /// The key that everything new is sealed under.
    pub const fn current(&self) -> KeyId {
        self.current.id()
    }

    /// The key that was in use before, while it is changed.
    pub fn previous(&self) -> Option<KeyId> {
        self.previous.as_ref().map(Key::id)
    }

    /// Seals a secret for its place.
    pub fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Sealed, SealError> {
        let mut text = Zeroizing::new(Vec::with_capacity(secret.len() + 16));
        text.extend_from_slice(secret);
        let sealing = self.current.cipher().seal_in_place_append_tag(Aad::from(place.associated()), &mut *text);
        let nonce = sealing.map_err(|_unspecified| SealError)?;
        let mut bytes = nonce.as_ref().to_vec();
        bytes.extend_from_slice(&text);
        Ok(Sealed { key: self.current.id(), bytes })
    }

    /// Opens a secret at its place.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let cipher = self.cipher(sealed.key)?;
        let (nonce, text) = sealed.bytes.split_at_checked(NONCE_LEN).ok_or(OpenError::Broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_length| OpenError::Broken)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = cipher.open_in_place(nonce, Aad::from(place.associated()), &mut text);
        let length = opened.map_err(|_unspecified| OpenError::Broken)?.len();
        text.truncate(length);
        Ok(text)
    }

    /// The same secret under the current key; none when it is under it already.
    pub fn renew(&self, place: Place<'_>, sealed: &Sealed) -> Result<Option<Sealed>, RenewError> {
        if sealed.key == self.current.id() {
            return Ok(None);
        }
        let secret = self.open(place, sealed)?;
        Ok(Some(self.seal(place, &secret)?))
    }

    fn cipher(&self, id: KeyId) -> Result<&RandomizedNonceKey, OpenError> {
        let keys = [Some(&self.current), self.previous.as_ref()];
        let found = keys.into_iter().flatten().find(|key| key.id() == id);
        found.map(Key::cipher).ok_or(OpenError::UnknownKey(id))
    }
}

/// Why a secret cannot be put under another key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenewError {
    /// It does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be sealed again.
    #[error(transparent)]
    Seal(#[from] SealError),
}
