//! Who asks, and the two tables that everything is judged by.

use actix_web::get;
use actix_web::web::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::tenant::owner::Owner;
use crate::tenant::plan::{self, Capability, Plan};
use crate::tenant::role::{self, Action, Role};
use crate::tenant::stamp::At;

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The name that stands in the trail.
    actor: String,
    /// For whom they act: an organization, or `@platform`.
    owner: Owner,
    /// What they are to it.
    role: Role,
    /// What they may do.
    may: Vec<Action>,
    /// When this ends.
    expires: Option<At>,
}

/// Who I am, and what I may do.
#[utoipa::path(operation_id = "me", tag = "me", responses((status = 200, body = Me)))]
#[get("/me")]
pub(crate) async fn me(call: Call) -> Json<Me> {
    let caller = &call.caller;
    let may = Action::ALL.iter().copied().filter(|action| caller.may(*action).is_ok()).collect();
    let (actor, expires) = (caller.actor.to_string(), caller.expires.map(At::new));
    Json(Me { actor, owner: caller.owner.clone(), role: caller.role, may, expires })
}

/// A plan, and what it allows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanRow {
    /// The plan.
    plan: Plan,
    /// What it allows.
    allows: Vec<Capability>,
}

/// The plans, and what each allows.
#[utoipa::path(operation_id = "plans", tag = "tables", responses((status = 200, body = Vec<PlanRow>)))]
#[get("/plans")]
pub(crate) async fn plans(_call: Call) -> Json<Vec<PlanRow>> {
    let allows = |plan| Capability::ALL.iter().copied().filter(|wanted| plan::allows(plan, *wanted).is_ok()).collect();
    Json(Plan::ALL.iter().map(|plan| PlanRow { plan: *plan, allows: allows(*plan) }).collect())
}

/// A role, and what it may do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoleRow {
    /// The role.
    role: Role,
    /// What it may do.
    may: Vec<Action>,
}

/// The roles, and what each may do.
#[utoipa::path(operation_id = "roles", tag = "tables", responses((status = 200, body = Vec<RoleRow>)))]
#[get("/roles")]
pub(crate) async fn roles(_call: Call) -> Result<Json<Vec<RoleRow>>, ApiError> {
    let may = |role| Action::ALL.iter().copied().filter(|wanted| role::may(role, *wanted).is_ok()).collect();
    Ok(Json(Role::ALL.iter().map(|role| RoleRow { role: *role, may: may(*role) }).collect()))
}
