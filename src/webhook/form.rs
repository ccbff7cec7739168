//! Form fields decoded exactly once, in their order, within limits.
//!
//! A value that is itself percent-encoded, such as the carrier's `CallToken`, stays as it is: a second
//! decoding would break the signature.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::webhook::raw::{Limits, RawError};

/// How the bytes of a form are to be read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// UTF-8; anything else in it is refused.
    #[default]
    Utf8,
    /// ISO 8859-1: each byte is the character of that number.
    Latin1,
}

/// Names and values in their order; one text holds all of them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Form {
    text: Box<str>,
    fields: Box<[Field]>,
}

/// Where a field stands: its value stands right behind its name. Small, because every name is looked for here.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Field {
    at: u32,
    name: u32,
    value: u32,
}

impl Field {
    /// A field whose name and value end there. A text too long for it cannot come: its limit is far below.
    fn new(at: usize, name: usize, value: usize) -> Self {
        let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let (at, name_end, value_end) = (place(at), place(name), place(value));
        Self { at, name: name_end.saturating_sub(at), value: value_end.saturating_sub(name_end) }
    }

    const fn name(self) -> Range<usize> {
        self.at as usize..self.at as usize + self.name as usize
    }

    const fn value(self) -> Range<usize> {
        let start = self.name().end;
        start..start + self.value as usize
    }
}

impl Form {
    /// Reads `application/x-www-form-urlencoded` bytes.
    pub fn parse(bytes: &[u8], charset: Charset, limits: &Limits) -> Result<Self, RawError> {
        Self::read(bytes, charset, limits).map(|(form, _)| form)
    }

    /// The same; tells as well whether every field has its `=`.
    pub(in crate::webhook) fn read(bytes: &[u8], charset: Charset, limits: &Limits) -> Result<(Self, bool), RawError> {
        let mut text = Vec::with_capacity(bytes.len());
        let mut fields = Vec::with_capacity(32);
        let mut whole = true;
        let mut rest = Some(bytes);
        while let Some(all) = rest {
            let (pair, more) = halves(all, b'&');
            rest = more;
            if pair.is_empty() {
                continue;
            }
            if fields.len() == limits.fields {
                return Err(RawError::TooManyFields { limit: limits.fields });
            }
            let (name, value) = halves(pair, b'=');
            whole &= value.is_some();
            let at = text.len();
            let name = decode(name, charset, &mut text);
            let value = decode(value.unwrap_or_default(), charset, &mut text);
            if name - at > limits.name {
                return Err(RawError::NameTooLong { limit: limits.name });
            }
            if value - name > limits.value {
                return Err(RawError::ValueTooLong { limit: limits.value });
            }
            fields.push(Field::new(at, name, value));
        }
        let text =
            String::from_utf8(text).map_err(|error| RawError::NotText { at: error.utf8_error().valid_up_to() })?;
        // A character must not begin in one field and end in the next.
        let torn = fields
            .iter()
            .find(|field| !text.is_char_boundary(field.name().start) || !text.is_char_boundary(field.value().start));
        match torn {
            Some(field) => Err(RawError::NotText { at: field.name().start }),
            None => Ok((Self { text: text.into(), fields: fields.into() }, whole)),
        }
    }

    /// A form of these fields, for tests and for our own requests.
    pub fn of<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut text = String::new();
        let mut list = Vec::new();
        let mut keep = |part: &str| {
            text.push_str(part);
            text.len()
        };
        let mut at = 0;
        for (name, value) in fields {
            let field = Field::new(at, keep(name), keep(value));
            at = field.value().end;
            list.push(field);
        }
        Self { text: text.into(), fields: list.into() }
    }

    /// All fields in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|field| (self.part(field.name()), self.part(field.value())))
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        // Lengths first: thirty names are asked for among thirty fields.
        let mut fields = self.fields.iter().filter(|field| field.name as usize == name.len());
        fields.find(|field| self.part(field.name()) == name).map(|field| self.part(field.value()))
    }

    /// The first value of this name that is not empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field at all.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields as a form body.
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish()
    }

    /// The fields as the carrier signs them: by name, then by value, and equal ones once.
    ///
    /// The byte order of UTF-8 is the order of code points.
    pub(in crate::webhook) fn signed(&self) -> Vec<(&str, &str)> {
        let mut fields: Vec<_> = self.iter().collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    fn part(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }
}

impl fmt::Debug for Form {
    /// Names only: values hold numbers and what people said.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter().map(|(name, _)| Cow::Borrowed(name))).finish()
    }
}

/// What stands before the first `sign`, and what behind it if there is one.
fn halves(bytes: &[u8], sign: u8) -> (&[u8], Option<&[u8]>) {
    let at = memchr::memchr(sign, bytes);
    at.and_then(|at| Some((bytes.get(..at)?, bytes.get(at + 1..)))).unwrap_or((bytes, None))
}

/// Appends one decoded part and tells where it ends.
fn decode(part: &[u8], charset: Charset, text: &mut Vec<u8>) -> usize {
    let mut rest = part;
    while let Some(at) = memchr::memchr2(b'%', b'+', rest) {
        let (plain, coded) = rest.split_at(at);
        append(plain, charset, text);
        let (byte, after) = match coded {
            [b'+', after @ ..] => (b' ', after),
            [_, high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), after)
            }
            // What is not an escape stands for itself, as in browsers.
            [first, after @ ..] => (*first, after),
            [] => break,
        };
        append(&[byte], charset, text);
        rest = after;
    }
    append(rest, charset, text);
    text.len()
}

fn append(bytes: &[u8], charset: Charset, text: &mut Vec<u8>) {
    match charset {
        Charset::Utf8 => text.extend_from_slice(bytes),
        Charset::Latin1 => {
            for byte in bytes {
                text.extend_from_slice(char::from(*byte).encode_utf8(&mut [0; 2]).as_bytes());
            }
        }
    }
}

/// The value of a hex digit.
const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(body: &str) -> Form {
        Form::parse(body.as_bytes(), Charset::Utf8, &Limits::default()).unwrap()
    }

    fn pairs(form: &Form) -> Vec<(&str, &str)> {
        form.iter().collect()
    }

    #[test]
    fn fields_keep_their_order_and_are_decoded_once() {
        let form = parse("To=%2B16195550100&CallToken=%257B%2522a%2522&To=x+y&Empty=&Bare&=v&&");
        let expected = [
            ("To", "+16195550100"),
            ("CallToken", "%7B%22a%22"),
            ("To", "x y"),
            ("Empty", ""),
            ("Bare", ""),
            ("", "v"),
        ];
        assert_eq!(pairs(&form), expected);
        assert_eq!(form.get("To"), Some("+16195550100"));
        assert_eq!(form.filled("Empty"), None);
    }

    #[test]
    fn latin_1_bytes_are_characters() {
        let form = Form::parse(b"City=S%E3o+Paulo&Raw=\xe9", Charset::Latin1, &Limits::default()).unwrap();
        assert_eq!(pairs(&form), [("City", "São Paulo"), ("Raw", "é")]);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_even_across_fields() {
        for body in ["a=%ff", "a=%c3&%a9=b", "%c3=%a9"] {
            let read = Form::parse(body.as_bytes(), Charset::Utf8, &Limits::default());
            assert!(matches!(read, Err(RawError::NotText { .. })), "{body}");
        }
    }

    #[test]
    fn limits_are_errors() {
        let limits = Limits { fields: 2, name: 3, value: 4, ..Limits::default() };
        let read = |body: &str| Form::parse(body.as_bytes(), Charset::Utf8, &limits).unwrap_err();
        assert_eq!(read("a=1&b=2&c=3"), RawError::TooManyFields { limit: 2 });
        assert_eq!(read("abcd=1"), RawError::NameTooLong { limit: 3 });
        assert_eq!(read("a=12345"), RawError::ValueTooLong { limit: 4 });
        assert!(Form::parse(b"abc=1234&d=%20%20%20%20", Charset::Utf8, &limits).is_ok());
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", parse("From=%2B16195550111&Digits=1")), r#"["From", "Digits"]"#);
    }

    proptest! {
        #[test]
        fn a_form_reads_back_what_was_written(fields in prop::collection::vec((".*", ".*"), 0..12)) {
            let form = Form::of(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let read = parse(&form.encode());
            prop_assert_eq!(pairs(&read), pairs(&form));
        }

        #[test]
        fn valid_text_is_read_as_the_url_standard_reads_it(body in "([a-zA-Z0-9%+&=é ]|%[0-7][0-9a-fA-F]){0,80}") {
            let read = Form::parse(body.as_bytes(), Charset::Utf8, &Limits::default());
            prop_assume!(read.is_ok());
            let ours = read.unwrap_or_default();
            let theirs: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
            let ours: Vec<_> = ours.iter().map(|(name, value)| (Cow::from(name), Cow::from(value))).collect();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..300), latin in any::<bool>()) {
            let charset = if latin { Charset::Latin1 } else { Charset::Utf8 };
            let read = Form::parse(&body, charset, &Limits::default());
            let refused_as_text = matches!(read, Err(RawError::NotText { .. }));
            prop_assert!(!latin || !refused_as_text);
            if let Ok(form) = read {
                prop_assert!(form.iter().count() == form.len());
            }
        }
    }
}
