//! Lines, contacts, callers, prompts, mailboxes, escalations and channels as written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::rules::written::{Condition, FlagOr, OneOrMany, Said, WordsOr};

/// One of our numbers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The number that callers dial, quoted, with `+` and country code.
    #[schemars(extend("examples" = ["+16195550100"]))]
    pub number: String,
    /// The flow in which its calls start; `main` otherwise.
    #[schemars(extend("examples" = ["triage"]))]
    pub start: Option<String>,
    /// How callees hear the line named; its key otherwise.
    #[schemars(extend("examples" = ["the reservations line"]))]
    pub name: Option<String>,
    /// IANA name of the zone in which its hours are meant; the file's otherwise.
    #[schemars(extend("examples" = ["America/Denver"]))]
    pub timezone: Option<String>,
    /// The language in which its calls start; the file's otherwise.
    #[schemars(extend("examples" = ["es"]))]
    pub language: Option<String>,
}

/// Somebody who can be rung or told.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The number to ring, quoted, with `+` and country code.
    #[schemars(extend("examples" = ["+16195550111"]))]
    pub number: String,
    /// How the contact shows that a person, not a mailbox, has picked up.
    #[schemars(extend("examples" = ["none"]))]
    pub confirm: Option<Confirm>,
    /// Whose number the contact sees: `caller`, `line`, or a number of the account.
    #[schemars(extend("examples" = ["line"]))]
    pub show: Option<String>,
    /// How the contact is told of what it missed; not at all otherwise.
    #[schemars(extend("examples" = ["sms"]))]
    pub notify: Option<NotifyBy>,
    /// While this switch is on, the contact is not rung.
    #[schemars(extend("examples" = ["dana_away"]))]
    pub away: Option<String>,
    /// With that many of our calls at once, the contact is not rung.
    #[schemars(extend("examples" = [1]))]
    pub max_calls: Option<u8>,
    /// Whether the contact may be rung at all; `false` for somebody who is only told of things.
    #[schemars(extend("examples" = [false]))]
    pub callable: Option<bool>,
}

/// How a callee shows that a person has picked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confirm {
    /// By pressing 1.
    Key,
    /// By pressing 1 or saying yes.
    Voice,
    /// Not at all: whoever picks up has the call.
    None,
}

/// How a contact is told of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotifyBy {
    /// By text message.
    Sms,
    /// Not at all.
    None,
}

/// A class of callers; one match of any kind is enough.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallerClass {
    /// Exact numbers, quoted.
    #[serde(default)]
    #[schemars(extend("examples" = [["+16195550166"]]))]
    pub numbers: Vec<String>,
    /// Openings of numbers, quoted, with `+`.
    #[serde(default)]
    #[schemars(extend("examples" = [["+1900"]]))]
    pub prefixes: Vec<String>,
    /// A CSV file of numbers, below the folder of this file.
    #[schemars(extend("examples" = ["lists/vip.csv"]))]
    pub file: Option<String>,
    /// Callers who withhold their number.
    #[schemars(extend("examples" = [true]))]
    pub withheld: Option<bool>,
    /// What the networks say of the caller's number.
    #[serde(default)]
    #[schemars(extend("examples" = [["failed"]]))]
    pub attestation: OneOrMany<AttestationWord>,
}

/// What the networks say of the caller's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttestationWord {
    /// The network knows the customer and the number.
    PassedA,
    /// The network knows the customer but not the number.
    PassedB,
    /// The network only knows where the call came in.
    PassedC,
    /// The signature on the number does not hold.
    Failed,
    /// Nothing was signed.
    Unsigned,
}

/// Something the caller hears: `say` or `play`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// A text, or a text per language.
    #[schemars(extend("examples" = ["Our office is closed."]))]
    pub say: Option<Said>,
    /// An `https` address of a recording, or its path below the folder of this file.
    #[schemars(extend("examples" = ["audio/closed.mp3"]))]
    pub play: Option<String>,
    /// What is said when the recording cannot be had.
    #[schemars(extend("examples" = ["Our office is closed."]))]
    pub else_say: Option<Said>,
}

/// Where messages are left.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// A prompt or a text; what the caller hears before the tone.
    #[schemars(extend("examples" = ["Please leave your name and number after the tone."]))]
    pub greeting: Said,
    /// Greetings for certain moments; the first whose condition holds is used.
    #[serde(default)]
    #[schemars(extend("examples" = [[{ "when": "office", "say": "All of us are busy." }]]))]
    pub greetings: Vec<GreetingFor>,
    /// Longest message; two minutes otherwise.
    #[schemars(extend("examples" = ["2m"]))]
    pub max: Option<String>,
    /// Who gets the message: contacts, `on_duty` for everybody whom the call rang, or mail addresses.
    #[serde(default)]
    #[schemars(extend("examples" = [["owner", "on_duty", "desk@example.com"]]))]
    pub send_to: OneOrMany<String>,
    /// Whether the message is written out; the message itself never waits for that.
    #[schemars(extend("examples" = [true]))]
    pub transcribe: Option<bool>,
    /// Offers the caller a text instead: `true`, or the words of the offer.
    #[schemars(extend("examples" = ["or press 1 and we will text you"]))]
    pub offer_text: Option<FlagOr<Said>>,
    /// What that text says.
    #[schemars(extend("examples" = ["You called {{line}}. How can we help?"]))]
    pub text: Option<String>,
}

/// A greeting for a certain moment.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GreetingFor {
    /// All of these must hold.
    #[schemars(extend("examples" = ["office"]))]
    pub when: Option<WordsOr<Condition>>,
    /// A prompt, a text, or a text per language.
    #[schemars(extend("examples" = ["All of us are busy. Please leave a message."]))]
    pub say: Option<Said>,
    /// An `https` address of a recording, or its path below the folder of this file.
    #[schemars(extend("examples" = ["audio/busy.mp3"]))]
    pub play: Option<String>,
    /// What is said when the recording cannot be had.
    #[schemars(extend("examples" = ["All of us are busy."]))]
    pub else_say: Option<Said>,
}

/// One message of an escalation: a text to contacts, or a notice to a channel.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// Who gets a text.
    #[serde(default)]
    #[schemars(extend("examples" = [["dana", "lee"]]))]
    pub sms: OneOrMany<String>,
    /// Which channel gets a notice.
    #[schemars(extend("examples" = ["team"]))]
    pub notify: Option<String>,
    /// The words, with blanks for `{{caller}}`, `{{line}}` and `{{time}}`; those of the message before otherwise.
    #[schemars(extend("examples" = ["Missed call from {{caller}}. Reply TAKE."]))]
    pub text: Option<String>,
    /// How long after the call was missed; at once otherwise.
    #[schemars(extend("examples" = ["10m"]))]
    pub after: Option<String>,
    /// When it is left out.
    #[schemars(extend("examples" = ["taken"]))]
    pub unless: Option<Unless>,
}

/// When a message is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unless {
    /// Somebody has answered TAKE.
    Taken,
}

/// A place where notices go: exactly one of these keys.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// A Slack channel.
    #[schemars(extend("examples" = ["#calls"]))]
    pub slack: Option<String>,
    /// A Telegram chat.
    #[schemars(extend("examples" = ["-1001234567890"]))]
    pub telegram: Option<String>,
    /// A WhatsApp number, quoted, with `+` and country code.
    #[schemars(extend("examples" = ["+16195550130"]))]
    pub whatsapp: Option<String>,
    /// The approved template (`HX…`) that carries notices over WhatsApp, at any time; its first blank gets the words.
    #[schemars(extend("examples" = ["HX0123456789abcdef0123456789abcdef"]))]
    pub template: Option<String>,
    /// An `https` address that gets a signed request.
    #[schemars(extend("examples" = ["https://hooks.example.com/calls"]))]
    pub webhook: Option<String>,
    /// A mail address.
    #[schemars(extend("examples" = ["desk@example.com"]))]
    pub email: Option<String>,
}
