//! One record of the trail in its versioned wire form: all that went into one answer, and the answer.
//!
//! A field that is empty is left out of the written form; a reader ignores fields that it does not know,
//! so that an older reader can follow a newer writer of the same schema version.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decide::trace::Trace;
use crate::model::moment::bundled_tzdb;
use crate::webhook::raw::Wire;

/// Version of the wire form; it rises when a field changes its meaning, not when one is added.
pub const SCHEMA: u16 = 1;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The caller's next step was decided.
    Decision,
    /// A callee was asked to press a key, or answered.
    Screen,
    /// The carrier told how a leg or a call stands.
    Status,
    /// A message was recorded.
    Recording,
    /// A message was written out.
    Transcription,
    /// A text message came in, or its delivery was reported.
    Message,
    /// A call was closed: its summary, and what is sent because nobody took it.
    Closed,
    /// Rules on trial would have answered otherwise.
    Trial,
    /// Something that the keepers of the gate must see.
    Security,
}

impl Kind {
    /// The word for it in the store, in metrics and in filters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Screen => "screen",
            Self::Status => "status",
            Self::Recording => "recording",
            Self::Transcription => "transcription",
            Self::Message => "message",
            Self::Closed => "closed",
            Self::Trial => "trial",
            Self::Security => "security",
        }
    }
}

/// One record. Its place in a call is `step`: the same step of a call has one record, however often it is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// [`SCHEMA`] of its writer.
    pub schema: u16,
    /// Its name everywhere: a version 7 UUID.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub id: Uuid,
    /// What it is about.
    pub kind: Kind,
    /// The organization; empty while nothing verified says which.
    pub org: String,
    /// The node that wrote it.
    pub node: String,
    /// When the request came in.
    pub received: Received,
    /// Last part of the path that was asked, such as `inbound-call`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// The caller's leg; empty when it is about no call.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub call: String,
    /// The callee's leg, on its own requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<String>,
    /// The carrier account.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// What makes this request the same as its repeat, within the call.
    pub step: String,
    /// The request as it was received; none when nobody verified sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// When the call came in, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<i64>,
    /// Which of the credential's verifiers the signature matched: `primary` or `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier: Option<String>,
    /// What was known of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// What the carrier reported, in its own words.
    #[serde(default, skip_serializing_if = "Reported::is_empty")]
    pub reported: Reported,
    /// Where the call stood when the request came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Place>,
    /// Where it stands afterwards; none when it is over for the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Place>,
    /// State from outside the rule file that deciding could read.
    #[serde(default, skip_serializing_if = "StateRead::is_empty")]
    pub state: StateRead,
    /// What was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decided>,
    /// What is sent because of it, each once for a call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effected>,
    /// Everything that was considered on the way, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<TraceLine>,
    /// The same as it was decided, before it is put into words. The journal keeps it in this form, because nobody may
    /// ever read it; whoever reads a record from the journal finds the words.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "crate::audit::packed")]
    #[schemars(skip)]
    pub considered: Trace,
    /// Digest of the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// Digest of the templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<String>,
    /// Version of the time-zone data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tzdb: String,
    /// What rules on trial would have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
    /// Something for the keepers of the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<SecurityEvent>,
    /// How the call went, on the record that closes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Box<crate::audit::summary::Summary>>,
    /// The answer as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twiml: Option<String>,
    /// Microseconds from the request's last byte to the record.
    pub latency_us: u64,
    /// What went wrong, when the caller was answered in spite of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// `local` when the answer should have waited for the trail of all nodes, and did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<String>,
}

impl Record {
    /// In whose account its recording is: the organization's, or the carrier's own name of the account where no
    /// organization was known.
    pub fn holder(&self) -> &str {
        if self.org.is_empty() { &self.account } else { &self.org }
    }

    /// A record that says only what it is about, when and where; its step is its own name until it gets another.
    pub fn blank(kind: Kind, id: Uuid, node: &str, received: Received) -> Self {
        Self {
            schema: SCHEMA,
            id,
            kind,
            org: String::new(),
            node: node.to_owned(),
            received,
            endpoint: String::new(),
            call: String::new(),
            leg: None,
            account: String::new(),
            step: id.to_string(),
            request: None,
            began: None,
            verifier: None,
            facts: None,
            reported: Reported::default(),
            from: None,
            to: None,
            state: StateRead::default(),
            decision: None,
            effects: Vec::new(),
            trace: Vec::new(),
            considered: Trace::new(),
            rules: None,
            templates: None,
            tzdb: bundled_tzdb().to_owned(),
            tried: None,
            security: None,
            summary: None,
            twiml: None,
            latency_us: 0,
            fault: None,
            ack: None,
        }
    }
}

/// A verified request as it was received, so that it can be sent again. A request by GET has its fields in the target.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// `POST` or `GET`.
    pub method: String,
    /// Path and query, nothing decoded, without the path of the public address.
    pub target: String,
    /// The content type, unless it is that of a form in UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The body; bytes of a form that are no UTF-8 are written as `%` and two hex digits, which a reader of forms
    /// takes for the same.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

impl Request {
    /// What stands on the wire.
    pub fn of(wire: &Wire<'_>) -> Self {
        let body = match std::str::from_utf8(wire.body) {
            Ok(text) => text.to_owned(),
            Err(_) => percent_encoded(wire.body),
        };
        let usual = wire.content_type.is_none_or(is_plain_form);
        Self {
            method: wire.method.to_owned(),
            target: wire.target.to_owned(),
            content_type: (!usual).then(|| wire.content_type.unwrap_or_default().to_owned()),
            body,
        }
    }
}

/// What the carrier sends with every form.
fn is_plain_form(content_type: &str) -> bool {
    let usual = ["application/x-www-form-urlencoded; charset=UTF-8", "application/x-www-form-urlencoded"];
    usual.iter().any(|usual| usual.eq_ignore_ascii_case(content_type))
}

fn percent_encoded(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        if byte.is_ascii() {
            text.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _infallible = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// A moment in three forms: to sort by, to join by, and to read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Received {
    /// Microseconds since 1970.
    pub us: i64,
    /// RFC 3339 in UTC.
    pub utc: String,
    /// RFC 3339 in the line's zone.
    pub local: String,
    /// That zone's name.
    pub zone: String,
}

/// What was known of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// Name of the line that was called; none when the number is in no rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The number that was called.
    pub called: String,
    /// Who called: a number, `withheld`, or an address.
    pub caller: String,
    /// `number`, `withheld`, `sip`, `client` or `malformed`.
    pub caller_is: String,
    /// What the networks say of the caller's number.
    pub attestation: String,
    /// The number that forwarded the call to us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_from: Option<String>,
    /// `arrived`, `rang`, `chose`, `recorded`, `returned` or `gone`.
    pub happened: String,
    /// How a ring ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Who of those rung talked, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<String>,
    /// The keys pressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<String>,
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<String>,
    /// Length of a message in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
}

/// What the carrier reported; every field is absent unless it came.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Reported {
    /// `CallStatus` of the leg that the request is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_status: Option<String>,
    /// How long that leg lasted, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_seconds: Option<u32>,
    /// `DialCallStatus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial_status: Option<String>,
    /// `DialBridged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial_bridged: Option<bool>,
    /// `DialCallDuration` in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial_seconds: Option<u32>,
    /// `DialCallSid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial_leg: Option<String>,
    /// Name of the contact on the leg that the request is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Whether the callee took the call: `yes` or `no`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// The carrier's count of its callbacks about one leg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// The recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// Where it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_url: Option<String>,
    /// `completed`, `absent` or `failed`, of a recording, a transcription or a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What was said or written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Length of a recording in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
    /// The text message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The carrier's error code, on its fallback request and on failed messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Things that do not fit together, each in a few words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<String>,
}

impl Reported {
    /// Whether nothing was reported.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A place in a call's cascade.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Cascade and step, as in the URL; none for a call that has just come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Which part of the step.
    pub stage: u8,
    /// How many answers the call has had.
    pub hop: u8,
    /// The language chosen on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<u8>,
    /// Name of the escalation that starts when nobody takes the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<String>,
    /// Flow and rule taken last, as in the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// State from outside the rule file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct StateRead {
    /// Switches that do not stand at their default, or are set to it by hand: (name, whether on).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub switches: Vec<(String, bool)>,
    /// Switches whose source had told nothing for too long.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<String>,
    /// Contacts who are on calls of ours: (name, how many).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub active_calls: Vec<(String, u8)>,
    /// How many seconds before this call the same caller called, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_calls: Vec<u32>,
    /// The line that the number's binding names, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

impl StateRead {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        let Self { switches, stale, active_calls, earlier_calls, line } = self;
        let lists = [switches.is_empty(), stale.is_empty(), active_calls.is_empty(), earlier_calls.is_empty()];
        line.is_none() && lists == [true; 4]
    }
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Decided {
    /// `ring`, `menu`, `offer_text`, `record`, `promise_text`, `thank`, `reject`, `hangup`, `handoff` or `nothing`.
    pub act: String,
    /// The step of the act, as in the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Who is rung.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// How long it rings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u16>,
    /// The menu or mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How the call ended, when this answer ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The whole in a sentence.
    pub plan: String,
}

/// Something that is sent once for a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Effected {
    /// Its name within the call.
    pub key: String,
    /// `text`, `notice`, `offered_text`, `missed` or `message`.
    pub kind: String,
    /// The step that sends it, as in the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The channel, mailbox or escalation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// One line of the reasons.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TraceLine {
    /// How far it is indented.
    pub depth: u8,
    /// The path in the rule file that it is about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The words.
    pub text: String,
}

/// An answer that rules on trial would have given otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Tried {
    /// Digest of the rules on trial.
    pub rules: String,
    /// In what the answers differ: `course`, `rung`, `confirm`, `ending`, `texts`, `mailbox`, `seconds`, `shown` or
    /// `wording`.
    pub aspects: Vec<String>,
    /// What was answered: the step, and what it does.
    pub old: String,
    /// What would have been answered.
    pub new: String,
}

/// Something for the keepers of the gate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SecurityEvent {
    /// The stable name of this kind of event, such as `signature-refused`.
    pub event: String,
    /// Who sent the request, by network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// What the request claimed, with numbers masked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_kept_as_it_came() {
        let form = "application/x-www-form-urlencoded";
        let wire = |content_type, body| Wire {
            method: "POST",
            target: "/twilio/continue?org=acme&s=1.0",
            content_type: Some(content_type),
            signature: Some("secret"),
            body,
        };
        let usual = Request::of(&wire("application/x-www-form-urlencoded; charset=UTF-8", b"To=%2B1&City=S\xc3\xa3o"));
        assert_eq!((usual.content_type, usual.body.as_str()), (None, "To=%2B1&City=São"));
        let odd = format!("{form}; charset=ISO-8859-1");
        let latin = Request::of(&wire(&odd, b"City=S\xe3o"));
        assert_eq!((latin.content_type.as_deref(), latin.body.as_str()), (Some(odd.as_str()), "City=S%E3o"));
        assert_eq!(latin.target, "/twilio/continue?org=acme&s=1.0");
    }

    #[test]
    fn a_reader_follows_a_newer_writer() {
        let text = r#"{"schema":1,"id":"019aa5a0-0000-7000-8000-000000000001","kind":"security","org":"","node":"one",
            "received":{"us":1,"utc":"","local":"","zone":"UTC","leap":true},"step":"x","latency_us":7,
            "security":{"event":"signature-refused"},"of tomorrow":[1]}"#;
        let record: Record = serde_json::from_str(text).unwrap();
        assert_eq!((record.kind, record.latency_us), (Kind::Security, 7));
        let written = serde_json::to_string(&record).unwrap();
        assert!(!written.contains("twiml") && !written.contains("trace"), "{written}");
        assert_eq!(serde_json::from_str::<Record>(&written).unwrap(), record);
    }
}
