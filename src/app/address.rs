//! Where the service is reached from outside, and which proxies may speak for others.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The public address: an origin, and a path prefix when the service shares its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    prefix: String,
}

/// Why a text is not a public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// It does not open with a scheme.
    #[error("it must open with `https://` (or `http://` for trials)")]
    Scheme,
    /// There is no host, or it has signs that no host has.
    #[error("its host must be letters, digits, `.`, `-` and a port")]
    Host,
    /// The path has more than unreserved characters.
    #[error("its path may hold only letters, digits, `.`, `-`, `_`, `~` and `/`")]
    Path,
    /// It has a query or a fragment.
    #[error("it must have no query and no fragment")]
    Query,
}

impl PublicUrl {
    /// Reads `https://host[:port][/prefix]`.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(PublicUrlError::Scheme)?;
        if !matches!(scheme, "http" | "https") {
            return Err(PublicUrlError::Scheme);
        }
        if rest.contains(['?', '#']) {
            return Err(PublicUrlError::Query);
        }
        let (host, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(fits) {
            return Err(PublicUrlError::Host);
        }
        let prefix = path.trim_end_matches('/');
        if !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_~/".contains(&byte)) {
            return Err(PublicUrlError::Path);
        }
        Ok(Self { origin: format!("{scheme}://{host}"), prefix: prefix.to_owned() })
    }

    /// Scheme, host and port, without a slash at the end.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path prefix: empty, or with a slash before and none behind.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.origin, self.prefix)
    }
}

/// Addresses of one network, such as `10.0.0.0/8`; one address is a network of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: u128,
    mask: u128,
}

impl Network {
    /// Reads an address, or an address with the length of its prefix.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(before, after)| (before, Some(after)));
        let address: IpAddr = address.trim().parse().ok()?;
        let whole: u32 = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Some(whole), |text| text.trim().parse().ok())?;
        if length > whole {
            return None;
        }
        let mask = u128::MAX.checked_shl(whole - length).unwrap_or(0);
        Some(Self { base: widen(address) & mask, mask })
    }

    /// Whether the address lies in it; an IPv4 address counts the same in its IPv6 dress.
    pub fn contains(&self, address: IpAddr) -> bool {
        widen(address) & self.mask == self.base
    }
}

/// One number line for both families: IPv4 sits where IPv6 maps it.
fn widen(address: IpAddr) -> u128 {
    let wide: Ipv6Addr = match address {
        IpAddr::V4(short) => Ipv4Addr::to_ipv6_mapped(&short),
        IpAddr::V6(long) => long,
    };
    u128::from(wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin_and_a_prefix() {
        let url = PublicUrl::parse("https://phones.example.com/calls/").unwrap();
        assert_eq!((url.origin(), url.prefix()), ("https://phones.example.com", "/calls"));
        assert_eq!(PublicUrl::parse("https://a.example:8443").unwrap().to_string(), "https://a.example:8443");
        for (text, error) in [
            ("phones.example.com", PublicUrlError::Scheme),
            ("ftp://a.example", PublicUrlError::Scheme),
            ("https://", PublicUrlError::Host),
            ("https://user@a.example", PublicUrlError::Host),
            ("https://a.example/x?y", PublicUrlError::Query),
            ("https://a.example/a b", PublicUrlError::Path),
        ] {
            assert_eq!(PublicUrl::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn networks_hold_their_addresses() {
        let inside = |network: &str, address: &str| Network::parse(network).unwrap().contains(address.parse().unwrap());
        assert!(inside("10.0.0.0/8", "10.9.8.7"));
        assert!(!inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("127.0.0.1", "127.0.0.1"));
        assert!(inside("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(inside("fd00::/8", "fd12::1"));
        assert!(inside("0.0.0.0/0", "8.8.8.8"));
        for bad in ["", "10.0.0.0/33", "ten", "10.0.0.0/x"] {
            assert!(Network::parse(bad).is_none(), "{bad}");
        }
    }
}
