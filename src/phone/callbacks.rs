//! Requests whose answer changes nothing: news of legs, recordings and transcriptions.

use jiff::SignedDuration;

use crate::model::digest::Digest;
use crate::phone::Callbacks;
use crate::phone::carrier::Carrier;
use crate::phone::parameters::{Fields, Leg, progress};
use crate::phone::script::People;
use crate::phone::wire::{Exchange, Method, Purpose, Request};

impl<X: Exchange, P: People> Carrier<'_, X, P> {
    /// News of a leg that just came to where it stands.
    pub(crate) async fn leg_news(&mut self, leg: &Leg, sequence: u32, url: &str, method: Method) {
        let mut fields = leg.fields(&self.common);
        fields.extend(progress(leg, sequence, self.moment(), self.now));
        let request = self.request(Purpose::Status, method, url, fields, None);
        self.deliver(request).await;
    }

    /// News of a recording, which comes some time after it: held until the call is over.
    pub(crate) fn later_news(&mut self, purpose: Purpose, url: &str, method: Method, fields: Fields) {
        let request = self.request(purpose, method, url, fields, None);
        self.held.push(request);
    }

    /// The final news of the caller's leg, once.
    pub(crate) async fn final_news(&mut self) {
        let Some(url) = self.call.status_url.clone() else { return };
        if !self.status_sent {
            self.status_sent = true;
            let mut leg = self.leg.clone();
            leg.status = self.final_status();
            self.leg_news(&leg, 0, &url, Method::Post).await;
        }
    }

    /// What is still to be sent once the call is over.
    pub(crate) async fn last_callbacks(&mut self) {
        self.final_news().await;
        let mut held = std::mem::take(&mut self.held);
        match self.call.delivery.callbacks {
            Callbacks::Lost => return,
            Callbacks::InOrder => {}
            Callbacks::Shuffled => held.sort_by_cached_key(|request| {
                let seed = self.call.delivery.seed.to_be_bytes();
                Digest::of([&seed[..], self.call.sid.as_bytes(), request.token.as_bytes(), request.url.as_bytes()])
            }),
        }
        for request in held {
            self.hand_over(&request).await;
        }
    }

    async fn deliver(&mut self, request: Request) {
        match self.call.delivery.callbacks {
            Callbacks::InOrder => self.hand_over(&request).await,
            Callbacks::Shuffled => self.held.push(request),
            Callbacks::Lost => {}
        }
    }

    async fn hand_over(&mut self, request: &Request) {
        for _ in 0..self.call.delivery.copies.max(1) {
            match self.send(request).await {
                Ok(reply) if (200..300).contains(&reply.status) => {}
                Ok(reply) => {
                    let text = format!("the callback `{}` was answered {}", request.url, reply.status);
                    self.complain(Some(11200), text);
                }
                Err(fault) => self.complain(Some(fault.code()), format!("the callback `{}`: {fault}", request.url)),
            }
        }
    }

    /// The call's own clock as an instant.
    pub(crate) fn moment(&self) -> jiff::Timestamp {
        let passed = SignedDuration::from_millis(i64::try_from(self.now).unwrap_or(i64::MAX));
        self.call.began.checked_add(passed).unwrap_or(self.call.began)
    }
}
