//! How far organizations' own carriers are let in.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::call::{self, Call};
use crate::api::error::ApiError;
use crate::model::ids::OrgSlug;
use crate::tenant::item::Kept;
use crate::tenant::owner::Platform;
use crate::tenant::role::Action;
use crate::tenant::rollout::{ProviderRollout, Rollout, Stage};
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
