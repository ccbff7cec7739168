//! Secrets at rest: sealed by AES-256-GCM, each under a named key and bound to the row that it stands in.
//!
//! A sealed secret opens only where it was put: table, organization, row and field are part of what is
//! authenticated, so that nobody who can write to the database can move a secret to another organization.

use std::fmt;

use aws_lc_rs::aead::{Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::model::secret::Secret;
use crate::tenant::sealed::Sealed;
use crate::vault::key::Key;

pub mod key;
pub mod place;

#[cfg(test)]
mod tests;

pub use crate::vault::key::{KeyError, KeyId};
pub use crate::vault::place::Place;

/// Why a secret does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The ring has no such key.
    #[error("it is sealed under the key {0}, which is not here: set `ENCRYPTION_KEY_PREVIOUS` to that key")]
    UnknownKey(String),
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

    /// What addresses of ours are signed with on every machine that has the key, and were before it was changed.
    pub fn signs(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.current).chain(&self.previous).map(Key::signs)
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
        Ok(Sealed { key_id: self.current.id().to_string(), nonce: nonce.as_ref().to_vec(), bytes: text.to_vec() })
    }

    /// Opens a secret at its place.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let cipher = self.cipher(&sealed.key_id)?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed.nonce).map_err(|_length| OpenError::Broken)?;
        let mut text = Zeroizing::new(sealed.bytes.clone());
        let opened = cipher.open_in_place(nonce, Aad::from(place.associated()), &mut text);
        let length = opened.map_err(|_unspecified| OpenError::Broken)?.len();
        text.truncate(length);
        Ok(text)
    }

    /// The same secret under the current key; none when it is under it already.
    pub fn renew(&self, place: Place<'_>, sealed: &Sealed) -> Result<Option<Sealed>, RenewError> {
        if self.is_current(sealed) {
            return Ok(None);
        }
        let secret = self.open(place, sealed)?;
        Ok(Some(self.seal(place, &secret)?))
    }

    /// Whether it is sealed under the current key.
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        KeyId::parse(&sealed.key_id) == Some(self.current.id())
    }

    /// Whether its key is here.
    pub fn knows(&self, sealed: &Sealed) -> bool {
        self.cipher(&sealed.key_id).is_ok()
    }

    fn cipher(&self, name: &str) -> Result<&RandomizedNonceKey, OpenError> {
        let keys = [Some(&self.current), self.previous.as_ref()];
        let found = keys.into_iter().flatten().find(|key| KeyId::parse(name) == Some(key.id()));
        found.map(Key::cipher).ok_or_else(|| OpenError::UnknownKey(name.chars().take(20).collect()))
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
