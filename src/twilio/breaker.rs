//! A circuit breaker: a carrier that fails again and again is left alone for a while.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Failures in a row after which nothing is asked for a while.
const PATIENCE: u32 = 5;

/// How long nothing is asked. After it, one request tries whether things are better.
const REST: Duration = Duration::from_secs(20);

/// No trial is under way.
const NO_TRIAL: u64 = u64::MAX;

/// Counts failures in a row. Time is told in milliseconds since any fixed moment.
#[derive(Debug)]
pub struct Breaker {
    failures: AtomicU32,
    /// Until when nothing is asked; 0 for never.
    until: AtomicU64,
    /// When the trial under way began.
    trial: AtomicU64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: AtomicU32::new(0), until: AtomicU64::new(0), trial: AtomicU64::new(NO_TRIAL) }
    }
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Requests go out.
    Closed,
    /// Nothing is asked now.
    Open,
    /// One request is trying whether things are better.
    Trial,
}

impl Standing {
    /// The word for it in metrics and on the readiness page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Trial => "trial",
        }
    }
}

impl Breaker {
    /// Whether a request may go out now; otherwise how long to wait.
    pub fn admits(&self, now: u64) -> Result<(), Duration> {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 {
            return Ok(());
        }
        if now < until {
            return Err(Duration::from_millis(until - now));
        }
        let before = self.trial.load(Ordering::Acquire);
        // A trial that never came back does not hold the others up for ever.
        let gone = before == NO_TRIAL || now.saturating_sub(before) >= millis(REST);
        if gone && self.trial.compare_exchange(before, now, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return Ok(());
        }
        Err(Duration::from_secs(1))
    }

    /// The carrier answered as one that works.
    pub fn worked(&self) {
        self.failures.store(0, Ordering::Release);
        self.until.store(0, Ordering::Release);
        self.trial.store(NO_TRIAL, Ordering::Release);
    }

    /// The carrier did not answer, or answered that it is broken.
    pub fn failed(&self, now: u64) {
        let failures = self.failures.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        let trying = self.trial.swap(NO_TRIAL, Ordering::AcqRel) != NO_TRIAL;
        if trying || failures >= PATIENCE {
            self.until.store(now.saturating_add(millis(REST)).max(1), Ordering::Release);
        }
    }

    /// How it stands.
    pub fn standing(&self, now: u64) -> Standing {
        match self.until.load(Ordering::Acquire) {
            0 => Standing::Closed,
            until if now < until => Standing::Open,
            _ => Standing::Trial,
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_stop_requests_and_one_trial_lets_them_through_again() {
        let breaker = Breaker::default();
        for now in 0..u64::from(PATIENCE) {
            assert_eq!(breaker.admits(now), Ok(()));
            breaker.failed(now);
        }
        assert_eq!(breaker.standing(10), Standing::Open);
        assert!(breaker.admits(10).unwrap_err() > Duration::from_secs(19));
        let later = 10 + millis(REST);
        assert_eq!(breaker.standing(later), Standing::Trial);
        assert_eq!(breaker.admits(later), Ok(()), "one request tries");
        assert!(breaker.admits(later).is_err(), "and only one");
        breaker.failed(later);
        assert!(breaker.admits(later + 1).is_err());
        let again = later + 1 + millis(REST);
        assert_eq!(breaker.admits(again), Ok(()));
        breaker.worked();
        assert_eq!(breaker.standing(again), Standing::Closed);
        assert_eq!(breaker.admits(again), Ok(()));
    }

    #[test]
    fn a_success_between_failures_starts_the_count_anew() {
        let breaker = Breaker::default();
        for now in 0..100 {
            breaker.failed(now);
            breaker.failed(now);
            breaker.worked();
        }
        assert_eq!(breaker.standing(100), Standing::Closed);
    }

    #[test]
    fn a_trial_that_never_came_back_is_followed_by_another() {
        let breaker = Breaker::default();
        (0..PATIENCE).for_each(|_| breaker.failed(0));
        let later = millis(REST);
        assert_eq!(breaker.admits(later), Ok(()));
        assert!(breaker.admits(later + 1).is_err());
        assert_eq!(breaker.admits(later + millis(REST)), Ok(()));
    }
}
