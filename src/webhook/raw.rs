//! A request as it came off the wire, within limits, and not yet believed.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::webhook::form::{Charset, Form};

/// What a request may cost before it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request target. Too low refuses calls fetched by GET, which carry everything there.
    pub target: usize,
    /// Bytes of the body. Too low refuses calls with add-on data; too high lets strangers fill memory.
    pub body: usize,
    /// Fields of a form; the carrier sends about thirty.
    pub fields: usize,
    /// Bytes of a field's name.
    pub name: usize,
    /// Bytes of a field's value.
    pub value: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { target: 16 * 1024, body: 128 * 1024, fields: 500, name: 256, value: 64 * 1024 }
    }
}

/// Why a request is refused before its signature is looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// Only GET and POST carry webhooks.
    #[error("the method `{0}` carries no webhook: use GET or POST")]
    Method(String),
    /// The request target is not a path.
    #[error("the request target is not a path with an optional query")]
    Target,
    /// The request target is too long.
    #[error("the request target is longer than {limit} bytes")]
    TargetTooLong {
        /// What is taken.
        limit: usize,
    },
    /// The body is neither a form nor JSON.
    #[error("the content type `{0}` is neither a form nor JSON")]
    ContentType(String),
    /// The form's charset is not known.
    #[error("the charset `{0}` is neither UTF-8 nor ISO 8859-1")]
    Charset(String),
    /// A request fetched by GET has a body, which nothing signs.
    #[error("a request by GET has no body")]
    BodyOnGet,
    /// The body is too long.
    #[error("the body is longer than {limit} bytes")]
    BodyTooLong {
        /// What is taken.
        limit: usize,
    },
    /// The form has too many fields.
    #[error("the form has more than {limit} fields")]
    TooManyFields {
        /// What is taken.
        limit: usize,
    },
    /// A field's name is too long.
    #[error("a field's name is longer than {limit} bytes")]
    NameTooLong {
        /// What is taken.
        limit: usize,
    },
    /// A field's value is too long.
    #[error("a field's value is longer than {limit} bytes")]
    ValueTooLong {
        /// What is taken.
        limit: usize,
    },
    /// A field without `=`, which the carrier never sends.
    #[error("a field of the form has no `=`")]
    BareField,
    /// The bytes are no text in their charset.
    #[error("the bytes at {at} of the decoded form are no text in its charset")]
    NotText {
        /// Where in the decoded text.
        at: usize,
    },
}

impl RawError {
    /// The stable name for metrics and security events.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Method(_) => "method",
            Self::Target => "target",
            Self::TargetTooLong { .. } => "target-too-long",
            Self::ContentType(_) => "content-type",
            Self::Charset(_) => "charset",
            Self::BodyOnGet => "body-on-get",
            Self::BodyTooLong { .. } => "body-too-long",
            Self::TooManyFields { .. } => "too-many-fields",
            Self::NameTooLong { .. } => "name-too-long",
            Self::ValueTooLong { .. } => "value-too-long",
            Self::BareField => "bare-field",
            Self::NotText { .. } => "not-text",
        }
    }

    /// The HTTP status that fits.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Method(_) => 405,
            Self::Target | Self::BodyOnGet | Self::BareField | Self::NotText { .. } => 400,
            Self::TargetTooLong { .. } => 414,
            Self::ContentType(_) | Self::Charset(_) => 415,
            Self::BodyTooLong { .. }
            | Self::TooManyFields { .. }
            | Self::NameTooLong { .. }
            | Self::ValueTooLong { .. } => 413,
        }
    }
}

/// The parts of a request, borrowed from the web server.
#[derive(Clone, Copy)]
pub struct Wire<'a> {
    /// The method's name.
    pub method: &'a str,
    /// The request target exactly as received: path and query, nothing decoded.
    pub target: &'a str,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The `X-Twilio-Signature` header.
    pub signature: Option<&'a str>,
    /// The whole body.
    pub body: &'a [u8],
}

impl fmt::Debug for Wire<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        write!(out, "Wire({} {path}, {} bytes)", self.method, self.body.len())
    }
}

/// How a webhook is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Everything stands in the URL.
    Get,
    /// The carrier's fields stand in the body.
    Post,
}

/// What the body is, and so how it is signed.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::webhook) enum Body {
    /// None: the request was fetched by GET.
    None,
    /// A form, whose fields are signed one by one.
    Form,
    /// Something else, whose SHA-256 the signed URL carries.
    Hashed([u8; 32]),
}

/// A request that is well formed and not yet believed.
#[derive(Clone, PartialEq, Eq)]
pub struct RawWebhook {
    pub(in crate::webhook) method: Method,
    pub(in crate::webhook) target: Box<str>,
    pub(in crate::webhook) signature: Option<Box<str>>,
    pub(in crate::webhook) query: Form,
    pub(in crate::webhook) form: Form,
    pub(in crate::webhook) body: Body,
}

impl RawWebhook {
    /// Reads a request, or tells why it is refused unread.
    pub fn read(wire: Wire<'_>, limits: &Limits) -> Result<Self, RawError> {
        let method = match wire.method {
            "GET" => Method::Get,
            "POST" => Method::Post,
            other => return Err(RawError::Method(other.chars().take(20).collect())),
        };
        if wire.target.len() > limits.target {
            return Err(RawError::TargetTooLong { limit: limits.target });
        }
        if !wire.target.starts_with('/') || wire.target.contains('#') {
            return Err(RawError::Target);
        }
        if wire.body.len() > limits.body {
            return Err(RawError::BodyTooLong { limit: limits.body });
        }
        let query = wire.target.split_once('?').map_or("", |(_, query)| query);
        let query = Form::parse(query.as_bytes(), Charset::Utf8, limits)?;
        let (form, body) = read_body(method, wire.content_type, wire.body, limits)?;
        Ok(Self { method, target: wire.target.into(), signature: wire.signature.map(Into::into), query, form, body })
    }

    /// How it was fetched.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The request target as received.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path of the target, as received.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query of the target, as received; empty when there is none.
    pub fn raw_query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The fields of the query: ours, and by GET the carrier's too.
    pub const fn query(&self) -> &Form {
        &self.query
    }

    /// The carrier's fields: the body's by POST, the query's by GET.
    pub const fn fields(&self) -> &Form {
        match self.method {
            Method::Get => &self.query,
            Method::Post => &self.form,
        }
    }
}

impl fmt::Debug for RawWebhook {
    /// The path and the names of fields: values hold numbers and what people said.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RawWebhook")
            .field("method", &self.method)
            .field("path", &self.path())
            .field("signed", &self.signature.is_some())
            .field("fields", self.fields())
            .finish()
    }
}

fn read_body(
    method: Method,
    content_type: Option<&str>,
    body: &[u8],
    limits: &Limits,
) -> Result<(Form, Body), RawError> {
    if method == Method::Get {
        return if body.is_empty() { Ok((Form::default(), Body::None)) } else { Err(RawError::BodyOnGet) };
    }
    let whole = content_type.unwrap_or_default();
    let mut parts = whole.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    match essence.as_str() {
        "application/x-www-form-urlencoded" => {
            let charset = parts.find_map(charset_parameter).unwrap_or("utf-8");
            // The signature puts names and values together without a sign between them, so `A=b` and
            // `A&b` would be signed alike.
            let (form, whole) = Form::read(body, read_charset(charset)?, limits)?;
            if whole { Ok((form, Body::Form)) } else { Err(RawError::BareField) }
        }
        "application/json" => Ok((Form::default(), Body::Hashed(Sha256::digest(body).into()))),
        "" if body.is_empty() => Ok((Form::default(), Body::Form)),
        _ => Err(RawError::ContentType(whole.chars().take(80).collect())),
    }
}

/// The value of a `charset=` parameter, without its quotes.
fn charset_parameter(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
}

fn read_charset(name: &str) -> Result<Charset, RawError> {
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" => Ok(Charset::Utf8),
        "iso-8859-1" | "iso8859-1" | "latin1" => Ok(Charset::Latin1),
        _ => Err(RawError::Charset(name.chars().take(40).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn post<'a>(target: &'a str, content_type: Option<&'a str>, body: &'a [u8]) -> Wire<'a> {
        Wire { method: "POST", target, content_type, signature: None, body }
    }

    fn read(wire: Wire<'_>) -> Result<RawWebhook, RawError> {
        RawWebhook::read(wire, &Limits::default())
    }

    #[test]
    fn query_and_form_stay_apart() {
        let raw = read(post("/twilio/continue?org=acme&s=0.1", Some(FORM), b"CallSid=CA1&org=evil")).unwrap();
        assert_eq!(raw.query().get("org"), Some("acme"));
        assert_eq!(raw.fields().get("org"), Some("evil"));
        assert_eq!((raw.path(), raw.raw_query()), ("/twilio/continue", "org=acme&s=0.1"));
    }

    #[test]
    fn by_get_the_query_holds_everything() {
        let wire = Wire { method: "GET", ..post("/twilio/inbound-call?org=acme&CallSid=CA1", None, b"") };
        assert_eq!(read(wire).unwrap().fields().get("CallSid"), Some("CA1"));
        assert_eq!(read(Wire { body: b"x", ..wire }), Err(RawError::BodyOnGet));
    }

    #[test]
    fn charsets_are_utf_8_and_latin_1() {
        for (charset, body, city) in [
            ("; charset=UTF-8", b"City=S%C3%A3o".as_slice(), "São"),
            (";charset=\"utf-8\"", b"City=S%C3%A3o", "São"),
            ("; boundary=x; Charset=ISO-8859-1", b"City=S%E3o", "São"),
        ] {
            let content_type = format!("Application/X-WWW-Form-Urlencoded{charset}");
            let raw = read(post("/", Some(&content_type), body)).unwrap();
            assert_eq!(raw.fields().get("City"), Some(city));
        }
        let odd = format!("{FORM}; charset=utf-16");
        assert_eq!(read(post("/", Some(&odd), b"a=b")), Err(RawError::Charset("utf-16".to_owned())));
    }

    #[test]
    fn everything_else_is_refused() {
        let limits = Limits { target: 20, body: 10, ..Limits::default() };
        let refused = |wire: Wire<'_>| RawWebhook::read(wire, &limits).unwrap_err();
        assert_eq!(refused(Wire { method: "PUT", ..post("/", Some(FORM), b"") }).status(), 405);
        assert_eq!(refused(post("http://h/", Some(FORM), b"")), RawError::Target);
        assert_eq!(refused(post("/a#b", Some(FORM), b"")), RawError::Target);
        assert_eq!(refused(post("/aaaaaaaaaaaaaaaaaaaaaaaa", Some(FORM), b"")).status(), 414);
        assert_eq!(refused(post("/", Some(FORM), b"aaaaaaaaaaa")).status(), 413);
        assert_eq!(refused(post("/", Some("text/plain"), b"a=b")).status(), 415);
        assert_eq!(refused(post("/", Some("multipart/form-data; boundary=x"), b"a=b")).status(), 415);
        assert_eq!(refused(post("/", None, b"a=b")).status(), 415);
        assert_eq!(refused(post("/", Some(FORM), b"a=b&c")), RawError::BareField);
        assert!(read(post("/", None, b"")).unwrap().fields().is_empty());
    }

    #[test]
    fn debug_shows_no_value() {
        let raw = read(post("/x?org=secret-org", Some(FORM), b"From=%2B16195550111")).unwrap();
        let shown = format!("{raw:?}");
        assert!(shown.contains("From") && !shown.contains("6195550111") && !shown.contains("secret-org"), "{shown}");
    }
}
