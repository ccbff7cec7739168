//! A mail server as people write it down and as it is kept.

use std::fmt;
use std::net::IpAddr;

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::notices::mail) enum Cover {
    /// From its first byte.
    Wrapped,
    /// Before anything but a greeting is said.
    Upgraded,
    /// Not at all, which is for servers of the inside.
    Open,
}

impl Cover {
    const fn word(self) -> &'static str {
        match self {
            Self::Wrapped => "smtps",
            Self::Upgraded => "smtp",
            Self::Open => "unencrypted",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Wrapped, Self::Upgraded, Self::Open].into_iter().find(|cover| cover.word() == word)
    }

    /// Where servers usually listen for it.
    const fn port(self) -> u16 {
        match self {
            Self::Wrapped => 465,
            Self::Upgraded => 587,
            Self::Open => 25,
        }
    }
}

/// A mail server, and who we are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub(in crate::notices::mail) host: String,
    pub(in crate::notices::mail) port: u16,
    pub(in crate::notices::mail) cover: Cover,
    pub(in crate::notices::mail) user: Option<String>,
}

impl Server {
    /// Reads `smtp.example.com`, with or without a port and `smtps://`, `smtp://` or `unencrypted://` before it.
    pub fn parse(text: &str, user: Option<String>) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no mail server: write it like smtp.example.com:465");
        let (cover, place) = match text.split_once("://") {
            Some((word, place)) => (Some(Cover::of(word).ok_or_else(wrong)?), place),
            None => (None, text),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if host.starts_with('[') || !host.contains(':') => {
                (host, Some(port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?))
            }
            _ => (place, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let named = !host.is_empty() && host.len() <= 253 && host.bytes().all(fits);
        if !named && host.parse::<IpAddr>().is_err() {
            return Err(wrong());
        }
        if user.as_ref().is_some_and(|user| user.is_empty() || user.contains(char::is_control)) {
            return Err("the user's name is empty or holds a sign that cannot be sent".to_owned());
        }
        let wrapped = port.is_none_or(|port| port == Cover::Wrapped.port());
        let cover = cover.unwrap_or(if wrapped { Cover::Wrapped } else { Cover::Upgraded });
        Ok(Self { host: host.to_ascii_lowercase(), port: port.unwrap_or(cover.port()), cover, user })
    }

    /// Reads what `Display` has written.
    pub(in crate::notices::mail) fn kept(text: &str) -> Option<Self> {
        let (server, user) = match text.split_once(' ') {
            Some((server, user)) => (server, Some(user.to_owned())),
            None => (text, None),
        };
        Self::parse(server, user).ok()
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, cover, user } = self;
        let word = cover.word();
        if host.contains(':') {
            write!(out, "{word}://[{host}]:{port}")?;
        } else {
            write!(out, "{word}://{host}:{port}")?;
        }
        user.as_ref().map_or(Ok(()), |user| write!(out, " {user}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read_and_written_alike() {
        let user = || Some("desk@example.com".to_owned());
        for (text, user, kept) in [
            ("smtp.example.com", user(), "smtps://smtp.example.com:465 desk@example.com"),
            ("SMTP.example.com:465", None, "smtps://smtp.example.com:465"),
            ("smtp.example.com:587", user(), "smtp://smtp.example.com:587 desk@example.com"),
            ("smtp://smtp.example.com", None, "smtp://smtp.example.com:587"),
            ("smtps://smtp.example.com:2465", None, "smtps://smtp.example.com:2465"),
            ("unencrypted://relay", None, "unencrypted://relay:25"),
            ("unencrypted://127.0.0.1:2525", None, "unencrypted://127.0.0.1:2525"),
            ("[::1]:465", None, "smtps://[::1]:465"),
            ("::1", None, "smtps://[::1]:465"),
        ] {
            let server = Server::parse(text, user).unwrap();
            assert_eq!(server.to_string(), kept);
            assert_eq!(Server::kept(kept), Some(server));
        }
        for wrong in
            ["", ":465", "smtp.example.com:", "x:0", "a b", "https://smtp.example.com", "x:70000", "x/y", "u@x"]
        {
            assert!(Server::parse(wrong, None).is_err(), "{wrong}");
        }
        assert!(Server::parse("x", Some("a\r\nb".to_owned())).is_err());
    }
}
