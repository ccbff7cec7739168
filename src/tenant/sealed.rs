//! An encrypted secret as it is stored; only the vault can open it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A ciphertext with what is needed to find its key. It is bound to its row: elsewhere it does not open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Which key opens it; names the key, and tells nothing of it.
    pub key_id: String,
    /// The number used once.
    #[serde(with = "as_base64")]
    pub nonce: Vec<u8>,
    /// Ciphertext and tag.
    #[serde(with = "as_base64")]
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sealed(key {}, {} bytes)", self.key_id, self.bytes.len())
    }
}

mod as_base64 {
    //! Bytes as a text of JSON.

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::Deserialize as _;

    pub(super) fn serialize<S: serde::Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
        STANDARD.decode(text.as_bytes()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_and_never_shows_its_bytes() {
        let sealed = Sealed { key_id: "k1".into(), nonce: vec![1; 12], bytes: vec![0xff, 0, 7] };
        let text = serde_json::to_string(&sealed).unwrap();
        assert_eq!(serde_json::from_str::<Sealed>(&text).unwrap(), sealed);
        assert_eq!(format!("{sealed:?}"), "Sealed(key k1, 3 bytes)");
    }
}
