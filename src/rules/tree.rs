//! A YAML text as a tree that knows the place of every key and value, built within fixed bounds.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span};

use crate::diagnostic::{Diagnostic, Source};

/// Deepest nesting; the language itself needs nine levels.
const DEEPEST: usize = 64;

/// The way out of nesting too deep.
const NOT_SO_DEEP: &str = "no rule file needs that: look for an unclosed `[` or `{`";

/// How many aliases a file may have.
const MOST_ALIASES: usize = 256;

/// How many values a file may have once its aliases are written out.
const MOST_VALUES: usize = 250_000;

/// How many duplicate keys are told; a file with more of them has another trouble.
const MOST_DUPLICATES: usize = 100;

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Bytes of the source.
    pub(super) span: Range<usize>,
    /// What stands there.
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A text as its author wrote it, escapes resolved.
    Scalar {
        /// The text.
        text: Box<str>,
        /// Whether it stands without quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in the order written, each key once.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: Box<str>,
    /// Bytes of the key.
    pub(super) key_span: Range<usize>,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    /// Whether it is a map.
    pub(super) const fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }

    /// The value under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        let Kind::Map(entries) = &self.kind else { return None };
        entries.iter().find(|entry| &*entry.key == key)
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// Whether nothing stands where a value is due.
    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(&**text, "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Whether it is a text without quotes.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self.kind, Kind::Scalar { plain: true, .. })
    }

    /// What it is, in words.
    pub(super) fn words(&self) -> &'static str {
        match &self.kind {
            _ if self.is_empty() => "nothing",
            Kind::Scalar { .. } => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map of keys and values",
        }
    }
}

/// Parses a source; without a tree, the last diagnostic says why.
pub(super) fn parse(source: &Arc<Source>) -> (Option<Node>, Vec<Diagnostic>) {
    let mut builder = Builder {
        source,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        root: None,
        counts: Counts::default(),
        problems: Vec::new(),
    };
    let mut options = Options::default();
    options.flow_nesting_limit = DEEPEST;
    options.block_nesting_limit = DEEPEST;
    let mut parser = Parser::new_from_str_with_options(&source.text, options);
    let outcome = builder.run(&mut parser);
    if let Err(diagnostic) = outcome {
        builder.problems.push(*diagnostic);
        return (None, builder.problems);
    }
    let root = builder.root.filter(|root| !root.is_empty());
    if root.is_none() {
        let empty = Diagnostic::error("empty-file", "the file says nothing").at(source, 0..0, "");
        builder.problems.push(empty.help("`ringfall init` writes a file to start from"));
    }
    (root, builder.problems)
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    root: Option<Node>,
    counts: Counts,
    problems: Vec<Diagnostic>,
}

#[derive(Default)]
struct Counts {
    documents: usize,
    aliases: usize,
    values: usize,
}

/// A list or map whose end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    what: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(Box<str>, Range<usize>)> },
}

type Step = Result<(), Box<Diagnostic>>;

impl<'a> Builder<'a> {
    fn run(&mut self, parser: &mut Parser<'a, granit_parser::StrInput<'a>>) -> Step {
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            let place = bytes(&span);
            match event {
                Event::DocumentStart(..) => self.document(place)?,
                Event::Alias(id) => self.alias(id, place)?,
                Event::Scalar(text, style, anchor, tag) => {
                    self.no_tag(tag.is_some(), &place)?;
                    let plain = style == ScalarStyle::Plain;
                    self.value(Node { span: place, kind: Kind::Scalar { text: text.into(), plain } }, anchor)?;
                }
                Event::SequenceStart(_, anchor, tag) => {
                    self.no_tag(tag.is_some(), &place)?;
                    self.begin(place, anchor, OpenKind::List(Vec::new()))?;
                }
                Event::MappingStart(_, anchor, tag) => {
                    self.no_tag(tag.is_some(), &place)?;
                    self.begin(place, anchor, OpenKind::Map { entries: Vec::new(), key: None })?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(place.end)?,
                Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentEnd
                | Event::Anchor(..)
                | Event::UnresolvedAlias(_)
                | _ => {}
            }
        }
        Ok(())
    }

    fn document(&mut self, place: Range<usize>) -> Step {
        self.counts.documents += 1;
        if self.counts.documents > 1 {
            return self.refuse(
                "several-documents",
                "a second YAML document starts here",
                place,
                "write one document per file",
            );
        }
        Ok(())
    }

    fn no_tag(&self, tagged: bool, place: &Range<usize>) -> Step {
        if tagged {
            let help = "write the value without `!`: the language has no tags";
            return self.refuse("yaml-tag", "a value has a YAML tag", place.clone(), help);
        }
        Ok(())
    }

    fn begin(&mut self, place: Range<usize>, anchor: usize, what: OpenKind) -> Step {
        if self.open.len() >= DEEPEST {
            let message = format!("values are nested more than {DEEPEST} deep");
            return self.refuse("too-deep", message, place, NOT_SO_DEEP);
        }
        if let Some(Open { what: OpenKind::Map { key: None, .. }, .. }) = self.open.last() {
            return self.refuse(
                "bad-key",
                "a list or a map stands where a key is due",
                place,
                "write the key as plain text",
            );
        }
        self.open.push(Open { start: place.start, anchor, what });
        Ok(())
    }

    fn end(&mut self, end: usize) -> Step {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let end = open.start + self.source.text.get(open.start..end).map_or(0, |text| text.trim_end().len());
        let kind = match open.what {
            OpenKind::List(items) => Kind::List(items),
            OpenKind::Map { entries, .. } => Kind::Map(self.each_key_once(entries)),
        };
        self.value(Node { span: open.start..end, kind }, open.anchor)
    }

    fn each_key_once(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let mut order: Vec<&Entry> = entries.iter().collect();
        order.sort_by(|left, right| left.key.cmp(&right.key).then(left.key_span.start.cmp(&right.key_span.start)));
        let mut again = Vec::new();
        for (first, second) in order.iter().zip(order.iter().skip(1)).filter(|(first, second)| first.key == second.key)
        {
            let message = format!("`{}` is written twice", second.key);
            let twice = Diagnostic::error("duplicate-key", message).at(self.source, second.key_span.clone(), "again");
            let twice = twice.also(self.source, first.key_span.clone(), "first written here");
            again.push(second.key_span.start);
            if self.problems.len() < MOST_DUPLICATES {
                self.problems.push(twice.help("keep one of the two"));
            }
        }
        if again.is_empty() {
            return entries;
        }
        again.sort_unstable();
        entries.into_iter().filter(|entry| again.binary_search(&entry.key_span.start).is_err()).collect()
    }

    fn alias(&mut self, id: usize, place: Range<usize>) -> Step {
        self.counts.aliases += 1;
        if self.counts.aliases > MOST_ALIASES {
            let message = format!("the file has more than {MOST_ALIASES} aliases");
            return self.refuse("too-many-aliases", message, place, "give the thing a name of its own and use that");
        }
        let Some(node) = self.anchors.get(&id) else {
            return self.refuse("yaml-syntax", "an alias stands inside its own anchor", place, "write the value out");
        };
        self.counts.values += size(node, MOST_VALUES);
        if self.counts.values > MOST_VALUES {
            let message = format!("written out, the aliases make more than {MOST_VALUES} values");
            return self.refuse("too-many-aliases", message, place, "write the values out, or use fewer of them");
        }
        let node = node.clone();
        self.value(node, 0)
    }

    fn value(&mut self, node: Node, anchor: usize) -> Step {
        self.counts.values += 1;
        if self.counts.values > MOST_VALUES {
            let message = format!("the file has more than {MOST_VALUES} values");
            return self.refuse(
                "too-many-values",
                message,
                node.span,
                "split the file, or move callers to a list of their own",
            );
        }
        if anchor != 0 {
            self.counts.values += size(&node, MOST_VALUES);
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.what {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map { entries, key } => match (key.take(), node.kind) {
                (None, Kind::Scalar { text, .. }) => *key = Some((text, node.span)),
                (None, _) => {
                    let help = "write the key as plain text";
                    return self.refuse("bad-key", "a list or a map stands where a key is due", node.span, help);
                }
                (Some((key, key_span)), kind) => {
                    entries.push(Entry { key, key_span, value: Node { span: node.span, kind } });
                }
            },
        }
        Ok(())
    }

    fn syntax(&self, error: &granit_parser::ScanError) -> Box<Diagnostic> {
        let place = error.marker().byte_offset().unwrap_or_default().min(self.source.text.len());
        let deep = matches!(error.kind(), granit_parser::ErrorKind::RecursionLimitExceeded);
        let at = |code, message: String, help: &str| {
            let sign = self.source.text.get(place..).and_then(|rest| rest.chars().next());
            let end = place + sign.map_or(0, char::len_utf8);
            Box::new(Diagnostic::error(code, message).at(self.source, place..end, "here").help(help))
        };
        if deep {
            return at("too-deep", format!("values are nested more than {DEEPEST} deep"), NOT_SO_DEEP);
        }
        if self.source.text.get(place..).is_some_and(|rest| rest.starts_with(": ")) {
            let help = "put the whole text into quotes, or leave the colon out; a key on a line of its own begins in the \
                        same column as its neighbors";
            return at("yaml-syntax", "a colon stands inside a text without quotes".to_owned(), help);
        }
        let (message, help) = in_plain_words(&error.info());
        at("yaml-syntax", message, help)
    }

    fn refuse(&self, code: &'static str, message: impl Into<String>, place: Range<usize>, help: &str) -> Step {
        Err(Box::new(Diagnostic::error(code, message).at(self.source, place, "").help(help)))
    }
}

/// What the parser says, as somebody would who looks at the file; and what to look at.
fn in_plain_words(info: &str) -> (String, &'static str) {
    let words: [(&[&str], &str, &str); 5] = [
        (
            &["expected key", "expected '-'", "in an unexpected column", "invalid indentation"],
            "this line does not line up with its neighbors",
            "the entries of a list or a map begin in the same column: compare the spaces in front of this line and of the \
             lines above; and see that each quotation mark above has its second one",
        ),
        (
            &["trailing content after", "quoted scalar", "unclosed quote"],
            "a quotation mark is missing, or one too many",
            "close each text that begins with a quotation mark with the same mark, here and on the lines above",
        ),
        (
            &["flow mapping", "flow sequence", "unclosed bracket", "only valid inside a block"],
            "a brace or a bracket is not closed",
            "look for a `{` without its `}` and a `[` without its `]`, here and on the lines above",
        ),
        (
            &["illegal placement of ':'"],
            "a `:` stands where none can",
            "look for a `[` or `{` above that is not closed, or put the whole text into quotes",
        ),
        (
            &["expected ':'", "simple key"],
            "a line has no `:`, or begins too far to the left",
            "write `key: value`, and begin the line in the same column as its neighbors",
        ),
    ];
    let found = words.iter().find(|(signs, ..)| signs.iter().any(|sign| info.contains(sign)));
    let usual = "look at the indentation, at unclosed quotes or brackets, and at a `: ` inside a text without quotes";
    found.map_or_else(|| (info.to_owned(), usual), |(_, message, help)| ((*message).to_owned(), *help))
}

fn bytes(span: &Span) -> Range<usize> {
    let start = span.start.byte_offset().unwrap_or_default();
    start..span.end.byte_offset().unwrap_or(start).max(start)
}

/// How many values a node holds, counted no further than `most`.
fn size(node: &Node, most: usize) -> usize {
    let mut count = 0;
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        count += 1;
        if count > most {
            break;
        }
        match &node.kind {
            Kind::Scalar { .. } => {}
            Kind::List(items) => open.extend(items),
            Kind::Map(entries) => open.extend(entries.iter().map(|entry| &entry.value)),
        }
    }
    count
}
