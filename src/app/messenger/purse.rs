//! What may be spent on texts, by the settings and by what the rules say of channels.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::app::App;
use crate::app::messenger::ports::Budget;
use crate::model::ids::OrgSlug;
use crate::model::money::Money;
use crate::outreach::draft::Addressee;
use crate::outreach::spend::{Estimate, Spend};
use crate::rules::ruleset::ChannelKind;

/// The purse of all organizations.
pub(super) struct Purse {
    // What belongs to the service must not keep it.
    app: Weak<App>,
    spend: Arc<Spend>,
}

impl fmt::Debug for Purse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Purse({:?})", self.spend)
    }
}

impl Purse {
    pub(super) fn new(app: &Arc<App>, spend: Arc<Spend>) -> Self {
        Self { app: Arc::downgrade(app), spend }
    }

    /// What a channel of the organization's rules, as they are now, is.
    fn channel(&self, org: &str, name: &str) -> Option<ChannelKind> {
        let now = self.app.upgrade()?.live.now();
        let organization = now.organization(&OrgSlug::parse(org).ok()?)?;
        organization.rules.channels.iter().find(|channel| *channel.name == *name).map(|channel| channel.kind)
    }
}

impl Budget for Purse {
    fn ceiling(&self, org: &str) -> Money {
        self.spend.ceiling(org)
    }

    fn estimate(&self, org: &str, to: &str, body: &str) -> Estimate {
        // Only Twilio is paid for each.
        match Addressee::of(to) {
            Addressee::Phone(number) => self.spend.text(number, body),
            Addressee::Channel(name) if self.channel(org, name) == Some(ChannelKind::Whatsapp) => self.spend.whatsapp(),
            Addressee::Channel(_) | Addressee::Mail(_) => Estimate::default(),
        }
    }
}
