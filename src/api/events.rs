//! The trail of administration: what was done, by whom, when and to whom.

use actix_web::get;
use actix_web::web::{Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::api::page::{Page, TrailQuery};
use crate::tenant::event::{Deed, Event};
use crate::tenant::item::Kind;
use crate::tenant::owner::Owner;
use crate::tenant::role::Action;
use crate::tenant::stamp::Stamp;

/// A line of the trail.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    /// Its place.
    seq: u64,
    /// Whose thing it was about.
    owner: Owner,
    /// What kind of thing.
    kind: Option<Kind>,
    /// Which thing.
    id: String,
    /// What was done.
    deed: Deed,
    /// More about it for people.
    detail: String,
    /// Who did it, and when.
    by: Stamp,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let Event { seq, owner, kind, id, deed, detail, by } = event;
        Self { seq, owner, kind, id, deed, detail, by }
    }
}

/// The trail of an organization; of `@platform`, everybody's.
#[utoipa::path(
    operation_id = "listEvents", tag = "events", params(TrailQuery),
    responses((status = 200, body = Page<EventView>))
)]
#[get("/organizations/{org}/events")]
pub(crate) async fn list(call: Call, org: Path<String>) -> Result<Json<Page<EventView>>, ApiError> {
    let owner = call.owner(&org, Action::Read)?;
    let query: TrailQuery = call.query()?;
    let limit = query.limit();
    let events = call.api.tenants.events(&owner, query.lines(limit + 1)).await?;
    let views: Vec<EventView> = events.into_iter().map(EventView::from).collect();
    Ok(Json(Page::of(views, limit, |event| event.seq.to_string())))
}
