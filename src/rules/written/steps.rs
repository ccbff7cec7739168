//! Rules, conditions, steps and menus as written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::rules::written::{CountOr, FlagOr, Named, OneOrMany, Said, WordsOr};

/// One rule: when its condition holds, its cascade is followed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// How explanations and tests call it.
    #[schemars(extend("examples" = ["after-hours"]))]
    pub name: Option<String>,
    /// The condition: a name of hours, a list of them, or a map; always otherwise.
    #[schemars(extend("examples" = ["office", { "caller": "vip", "not": { "hours": "quiet" } }]))]
    pub when: Option<WordsOr<Condition>>,
    /// The steps in order; past the last one comes `finally`.
    #[schemars(extend("examples" = [[{ "ring": "primary", "for": "20s" }, { "voicemail": "office" }]]))]
    pub cascade: Vec<Step>,
    /// The escalation that starts when the caller ends without having been taken.
    #[schemars(extend("examples" = ["page-owner"]))]
    pub missed: Option<String>,
}

/// All keys must hold; a list under a key means any of it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// It is one of these hours.
    #[serde(default)]
    #[schemars(extend("examples" = ["office"]))]
    pub hours: OneOrMany<String>,
    /// The caller is in one of these classes.
    #[serde(default)]
    #[schemars(extend("examples" = ["vip"]))]
    pub caller: OneOrMany<String>,
    /// One of these switches is on.
    #[serde(default)]
    #[schemars(extend("examples" = ["maintenance"]))]
    pub switch: OneOrMany<String>,
    /// The call came in on one of these lines.
    #[serde(default)]
    #[schemars(extend("examples" = ["main"]))]
    pub line: OneOrMany<String>,
    /// The call is in one of these languages.
    #[serde(default)]
    #[schemars(extend("examples" = ["es"]))]
    pub language: OneOrMany<String>,
    /// The caller calls at least for the so-maniest time.
    #[schemars(extend("examples" = [3, { "at_least": 3, "within": "15m" }]))]
    pub attempt: Option<CountOr<Attempt>>,
    /// None of these may hold.
    #[schemars(extend("examples" = [{ "hours": "quiet" }]))]
    pub not: Option<NegatedCondition>,
}

/// None of these may hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NegatedCondition {
    /// It is one of these hours.
    #[serde(default)]
    #[schemars(extend("examples" = ["quiet"]))]
    pub hours: OneOrMany<String>,
    /// The caller is in one of these classes.
    #[serde(default)]
    #[schemars(extend("examples" = ["vip"]))]
    pub caller: OneOrMany<String>,
    /// One of these switches is on.
    #[serde(default)]
    #[schemars(extend("examples" = ["closed_today"]))]
    pub switch: OneOrMany<String>,
    /// The call came in on one of these lines.
    #[serde(default)]
    #[schemars(extend("examples" = ["main"]))]
    pub line: OneOrMany<String>,
    /// The call is in one of these languages.
    #[serde(default)]
    #[schemars(extend("examples" = ["es"]))]
    pub language: OneOrMany<String>,
    /// The caller calls at least for the so-maniest time.
    #[schemars(extend("examples" = [3, { "at_least": 3, "within": "15m" }]))]
    pub attempt: Option<CountOr<Attempt>>,
}

/// How often the caller has called this organization, this call included.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The least number of calls.
    #[schemars(extend("examples" = [3]), range(min = 1))]
    pub at_least: u8,
    /// Within how long; ten minutes otherwise.
    #[schemars(extend("examples" = ["15m"]))]
    pub within: Option<String>,
}

/// One step: exactly one verb, and its options.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Verb: rings a contact, or several at once; falls through when nobody takes the call.
    #[schemars(extend("examples" = ["primary", ["desk", "sales"]]))]
    pub ring: Option<OneOrMany<String>>,
    /// Verb: says a prompt or a text; falls through.
    #[schemars(extend("examples" = ["closed", "One moment, please.", { "en": "One moment.", "es": "Un momento." }]))]
    pub say: Option<Said>,
    /// Verb: plays a recording, by `https` address or path; falls through.
    #[schemars(extend("examples" = ["audio/welcome.mp3"]))]
    pub play: Option<String>,
    /// Verb: asks the caller.
    #[schemars(extend("examples" = ["main"]))]
    pub menu: Option<String>,
    /// Verb: goes to another flow and does not come back.
    #[schemars(extend("examples" = ["urgent"]))]
    pub flow: Option<String>,
    /// Verb: takes a message, in a mailbox or with this greeting; ends the call.
    #[schemars(extend("examples" = ["office", "Please leave your name and number after the tone."]))]
    pub voicemail: Option<Said>,
    /// Verb: refuses the call unanswered; only under a condition on the caller.
    #[schemars(extend("examples" = ["busy"]))]
    pub reject: Option<ClosedOrBusy>,
    /// Verb: hangs up, after saying something; only under a condition.
    #[schemars(extend("examples" = [true, "We are closed. Please call again tomorrow."]))]
    pub hangup: Option<FlagOr<Said>>,
    /// Verb: sends a text to the `caller` or to contacts; falls through at once.
    #[schemars(extend("examples" = ["caller", ["caller", "owner"]]))]
    pub text: Option<OneOrMany<String>>,
    /// Verb: sends a notice to a channel; falls through at once.
    #[schemars(extend("examples" = ["team"]))]
    pub notify: Option<String>,
    /// Verb: gives the call to another application: TwiML (`https:`), a SIP address, or a media stream (`wss:`).
    #[schemars(extend("examples" = ["https://agent.example.com/twiml", "sip:agent@example.com", "wss://agent.example.com/media"]))]
    pub handoff: Option<String>,
    /// Option of `ring` and of `handoff` to SIP: ringing time.
    #[serde(rename = "for")]
    #[schemars(extend("examples" = ["20s"]))]
    pub time: Option<String>,
    /// Option of `play`: what is said when the recording cannot be had.
    #[schemars(extend("examples" = ["Welcome."]))]
    pub else_say: Option<Said>,
    /// Option of `flow`: the language from here on.
    #[schemars(extend("examples" = ["es"]))]
    pub language: Option<String>,
    /// Option of `voicemail`: offers the caller a text instead.
    #[schemars(extend("examples" = [true, "or press 1 and we will text you"]))]
    pub offer_text: Option<FlagOr<Said>>,
    /// Option of `text` and `notify`: the words, with blanks for `{{caller}}`, `{{line}}` and `{{time}}`.
    #[schemars(extend("examples" = ["You called {{line}}. How can we help?"]))]
    pub body: Option<String>,
}

/// How a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClosedOrBusy {
    /// The caller hears a busy tone.
    Busy,
    /// The caller hears that the number is not in service.
    Closed,
}

/// A menu: what the caller hears, and where each key leads.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Menu {
    /// A prompt, a text, or a text per language.
    #[schemars(extend("examples" = ["For sales press 1. To leave a message press 2."]))]
    pub say: Option<Said>,
    /// An `https` address of a recording, or its path below the folder of this file.
    #[schemars(extend("examples" = ["audio/menu.mp3"]))]
    pub play: Option<String>,
    /// What is said when the recording cannot be had.
    #[schemars(extend("examples" = ["For sales press 1."]))]
    pub else_say: Option<Said>,
    /// Each key with its cascade.
    #[schemars(extend("examples" = [{ "1": [{ "ring": "sales" }], "2": [{ "voicemail": "office" }] }]))]
    pub keys: Named<Vec<Step>>,
    /// Words that mean the same as a key when spoken.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "1": ["sales", "orders"] }]))]
    pub words: Named<OneOrMany<String>>,
    /// Silence after the prompt before the menu is played again or left; five seconds otherwise.
    #[schemars(extend("examples" = ["6s"]))]
    pub wait: Option<String>,
    /// How often the menu is played in all; once otherwise.
    #[schemars(extend("examples" = [2]), range(min = 1, max = 9))]
    pub tries: Option<u8>,
    /// Where silence and wrong keys lead; to the step after the menu otherwise.
    #[schemars(extend("examples" = [[{ "flow": "urgent" }]]))]
    pub otherwise: Option<Vec<Step>>,
}
