//! From a channel and a selector, such as a number, to an installation and a line.

use serde::{Deserialize, Serialize};

use crate::model::ids::OrgSlug;
use crate::tenant::owner::{Id, Reference};
use crate::tenant::plan::Capability;
use crate::tenant::stamp::Stamp;

words! {
    /// Over what somebody reaches an organization.
    Channel {
        /// Calls.
        Voice = "voice",
        /// Text messages.
        Sms = "sms",
        /// Chats.
        Chat = "chat",
    }
}

impl Channel {
    /// What an organization must be opted in to before it may use the platform's account over this.
    pub const fn platform_account(self) -> Capability {
        match self {
            Self::Voice => Capability::PlatformVoice,
            Self::Sms | Self::Chat => Capability::PlatformMessaging,
        }
    }
}

/// A binding: the only way to credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Which.
    pub id: Id,
    /// Whose calls or messages these are.
    pub org: OrgSlug,
    /// Over what.
    pub channel: Channel,
    /// To whom they go there: a number in E.164, a chat's name. Unique within an installation and channel.
    pub selector: String,
    /// Over which account: the organization's own, or the platform's.
    pub installation: Reference,
    /// The line of the organization's rules that it rings.
    pub line: String,
    /// Which binding is used for what goes out when several fit: the lowest.
    pub priority: u16,
    /// By whom it was made, and when.
    pub created: Stamp,
}
