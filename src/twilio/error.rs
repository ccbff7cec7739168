//! Why a request to Twilio came to nothing, and whether it may have been acted on all the same.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::model::phone::mask;
use crate::twilio::codes::{self, Lasting};

/// Why there is no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Twilio refused the request; nothing was done.
    #[error(transparent)]
    Refused(Refusal),
    /// Twilio had too many requests; nothing was done.
    #[error("Twilio has too many requests of this account now, and nothing was done: wait and try again")]
    TooMany {
        /// The wait that Twilio asks for.
        wait: Option<Duration>,
    },
    /// No connection came about; nothing was sent.
    #[error("Twilio could not be reached, and nothing was sent: {0}")]
    NotReached(String),
    /// The request was sent and no whole answer came: it may have been acted on.
    #[error("whether Twilio did it is not known: {0}")]
    Unknown(String),
    /// Twilio failed too often lately, so nothing is asked for a while.
    #[error("Twilio failed several times in a row, so it is left alone for {} s; nothing was sent", seconds(*.0))]
    Resting(Duration),
    /// Twilio did it, and said so in a form that is not understood.
    #[error("Twilio answered in a form that is not understood: {0}")]
    Strange(String),
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs().max(1)
}

/// What is known of what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It was not done, and asking again may help.
    NotDone,
    /// It was not done, and asking the same again does not help.
    Never,
    /// It may have been done: look before asking again.
    Unknown,
}

impl Error {
    /// Whether it may have been done all the same.
    pub fn certainty(&self) -> Certainty {
        match self {
            Self::Refused(refusal) => refusal.certainty(),
            Self::TooMany { .. } | Self::NotReached(_) | Self::Resting(_) => Certainty::NotDone,
            Self::Unknown(_) | Self::Strange(_) => Certainty::Unknown,
        }
    }

    /// The wait that was asked for, when one was.
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooMany { wait } => *wait,
            Self::Resting(wait) => Some(*wait),
            Self::Refused(_) | Self::NotReached(_) | Self::Unknown(_) | Self::Strange(_) => None,
        }
    }
}

/// What Twilio says when it refuses. Numbers are masked, because this goes to logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Twilio's own code.
    pub code: Option<u32>,
    /// Its words, numbers masked.
    pub message: String,
    /// Its name for the request, to ask its support with.
    pub request: Option<String>,
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// Whether the same request may be taken later.
    pub fn certainty(&self) -> Certainty {
        match self.code.and_then(codes::known).map(|code| code.lasting) {
            Some(Lasting::Passing) => Certainty::NotDone,
            Some(Lasting::ForThisRequest | Lasting::UntilMended) => Certainty::Never,
            None if self.status == 408 || self.status == 429 => Certainty::NotDone,
            None => Certainty::Never,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code.and_then(codes::known) {
            Some(code) => {
                write!(out, "Twilio refused: {} (code {}, status {})", code.meaning, code.number, self.status)?;
                write!(out, "; {}", code.remedy)?;
            }
            None => {
                write!(out, "Twilio refused with status {}", self.status)?;
                if let Some(code) = self.code {
                    write!(out, " and code {code}, see https://www.twilio.com/docs/errors/{code}")?;
                }
            }
        }
        if !self.message.is_empty() {
            write!(out, "; it says `{}`", self.message)?;
        }
        if let Some(request) = &self.request {
            write!(out, " (request {request})")?;
        }
        Ok(())
    }
}

/// The body of a refusal; newer interfaces of Twilio leave fields out or call them otherwise.
#[derive(Debug, Default, Deserialize)]
struct Body {
    code: Option<u32>,
    message: Option<String>,
}

/// Longest message that is kept.
const LONGEST: usize = 300;

/// Reads a refusal; whatever the body is, there is one.
pub(crate) fn refusal(status: u16, body: &[u8], request: Option<String>) -> Refusal {
    let body: Body = serde_json::from_slice(body).unwrap_or_default();
    let message = quiet(&body.message.unwrap_or_default());
    Refusal { status, code: body.code, message, request }
}

/// The text with everything masked that may be a phone number, and of a bearable length.
pub(crate) fn quiet(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    let flush = |digits: &mut String, out: &mut String| {
        let count = digits.chars().filter(char::is_ascii_digit).count();
        out.push_str(&if count >= 7 { mask(digits) } else { digits.clone() });
        digits.clear();
    };
    for sign in text.chars().take(LONGEST) {
        if sign.is_ascii_digit() || (sign == '+' && digits.is_empty()) {
            digits.push(sign);
        } else {
            flush(&mut digits, &mut out);
            out.push(if sign.is_control() || sign == '`' { ' ' } else { sign });
        }
    }
    flush(&mut digits, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_meaning_and_way_out_and_no_number() {
        let body = br#"{"code":21610,"message":"Attempt to send to unsubscribed recipient +16195550111","status":400}"#;
        let refusal = refusal(400, body, Some("RQ1".into()));
        let told = refusal.to_string();
        for part in ["opted out", "21610", "START", "+16*******11", "RQ1"] {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert!(!told.contains("6195550111"), "{told}");
        assert_eq!(Error::Refused(refusal).certainty(), Certainty::Never);
    }

    #[test]
    fn a_body_that_is_none_still_makes_a_refusal() {
        let refusal = refusal(418, b"<html>", None);
        assert_eq!(refusal.to_string(), "Twilio refused with status 418");
        assert_eq!(refusal.certainty(), Certainty::Never);
    }

    #[test]
    fn what_passes_may_be_asked_again_and_what_is_unknown_is_looked_up() {
        assert_eq!(Error::TooMany { wait: None }.certainty(), Certainty::NotDone);
        assert_eq!(Error::Unknown("late".into()).certainty(), Certainty::Unknown);
        assert_eq!(Error::Resting(Duration::from_secs(3)).wait(), Some(Duration::from_secs(3)));
    }
}
