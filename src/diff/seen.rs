//! A recorded call in few words: what was known of it, and what everybody did, in order.

use serde::{Deserialize, Serialize};

use crate::model::leg::Leg;

/// Version of the written form.
pub const FORM: u8 = 1;

/// One recorded call. Written as one line of JSON, it is what `ringfall diff --calls` reads fastest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// [`FORM`] of its writer; it stands first, so that a reader knows the line for what it is.
    pub seen: u8,
    /// The organization.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub org: String,
    /// The caller's leg.
    pub call: String,
    /// The number that was called.
    pub called: String,
    /// The name of the line, for a number that stands for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Who called: a number, `withheld`, or an address.
    pub caller: String,
    /// What the networks said of the caller's number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub attestation: String,
    /// The number that forwarded the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_from: Option<String>,
    /// When it came in, in seconds since 1970.
    pub began: i64,
    /// Switches that did not stand at their default: (name, whether on).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub switches: Vec<(String, bool)>,
    /// Contacts who were on calls already: (name, how many).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub active: Vec<(String, u8)>,
    /// How many seconds before this call the same caller had called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<u32>,
    /// What was done, and what came of it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub did: Vec<Did>,
    /// How it ended, in the rules' words; none when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// How long the caller waited, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited: Option<u32>,
    /// Digest of the rules it went by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
}

/// One answer of a recorded call, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Did {
    /// `ring`, `menu`, `offer_text`, `record`, `handoff`, or what ended it.
    pub act: String,
    /// The names of those who were rung, or of the menu or mailbox.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// How long it was to ring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u16>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Then::is_nothing")]
    pub then: Then,
    /// After how many seconds, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Nothing is known.
    #[default]
    Nothing,
    /// The caller hung up.
    Gone,
    /// Somebody took the call; who, when known.
    Taken(Option<String>),
    /// Nobody took it: how the ring ended.
    Missed(String),
    /// The caller pressed these keys; none for none.
    Pressed(String),
    /// The caller said this.
    Said(String),
    /// A message of so many seconds was left.
    Left(u32),
    /// The other application gave the call back.
    Returned,
}

impl Then {
    /// Whether nothing is known.
    pub fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

/// One ring of one person in a recorded call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RungThen<'a> {
    /// The contact's name then.
    pub name: &'a str,
    /// All who were rung at once.
    pub together: &'a [String],
    /// What this person did; none when it is not known, as of those who were let go because another was faster.
    pub leg: Option<Leg>,
    /// How long it was to ring.
    pub seconds: Option<u16>,
    /// After how many seconds it was over.
    pub after: Option<u32>,
}

impl Seen {
    /// Everybody rung, in order, once for each ring.
    pub fn rings(&self) -> impl Iterator<Item = RungThen<'_>> {
        self.did.iter().filter(|did| did.act == "ring").flat_map(|did| {
            did.names.iter().map(move |name| RungThen {
                name,
                together: &did.names,
                leg: leg(did, name),
                seconds: did.seconds,
                after: did.after,
            })
        })
    }
}

/// What a person of a ring did.
fn leg(did: &Did, name: &str) -> Option<Leg> {
    match &did.then {
        Then::Taken(Some(who)) => (who == name).then_some(Leg::Answered),
        Then::Taken(None) if did.names.len() == 1 => Some(Leg::Answered),
        Then::Missed(word) => match word.as_str() {
            "no_answer" => Some(Leg::NoAnswer),
            "busy" => Some(Leg::Busy),
            "declined" => Some(Leg::Declined),
            "answered_no_key" => Some(Leg::AnsweredNoKey),
            "failed" => Some(Leg::Unreachable),
            "canceled" => Some(Leg::Canceled),
            _ => None,
        },
        Then::Gone => Some(Leg::CallerHangsUp),
        Then::Taken(None) | Then::Nothing | Then::Pressed(_) | Then::Said(_) | Then::Left(_) | Then::Returned => None,
    }
}
