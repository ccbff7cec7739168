//! The carrier's fields as typed events; only a call's identifier is ever demanded.
//!
//! Fields that are missing, misspelt or new never fail: a caller is waiting. They are kept or left out.

use jiff::Timestamp;

use crate::model::call::{Attestation, DialReport, DialStatus};
use crate::model::ids::{AccountSid, CallSid, IdError};
use crate::model::phone::{Caller, E164};
use crate::webhook::endpoint::Endpoint;
use crate::webhook::form::Form;
use crate::webhook::raw::RawWebhook;
use crate::webhook::verified::Verified;

mod time;

/// What the carrier tells of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallEvent {
    /// The address it was sent to.
    pub endpoint: Endpoint,
    /// The leg it is about: the caller's, but a callee's on the screen and on a leg's status.
    pub call: CallSid,
    /// The caller's leg, when the event is about a callee's.
    pub parent: Option<CallSid>,
    /// The account that the call belongs to.
    pub account: Option<AccountSid>,
    /// The state of the leg.
    pub status: CallStatus,
    /// Who calls.
    pub from: Caller,
    /// What was called.
    pub to: Called,
    /// Which way the leg goes.
    pub direction: Direction,
    /// The number that forwarded the call to us, when the network tells.
    pub forwarded_from: Option<E164>,
    /// What the networks say of the caller's number.
    pub attestation: Attestation,
    /// The caller's name from a paid look-up.
    pub caller_name: Option<Box<str>>,
    /// How a ring ended, on the request that follows it.
    pub dial: Option<DialReport>,
    /// The keys pressed; none when nothing was asked, empty when nothing was pressed.
    pub digits: Option<Box<str>>,
    /// What was said.
    pub speech: Option<Speech>,
    /// A recording, on the requests about one.
    pub recording: Option<Recording>,
    /// A recording written down.
    pub transcription: Option<Transcription>,
    /// The whole call's length in seconds, when it is over.
    pub seconds: Option<u32>,
    /// The place among the status events of one leg, from 0; they may arrive in any order.
    pub sequence: Option<u32>,
    /// When it happened, when the carrier tells.
    pub at: Option<Timestamp>,
    /// Why the carrier asks here after asking elsewhere failed.
    pub fault: Option<Fault>,
}

/// The state of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CallStatus {
    /// Waiting to be placed.
    Queued,
    /// Placed, not yet ringing.
    Initiated,
    /// Ringing; also a caller who hears ringing while somebody is being rung.
    Ringing,
    /// Picked up.
    InProgress,
    /// Over, after it was picked up.
    Completed,
    /// Over: busy.
    Busy,
    /// Over: could not be placed.
    Failed,
    /// Over: nobody picked up.
    NoAnswer,
    /// Over: canceled before it was picked up.
    Canceled,
    /// A word that we do not know, as sent.
    Other(Box<str>),
    /// No word came.
    #[default]
    Missing,
}

impl CallStatus {
    /// Reads the carrier's word, in any case, with `_` or a space for `-` and either spelling of `canceled`.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().replace(['_', ' '], "-").as_str() {
            "" => Self::Missing,
            "queued" => Self::Queued,
            "initiated" => Self::Initiated,
            "ringing" => Self::Ringing,
            "in-progress" | "inprogress" | "answered" => Self::InProgress,
            "completed" | "complete" => Self::Completed,
            "busy" => Self::Busy,
            "failed" => Self::Failed,
            "no-answer" | "noanswer" => Self::NoAnswer,
            "canceled" | "cancelled" => Self::Canceled,
            _ => Self::Other(text.chars().take(40).collect::<String>().into()),
        }
    }

    /// The word for it in records.
    pub fn word(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
            Self::Other(text) => text,
            Self::Missing => "missing",
        }
    }

    /// Whether the leg is over. A word we do not know is not: the caller may be waiting.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => true,
            Self::Queued | Self::Initiated | Self::Ringing | Self::InProgress | Self::Other(_) | Self::Missing => false,
        }
    }
}

/// What was called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Called {
    /// As sent.
    pub text: Box<str>,
    /// The number, when it is one; a missing plus is forgiven, because it is ours to look up.
    pub number: Option<E164>,
}

impl Called {
    fn parse(text: &str) -> Self {
        let plain = text.trim();
        let plain = plain.split_once(':').filter(|(kind, _)| *kind == "whatsapp").map_or(plain, |(_, rest)| rest);
        let number = E164::parse(plain).or_else(|_| E164::parse(&format!("+{plain}"))).ok();
        Self { text: text.into(), number }
    }
}

/// Which way a leg goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Direction {
    /// To us.
    #[default]
    Inbound,
    /// From us, placed while another call waits.
    OutboundDial,
    /// From us, placed on its own.
    OutboundApi,
}

impl Direction {
    fn parse(text: &str) -> Self {
        match text {
            "outbound-dial" => Self::OutboundDial,
            "outbound-api" | "outbound" => Self::OutboundApi,
            _ => Self::Inbound,
        }
    }
}

/// What was said, as the carrier understood it.
#[derive(Debug, Clone, PartialEq)]
pub struct Speech {
    /// The words.
    pub text: Box<str>,
    /// How sure the carrier is, from 0 to 1.
    pub confidence: Option<f32>,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording {
    /// The carrier's identifier, as sent.
    pub sid: Option<Box<str>>,
    /// Where it is kept, as sent; never fetched from elsewhere than the carrier.
    pub url: Option<Box<str>>,
    /// Its state.
    pub status: RecordingStatus,
    /// Its length in seconds.
    pub seconds: Option<u32>,
    /// Whether the caller ended it by hanging up.
    pub hung_up: bool,
}

/// The state of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RecordingStatus {
    /// It is being made.
    InProgress,
    /// It is there.
    Completed,
    /// There is none: it held nothing.
    Absent,
    /// It could not be made.
    Failed,
    /// The carrier does not say, or with a word that we do not know.
    #[default]
    Unknown,
}

impl RecordingStatus {
    fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "in-progress" | "processing" => Self::InProgress,
            "completed" => Self::Completed,
            "absent" => Self::Absent,
            "failed" => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// A recording written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcription {
    /// The carrier's identifier, as sent.
    pub sid: Option<Box<str>>,
    /// The words; none when nothing could be understood.
    pub text: Option<Box<str>>,
    /// Whether the carrier says that it failed.
    pub failed: bool,
}

/// Why the carrier asks a fallback address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The carrier's error code, as sent.
    pub code: Box<str>,
    /// The address that failed, as sent.
    pub url: Option<Box<str>>,
}

/// What the carrier tells of a text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageEvent {
    /// The address it was sent to.
    pub endpoint: Endpoint,
    /// The carrier's identifier of the message, as sent.
    pub message: Box<str>,
    /// The account that the message belongs to.
    pub account: Option<AccountSid>,
    /// Who sent it.
    pub from: Caller,
    /// To whom.
    pub to: Called,
    /// What it says.
    pub body: Box<str>,
    /// Its state, as sent; empty when not told.
    pub status: Box<str>,
    /// The carrier's error code, as sent.
    pub error: Option<Box<str>>,
}

/// Why the fields are no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A call without its identifier.
    #[error("the request names no call: `CallSid` is missing")]
    NoCall,
    /// The call's identifier is none.
    #[error("the request's `CallSid` is none")]
    BadCall(#[source] IdError),
    /// A message without its identifier.
    #[error("the request names no message: `MessageSid` is missing")]
    NoMessage,
}

impl Verified<RawWebhook> {
    /// The call event in the fields.
    pub fn call(&self, endpoint: Endpoint) -> Result<Verified<CallEvent>, EventError> {
        Ok(Verified::new(CallEvent::read(endpoint, self.get().fields())?, self.slot()))
    }

    /// The message event in the fields.
    pub fn message(&self, endpoint: Endpoint) -> Result<Verified<MessageEvent>, EventError> {
        Ok(Verified::new(MessageEvent::read(endpoint, self.get().fields())?, self.slot()))
    }
}

impl CallEvent {
    /// The event in a recorded request. It was verified when it came in, and is only looked at again: what is read
    /// here bears no mark of being believed.
    pub fn recorded(endpoint: Endpoint, raw: &RawWebhook) -> Result<Self, EventError> {
        Self::read(endpoint, raw.fields())
    }

    fn read(endpoint: Endpoint, form: &Form) -> Result<Self, EventError> {
        let call = CallSid::parse(form.filled("CallSid").ok_or(EventError::NoCall)?).map_err(EventError::BadCall)?;
        let text = |name: &str| form.filled(name).map(Box::<str>::from);
        Ok(Self {
            endpoint,
            call,
            parent: form.get("ParentCallSid").and_then(|sid| CallSid::parse(sid).ok()),
            account: account(form),
            status: CallStatus::parse(form.get("CallStatus").unwrap_or_default()),
            from: Caller::parse(form.filled("From").or_else(|| form.get("Caller")).unwrap_or_default()),
            to: Called::parse(form.filled("To").or_else(|| form.get("Called")).unwrap_or_default()),
            direction: Direction::parse(form.get("Direction").unwrap_or_default()),
            forwarded_from: form.get("ForwardedFrom").and_then(|number| E164::parse(number).ok()),
            attestation: Attestation::parse(form.get("StirVerstat").unwrap_or_default()),
            caller_name: text("CallerName"),
            dial: read_dial(form),
            digits: form.get("Digits").filter(|digits| *digits != HUNG_UP).map(Into::into),
            speech: form.filled("SpeechResult").map(|said| Speech {
                text: said.into(),
                confidence: form
                    .get("Confidence")
                    .and_then(|text| text.parse().ok())
                    .filter(|sure| (0.0..=1.0).contains(sure)),
            }),
            recording: read_recording(form),
            transcription: read_transcription(form),
            seconds: number(form, "CallDuration"),
            sequence: number(form, "SequenceNumber"),
            at: form.get("Timestamp").and_then(time::parse),
            fault: form
                .filled("ErrorCode")
                .filter(|code| *code != "0")
                .map(|code| Fault { code: code.into(), url: text("ErrorUrl") }),
        })
    }
}

/// What stands in `Digits` when a recording ended because the caller hung up.
const HUNG_UP: &str = "hangup";

fn account(form: &Form) -> Option<AccountSid> {
    form.get("AccountSid").and_then(|sid| AccountSid::parse(sid).ok())
}

fn number(form: &Form, name: &str) -> Option<u32> {
    form.get(name).and_then(|text| text.trim().parse().ok())
}

fn read_dial(form: &Form) -> Option<DialReport> {
    let status = form.get("DialCallStatus")?;
    let bridged = form.get("DialBridged").and_then(|text| match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    });
    Some(DialReport {
        status: DialStatus::parse(status),
        bridged,
        leg: form.get("DialCallSid").and_then(|sid| CallSid::parse(sid).ok()),
        seconds: number(form, "DialCallDuration"),
    })
}

fn read_recording(form: &Form) -> Option<Recording> {
    let text = |name: &str| form.filled(name).map(Box::<str>::from);
    let hung_up = form.get("Digits") == Some(HUNG_UP);
    let recording = Recording {
        sid: text("RecordingSid"),
        url: text("RecordingUrl"),
        status: RecordingStatus::parse(form.get("RecordingStatus").unwrap_or_default()),
        seconds: number(form, "RecordingDuration"),
        hung_up,
    };
    let told = recording.sid.is_some() || recording.url.is_some() || recording.seconds.is_some() || hung_up;
    told.then_some(recording)
}

fn read_transcription(form: &Form) -> Option<Transcription> {
    let status = form.get("TranscriptionStatus");
    let words = form.get("TranscriptionText");
    if status.is_none() && words.is_none() {
        return None;
    }
    let understood = words.map(str::trim).filter(|text| !text.is_empty() && *text != "(blank)");
    Some(Transcription {
        sid: form.filled("TranscriptionSid").map(Into::into),
        text: understood.map(Into::into),
        failed: status.is_some_and(|word| word.trim().eq_ignore_ascii_case("failed")),
    })
}

impl MessageEvent {
    fn read(endpoint: Endpoint, form: &Form) -> Result<Self, EventError> {
        let sid = ["MessageSid", "SmsSid", "SmsMessageSid"].into_iter().find_map(|name| form.filled(name));
        let status = form.filled("MessageStatus").or_else(|| form.get("SmsStatus")).unwrap_or_default();
        Ok(Self {
            endpoint,
            message: sid.ok_or(EventError::NoMessage)?.into(),
            account: account(form),
            from: Caller::parse(form.get("From").unwrap_or_default()),
            to: Called::parse(form.get("To").unwrap_or_default()),
            body: form.get("Body").unwrap_or_default().into(),
            status: status.into(),
            error: form.filled("ErrorCode").map(Into::into),
        })
    }
}

#[cfg(test)]
mod tests;
