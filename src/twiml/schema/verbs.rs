//! What Twilio's verbs may hold: which elements, which attributes, which values.
//!
//! Drawn from Twilio's documentation and from what its own libraries write. Names are case-sensitive.

mod agents;
mod calls;
mod markup;
mod messages;

use crate::twiml::schema::Context;

/// What one element may hold.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The element's name; where one name means two things, the parent's name and `>` before it.
    pub(crate) key: &'static str,
    /// Whether text may stand in it.
    pub(crate) text: Text,
    /// The keys of the elements that may stand in it.
    pub(crate) children: &'static [&'static str],
    /// Its attributes.
    pub(crate) attributes: &'static [(&'static str, Kind)],
}

impl Rule {
    /// The element's name.
    pub(crate) fn name(&self) -> &'static str {
        name(self.key)
    }
}

/// The element's name in a key.
pub(crate) fn name(key: &'static str) -> &'static str {
    key.rsplit('>').next().unwrap_or(key)
}

/// Whether text may stand in an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// It means nothing there.
    Never,
    /// It may, and may be missing.
    May,
    /// Without it the element means nothing.
    Must,
}

/// What an attribute's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything.
    Text,
    /// Anything of at most so many characters.
    Short(u16),
    /// `true` or `false`.
    Bool,
    /// A whole number between two.
    Count(u32, u32),
    /// A whole number above zero, or `auto`.
    CountOrAuto,
    /// A URL, absolute or relative.
    Url,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words, separated by spaces.
    Words(&'static [&'static str]),
    /// A language tag.
    Language,
    /// Keys and pauses to be sent as tones.
    Digits,
    /// At most so many keys.
    Keys(u8),
}

/// Ways to ask for a document.
const METHODS: &[&str] = &["GET", "POST"];
const LEG_EVENTS: &[&str] = &["initiated", "ringing", "answered", "completed"];
const CALL_EVENTS: &[&str] = &["call-initiated", "call-ringing", "call-answered", "call-completed"];
const RECORDING_EVENTS: &[&str] = &["in-progress", "completed", "absent"];
const TRIMS: &[&str] = &["trim-silence", "do-not-trim"];
const TRACKS: &[&str] = &["inbound_track", "outbound_track", "both_tracks"];
const RECORDS: &[&str] = &[
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
    "true",
    "false",
];
const CARDS: &[&str] =
    &["visa", "mastercard", "amex", "maestro", "discover", "optima", "jcb", "diners-club", "enroute"];
const RING_TONES: &[&str] = &[
    "at", "au", "bg", "br", "be", "ch", "cl", "cn", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hu", "il", "in",
    "it", "lt", "jp", "mx", "my", "nl", "no", "nz", "ph", "pl", "pt", "ru", "se", "sg", "th", "uk", "us", "us-old",
    "tw", "ve", "za",
];

/// The rule of that key, in documents of that sort.
pub(crate) fn rule(context: Context, key: &str) -> Option<&'static Rule> {
    let tables: &[&'static [Rule]] = match context {
        Context::Voice | Context::Screening => &[calls::CALLS, agents::AGENTS, markup::MARKUP],
        Context::Messaging => &[messages::MESSAGES],
    };
    tables.iter().find_map(|table| {
        let place = table.binary_search_by(|rule| rule.key.cmp(key)).ok()?;
        table.get(place)
    })
}

/// All names of elements in documents of that sort.
pub(crate) fn names(context: Context) -> impl Iterator<Item = &'static str> + Clone {
    let tables: [&'static [Rule]; 3] = match context {
        Context::Voice | Context::Screening => [calls::CALLS, agents::AGENTS, markup::MARKUP],
        Context::Messaging => [messages::MESSAGES, &[], &[]],
    };
    tables.into_iter().flatten().map(Rule::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_complete() {
        for table in [calls::CALLS, agents::AGENTS, markup::MARKUP, messages::MESSAGES] {
            assert!(table.is_sorted_by_key(|rule| rule.key));
            let context = if table.iter().any(|rule| rule.key == "Body") { Context::Messaging } else { Context::Voice };
            for rule in table {
                assert!(rule.attributes.is_sorted_by_key(|(name, _)| name), "{}", rule.key);
                assert!(rule.children.iter().all(|child| super::rule(context, child).is_some()), "{}", rule.key);
            }
        }
    }
}
