//! How a service account of Google asks for leave: a signed statement that is changed for a token.

use std::fmt;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};

/// A service account's key file, as it is downloaded.
#[derive(Clone, Deserialize)]
pub struct Account {
    /// Who it is.
    pub client_email: String,
    /// Its key, in PEM.
    private_key: String,
    /// Where statements are changed for tokens.
    pub token_uri: String,
    /// The project that it belongs to.
    #[serde(default)]
    pub project_id: Option<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Account({})", self.client_email)
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// Seconds for which a statement is good; the most that is allowed.
const GOOD_FOR: i64 = 3600;

impl Account {
    /// Reads the file's text; what is wrong is told without showing it.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            format!("it is no key file of a service account ({} at line {})", category(&error), error.line())
        })
    }

    /// The signed statement that it wants `scope`, made at `now` in seconds since 1970.
    pub fn statement(&self, scope: &str, now: i64) -> Result<String, String> {
        let key = EncodingKey::from_rsa_pem(self.private_key.as_bytes())
            .map_err(|_unshown| "its `private_key` is no RSA key in PEM".to_owned())?;
        let claims = Claims {
            iss: &self.client_email,
            scope,
            aud: &self.token_uri,
            iat: now,
            exp: now.saturating_add(GOOD_FOR),
        };
        encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(|_unshown| "its key cannot sign".to_owned())
    }
}

fn category(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "a field is missing or of the wrong kind",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is no JSON",
        serde_json::error::Category::Eof => "it ends too early",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spoilt_file_is_told_without_its_key() {
        let text = r#"{"client_email":"r@example.com","private_key":"-----BEGIN hunter2","token_uri":"https://example.com/token"}"#;
        let account = Account::parse(text).unwrap();
        let told = format!("{account:?} {}", account.statement("scope", 1).unwrap_err());
        assert!(!told.contains("hunter2"), "{told}");
        assert!(!Account::parse("{\"private_key\":\"hunter2\"}").unwrap_err().contains("hunter2"));
    }
}
