//! A TwiML document read into a tree of verbs: what Twilio would see in the bytes, or why it could not read them.

use std::borrow::Cow;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use crate::twiml::characters;

/// The deepest nesting read; real documents need five.
const MAX_DEPTH: usize = 32;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The `Response` element.
    pub root: Element,
}

/// One element: a verb, a noun, or markup inside spoken text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its name, as written; names are case-sensitive.
    pub name: Box<str>,
    /// Its attributes in the order written, with references resolved.
    pub attributes: Vec<(Box<str>, Box<str>)>,
    /// What stands in it, in order.
    pub children: Vec<Node>,
    /// The byte of the document it begins at.
    pub at: usize,
}

/// What can stand in an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, with references resolved.
    Text(String),
}

impl Response {
    /// The verbs in order.
    pub fn verbs(&self) -> impl Iterator<Item = &Element> {
        self.root.elements()
    }

    /// Whether both mean the same to Twilio: the order of attributes and white space around text do not count.
    pub fn same(&self, other: &Self) -> bool {
        self.root.same(&other.root)
    }
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| &**key == name).map(|(_, value)| &**value)
    }

    /// The elements that stand in it, in order.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// All text in it, that of inner elements included, exactly as it stands.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.collect_text(&mut text);
        text
    }

    fn collect_text(&self, into: &mut String) {
        for node in &self.children {
            match node {
                Node::Text(text) => into.push_str(text),
                Node::Element(element) => element.collect_text(into),
            }
        }
    }

    /// Whether any text besides white space stands directly in it.
    pub fn has_own_text(&self) -> bool {
        self.children.iter().any(|node| matches!(node, Node::Text(text) if !text.trim().is_empty()))
    }

    /// Whether both mean the same to Twilio.
    pub fn same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.sorted_attributes() == other.sorted_attributes()
            && self.meaningful().eq_by_meaning(&other.meaningful())
    }

    fn sorted_attributes(&self) -> Vec<(&str, &str)> {
        let mut all: Vec<_> = self.attributes.iter().map(|(name, value)| (&**name, &**value)).collect();
        all.sort_unstable();
        all
    }

    fn meaningful(&self) -> Meaningful<'_> {
        let parts = self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(Part::Element(element)),
            Node::Text(text) => {
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                (!words.is_empty()).then_some(Part::Words(words))
            }
        });
        Meaningful(parts.collect())
    }
}

struct Meaningful<'a>(Vec<Part<'a>>);

enum Part<'a> {
    Element(&'a Element),
    Words(String),
}

impl Meaningful<'_> {
    fn eq_by_meaning(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|pair| match pair {
                (Part::Element(one), Part::Element(two)) => one.same(two),
                (Part::Words(one), Part::Words(two)) => one == two,
                (Part::Element(_), Part::Words(_)) | (Part::Words(_), Part::Element(_)) => false,
            })
    }
}

/// Why bytes are not a TwiML document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ParseError {
    /// The byte it was noticed at.
    pub at: usize,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// What can be wrong with the bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The XML reader refused it.
    #[error("{0}")]
    Syntax(String),
    /// Nothing there.
    #[error("the document is empty; `<Response/>` is how to do nothing")]
    Empty,
    /// The declaration does not come first.
    #[error("something stands before `<?xml`; the declaration must be the very first thing")]
    LateDeclaration,
    /// The declaration names another encoding.
    #[error("the document says its encoding is `{0}`; only UTF-8 is sent")]
    Encoding(String),
    /// A character that XML does not allow.
    #[error("the character U+{0:04X} is not allowed in XML")]
    Character(u32),
    /// An entity that nobody declared.
    #[error("the entity `&{0};` is not known to XML; write the character itself")]
    Entity(String),
    /// A name that is none.
    #[error("`{0}` is not a name in XML")]
    Name(String),
    /// `<` in an attribute.
    #[error("`<` stands in the attribute `{0}`; write `&lt;`")]
    LessThan(String),
    /// `]]>` in text.
    #[error("`]]>` stands in text; write `]]&gt;`")]
    CdataEnd,
    /// A document type.
    #[error("a DOCTYPE is not part of TwiML")]
    Doctype,
    /// Text or a second element outside the root.
    #[error("{0} stands outside of `<Response>`")]
    OutsideRoot(&'static str),
    /// The root has another name.
    #[error("the root element is `{0}`; it must be `Response`")]
    NotResponse(String),
    /// An element that never ends.
    #[error("`<{0}>` is never closed")]
    Unclosed(String),
    /// Nested out of all reason.
    #[error("elements are nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

/// Reads a document; it must be well-formed XML with one `Response` element.
pub fn parse(xml: &str) -> Result<Response, ParseError> {
    let mut tree = Tree { open: Vec::with_capacity(4), root: None };
    let mut at = 0;
    read(xml, &mut tree, &mut at).map_err(|fault| ParseError { at, line: line_of(xml, at), fault })?;
    match tree.root {
        Some(root) if &*root.name == "Response" => Ok(Response { root }),
        Some(root) => {
            let fault = Fault::NotResponse(root.name.to_string());
            Err(ParseError { at: root.at, line: line_of(xml, root.at), fault })
        }
        None => Err(ParseError { at: 0, line: 1, fault: Fault::Empty }),
    }
}

/// Whether two documents mean the same to Twilio; documents that cannot be read are the same only byte by byte.
pub fn same(one: &str, two: &str) -> bool {
    match (parse(one), parse(two)) {
        (Ok(one), Ok(two)) => one.same(&two),
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        (Err(_), Err(_)) => one == two,
    }
}

/// The line of a byte, from 1.
pub(crate) fn line_of(xml: &str, at: usize) -> usize {
    xml.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
}

fn read(xml: &str, tree: &mut Tree, at: &mut usize) -> Result<(), Fault> {
    if let Some((place, found)) = characters::first_illegal(xml) {
        *at = place;
        return Err(Fault::Character(u32::from(found)));
    }
    if xml.starts_with('\u{feff}') {
        return Err(Fault::LateDeclaration);
    }
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_comments = true;
    loop {
        *at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match reader.read_event().map_err(|error| Fault::Syntax(error.to_string()))? {
            Event::Start(tag) => tree.start(&tag, *at)?,
            Event::Empty(tag) => {
                tree.start(&tag, *at)?;
                tree.end();
            }
            Event::End(_) => tree.end(),
            Event::Text(text) if text.contains("]]>") => return Err(Fault::CdataEnd),
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(text) => tree.text_inside(&text.xml10_content())?,
            Event::GeneralRef(reference) => tree.text_inside(resolve(&reference)?.encode_utf8(&mut [0; 4]))?,
            Event::Decl(_) if *at != 0 => return Err(Fault::LateDeclaration),
            Event::Decl(declaration) => check_encoding(declaration.encoding())?,
            Event::DocType(_) => return Err(Fault::Doctype),
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return tree.open.last().map_or(Ok(()), |open| Err(Fault::Unclosed(open.name.to_string()))),
        }
    }
}

fn check_encoding<E>(encoding: Option<Result<Cow<'_, str>, E>>) -> Result<(), Fault> {
    match encoding {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(Ok(name)) => Err(Fault::Encoding(name.into_owned())),
        Some(Err(_)) => Err(Fault::Encoding(String::new())),
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, Fault> {
    match &**reference {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => {}
    }
    match reference.resolve_char_ref() {
        Ok(Some(sign)) if characters::is_legal(sign) => Ok(sign),
        Ok(Some(sign)) => Err(Fault::Character(u32::from(sign))),
        Ok(None) | Err(_) => Err(Fault::Entity(reference.to_string())),
    }
}

impl Tree {
    fn start(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<(), Fault> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(Fault::OutsideRoot("a second element"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        let name: Box<str> = checked_name(tag.name().as_ref())?.into();
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| Fault::Syntax(error.to_string()))?;
            let key = checked_name(attribute.key.as_ref())?;
            let value = attribute_value(key, &attribute.value)?;
            attributes.push((key.into(), value));
        }
        self.open.push(Element { name, attributes, children: Vec::new(), at });
        Ok(())
    }

    fn end(&mut self) {
        let Some(done) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(done)),
            None => self.root = Some(done),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        if self.open.is_empty() && text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            return Ok(());
        }
        self.text_inside(text)
    }

    fn text_inside(&mut self, text: &str) -> Result<(), Fault> {
        let Some(parent) = self.open.last_mut() else { return Err(Fault::OutsideRoot("text")) };
        match parent.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            Some(Node::Element(_)) | None => parent.children.push(Node::Text(text.to_owned())),
        }
        Ok(())
    }
}

fn checked_name(name: &str) -> Result<&str, Fault> {
    let opens = |sign: char| sign.is_ascii_alphabetic() || matches!(sign, '_' | ':') || !sign.is_ascii();
    let goes_on = |sign: char| opens(sign) || sign.is_ascii_digit() || matches!(sign, '-' | '.');
    if name.starts_with(opens) && name.chars().all(goes_on) { Ok(name) } else { Err(Fault::Name(name.to_owned())) }
}

/// The value that an XML reader hands on: white space as written becomes a space, references stay what they name.
fn attribute_value(key: &str, raw: &str) -> Result<Box<str>, Fault> {
    if raw.contains('<') {
        return Err(Fault::LessThan(key.to_owned()));
    }
    if !raw.contains(['&', '\t', '\n', '\r']) {
        return Ok(raw.into());
    }
    let spaced = raw.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
    let mut value = String::with_capacity(spaced.len());
    let mut parts = spaced.split('&');
    value.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let Some((reference, rest)) = part.split_once(';') else {
            return Err(Fault::Entity(part.chars().take(20).collect()));
        };
        value.push(resolve(&BytesRef::new(reference))?);
        value.push_str(rest);
    }
    Ok(value.into())
}

#[cfg(test)]
mod tests;
