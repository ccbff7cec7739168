//! What `ringfall call` can be told.

use std::path::PathBuf;

use crate::cli::call::book::Book;
use crate::model::call::Attestation;
use crate::model::leg::Leg;
use crate::model::near;
use crate::phone::Callbacks;
use crate::phone::script::{HangUp, Message, MessageEnd, Phase, Quirk, Script, ScriptError};

/// Place a call against a running server and show what the caller hears
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Legs do: answered, mailbox (picks up, no key), declined, busy, no-answer, unreachable, canceled, caller-hangs-up.\n\
    The call runs on a clock of its own: nothing waits unless --real-time is given.\n\
    Exit codes: 0 fine, 1 the caller was dropped, 2 misuse, 3 could not run.\n\n\
    Examples:\n  \
    ringfall call --leg primary=no-answer --leg backup=answered\n  \
    ringfall call --at \"2026-11-23 10:00\" --default-leg busy\n  \
    ringfall call --to +16195550100 --key 2 --say reservations --leg anna=busy,answered\n  \
    ringfall call --leave-message 12s --after-message '#' --requests\n  \
    ringfall call --server http://127.0.0.1:3000 --path /voice --to +16195550100"
)]
pub struct Args {
    /// The server to call [default: where the settings here let `ringfall serve` listen]
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The number's voice URL below the server [default: /twilio/inbound-call]
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// The organization whose number is called [default: the one whose rules have the number]
    #[arg(long, value_name = "SLUG")]
    pub(crate) org: Option<String>,
    /// The number called [default: the first line of the rules]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: Option<String>,
    /// When, in local time of the line: `2026-11-23 10:00`; only our own simulator is believed [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Who calls: a number, `withheld`, `client:NAME` or a SIP address
    #[arg(long, value_name = "NUMBER", default_value = "+13125550123")]
    pub(crate) from: String,
    /// The folder of rule files, which gives numbers their names [default: that of the settings]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) rules: Option<PathBuf>,
    /// The server's data folder, in which the simulator's account is [default: that of the settings]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// The account that calls [default: the simulator's]
    #[arg(long, value_name = "AC…")]
    pub(crate) account_sid: Option<String>,
    /// A file with the account's auth token
    #[arg(long, value_name = "FILE")]
    pub(crate) auth_token_file: Option<PathBuf>,
    /// The public address that the server believes to be called by, when it is not --server
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Where the carrier turns when an answer is of no use: a path or a URL
    #[arg(long, value_name = "URL")]
    pub(crate) fallback_url: Option<String>,
    /// The number's status callback, or `none` [default: /twilio/call-status, none with --path]
    #[arg(long, value_name = "PATH")]
    pub(crate) status_path: Option<String>,
    #[command(flatten)]
    pub(crate) people: People,
    /// What the networks say of the caller's number: passed-a, passed-b, passed-c, failed, unsigned
    #[arg(long, value_name = "WORD", default_value = "unsigned", value_parser = attestation)]
    attestation: Attestation,
    /// The number that forwarded the call
    #[arg(long, value_name = "NUMBER")]
    pub(crate) forwarded_from: Option<String>,
    /// The caller's name, as looked up
    #[arg(long, value_name = "NAME")]
    pub(crate) caller_name: Option<String>,
    /// How often each request is sent
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) duplicate: u8,
    /// Callbacks come late and in any order
    #[arg(long, conflicts_with = "drop_callbacks")]
    reorder: bool,
    /// Callbacks never come
    #[arg(long)]
    drop_callbacks: bool,
    /// Chooses the order of what comes out of order
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Follow documents of other servers too; they get signed requests
    #[arg(long)]
    pub(crate) follow_elsewhere: bool,
    /// A second of the call takes a second
    #[arg(long)]
    pub(crate) real_time: bool,
    /// The longest wait for an answer
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = Script::milliseconds)]
    pub(crate) timeout: u64,
    /// Show the requests as well
    #[arg(long)]
    pub(crate) requests: bool,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A timeline for eyes
    Text,
    /// One JSON document
    Json,
}

/// What the people of the call do.
#[derive(Debug, clap::Args)]
pub struct People {
    /// What a phone does each time it rings: `primary=no-answer`, `+16195550111=busy,answered`
    #[arg(long = "leg", value_name = "NAME=WORDS")]
    legs: Vec<String>,
    /// What every other phone does [default: no-answer]
    #[arg(long, value_name = "WORD", value_parser = Leg::parse)]
    default_leg: Option<Leg>,
    /// Keys that the caller presses when asked, in order; `-` for none that time
    #[arg(long = "key", value_name = "KEYS", allow_hyphen_values = true)]
    keys: Vec<String>,
    /// Words that the caller says when asked and no key is left, in order
    #[arg(long = "say", value_name = "WORDS")]
    speech: Vec<String>,
    /// How long a message the caller leaves, or `none`
    #[arg(long, value_name = "TIME", default_value = "12s")]
    leave_message: String,
    /// How the message ends: hang-up, silence, or a key
    #[arg(long, value_name = "HOW", default_value = "hang-up", value_parser = MessageEnd::parse)]
    after_message: MessageEnd,
    /// What the machine hears in the message; `failed` for nothing
    #[arg(long, value_name = "TEXT")]
    transcript: Option<String>,
    /// The caller hangs up after so long
    #[arg(long, value_name = "TIME", value_parser = Script::milliseconds, conflicts_with = "hang_up_during")]
    hang_up_after: Option<u64>,
    /// The caller hangs up during ring, ring:NAME, screening, menu, greeting, record, talk or pause
    #[arg(long, value_name = "WHEN", value_parser = Phase::parse)]
    hang_up_during: Option<Phase>,
    /// How long caller and callee talk
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = Script::milliseconds)]
    talk: u64,
    /// The key by which callees accept
    #[arg(long, value_name = "KEY", default_value_t = '1')]
    accept_key: char,
    /// The key by which callees decline
    #[arg(long, value_name = "KEY", default_value_t = '2')]
    decline_key: char,
    /// An application that the call is handed to gives it back
    #[arg(long)]
    handoff_returns: bool,
    /// A habit of the carrier: no-dial-bridged, no-action-after-hang-up, canceled-after-hang-up, silence-kept, status-first
    #[arg(long = "quirk", value_name = "HABIT", value_parser = Quirk::parse)]
    quirks: Vec<Quirk>,
}

impl People {
    /// Whether nothing was said of what phones and callers do.
    pub(crate) fn is_silent(&self) -> bool {
        self.legs.is_empty() && self.default_leg.is_none() && self.keys.is_empty() && self.speech.is_empty()
    }

    /// The script.
    pub(crate) fn script(&self) -> Result<Script, ScriptError> {
        let mut script = Script {
            default_leg: self.default_leg.unwrap_or(Leg::NoAnswer),
            keys: self.keys.clone(),
            speech: self.speech.clone(),
            message: Message { seconds: self.seconds()?, ends: self.after_message.clone() },
            hang_up: self.hang_up_after.map(HangUp::After).or_else(|| self.hang_up_during.clone().map(HangUp::During)),
            talk: u32::try_from(self.talk / 1_000).unwrap_or(u32::MAX),
            accept_key: self.accept_key,
            decline_key: self.decline_key,
            quirks: self.quirks.iter().copied().collect(),
            handoff_returns: self.handoff_returns,
            ..Script::default()
        };
        if let Some(transcript) = &self.transcript {
            script.transcript.clone_from(transcript);
        }
        for leg in &self.legs {
            script.add_leg(leg)?;
        }
        Ok(script)
    }

    /// The first phone that is named like nobody in the book, with the name that was likely meant. An empty book knows
    /// nothing, and a number or an address is nobody's name.
    pub(crate) fn stranger<'a>(&'a self, book: &'a Book) -> Option<(&'a str, Option<&'a str>)> {
        let names = || book.contacts.iter().map(String::as_str);
        let named = self.legs.iter().map(|leg| leg.split('=').next().unwrap_or_default().trim());
        let mut people = named.filter(|leg| leg.contains(char::is_alphabetic) && !leg.contains([':', '@', '+']));
        let is_known = |leg: &str| names().chain(book.names.values().map(String::as_str)).any(|name| name == leg);
        let leg = people.find(|leg| !book.contacts.is_empty() && !is_known(leg))?;
        Some((leg, near::nearest(leg, names())))
    }

    fn seconds(&self) -> Result<Option<u32>, ScriptError> {
        if self.leave_message == "none" {
            return Ok(None);
        }
        let milliseconds = Script::milliseconds(&self.leave_message)?;
        Ok(u32::try_from(milliseconds / 1_000).ok().filter(|seconds| *seconds > 0))
    }
}

impl Args {
    pub(crate) const fn attestation(&self) -> Attestation {
        self.attestation
    }

    pub(crate) const fn callbacks(&self) -> Callbacks {
        match (self.drop_callbacks, self.reorder) {
            (true, _) => Callbacks::Lost,
            (false, true) => Callbacks::Shuffled,
            (false, false) => Callbacks::InOrder,
        }
    }
}

fn attestation(text: &str) -> Result<Attestation, String> {
    let known: Vec<&str> = Attestation::ALL.iter().map(|word| word.word()).collect();
    let found = Attestation::ALL.into_iter().find(|attestation| attestation.word() == text);
    found.ok_or_else(|| format!("say one of {}", known.join(", ")))
}
