//! The revisions of an organization's rules.

use actix_web::get;
use actix_web::web::{Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::api::page::Page;
use crate::model::digest::Digest;
use crate::tenant::item::Kept;
use crate::tenant::revision::{Returned, RevisionState, RuleRevision};
use crate::tenant::role::Action;
use crate::tenant::stamp::{At, Stamp};

/// A revision of the rules.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub(crate) struct RevisionView {
    /// What the rules are, as 64 hex digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    digest: String,
    /// Whether calls are answered by it.
    state: RevisionState,
    /// What they wrote about it.
    note: String,
    /// Who brought it, and when.
    pushed: Stamp,
    /// Who made it the current one last, and when.
    taken: Stamp,
    /// That the rules on trial in it were taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<ReturnedView>,
    /// For `If-Match`.
    version: u64,
}

impl From<Kept<RuleRevision>> for RevisionView {
    fn from(kept: Kept<RuleRevision>) -> Self {
        let Kept { item: RuleRevision { org: _, digest, state, pushed, taken, note, returned }, version } = kept;
        let returned = returned.map(|Returned { at, why }| ReturnedView { at, why });
        Self { digest: digest.to_string(), state, note, pushed, taken, returned, version }
    }
}

/// Rules on trial that were taken back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Returned)]
pub(crate) struct ReturnedView {
    /// When.
    at: At,
    /// Why, in words.
    why: String,
}

/// A file of a revision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleFile)]
pub(crate) struct RuleFileView {
    /// The path below the rules folder.
    path: String,
    /// What stands in it.
    text: String,
}

/// The files of a revision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleFiles)]
pub(crate) struct RuleFilesView {
    /// What the rules are.
    digest: String,
    /// The files; the first is the rule file itself.
    files: Vec<RuleFileView>,
}

/// The revisions of an organization's rules, those taken up last first.
#[utoipa::path(operation_id = "listRevisions", tag = "rules", responses((status = 200, body = Page<RevisionView>)))]
#[get("/organizations/{org}/rules")]
pub(crate) async fn list(call: Call, org: Path<String>) -> Result<Json<Page<RevisionView>>, ApiError> {
    let org = call.org(&org, Action::Read)?;
    let revisions = call.api.tenants.revisions(&org).await?;
    Ok(Json(Page::whole(revisions.into_iter().map(RevisionView::from).collect())))
}

/// The files of a revision.
#[utoipa::path(operation_id = "showRevision", tag = "rules", responses((status = 200, body = RuleFilesView)))]
#[get("/organizations/{org}/rules/{digest}")]
pub(crate) async fn show(call: Call, path: Path<(String, String)>) -> Result<Json<RuleFilesView>, ApiError> {
    let org = call.org(&path.0, Action::Read)?;
    let digest = Digest::parse(&path.1).ok_or_else(ApiError::not_found)?;
    let found = call.api.tenants.rule_files(&org, &digest).await?;
    let files = found.files.into_iter().map(|file| RuleFileView { path: file.path, text: file.text }).collect();
    Ok(Json(RuleFilesView { digest: digest.to_string(), files }))
}
