//! A second rule file on trial, and where calls would stand under it.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use moka::sync::Cache;

use crate::model::digest::Digest;
use crate::model::ids::{CallSid, OrgSlug};
use crate::model::phone::Caller;
use crate::model::position::Position;
use crate::rules::ruleset::{Rollout, RuleSet};

/// Calls that are followed at once; the rest are not compared.
const MOST_CALLS: u64 = 20_000;

/// No call lasts longer.
const LONGEST_CALL: Duration = Duration::from_secs(5 * 3_600);

/// A second rule file of an organization.
#[derive(Debug)]
pub struct Trial {
    /// The rules on trial.
    pub candidate: Arc<RuleSet>,
    /// Share of callers in percent.
    share: u8,
    /// The last day.
    until: Option<Date>,
}

impl Trial {
    /// The trial of these rules, as they are asked to be tried.
    pub fn new(rollout: &Rollout, candidate: Arc<RuleSet>) -> Self {
        Self { candidate, share: rollout.share, until: rollout.until }
    }

    /// Whether the calls of this caller take part on that day: a caller always meets the same, and other candidates
    /// are tried on others.
    pub fn takes(&self, caller: &Caller, day: Date) -> bool {
        let over = self.until.is_some_and(|last| day > last);
        !over && bucket(&self.candidate.digest, caller) < self.share
    }
}

/// One of a hundred, the same for every call of the caller.
fn bucket(candidate: &Digest, caller: &Caller) -> u8 {
    let hash = Digest::of([candidate.bytes().as_slice(), caller.to_string().as_bytes()]);
    let number = hash.bytes().iter().take(4).fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    u8::try_from(number % 100).unwrap_or(0)
}

/// Where calls stand under the rules on trial.
#[derive(Debug)]
pub struct Followed(Cache<(OrgSlug, CallSid), Place>);

/// Where a call stands under the rules on trial.
#[derive(Debug, Clone)]
pub enum Place {
    /// It goes the same way so far.
    At(Arc<Position>),
    /// It would have gone another way, or is over.
    Parted,
}

impl Default for Followed {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST_CALLS).time_to_live(LONGEST_CALL).build())
    }
}

impl Followed {
    /// Where the call stands; none when that is not known.
    pub fn of(&self, org: &OrgSlug, call: &CallSid) -> Option<Place> {
        self.0.get(&(org.clone(), call.clone()))
    }

    /// The call goes on.
    pub fn note(&self, org: &OrgSlug, call: &CallSid, place: Place) {
        self.0.insert((org.clone(), call.clone()), place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_callers_is_the_same_callers_every_time_and_about_that_many() {
        let (one, other) = (Digest::of([b"one".as_slice()]), Digest::of([b"other".as_slice()]));
        let callers: Vec<Caller> = (0..2_000).map(|number| Caller::Client(format!("caller {number}").into())).collect();
        let tenth = |digest: &Digest| callers.iter().map(|caller| bucket(digest, caller) < 10).collect::<Vec<_>>();
        let count = tenth(&one).iter().filter(|taken| **taken).count();
        assert!((120..280).contains(&count), "{count}");
        assert_eq!(tenth(&one), tenth(&one));
        assert_ne!(tenth(&one), tenth(&other));
        assert!(callers.iter().all(|caller| bucket(&one, caller) < 100));
    }
}
