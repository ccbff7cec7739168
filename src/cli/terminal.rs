//! What the terminal can show, and the one way to write results to it.

use std::borrow::Cow;
use std::io::{IsTerminal, Write as _};

use crate::draw::diagnostics::Style;

/// Whether colors are welcome on this stream: on a terminal, unless `NO_COLOR` is set.
pub(crate) fn style(stream: &impl IsTerminal) -> Style {
    let wished = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wished && stream.is_terminal() { Style::Colored } else { Style::Plain }
}

/// Writes results to standard output; a reader who has had enough is no fault.
pub(crate) fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(harmless(text).as_bytes()).and_then(|()| out.flush()));
}

/// The text without signs that would steer the terminal: callers choose some of what records say. Colors are left.
fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |sign: char| sign.is_control() && !matches!(sign, '\n' | '\t');
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, sign) in text.char_indices() {
        if steers(sign) && !text.get(at..).is_some_and(is_color) {
            out.extend(sign.escape_debug());
        } else {
            out.push(sign);
        }
    }
    Cow::Owned(out)
}

/// Whether a sign of color stands at the beginning.
fn is_color(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("\u{1b}[") else { return false };
    let codes = rest.trim_start_matches(|sign: char| sign.is_ascii_digit() || sign == ';');
    codes.starts_with('m')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callers_choose_steers_no_terminal() {
        assert_eq!(harmless("a\tb\n\u{1b}[1;31mred\u{1b}[0m"), "a\tb\n\u{1b}[1;31mred\u{1b}[0m");
        assert_eq!(harmless("sip:\u{1b}[2Jx\r\u{9b}31m\0"), "sip:\\u{1b}[2Jx\\r\\u{9b}31m\\0");
    }
}
