//! A new account on trial: what is not signed right is counted and explained, until enough was right or a day has come.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use jiff::Timestamp;

/// Why a request on trial was not signed right, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Explained {
    /// It was signed for another host or path than the configured public address.
    WrongHost,
    /// It was signed for `http` where `https` is configured, or the other way round.
    WrongScheme,
    /// It was signed with the token before the present one.
    OldToken,
    /// It is signed right, and names another account than the installation's.
    WrongAccount,
    /// It has no signature.
    Missing,
    /// Nothing that is known here makes this signature.
    Unknown,
}

impl Explained {
    /// The stable name in metrics and security events.
    pub const fn word(self) -> &'static str {
        match self {
            Self::WrongHost => "observed-wrong-host",
            Self::WrongScheme => "observed-wrong-scheme",
            Self::OldToken => "observed-old-token",
            Self::WrongAccount => "observed-wrong-account",
            Self::Missing => "observed-missing",
            Self::Unknown => "observed-unknown",
        }
    }

    /// What to do about it.
    pub const fn way_out(self) -> &'static str {
        match self {
            Self::WrongHost => "the carrier calls another address: make its URLs and `public_url` the same",
            Self::WrongScheme => "the carrier calls by another scheme: make its URLs and `public_url` both `https`",
            Self::OldToken => "the carrier still signs with the token before: promote the new one there",
            Self::WrongAccount => "the calls come from another account, perhaps a subaccount: connect that one",
            Self::Missing => "nothing signed it: the carrier's console or a test tool may have sent it",
            Self::Unknown => "the token may be mistyped, or something on the way changes the request",
        }
    }
}

/// How long an account is on trial, and how it has gone.
pub struct Trial {
    until: Timestamp,
    wanted: u32,
    good: AtomicU32,
    over: AtomicBool,
    /// Good and bad ones since somebody wrote them down last.
    fresh: [AtomicU32; 2],
    noted: AtomicBool,
}

impl fmt::Debug for Trial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Trial({} of {} good, until {})", self.good.load(Ordering::Acquire), self.wanted, self.until)
    }
}

impl Trial {
    /// A trial that ends with so many good requests, of which there were some already, or at the instant.
    pub const fn new(wanted: u32, good: u32, until: Timestamp) -> Self {
        Self {
            until,
            wanted,
            good: AtomicU32::new(good),
            over: AtomicBool::new(false),
            fresh: [const { AtomicU32::new(0) }; 2],
            noted: AtomicBool::new(false),
        }
    }

    /// Whether this is the same trial as one with these terms.
    pub fn has_terms(&self, wanted: u32, until: Timestamp) -> bool {
        (self.wanted, self.until) == (wanted, until)
    }

    /// Whether it still runs.
    pub fn runs(&self, now: Timestamp) -> bool {
        !self.over.load(Ordering::Acquire) && now < self.until
    }

    /// Whether enough were good.
    pub(in crate::app) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Counts a request; enough good ones end the trial. True when nobody knows yet that there is something to write
    /// down.
    pub(in crate::app) fn count(&self, good: bool) -> bool {
        let [goods, bads] = &self.fresh;
        if good {
            goods.fetch_add(1, Ordering::AcqRel);
            if self.good.fetch_add(1, Ordering::AcqRel).saturating_add(1) >= self.wanted {
                self.over.store(true, Ordering::Release);
            }
        } else {
            bads.fetch_add(1, Ordering::AcqRel);
        }
        !self.noted.swap(true, Ordering::AcqRel)
    }

    /// Good and bad ones since this was asked last.
    pub(in crate::app) fn take(&self) -> (u32, u32) {
        self.noted.store(false, Ordering::Release);
        let [good, bad] = &self.fresh;
        (good.swap(0, Ordering::AcqRel), bad.swap(0, Ordering::AcqRel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Timestamp = Timestamp::UNIX_EPOCH;

    fn trial(wanted: u32) -> Trial {
        Trial::new(wanted, 0, BEFORE + jiff::SignedDuration::from_secs(10))
    }

    #[test]
    fn a_trial_ends_with_enough_good_requests() {
        let trial = trial(3);
        assert_eq!([trial.count(true), trial.count(true), trial.count(false)], [true, false, false]);
        assert!(trial.runs(BEFORE));
        assert_eq!(trial.take(), (2, 1));
        assert!(trial.count(true), "there is something to write down again");
        assert!(!trial.runs(BEFORE));
        assert_eq!(trial.take(), (1, 0));
    }

    #[test]
    fn a_trial_ends_on_its_day() {
        let trial = trial(1000);
        assert!(trial.runs(BEFORE + jiff::SignedDuration::from_secs(9)));
        assert!(!trial.runs(BEFORE + jiff::SignedDuration::from_secs(10)));
    }
}
