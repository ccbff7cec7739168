//! The verbs of the caller's leg, one after the other, besides those with a file of their own.

use reqwest::Url;

use crate::journey::seconds;
use crate::phone::Elsewhere;
use crate::phone::carrier::{After, Carrier, Errand, Gone, Page, Step};
use crate::phone::log::{Kind, Who};
use crate::phone::parameters::{Status, field};
use crate::phone::reading::Content;
use crate::phone::script::{People, Phase};
use crate::phone::wire::{Exchange, Method, Purpose};
use crate::twiml::document::{Element, Response};

/// Milliseconds that a sound file is taken to last: its true length is not known.
const SOUND: u64 = seconds::RECORDING as u64 * 1_000;

/// Most characters that one `Say` may have.
const MAX_SAY: usize = 4_096;

/// Longest silence that a caller should be left in, in milliseconds.
const LONG_SILENCE: u64 = 6_000;

/// Milliseconds that a hand-off is taken to last before it gives the call back or ends.
const HANDOFF: u64 = 10_000;

/// Verbs that exist and that the phone does not play.
const UNPLAYED: [&str; 9] = ["Echo", "Leave", "Pay", "Prompt", "Queue", "Refer", "Start", "Stop", "Sms"];

impl<X: Exchange, P: People> Carrier<'_, X, P> {
    /// Follows an answer on the caller's leg to its end.
    pub(crate) async fn follow(&mut self, page: &Page) -> Step<After> {
        match &page.content {
            Content::Document(document) => self.follow_document(document, page).await,
            Content::Audio => {
                self.answer();
                self.play_sound(&Who::Caller, &page.url, &Phase::Greeting).await?;
                Ok(After::Over)
            }
            Content::Spoken(text) => {
                self.answer();
                self.speak(&Who::Caller, text, &Phase::Greeting).await?;
                Ok(After::Over)
            }
        }
    }

    async fn follow_document(&mut self, document: &Response, page: &Page) -> Step<After> {
        for (place, verb) in document.verbs().enumerate() {
            match self.verb(verb, page, place == 0).await? {
                After::Next => {}
                after @ (After::Document(_) | After::Over) => return Ok(after),
            }
        }
        Ok(After::Over)
    }

    async fn verb(&mut self, verb: &Element, page: &Page, first: bool) -> Step<After> {
        match &*verb.name {
            "Say" | "Play" | "Pause" => {
                self.sound(verb, page, &Who::Caller, &Phase::Greeting).await?;
                Ok(After::Next)
            }
            "Gather" => self.gather(verb, page).await,
            "Record" => self.record(verb, page).await,
            "Dial" => self.dial(verb, page, first).await,
            "Redirect" => Ok(self.redirect(verb, page)),
            "Reject" => Ok(self.reject(verb, first)),
            "Hangup" => {
                self.answer();
                Ok(After::Over)
            }
            "Connect" => self.connect(verb, page).await,
            "Enqueue" => self.enqueue(verb, page).await,
            name if UNPLAYED.contains(&name) => {
                self.complain(None, format!("`<{name}>` is not played by this phone; the call goes on behind it"));
                Ok(After::Next)
            }
            // What is no verb at all was complained about with the document, and is skipped.
            _ => Ok(After::Next),
        }
    }

    /// Say, Play or Pause on any leg.
    pub(crate) async fn sound(&mut self, verb: &Element, page: &Page, who: &Who, phase: &Phase) -> Step<()> {
        let times = match number(verb, "loop") {
            None => 1,
            Some(0) => 1_000,
            Some(times) => times.min(1_000),
        };
        match &*verb.name {
            "Pause" => {
                let length = number(verb, "length").unwrap_or(1).saturating_mul(1_000);
                self.note(who.clone(), Kind::Silence, length, "hears nothing".to_owned());
                if *who == Who::Caller && length > LONG_SILENCE {
                    self.complain(None, format!("{} s of silence: callers hang up", length / 1_000));
                }
                let phase = if *who == Who::Caller { &Phase::Pause } else { phase };
                self.spend(length, phase, &[]).await
            }
            "Play" if verb.attribute("digits").is_some() => {
                let digits = verb.attribute("digits").unwrap_or_default();
                let takes = 250 * digits.chars().count() as u64;
                self.note(who.clone(), Kind::Plays, takes, format!("hears the tones {digits}"));
                self.answer_caller(who);
                self.spend(takes, phase, &[]).await
            }
            "Play" => {
                let url = resolve(&page.url, verb.text().trim());
                self.answer_caller(who);
                for _ in 0..times.min(3) {
                    self.play_sound(who, &url, phase).await?;
                }
                Ok(())
            }
            _ => {
                let text = words(&verb.text());
                if text.is_empty() {
                    self.complain(Some(13520), "`<Say>` has no text".to_owned());
                    return Ok(());
                }
                if text.chars().count() > MAX_SAY {
                    self.complain(Some(13520), format!("`<Say>` has more than {MAX_SAY} characters"));
                }
                self.answer_caller(who);
                // Nobody listens to the same words a thousand times.
                for _ in 0..times.min(3) {
                    self.speak(who, &text, phase).await?;
                }
                Ok(())
            }
        }
    }

    fn answer_caller(&mut self, who: &Who) {
        if *who == Who::Caller {
            self.answer();
        }
    }

    /// Speaks to one leg.
    pub(crate) async fn speak(&mut self, who: &Who, text: &str, phase: &Phase) -> Step<()> {
        let takes = speech(text);
        self.note(who.clone(), Kind::Hears, takes, format!("hears \"{text}\""));
        if *who == Who::Caller {
            self.log.heard.push(text.to_owned());
            self.got.farewell = true;
        }
        self.spend(takes, phase, &[]).await
    }

    async fn play_sound(&mut self, who: &Who, url: &str, phase: &Phase) -> Step<()> {
        self.note(who.clone(), Kind::Plays, SOUND, format!("hears the recording {url}"));
        if *who == Who::Caller {
            self.log.heard.push(url.to_owned());
            self.got.farewell = true;
        }
        if !self.is_elsewhere(url) {
            self.look_at_sound(url).await;
        }
        self.spend(SOUND, phase, &[]).await
    }

    /// Twilio fetches sounds without any fields.
    async fn look_at_sound(&mut self, url: &str) {
        let request = self.request(Purpose::Audio, Method::Get, url, Vec::new(), None);
        match self.send(&request).await {
            Ok(reply) if !(200..300).contains(&reply.status) => {
                self.complain(Some(11200), format!("the recording `{url}` was answered {}", reply.status));
            }
            Ok(reply) if !reply.content_type.as_deref().unwrap_or_default().starts_with("audio/") => {
                self.complain(Some(12300), format!("the recording `{url}` is not sent as audio"));
            }
            Ok(_) => {}
            Err(fault) => self.complain(Some(fault.code()), format!("the recording `{url}`: {fault}")),
        }
    }

    fn redirect(&mut self, verb: &Element, page: &Page) -> After {
        let target = verb.text();
        let url = self.local(&resolve(&page.url, target.trim()));
        if self.is_elsewhere(&url) && self.call.elsewhere == Elsewhere::HandedOver {
            self.answer();
            self.hand_over_to(&url);
            return After::Over;
        }
        self.note(Who::Carrier, Kind::Goes, 0, format!("goes on at {url}"));
        After::Document(Errand { purpose: Purpose::Action, method: method(verb, "method"), url, fields: Vec::new() })
    }

    fn reject(&mut self, verb: &Element, first: bool) -> After {
        let busy = verb.attribute("reason") == Some("busy");
        if !first || self.leg.answered.is_some() {
            self.complain(None, "`<Reject>` is not the first verb: the call was answered, and is billed".to_owned());
            self.answer();
            return After::Over;
        }
        self.got.rejected = true;
        self.leg.status = if busy { Status::Busy } else { Status::NoAnswer };
        let tone = if busy { "a busy tone" } else { "that the number is not in service" };
        self.note(Who::Caller, Kind::Hears, 0, format!("hears {tone}: the call is refused unanswered"));
        After::Over
    }

    async fn connect(&mut self, verb: &Element, page: &Page) -> Step<After> {
        self.answer();
        let Some(noun) = verb.elements().next() else {
            self.complain(None, "`<Connect>` names nothing to connect to".to_owned());
            return Ok(After::Next);
        };
        let target = noun.attribute("url").or_else(|| noun.attribute("name")).unwrap_or(&noun.name);
        if &*noun.name == "Stream" && !target.starts_with("wss://") {
            self.complain(Some(11100), format!("`<Stream>` must go to a `wss://` URL, and `{target}` is none"));
        }
        self.hand_over_to(target);
        self.spend(HANDOFF, &Phase::Talk, &[]).await?;
        if !self.script.handoff_returns {
            self.hang_up();
            if let Some(target) = verb.attribute("action") {
                self.action_after_hang_up(verb, page, target, Vec::new()).await;
            }
            return Err(Gone);
        }
        self.got.handed = false;
        self.waited = None;
        self.note(Who::Carrier, Kind::Goes, 0, format!("{target} gives the call back"));
        Ok(self.action(verb, page, Vec::new()))
    }

    fn hand_over_to(&mut self, target: &str) {
        self.served();
        self.got.handed = true;
        self.log.handed_to = Some(target.to_owned());
        self.note(Who::Caller, Kind::Goes, 0, format!("is handed to {target}"));
    }

    async fn enqueue(&mut self, verb: &Element, page: &Page) -> Step<After> {
        self.answer();
        let name = words(&verb.text());
        self.hand_over_to(&format!("the queue `{name}`"));
        if let Some(wait) = verb.attribute("waitUrl") {
            let url = self.local(&resolve(&page.url, wait));
            let fields = vec![field("QueueSid", &self.sid("QU", "queue")), field("QueuePosition", "1")];
            let errand = Errand { purpose: Purpose::Wait, method: method(verb, "waitUrlMethod"), url, fields };
            let leg = self.leg.clone();
            // What callers hear in a queue is checked; how long they wait there is nobody's to say.
            drop(self.page(&leg, &errand).await);
        }
        self.spend(HANDOFF, &Phase::Pause, &[]).await?;
        Ok(After::Over)
    }

    /// What comes after a verb that may have an action of its own.
    pub(crate) fn action(&mut self, verb: &Element, page: &Page, fields: Vec<(String, String)>) -> After {
        match verb.attribute("action") {
            None => After::Next,
            Some(target) => After::Document(self.errand_to(verb, page, target, fields)),
        }
    }

    /// The request for a verb's action, or for the current document when it has none.
    pub(crate) fn errand_to(&self, verb: &Element, page: &Page, target: &str, fields: Vec<(String, String)>) -> Errand {
        let url = self.local(&resolve(&page.url, target));
        Errand { purpose: Purpose::Action, method: method(verb, "method"), url, fields }
    }

    /// A URL of the server's public origin, at the origin where it is reached from here.
    pub(crate) fn local(&self, url: &str) -> String {
        let Some(public) = &self.call.signed_origin else { return url.to_owned() };
        let rest = url.strip_prefix(public.trim_end_matches('/')).filter(|rest| rest.starts_with('/'));
        rest.map_or_else(|| url.to_owned(), |rest| resolve(&self.call.url, rest))
    }

    /// Whether a URL belongs to another server than the one called.
    pub(crate) fn is_elsewhere(&self, url: &str) -> bool {
        match (Url::parse(url), Url::parse(&self.call.url)) {
            (Ok(one), Ok(two)) => one.origin() != two.origin(),
            (_, _) => false,
        }
    }
}

/// How long it takes to say something, in milliseconds.
pub(crate) fn speech(text: &str) -> u64 {
    (text.chars().count() as u64 * 1_000).div_ceil(seconds::SPOKEN_PER_SECOND as u64)
}

/// A relative URL against the document it stands in.
pub(crate) fn resolve(base: &str, target: &str) -> String {
    if target.is_empty() {
        return base.to_owned();
    }
    Url::parse(base).and_then(|base| base.join(target)).map_or_else(|_| target.to_owned(), |url| url.to_string())
}

/// The method that an attribute names.
pub(crate) fn method(verb: &Element, attribute: &str) -> Method {
    if verb.attribute(attribute) == Some("GET") { Method::Get } else { Method::Post }
}

/// An attribute that is a whole number.
pub(crate) fn number(verb: &Element, attribute: &str) -> Option<u64> {
    verb.attribute(attribute).and_then(|value| value.trim().parse().ok())
}

/// Text with its white space evened out.
pub(crate) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
