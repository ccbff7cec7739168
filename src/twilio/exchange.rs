//! One request with its answer: what is asked again, how long it may take, and what is known afterwards.

use std::time::{Duration, Instant};

use backon::BackoffBuilder as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};

use crate::twilio::client::{Lane, Patience};
use crate::twilio::error::{self, Error};

/// Whether doing it twice is the same as doing it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twice {
    /// Reading, and setting something to a value.
    Harmless,
    /// Sending and buying.
    Harmful,
}

/// A request that can be made several times.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) form: &'a [(&'a str, &'a str)],
    pub(crate) twice: Twice,
    pub(crate) login: (&'a str, &'a str),
    /// Whether an answer that breaks off is none.
    pub(crate) whole: bool,
}

/// A good answer.
pub(crate) enum Reply {
    /// All of it.
    Whole(Vec<u8>),
    /// Its beginning; the rest is on its way.
    Begun(Response),
}

/// What requests of one installation go through.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) http: &'a reqwest::Client,
    pub(crate) patience: &'a Patience,
    pub(crate) lane: &'a Lane,
    /// The beginning of the breaker's time.
    pub(crate) start: Instant,
}

/// The answer's body is read up to this size.
const LARGEST: usize = 16 << 20;

/// An answer that is neither from a broken server nor a wish to wait.
pub(crate) async fn ask(way: &Way<'_>, ask: &Ask<'_>) -> Result<Reply, Error> {
    let Way { http, patience, lane: Lane { breaker, room }, start } = *way;
    let started = now();
    let mut pauses = backon::ExponentialBuilder::default()
        .with_min_delay(patience.first_pause)
        .with_max_delay(patience.longest_pause)
        .with_max_times(patience.repeats)
        .with_jitter()
        .build();
    loop {
        breaker.admits(since(start)).map_err(Error::Resting)?;
        // It is never closed.
        let turn = room.acquire().await;
        let outcome = once(http, patience, ask).await;
        drop(turn);
        match &outcome {
            // Too many requests at once are no sign of a broken carrier.
            Ok(_) | Err(Error::Refused(_) | Error::TooMany { .. } | Error::Strange(_)) => breaker.worked(),
            Err(Error::NotReached(_) | Error::Unknown(_)) => breaker.failed(since(start)),
            Err(Error::Resting(_)) => {}
        }
        let error = match outcome {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let again = match &error {
            Error::TooMany { .. } | Error::NotReached(_) => true,
            Error::Unknown(_) => ask.twice == Twice::Harmless,
            Error::Refused(_) | Error::Resting(_) | Error::Strange(_) => false,
        };
        let Some(pause) = pauses.next().filter(|_| again) else { return Err(error) };
        let pause = error.wait().unwrap_or(pause).max(pause);
        if started.elapsed() + pause > patience.whole {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
    }
}

async fn once(http: &reqwest::Client, patience: &Patience, ask: &Ask<'_>) -> Result<Reply, Error> {
    let (user, password) = ask.login;
    let mut request = http.request(ask.method.clone(), ask.url.clone()).basic_auth(user, Some(password));
    if ask.method == Method::POST {
        request = request.form(ask.form);
    }
    let response = match request.timeout(patience.answer).send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() => return Err(Error::NotReached(told(&error))),
        Err(error) => return Err(Error::Unknown(told(&error))),
    };
    let status = response.status();
    if status.is_success() {
        return if ask.whole { whole(response).await.map(Reply::Whole) } else { Ok(Reply::Begun(response)) };
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Error::TooMany { wait: wait(response.headers()) });
    }
    if status.is_server_error() {
        return Err(Error::Unknown(format!("it answered with status {}", status.as_u16())));
    }
    let request = header(response.headers(), "twilio-request-id");
    // A refusal whose explanation is cut off is still a refusal.
    let body = whole(response).await.unwrap_or_default();
    Err(Error::Refused(error::refusal(status.as_u16(), &body, request)))
}

/// The whole body.
async fn whole(mut response: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(part)) if body.len() + part.len() <= LARGEST => body.extend_from_slice(&part),
            Ok(Some(_)) => return Err(Error::Strange(format!("it is larger than {} MB", LARGEST >> 20))),
            Ok(None) => return Ok(body),
            Err(error) => return Err(Error::Unknown(told(&error))),
        }
    }
}

/// What went wrong, without the address: it may hold numbers.
fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer came in time".to_owned();
    }
    let mut source: &dyn std::error::Error = error;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    error::quiet(&source.to_string())
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.chars().filter(char::is_ascii_alphanumeric).take(40).collect())
}

/// The longest wait that is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// `Retry-After` in seconds; its other form, a date, needs a clock that agrees with Twilio's and is left out.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// The content type of an answer.
pub(crate) fn content_type(response: &Response) -> String {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or("application/octet-stream").to_owned()
}

/// The machine's own steady clock, by which waiting for a network is measured.
#[expect(clippy::disallowed_methods, reason = "no decision looks at it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since then; the breaker's time.
pub(crate) fn since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
