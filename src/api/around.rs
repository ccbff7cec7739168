//! What happens to every request of the API: it gets a name, is counted, and ends in one form whatever happens.

use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse};
use futures_util::FutureExt as _;
use uuid::Uuid;

use crate::api::error::{ApiError, Code};
use crate::api::{Api, PATH, call};
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::stamp::{Actor, Stamp};

/// The header that names the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Lines of refusals in the trail a minute, so that nobody fills it.
const REFUSALS_A_MINUTE: u32 = 60;

/// Who was let in, for the line in the log and in the trail.
#[derive(Debug, Clone)]
pub(crate) struct Known(pub(crate) Actor);

/// Goes around every request.
pub(crate) async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = Uuid::now_v7().to_string();
    let missing = || ApiError::new(Code::Internal, "the API is not put together");
    let api = request.app_data::<Data<Api>>().cloned().ok_or_else(missing)?;
    if !api.gatekeeper.is_open().await {
        // Until somebody may ask, there is nothing here.
        return Ok(request.into_response(HttpResponse::NotFound().finish()));
    }
    let called = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let answered = match called {
        Ok(answered) => answered?.map_into_boxed_body(),
        Err(_panic) => {
            tracing::error!(request = id, "a request of the API made the program stumble");
            api.app.metrics.api_request("none", "panic");
            let error = ApiError::new(Code::Internal, "the program stumbled over itself");
            let response = error.render(&id);
            return Err(InternalError::from_response(error, response).into());
        }
    };
    let (request, response) = answered.into_parts();
    let (mut response, outcome) = told(&api, &request, response, &id).await;
    let pattern = request.match_pattern();
    let operation = pattern.as_deref().and_then(|pattern| pattern.split_once(PATH)).map_or("none", |(_, path)| path);
    let operation = format!("{} {operation}", method(&request));
    api.app.metrics.api_request(&operation, outcome);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    Ok(ServiceResponse::new(request, response))
}

/// Anybody may send any word as a method.
fn method(request: &HttpRequest) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// The answer in the form of the API, and the word for it in counters; a refusal stands in the trail.
async fn told(api: &Api, request: &HttpRequest, response: HttpResponse, id: &str) -> (HttpResponse, &'static str) {
    let status = response.status();
    let own = response.error().and_then(|error| error.as_error::<ApiError>());
    let Some(own) = own else {
        if status.is_success() {
            return (response, "fine");
        }
        let error = foreign(status);
        return (error.render(id), error.code.word());
    };
    let code = own.code.word();
    if let Some(reason) = own.reason {
        api.app.metrics.api_refused(reason);
        let actor = request.extensions().get::<Known>().map(|known| known.0.clone());
        let from = call::address(request, api).map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        tracing::warn!(request = id, code, reason, from, by = actor.as_ref().map(Actor::as_str), "the API refused");
        if let Some(refused) = &own.refused
            && api.refusals.allows(api.app.clock.now().as_second(), REFUSALS_A_MINUTE)
        {
            let actor = actor.unwrap_or_else(|| Actor::new(&format!("api:{from}")));
            let stamp = Stamp::new(&actor, api.app.clock.now());
            let detail = format!("{} {}: {}", method(request), reason, refused.detail);
            let line = Change::noted(refused.owner.clone(), Deed::Refused, detail);
            if let Err(error) = api.tenants.change(&refused.owner, vec![line], &stamp).await {
                tracing::warn!(request = id, %error, "a refusal is not written into the trail");
            }
        }
    } else if status.is_server_error() {
        tracing::error!(request = id, code, message = own.message, "the API could not answer");
    }
    (own.render(id), code)
}

/// What the web server itself refused.
fn foreign(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => ApiError::new(Code::MethodNotAllowed, "this path takes other methods"),
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(Code::TooLarge, "the request is too long"),
        status if status.is_client_error() => ApiError::new(Code::BadRequest, "the request cannot be read"),
        _ => ApiError::new(Code::Internal, "the program could not answer"),
    }
}
