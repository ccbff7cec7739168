//! What the people of an imagined call do: who picks up, which keys are pressed, when somebody hangs up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::leg::{Leg as Does, LegError};

/// Why a script cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// No such thing happens on a phone.
    #[error("{0}")]
    Leg(#[from] LegError),
    /// A leg is written as a name, an equals sign and a word.
    #[error("`{0}` names no leg: write it as `primary=no-answer` or `+16195550111=busy,answered`")]
    LegForm(String),
    /// No such moment.
    #[error("`{0}` is no moment of a call: say ring, ring:NAME, menu, greeting, record, screening or talk")]
    Phase(String),
    /// Not a length of time.
    #[error("`{0}` is no length of time: write it as `12s`")]
    Seconds(String),
    /// Not an ending of a message.
    #[error("`{0}` ends no message: say hang-up, silence, or the key pressed such as `#`")]
    MessageEnd(String),
    /// Not a habit of the carrier that the phone knows.
    #[error("`{0}` is no habit of the carrier: say {1}")]
    Quirk(String, String),
}

/// What a caller does when a document asks for keys or speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Presses these keys.
    Keys(String),
    /// Says this.
    Speech(String),
    /// Waits.
    Nothing,
}

/// A message that a caller leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How long the caller speaks; none for staying silent.
    pub seconds: Option<u32>,
    /// How the caller ends it.
    pub ends: MessageEnd,
}

/// How a message ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageEnd {
    /// The caller hangs up, as nearly everybody does.
    HangUp,
    /// The caller presses a key.
    Key(char),
    /// The caller stops speaking and waits.
    Silence,
}

impl MessageEnd {
    /// Reads `hang-up`, `silence` or one key.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut signs = text.chars();
        match (text, signs.next(), signs.next()) {
            ("hang-up", _, _) => Ok(Self::HangUp),
            ("silence", _, _) => Ok(Self::Silence),
            (_, Some(key), None) if key.is_ascii_digit() || key == '#' || key == '*' => Ok(Self::Key(key)),
            _ => Err(ScriptError::MessageEnd(text.to_owned())),
        }
    }
}

/// When the caller gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HangUp {
    /// After so many milliseconds of the call.
    After(u64),
    /// As soon as this goes on.
    During(Phase),
}

/// What goes on for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Somebody's phone rings: whose, or anybody's.
    Ring(Option<String>),
    /// Somebody who picked up is being asked to accept.
    Screening,
    /// Keys or speech are waited for, or the question is heard.
    Menu,
    /// Something is said or played.
    Greeting,
    /// A message is being recorded.
    Record,
    /// Caller and callee talk.
    Talk,
    /// Silence.
    Pause,
}

impl Phase {
    /// Reads the word, with a name behind a colon for a ring.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        match text.split_once(':') {
            Some(("ring", name)) if !name.is_empty() => Ok(Self::Ring(Some(name.to_owned()))),
            Some(_) => Err(ScriptError::Phase(text.to_owned())),
            None => match text {
                "ring" => Ok(Self::Ring(None)),
                "screening" => Ok(Self::Screening),
                "menu" => Ok(Self::Menu),
                "greeting" => Ok(Self::Greeting),
                "record" => Ok(Self::Record),
                "talk" => Ok(Self::Talk),
                "pause" => Ok(Self::Pause),
                _ => Err(ScriptError::Phase(text.to_owned())),
            },
        }
    }

    /// Whether what was wished for is what goes on now.
    pub fn covers(&self, now: &Self, names: &[&str]) -> bool {
        match (self, now) {
            (Self::Ring(None), Self::Ring(_)) => true,
            (Self::Ring(Some(wanted)), Self::Ring(_)) => names.contains(&wanted.as_str()),
            (wanted, now) => wanted == now,
        }
    }
}

/// A habit of the carrier that differs between accounts, years and observers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quirk {
    /// `DialBridged` is not sent, as by old accounts and emulators.
    NoDialBridged,
    /// The action is not requested once the caller has hung up.
    NoActionAfterHangUp,
    /// A ring that the caller gave up on is `canceled` instead of `no-answer`.
    CanceledAfterHangUp,
    /// A silent recording is kept and reported instead of passed over.
    SilenceKept,
    /// The number's status callback overtakes the last action request.
    StatusFirst,
}

impl Quirk {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::NoDialBridged,
        Self::NoActionAfterHangUp,
        Self::CanceledAfterHangUp,
        Self::SilenceKept,
        Self::StatusFirst,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoDialBridged => "no-dial-bridged",
            Self::NoActionAfterHangUp => "no-action-after-hang-up",
            Self::CanceledAfterHangUp => "canceled-after-hang-up",
            Self::SilenceKept => "silence-kept",
            Self::StatusFirst => "status-first",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        Self::ALL.into_iter().find(|quirk| quirk.word() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|quirk| quirk.word()).collect();
            ScriptError::Quirk(text.to_owned(), known.join(", "))
        })
    }
}

/// What everybody does, decided beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What each phone does, by the contact's name or number: one thing each time it is rung, the last one for good.
    pub legs: BTreeMap<String, Vec<Does>>,
    /// What every other phone does.
    pub default_leg: Does,
    /// Keys that the caller presses, one entry for each time they are asked for; `-` for none that time.
    pub keys: Vec<String>,
    /// What the caller says, one entry for each time speech is asked for and no key is left.
    pub speech: Vec<String>,
    /// The message that the caller leaves.
    pub message: Message,
    /// What the machine hears in the message.
    pub transcript: String,
    /// When the caller gives up.
    pub hang_up: Option<HangUp>,
    /// How long caller and callee talk, in seconds.
    pub talk: u32,
    /// The key by which a callee accepts.
    pub accept_key: char,
    /// The key by which a callee refuses.
    pub decline_key: char,
    /// Habits of the carrier.
    pub quirks: BTreeSet<Quirk>,
    /// Whether an application that the call is handed to gives it back.
    pub handoff_returns: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            legs: BTreeMap::new(),
            default_leg: Does::NoAnswer,
            keys: Vec::new(),
            speech: Vec::new(),
            message: Message { seconds: Some(12), ends: MessageEnd::HangUp },
            transcript: "This is a message from the simulator.".to_owned(),
            hang_up: None,
            talk: 30,
            accept_key: '1',
            decline_key: '2',
            quirks: BTreeSet::new(),
            handoff_returns: false,
        }
    }
}

impl Script {
    /// Adds a leg written as `primary=no-answer` or `+16195550111=busy,answered`.
    pub fn add_leg(&mut self, text: &str) -> Result<(), ScriptError> {
        let (name, words) = text.split_once('=').ok_or_else(|| ScriptError::LegForm(text.to_owned()))?;
        if name.trim().is_empty() {
            return Err(ScriptError::LegForm(text.to_owned()));
        }
        let does: Vec<Does> = words.split(',').map(Does::parse).collect::<Result<_, _>>()?;
        self.legs.insert(name.trim().to_owned(), does);
        Ok(())
    }

    /// Reads a length of time: `12s`, `1.5s` or bare seconds, as milliseconds.
    pub fn milliseconds(text: &str) -> Result<u64, ScriptError> {
        let number = text.trim().trim_end_matches('s').trim();
        let wrong = || ScriptError::Seconds(text.to_owned());
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let whole: u64 = whole.parse().ok().filter(|whole| *whole < 100_000).ok_or_else(wrong)?;
        let part: u64 = format!("{part:0<3}").get(..3).and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
        Ok(whole * 1000 + part)
    }
}

/// A phone that is about to ring.
#[derive(Debug, Clone, Copy)]
pub struct Rung<'a> {
    /// The contact's name, or the number when nothing names it.
    pub name: &'a str,
    /// The number, client or address.
    pub number: &'a str,
    /// Seconds it may ring.
    pub seconds: u32,
}

/// A question put to the caller.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Whether keys count.
    pub keys: bool,
    /// Whether speech counts.
    pub speech: bool,
    /// How many keys are read at most.
    pub most: usize,
}

/// Whoever decides what people do: a script, or a person at a terminal.
pub trait People {
    /// What happens on this phone, this time.
    fn leg(&mut self, rung: &Rung<'_>) -> Does;
    /// What the caller does when asked.
    fn input(&mut self, asked: &Asked) -> Input;
    /// The message that the caller leaves.
    fn message(&mut self) -> Message;
}

/// People who keep to a script.
#[derive(Debug)]
pub struct Actors {
    legs: BTreeMap<String, VecDeque<Does>>,
    default_leg: Does,
    keys: VecDeque<String>,
    speech: VecDeque<String>,
    message: Message,
}

impl Actors {
    /// The people of this script, at its beginning.
    pub fn new(script: &Script) -> Self {
        let queue = |does: &Vec<Does>| does.iter().copied().collect();
        Self {
            legs: script.legs.iter().map(|(name, does)| (name.clone(), queue(does))).collect(),
            default_leg: script.default_leg,
            keys: script.keys.iter().cloned().collect(),
            speech: script.speech.iter().cloned().collect(),
            message: script.message.clone(),
        }
    }
}

impl People for Actors {
    fn leg(&mut self, rung: &Rung<'_>) -> Does {
        let key = if self.legs.contains_key(rung.name) { rung.name } else { rung.number };
        let Some(queue) = self.legs.get_mut(key) else { return self.default_leg };
        let next = queue.front().copied().unwrap_or(self.default_leg);
        if queue.len() > 1 {
            queue.pop_front();
        }
        next
    }

    fn input(&mut self, asked: &Asked) -> Input {
        if asked.keys
            && let Some(keys) = self.keys.pop_front()
        {
            return if keys == "-" { Input::Nothing } else { Input::Keys(keys) };
        }
        if asked.speech
            && let Some(words) = self.speech.pop_front()
        {
            return if words == "-" { Input::Nothing } else { Input::Speech(words) };
        }
        Input::Nothing
    }

    fn message(&mut self) -> Message {
        self.message.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_are_a_name_and_what_happens_each_time() {
        let mut script = Script::default();
        script.add_leg("primary=busy,answered").unwrap();
        let mut people = Actors::new(&script);
        let rung = Rung { name: "primary", number: "+16195550111", seconds: 20 };
        assert_eq!(people.leg(&rung), Does::Busy);
        assert_eq!(people.leg(&rung), Does::Answered);
        assert_eq!(people.leg(&rung), Does::Answered, "the last one stays");
        let other = Rung { name: "backup", number: "+18585550107", seconds: 20 };
        assert_eq!(people.leg(&other), Does::NoAnswer);
    }

    #[test]
    fn legs_are_read_with_either_hyphen() {
        let mut script = Script::default();
        script.add_leg("primary=no-answer,mailbox").unwrap();
        assert_eq!(script.legs["primary"], [Does::NoAnswer, Does::AnsweredNoKey]);
        assert!(script.add_leg("primary=asleep").is_err());
        assert!(script.add_leg("primary").is_err());
    }

    #[test]
    fn times_are_seconds() {
        assert_eq!(Script::milliseconds("12s"), Ok(12_000));
        assert_eq!(Script::milliseconds("1.5"), Ok(1_500));
        assert!(Script::milliseconds("soon").is_err());
    }

    #[test]
    fn a_ring_is_given_up_by_name() {
        let ringing = Phase::Ring(None);
        assert!(Phase::parse("ring:primary").unwrap().covers(&ringing, &["primary", "+16195550111"]));
        assert!(!Phase::parse("ring:backup").unwrap().covers(&ringing, &["primary"]));
        assert!(Phase::parse("ring").unwrap().covers(&ringing, &[]));
        assert!(Phase::parse("lunch").is_err());
    }
}
