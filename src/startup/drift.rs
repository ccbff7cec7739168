//! Looks now and then whether the account's numbers are still set as they should be, and says so when they are not.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::twilio::client::Client;
use crate::twilio::wiring::{self, Bases};
use crate::webhook::origin::Origin;

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// Looks until the task is dropped.
pub(super) async fn run(app: Arc<App>, client: Client, service: Origin, fallback: Option<Origin>) {
    loop {
        match client.numbers().await {
            Ok(numbers) => {
                let bases = Bases { service: service.as_str(), fallback: fallback.as_ref().map(Origin::as_str) };
                let mut drifted = 0;
                for org in app.live.now().organizations() {
                    let plan = wiring::plan(&org.rules, &org.slug, bases, &numbers);
                    // A number that another account has is no drift of this one.
                    let here = plan.lines.iter().filter(|line| line.sid.is_some() && !line.is_good());
                    for line in here {
                        drifted += 1;
                        let fields: Vec<_> = line.changes().map(|row| row.field.shown).collect();
                        tracing::warn!(org = %org.slug, line = line.line, differs = fields.join(", "), "a number is not set as it should be: see `ringfall numbers plan`");
                    }
                }
                app.metrics.drifted(drifted);
            }
            Err(error) => tracing::warn!(%error, "the account's numbers cannot be looked at"),
        }
        tokio::time::sleep(EVERY).await;
    }
}
