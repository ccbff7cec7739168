//! The settings of the administration API: where it listens, and whose signed word it takes.

use std::net::SocketAddr;

use crate::app::access::jwt::JwtKeys;
use crate::settings::{Reader, address};

/// What the administration API was told.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Where it listens; where the rest does, when nothing is said.
    pub listen: Option<SocketAddr>,
    /// Whose signed word it takes, beside its own tokens.
    pub jwt: Option<std::sync::Arc<JwtKeys>>,
}

impl Reader<'_> {
    /// None only when a fault was kept.
    pub(in crate::settings) fn api(&mut self) -> Option<ApiSettings> {
        let listen = match self.layers.get("api_listen") {
            Some(_) => Some(self.read("api_listen", "an address and a port, such as `127.0.0.1:8081`", address)?),
            None => None,
        };
        Some(ApiSettings { listen, jwt: self.jwt()? })
    }

    fn jwt(&mut self) -> Option<Option<std::sync::Arc<JwtKeys>>> {
        let secret = self.layers.get("api_jwt_secret").map(|given| given.text.clone());
        let set = match self.layers.get("api_jwks").map(|given| given.text.expose().to_owned()) {
            Some(path) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(text),
                Err(error) => {
                    self.fault("api_jwks", format!("the file `{path}` cannot be read: {error}"));
                    return None;
                }
            },
            None => None,
        };
        if secret.is_none() && set.is_none() {
            return Some(None);
        }
        let (audience, issuer) = (self.text("api_jwt_audience"), self.text("api_jwt_issuer"));
        let issuer = Some(issuer.as_str()).filter(|text| !text.is_empty());
        match JwtKeys::new(secret.as_ref(), set.as_deref(), &audience, issuer) {
            Ok(keys) => Some(Some(std::sync::Arc::new(keys))),
            Err(error) => {
                let at_fault = if error.is_of_the_set() { "api_jwks" } else { "api_jwt_secret" };
                self.fault(at_fault, error.to_string());
                None
            }
        }
    }
}
