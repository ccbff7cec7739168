//! What may become of an organization's accounts and numbers; a secret that was sent is never shown again.

use std::fmt;

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, post};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::admin::accounts::{Connect, Mode, Observe};
use crate::admin::numbers::Lead;
use crate::api::call::{self, Call};
use crate::api::error::{ApiError, Code};
use crate::api::installations::{BindingView, InstallationView, Promotion};
use crate::model::ids::{AccountSid, ApiKeySid, OrgSlug};
use crate::model::phone::E164;
use crate::model::secret::{ApiKey, Secret};
use crate::tenant::binding::Binding;
use crate::tenant::installation::Installation;
use crate::tenant::item::{Item, Kept, Kind};
use crate::tenant::owner::Owner;
use crate::tenant::role::Action;

/// A secret on its way in.
#[derive(ToSchema)]
#[schema(value_type = String, format = Password, min_length = 1)]
pub(crate) struct Given(Secret);

impl fmt::Debug for Given {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        Ok(Self(Secret::new(text.trim().to_owned())))
    }
}

/// An account to be connected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInstallation {
    /// The account's identifier.
    #[schema(pattern = "^AC[0-9a-fA-F]{32}$")]
    account_sid: String,
    /// Its auth token; it is looked at once, and never kept.
    auth_token: Given,
    /// The name of a key for its REST interface.
    #[serde(default)]
    #[schema(pattern = "^SK[0-9a-fA-F]{32}$")]
    api_key: Option<String>,
    /// The secret of that key.
    #[serde(default)]
    api_secret: Option<Given>,
    /// Numbers that belong to it.
    #[serde(default)]
    numbers: Vec<String>,
    /// Whether signatures are enforced at once, instead of being observed first; of a connected account, too.
    #[serde(default)]
    enforce: bool,
}

/// A second auth token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextToken {
    /// The token that will be the primary one; it is looked at once, and never kept.
    auth_token: Given,
}

fn invalid(error: impl fmt::Display) -> ApiError {
    ApiError::new(Code::Invalid, error.to_string())
}

/// What stands there may be a secret in the wrong place: it is not shown.
fn account(text: &str) -> Result<AccountSid, ApiError> {
    AccountSid::parse(text).map_err(|_error| invalid("`account_sid` must be `AC` and 32 hex digits"))
}

fn number(text: &str) -> Result<E164, ApiError> {
    E164::parse(text).map_err(|_error| invalid("a number must be in the form `+16195550100`"))
}

impl NewInstallation {
    fn wish(self, owner: Owner) -> Result<Connect, ApiError> {
        let api_key = match (self.api_key, self.api_secret) {
            (None, None) => None,
            (Some(sid), Some(Given(secret))) => {
                let sid = ApiKeySid::parse(&sid);
                let sid = sid.map_err(|_error| invalid("`api_key` must be `SK` and 32 hex digits"))?;
                Some(ApiKey { sid, secret })
            }
            (Some(_), None) | (None, Some(_)) => return Err(invalid("`api_key` and `api_secret` go together")),
        };
        let Given(token) = self.auth_token;
        if token.expose().is_empty() {
            return Err(invalid("`auth_token` is empty"));
        }
        let numbers = self.numbers.iter().map(|text| number(text)).collect::<Result<_, _>>()?;
        let observe = (!self.enforce).then(Observe::default);
        Ok(Connect { owner, account: account(&self.account_sid)?, token, api_key, numbers, observe })
    }
}

/// Whose accounts; the platform's own are another matter than an organization's.
fn whose(call: &Call, named: &str) -> Result<Owner, ApiError> {
    let platforms = named == Owner::PLATFORM;
    call.owner(named, if platforms { Action::PlatformCredentials } else { Action::Credentials })
}

/// Connects an account: its token is checked once with the provider, and forgotten. Saying it again changes nothing.
#[utoipa::path(
    operation_id = "connectInstallation", tag = "installations",
    request_body = NewInstallation, responses((status = 200, body = InstallationView))
)]
#[post("/organizations/{org}/installations")]
pub(crate) async fn connect(mut call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    let owner = whose(&call, &org)?;
    let wish = call.body::<NewInstallation>().await?.wish(owner.clone())?;
    let done = call.api.office.connect(&wish, call.api.carrier.as_ref(), Mode::Really, &call.stamp()).await?;
    shown(&call, &owner, done.installation.as_str()).await
}

/// Takes a second token beside the first: both are believed until one is promoted or dropped.
#[utoipa::path(
    operation_id = "rotateInstallation", tag = "installations",
    request_body = NextToken, responses((status = 200, body = InstallationView))
)]
#[post("/organizations/{org}/installations/{id}/rotate")]
pub(crate) async fn rotate(mut call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let owner = whose(&call, &path.0)?;
    let NextToken { auth_token: Given(token) } = call.body().await?;
    if token.expose().is_empty() {
        return Err(invalid("`auth_token` is empty"));
    }
    let account = active(&call, &owner, &path.1).await?;
    call.api.office.rotate(&owner, Some(&account), &token, &call.stamp()).await?;
    shown(&call, &owner, &path.1).await
}

/// The second token becomes the only one, once a request came that was signed with it: before that, all that the
/// carrier sends would be refused (409).
#[utoipa::path(
    operation_id = "promoteInstallation", tag = "installations",
    params(Promotion), responses((status = 200, body = InstallationView))
)]
#[post("/organizations/{org}/installations/{id}/promote")]
pub(crate) async fn promote(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let owner = whose(&call, &path.0)?;
    let proof = call.query::<Promotion>()?.proof();
    let account = active(&call, &owner, &path.1).await?;
    call.api.office.promote(&owner, Some(&account), proof, &call.stamp()).await?;
    shown(&call, &owner, &path.1).await
}

/// The second token is dropped, and the first stays.
#[utoipa::path(
    operation_id = "dropNextToken", tag = "installations", responses((status = 200, body = InstallationView))
)]
#[post("/organizations/{org}/installations/{id}/drop-next")]
pub(crate) async fn drop_next(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let owner = whose(&call, &path.0)?;
    let account = active(&call, &owner, &path.1).await?;
    call.api.office.drop_next(&owner, Some(&account), &call.stamp()).await?;
    shown(&call, &owner, &path.1).await
}

/// Ends the time in which signatures are only observed.
#[utoipa::path(
    operation_id = "enforceInstallation", tag = "installations", responses((status = 200, body = InstallationView))
)]
#[post("/organizations/{org}/installations/{id}/enforce")]
pub(crate) async fn enforce(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let owner = whose(&call, &path.0)?;
    let account = active(&call, &owner, &path.1).await?;
    call.api.office.enforce(&owner, Some(&account), &call.stamp()).await?;
    shown(&call, &owner, &path.1).await
}

/// Uses an account never again, and forgets its secrets.
#[utoipa::path(
    operation_id = "revokeInstallation", tag = "installations", responses((status = 200, body = InstallationView))
)]
#[post("/organizations/{org}/installations/{id}/revoke")]
pub(crate) async fn revoke(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let owner = whose(&call, &path.0)?;
    let account = active(&call, &owner, &path.1).await?;
    call.api.office.revoke(&owner, Some(&account), &call.stamp()).await?;
    shown(&call, &owner, &path.1).await
}

async fn installation(call: &Call, owner: &Owner, id: &str) -> Result<Kept<Installation>, ApiError> {
    let kept = call.api.tenants.item(owner, Kind::Installation, id).await?;
    let Item::Installation(item) = kept.item else { return Err(ApiError::not_found()) };
    Ok(Kept { item: *item, version: kept.version })
}

/// The account of an installation that is used, and is what the sender has read if they say what that is.
async fn active(call: &Call, owner: &Owner, id: &str) -> Result<AccountSid, ApiError> {
    let Kept { item, version } = installation(call, owner, id).await?;
    call.agrees(version)?;
    if !item.is_active() {
        return Err(ApiError::new(Code::WrongState, "the installation is revoked: connect the account anew"));
    }
    AccountSid::parse(&item.account).map_err(|_error| ApiError::not_found())
}

async fn shown(call: &Call, owner: &Owner, id: &str) -> Result<HttpResponse, ApiError> {
    let kept = installation(call, owner, id).await?;
    Ok(call::tagged(kept.version, &InstallationView::from(kept)))
}

/// A number to be bound.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBinding {
    /// The number.
    #[schema(pattern = "^\\+[1-9][0-9]{6,14}$")]
    number: String,
    /// Whether it belongs to the platform's account, and not to the organization's own.
    #[serde(default)]
    platform: bool,
    /// Which account, when there are several.
    #[serde(default)]
    account_sid: Option<String>,
    /// The line of the rules that it rings, by its name; at first the line with that number.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    line: Option<String>,
    /// Which binding is used for what goes out when several fit: the lowest; at first 0.
    #[serde(default)]
    priority: Option<u16>,
}

/// Binds a number to an account, or changes how it is bound. Saying it again changes nothing.
#[utoipa::path(
    operation_id = "bindNumber", tag = "bindings",
    request_body = NewBinding, responses((status = 200, body = BindingView))
)]
#[post("/organizations/{org}/bindings")]
pub(crate) async fn bind(mut call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&org, Action::Bindings)?;
    let wanted: NewBinding = call.body().await?;
    let number = number(&wanted.number)?;
    let named = wanted.account_sid.as_deref().map(account).transpose()?;
    let over = if wanted.platform { Owner::Platform } else { Owner::Org(org.clone()) };
    if over == Owner::Platform && call.caller.owner != Owner::Platform {
        // Whose a number of the platform's account is, the platform says; a customer might name anybody's.
        let known = call.api.tenants.tenant(&org).await?.bindings;
        let own = |it: &Binding| it.installation.owner == Owner::Platform && it.selector == number.as_str();
        if !known.iter().any(|kept| own(&kept.item)) {
            call.platform(Action::Bindings)?;
        }
    }
    let NewBinding { line, priority, .. } = wanted;
    let lead = Lead { over, account: named, number, line, priority };
    let (bound, _) = call.api.office.bind(&org, &lead, &call.stamp()).await?;
    let found = binding(&call, &org, bound.id.as_str()).await?;
    Ok(call::tagged(found.version, &BindingView::from(found)))
}

async fn binding(call: &Call, org: &OrgSlug, id: &str) -> Result<Kept<Binding>, ApiError> {
    let kept = call.api.tenants.item(&Owner::Org(org.clone()), Kind::Binding, id).await?;
    let Item::Binding(item) = kept.item else { return Err(ApiError::not_found()) };
    Ok(Kept { item, version: kept.version })
}

/// Lets a number go.
#[utoipa::path(operation_id = "unbindNumber", tag = "bindings", responses((status = 204)))]
#[delete("/organizations/{org}/bindings/{id}")]
pub(crate) async fn unbind(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&path.0, Action::Bindings)?;
    let found = binding(&call, &org, &path.1).await?;
    call.agrees(found.version)?;
    call.api.office.unbind(found, &call.stamp()).await?;
    Ok(HttpResponse::NoContent().finish())
}
