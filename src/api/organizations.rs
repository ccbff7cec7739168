//! Organizations: which there are, and how one stands.

use actix_web::web::{Json, Path};
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

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
