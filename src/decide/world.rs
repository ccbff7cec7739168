//! Where the facts of a decision come from: a world that knows them, or one that branches.

use crate::decide::trace::Why;
use crate::model::call::{Attestation, CallFacts, State};
use crate::model::ids::{CallerClassId, ContactId, HoursId, MailboxId, SwitchId};
use crate::model::moment::Moment;
use crate::model::phone::{Caller, E164};
use crate::model::position::{RuleRef, StepRef};
use crate::rules::ruleset::{CallerClass, RuleSet};
use crate::rules::schedule;

/// The answer to a question about the world, with the fact behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Whether it is so.
    pub holds: bool,
    /// The fact.
    pub why: Why,
}

/// What can be asked about the world beyond the rules and the position.
pub trait World {
    /// Whether these hours hold at the moment of the call.
    fn hours(&mut self, hours: HoursId) -> Seen;
    /// Whether the caller is in this class.
    fn caller(&mut self, class: CallerClassId) -> Seen;
    /// Whether this switch is on.
    fn switch(&mut self, switch: SwitchId) -> Seen;
    /// Whether the caller has called at least so often within so many seconds, this call included.
    fn attempt(&mut self, at_least: u8, within: u32) -> Seen;
    /// Why the contact is on too many calls of ours, if so.
    fn busy(&mut self, contact: ContactId, max: u8) -> Option<Why>;
    /// Why ringing the contact would send the call in circles, if so.
    fn loops(&mut self, contact: ContactId) -> Option<Why>;
    /// Whether the caller has a number that a text can be sent to.
    fn can_be_texted(&mut self) -> bool {
        true
    }
    /// The walk has come here: a world that branches may fold what it has assumed on the way.
    fn passing(&mut self, _place: Place) {}
}

/// Where a walk looks at the world next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// At a rule of a flow.
    Rule(RuleRef),
    /// Past the conditions of a rule that is taken.
    Taken(RuleRef),
    /// At a contact of a ring step.
    Contact(StepRef, ContactId),
    /// At a greeting of a mailbox.
    Greeting(MailboxId, u8),
}

/// The world of one real or imagined call: everything is known.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) facts: &'a CallFacts,
    pub(crate) state: &'a State,
    pub(crate) now: &'a Moment,
}

impl World for Known<'_> {
    fn hours(&mut self, hours: HoursId) -> Seen {
        let fact = schedule::fact(self.rules, hours, self.now);
        Seen { holds: fact.holds(), why: Why::Hours { hours, fact } }
    }

    fn caller(&mut self, class: CallerClassId) -> Seen {
        let class_of = self.rules.caller_class(class);
        let within = class_of.is_some_and(|class| belongs(class, &self.facts.caller, self.facts.attestation));
        Seen { holds: within, why: Why::Caller { class, within } }
    }

    fn switch(&mut self, switch: SwitchId) -> Seen {
        let set = self.state.switches.get(switch.index()).copied().flatten();
        let on = set.unwrap_or_else(|| self.rules.switch(switch).is_some_and(|switch| switch.default));
        let stale = self.state.stale.contains(&switch);
        Seen { holds: on, why: if stale { Why::Stale { switch, on } } else { Why::Switch { switch, on } } }
    }

    fn attempt(&mut self, at_least: u8, within: u32) -> Seen {
        let earlier = self.state.earlier_calls.iter().filter(|ago| **ago <= within).count();
        let count = u8::try_from(earlier.saturating_add(1)).unwrap_or(u8::MAX);
        Seen { holds: count >= at_least, why: Why::Attempt { count } }
    }

    fn busy(&mut self, contact: ContactId, max: u8) -> Option<Why> {
        let calls = self.state.active_calls.get(contact.index()).copied().unwrap_or(0);
        (calls >= max).then_some(Why::Busy { calls })
    }

    fn can_be_texted(&mut self) -> bool {
        self.facts.caller.number().is_some()
    }

    fn loops(&mut self, contact: ContactId) -> Option<Why> {
        let number = &self.rules.contact(contact)?.number;
        let same = |other: Option<&E164>| other == Some(number);
        let circles = same(self.facts.caller.number()) || same(self.facts.forwarded_from.as_ref());
        circles.then_some(Why::Loop)
    }
}

/// Whether the caller is in the class: one match of any kind is enough.
pub(crate) fn belongs(class: &CallerClass, caller: &Caller, attestation: Attestation) -> bool {
    let listed = |number: &E164| {
        class.numbers.binary_search(number).is_ok()
            || class.prefixes.iter().any(|prefix| number.as_str().starts_with(&**prefix))
    };
    caller.number().is_some_and(listed)
        || (class.withheld && *caller == Caller::Withheld)
        || class.attestation.contains(&attestation)
}
