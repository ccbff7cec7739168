//! Gather on the caller's leg: the question, what the caller presses or says, and the action.

use crate::phone::carrier::{After, Carrier, Page, Step};
use crate::phone::log::{Kind, Who};
use crate::phone::parameters::{Fields, field};
use crate::phone::script::{Asked, Input, People, Phase};
use crate::phone::verbs::{method, number, resolve, speech};
use crate::phone::wire::{Exchange, Method, Purpose};
use crate::twiml::document::Element;

/// Milliseconds from the end of a question to the first key.
const THINKS: u64 = 1_000;

/// Milliseconds from key to key.
const KEY: u64 = 500;

/// What a Gather listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listening {
    pub(crate) keys: bool,
    pub(crate) speech: bool,
    pub(crate) most: usize,
    pub(crate) finish: Option<char>,
    pub(crate) timeout: u64,
    pub(crate) on_empty: bool,
}

impl Listening {
    pub(crate) fn of(verb: &Element) -> Self {
        let input = verb.attribute("input").unwrap_or("dtmf");
        let finish = verb.attribute("finishOnKey").unwrap_or("#");
        let most = number(verb, "numDigits").and_then(|most| usize::try_from(most).ok());
        Self {
            keys: input.split_whitespace().any(|kind| kind == "dtmf"),
            speech: input.split_whitespace().any(|kind| kind == "speech"),
            most: most.unwrap_or(usize::MAX),
            finish: finish.chars().next(),
            timeout: number(verb, "timeout").unwrap_or(5).saturating_mul(1_000),
            on_empty: verb.attribute("actionOnEmptyResult") == Some("true"),
        }
    }

    /// What of the pressed keys counts, and whether waiting for more ends at once.
    pub(crate) fn digits(&self, pressed: &str) -> (String, bool) {
        let mut digits = String::new();
        for key in pressed.chars() {
            if Some(key) == self.finish {
                return (digits, true);
            }
            digits.push(key);
            if digits.chars().count() >= self.most {
                return (digits, true);
            }
        }
        (digits, false)
    }
}

impl<X: Exchange, P: People> Carrier<'_, X, P> {
    pub(crate) async fn gather(&mut self, verb: &Element, page: &Page) -> Step<After> {
        self.answer();
        for child in verb.elements() {
            if matches!(&*child.name, "Say" | "Play" | "Pause") {
                self.sound(child, page, &Who::Caller, &Phase::Menu).await?;
            }
        }
        // A question is no farewell: to be hung up on after it is to be dropped.
        self.got.farewell = false;
        let listening = Listening::of(verb);
        let asked = Asked { keys: listening.keys, speech: listening.speech, most: listening.most };
        let input = self.input(&asked);
        let fields = self.listen_to(&listening, input, verb, page).await?;
        if fields.is_empty() && !listening.on_empty {
            return Ok(After::Next);
        }
        let fields = if fields.is_empty() { vec![field("Digits", "")] } else { fields };
        let target = verb.attribute("action").unwrap_or_default();
        Ok(After::Document(self.errand_to(verb, page, target, fields)))
    }

    async fn listen_to(&mut self, listening: &Listening, input: Input, verb: &Element, page: &Page) -> Step<Fields> {
        match input {
            Input::Keys(pressed) if listening.keys => {
                let (digits, at_once) = listening.digits(&pressed);
                let takes = THINKS + KEY * pressed.chars().count().saturating_sub(1) as u64;
                self.spend(takes, &Phase::Menu, &[]).await?;
                self.note(Who::Caller, Kind::Presses, 0, format!("presses {pressed}"));
                if !at_once {
                    self.spend(listening.timeout, &Phase::Menu, &[]).await?;
                }
                // A lone finishing key ends the question with nothing.
                Ok(if digits.is_empty() { Fields::new() } else { vec![field("Digits", &digits)] })
            }
            Input::Speech(words) if listening.speech => {
                let takes = THINKS + speech(&words) + THINKS;
                self.note(Who::Caller, Kind::Speaks, takes, format!("says \"{words}\""));
                self.spend(takes, &Phase::Menu, &[]).await?;
                self.half_understood(verb, page, &words).await;
                Ok(vec![field("SpeechResult", &words), field("Confidence", "0.9")])
            }
            Input::Keys(_) | Input::Speech(_) | Input::Nothing => {
                self.note(Who::Caller, Kind::Silence, listening.timeout, "presses nothing".to_owned());
                self.spend(listening.timeout, &Phase::Menu, &[]).await?;
                Ok(Fields::new())
            }
        }
    }

    /// The news of speech half understood, where asked for; its answer is ignored.
    async fn half_understood(&mut self, verb: &Element, page: &Page, words: &str) {
        let Some(target) = verb.attribute("partialResultCallback") else { return };
        let url = self.local(&resolve(&page.url, target));
        let mut fields = self.leg.fields(&self.common);
        fields.push(field("UnstableSpeechResult", words));
        let how = if method(verb, "partialResultCallbackMethod") == Method::Get { Method::Get } else { Method::Post };
        let request = self.request(Purpose::Partial, how, &url, fields, None);
        if let Err(fault) = self.send(&request).await {
            self.complain(Some(fault.code()), format!("the callback `{url}`: {fault}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(attributes: &str) -> Listening {
        let xml = format!("<Response><Gather {attributes}/></Response>");
        let document = crate::twiml::document::parse(&xml).unwrap();
        let gather = document.verbs().next().unwrap();
        Listening::of(gather)
    }

    #[test]
    fn keys_end_at_the_finishing_key_or_the_number_wanted() {
        assert_eq!(listening("").digits("12#3"), ("12".to_owned(), true));
        assert_eq!(listening("numDigits='1'").digits("12"), ("1".to_owned(), true));
        assert_eq!(listening("finishOnKey=''").digits("1#"), ("1#".to_owned(), false));
        assert_eq!(listening("").digits("#"), (String::new(), true));
        assert_eq!(listening("finishOnKey='*'").digits("1*"), ("1".to_owned(), true));
    }

    #[test]
    fn only_what_is_listened_to_counts() {
        let both = listening("input='dtmf speech' timeout='8' actionOnEmptyResult='true'");
        assert!(both.keys && both.speech && both.on_empty);
        assert_eq!(both.timeout, 8_000);
        assert!(!listening("input='speech'").keys);
    }
}
