//! The shape that a tree must have, taken from the JSON Schema, and the tree read by it.
//!
//! One walk does it all: what is wrong is reported, and a stand-in takes its place, so that the
//! rest of the file can still be judged. Scalars are read from their source text: what is a
//! text stays the text as written, whatever YAML would make of it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;
use serde_yaml::Value as Yaml;

use crate::diagnostic::{Diagnostic, Source};
use crate::model::near::nearest;
use crate::rules::schema;
use crate::rules::tree::{Entry, Kind, Node};

/// After so many problems of form the rest of them is left out.
const MOST_PROBLEMS: usize = 200;

/// What may stand in a place.
#[derive(Debug)]
enum Shape {
    Text,
    Flag,
    Integer { least: i64, most: i64 },
    Choice(Vec<Box<str>>),
    List(Box<Self>),
    Named(Box<Self>),
    Record(usize),
    Either(Vec<Self>),
}

/// A map with known keys.
#[derive(Debug, Default)]
struct Record {
    name: Box<str>,
    fields: BTreeMap<Box<str>, Field>,
}

#[derive(Debug)]
struct Field {
    shape: Shape,
    required: bool,
}

/// The shape of a whole file.
#[derive(Debug)]
pub(super) struct Shapes {
    records: Vec<Record>,
    file: Shape,
}

impl Shapes {
    /// The shapes of the language, made from its schema once.
    pub(super) fn of_the_language() -> &'static Self {
        static SHAPES: OnceLock<Shapes> = OnceLock::new();
        SHAPES.get_or_init(|| Builder::build(&schema::value()))
    }
}

/// Makes shapes from a schema; understands just what ours says.
struct Builder<'a> {
    schema: &'a Json,
    records: Vec<Record>,
    known: BTreeMap<&'a str, usize>,
}

impl<'a> Builder<'a> {
    fn build(schema: &'a Json) -> Shapes {
        let mut builder = Self { schema, records: Vec::new(), known: BTreeMap::new() };
        let file = Shape::Record(builder.record("File", schema));
        Shapes { records: builder.records, file }
    }

    fn record(&mut self, name: &'a str, schema: &'a Json) -> usize {
        if let Some(index) = self.known.get(name) {
            return *index;
        }
        let index = self.records.len();
        self.known.insert(name, index);
        self.records.push(Record::default());
        let required = |field: &str| {
            schema
                .get("required")
                .and_then(Json::as_array)
                .is_some_and(|fields| fields.iter().any(|name| name == field))
        };
        let properties = schema.get("properties").and_then(Json::as_object);
        let fields = properties.into_iter().flatten().map(|(field, schema)| {
            let shape = self.shape(schema);
            (field.as_str().into(), Field { shape, required: required(field) })
        });
        let record = Record { name: name.into(), fields: fields.collect() };
        if let Some(place) = self.records.get_mut(index) {
            *place = record;
        }
        index
    }

    fn shape(&mut self, schema: &'a Json) -> Shape {
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            return self.reference(reference);
        }
        if let Some([only]) = schema.get("allOf").and_then(Json::as_array).map(Vec::as_slice) {
            return self.shape(only);
        }
        for words in ["enum", "oneOf"] {
            if let Some(words) = schema.get(words).and_then(Json::as_array) {
                return Shape::Choice(words.iter().flat_map(words_of).collect());
            }
        }
        if let Some(branches) = schema.get("anyOf").and_then(Json::as_array) {
            let mut shapes = Vec::new();
            for branch in branches {
                let shape = self.shape(branch);
                if let Shape::Either(inner) = shape {
                    shapes.extend(inner);
                } else {
                    shapes.push(shape);
                }
            }
            return Shape::Either(shapes);
        }
        match schema.get("type").and_then(Json::as_str) {
            Some("boolean") => Shape::Flag,
            Some("integer") => {
                Shape::Integer { least: bound(schema, "minimum", 0), most: bound(schema, "maximum", i64::MAX) }
            }
            Some("array") => Shape::List(Box::new(schema.get("items").map_or(Shape::Text, |items| self.shape(items)))),
            Some("object") => {
                let inner = schema.get("additionalProperties").map_or(Shape::Text, |inner| self.shape(inner));
                Shape::Named(Box::new(inner))
            }
            _ => Shape::Text,
        }
    }

    fn reference(&mut self, reference: &'a str) -> Shape {
        let name = reference.rsplit('/').next().unwrap_or_default();
        let Some(schema) = self.schema.get("definitions").and_then(|all| all.get(name)) else { return Shape::Text };
        if schema.get("properties").is_some() { Shape::Record(self.record(name, schema)) } else { self.shape(schema) }
    }
}

fn words_of(word: &Json) -> Vec<Box<str>> {
    match word {
        Json::String(word) => vec![word.as_str().into()],
        Json::Object(object) => {
            let one = object.get("const").into_iter();
            let several = object.get("enum").and_then(Json::as_array).into_iter().flatten();
            one.chain(several).filter_map(Json::as_str).map(Into::into).collect()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => Vec::new(),
    }
}

fn bound(schema: &Json, key: &str, otherwise: i64) -> i64 {
    schema.get(key).and_then(Json::as_i64).unwrap_or(otherwise)
}

/// A tree read by the shapes: always of the right form, with what was wrong set aside.
#[derive(Debug)]
pub(super) struct Read {
    /// The file's value; texts are exactly as written.
    pub(super) value: Yaml,
    /// What is wrong with its form.
    pub(super) problems: Vec<Diagnostic>,
    /// Paths of what a stand-in took the place of.
    pub(super) broken: Vec<String>,
    /// Paths of maps with unknown keys, in which nothing is missed: the key may have been meant.
    pub(super) doubtful: Vec<String>,
}

/// Whether a file stands for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It does, and must say how calls end.
    Main,
    /// It only adds to another.
    Included,
}

/// Reads a whole file.
pub(super) fn read(source: &Arc<Source>, root: &Node, role: Role) -> Read {
    let shapes = Shapes::of_the_language();
    let mut reader = Reader {
        shapes,
        role,
        source,
        path: Vec::new(),
        problems: Vec::new(),
        broken: Vec::new(),
        doubtful: Vec::new(),
        left_out: 0,
    };
    let value = reader.value(&shapes.file, root);
    let mut problems = reader.problems;
    if reader.left_out > 0 {
        let message = format!("{} more problems of form are left out", reader.left_out);
        let end = source.text.trim_end().len();
        problems.push(
            Diagnostic::error("too-many-problems", message).at(source, end..end, "").help("mend those above first"),
        );
    }
    Read { value, problems, broken: reader.broken, doubtful: reader.doubtful }
}

struct Reader<'a> {
    shapes: &'a Shapes,
    role: Role,
    source: &'a Arc<Source>,
    path: Vec<Part<'a>>,
    problems: Vec<Diagnostic>,
    broken: Vec<String>,
    doubtful: Vec<String>,
    left_out: usize,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Reader<'a> {
    fn value(&mut self, shape: &'a Shape, node: &'a Node) -> Yaml {
        match (shape, &node.kind) {
            (Shape::Either(branches), _) => match branches.iter().find(|branch| fits(branch, node)) {
                Some(branch) => self.value(branch, node),
                None => self.wrong_kind(shape, node),
            },
            _ if !fits(shape, node) => self.wrong_kind(shape, node),
            (Shape::Text, Kind::Scalar { text, .. }) => Yaml::String(text.to_string()),
            (Shape::Flag, Kind::Scalar { text, .. }) => Yaml::Bool(&**text == "true"),
            (Shape::Integer { least, most }, Kind::Scalar { text, .. }) => self.integer(*least, *most, text, node),
            (Shape::Choice(words), Kind::Scalar { text, .. }) => self.choice(words, text, node),
            (Shape::List(inner), Kind::List(items)) => {
                let items = items.iter().enumerate();
                Yaml::Sequence(items.map(|(index, item)| self.under(Part::Index(index), inner, item)).collect())
            }
            (Shape::Named(inner), Kind::Map(entries)) => Yaml::Mapping(
                entries
                    .iter()
                    .map(|entry| (key(&entry.key), self.under(Part::Key(&entry.key), inner, &entry.value)))
                    .collect(),
            ),
            (Shape::Record(index), Kind::Map(entries)) => match self.shapes.records.get(*index) {
                Some(record) => self.record(record, entries, node),
                None => Yaml::Null,
            },
            _ => self.wrong_kind(shape, node),
        }
    }

    fn under(&mut self, part: Part<'a>, shape: &'a Shape, node: &'a Node) -> Yaml {
        self.path.push(part);
        let value = self.value(shape, node);
        self.path.pop();
        value
    }

    fn record(&mut self, record: &'a Record, entries: &'a [Entry], node: &Node) -> Yaml {
        let mut values = serde_yaml::Mapping::with_capacity(entries.len());
        for entry in entries {
            if let Some(field) = record.fields.get(&entry.key) {
                let value = self.under(Part::Key(&entry.key), &field.shape, &entry.value);
                values.insert(key(&entry.key), value);
            } else {
                self.unknown_field(record, entries, entry);
            }
        }
        // Only the file itself has a role; everything in it must be whole.
        let partial = self.role == Role::Included && self.path.is_empty();
        for (name, field) in record.fields.iter().filter(|(_, field)| field.required && !partial) {
            if !entries.iter().any(|entry| entry.key == *name) {
                self.path.push(Part::Key(name));
                self.missing_field(record, name, field, node);
                self.path.pop();
                values.insert(key(name), self.stand_in(&field.shape));
            }
        }
        Yaml::Mapping(values)
    }

    fn integer(&mut self, least: i64, most: i64, text: &str, node: &Node) -> Yaml {
        match text.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Yaml::Number(number.into()),
            Ok(_) | Err(_) => {
                let message = format!("`{}` is not a whole number from {least} to {most}", shorten(text));
                let diagnostic = Diagnostic::error("out-of-range", message).at(self.source, node.span.clone(), "");
                self.report(diagnostic);
                Yaml::Number(least.into())
            }
        }
    }

    fn choice(&mut self, words: &'a [Box<str>], text: &str, node: &Node) -> Yaml {
        if words.iter().any(|word| **word == *text) {
            return Yaml::String(text.to_owned());
        }
        let known = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let mut diagnostic = Diagnostic::error("unknown-word", format!("`{}` is not one of {known}", shorten(text)))
            .at(self.source, node.span.clone(), "");
        if let Some(near) = nearest(text, words.iter().map(|word| &**word)) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        } else if let (Some("true" | "yes"), true) = (node.text(), words.iter().any(|word| **word == *"on")) {
            diagnostic = diagnostic.help("write `on` or `off`");
        } else if let ("false" | "no" | "off" | "never", true) = (text, words.iter().any(|word| **word == *"none")) {
            diagnostic = diagnostic.help("write `none`");
        }
        self.report(diagnostic);
        Yaml::String(words.first().map(ToString::to_string).unwrap_or_default())
    }

    fn unknown_field(&mut self, record: &'a Record, siblings: &[Entry], entry: &Entry) {
        if self.problems.len() >= MOST_PROBLEMS {
            self.left_out += 1;
            return;
        }
        let message = format!("unknown field `{}`", shorten(&entry.key));
        let mut diagnostic = Diagnostic::error("unknown-field", message).at(self.source, entry.key_span.clone(), "");
        // What stands here already is not what was meant.
        let siblings = siblings.get(..100).unwrap_or(siblings);
        let free = record.fields.keys().filter(|name| !siblings.iter().any(|sibling| sibling.key == **name));
        let blank = |sign: char| sign.is_whitespace() && !sign.is_ascii();
        diagnostic = if entry.key.contains(blank) {
            diagnostic
                .help("a space that is none stands here, as it comes with text from web pages: type the spaces anew")
        } else if &*entry.key == "<<" {
            diagnostic.help("write the keys out: merge keys are not part of the language")
        } else if let Some(meant) = renamed(&record.name, &entry.key) {
            diagnostic.help(format!("write `{meant}`"))
        } else if let Some(near) = nearest(&entry.key, free.map(|name| &**name)) {
            diagnostic.help(format!("did you mean `{near}`?"))
        } else {
            let known = record.fields.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            diagnostic.help(format!("known here are {known}"))
        };
        let record_path = self.shown_path();
        let path = format!("{record_path}.{}", entry.key);
        self.doubtful.push(record_path);
        diagnostic.path = path.trim_start_matches('.').to_owned();
        self.push(diagnostic);
    }

    fn missing_field(&mut self, record: &Record, name: &str, field: &Field, node: &Node) {
        let (code, message) = match (&*record.name, name) {
            ("Switch", "expires") => {
                ("switch-without-expiry", "a switch does not say when a setting expires".to_owned())
            }
            ("File", "finally") => {
                ("missing-finally", "the file does not say how calls end that nobody took: `finally`".to_owned())
            }
            _ => ("missing-field", format!("`{name}` is missing")),
        };
        let help = match (&*record.name, name) {
            ("Switch", "expires") => {
                "write `expires: 4h` or `expires: end_of_day`, so that no forgotten switch stays set"
            }
            ("File", "finally") => "add `finally: { voicemail: Please leave your name and number after the tone. }`",
            ("File", "version") => "open the file with `version: 1`",
            ("File", "timezone") => "add the zone of your opening hours, such as `timezone: America/New_York`",
            _ => "",
        };
        let help =
            if help.is_empty() { format!("add `{name}:` with {}", expected(&field.shape)) } else { help.to_owned() };
        let first = node.span.start..node.span.start + usize::from(node.span.end > node.span.start);
        let span = if &*record.name == "File" { 0..0 } else { first_line(self.source, node).unwrap_or(first) };
        let diagnostic = Diagnostic::error(code, message).at(self.source, span, "").help(help);
        self.report(diagnostic);
    }

    fn wrong_kind(&mut self, shape: &'a Shape, node: &Node) -> Yaml {
        let expected = expected(shape);
        let place = match self.path.iter().rev().find_map(|part| match part {
            Part::Key(key) => Some(*key),
            Part::Index(_) => None,
        }) {
            Some(key) => format!("under `{}`", shorten(key)),
            None => "here".to_owned(),
        };
        let message = format!("{} stands {place}, and {expected} belongs there", node.words());
        let span = first_line(self.source, node).unwrap_or_else(|| node.span.clone());
        let mut diagnostic =
            Diagnostic::error("wrong-kind", message).at(self.source, span, format!("expected {expected}"));
        if let (Shape::Flag, Some(text)) = (shape, node.text()) {
            diagnostic = diagnostic.help(match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => "write `true`, without quotes",
                _ => "write `true` or `false`, without quotes",
            });
        } else if matches!(shape, Shape::Integer { .. }) {
            diagnostic = diagnostic.help("write a whole number, without quotes");
        } else if matches!(shape, Shape::List(_)) && !node.is_empty() {
            diagnostic = diagnostic.help("make a list of it with `[` and `]`, or with a `- ` before it");
        } else if let (Shape::Record(_), Some(text)) = (shape, node.text()) {
            let words = text.split_once([' ', ':']).map(|(key, value)| (key.trim(), value.trim()));
            if let Some((key, value)) = words.filter(|(key, value)| !key.is_empty() && !value.is_empty()) {
                diagnostic = diagnostic.help(format!("write it as `{{ {}: {} }}`", shorten(key), shorten(value)));
            }
        }
        self.report(diagnostic);
        self.stand_in(shape)
    }

    /// Reports what is wrong with the value at the current path, and that it cannot be judged further.
    fn report(&mut self, mut diagnostic: Diagnostic) {
        let path = self.shown_path();
        diagnostic.path.clone_from(&path);
        self.broken.push(path);
        self.push(diagnostic);
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    fn shown_path(&self) -> String {
        let mut text = String::new();
        for part in &self.path {
            match part {
                Part::Key(key) if text.is_empty() => text.push_str(key),
                Part::Key(key) => {
                    text.push('.');
                    text.push_str(key);
                }
                Part::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }

    fn stand_in(&self, shape: &Shape) -> Yaml {
        match shape {
            Shape::Text => Yaml::String(String::new()),
            Shape::Flag => Yaml::Bool(false),
            Shape::Integer { least, .. } => Yaml::Number((*least).into()),
            Shape::Choice(words) => Yaml::String(words.first().map(ToString::to_string).unwrap_or_default()),
            Shape::List(_) => Yaml::Sequence(Vec::new()),
            Shape::Named(_) => Yaml::Mapping(serde_yaml::Mapping::new()),
            Shape::Either(branches) => branches.first().map_or(Yaml::Null, |branch| self.stand_in(branch)),
            Shape::Record(index) => {
                let fields = self.shapes.records.get(*index).into_iter().flat_map(|record| &record.fields);
                let required = fields.filter(|(_, field)| field.required);
                Yaml::Mapping(required.map(|(name, field)| (key(name), self.stand_in(&field.shape))).collect())
            }
        }
    }
}

fn key(name: &str) -> Yaml {
    Yaml::String(name.to_owned())
}

fn fits(shape: &Shape, node: &Node) -> bool {
    match (shape, &node.kind) {
        (_, Kind::Scalar { .. }) if node.is_empty() => false,
        (Shape::Text | Shape::Choice(_), Kind::Scalar { .. }) => true,
        (Shape::Flag, Kind::Scalar { text, plain: true }) => matches!(&**text, "true" | "false"),
        (Shape::Integer { .. }, Kind::Scalar { text, plain: true }) => text.parse::<i64>().is_ok(),
        (Shape::List(_), Kind::List(_)) | (Shape::Named(_) | Shape::Record(_), Kind::Map(_)) => true,
        (Shape::Either(branches), _) => branches.iter().any(|branch| fits(branch, node)),
        _ => false,
    }
}

fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Text => "a text".to_owned(),
        Shape::Flag => "`true` or `false`".to_owned(),
        Shape::Integer { .. } => "a whole number".to_owned(),
        Shape::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
        Shape::List(_) => "a list".to_owned(),
        Shape::Named(_) | Shape::Record(_) => "a map of keys and values".to_owned(),
        Shape::Either(branches) => branches.iter().map(expected).collect::<Vec<_>>().join(" or "),
    }
}

/// Keys that people bring from other languages, with ours.
fn renamed(record: &str, key: &str) -> Option<&'static str> {
    match (record, key) {
        ("Rule", "do" | "steps" | "then" | "actions") => Some("cascade"),
        ("Rule", "if" | "condition") => Some("when"),
        ("Step", "dial" | "call") => Some("ring"),
        ("Step", "timeout" | "seconds" | "time") => Some("for"),
        ("Step", "goto" | "go_to") => Some("flow"),
        ("Step", "record") => Some("voicemail"),
        ("Step", "sms") => Some("text"),
        ("File", "rules") => Some("routes"),
        ("File", "default" | "fallback" | "otherwise") => Some("finally"),
        ("File", "time_zone" | "tz" | "zone") => Some("timezone"),
        ("File", "include" | "includes" | "imports") => Some("use"),
        ("Contact" | "Line", "phone" | "tel" | "to") => Some("number"),
        _ => None,
    }
}

/// The first line of a value: a drawing of the whole would hide what is wrong with it.
fn first_line(source: &Source, node: &Node) -> Option<std::ops::Range<usize>> {
    let text = source.text.get(node.span.clone())?;
    let line = text.lines().next()?.trim_end();
    (!line.is_empty()).then(|| node.span.start..node.span.start + line.len())
}

/// A text of the file as an error shows it: never longer than a line.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    let flat = text.replace(['\n', '\r', '\t'], " ");
    if flat.chars().count() <= LONGEST { flat } else { flat.chars().take(LONGEST).chain(['…']).collect() }
}
