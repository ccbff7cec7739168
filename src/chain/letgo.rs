//! A signed statement of which records were let go from the midst of the chain, because their organization keeps them
//! for fewer days than others: their entries stay, and hold without them.

use std::collections::BTreeSet;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::chain::bytes;
use crate::chain::checkpoint::Signer;

/// The statement about the entries of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetGo {
    /// Version of this form.
    pub version: u8,
    /// Whose chain.
    pub node: String,
    /// Entries before the file.
    pub before: u64,
    /// The places of the records, in order.
    pub places: BTreeSet<i64>,
    /// When the last of them was let go, as RFC 3339 in UTC.
    pub at: String,
    /// The Ed25519 key that signed it, in hex.
    pub key: String,
    /// Over all of the above, in hex.
    pub signature: String,
}

impl LetGo {
    /// States that these went; `at` is now, as RFC 3339 in UTC.
    pub fn signed(signer: &Signer, node: &str, before: u64, places: BTreeSet<i64>, at: &str) -> Self {
        let mut statement = Self {
            version: 1,
            node: node.to_owned(),
            before,
            places,
            at: at.to_owned(),
            key: signer.key(),
            signature: String::new(),
        };
        statement.signature = signer.over(&statement.statement());
        statement
    }

    /// Whether its key signed it.
    pub fn is_genuine(&self) -> bool {
        let (Some(key), Some(signature)) = (bytes::<32>(&self.key), bytes::<64>(&self.signature)) else { return false };
        self.version == 1
            && UnparsedPublicKey::new(&ED25519, key).verify(self.statement().as_bytes(), &signature).is_ok()
    }

    fn statement(&self) -> String {
        let Self { node, before, places, at, .. } = self;
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        // The name is last: whatever stands in it cannot be taken for another field.
        format!("ringfall let go 1\n{before}\n{}\n{at}\n{node}", places.join(" "))
    }
}
