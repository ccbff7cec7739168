//! An organization's switches: how they stand, turned, and turned back.

use actix_web::web::{Json, Path};
use actix_web::{HttpResponse, get, post, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::call::{self, Call};
use crate::api::error::{ApiError, Code};
use crate::api::page::Page;
use crate::app::switching;
use crate::control::command;
use crate::model::ids::OrgSlug;
use crate::model::moment::Moment;
use crate::tenant::event::Deed;
use crate::tenant::item::Kept;
use crate::tenant::role::Action;
use crate::tenant::stamp::{At, Stamp};
use crate::tenant::switch::{Setting, SwitchState};

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

/// How a switch should stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedSwitch {
    /// On, or off.
    on: bool,
    /// Until when; as long as the rules allow when nothing is said, and never longer.
    #[serde(default)]
    until: Option<At>,
}

/// Turns a switch of the rules; it counts on every node within a second.
#[utoipa::path(
    operation_id = "turnSwitch", tag = "switches",
    request_body = WantedSwitch, responses((status = 200, body = SwitchView))
)]
#[put("/organizations/{org}/switches/{switch}")]
pub(crate) async fn turn(mut call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&path.0, Action::Switch)?;
    let WantedSwitch { on, until } = call.body().await?;
    let most = longest(&call, &org, &path.1)?;
    if until.is_some_and(|until| until.timestamp() <= call.now) {
        return Err(ApiError::new(Code::Invalid, "`until` is over already"));
    }
    let until = Some(until.map_or(most, |until| until.min(most)));
    let by = call.stamp();
    amended(&call, &org, &path.1, |state| {
        state.turn(Setting { on, until, set: by.clone(), from: "api".to_owned() });
        Ok(Deed::SwitchTurned)
    })
    .await
}

/// Takes the last turn of a switch back.
#[utoipa::path(operation_id = "undoSwitch", tag = "switches", responses((status = 200, body = SwitchView)))]
#[post("/organizations/{org}/switches/{switch}/undo")]
pub(crate) async fn undo(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&path.0, Action::Switch)?;
    longest(&call, &org, &path.1)?;
    let at = At::new(call.now);
    amended(&call, &org, &path.1, |state| state.undo(at).map(|()| Deed::SwitchUndone)).await
}

/// Until when a switch that is turned now may stay so by the rules, which must have it.
fn longest(call: &Call, org: &OrgSlug, name: &str) -> Result<At, ApiError> {
    let now = call.api.app.live.now();
    let organization = now.organization(org).ok_or_else(ApiError::not_found)?;
    let rules = &organization.rules;
    let switch = rules.switches.iter().find(|switch| *switch.name == *name).ok_or_else(ApiError::not_found)?;
    Ok(At::new(command::end(switch.expires, &Moment::new(call.now, &rules.zone))))
}

async fn amended(
    call: &Call,
    org: &OrgSlug,
    name: &str,
    how: impl Fn(&mut SwitchState) -> Result<Deed, crate::tenant::switch::NothingToUndo> + Send + Sync,
) -> Result<HttpResponse, ApiError> {
    let store = call.api.tenants.as_ref();
    if call.is_conditional() {
        call.agrees(switching::standing(store, org, name).await?.map_or(0, |kept| kept.version))?;
    }
    let here = call.api.app.switches.state(org.as_str(), name);
    let kept = switching::amend(store, (org, name), here.as_ref(), &call.stamp(), how).await?;
    Ok(call::tagged(kept.version, &SwitchView::of(kept, call.now)))
}
