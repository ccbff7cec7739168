//! Whether two places in two rule sets are written alike, with everything that can come after them: then no call
//! that comes to both can meet anything else, and nothing below needs to be followed.

use std::collections::BTreeSet;

use crate::model::ids::{CallerClassId, CascadeId, ContactId, FlowId, HoursId, MailboxId, MenuId, SwitchId};
use crate::model::position::StepRef;
use crate::prove::pair::Lines;
use crate::prove::pair::domain::Joint;
use crate::rules::ruleset::{Condition, Handoff, Hours, Mailbox, RuleSet, Speech, Step, Test, Texts, Verb};

/// Two places, one in each rule set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Steps(StepRef, StepRef),
    Flow(FlowId, FlowId),
    Menu(MenuId, MenuId),
    Mailbox(MailboxId, MailboxId),
}

/// What is known of places so far.
#[derive(Debug)]
pub(crate) struct Alike<'a> {
    old: &'a RuleSet,
    new: &'a RuleSet,
    /// Whether hours mean the same moments on every line, and every text the same language.
    comparable: bool,
    alike: BTreeSet<Spot>,
    other: BTreeSet<Spot>,
}

impl<'a> Alike<'a> {
    pub(crate) fn new(old: &'a RuleSet, new: &'a RuleSet, joint: &Joint<'_>) -> Self {
        let zones = |lines: &Lines| {
            let line = |rules: &'a RuleSet, id: Option<_>| id.and_then(|id| rules.line(id));
            let (one, other) = (line(old, lines.old), line(new, lines.new));
            one.map_or(&old.zone, |line| &line.zone) == other.map_or(&new.zone, |line| &line.zone)
                && one.map(|line| &line.spoken) == other.map(|line| &line.spoken)
        };
        let comparable = old.languages == new.languages && joint.lines.iter().all(zones);
        Self { old, new, comparable, alike: BTreeSet::new(), other: BTreeSet::new() }
    }

    /// Whether the flows are alike.
    pub(crate) fn flows(&mut self, old: FlowId, new: FlowId) -> bool {
        self.below(Spot::Flow(old, new))
    }

    /// Whether the steps are alike, and all after them.
    pub(crate) fn steps(&mut self, old: StepRef, new: StepRef) -> bool {
        self.below(Spot::Steps(old, new))
    }

    /// Whether the endings are alike.
    pub(crate) fn endings(&mut self) -> bool {
        let start = StepRef { cascade: RuleSet::FINALLY, index: 0 };
        self.steps(start, start)
    }

    /// Looks at everything below at once: what is taken for granted of circles holds only if nothing in them differs.
    fn below(&mut self, root: Spot) -> bool {
        if !self.comparable || self.other.contains(&root) {
            return false;
        }
        let mut seen = BTreeSet::from([root]);
        let mut open = vec![root];
        while let Some(spot) = open.pop() {
            let mut next = Vec::new();
            if self.other.contains(&spot) || !self.same(spot, &mut next) {
                self.other.insert(root);
                return false;
            }
            for spot in next {
                if !self.alike.contains(&spot) && seen.insert(spot) {
                    open.push(spot);
                }
            }
        }
        self.alike.extend(seen);
        true
    }

    fn same(&self, spot: Spot, next: &mut Vec<Spot>) -> bool {
        match spot {
            Spot::Steps(old, new) => self.same_steps(old, new, next),
            Spot::Flow(old, new) => self.same_flow(old, new, next),
            Spot::Menu(old, new) => self.same_menu(old, new, next),
            Spot::Mailbox(old, new) => self.same_mailbox(old, new, next),
        }
    }

    fn same_steps(&self, old: StepRef, new: StepRef, next: &mut Vec<Spot>) -> bool {
        let steps = |rules: &'a RuleSet, at: StepRef| {
            let steps = rules.cascade(at.cascade).map_or(&[][..], |cascade| &cascade.steps);
            steps.get(usize::from(at.index)..).unwrap_or_default()
        };
        let (one, other) = (steps(self.old, old), steps(self.new, new));
        let start = StepRef { cascade: RuleSet::FINALLY, index: 0 };
        if (old.cascade == RuleSet::FINALLY) != (new.cascade == RuleSet::FINALLY) {
            return false;
        }
        next.push(Spot::Steps(start, start));
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| self.same_step(one, other, next))
    }

    fn same_step(&self, old: &Step, new: &Step, next: &mut Vec<Spot>) -> bool {
        match (&old.verb, &new.verb) {
            (Verb::Ring(one), Verb::Ring(other)) => {
                one.seconds == other.seconds && self.all(&one.contacts, &other.contacts, Self::same_contact)
            }
            (Verb::Speak(one), Verb::Speak(other)) => same_speech(one, other),
            (Verb::Menu(one), Verb::Menu(other)) => {
                next.push(Spot::Menu(*one, *other));
                true
            }
            (Verb::Flow { flow: one, language: first }, Verb::Flow { flow: other, language: second }) => {
                next.push(Spot::Flow(*one, *other));
                first == second
            }
            (Verb::Voicemail(one), Verb::Voicemail(other)) => {
                next.push(Spot::Mailbox(*one, *other));
                true
            }
            (Verb::Reject(one), Verb::Reject(other)) => one == other,
            (Verb::Hangup(one), Verb::Hangup(other)) => match (one, other) {
                (Some(one), Some(other)) => same_speech(one, other),
                (one, other) => one.is_none() && other.is_none(),
            },
            (Verb::Text(one), Verb::Text(other)) => {
                one.caller == other.caller
                    && one.body == other.body
                    && self.all(&one.contacts, &other.contacts, Self::same_contact)
            }
            (Verb::Notice(one), Verb::Notice(other)) => {
                let to =
                    |rules: &'a RuleSet, id| RuleSet::channel(rules, id).map(|channel| (channel.kind, &channel.to));
                one.body == other.body && to(self.old, one.channel) == to(self.new, other.channel)
            }
            (Verb::Handoff(one), Verb::Handoff(other)) => match (one, other) {
                (Handoff::Sip { uri: one, seconds: first }, Handoff::Sip { uri: other, seconds: second }) => {
                    one == other && first == second
                }
                (Handoff::Twiml(one), Handoff::Twiml(other)) | (Handoff::Stream(one), Handoff::Stream(other)) => {
                    one == other
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn same_flow(&self, old: FlowId, new: FlowId, next: &mut Vec<Spot>) -> bool {
        let rules = |rules: &'a RuleSet, id| RuleSet::flow(rules, id).map_or(&[][..], |flow| &flow.rules);
        let (one, other) = (rules(self.old, old), rules(self.new, new));
        one.len() == other.len()
            && one.iter().zip(other).all(|(one, other)| {
                next.push(Spot::Steps(first_of(one.cascade), first_of(other.cascade)));
                let missed = match (one.missed, other.missed) {
                    (Some(one), Some(other)) => self.same_escalation(one, other),
                    (one, other) => one.is_none() && other.is_none(),
                };
                missed && self.same_conditions(&one.when, &other.when)
            })
    }

    fn same_menu(&self, old: MenuId, new: MenuId, next: &mut Vec<Spot>) -> bool {
        let (Some(one), Some(other)) = (self.old.menu(old), self.new.menu(new)) else { return false };
        let otherwise = match (one.otherwise, other.otherwise) {
            (Some(one), Some(other)) => {
                next.push(Spot::Steps(first_of(one), first_of(other)));
                true
            }
            (one, other) => one.is_none() && other.is_none(),
        };
        otherwise
            && same_speech(&one.prompt, &other.prompt)
            && one.wait == other.wait
            && one.tries == other.tries
            && one.keys.len() == other.keys.len()
            && one.keys.iter().zip(&other.keys).all(|(one, other)| {
                next.push(Spot::Steps(first_of(one.cascade), first_of(other.cascade)));
                one.digits == other.digits && one.words == other.words
            })
    }

    fn same_mailbox(&self, old: MailboxId, new: MailboxId, _next: &mut Vec<Spot>) -> bool {
        let (Some(one), Some(other)) = (self.old.mailbox(old), self.new.mailbox(new)) else { return false };
        let offer = |mailbox: &'a Mailbox| mailbox.offer_text.as_ref().map(|offer| (&*offer.say.0, &offer.body));
        crate::journey::observe::same_mailbox((self.old, one), (self.new, other))
            && offer(one) == offer(other)
            && same_speech(&one.greeting, &other.greeting)
            && one.greetings.len() == other.greetings.len()
            && one.greetings.iter().zip(&other.greetings).all(|(one, other)| {
                same_speech(&one.speech, &other.speech) && self.same_conditions(&one.when, &other.when)
            })
    }

    fn same_escalation(&self, old: crate::model::ids::EscalationId, new: crate::model::ids::EscalationId) -> bool {
        crate::journey::observe::same_escalation((self.old, old), (self.new, new)) == (true, true)
    }

    fn same_conditions(&self, old: &[Condition], new: &[Condition]) -> bool {
        old.len() == new.len()
            && old.iter().zip(new).all(|(one, other)| {
                one.negated == other.negated
                    && match (&one.test, &other.test) {
                        (Test::Hours(one), Test::Hours(other)) => self.all(one, other, Self::same_hours),
                        (Test::Caller(one), Test::Caller(other)) => self.all(one, other, Self::same_class),
                        (Test::Switch(one), Test::Switch(other)) => self.all(one, other, Self::same_switch),
                        (Test::Line(one), Test::Line(other)) => {
                            let number = |rules: &'a RuleSet, id| RuleSet::line(rules, id).map(|line| &line.number);
                            let (one, other) = (
                                one.iter().map(|id| number(self.old, *id)).collect::<BTreeSet<_>>(),
                                other.iter().map(|id| number(self.new, *id)).collect::<BTreeSet<_>>(),
                            );
                            one == other
                        }
                        (Test::Language(one), Test::Language(other)) => one == other,
                        (
                            Test::Attempt { at_least: one, within: first },
                            Test::Attempt { at_least: other, within: second },
                        ) => one == other && first == second,
                        _ => false,
                    }
            })
    }

    fn all<Id: Copy>(&self, old: &[Id], new: &[Id], same: fn(&Self, Id, Id) -> bool) -> bool {
        old.len() == new.len() && old.iter().zip(new).all(|(one, other)| same(self, *one, *other))
    }

    fn same_contact(&self, old: ContactId, new: ContactId) -> bool {
        let (Some(one), Some(other)) = (self.old.contact(old), self.new.contact(new)) else { return false };
        let away = match (one.away, other.away) {
            (Some(one), Some(other)) => self.same_switch(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        away && one.number == other.number
            && one.confirm == other.confirm
            && one.show == other.show
            && one.notify == other.notify
            && one.max_calls == other.max_calls
            && one.callable == other.callable
            && one.barred == other.barred
    }

    fn same_switch(&self, old: SwitchId, new: SwitchId) -> bool {
        let of = |rules: &'a RuleSet, id| RuleSet::switch(rules, id).map(|switch| (&switch.name, switch.default));
        of(self.old, old) == of(self.new, new)
    }

    fn same_class(&self, old: CallerClassId, new: CallerClassId) -> bool {
        let (Some(one), Some(other)) = (self.old.caller_class(old), self.new.caller_class(new)) else { return false };
        one.numbers == other.numbers
            && one.prefixes == other.prefixes
            && one.withheld == other.withheld
            && one.attestation == other.attestation
    }

    fn same_hours(&self, old: HoursId, new: HoursId) -> bool {
        let (Some(one), Some(other)) = (self.old.hours(old), self.new.hours(new)) else { return false };
        let days = |hours: &'a Hours| hours.dates.iter().map(|dated| (dated.day, &*dated.open));
        let closed = |rules: &'a RuleSet, hours: &'a Hours| {
            let lists = hours.closed.iter().filter_map(|id| rules.holiday_list(*id));
            lists.flat_map(|list| list.days.iter().map(|holiday| (holiday.on, holiday.days)))
        };
        one.week == other.week && days(one).eq(days(other)) && closed(self.old, one).eq(closed(self.new, other))
    }
}

const fn first_of(cascade: CascadeId) -> StepRef {
    StepRef { cascade, index: 0 }
}

fn same_speech(old: &Speech, new: &Speech) -> bool {
    let same = |one: &Texts, other: &Texts| one.0 == other.0;
    match (old, new) {
        (Speech::Say(one), Speech::Say(other)) => same(one, other),
        (Speech::Play { audio: one, else_say: first }, Speech::Play { audio: other, else_say: second }) => {
            one == other
                && match (first, second) {
                    (Some(first), Some(second)) => same(first, second),
                    (first, second) => first.is_none() && second.is_none(),
                }
        }
        _ => false,
    }
}
