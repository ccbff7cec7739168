//! Imagined calls as written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::rules::written::people::AttestationWord;
use crate::rules::written::times::OnOff;
use crate::rules::written::{Named, OneOrMany, WordsOr};

/// Where a test puts a switch.
pub type SwitchWord = OnOff;

/// An imagined call and what must come of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A sentence that says what holds.
    #[schemars(extend("examples" = ["Friday 15:00 is already closed"]))]
    pub name: String,
    /// The call.
    #[schemars(extend("examples" = [{ "to": "main", "from": "+16195550123", "at": "2026-03-06 15:00" }]))]
    pub call: Call,
    /// What each contact does when rung; nobody answers otherwise.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "dana": "busy", "lee": ["no_answer", "answered"] }]))]
    pub legs: Named<OneOrMany<String>>,
    /// What the caller presses or says at each menu, in order; silence when they run out.
    #[serde(default)]
    #[schemars(extend("examples" = [["1"]]))]
    pub keys: OneOrMany<String>,
    /// What must come of it.
    #[schemars(extend("examples" = [{ "ends": "voicemail", "waits": "<= 120s" }]))]
    pub expect: Expect,
}

/// The call of a test.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The line that is called; the first one otherwise.
    #[schemars(extend("examples" = ["main"]))]
    pub to: Option<String>,
    /// The caller: a quoted number or `withheld`; somebody in no class otherwise.
    #[schemars(extend("examples" = ["+16195550123", "withheld"]))]
    pub from: Option<String>,
    /// When, in local time of the line.
    #[schemars(extend("examples" = ["2026-03-06 15:00"]))]
    pub at: String,
    /// Switches that are on, or where each stands.
    #[schemars(extend("examples" = [["maintenance"], { "dana_away": "on" }]))]
    pub switches: Option<WordsOr<Named<SwitchWord>>>,
    /// For the how-maniest time the caller calls within minutes; the first otherwise.
    #[schemars(extend("examples" = [3]), range(min = 1))]
    pub attempt: Option<u8>,
    /// What the networks say of the caller's number; nothing otherwise.
    #[schemars(extend("examples" = ["failed"]))]
    pub attestation: Option<AttestationWord>,
}

/// What must come of a call; what is not named may be anything.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The rule taken last.
    #[schemars(extend("examples" = ["after-hours"]))]
    pub rule: Option<String>,
    /// A flow that the call went through.
    #[schemars(extend("examples" = ["urgent"]))]
    pub flow: Option<String>,
    /// How the call ends.
    #[schemars(extend("examples" = ["voicemail"]))]
    pub ends: Option<String>,
    /// Everybody who is rung, in order.
    #[schemars(extend("examples" = [["dana", "lee"]]))]
    pub rings: Option<Vec<String>>,
    /// Everybody who gets a text at once.
    #[schemars(extend("examples" = [["dana", "lee"]]))]
    pub sms: Option<Vec<String>>,
    /// The longest wait before talking to a person or leaving a message.
    #[schemars(extend("examples" = ["<= 120s"]))]
    pub waits: Option<String>,
    /// The mailbox in which the message is left.
    #[schemars(extend("examples" = ["office"]))]
    pub mailbox: Option<String>,
    /// A menu that the caller heard.
    #[schemars(extend("examples" = ["main"]))]
    pub menu: Option<String>,
}
