//! The answer when everything else has failed: written without templates, and it cannot fail itself.

use quick_xml::events::{BytesText, Event};
use quick_xml::writer::Writer;

use crate::model::call::{CallFacts, Happened, LegOutcome};
use crate::model::ids::{MailboxId, OrgSlug};
use crate::model::phone::{Caller, E164};
use crate::model::position::{Position, StepRef};
use crate::rules::ruleset::{Ring, RuleSet, Verb};
use crate::twiml::fill::{Heard, Speaker, caller_id};
use crate::twiml::links::Links;
use crate::twiml::{DECLARATION, Twiml, characters, empty};
use crate::webhook::endpoint::Endpoint;

/// What is known when nothing else works; anything of it may be missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Whose call it is.
    pub org: Option<&'a OrgSlug>,
    /// The call, and what happened last.
    pub facts: Option<&'a CallFacts>,
    /// Where the call stood.
    pub position: Option<&'a Position>,
    /// Path of the public URL without a slash at its end.
    pub prefix: &'a str,
    /// Where recordings below the rules folder are served.
    pub audio_base: Option<&'a str>,
}

const APOLOGY: &str = "We are sorry, we cannot take your call right now.";
pub(crate) const LEAVE_MESSAGE: &str = "Please leave your name and number after the tone.";
pub(crate) const THANKS: &str = "Thank you. Goodbye.";
pub(crate) const ENGLISH: &str = "en-US";
/// The address that answers everything with nothing. A `Record` must have an action: without one, Twilio asks for
/// the same document again when the message is over.
const DONE: Endpoint = Endpoint::CallStatus;
/// The longest message where no mailbox says otherwise.
const LONGEST_MESSAGE: u16 = 120;

/// The static ending of the rules as a document; without rules, an apology and a message.
///
/// A call that was in its ending already goes on after the step it was at, so that a fault that stays
/// does not ring the same person for ever.
pub fn last_resort(rules: Option<&RuleSet>, known: &Known<'_>) -> Twiml {
    match known.facts.map(|facts| &facts.happened) {
        Some(Happened::Gone | Happened::Rang(LegOutcome::Connected(_))) => return empty(),
        Some(Happened::Recorded { .. }) => return Page::default().say(THANKS, ENGLISH).hang_up(),
        Some(Happened::Arrived | Happened::Rang(_) | Happened::Chose { .. } | Happened::Returned) | None => {}
    }
    match rules {
        Some(rules) if rules.cascade(RuleSet::FINALLY).is_some_and(|ending| !ending.steps.is_empty()) => {
            Ending { rules, known }.write()
        }
        Some(_) | None => apology(known),
    }
}

fn apology(known: &Known<'_>) -> Twiml {
    let page = Page::default().say(APOLOGY, ENGLISH).say(LEAVE_MESSAGE, ENGLISH);
    let whose = known.org.map_or_else(String::new, |org| format!("?org={org}"));
    let url = |endpoint: Endpoint| format!("{}{}{whose}", known.prefix, endpoint.path());
    let (action, callback) = (url(DONE), url(Endpoint::Recording));
    let max = LONGEST_MESSAGE.to_string();
    page.record(&[("action", &action), ("maxLength", &max), ("recordingStatusCallback", &callback)]).hang_up()
}

struct Ending<'a> {
    rules: &'a RuleSet,
    known: &'a Known<'a>,
}

impl Ending<'_> {
    fn write(&self) -> Twiml {
        let Some(first) = self.first() else { return Page::default().say(THANKS, ENGLISH).hang_up() };
        let mut page = Page::default();
        for index in first..=u16::MAX {
            let at = StepRef { cascade: RuleSet::FINALLY, index };
            let Some(step) = self.rules.step(at) else { break };
            match &step.verb {
                Verb::Speak(speech) => page = page.hear(&self.speaker().heard(speech)),
                Verb::Hangup(speech) => {
                    let heard = speech.as_ref().map(|speech| self.speaker().heard(speech)).unwrap_or_default();
                    return page.hear(&heard).hang_up();
                }
                Verb::Voicemail(mailbox) => return self.voicemail(page, *mailbox, at),
                Verb::Ring(ring) => {
                    page = self.ring(page, ring, at);
                    if self.links().is_some() {
                        return page.finish();
                    }
                }
                Verb::Menu(_)
                | Verb::Flow { .. }
                | Verb::Reject(_)
                | Verb::Text(_)
                | Verb::Notice(_)
                | Verb::Handoff(_) => {}
            }
        }
        page.hang_up()
    }

    /// The step to begin with; none when the message is over.
    fn first(&self) -> Option<u16> {
        let Some(position) = self.known.position else { return Some(0) };
        let Some(at @ StepRef { cascade: RuleSet::FINALLY, index }) = position.step else { return Some(0) };
        match self.rules.step(at).map(|step| &step.verb) {
            // The caller has heard an offer, and has left no message yet.
            Some(Verb::Voicemail(_)) => (position.stage == 0).then_some(index),
            Some(_) | None => Some(index.saturating_add(1)),
        }
    }

    fn speaker(&self) -> Speaker<'_> {
        let line = self.known.facts.and_then(|facts| facts.line).and_then(|line| self.rules.line(line));
        let chosen = self.known.position.and_then(|position| position.language);
        let language = chosen.or_else(|| line.map(|line| line.language)).unwrap_or(0);
        Speaker { rules: self.rules, language, audio_base: self.known.audio_base }
    }

    fn links(&self) -> Option<Links<'_>> {
        let org = self.known.org?;
        Some(Links { prefix: self.known.prefix, org, rules: self.rules.digest.key() })
    }

    fn began(&self) -> i64 {
        self.known.position.map_or(0, |position| position.began)
    }

    /// The next request's position: at this step of the ending.
    fn position(&self, at: StepRef, stage: u8) -> Position {
        let before = self.known.position.cloned().unwrap_or_else(|| Position::start(0));
        Position { step: Some(at), stage, hop: before.hop.saturating_add(1), ..before }
    }

    fn voicemail(&self, page: Page, id: MailboxId, at: StepRef) -> Twiml {
        let mailbox = self.rules.mailbox(id);
        let page = match mailbox {
            Some(mailbox) => page.hear(&self.speaker().heard(&mailbox.greeting)),
            None => page.say(LEAVE_MESSAGE, ENGLISH),
        };
        let max = mailbox.map_or(LONGEST_MESSAGE, |mailbox| mailbox.max).max(2).to_string();
        let Some(links) = self.links() else {
            let action = format!("{}{}", self.known.prefix, DONE.path());
            return page.record(&[("action", &action), ("maxLength", &max)]).hang_up();
        };
        let action = links.next(&self.position(at, 1));
        let callback = links.recording(self.began(), id);
        page.record(&[("action", &action), ("maxLength", &max), ("recordingStatusCallback", &callback)]).hang_up()
    }

    fn ring(&self, page: Page, ring: &Ring, at: StepRef) -> Page {
        let facts = self.known.facts;
        let (line, caller) = (facts.and_then(|facts| facts.line), facts.map(|facts| &facts.caller));
        let contacts = ring.contacts.iter().filter_map(|id| self.rules.contact(*id));
        let contacts: Vec<_> = contacts.filter(|contact| contact.barred.is_none()).collect();
        if contacts.is_empty() {
            return page;
        }
        let shows: Vec<_> = contacts.iter().map(|contact| &contact.show).collect();
        let shown = caller_id(self.rules, line, caller.unwrap_or(&Caller::Withheld), &shows);
        let numbers: Vec<_> = contacts.iter().map(|contact| &contact.number).collect();
        let timeout = ring.seconds.clamp(5, 600).to_string();
        let bridge = if page.silent { "true" } else { "false" };
        let mut attributes = vec![("timeout", timeout.as_str()), ("answerOnBridge", bridge)];
        // Without links there is no way to ask how the ring ended, and a caller who has talked goes on
        // to the next verb; that is better than a caller whom nobody answered.
        let action = self.links().map(|links| links.next(&self.position(at, 0)));
        if let Some(action) = &action {
            attributes.push(("action", action));
        }
        if !shown.is_empty() {
            attributes.push(("callerId", &shown));
        }
        page.dial(&attributes, &numbers, None)
    }
}

/// A document being written.
pub(crate) struct Page {
    writer: Writer<Vec<u8>>,
    /// Whether the caller has heard nothing yet.
    pub(crate) silent: bool,
}

impl Default for Page {
    fn default() -> Self {
        let mut bytes = DECLARATION.as_bytes().to_vec();
        bytes.extend_from_slice(b"<Response>");
        Self { writer: Writer::new(bytes), silent: true }
    }
}

impl Page {
    pub(crate) fn element(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        let text = characters::legal(text);
        let element = self.writer.create_element(name).with_attributes(attributes.iter().copied());
        // Writing to memory does not fail.
        let _ = if text.is_empty() { element.write_empty() } else { element.write_text_content(BytesText::new(&text)) };
    }

    /// An element with one other inside.
    pub(crate) fn inside(&mut self, outer: (&str, &[(&str, &str)]), inner: (&str, &[(&str, &str)], &str)) {
        let start = quick_xml::events::BytesStart::new(outer.0).with_attributes(outer.1.iter().copied());
        let end = start.to_end().into_owned();
        // Writing to memory does not fail.
        let _ = self.writer.write_event(Event::Start(start));
        self.element(inner.0, inner.1, inner.2);
        let _ = self.writer.write_event(Event::End(end));
        self.silent = false;
    }

    pub(crate) fn say(mut self, text: &str, language: &str) -> Self {
        self.element("Say", &[("language", language)], text);
        self.silent = false;
        self
    }

    pub(crate) fn hear(mut self, parts: &[Heard]) -> Self {
        for part in parts {
            match part {
                Heard::Say { text, language } => self.element("Say", &[("language", language)], text),
                Heard::Play(url) => self.element("Play", &[], url),
            }
            self.silent = false;
        }
        self
    }

    pub(crate) fn record(mut self, attributes: &[(&str, &str)]) -> Self {
        self.element("Record", attributes, "");
        self
    }

    /// Rings numbers; whoever picks up first meets the document at `screen`, when there is one.
    pub(crate) fn dial(mut self, attributes: &[(&str, &str)], numbers: &[&E164], screen: Option<&str>) -> Self {
        let start = quick_xml::events::BytesStart::new("Dial").with_attributes(attributes.iter().copied());
        let end = start.to_end().into_owned();
        let _ = self.writer.write_event(Event::Start(start));
        for number in numbers {
            match screen {
                Some(url) => self.element("Number", &[("url", url), ("method", "GET")], number.as_str()),
                None => self.element("Number", &[], number.as_str()),
            }
        }
        let _ = self.writer.write_event(Event::End(end));
        self.silent = false;
        self
    }

    pub(crate) fn hang_up(mut self) -> Twiml {
        self.element("Hangup", &[], "");
        self.finish()
    }

    pub(crate) fn finish(self) -> Twiml {
        let mut bytes = self.writer.into_inner();
        bytes.extend_from_slice(b"</Response>\n");
        String::from_utf8(bytes).map_or_else(|_| empty(), Twiml::checked)
    }
}
