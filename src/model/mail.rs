//! Mail addresses.

/// Whether it is an address that every mail server takes: ASCII, a name of at most 64 signs, and a host with a dot
/// whose parts are the names of machines.
pub fn is_plain(text: &str) -> bool {
    let Some((user, host)) = text.split_once('@') else { return false };
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let word = |part: &str| !part.is_empty() && part.bytes().all(sign);
    let name = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let fits = (1..=64).contains(&user.len()) && text.len() <= 254;
    fits && user.split('.').all(word) && host.contains('.') && host.split('.').all(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_are_told_from_others() {
        for plain in ["desk@example.com", "a.b+c@x-1.example", "o'neil@example.co.uk", "1@2.example"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "",
            "desk",
            "@example.com",
            "desk@localhost",
            "desk@-x.example",
            "desk@x-.example",
            "desk@x..example",
            "desk@example.com.",
            "a..b@example.com",
            ".a@example.com",
            "a b@example.com",
            "a@b@example.com",
            "büro@example.com",
            "info@müller.example",
            "\"a b\"@example.com",
        ] {
            assert!(!is_plain(other), "{other}");
        }
        assert!(!is_plain(&format!("{}@example.com", "a".repeat(65))));
        assert!(!is_plain(&format!("a@{}.example", "b".repeat(64))));
    }
}
