//! Which addresses an organization may have us ask: those of the public internet, and what the operator allows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::app::network::Network;

/// What the operator allows beyond the public internet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    networks: Vec<Network>,
    hosts: Vec<String>,
}

impl Allowed {
    /// Reads networks and host names with commas between; tells the first that is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut allowed = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if let Some(network) = Network::parse(part) {
                allowed.networks.push(network);
            } else if is_host(part) {
                allowed.hosts.push(plain(part));
            } else {
                return Err(part.to_owned());
            }
        }
        Ok(allowed)
    }

    /// Why this address of that host is not asked; nothing when it may be.
    pub fn refusal(&self, host: &str, address: IpAddr) -> Option<&'static str> {
        let named = self.hosts.contains(&plain(host));
        if named || self.networks.iter().any(|network| network.contains(address)) {
            return None;
        }
        inside(address)
    }
}

/// A host name as names are compared.
fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn is_host(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    // What ends in a digit was meant to be an address.
    text.len() <= 253 && text.bytes().all(fits) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// What makes an address one of the inside; nothing for one of the public internet.
pub fn inside(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => inside_short(address),
        IpAddr::V6(address) => inside_long(address),
    }
}

fn inside_short(address: Ipv4Addr) -> Option<&'static str> {
    let [first, second, third, _] = address.octets();
    match (first, second, third) {
        (0, _, _) => Some("of this machine"),
        (127, _, _) => Some("a loopback address"),
        (10, _, _) | (172, 16..=31, _) | (192, 168, _) => Some("a private address"),
        (169, 254, _) => Some("a link-local address, where machines are told of themselves"),
        // A host of the platform that answers its guests alone, though its address looks public.
        (168, 63, 129) => Some("an address where machines are told of themselves"),
        (100, 64..=127, _) => Some("an address within a carrier's network"),
        (192, 0, 0 | 2) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) | (192, 88, 99) => {
            Some("an address for special uses")
        }
        (224..=239, _, _) => Some("a multicast address"),
        (240.., _, _) => Some("a reserved address"),
        _ => None,
    }
}

fn inside_long(address: Ipv6Addr) -> Option<&'static str> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let within = |high: u16, low: u16| {
        let ([one, two], [three, four]) = (high.to_be_bytes(), low.to_be_bytes());
        inside_short(Ipv4Addr::new(one, two, three, four))
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0) if g == 0 && h == 1 => Some("a loopback address"),
        (0, 0, 0, 0, 0, 0) if g == 0 && h == 0 => Some("of this machine"),
        // IPv4 in the dress of IPv6: mapped, compatible, translated.
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0, 0, 0, 0, 0xffff, 0) | (0x64, 0xff9b, 0, 0, 0, 0) => within(g, h),
        (0x64, 0xff9b, _, _, _, _) => Some("an address for special uses"),
        // 6to4 carries an IPv4 address, Teredo hides one.
        (0x2002, high, low, _, _, _) => within(high, low),
        (0x2001, 0..=0x1ff, _, _, _, _) | (0x2001, 0xdb8, _, _, _, _) | (0x3fff, 0..=0xfff, _, _, _, _) => {
            Some("an address for special uses")
        }
        (0xfc00..=0xfdff, ..) => Some("a private address"),
        (0xfe80..=0xfebf, ..) => Some("a link-local address"),
        (0xfec0..=0xfeff, ..) => Some("a private address"),
        (0xff00.., ..) => Some("a multicast address"),
        // Only this part of the space is the public internet's.
        (0x2000..=0x3fff, ..) => None,
        _ => Some("a reserved address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_kind_of_inside_is_known() {
        for (kind, addresses) in [
            ("this machine", &["0.0.0.0", "0.1.2.3", "::"][..]),
            ("loopback", &["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::7f00:1", "2002:7f00:1::"]),
            ("private", &["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::ffff:10.0.0.1", "fd00::1"]),
            ("private", &["64:ff9b::c0a8:101", "fec0::1", "fc12::9", "fd00:ec2::254"]),
            ("link-local", &["169.254.169.254", "169.254.0.1", "fe80::1", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe"]),
            ("told of themselves", &["168.63.129.16", "169.254.170.2"]),
            ("carrier", &["100.64.0.1", "100.100.100.200", "100.127.255.255"]),
            ("special", &["192.0.2.1", "198.51.100.1", "203.0.113.9", "198.18.0.1", "192.0.0.192", "2001:db8::1"]),
            ("special", &["2001::1", "64:ff9b:1::1", "3fff::1", "192.88.99.1"]),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1"]),
            ("reserved", &["240.0.0.1", "255.255.255.255", "100::1", "5f00::1"]),
        ] {
            for address in addresses {
                let told = inside(at(address)).unwrap_or("public");
                assert!(told.contains(kind), "{address}: {told}");
            }
        }
    }

    #[test]
    fn the_public_internet_is_open() {
        for address in
            ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808"]
        {
            assert_eq!(inside(at(address)), None, "{address}");
        }
    }

    #[test]
    fn the_operator_opens_networks_and_hosts_by_name() {
        let allowed = Allowed::parse("10.1.0.0/16, Status.Internal").unwrap();
        assert_eq!(allowed.refusal("x.example", at("10.1.2.3")), None);
        assert!(allowed.refusal("x.example", at("10.2.2.3")).is_some());
        assert_eq!(allowed.refusal("status.internal.", at("192.168.0.9")), None);
        assert!(allowed.refusal("other.internal", at("192.168.0.9")).is_some());
        assert_eq!(Allowed::parse("10.0.0.0/40"), Err("10.0.0.0/40".into()));
        assert_eq!(Allowed::parse("a b"), Err("a b".into()));
        assert_eq!(Allowed::parse(""), Ok(Allowed::default()));
    }
}
