//! Bytes from outside as a text that a YAML parser may be shown: small, UTF-8, and nothing hidden in it.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source};

/// Largest rule file, calendar or caller list, in bytes.
///
/// A thousand rules take about 100 kB, and a list of 20,000 callers 300 kB.
pub(super) const LARGEST: usize = 1 << 20;

/// Reads a file as text; the diagnostic says why it is none.
pub(super) fn decode(name: &str, bytes: &[u8]) -> (Arc<Source>, Option<Diagnostic>) {
    if bytes.len() > LARGEST {
        let source = shown_as(name, "");
        let size = bytes.len() / 1024;
        let message = format!("the file has {size} kB, and {} kB is the most that is read", LARGEST / 1024);
        let help = "split it with `use:`, or move long lists of callers to a file of their own";
        let diagnostic = Diagnostic::error("file-too-large", message).at(&source, 0..0, "").help(help);
        return (source, Some(diagnostic));
    }
    if let Some(diagnostic) = other_encoding(name, bytes) {
        return (shown_as(name, ""), Some(diagnostic));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let source = shown_as(name, text);
            let diagnostic = hidden_sign(&source).or_else(|| tab(&source));
            (source, diagnostic)
        }
        Err(error) => not_utf8(name, bytes, error.valid_up_to()),
    }
}

fn shown_as(name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source { name: name.into(), text: text.into() })
}

fn other_encoding(name: &str, bytes: &[u8]) -> Option<Diagnostic> {
    let at = shown_as(name, "");
    let sixteen = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let wide = matches!(bytes, [0, second, ..] if *second != 0) || matches!(bytes, [first, 0, ..] if *first != 0);
    if sixteen || wide {
        let diagnostic = Diagnostic::error("not-utf-8", "the file is written in UTF-16 or UTF-32");
        return Some(diagnostic.at(&at, 0..0, "").help("save it as UTF-8"));
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        let diagnostic = Diagnostic::error("byte-order-mark", "the file opens with a byte order mark");
        return Some(diagnostic.at(&at, 0..0, "").help("save it as UTF-8 without a byte order mark"));
    }
    None
}

fn not_utf8(name: &str, bytes: &[u8], place: usize) -> (Arc<Source>, Option<Diagnostic>) {
    let source = shown_as(name, &String::from_utf8_lossy(bytes));
    let byte = bytes.get(place).copied().unwrap_or_default();
    let diagnostic = Diagnostic::error("not-utf-8", format!("byte {byte:#04x} is not part of any UTF-8 letter"));
    // Everything before the first bad byte is the same in the text that is shown.
    let end = place + char::REPLACEMENT_CHARACTER.len_utf8();
    let diagnostic = diagnostic.at(&source, place..end, "here").help("save the file as UTF-8");
    (source, Some(diagnostic))
}

/// NUL, escape sequences, bidirectional overrides: what makes a file read differently from what it says.
fn hidden_sign(source: &Arc<Source>) -> Option<Diagnostic> {
    let hidden = |sign: char| {
        (sign.is_control() && !matches!(sign, '\n' | '\r' | '\t'))
            || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
    };
    let (place, sign) = source.text.char_indices().find(|(_, sign)| hidden(*sign))?;
    let message = format!("an invisible sign, U+{:04X}, stands in the file", u32::from(sign));
    let diagnostic = Diagnostic::error("control-character", message);
    Some(diagnostic.at(source, place..place + sign.len_utf8(), "here").help("delete it"))
}

fn tab(source: &Arc<Source>) -> Option<Diagnostic> {
    let mut start = 0;
    let mut tabs = Vec::new();
    for line in source.text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let blank = line.trim().is_empty() || line.trim_start().starts_with('#');
        let place = line.get(..indent).and_then(|space| space.find('\t'));
        if let (Some(place), false) = (place, blank) {
            tabs.push(start + place);
        }
        start += line.len();
    }
    let first = *tabs.first()?;
    let message = match tabs.len() {
        1 => "a tab indents a line".to_owned(),
        count => format!("tabs indent {count} lines"),
    };
    let diagnostic = Diagnostic::error("tab-indentation", message).at(source, first..first + 1, "a tab");
    Some(diagnostic.help("YAML is indented with spaces: replace each tab by two of them"))
}
