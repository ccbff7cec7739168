//! Texts go out: several at once, each at most once as far as the carrier can tell.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::app::App;
use crate::app::messenger::herald;
use crate::app::messenger::pace::{EACH, Pace};
use crate::app::messenger::ports::{
    Became, Budget, Carrier, Delivery, Failed, Outbox, OutboxError, Outgoing, Receipt, Room,
};
use crate::app::messenger::purse::Purse;
use crate::app::messenger::trouble::Trouble;
use crate::model::ids::OrgSlug;
use crate::model::money::Currency;
use crate::model::phone::E164;
use crate::outreach::draft::Addressee;
use crate::outreach::spend::Spend;

/// Texts on their way at once.
const AT_ONCE: usize = 64;

/// Wait when nothing is due.
const PAUSE: Duration = Duration::from_millis(200);

/// Wait when the outbox fails.
const TROUBLE: Duration = Duration::from_secs(2);

/// How often other nodes hear that this one lives.
const BEAT: Duration = Duration::from_secs(4);

/// Wait for an API key, in seconds.
const KEYLESS: i64 = 15;

/// The carrier's clock may differ from ours by so much.
const SKEW: i64 = 120;

/// How much may go out for one organization.
#[derive(Debug, Clone)]
pub struct Limits {
    /// What it may cost.
    pub spend: Arc<Spend>,
    /// Texts in a second, from this node.
    pub a_second: u32,
}

/// Sends what is due until the task is dropped.
pub async fn run(app: Arc<App>, outbox: Arc<dyn Outbox>, carrier: Arc<dyn Carrier>, limits: Limits) {
    let currency = limits.spend.currency;
    let budget: Arc<dyn Budget> = Arc::new(Purse::new(&app, limits.spend));
    let (mut beaten, mut trouble) = (None::<Instant>, Trouble::default());
    let mut pace = Pace::new(limits.a_second);
    let mut under_way = FuturesUnordered::new();
    loop {
        if beaten.is_none_or(|at| at.elapsed() >= BEAT) {
            match outbox.recover(app.clock.now().as_second(), beaten.is_none()).await {
                Ok(0) => beaten = Some(Instant::now()),
                Ok(count) => {
                    tracing::warn!(count, "texts were on their way when a run ended: the carrier is asked");
                    beaten = Some(Instant::now());
                }
                Err(error) => {
                    trouble.tell(&error, "no texts go out");
                    tokio::time::sleep(TROUBLE).await;
                    continue;
                }
            }
        }
        let room = Room {
            now: app.clock.now().as_second(),
            most: u32::try_from(AT_ONCE.saturating_sub(under_way.len())).unwrap_or(0),
            each: EACH,
            budget: Arc::clone(&budget),
            but: pace.full(Instant::now()),
        };
        let claimed = match outbox.claim(room).await {
            Ok(claimed) => claimed,
            Err(error) => {
                trouble.tell(&error, "no texts go out");
                tokio::time::sleep(TROUBLE).await;
                continue;
            }
        };
        trouble.is_over("texts go out again");
        let none = claimed.is_empty();
        for delivery in claimed {
            pace.took(&delivery.org, Instant::now());
            under_way.push(deliver(&app, &*outbox, &*carrier, delivery, currency));
        }
        if under_way.is_empty() {
            tokio::time::sleep(PAUSE).await;
        } else if none || under_way.len() >= AT_ONCE {
            // One that is done makes room; one that becomes due meanwhile is seen soon.
            if let Ok(Some(org)) = tokio::time::timeout(PAUSE, under_way.next()).await {
                pace.done(&org);
            }
        }
        while let Some(Some(org)) = under_way.next().now_or_never() {
            pace.done(&org);
        }
    }
}

/// Whose text it was.
async fn deliver(
    app: &App,
    outbox: &dyn Outbox,
    carrier: &dyn Carrier,
    delivery: Delivery,
    currency: Currency,
) -> String {
    let became = counted(attempt(app, carrier, &delivery).await, currency);
    match &became {
        Became::Sent(_) => tracing::info!(org = delivery.org, outbox = delivery.id, "text sent"),
        Became::Looked(found) => {
            tracing::info!(org = delivery.org, outbox = delivery.id, found = found.len(), "text looked up");
        }
        // What keeps it is told once, and not at every try.
        Became::Later { why, .. } | Became::Unknown(why) if delivery.reason.as_ref() == Some(why) => {
            tracing::debug!(org = delivery.org, outbox = delivery.id, %why, "text not sent yet");
        }
        Became::Later { why, .. } | Became::Unknown(why) => {
            tracing::warn!(org = delivery.org, outbox = delivery.id, %why, "text not sent yet");
        }
        Became::Dead { why, .. } => {
            tracing::error!(org = delivery.org, outbox = delivery.id, %why, "text will not be sent");
        }
    }
    app.metrics.text_became(match &became {
        Became::Sent(_) => "sent",
        Became::Looked(_) => "looked-up",
        Became::Later { .. } => "later",
        Became::Unknown(_) => "unknown",
        Became::Dead { .. } => "dead",
    });
    // What cannot be written down now is looked up after the next start: it stays claimed.
    while let Err(OutboxError(error)) = outbox.settle(delivery.id, became.clone(), app.clock.now().as_second()).await {
        tracing::error!(outbox = delivery.id, %error, "what became of a text cannot be written down");
        tokio::time::sleep(TROUBLE).await;
    }
    delivery.org
}

/// A price counts only where it is in the currency that everything is counted in.
fn counted(became: Became, currency: Currency) -> Became {
    let counted = |receipt: Receipt| Receipt { price: receipt.price.filter(|(_, unit)| *unit == currency), ..receipt };
    match became {
        Became::Sent(receipt) => Became::Sent(counted(receipt)),
        Became::Looked(found) => Became::Looked(found.into_iter().map(counted).collect()),
        became @ (Became::Later { .. } | Became::Dead { .. } | Became::Unknown(_)) => became,
    }
}

async fn attempt(app: &App, carrier: &dyn Carrier, delivery: &Delivery) -> Became {
    let to = match Addressee::of(&delivery.to) {
        Addressee::Phone(number) => E164::parse(number),
        Addressee::Channel(name) => return told(app, Some(name), delivery).await,
        Addressee::Mail(_) => return told(app, None, delivery).await,
    };
    let parsed = (OrgSlug::parse(&delivery.org), E164::parse(&delivery.from), to);
    let (Ok(org), Ok(from), Ok(to)) = parsed else {
        return Became::Dead { why: "it has no number to come from or to go to".to_owned(), code: None };
    };
    if let Err(why) = carrier.serves(&org, &from) {
        // Whether one that was tried before went out is still not known.
        return if delivery.tried.is_some() { Became::Unknown(why) } else { Became::Later { after: KEYLESS, why } };
    }
    let left = delivery.expires.saturating_sub(app.clock.now().as_second());
    let valid_for = u32::try_from(left.clamp(1, 36_000)).unwrap_or(1);
    let text = Outgoing { from, to, body: delivery.body.clone(), valid_for };
    if let Some(tried) = delivery.tried {
        let since = Timestamp::from_second(tried - SKEW).unwrap_or_default();
        return match carrier.find(&org, &text, since).await {
            Ok(found) => Became::Looked(found),
            Err(failed) => Became::Unknown(format!("it cannot be looked up: {}", why(&failed))),
        };
    }
    match carrier.send(&org, &text).await {
        Ok(receipt) => Became::Sent(receipt),
        Err(Failed::Never { why, code }) => Became::Dead { why, code },
        Err(Failed::NotDone { why, wait }) => {
            let asked = wait.map_or(0, |wait| i64::try_from(wait.as_secs()).unwrap_or(3_600));
            Became::Later { after: asked.max(pause(delivery.attempts)), why }
        }
        Err(Failed::Unknown(why)) => Became::Unknown(why),
    }
}

/// A notice to a channel, or to the address itself.
async fn told(app: &App, channel: Option<&str>, delivery: &Delivery) -> Became {
    let since = delivery.tried.map(|tried| Timestamp::from_second(tried - SKEW).unwrap_or_default());
    herald::attempt(app, channel, delivery, since).await
}

fn why(failed: &Failed) -> &str {
    match failed {
        Failed::Never { why, .. } | Failed::NotDone { why, .. } | Failed::Unknown(why) => why,
    }
}

/// 2, 4, 8 … seconds, five minutes at most.
pub(in crate::app::messenger) fn pause(attempts: u32) -> i64 {
    1_i64.checked_shl(attempts.clamp(1, 9)).unwrap_or(300).min(300)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Money;

    #[test]
    fn a_price_counts_in_the_currency_of_the_settings_alone() {
        let currency = |text| Currency::parse(text).unwrap();
        let priced = |unit| Receipt {
            sid: "SM1".to_owned(),
            segments: Some(2),
            price: Some((Money::parse("0.0158").unwrap(), currency(unit))),
        };
        let unpriced = Receipt { price: None, ..priced("EUR") };
        assert_eq!(counted(Became::Sent(priced("USD")), currency("USD")), Became::Sent(priced("USD")));
        assert_eq!(counted(Became::Sent(priced("EUR")), currency("USD")), Became::Sent(unpriced.clone()));
        let looked = counted(Became::Looked(vec![priced("USD"), priced("EUR")]), currency("USD"));
        assert_eq!(looked, Became::Looked(vec![priced("USD"), unpriced]));
        let unknown = Became::Unknown("late".to_owned());
        assert_eq!(counted(unknown.clone(), currency("USD")), unknown);
    }
}
