//! How far the journal was read, and when that is worth a write to the disk.

use std::time::Duration;

use tokio::time::Instant;

/// So long a place at which nobody was concerned may be kept in memory alone.
pub(super) const OFTEN: Duration = Duration::from_secs(5);

/// The place of a reader.
///
/// Each keeping waits for the disk that callers' answers wait for, too. What was read since and concerned nobody
/// concerns nobody when it is read again after a crash.
#[derive(Debug)]
pub(super) struct Bookmark {
    /// Where the next portion begins.
    pub(super) place: i64,
    kept: i64,
    since: Instant,
}

impl Bookmark {
    /// As it was kept.
    pub(super) const fn at(kept: i64, now: Instant) -> Self {
        Self { place: kept, kept, since: now }
    }

    /// Moves on. The place, when it is to be kept now: with all that concerned somebody, and else now and then.
    pub(super) fn turn(&mut self, to: i64, concerned: bool, now: Instant) -> Option<i64> {
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

    #[test]
    fn what_concerns_somebody_is_kept_with_its_place_at_once() {
        let now = Instant::now();
        let mut mark = Bookmark::at(7, now);
        assert_eq!(mark.turn(8, true, now), Some(8));
        assert_eq!(mark.turn(9, true, now), Some(9));
        assert_eq!(mark.place, 9);
    }

    #[test]
    fn what_concerns_nobody_is_written_every_few_seconds_at_most() {
        let begun = Instant::now();
        let mut mark = Bookmark::at(0, begun);
        let mut kept = Vec::new();
        // Ten seconds under calls, ten looks a second.
        for look in 1..=100_u32 {
            let now = begun + Duration::from_millis(100) * look;
            kept.extend(mark.turn(i64::from(look), false, now));
            assert_eq!(mark.place, i64::from(look));
        }
        assert_eq!(kept, [50, 100]);
    }

    #[test]
    fn what_was_passed_by_is_kept_once_all_is_quiet() {
        let begun = Instant::now();
        let mut mark = Bookmark::at(0, begun);
        assert_eq!(mark.turn(3, false, begun), None);
        assert_eq!(mark.turn(3, false, begun + OFTEN), Some(3));
        assert_eq!(mark.turn(3, false, begun + OFTEN * 2), None);
    }
}
