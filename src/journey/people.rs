//! What the people of an imagined call do: those who are rung, and the caller.

use crate::model::ids::{ContactId, MailboxId, MenuId};
use crate::model::leg::Leg;

/// Everybody in an imagined call but ourselves.
pub trait People {
    /// These are about to be rung at once, for so many seconds: [`People::rung`] is asked for each of them next.
    fn ringing(&mut self, _contacts: &[ContactId], _seconds: u16) {}
    /// What somebody who is rung does.
    fn rung(&mut self, contact: ContactId) -> Leg;
    /// What the caller does when asked.
    fn asked(&mut self, question: Question) -> Reply;
    /// How many seconds of message the caller leaves; none when the caller hangs up at the tone.
    fn tone(&mut self, mailbox: MailboxId) -> Option<u32>;
    /// Whether a hand-off gives the call back.
    fn handed_off(&mut self) -> Handed;
}

/// What a caller is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// A menu, and which try.
    Menu(MenuId, u8),
    /// Whether a text will do instead of a message.
    OfferText(MailboxId),
}

/// What a caller does when asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reply {
    /// Presses keys.
    Pressed(Box<str>),
    /// Says something.
    Said(Box<str>),
    /// Waits.
    #[default]
    Silence,
    /// Hangs up.
    HangsUp,
}

impl Reply {
    /// Reads what tests and commands write: digits, `*` and `#` are pressed, `silence` and `hangup` are what they
    /// say, and anything else is spoken.
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        let keys = |sign: char| sign.is_ascii_digit() || sign == '*' || sign == '#';
        match text {
            "" | "silence" => Self::Silence,
            "hangup" | "hang_up" | "hang-up" => Self::HangsUp,
            _ if text.chars().all(keys) => Self::Pressed(text.into()),
            _ => Self::Said(text.into()),
        }
    }
}

/// What becomes of a call that was handed off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Handed {
    /// It ends there.
    #[default]
    Kept,
    /// It comes back.
    Returned,
    /// The caller hangs up meanwhile.
    HangsUp,
}

/// People who do what is written: what is not written is not answered, not pressed, and a message is left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    legs: Vec<(ContactId, Vec<Leg>)>,
    keys: std::collections::VecDeque<Reply>,
}

/// The message that somebody leaves of whom nothing is written, in seconds.
const USUAL_MESSAGE: u32 = 15;

impl Script {
    /// A script in which nobody answers and the caller waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with what the contact does each time it is rung; the last one holds from then on.
    #[must_use]
    pub fn leg(mut self, contact: ContactId, does: impl IntoIterator<Item = Leg>) -> Self {
        let mut does: Vec<Leg> = does.into_iter().collect();
        does.reverse();
        self.legs.retain(|(other, _)| *other != contact);
        self.legs.push((contact, does));
        self
    }

    /// The same, with what the caller does the next time a question is asked.
    #[must_use]
    pub fn key(mut self, reply: Reply) -> Self {
        self.keys.push_back(reply);
        self
    }

    /// Replies that nobody has asked for.
    pub fn unasked(&self) -> impl ExactSizeIterator<Item = &Reply> {
        self.keys.iter()
    }
}

impl People for Script {
    fn rung(&mut self, contact: ContactId) -> Leg {
        let Some((_, does)) = self.legs.iter_mut().find(|(other, _)| *other == contact) else {
            return Leg::default();
        };
        if does.len() > 1 { does.pop().unwrap_or_default() } else { does.last().copied().unwrap_or_default() }
    }

    fn asked(&mut self, _: Question) -> Reply {
        self.keys.pop_front().unwrap_or_default()
    }

    fn tone(&mut self, _: MailboxId) -> Option<u32> {
        if self.keys.front() == Some(&Reply::HangsUp) {
            self.keys.pop_front();
            return None;
        }
        Some(USUAL_MESSAGE)
    }

    fn handed_off(&mut self) -> Handed {
        Handed::default()
    }
}
