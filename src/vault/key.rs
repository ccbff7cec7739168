//! One key: read from 64 hex digits, made anew, and known by a name that tells nothing of it.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::chain::hex;
use crate::model::secret::Secret;

/// Bytes of a key.
const LENGTH: usize = 32;

/// Different bytes that any key from a source of randomness has.
const VARIETY: usize = 12;

/// The name of a key: the beginning of its hash, as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u64);

impl KeyId {
    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyId({self})")
    }
}

/// A word that nobody can guess: 128 bits as 32 hex digits.
pub fn word() -> Result<String, KeyError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_unspecified| KeyError::NoRandomness)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Why a text is no key. The text itself is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It has another form.
    #[error(
        "a key is 64 hex digits, and this is {0} characters long or has others: make one with `openssl rand -hex 32`"
    )]
    Malformed(usize),
    /// It was typed and not drawn.
    #[error("this key repeats itself too much to be random: make one with `openssl rand -hex 32`")]
    Weak,
    /// The cipher does not take it.
    #[error("the machine's cryptography refuses this key")]
    Refused,
    /// Both keys are one.
    #[error("the key and the previous key are the same: leave the previous one out, or set the new one")]
    Same,
    /// There is no randomness to be had.
    #[error("the machine has no randomness to make a key of")]
    NoRandomness,
}

/// A key of the vault; what it is cannot be had back from it.
pub struct Key {
    id: KeyId,
    cipher: RandomizedNonceKey,
    signs: Secret,
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({})", self.id)
    }
}

impl Key {
    /// Reads 64 hex digits.
    pub fn parse(text: &Secret) -> Result<Self, KeyError> {
        let text = text.expose().trim();
        let malformed = KeyError::Malformed(text.chars().count());
        if text.len() != LENGTH * 2 || !text.is_ascii() {
            return Err(malformed);
        }
        let mut bytes = Zeroizing::new([0; LENGTH]);
        for (place, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
            let (high, low) = (digit(pair.first()).ok_or(malformed)?, digit(pair.get(1)).ok_or(malformed)?);
            *place = u8::try_from(high * 16 + low).map_err(|_never| malformed)?;
        }
        Self::of(&bytes)
    }

    /// Draws a new key; its 64 hex digits come with it, because they must be kept somewhere.
    pub fn draw() -> Result<(Self, Secret), KeyError> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_unspecified| KeyError::NoRandomness)?;
        let mut text = Zeroizing::new(String::with_capacity(LENGTH * 2));
        for byte in bytes.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        Ok((Self::of(&bytes)?, Secret::new(std::mem::take(&mut *text))))
    }

    fn of(bytes: &[u8; LENGTH]) -> Result<Self, KeyError> {
        let mut seen = Zeroizing::new([false; 256]);
        bytes.iter().for_each(|byte| {
            if let Some(seen) = seen.get_mut(usize::from(*byte)) {
                *seen = true;
            }
        });
        if seen.iter().filter(|seen| **seen).count() < VARIETY {
            return Err(KeyError::Weak);
        }
        let hash = Sha256::new().chain_update(b"ringfall/key-name/1").chain_update(bytes).finalize();
        let name = hash.iter().take(8).fold(0_u64, |name, byte| name << 8 | u64::from(*byte));
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_unspecified| KeyError::Refused)?;
        let mac = Hmac::<Sha256>::new_from_slice(bytes).map_err(|_length| KeyError::Refused)?;
        let made = mac.chain_update(b"ringfall/addresses/1").finalize().into_bytes();
        let signs = Secret::new(hex(&made));
        Ok(Self { id: KeyId(name), cipher, signs })
    }

    /// What addresses of ours are signed with: made of the key, which cannot be had back from it.
    pub const fn signs(&self) -> &Secret {
        &self.signs
    }

    /// The name.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    pub(in crate::vault) const fn cipher(&self) -> &RandomizedNonceKey {
        &self.cipher
    }
}
