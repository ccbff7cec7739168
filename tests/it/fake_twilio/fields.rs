//! Form fields: their encoding.

/// Decodes a form strictly; what a careful sender never writes is complained of.
pub(super) fn decode(text: &str, complaints: &mut Vec<String>) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let mut fields: Vec<(String, String)> = Vec::new();
    for pair in pairs {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (plain(name, complaints), plain(value, complaints));
        if fields.iter().any(|(known, _)| *known == name) {
            complaints.push(format!("`{name}` twice"));
        }
        fields.push((name, value));
    }
    fields
}

fn plain(text: &str, complaints: &mut Vec<String>) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(byte) => {
                        bytes.push(byte);
                        rest = &rest[2..];
                    }
                    None => complaints.push(format!("a broken escape in `{text}`")),
                }
            }
            byte if byte.is_ascii_alphanumeric() || b"*-._~".contains(byte) => bytes.push(*byte),
            byte => complaints.push(format!("an unescaped `{}` in `{text}`", char::from(*byte))),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| {
        complaints.push(format!("`{text}` is not UTF-8"));
        String::new()
    })
}
