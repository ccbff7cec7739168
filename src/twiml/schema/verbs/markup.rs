//! How spoken text may be marked up.

use crate::twiml::schema::verbs::Kind::{Language, Text as Any, Word};
use crate::twiml::schema::verbs::Rule;
use crate::twiml::schema::verbs::Text::{May, Never};

/// Elements inside spoken text, sorted by key.
pub(super) const MARKUP: &[Rule] = &[
    Rule {
        key: "break",
        text: Never,
        children: &[],
        attributes: &[("strength", Word(&["none", "x-weak", "weak", "medium", "strong", "x-strong"])), ("time", Any)],
    },
    Rule {
        key: "emphasis",
        text: May,
        children: &["break", "emphasis", "lang", "phoneme", "prosody", "say-as", "sub", "w"],
        attributes: &[("level", Word(&["strong", "moderate", "reduced"]))],
    },
    Rule {
        key: "lang",
        text: May,
        children: &["break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"],
        attributes: &[("xml:lang", Language)],
    },
    Rule {
        key: "p",
        text: May,
        children: &["break", "emphasis", "lang", "phoneme", "prosody", "s", "say-as", "sub", "w"],
        attributes: &[],
    },
    Rule {
        key: "phoneme",
        text: May,
        children: &[],
        attributes: &[
            (
                "alphabet",
                Word(&[
                    "ipa",
                    "x-sampa",
                    "x-amazon-jyutping",
                    "x-amazon-pinyin",
                    "x-amazon-pron-kana",
                    "x-amazon-yomigana",
                ]),
            ),
            ("ph", Any),
        ],
    },
    Rule {
        key: "prosody",
        text: May,
        children: &["break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"],
        attributes: &[("pitch", Any), ("rate", Any), ("volume", Any)],
    },
    Rule {
        key: "s",
        text: May,
        children: &["break", "emphasis", "lang", "phoneme", "prosody", "say-as", "sub", "w"],
        attributes: &[],
    },
    Rule {
        key: "say-as",
        text: May,
        children: &[],
        attributes: &[
            ("format", Word(&["mdy", "dmy", "ymd", "md", "dm", "ym", "my", "d", "m", "y", "yyyymmdd"])),
            (
                "interpret-as",
                Word(&[
                    "characters",
                    "spell-out",
                    "cardinal",
                    "number",
                    "ordinal",
                    "digits",
                    "fraction",
                    "unit",
                    "date",
                    "time",
                    "address",
                    "expletive",
                    "telephone",
                ]),
            ),
        ],
    },
    Rule { key: "sub", text: May, children: &[], attributes: &[("alias", Any)] },
    Rule {
        key: "w",
        text: May,
        children: &["break", "emphasis", "phoneme", "prosody", "say-as", "sub"],
        attributes: &[("role", Any)],
    },
];
