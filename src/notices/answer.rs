//! One request to a provider and what its answer means, whatever the provider.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, StatusCode};

use crate::app::messenger::ports::Failed;
use crate::egress::{Refused, told};

/// Bytes of an answer that are read at most.
const LARGEST: usize = 64 << 10;

/// The longest wait that is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// An answer that arrived.
pub(in crate::notices) struct Answer {
    pub(in crate::notices) status: StatusCode,
    pub(in crate::notices) wait: Option<Duration>,
    pub(in crate::notices) body: Vec<u8>,
}

impl Answer {
    /// Its beginning, for people.
    pub(in crate::notices) fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).take(120).collect();
        format!("it answers {}: {text}", self.status.as_u16())
    }
}

/// Asks once. An answer that may have been lost leaves it unknown whether the notice arrived; a server that is at
/// fault has not taken it, as far as anybody can tell.
pub(in crate::notices) async fn asked(request: RequestBuilder) -> Result<Answer, Failed> {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() || error.is_builder() => {
            return Err(Failed::NotDone { why: told(error), wait: None });
        }
        Err(error) => return Err(Failed::Unknown(told(error))),
    };
    let status = response.status();
    let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let mut body = Vec::new();
    while body.len() < LARGEST {
        match response.chunk().await {
            Ok(Some(part)) => body.extend_from_slice(&part),
            Ok(None) => break,
            Err(error) if status.is_success() => return Err(Failed::Unknown(told(error))),
            Err(_) => break,
        }
    }
    let wait = wait.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
    Ok(Answer { status, wait, body })
}

pub(in crate::notices) fn later(why: impl Into<String>, wait: Option<Duration>) -> Failed {
    Failed::NotDone { why: why.into(), wait }
}

pub(in crate::notices) fn never(why: impl Into<String>) -> Failed {
    Failed::Never { why: why.into(), code: None }
}

/// An address that may not be asked now may be allowed later.
pub(in crate::notices) fn refused(refused: &Refused) -> Failed {
    later(refused.to_string(), None)
}
