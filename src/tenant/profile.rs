//! An app at a provider, owned by the platform or by one organization.

use serde::{Deserialize, Serialize};

use crate::tenant::owner::{Id, Owner, Reference};
use crate::tenant::plan::Capability;
use crate::tenant::stamp::Stamp;

words! {
    /// Who carries calls or messages.
    Provider {
        /// Calls and texts.
        Twilio = "twilio",
        /// Chat.
        Slack = "slack",
        /// Chat.
        Telegram = "telegram",
        /// Chat.
        WhatsApp = "whatsapp",
        /// Signed notices to an address of one's own.
        Webhook = "webhook",
        /// Mail.
        Email = "email",
        /// Sheets that switches are read from.
        Google = "google",
    }
}

impl Provider {
    /// What an organization's plan must allow before it may bring its own account there.
    pub const fn own_account(self) -> Capability {
        match self {
            Self::Twilio => Capability::OwnTwilio,
            Self::Slack | Self::Telegram | Self::WhatsApp | Self::Webhook | Self::Email | Self::Google => {
                Capability::OwnMessagingKeys
            }
        }
    }
}

/// An app profile. An organization's own never falls back to the platform's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppProfile {
    /// Which.
    pub id: Id,
    /// At whom.
    pub provider: Provider,
    /// Whose.
    pub owner: Owner,
    /// Its name for people.
    pub name: String,
    /// By whom it was made, and when.
    pub created: Stamp,
}

impl AppProfile {
    /// How other things name it.
    pub fn reference(&self) -> Reference {
        Reference { owner: self.owner.clone(), id: self.id.clone() }
    }
}
