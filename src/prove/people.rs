//! What people can do at a stop, and people who do just that.

use std::collections::VecDeque;

use crate::decide::decision::{Act, Decision};
use crate::journey;
use crate::journey::people::{Handed, People, Question, Reply};
use crate::model::call::Happened;
use crate::model::ids::{ContactId, MailboxId};
use crate::model::leg::Leg;
use crate::rules::ruleset::RuleSet;

/// What everybody at a stop does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Does {
    /// All who are rung do this.
    Leg(Leg),
    /// The caller presses this.
    Presses(Box<str>),
    /// The caller waits.
    Waits,
    /// The call that was handed off stays there.
    Kept,
    /// It comes back.
    Returned,
}

/// One thing that can come of a stop.
#[derive(Debug, Clone)]
pub(crate) struct Coming {
    pub(crate) does: Does,
    pub(crate) happened: Happened,
    /// Seconds the caller waits for it.
    pub(crate) took: u32,
}

/// What a person who is rung can do; to hang up in between is the caller's own way of not waiting.
const LEGS: [Leg; 6] = [Leg::NoAnswer, Leg::Answered, Leg::AnsweredNoKey, Leg::Busy, Leg::Declined, Leg::Unreachable];

/// Keys of a telephone, for pressing one that a menu does not have.
pub(crate) const KEYPAD: [&str; 13] = ["0", "9", "8", "7", "6", "5", "4", "3", "2", "1", "*", "#", "00"];

/// Everything that can come of the stop that a decision leads to.
pub(crate) fn comings(rules: &RuleSet, decision: &Decision) -> Vec<Coming> {
    let all: Vec<Does> = match &decision.plan.act {
        Act::Ring { .. } => LEGS.map(Does::Leg).to_vec(),
        Act::Menu { menu, .. } => {
            let keys = rules.menu(*menu).map_or(&[][..], |menu| &menu.keys);
            let wrong = KEYPAD.iter().find(|wrong| !keys.iter().any(|key| *key.digits == ***wrong));
            let pressed = keys.iter().map(|key| key.digits.clone()).chain(wrong.map(|key| Box::from(*key)));
            std::iter::once(Does::Waits).chain(pressed.map(Does::Presses)).collect()
        }
        Act::OfferText { .. } => vec![Does::Waits, Does::Presses("1".into()), Does::Presses("0".into())],
        Act::Handoff { .. } => vec![Does::Kept, Does::Returned],
        Act::Record { .. } | Act::PromiseText | Act::Thank | Act::Reject(_) | Act::Hangup(_) | Act::Nothing => {
            Vec::new()
        }
    };
    let coming = |does: Does| {
        let met = journey::meet(rules, decision, &mut Together(&does));
        Coming { happened: met.happened, took: met.until.min(met.took), does }
    };
    all.into_iter().map(coming).collect()
}

/// Everybody does the same.
struct Together<'a>(&'a Does);

impl People for Together<'_> {
    fn rung(&mut self, _: ContactId) -> Leg {
        if let Does::Leg(leg) = self.0 { *leg } else { Leg::default() }
    }

    fn asked(&mut self, _: Question) -> Reply {
        reply(self.0)
    }

    fn tone(&mut self, _: MailboxId) -> Option<u32> {
        Some(0)
    }

    fn handed_off(&mut self) -> Handed {
        handed(self.0)
    }
}

fn reply(does: &Does) -> Reply {
    if let Does::Presses(digits) = does { Reply::Pressed(digits.clone()) } else { Reply::Silence }
}

const fn handed(does: &Does) -> Handed {
    if matches!(does, Does::Returned) { Handed::Returned } else { Handed::Kept }
}

/// People who do what a path says, stop by stop.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// For each contact, what it does each time it is rung.
    legs: Vec<(ContactId, VecDeque<Leg>)>,
    keys: VecDeque<Reply>,
    handed: VecDeque<Handed>,
}

impl Played {
    /// Adds what everybody does at the next stop; `rung` are those who might be rung there.
    pub(crate) fn add(&mut self, does: &Does, rung: &[ContactId]) {
        match does {
            Does::Leg(leg) => {
                for contact in rung {
                    match self.legs.iter_mut().find(|(other, _)| other == contact) {
                        Some((_, legs)) => legs.push_back(*leg),
                        None => self.legs.push((*contact, VecDeque::from([*leg]))),
                    }
                }
            }
            Does::Presses(_) | Does::Waits => self.keys.push_back(reply(does)),
            Does::Kept | Does::Returned => self.handed.push_back(handed(does)),
        }
    }
}

impl People for Played {
    fn rung(&mut self, contact: ContactId) -> Leg {
        let legs = self.legs.iter_mut().find(|(other, _)| *other == contact);
        legs.and_then(|(_, legs)| legs.pop_front()).unwrap_or_default()
    }

    fn asked(&mut self, _: Question) -> Reply {
        self.keys.pop_front().unwrap_or_default()
    }

    fn tone(&mut self, _: MailboxId) -> Option<u32> {
        Some(10)
    }

    fn handed_off(&mut self) -> Handed {
        self.handed.pop_front().unwrap_or_default()
    }
}
