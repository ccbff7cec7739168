//! The figures of a line, or of all.

use std::collections::BTreeMap;

/// What calls added up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Calls.
    pub calls: u64,
    /// When the first came in, in microseconds since 1970.
    pub first_us: i64,
    /// When the last came in.
    pub last_us: i64,
    /// Calls that somebody took, by the ring in which: 1 is the first; 0 when that is not known.
    pub tiers: BTreeMap<u8, u64>,
    /// Calls that nobody took and that were not turned away on purpose.
    pub missed: u64,
    /// Of those, with a message.
    pub messages: u64,
    /// Calls by their ending.
    pub ends: BTreeMap<String, u64>,
    /// How long callers waited.
    pub waits: Waits,
    /// How long those waited whose call was taken.
    pub waits_taken: Waits,
    /// Weekday from Monday, hour from midnight.
    pub week: [[Cell; 24]; 7],
    /// Everybody who was rung.
    pub contacts: BTreeMap<String, Contact>,
}

impl Figures {
    /// Calls that somebody took.
    pub fn taken(&self) -> u64 {
        self.tiers.values().sum()
    }
}

/// Waits in whole seconds, and how often each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waits(pub BTreeMap<u32, u64>);

impl Waits {
    /// Longer waits count as this long.
    pub const LONGEST: u32 = 3600;

    /// The wait that so many of a hundred callers did not exceed; none without callers.
    pub fn at(&self, percent: u64) -> Option<u32> {
        let calls: u64 = self.0.values().sum();
        let wanted = (calls * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let reached = |(seconds, calls): (&u32, &u64)| {
            seen += calls;
            (seen >= wanted).then_some(*seconds)
        };
        self.0.iter().find_map(reached)
    }
}

/// One hour of a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// Calls.
    pub calls: u64,
    /// Calls that somebody took.
    pub taken: u64,
    /// Calls that were missed.
    pub missed: u64,
    /// Seconds waited in all.
    pub waited: u64,
    /// Calls whose wait is known.
    pub waits: u64,
}

/// How one person's rings went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// Rings.
    pub rings: u64,
    /// Taken.
    pub taken: u64,
    /// Picked up without a key: often a mailbox.
    pub no_key: u64,
    /// Declined by key.
    pub declined: u64,
    /// Busy.
    pub busy: u64,
    /// Rang out.
    pub no_answer: u64,
    /// Not to be reached.
    pub failed: u64,
    /// Anything else, such as callers who hung up.
    pub other: u64,
    /// Places at which it rang, counted from 0, added up.
    pub places: u64,
    /// Seconds that callers spent on rings that led on to another.
    pub lost_seconds: u64,
    /// Those rings.
    pub lost_rings: u64,
}

impl Contact {
    /// Of a hundred rings, those taken.
    pub const fn percent(&self) -> u64 {
        percent(self.taken, self.rings)
    }

    /// Seconds that a ring costs when it is not taken.
    pub const fn cost(&self) -> u64 {
        match self.lost_seconds.checked_div(self.lost_rings) {
            Some(seconds) => seconds,
            None => 0,
        }
    }
}

/// So many of so many, in a hundred.
pub const fn percent(part: u64, whole: u64) -> u64 {
    match (part * 100 + whole / 2).checked_div(whole) {
        Some(percent) => percent,
        None => 0,
    }
}
