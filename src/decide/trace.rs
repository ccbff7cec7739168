//! The reasons of a decision: every rule, condition, step and contact considered, in order.
//!
//! It holds indexes and values, not words: [`words`](crate::decide::words) tells them with the rule set at hand.
//! Traces are kept in this form, by the names of the variants: one that gets another name cannot be read any more.

use serde::{Deserialize, Serialize};

use crate::model::ids::{CallerClassId, ContactId, FlowId, HoursId, LineId, SwitchId};
use crate::model::position::{RuleRef, StepRef};
use crate::rules::bar::Bar;
pub use crate::rules::schedule::HoursFact;

/// What was considered, in order.
pub type Trace = Vec<Considered>;

/// One thing considered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Considered {
    /// The call came in on this line.
    Line(LineId),
    /// The number called is in none of the lines.
    UnknownLine,
    /// What the request reported about the step before.
    Outcome {
        /// The step.
        at: StepRef,
        /// What came of it.
        what: StepOutcome,
    },
    /// A flow was entered.
    Flow(FlowId),
    /// A rule held and was taken.
    Taken(RuleRef),
    /// A rule did not hold: the first condition that failed, and the fact that failed it.
    Passed {
        /// The rule.
        rule: RuleRef,
        /// Which of its conditions.
        condition: u8,
        /// The fact.
        why: Why,
    },
    /// A condition of a rule held, by this fact.
    Held {
        /// The rule.
        rule: RuleRef,
        /// Which of its conditions.
        condition: u8,
        /// The fact.
        why: Why,
    },
    /// No rule of the flow held.
    NoRule(FlowId),
    /// A step was reached.
    Step(StepRef),
    /// A contact of a ring step was left out.
    Skipped {
        /// The step.
        at: StepRef,
        /// Who.
        contact: ContactId,
        /// The fact.
        why: Why,
    },
    /// A contact of a ring step is rung.
    Rung {
        /// The step.
        at: StepRef,
        /// Who.
        contact: ContactId,
    },
    /// A step was passed over because nobody of it could be rung.
    NobodyThere(StepRef),
    /// A greeting was chosen because its conditions held.
    Greeting(u8),
    /// A cascade ran out, and the ending of every call begins.
    Finally,
    /// The call had all the answers that one call may have, and the ending of every call begins.
    TooManyHops,
    /// The position in the URL is not one of these rules, and the ending of every call begins.
    StrangePosition,
    /// The call goes in circles, and the ending of every call begins.
    Circling(Circle),
    /// The ending is over, and the call is hung up on.
    EndOfFinally,
    /// The caller had hung up.
    CallerGone,
}

/// How it shows that a call goes in circles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Circle {
    /// It comes from a number of our own.
    OwnNumber,
    /// A number of our own forwarded it to us.
    Forwarded,
    /// The caller has called so often within a minute as nobody can dial.
    Burst {
        /// The count, this call included.
        calls: u8,
    },
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepOutcome {
    /// A ring ended.
    Rang(crate::model::call::LegOutcome),
    /// A key of a menu was chosen, as an index into its keys.
    Key(u8),
    /// Something was pressed or said that is no choice.
    WrongKey,
    /// Nothing was pressed or said.
    Silence,
    /// A message of so many seconds was left, when told.
    Message(Option<u32>),
    /// A text instead of a message was asked for.
    WantsText,
    /// A hand-off gave the call back.
    Returned,
}

/// The fact that decided a condition, with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The hours hold, or do not, at the local time of the call.
    Hours {
        /// Which hours.
        hours: HoursId,
        /// What the calendar says.
        fact: HoursFact,
    },
    /// Being in a class of callers, or not.
    Caller {
        /// Which class; the first asked when several were.
        class: CallerClassId,
        /// Whether the caller is in it.
        within: bool,
    },
    /// A switch's position.
    Switch {
        /// Which switch.
        switch: SwitchId,
        /// Whether it is on.
        on: bool,
    },
    /// A switch's position while its source has told nothing for too long.
    Stale {
        /// Which switch.
        switch: SwitchId,
        /// Whether it is on.
        on: bool,
    },
    /// The line that was called.
    Line(Option<LineId>),
    /// The language of the call.
    Language(u8),
    /// How often the caller has called within the stretch, this call included.
    Attempt {
        /// The count.
        count: u8,
    },
    /// The contact cannot be rung at all.
    NotCallable,
    /// The contact is on that many calls of ours.
    Busy {
        /// The count.
        calls: u8,
    },
    /// The contact's number is the caller's own, or the one that forwarded the call to us: it would go in circles.
    Loop,
    /// The contact's number costs extra, or is in a country that is not listed.
    Barred(Bar),
    /// Assumed for the sake of a proof.
    Assumed(bool),
}
