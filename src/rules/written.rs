//! The YAML as its author wrote it; the JSON Schema comes from these types.
//!
//! Nothing here is judged: names are not resolved, and times and numbers are still text.

mod cases;
mod form;
mod people;
mod steps;
mod times;

use schemars::JsonSchema;
use serde::Deserialize;

pub use cases::{Call, Case, Expect, SwitchWord};
pub use form::{CountOr, FlagOr, Named, OneOrMany, TextOr, WordsOr};
pub use people::{
    AttestationWord, CallerClass, Channel, Confirm, Contact, Escalation, Line, Mailbox, NotifyBy, Unless,
};
pub use people::{GreetingFor, Prompt};
pub use steps::{Attempt, ClosedOrBusy, Condition, Menu, NegatedCondition, Rule, Step};
pub use times::{Holiday, Interval, Switch, SwitchSource};

/// A text in one language, the name of a prompt, or a text per language.
pub type Said = TextOr<Named<String>>;

/// One organization's rules: who is rung when one of its numbers is called.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Version of the language; a file keeps the meaning of its version for ever.
    #[schemars(extend("examples" = [1]))]
    pub version: Option<u64>,
    /// IANA name of the zone in which hours are meant, unless a line has its own.
    #[schemars(extend("examples" = ["America/Los_Angeles"]))]
    pub timezone: Option<String>,
    /// The language in which calls start and texts without a language are written.
    #[schemars(extend("examples" = ["en"]))]
    pub language: Option<String>,
    /// ISO codes of the countries that may be rung and texted; those of the file's own numbers otherwise.
    #[schemars(extend("examples" = [["US", "CA"]]))]
    pub countries: Option<Vec<String>>,
    /// Files whose sections are merged into this one by name.
    #[serde(default, rename = "use")]
    #[schemars(extend("examples" = [["holidays/us.yaml"]]))]
    pub includes: Vec<String>,
    /// Short form of `lines`: our numbers, all starting in the flow `main`.
    #[serde(default)]
    #[schemars(extend("examples" = [["+16195550100"]]))]
    pub numbers: Vec<String>,
    /// Our numbers, and the flow in which each starts.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "main": { "number": "+16195550100", "start": "triage" } }]))]
    pub lines: Named<Line>,
    /// People and services that can be rung or told.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "primary": "+16195550111" }]))]
    pub contacts: Named<TextOr<Contact>>,
    /// What holds where nothing else is said.
    #[schemars(extend("examples" = [{ "ring": { "for": "18s" } }]))]
    pub defaults: Option<Defaults>,
    /// Opening hours by name.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "office": "mon-fri 09:00-17:00" }]))]
    pub hours: Named<OneOrMany<TextOr<Interval>>>,
    /// Lists of holidays by name.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "us": [{ "name": "New Year's Day", "date": "01-01" }] }]))]
    pub holidays: Named<Vec<Holiday>>,
    /// Classes of callers by name.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "blocked": { "prefixes": ["+1900"] } }]))]
    pub callers: Named<CallerClass>,
    /// State kept outside the file, set by text, by command or by the API.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "closed_today": { "expires": "end_of_day" } }]))]
    pub switches: Named<Switch>,
    /// Short form of `flows`: the rules of the flow `main`.
    #[serde(default)]
    #[schemars(extend("examples" = [[{ "when": "office", "cascade": [{ "ring": "primary" }] }]]))]
    pub routes: Vec<Rule>,
    /// Lists of rules by name; the first rule whose condition holds is taken, and only that one.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "main": [{ "cascade": [{ "ring": "primary" }] }] }]))]
    pub flows: Named<Vec<Rule>>,
    /// Menus by name.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "main": { "say": "For sales press 1.", "keys": { "1": [{ "ring": "sales" }] } } }]))]
    pub menus: Named<Menu>,
    /// Who is told of a missed call, and when, by name.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "page": [{ "sms": "owner", "text": "Missed call from {{caller}}." }] }]))]
    pub escalations: Named<Vec<Escalation>>,
    /// Things the caller hears, by name.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "closed": { "say": "Our office is closed." } }]))]
    pub prompts: Named<TextOr<Prompt>>,
    /// Where messages are left, by name.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "office": { "greeting": "Please leave your name and number." } }]))]
    pub mailboxes: Named<Mailbox>,
    /// Where notices go, by name.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "team": { "slack": "#calls" } }]))]
    pub channels: Named<Channel>,
    /// The ending of every call that nothing else ended; static, because it also serves when all else is down.
    #[schemars(extend("examples" = [{ "voicemail": "Please leave your name and number after the tone." }]))]
    pub finally: Option<OneOrMany<Step>>,
    /// A second file on trial.
    #[schemars(extend("examples" = [{ "candidate": "next.yaml", "mode": "shadow", "share": "10%" }]))]
    pub rollout: Option<Rollout>,
    /// What must hold for every call; proved by `ringfall check`.
    #[serde(default)]
    #[schemars(extend("examples" = [[{ "caller_waits_at_most": "120s" }]]))]
    pub promises: Vec<Promise>,
    /// Imagined calls and what must come of them; run by `ringfall test`.
    #[serde(default)]
    #[schemars(extend("examples" = [[{ "name": "open", "call": { "at": "2026-11-23 10:00" }, "expect": { "ends": "connected" } }]]))]
    pub tests: Vec<Case>,
}

/// What holds where nothing else is said.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// For every ring step and contact.
    #[schemars(extend("examples" = [{ "for": "18s", "confirm": "key", "show": "caller" }]))]
    pub ring: Option<RingDefaults>,
}

/// What holds for ring steps and contacts that say nothing else.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RingDefaults {
    /// Ringing time; 20 seconds otherwise.
    #[serde(rename = "for")]
    #[schemars(extend("examples" = ["18s"]))]
    pub time: Option<String>,
    /// How contacts show that a person has picked up; by key otherwise.
    #[schemars(extend("examples" = ["key"]))]
    pub confirm: Option<Confirm>,
    /// Whose number contacts see: `caller`, `line`, or a number of the account; the caller's otherwise.
    #[schemars(extend("examples" = ["caller"]))]
    pub show: Option<String>,
}

/// A second file on trial.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// The file, below the folder of this one.
    #[schemars(extend("examples" = ["next.yaml"]))]
    pub candidate: String,
    /// Whether it acts.
    #[schemars(extend("examples" = ["shadow"]))]
    pub mode: RolloutMode,
    /// Share of callers; all of them in shadow mode otherwise.
    #[schemars(extend("examples" = ["10%"]))]
    pub share: Option<String>,
    /// What calls are shared out by; a caller always meets the same file.
    #[schemars(extend("examples" = ["caller"]))]
    pub by: Option<RolloutBy>,
    /// Last day of the trial.
    #[schemars(extend("examples" = ["2026-12-31"]))]
    pub until: Option<String>,
    /// When a candidate that answers is taken back by itself.
    #[schemars(extend("examples" = [{ "unanswered_rises": "10%", "calls": 50 }]))]
    pub return_if: Option<ReturnIf>,
}

/// When a candidate that answers is taken back by itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnIf {
    /// By how many points of a hundred more of its calls go unanswered than of the others; 10 otherwise.
    #[schemars(extend("examples" = ["10%"]))]
    pub unanswered_rises: Option<String>,
    /// How many calls must have ended on either side before the two are compared; 50 otherwise.
    #[schemars(extend("examples" = [50]))]
    pub calls: Option<u16>,
}

/// Whether a candidate acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RolloutMode {
    /// It is evaluated, and differences are recorded.
    Shadow,
    /// It answers its share of callers.
    Canary,
}

/// What calls are shared out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RolloutBy {
    /// The caller's number.
    Caller,
}

/// Something that must hold for every call: exactly one of these keys.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Every call ends in one of these ways.
    #[schemars(extend("examples" = [["connected", "voicemail", "rejected"]]))]
    pub every_call_ends: Option<Vec<String>>,
    /// No caller waits longer before talking to a person or leaving a message.
    #[schemars(extend("examples" = ["120s"]))]
    pub caller_waits_at_most: Option<String>,
    /// Somebody is not rung at certain hours.
    #[schemars(extend("examples" = [{ "contact": "dana", "during": "quiet", "except_flow": "urgent" }]))]
    pub never_rings: Option<NeverRings>,
}

/// Somebody who is not rung at certain hours.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeverRings {
    /// Who.
    #[schemars(extend("examples" = ["dana"]))]
    pub contact: String,
    /// When; never at all otherwise.
    #[schemars(extend("examples" = ["quiet"]))]
    pub during: Option<String>,
    /// Calls that came through this flow are excepted.
    #[schemars(extend("examples" = ["urgent"]))]
    pub except_flow: Option<String>,
}
