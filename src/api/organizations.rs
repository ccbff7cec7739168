//! Organizations: which there are, how one stands, and what may become of it.

use actix_web::web::{Json, Path};
use actix_web::{HttpResponse, delete, get, post, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::organizations::Wish;
use crate::api::call::{self, Call};
use crate::api::error::{ApiError, Code};
use crate::api::page::{Page, PageQuery};
use crate::model::ids::OrgSlug;
use crate::tenant::item::Kept;
use crate::tenant::organization::{OrgState, Organization};
use crate::tenant::plan::{Capability, Plan};
use crate::tenant::role::Action;
use crate::tenant::stamp::Stamp;

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
pub(crate) struct OrganizationView {
    /// Its short name; it never changes.
    slug: OrgSlug,
    /// Its name for people.
    name: String,
    /// What it pays for.
    plan: Plan,
    /// Whether it is served.
    state: OrgState,
    /// For what it may use the platform's account.
    opt_ins: Vec<Capability>,
    /// By whom it was founded, and when.
    created: Stamp,
    /// For `If-Match`.
    version: u64,
}

impl From<Kept<Organization>> for OrganizationView {
    fn from(kept: Kept<Organization>) -> Self {
        let Kept { item, version } = kept;
        let Organization { slug, name, plan, state, opt_ins, created } = item;
        Self { slug, name, plan, state, opt_ins: opt_ins.into_iter().collect(), created, version }
    }
}

/// All organizations, by their short names.
#[utoipa::path(
    operation_id = "listOrganizations", tag = "organizations",
    params(PageQuery), responses((status = 200, body = Page<OrganizationView>))
)]
#[get("/organizations")]
pub(crate) async fn list(call: Call) -> Result<Json<Page<OrganizationView>>, ApiError> {
    let platform = call.platform(Action::Read)?;
    let query: PageQuery = call.query()?;
    let after = query.after.as_deref().map(OrgSlug::parse).transpose();
    let after = after.map_err(|error| ApiError::new(Code::BadRequest, error.to_string()))?;
    let limit = query.limit();
    let found = call.api.tenants.organizations(platform, after.as_ref(), limit + 1).await?;
    let found: Vec<OrganizationView> = found.into_iter().map(OrganizationView::from).collect();
    Ok(Json(Page::of(found, limit, |organization| organization.slug.to_string())))
}

/// One organization.
#[utoipa::path(
    operation_id = "showOrganization", tag = "organizations",
    responses((status = 200, body = OrganizationView, headers(("ETag" = String, description = "for `If-Match`"))))
)]
#[get("/organizations/{org}")]
pub(crate) async fn show(call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&org, Action::Read)?;
    let organization = call.api.tenants.tenant(&org).await?.organization;
    Ok(call::tagged(organization.version, &OrganizationView::from(organization)))
}

/// An organization to be founded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrganization {
    /// Its short name; it never changes.
    slug: OrgSlug,
    /// Its name for people.
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    /// What it pays for.
    plan: Plan,
}

/// Characters of the longest name.
const LONGEST_NAME: usize = 120;

/// Founds an organization.
#[utoipa::path(
    operation_id = "foundOrganization", tag = "organizations",
    request_body = NewOrganization, responses((status = 201, body = OrganizationView))
)]
#[post("/organizations")]
pub(crate) async fn establish(mut call: Call) -> Result<HttpResponse, ApiError> {
    call.platform(Action::Organizations)?;
    let NewOrganization { slug, name, plan } = call.body().await?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let wrong = format!("an organization needs a name of 1 to {LONGEST_NAME} characters on one line");
        return Err(ApiError::new(Code::Invalid, wrong));
    }
    call.api.office.found(slug.clone(), name.to_owned(), plan, &call.stamp()).await?;
    let organization = call.api.tenants.tenant(&slug).await?.organization;
    Ok(HttpResponse::Created().json(OrganizationView::from(organization)))
}

/// The plan that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedPlan {
    /// The plan.
    plan: Plan,
}

/// Gives an organization another plan.
#[utoipa::path(
    operation_id = "setPlan", tag = "organizations",
    request_body = WantedPlan, responses((status = 200, body = OrganizationView))
)]
#[put("/organizations/{org}/plan")]
pub(crate) async fn set_plan(mut call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&org, Action::Organizations)?;
    let WantedPlan { plan } = call.body().await?;
    unchanged(&call, &org).await?;
    call.api.office.set_plan(&org, plan, &call.stamp()).await?;
    shown(&call, &org).await
}

/// Serves an organization no more for now: its callers hear the safe ending.
#[utoipa::path(
    operation_id = "suspendOrganization", tag = "organizations", responses((status = 200, body = OrganizationView))
)]
#[post("/organizations/{org}/suspend")]
pub(crate) async fn suspend(call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    turned(&call, &org, OrgState::Suspended).await
}

/// Serves it again.
#[utoipa::path(
    operation_id = "resumeOrganization", tag = "organizations", responses((status = 200, body = OrganizationView))
)]
#[post("/organizations/{org}/resume")]
pub(crate) async fn resume(call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    turned(&call, &org, OrgState::Active).await
}

async fn turned(call: &Call, org: &str, state: OrgState) -> Result<HttpResponse, ApiError> {
    let org = call.org(org, Action::Organizations)?;
    unchanged(call, &org).await?;
    call.api.office.set_state(&org, state, &call.stamp()).await?;
    shown(call, &org).await
}

/// Opts an organization in to the platform's account.
#[utoipa::path(operation_id = "optIn", tag = "organizations", responses((status = 200, body = OrganizationView)))]
#[put("/organizations/{org}/opt-ins/{capability}")]
pub(crate) async fn opt_in(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    opted(&call, &path, Wish::In).await
}

/// Opts it out again.
#[utoipa::path(operation_id = "optOut", tag = "organizations", responses((status = 200, body = OrganizationView)))]
#[delete("/organizations/{org}/opt-ins/{capability}")]
pub(crate) async fn opt_out(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    opted(&call, &path, Wish::Out).await
}

async fn opted(call: &Call, path: &(String, String), wish: Wish) -> Result<HttpResponse, ApiError> {
    let org = call.org(&path.0, Action::Organization)?;
    let wanted = Capability::parse(&path.1).ok_or_else(ApiError::not_found)?;
    unchanged(call, &org).await?;
    call.api.office.opt(&org, wanted, wish, &call.stamp()).await?;
    shown(call, &org).await
}

/// Whether the sender, if they say what they have read, has read what is there.
async fn unchanged(call: &Call, org: &OrgSlug) -> Result<(), ApiError> {
    if call.is_conditional() {
        call.agrees(call.api.tenants.tenant(org).await?.organization.version)?;
    }
    Ok(())
}

async fn shown(call: &Call, org: &OrgSlug) -> Result<HttpResponse, ApiError> {
    let organization = call.api.tenants.tenant(org).await?.organization;
    Ok(call::tagged(organization.version, &OrganizationView::from(organization)))
}
