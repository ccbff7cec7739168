//! Twilio's side of one call: asks for documents, follows them verb by verb, keeps the call's own clock.

use crate::model::phone::Caller;
use crate::model::simulator;
use crate::phone::log::{CallLog, Drop, End, Entry, Kind, Warning, Webhook, Who};
use crate::phone::parameters::{Common, Fields, Leg, Status, field, sid};
use crate::phone::reading::{self, Content};
use crate::phone::script::{HangUp, Input, Message, People, Phase, Quirk, Script};
use crate::phone::wire::{Exchange, Fault, Method, Purpose, Reply, Request};
use crate::phone::{Call, Callbacks, PlaceError, Telling};
use crate::twiml::document;
use crate::twiml::schema::{self, Context};

/// Documents that one call may go through before it counts as going round in circles.
const MAX_DOCUMENTS: u32 = 100;

/// The caller has hung up: nothing more happens on the caller's leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// What can happen unless the caller hangs up first.
pub(crate) type Step<T> = Result<T, Gone>;

/// A document to be asked for.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    pub(crate) purpose: Purpose,
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) fields: Fields,
}

/// An answer that can be followed.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) url: String,
    pub(crate) content: Content,
}

/// What comes after a verb.
#[derive(Debug, Clone)]
pub(crate) enum After {
    /// The next verb.
    Next,
    /// Another document.
    Document(Errand),
    /// The end of the call.
    Over,
}

/// What the caller has got out of the call so far.
#[derive(Debug, Default)]
pub(crate) struct Got {
    pub(crate) talked: Option<(String, bool)>,
    pub(crate) mailbox: bool,
    pub(crate) handed: bool,
    pub(crate) rejected: bool,
    pub(crate) farewell: bool,
    pub(crate) error: bool,
    pub(crate) circles: bool,
    pub(crate) gone: bool,
}

/// The carrier in one call.
pub(crate) struct Carrier<'a, X, P> {
    pub(crate) call: &'a Call,
    pub(crate) script: &'a Script,
    pub(crate) common: Common,
    exchange: &'a mut X,
    people: &'a mut P,
    listen: &'a mut dyn FnMut(&Entry),
    pub(crate) log: CallLog,
    pub(crate) now: u64,
    pub(crate) leg: Leg,
    pub(crate) got: Got,
    pub(crate) waited: Option<u64>,
    pub(crate) held: Vec<Request>,
    pub(crate) status_sent: bool,
    counter: u32,
    unreachable: Option<PlaceError>,
}

impl<'a, X: Exchange, P: People> Carrier<'a, X, P> {
    pub(crate) fn new(
        call: &'a Call,
        script: &'a Script,
        exchange: &'a mut X,
        people: &'a mut P,
        listen: &'a mut dyn FnMut(&Entry),
    ) -> Self {
        let leg = Leg {
            sid: call.sid.clone(),
            parent: None,
            from: call.from.clone(),
            to: call.to.clone(),
            status: Status::Ringing,
            answered: None,
        };
        let common = Common {
            account: call.account.clone(),
            attestation: call.attestation,
            forwarded_from: call.forwarded_from.clone(),
            caller_name: call.caller_name.clone(),
        };
        let log =
            CallLog { call: call.sid.clone(), from: call.from.clone(), to: call.to.clone(), ..CallLog::default() };
        Self {
            call,
            script,
            common,
            exchange,
            people,
            listen,
            log,
            now: 0,
            leg,
            got: Got::default(),
            waited: None,
            held: Vec::new(),
            status_sent: false,
            counter: 0,
            unreachable: None,
        }
    }

    /// The whole call.
    pub(crate) async fn run(mut self) -> Result<CallLog, PlaceError> {
        let who = match Caller::parse(&self.call.from) {
            Caller::Withheld => "a withheld number".to_owned(),
            Caller::Number(_) | Caller::Sip(_) | Caller::Client(_) | Caller::Malformed(_) => {
                self.named(&self.call.from)
            }
        };
        let text = format!("{who} calls {}", self.named(&self.call.to));
        self.note(Who::Caller, Kind::Call, 0, text);
        let mut next = Some(Errand {
            purpose: Purpose::Voice,
            method: Method::Post,
            url: self.call.url.clone(),
            fields: Vec::new(),
        });
        let mut documents = 0;
        while let Some(errand) = next.take() {
            documents += 1;
            if documents > MAX_DOCUMENTS {
                self.complain(None, format!("{MAX_DOCUMENTS} documents in one call: it goes round in circles"));
                self.got.circles = true;
                break;
            }
            let Some(page) = self.page_for_caller(errand).await else { break };
            match self.follow(&page).await {
                Ok(After::Document(errand)) => next = Some(errand),
                Ok(After::Next | After::Over) => {}
                Err(Gone) => self.got.gone = true,
            }
        }
        if let Some(error) = self.unreachable.take() {
            return Err(error);
        }
        self.finish().await;
        Ok(self.log)
    }

    /// A document for the caller's leg, from the fallback if need be; none when the caller hears of an error.
    async fn page_for_caller(&mut self, errand: Errand) -> Option<Page> {
        let leg = self.leg.clone();
        let first = errand.purpose == Purpose::Voice;
        let failed = match self.page(&leg, &errand).await {
            Ok(page) => return Some(page),
            Err(failed) => failed,
        };
        if let Some(url) = self.call.fallback_url.clone() {
            let fields = vec![field("ErrorCode", &failed.code.to_string()), field("ErrorUrl", &errand.url)];
            self.note(Who::Carrier, Kind::Goes, 0, format!("asks the fallback `{url}`"));
            let fallback = Errand { purpose: Purpose::Fallback, method: Method::Post, url, fields };
            if let Ok(page) = self.page(&leg, &fallback).await {
                return Some(page);
            }
        } else if first && let Some(cause) = failed.unreachable {
            self.unreachable = Some(PlaceError::Unreachable { url: errand.url, cause });
            return None;
        }
        self.answer();
        self.got.error = true;
        self.note(Who::Caller, Kind::Error, 0, "hears that an application error has occurred, goodbye".to_owned());
        None
    }

    /// Asks for a document on behalf of a leg.
    pub(crate) async fn page(&mut self, leg: &Leg, errand: &Errand) -> Result<Page, Failed> {
        let mut fields = leg.fields(&self.common);
        fields.extend(errand.fields.iter().cloned());
        let request = self.request(errand.purpose, errand.method, &errand.url, fields, Some(leg.sid.clone()));
        let reply = match self.send(&request).await {
            Ok(reply) => reply,
            Err(fault) => {
                self.fail(fault.code(), format!("`{}`: {fault}", errand.url));
                let unreachable = matches!(fault, Fault::Unreachable(_)).then(|| fault.to_string());
                return Err(Failed { code: fault.code(), unreachable });
            }
        };
        if let Some(doubt) = reading::doubts(&reply) {
            self.complain(None, format!("`{}`: {doubt}", errand.url));
        }
        self.repeat(&request, &reply).await;
        match reading::read(&reply) {
            Ok(content) => {
                self.check(leg, errand, &reply, &content);
                Ok(Page { url: self.here(&reply, errand), content })
            }
            Err(useless) => {
                self.fail(useless.code, format!("`{}`: {}", errand.url, useless.text));
                Err(Failed { code: useless.code, unreachable: None })
            }
        }
    }

    /// What Twilio would refuse, skip or ignore in a document.
    fn check(&mut self, leg: &Leg, errand: &Errand, reply: &Reply, content: &Content) {
        if !matches!(content, Content::Document(_)) {
            return;
        }
        let context = if leg.parent.is_some() { Context::Screening } else { Context::Voice };
        for complaint in schema::check(&String::from_utf8_lossy(&reply.body), context) {
            self.complain(Some(12200), format!("`{}`, {complaint}", errand.url));
        }
    }

    /// The URL that relative ones in a document are meant against, without the fields of a GET.
    fn here(&self, reply: &Reply, errand: &Errand) -> String {
        if reply.redirects == 0 { errand.url.clone() } else { reply.url.clone() }
    }

    /// Sends the same request again as often as wished; a different answer is worth a warning.
    async fn repeat(&mut self, request: &Request, reply: &Reply) {
        for _ in 1..self.call.delivery.copies {
            if let Ok(again) = self.send(request).await {
                let (one, two) = (String::from_utf8_lossy(&reply.body), String::from_utf8_lossy(&again.body));
                if reply.status != again.status || !document::same(&one, &two) {
                    self.complain(None, format!("`{}` was answered differently when it came again", request.url));
                }
            }
        }
        if self.call.delivery.copies > 1 && self.call.delivery.callbacks == Callbacks::Shuffled {
            self.held.push(request.clone());
        }
    }

    /// Sends one request and writes it down with its answer.
    pub(crate) async fn send(&mut self, request: &Request) -> Result<Reply, Fault> {
        let result = self.exchange.send(request).await;
        let (status, answer) = match &result {
            Ok(reply) => (Some(reply.status), String::from_utf8_lossy(&reply.body).into_owned()),
            Err(fault) => (None, fault.to_string()),
        };
        let told = status.map_or_else(|| answer.clone(), |status| status.to_string());
        let text = format!("{} {} {} -> {told}", request.purpose.word(), request.method.word(), request.url);
        self.note(Who::Carrier, Kind::Request, 0, text);
        self.log.webhooks.push(Webhook { at: self.now, request: request.clone(), status, answer });
        result
    }

    /// A request with a token of its own.
    pub(crate) fn request(
        &mut self,
        purpose: Purpose,
        method: Method,
        url: &str,
        mut fields: Fields,
        jar: Option<String>,
    ) -> Request {
        let token = self.sid("", "token");
        if self.call.telling == Telling::Time && purpose != Purpose::Audio {
            fields.push(field(simulator::TIME, &self.moment().as_millisecond().to_string()));
        }
        let url = url.split('#').next().unwrap_or_default().to_owned();
        Request { purpose, method, url, fields, token, jar }
    }

    /// A new identifier.
    pub(crate) fn sid(&mut self, prefix: &str, purpose: &str) -> String {
        self.counter += 1;
        sid(prefix, &self.call.sid, purpose, self.counter)
    }

    /// Lets time pass, unless the caller hangs up meanwhile.
    pub(crate) async fn spend(&mut self, milliseconds: u64, phase: &Phase, names: &[&str]) -> Step<()> {
        let leaves = match &self.script.hang_up {
            _ if self.got.gone => None,
            Some(HangUp::After(at)) if self.now + milliseconds >= *at => Some(at.saturating_sub(self.now)),
            Some(HangUp::During(wanted)) if wanted.covers(phase, names) => Some((milliseconds / 2).min(2_000)),
            Some(HangUp::After(_) | HangUp::During(_)) | None => None,
        };
        let passes = leaves.unwrap_or(milliseconds);
        self.exchange.pass(passes).await;
        self.now += passes;
        if leaves.is_none() {
            return Ok(());
        }
        self.hang_up();
        Err(Gone)
    }

    /// The caller has had enough.
    pub(crate) fn hang_up(&mut self) {
        self.got.gone = true;
        self.note(Who::Caller, Kind::Ends, 0, "hangs up".to_owned());
    }

    /// The caller's leg is answered, if it was not yet.
    pub(crate) fn answer(&mut self) {
        if self.leg.answered.is_none() {
            self.leg.answered = Some(self.now);
            self.leg.status = Status::InProgress;
        }
    }

    /// The wait is over: a person, a tone, or another application.
    pub(crate) fn served(&mut self) {
        self.waited.get_or_insert(self.now);
    }

    pub(crate) fn has_quirk(&self, quirk: Quirk) -> bool {
        self.script.quirks.contains(&quirk)
    }

    pub(crate) const fn people(&mut self) -> &mut P {
        self.people
    }

    pub(crate) fn input(&mut self, asked: &crate::phone::script::Asked) -> Input {
        self.people.input(asked)
    }

    pub(crate) fn message(&mut self) -> Message {
        self.people.message()
    }

    /// What people call a number.
    pub(crate) fn named(&self, number: &str) -> String {
        self.call.names.get(number).cloned().unwrap_or_else(|| number.to_owned())
    }

    /// Writes something down, and tells whoever listens.
    pub(crate) fn note(&mut self, who: Who, kind: Kind, takes: u64, text: String) {
        let entry = Entry { at: self.now, takes, who, kind, text };
        (self.listen)(&entry);
        self.log.timeline.push(entry);
    }

    /// A complaint that does not end the call.
    pub(crate) fn complain(&mut self, code: Option<u32>, text: String) {
        let known = self.log.warnings.iter().any(|warning| warning.code == code && warning.text == text);
        if known {
            return;
        }
        let told = code.map_or_else(|| text.clone(), |code| format!("{code}: {text}"));
        self.note(Who::Carrier, Kind::Warning, 0, told);
        self.log.warnings.push(Warning { at: self.now, code, text });
    }

    /// A complaint that ends a document.
    fn fail(&mut self, code: u32, text: String) {
        self.note(Who::Carrier, Kind::Error, 0, format!("{code}: {text}"));
        self.log.warnings.push(Warning { at: self.now, code: Some(code), text });
    }

    /// The end: the last callbacks go out, and the log is closed.
    async fn finish(&mut self) {
        self.leg.status = self.final_status();
        self.log.lasted = self.now;
        self.log.waited = self.waited.unwrap_or(self.now);
        self.log.end = self.end();
        if self.log.end == End::Dropped(Drop::Nothing) {
            self.note(Who::Caller, Kind::Ends, 0, "is hung up on without a word".to_owned());
        } else if !self.got.gone {
            self.note(Who::Caller, Kind::Ends, 0, "the call is over".to_owned());
        }
        self.last_callbacks().await;
    }

    /// How the caller's leg ends for the carrier.
    pub(crate) const fn final_status(&self) -> Status {
        match (self.leg.answered, self.leg.status) {
            (None, Status::Ringing | Status::InProgress | Status::Initiated) => Status::NoAnswer,
            (None, status) => status,
            (Some(_), _) => Status::Completed,
        }
    }

    fn end(&self) -> End {
        let got = &self.got;
        if let Some((name, mailbox)) = &got.talked {
            return End::Connected { name: name.clone(), mailbox: *mailbox };
        }
        match got {
            Got { error: true, .. } if !got.mailbox => End::Dropped(Drop::Error),
            Got { circles: true, .. } => End::Dropped(Drop::Circles),
            Got { mailbox: true, .. } => End::Voicemail,
            Got { handed: true, .. } => End::HandedOff,
            Got { rejected: true, .. } => End::Rejected,
            Got { gone: true, .. } => End::CallerGone,
            Got { farewell: true, .. } => End::HungUp,
            Got { .. } => End::Dropped(Drop::Nothing),
        }
    }
}

/// A document that could not be had.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) code: u32,
    pub(crate) unreachable: Option<String>,
}
