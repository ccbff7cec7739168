//! The switches of all organizations as calls see them: in memory, and nowhere else.

use std::collections::BTreeMap;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::rules::ruleset::RuleSet;
use crate::tenant::switch::SwitchState;

/// The switches that were ever turned.
#[derive(Debug, Default)]
pub struct Switchboard {
    turned: ArcSwap<BTreeMap<String, Vec<SwitchState>>>,
}

impl Switchboard {
    /// Takes over how all switches stand.
    pub fn replace(&self, all: Vec<SwitchState>) {
        let mut turned: BTreeMap<String, Vec<SwitchState>> = BTreeMap::new();
        for state in all {
            turned.entry(state.org.to_string()).or_default().push(state);
        }
        self.turned.store(turned.into());
    }

    /// Where each switch of the rules stands at that moment, by its index; nothing for one at its default.
    pub fn positions(&self, org: &str, rules: &RuleSet, now: Timestamp) -> Vec<Option<bool>> {
        let all = self.turned.load();
        let Some(turned) = all.get(org) else { return Vec::new() };
        let find = |name: &str| turned.iter().find(|state| state.switch == name);
        rules.switches.iter().map(|switch| find(&switch.name).and_then(|state| state.at(now))).collect()
    }

    /// The switch of that name, when it was ever turned.
    pub fn state(&self, org: &str, name: &str) -> Option<SwitchState> {
        self.turned.load().get(org)?.iter().find(|state| state.switch == name).cloned()
    }
}
