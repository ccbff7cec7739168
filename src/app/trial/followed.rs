//! Where calls would stand under rules that are only asked.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use crate::model::ids::{CallSid, OrgSlug};
use crate::model::position::Position;

/// Calls that are followed at once; the rest are not compared.
const MOST_CALLS: u64 = 20_000;

/// No call lasts longer.
const LONGEST_CALL: Duration = Duration::from_secs(5 * 3_600);

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
