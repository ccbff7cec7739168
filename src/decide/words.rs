//! A trace in plain words: for `explain`, for the audit record, for the owner's one sentence.

pub mod effects;
pub mod facts;
pub mod places;
pub mod sentence;

use crate::decide::trace::{Circle, Considered, StepOutcome, Trace, Why};
use crate::model::call::LegOutcome;
use crate::model::moment::Moment;
use crate::model::position::{RuleRef, StepRef};
use crate::rules::ruleset::{RuleSet, Verb};

/// One thing considered, in words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    /// How deep it stands in the tree: flows and steps at 0, rules below their flow, and so on.
    pub depth: u8,
    /// The place in the rules, such as `flows/urgent/0/cascade/1`; empty when it has none.
    pub path: String,
    /// What came of it.
    pub verdict: Verdict,
    /// What it is.
    pub what: String,
    /// The fact that decided it; empty when there is nothing to say.
    pub why: String,
}

/// What came of something considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It was reported by the request.
    Reported,
    /// It was come to.
    Reached,
    /// It held and was taken.
    Taken,
    /// It did not hold.
    NotTaken,
    /// A condition that held.
    Held,
    /// Somebody who was left out.
    Skipped,
    /// Somebody who is rung.
    Rung,
    /// Something is amiss.
    Amiss,
}

impl Verdict {
    /// The word for it in records and drawings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Reached => "reached",
            Self::Taken => "taken",
            Self::NotTaken => "not_taken",
            Self::Held => "held",
            Self::Skipped => "skipped",
            Self::Rung => "rung",
            Self::Amiss => "amiss",
        }
    }
}

/// Puts a trace into words. `now` is the moment that the decision was made for.
///
/// The conditions of a rule that held come after the rule itself, so that the lines make a tree.
pub fn words(rules: &RuleSet, now: &Moment, trace: &Trace) -> Vec<Line> {
    let mut lines = Vec::with_capacity(trace.len());
    let mut held = Vec::new();
    for considered in trace {
        let line = line(rules, now, considered);
        if matches!(considered, Considered::Held { .. }) {
            held.push(line);
        } else {
            lines.push(line);
            lines.append(&mut held);
        }
    }
    lines.append(&mut held);
    lines
}

/// Puts one thing into words.
pub fn line(rules: &RuleSet, now: &Moment, considered: &Considered) -> Line {
    match considered {
        Considered::Line(line) => {
            let number = rules.line(*line).map_or("", |line| line.number.as_str());
            let what = format!("line {} ({number})", places::line_name(rules, *line));
            Line::new(0, Verdict::Reached, places::line(rules, *line), what)
        }
        Considered::Outcome { at, what } => {
            let said = outcome(rules, *at, *what);
            Line::new(0, Verdict::Reported, places::step(rules, *at), said)
        }
        Considered::Flow(flow) => {
            let what = format!("flow {}", places::flow_name(rules, *flow));
            Line::new(0, Verdict::Reached, places::flow(rules, *flow), what)
        }
        Considered::NoRule(flow) => {
            let what = format!("no rule of flow {}", places::flow_name(rules, *flow));
            Line::new(1, Verdict::NotTaken, places::flow(rules, *flow), what)
        }
        Considered::Taken(rule) => taken(rules, *rule),
        Considered::Passed { rule, condition, why } => {
            Line { what: places::rule_title(rules, *rule), ..of_condition(rules, now, (*rule, *condition), why, false) }
        }
        Considered::Held { rule, condition, why } => of_condition(rules, now, (*rule, *condition), why, true),
        Considered::Step(at) => {
            Line::new(0, Verdict::Reached, places::step(rules, *at), places::step_title(rules, *at))
        }
        Considered::Skipped { at, contact, why } => {
            let line = Line::of_contact(rules, *at, *contact, Verdict::Skipped);
            Line { why: facts::why(rules, now, why), ..line }
        }
        Considered::Rung { at, contact } => Line::of_contact(rules, *at, *contact, Verdict::Rung),
        Considered::NobodyThere(at) => {
            Line::new(1, Verdict::Skipped, places::step(rules, *at), "nobody to ring: next step".into())
        }
        Considered::Greeting(place) => {
            let what = format!("greeting #{} fits this moment", u16::from(*place) + 1);
            Line::new(1, Verdict::Held, String::new(), what)
        }
        Considered::Finally => Line::new(0, Verdict::Reached, "finally".into(), "finally".into()),
        Considered::Circling(circle) => {
            let what = match circle {
                Circle::OwnNumber => "the call goes in circles: it comes from a number of our own".to_owned(),
                Circle::Forwarded => "the call goes in circles: a number of our own forwarded it to us".to_owned(),
                Circle::Burst { calls } => {
                    format!("the call goes in circles: it is the caller's call number {calls} within a minute")
                }
            };
            Line::new(0, Verdict::Amiss, String::new(), what)
        }
        Considered::UnknownLine
        | Considered::TooManyHops
        | Considered::StrangePosition
        | Considered::EndOfFinally
        | Considered::CallerGone => plain(considered),
    }
}

/// What has no place in the rules.
fn plain(considered: &Considered) -> Line {
    let (verdict, what) = if matches!(considered, Considered::UnknownLine) {
        (Verdict::Amiss, "the number called is none of our lines")
    } else if matches!(considered, Considered::TooManyHops) {
        (Verdict::Amiss, "the call has had as many answers as one call may have")
    } else if matches!(considered, Considered::StrangePosition) {
        (Verdict::Amiss, "the place in the address is not in these rules")
    } else if matches!(considered, Considered::CallerGone) {
        (Verdict::Reported, "the caller has hung up")
    } else {
        (Verdict::Reached, "the end of finally: hang up")
    };
    Line::new(0, verdict, String::new(), what.into())
}

impl Line {
    const fn new(depth: u8, verdict: Verdict, path: String, what: String) -> Self {
        Self { depth, path, verdict, what, why: String::new() }
    }

    fn of_contact(rules: &RuleSet, at: StepRef, id: crate::model::ids::ContactId, verdict: Verdict) -> Self {
        let name = places::contact_name(rules, id);
        let path = format!("{}/ring/{name}", places::step(rules, at));
        Self::new(1, verdict, path, name.to_owned())
    }
}

fn taken(rules: &RuleSet, at: RuleRef) -> Line {
    let always = rules.rule(at).is_some_and(|rule| rule.when.is_empty());
    let why = if always { "it has no condition" } else { "all of its conditions hold" };
    let line = Line::new(1, Verdict::Taken, places::rule(rules, at), places::rule_title(rules, at));
    Line { why: why.into(), ..line }
}

fn of_condition(rules: &RuleSet, now: &Moment, at: (RuleRef, u8), why: &Why, held: bool) -> Line {
    let (rule, place) = at;
    let fact = facts::why(rules, now, why);
    let condition = rules.rule(rule).and_then(|rule| rule.when.get(usize::from(place)));
    let path = places::condition(rules, rule, condition);
    let Some(condition) = condition else {
        return Line { depth: 1, path, verdict: Verdict::Amiss, what: String::new(), why: fact };
    };
    if held {
        let what = facts::asked(rules, condition);
        return Line { depth: 2, path, verdict: Verdict::Held, what, why: fact };
    }
    let question = facts::question(rules, condition);
    let more = if condition.negated { ", and the rule is not for that" } else { facts::others(condition) };
    Line { depth: 1, path, verdict: Verdict::NotTaken, what: String::new(), why: format!("{question}{fact}{more}") }
}

fn outcome(rules: &RuleSet, at: StepRef, what: StepOutcome) -> String {
    match what {
        StepOutcome::Rang(leg) => match leg {
            LegOutcome::Connected(Some(contact)) => {
                format!("{} took the call", places::contact_name(rules, contact))
            }
            LegOutcome::Connected(None) => "the call was taken".into(),
            LegOutcome::NoKey => "picked up, no key was pressed".into(),
            LegOutcome::Declined => "declined by key".into(),
            LegOutcome::Busy => "busy".into(),
            LegOutcome::NoAnswer => "no answer".into(),
            LegOutcome::Failed => "could not be reached".into(),
            LegOutcome::Canceled => "canceled".into(),
        },
        StepOutcome::Key(place) => {
            let menu = match rules.step(at).map(|step| &step.verb) {
                Some(Verb::Menu(menu)) => rules.menu(*menu),
                _ => None,
            };
            let key = menu.and_then(|menu| menu.keys.get(usize::from(place)));
            format!("the caller chose {}", key.map_or("a key", |key| &key.digits))
        }
        StepOutcome::WrongKey => "the caller chose nothing that is offered".into(),
        StepOutcome::Silence => "the caller chose nothing".into(),
        StepOutcome::Message(Some(0)) => "the caller left no message".into(),
        StepOutcome::Message(Some(seconds)) => format!("the caller left a message of {seconds} s"),
        StepOutcome::Message(None) => "the caller left a message".into(),
        StepOutcome::WantsText => "the caller would rather have a text".into(),
        StepOutcome::Returned => "the call came back".into(),
    }
}
