//! Templates that somebody wrote, tried out before a caller meets them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use minijinja::{Environment, Error, ErrorKind};

use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::model::near;
use crate::twiml::kinds::{Kind, SHARED, SPEECH, SPEECH_VARIABLES};
use crate::twiml::schema::{self, Complaint};
use crate::twiml::templates::{BUILT_IN, Templates, digest, engine, said, sample};

/// What the engine offers besides values.
const FUNCTIONS: [&str; 5] = ["range", "dict", "namespace", "loop", "debug"];

/// The largest template; the largest answer that Twilio takes is smaller.
const LARGEST: usize = 128 * 1024;

/// The built-in set with these texts over it, and what is suspicious about them.
pub(super) fn load(files: &[(String, String)]) -> Result<Templates, Vec<Diagnostic>> {
    let mut trial = Trial { environment: engine(), files: BTreeMap::new(), found: Vec::new() };
    for (name, text) in BUILT_IN {
        let _ = trial.environment.add_template(name, text);
    }
    for (name, text) in files {
        trial
            .files
            .insert(file_name(name).to_owned(), Arc::new(Source { name: (&**name).into(), text: (&**text).into() }));
    }
    trial.compile();
    trial.check_variables();
    // Where something does not even compile, the built-in text stands in its place; trying the rest still pays.
    for kind in Kind::ALL {
        trial.try_out(kind);
    }
    let Trial { environment, files, found } = trial;
    if found.iter().any(Diagnostic::is_error) {
        return Err(found);
    }
    let mut texts: Vec<(&str, &str)> = BUILT_IN.to_vec();
    texts.retain(|(name, _)| !files.contains_key(*name));
    texts.extend(files.iter().map(|(name, source)| (&**name, &*source.text)));
    let digest = digest(&texts);
    Ok(Templates { environment, digest, warnings: found })
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

struct Trial {
    environment: Environment<'static>,
    /// By the name that templates call each other by.
    files: BTreeMap<String, Arc<Source>>,
    found: Vec<Diagnostic>,
}

impl Trial {
    fn compile(&mut self) {
        for (name, source) in &self.files {
            if source.text.len() > LARGEST {
                let message = format!("the template has {} bytes; the most is {LARGEST}", source.text.len());
                self.found.push(Diagnostic::error("large-template", message).at(source, 0..0, ""));
                continue;
            }
            if !is_known(name) && !self.is_used(name) {
                self.found.push(unknown_template(name, source));
            }
            if let Err(error) = self.environment.add_template_owned(name.clone(), source.text.to_string()) {
                let message = format!("the template cannot be read: {}", said(&error));
                self.found.push(Diagnostic::error("broken-template", message).at(source, span(source, &error), ""));
            }
        }
    }

    fn is_used(&self, name: &str) -> bool {
        let quoted = [format!("\"{name}\""), format!("'{name}'")];
        self.files.values().any(|source| quoted.iter().any(|quoted| source.text.contains(quoted.as_str())))
    }

    fn check_variables(&mut self) {
        for (name, source) in &self.files {
            let Ok(template) = self.environment.get_template(name) else { continue };
            let Some(known) = known_to(name) else { continue };
            let mut unknown: Vec<_> = template.undeclared_variables(false).into_iter().collect();
            unknown.retain(|variable| !known.contains(&&**variable) && !FUNCTIONS.contains(&&**variable));
            unknown.sort_unstable();
            for variable in unknown {
                self.found.push(unknown_variable(&variable, name, &known, source));
            }
        }
    }

    fn try_out(&mut self, kind: Kind) {
        let name = kind.template();
        for (what, filled) in sample::tried(kind) {
            let what = what.as_str();
            let outcome = Templates::text(&self.environment, &Arc::new(filled));
            let diagnostics = match outcome {
                Err(error) => self.failure(name, what, &error).into_iter().collect(),
                Ok(xml) => self.complaints(name, what, &schema::check(&xml, kind.context())),
            };
            for diagnostic in diagnostics {
                let known = |other: &Diagnostic| other.code == diagnostic.code && other.primary == diagnostic.primary;
                if !self.found.iter().any(known) {
                    self.found.push(diagnostic);
                }
            }
        }
    }

    fn failure(&self, tried: &str, what: &str, error: &Error) -> Option<Diagnostic> {
        let error = innermost(error);
        let named = error.name().and_then(|name| self.files.get(name));
        // A part that only built-in templates include is at fault when the rest is built in.
        let source = named.or_else(|| self.files.get(tried)).or_else(|| self.files.get(SPEECH))?;
        let message = format!("the template fails for {what}: {}", said(error));
        let diagnostic = Diagnostic::error("failing-template", message).at(source, span(source, error), "");
        Some(match way_out(error.kind()) {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        })
    }

    /// A bad document is put down to the template that makes it, or to the speaking part when only that is ours.
    fn complaints(&self, name: &str, what: &str, complaints: &[Complaint]) -> Vec<Diagnostic> {
        let Some(source) = self.files.get(name).or_else(|| self.files.get(SPEECH)) else { return Vec::new() };
        let diagnostic = |complaint: &Complaint| {
            let message =
                format!("the answer for {what} is not what Twilio takes: {}: {}", complaint.path, complaint.message);
            let diagnostic = match complaint.severity {
                Severity::Error => Diagnostic::error("refused-answer", message),
                Severity::Warning => Diagnostic::warning("odd-answer", message),
            };
            diagnostic.at(source, verb_in(source, &complaint.path), "").path(complaint.path.clone())
        };
        complaints.iter().map(diagnostic).collect()
    }
}

/// Where it really failed: a template that includes another only passes the error on.
fn innermost(error: &Error) -> &Error {
    let mut deepest = error;
    while let Some(cause) = std::error::Error::source(deepest).and_then(|cause| cause.downcast_ref::<Error>()) {
        deepest = cause;
    }
    deepest
}

fn way_out(kind: ErrorKind) -> Option<&'static str> {
    let help = [
        (ErrorKind::UndefinedError, "`docs/templates.md` lists what each template may use"),
        (ErrorKind::UnknownFilter, "there is no `safe` and no `escape`: every value is escaped, once"),
        (ErrorKind::OutOfFuel, "a loop in it does not end, or hardly"),
    ];
    help.into_iter().find(|(known, _)| *known == kind).map(|(_, help)| help)
}

fn is_known(name: &str) -> bool {
    BUILT_IN.iter().any(|(known, _)| *known == name)
}

/// The values that a template of that name may use; none for a part of the author's own.
fn known_to(name: &str) -> Option<Vec<&'static str>> {
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.template() == name) {
        return Some(kind.variables().iter().chain(SHARED).map(|(known, _)| *known).collect());
    }
    (name == SPEECH).then(|| SPEECH_VARIABLES.iter().chain(SHARED).map(|(known, _)| *known).collect())
}

fn unknown_template(name: &str, source: &Arc<Source>) -> Diagnostic {
    let message = format!("no answer has a template `{name}`, and no other template includes it");
    let diagnostic = Diagnostic::error("unknown-template", message).at(source, 0..0, "");
    match near::nearest(name, BUILT_IN.iter().map(|(known, _)| *known)) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => {
            let known: Vec<_> = BUILT_IN.iter().map(|(known, _)| *known).collect();
            diagnostic.help(format!("the templates are {}", known.join(", ")))
        }
    }
}

fn unknown_variable(variable: &str, template: &str, known: &[&str], source: &Arc<Source>) -> Diagnostic {
    let message = format!("`{template}` has no value `{variable}`");
    let place = word_in(&source.text, variable).unwrap_or(0..0);
    let diagnostic = Diagnostic::error("unknown-variable", message).at(source, place, "");
    match near::nearest(variable, known.iter().copied()) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help(format!("it has {}", known.join(", "))),
    }
}

fn span(source: &Source, error: &Error) -> Range<usize> {
    if let Some(range) = error.range().filter(|range| range.end <= source.text.len()) {
        return range;
    }
    let line = error.line().unwrap_or(1).saturating_sub(1);
    let start: usize = source.text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = source.text.get(start..).unwrap_or_default();
    start..start + rest.lines().next().map_or(0, str::len)
}

/// Where a word stands by itself inside a tag of the engine.
fn word_in(text: &str, word: &str) -> Option<Range<usize>> {
    let part_of_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    let alone = |start: usize| {
        let (before, rest) = text.split_at(start);
        let after = rest.get(word.len()..).unwrap_or_default();
        !before.ends_with(part_of_word) && !before.ends_with('.') && !after.starts_with(part_of_word)
    };
    let inside = |start: usize| {
        let before = text.get(..start).unwrap_or_default();
        let opened = before.rfind("{{").max(before.rfind("{%"));
        opened > before.rfind("}}").max(before.rfind("%}"))
    };
    let starts = text.match_indices(word).map(|(start, _)| start);
    starts.filter(|start| alone(*start) && inside(*start)).map(|start| start..start + word.len()).next()
}

/// Where the last element of a complaint's path is written in the template, as far as that can be told.
fn verb_in(source: &Source, path: &str) -> Range<usize> {
    let element = path.rsplit('/').next().unwrap_or_default();
    let name = element.split(['[', '@']).next().unwrap_or_default();
    let opening = format!("<{name}");
    source.text.find(&opening).map_or(0..0, |start| start..start + opening.len())
}

#[cfg(test)]
mod tests;
