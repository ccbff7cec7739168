//! What telling people needs from the outside: the journal's news, an outbox that forgets nothing, and a carrier.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::app::ports::{JournalError, Later};
use crate::audit::record::Record;
use crate::model::ids::{AccountSid, OrgSlug, RecordingSid};
use crate::model::money::{Currency, Money};
use crate::model::phone::E164;
use crate::outreach::draft::Draft;
use crate::outreach::effects::Case;
use crate::outreach::spend::Estimate;
use crate::tenant::switch::SwitchState;

/// The journal, read behind its writing.
pub trait Trail: fmt::Debug + Send + Sync {
    /// What came after this place and concerns the people to be told: records with effects, texts, messages left.
    fn news(&self, after: i64) -> Later<'_, Result<News, JournalError>>;
}

/// A portion of the journal.
#[derive(Debug, Default)]
pub struct News {
    /// The records, in their order.
    pub records: Vec<Record>,
    /// Where the next portion begins.
    pub place: i64,
}

/// Where texts wait; and what was said in return.
pub trait Outbox: fmt::Debug + Send + Sync {
    /// How far the journal has been read.
    fn place(&self) -> Later<'_, Result<i64, OutboxError>>;

    /// Keeps all of this in one step: what is known already is left as it is.
    fn keep(&self, entries: Vec<Entry>, place: Option<i64>) -> Later<'_, Result<(), OutboxError>>;

    /// Takes texts that are due; each is nobody else's until it is settled. Those that must not go out any more are
    /// settled right here.
    fn claim(&self, room: Room) -> Later<'_, Result<Vec<Delivery>, OutboxError>>;

    /// Says what became of a text.
    fn settle(&self, id: i64, became: Became, now: i64) -> Later<'_, Result<(), OutboxError>>;

    /// Says that this node lives; asked again and again. Texts that dead nodes had on their way, and this one too when
    /// it begins, are given back: whether they went out is not known. How many there were.
    fn recover(&self, now: i64, begins: bool) -> Later<'_, Result<usize, OutboxError>>;

    /// The calls of which this number was told since then, newest first.
    fn cases<'a>(&'a self, org: &'a str, number: &'a E164, since: i64) -> Later<'a, Result<Vec<Told>, OutboxError>>;

    /// The call's case.
    fn case<'a>(&'a self, org: &'a str, call: &'a str) -> Later<'a, Result<Option<Case>, OutboxError>>;

    /// Everybody else who was told of the call, and not of it alone that it was taken.
    fn others<'a>(&'a self, org: &'a str, call: &'a str, but: &'a E164) -> Later<'a, Result<Vec<E164>, OutboxError>>;

    /// All switches that were ever turned.
    fn switches(&self) -> Later<'_, Result<Vec<SwitchState>, OutboxError>>;

    /// Whatever changes with every change of a switch.
    fn switches_version(&self) -> Later<'_, Result<i64, OutboxError>>;

    /// The switch that this one turned last, unless it was turned again or taken back since.
    fn last_turn<'a>(&'a self, org: &'a str, by: &'a str) -> Later<'a, Result<Option<String>, OutboxError>>;

    /// The answer to a text that this node has heeded already, when it was about a switch.
    fn heeded<'a>(&'a self, org: &'a str, message: &'a str) -> Later<'a, Result<Option<String>, OutboxError>>;

    /// How far the journal has been read as this node alone keeps it; nothing where it shares nothing.
    fn own_place(&self) -> Later<'_, Result<Option<i64>, OutboxError>>;

    /// Keeps turns of switches, and how far the journal has been read, on this node alone; nothing where it shares
    /// nothing.
    fn keep_own(&self, entries: Vec<Entry>, place: Option<i64>) -> Later<'_, Result<(), OutboxError>>;

    /// The text of that key, and how it stands.
    fn kept<'a>(&'a self, org: &'a str, call: &'a str, key: &'a str)
    -> Later<'a, Result<Option<Waiting>, OutboxError>>;

    /// How many texts are in which state.
    fn counts(&self) -> Later<'_, Result<Vec<(String, u64)>, OutboxError>>;

    /// Lets go of some of what was settled before that moment, of one organization or of all; how many rows.
    fn let_go<'a>(&'a self, org: Option<&'a str>, before: i64) -> Later<'a, Result<usize, OutboxError>>;

    /// What organizations have spent on the day of that moment.
    fn spent(&self, now: i64) -> Later<'_, Result<Vec<Spent>, OutboxError>>;
}

/// What an organization has spent in a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// Whose.
    pub org: String,
    /// How much, with what is still on its way.
    pub spent: Money,
    /// So many texts were held up because it would have been too much.
    pub held: u64,
}

/// What texts may cost.
pub trait Budget: fmt::Debug + Send + Sync {
    /// What the organization may spend in a day.
    fn ceiling(&self, org: &str) -> Money;

    /// What these words to that receiver are taken to cost; nothing for what is free.
    fn estimate(&self, org: &str, to: &str, body: &str) -> Estimate;
}

/// How many texts may be taken.
#[derive(Debug, Clone)]
pub struct Room {
    /// The time, in seconds since 1970.
    pub now: i64,
    /// So many in all.
    pub most: u32,
    /// So many of each organization.
    pub each: u32,
    /// What they may cost.
    pub budget: Arc<dyn Budget>,
    /// None of these organizations.
    pub but: Vec<String>,
}

/// Something to keep.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A text to be sent; its key makes it one.
    Draft {
        /// Whose.
        org: String,
        /// The call, or the text that it answers.
        call: String,
        /// The text.
        draft: Draft,
    },
    /// A call of which people are told.
    Case {
        /// Whose.
        org: String,
        /// The call.
        case: Case,
    },
    /// Somebody takes a call.
    Taken {
        /// Whose.
        org: String,
        /// The call.
        call: String,
        /// The contact's name.
        by: String,
        /// When, in seconds since 1970.
        at: i64,
    },
    /// Somebody wants no texts, or wants them again.
    Wish {
        /// Whose texts.
        org: String,
        /// Who.
        number: String,
        /// Why nothing goes there; none when texts are wanted again.
        refused: Option<&'static str>,
    },
    /// A switch was turned, or a turn taken back.
    Switch {
        /// How it stands now.
        state: SwitchState,
        /// Who did it.
        by: String,
        /// When, in seconds since 1970.
        at: i64,
        /// Whether a turn was taken back.
        undone: bool,
    },
    /// A text that turned a switch, or asked for it in vain.
    Heeded {
        /// Whose.
        org: String,
        /// The text, by the carrier's name for it.
        message: String,
        /// What is answered.
        answer: String,
        /// When it came, in seconds since 1970.
        at: i64,
    },
    /// What the carrier says of a text of ours.
    Report {
        /// Whose.
        org: String,
        /// The carrier's name for it.
        sid: String,
        /// Its state there.
        status: String,
        /// Why it failed.
        error: Option<u32>,
        /// When it said so, in seconds since 1970.
        at: i64,
    },
}

impl Entry {
    /// Whose it is.
    pub fn org(&self) -> &str {
        match self {
            Self::Draft { org, .. }
            | Self::Case { org, .. }
            | Self::Taken { org, .. }
            | Self::Wish { org, .. }
            | Self::Heeded { org, .. }
            | Self::Report { org, .. } => org.as_str(),
            Self::Switch { state, .. } => state.org.as_str(),
        }
    }
}

/// A text that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which.
    pub id: i64,
    /// Whose.
    pub org: String,
    /// Our number.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// The words.
    pub body: String,
    /// Until when it is worth sending, in seconds since 1970.
    pub expires: i64,
    /// When it may have been sent already: then the carrier is asked first.
    pub tried: Option<i64>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it did not go out so far.
    pub reason: Option<String>,
}

/// A text that is kept, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its name within the call.
    pub key: String,
    /// Our number.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// The words.
    pub body: String,
    /// `waiting`, `sending`, `unknown`, `sent`, `skipped` or `dead`.
    pub state: String,
    /// Why it stands so.
    pub reason: Option<String>,
    /// The carrier's name for it.
    pub sid: Option<String>,
    /// The carrier's last word about it.
    pub status: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due, in seconds since 1970.
    pub due: i64,
    /// Until when it is worth sending, in seconds since 1970.
    pub expires: i64,
}

/// What became of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It is with the carrier.
    Sent(Receipt),
    /// It was not sent; it is tried again after so many seconds.
    Later {
        /// The seconds.
        after: i64,
        /// Why not.
        why: String,
    },
    /// It was not sent, and never will be.
    Dead {
        /// Why not.
        why: String,
        /// The carrier's code.
        code: Option<u32>,
    },
    /// Whether it was sent is not known.
    Unknown(String),
    /// The carrier has these that look like it; one that is no other text's is it.
    Looked(Vec<Receipt>),
}

/// What the carrier says of a text that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its name there.
    pub sid: String,
    /// How many parts it makes, when it says so.
    pub segments: Option<u32>,
    /// What it costs, when that is known already.
    pub price: Option<(Money, Currency)>,
}

impl From<String> for Receipt {
    /// Nothing but its name is known.
    fn from(sid: String) -> Self {
        Self { sid, segments: None, price: None }
    }
}

/// A call of which somebody was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The call.
    pub case: Case,
    /// Who has taken it.
    pub taken_by: Option<String>,
}

/// Why the outbox did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the outbox cannot be used now: {0}")]
pub struct OutboxError(pub String);

/// Who carries texts.
pub trait Carrier: fmt::Debug + Send + Sync {
    /// Whether there are credentials for this organization and its number; why not, when there are none.
    fn serves(&self, org: &OrgSlug, from: &E164) -> Result<(), String>;

    /// Sends a text, once.
    fn send<'a>(&'a self, org: &'a OrgSlug, text: &'a Outgoing) -> Later<'a, Result<Receipt, Failed>>;

    /// The sound of a recording.
    fn sound<'a>(&'a self, org: &'a OrgSlug, recording: &'a RecordingSid) -> Later<'a, Result<Sound, Failed>>;

    /// Deletes a recording for good; one that is not there any more is as good as deleted.
    fn delete<'a>(&'a self, org: &'a OrgSlug, recording: &'a RecordingSid) -> Later<'a, Result<(), Failed>>;

    /// Deletes a recording of a call for which no organization was known, over the account that has it.
    fn delete_of<'a>(&'a self, account: &'a AccountSid, recording: &'a RecordingSid) -> Later<'a, Result<(), Failed>>;

    /// How each installation's requests fare, in a word.
    fn standings(&self) -> Vec<(String, &'static str)>;

    /// The carrier's texts that look exactly like this one and were made since then.
    fn find<'a>(
        &'a self,
        org: &'a OrgSlug,
        text: &'a Outgoing,
        since: Timestamp,
    ) -> Later<'a, Result<Vec<Receipt>, Failed>>;
}

/// A text for a carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Our number.
    pub from: E164,
    /// Who gets it.
    pub to: E164,
    /// The words.
    pub body: String,
    /// Seconds for which it is worth delivering.
    pub valid_for: u32,
}

/// A sound on its way.
#[derive(Debug)]
pub struct Sound {
    /// What kind it is.
    pub content_type: String,
    /// Its parts.
    pub parts: Box<dyn Parts>,
}

/// The parts of a sound, one after the other.
pub trait Parts: fmt::Debug + Send {
    /// The next part; none when all has come.
    fn next(&mut self) -> Later<'_, Result<Option<Vec<u8>>, String>>;
}

/// Why the carrier did not do something, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// It was not done, and never will be.
    #[error("{why}")]
    Never {
        /// Why not.
        why: String,
        /// The carrier's code.
        code: Option<u32>,
    },
    /// It was not done, and may be later.
    #[error("{why}")]
    NotDone {
        /// Why not.
        why: String,
        /// The wait that the carrier asks for.
        wait: Option<Duration>,
    },
    /// It may have been done.
    #[error("{0}")]
    Unknown(String),
}
