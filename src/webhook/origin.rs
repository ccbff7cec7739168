//! The address under which the carrier knows this service: what it signs begins with it.

use std::fmt;

/// Why a text is no public address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Neither `http` nor `https`.
    #[error("`{0}` is no public address: it starts with `https://` (or `http://` for trials)")]
    Scheme(String),
    /// No host.
    #[error("`{0}` is no public address: it names no host")]
    Host(String),
    /// A query has no place in it.
    #[error("`{0}` is no public address: leave out everything from the `?` on")]
    Query(String),
    /// Characters that the carrier or a proxy would rewrite.
    #[error("`{0}` is no public address: write it with letters, digits and `-._~:/[]` only")]
    Character(String),
}

/// Scheme, host, port and an optional path before ours; no user, no query, no fragment, no final slash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    text: Box<str>,
    path_at: usize,
}

impl Origin {
    /// Reads an address such as `https://calls.example.com` or `https://example.com/phone/`.
    ///
    /// User, password and fragment are dropped, because the carrier drops them before it signs.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        // A password may stand before the last `@`.
        let shown = || text.rsplit('@').next().unwrap_or_default().chars().take(120).collect::<String>();
        let whole = text.trim().split('#').next().unwrap_or_default();
        let (scheme, rest) = whole.split_once("://").ok_or_else(|| OriginError::Scheme(shown()))?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(OriginError::Scheme(shown()));
        }
        if rest.contains('?') {
            return Err(OriginError::Query(shown()));
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let host = authority.rsplit('@').next().unwrap_or_default();
        let path = path.trim_end_matches('/');
        if host.is_empty() || host.starts_with(':') {
            return Err(OriginError::Host(shown()));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]".contains(&byte);
        if !host.bytes().chain(path.bytes()).all(fits) {
            return Err(OriginError::Character(shown()));
        }
        let path_at = scheme.len() + "://".len() + host.len();
        Ok(Self { text: format!("{scheme}://{host}{path}").into(), path_at })
    }

    /// The address as the carrier's URLs begin with it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path before ours: empty, or opening with a slash and not ending with one.
    pub fn prefix(&self) -> &str {
        self.text.get(self.path_at..).unwrap_or_default()
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        let before = self.text.get(..self.path_at).unwrap_or_default();
        before.split_once("://").map_or(before, |(_, host)| host)
    }

    /// The whole URL of a request target, whether or not a proxy has taken the prefix off it.
    pub fn url(&self, target: &str) -> String {
        let prefix = self.prefix();
        let kept = !prefix.is_empty() && target.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
        let base = if kept { self.text.get(..self.path_at).unwrap_or_default() } else { &self.text };
        [base, target].concat()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Origin({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_the_carrier_signs_it() {
        for (written, kept, prefix, host) in [
            ("https://calls.example.com", "https://calls.example.com", "", "calls.example.com"),
            ("HTTPS://Calls.example.com/", "https://Calls.example.com", "", "Calls.example.com"),
            ("https://u:p@h.example:8443/phone/#ct=1", "https://h.example:8443/phone", "/phone", "h.example:8443"),
            ("http://[::1]:8080", "http://[::1]:8080", "", "[::1]:8080"),
        ] {
            let origin = Origin::parse(written).unwrap();
            assert_eq!((origin.as_str(), origin.prefix(), origin.host()), (kept, prefix, host));
            assert_eq!(origin.url("/a?b=c"), format!("{kept}/a?b=c"));
            assert_eq!(origin.url(&format!("{prefix}/a")), format!("{kept}/a"), "a proxy that keeps the prefix");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for bad in ["", "calls.example.com", "ftp://h", "https://", "https://:80", "https://h?x", "https://h/a b"] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
        let told = Origin::parse("https://user:passw0rd@h.example/a b").unwrap_err().to_string();
        assert!(told.contains("h.example/a b") && !told.contains("passw0rd"), "{told}");
    }
}
