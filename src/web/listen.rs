//! Messages to be heard, for whoever has an address that we signed: fetched from the carrier and passed on.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{Bytes, Data, Path as Parts, Query};
use futures_util::stream::{self, Stream};
use serde::Deserialize;

use crate::app::messenger::ports::{Failed, Sound};
use crate::model::ids::{OrgSlug, RecordingSid};
use crate::web::Front;

/// What is said of an address that opens nothing.
const GONE: &str = "There is no message to be heard at this address. It is good for a week and has to be whole: open it as \
                    it stands in the message that told you of it.\n";

/// What is said when the carrier does not hand the message out.
const LATER: &str = "The message cannot be fetched from the carrier now. Please try again in a minute.\n";

/// What the address says besides its path.
#[derive(Debug, Deserialize)]
pub struct Claim {
    until: i64,
    sig: String,
}

/// Passes a message on. Whoever has no good address learns nothing but what anybody may know.
pub async fn message(parts: Parts<(String, String)>, claim: Option<Query<Claim>>, front: Data<Front>) -> HttpResponse {
    let (org, recording) = parts.into_inner();
    let nothing = || told(StatusCode::NOT_FOUND, GONE);
    let (Ok(org), Ok(recording)) = (OrgSlug::parse(&org), RecordingSid::parse(&recording)) else { return nothing() };
    let Some(claim) = claim else { return nothing() };
    let Some((carrier, key)) = front.app.outreach.listening() else { return nothing() };
    if !key.allows(&org, &recording, claim.until, &claim.sig, front.app.clock.now()) {
        return nothing();
    }
    match carrier.sound(&org, &recording).await {
        Ok(sound) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, sound.content_type.clone()))
            .insert_header((CACHE_CONTROL, "private, no-store"))
            .insert_header(("X-Robots-Tag", "noindex"))
            .streaming(pieces(sound)),
        Err(Failed::Never { .. }) => nothing(),
        Err(Failed::NotDone { why, .. } | Failed::Unknown(why)) => {
            tracing::warn!(%org, %why, "a message could not be fetched");
            told(StatusCode::BAD_GATEWAY, LATER)
        }
    }
}

/// A few words for whoever has opened the address.
fn told(status: StatusCode, words: &'static str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header(ContentType::plaintext())
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .body(words)
}

fn pieces(sound: Sound) -> impl Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold(sound.parts, |mut parts| async move {
        // Half a message must not pass for a whole one.
        let part = parts.next().await.map_err(std::io::Error::other)?;
        Ok(part.map(|part| (Bytes::from(part), parts)))
    })
}
