//! An organization's switches as they stand.

use actix_web::get;
use actix_web::web::{Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::api::page::Page;
use crate::tenant::item::Kept;
use crate::tenant::role::Action;
use crate::tenant::stamp::{At, Stamp};
use crate::tenant::switch::SwitchState;

/// A switch that was turned at least once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Switch)]
pub(crate) struct SwitchView {
    /// Its name in the rules.
    switch: String,
    /// How it stands now; nothing when the default of the rules counts.
    on: Option<bool>,
    /// Until when.
    until: Option<At>,
    /// Who turned it last, and when.
    set: Option<Stamp>,
    /// By what way: `cli`, `api`, `sms`, `chat`, `source`.
    from: Option<String>,
    /// For `If-Match`.
    version: u64,
}

impl SwitchView {
    fn of(kept: Kept<SwitchState>, now: jiff::Timestamp) -> Self {
        let on = kept.item.at(now);
        let setting = kept.item.now.filter(|_| on.is_some());
        let (until, set, from) = match setting {
            Some(setting) => (setting.until, Some(setting.set), Some(setting.from)),
            None => (None, None, None),
        };
        Self { switch: kept.item.switch, on, until, set, from, version: kept.version }
    }
}

/// The switches of an organization that were ever turned.
#[utoipa::path(operation_id = "listSwitches", tag = "switches", responses((status = 200, body = Page<SwitchView>)))]
#[get("/organizations/{org}/switches")]
pub(crate) async fn list(call: Call, org: Path<String>) -> Result<Json<Page<SwitchView>>, ApiError> {
    let org = call.org(&org, Action::Read)?;
    let switches = call.api.tenants.tenant(&org).await?.switches;
    Ok(Json(Page::whole(switches.into_iter().map(|kept| SwitchView::of(kept, call.now)).collect())))
}
