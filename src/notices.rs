//! Notices to where people talk: Slack, Telegram, WhatsApp, mail, and signed requests to an address of one's own.
//!
//! Each goes over the organization's own account at that provider. Nothing of it is on a caller's time.

mod answer;
mod hook;
pub mod mail;
pub mod slack;
pub mod telegram;
mod whatsapp;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::admin::outlets::Outlet;
use crate::app::messenger::herald::{Herald, Notice};
use crate::app::messenger::ports::{Failed, Receipt};
use crate::app::ports::Later;
use crate::egress::Egress;
use crate::model::ids::OrgSlug;
use crate::notices::mail::Mail;
use crate::rules::ruleset::ChannelKind;
use crate::tenant::profile::Provider;
use crate::twilio::client::Gate;

/// The accounts of organizations.
pub trait Accounts: fmt::Debug + Send + Sync {
    /// The account that serves an organization at a provider; why it cannot be told.
    fn outlet<'a>(&'a self, org: &'a OrgSlug, provider: Provider) -> Later<'a, Result<Option<Outlet>, String>>;

    /// How whoever connects one for that organization says whose it is.
    fn whose<'a>(&'a self, org: &'a OrgSlug, provider: Provider) -> Later<'a, String>;
}

/// Where the providers are.
#[derive(Debug, Clone)]
pub struct Bases {
    /// Slack's interface.
    pub slack: String,
    /// Telegram's interface for bots.
    pub telegram: String,
}

/// Those who carry notices.
#[derive(Debug)]
pub struct Notices {
    /// Whose account.
    pub accounts: Arc<dyn Accounts>,
    /// The way out.
    pub egress: Egress,
    /// Where the providers are.
    pub bases: Bases,
    /// The way to Twilio, which carries WhatsApp.
    pub gate: Arc<Gate>,
    /// Those who carry mail.
    pub mail: Mail,
}

/// The provider of a kind of channel.
pub const fn provider(kind: ChannelKind) -> Provider {
    match kind {
        ChannelKind::Slack => Provider::Slack,
        ChannelKind::Telegram => Provider::Telegram,
        ChannelKind::Whatsapp => Provider::WhatsApp,
        ChannelKind::Webhook => Provider::Webhook,
        ChannelKind::Email => Provider::Email,
    }
}

impl Notices {
    async fn outlet(&self, org: &OrgSlug, kind: ChannelKind) -> Result<Outlet, Failed> {
        let provider = provider(kind);
        let found = self.accounts.outlet(org, provider).await;
        let found = found.map_err(|why| Failed::NotDone { why, wait: None })?;
        if let Some(outlet) = found {
            return Ok(outlet);
        }
        let whose = self.accounts.whose(org, provider).await;
        Err(Failed::NotDone {
            why: format!("no account is connected: `ringfall connect {provider} {whose}`"),
            wait: None,
        })
    }
}

impl Herald for Notices {
    fn serves<'a>(&'a self, org: &'a OrgSlug, kind: ChannelKind) -> Later<'a, bool> {
        Box::pin(async move { self.outlet(org, kind).await.is_ok() })
    }

    fn send<'a>(&'a self, notice: &'a Notice) -> Later<'a, Result<Receipt, Failed>> {
        Box::pin(async move {
            let outlet = self.outlet(&notice.org, notice.kind).await?;
            let name = match notice.kind {
                ChannelKind::Slack => slack::send(&self.egress, &self.bases.slack, &outlet, notice).await,
                ChannelKind::Telegram => telegram::send(&self.egress, &self.bases.telegram, &outlet, notice).await,
                ChannelKind::Whatsapp => return whatsapp::send(&self.gate, &outlet, notice).await,
                ChannelKind::Webhook => hook::send(&self.egress, &outlet, notice).await,
                ChannelKind::Email => self.mail.send(&self.egress, &outlet, notice).await,
            };
            name.map(Receipt::from)
        })
    }

    fn find<'a>(&'a self, notice: &'a Notice, since: Timestamp) -> Later<'a, Result<Option<Vec<Receipt>>, Failed>> {
        Box::pin(async move {
            if notice.kind != ChannelKind::Whatsapp {
                return Ok(None);
            }
            let outlet = self.outlet(&notice.org, notice.kind).await?;
            whatsapp::find(&self.gate, &outlet, notice, since).await.map(Some)
        })
    }
}
