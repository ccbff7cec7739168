//! A signed statement of how far the chain went and where: what is bound before it can't be changed without the key.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::chain::entry::Tip;
use crate::chain::{Hash, bytes, hex};

/// The statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Version of this form.
    pub version: u8,
    /// Whose chain.
    pub node: String,
    /// Entries before it.
    pub count: u64,
    /// The place of the last record before it.
    pub seq: i64,
    /// The link there, in hex.
    pub link: String,
    /// When it was made, as RFC 3339 in UTC.
    pub at: String,
    /// The Ed25519 key that signed it, in hex.
    pub key: String,
    /// Over all of the above, in hex.
    pub signature: String,
}

/// Signs checkpoints.
pub struct Signer(Ed25519KeyPair);

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signer({})", self.key())
    }
}

impl Signer {
    /// The signer of that seed; none when the cryptography refuses it.
    pub fn new(seed: &[u8; 32]) -> Option<Self> {
        Ed25519KeyPair::from_seed_unchecked(seed).ok().map(Self)
    }

    /// The public key, in hex.
    pub fn key(&self) -> String {
        hex(self.0.public_key().as_ref())
    }

    /// States that the node's chain ends at `tip`; `at` is now, as RFC 3339 in UTC.
    pub fn sign(&self, node: &str, tip: &Tip, at: &str) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            version: 1,
            node: node.to_owned(),
            count: tip.count,
            seq: tip.seq,
            link: tip.link.to_string(),
            at: at.to_owned(),
            key: self.key(),
            signature: String::new(),
        };
        checkpoint.signature = self.over(&checkpoint.statement());
        checkpoint
    }

    /// The signature over a statement, in hex.
    pub(in crate::chain) fn over(&self, statement: &str) -> String {
        hex(self.0.sign(statement.as_bytes()).as_ref())
    }
}

impl Checkpoint {
    /// Whether its key signed it.
    pub fn is_genuine(&self) -> bool {
        let (Some(key), Some(signature)) = (bytes::<32>(&self.key), bytes::<64>(&self.signature)) else { return false };
        self.version == 1
            && UnparsedPublicKey::new(&ED25519, key).verify(self.statement().as_bytes(), &signature).is_ok()
    }

    /// Where it says that the chain was; none when its link is no hash.
    pub fn tip(&self) -> Option<Tip> {
        Some(Tip { count: self.count, seq: self.seq, link: Hash::parse(&self.link)? })
    }

    fn statement(&self) -> String {
        let Self { node, count, seq, link, at, .. } = self;
        // The name is last: whatever stands in it cannot be taken for another field.
        format!("ringfall checkpoint 1\n{count}\n{seq}\n{link}\n{at}\n{node}")
    }
}
