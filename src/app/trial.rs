//! A second rule file on trial: whose calls it is for, whether it answers them, and how they fare.

use std::sync::Arc;

use jiff::civil::Date;

use crate::app::ports::RuleText;
use crate::model::digest::Digest;
use crate::model::ids::CallSid;
use crate::model::phone::Caller;
use crate::rules::ruleset::{Bound, Rollout, RolloutMode, RuleSet};

pub mod followed;
pub mod standing;
pub mod watch;

/// A second rule file of an organization.
#[derive(Debug)]
pub struct Trial {
    /// The rules on trial.
    pub candidate: Arc<RuleSet>,
    /// Their file.
    pub file: Box<str>,
    /// The texts that it takes to read them again.
    pub texts: Vec<RuleText>,
    /// Whether they answer.
    pub mode: RolloutMode,
    /// Share of callers in percent.
    pub share: u8,
    /// The last day.
    pub until: Option<Date>,
    /// When they are taken back.
    pub bound: Bound,
}

impl Trial {
    /// The trial of these rules, as they are asked to be tried.
    pub fn new(rollout: &Rollout, candidate: RuleSet, texts: Vec<RuleText>) -> Self {
        Self {
            candidate: Arc::new(candidate),
            file: rollout.candidate.clone(),
            texts,
            mode: rollout.mode,
            share: rollout.share,
            until: rollout.until,
            bound: rollout.bound,
        }
    }

    /// Whether the trial still runs on that day.
    pub fn runs(&self, day: Date) -> bool {
        self.until.is_none_or(|last| day <= last)
    }

    /// Whether this call takes part on that day: a caller always meets the same, and other candidates are tried on
    /// others. Of those who hide their number each call is drawn on its own.
    pub fn takes(&self, caller: &Caller, call: &CallSid, day: Date) -> bool {
        self.runs(day) && bucket(&self.candidate.digest, caller, call) < self.share
    }
}

/// One of a hundred, the same for every call of the caller: the digest of the candidate is the key.
fn bucket(candidate: &Digest, caller: &Caller, call: &CallSid) -> u8 {
    let who = match caller {
        Caller::Withheld => call.to_string(),
        Caller::Number(_) | Caller::Sip(_) | Caller::Client(_) | Caller::Malformed(_) => caller.to_string(),
    };
    let hash = Digest::of([candidate.bytes().as_slice(), who.as_bytes()]);
    let number = hash.bytes().iter().take(4).fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    u8::try_from(number % 100).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: u32) -> CallSid {
        CallSid::parse(&format!("CA{number:032x}")).unwrap()
    }

    #[test]
    fn a_share_of_callers_is_the_same_callers_every_time_and_about_that_many() {
        let (one, other) = (Digest::of([b"one".as_slice()]), Digest::of([b"other".as_slice()]));
        let callers: Vec<Caller> = (0..2_000).map(|number| Caller::Client(format!("caller {number}").into())).collect();
        let share = |digest: &Digest, share: u8, number: u32| {
            callers.iter().map(|caller| bucket(digest, caller, &call(number)) < share).collect::<Vec<_>>()
        };
        let count = share(&one, 10, 0).iter().filter(|taken| **taken).count();
        assert!((120..280).contains(&count), "{count}");
        assert_eq!(share(&one, 10, 0), share(&one, 10, 1), "whichever call it is");
        assert_ne!(share(&one, 10, 0), share(&other, 10, 0));
        let wider = share(&one, 25, 0);
        assert!(share(&one, 10, 0).iter().zip(wider).all(|(few, many)| many || !few), "who was in stays in");
    }

    #[test]
    fn those_who_hide_their_number_are_drawn_call_by_call() {
        let one = Digest::of([b"one".as_slice()]);
        let drawn = (0..1_000).filter(|number| bucket(&one, &Caller::Withheld, &call(*number)) < 10).count();
        assert!((50..160).contains(&drawn), "{drawn}");
    }
}
