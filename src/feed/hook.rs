//! Batches for a receiver, signed by the Standard Webhooks scheme.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::secret::Secret;

/// Signs what is sent.
#[derive(Debug, Clone)]
pub struct Signer(hmac::Key);

impl Signer {
    /// Reads a secret: `whsec_` and base64. The scheme wants 24 to 64 bytes.
    pub fn parse(secret: &str) -> Result<Self, String> {
        let encoded = secret.trim().strip_prefix("whsec_").ok_or("the secret does not begin with `whsec_`")?;
        let key = STANDARD.decode(encoded).map_err(|_unshown| "the secret is not base64 behind `whsec_`")?;
        if !(24..=64).contains(&key.len()) {
            return Err(format!("the secret has {} bytes: it needs 24 to 64", key.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// A secret that nobody has had before; nothing when the machine gives no random bytes.
    pub fn draw() -> Option<Secret> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).ok()?;
        Some(Secret::new(format!("whsec_{}", STANDARD.encode(bytes))))
    }

    /// The value of `webhook-signature`.
    pub fn sign(&self, id: &str, at_seconds: i64, body: &str) -> String {
        let signed = format!("{id}.{at_seconds}.{body}");
        format!("v1,{}", STANDARD.encode(hmac::sign(&self.0, signed.as_bytes())))
    }
}

/// A batch: its body. The records are in their written form.
pub fn body<'a>(at: &str, records: impl IntoIterator<Item = &'a str>) -> String {
    let mut body = format!("{{\"type\":\"audit.records\",\"timestamp\":\"{at}\",\"data\":{{\"records\":[");
    for (place, record) in records.into_iter().enumerate() {
        if place > 0 {
            body.push(',');
        }
        body.push_str(record);
    }
    body.push_str("]}}");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_scheme_is_signed_as_it_says() {
        let signer = Signer::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_of_another_make_is_refused() {
        for secret in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAA", "whsec_!!!!"] {
            let error = Signer::parse(secret).unwrap_err();
            assert!(secret.len() < 8 || !error.contains(secret), "{error}");
        }
    }

    #[test]
    fn a_batch_is_one_document() {
        let body = body("2026-11-23T18:00:00Z", ["{\"id\":1}", "{\"id\":2}"]);
        let read: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(read["data"]["records"][1]["id"], 2);
    }
}
