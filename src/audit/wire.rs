//! Our words put into their written form, with names instead of indexes.

use jiff::Timestamp;

use crate::audit::record::{Decided, Effected, Facts, Place, Received, StateRead};
use crate::decide::decision::{Act, Decision, Effect};
use crate::model::call::{CallFacts, Happened, LegOutcome, State};
use crate::model::ids::ContactId;
use crate::model::moment::{Moment, Zone};
use crate::model::phone::Caller;
use crate::model::position::{Position, RuleRef, StepRef};
use crate::rules::ruleset::{Refusal, RuleSet};

/// A step as URLs write it: cascade and place.
pub fn step(at: StepRef) -> String {
    format!("{}.{}", at.cascade.0, at.index)
}

/// A rule as URLs write it: flow and place.
pub fn rule(at: RuleRef) -> String {
    format!("{}.{}", at.flow.0, at.index)
}

impl Received {
    /// The moment without its written forms, which the journal does not keep.
    pub fn unwritten(now: Timestamp, zone: &Zone) -> Self {
        Self { us: now.as_microsecond(), zone: zone.name().to_owned(), ..Self::default() }
    }

    /// The same with its written forms.
    pub fn written(self) -> Self {
        let zone = Zone::named(&self.zone).unwrap_or_else(Zone::utc);
        let now = Timestamp::from_microsecond(self.us).unwrap_or_default();
        if self.utc.is_empty() { Self { zone: self.zone, ..Self::at(now, &zone) } } else { self }
    }

    /// The moment, with the zone of the line.
    pub fn at(now: Timestamp, zone: &Zone) -> Self {
        let local = Moment::new(now, zone);
        let universal = Moment::new(now, &Zone::utc());
        let mut utc = local_time(&universal);
        utc.push('Z');
        let mut here = local_time(&local);
        let offset = local.zoned().offset().seconds() / 60;
        here.push(if offset < 0 { '-' } else { '+' });
        two(&mut here, offset.abs() / 60);
        here.push(':');
        two(&mut here, offset.abs() % 60);
        Self { us: now.as_microsecond(), utc, local: here, zone: zone.name().to_owned() }
    }
}

/// `2026-11-21T05:19:32.270042`; written by hand because each request needs it twice.
fn local_time(moment: &Moment) -> String {
    let (date, time) = (moment.date(), moment.time());
    let mut out = String::with_capacity(32);
    two(&mut out, i32::from(date.year() / 100));
    two(&mut out, i32::from(date.year() % 100));
    for (mark, number) in [
        ('-', i32::from(date.month())),
        ('-', i32::from(date.day())),
        ('T', i32::from(time.hour())),
        (':', i32::from(time.minute())),
        (':', i32::from(time.second())),
    ] {
        out.push(mark);
        two(&mut out, number);
    }
    out.push('.');
    let micros = time.subsec_nanosecond() / 1000;
    [micros / 10_000, micros / 100 % 100, micros % 100].into_iter().for_each(|pair| two(&mut out, pair));
    out
}

/// Two digits.
fn two(out: &mut String, number: i32) {
    for digit in [number / 10 % 10, number % 10] {
        out.push(u8::try_from(digit).map_or('?', |digit| char::from(b'0' + digit)));
    }
}

impl Facts {
    /// The facts of a call to the number `called`, named by the rules that it was decided under.
    pub fn of(rules: &RuleSet, facts: &CallFacts, called: &str) -> Self {
        let connected = if let Happened::Rang(LegOutcome::Connected(Some(contact))) = &facts.happened {
            contact_name(rules, *contact)
        } else {
            None
        };
        let line = facts.line.and_then(|line| rules.line(line)).map(|line| line.name.to_string());
        Self { line, connected, ..Self::unnamed(facts, called) }
    }

    /// The same without the names that rules give.
    pub fn unnamed(facts: &CallFacts, called: &str) -> Self {
        let mut written = Self {
            called: called.to_owned(),
            caller: facts.caller.to_string(),
            caller_is: caller_is(&facts.caller).to_owned(),
            attestation: facts.attestation.word().to_owned(),
            forwarded_from: facts.forwarded_from.as_ref().map(|number| number.as_str().to_owned()),
            ..Self::default()
        };
        let happened = match &facts.happened {
            Happened::Arrived => "arrived",
            Happened::Rang(outcome) => {
                written.outcome = Some(outcome.word().to_owned());
                "rang"
            }
            Happened::Chose { digits, speech } => {
                written.digits = Some(digits.to_string());
                written.speech = (!speech.is_empty()).then(|| speech.to_string());
                "chose"
            }
            Happened::Recorded { seconds } => {
                written.seconds = *seconds;
                "recorded"
            }
            Happened::Returned => "returned",
            Happened::Gone => "gone",
        };
        happened.clone_into(&mut written.happened);
        written
    }
}

impl Place {
    /// The position, named by its rules.
    pub fn of(rules: &RuleSet, position: &Position) -> Self {
        let missed = position.missed.and_then(|id| rules.escalation(id));
        Self {
            step: position.step.map(step),
            stage: position.stage,
            hop: position.hop,
            language: position.language,
            missed: missed.map(|escalation| escalation.name.to_string()),
            rule: position.rule.map(rule),
        }
    }
}

impl StateRead {
    /// The state, named by its rules; what stands at its default is left out.
    pub fn of(rules: &RuleSet, state: &State) -> Self {
        let switches = rules.switches.iter().zip(&state.switches);
        let contacts = rules.contacts.iter().zip(&state.active_calls);
        Self {
            switches: switches.filter_map(|(switch, on)| on.map(|on| (switch.name.to_string(), on))).collect(),
            stale: state.stale.iter().filter_map(|id| Some(rules.switch(*id)?.name.to_string())).collect(),
            active_calls: contacts
                .filter(|(_, calls)| **calls > 0)
                .map(|(contact, calls)| (contact.name.to_string(), *calls))
                .collect(),
            earlier_calls: state.earlier_calls.clone(),
            line: None,
        }
    }
}

impl Decided {
    /// The decision, named by its rules; `plan` is the whole in a sentence.
    pub fn of(rules: &RuleSet, decision: &Decision, plan: String) -> Self {
        let mut written =
            Self { end: decision.end.map(|end| end.word().to_owned()), plan, ..Self::act(rules, &decision.plan.act) };
        if written.step.is_none() {
            written.step = decision.plan.speak.last().copied().map(step);
        }
        written
    }

    fn act(rules: &RuleSet, act: &Act) -> Self {
        let mailbox = |id| rules.mailbox(id).map(|mailbox| mailbox.name.to_string());
        let named = |at: Option<StepRef>, name| Self {
            act: act.word().to_owned(),
            step: at.map(step),
            name,
            ..Self::default()
        };
        match act {
            Act::Ring { at, contacts, seconds } => Self {
                contacts: contacts.iter().filter_map(|contact| contact_name(rules, *contact)).collect(),
                seconds: Some(*seconds),
                ..named(Some(*at), None)
            },
            Act::Menu { at, menu, .. } => named(Some(*at), rules.menu(*menu).map(|menu| menu.name.to_string())),
            Act::OfferText { at, mailbox: id, .. } | Act::Record { at, mailbox: id, .. } => {
                named(Some(*at), mailbox(*id))
            }
            Act::PromiseText | Act::Thank | Act::Nothing => named(None, None),
            Act::Reject(refusal) => named(None, Some(refusal_word(*refusal).to_owned())),
            Act::Hangup(at) => named(*at, None),
            Act::Handoff { at } => named(Some(*at), None),
        }
    }
}

impl Effected {
    /// The effect with its name within the call.
    pub fn of(rules: &RuleSet, effect: &Effect) -> Self {
        let mailbox = |id| rules.mailbox(id).map(|mailbox| mailbox.name.to_string());
        let (kind, at, to) = match effect {
            Effect::Text { at } => ("text", Some(*at), None),
            Effect::Notice { at, channel } => {
                ("notice", Some(*at), rules.channel(*channel).map(|channel| channel.name.to_string()))
            }
            Effect::OfferedText { at, mailbox: id } => ("offered_text", Some(*at), mailbox(*id)),
            Effect::Missed { escalation } => return Self::missed(rules.escalation(*escalation).map(|it| &*it.name)),
            Effect::Message { mailbox: id } => ("message", None, mailbox(*id)),
        };
        let key = at.map_or_else(|| kind.to_owned(), |at| format!("{kind}@{}", step(at)));
        Self { key, kind: kind.to_owned(), step: at.map(step), to }
    }

    /// The start of the escalation of that name; one call has one.
    pub fn missed(escalation: Option<&str>) -> Self {
        let kind = "missed".to_owned();
        Self { key: kind.clone(), kind, step: None, to: escalation.map(str::to_owned) }
    }
}

const fn caller_is(caller: &Caller) -> &'static str {
    match caller {
        Caller::Number(_) => "number",
        Caller::Withheld => "withheld",
        Caller::Sip(_) => "sip",
        Caller::Client(_) => "client",
        Caller::Malformed(_) => "malformed",
    }
}

const fn refusal_word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Busy => "busy",
        Refusal::Closed => "closed",
    }
}

fn contact_name(rules: &RuleSet, id: ContactId) -> Option<String> {
    rules.contact(id).map(|contact| contact.name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_standard_says() {
        for (zone, second) in [("America/St_Johns", 1_795_238_372), ("Asia/Kathmandu", 951_782_399), ("UTC", 0)] {
            let zone = Zone::named(zone).unwrap_or_else(Zone::utc);
            let now = Timestamp::new(second, 70_042_999).unwrap();
            let written = Received::at(now, &zone);
            assert_eq!(written.utc, now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
            let local = now.to_zoned(zone.table().clone());
            assert_eq!(written.local, local.strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string());
        }
    }
}
