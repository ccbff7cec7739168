//! Dial: who is to be rung, with which caller id, and what the action is told.

use crate::model::phone::E164;
use crate::phone::carrier::{After, Carrier, Gone, Page, Step};
use crate::phone::log::{Kind, Who};
use crate::phone::parameters::{Fields, Status, field};
use crate::phone::record::RecordingNews;
use crate::phone::script::{People, Phase, Quirk};
use crate::phone::verbs::{method, number, resolve, words};
use crate::phone::wire::{Exchange, Method};
use crate::twiml::document::Element;

/// Most nouns that one Dial rings.
const MAX_NOUNS: usize = 10;

/// Somebody to be rung.
#[derive(Debug, Clone)]
pub(crate) struct Noun {
    pub(crate) kind: NounKind,
    pub(crate) target: String,
    pub(crate) name: String,
    /// The document for whoever picks up.
    pub(crate) screening: Option<(String, Method)>,
    /// Where news of the leg goes, how, and which.
    pub(crate) news: Option<(String, Method, Vec<String>)>,
}

/// What is rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NounKind {
    /// A phone number.
    Number,
    /// An app.
    Client,
    /// A SIP address.
    Sip,
}

/// How a Dial is meant.
#[derive(Debug, Clone)]
pub(crate) struct Dialing {
    /// Milliseconds of ringing.
    pub(crate) timeout: u64,
    /// Most milliseconds of talking.
    pub(crate) limit: u64,
    /// The caller id shown.
    pub(crate) shown: String,
}

/// How a Dial ended.
#[derive(Debug, Clone)]
pub(crate) struct Dialed {
    pub(crate) status: Status,
    pub(crate) sid: Option<String>,
    pub(crate) seconds: Option<u64>,
    pub(crate) bridged: bool,
    /// Whether the caller hung up meanwhile.
    pub(crate) gone: bool,
}

impl Dialed {
    pub(crate) const fn failed(sid: Option<String>) -> Self {
        Self { status: Status::Failed, sid, seconds: None, bridged: false, gone: false }
    }
}

impl<X: Exchange, P: People> Carrier<'_, X, P> {
    pub(crate) async fn dial(&mut self, verb: &Element, page: &Page, first: bool) -> Step<After> {
        self.got.farewell = false;
        if verb.elements().any(|noun| &*noun.name == "Conference") {
            return self.conference(verb, page).await;
        }
        let answer_on_bridge = verb.attribute("answerOnBridge") == Some("true") && first && self.leg.answered.is_none();
        if !answer_on_bridge {
            self.answer();
        }
        let began = self.moment();
        let dialed = match self.shown(verb) {
            Err(Refused { code, text }) => {
                self.complain(Some(code), text);
                Dialed::failed(None)
            }
            Ok(shown) => {
                let dialing = Dialing {
                    timeout: self.ringing_time(verb),
                    limit: number(verb, "timeLimit").unwrap_or(14_400).saturating_mul(1_000),
                    shown,
                };
                let nouns = self.nouns(verb, page);
                self.ring_all(&nouns, &dialing, verb.attribute("sequential") == Some("true")).await
            }
        };
        self.after_dial(verb, page, dialed, began).await
    }

    async fn ring_all(&mut self, nouns: &[Noun], dialing: &Dialing, sequential: bool) -> Dialed {
        if nouns.is_empty() {
            self.complain(Some(13223), "`<Dial>` names nobody who can be rung".to_owned());
            return Dialed::failed(None);
        }
        if !sequential {
            return self.ring(nouns, dialing).await;
        }
        let mut last = Dialed::failed(None);
        for noun in nouns {
            last = self.ring(std::slice::from_ref(noun), dialing).await;
            if last.bridged || last.gone {
                break;
            }
        }
        last
    }

    async fn after_dial(&mut self, verb: &Element, page: &Page, dialed: Dialed, began: jiff::Timestamp) -> Step<After> {
        let mut fields = vec![field("DialCallStatus", dialed.status.word())];
        if let Some(sid) = &dialed.sid {
            fields.push(field("DialCallSid", sid));
        }
        if let Some(seconds) = dialed.seconds {
            fields.push(field("DialCallDuration", &seconds.to_string()));
        }
        if !self.has_quirk(Quirk::NoDialBridged) {
            fields.push(field("DialBridged", if dialed.bridged { "true" } else { "false" }));
        }
        self.dial_recording(verb, page, &dialed, began, &mut fields);
        if dialed.gone {
            if let Some(target) = verb.attribute("action") {
                self.action_after_hang_up(verb, page, target, fields).await;
            }
            return Err(Gone);
        }
        Ok(self.action(verb, page, fields))
    }

    fn dial_recording(
        &mut self,
        verb: &Element,
        page: &Page,
        dialed: &Dialed,
        began: jiff::Timestamp,
        fields: &mut Fields,
    ) {
        let record = verb.attribute("record").unwrap_or("do-not-record");
        if !dialed.bridged || matches!(record, "do-not-record" | "false") {
            return;
        }
        let recording = self.sid("RE", "recording");
        fields.push(field("RecordingUrl", &self.recording_url(&recording)));
        let seconds = dialed.seconds.unwrap_or_default();
        let news = RecordingNews { recording: &recording, status: "completed", seconds, began, source: "DialVerb" };
        self.tell_of_recording(verb, page, &news);
    }

    async fn conference(&mut self, verb: &Element, page: &Page) -> Step<After> {
        self.answer();
        self.served();
        let name = words(&verb.text());
        self.got.talked = Some((format!("the conference `{name}`"), false));
        let takes = u64::from(self.script.talk) * 1_000;
        self.note(Who::Caller, Kind::Talks, takes, format!("is in the conference `{name}`"));
        self.spend(takes, &Phase::Talk, &[]).await?;
        // A conference has no leg of its own and no duration.
        Ok(self.action(verb, page, vec![field("DialCallStatus", "answered")]))
    }

    fn ringing_time(&mut self, verb: &Element) -> u64 {
        let timeout = verb.attribute("timeout").map(|value| value.trim().parse::<u64>());
        match timeout {
            None => 30_000,
            Some(Ok(seconds)) if (5..=600).contains(&seconds) => seconds * 1_000,
            Some(Ok(_) | Err(_)) => {
                let given = verb.attribute("timeout").unwrap_or_default();
                self.complain(Some(13212), format!("`timeout=\"{given}\"` must be 5 to 600 seconds; 30 is taken"));
                30_000
            }
        }
    }

    fn nouns(&mut self, verb: &Element, page: &Page) -> Vec<Noun> {
        let mut nouns = Vec::new();
        let bare = words(&verb.text());
        if verb.elements().next().is_none() && !bare.is_empty() {
            nouns.extend(self.noun(NounKind::Number, verb, page, bare, false));
        }
        for element in verb.elements() {
            let kind = match &*element.name {
                "Number" => NounKind::Number,
                "Client" => NounKind::Client,
                "Sip" => NounKind::Sip,
                name => {
                    self.complain(None, format!("`<{name}>` cannot be rung by this phone"));
                    continue;
                }
            };
            let identity = element.elements().find(|child| matches!(&*child.name, "Identity" | "Uri"));
            let target = words(&identity.unwrap_or(element).text());
            nouns.extend(self.noun(kind, element, page, target, true));
        }
        if nouns.len() > MAX_NOUNS {
            self.complain(Some(13215), format!("{} nouns in one `<Dial>`; Twilio rings {MAX_NOUNS}", nouns.len()));
            nouns.truncate(MAX_NOUNS);
        }
        nouns
    }

    fn noun(
        &mut self,
        kind: NounKind,
        element: &Element,
        page: &Page,
        target: String,
        with_urls: bool,
    ) -> Option<Noun> {
        if kind == NounKind::Number && E164::parse(&target).is_err() {
            self.complain(Some(13223), format!("`{target}` is no phone number in E.164"));
            return None;
        }
        if target.is_empty() || (kind == NounKind::Sip && !target.starts_with("sip")) {
            self.complain(Some(13224), format!("`{target}` is nothing that can be rung"));
            return None;
        }
        let url = |name: &str| {
            element.attribute(name).filter(|_| with_urls).map(|value| self.local(&resolve(&page.url, value)))
        };
        let events = element.attribute("statusCallbackEvent").unwrap_or("completed");
        let events = events.split_whitespace().map(str::to_owned).collect();
        let news = url("statusCallback").map(|url| (url, method(element, "statusCallbackMethod"), events));
        let screening = url("url").map(|url| (url, method(element, "method")));
        let name = self.named(&target);
        Some(Noun { kind, target, name, screening, news })
    }

    /// The caller id that callees see, or why Twilio refuses it.
    fn shown(&self, verb: &Element) -> Result<String, Refused> {
        let refused = |text: String| Err(Refused { code: 13214, text });
        let to_number = verb.has_own_text() || verb.elements().any(|noun| &*noun.name == "Number");
        let Some(shown) = verb.attribute("callerId") else {
            let from = self.leg.from.clone();
            if to_number && from.starts_with("client:") {
                return refused("a call from a client needs a `callerId`".to_owned());
            }
            if to_number && E164::parse(&from).is_err() {
                return refused(format!("the caller's `{from}` is passed on as caller id, and carriers refuse it"));
            }
            return Ok(from);
        };
        if !to_number {
            return Ok(shown.to_owned());
        }
        if E164::parse(shown).is_err() {
            return refused(format!("`callerId=\"{shown}\"` is no phone number in E.164"));
        }
        let of_call = shown == self.leg.from || shown == self.leg.to;
        let own = self.call.own_numbers.as_ref();
        if of_call && (shown == self.leg.to || !self.leg.from.starts_with("sip")) {
            return Ok(shown.to_owned());
        }
        match own {
            Some(own) if own.iter().any(|number| number == shown) => Ok(shown.to_owned()),
            None => Ok(shown.to_owned()),
            Some(_) => refused(format!(
                "`callerId=\"{shown}\"` is neither the caller's, nor the number called, nor known as one of the account"
            )),
        }
    }
}

/// Why a caller id is refused; the number is Twilio's.
struct Refused {
    code: u32,
    text: String,
}
