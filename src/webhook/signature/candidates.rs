//! The spellings of one URL that the carrier may have signed.
//!
//! The carrier drops a port here and names one there, so its own libraries try both forms; an address
//! without a path may have gained a slash on the way; an apostrophe may have been escaped.
//! The host's letters are never changed: lowering them would believe what the carrier never signed.

use std::borrow::Cow;

/// The URL as it is, then its other spellings, each once.
pub(super) fn candidates(url: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let others = std::iter::once(()).flat_map(move |()| others(url)).map(Cow::Owned);
    std::iter::once(Cow::Borrowed(url)).chain(others)
}

/// A URL cut where the spellings differ.
#[derive(Clone, Copy)]
struct Cut<'a> {
    scheme: &'a str,
    user: &'a str,
    host: &'a str,
    port: &'a str,
    path: &'a str,
    rest: &'a str,
}

fn cut(url: &str) -> Option<Cut<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (path, rest) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let (user, place) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    // The colon of a port stands after the bracket of an IPv6 address.
    let colon = place.rfind(':').filter(|colon| place.rfind(']').is_none_or(|bracket| bracket < *colon));
    let (host, port) = place.split_at(colon.unwrap_or(place.len()));
    Some(Cut { scheme, user, host, port, path, rest })
}

fn others(url: &str) -> Vec<String> {
    let Some(cut) = cut(url) else { return Vec::new() };
    let secure = cut.scheme.eq_ignore_ascii_case("https") || cut.scheme.eq_ignore_ascii_case("wss");
    let other_port = match (cut.port, secure) {
        ("", true) => ":443",
        ("", false) => ":80",
        _ => "",
    };
    let other_path = match cut.path {
        "" => "/",
        "/" => "",
        kept => kept,
    };
    let mut list: Vec<String> = Vec::new();
    let mut add = |spelling: String| {
        if spelling != url && !list.contains(&spelling) {
            list.push(spelling);
        }
    };
    for rest in quotes(cut.rest) {
        for path in [cut.path, other_path] {
            for user in [cut.user, ""] {
                for port in [cut.port, other_port] {
                    add([cut.scheme, "://", user, cut.host, port, path, &rest].concat());
                }
            }
        }
    }
    list
}

/// The query as it is, then with its apostrophes spelt the other ways.
fn quotes(rest: &str) -> Vec<Cow<'_, str>> {
    let mut list = vec![Cow::Borrowed(rest)];
    if rest.contains('\'') {
        list.push(rest.replace('\'', "%27").into());
    }
    if rest.contains("%27") {
        list.push(rest.replace("%27", "'").into());
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spellings(url: &str) -> Vec<String> {
        candidates(url).map(Cow::into_owned).collect()
    }

    #[test]
    fn an_ordinary_url_has_two_spellings() {
        assert_eq!(spellings("https://h.example/p?q=1"), ["https://h.example/p?q=1", "https://h.example:443/p?q=1"]);
        assert_eq!(spellings("http://h:8080/p"), ["http://h:8080/p", "http://h/p"]);
        assert_eq!(spellings("wss://[::1]:9/p"), ["wss://[::1]:9/p", "wss://[::1]/p"]);
        assert_eq!(spellings("http://[::1]/p"), ["http://[::1]/p", "http://[::1]:80/p"]);
    }

    #[test]
    fn odd_parts_add_theirs() {
        assert_eq!(spellings("http://h"), ["http://h", "http://h:80", "http://h/", "http://h:80/"]);
        assert_eq!(spellings("http://u:p@h/x"), ["http://u:p@h/x", "http://u:p@h:80/x", "http://h/x", "http://h:80/x"]);
        assert!(spellings("http://h/x?n=O'Hara").contains(&"http://h/x?n=O%27Hara".to_owned()));
        assert!(spellings("http://h/x?n=O%27Hara").contains(&"http://h:80/x?n=O'Hara".to_owned()));
    }

    #[test]
    fn what_is_no_url_stands_alone() {
        for text in ["", "h", "://", "https://", "?", "a://b://c"] {
            assert_eq!(spellings(text).first().map(String::as_str), Some(text));
        }
    }
}
