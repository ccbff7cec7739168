//! Requests to places on the web, and what their answers mean for a portion.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};

use crate::egress::told;
use crate::sinks::Trouble;

/// Time for one request with its answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of an answer that are read at most.
const LARGEST: usize = 1 << 20;

/// A client that follows no redirects: records go where they were meant to go.
pub(in crate::sinks) fn client() -> anyhow::Result<Client> {
    let client = Client::builder()
        .timeout(PATIENCE)
        .connect_timeout(Duration::from_secs(5))
        .redirect(redirect::Policy::none())
        .user_agent(concat!("ringfall/", env!("CARGO_PKG_VERSION")));
    Ok(client.build()?)
}

/// An answer that says yes, with its body; anything else as the trouble that it means.
pub(crate) async fn asked(request: RequestBuilder) -> Result<String, Trouble> {
    // The address may hold a token: it is left out of what is told.
    let response = request.send().await.map_err(|error| Trouble::later(told(error)))?;
    let status = response.status();
    let after = retry_after(&response);
    let body = text(response).await?;
    if status.is_success() {
        return Ok(body);
    }
    let told: String = body.chars().take(200).collect();
    let why = format!("it answers {}: {}", status.as_u16(), told.replace(['\n', '\r'], " "));
    Err(if is_refusal(status) { Trouble::Never(why) } else { Trouble::Later { why, after } })
}

/// Whether the fault lies in what was sent. Wrong keys and wrong addresses lie in the settings: records wait for those.
const fn is_refusal(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 409 | 413 | 415 | 422)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn text(mut response: Response) -> Result<String, Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Trouble::later(told(error)))? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(Trouble::later("its answer is longer than a megabyte"));
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}
