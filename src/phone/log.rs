//! What came of an imagined call: the timeline, who was rung, what was heard, every request, and the end.

use crate::model::leg::Leg as Does;
use crate::phone::wire::Request;

/// One call from the first ring to the last callback.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallLog {
    /// The caller's leg.
    pub call: String,
    /// Who called, as sent.
    pub from: String,
    /// The number called.
    pub to: String,
    /// Everything that happened, in order.
    pub timeline: Vec<Entry>,
    /// Everything that the caller heard said or played, in order.
    pub heard: Vec<String>,
    /// Everybody who was rung, in order.
    pub rung: Vec<RungLeg>,
    /// The message left, if any.
    pub message: Option<LeftMessage>,
    /// Where the call was handed to.
    pub handed_to: Option<String>,
    /// Every request with its answer, in the order sent.
    pub webhooks: Vec<Webhook>,
    /// What the carrier would refuse, ignore or complain about.
    pub warnings: Vec<Warning>,
    /// Milliseconds until a person talked, the tone of a mailbox, or the end.
    pub waited: u64,
    /// Milliseconds until the end.
    pub lasted: u64,
    /// How it ended.
    pub end: End,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Milliseconds since the call began.
    pub at: u64,
    /// How many milliseconds it takes; 0 for a moment.
    pub takes: u64,
    /// Who notices it.
    pub who: Who,
    /// What kind of thing it is.
    pub kind: Kind,
    /// In words.
    pub text: String,
}

/// Who notices something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The caller.
    Caller,
    /// Somebody who is rung, by name.
    Callee(String),
    /// The carrier alone.
    Carrier,
}

/// Kinds of things that happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The call begins.
    Call,
    /// Something is said.
    Hears,
    /// Something is played.
    Plays,
    /// Nothing is heard.
    Silence,
    /// The tone before a message.
    Tone,
    /// A phone rings.
    Rings,
    /// Somebody picks up, or the leg ends otherwise.
    Leg,
    /// Keys are pressed.
    Presses,
    /// Something is said by the caller or the callee.
    Speaks,
    /// Caller and callee talk.
    Talks,
    /// A message is recorded.
    Records,
    /// The call goes on with another document, or elsewhere.
    Goes,
    /// A request was sent.
    Request,
    /// The carrier complains.
    Warning,
    /// The carrier gives up.
    Error,
    /// The call is over.
    Ends,
}

impl Kind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Hears => "hears",
            Self::Plays => "plays",
            Self::Silence => "silence",
            Self::Tone => "tone",
            Self::Rings => "rings",
            Self::Leg => "leg",
            Self::Presses => "presses",
            Self::Speaks => "speaks",
            Self::Talks => "talks",
            Self::Records => "records",
            Self::Goes => "goes",
            Self::Request => "request",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Ends => "ends",
        }
    }
}

/// Somebody who was rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RungLeg {
    /// The contact's name, or the number when nothing names it.
    pub name: String,
    /// The number, client or address.
    pub number: String,
    /// The caller id shown.
    pub shown: String,
    /// The leg.
    pub call: String,
    /// When it began to ring, in milliseconds.
    pub at: u64,
    /// What the phone did.
    pub does: Does,
    /// The carrier's word for how it ended.
    pub status: &'static str,
    /// Whether caller and callee were connected.
    pub bridged: bool,
    /// What the callee heard before being connected.
    pub heard: Vec<String>,
}

/// A message that was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftMessage {
    /// Its length; 0 for silence.
    pub seconds: u32,
}

/// One request with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// When, in milliseconds of the call.
    pub at: u64,
    /// What was sent.
    pub request: Request,
    /// The status answered, or none when nothing came.
    pub status: Option<u16>,
    /// The body answered, or what went wrong.
    pub answer: String,
}

/// A complaint with the carrier's number for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// When, in milliseconds of the call.
    pub at: u64,
    /// The carrier's error number; none for advice of our own.
    pub code: Option<u32>,
    /// In words.
    pub text: String,
}

/// How a call ended for the caller.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum End {
    /// Talked to somebody.
    Connected {
        /// Who.
        name: String,
        /// Whether it was a mailbox of theirs that picked up.
        mailbox: bool,
    },
    /// Reached a mailbox of ours.
    Voicemail,
    /// Was refused unanswered.
    Rejected,
    /// Was told something, then hung up on.
    HungUp,
    /// Was given to somebody else's application.
    HandedOff,
    /// Gave up.
    CallerGone,
    /// Got nothing.
    Dropped(Drop),
    /// Not over yet.
    #[default]
    Open,
}

/// Why a caller got nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drop {
    /// The carrier said that an application error has occurred.
    Error,
    /// The call ended without a person, a mailbox or a word of farewell.
    Nothing,
    /// The documents went round in circles.
    Circles,
}

impl End {
    /// The word for it, as tests of rule files use it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Connected { .. } => "connected",
            Self::Voicemail => "voicemail",
            Self::Rejected => "rejected",
            Self::HungUp => "hung_up",
            Self::HandedOff => "handed_off",
            Self::CallerGone => "caller_gone",
            Self::Dropped(_) => "dropped",
            Self::Open => "open",
        }
    }
}

impl CallLog {
    /// Whether the caller was dropped.
    pub const fn dropped(&self) -> bool {
        matches!(self.end, End::Dropped(_) | End::Open)
    }

    /// The names of those who were rung, in order.
    pub fn rung_names(&self) -> Vec<&str> {
        self.rung.iter().map(|leg| leg.name.as_str()).collect()
    }

    /// The whole call in one sentence.
    pub fn summary(&self) -> String {
        let rung = self.rung_in_words();
        let waited = seconds(self.waited);
        match &self.end {
            End::Connected { name, mailbox: false } => {
                format!("The caller talked to {name} after {waited}{}.", self.before(name))
            }
            End::Connected { name, mailbox: true } => {
                format!(
                    "{name}'s own mailbox took the call after {waited}{}: no person was reached.",
                    self.before(name)
                )
            }
            End::Voicemail => match &self.message {
                Some(message) if message.seconds > 0 => {
                    format!("The caller left a message of {} s after {waited}{rung}.", message.seconds)
                }
                Some(_) | None => format!("The caller reached voicemail after {waited}{rung}, and left no message."),
            },
            End::Rejected => format!("The call was refused unanswered{rung}."),
            End::HungUp => format!("The caller was told how things are and hung up on after {waited}{rung}."),
            End::HandedOff => {
                let to = self.handed_to.as_deref().unwrap_or("another application");
                format!("The call was handed to {to} after {waited}{rung}.")
            }
            End::CallerGone => format!("The caller hung up after {}{rung}.", seconds(self.lasted)),
            End::Dropped(Drop::Error) => {
                format!(
                    "The caller was DROPPED after {waited}: the carrier said that an application error has occurred{rung}."
                )
            }
            End::Dropped(Drop::Nothing) => {
                format!("The caller was DROPPED after {waited}: no person, no mailbox and no word of farewell{rung}.")
            }
            End::Dropped(Drop::Circles) => {
                format!("The caller was DROPPED after {waited}: the documents go round in circles{rung}.")
            }
            End::Open => "The call did not end.".to_owned(),
        }
    }

    fn before(&self, name: &str) -> String {
        let others: Vec<String> = self.rung.iter().filter(|leg| leg.name != name).map(told).collect();
        if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) }
    }

    fn rung_in_words(&self) -> String {
        let all: Vec<String> = self.rung.iter().map(told).collect();
        if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
    }
}

fn told(leg: &RungLeg) -> String {
    let how = match (leg.does, leg.status) {
        (Does::AnsweredNoKey, "completed") => "mailbox",
        (Does::Declined, "completed" | "busy") => "declined",
        (_, status) => status,
    };
    format!("{}: {how}", leg.name)
}

/// Milliseconds as people read them: `7.0 s`.
pub fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
}
