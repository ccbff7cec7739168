//! The carrier against answers written by hand: what it sends, what the caller hears, and how the call ends.

use std::collections::BTreeMap;

use crate::phone::log::{CallLog, Drop, End};
use crate::phone::script::{Actors, HangUp, Message, MessageEnd, Phase, Quirk, Script};
use crate::phone::wire::{Exchange, Fault, Reply, Request};
use crate::phone::{Call, Callbacks, Delivery, Elsewhere, Telling, over};
use crate::webhook::signature::Signer;

mod dials;
mod talks;

const CALLER: &str = "+13125550123";
const LINE: &str = "+16195550100";
const ANNA: &str = "+16195550111";
const BEN: &str = "+18585550107";

/// A server that answers each path with one document.
#[derive(Default)]
struct Server {
    pages: BTreeMap<String, (u16, String)>,
    seen: Vec<Request>,
}

impl Server {
    fn new(pages: &[(&str, &str)]) -> Self {
        let page = |body: &str| (200, format!("<Response>{body}</Response>"));
        let pages = pages.iter().map(|(path, body)| ((*path).to_owned(), page(body))).collect();
        Self { pages, seen: Vec::new() }
    }

    fn failing(mut self, path: &str, status: u16) -> Self {
        self.pages.insert(path.to_owned(), (status, String::new()));
        self
    }

    /// The fields of the nth request to a path.
    fn sent(&self, path: &str, place: usize) -> BTreeMap<&str, &str> {
        let mut to = self.seen.iter().filter(|request| path_of(&request.url) == path);
        let request = to.nth(place).unwrap_or_else(|| panic!("no request {place} to {path}"));
        request.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn paths(&self) -> Vec<&str> {
        self.seen.iter().map(|request| path_of(&request.url)).collect()
    }
}

fn path_of(url: &str) -> &str {
    let rest = url.strip_prefix("http://127.0.0.1:8080").unwrap_or(url);
    rest.split('?').next().unwrap()
}

impl Exchange for Server {
    async fn send(&mut self, request: &Request) -> Result<Reply, Fault> {
        self.seen.push(request.clone());
        let missing = (404, String::new());
        let (status, body) = self.pages.get(path_of(&request.url)).unwrap_or(&missing).clone();
        Ok(Reply {
            status,
            content_type: Some("text/xml".to_owned()),
            body: body.into_bytes(),
            url: request.url.clone(),
            redirects: 0,
        })
    }

    async fn pass(&mut self, _milliseconds: u64) {}
}

fn call() -> Call {
    Call {
        url: "http://127.0.0.1:8080/voice".to_owned(),
        status_url: None,
        fallback_url: None,
        account: "AC0123456789abcdef0123456789abcdef".to_owned(),
        signer: Signer::new("token"),
        signed_origin: None,
        sid: "CA0123456789abcdef0123456789abcdef".to_owned(),
        to: LINE.to_owned(),
        from: CALLER.to_owned(),
        attestation: crate::model::call::Attestation::Unsigned,
        forwarded_from: None,
        caller_name: None,
        own_numbers: None,
        names: [(ANNA, "anna"), (BEN, "ben")].map(|(number, name)| (number.to_owned(), name.to_owned())).into(),
        began: "2026-11-21T03:00:00Z".parse().unwrap(),
        delivery: Delivery::default(),
        telling: Telling::Nothing,
        elsewhere: Elsewhere::HandedOver,
    }
}

fn script(legs: &[&str]) -> Script {
    let mut script = Script::default();
    for leg in legs {
        script.add_leg(leg).unwrap();
    }
    script
}

fn place(server: &mut Server, call: &Call, script: &Script) -> CallLog {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(over(server, call, script, &mut Actors::new(script), &mut |_| {})).unwrap()
}
