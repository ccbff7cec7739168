//! Where the facts of a decision come from: a world that knows them, or one that branches.

use crate::decide::trace::Why;
use crate::model::call::{CallFacts, State};
use crate::model::ids::{CallerClassId, ContactId, HoursId, SwitchId};
use crate::model::moment::Moment;
use crate::model::phone::E164;
use crate::rules::ruleset::{CallerClass, RuleSet};

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
        let fact = hours_fact(self.rules, hours, self.now);
        Seen { holds: fact.holds(), why: Why::Hours { hours, fact } }
    }

    fn caller(&mut self, class: CallerClassId) -> Seen {
        let within = self.rules.caller_class(class).is_some_and(|class| is_in(self.facts, class));
        Seen { holds: within, why: Why::Caller { class, within } }
    }

    fn switch(&mut self, switch: SwitchId) -> Seen {
        let set = self.state.switches.get(switch.index()).copied().flatten();
        let on = set.unwrap_or_else(|| self.rules.switch(switch).is_some_and(|switch| switch.default));
        Seen { holds: on, why: Why::Switch { switch, on } }
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

    fn loops(&mut self, contact: ContactId) -> Option<Why> {
        let number = &self.rules.contact(contact)?.number;
        let same = |other: Option<&E164>| other == Some(number);
        let circles = same(self.facts.caller.number()) || same(self.facts.forwarded_from.as_ref());
        circles.then_some(Why::Loop)
    }
}

/// Whether the caller is in the class: one match of any kind is enough.
fn is_in(facts: &CallFacts, class: &CallerClass) -> bool {
    let listed = |number: &E164| {
        class.numbers.binary_search(number).is_ok()
            || class.prefixes.iter().any(|prefix| number.as_str().starts_with(&**prefix))
    };
    facts.caller.number().is_some_and(listed)
        || (class.withheld && facts.caller == crate::model::phone::Caller::Withheld)
        || class.attestation.contains(&facts.attestation)
}

// TEMP until rules::schedule is merged.
fn hours_fact(rules: &RuleSet, hours: HoursId, now: &Moment) -> crate::decide::trace::HoursFact {
    use crate::decide::trace::HoursFact;
    let day = now.date();
    let minute = u16::try_from(i32::from(now.time().hour()) * 60 + i32::from(now.time().minute())).unwrap_or(0);
    let Some(hours) = rules.hours(hours) else { return HoursFact::NoneToday { day } };
    let bit = 1u8 << now.weekday().to_monday_zero_offset();
    for weekly in hours.week.iter().filter(|weekly| weekly.days & bit != 0) {
        if weekly.span.from <= minute && minute < weekly.span.to {
            return HoursFact::Open { span: weekly.span, day };
        }
    }
    HoursFact::NoneToday { day }
}
