//! The words of texts: blanks filled, and never longer than a carrier takes.

use jiff::Timestamp;

use crate::model::moment::{Moment, Zone};
use crate::model::phone::Caller;
use crate::rules::ruleset::Template;

/// Longest text that a carrier takes.
const LONGEST: usize = 1600;

/// What the blanks stand for.
pub(crate) struct Blanks {
    pub(crate) caller: String,
    pub(crate) line: String,
    pub(crate) time: String,
}

impl Blanks {
    pub(crate) fn new(caller: &Caller, line: &str, at: Timestamp, zone: &Zone) -> Self {
        let time = Moment::new(at, zone).zoned().strftime("%-I:%M%P on %a %b %-d").to_string();
        Self { caller: caller_words(caller), line: line.to_owned(), time }
    }

    pub(crate) fn fill(&self, template: &Template) -> String {
        let mut text = String::new();
        let mut rest = &*template.0;
        // In one pass, so that nothing that is filled in is filled again.
        while let Some((before, after)) = rest.split_once("{{") {
            text.push_str(before);
            let Some((name, behind)) = after.split_once("}}") else {
                text.push_str("{{");
                rest = after;
                continue;
            };
            text.push_str(match name.trim() {
                "caller" => &self.caller,
                "line" => &self.line,
                "time" => &self.time,
                other => other,
            });
            rest = behind;
        }
        text.push_str(rest);
        short(&text)
    }
}

/// The caller as people read it. What a caller can choose freely is not repeated.
pub(crate) fn caller_words(caller: &Caller) -> String {
    match caller {
        Caller::Number(number) => number.as_str().to_owned(),
        Caller::Withheld => "a withheld number".to_owned(),
        Caller::Sip(_) | Caller::Client(_) | Caller::Malformed(_) => "an unknown number".to_owned(),
    }
}

/// The text, cut to what a carrier takes; control characters become spaces.
pub(crate) fn short(text: &str) -> String {
    let clean = |sign: char| if sign.is_control() && sign != '\n' { ' ' } else { sign };
    let mut signs = text.trim().chars().map(clean);
    let mut kept: String = signs.by_ref().take(LONGEST - 1).collect();
    match (signs.next(), signs.next()) {
        (Some(last), None) => kept.push(last),
        (Some(_), Some(_)) => kept.push('…'),
        (None, _) => {}
    }
    kept
}
