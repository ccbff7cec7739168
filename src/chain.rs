//! The chain over a node's records: each is bound to all before it, and signed checkpoints bind the whole to a key.
//!
//! Two hashes stand for a record: one of all of it, with a salt, and one of what it says without the person who
//! called. When a person is erased, the salt and the first form are dropped; the second still proves the rest.
//!
//! ```text
//! whole = H(2 ‖ salt ‖ record)            leaf = H(0 ‖ seq ‖ id ‖ whole ‖ open)
//! open  = H(3 ‖ record without person)    link = H(1 ‖ link before ‖ leaf)
//! ```

pub mod checkpoint;
pub mod entry;
pub mod export;
pub mod letgo;
pub mod verify;

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of the parts, behind a byte that tells what they are.
    fn of(what: u8, parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&[what]);
        parts.iter().for_each(|part| context.update(part));
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }

    /// Reads 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        bytes(text).map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The bytes as hex digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('?');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// So many bytes from twice as many hex digits.
pub fn bytes<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let mut out = [0; LENGTH];
    if text.len() != LENGTH * 2 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |sign: &u8| char::from(*sign).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let [high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(out)
}

#[cfg(test)]
mod tests;
