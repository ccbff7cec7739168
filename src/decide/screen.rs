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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{NoFiles, load};

    const RULES: &str = r#"
version: 1
timezone: America/Chicago
numbers: ["+13125550100"]
contacts:
  key: "+13125550111"
  voice: { number: "+13125550112", confirm: voice }
  free: { number: "+13125550113", confirm: none }
routes: [{ cascade: [{ ring: key }, { ring: voice }, { ring: free }] }]
finally: { voicemail: Please leave a message. }
"#;

    fn met(contact: &str, asked: u8, digits: &str, speech: &str) -> Screen {
        let rules = load("screen.yaml", RULES.as_bytes(), &NoFiles, jiff::civil::date(2026, 3, 1)).rules.unwrap();
        let place = rules.contacts.iter().position(|known| &*known.name == contact);
        let contact = ContactId(place.map_or(99, |place| u16::try_from(place).unwrap()));
        screen(&rules, ScreenFacts { contact, line: Some(LineId(0)), asked, digits, speech })
    }

    fn asks(screen: Screen) -> Option<u8> {
        if let Screen::Ask { asked, .. } = screen { Some(asked) } else { None }
    }

    #[test]
    fn who_confirms_is_asked_twice_and_then_given_up() {
        assert_eq!(asks(met("key", 0, "", "")), Some(1));
        assert_eq!(asks(met("key", 1, "", "")), Some(2));
        assert_eq!(asks(met("key", 1, "7", "")), Some(2));
        assert_eq!(met("key", 2, "", ""), Screen::GiveUp);
    }

    #[test]
    fn one_takes_the_call_and_two_refuses_it() {
        for asked in [1, 2] {
            assert_eq!(met("key", asked, "1", ""), Screen::Connect);
            assert_eq!(met("key", asked, "2", ""), Screen::Decline);
        }
        assert_eq!(asks(met("key", 0, "1", "")), Some(1), "a key that came before the question is none");
    }

    #[test]
    fn only_who_confirms_by_voice_is_heard() {
        assert_eq!(met("voice", 1, "", "Yes, please."), Screen::Connect);
        assert_eq!(met("voice", 1, "", "No. Not okay."), Screen::Decline);
        assert_eq!(met("voice", 1, "1", ""), Screen::Connect);
        assert_eq!(asks(met("voice", 1, "", "Please leave a message after the tone")), Some(2));
        assert_eq!(asks(met("key", 1, "", "yes")), Some(2));
    }

    #[test]
    fn who_need_not_confirm_is_connected_and_strangers_are_asked() {
        assert_eq!(met("free", 0, "", ""), Screen::Connect);
        assert_eq!(asks(met("nobody", 0, "", "")), Some(1));
    }

    #[test]
    fn what_is_remembered_is_what_was_answered() {
        assert_eq!(Screen::Connect.record(), KeyRecord::Accepted);
        assert_eq!(Screen::Decline.record(), KeyRecord::Declined);
        assert_eq!(Screen::GiveUp.record(), KeyRecord::Silent);
    }
}
