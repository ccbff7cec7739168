//! Signed requests to an address of one's own, by the Standard Webhooks scheme.

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::admin::outlets::Outlet;
use crate::app::messenger::herald::Notice;
use crate::app::messenger::ports::Failed;
use crate::egress::Egress;
use crate::feed::hook::Signer;
use crate::notices::answer::{asked, later, never, refused};

/// Sends a notice. A repeat has the same `webhook-id`, so that the receiver can leave it out.
pub(in crate::notices) async fn send(egress: &Egress, outlet: &Outlet, notice: &Notice) -> Result<String, Failed> {
    let url = egress.admits(&notice.to).map_err(|why| refused(&why))?;
    let signer = Signer::parse(outlet.secret.expose()).map_err(|why| later(why, None))?;
    let body = json!({
        "type": "notice",
        "timestamp": Timestamp::from_second(notice.at).unwrap_or_default().to_string(),
        "data": { "organization": notice.org.as_str(), "channel": notice.channel, "text": notice.body },
    });
    let body = body.to_string();
    let request = egress.sending().post(url).header(CONTENT_TYPE, "application/json");
    let request = request.header("webhook-id", &notice.id).header("webhook-timestamp", notice.at);
    let request = request.header("webhook-signature", signer.sign(&notice.id, notice.at, &body)).body(body);
    let answer = asked(request).await?;
    match answer.status.as_u16() {
        200..=299 => Ok(notice.id.clone()),
        // The receiver is gone for good, or will never take this.
        400 | 410 | 413 | 415 | 422 => Err(never(answer.shown())),
        _ => Err(later(answer.shown(), answer.wait)),
    }
}
