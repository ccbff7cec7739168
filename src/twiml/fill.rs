//! Decisions as values for templates: who sees which number, what is spoken, where each answer leads.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

use crate::decide::decision::{Act, Decision};
use crate::decide::screen::Screen;
use crate::model::ids::{ContactId, MailboxId, MenuId};
use crate::model::phone::{Caller, E164};
use crate::model::position::StepRef;
use crate::rules::ruleset::{Confirm, Contact, Handoff, Mailbox, Menu, Refusal, RuleSet, Show, Speech, Texts, Verb};
use crate::twiml::kinds::Kind;
use crate::twiml::links::Links;
use crate::twiml::{Filled, RenderError, ScreenSetting, Setting, language};

/// Twilio takes no shorter ringing time.
const SHORTEST_RING: u16 = 5;
/// Nor a longer one.
const LONGEST_RING: u16 = 600;
/// Twilio writes out messages of at most so many seconds.
const LONGEST_TRANSCRIBED: u16 = 120;
/// Twilio speaks no longer texts at once (its limit is 4096 characters).
const LONGEST_SAID: usize = 4000;
/// Longer hints are ignored.
const LONGEST_HINT: usize = 100;
/// Hints beyond this number are ignored.
const MOST_HINTS: usize = 500;

type Values = Vec<(&'static str, Value)>;

/// The values for a decision.
pub(crate) fn answer(setting: &Setting<'_>, decision: &Decision) -> Result<Filled, RenderError> {
    Answer { setting, decision, speaker: Speaker::of(setting, decision.plan.language) }.fill()
}

struct Answer<'a> {
    setting: &'a Setting<'a>,
    decision: &'a Decision,
    speaker: Speaker<'a>,
}

impl Answer<'_> {
    fn fill(&self) -> Result<Filled, RenderError> {
        let plan = &self.decision.plan;
        let (kind, mut values) = match &plan.act {
            Act::Ring { contacts, seconds, .. } => (Kind::Ring, self.ring(contacts, *seconds)?),
            Act::Menu { menu, .. } => (Kind::Menu, self.menu(*menu)?),
            Act::OfferText { mailbox, greeting, .. } => (Kind::OfferText, self.offer(*mailbox, *greeting)?),
            Act::Record { mailbox, greeting, greeted, .. } => {
                (Kind::Voicemail, self.record(*mailbox, (!greeted).then_some(*greeting))?)
            }
            Act::Thank => (Kind::Thank, Vec::new()),
            Act::PromiseText => (Kind::PromiseText, Vec::new()),
            // A refusal is free of charge only as the first verb; after speech the call is answered already.
            Act::Reject(reason) if plan.speak.is_empty() => (Kind::Reject, vec![("reason", refusal(*reason))]),
            Act::Reject(_) => (Kind::Hangup, vec![("farewell", Value::from_iter(Vec::<Value>::new()))]),
            Act::Hangup(step) => (Kind::Hangup, vec![("farewell", self.farewell(*step)?)]),
            Act::Handoff { at } => (Kind::Handoff, self.handoff(*at)?),
            Act::Nothing => (Kind::Empty, Vec::new()),
        };
        if kind != Kind::Reject && kind != Kind::Empty {
            values.push(("speech", self.spoken_before()?));
        }
        let (rules, facts) = (self.setting.rules, self.setting.facts);
        let line = facts.line.and_then(|line| rules.line(line)).map_or("", |line| &line.spoken);
        shared(&mut values, self.setting.org.as_str(), line, &facts.caller);
        self.speaker.name_language(&mut values);
        Ok(Filled { kind, values })
    }

    fn spoken_before(&self) -> Result<Value, RenderError> {
        let mut parts = Vec::new();
        for step in &self.decision.plan.speak {
            match self.step(*step)? {
                Verb::Speak(speech) | Verb::Hangup(Some(speech)) => self.speaker.speak(speech, &mut parts),
                Verb::Ring(_)
                | Verb::Menu(_)
                | Verb::Flow { .. }
                | Verb::Voicemail(_)
                | Verb::Reject(_)
                | Verb::Hangup(None)
                | Verb::Text(_)
                | Verb::Notice(_)
                | Verb::Handoff(_) => {}
            }
        }
        Ok(Value::from_iter(parts))
    }

    fn step(&self, at: StepRef) -> Result<&Verb, RenderError> {
        self.setting.rules.step(at).map(|step| &step.verb).ok_or(RenderError::Strange("step"))
    }

    fn mailbox(&self, id: MailboxId) -> Result<&Mailbox, RenderError> {
        self.setting.rules.mailbox(id).ok_or(RenderError::Strange("mailbox"))
    }

    fn links(&self) -> Links<'_> {
        Links { prefix: self.setting.prefix, org: self.setting.org, rules: self.setting.rules.digest.key() }
    }

    /// Where the call goes on; a call that is over for the rules goes where nothing happens.
    fn action(&self) -> (&'static str, Value) {
        let url = self.decision.next.as_ref().map_or_else(|| self.links().done(), |next| self.links().next(next));
        ("action", Value::from(url))
    }

    fn ring(&self, contacts: &[ContactId], seconds: u16) -> Result<Values, RenderError> {
        let (rules, facts) = (self.setting.rules, self.setting.facts);
        let mut numbers = Vec::new();
        let mut shows = Vec::new();
        for id in contacts {
            let contact = rules.contact(*id).ok_or(RenderError::Strange("contact"))?;
            shows.push(&contact.show);
            numbers.push(self.number(*id, contact));
        }
        if numbers.is_empty() {
            return Err(RenderError::Strange("ring of nobody"));
        }
        Ok(vec![
            self.action(),
            ("timeout", Value::from(seconds.clamp(SHORTEST_RING, LONGEST_RING))),
            ("caller_id", Value::from(caller_id(rules, facts.line, &facts.caller, &shows))),
            ("answer_on_bridge", Value::from(self.decision.plan.speak.is_empty())),
            ("numbers", Value::from_iter(numbers)),
        ])
    }

    fn number(&self, id: ContactId, contact: &Contact) -> Value {
        let facts = self.setting.facts;
        let screen = match contact.confirm {
            Confirm::Key | Confirm::Voice => self.links().screen(id, facts.line, &facts.caller, 0),
            Confirm::None => String::new(),
        };
        Value::from_object(Callee {
            name: Value::from(&*contact.name),
            number: Value::from(contact.number.as_str()),
            screen: Value::from(screen),
            status: Value::from(self.links().leg_status(id)),
        })
    }

    fn menu(&self, id: MenuId) -> Result<Values, RenderError> {
        let menu = self.setting.rules.menu(id).ok_or(RenderError::Strange("menu"))?;
        let hints = hints(menu);
        let spoken = menu.keys.iter().any(|key| !key.words.is_empty());
        let longest = menu.keys.iter().map(|key| key.digits.len()).max().unwrap_or(1).max(1);
        let hash = menu.keys.iter().any(|key| key.digits.contains('#'));
        Ok(vec![
            self.action(),
            ("prompt", self.speaker.list(&menu.prompt)),
            ("input", Value::from(if spoken { "dtmf speech" } else { "dtmf" })),
            ("num_digits", Value::from(longest)),
            ("finish_on_key", Value::from(if hash { "" } else { "#" })),
            ("timeout", Value::from(menu.wait.max(1))),
            ("hints", Value::from(hints)),
        ])
    }

    fn greeting(&self, mailbox: &Mailbox, which: Option<u8>) -> Value {
        let special = which.and_then(|index| mailbox.greetings.get(usize::from(index)));
        self.speaker.list(special.map_or(&mailbox.greeting, |greeting| &greeting.speech))
    }

    fn offer(&self, id: MailboxId, greeting: Option<u8>) -> Result<Values, RenderError> {
        let mailbox = self.mailbox(id)?;
        let mut offer = Vec::new();
        if let Some(text) = &mailbox.offer_text {
            self.speaker.say(&text.say, &mut offer);
        }
        Ok(vec![self.action(), ("greeting", self.greeting(mailbox, greeting)), ("offer", Value::from_iter(offer))])
    }

    fn record(&self, id: MailboxId, greeting: Option<Option<u8>>) -> Result<Values, RenderError> {
        let mailbox = self.mailbox(id)?;
        let began = self.decision.next.as_ref().map_or(0, |next| next.began);
        let heard =
            greeting.map_or_else(|| Value::from_iter(Vec::<Value>::new()), |which| self.greeting(mailbox, which));
        let max = mailbox.max.max(2);
        let written = mailbox.transcribe && max <= LONGEST_TRANSCRIBED;
        let transcription = if written { self.links().transcription(began, id) } else { String::new() };
        Ok(vec![
            self.action(),
            ("greeting", heard),
            ("max_length", Value::from(max)),
            ("recording_callback", Value::from(self.links().recording(began, id))),
            ("transcription_callback", Value::from(transcription)),
        ])
    }

    fn farewell(&self, step: Option<StepRef>) -> Result<Value, RenderError> {
        let mut parts = Vec::new();
        if let Some(at) = step
            && let Verb::Hangup(Some(speech)) | Verb::Speak(speech) = self.step(at)?
        {
            self.speaker.speak(speech, &mut parts);
        }
        Ok(Value::from_iter(parts))
    }

    fn handoff(&self, at: StepRef) -> Result<Values, RenderError> {
        let Verb::Handoff(handoff) = self.step(at)? else { return Err(RenderError::Strange("hand-off")) };
        let (rules, facts) = (self.setting.rules, self.setting.facts);
        let (to, url, seconds) = match handoff {
            Handoff::Twiml(url) => ("twiml", url, 0),
            Handoff::Sip { uri, seconds } => ("sip", uri, (*seconds).clamp(SHORTEST_RING, LONGEST_RING)),
            Handoff::Stream(url) => ("stream", url, 0),
        };
        Ok(vec![
            self.action(),
            ("to", Value::from(to)),
            ("url", Value::from(&**url)),
            ("timeout", Value::from(seconds)),
            ("caller_id", Value::from(caller_id(rules, facts.line, &facts.caller, &[&Show::Caller]))),
            ("answer_on_bridge", Value::from(self.decision.plan.speak.is_empty())),
        ])
    }
}

fn refusal(reason: Refusal) -> Value {
    Value::from(match reason {
        Refusal::Busy => "busy",
        Refusal::Closed => "rejected",
    })
}

fn hints(menu: &Menu) -> String {
    let words = menu.keys.iter().flat_map(|key| &key.words).map(|word| &**word);
    let short = words.filter(|word| !word.trim().is_empty() && word.chars().count() <= LONGEST_HINT);
    short.take(MOST_HINTS).collect::<Vec<_>>().join(", ")
}

/// The number that callees see. One `Dial` shows all its callees the same number, so when those of one ring
/// are meant to see different ones, all see the line's own.
pub(crate) fn caller_id(
    rules: &RuleSet,
    line: Option<crate::model::ids::LineId>,
    caller: &Caller,
    shows: &[&Show],
) -> String {
    let own = line.and_then(|line| rules.line(line)).or_else(|| rules.lines.first());
    let own = own.map_or("", |line| line.number.as_str());
    let shown = match shows {
        [first, rest @ ..] if rest.iter().all(|other| other == first) => first,
        _ => &Show::Line,
    };
    let shown = match shown {
        // A number that is withheld, malformed or no phone number makes the carrier fail the call.
        Show::Caller => caller.number().map_or(own, E164::as_str),
        Show::Line => own,
        Show::Number(number) => number.as_str(),
    };
    shown.to_owned()
}

/// The values for the callee's leg.
pub(crate) fn screen(setting: &ScreenSetting<'_>, screen: Screen) -> Result<Filled, RenderError> {
    let rules = setting.rules;
    let links = Links { prefix: setting.prefix, org: setting.org, rules: rules.digest.key() };
    let (kind, line, mut values) = match screen {
        Screen::Ask { contact, line, confirm, asked } => {
            let action = links.screen(contact, line, setting.caller, asked);
            let name = &rules.contact(contact).ok_or(RenderError::Strange("contact"))?.name;
            let input = if confirm == Confirm::Voice { "dtmf speech" } else { "dtmf" };
            let values = vec![
                ("action", Value::from(action)),
                ("contact", Value::from(&**name)),
                ("input", Value::from(input)),
                ("asked", Value::from(asked)),
            ];
            (Kind::Screen, line, values)
        }
        Screen::Connect => (Kind::ScreenAccepted, None, Vec::new()),
        Screen::Decline | Screen::GiveUp => (Kind::ScreenDeclined, None, Vec::new()),
    };
    let line = line.and_then(|line| rules.line(line));
    shared(&mut values, setting.org.as_str(), line.map_or("", |line| &line.spoken), setting.caller);
    let speaker = Speaker { rules, language: line.map_or(0, |line| line.language), audio_base: None };
    speaker.name_language(&mut values);
    Ok(Filled { kind, values })
}

fn shared(values: &mut Values, org: &str, line: &str, caller: &Caller) {
    // A line without a name is called by its number.
    let line =
        E164::parse(line).map_or_else(|_| line.chars().take(LONGEST_SAID / 2).collect(), |it| language::spoken(&it));
    values.push(("organization", Value::from(org)));
    values.push(("line", Value::from(line)));
    values.push(("caller", Value::from(caller.number().map_or("", E164::as_str))));
    values.push(("caller_digits", Value::from(caller.number().map(language::spoken).unwrap_or_default())));
}

/// Turns speech of the rules into parts for templates.
pub(crate) struct Speaker<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) language: u8,
    pub(crate) audio_base: Option<&'a str>,
}

/// One thing to be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A text in the language of that tag.
    Say { text: String, language: String },
    /// A recording.
    Play(String),
}

impl<'a> Speaker<'a> {
    fn of(setting: &Setting<'a>, language: u8) -> Self {
        Self { rules: setting.rules, language, audio_base: setting.audio_base }
    }

    fn name_language(&self, values: &mut Values) {
        let code = self.code(self.language);
        values.push(("language", Value::from(language::tag(code, &self.rules.countries))));
        values.push(("lang", Value::from(code)));
    }

    /// The language of that index as the rules write it.
    pub(crate) fn code(&self, index: u8) -> &'a str {
        let languages = &self.rules.languages;
        languages.get(usize::from(index)).or_else(|| languages.first()).map_or("en", |code| code)
    }

    fn list(&self, speech: &Speech) -> Value {
        let mut parts = Vec::new();
        self.speak(speech, &mut parts);
        Value::from_iter(parts)
    }

    fn speak(&self, speech: &Speech, parts: &mut Vec<Value>) {
        parts.extend(self.heard(speech).into_iter().map(value));
    }

    fn say(&self, texts: &Texts, parts: &mut Vec<Value>) {
        parts.extend(self.said(texts).into_iter().map(value));
    }

    /// What a caller hears of a speech.
    pub(crate) fn heard(&self, speech: &Speech) -> Vec<Heard> {
        match speech {
            Speech::Say(texts) => self.said(texts),
            Speech::Play { audio, else_say } => match (self.audio(audio), else_say) {
                (Some(url), _) => vec![Heard::Play(url)],
                (None, Some(texts)) => self.said(texts),
                (None, None) => Vec::new(),
            },
        }
    }

    fn audio(&self, audio: &str) -> Option<String> {
        if audio.starts_with("https://") || audio.starts_with("http://") {
            return Some(audio.to_owned());
        }
        let base = self.audio_base?.trim_end_matches('/');
        let path: String = form_urlencoded::byte_serialize(audio.as_bytes()).collect();
        Some(format!("{base}/{}", path.replace('+', "%20").replace("%2F", "/")))
    }

    fn said(&self, texts: &Texts) -> Vec<Heard> {
        let chosen = texts.0.iter().find(|(index, _)| *index == self.language).or_else(|| texts.0.first());
        let Some((index, text)) = chosen else { return Vec::new() };
        let tag = language::tag(self.code(*index), &self.rules.countries);
        pieces(text).into_iter().map(|piece| Heard::Say { text: piece.to_owned(), language: tag.clone() }).collect()
    }
}

fn value(heard: Heard) -> Value {
    let (play, say, language) = match heard {
        Heard::Say { text, language } => (String::new(), text, language),
        Heard::Play(url) => (url, String::new(), String::new()),
    };
    Value::from_object(Part { play: Value::from(play), say: Value::from(say), language: Value::from(language) })
}

/// One of those who are rung, as templates see it.
#[derive(Debug)]
struct Callee {
    name: Value,
    number: Value,
    screen: Value,
    status: Value,
}

impl Object for Callee {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let value = match key.as_str()? {
            "name" => &self.name,
            "number" => &self.number,
            "screen" => &self.screen,
            "status" => &self.status,
            _ => return None,
        };
        Some(value.clone())
    }
}

/// One thing to be heard, as templates see it.
#[derive(Debug)]
struct Part {
    play: Value,
    say: Value,
    language: Value,
}

impl Object for Part {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let value = match key.as_str()? {
            "play" => &self.play,
            "say" => &self.say,
            "language" => &self.language,
            _ => return None,
        };
        Some(value.clone())
    }
}

/// The text in pieces short enough to be spoken, cut after a sentence or a word where there is one.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while let Some((limit, _)) = rest.char_indices().nth(LONGEST_SAID) {
        let (head, _) = rest.split_at(limit);
        let cut = head.rfind(['.', '!', '?']).map(|place| place + 1).or_else(|| head.rfind(' ')).unwrap_or(limit);
        let (piece, tail) = rest.split_at(if cut == 0 { limit } else { cut });
        pieces.push(piece.trim());
        rest = tail.trim_start();
    }
    pieces.push(rest);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}
