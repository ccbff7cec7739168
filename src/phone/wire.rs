//! One request over real HTTP as Twilio sends it: signed, timed, redirects followed, cookies kept.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use crate::phone::parameters::Fields;
use crate::webhook::form::Form;
use crate::webhook::signature::{self, Signer};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Url, redirect};

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Fields in the query.
    Get,
    /// Fields in the body.
    Post,
}

impl Method {
    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Why a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The number's voice URL.
    Voice,
    /// A verb's action, or a redirect.
    Action,
    /// The document for a callee who has picked up.
    Screening,
    /// The fallback after an error.
    Fallback,
    /// The document for callers in a queue.
    Wait,
    /// News of a leg.
    Status,
    /// News of a recording.
    Recording,
    /// The text of a recording.
    Transcription,
    /// Speech half understood.
    Partial,
    /// An audio file.
    Audio,
}

impl Purpose {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Action => "action",
            Self::Screening => "screening",
            Self::Fallback => "fallback",
            Self::Wait => "wait",
            Self::Status => "status",
            Self::Recording => "recording",
            Self::Transcription => "transcription",
            Self::Partial => "partial",
            Self::Audio => "audio",
        }
    }
}

/// One request to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Why it is sent.
    pub purpose: Purpose,
    /// How it is sent.
    pub method: Method,
    /// Where to, without a fragment.
    pub url: String,
    /// The form fields.
    pub fields: Fields,
    /// The same on every repetition of one event.
    pub token: String,
    /// Whose cookies go with it; callbacks have none.
    pub jar: Option<String>,
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The content type, if any.
    pub content_type: Option<String>,
    /// The body, up to a limit well over what Twilio reads.
    pub body: Vec<u8>,
    /// Where the answer came from, after redirects.
    pub url: String,
    /// How many redirects led there.
    pub redirects: u32,
}

/// Why no answer came; the number is Twilio's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nobody listens there.
    #[error("could not connect: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("no answer within {0} s")]
    Timeout(u64),
    /// The address cannot be understood.
    #[error("`{0}` is not a URL that can be requested: {1}")]
    Url(String, String),
    /// Redirected too often.
    #[error("more than 10 redirects")]
    Redirects,
    /// The answer broke off or is not HTTP.
    #[error("the answer broke off: {0}")]
    Protocol(String),
}

impl Fault {
    /// Twilio's error number.
    pub const fn code(&self) -> u32 {
        match self {
            Self::Unreachable(_) | Self::Timeout(_) => 11205,
            Self::Url(_, _) => 11100,
            Self::Redirects => 11215,
            Self::Protocol(_) => 11206,
        }
    }
}

/// The way to the server, and the passing of time.
pub trait Exchange {
    /// Sends one request and waits for the answer.
    fn send(&mut self, request: &Request) -> impl Future<Output = Result<Reply, Fault>>;
    /// Lets so many milliseconds of the call pass.
    fn pass(&mut self, milliseconds: u64) -> impl Future<Output = ()>;
}

/// The most that is read of an answer.
const MAX_BODY: usize = 1 << 20;

/// Redirects that Twilio follows.
const MAX_REDIRECTS: u32 = 10;

/// The real network.
#[derive(Debug)]
pub struct Wire {
    client: Client,
    signer: Signer,
    signed_origin: Option<String>,
    timeout: Duration,
    real_time: bool,
    cookies: BTreeMap<(String, String), BTreeMap<String, String>>,
}

impl Wire {
    /// A way out that signs with `signer`; `signed_origin` is the public origin that the server believes it has.
    pub fn new(signer: Signer, signed_origin: Option<String>, timeout: Duration) -> Result<Self, Fault> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .user_agent("TwilioProxy/1.1")
            .no_proxy()
            .build()
            .map_err(|error| Fault::Protocol(causes(&error)))?;
        Ok(Self { client, signer, signed_origin, timeout, real_time: false, cookies: BTreeMap::new() })
    }

    /// The same, in which a second of the call takes a second.
    #[must_use]
    pub fn in_real_time(mut self) -> Self {
        self.real_time = true;
        self
    }

    async fn exchange(&mut self, request: &Request) -> Result<Reply, Fault> {
        let mut url = Url::parse(&request.url).map_err(|error| Fault::Url(request.url.clone(), error.to_string()))?;
        url.set_fragment(None);
        let mut method = request.method;
        if method == Method::Get {
            add_to_query(&mut url, &request.fields);
        }
        for redirects in 0..=MAX_REDIRECTS {
            let answer = self.once(request, method, &url).await?;
            self.keep_cookies(request, &url, &answer);
            let status = answer.status().as_u16();
            let next = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            let Some(next) = next.filter(|_| (300..400).contains(&status)) else {
                return read(answer, url, redirects).await;
            };
            url = url.join(next).map_err(|error| Fault::Url(next.to_owned(), error.to_string()))?;
            if method == Method::Post && status < 304 {
                method = Method::Get;
                add_to_query(&mut url, &request.fields);
            }
        }
        Err(Fault::Redirects)
    }

    async fn once(&self, request: &Request, method: Method, url: &Url) -> Result<reqwest::Response, Fault> {
        let signed = self.signed_url(url);
        let signature = match method {
            Method::Get => self.signer.sign(&signed, &Form::of([])),
            Method::Post => self.signer.sign(&signed, &form(&request.fields)),
        };
        // Twilio tries to connect twice, and never repeats a request that got through.
        for attempt in 0..2 {
            let builder = match method {
                Method::Get => self.client.get(url.clone()),
                Method::Post => self
                    .client
                    .post(url.clone())
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
                    .body(form(&request.fields).encode()),
            };
            let builder = builder
                .header("Accept", "*/*")
                .header("X-Home-Region", "us1")
                .header("I-Twilio-Idempotency-Token", &request.token)
                .header(signature::HEADER, &signature);
            let builder = match self.cookie_header(request, url) {
                Some(cookies) => builder.header(COOKIE, cookies),
                None => builder,
            };
            match builder.send().await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_connect() && attempt == 0 => {}
                Err(error) if error.is_connect() => return Err(Fault::Unreachable(causes(&error))),
                Err(error) if error.is_timeout() => return Err(Fault::Timeout(self.timeout.as_secs())),
                Err(error) => return Err(Fault::Protocol(causes(&error))),
            }
        }
        Err(Fault::Unreachable("twice".to_owned()))
    }

    /// The URL as Twilio signs it: over https a voice request's port is dropped.
    fn signed_url(&self, url: &Url) -> String {
        let mut url = url.clone();
        if url.scheme() == "https" {
            // Only addresses without a host refuse it, and those cannot be requested.
            url.set_port(None).unwrap_or_default();
        }
        match &self.signed_origin {
            None => url.to_string(),
            Some(origin) => {
                let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
                let origin = origin.trim_end_matches('/');
                // Links carry the public address's path already; the URLs that a call starts with may not.
                let before = Url::parse(origin).map(|origin| origin.path().trim_end_matches('/').to_owned());
                let path = before.ok().and_then(|before| url.path().strip_prefix(before.as_str()).map(str::to_owned));
                let path = path.filter(|path| path.starts_with('/')).unwrap_or_else(|| url.path().to_owned());
                format!("{origin}{path}{query}")
            }
        }
    }

    fn cookie_header(&self, request: &Request, url: &Url) -> Option<String> {
        let kept = self.cookies.get(&(request.jar.clone()?, url.origin().ascii_serialization()))?;
        let all: Vec<String> = kept.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn keep_cookies(&mut self, request: &Request, url: &Url, answer: &reqwest::Response) {
        let Some(jar) = &request.jar else { return };
        let set = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        for cookie in set {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                let place = (jar.clone(), url.origin().ascii_serialization());
                self.cookies.entry(place).or_default().insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
}

impl Exchange for Wire {
    async fn send(&mut self, request: &Request) -> Result<Reply, Fault> {
        let limit = self.timeout;
        match tokio::time::timeout(limit, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(Fault::Timeout(limit.as_secs())),
        }
    }

    async fn pass(&mut self, milliseconds: u64) {
        if self.real_time {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
    }
}

async fn read(mut answer: reqwest::Response, url: Url, redirects: u32) -> Result<Reply, Fault> {
    let status = answer.status().as_u16();
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| Fault::Protocol(causes(&error)))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY {
            break;
        }
    }
    Ok(Reply { status, content_type, body, url: url.to_string(), redirects })
}

fn add_to_query(url: &mut Url, fields: &[(String, String)]) {
    if !fields.is_empty() {
        url.query_pairs_mut().extend_pairs(fields);
    }
}

fn form(fields: &[(String, String)]) -> Form {
    Form::of(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

fn causes(error: &dyn Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_signed_without_its_port_and_http_with_it() {
        let wire = Wire::new(Signer::new("t"), None, Duration::from_secs(1)).unwrap();
        let signed = |url: &str| wire.signed_url(&Url::parse(url).unwrap());
        assert_eq!(signed("https://a.example:8443/x?y=1"), "https://a.example/x?y=1");
        assert_eq!(signed("http://a.example:8080/x"), "http://a.example:8080/x");
    }

    #[test]
    fn a_server_behind_a_public_name_gets_that_name_signed() {
        let origin = Some("https://calls.example/".to_owned());
        let wire = Wire::new(Signer::new("t"), origin, Duration::from_secs(1)).unwrap();
        let signed = wire.signed_url(&Url::parse("http://127.0.0.1:8080/x?y=1").unwrap());
        assert_eq!(signed, "https://calls.example/x?y=1");
        let origin = Some("https://calls.example/phone".to_owned());
        let wire = Wire::new(Signer::new("t"), origin, Duration::from_secs(1)).unwrap();
        for url in ["http://127.0.0.1:8080/x?y=1", "http://127.0.0.1:8080/phone/x?y=1"] {
            assert_eq!(wire.signed_url(&Url::parse(url).unwrap()), "https://calls.example/phone/x?y=1");
        }
    }
}
