//! Which characters XML allows, and how text is written so that any reader gets it back the same.

use std::fmt;

/// Whether XML 1.0 allows the character at all.
pub(crate) const fn is_legal(sign: char) -> bool {
    matches!(sign, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// The first character that XML does not allow, and the byte it stands at.
pub(crate) fn first_illegal(text: &str) -> Option<(usize, char)> {
    // Nearly every document is plain; a look at the bytes, all of them, is cheaper than one at the characters.
    let suspect = |byte: u8| (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0xef;
    if !text.bytes().fold(false, |any, byte| any | suspect(byte)) {
        return None;
    }
    text.char_indices().find(|(_, sign)| !is_legal(*sign))
}

/// Writes text for use between tags or in an attribute; characters that XML does not allow are left out.
pub(crate) fn write_escaped(text: &str, write: &mut dyn FnMut(&str) -> fmt::Result) -> fmt::Result {
    let mut rest = text;
    while let Some(place) = rest.bytes().position(needs_care) {
        let (plain, special) = rest.split_at(place);
        write(plain)?;
        let mut signs = special.chars();
        match signs.next() {
            // Only some of what opens with this byte is illegal.
            Some(sign) if sign > '~' && is_legal(sign) => write(sign.encode_utf8(&mut [0; 4]))?,
            Some(sign) => write(written(sign))?,
            None => {}
        }
        rest = signs.as_str();
    }
    write(rest)
}

/// Whether a character that opens with this byte may need care: the illegal ones beyond ASCII open with 0xEF.
const fn needs_care(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'' | 0xef) || byte < 0x20
}

const fn written(sign: char) -> &'static str {
    match sign {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&apos;",
        '\n' => "&#10;",
        '\t' => "&#9;",
        '\r' => "&#13;",
        _ => "",
    }
}

/// The text without characters that XML does not allow.
pub(crate) fn legal(text: &str) -> String {
    text.chars().filter(|sign| is_legal(*sign)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_with_references() {
        let mut out = String::new();
        write_escaped("a<b>&\"'\n\t\r\u{1}\u{ffff}ü", &mut |part| {
            out.push_str(part);
            Ok(())
        })
        .unwrap();
        assert_eq!(out, "a&lt;b&gt;&amp;&quot;&apos;&#10;&#9;&#13;ü");
    }

    #[test]
    fn illegal_characters_are_found() {
        assert_eq!(first_illegal("plain \u{feff} ü"), None);
        assert_eq!(first_illegal("ü\u{0}"), Some((2, '\u{0}')));
        assert_eq!(first_illegal("\u{fffe}"), Some((0, '\u{fffe}')));
    }
}
