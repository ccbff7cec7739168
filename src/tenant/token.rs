//! A bearer token for the API; only its hash is kept.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::tenant::owner::{Id, Owner};
use crate::tenant::role::{self, Action, Role};
use crate::tenant::stamp::{At, Stamp};

/// SHA-256 of a token, as 64 hex digits. Tokens are random, so a fast hash is enough.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of a token.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the other; how long that takes tells nothing of where they differ.
    pub fn is(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TokenHash(***)")
    }
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Which.
    pub id: Id,
    /// For whom it acts.
    pub owner: Owner,
    /// Its name for people.
    pub name: String,
    /// What it may do at most.
    pub role: Role,
    /// What of that it may do; all of it when nothing is named.
    #[serde(default)]
    pub scopes: BTreeSet<Action>,
    /// How it is recognized.
    pub hash: TokenHash,
    /// When it ends.
    #[serde(default)]
    pub expires: Option<At>,
    /// Who issued it, and when.
    pub created: Stamp,
    /// Who revoked it, and when.
    #[serde(default)]
    pub revoked: Option<Stamp>,
}

/// Why a token does not count, or not for this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// It was taken back.
    #[error("the token is revoked")]
    Revoked,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its role does not allow this.
    #[error(transparent)]
    Role(#[from] role::NeedsRole),
    /// It was issued for less.
    #[error("the token was not issued for `{0}`")]
    Scope(Action),
}

impl ApiToken {
    /// Whether it counts at all now.
    pub fn counts(&self, now: Timestamp) -> Result<(), TokenRefused> {
        if self.revoked.is_some() {
            return Err(TokenRefused::Revoked);
        }
        if self.expires.is_some_and(|end| now >= end.timestamp()) {
            return Err(TokenRefused::Expired);
        }
        Ok(())
    }

    /// Whether it may do this now.
    pub fn may(&self, wanted: Action, now: Timestamp) -> Result<(), TokenRefused> {
        self.counts(now)?;
        role::may(self.role, wanted)?;
        if self.scopes.is_empty() || self.scopes.contains(&wanted) { Ok(()) } else { Err(TokenRefused::Scope(wanted)) }
    }

    /// Takes it back; once is enough.
    pub fn revoke(&mut self, by: Stamp) {
        self.revoked.get_or_insert(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::stamp::Actor;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn token() -> ApiToken {
        ApiToken {
            id: Id::parse("tok_1").unwrap(),
            owner: Owner::parse("acme").unwrap(),
            name: "night shift".into(),
            role: Role::Operator,
            scopes: BTreeSet::new(),
            hash: TokenHash::of("secret"),
            expires: Some(At::new(at(100))),
            created: Stamp::new(&Actor::new("cli:ana"), at(0)),
            revoked: None,
        }
    }

    #[test]
    fn a_token_counts_until_it_ends_and_only_for_its_role() {
        let mut token = token();
        assert_eq!(token.may(Action::Switch, at(99)), Ok(()));
        assert_eq!(token.may(Action::Switch, at(100)), Err(TokenRefused::Expired));
        assert!(matches!(token.may(Action::Credentials, at(1)), Err(TokenRefused::Role(_))));
        token.revoke(Stamp::new(&Actor::new("cli:bo"), at(50)));
        assert_eq!(token.may(Action::Switch, at(60)), Err(TokenRefused::Revoked));
    }

    #[test]
    fn scopes_narrow_a_role_and_never_widen_it() {
        let mut token = token();
        token.scopes = BTreeSet::from([Action::Read, Action::Credentials]);
        assert_eq!(token.may(Action::Read, at(1)), Ok(()));
        assert_eq!(token.may(Action::Switch, at(1)), Err(TokenRefused::Scope(Action::Switch)));
        assert!(matches!(token.may(Action::Credentials, at(1)), Err(TokenRefused::Role(_))));
    }

    #[test]
    fn only_the_hash_is_kept_and_not_even_that_is_shown() {
        let token = token();
        let text = serde_json::to_string(&token).unwrap();
        assert!(text.contains(TokenHash::of("secret").as_str()));
        assert!(!format!("{token:?}").contains(token.hash.as_str()));
        assert!(token.hash.is(&TokenHash::of("secret")) && !token.hash.is(&TokenHash::of("Secret")));
    }
}
