//! The document for a callee who has picked up: what is heard before being connected, and the key.

use crate::model::leg::Leg as Does;
use crate::phone::carrier::{After, Carrier, Errand, Page, Step};
use crate::phone::gather::Listening;
use crate::phone::log::{Kind, Who};
use crate::phone::parameters::{Fields, field};
use crate::phone::reading::Content;
use crate::phone::ring::Child;
use crate::phone::script::{People, Phase};
use crate::phone::verbs::{method, resolve, words};
use crate::phone::wire::{Exchange, Method, Purpose};
use crate::twiml::document::Element;

/// Documents that one callee may go through.
const MAX_PAGES: usize = 10;

/// Milliseconds from the end of the question to the callee's key.
const PRESSES: u64 = 1_000;

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screened {
    /// The document ran out: caller and callee are connected.
    Connect,
    /// It hung up on the callee, or the callee hung up.
    Refused,
}

impl<X: Exchange, P: People> Carrier<'_, X, P> {
    pub(crate) async fn screen(&mut self, child: &Child, url: String, method: Method) -> Step<Screened> {
        let mut errand = Errand { purpose: Purpose::Screening, method, url, fields: Fields::new() };
        for _ in 0..MAX_PAGES {
            let leg = child.leg.clone();
            let Ok(page) = self.page(&leg, &errand).await else {
                let who = Who::Callee(child.noun.name.clone());
                self.note(who, Kind::Error, 0, "hears that an application error has occurred, goodbye".to_owned());
                return Ok(Screened::Refused);
            };
            match self.screen_page(child, &page).await? {
                Ok(screened) => return Ok(screened),
                Err(next) => errand = next,
            }
        }
        self.complain(None, format!("{MAX_PAGES} documents for one callee: it goes round in circles"));
        Ok(Screened::Refused)
    }

    /// One document: an ending, or the next one.
    async fn screen_page(&mut self, child: &Child, page: &Page) -> Step<Result<Screened, Errand>> {
        let who = Who::Callee(child.noun.name.clone());
        let Content::Document(document) = &page.content else {
            self.complain(None, format!("`{}` is no TwiML for a callee", page.url));
            return Ok(Ok(Screened::Connect));
        };
        for verb in document.verbs() {
            match &*verb.name {
                "Say" | "Play" | "Pause" => self.callee_hears(verb, page, child).await?,
                "Gather" => {
                    if let After::Document(errand) = self.callee_gather(verb, page, child).await? {
                        return Ok(Err(errand));
                    }
                }
                "Hangup" => return Ok(Ok(Screened::Refused)),
                "Reject" => {
                    self.complain(None, "`<Reject>` on an answered leg: write `<Hangup/>`".to_owned());
                    return Ok(Ok(Screened::Refused));
                }
                "Redirect" => {
                    let url = self.local(&resolve(&page.url, verb.text().trim()));
                    let how = method(verb, "method");
                    let fields = Fields::new();
                    return Ok(Err(Errand { purpose: Purpose::Screening, method: how, url, fields }));
                }
                name => self.complain(Some(13238), format!("`<{name}>` may not stand in a document for a callee")),
            }
        }
        if child.does == Does::Declined {
            self.note(who, Kind::Leg, 0, "hangs up".to_owned());
            return Ok(Ok(Screened::Refused));
        }
        Ok(Ok(Screened::Connect))
    }

    async fn callee_hears(&mut self, verb: &Element, page: &Page, child: &Child) -> Step<()> {
        let heard = words(&verb.text());
        if !heard.is_empty()
            && let Some(leg) = self.log.rung.get_mut(child.place)
        {
            leg.heard.push(heard);
        }
        let who = Who::Callee(child.noun.name.clone());
        self.sound(verb, page, &who, &Phase::Screening).await
    }

    async fn callee_gather(&mut self, verb: &Element, page: &Page, child: &Child) -> Step<After> {
        for sound in verb.elements() {
            self.callee_hears(sound, page, child).await?;
        }
        let listening = Listening::of(verb);
        let who = Who::Callee(child.noun.name.clone());
        let key = match child.does {
            Does::Answered => Some((self.script.accept_key, "yes")),
            Does::Declined => Some((self.script.decline_key, "no")),
            Does::AnsweredNoKey
            | Does::Busy
            | Does::NoAnswer
            | Does::Unreachable
            | Does::Canceled
            | Does::CallerHangsUp => None,
        };
        let mut fields = Fields::new();
        match key {
            Some((key, _)) if listening.keys => {
                self.spend(PRESSES, &Phase::Screening, &[]).await?;
                self.note(who, Kind::Presses, 0, format!("presses {key}"));
                let (digits, at_once) = listening.digits(&key.to_string());
                if !at_once {
                    self.spend(listening.timeout, &Phase::Screening, &[]).await?;
                }
                if !digits.is_empty() {
                    fields.push(field("Digits", &digits));
                }
            }
            Some((_, word)) if listening.speech => {
                self.spend(PRESSES, &Phase::Screening, &[]).await?;
                self.note(who, Kind::Speaks, 0, format!("says \"{word}\""));
                fields.extend([field("SpeechResult", word), field("Confidence", "0.9")]);
            }
            Some(_) | None => {
                self.note(who, Kind::Silence, listening.timeout, "presses nothing".to_owned());
                self.spend(listening.timeout, &Phase::Screening, &[]).await?;
            }
        }
        if fields.is_empty() && !listening.on_empty {
            return Ok(After::Next);
        }
        if fields.is_empty() {
            fields.push(field("Digits", ""));
        }
        let mut errand = self.errand_to(verb, page, verb.attribute("action").unwrap_or_default(), fields);
        errand.purpose = Purpose::Screening;
        Ok(After::Document(errand))
    }
}
