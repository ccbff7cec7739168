//! What an owner could change, told from the figures.

use crate::report::figures::{Contact, Figures};

/// Rings before anything is said about somebody: fewer are chance.
const ENOUGH: u64 = 20;

/// Rings picked up without a key before a mailbox is suspected.
const SUSPECT: u64 = 5;

/// Someone whose mailbox seems to pick up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Who.
    pub contact: String,
    /// Rings picked up without a key.
    pub no_key: u64,
    /// Rings that were not taken.
    pub not_taken: u64,
}

/// Those whose rings mostly end with a pick-up and no key, worst first.
pub fn mailboxes(figures: &Figures) -> Vec<Mailbox> {
    let suspect = |(name, contact): (&String, &Contact)| {
        let not_taken = contact.rings - contact.taken;
        let often = contact.no_key >= SUSPECT && contact.no_key * 2 >= not_taken;
        often.then(|| Mailbox { contact: name.clone(), no_key: contact.no_key, not_taken })
    };
    let mut found: Vec<_> = figures.contacts.iter().filter_map(suspect).collect();
    found.sort_by_key(|mailbox| std::cmp::Reverse(mailbox.no_key));
    found
}

/// An order that would let callers wait less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Who is rung now, first to last.
    pub now: Vec<String>,
    /// Who would better be.
    pub better: Vec<String>,
    /// Seconds that a caller waits until somebody takes the call or all were rung, at the mean.
    pub seconds_now: u64,
    /// The same in the better order.
    pub seconds_better: u64,
}

/// The better order of a line's contacts; none when theirs is as good, or when too little is known.
///
/// Each is taken to answer as often as so far wherever it stands, and to cost as many seconds when it does not: then
/// the order by answers for each second lost is the best.
pub fn order(line: &Figures) -> Option<Order> {
    let mut now: Vec<(&String, &Contact)> = line.contacts.iter().filter(|(_, it)| it.rings >= ENOUGH).collect();
    if now.len() < 2 {
        return None;
    }
    // By the mean place, compared without dividing.
    now.sort_by(|(_, one), (_, other)| {
        (u128::from(one.places) * u128::from(other.rings)).cmp(&(u128::from(other.places) * u128::from(one.rings)))
    });
    // What the last one's rings cost is not known, because nobody is rung after them: as much as the dearest.
    let dearest = now.iter().map(|(_, contact)| contact.cost()).max().unwrap_or(0).max(1);
    let cost = |contact: &Contact| if contact.lost_rings == 0 { dearest } else { contact.cost().max(1) };
    let worth = |contact: &Contact| {
        u128::from(contact.taken) * 1_000_000 / u128::from(contact.rings) / u128::from(cost(contact))
    };
    let mut better = now.clone();
    better.sort_by_key(|(_, contact)| std::cmp::Reverse(worth(contact)));
    let (seconds_now, seconds_better) = (expected(&now, cost), expected(&better, cost));
    let gain = seconds_now.saturating_sub(seconds_better);
    let names = |of: &[(&String, &Contact)]| of.iter().map(|(name, _)| (*name).clone()).collect::<Vec<_>>();
    // A second more or less is no reason to change what people are used to.
    (gain >= 2).then(|| Order { now: names(&now), better: names(&better), seconds_now, seconds_better })
}

/// Seconds lost to rings that are not taken, at the mean.
fn expected(order: &[(&String, &Contact)], cost: impl Fn(&Contact) -> u64) -> u64 {
    // In millionths of callers who are still unanswered.
    let mut left: u64 = 1_000_000;
    let mut seconds: u64 = 0;
    for (_, contact) in order {
        left -= left * contact.taken / contact.rings.max(1);
        seconds += left * cost(contact);
    }
    seconds / 1_000_000
}
