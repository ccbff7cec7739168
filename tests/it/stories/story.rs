//! A call story as it is written in `fixtures/calls/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringfall::model::call::Attestation;
use ringfall::model::leg::Leg;
use ringfall::phone::script::{HangUp, Message, MessageEnd, Phase, Quirk, Script};
use ringfall::phone::{Callbacks, Delivery};
use serde::Deserialize;

/// One call and what must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Story {
    /// What happens, in a sentence.
    #[serde(rename = "story")]
    pub(crate) sentence: String,
    /// A file in `fixtures/calls/rules/` without its ending, or a path below the repository.
    pub(crate) rules: String,
    /// Local time of the line at which the call comes; a Monday morning otherwise.
    pub(crate) at: Option<String>,
    /// The line called, by name or number; the first otherwise.
    pub(crate) to: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) attestation: Option<String>,
    pub(crate) forwarded_from: Option<String>,
    #[serde(default)]
    pub(crate) legs: BTreeMap<String, OneOrMany>,
    pub(crate) default_leg: Option<String>,
    #[serde(default)]
    pub(crate) keys: Vec<String>,
    #[serde(default)]
    pub(crate) says: Vec<String>,
    /// Length of the message the caller leaves, or `none`.
    pub(crate) message: Option<String>,
    pub(crate) after_message: Option<String>,
    pub(crate) transcript: Option<String>,
    /// A length of time, or a phase of the call.
    pub(crate) hang_up: Option<String>,
    #[serde(default)]
    pub(crate) quirks: Vec<String>,
    pub(crate) copies: Option<u8>,
    pub(crate) callbacks: Option<String>,
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(default)]
    pub(crate) handoff_returns: bool,
    pub(crate) expect: Expect,
}

/// What must come of it; what is not named may be anything, but nothing may be complained about.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) ends: String,
    pub(crate) talked_to: Option<String>,
    /// Everybody rung, in order.
    pub(crate) rings: Option<Vec<String>>,
    /// Heard by the caller, in this order, each as part of something said.
    #[serde(default)]
    pub(crate) hears: Vec<String>,
    /// Heard by a callee before being connected.
    #[serde(default)]
    pub(crate) whispers: Vec<String>,
    /// Caller ids shown to those who were rung, in order.
    pub(crate) shows: Option<Vec<String>>,
    /// Fields of each request that reports a dial, in order; `absent` for a field that is not there.
    pub(crate) actions: Option<Vec<BTreeMap<String, String>>>,
    /// Kinds of requests that must have been sent besides.
    #[serde(default)]
    pub(crate) callbacks: Vec<String>,
    /// The longest wait.
    pub(crate) waits: Option<String>,
    /// Length of the message left.
    pub(crate) message: Option<String>,
    pub(crate) handed_to: Option<String>,
    /// The caller's final status as the number's status callback tells it.
    pub(crate) status: Option<String>,
    /// How the service has it in its books, when its word is another than the phone's.
    pub(crate) recorded: Option<String>,
    /// Kinds of effects written down, in any order: text, notice, offered_text, missed, message.
    pub(crate) effects: Option<Vec<String>>,
    /// Parts of complaints that are expected.
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
}

/// One word, or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Story {
    /// Every story with its name, in order.
    pub(crate) fn all() -> Vec<(String, Self)> {
        let folder = repository().join("fixtures/calls");
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
        paths.sort();
        paths.iter().map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), Self::read(path))).collect()
    }

    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The rule file.
    pub(crate) fn rule_file(&self) -> PathBuf {
        if self.rules.contains('/') {
            repository().join(&self.rules)
        } else {
            repository().join("fixtures/calls/rules").join(format!("{}.yaml", self.rules))
        }
    }

    /// What the people do.
    pub(crate) fn script(&self) -> Script {
        let mut script = Script {
            keys: self.keys.clone(),
            speech: self.says.clone(),
            hang_up: self.hang_up.as_deref().map(hang_up),
            quirks: self.quirks.iter().map(|quirk| Quirk::parse(quirk).unwrap()).collect(),
            handoff_returns: self.handoff_returns,
            ..Script::default()
        };
        if let Some(word) = &self.default_leg {
            script.default_leg = Leg::parse(word).unwrap();
        }
        if let Some(transcript) = &self.transcript {
            script.transcript.clone_from(transcript);
        }
        let seconds = self.message.as_deref().map_or(Some(12), seconds).filter(|seconds| *seconds > 0);
        let ends = self.after_message.as_deref().map_or(MessageEnd::HangUp, |text| MessageEnd::parse(text).unwrap());
        script.message = Message { seconds, ends };
        for (name, words) in &self.legs {
            let words = match words {
                OneOrMany::One(word) => word.clone(),
                OneOrMany::Many(words) => words.join(","),
            };
            script.add_leg(&format!("{name}={words}")).unwrap();
        }
        script
    }

    /// How requests arrive.
    pub(crate) fn delivery(&self) -> Delivery {
        let callbacks = match self.callbacks.as_deref() {
            None => Callbacks::InOrder,
            Some("shuffled") => Callbacks::Shuffled,
            Some("lost") => Callbacks::Lost,
            Some(word) => panic!("`{word}` is nothing that becomes of callbacks"),
        };
        Delivery { copies: self.copies.unwrap_or(1), callbacks, seed: self.seed, ..Delivery::default() }
    }

    pub(crate) fn attestation(&self) -> Attestation {
        let Some(word) = &self.attestation else { return Attestation::Unsigned };
        Attestation::ALL.into_iter().find(|attestation| attestation.word() == word).unwrap()
    }
}

/// `12s` in seconds; none for `none`.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    (text != "none").then(|| u32::try_from(Script::milliseconds(text).unwrap() / 1_000).unwrap())
}

fn hang_up(text: &str) -> HangUp {
    match Script::milliseconds(text) {
        Ok(after) => HangUp::After(after),
        Err(_) => HangUp::During(Phase::parse(text).unwrap()),
    }
}

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
