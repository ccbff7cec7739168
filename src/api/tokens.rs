//! Tokens for the API: issued and shown once, listed, taken back.

use std::collections::BTreeSet;

use actix_web::web::{Json, Path};
use actix_web::{HttpResponse, delete, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::call::{self, Call};
use crate::api::error::ApiError;
use crate::api::page::Page;
use crate::app::access::tokens::{self, Wanted};
use crate::tenant::item::{Kept, Kind};
use crate::tenant::owner::{Id, Owner};
use crate::tenant::role::{self, Action, Role};
use crate::tenant::stamp::{At, Stamp};
use crate::tenant::token::ApiToken;

/// A token, without the token itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenView {
    /// Which.
    id: Id,
    /// For whom it acts.
    owner: Owner,
    /// Its name for people.
    name: String,
    /// What it may do at most.
    role: Role,
    /// What of that it may do; all of it when nothing is named.
    scopes: Vec<Action>,
    /// When it ends.
    expires: Option<At>,
    /// Who issued it, and when.
    created: Stamp,
    /// Who revoked it, and when.
    revoked: Option<Stamp>,
    /// When it was used last, to the minute.
    last_used: Option<At>,
    /// For `If-Match`.
    version: u64,
}

impl TokenView {
    fn of(kept: Kept<ApiToken>, last_used: Option<jiff::Timestamp>) -> Self {
        let Kept { item, version } = kept;
        let ApiToken { id, owner, name, role, scopes, hash: _, expires, created, revoked } = item;
        let (scopes, last_used) = (scopes.into_iter().collect(), last_used.map(At::new));
        Self { id, owner, name, role, scopes, expires, created, revoked, last_used, version }
    }
}

/// A token that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// Its name for people.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// What it may do at most.
    role: Role,
    /// What of that it may do; all of it when nothing is named.
    #[serde(default)]
    scopes: BTreeSet<Action>,
    /// When it ends.
    #[serde(default)]
    expires: Option<At>,
}

/// A token as it is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FreshToken {
    /// The token itself; nobody can tell it again.
    secret: String,
    /// What is kept of it.
    token: TokenView,
}

/// The tokens of an organization, or of the platform, those issued last first.
#[utoipa::path(operation_id = "listTokens", tag = "tokens", responses((status = 200, body = Page<TokenView>)))]
#[get("/organizations/{org}/tokens")]
pub(crate) async fn list(call: Call, org: Path<String>) -> Result<Json<Page<TokenView>>, ApiError> {
    let owner = call.owner(&org, Action::Tokens)?;
    let found = tokens::list(&call.api.tenants, &owner).await?;
    let views = found.into_iter().map(|issued| TokenView::of(issued.token, issued.last_used));
    Ok(Json(Page::whole(views.collect())))
}

/// Issues a token, and shows it once. With an `Idempotency-Key`, the same wish is not granted twice.
#[utoipa::path(
    operation_id = "issueToken", tag = "tokens", request_body = NewToken,
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this wish, 1 to 200 characters")),
    responses((status = 201, body = FreshToken))
)]
#[post("/organizations/{org}/tokens")]
pub(crate) async fn issue(mut call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    let owner = call.owner(&org, Action::Tokens)?;
    let NewToken { name, role, scopes, expires } = call.body().await?;
    let expires = expires.map(At::timestamp);
    // A token that could do more than whoever issues it would be a way around their own scopes.
    let granted =
        |action: &&Action| role::may(role, **action).is_ok() && (scopes.is_empty() || scopes.contains(action));
    Action::ALL.iter().filter(granted).try_for_each(|action| call.may(*action))?;
    let wanted = Wanted { name, role, scopes, expires, again: call.again()? };
    let fresh = tokens::issue(&call.api.tenants, &owner, wanted, &call.stamp()).await?;
    let secret = fresh.secret.expose().to_owned();
    Ok(HttpResponse::Created().json(FreshToken { secret, token: TokenView::of(fresh.token, None) }))
}

/// Takes a token back; it counts no more from this moment, on every node.
#[utoipa::path(operation_id = "revokeToken", tag = "tokens", responses((status = 200, body = TokenView)))]
#[delete("/organizations/{org}/tokens/{id}")]
pub(crate) async fn revoke(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let owner = call.owner(&path.0, Action::Tokens)?;
    if call.is_conditional() {
        call.agrees(call.api.tenants.item(&owner, Kind::Token, &path.1).await?.version)?;
    }
    let revoked = tokens::revoke(&call.api.tenants, &owner, &path.1, &call.stamp()).await?;
    Ok(call::tagged(revoked.version, &TokenView::of(revoked, None)))
}
