//! What was decided: what to do now, where the call stands afterwards, and why.

use crate::decide::trace::Trace;
use crate::model::ids::{ChannelId, ContactId, EscalationId, MailboxId, MenuId};
use crate::model::position::{Position, StepRef};
use crate::rules::ruleset::{EndKind, Refusal};

/// One answer to one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What the caller meets now.
    pub plan: Plan,
    /// Where the call stands when the next request comes; none when the call is over for the rules.
    pub next: Option<Position>,
    /// Messages to send, each at most once for a call: the key is the effect itself with its step.
    pub effects: Vec<Effect>,
    /// How the call ended, when this answer ends it. The tone of a voicemail ends it as `Voicemail`
    /// although one more request follows; a hand-off has not ended it while the call may come back.
    pub end: Option<EndKind>,
    /// Everything that was considered on the way.
    pub trace: Trace,
}

/// What the caller meets: first what is said, then one act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Steps whose speech is heard first, in order.
    pub speak: Vec<StepRef>,
    /// What happens then.
    pub act: Act,
    /// The language of everything heard, as an index into the rule set's languages.
    pub language: u8,
}

/// The one act of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Rings people at once.
    Ring {
        /// The step.
        at: StepRef,
        /// Who is rung: those of the step who are there.
        contacts: Vec<ContactId>,
        /// Ringing time in seconds.
        seconds: u16,
    },
    /// Plays a menu and waits for a key.
    Menu {
        /// The step.
        at: StepRef,
        /// The menu.
        menu: MenuId,
        /// Which try this is, from 0.
        attempt: u8,
    },
    /// Asks whether the caller would rather have a text, then takes a message.
    OfferText {
        /// The step.
        at: StepRef,
        /// The mailbox.
        mailbox: MailboxId,
        /// Which of its greetings; none for the usual one.
        greeting: Option<u8>,
    },
    /// Takes a message.
    Record {
        /// The step.
        at: StepRef,
        /// The mailbox.
        mailbox: MailboxId,
        /// Which of its greetings; none for the usual one.
        greeting: Option<u8>,
        /// Whether the greeting was heard already, in an offer.
        greeted: bool,
    },
    /// Says that a text is on its way, and hangs up.
    PromiseText,
    /// Says thanks for the message, and hangs up.
    Thank,
    /// Refuses the call unanswered.
    Reject(Refusal),
    /// Hangs up, after what the step says, if anything.
    Hangup(Option<StepRef>),
    /// Gives the call away.
    Handoff {
        /// The step.
        at: StepRef,
    },
    /// Does nothing: the call is over.
    Nothing,
}

impl Act {
    /// The word for it in records, metrics and drawings.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ring { .. } => "ring",
            Self::Menu { .. } => "menu",
            Self::OfferText { .. } => "offer_text",
            Self::Record { .. } => "record",
            Self::PromiseText => "promise_text",
            Self::Thank => "thank",
            Self::Reject(_) => "reject",
            Self::Hangup(_) => "hangup",
            Self::Handoff { .. } => "handoff",
            Self::Nothing => "nothing",
        }
    }
}

/// Something to send. The journal keys it by call, step and kind, so that it happens once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A `text` step's message.
    Text {
        /// The step.
        at: StepRef,
    },
    /// A `notify` step's notice.
    Notice {
        /// The step.
        at: StepRef,
        /// Where to.
        channel: ChannelId,
    },
    /// The text that a caller asked for instead of leaving a message.
    OfferedText {
        /// The step.
        at: StepRef,
        /// The mailbox.
        mailbox: MailboxId,
    },
    /// Nobody took the call: its escalation starts.
    Missed {
        /// Who is told.
        escalation: EscalationId,
    },
    /// A message was left.
    Message {
        /// The mailbox.
        mailbox: MailboxId,
    },
}
