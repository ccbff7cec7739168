//! A switch of an organization as it is now, and what it was before, so that the last turn can be undone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::ids::OrgSlug;
use crate::tenant::stamp::{At, Stamp};

/// One setting of a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// On, or off.
    pub on: bool,
    /// Until when; then the default of the rules counts again.
    #[serde(default)]
    pub until: Option<At>,
    /// Who turned it, and when.
    pub set: Stamp,
    /// By what way: `cli`, `api`, `sms`, `chat`, `source`.
    pub from: String,
}

/// A switch; it has been turned at least once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchState {
    /// Whose.
    pub org: OrgSlug,
    /// Its name in the rules.
    pub switch: String,
    /// How it stands; nothing after a first turn was undone.
    #[serde(default)]
    pub now: Option<Setting>,
    /// How it stood before, newest first.
    #[serde(default)]
    pub before: Vec<Option<Setting>>,
    /// When it was turned, or a turn of it taken back, last.
    #[serde(default)]
    pub changed: Option<At>,
}

/// There is nothing to undo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` was not turned lately: there is nothing to undo")]
pub struct NothingToUndo(String);

impl SwitchState {
    /// Turns that are remembered.
    pub const REMEMBERED: usize = 16;

    /// A switch that was never turned.
    pub const fn new(org: OrgSlug, switch: String) -> Self {
        Self { org, switch, now: None, before: Vec::new(), changed: None }
    }

    /// Turns it.
    pub fn turn(&mut self, setting: Setting) {
        self.move_on(setting.set.at);
        let was = self.now.replace(setting);
        self.before.insert(0, was);
        self.before.truncate(Self::REMEMBERED);
    }

    /// Sets it back to what it was before the last turn.
    pub fn undo(&mut self, at: At) -> Result<(), NothingToUndo> {
        if self.before.is_empty() {
            return Err(NothingToUndo(self.switch.clone()));
        }
        self.now = self.before.remove(0);
        self.move_on(at);
        Ok(())
    }

    /// A change comes after the one before it, even where this machine's clock is behind that of another.
    fn move_on(&mut self, at: At) {
        let next =
            |before: At| Timestamp::from_microsecond(before.microsecond().saturating_add(1)).map_or(before, At::new);
        self.changed = Some(self.changed.map_or(at, |before| at.max(next(before))));
    }

    /// When something became of it last.
    pub fn last_change(&self) -> Option<At> {
        // What was kept by an earlier release says no more than when it was turned.
        self.changed.or_else(|| self.now.as_ref().map(|setting| setting.set.at))
    }

    /// Whether something became of it after what became of the other.
    pub fn is_later_than(&self, other: Option<&Self>) -> bool {
        self.last_change() > other.and_then(Self::last_change)
    }

    /// What counts at that moment; nothing means the default of the rules.
    pub fn at(&self, now: Timestamp) -> Option<bool> {
        let over = |setting: &&Setting| setting.until.is_some_and(|until| now >= until.timestamp());
        self.now.as_ref().filter(|setting| !over(setting)).map(|setting| setting.on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::stamp::Actor;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn setting(on: bool, second: i64, until: Option<i64>) -> Setting {
        let set = Stamp::new(&Actor::new("cli:ana"), at(second));
        Setting { on, until: until.map(|second| At::new(at(second))), set, from: "cli".into() }
    }

    fn away() -> SwitchState {
        SwitchState::new(OrgSlug::parse("acme").unwrap(), "away".into())
    }

    #[test]
    fn a_switch_counts_until_its_time_is_over() {
        let mut away = away();
        assert_eq!(away.at(at(0)), None);
        away.turn(setting(true, 0, Some(60)));
        assert_eq!(away.at(at(59)), Some(true));
        assert_eq!(away.at(at(60)), None);
    }

    #[test]
    fn turns_are_undone_one_after_the_other() {
        let mut away = away();
        assert!(away.undo(At::new(at(90))).is_err());
        away.turn(setting(true, 0, None));
        away.turn(setting(false, 1, None));
        away.undo(At::new(at(90))).unwrap();
        assert_eq!(away.at(at(2)), Some(true));
        away.undo(At::new(at(90))).unwrap();
        assert_eq!(away.at(at(2)), None);
        assert!(away.undo(At::new(at(90))).is_err());
    }

    #[test]
    fn what_became_of_it_last_counts_wherever_it_was_done() {
        let (mut here, mut there) = (away(), away());
        assert!(!here.is_later_than(None) && !here.is_later_than(Some(&there)));
        here.turn(setting(true, 5, None));
        assert!(here.is_later_than(None) && here.is_later_than(Some(&there)) && !there.is_later_than(Some(&here)));
        there = here.clone();
        assert!(!there.is_later_than(Some(&here)));
        there.undo(At::new(at(4))).unwrap();
        assert!(there.is_later_than(Some(&here)) && !here.is_later_than(Some(&there)));
    }

    #[test]
    fn only_so_many_turns_are_remembered() {
        let mut away = away();
        (0..50).for_each(|second| away.turn(setting(second % 2 == 0, second, None)));
        assert_eq!(away.before.len(), SwitchState::REMEMBERED);
    }
}
