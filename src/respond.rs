//! The pure middle of an answer: from a believed event to what is decided, rendered and written down.
//!
//! The running server and every replay of its calls ask here, so that neither can know something that the other
//! does not.

pub mod callee;
pub mod caller;
pub mod report;
pub mod written;

use crate::model::call::KeyRecord;
use crate::model::ids::{CallSid, LineId, OrgSlug, SwitchId};
use crate::model::phone::E164;
use crate::rules::ruleset::RuleSet;
use crate::twiml::templates::Templates;

/// Whose call it is, and what answers it.
#[derive(Debug, Clone, Copy)]
pub struct House<'a> {
    /// The organization.
    pub org: &'a OrgSlug,
    /// The rules that the call began under.
    pub rules: &'a RuleSet,
    /// The templates of its answers.
    pub templates: &'a Templates,
    /// Path of the public address; empty, or with a slash before and none behind.
    pub prefix: &'a str,
}

impl House<'_> {
    /// Where the recordings of this organization are served.
    pub fn audio_base(&self) -> String {
        format!("{}/audio/{}", self.prefix, self.org)
    }
}

/// What is remembered of other requests and other calls of the organization, without which this one cannot be
/// answered.
pub trait Memory {
    /// What a callee answered when asked for a key: `leg` narrows it to one leg of the call when it is known.
    fn key(&self, call: &CallSid, leg: Option<&CallSid>) -> KeyRecord;

    /// Where each switch of the rules stands, by its index; what is missing stands at its default.
    fn switches(&self, rules: &RuleSet) -> Vec<Option<bool>>;

    /// Which switches of the rules stand where they do because their source has told nothing for too long.
    fn stale(&self, rules: &RuleSet) -> Vec<SwitchId>;

    /// How many calls other than this one ring the contact of that name, or have it talking.
    fn active_calls(&self, contact: &str, call: &CallSid) -> u8;

    /// How many seconds before this call, which began at `began` (seconds since 1970), the same caller called,
    /// newest first.
    fn earlier_calls(&self, caller: &E164, call: &CallSid, began: i64) -> Vec<u32>;

    /// The line that the number's binding names, where it names one.
    fn line(&self, number: &E164) -> Option<Box<str>>;
}

/// The line of these rules that a number rings: the one that its binding names, as long as there is such a line, or
/// the one with that number.
pub fn line_of(rules: &RuleSet, number: Option<&E164>, bound: Option<&str>) -> Option<LineId> {
    let named = |name: &str| rules.lines.iter().position(|line| *line.name == *name);
    let numbered = || rules.lines.iter().position(|line| Some(&line.number) == number);
    bound.and_then(named).or_else(numbered).and_then(|at| u16::try_from(at).ok()).map(LineId)
}
