//! The callee's leg: who picks up is told of the call and asked to take it.

use crate::decide::choice;
use crate::model::call::KeyRecord;
use crate::model::ids::{ContactId, LineId};
use crate::rules::ruleset::{Confirm, RuleSet};

/// How often a callee is asked before the leg is given up.
pub const ASKS: u8 = 2;

/// The key that takes a call.
pub const ACCEPT_KEY: &str = "1";

/// The key that refuses a call.
pub const DECLINE_KEY: &str = "2";

/// Where a callee's leg stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenFacts<'a> {
    /// Who picked up, or whose mailbox did.
    pub contact: ContactId,
    /// The line that was called, to be announced.
    pub line: Option<LineId>,
    /// How often the callee has been asked: 0 when the leg has just been answered.
    pub asked: u8,
    /// The keys pressed since; empty for none.
    pub digits: &'a str,
    /// What was said since; empty for nothing.
    pub speech: &'a str,
}

/// What the callee meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// Hears which line is called and by whom, and is asked to take the call.
    Ask {
        /// Who is asked.
        contact: ContactId,
        /// The line to announce.
        line: Option<LineId>,
        /// How the callee can say yes: by key, or by voice too.
        confirm: Confirm,
        /// How often the callee will have been asked then; more than 1 for a repetition.
        asked: u8,
    },
    /// Is connected.
    Connect,
    /// Has refused, and is hung up on.
    Decline,
    /// Has done nothing, and is hung up on: likely a mailbox.
    GiveUp,
}

impl Screen {
    /// What is to be remembered of it until the ring is over.
    pub const fn record(self) -> KeyRecord {
        match self {
            Self::Ask { .. } | Self::GiveUp => KeyRecord::Silent,
            Self::Connect => KeyRecord::Accepted,
            Self::Decline => KeyRecord::Declined,
        }
    }
}

/// Decides what the callee meets next. A contact who is not in these rules is asked by key.
pub fn screen(rules: &RuleSet, facts: ScreenFacts<'_>) -> Screen {
    let confirm = rules.contact(facts.contact).map_or(Confirm::Key, |contact| contact.confirm);
    if confirm == Confirm::None {
        return Screen::Connect;
    }
    if facts.asked > 0 {
        match answer(confirm, facts.digits, facts.speech) {
            Some(true) => return Screen::Connect,
            Some(false) => return Screen::Decline,
            None => {}
        }
    }
    if facts.asked >= ASKS {
        return Screen::GiveUp;
    }
    let asked = facts.asked.saturating_add(1);
    Screen::Ask { contact: facts.contact, line: facts.line, confirm, asked }
}

/// Words that take a call, in the languages that carriers' recognizers hear unasked.
const YES: [&str; 10] = ["yes", "yeah", "yep", "sure", "okay", "ok", "accept", "oui", "ja", "sí"];

/// Words that refuse a call; they count before the others, so that "no, not okay" refuses.
const NO: [&str; 6] = ["no", "nope", "decline", "reject", "nein", "non"];

fn answer(confirm: Confirm, digits: &str, speech: &str) -> Option<bool> {
    match digits {
        ACCEPT_KEY => return Some(true),
        DECLINE_KEY => return Some(false),
        _ => {}
    }
    let heard = |words: &[&str]| confirm == Confirm::Voice && words.iter().any(|word| choice::says(speech, word));
    if heard(&NO) {
        Some(false)
    } else if heard(&YES) {
        Some(true)
    } else {
        None
    }
}
