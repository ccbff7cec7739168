//! How much of the way out each organization may have: so many texts at once, and so many in a second, so that one
//! with much to say keeps no other waiting.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Texts of one organization on their way at once.
pub(crate) const EACH: u32 = 32;

/// What the organizations have had lately.
#[derive(Debug)]
pub(crate) struct Pace {
    a_second: u32,
    shares: BTreeMap<String, Share>,
}

#[derive(Debug)]
struct Share {
    going: u32,
    /// When all that was taken so far is paid for.
    paid: Instant,
}

impl Pace {
    /// So many in a second for each.
    pub(crate) fn new(a_second: u32) -> Self {
        Self { a_second: a_second.max(1), shares: BTreeMap::new() }
    }

    /// Those who can have nothing more now.
    pub(crate) fn full(&mut self, now: Instant) -> Vec<String> {
        self.shares.retain(|_, share| share.going > 0 || share.paid > now);
        let full = |share: &Share| share.going >= EACH || share.paid > now + Duration::from_secs(1);
        self.shares.iter().filter(|(_, share)| full(share)).map(|(org, _)| org.clone()).collect()
    }

    /// A text of this organization goes out.
    pub(crate) fn took(&mut self, org: &str, now: Instant) {
        let share = self.shares.entry(org.to_owned()).or_insert(Share { going: 0, paid: now });
        share.going += 1;
        share.paid = share.paid.max(now) + Duration::from_secs(1) / self.a_second;
    }

    /// It is settled.
    pub(crate) fn done(&mut self, org: &str) {
        if let Some(share) = self.shares.get_mut(org) {
            share.going = share.going.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_organization_has_so_many_at_once_and_so_many_in_a_second_and_another_is_not_touched() {
        let start = Instant::now();
        let mut pace = Pace::new(100);
        (0..EACH).for_each(|_| pace.took("acme", start));
        pace.took("bravo", start);
        assert_eq!(pace.full(start), ["acme"]);
        pace.done("acme");
        assert!(pace.full(start).is_empty());
        for _ in 0..100 {
            pace.took("acme", start);
            pace.done("acme");
        }
        assert_eq!(pace.full(start), ["acme"], "that was more than a second's worth");
        let later = start + Duration::from_millis(500);
        assert!(pace.full(later).is_empty());
        (0..EACH).for_each(|_| pace.done("acme"));
        pace.done("bravo");
        pace.full(start + Duration::from_secs(5));
        assert!(pace.shares.is_empty(), "nobody is remembered for nothing");
    }
}
