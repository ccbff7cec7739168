//! The revisions of an organization's rules.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{Json, Path};
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::call::{self, Call};
use crate::api::error::{ApiError, Code};
use crate::api::page::Page;
use crate::app::revisions::{self, Examined, Taken};
use crate::draw::diagnostics;
use crate::model::digest::Digest;
use crate::model::ids::OrgSlug;
use crate::rules::{FileError, Files};
use crate::tenant::item::{Kept, Kind};
use crate::tenant::owner::Owner;
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

/// A file that a rule file includes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenFile {
    /// The path by which it is included.
    #[schema(min_length = 1, max_length = 200)]
    path: String,
    /// What stands in it.
    text: String,
}

/// Rules that somebody brings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenRules {
    /// The rule file.
    text: String,
    /// The files that it includes.
    #[serde(default)]
    files: Vec<GivenFile>,
    /// Why, for those who read the list.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Characters of the longest note.
const LONGEST_NOTE: usize = 500;

fn note(text: &str) -> Result<&str, ApiError> {
    if text.chars().count() > LONGEST_NOTE || text.chars().any(char::is_control) {
        return Err(ApiError::new(Code::Invalid, format!("a note has at most {LONGEST_NOTE} characters on one line")));
    }
    Ok(text)
}

/// Wait for those before.
const PATIENCE: Duration = Duration::from_secs(10);

/// The files of a request, and none beside them.
struct Given(BTreeMap<String, Vec<u8>>);

impl Files for Given {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.0.get(path).cloned().ok_or(FileError::Missing)
    }
}

/// Looks at them where it keeps nobody waiting: proving promises takes its time.
async fn examined(call: &Call, org: &OrgSlug, text: String, files: Vec<GivenFile>) -> Result<Examined, ApiError> {
    let files = Given(files.into_iter().map(|file| (file.path, file.text.into_bytes())).collect());
    let turn = tokio::time::timeout(PATIENCE, call.api.looking.acquire()).await;
    let busy = || ApiError::new(Code::Unavailable, "other rules are being looked at").with_header(RETRY_AFTER, "5");
    let _turn = turn.ok().and_then(Result::ok).ok_or_else(busy)?;
    let (org, now) = (org.clone(), call.now);
    let looked = tokio::task::spawn_blocking(move || revisions::examine(&org, text.as_bytes(), &files, now));
    looked.await.map_err(|_error| ApiError::new(Code::Internal, "the rules could not be looked at"))
}

fn problems(examined: &Examined) -> Vec<String> {
    diagnostics::lines(&examined.problems).lines().map(str::to_owned).collect()
}

/// What was found in rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Findings {
    /// Whether they may be answered by.
    holds: bool,
    /// What they are, when they may.
    digest: Option<String>,
    /// Errors, broken promises and warnings, each on a line with its place.
    problems: Vec<String>,
}

/// Looks at rules as `ringfall check` does, and keeps nothing.
#[utoipa::path(
    operation_id = "checkRules", tag = "rules",
    request_body = GivenRules, responses((status = 200, body = Findings))
)]
#[post("/organizations/{org}/rules/check")]
pub(crate) async fn check(mut call: Call, org: Path<String>) -> Result<Json<Findings>, ApiError> {
    let org = call.org(&org, Action::Read)?;
    there(&call, &org).await?;
    let GivenRules { text, files, note: _ } = call.body().await?;
    let found = examined(&call, &org, text, files).await?;
    let digest = found.candidate.as_ref().map(|candidate| candidate.digest.to_string());
    Ok(Json(Findings { holds: digest.is_some(), digest, problems: problems(&found) }))
}

/// Answers by new rules, on every node within a second, when nothing forbids it. The same rules again change nothing.
#[utoipa::path(
    operation_id = "pushRules", tag = "rules",
    request_body = GivenRules, responses((status = 200, body = RevisionView))
)]
#[post("/organizations/{org}/rules")]
pub(crate) async fn push(mut call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&org, Action::Rules)?;
    there(&call, &org).await?;
    let GivenRules { text, files, note: why } = call.body().await?;
    note(&why)?;
    unchanged(&call, &org).await?;
    let found = examined(&call, &org, text, files).await?;
    let Some(candidate) = &found.candidate else {
        let error = ApiError::new(Code::Invalid, "these rules are not taken: mend the errors first");
        return Err(error.with_problems(problems(&found)));
    };
    let taken = revisions::push(call.api.tenants.as_ref(), candidate, &why, &call.stamp()).await?;
    shown(&call, &taken).await
}

/// Which earlier rules should answer again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedRules {
    /// The first hex digits of what they are; those that answered before when nothing is said.
    #[serde(default)]
    #[schema(pattern = "^[0-9a-f]{1,64}$")]
    digest: Option<String>,
    /// Why, for those who read the trail.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Answers by earlier rules again.
#[utoipa::path(
    operation_id = "rollBackRules", tag = "rules",
    request_body = WantedRules, responses((status = 200, body = RevisionView))
)]
#[post("/organizations/{org}/rules/rollback")]
pub(crate) async fn roll_back(mut call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&org, Action::Rules)?;
    there(&call, &org).await?;
    let WantedRules { digest, note: why } = call.body().await?;
    note(&why)?;
    unchanged(&call, &org).await?;
    let store = call.api.tenants.as_ref();
    let taken = revisions::roll_back(store, &org, digest.as_deref(), &why, &call.stamp()).await?;
    shown(&call, &taken).await
}

/// Whether there is such an organization; nobody works for one that is not.
async fn there(call: &Call, org: &OrgSlug) -> Result<(), ApiError> {
    let found = call.api.tenants.item(&Owner::Org(org.clone()), Kind::Organization, org.as_str()).await;
    Ok(found.map(drop)?)
}

/// Whether the sender, if they say what they have read, has read the revision that answers now.
async fn unchanged(call: &Call, org: &OrgSlug) -> Result<(), ApiError> {
    if call.is_conditional() {
        call.agrees(call.api.tenants.tenant(org).await?.rules.map_or(0, |kept| kept.version))?;
    }
    Ok(())
}

async fn shown(call: &Call, taken: &Taken) -> Result<HttpResponse, ApiError> {
    let all = call.api.tenants.revisions(&taken.now.org).await?;
    let found = all.into_iter().find(|kept| kept.item.digest == taken.now.digest).ok_or_else(ApiError::not_found)?;
    Ok(call::tagged(found.version, &RevisionView::from(found)))
}
