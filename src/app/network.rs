//! Networks: which proxies may speak for others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
