//! Starts what tells people: the reader of the journal and the sender of texts.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::messenger::ports::{Carrier, Outbox, Trail};
use crate::app::messenger::reader::{self, Links};
use crate::app::messenger::sender;
use crate::outbox::Desk;
use crate::settings::Settings;
use crate::startup::carrier;
use crate::store::Store;
use crate::twilio::carrier::Texts;

/// Tasks that run until they are dropped.
#[derive(Debug, Default)]
pub(super) struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    /// Stops them, and waits until they let go of everything. What they were at is found again at the next start.
    pub(super) async fn stop(mut self) {
        for task in std::mem::take(&mut self.0) {
            task.abort();
            // That it was stopped is no news.
            drop(task.await);
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Starts telling people. Calls are answered whether or not this works.
pub(super) async fn start(settings: &Settings, app: &Arc<App>, store: Option<&Arc<Store>>) -> Tasks {
    let Some(store) = store else { return Tasks::default() };
    match ready(settings, app).await {
        Ok((outbox, carrier)) => {
            let trail: Arc<dyn Trail> = Arc::<Store>::clone(store);
            let links = Arc::new(Links(Box::new(|_, _, _| None)));
            let reader = reader::run(Arc::clone(app), trail, Arc::clone(&outbox), links);
            let sender = sender::run(Arc::clone(app), outbox, carrier, settings.texts_a_day);
            Tasks(vec![tokio::spawn(reader), tokio::spawn(sender)])
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "nobody will be told of missed calls and messages");
            Tasks::default()
        }
    }
}

async fn ready(settings: &Settings, app: &App) -> anyhow::Result<(Arc<dyn Outbox>, Arc<dyn Carrier>)> {
    let outbox: Arc<dyn Outbox> = Arc::new(Desk::open(&settings.data)?);
    // The first call must find the switches as they were left.
    app.switches.replace(outbox.switches().await?);
    let gate = carrier::gate(settings)?;
    let client = carrier::client(settings, &gate).ok();
    if client.is_none() {
        tracing::info!("no API key is set: texts wait until they are worth nothing any more");
    }
    let carrier: Arc<dyn Carrier> = Arc::new(Texts::new(gate, Box::new(move |_org| client.clone())));
    app.outreach.set(&outbox, &carrier);
    Ok((outbox, carrier))
}
