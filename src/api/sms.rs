//! Texts that an organization sends by itself, through its own account and under the same guards as every other.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::call::Call;
use crate::api::error::{ApiError, Code};
use crate::app::live::Organization;
use crate::app::messenger::Means;
use crate::app::messenger::ports::{Entry, OutboxError, Waiting};
use crate::model::digest::Digest;
use crate::model::ids::OrgSlug;
use crate::model::phone::E164;
use crate::outreach::draft::{Draft, Kind};
use crate::outreach::guard;
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::organization::OrgState;
use crate::tenant::owner::Owner;
use crate::tenant::role::Action;
use crate::tenant::stamp::At;

/// What stands in place of the call of texts that nobody called for.
const BY_API: &str = "api";

/// Longest text that a carrier takes.
const LONGEST: usize = 1_600;

/// A text that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewText {
    /// Who gets it: `+` and country code.
    #[schema(pattern = r"^\+[1-9][0-9]{6,14}$")]
    to: String,
    /// The words.
    #[schema(min_length = 1, max_length = 1600)]
    body: String,
    /// Which of the organization's lines it comes from; the first when nothing is said.
    #[serde(default)]
    from: Option<String>,
}

/// A text that is wanted, for whoever acts for several organizations.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendText {
    /// Whose text it is; needed from those who act for the platform.
    #[serde(default)]
    org: Option<String>,
    /// Who gets it: `+` and country code.
    #[schema(pattern = r"^\+[1-9][0-9]{6,14}$")]
    to: String,
    /// The words.
    #[schema(min_length = 1, max_length = 1600)]
    body: String,
    /// Which of the organization's lines it comes from; the first when nothing is said.
    #[serde(default)]
    from: Option<String>,
}

/// A text and how it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Text)]
pub(crate) struct TextView {
    /// Which.
    id: String,
    /// Who gets it.
    to: String,
    /// Which line it comes from.
    from: String,
    /// The words.
    body: String,
    /// `waiting`, `sending`, `unknown`, `sent`, `skipped` or `dead`.
    state: String,
    /// Why it stands so.
    reason: Option<String>,
    /// The carrier's name for it.
    sid: Option<String>,
    /// The carrier's last word about it.
    status: Option<String>,
    /// How often it was tried.
    attempts: u32,
    /// When it is due.
    due: At,
    /// Until when it is worth sending.
    expires: At,
}

impl From<Waiting> for TextView {
    fn from(it: Waiting) -> Self {
        let at = |second: i64| At::new(jiff::Timestamp::from_second(second).unwrap_or_default());
        let (due, expires) = (at(it.due), at(it.expires));
        let Waiting { key, to, from, body, state, reason, sid, status, attempts, .. } = it;
        Self { id: key, to, from, body, state, reason, sid, status, attempts, due, expires }
    }
}

/// Sends a text through the organization's own account. With an `Idempotency-Key`, the same wish sends one text.
#[utoipa::path(
    operation_id = "sendText", tag = "texts", request_body = NewText,
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this wish, 1 to 200 characters")),
    responses((status = 202, body = TextView))
)]
#[post("/organizations/{org}/sms")]
pub(crate) async fn send(mut call: Call, org: Path<String>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&org, Action::Text)?;
    let wanted: NewText = call.body().await?;
    sent(&call, &org, wanted).await
}

/// The same for the organization that the sender acts for.
#[utoipa::path(
    operation_id = "sendOwnText", tag = "texts", request_body = SendText,
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this wish, 1 to 200 characters")),
    responses((status = 202, body = TextView))
)]
#[post("/sms/send")]
pub(crate) async fn send_own(mut call: Call) -> Result<HttpResponse, ApiError> {
    let SendText { org, to, body, from } = call.body().await?;
    let named = match (org, &call.caller.owner) {
        (Some(org), _) => org,
        (None, Owner::Org(own)) => own.to_string(),
        (None, Owner::Platform) => {
            return Err(ApiError::new(Code::Invalid, "`org` is missing: whose text is it?"));
        }
    };
    let org = call.org(&named, Action::Text)?;
    sent(&call, &org, NewText { to, body, from }).await
}

/// A text that was sent by the API, and how it stands.
#[utoipa::path(operation_id = "showText", tag = "texts", responses((status = 200, body = TextView)))]
#[get("/organizations/{org}/sms/{id}")]
pub(crate) async fn show(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let org = call.org(&path.0, Action::Read)?;
    let found = means(&call)?.outbox.kept(org.as_str(), BY_API, &path.1).await.map_err(|error| away(&error))?;
    let found = found.ok_or_else(ApiError::not_found)?;
    Ok(HttpResponse::Ok().json(TextView::from(found)))
}

fn means(call: &Call) -> Result<&Means, ApiError> {
    let missing = || ApiError::new(Code::Unavailable, "texts cannot be sent now: the service's log says why");
    call.api.app.outreach.means().ok_or_else(missing)
}

fn away(error: &OutboxError) -> ApiError {
    ApiError::new(Code::Unavailable, error.to_string())
}

async fn sent(call: &Call, org: &OrgSlug, wanted: NewText) -> Result<HttpResponse, ApiError> {
    let means = means(call)?;
    let again = call.again()?;
    let id = match &again {
        Some(word) => format!("sms_{}", Digest::of([org.as_str().as_bytes(), b"\n", word.as_bytes()])),
        None => format!("sms_{}", Uuid::now_v7().simple()),
    };
    let organization = call.api.app.live.now().organization(org).cloned();
    let missing = || ApiError::new(Code::WrongState, "no rules of this organization answer, so that it has no line");
    let organization = organization.ok_or_else(missing)?;
    let draft = draft(&organization, &id, wanted, call.now.as_second())?;
    let outbox = &means.outbox;
    let find = || async { outbox.kept(org.as_str(), BY_API, &id).await.map_err(|error| away(&error)) };
    if let Some(known) = find().await? {
        return answer(known, &draft);
    }
    let scope = scope(call, org).await?;
    if let Some(from) = &draft.from {
        means.carrier.serves(org, from).map_err(|why| ApiError::new(Code::WrongState, why))?;
    }
    // Who sends in whose name is written down first.
    let masked = E164::parse(&draft.to).map(|to| to.masked()).unwrap_or_default();
    let line = Change::noted(scope.clone(), Deed::TextAsked, format!("`{id}` of `{org}` to {masked}"));
    call.api.tenants.change(&scope, vec![line], &call.stamp()).await?;
    let entry = Entry::Draft { org: org.to_string(), call: BY_API.to_owned(), draft: draft.clone() };
    outbox.keep(vec![entry], None).await.map_err(|error| away(&error))?;
    let lost = || ApiError::new(Code::Internal, "the text is not where it was put");
    answer(find().await?.ok_or_else(lost)?, &draft)
}

/// In whose trail it stands. An organization that is known by its rule file alone has none of its own.
async fn scope(call: &Call, org: &OrgSlug) -> Result<Owner, ApiError> {
    match call.api.office.show(org).await {
        Ok(tenant) if tenant.organization.item.state == OrgState::Suspended => {
            Err(ApiError::new(Code::Suspended, format!("`{org}` is suspended")))
        }
        Ok(_) => Ok(Owner::Org(org.clone())),
        Err(crate::admin::AdminError::NoOrganization(_)) if call.caller.owner == Owner::Platform => Ok(Owner::Platform),
        Err(error) => Err(error.into()),
    }
}

/// The same wish gets the same text; another one under the same name is none.
fn answer(known: Waiting, draft: &Draft) -> Result<HttpResponse, ApiError> {
    let from = draft.from.as_ref().map_or("", |from| from.as_str());
    if (known.to.as_str(), known.body.as_str(), known.from.as_str()) != (&draft.to, &draft.body, from) {
        return Err(ApiError::new(Code::Taken, "this `Idempotency-Key` stands for another text"));
    }
    Ok(HttpResponse::Accepted().json(TextView::from(known)))
}

/// The text, when its organization may send it.
fn draft(organization: &Organization, id: &str, wanted: NewText, now: i64) -> Result<Draft, ApiError> {
    let invalid = |what: String| ApiError::new(Code::Invalid, what);
    let NewText { to, body, from } = wanted;
    let to = E164::parse(&to).map_err(|error| invalid(format!("`to`: {error}")))?;
    let rules = &organization.rules;
    let line = match &from {
        None => rules.lines.first(),
        Some(from) => rules.lines.iter().find(|line| line.number.as_str() == from),
    };
    let line = line.ok_or_else(|| invalid("`from` is none of the organization's lines".to_owned()))?;
    if body.trim().is_empty() || body.chars().count() > LONGEST {
        return Err(invalid(format!("`body` must have 1 to {LONGEST} characters")));
    }
    if let Some(why) = guard::refusal(rules, &to) {
        return Err(invalid(format!("nothing is texted to this number: {why}")));
    }
    Ok(Draft {
        key: id.to_owned(),
        kind: Kind::Asked,
        from: Some(line.number.clone()),
        to: to.to_string(),
        body,
        due: now,
        unless_taken: false,
        refused: None,
    })
}
