//! A call that breaks a promise, played from beginning to end and told so that one can read it.

use crate::decide::decision::Act;
use crate::decide::words::places::{contact_name, contact_names, line_name, mailbox_name, menu_name, rule_title};
use crate::journey::{self, Call, Journey, Stop};
use crate::model::call::{Happened, State};
use crate::prove::domain::{Assumed, Domain, Unknown, earlier_calls};
use crate::prove::graph::Graph;
use crate::prove::longest::Path;
use crate::prove::people::Played;
use crate::rules::ruleset::{RuleSet, Verb};

/// A call that breaks a promise.
#[derive(Debug, Clone, PartialEq)]
pub struct CounterExample {
    /// The call.
    pub call: Call,
    /// What becomes of it.
    pub journey: Journey,
}

/// Plays the call of a path; none when no call is like that.
pub(crate) fn play(
    rules: &RuleSet,
    domain: &Domain<'_>,
    graph: &Graph,
    path: &Path,
    assumed: &[Assumed],
) -> Option<CounterExample> {
    let (_, arrival) = path.first()?;
    let arrival = graph.arrivals.get(*arrival)?;
    let witness = domain.witness(graph.zone(arrival.by), assumed)?;
    let call = Call {
        line: graph.lines.get(arrival.by).copied().flatten(),
        caller: witness.caller,
        forwarded_from: witness.forwarded_from,
        attestation: witness.attestation,
        at: witness.at.as_second(),
        state: state(rules, assumed),
    };
    let mut people = Played::default();
    for (from, place) in path {
        let Some(node) = from.and_then(|from| graph.nodes.get(from)) else { continue };
        let coming = node.comings.get(node.ways.get(*place)?.by)?;
        let verb = rules.step(node.key.at.0).map(|step| &step.verb);
        let rung = if let Some(Verb::Ring(ring)) = verb { &*ring.contacts } else { &[] };
        people.add(&coming.does, rung);
    }
    let journey = journey::travel(rules, &call, &mut people);
    Some(CounterExample { call, journey })
}

fn state(rules: &RuleSet, assumed: &[Assumed]) -> State {
    let mut state = State {
        switches: vec![None; rules.switches.len()],
        stale: Vec::new(),
        active_calls: vec![0; rules.contacts.len()],
        earlier_calls: earlier_calls(assumed),
    };
    for (unknown, value) in assumed {
        match unknown {
            Unknown::Switch(switch) => {
                state.switches.get_mut(switch.index()).into_iter().for_each(|place| *place = Some(*value));
            }
            Unknown::Busy(contact) if *value => {
                let most = rules.contact(*contact).and_then(|contact| contact.max_calls).unwrap_or(1);
                state.active_calls.get_mut(contact.index()).into_iter().for_each(|place| *place = most);
            }
            Unknown::Busy(_) | Unknown::Hours(_) | Unknown::Caller(_) | Unknown::Loop(_) | Unknown::Attempt(..) => {}
        }
    }
    state
}

impl CounterExample {
    /// The call in lines: when and who, what must be so, and what each does.
    pub fn lines(&self, rules: &RuleSet) -> Vec<String> {
        let to = match self.call.line {
            Some(line) => format!("to {}", line_name(rules, line)),
            None => "to a number that is in none of the lines".to_owned(),
        };
        let when = self.journey.began.zoned().strftime("%a %Y-%m-%d %H:%M %Q");
        let mut lines = vec![format!("{to} on {when} from {}", self.call.caller)];
        lines.extend(self.circumstances(rules));
        for stop in &self.journey.stops {
            lines.extend(told(rules, stop));
        }
        lines.push(format!("ends as {} after {} s of waiting", self.journey.end.word(), self.journey.waited));
        lines
    }

    /// What is not as usual.
    fn circumstances(&self, rules: &RuleSet) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(number) = &self.call.forwarded_from {
            lines.push(format!("forwarded from {number}"));
        }
        for (switch, set) in rules.switches.iter().zip(&self.call.state.switches) {
            if let Some(on) = set.filter(|on| *on != switch.default) {
                lines.push(format!("switch {} is {}", switch.name, if on { "on" } else { "off" }));
            }
        }
        for (contact, calls) in rules.contacts.iter().zip(&self.call.state.active_calls) {
            if *calls > 0 {
                lines.push(format!("{} is on {calls} of our calls", contact.name));
            }
        }
        if !self.call.state.earlier_calls.is_empty() {
            let count = self.call.state.earlier_calls.len();
            lines.push(format!("the caller has called {count} times before"));
        }
        lines
    }
}

/// What one stop is, and what came of it.
fn told(rules: &RuleSet, stop: &Stop) -> Vec<String> {
    let mut lines = Vec::new();
    for considered in &stop.decision.trace {
        if let crate::decide::trace::Considered::Taken(rule) = considered {
            lines.push(rule_title(rules, *rule));
        }
    }
    let at = stop.at;
    lines.extend(match &stop.decision.plan.act {
        Act::Ring { contacts, .. } => {
            let legs = stop.legs.iter().map(|leg| format!("{} {}", contact_name(rules, leg.contact), leg.leg.word()));
            let legs = legs.collect::<Vec<_>>().join(", ");
            Some(format!("{at:>4} s  ring {}: {legs}", contact_names(rules, contacts)))
        }
        Act::Menu { menu, .. } => Some(format!("{at:>4} s  menu {}", menu_name(rules, *menu))),
        Act::OfferText { mailbox, .. } | Act::Record { mailbox, .. } => {
            Some(format!("{at:>4} s  voicemail {}", mailbox_name(rules, *mailbox)))
        }
        Act::Reject(_) => Some(format!("{at:>4} s  the call is refused")),
        Act::Hangup(_) => Some(format!("{at:>4} s  the caller is hung up on")),
        Act::Handoff { .. } => Some(format!("{at:>4} s  the call is handed off")),
        Act::PromiseText | Act::Thank | Act::Nothing => None,
    });
    if let Happened::Chose { digits, .. } = &stop.happened {
        let pressed =
            if digits.is_empty() { "the caller waits".to_owned() } else { format!("the caller presses {digits}") };
        lines.insert(0, format!("        {pressed}"));
    }
    lines
}
