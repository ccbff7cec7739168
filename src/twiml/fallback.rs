//! The ending of the rules as static documents, for a host that stays when this service is gone.
//!
//! Nothing in them leads back here except the report of a message, which may fail without harm to the caller.

use crate::model::ids::OrgSlug;
use crate::model::phone::Caller;
use crate::model::position::StepRef;
use crate::rules::ruleset::{Confirm, Line, Mailbox, Ring, RuleSet, Show, Speech, Verb};
use crate::twiml::Twiml;
use crate::twiml::fill::{Heard, Speaker, caller_id};
use crate::twiml::last_resort::{ENGLISH, LEAVE_MESSAGE, Page, THANKS};
use crate::webhook::endpoint::Endpoint;

/// The documents of one organization, to be served below one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// Paths below the organization's folder, with the documents.
    pub files: Vec<(String, String)>,
    /// Recordings below the rules folder, which belong into the folder `audio` beside the documents.
    pub audio: Vec<String>,
}

/// Where a caller goes who has left a message, and where a callee goes who has pressed a key.
const THANKED: &str = "thanks.xml";
const SCREEN: &str = "screen.xml";
const ACCEPTED: &str = "accepted.xml";
/// Folder of the recordings.
const AUDIO: &str = "audio";

/// The file of a line below the organization's folder: the digits of its number.
pub fn file(line: &Line) -> String {
    format!("{}.xml", line.number.as_str().trim_start_matches('+'))
}

/// Compiles the ending of these rules for each of their lines. `origin` is where this service is reached.
pub fn compile(rules: &RuleSet, org: &OrgSlug, origin: Option<&str>) -> Fallback {
    let report = origin.map(|origin| format!("{origin}{}?org={org}", Endpoint::Recording.path()));
    let mut files = Vec::new();
    for line in &rules.lines {
        let ending = Ending { rules, line, report: report.as_deref() };
        files.push((file(line), ending.write().into_string()));
    }
    files.push((THANKED.to_owned(), Page::default().say(THANKS, ENGLISH).hang_up().into_string()));
    if steps(rules).any(|verb| matches!(verb, Verb::Ring(ring) if confirms(rules, ring))) {
        files.push((SCREEN.to_owned(), screen().into_string()));
        files.push((ACCEPTED.to_owned(), Page::default().finish().into_string()));
    }
    Fallback { files, audio: audio(rules) }
}

fn steps(rules: &RuleSet) -> impl Iterator<Item = &Verb> {
    let ending = rules.cascade(RuleSet::FINALLY);
    ending.into_iter().flat_map(|ending| ending.steps.iter()).map(|step| &step.verb)
}

fn confirms(rules: &RuleSet, ring: &Ring) -> bool {
    let confirm = |contact: &crate::rules::ruleset::Contact| contact.confirm != Confirm::None;
    ring.contacts.iter().filter_map(|id| rules.contact(*id)).any(confirm)
}

/// A callee presses any key; a mailbox presses none and is let go.
fn screen() -> Twiml {
    let mut page = Page::default();
    page.inside(
        ("Gather", &[("numDigits", "1"), ("timeout", "6"), ("action", ACCEPTED), ("method", "GET")]),
        ("Say", &[("language", ENGLISH)], "You have a call. Press any key to take it."),
    );
    page.hang_up()
}

/// The recordings that the ending plays from the rules folder.
fn audio(rules: &RuleSet) -> Vec<String> {
    let speeches = steps(rules).filter_map(|verb| match verb {
        Verb::Speak(speech) | Verb::Hangup(Some(speech)) => Some(speech),
        Verb::Voicemail(mailbox) => rules.mailbox(*mailbox).map(|mailbox| &mailbox.greeting),
        Verb::Ring(_)
        | Verb::Menu(_)
        | Verb::Flow { .. }
        | Verb::Reject(_)
        | Verb::Hangup(None)
        | Verb::Text(_)
        | Verb::Notice(_)
        | Verb::Handoff(_) => None,
    });
    let mut paths: Vec<String> = speeches.filter_map(own_recording).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn own_recording(speech: &Speech) -> Option<&str> {
    match speech {
        Speech::Play { audio, .. } if !audio.starts_with("http://") && !audio.starts_with("https://") => Some(audio),
        Speech::Play { .. } | Speech::Say(_) => None,
    }
}

struct Ending<'a> {
    rules: &'a RuleSet,
    line: &'a Line,
    report: Option<&'a str>,
}

impl Ending<'_> {
    fn write(&self) -> Twiml {
        let mut page = Page::default();
        for index in 0..=u16::MAX {
            let at = StepRef { cascade: RuleSet::FINALLY, index };
            let Some(step) = self.rules.step(at) else { break };
            match &step.verb {
                Verb::Speak(speech) => page = page.hear(&self.heard(speech)),
                Verb::Hangup(speech) => {
                    return page.hear(&speech.as_ref().map(|speech| self.heard(speech)).unwrap_or_default()).hang_up();
                }
                Verb::Voicemail(mailbox) => return self.voicemail(page, self.rules.mailbox(*mailbox)),
                Verb::Ring(ring) => page = self.ring(page, ring),
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

    fn heard(&self, speech: &Speech) -> Vec<Heard> {
        Speaker { rules: self.rules, language: self.line.language, audio_base: Some(AUDIO) }.heard(speech)
    }

    fn voicemail(&self, page: Page, mailbox: Option<&Mailbox>) -> Twiml {
        let page = match mailbox {
            Some(mailbox) => page.hear(&self.heard(&mailbox.greeting)),
            None => page.say(LEAVE_MESSAGE, ENGLISH),
        };
        let max = mailbox.map_or(120, |mailbox| mailbox.max).max(2).to_string();
        let mut attributes = vec![("action", THANKED), ("method", "GET"), ("maxLength", max.as_str())];
        attributes.extend(self.report.map(|url| ("recordingStatusCallback", url)));
        page.record(&attributes).hang_up()
    }

    fn ring(&self, page: Page, ring: &Ring) -> Page {
        let contacts = ring.contacts.iter().filter_map(|id| self.rules.contact(*id));
        let contacts: Vec<_> = contacts.filter(|contact| contact.barred.is_none()).collect();
        if contacts.is_empty() {
            return page;
        }
        let numbers: Vec<_> = contacts.iter().map(|contact| &contact.number).collect();
        let shows: Vec<_> = contacts.iter().map(|contact| &contact.show).collect();
        let timeout = ring.seconds.clamp(5, 600).to_string();
        let mut attributes = vec![("timeout", timeout.as_str())];
        if page.silent {
            attributes.push(("answerOnBridge", "true"));
        }
        // Without the attribute the caller's own number is shown, whatever it is.
        let place = self.rules.lines.iter().position(|line| line.number == self.line.number);
        let line = place.and_then(|place| u16::try_from(place).ok()).map(crate::model::ids::LineId);
        let shown = caller_id(self.rules, line, &Caller::Withheld, &shows);
        if shows.iter().any(|show| **show != Show::Caller) {
            attributes.push(("callerId", &shown));
        }
        page.dial(&attributes, &numbers, confirms(self.rules, ring).then_some(SCREEN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twiml::schema::{self, Context};

    fn compiled(finally: &str) -> Fallback {
        let text = format!(
            "version: 1\ntimezone: America/Los_Angeles\nnumbers: [\"+16195550100\"]\n\
             contacts: {{ primary: \"+16195550111\", desk: {{ number: \"+16195550120\", confirm: none, show: line }} }}\n\
             routes: [{{ cascade: [{{ ring: primary }}, {{ ring: desk }}] }}]\nfinally: {finally}\n"
        );
        let today = jiff::civil::date(2026, 11, 21);
        let loaded = crate::rules::load("acme", text.as_bytes(), &crate::rules::NoFiles, today);
        let rules = loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        compile(&rules, &OrgSlug::parse("acme").unwrap(), Some("https://phones.example.com"))
    }

    fn document(fallback: &Fallback, name: &str) -> String {
        fallback.files.iter().find(|(path, _)| path == name).unwrap_or_else(|| panic!("no {name}")).1.clone()
    }

    #[test]
    fn a_mailbox_needs_nothing_of_ours() {
        let fallback = compiled("{ voicemail: Please leave your name & number. }");
        let xml = document(&fallback, "16195550100.xml");
        for part in [
            "Please leave your name &amp; number.",
            "<Record action=\"thanks.xml\" method=\"GET\" maxLength=",
            "recordingStatusCallback=\"https://phones.example.com/twilio/recording?org=acme\"",
            "<Hangup/>",
        ] {
            assert!(xml.contains(part), "{part} in {xml}");
        }
        assert_eq!(fallback.files.len(), 2);
    }

    #[test]
    fn a_person_who_confirms_does_so_without_us() {
        let fallback = compiled("[{ ring: primary, for: 25s }, { ring: desk, for: 15s }, { voicemail: Please. }]");
        let xml = document(&fallback, "16195550100.xml");
        assert!(xml.contains("<Number url=\"screen.xml\" method=\"GET\">+16195550111</Number>"), "{xml}");
        assert!(xml.contains("callerId=\"+16195550100\"><Number>+16195550120</Number>"), "{xml}");
        assert!(document(&fallback, "screen.xml").contains("action=\"accepted.xml\""));
        for (name, xml) in &fallback.files {
            let complaints = schema::check(xml, if name == "screen.xml" { Context::Screening } else { Context::Voice });
            assert!(complaints.is_empty(), "{name}: {complaints:?}\n{xml}");
        }
    }
}
