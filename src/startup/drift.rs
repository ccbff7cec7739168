//! Looks now and then whether all numbers are still set as they should be, and says so when they are not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::app::directory::outlet::Wanted;
use crate::app::live::Organization;
use crate::model::ids::AccountSid;
use crate::startup::carrier::Accounts;
use crate::twilio::client::Client;
use crate::twilio::numbers::Number;
use crate::twilio::wiring::{self, Bases};
use crate::webhook::origin::Origin;

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// Time between two accounts, so that many of them are not asked at once.
const BETWEEN: Duration = Duration::from_millis(50);

/// Looks until the task is dropped.
pub(super) async fn run(app: Arc<App>, accounts: Arc<Accounts>, service: Origin, fallback: Option<Origin>) {
    let bases = Bases { service: service.as_str(), fallback: fallback.as_ref().map(Origin::as_str) };
    loop {
        let mut drifted = 0;
        // An account that serves several organizations is asked once.
        let mut known = BTreeMap::new();
        let organizations: Vec<_> = app.live.now().organizations().map(Arc::clone).collect();
        for org in organizations {
            // Who has no key looks after the numbers by hand.
            let clients = accounts.clients(&app.directory.now(), &org.slug, None, Wanted::Calls).unwrap_or_default();
            for client in clients {
                if let Some(numbers) = numbers(&mut known, &org, &client).await {
                    drifted += told(&org, bases, numbers);
                }
            }
        }
        app.metrics.drifted(drifted);
        tokio::time::sleep(EVERY).await;
    }
}

/// The numbers of an account, when it lets us see them.
async fn numbers<'a>(
    known: &'a mut BTreeMap<AccountSid, Option<Vec<Number>>>,
    org: &Organization,
    client: &Client,
) -> Option<&'a [Number]> {
    let account = client.account().clone();
    if !known.contains_key(&account) {
        let asked = client.numbers().await;
        if let Err(error) = &asked {
            tracing::warn!(org = %org.slug, %error, "the account's numbers cannot be looked at");
        }
        known.insert(account.clone(), asked.ok());
        tokio::time::sleep(BETWEEN).await;
    }
    known.get(&account)?.as_deref()
}

/// Says what differs; how many numbers.
fn told(org: &Organization, bases: Bases<'_>, numbers: &[Number]) -> i64 {
    let plan = wiring::plan(&org.rules, &org.slug, bases, numbers);
    let mut drifted = 0;
    // A number that another account has is no drift of this one.
    for line in plan.lines.iter().filter(|line| line.sid.is_some() && !line.is_good()) {
        drifted += 1;
        let fields: Vec<_> = line.changes().map(|row| row.field.shown).collect();
        tracing::warn!(org = %org.slug, line = line.line, differs = fields.join(", "), "a number is not set as it should be: see `ringfall numbers plan`");
    }
    drifted
}
