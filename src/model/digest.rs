//! A content address: SHA-256 of what it names.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// SHA-256 of a rule file with all it includes, or of a set of templates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Bytes of the short form that URLs carry: 64 bits tell the revisions of one organization apart.
    pub const SHORT: usize = 8;

    /// The digest of `parts`, each with its length before it so that no two lists of parts collide.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// All 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 hex digits, as URLs and people use them.
    pub fn short(&self) -> String {
        self.to_string().chars().take(Self::SHORT * 2).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Digest({})", self.short())
    }
}
