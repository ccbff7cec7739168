//! How far the journal was read, and when that is worth a write to the disk.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::messenger::ports::Place;

/// So long a place at which nobody was concerned may be kept in memory alone.
pub(super) const OFTEN: Duration = Duration::from_secs(5);

/// The place of a reader.
///
/// Each keeping waits for the disk that callers' answers wait for, too. What was read since and concerned nobody
/// concerns nobody when it is read again after a crash.
#[derive(Debug)]
pub(super) struct Bookmark {
    /// Where the next portion begins.
    pub(super) place: Place,
    kept: Place,
    since: Instant,
}

impl Bookmark {
    /// As it was kept.
    pub(super) const fn at(kept: Place, now: Instant) -> Self {
        Self { place: kept, kept, since: now }
    }

    /// Moves on. The place, when it is to be kept now: with all that concerned somebody, and else now and then.
    pub(super) fn turn(&mut self, to: Place, concerned: bool, now: Instant) -> Option<Place> {
        self.place = to;
        let due = concerned || now.saturating_duration_since(self.since) >= OFTEN;
        if !due || self.kept == to {
            return None;
        }
        (self.kept, self.since) = (to, now);
        Some(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn place(record: i64, effect: i64) -> Place {
        Place { record, effect }
    }

    #[test]
    fn what_concerns_somebody_is_kept_with_its_place_at_once() {
        let now = Instant::now();
        let mut mark = Bookmark::at(place(7, 1), now);
        assert_eq!(mark.turn(place(8, 2), true, now), Some(place(8, 2)));
        assert_eq!(mark.turn(place(9, 3), true, now), Some(place(9, 3)));
        assert_eq!(mark.place, place(9, 3));
    }

    #[test]
    fn what_concerns_nobody_is_written_every_few_seconds_at_most() {
        let begun = Instant::now();
        let mut mark = Bookmark::at(Place::default(), begun);
        let mut kept = Vec::new();
        // Ten seconds under calls, ten looks a second.
        for look in 1..=100_u32 {
            let now = begun + Duration::from_millis(100) * look;
            kept.extend(mark.turn(place(i64::from(look), 0), false, now));
            assert_eq!(mark.place.record, i64::from(look));
        }
        assert_eq!(kept, [place(50, 0), place(100, 0)]);
    }

    #[test]
    fn what_was_passed_by_is_kept_once_all_is_quiet() {
        let begun = Instant::now();
        let mut mark = Bookmark::at(Place::default(), begun);
        assert_eq!(mark.turn(place(3, 0), false, begun), None);
        assert_eq!(mark.turn(place(3, 0), false, begun + OFTEN), Some(place(3, 0)));
        assert_eq!(mark.turn(place(3, 0), false, begun + OFTEN * 2), None);
    }
}
