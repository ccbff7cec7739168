//! Who asks the administration API, and what they may do: a bearer token of ours, or somebody else's signed word.
//!
//! Whoever cannot be let in learns only that; why stands in the trail and in the counters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::app::access::failures::{Failures, Source};
use crate::app::access::jwt::{JwtKeys, Untrusted};
use crate::app::tenancy::{TenantError, Tenants};
use crate::tenant::owner::{Owner, Platform};
use crate::tenant::role::{self, Action, Role};
use crate::tenant::stamp::Actor;
use crate::tenant::token::{ApiToken, TokenHash, TokenRefused};

pub mod failures;
pub mod jwt;
pub mod tokens;

#[cfg(test)]
mod tests;

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Their name in the trail.
    pub actor: Actor,
    /// For whom they act.
    pub owner: Owner,
    /// What they may do at most.
    pub role: Role,
    /// What of that they may do; all of it when nothing is named.
    pub scopes: BTreeSet<Action>,
    /// When this ends, if it does.
    pub expires: Option<Timestamp>,
}

impl Caller {
    fn of(token: &ApiToken) -> Self {
        Self {
            actor: Actor::new(&format!("token:{}", token.id)),
            owner: token.owner.clone(),
            role: token.role,
            scopes: token.scopes.clone(),
            expires: token.expires.map(|end| end.timestamp()),
        }
    }

    /// Whether they may do this at all; to whom is asked by [`Owner::reaches`].
    pub fn may(&self, wanted: Action) -> Result<(), TokenRefused> {
        role::may(self.role, wanted)?;
        let narrowed = !self.scopes.is_empty() && !self.scopes.contains(&wanted);
        if narrowed { Err(TokenRefused::Scope(wanted)) } else { Ok(()) }
    }
}

/// Whether a role belongs to whom it is held for: the platform has its administrators, organizations have the rest.
pub fn is_fitting(owner: &Owner, role: Role) -> bool {
    (*owner == Owner::Platform) == (role == Role::PlatformAdmin)
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// They said nothing of themselves.
    #[error("there is no `Authorization: Bearer` header")]
    Missing,
    /// What they said has no form.
    #[error("the `Authorization` header is not `Bearer` and one word")]
    Malformed,
    /// Nobody issued that token.
    #[error("the token is not known")]
    Unknown,
    /// It is known, and does not count.
    #[error(transparent)]
    Refused(#[from] TokenRefused),
    /// It was issued for a role that its owner cannot have.
    #[error("the role `{role}` does not go with `{owner}`")]
    Unfitting {
        /// For whom.
        owner: Owner,
        /// As what.
        role: Role,
    },
    /// Somebody else's word is not believed.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// They failed too often.
    #[error("too many failures: wait {0} seconds")]
    TooMany(u64),
    /// The store cannot be asked.
    #[error(transparent)]
    Store(TenantError),
}

impl Denied {
    /// The stable name for counters.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Missing => "no-credential",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown-token",
            Self::Refused(TokenRefused::Expired) => "expired",
            Self::Refused(TokenRefused::Revoked) => "revoked",
            Self::Refused(TokenRefused::Role(_) | TokenRefused::Scope(_)) => "not-allowed",
            Self::Unfitting { .. } => "unfitting-role",
            Self::Untrusted(why) => why.word(),
            Self::TooMany(_) => "too-many-failures",
            Self::Store(_) => "store",
        }
    }

    /// Whether it counts as an attempt that failed.
    const fn is_failure(&self) -> bool {
        !matches!(self, Self::TooMany(_) | Self::Store(_))
    }
}

/// Lets people in, or not.
pub struct Gatekeeper {
    tenants: Arc<dyn Tenants>,
    jwt: Option<Arc<JwtKeys>>,
    failures: Mutex<Failures>,
    used: Mutex<BTreeMap<(Owner, String), i64>>,
    // Set once a token was seen, as tokens are never removed.
    known: AtomicBool,
}

impl fmt::Debug for Gatekeeper {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Gatekeeper(jwt {})", self.jwt.is_some())
    }
}

/// Tokens whose last use is remembered here, so that not every request writes it down.
const REMEMBERED_USES: usize = 10_000;

/// Seconds within which a token's use is written down once.
const USE_NOTED_EVERY: i64 = 60;

impl Gatekeeper {
    /// A gatekeeper who knows the tokens of that store, and these keys of others.
    pub fn new(tenants: Arc<dyn Tenants>, jwt: Option<Arc<JwtKeys>>) -> Self {
        let (failures, used) = (Mutex::default(), Mutex::default());
        Self { tenants, jwt, failures, used, known: AtomicBool::new(false) }
    }

    /// Whether there is anything with which somebody could be let in.
    pub async fn is_open(&self) -> bool {
        if self.jwt.is_some() || self.known.load(Ordering::Acquire) {
            return true;
        }
        // A store that cannot be asked now may well hold tokens.
        let found = self.tenants.has_tokens(Platform).await.unwrap_or(true);
        self.known.fetch_or(found, Ordering::AcqRel);
        found
    }

    /// Who says this in the `Authorization` header, coming from there.
    pub async fn admit(
        &self,
        authorization: Option<&str>,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Caller, Denied> {
        let credential = authorization.map(bearer);
        let shown = credential.as_ref().and_then(|read| read.as_ref().ok()).copied();
        let sources = [from.map(Source::address), shown.map(Source::credential)];
        let sources: Vec<Source> = sources.into_iter().flatten().collect();
        let second = now.as_second();
        if let Some(wait) = self.failures().wait(&sources, second) {
            return Err(Denied::TooMany(wait));
        }
        let admitted = match credential {
            None => Err(Denied::Missing),
            Some(Err(denied)) => Err(denied),
            Some(Ok(credential)) => self.judge(credential, now).await,
        };
        if admitted.as_ref().is_err_and(Denied::is_failure) {
            self.failures().note(&sources, second);
        }
        admitted
    }

    async fn judge(&self, credential: &str, now: Timestamp) -> Result<Caller, Denied> {
        // A token of ours has no dots in it, and somebody else's word has two.
        let caller = match (&self.jwt, credential.contains('.')) {
            (Some(keys), true) => keys.read(credential, now)?,
            (None, true) => return Err(Untrusted::NoKeys.into()),
            (_, false) => self.token(credential, now).await?,
        };
        if is_fitting(&caller.owner, caller.role) {
            Ok(caller)
        } else {
            Err(Denied::Unfitting { owner: caller.owner, role: caller.role })
        }
    }

    async fn token(&self, credential: &str, now: Timestamp) -> Result<Caller, Denied> {
        let hash = TokenHash::of(credential);
        let found = self.tenants.token(Platform, &hash).await.map_err(Denied::Store)?.map(|kept| kept.item);
        let token = found.filter(|token| token.hash.is(&hash)).ok_or(Denied::Unknown)?;
        token.counts(now)?;
        if self.is_use_to_note(&token, now.as_second())
            && let Err(error) = self.tenants.token_used(&token.owner, token.id.as_str(), now).await
        {
            tracing::warn!(token = %token.id, %error, "when this token was used last is not written down");
        }
        Ok(Caller::of(&token))
    }

    fn is_use_to_note(&self, token: &ApiToken, second: i64) -> bool {
        let key = (token.owner.clone(), token.id.to_string());
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.get(&key).is_some_and(|noted| (0..USE_NOTED_EVERY).contains(&(second - noted))) {
            return false;
        }
        if used.len() >= REMEMBERED_USES {
            used.clear();
        }
        used.insert(key, second);
        true
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one word behind `Bearer`.
fn bearer(header: &str) -> Result<&str, Denied> {
    let (scheme, word) = header.trim().split_once(' ').ok_or(Denied::Malformed)?;
    let word = word.trim();
    let fits = |byte: u8| byte.is_ascii_graphic();
    if scheme.eq_ignore_ascii_case("bearer") && (1..=8192).contains(&word.len()) && word.bytes().all(fits) {
        Ok(word)
    } else {
        Err(Denied::Malformed)
    }
}
