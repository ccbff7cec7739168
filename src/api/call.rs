//! A request of somebody who was let in: who it is, what they may touch, and what they sent.

use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH};
use actix_web::web::{self, Data};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::Api;
use crate::api::around::Known;
use crate::api::error::{ApiError, Code};
use crate::app::access::Caller;
use crate::model::ids::OrgSlug;
use crate::tenant::owner::{Owner, Platform};
use crate::tenant::role::Action;
use crate::tenant::stamp::Stamp;
use crate::web::raw;

/// The header by which the same wish is known when it comes again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What no credential looks like.
const UNREADABLE: &str = "\u{7f}";

/// A request of somebody who was let in.
pub(crate) struct Call {
    /// The API.
    pub(crate) api: Data<Api>,
    /// Who asks.
    pub(crate) caller: Caller,
    /// When.
    pub(crate) now: Timestamp,
    request: HttpRequest,
    payload: Payload,
}

impl FromRequest for Call {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let missing = || ApiError::new(Code::Internal, "the API is not put together");
            let api = request.app_data::<Data<Api>>().cloned().ok_or_else(missing)?;
            let now = api.app.clock.now();
            let mut all = request.headers().get_all(AUTHORIZATION);
            let said = all.next().map(|value| value.to_str().unwrap_or(UNREADABLE));
            // Of two, somebody on the way may have judged the other one.
            let said = if all.next().is_some() { Some(UNREADABLE) } else { said };
            let caller = api.gatekeeper.admit(said, address(&request, &api), now).await?;
            request.extensions_mut().insert(Known(caller.actor.clone()));
            Ok(Self { api, caller, now, request, payload })
        })
    }
}

/// From where it comes, as far as our own proxies tell.
pub(crate) fn address(request: &HttpRequest, api: &Api) -> Option<IpAddr> {
    raw::sender(request.headers(), request.peer_addr().map(|peer| peer.ip()), &api.proxies)
}

impl Call {
    /// The organization of the path, for somebody who wants to do that to it. A foreign one is like one that never
    /// was: the store is not even asked.
    pub(crate) fn org(&self, named: &str, wanted: Action) -> Result<OrgSlug, ApiError> {
        match self.owner(named, wanted)? {
            Owner::Org(slug) => Ok(slug),
            Owner::Platform => Err(ApiError::not_found()),
        }
    }

    /// The organization of the path, or the platform where it says `@platform`.
    pub(crate) fn owner(&self, named: &str, wanted: Action) -> Result<Owner, ApiError> {
        let Some(owner) = Owner::parse(named).ok().filter(|owner| self.caller.owner.reaches(owner)) else {
            let detail = format!("`{wanted}` to another organization");
            return Err(ApiError::not_found().with_refusal(self.caller.owner.clone(), "foreign", detail));
        };
        self.may(wanted)?;
        Ok(owner)
    }

    /// The platform, for somebody who acts for it.
    pub(crate) fn platform(&self, wanted: Action) -> Result<Platform, ApiError> {
        self.may(wanted)?;
        if self.caller.owner == Owner::Platform {
            return Ok(Platform);
        }
        let detail = format!("`{wanted}` to the platform");
        let error = ApiError::new(Code::Forbidden, "only the platform's own administrators may do this");
        Err(error.with_refusal(self.caller.owner.clone(), "not-allowed", detail))
    }

    /// Whether the sender may do that to whatever is theirs.
    pub(crate) fn may(&self, wanted: Action) -> Result<(), ApiError> {
        self.caller.may(wanted).map_err(|refused| {
            let detail = refused.to_string();
            ApiError::from(refused).with_refusal(self.caller.owner.clone(), "not-allowed", detail)
        })
    }

    /// Who acts, and when, for what is kept.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp::new(&self.caller.actor, self.now)
    }

    /// What was sent.
    pub(crate) async fn body<T: DeserializeOwned>(&mut self) -> Result<T, ApiError> {
        let sent = self.request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = sent.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(ApiError::new(Code::NotJson, "the body is not said to be JSON"));
        }
        let payload = web::Payload::from_request(&self.request, &mut self.payload).await;
        let payload = payload.map_err(|_error| ApiError::new(Code::BadRequest, "the body cannot be read"))?;
        let read = tokio::time::timeout(self.api.body_timeout, payload.to_bytes_limited(self.api.body_limit)).await;
        let bytes = match read {
            Ok(Ok(Ok(bytes))) => bytes,
            Ok(Ok(Err(_broken))) => return Err(ApiError::new(Code::BadRequest, "the body cannot be read")),
            Ok(Err(_limit)) => {
                let most = self.api.body_limit;
                return Err(ApiError::new(Code::TooLarge, format!("the body has more than {most} bytes")));
            }
            Err(_elapsed) => return Err(ApiError::new(Code::TooSlow, "the body took too long to arrive")),
        };
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            // What stands there may be a secret in the wrong place: only where it stands is said.
            let place = error.path().to_string();
            unreadable(error.inner(), &place)
        })?;
        reader.end().map_err(|error| unreadable(&error, "."))?;
        Ok(read)
    }

    /// What stands behind the question mark.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let pairs = form_urlencoded::parse(self.request.query_string().as_bytes());
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map_err(|error| {
            let why = match error.path().to_string().as_str() {
                // Names of fields alone: which there is none of, or which is missing.
                "." => format!("the query does not fit: {}", error.inner()),
                _ if error.inner().to_string().starts_with("unknown field") => {
                    format!("the query does not fit: {}", error.inner())
                }
                place => format!("the query does not fit at `{place}`: this is no value for it"),
            };
            ApiError::new(Code::BadRequest, why)
        })
    }

    /// The word by which the same wish is known when it comes again.
    pub(crate) fn again(&self) -> Result<Option<String>, ApiError> {
        let Some(value) = self.request.headers().get(IDEMPOTENCY_KEY) else { return Ok(None) };
        let word = value.to_str().ok().filter(|word| (1..=200).contains(&word.len()));
        let wrong = || ApiError::new(Code::BadRequest, "the `Idempotency-Key` has no form: send 1 to 200 characters");
        word.map(|word| Some(word.to_owned())).ok_or_else(wrong)
    }

    /// Whether the sender says what they have read.
    pub(crate) fn is_conditional(&self) -> bool {
        self.request.headers().contains_key(IF_MATCH)
    }

    /// Whether what is there is what the sender has read; they need not say.
    pub(crate) fn agrees(&self, version: u64) -> Result<(), ApiError> {
        let Some(value) = self.request.headers().get(IF_MATCH) else { return Ok(()) };
        let text = value.to_str().unwrap_or_default();
        let tag = format!("\"{version}\"");
        if text.split(',').map(str::trim).any(|known| known == "*" || known == tag) {
            return Ok(());
        }
        Err(ApiError::new(Code::Stale, format!("this is at version {version} by now")))
    }
}

fn unreadable(error: &serde_json::Error, place: &str) -> ApiError {
    use serde_json::error::Category;
    let at = format!("line {} column {}", error.line(), error.column());
    match error.classify() {
        Category::Data => {
            let what = what(error);
            // The name of a field that is none of ours is the sender's own word.
            let place = if what == UNKNOWN { String::new() } else { format!("`{place}`, ") };
            ApiError::new(Code::BadRequest, format!("the body does not fit at {place}{at}: {what}"))
        }
        Category::Io | Category::Syntax | Category::Eof => {
            ApiError::new(Code::BadRequest, format!("the body is not JSON ({at})"))
        }
    }
}

/// What is said of a field that nobody knows.
const UNKNOWN: &str = "there is no such field";

/// What is wrong, without what was sent.
fn what(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    if text.starts_with("missing field") {
        "something that is needed is missing"
    } else if text.starts_with("unknown field") {
        UNKNOWN
    } else if text.starts_with("duplicate field") {
        "the same field stands there twice"
    } else {
        "this is no value for it"
    }
}

/// An answer with its version.
pub(crate) fn tagged(version: u64, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((ETAG, format!("\"{version}\""))).json(body)
}
