//! One recorded call as a file that people can read, and that says what is wrong with it.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::record::{Decided, Effected, Place, StateRead};

/// The version of the form; it rises when a field changes its meaning.
pub const FORM: u16 = 1;

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Version of this form.
    pub fixture: u16,
    /// The organization that was called.
    pub org: String,
    /// The caller's leg, under its stand-in.
    pub call: String,
    /// The rules that the call went by.
    pub rules: RulesOf,
    /// Digest of the templates of its answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<String>,
    /// The public address that the requests are signed for; its path stands before the paths of the answers.
    pub signed_for: String,
    /// What is no stand-in because the call would have gone otherwise with one, and what else a reader should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Every request with its answer, in the order in which they were written down.
    pub webhooks: Vec<Webhook>,
    /// How the call ended, in the rules' words, or `unknown`. It stands last: a file without it is cut off.
    pub end: String,
}

/// Where the rules of a call are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesOf {
    /// The first 16 hex digits of their digest.
    pub digest: String,
    /// The rule file, by its path from this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The rules themselves, with stand-ins for all numbers; the first is the rule file, the others are what it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<RuleText>,
}

/// One file of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleText {
    /// Its path below the rules folder.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// One request of the carrier, and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// When it came in, in RFC 3339.
    pub at: String,
    /// `POST` or `GET`.
    #[serde(default = "post", skip_serializing_if = "is_post")]
    pub method: String,
    /// Path and query, nothing decoded.
    pub target: String,
    /// The content type, unless it is that of a form in UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The `X-Twilio-Signature` header, made with the token for fixtures.
    pub signature: String,
    /// The body: the fields of the form, each as it stands there; put together with `&` they are the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<String>,
    /// What was known from outside the rules: switches, other calls.
    #[serde(default, skip_serializing_if = "StateRead::is_empty")]
    pub state: StateRead,
    /// Why it was answered in spite of a fault; such an answer is not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What was answered, and why.
    pub answer: Answer,
}

/// What was answered to one request, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// What was decided on the caller's leg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decided>,
    /// Where the call stands afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Place>,
    /// Whether the callee took the call, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// What is sent because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effected>,
    /// Everything that was considered, in words; two spaces for each level, and the place in the rules in brackets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The TwiML.
    pub twiml: String,
}

fn post() -> String {
    "POST".to_owned()
}

fn is_post(method: &str) -> bool {
    method == "POST"
}

impl Webhook {
    /// The body as it was sent.
    pub fn body(&self) -> String {
        self.form.join("&")
    }

    /// When it came in.
    pub fn moment(&self) -> Option<Timestamp> {
        self.at.parse().ok()
    }
}

/// Why a file is no recording that can be played, with the place where that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The file.
    pub file: String,
    /// Line and column, from 1.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file)?;
        if let Some((line, column)) = self.place {
            write!(out, ":{line}:{column}")?;
        }
        write!(out, ": {}", self.message)
    }
}

impl std::error::Error for Unreadable {}

/// What a file of any version says first.
#[derive(Deserialize)]
struct Head {
    fixture: Option<u16>,
}

impl Recording {
    /// Reads a file.
    pub fn read(file: &str, text: &str) -> Result<Self, Unreadable> {
        let fault = |place, message| Unreadable { file: file.to_owned(), place, message };
        let of_yaml = |error: &serde_yaml::Error| {
            let place = error.location().map(|at| (at.line(), at.column()));
            fault(place, said(&error.to_string()))
        };
        let head: Head = serde_yaml::from_str(text).map_err(|error| of_yaml(&error))?;
        match head.fixture {
            Some(FORM) => {}
            Some(other) => {
                let line = text.lines().position(|line| line.starts_with("fixture:")).map_or(1, |at| at + 1);
                let way = if other < FORM { "record the call again" } else { "it takes a newer `ringfall`" };
                let message = format!("a recording of form {other}, and form {FORM} is read here: {way}");
                return Err(fault(Some((line, 1)), message));
            }
            None => {
                let message = "no recorded call: it does not say `fixture: 1`".to_owned();
                return Err(fault(Some((1, 1)), message));
            }
        }
        let recording: Self = serde_yaml::from_str(text).map_err(|error| of_yaml(&error))?;
        let wrong = recording.webhooks.iter().position(|webhook| webhook.moment().is_none());
        if let Some(place) = wrong {
            return Err(fault(None, format!("`at` of webhook {} is no moment in RFC 3339", place + 1)));
        }
        if recording.webhooks.is_empty() {
            return Err(fault(None, "it holds no webhook".to_owned()));
        }
        Ok(recording)
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let head = "# A recorded call: numbers, names and words are stand-ins. See docs/replay.md\n";
        let body = serde_yaml::to_string(self).unwrap_or_default();
        [head, &body].concat()
    }
}

/// The reader's words, with what a cut-off file is likely to mean.
fn said(message: &str) -> String {
    let plain = message.split(" at line ").next().unwrap_or(message);
    if plain.contains("missing field") { format!("{plain}: is the file cut off?") } else { plain.to_owned() }
}
