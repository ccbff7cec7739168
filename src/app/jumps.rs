//! Tells a clock that was set ahead from time that went by: a call is no older for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::app::ports::Clock;

/// Seconds by which a clock must differ before it counts as set.
const LEAST: i64 = 60;

/// Settings of the clock that are remembered.
const REMEMBERED: usize = 16;

/// How the clock was set while this process ran.
#[derive(Debug, Default)]
pub struct Jumps(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// The clock, and the time that has gone by, when they were looked at last.
    last: Option<(i64, Duration)>,
    /// What the clock would have shown without being set, and by how much it was set ahead.
    ahead: Vec<(i64, i64)>,
}

impl Jumps {
    /// Looks at the clock. The more often somebody does, the better is known which calls began before it was set.
    pub fn look(&self, clock: &dyn Clock) {
        self.seen(clock);
    }

    /// Seconds since that second of the clock, without those that it was set ahead by since.
    pub fn age(&self, clock: &dyn Clock, began: i64) -> i64 {
        let now = self.seen(clock);
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = seen.ahead.iter().filter(|(before, _)| began <= *before);
        now.saturating_sub(began).saturating_sub(since.map(|(_, seconds)| seconds).sum())
    }

    fn seen(&self, clock: &dyn Clock) -> i64 {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, steady) = (clock.now().as_second(), clock.steady());
        if let Some((before, then)) = seen.last {
            let gone = i64::try_from(steady.saturating_sub(then).as_secs()).unwrap_or(i64::MAX);
            let unset = before.saturating_add(gone);
            let ahead = now.saturating_sub(unset);
            if ahead > LEAST {
                tracing::warn!(seconds = ahead, "the clock was set ahead: calls under way are judged without that");
                seen.ahead.push((unset, ahead));
                let many = seen.ahead.len().saturating_sub(REMEMBERED);
                seen.ahead.drain(..many);
            }
        }
        seen.last = Some((now, steady));
        now
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::*;

    #[derive(Debug, Default)]
    struct Set {
        gone: AtomicI64,
        ahead: AtomicI64,
    }

    impl Clock for Set {
        fn now(&self) -> Timestamp {
            let second = self.gone.load(Ordering::SeqCst) + self.ahead.load(Ordering::SeqCst);
            Timestamp::from_second(second).unwrap()
        }

        fn steady(&self) -> Duration {
            Duration::from_secs(self.gone.load(Ordering::SeqCst).unsigned_abs())
        }
    }

    #[test]
    fn a_call_is_as_old_as_the_time_that_went_by() {
        let (clock, jumps) = (Set::default(), Jumps::default());
        clock.gone.store(1_000, Ordering::SeqCst);
        jumps.look(&clock);
        clock.gone.store(1_100, Ordering::SeqCst);
        assert_eq!(jumps.age(&clock, 1_000), 100);
        clock.ahead.store(90_000, Ordering::SeqCst);
        assert_eq!(jumps.age(&clock, 1_000), 100, "it was under way when the clock was set");
        assert_eq!(jumps.age(&clock, 91_100), 0, "it began afterwards");
        clock.gone.store(91_000, Ordering::SeqCst);
        assert_eq!((jumps.age(&clock, 1_000), jumps.age(&clock, 91_100)), (90_000, 89_900));
        // Back again, and ahead once more.
        clock.ahead.store(0, Ordering::SeqCst);
        assert_eq!(jumps.age(&clock, 91_000), 0);
        clock.ahead.store(50_000, Ordering::SeqCst);
        assert_eq!(jumps.age(&clock, 91_000), 0);
    }
}
