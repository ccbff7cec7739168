//! How rules on trial fare that answer callers: their calls are counted beside the others, and when too many more of
//! them go unanswered, they answer no more.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::app::trial::followed::Followed;
use crate::audit::summary::Summary;
use crate::model::digest::Digest;
use crate::model::ids::OrgSlug;
use crate::rules::ruleset::Bound;
use crate::tenant::revision::Returned;
use crate::tenant::stamp::At;

/// Calls that have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Count {
    /// All of them.
    pub ended: u64,
    /// Those that nobody took, were handed to nobody, and were not refused on purpose.
    pub unanswered: u64,
}

impl Count {
    const fn add(&mut self, taken: bool) {
        self.ended += 1;
        self.unanswered += !taken as u64;
    }

    /// How many of a hundred went unanswered.
    pub fn percent(self) -> u64 {
        (self.unanswered * 100).checked_div(self.ended).unwrap_or(0)
    }
}

/// How the rules on trial of one organization fare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The candidate; another one begins anew.
    pub candidate: Digest,
    /// Since when calls are counted.
    pub since: At,
    /// Calls that the candidate answered.
    pub tried: Count,
    /// All others of the same time.
    pub others: Count,
    /// That it answers no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Returned>,
}

impl Standing {
    /// Why the candidate has to be taken back, if it has: the plain difference of the two shares is held against the
    /// bound, once enough calls have ended on either side.
    pub fn verdict(&self, bound: Bound) -> Option<String> {
        let (tried, others) = (self.tried, self.others);
        let enough = |count: Count| count.ended >= u64::from(bound.calls).max(1);
        if !enough(tried) || !enough(others) {
            return None;
        }
        // Whole numbers throughout: a share is never rounded before it is judged.
        let [a, b, c, d] = [tried.unanswered, tried.ended, others.unanswered, others.ended].map(i128::from);
        (100 * (a * d - c * b) > i128::from(bound.rise) * b * d).then(|| {
            format!(
                "{a} of its {b} calls went unanswered ({}%), and {c} of the {d} others ({}%): more than {} points above",
                tried.percent(),
                others.percent(),
                bound.rise
            )
        })
    }
}

/// By which rules a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// By those on trial.
    Tried,
    /// By the others.
    Others,
}

impl Side {
    /// The word for it in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tried => "candidate",
            Self::Others => "others",
        }
    }
}

/// Everything that is written down about trials.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Book {
    /// The place in the trail up to which calls are counted.
    pub seq: i64,
    /// The trials by organization.
    pub trials: BTreeMap<OrgSlug, Standing>,
}

/// The trials of all organizations.
#[derive(Debug, Default)]
pub struct Trials {
    /// Calls that are followed in the shadow.
    pub followed: Followed,
    /// None while nobody counts: then nobody is answered by rules on trial either.
    book: Mutex<Option<Book>>,
}

impl Trials {
    /// Counts from here on.
    pub fn open(&self, book: Book) {
        *self.book() = Some(book);
    }

    /// Whether the candidate answers its callers.
    pub fn answers(&self, org: &OrgSlug, candidate: &Digest) -> bool {
        let book = self.book();
        let Some(book) = book.as_ref() else { return false };
        book.trials.get(org).is_none_or(|it| it.candidate != *candidate || it.returned.is_none())
    }

    /// How everything stands.
    pub fn standing(&self) -> Book {
        self.book().clone().unwrap_or_default()
    }

    /// The candidate is on trial; tells whether that is new.
    pub fn begin(&self, org: &OrgSlug, candidate: Digest, since: At) -> bool {
        let mut book = self.book();
        let Some(book) = book.as_mut() else { return false };
        if book.trials.get(org).is_some_and(|it| it.candidate == candidate) {
            return false;
        }
        let (tried, others) = (Count::default(), Count::default());
        book.trials.insert(org.clone(), Standing { candidate, since, tried, others, returned: None });
        true
    }

    /// Counts a call that has ended, on the side whose rules it began under; tells which that is, when it counts.
    pub fn count(&self, org: &OrgSlug, call: &Summary) -> Option<Side> {
        let mut book = self.book();
        let standing = book.as_mut().and_then(|book| book.trials.get_mut(org))?;
        if standing.returned.is_some() {
            return None;
        }
        let tried = call.rules.as_deref() == Some(standing.candidate.short().as_str());
        let (side, count) =
            if tried { (Side::Tried, &mut standing.tried) } else { (Side::Others, &mut standing.others) };
        count.add(call.is_taken());
        Some(side)
    }

    /// Everything up to there is counted.
    pub fn passed(&self, seq: i64) {
        if let Some(book) = self.book().as_mut() {
            book.seq = seq;
        }
    }

    /// The candidate answers no more; tells whether that is new.
    pub fn take_back(&self, org: &OrgSlug, candidate: &Digest, returned: &Returned) -> bool {
        self.begin(org, *candidate, returned.at);
        let mut book = self.book();
        let standing = book.as_mut().and_then(|book| book.trials.get_mut(org));
        let Some(standing) = standing.filter(|it| it.returned.is_none()) else { return false };
        standing.returned = Some(returned.clone());
        true
    }

    fn book(&self) -> MutexGuard<'_, Option<Book>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::summary::Answered;

    fn standing(tried: (u64, u64), others: (u64, u64)) -> Standing {
        let count = |(unanswered, ended)| Count { ended, unanswered };
        let since = At::new(jiff::Timestamp::UNIX_EPOCH);
        Standing { candidate: digest(1), since, tried: count(tried), others: count(others), returned: None }
    }

    fn digest(of: u8) -> Digest {
        Digest::of([[of].as_slice()])
    }

    #[test]
    fn a_rise_counts_beyond_the_bound_and_with_enough_calls_only() {
        let bound = Bound { rise: 10, calls: 20 };
        for (tried, others, back) in [
            ((20, 20), (0, 20), true),
            ((19, 19), (0, 400), false), // too few of the candidate's
            ((20, 20), (0, 19), false),  // too few of the others
            ((6, 20), (20, 100), false), // exactly ten points more is not beyond
            ((7, 20), (20, 100), true),
            ((2, 20), (90, 100), false), // fewer than the others
            ((0, 0), (0, 0), false),
        ] {
            assert_eq!(standing(tried, others).verdict(bound).is_some(), back, "{tried:?} {others:?}");
        }
        let all = Bound { rise: 0, calls: 1 };
        assert!(standing((1, 1), (0, 1)).verdict(all).is_some() && standing((0, 1), (0, 1)).verdict(all).is_none());
        let why = standing((7, 20), (20, 100)).verdict(bound).unwrap();
        assert_eq!(
            why,
            "7 of its 20 calls went unanswered (35%), and 20 of the 100 others (20%): more than 10 points above"
        );
    }

    #[test]
    fn calls_count_on_the_side_whose_rules_they_began_under_until_the_candidate_is_taken_back() {
        let (trials, org) = (Trials::default(), OrgSlug::parse("acme").unwrap());
        assert!(!trials.answers(&org, &digest(1)), "nobody counts yet");
        trials.open(Book::default());
        let since = At::new(jiff::Timestamp::UNIX_EPOCH);
        assert!(trials.begin(&org, digest(1), since) && !trials.begin(&org, digest(1), since));
        let call = |rules: u8, taken: bool| Summary {
            rules: Some(digest(rules).short()),
            answered: taken.then(Answered::default),
            ..Summary::default()
        };
        for (rules, taken) in [(1, true), (1, false), (2, true), (3, true), (3, false)] {
            let side = if rules == 1 { Side::Tried } else { Side::Others };
            assert_eq!(trials.count(&org, &call(rules, taken)), Some(side));
        }
        let now = trials.standing().trials.remove(&org).unwrap();
        assert_eq!((now.tried.ended, now.tried.unanswered), (2, 1));
        assert_eq!((now.others.ended, now.others.unanswered), (3, 1));

        let returned = Returned { at: since, why: "enough".into() };
        assert!(trials.take_back(&org, &digest(1), &returned) && !trials.take_back(&org, &digest(1), &returned));
        assert!(!trials.answers(&org, &digest(1)) && trials.count(&org, &call(1, true)).is_none());
        assert!(trials.answers(&org, &digest(2)), "another candidate is another trial");
        let book: Book = serde_json::from_str(&serde_json::to_string(&trials.standing()).unwrap()).unwrap();
        assert_eq!(book, trials.standing());
    }
}
