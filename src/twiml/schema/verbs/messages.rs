//! Verbs that answer a text message.

use crate::twiml::schema::verbs::Kind::{Text as Any, Url, Word};
use crate::twiml::schema::verbs::Text::{May, Must, Never};
use crate::twiml::schema::verbs::{METHODS, Rule};

/// Verbs and nouns of messages, sorted by key.
pub(super) const MESSAGES: &[Rule] = &[
    Rule { key: "Body", text: Must, children: &[], attributes: &[] },
    Rule { key: "Media", text: Must, children: &[], attributes: &[] },
    Rule {
        key: "Message",
        text: May,
        children: &["Body", "Media"],
        attributes: &[("action", Url), ("from", Any), ("method", Word(METHODS)), ("statusCallback", Url), ("to", Any)],
    },
    Rule { key: "Redirect", text: Must, children: &[], attributes: &[("method", Word(METHODS))] },
    Rule { key: "Response", text: Never, children: &["Message", "Redirect"], attributes: &[] },
];
