//! Places of the records that people are told of, at hand for as long as this run wrote them: whoever tells people asks
//! for them many times a second, and no row is written for it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::audit::record::{Kind, Record};

/// Places that are remembered; who is further behind looks through the records.
const MANY: usize = 65_536;

/// The places, in their order.
#[derive(Debug)]
pub(in crate::store) struct Told(Mutex<Places>);

#[derive(Debug)]
struct Places {
    /// After this one, all are known.
    after: i64,
    known: VecDeque<i64>,
}

/// Whether somebody may have to be told of it: something is to be sent, or somebody wrote or said something.
pub(in crate::store) const fn concerns(kind: Kind, effects: bool) -> bool {
    effects || matches!(kind, Kind::Message | Kind::Transcription)
}

impl Told {
    /// None of those up to that place.
    pub(in crate::store) const fn after(place: i64) -> Self {
        Self(Mutex::new(Places { after: place, known: VecDeque::new() }))
    }

    /// Takes note of a record before it is committed, so that nobody who sees it misses it here.
    pub(in crate::store) fn note(&self, place: i64, record: &Record) {
        if !concerns(record.kind, !record.effects.is_empty()) {
            return;
        }
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What was taken back gave its place to this one. One that concerns nobody may have got it, and is passed by.
        while places.known.back().is_some_and(|last| *last >= place) {
            places.known.pop_back();
        }
        if places.known.len() >= MANY
            && let Some(first) = places.known.pop_front()
        {
            places.after = first;
        }
        places.known.push_back(place);
    }

    /// So many of those after one place and up to another; nothing when not all of them are known.
    pub(in crate::store) fn between(&self, after: i64, upto: i64, most: usize) -> Option<Vec<i64>> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if after < places.after {
            return None;
        }
        let first = places.known.partition_point(|place| *place <= after);
        Some(places.known.range(first..).take_while(|place| **place <= upto).take(most).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::audit::record::Received;
    use crate::model::moment::Zone;

    fn record(kind: Kind) -> Record {
        let received = Received::at(Timestamp::UNIX_EPOCH, &Zone::named("America/Los_Angeles").unwrap());
        Record::blank(kind, Uuid::nil(), "one", received)
    }

    fn message() -> Record {
        record(Kind::Message)
    }

    #[test]
    fn what_was_written_before_is_not_known() {
        let told = Told::after(7);
        assert_eq!(told.between(6, 9, 10), None);
        assert_eq!(told.between(7, 9, 10), Some(vec![]));
        (8..=9).for_each(|place| told.note(place, &message()));
        told.note(10, &record(Kind::Status));
        assert_eq!(told.between(7, 10, 10), Some(vec![8, 9]));
        assert_eq!(told.between(8, 10, 10), Some(vec![9]));
        assert_eq!(told.between(7, 8, 10), Some(vec![8]));
        assert_eq!(told.between(7, 10, 1), Some(vec![8]));
    }

    #[test]
    fn what_is_taken_back_leaves_its_place_to_the_next() {
        let told = Told::after(0);
        (1..=3).for_each(|place| told.note(place, &message()));
        told.note(2, &message());
        assert_eq!(told.between(0, 9, 10), Some(vec![1, 2]));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let told = Told::after(0);
        let many = i64::try_from(MANY).unwrap();
        (1..=many + 2).for_each(|place| told.note(place, &message()));
        assert_eq!(told.between(1, many, 1), None);
        assert_eq!(told.between(2, many, 1), Some(vec![3]));
    }
}
