//! The answers that Twilio gets: a decision and a template become a TwiML document that is known to be good.

pub mod document;
pub mod fallback;
pub mod kinds;
pub mod last_resort;
pub mod schema;
pub mod templates;

mod characters;
mod fill;
mod language;
mod links;

use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

use crate::decide::decision::Decision;
use crate::decide::screen::Screen;
use crate::model::call::CallFacts;
use crate::model::ids::OrgSlug;
use crate::model::phone::Caller;
use crate::rules::ruleset::RuleSet;
use crate::twiml::kinds::Kind;
use crate::twiml::schema::Complaint;
use crate::twiml::templates::Templates;

pub use crate::twiml::last_resort::last_resort;

pub(crate) use crate::twiml::language::spoken;

/// A document that is ready to be sent: well-formed, UTF-8, below Twilio's limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twiml(String);

/// The content type that goes with it.
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// What every document opens with.
pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

impl Twiml {
    pub(crate) const fn checked(xml: String) -> Self {
        Self(xml)
    }

    /// The document.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document, to keep.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Twiml {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What surrounds a decision: whose call it is, and where the next requests go.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Whose call it is; every action URL says so.
    pub org: &'a OrgSlug,
    /// The rules that decided.
    pub rules: &'a RuleSet,
    /// The facts that were decided on.
    pub facts: &'a CallFacts,
    /// Path of the public URL without a slash at its end; empty when the service has an origin of its own.
    pub prefix: &'a str,
    /// Where recordings below the rules folder are served; none when they are not, and their texts are said instead.
    pub audio_base: Option<&'a str>,
}

/// What surrounds an answer on the callee's leg, before caller and callee are put together.
#[derive(Debug, Clone, Copy)]
pub struct ScreenSetting<'a> {
    /// Whose call it is.
    pub org: &'a OrgSlug,
    /// The rules the call goes by.
    pub rules: &'a RuleSet,
    /// Who calls.
    pub caller: &'a Caller,
    /// Path of the public URL without a slash at its end.
    pub prefix: &'a str,
}

/// Why there is no document. The caller gets the last resort, and this goes to the log and the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The template failed.
    #[error("template `{template}` failed{}: {message}", place(*line))]
    Template {
        /// Its name.
        template: String,
        /// The line, from 1, when known.
        line: Option<usize>,
        /// What the engine says.
        message: String,
    },
    /// The template made something that Twilio would not take.
    #[error("template `{template}` made TwiML that Twilio would refuse: {}", first(complaints))]
    Refused {
        /// Its name.
        template: String,
        /// All that is wrong with it.
        complaints: Vec<Complaint>,
    },
    /// The decision does not belong to these rules.
    #[error("the decision names a {0} that is not in these rules")]
    Strange(&'static str),
}

fn place(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" in line {line}"))
}

fn first(complaints: &[Complaint]) -> String {
    complaints.first().map_or_else(String::new, ToString::to_string)
}

/// The answer for a decision.
pub fn render(templates: &Templates, setting: &Setting<'_>, decision: &Decision) -> Result<Twiml, RenderError> {
    templates.render(&Arc::new(fill::answer(setting, decision)?))
}

/// The answer on the callee's leg.
pub fn render_screen(templates: &Templates, setting: &ScreenSetting<'_>, screen: Screen) -> Result<Twiml, RenderError> {
    templates.render(&Arc::new(fill::screen(setting, screen)?))
}

/// The answer that does nothing; all there is to say to a caller who has gone and to status callbacks.
pub fn empty() -> Twiml {
    Twiml(format!("{DECLARATION}<Response/>\n"))
}

/// A kind of answer with the values for its template.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) kind: Kind,
    pub(crate) values: Vec<(&'static str, Value)>,
}

impl Object for Filled {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        // A dozen short names: looking through them is quicker than any map.
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }
}

#[cfg(test)]
mod tests;
