//! How far records may be let go: what is older than it is to be kept, once all who read the trail have it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// Days for which a record that somebody has not read yet is kept beyond its time.
pub const GRACE_DAYS: i64 = 7;

/// Why nothing is let go by a clock that is not believed.
pub const DOUBT: &str = "the clock may be set wrong: nothing was written in the 30 days before the last one, and what is \
                         older stays until there are records that are a day old by this clock";

/// The stretch in which something must have been written before a clock that reads so is believed.
pub fn proof(now: Timestamp) -> (Timestamp, Timestamp) {
    let before = |days: i64| now.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::UNIX_EPOCH);
    (before(30), before(1))
}

/// Somebody who reads the trail, and the place of the last record that is settled there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The name.
    pub name: String,
    /// The place.
    pub place: i64,
}

/// What may go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// Records up to this place may go.
    pub upto: i64,
    /// Places that are too old and stay, because somebody has not read them.
    pub held: u64,
    /// Who has not.
    pub by: Vec<String>,
    /// Who never gets what goes now.
    pub lost_by: Vec<String>,
}

/// Plans it: records up to the place `due` are older than they are to be kept, and those up to `overdue` go whoever
/// has not read them.
pub fn plan(due: i64, overdue: i64, readers: &[Reader]) -> Plan {
    let slowest = readers.iter().map(|reader| reader.place).min().unwrap_or(due);
    let upto = due.min(slowest).max(overdue);
    let behind = |place: i64| readers.iter().filter(move |reader| reader.place < place);
    let names = |place| behind(place).map(|reader| reader.name.clone()).collect();
    Plan { upto, held: u64::try_from(due - upto).unwrap_or(0), by: names(due), lost_by: names(upto) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(places: &[(&str, i64)]) -> Vec<Reader> {
        places.iter().map(|(name, place)| Reader { name: (*name).to_owned(), place: *place }).collect()
    }

    #[test]
    fn what_everybody_has_read_goes_at_its_time() {
        assert_eq!(plan(40, 10, &[]), Plan { upto: 40, ..Plan::default() });
        assert_eq!(plan(40, 10, &readers(&[("sheet", 40), ("outbox", 900)])), Plan { upto: 40, ..Plan::default() });
    }

    #[test]
    fn what_somebody_has_not_read_stays_for_the_grace() {
        let held = plan(40, 10, &readers(&[("sheet", 25), ("outbox", 40)]));
        assert_eq!(held, Plan { upto: 25, held: 15, by: vec!["sheet".to_owned()], lost_by: Vec::new() });
    }

    #[test]
    fn beyond_the_grace_nobody_is_waited_for() {
        let lost = plan(40, 30, &readers(&[("sheet", 25), ("hook", 35)]));
        assert_eq!((lost.upto, lost.held), (30, 10));
        assert_eq!((lost.by.len(), lost.lost_by), (2, vec!["sheet".to_owned()]));
    }
}
