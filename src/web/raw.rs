//! From a request of the web server to one that the service can judge, within limits of size and time.

use std::cell::RefCell;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt as _;

use crate::app::answer::{self, Answer, Request};
use crate::app::directory::resolve::{Peer, Reach};
use crate::app::network::Network;
use crate::twiml;
use crate::web::Front;
use crate::webhook::endpoint::Endpoint;
use crate::webhook::origin::Origin;
use crate::webhook::raw::Wire;

/// Headers with which a proxy speaks for somebody else. Not all proxies on a machine send the well-known ones.
static FORWARDING: [HeaderName; 13] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("via"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-original-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("fly-client-ip"),
];

static SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// Answers a webhook; a panic that nothing inside has caught ends here.
pub async fn webhook(endpoint: Endpoint, request: HttpRequest, payload: Payload, front: Data<Front>) -> HttpResponse {
    match AssertUnwindSafe(judged(endpoint, &request, payload, &front)).catch_unwind().await {
        Ok(response) => response,
        Err(_panic) => {
            front.app.metrics.refused("panic");
            tracing::error!(endpoint = endpoint.word(), "a request not yet believed made the program stumble");
            HttpResponse::InternalServerError().finish()
        }
    }
}

async fn judged(endpoint: Endpoint, request: &HttpRequest, payload: Payload, front: &Front) -> HttpResponse {
    let body = match body(payload, front).await {
        Ok(body) => body,
        Err((status, reason)) => {
            front.app.metrics.refused(reason);
            return HttpResponse::build(status).finish();
        }
    };
    let headers = request.headers();
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let (target, prefix) = without_prefix(target, &front.app.manners.prefix);
    let wire = Wire {
        method: request.method().as_str(),
        target,
        content_type: text(headers, &CONTENT_TYPE),
        signature: text(headers, &SIGNATURE),
        body: &body,
    };
    let peer = request.peer_addr().map(|address| address.ip());
    let distance = distance(headers, peer);
    let reach = Reach { public: front.public.clone(), told: told(headers, peer, prefix, front), peer: distance };
    let sender = sender(headers, peer, &front.proxies);
    respond(answer::answer(&front.app, Request { endpoint, wire, reach, sender }).await)
}

async fn body(payload: Payload, front: &Front) -> Result<Bytes, (StatusCode, &'static str)> {
    let read = tokio::time::timeout(front.body_timeout, payload.to_bytes_limited(front.body_limit));
    match read.await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_broken))) => Err((StatusCode::BAD_REQUEST, "body-broken")),
        Ok(Err(_limit)) => Err((StatusCode::PAYLOAD_TOO_LARGE, "body-too-long")),
        Err(_elapsed) => Err((StatusCode::REQUEST_TIMEOUT, "body-too-slow")),
    }
}

/// The target as the public address sees it, and the path that was taken off.
fn without_prefix<'a>(target: &'a str, prefix: &'a str) -> (&'a str, &'a str) {
    match target.strip_prefix(prefix) {
        Some(rest) if rest.starts_with('/') && !prefix.is_empty() => (rest, prefix),
        Some(_) | None => (target, ""),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether a proxy speaks for somebody else.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDING.iter().any(|name| headers.contains_key(name))
}

/// Whether the request comes straight from a program on this machine.
fn distance(headers: &HeaderMap, peer: Option<IpAddr>) -> Peer {
    match peer {
        Some(address) if address.to_canonical().is_loopback() && !is_forwarded(headers) => Peer::Local,
        Some(_) | None => Peer::Remote,
    }
}

fn is_proxy(peer: Option<IpAddr>, proxies: &[Network]) -> bool {
    peer.is_some_and(|address| proxies.iter().any(|network| network.contains(address)))
}

thread_local! {
    /// Host with prefix, and the addresses that they make.
    static LAST_TOLD: RefCell<(String, Vec<Origin>)> = const { RefCell::new((String::new(), Vec::new())) };
}

/// Under which addresses the request says it reached us.
fn told(headers: &HeaderMap, peer: Option<IpAddr>, prefix: &str, front: &Front) -> Vec<Origin> {
    let origin = |scheme: &str, host: &str| Origin::parse(&[scheme, "://", host, prefix].concat()).ok();
    let host = text(headers, &HOST).unwrap_or_default();
    if is_proxy(peer, &front.proxies) {
        // Of several proxies, the first stood next to the carrier.
        let first =
            |name| text(headers, &HeaderName::from_static(name)).and_then(|list| list.split(',').next()).map(str::trim);
        let host = first("x-forwarded-host").unwrap_or(host);
        let scheme = first("x-forwarded-proto").unwrap_or("https");
        return origin(scheme, host).into_iter().collect();
    }
    // Nearly all requests name the same host as the one before.
    LAST_TOLD.with_borrow_mut(|(known, told)| {
        if known.strip_suffix(prefix) != Some(host) {
            *known = [host, prefix].concat();
            *told = [origin("http", host), origin("https", host)].into_iter().flatten().collect();
        }
        told.clone()
    })
}

/// Who sent it: the last address that no proxy of ours has.
pub fn sender(headers: &HeaderMap, peer: Option<IpAddr>, proxies: &[Network]) -> Option<IpAddr> {
    let peer = peer?;
    if !is_proxy(Some(peer), proxies) {
        return Some(peer);
    }
    // A proxy may add a header of its own behind one that the sender made up: all of them are one list.
    let chain: Vec<_> = headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
    let chain = chain.join(",");
    let mut known = chain.rsplit(',').filter_map(|part| part.trim().parse::<IpAddr>().ok());
    let client = known.find(|address| !is_proxy(Some(*address), proxies));
    Some(client.unwrap_or(peer))
}

fn respond(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match answer.twiml {
        Some(twiml) => HttpResponse::build(status)
            .insert_header((CONTENT_TYPE, HeaderValue::from_static(twiml::CONTENT_TYPE)))
            .body(twiml),
        None => HttpResponse::build(status).finish(),
    }
}
