//! The switches of all organizations as calls see them: in memory, and nowhere else.
//!
//! What somebody has turned counts first, then what the switch's source told last, then where the rules put it.

use std::collections::BTreeMap;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::ids::SwitchId;
use crate::rules::ruleset::{RuleSet, SourceKind, Switch, SwitchSource};
use crate::tenant::switch::SwitchState;

/// The switches that were ever turned, and what sources have told.
#[derive(Debug, Default)]
pub struct Switchboard {
    turned: ArcSwap<BTreeMap<String, Vec<SwitchState>>>,
    fed: ArcSwap<BTreeMap<String, Vec<Fed>>>,
}

/// What the source of a switch told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fed {
    /// Whose.
    pub org: String,
    /// The switch.
    pub switch: String,
    /// The source, so that what another one told does not count.
    pub source: String,
    /// On, or off.
    pub on: bool,
    /// When it told so last, in seconds since 1970.
    pub at: i64,
}

/// Why a switch stands where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Footing {
    /// Somebody turned it.
    Turned,
    /// Its source told so.
    Told {
        /// When, in seconds since 1970.
        at: i64,
    },
    /// Its source has told nothing for too long, so that it stands where the rules put it meanwhile.
    Stale,
    /// Nothing was said.
    Default,
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

    /// Takes over what all sources have told.
    pub fn feed(&self, all: impl IntoIterator<Item = Fed>) {
        let mut fed: BTreeMap<String, Vec<Fed>> = BTreeMap::new();
        for told in all {
            fed.entry(told.org.clone()).or_default().push(told);
        }
        self.fed.store(fed.into());
    }

    /// Where each switch of the rules stands at that moment, by its index; nothing for one at its default.
    pub fn positions(&self, org: &str, rules: &RuleSet, now: Timestamp) -> Vec<Option<bool>> {
        let turned = self.turned.load().contains_key(org);
        if !turned && rules.switches.iter().all(|switch| switch.source.is_none()) {
            return Vec::new();
        }
        rules.switches.iter().map(|switch| self.stands(org, switch, now).0).collect()
    }

    /// The switches of the rules that stand where they do because their source is silent.
    pub fn stale(&self, org: &str, rules: &RuleSet, now: Timestamp) -> Vec<SwitchId> {
        let sourced = rules.switches.iter().zip(0_u16..).filter(|(switch, _)| switch.source.is_some());
        let stale = sourced.filter(|(switch, _)| self.stands(org, switch, now).1 == Footing::Stale);
        stale.map(|(_, place)| SwitchId(place)).collect()
    }

    /// Where this switch stands at that moment, and why; nothing for its default.
    pub fn stands(&self, org: &str, switch: &Switch, now: Timestamp) -> (Option<bool>, Footing) {
        let turned = self.turned.load();
        let by_hand = turned.get(org).into_iter().flatten().find(|state| state.switch == *switch.name);
        if let Some(on) = by_hand.and_then(|state| state.at(now)) {
            return (Some(on), Footing::Turned);
        }
        let Some(source) = &switch.source else { return (None, Footing::Default) };
        let fed = self.fed.load();
        let told = fed.get(org).into_iter().flatten().find(|fed| fed.switch == *switch.name);
        match told.filter(|fed| fed.counts(source, now)) {
            Some(fed) => (Some(fed.on), Footing::Told { at: fed.at }),
            None => (Some(source.when_stale), Footing::Stale),
        }
    }

    /// The switch of that name, when it was ever turned.
    pub fn state(&self, org: &str, name: &str) -> Option<SwitchState> {
        self.turned.load().get(org)?.iter().find(|state| state.switch == name).cloned()
    }
}

impl Fed {
    /// Whether it still counts for a switch with this source.
    pub fn counts(&self, source: &SwitchSource, now: Timestamp) -> bool {
        self.source == source_name(source) && now.as_second() - self.at <= i64::from(source.stale_after)
    }
}

/// The source as it is told apart from others.
pub fn source_name(source: &SwitchSource) -> String {
    match &source.from {
        SourceKind::Sheet { sheet, cell } => format!("sheet {sheet} {cell}"),
        SourceKind::Url { url, field } => format!("url {url} {field}"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::model::ids::OrgSlug;
    use crate::tenant::stamp::{Actor, At, Stamp};
    use crate::tenant::switch::Setting;

    const RULES: &str = r#"version: 1
timezone: America/Denver
numbers: ["+17205550100"]
switches:
  plain: { expires: 4h }
  closed:
    expires: 4h
    source: { url: "https://example.com/status", field: /closed, every: 1m, stale_after: 10m, when_stale: on }
routes:
  - { when: { switch: [plain, closed] }, cascade: [{ voicemail: We are closed. }] }
finally: { voicemail: Please leave a message. }
"#;

    fn rules() -> RuleSet {
        let loaded = crate::rules::load("acme.yaml", RULES.as_bytes(), &crate::rules::NoFiles, date(2026, 11, 2));
        loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn fed(source: &str, on: bool, second: i64) -> Fed {
        Fed { org: "acme".into(), switch: "closed".into(), source: source.into(), on, at: second }
    }

    #[test]
    fn a_source_counts_until_it_is_stale_and_a_hand_counts_more() {
        let (rules, board) = (rules(), Switchboard::default());
        let name = source_name(rules.switches[1].source.as_ref().unwrap());
        let stand = |second| {
            let stale = board.stale("acme", &rules, at(second));
            (board.positions("acme", &rules, at(second)), stale)
        };
        // Nothing was ever told.
        assert_eq!(stand(1_000), (vec![None, Some(true)], vec![SwitchId(1)]));
        board.feed([fed(&name, false, 1_000)]);
        assert_eq!(stand(1_600), (vec![None, Some(false)], vec![]));
        assert_eq!(stand(1_601), (vec![None, Some(true)], vec![SwitchId(1)]));
        // What another source told does not count, nor what another organization's did.
        board.feed([fed("url https://example.com/other /closed", false, 1_000)]);
        assert_eq!(stand(1_000).1, [SwitchId(1)]);
        assert_eq!(board.stale("other", &rules, at(1_000)), [SwitchId(1)]);
        let mut state = SwitchState::new(OrgSlug::parse("acme").unwrap(), "closed".into());
        let set = Stamp::new(&Actor::new("sms:owner"), at(1_000));
        state.turn(Setting { on: false, until: Some(At::new(at(9_000))), set, from: "sms".into() });
        board.replace(vec![state]);
        assert_eq!(stand(8_999), (vec![None, Some(false)], vec![]));
        assert_eq!(stand(9_000), (vec![None, Some(true)], vec![SwitchId(1)]));
    }
}
