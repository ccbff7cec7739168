//! A text to be sent, before anybody tries.

use crate::model::phone::E164;

/// Why a text is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A step of the rules says so.
    Text,
    /// The caller asked for it instead of leaving a message.
    Offered,
    /// Nobody took a call.
    Missed,
    /// Somebody left a message.
    Message,
    /// A message was written down.
    Transcript,
    /// Somebody wrote, and this is the answer.
    Answer,
    /// Somebody took a missed call, and the others hear of it.
    Taken,
    /// A notice to a channel.
    Notice,
    /// The organization asked for it by itself.
    Asked,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Offered,
        Self::Missed,
        Self::Message,
        Self::Transcript,
        Self::Answer,
        Self::Taken,
        Self::Notice,
        Self::Asked,
    ];

    /// The word for it in lists and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Offered => "offered",
            Self::Missed => "missed",
            Self::Message => "message",
            Self::Transcript => "transcript",
            Self::Answer => "answer",
            Self::Taken => "taken",
            Self::Notice => "notice",
            Self::Asked => "asked",
        }
    }

    /// The kind of that word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// How many seconds it is worth sending, counted from when it is due.
    pub const fn worth(self) -> i64 {
        match self {
            Self::Answer | Self::Taken => 15 * 60,
            Self::Text | Self::Offered => 3_600,
            Self::Missed | Self::Notice | Self::Asked => 4 * 3_600,
            Self::Message | Self::Transcript => 24 * 3_600,
        }
    }
}

/// Who gets a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressee<'a> {
    /// A channel of the rules, by its name.
    Channel(&'a str),
    /// A mailbox, by its address.
    Mail(&'a str),
    /// A phone, by its number.
    Phone(&'a str),
}

impl<'a> Addressee<'a> {
    /// Reads `#team`, `desk@example.com` or a number.
    pub fn of(to: &'a str) -> Self {
        match to.strip_prefix('#') {
            Some(channel) => Self::Channel(channel),
            None if to.contains('@') => Self::Mail(to),
            None => Self::Phone(to),
        }
    }
}

/// How the reasons begin for which a practice call tells nobody.
pub const PRACTICE: &str = "a practice call";

/// A text to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its name within the call: the same effect never makes two.
    pub key: String,
    /// Why.
    pub kind: Kind,
    /// Our number; empty when there is none.
    pub from: Option<E164>,
    /// Who gets it, as [`Addressee`] reads it.
    pub to: String,
    /// The words.
    pub body: String,
    /// When it is due, in seconds since 1970.
    pub due: i64,
    /// Whether it is left out once somebody has taken the call.
    pub unless_taken: bool,
    /// Why it must not be sent, when it must not.
    pub refused: Option<String>,
}
