//! JSON Web Tokens that somebody else signed: HS256 by a shared secret, RS256 by a key of a set, and nothing else.
//!
//! Which key is tried follows from the algorithm, never the other way round: a public key is no secret here, and a
//! secret is no public key.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::app::access::Caller;
use crate::model::secret::Secret;
use crate::tenant::owner::Owner;
use crate::tenant::role::{Action, Role};
use crate::tenant::stamp::Actor;

/// Bytes of the shortest shared secret: those of the hash, as RFC 7518 demands.
const SHORTEST_SECRET: usize = 32;

/// Bytes of the shortest modulus of a public key.
const SHORTEST_MODULUS: usize = 256;

/// Seconds by which the issuer's clock may differ from ours.
const LEEWAY: f64 = 30.0;

/// The keys of those whose word counts.
pub struct JwtKeys {
    secret: Option<DecodingKey>,
    public: Vec<(Option<String>, DecodingKey)>,
    audience: String,
    issuer: Option<String>,
}

impl fmt::Debug for JwtKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "JwtKeys(secret {}, {} public)", self.secret.is_some(), self.public.len())
    }
}

/// Why keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The secret can be guessed.
    #[error("the secret has {0} bytes and needs at least {SHORTEST_SECRET}: make one with `openssl rand -hex 32`")]
    ShortSecret(usize),
    /// The secret is a key that everybody may know.
    #[error("this is a PEM key and no shared secret: give public keys as a JSON Web Key Set")]
    PublicSecret,
    /// The set is no set.
    #[error("this is no JSON Web Key Set: {0}")]
    NotASet(String),
    /// The set has nothing to check with.
    #[error("the set has no RSA key for RS256 signatures of at least 2048 bits")]
    NothingUsable,
}

impl KeyError {
    /// Whether it is about the set, and not about the secret.
    pub const fn is_of_the_set(&self) -> bool {
        matches!(self, Self::NotASet(_) | Self::NothingUsable)
    }
}

impl JwtKeys {
    /// The keys: a shared secret, a JSON Web Key Set, or both. Other kinds of keys in a set are passed over.
    pub fn new(
        secret: Option<&Secret>,
        set: Option<&str>,
        audience: &str,
        issuer: Option<&str>,
    ) -> Result<Self, KeyError> {
        let secret = secret.map(shared).transpose()?;
        let public = set.map(public).transpose()?.unwrap_or_default();
        Ok(Self { secret, public, audience: audience.to_owned(), issuer: issuer.map(str::to_owned) })
    }

    /// Who says this, if their word counts now.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Caller, Untrusted> {
        let header = jsonwebtoken::decode_header(token).map_err(|_error| Untrusted::Unreadable)?;
        // What must be understood is not.
        if header.crit.is_some() {
            return Err(Untrusted::Unreadable);
        }
        let key = if header.alg == Algorithm::HS256 {
            self.secret.as_ref().ok_or(Untrusted::Algorithm)?
        } else if header.alg == Algorithm::RS256 && !self.public.is_empty() {
            self.named(header.kid.as_deref()).ok_or(Untrusted::Key)?
        } else {
            return Err(Untrusted::Algorithm);
        };
        let mut how = Validation::new(header.alg);
        // The claims are judged below, by the clock that everything here goes by.
        (how.validate_exp, how.validate_aud) = (false, false);
        how.required_spec_claims.clear();
        let read = jsonwebtoken::decode::<Claims>(token, key, &how).map_err(|error| {
            if matches!(error.kind(), ErrorKind::InvalidSignature) {
                Untrusted::Signature
            } else if matches!(error.kind(), ErrorKind::Json(_)) {
                Untrusted::Claims
            } else {
                Untrusted::Unreadable
            }
        })?;
        self.judge(&read.claims, now)
    }

    fn named(&self, kid: Option<&str>) -> Option<&DecodingKey> {
        match (kid, self.public.as_slice()) {
            (Some(kid), keys) => keys.iter().find(|(known, _)| known.as_deref() == Some(kid)).map(|(_, key)| key),
            (None, [(_, only)]) => Some(only),
            (None, _) => None,
        }
    }

    fn judge(&self, claims: &Claims, now: Timestamp) -> Result<Caller, Untrusted> {
        let second = now.as_duration().as_secs_f64();
        if claims.exp + LEEWAY <= second {
            return Err(Untrusted::Expired);
        }
        if claims.nbf.is_some_and(|start| start > second + LEEWAY) {
            return Err(Untrusted::NotYet);
        }
        let named = |one: &serde_json::Value| one.as_str() == Some(&self.audience);
        let meant = named(&claims.aud) || claims.aud.as_array().is_some_and(|several| several.iter().any(named));
        if !meant {
            return Err(Untrusted::Audience);
        }
        if self.issuer.is_some() && self.issuer != claims.iss {
            return Err(Untrusted::Issuer);
        }
        let owner = Owner::parse(&claims.org_id).map_err(|_error| Untrusted::Claims)?;
        let words = claims.scope.as_deref().unwrap_or_default();
        let scopes: Option<BTreeSet<Action>> = words.split_ascii_whitespace().map(Action::parse).collect();
        // Here no scopes mean all of them; whoever says that there are none means the opposite.
        let scopes = scopes.filter(|scopes| claims.scope.is_none() || !scopes.is_empty());
        Ok(Caller {
            actor: Actor::new(&format!("jwt:{}", claims.sub)),
            owner,
            role: claims.role,
            scopes: scopes.ok_or(Untrusted::Claims)?,
            // Seconds since 1970 that a number of this size holds exactly.
            #[expect(clippy::cast_possible_truncation, reason = "beyond the range it becomes the largest number")]
            expires: Timestamp::from_second(claims.exp as i64).ok(),
        })
    }
}

fn shared(secret: &Secret) -> Result<DecodingKey, KeyError> {
    let text = secret.expose();
    if text.trim_start().starts_with("-----BEGIN") {
        return Err(KeyError::PublicSecret);
    }
    if text.len() < SHORTEST_SECRET {
        return Err(KeyError::ShortSecret(text.len()));
    }
    Ok(DecodingKey::from_secret(text.as_bytes()))
}

fn public(set: &str) -> Result<Vec<(Option<String>, DecodingKey)>, KeyError> {
    let set: JwkSet = serde_json::from_str(set).map_err(|error| KeyError::NotASet(error.to_string()))?;
    let mut keys = Vec::new();
    for jwk in &set.keys {
        let AlgorithmParameters::RSA(rsa) = &jwk.algorithm else { continue };
        let for_this = matches!(jwk.common.key_algorithm, None | Some(KeyAlgorithm::RS256))
            && matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        // Four signs of base64 are three bytes.
        let long_enough = rsa.n.trim_start_matches('A').len() * 3 / 4 >= SHORTEST_MODULUS;
        if for_this
            && long_enough
            && let Ok(key) = DecodingKey::from_jwk(jwk)
        {
            keys.push((jwk.common.key_id.clone(), key));
        }
    }
    if keys.is_empty() { Err(KeyError::NothingUsable) } else { Ok(keys) }
}

/// What a token must say.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    org_id: String,
    role: Role,
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    aud: serde_json::Value,
    iss: Option<String>,
    scope: Option<String>,
}

/// Why somebody else's word is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// Nobody's word counts here.
    #[error("no key for JSON Web Tokens is set")]
    NoKeys,
    /// It is no such token.
    #[error("the JSON Web Token cannot be read")]
    Unreadable,
    /// It is signed in another way than we take.
    #[error("the JSON Web Token is signed by an algorithm that is not taken here")]
    Algorithm,
    /// It names no key of ours.
    #[error("the JSON Web Token names no key that is known here")]
    Key,
    /// Somebody else wrote or changed it.
    #[error("the signature of the JSON Web Token does not hold")]
    Signature,
    /// It lacks what it must say, or says it wrong.
    #[error("the JSON Web Token lacks `sub`, `org_id`, `role`, `exp` or `aud`, or one of them cannot be read")]
    Claims,
    /// Its time is over.
    #[error("the JSON Web Token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the JSON Web Token does not count yet")]
    NotYet,
    /// It is meant for another service.
    #[error("the JSON Web Token is meant for another audience")]
    Audience,
    /// It is by another issuer.
    #[error("the JSON Web Token is by another issuer")]
    Issuer,
}

impl Untrusted {
    /// The stable name for counters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoKeys => "jwt-no-keys",
            Self::Unreadable => "jwt-unreadable",
            Self::Algorithm => "jwt-algorithm",
            Self::Key => "jwt-key",
            Self::Signature => "jwt-signature",
            Self::Claims => "jwt-claims",
            Self::Expired => "jwt-expired",
            Self::NotYet => "jwt-not-yet",
            Self::Audience => "jwt-audience",
            Self::Issuer => "jwt-issuer",
        }
    }
}
