//! Whether Twilio would take a document: well-formed, and made of verbs, attributes and values that it knows.

mod order;
mod values;
mod verbs;

use std::fmt;

use crate::diagnostic::Severity;
use crate::model::near;
use crate::twiml::document::{self, Element, Node, Response};
use crate::twiml::schema::verbs::{Rule, Text};

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

/// The most callees of one `Dial`.
const MAX_NOUNS: usize = 10;

/// The most characters spoken at once.
const MAX_SAID: usize = 4096;

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
pub fn check(xml: &str, context: Context) -> Vec<Complaint> {
    match document::parse(xml) {
        Ok(response) => check_parsed(xml, &response, context),
        Err(error) => {
            let message = error.fault.to_string();
            vec![Complaint { path: "Response".to_owned(), line: error.line, message, severity: Severity::Error }]
        }
    }
}

/// The same for a document that has been read; `xml` is the text that it was read from.
pub fn check_parsed(xml: &str, response: &Response, context: Context) -> Vec<Complaint> {
    let mut checker = Checker { xml, context, path: Vec::new(), found: Vec::new() };
    if xml.len() > MAX_BYTES {
        let message = format!("the document has {} bytes; Twilio takes {MAX_BYTES}", xml.len());
        checker.complain(&response.root, Severity::Error, message);
    }
    checker.element(&response.root, "Response");
    checker.found
}

struct Checker<'a> {
    xml: &'a str,
    context: Context,
    /// From the root to the element looked at.
    path: Vec<&'a Element>,
    found: Vec<Complaint>,
}

impl<'a> Checker<'a> {
    fn element(&mut self, element: &'a Element, key: &'static str) {
        self.path.push(element);
        if let Some(rule) = verbs::rule(self.context, key) {
            self.attributes(element, rule);
            self.own_text(element, rule);
            self.children(element, rule);
            self.order(element);
        }
        self.path.pop();
    }

    fn attributes(&mut self, element: &Element, rule: &Rule) {
        for (name, value) in &element.attributes {
            let place = rule.attributes.binary_search_by(|(known, _)| (*known).cmp(name));
            match place.ok().and_then(|place| rule.attributes.get(place)) {
                Some((_, kind)) => {
                    if let Some(message) = values::complaint(*kind, value) {
                        self.complain_of(element, name, Severity::Error, message);
                    }
                }
                None => self.unknown_attribute(element, name, rule),
            }
        }
    }

    fn unknown_attribute(&mut self, element: &Element, name: &str, rule: &Rule) {
        // The namespace of a schema says nothing that Twilio reads.
        if name == "xmlns" || name.starts_with("xmlns:") || name.starts_with("xsi:") {
            return;
        }
        let known = rule.attributes.iter().map(|(known, _)| *known);
        let way_out = slip(name, known).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
        let message = format!("`{}` has no attribute `{name}`{way_out}", element.name);
        self.complain_of(element, name, Severity::Error, message);
    }

    fn own_text(&mut self, element: &Element, rule: &Rule) {
        let has = element.has_own_text();
        match rule.text {
            Text::Never if has => {
                self.complain(element, Severity::Error, format!("text cannot stand in `{}`", element.name));
            }
            Text::Must if !has && element.elements().next().is_none() => self.empty(element),
            Text::Never | Text::May | Text::Must => {}
        }
        self.noun(element);
    }

    fn empty(&mut self, element: &Element) {
        // Nothing said is harmless, and people use it to let a call ring on.
        let severity = if &*element.name == "Say" { Severity::Warning } else { Severity::Error };
        self.complain(element, severity, format!("`{}` is empty", element.name));
    }

    fn children(&mut self, element: &'a Element, rule: &'static Rule) {
        for child in element.elements() {
            match rule.children.iter().find(|key| verbs::name(key) == &*child.name) {
                Some(key) => self.element(child, key),
                None => self.stray(element, child, rule),
            }
        }
    }

    fn stray(&mut self, parent: &Element, child: &'a Element, rule: &Rule) {
        self.path.push(child);
        let message = if verbs::names(self.context).any(|name| name == &*child.name) {
            format!("`{}` cannot stand in `{}`", child.name, parent.name)
        } else {
            let meant = slip(&child.name, rule.children.iter().map(|key| verbs::name(key)));
            let way_out = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            format!("Twilio knows no `{}`{way_out}", child.name)
        };
        self.complain(child, Severity::Error, message);
        self.path.pop();
    }

    fn noun(&mut self, element: &Element) {
        match &*element.name {
            "Dial" => self.dial(element),
            "Number" => self.value(element, values::number),
            "Sip" => self.value(element, values::sip),
            "Redirect" => self.value(element, values::url),
            "Play" => self.play(element),
            "Say" if element.text().chars().count() > MAX_SAID => {
                self.complain(
                    element,
                    Severity::Error,
                    format!("more than {MAX_SAID} characters are to be spoken at once"),
                );
            }
            "Stream" => self.stream(element),
            _ => {}
        }
    }

    fn value(&mut self, element: &Element, complaint: fn(&str) -> Option<String>) {
        let text = element.text();
        if let Some(message) = (!text.trim().is_empty()).then(|| complaint(text.trim())).flatten() {
            self.complain(element, Severity::Error, message);
        }
    }

    fn dial(&mut self, element: &Element) {
        let nouns = element.elements().count();
        match (element.has_own_text(), nouns) {
            (true, 0) => {
                let text: String = element.children.iter().filter_map(own_words).collect();
                if let Some(message) = values::number(text.trim()) {
                    self.complain(element, Severity::Error, message);
                }
            }
            (true, _) => {
                self.complain(element, Severity::Error, "a number and nouns stand in the same `Dial`".to_owned());
            }
            (false, 0) => self.complain(element, Severity::Error, "this `Dial` rings nobody".to_owned()),
            (false, _) if nouns > MAX_NOUNS => {
                let message = format!("{nouns} are rung at once; Twilio rings {MAX_NOUNS}");
                self.complain(element, Severity::Error, message);
            }
            (false, _) => {}
        }
    }

    fn play(&mut self, element: &Element) {
        let nested = self.path.iter().rev().nth(1).is_some_and(|parent| matches!(&*parent.name, "Gather" | "Prompt"));
        match (element.attribute("digits"), element.has_own_text()) {
            (Some(_), _) if nested => {
                self.complain_of(element, "digits", Severity::Error, "tones cannot be played in a `Gather`".to_owned());
            }
            (None, false) => self.complain(element, Severity::Error, "this `Play` plays nothing".to_owned()),
            (None, true) => self.value(element, values::url),
            (Some(_), _) => {}
        }
    }

    fn stream(&mut self, element: &Element) {
        if let Some(url) = element.attribute("url").filter(|url| !url.starts_with("wss://")) {
            let message = format!("a stream goes to a `wss://` address, and this is `{url}`");
            self.complain_of(element, "url", Severity::Error, message);
        }
    }

    fn complain(&mut self, element: &Element, severity: Severity, message: String) {
        let place = self.place();
        self.found.push(Complaint { path: place, line: document::line_of(self.xml, element.at), message, severity });
    }

    fn complain_of(&mut self, element: &Element, attribute: &str, severity: Severity, message: String) {
        self.complain(element, severity, message);
        if let Some(complaint) = self.found.last_mut() {
            complaint.path = format!("{}@{attribute}", complaint.path);
        }
    }

    /// The path, with the number of an element that has namesakes beside it.
    fn place(&self) -> String {
        let mut place = "Response".to_owned();
        for (parent, child) in self.path.iter().zip(self.path.iter().skip(1)) {
            let namesakes = || parent.elements().filter(|other| other.name == child.name);
            place.push('/');
            place.push_str(&child.name);
            if namesakes().nth(1).is_some() {
                let number = namesakes().take_while(|other| !std::ptr::eq(*other, *child)).count() + 1;
                place.push_str(&format!("[{number}]"));
            }
        }
        place
    }
}

fn own_words(node: &Node) -> Option<&str> {
    match node {
        Node::Text(text) => Some(text),
        Node::Element(_) => None,
    }
}

/// What was meant: a name in another case, or one nearby.
fn slip(word: &str, known: impl Iterator<Item = &'static str> + Clone) -> Option<&'static str> {
    known.clone().find(|other| other.eq_ignore_ascii_case(word)).or_else(|| near::nearest(word, known))
}

#[cfg(test)]
mod tests;
