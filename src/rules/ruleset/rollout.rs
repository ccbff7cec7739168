//! A second rule file on trial, as it is asked for.

use jiff::civil::Date;

/// A second rule file on trial.
#[derive(Debug)]
pub struct Rollout {
    /// The file, below the rules folder.
    pub candidate: Box<str>,
    /// Whether it acts.
    pub mode: RolloutMode,
    /// Share of callers in percent.
    pub share: u8,
    /// The last day of the trial.
    pub until: Option<Date>,
    /// When a candidate that answers is taken back by itself.
    pub bound: Bound,
}

/// How much worse than the others a candidate may fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// By how many points of a hundred more of its calls may go unanswered.
    pub rise: u8,
    /// How many calls must have ended on either side before the two are compared.
    pub calls: u16,
}

impl Default for Bound {
    fn default() -> Self {
        Self { rise: 10, calls: 50 }
    }
}

/// Whether a candidate acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutMode {
    /// It is evaluated, and differences are recorded.
    Shadow,
    /// It answers its share of callers.
    Canary,
}
