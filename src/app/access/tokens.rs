//! Tokens: issued, shown once, listed and taken back.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::app::access;
use crate::app::tenancy::{IssuedToken, TenantError, Tenants};
use crate::model::secret::Secret;
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::item::{Item, Kept, Kind};
use crate::tenant::owner::{Id, Owner};
use crate::tenant::role::{self, Action, Role};
use crate::tenant::stamp::{At, Stamp};
use crate::tenant::token::{ApiToken, TokenHash};

/// How every token of ours opens, so that those who scan for lost secrets know it.
pub const OPENING: &str = "ringfall_";

/// Characters of the longest name.
const LONGEST_NAME: usize = 80;

/// What somebody wants to have issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name for people.
    pub name: String,
    /// What it may do at most.
    pub role: Role,
    /// What of that it may do; all of it when nothing is named.
    pub scopes: BTreeSet<Action>,
    /// When it ends, if it does.
    pub expires: Option<Timestamp>,
    /// A word by which the same wish is known when it comes again.
    pub again: Option<String>,
}

/// A token as it is shown once, with what is kept of it.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// The token; nobody can tell it again.
    pub secret: Secret,
    /// What is kept.
    pub token: Kept<ApiToken>,
}

/// Why a token is not issued or taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The name says nothing, or too much.
    #[error("a token needs a name of 1 to {LONGEST_NAME} characters on one line, such as `night shift`")]
    Name,
    /// The role is not for that owner.
    #[error(
        "the role `{role}` does not go with `{owner}`: `platform-admin` is for the platform, and the others for organizations"
    )]
    Unfitting {
        /// For whom.
        owner: Owner,
        /// As what.
        role: Role,
    },
    /// It is asked for what its role cannot do.
    #[error("{0}; leave that scope out, or choose another role")]
    Scope(#[from] role::NeedsRole),
    /// It would have ended before it began.
    #[error("`{0}` is over already: choose a later end, or none")]
    Past(At),
    /// The machine gives no random numbers.
    #[error("the machine's source of randomness cannot be read")]
    NoChance,
    /// The store does not do it.
    #[error(transparent)]
    Store(#[from] TenantError),
}

/// Issues a token.
pub async fn issue(tenants: &Arc<dyn Tenants>, owner: &Owner, wanted: Wanted, by: &Stamp) -> Result<Fresh, TokenError> {
    let name = wanted.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(TokenError::Name);
    }
    if !access::is_fitting(owner, wanted.role) {
        return Err(TokenError::Unfitting { owner: owner.clone(), role: wanted.role });
    }
    wanted.scopes.iter().try_for_each(|scope| role::may(wanted.role, *scope))?;
    let expires = wanted.expires.map(At::new);
    if let Some(end) = expires.filter(|end| *end <= by.at) {
        return Err(TokenError::Past(end));
    }
    let secret = Secret::new(format!("{OPENING}{}", URL_SAFE_NO_PAD.encode(random::<32>()?)));
    let token = ApiToken {
        id: id(wanted.again.as_deref(), by)?,
        owner: owner.clone(),
        name: name.to_owned(),
        role: wanted.role,
        scopes: wanted.scopes,
        hash: TokenHash::of(secret.expose()),
        expires,
        created: by.clone(),
        revoked: None,
    };
    let detail = format!("`{name}` as `{}`", token.role);
    let change = Change::new(Item::Token(token.clone()), Deed::TokenIssued, detail);
    let changed = tenants.change(owner, vec![change], by).await?;
    Ok(Fresh { secret, token: Kept { item: token, version: changed.cursor() } })
}

/// The tokens of that owner, those issued last first.
pub async fn list(tenants: &Arc<dyn Tenants>, owner: &Owner) -> Result<Vec<IssuedToken>, TokenError> {
    let mut tokens = tenants.tokens(owner).await?;
    tokens.sort_by(|one, other| {
        let key = |issued: &IssuedToken| (issued.token.item.created.at, issued.token.item.id.clone());
        key(other).cmp(&key(one))
    });
    Ok(tokens)
}

/// Takes a token back; once is enough.
pub async fn revoke(
    tenants: &Arc<dyn Tenants>,
    owner: &Owner,
    id: &str,
    by: &Stamp,
) -> Result<Kept<ApiToken>, TokenError> {
    let kept = tenants.item(owner, Kind::Token, id).await?;
    let Item::Token(mut token) = kept.item else { return Err(TenantError::NotFound(Kind::Token).into()) };
    if token.revoked.is_some() {
        return Ok(Kept { item: token, version: kept.version });
    }
    token.revoke(by.clone());
    let detail = format!("`{}`", token.name);
    let change = Change::changed(Item::Token(token.clone()), kept.version, Deed::TokenRevoked, detail);
    let changed = tenants.change(owner, vec![change], by).await?;
    Ok(Kept { item: token, version: changed.cursor() })
}

/// A name for a token: of the same wish of the same person, always the same.
fn id(again: Option<&str>, by: &Stamp) -> Result<Id, TokenError> {
    let number = match again {
        Some(word) => {
            let hash = TokenHash::of(&format!("{}\n{word}", by.by));
            hash.as_str().chars().take(20).collect()
        }
        None => random::<10>()?.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
    };
    Id::parse(&format!("tok_{number}")).map_err(|_error| TokenError::Name)
}

fn random<const COUNT: usize>() -> Result<[u8; COUNT], TokenError> {
    let mut bytes = [0; COUNT];
    rand::fill(&mut bytes).map_err(|_error| TokenError::NoChance)?;
    Ok(bytes)
}
