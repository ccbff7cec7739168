//! What the API says when it does not do a thing: one form for everything, with codes that never change.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::{AdminError, CheckError};
use crate::app::access::Denied;
use crate::app::access::tokens::TokenError;
use crate::app::revisions::RevisionError;
use crate::app::rollout::TurnError;
use crate::app::switching::SwitchError;
use crate::app::tenancy::{Conflict, TenantError};
use crate::tenant::organization::Refusal;
use crate::tenant::owner::Owner;
use crate::tenant::token::TokenRefused;

macro_rules! codes {
    ($($(#[$about:meta])* $name:ident = $word:literal, $status:ident, $hint:literal;)*) => {
        /// Every way in which the API does not do a thing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[$about])* $name),* }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable word.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// The status of the answer.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),* }
            }

            /// The way out.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint),* }
            }
        }
    };
}

codes! {
    /// What was sent cannot be read.
    BadRequest = "bad-request", BAD_REQUEST, "compare the request with /api/v1/openapi.json";
    /// Nobody is known by this.
    Unauthenticated = "unauthenticated", UNAUTHORIZED,
        "send `Authorization: Bearer` with a token of `ringfall token create`, or a JSON Web Token";
    /// The role or the scopes do not allow it.
    Forbidden = "forbidden", FORBIDDEN, "ask somebody whose role allows it, or use another token";
    /// The plan does not allow it, or there is no opt-in.
    PlanNeeded = "plan-needed", FORBIDDEN, "change the plan or opt in first; /api/v1/plans says what each allows";
    /// There is no such thing, or it is another's.
    NotFound = "not-found", NOT_FOUND, "check the path and the names in it; `ringfall org add` makes an organization of a rule file one that is managed here";
    /// The path takes other methods.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "use a method that the `Allow` header names";
    /// It has a name that is taken.
    Taken = "taken", CONFLICT, "choose another name, or use what is there";
    /// Other things hang on it.
    Bound = "bound", CONFLICT, "make first what it needs, and remove first what hangs on it";
    /// It is not in a state for this.
    WrongState = "wrong-state", CONFLICT, "read it again to see how it stands";
    /// The provider does not agree.
    ProviderRefused = "provider-refused", UNPROCESSABLE_ENTITY, "check the account and its token at the provider";
    /// The organization is suspended.
    Suspended = "suspended", CONFLICT, "have the platform resume the organization first";
    /// It was changed meanwhile.
    Stale = "stale", PRECONDITION_FAILED, "read it again, and send its new version in `If-Match`";
    /// The body is too long.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "send less, in several requests if need be";
    /// The body took too long.
    TooSlow = "too-slow", REQUEST_TIMEOUT, "send the body at once";
    /// The body is not JSON.
    NotJson = "not-json", UNSUPPORTED_MEDIA_TYPE, "send JSON with `Content-Type: application/json`";
    /// It can be read and makes no sense.
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "mend what the message names, and send it again";
    /// Too many failures.
    TooMany = "too-many-failures", TOO_MANY_REQUESTS, "wait as long as `Retry-After` says, and mend the credential";
    /// The program is at fault.
    Internal = "internal", INTERNAL_SERVER_ERROR, "report it with the `request_id`; the log has more";
    /// The store, the carrier or DNS cannot be reached now.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "try again in a moment";
}

/// What the trail should say of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// In whose trail.
    pub owner: Owner,
    /// What was tried, and why not.
    pub detail: String,
}

/// A thing not done.
#[derive(Debug)]
pub struct ApiError {
    /// In one word.
    pub code: Code,
    /// For people.
    pub message: String,
    /// One by one, when there are several.
    pub problems: Vec<String>,
    /// Headers that say more.
    headers: Vec<(HeaderName, String)>,
    /// What the trail should say, when it is a refusal.
    pub refused: Option<Box<Refused>>,
    /// The word for it in counters, when it is a refusal.
    pub reason: Option<&'static str>,
}

/// Everything that is not an answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody<'a> {
    /// What was not done, and why.
    error: ErrorDetail<'a>,
}

/// What was not done, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorDetail<'a> {
    /// The stable word for it; docs/api.md lists all.
    code: &'a str,
    /// What happened, for people.
    message: &'a str,
    /// The way out.
    hint: &'a str,
    /// Names the request in the log.
    request_id: &'a str,
    /// One by one, when there are several.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    problems: &'a [String],
}

impl ApiError {
    /// Not done, for that reason.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), problems: Vec::new(), headers: Vec::new(), refused: None, reason: None }
    }

    /// There is no such thing, or it is another's: nobody learns which.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing here")
    }

    /// With a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a line for the trail.
    #[must_use]
    pub fn with_refusal(mut self, owner: Owner, reason: &'static str, detail: String) -> Self {
        self.refused = Some(Box::new(Refused { owner, detail }));
        self.reason = Some(reason);
        self
    }

    /// With what is wrong, one by one.
    #[must_use]
    pub fn with_problems(mut self, problems: Vec<String>) -> Self {
        self.problems = problems;
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code.word(), self.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.render("")
    }
}

impl ApiError {
    /// The answer to the request of that name.
    pub fn render(&self, request_id: &str) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.code.status());
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.insert_header((name.clone(), value));
            }
        }
        let Self { code, message, problems, .. } = self;
        let error = ErrorDetail { code: code.word(), message, hint: code.hint(), request_id, problems };
        response.json(ErrorBody { error })
    }
}

impl From<TenantError> for ApiError {
    fn from(error: TenantError) -> Self {
        let message = error.to_string();
        match error {
            TenantError::NotFound(_) => Self::not_found(),
            TenantError::Conflict(Conflict::Taken(_)) => Self::new(Code::Taken, message),
            TenantError::Conflict(Conflict::Stale(_)) => Self::new(Code::Stale, message),
            TenantError::Conflict(Conflict::Bound(_)) => Self::new(Code::Bound, message),
            TenantError::Forbidden(refusal) => refusal.into(),
            // What a store says of itself is for the log: it may name machines and users.
            TenantError::Unavailable(detail) => {
                tracing::warn!(%detail, "the store of organizations cannot be reached");
                Self::new(Code::Unavailable, "the store of organizations cannot be reached")
                    .with_header(RETRY_AFTER, "1")
            }
            TenantError::Unreadable(detail) => {
                tracing::error!(%detail, "what is stored cannot be read");
                Self::new(Code::Internal, "what is stored cannot be read")
            }
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::Plan(_) | Refusal::NotOptedIn { .. } => Code::PlanNeeded,
            Refusal::Suspended(_) => Code::Suspended,
            Refusal::NoOptIn(_) => Code::Invalid,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        let message = error.to_string();
        match error {
            TokenError::Name | TokenError::Unfitting { .. } | TokenError::Scope(_) | TokenError::Past(_) => {
                Self::new(Code::Invalid, message)
            }
            TokenError::NoChance => Self::new(Code::Internal, message),
            TokenError::Store(error) => error.into(),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let reason = denied.word();
        let refused = |error: Self| error.with_refusal(Owner::Platform, reason, denied.to_string());
        match &denied {
            Denied::TooMany(seconds) => {
                let error = Self::new(Code::TooMany, "too many requests from here failed to say who sends them");
                // Each of them is counted, and one line in the trail for the failures before is enough.
                Self { reason: Some(reason), ..error.with_header(RETRY_AFTER, seconds.to_string()) }
            }
            Denied::Store(error) => error.clone().into(),
            Denied::Missing => {
                let error = Self::new(Code::Unauthenticated, "it was not said who asks");
                Self { reason: Some(reason), ..error.with_header(WWW_AUTHENTICATE, "Bearer") }
            }
            // Why is for the trail: whoever tries words learns nothing from the answers.
            Denied::Malformed
            | Denied::Unknown
            | Denied::Refused(_)
            | Denied::Unfitting { .. }
            | Denied::Untrusted(_) => refused(
                Self::new(Code::Unauthenticated, "the credential does not count here")
                    .with_header(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""),
            ),
        }
    }
}

impl From<AdminError> for ApiError {
    fn from(error: AdminError) -> Self {
        let message = error.to_string();
        match error {
            AdminError::NoOrganization(_) | AdminError::NoNumber(_) | AdminError::NoDomain(_) => Self::not_found(),
            AdminError::Exists(_) => Self::new(Code::Taken, message),
            AdminError::NumberTaken => {
                // Whose it is, is nobody else's business.
                Self::new(Code::Taken, "the number is bound already")
            }
            AdminError::DomainTaken => Self::new(Code::Taken, "this host name is taken"),
            AdminError::NoAccount { .. } => Self::new(Code::Invalid, "there is no such connected account"),
            AdminError::SeveralBindings(_) => Self::new(Code::Invalid, "the number leads to several accounts"),
            AdminError::Line => Self::new(Code::Invalid, message),
            AdminError::SeveralAccounts(_) => {
                Self::new(Code::Invalid, "there are several accounts: name one as `account_sid`")
            }
            AdminError::Connected { .. } => {
                Self::new(Code::Taken, "this account is connected already, with another token: rotate that one")
            }
            AdminError::SameToken(_) => {
                Self::new(Code::Invalid, "`auth_token` is the one in use already: send the next one")
            }
            AdminError::Check(CheckError::NotAsked(_)) => {
                Self::new(Code::Unavailable, "the carrier could not be asked, so nothing was changed")
            }
            AdminError::Check(CheckError::Wrong(_) | CheckError::NotInUse { .. }) => {
                Self::new(Code::ProviderRefused, message)
            }
            AdminError::Refused(refusal) => refusal.into(),
            AdminError::Installation(_) | AdminError::Domain(_) => Self::new(Code::WrongState, message),
            AdminError::Store(error) => error.into(),
            AdminError::NoKey => Self::new(Code::Unavailable, "this service has no key to keep secrets under"),
            AdminError::Names(detail) => {
                tracing::warn!(%detail, "a host name's record cannot be looked up");
                Self::new(Code::Unavailable, "DNS cannot be asked now, so nothing was changed")
            }
            AdminError::Seal(_) | AdminError::Open(_) | AdminError::Renew(_) => {
                tracing::error!(error = message, "an operation of the API failed");
                Self::new(Code::Internal, "this could not be done here and now")
            }
        }
    }
}

impl From<TurnError> for ApiError {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::Refused(refused) => Self::new(Code::WrongState, refused.to_string()),
            TurnError::Store(error) => error.into(),
        }
    }
}

impl From<RevisionError> for ApiError {
    fn from(error: RevisionError) -> Self {
        match error {
            RevisionError::Unknown { .. } => Self::not_found(),
            RevisionError::Ambiguous { .. } => Self::new(Code::Invalid, error.to_string()),
            RevisionError::NothingBefore(_) => Self::new(Code::WrongState, error.to_string()),
            RevisionError::Store(error) => error.into(),
        }
    }
}

impl From<SwitchError> for ApiError {
    fn from(error: SwitchError) -> Self {
        match error {
            SwitchError::Nothing(nothing) => Self::new(Code::WrongState, nothing.to_string()),
            SwitchError::Store(error) => error.into(),
        }
    }
}

impl From<TokenRefused> for ApiError {
    fn from(refused: TokenRefused) -> Self {
        Self::new(Code::Forbidden, refused.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_one_word_of_its_own_and_stands_in_the_documentation() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api.md")).unwrap();
        for code in Code::ALL {
            assert_eq!(Code::ALL.iter().filter(|other| other.word() == code.word()).count(), 1, "{code:?}");
            let row = format!("| `{}` | {} |", code.word(), code.status().as_u16());
            assert!(page.contains(&row), "docs/api.md lacks a row that begins with {row}");
        }
    }
}
