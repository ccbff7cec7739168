//! A receiver of signed batches.

use std::sync::Arc;

use anyhow::Context as _;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;

use crate::app::ports::{Clock, Later};
use crate::feed::hook::{self, Signer};
use crate::feed::plan;
use crate::sinks::{Deliver, Item, Memory, Portion, Trouble, web};

/// The place.
#[derive(Debug)]
pub(in crate::sinks) struct Receiver {
    client: Client,
    url: String,
    signer: Option<Signer>,
    batch: usize,
    clock: Arc<dyn Clock>,
}

impl Receiver {
    pub(in crate::sinks) fn new(plan: &plan::Http, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let signer = match &plan.secret_file {
            Some(file) => {
                let cannot = || format!("`{}`", file.display());
                let secret = std::fs::read_to_string(file).with_context(cannot)?;
                Some(Signer::parse(&secret).map_err(anyhow::Error::msg).with_context(cannot)?)
            }
            None => None,
        };
        Ok(Self { client: web::client()?, url: plan.url.clone(), signer, batch: plan.batch, clock: Arc::clone(clock) })
    }
}

impl Deliver for Receiver {
    fn portion(&self) -> Portion {
        Portion { count: self.batch, bytes: 1 << 20 }
    }

    fn deliver<'a>(&'a mut self, items: &'a [Item], _: &'a mut Memory) -> Later<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let (Some(first), Some(last)) = (items.first(), items.last()) else { return Ok(()) };
            // The same batch has the same name when it is sent again.
            let id = format!("{}_{}", first.record.id.simple(), last.record.id.simple());
            let now = self.clock.now();
            let body = hook::body(&first.record.received.utc, items.iter().map(|item| &*item.body));
            let mut request = self.client.post(&self.url).header(CONTENT_TYPE, "application/json");
            request = request.header("webhook-id", &id).header("webhook-timestamp", now.as_second());
            if let Some(signer) = &self.signer {
                request = request.header("webhook-signature", signer.sign(&id, now.as_second(), &body));
            }
            web::asked(request.body(body)).await.map(drop)
        })
    }
}
