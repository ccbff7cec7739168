//! Notices to channels: where one goes by the rules as they are now, and the port to those who carry it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::app::App;
use crate::app::messenger::ports::{Became, Delivery, Failed, Receipt};
use crate::app::messenger::sender::pause;
use crate::app::ports::Later;
use crate::model::digest::Digest;
use crate::model::ids::OrgSlug;
use crate::outreach::guard;
use crate::rules::ruleset::{ChannelKind, RuleSet};

/// Half of the pause before a mail is sent again that may have arrived, in seconds; it doubles each time.
const RARELY: i64 = 450;

/// Seconds after which a mail is under way nowhere any more.
const GIVEN_UP: i64 = 300;

/// A notice on its way.
#[derive(Clone)]
pub struct Notice {
    /// Whose.
    pub org: OrgSlug,
    /// The channel's name in the rules.
    pub channel: String,
    /// Who carries it.
    pub kind: ChannelKind,
    /// Its address there.
    pub to: String,
    /// The words.
    pub body: String,
    /// The template that they are put into, where the provider wants one.
    pub template: Option<String>,
    /// The same for every try.
    pub id: String,
    /// When it is sent, in seconds since 1970.
    pub at: i64,
}

impl fmt::Debug for Notice {
    /// Without the address, which may hold a secret, and without the words.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Notice({}, #{}, {})", self.org, self.channel, self.id)
    }
}

/// Who carries notices.
pub trait Herald: fmt::Debug + Send + Sync {
    /// Whether the organization has an account that carries channels of that kind, as far as can be told now.
    fn serves<'a>(&'a self, org: &'a OrgSlug, kind: ChannelKind) -> Later<'a, bool>;

    /// Hands a notice over, once.
    fn send<'a>(&'a self, notice: &'a Notice) -> Later<'a, Result<Receipt, Failed>>;

    /// The provider's notices that look exactly like this one and were made since then; nothing when it cannot be asked.
    fn find<'a>(&'a self, notice: &'a Notice, since: Timestamp) -> Later<'a, Result<Option<Vec<Receipt>>, Failed>>;
}

/// The herald, once there is one.
#[derive(Debug, Default)]
pub struct Heralds(OnceLock<Arc<dyn Herald>>);

impl Heralds {
    /// Notices go out from now on.
    pub fn set(&self, herald: Arc<dyn Herald>) {
        // It starts once; a second start would be of the same.
        drop(self.0.set(herald));
    }

    pub(in crate::app::messenger) fn get(&self) -> Option<&dyn Herald> {
        self.0.get().map(|herald| &**herald)
    }
}

/// Tries a delivery to a channel once, or without one to a mail address. `since` is when it may have been handed over before.
pub(in crate::app::messenger) async fn attempt(
    app: &App,
    channel: Option<&str>,
    delivery: &Delivery,
    since: Option<Timestamp>,
) -> Became {
    let Some(herald) = app.heralds.get() else {
        return Became::Later { after: 60, why: "notices cannot be sent now: the log says why".to_owned() };
    };
    let dead = |why: String| Became::Dead { why, code: None };
    let Ok(org) = OrgSlug::parse(&delivery.org) else { return dead("its organization has no name".to_owned()) };
    let place = match channel {
        Some(channel) => {
            let Some(organization) = app.live.now().organization(&org).cloned() else {
                let why = "there are no rules that say where the channel leads".to_owned();
                return Became::Later { after: 60, why };
            };
            place(&organization.rules, channel)
        }
        None => Ok(Place::mailbox(&delivery.to)),
    };
    let notice = match place {
        Ok(place) => notice(org, place, delivery, app.clock.now().as_second()),
        Err(why) => return dead(why),
    };
    if let Some(since) = since {
        match herald.find(&notice, since).await {
            Ok(Some(found)) => return Became::Looked(found),
            Ok(None) if delivery.expires <= notice.at => return dead("it could not be sent in time".to_owned()),
            // Nobody can tell; its server may still be looking through it, or another node talk to it.
            Ok(None)
                if notice.kind == ChannelKind::Email && delivery.tried.is_some_and(|at| notice.at - at < GIVEN_UP) =>
            {
                let why = "whether it arrived is not known, so it is sent again".to_owned();
                return Became::Later { after: GIVEN_UP, why };
            }
            // Nobody can tell: twice is better than never.
            Ok(None) => {}
            Err(failed) => return Became::Unknown(format!("it cannot be looked up: {}", why(failed))),
        }
    }
    match herald.send(&notice).await {
        Ok(receipt) => Became::Sent(receipt),
        Err(Failed::Never { why, code }) => Became::Dead { why, code },
        Err(Failed::NotDone { why, wait }) => {
            let asked = wait.map_or(0, |wait| i64::try_from(wait.as_secs()).unwrap_or(3_600));
            Became::Later { after: asked.max(pause(delivery.attempts)), why }
        }
        // Only Twilio can be asked later whether it has it.
        Err(Failed::Unknown(why)) if notice.kind == ChannelKind::Whatsapp => Became::Unknown(why),
        Err(Failed::Unknown(why)) => {
            let why = format!("whether it arrived is not known, so it is sent again: {why}");
            // A mail that was taken without a word is there already: a few of it are better than none, and than many.
            let slowly = if notice.kind == ChannelKind::Email { RARELY << delivery.attempts.min(4) } else { 0 };
            Became::Later { after: pause(delivery.attempts).max(slowly), why }
        }
    }
}

/// Where a notice goes.
struct Place {
    channel: String,
    kind: ChannelKind,
    to: String,
    template: Option<String>,
}

impl Place {
    /// An address that the rules name by itself, without a channel.
    fn mailbox(address: &str) -> Self {
        Self { channel: "email".to_owned(), kind: ChannelKind::Email, to: address.to_owned(), template: None }
    }
}

/// Where the channel leads, by the rules as they are now.
fn place(rules: &RuleSet, channel: &str) -> Result<Place, String> {
    let found = rules.channels.iter().find(|known| *known.name == *channel);
    let found = found.ok_or_else(|| format!("the rules have no channel `{channel}` any more"))?;
    if let Some(why) = guard::channel_refusal(rules, found) {
        return Err(why);
    }
    Ok(Place {
        channel: channel.to_owned(),
        kind: found.kind,
        to: found.to.to_string(),
        template: found.template.as_deref().map(str::to_owned),
    })
}

fn notice(org: OrgSlug, place: Place, delivery: &Delivery, now: i64) -> Notice {
    let Place { channel, kind, to, template } = place;
    let Delivery { id, body, expires, .. } = delivery;
    let parts = [org.as_str(), &channel, body, &id.to_string(), &expires.to_string()];
    let name = Digest::of(parts.iter().flat_map(|part| [part.as_bytes(), b"\n".as_slice()])).to_string();
    Notice { org, channel, kind, to, body: body.clone(), template, id: format!("ntc_{name}"), at: now }
}

fn why(failed: Failed) -> String {
    match failed {
        Failed::Never { why, .. } | Failed::NotDone { why, .. } | Failed::Unknown(why) => why,
    }
}
