//! Who failed to be let in lately: an address, or a credential, may do so only so often a minute.
//!
//! What once was let in cannot be locked out by strangers who fail from elsewhere: they have neither its address nor
//! its credential.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

/// Where a failure came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// An address; of IPv6, the network that one household has.
    Address(u128),
    /// The same credential, from wherever; a part of its hash.
    Credential([u8; 8]),
}

impl Source {
    /// That address.
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V4(short) => u128::from(short.to_bits()),
            IpAddr::V6(long) => long.to_bits() & (u128::MAX << 64),
        })
    }

    /// That credential.
    pub fn credential(text: &str) -> Self {
        let hash = Sha256::digest(text);
        let mut part = [0; 8];
        part.iter_mut().zip(hash.iter()).for_each(|(kept, byte)| *kept = *byte);
        Self::Credential(part)
    }

    /// Failures a minute after which it must wait.
    const fn most(&self) -> u32 {
        match self {
            Self::Address(_) => 30,
            Self::Credential(_) => 10,
        }
    }
}

/// Seconds over which failures are counted.
const WINDOW: i64 = 60;

/// Sources remembered at once, so that no crowd fills the memory.
const REMEMBERED: usize = 20_000;

/// Failures of the last minute.
#[derive(Debug, Default)]
pub struct Failures {
    known: BTreeMap<Source, Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    began: i64,
    failures: u32,
}

impl Count {
    const fn is_over(&self, second: i64) -> bool {
        second < self.began || second - self.began >= WINDOW
    }
}

impl Failures {
    /// The seconds that one of these must wait before it may try again.
    pub fn wait(&self, sources: &[Source], second: i64) -> Option<u64> {
        let left = sources.iter().filter_map(|source| {
            let count = self.known.get(source).filter(|count| !count.is_over(second))?;
            (count.failures >= source.most()).then_some(count.began + WINDOW - second)
        });
        left.max().map(|seconds| u64::try_from(seconds).unwrap_or(1).max(1))
    }

    /// Counts a failure of each of these.
    pub fn note(&mut self, sources: &[Source], second: i64) {
        if self.known.len() + sources.len() > REMEMBERED {
            self.known.retain(|_, count| !count.is_over(second));
        }
        if self.known.len() + sources.len() > REMEMBERED {
            self.known.retain(|source, count| count.failures >= source.most());
        }
        if self.known.len() + sources.len() > REMEMBERED {
            self.known.clear();
        }
        for source in sources {
            let count = self.known.entry(source.clone()).or_insert(Count { began: second, failures: 0 });
            if count.is_over(second) {
                *count = Count { began: second, failures: 0 };
            }
            count.failures = count.failures.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Source {
        Source::address(text.parse().unwrap())
    }

    #[test]
    fn who_fails_too_often_waits_for_the_rest_of_the_minute() {
        let mut failures = Failures::default();
        let (one, other) = ([address("192.0.2.1")], [address("192.0.2.2")]);
        (0..29).for_each(|second| failures.note(&one, second));
        assert_eq!(failures.wait(&one, 29), None);
        failures.note(&one, 29);
        assert_eq!(failures.wait(&one, 29), Some(31));
        assert_eq!(failures.wait(&one, 59), Some(1));
        assert_eq!(failures.wait(&one, 60), None);
        assert_eq!(failures.wait(&other, 29), None);
    }

    #[test]
    fn a_credential_waits_wherever_it_comes_from_and_no_other_with_it() {
        let mut failures = Failures::default();
        for number in 0..10_u8 {
            failures.note(&[address(&format!("192.0.2.{number}")), Source::credential("wrong")], 0);
        }
        assert_eq!(failures.wait(&[address("198.51.100.1"), Source::credential("wrong")], 1), Some(59));
        assert_eq!(failures.wait(&[address("192.0.2.1"), Source::credential("right")], 1), None);
    }

    #[test]
    fn a_household_is_one_address_and_dresses_do_not_count() {
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }

    #[test]
    fn a_crowd_does_not_fill_the_memory() {
        let mut failures = Failures::default();
        for number in 0..50_000_u32 {
            failures.note(&[Source::Address(u128::from(number))], 0);
        }
        assert!(failures.known.len() <= REMEMBERED);
    }

    #[test]
    fn a_clock_set_back_forgives() {
        let mut failures = Failures::default();
        (0..40).for_each(|_| failures.note(&[address("192.0.2.1")], 1000));
        assert_eq!(failures.wait(&[address("192.0.2.1")], 500), None);
    }
}
