//! Sets of templates: the built-in ones, and those that an installation or an organization puts over them.

mod load;
mod sample;

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

use crate::diagnostic::Diagnostic;
use crate::model::digest::Digest;
use crate::rules::codes::{Code, error, warning};
use crate::twiml::characters::write_escaped;
use crate::twiml::kinds::{Kind, SPEECH};
use crate::twiml::{DECLARATION, Filled, RenderError, Twiml, schema};

/// How much work a template may do: a long menu takes some hundred steps, an endless loop any number.
const FUEL: u64 = 50_000;

/// Bytes below which no answer comes near a limit of the carrier.
const SHORT: usize = 16_000;

/// A set of templates that is known to work.
pub struct Templates {
    environment: Environment<'static>,
    digest: Digest,
    warnings: Vec<Diagnostic>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Templates").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// The built-in text of each template.
pub const BUILT_IN: [(&str, &str); 14] = [
    (Kind::Ring.template(), include_str!("../../twiml-templates/ring.xml.j2")),
    (Kind::Menu.template(), include_str!("../../twiml-templates/menu.xml.j2")),
    (Kind::OfferText.template(), include_str!("../../twiml-templates/offer-text.xml.j2")),
    (Kind::Voicemail.template(), include_str!("../../twiml-templates/voicemail.xml.j2")),
    (Kind::Thank.template(), include_str!("../../twiml-templates/thank.xml.j2")),
    (Kind::PromiseText.template(), include_str!("../../twiml-templates/promise-text.xml.j2")),
    (Kind::Reject.template(), include_str!("../../twiml-templates/reject.xml.j2")),
    (Kind::Hangup.template(), include_str!("../../twiml-templates/hangup.xml.j2")),
    (Kind::Handoff.template(), include_str!("../../twiml-templates/handoff.xml.j2")),
    (Kind::Screen.template(), include_str!("../../twiml-templates/screen.xml.j2")),
    (Kind::ScreenAccepted.template(), include_str!("../../twiml-templates/screen-accepted.xml.j2")),
    (Kind::ScreenDeclined.template(), include_str!("../../twiml-templates/screen-declined.xml.j2")),
    (Kind::Empty.template(), include_str!("../../twiml-templates/empty.xml.j2")),
    (SPEECH, include_str!("../../twiml-templates/speech.xml.j2")),
];

/// Every kind of problem that loading templates can report, in the order of the reference page.
pub const CODES: &[Code] = &[
    error("large-template", "A template is larger than a template may be."),
    error("unknown-template", "No answer uses a template of this name."),
    error("broken-template", "A template cannot be read."),
    error("unknown-variable", "A template asks for a value that it does not get."),
    error("failing-template", "A template fails for a call that can come."),
    error("refused-answer", "A template makes an answer that Twilio would refuse."),
    warning("odd-answer", "A template makes an answer of which Twilio would ignore a part."),
];

impl Templates {
    /// The built-in set.
    pub fn built_in() -> Self {
        let mut environment = engine();
        for (name, text) in BUILT_IN {
            // They compile: a test loads this very set.
            let _ = environment.add_template(name, text);
        }
        Self { environment, digest: digest(&BUILT_IN), warnings: Vec::new() }
    }

    /// The built-in set with these (path, text) pairs over it; later ones win. The last part of a path is the
    /// template's name. Everything wrong with them is reported at once.
    pub fn load(files: &[(String, String)]) -> Result<Self, Vec<Diagnostic>> {
        load::load(files)
    }

    /// What works, and is hardly meant.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Content address of all texts in the set.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether every text is the built-in one.
    fn is_built_in(&self) -> bool {
        static BUILT_IN_DIGEST: LazyLock<Digest> = LazyLock::new(|| digest(&BUILT_IN));
        self.digest == *BUILT_IN_DIGEST
    }

    pub(crate) fn render(&self, filled: &Arc<Filled>) -> Result<Twiml, RenderError> {
        let name = filled.kind.template();
        let xml = Self::text(&self.environment, filled).map_err(|error| RenderError::Template {
            template: error.name().unwrap_or(name).to_owned(),
            line: error.line(),
            message: said(&error),
        })?;
        if self.is_built_in() && xml.len() <= SHORT {
            // The built-in texts are held by tests for every kind of answer; checking each again costs a tenth of it.
            return Ok(Twiml::checked(xml));
        }
        let complaints = schema::check(&xml, filled.kind.context());
        if complaints.iter().any(schema::Complaint::is_error) {
            return Err(RenderError::Refused { template: name.to_owned(), complaints });
        }
        Ok(Twiml::checked(xml))
    }

    fn text(environment: &Environment<'_>, filled: &Arc<Filled>) -> Result<String, Error> {
        let values = Value::from_dyn_object(Arc::clone(filled));
        let text = environment.get_template(filled.kind.template())?.render(values)?;
        let body = text.trim();
        let mut xml = String::with_capacity(body.len() + DECLARATION.len() + 1);
        if !body.starts_with("<?xml") {
            xml.push_str(DECLARATION);
        }
        xml.push_str(body);
        xml.push('\n');
        Ok(xml)
    }
}

fn digest(texts: &[(&str, &str)]) -> Digest {
    let mut sorted: Vec<_> = texts.to_vec();
    sorted.sort_unstable();
    Digest::of(sorted.iter().flat_map(|(name, text)| [name.as_bytes(), text.as_bytes()]))
}

fn said(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned)
}

/// An engine that refuses what is undefined, escapes everything, and stops what does not end.
fn engine() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("xml".into()));
    environment.set_formatter(write_value);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(true);
    for bypass in ["safe", "escape", "e"] {
        environment.remove_filter(bypass);
    }
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment
}

/// Writes one value into the document. Only text that a template itself has put together, with all its parts
/// escaped already, goes through as it is.
fn write_value(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let kind = value.kind();
    if let (ValueKind::String, Some(text)) = (kind, value.as_str()) {
        let escaped = value.is_safe();
        return if escaped {
            Ok(out.write_str(text)?)
        } else {
            Ok(write_escaped(text, &mut |part| out.write_str(part))?)
        };
    }
    if kind == ValueKind::Undefined {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    if kind == ValueKind::Bool {
        return Ok(out.write_str(if value.is_true() { "true" } else { "false" })?);
    }
    if kind == ValueKind::Number {
        return Ok(write!(out, "{value}")?);
    }
    let message = format!("a value of the kind `{kind}` cannot be written into a document");
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

#[cfg(test)]
mod tests;
