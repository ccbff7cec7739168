//! Recordings sent to a server that runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::call::account;
use crate::cli::replay::Replay;
use crate::phone::Telling;
use crate::phone::wire::{Exchange as _, Method, Purpose, Request, Wire};
use crate::replay::again::Tape;
use crate::replay::differ::{Difference, Measure, Route, Routes, Verdict, compare};
use crate::replay::live::Guise;
use crate::replay::recording::{Answer, Recording};
use crate::replay::standins::Key;
use crate::settings::layers::Surroundings;

/// A server, and whose requests it is sent.
pub(crate) struct Server {
    url: String,
    wire: Wire,
    guise: Guise,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    pub(crate) fn new(url: &str, args: &Replay) -> anyhow::Result<Self> {
        let data = args.data.clone().unwrap_or_else(|| {
            // Settings that cannot be used are for `ringfall serve` to complain about.
            let settings = crate::settings::load(&Surroundings::of_process(BTreeMap::new(), None)).settings;
            settings.map_or_else(|_faults| PathBuf::from("data"), |settings| settings.data)
        });
        let account = account(args.auth_token_file.as_deref(), args.account_sid.as_deref(), &data)?;
        let tells_time = account.telling == Telling::Time;
        let wire = Wire::new(account.signer, args.public_url.clone(), Duration::from_secs(15))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            wire,
            guise: Guise { account: account.sid, tells_time, fresh: fresh()? },
            runtime: runtime.context("could not start the clockwork of requests")?,
        })
    }

    pub(crate) fn play(&mut self, recording: &Recording) -> anyhow::Result<Verdict> {
        let tape = Tape::of(recording).map_err(anyhow::Error::msg)?;
        self.guise.fresh = fresh()?;
        let (mut verdict, mut routes) = (Verdict::default(), Routes::default());
        let prefix = tape.origin.prefix();
        routes.open(std::iter::empty(), prefix);
        for (place, (webhook, request)) in recording.webhooks.iter().zip(&tape.requests).enumerate() {
            let instead = match routes.of(request.target()) {
                Route::Same => None,
                Route::Instead(target) => Some(target.to_owned()),
                Route::Gone => {
                    verdict.left_out += 1;
                    continue;
                }
            };
            let (status, twiml) = self.ask(webhook, instead.as_deref(), place)?;
            verdict.played += 1;
            let mut note = |what, at: String, expected, got| {
                verdict.differences.push(Difference {
                    webhook: place + 1,
                    asked: request.endpoint.word(),
                    what,
                    place: at,
                    expected,
                    got,
                });
            };
            if status != 200 {
                note("request", "status".to_owned(), "200".to_owned(), status.to_string());
                break;
            }
            let now = Answer { twiml, ..webhook.answer.clone() };
            let apart = compare(&webhook.answer, &now, Measure::OtherServer);
            // The server tells only its TwiML: the same TwiML leads to the same next requests.
            if apart.is_empty() {
                routes.pair(&webhook.answer.twiml, &now.twiml, prefix);
            }
            if webhook.fault.is_some() {
                verdict.faulty += 1;
                continue;
            }
            for apart in apart {
                note(apart.what, apart.place, apart.expected, apart.got);
            }
        }
        Ok(verdict)
    }

    fn ask(
        &mut self,
        webhook: &crate::replay::recording::Webhook,
        instead: Option<&str>,
        place: usize,
    ) -> anyhow::Result<(u16, String)> {
        let sending = self.guise.dress(webhook, instead);
        let method = if webhook.method == "GET" { Method::Get } else { Method::Post };
        let path = sending.target.find("/twilio/").and_then(|at| sending.target.get(at..)).unwrap_or(&sending.target);
        let request = Request {
            purpose: Purpose::Voice,
            method,
            url: format!("{}{path}", self.url),
            fields: sending.fields,
            token: format!("replay-{place}"),
            jar: None,
        };
        let reply = self.runtime.block_on(self.wire.send(&request)).context(self.url.clone())?;
        Ok((reply.status, String::from_utf8_lossy(&reply.body).into_owned()))
    }
}

/// A server answers the same step of the same call once: each playing is of a call of its own.
fn fresh() -> anyhow::Result<Key> {
    Key::new(uuid::Uuid::now_v7().as_bytes()).context("no name for this call")
}
