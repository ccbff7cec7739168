//! The carrier's signature: what it covers, the keys that check it, and who may know why it failed.
//!
//! The carrier signs the URL that it requested, then each form field's name and value, in the order of
//! the names, with HMAC-SHA1 under the account's auth token.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::digest::common::hazmat::{SerializableState as _, SerializedState};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::webhook::form::Form;
use crate::webhook::origin::Origin;
use crate::webhook::raw::{Body, RawWebhook};
use crate::webhook::signature::candidates::candidates;
use crate::webhook::verified::Verified;

mod candidates;

/// The header that carries the signature.
pub const HEADER: &str = "X-Twilio-Signature";

/// The query parameter that carries the hash of a body which is no form.
const BODY_HASH: &str = "bodySHA256";

/// Bytes of a SHA-1 state and of a SHA-1 sum.
const SUM: usize = 20;

/// Bytes of a SHA-1 block: the keyed block is the first of each of HMAC's two sums.
const BLOCK: usize = 64;

/// Checks signatures with the keyed state of HMAC-SHA1; the auth token can't be had from it.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    // Boxed, so that a move leaves no copy behind.
    state: Box<Zeroizing<[u8; Self::EXPORTED]>>,
}

/// Why bytes are no exported verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a verifier has 40 bytes, and this has {0}")]
pub struct ImportError(usize);

impl Verifier {
    /// Bytes of the exported form: the inner state, then the outer.
    pub const EXPORTED: usize = SUM * 2;

    /// Derives the keyed state; the token is not kept.
    pub fn from_token(token: &str) -> Self {
        let mut key = Zeroizing::new([0; BLOCK]);
        if token.len() > BLOCK {
            key.iter_mut().zip(Sha1::digest(token)).for_each(|(place, byte)| *place = byte);
        } else {
            key.iter_mut().zip(token.bytes()).for_each(|(place, byte)| *place = byte);
        }
        let mut state = Box::new(Zeroizing::new([0; Self::EXPORTED]));
        let (inner, outer) = state.split_at_mut(SUM);
        keyed(&key, 0x36, inner);
        keyed(&key, 0x5c, outer);
        Self { state }
    }

    /// The keyed state, to be stored encrypted: whoever has it can forge webhooks to us, and nothing else.
    pub fn export(&self) -> Zeroizing<[u8; Self::EXPORTED]> {
        Zeroizing::new(**self.state)
    }

    /// Takes back what `export` gave.
    pub fn import(bytes: &[u8]) -> Result<Self, ImportError> {
        let state = <[u8; Self::EXPORTED]>::try_from(bytes).map_err(|_error| ImportError(bytes.len()))?;
        Ok(Self { state: Box::new(Zeroizing::new(state)) })
    }

    /// HMAC-SHA1 over the parts in their order.
    fn mac<'a>(&self, parts: impl Iterator<Item = &'a str>) -> [u8; SUM] {
        let (inner, outer) = self.state.split_at(SUM);
        let mut hash = resumed(inner);
        parts.for_each(|part| hash.update(part));
        let sum = hash.finalize();
        resumed(outer).chain_update(sum).finalize().into()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Verifier(***)")
    }
}

/// Writes the SHA-1 state after the key's block.
fn keyed(key: &[u8; BLOCK], pad: u8, state: &mut [u8]) {
    let mut block = Zeroizing::new(*key);
    block.iter_mut().for_each(|byte| *byte ^= pad);
    let whole = Sha1::new().chain_update(*block).serialize();
    state.iter_mut().zip(whole).for_each(|(place, byte)| *place = byte);
}

/// SHA-1 after one block that left it in this state.
fn resumed(state: &[u8]) -> Sha1 {
    // The library's form: the state, the number of blocks so far (little endian), an empty buffer.
    let mut whole = SerializedState::<Sha1>::default();
    whole.iter_mut().zip(state.iter().copied().chain([1])).for_each(|(place, byte)| *place = byte);
    // Only a buffer that is fuller than a block is refused, and this one is empty.
    Sha1::deserialize(&whole).unwrap_or_default()
}

/// Which of an organization's two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// The key in use.
    Primary,
    /// The key that will be in use after the rotation.
    Next,
}

impl Slot {
    /// The word for it in records and security events.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Next => "next",
        }
    }
}

/// Why a signature is not believed. For security events only: no answer tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// The request has no signature.
    Missing,
    /// The signature is not the base64 of twenty bytes.
    Malformed,
    /// The body is no form, and the URL carries no hash of it, so nothing signs it.
    BodyUnsigned,
    /// The hash in the URL is not the body's.
    BodyChanged,
    /// No key of the organization makes this signature for this request.
    Mismatch,
}

impl Failure {
    /// The stable name for metrics and security events.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::BodyUnsigned => "body-unsigned",
            Self::BodyChanged => "body-changed",
            Self::Mismatch => "mismatch",
        }
    }
}

/// A request that is not believed, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The request, for the security event.
    pub raw: RawWebhook,
    /// The reason.
    pub failure: Failure,
}

/// The keys of one organization's account: one, or two while a token is being changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierSet {
    /// The key in use.
    pub primary: Verifier,
    /// The key that will be in use after the rotation.
    pub next: Option<Verifier>,
}

impl VerifierSet {
    /// One key.
    pub const fn one(primary: Verifier) -> Self {
        Self { primary, next: None }
    }

    /// Believes the request when a key of this set signed it, as requested at `origin`.
    pub fn verify(&self, origin: &Origin, raw: RawWebhook) -> Result<Verified<RawWebhook>, Box<Refused>> {
        match self.check(&origin.url(&raw.target), &raw) {
            Ok(slot) => Ok(Verified::new(raw, slot)),
            Err(failure) => Err(Box::new(Refused { raw, failure })),
        }
    }

    /// Which key signed this request under exactly this URL or one that the carrier treats as the same.
    pub fn check(&self, url: &str, raw: &RawWebhook) -> Result<Slot, Failure> {
        let header = raw.signature.as_deref().ok_or(Failure::Missing)?;
        let given = STANDARD.decode(header).map_err(|_error| Failure::Malformed)?;
        let given = <[u8; SUM]>::try_from(given).map_err(|_given| Failure::Malformed)?;
        check_body(raw)?;
        let fields = raw.form.signed();
        for url in candidates(url) {
            for (slot, key) in self.keys() {
                let mac = key.mac(parts(&url, &fields));
                if bool::from(mac.ct_eq(&given)) {
                    return Ok(slot);
                }
            }
        }
        Err(Failure::Mismatch)
    }

    fn keys(&self) -> impl Iterator<Item = (Slot, &Verifier)> {
        [(Slot::Primary, Some(&self.primary)), (Slot::Next, self.next.as_ref())]
            .into_iter()
            .filter_map(|(slot, key)| key.map(|key| (slot, key)))
    }
}

/// A body that is no form must be the one whose hash the URL carries.
fn check_body(raw: &RawWebhook) -> Result<(), Failure> {
    let Body::Hashed(sum) = &raw.body else { return Ok(()) };
    let told = raw.query.filled(BODY_HASH).ok_or(Failure::BodyUnsigned)?;
    let same = hex(sum).as_bytes().ct_eq(told.as_bytes());
    if bool::from(same) { Ok(()) } else { Err(Failure::BodyChanged) }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// What is signed, part by part.
fn parts<'a>(url: &'a str, fields: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = &'a str> {
    // A name that repeats is signed once with each of its values, as the carrier's own libraries do it.
    [url].into_iter().chain(fields.iter().flat_map(|(name, value)| [*name, *value]))
}

/// Signs requests as the carrier does, for the simulator and for tests.
#[derive(Clone)]
pub struct Signer(Zeroizing<String>);

impl Signer {
    /// A signer with this auth token.
    pub fn new(token: &str) -> Self {
        Self(Zeroizing::new(token.to_owned()))
    }

    /// The signature of a form sent by POST; with no fields, that of a GET.
    pub fn sign(&self, url: &str, form: &Form) -> String {
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(self.0.as_bytes()) else { return String::new() };
        parts(url, &form.signed()).for_each(|part| mac.update(part.as_bytes()));
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Signer(***)")
    }
}

#[cfg(test)]
mod tests;
