//! The kinds of answers, each with its template and the values that the template may use.

use crate::twiml::schema::Context;

/// A kind of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Rings people.
    Ring,
    /// Asks the caller for a key or a word.
    Menu,
    /// Asks whether the caller would rather have a text than leave a message.
    OfferText,
    /// Takes a message.
    Voicemail,
    /// Thanks for the message.
    Thank,
    /// Says that a text is on its way.
    PromiseText,
    /// Refuses the call unanswered.
    Reject,
    /// Hangs up, perhaps after saying something.
    Hangup,
    /// Gives the call to somebody else's application.
    Handoff,
    /// Announces a call to the one who has picked up.
    Screen,
    /// Puts caller and callee together.
    ScreenAccepted,
    /// Hangs up on a callee who does not take the call.
    ScreenDeclined,
    /// Does nothing.
    Empty,
}

/// A value that a template may use: its name, and what it is.
pub type Variable = (&'static str, &'static str);

/// The part of templates that speaks; the others include it.
pub const SPEECH: &str = "speech.xml.j2";

/// What the speaking part may use.
pub const SPEECH_VARIABLES: &[Variable] = &[(
    "part",
    "one thing to be heard: `part.play` is a URL or empty, `part.say` is a text and `part.language` its language tag",
)];

/// What every template may use.
pub const SHARED: &[Variable] = &[
    ("organization", "the organization's short name"),
    ("language", "the language tag of the call, such as `en-US`"),
    ("lang", "the language of the call as the rules write it, such as `en`"),
    ("line", "the spoken name of the line that was called; empty for a number in no rule"),
    ("caller", "the caller's number; empty when it is withheld or none"),
    ("caller_digits", "the caller's number digit by digit, for speaking; empty when it is withheld or none"),
];

const SPOKEN_BEFORE: Variable = ("speech", "what is heard first: a list of parts");
const ACTION: Variable = ("action", "the URL where the call goes on");

impl Kind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::Ring,
        Self::Menu,
        Self::OfferText,
        Self::Voicemail,
        Self::Thank,
        Self::PromiseText,
        Self::Reject,
        Self::Hangup,
        Self::Handoff,
        Self::Screen,
        Self::ScreenAccepted,
        Self::ScreenDeclined,
        Self::Empty,
    ];

    /// The name of its template.
    pub const fn template(self) -> &'static str {
        match self {
            Self::Ring => "ring.xml.j2",
            Self::Menu => "menu.xml.j2",
            Self::OfferText => "offer-text.xml.j2",
            Self::Voicemail => "voicemail.xml.j2",
            Self::Thank => "thank.xml.j2",
            Self::PromiseText => "promise-text.xml.j2",
            Self::Reject => "reject.xml.j2",
            Self::Hangup => "hangup.xml.j2",
            Self::Handoff => "handoff.xml.j2",
            Self::Screen => "screen.xml.j2",
            Self::ScreenAccepted => "screen-accepted.xml.j2",
            Self::ScreenDeclined => "screen-declined.xml.j2",
            Self::Empty => "empty.xml.j2",
        }
    }

    /// On which leg its document runs.
    pub const fn context(self) -> Context {
        match self {
            Self::Screen | Self::ScreenAccepted | Self::ScreenDeclined => Context::Screening,
            Self::Ring
            | Self::Menu
            | Self::OfferText
            | Self::Voicemail
            | Self::Thank
            | Self::PromiseText
            | Self::Reject
            | Self::Hangup
            | Self::Handoff
            | Self::Empty => Context::Voice,
        }
    }

    /// The values that only its template may use, beside the shared ones.
    pub const fn variables(self) -> &'static [Variable] {
        match self {
            Self::Ring => &[
                SPOKEN_BEFORE,
                ACTION,
                ("timeout", "ringing time in seconds; Twilio adds about five for setting up the call"),
                ("caller_id", "the number that the callees see; empty to leave it to Twilio"),
                ("answer_on_bridge", "whether the caller's leg stays unanswered until somebody picks up"),
                (
                    "numbers",
                    "who is rung: `name`, `number`, `screen` (the URL of the announcement, or empty) and `status` (the URL for reports on the leg) of each",
                ),
            ],
            Self::Menu => &[
                SPOKEN_BEFORE,
                ACTION,
                ("prompt", "the menu's prompt: a list of parts"),
                ("input", "`dtmf`, or `dtmf speech` when keys have words"),
                ("num_digits", "length of the longest key"),
                ("finish_on_key", "the key that ends the input; empty when `#` is a choice"),
                ("timeout", "seconds of silence after the prompt"),
                ("hints", "the words of all keys, separated by commas, but for very long ones; empty for none"),
            ],
            Self::OfferText => &[
                SPOKEN_BEFORE,
                ACTION,
                ("greeting", "the mailbox's greeting: a list of parts"),
                ("offer", "the offer of a text: a list of parts"),
            ],
            Self::Voicemail => &[
                SPOKEN_BEFORE,
                ACTION,
                ("greeting", "the mailbox's greeting: a list of parts, empty when it was heard already"),
                ("max_length", "longest message in seconds"),
                ("recording_callback", "the URL for the report that the message is there"),
                ("transcription_callback", "the URL for the message's text; empty when it is not written out"),
            ],
            Self::Hangup => &[SPOKEN_BEFORE, ("farewell", "what the step says: a list of parts")],
            Self::Handoff => &[
                SPOKEN_BEFORE,
                ACTION,
                ("to", "`twiml`, `sip` or `stream`"),
                ("url", "the address of the other application"),
                ("timeout", "ringing time in seconds of a SIP address; 0 for the others"),
                ("caller_id", "the number that a SIP address sees; empty to leave it to Twilio"),
                ("answer_on_bridge", "whether the caller's leg stays unanswered until a SIP address picks up"),
            ],
            Self::Reject => &[("reason", "`busy` or `rejected`")],
            Self::Thank | Self::PromiseText => &[SPOKEN_BEFORE],
            Self::Screen => &[
                ("action", "the URL that the callee's answer goes to"),
                ("contact", "the name of the contact in the rules"),
                ("input", "`dtmf`, or `dtmf speech` for a contact who may say yes"),
                ("asked", "how often the callee will have been asked then: 1, or 2 when nothing came the first time"),
            ],
            Self::ScreenAccepted | Self::ScreenDeclined | Self::Empty => &[],
        }
    }
}
