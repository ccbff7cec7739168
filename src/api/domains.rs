//! What may become of an organization's host names: asked for, proved, taken up, given up.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::call::{self, Call};
use crate::api::error::{ApiError, Code};
use crate::api::installations::DomainView;
use crate::model::ids::OrgSlug;
use crate::tenant::domain::{Domain, Host};
use crate::tenant::item::Kept;
use crate::tenant::role::Action;

/// A host name that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDomain {
    /// The name, without scheme, port or path.
    host: String,
}

/// Asks for a host name; the answer says which TXT record proves it. Asking again gives back the same word.
#[utoipa::path(
    operation_id = "requestDomain", tag = "domains",
    request_body = NewDomain, responses((status = 200, body = DomainView))
)]
#[post("/organizations/{org}/domains")]
pub(crate) async fn request(mut call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&org, Action::Domains)?;
    let NewDomain { host } = call.body().await?;
    let wrong = |_error| ApiError::new(Code::Invalid, "`host` must be a name such as `phones.example.com`");
    let host = Host::parse(&host).map_err(wrong)?;
    call.api.office.request_domain(&org, host.clone(), &call.stamp()).await?;
    shown(&call, &org, &host).await
}

/// Looks for the proof in DNS. Once it was found the host name is this organization's and nobody else's.
#[utoipa::path(operation_id = "verifyDomain", tag = "domains", responses((status = 200, body = DomainView)))]
#[post("/organizations/{org}/domains/{host}/verify")]
pub(crate) async fn verify(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let (org, host) = asked(&call, &path).await?;
    call.api.office.verify_domain(&org, &host, call.api.names.as_ref(), &call.stamp()).await?;
    shown(&call, &org, &host).await
}

/// Answers requests to a host name that is proved.
#[utoipa::path(operation_id = "activateDomain", tag = "domains", responses((status = 200, body = DomainView)))]
#[post("/organizations/{org}/domains/{host}/activate")]
pub(crate) async fn activate(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let (org, host) = asked(&call, &path).await?;
    call.api.office.activate_domain(&org, &host, &call.stamp()).await?;
    shown(&call, &org, &host).await
}

/// Gives a host name up.
#[utoipa::path(operation_id = "removeDomain", tag = "domains", responses((status = 204)))]
#[delete("/organizations/{org}/domains/{host}")]
pub(crate) async fn remove(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let (org, host) = asked(&call, &path).await?;
    call.api.office.remove_domain(&org, &host, &call.stamp()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What the path names, if the sender may, and if it is what they have read where they say so.
async fn asked(call: &Call, path: &(String, String)) -> Result<(OrgSlug, Host), ApiError> {
    let org = call.org(&path.0, Action::Domains)?;
    let host = Host::parse(&path.1).map_err(|_error| ApiError::not_found())?;
    if call.is_conditional() {
        call.agrees(domain(call, &org, &host).await?.version)?;
    }
    Ok((org, host))
}

async fn domain(call: &Call, org: &OrgSlug, host: &Host) -> Result<Kept<Domain>, ApiError> {
    let domains = call.api.tenants.tenant(org).await?.domains;
    domains.into_iter().find(|kept| kept.item.host == *host).ok_or_else(ApiError::not_found)
}

async fn shown(call: &Call, org: &OrgSlug, host: &Host) -> Result<HttpResponse, ApiError> {
    let found = domain(call, org, host).await?;
    Ok(call::tagged(found.version, &DomainView::from(found)))
}
