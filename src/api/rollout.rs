//! How far organizations' own carriers are let in.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch, post, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::call::{self, Call};
use crate::api::error::{ApiError, Code};
use crate::app::rollout::{self, Lever, Turn};
use crate::model::ids::OrgSlug;
use crate::tenant::item::Kept;
use crate::tenant::owner::Platform;
use crate::tenant::profile::Provider;
use crate::tenant::role::Action;
use crate::tenant::rollout::{Matrix, ProviderRollout, Rollout, Stage};
use crate::tenant::stamp::Stamp;

/// How far a provider is let in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderRollout)]
pub(crate) struct ProviderView {
    /// How far.
    stage: Stage,
    /// Whom `canary` means.
    canary: Vec<OrgSlug>,
    /// What state of the security matrix was cited last.
    matrix: Option<String>,
}

impl From<ProviderRollout> for ProviderView {
    fn from(it: ProviderRollout) -> Self {
        Self { stage: it.stage, canary: it.canary.into_iter().collect(), matrix: it.matrix }
    }
}

/// The switches of the whole platform.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rollout)]
pub(crate) struct RolloutView {
    /// Whether organizations' own accounts are used at all; off is the kill switch.
    enabled: bool,
    /// Whether organizations that opted in may use the platform's account.
    allow_platform_fallback: bool,
    /// Whether a provider must pass through `canary` on its way to `on`.
    progressive: bool,
    /// Whether everything is taken back for now.
    rollback_mode: bool,
    /// How far each provider is let in; those that are not here are off.
    stages: BTreeMap<String, ProviderView>,
    /// By whom it was changed last, and when.
    updated: Option<Stamp>,
    /// For `If-Match`; 0 when nobody has touched it.
    version: u64,
}

impl RolloutView {
    fn of(kept: Option<Kept<Rollout>>) -> Self {
        let Kept { item, version } = kept.unwrap_or(Kept { item: Rollout::default(), version: 0 });
        let stages = item.stages.into_iter();
        Self {
            enabled: item.enabled,
            allow_platform_fallback: item.allow_platform_fallback,
            progressive: item.progressive,
            rollback_mode: item.rollback_mode,
            stages: stages.map(|(provider, stage)| (provider.word().to_owned(), stage.into())).collect(),
            updated: item.updated,
            version,
        }
    }
}

/// How far organizations' own carriers are let in.
#[utoipa::path(
    operation_id = "showRollout", tag = "rollout",
    responses((status = 200, body = RolloutView, headers(("ETag" = String, description = "for `If-Match`"))))
)]
#[get("/rollout")]
pub(crate) async fn show(call: Call) -> Result<HttpResponse, ApiError> {
    call.platform(Action::Read)?;
    let view = RolloutView::of(call.api.tenants.platform(Platform).await?.rollout);
    Ok(call::tagged(view.version, &view))
}

/// Which switches of the platform are turned; those that are not named stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedLevers {
    /// Whether organizations' own accounts are used at all.
    #[serde(default)]
    enabled: Option<bool>,
    /// Whether organizations that opted in may use the platform's account.
    #[serde(default)]
    allow_platform_fallback: Option<bool>,
    /// Whether a provider must pass through `canary` on its way to `on`.
    #[serde(default)]
    progressive: Option<bool>,
    /// Whether everything is taken back for now.
    #[serde(default)]
    rollback_mode: Option<bool>,
}

/// Turns switches of the whole platform.
#[utoipa::path(
    operation_id = "turnRollout", tag = "rollout",
    request_body = WantedLevers, responses((status = 200, body = RolloutView))
)]
#[patch("/rollout")]
pub(crate) async fn change(mut call: Call) -> Result<HttpResponse, ApiError> {
    call.platform(Action::Rollout)?;
    let wanted: WantedLevers = call.body().await?;
    let all = [
        (Lever::OwnAccounts, wanted.enabled),
        (Lever::PlatformFallback, wanted.allow_platform_fallback),
        (Lever::Progressive, wanted.progressive),
        (Lever::RollbackMode, wanted.rollback_mode),
    ];
    let levers: Vec<_> = all.into_iter().filter_map(|(lever, on)| Some((lever, on?))).collect();
    if levers.is_empty() {
        return Err(ApiError::new(Code::Invalid, "nothing is named that should be turned"));
    }
    turned(&call, &Turn::Levers(levers)).await
}

/// How far a provider should be let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedStage {
    /// How far.
    stage: Stage,
    /// Whom `canary` means; those of before when nobody is named.
    #[serde(default)]
    canary: BTreeSet<OrgSlug>,
    /// The state of the security matrix that was looked at, and its color, such as `v0.1.0:green`; needed to let
    /// anybody further in.
    #[serde(default)]
    matrix: Option<String>,
}

/// Lets a provider further in, or less far.
#[utoipa::path(
    operation_id = "stageProvider", tag = "rollout",
    request_body = WantedStage, responses((status = 200, body = RolloutView))
)]
#[put("/rollout/stages/{provider}")]
pub(crate) async fn set_stage(mut call: Call, provider: Path<String>) -> Result<HttpResponse, ApiError> {
    call.platform(Action::Rollout)?;
    let provider = Provider::parse(&provider).ok_or_else(ApiError::not_found)?;
    let WantedStage { stage, canary: orgs, matrix } = call.body().await?;
    let matrix = matrix.as_deref().map(Matrix::parse).transpose();
    let matrix = matrix.map_err(|error| ApiError::new(Code::Invalid, error.to_string()))?;
    turned(&call, &Turn::Stage { provider, stage, orgs, matrix }).await
}

/// Takes a provider one stage back.
#[utoipa::path(operation_id = "rollBackProvider", tag = "rollout", responses((status = 200, body = RolloutView)))]
#[post("/rollout/stages/{provider}/rollback")]
pub(crate) async fn roll_back(call: Call, provider: Path<String>) -> Result<HttpResponse, ApiError> {
    call.platform(Action::Rollout)?;
    let provider = Provider::parse(&provider).ok_or_else(ApiError::not_found)?;
    turned(&call, &Turn::Rollback(provider)).await
}

/// Uses no organization's own account any more, whatever the stages say.
#[utoipa::path(operation_id = "killRollout", tag = "rollout", responses((status = 200, body = RolloutView)))]
#[post("/rollout/kill")]
pub(crate) async fn kill(call: Call) -> Result<HttpResponse, ApiError> {
    call.platform(Action::Rollout)?;
    turned(&call, &Turn::Kill).await
}

async fn turned(call: &Call, turn: &Turn) -> Result<HttpResponse, ApiError> {
    if call.is_conditional() {
        call.agrees(call.api.tenants.platform(Platform).await?.rollout.map_or(0, |kept| kept.version))?;
    }
    rollout::turn(call.api.tenants.as_ref(), &call.stamp(), turn).await?;
    let view = RolloutView::of(call.api.tenants.platform(Platform).await?.rollout);
    Ok(call::tagged(view.version, &view))
}
