//! Who writes, and which switches are in that person's hands.

use crate::model::ids::{ContactId, SwitchId};
use crate::model::phone::E164;
use crate::rules::ruleset::{RuleSet, Switch};

/// A contact of the rules who writes; one number may be several contacts.
#[derive(Debug, Clone)]
pub struct Sender<'a> {
    rules: &'a RuleSet,
    /// Who it is, by every name that has this number.
    pub contacts: Vec<ContactId>,
    /// The switches that this person may turn.
    pub switches: Vec<SwitchId>,
}

impl<'a> Sender<'a> {
    /// The contact with that number; none for a stranger, who gets no answer.
    pub fn find(rules: &'a RuleSet, number: &E164) -> Option<Self> {
        let named = |count: usize| u16::try_from(count).ok();
        let contacts: Vec<_> = rules
            .contacts
            .iter()
            .enumerate()
            .filter(|(_, contact)| contact.number == *number)
            .filter_map(|(place, _)| named(place).map(ContactId))
            .collect();
        if contacts.is_empty() {
            return None;
        }
        let switches = rules
            .switches
            .iter()
            .enumerate()
            .filter(|(_, switch)| switch.set_by.iter().any(|who| contacts.contains(who)))
            .filter_map(|(place, _)| named(place).map(SwitchId))
            .collect();
        Some(Self { rules, contacts, switches })
    }

    /// The rules that know this person.
    pub const fn rules(&self) -> &'a RuleSet {
        self.rules
    }

    /// The first name, for records.
    pub fn name(&self) -> &'a str {
        let first = self.contacts.first().and_then(|id| self.rules.contact(*id));
        first.map_or("", |contact| &contact.name)
    }

    /// Whether the switch is in this person's hands.
    pub fn may(&self, switch: SwitchId) -> bool {
        self.switches.contains(&switch)
    }

    /// The switch of that id.
    pub(crate) fn switch(&self, id: SwitchId) -> Option<&'a Switch> {
        self.rules.switch(id)
    }

    /// The switches meant by `AWAY`: this person's own, or any person's that is in the sender's hands.
    pub(crate) fn away(&self) -> Vec<SwitchId> {
        let of = |whose: &dyn Fn(ContactId) -> bool| -> Vec<SwitchId> {
            let mut found: Vec<_> = self
                .rules
                .contacts
                .iter()
                .enumerate()
                .filter(|(place, _)| u16::try_from(*place).is_ok_and(|place| whose(ContactId(place))))
                .filter_map(|(_, contact)| contact.away)
                .filter(|switch| self.may(*switch))
                .collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let own = of(&|contact| self.contacts.contains(&contact));
        if own.is_empty() { of(&|_| true) } else { own }
    }

    /// The switches meant by `CLOSED`: those whose name says so.
    pub(crate) fn closed(&self) -> Vec<SwitchId> {
        let says_so = |id: &SwitchId| self.switch(*id).is_some_and(|switch| switch.name.contains("close"));
        self.switches.iter().copied().filter(says_so).collect()
    }
}
