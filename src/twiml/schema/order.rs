//! What depends on where a verb stands: verbs that are never reached, that come too late, or that are not for this leg.

use crate::diagnostic::Severity;
use crate::twiml::document::Element;
use crate::twiml::schema::{Checker, Context};

/// Verbs that Twilio promises to run on a callee's leg.
const SCREENING: [&str; 4] = ["Say", "Play", "Gather", "Hangup"];
/// Verbs that work there by experience.
const SCREENING_PERHAPS: [&str; 3] = ["Pause", "Reject", "Redirect"];

impl<'a> Checker<'a> {
    /// Looks at the verbs of a document in their order; of other elements, at what hangs together in them.
    pub(super) fn order(&mut self, element: &'a Element) {
        match &*element.name {
            "Response" => self.verbs(element),
            "Record" | "Gather" => self.looping(element),
            _ => {}
        }
    }

    fn verbs(&mut self, response: &'a Element) {
        let mut ended_by: Option<&str> = None;
        for (place, verb) in response.elements().enumerate() {
            self.path.push(verb);
            if let Some(last) = ended_by {
                let message = format!("nothing after `{last}` is reached");
                self.complain(verb, Severity::Warning, message);
            } else if self.context == Context::Screening {
                self.screening(verb);
            } else if self.context == Context::Voice && place > 0 {
                self.late(verb);
            }
            self.path.pop();
            if ends(verb) {
                ended_by = ended_by.or(Some(&verb.name));
            }
        }
    }

    fn screening(&mut self, verb: &Element) {
        let name = &*verb.name;
        if SCREENING.contains(&name) {
            return;
        }
        let severity = if SCREENING_PERHAPS.contains(&name) { Severity::Warning } else { Severity::Error };
        let message = format!("`{name}` does not belong on the callee's leg; {} do", SCREENING.join(", "));
        self.complain(verb, severity, message);
    }

    fn late(&mut self, verb: &Element) {
        match &*verb.name {
            "Reject" => {
                let message = "only the first verb of a document can refuse a call unanswered".to_owned();
                self.complain(verb, Severity::Warning, message);
            }
            "Dial" if verb.attribute("answerOnBridge") == Some("true") => {
                let message = "the call is answered already by the verbs before, so this changes nothing".to_owned();
                self.complain_of(verb, "answerOnBridge", Severity::Warning, message);
            }
            _ => {}
        }
    }

    fn looping(&mut self, element: &Element) {
        if element.attribute("action").is_none() && self.context != Context::Messaging {
            let message = "without `action` Twilio asks for this same document again".to_owned();
            self.complain(element, Severity::Warning, message);
        }
        let transcribed = element.attribute("transcribe") == Some("true");
        if element.attribute("transcribeCallback").is_some() && !transcribed {
            let message = "nothing is written out without `transcribe=\"true\"`".to_owned();
            self.complain_of(element, "transcribeCallback", Severity::Warning, message);
        }
        let long =
            element.attribute("maxLength").and_then(|text| text.parse::<u32>().ok()).is_some_and(|max| max > 120);
        if transcribed && long {
            let message = "messages of more than 120 seconds are not written out".to_owned();
            self.complain_of(element, "transcribe", Severity::Warning, message);
        }
    }
}

/// Whether no verb after this one is reached. A message that nobody left may lead past `Record`.
fn ends(verb: &Element) -> bool {
    match &*verb.name {
        "Redirect" | "Reject" | "Hangup" | "Leave" => true,
        "Dial" | "Connect" | "Enqueue" | "Refer" => verb.attribute("action").is_some(),
        _ => false,
    }
}
