//! What a record tells of the person who called, and the record without it.
//!
//! A record without its person is the same however often the person is taken out, and says everything else
//! as before: the chain is laid over both forms, so it still holds when only the second is left.

use crate::audit::record::{Facts, Record, Reported, TraceLine};

/// What stands where a person was named.
pub const ERASED: &str = "erased";

/// The record without the person: no number but that of the line, nothing that was said, pressed, written or
/// recorded, and neither request nor answer as they were sent, because those name callers in several ways.
pub fn without(mut record: Record) -> Record {
    let named = Named::of(&record);
    let erased = |_: &str| ERASED.to_owned();
    named.replace_texts(&mut record, erased);
    if let Some(facts) = &mut record.facts {
        ERASED.clone_into(&mut facts.caller);
        silence(facts);
    }
    if let Some(summary) = &mut record.summary {
        ERASED.clone_into(&mut summary.caller);
    }
    content(&mut record.reported);
    record.reported.recording = None;
    record.reported.recording_url = None;
    record.request = None;
    record.twiml = None;
    record
}

/// Digits of the shortest number that is taken for one.
const SHORTEST_NUMBER: usize = 7;

/// A person who is looked for everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom(String);

impl Whom {
    /// The caller, as records have it.
    pub fn new(caller: &str) -> Self {
        Self(caller.to_owned())
    }

    /// As records have it.
    pub fn caller(&self) -> &str {
        &self.0
    }

    /// The digits of a number, which requests and texts write in several ways.
    pub fn digits(&self) -> Option<&str> {
        let digits = self.0.strip_prefix('+')?;
        (digits.len() >= SHORTEST_NUMBER && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
    }

    /// Whether the text names the person by number.
    pub fn is_named_in(&self, text: &str) -> bool {
        self.digits().is_some_and(|digits| text.contains(digits))
    }

    /// Whether the record tells of the person, or names the number anywhere.
    pub fn is_in(&self, record: &Record) -> bool {
        tells_of(record, &self.0)
            || self.digits().is_some() && serde_json::to_string(record).is_ok_and(|text| self.is_named_in(&text))
    }
}

/// Whether the record tells of that caller.
pub fn tells_of(record: &Record, caller: &str) -> bool {
    let facts = record.facts.as_ref().is_some_and(|facts| {
        facts.caller == caller || facts.forwarded_from.as_deref().is_some_and(|number| number == caller)
    });
    facts || record.summary.as_ref().is_some_and(|summary| summary.caller == caller)
}

/// Takes out of the facts what the caller did and was forwarded by.
pub(in crate::audit) fn silence(facts: &mut Facts) {
    facts.forwarded_from = None;
    facts.digits = None;
    facts.speech = None;
}

/// Takes out what somebody said or wrote.
pub(in crate::audit) fn content(reported: &mut Reported) {
    reported.text = None;
}

/// How the parties of a record are named in its texts.
#[derive(Debug)]
pub(in crate::audit) struct Named {
    /// The line's own number: the business's, and no secret.
    line: String,
    /// The caller, when it is no number, and what was said.
    words: Vec<String>,
}

/// A name or a sentence shorter than this would be found in words that have nothing to do with it.
const SHORTEST_WORD: usize = 4;

impl Named {
    pub(in crate::audit) fn of(record: &Record) -> Self {
        let facts = record.facts.as_ref();
        let line = facts.map(|facts| facts.called.clone());
        let line = line.or_else(|| record.summary.as_ref().map(|summary| summary.called.clone()));
        let telling = |facts: &Facts| matches!(facts.caller_is.as_str(), "sip" | "client" | "malformed");
        let caller = facts.filter(|facts| telling(facts)).map(|facts| facts.caller.clone());
        let said = facts.and_then(|facts| facts.speech.clone());
        let words = caller.into_iter().chain(said).filter(|word| word.len() >= SHORTEST_WORD && word != ERASED);
        Self { line: line.unwrap_or_default(), words: words.collect() }
    }

    /// Puts something else for every number and word of a person, in the texts that people read.
    pub(in crate::audit) fn replace_texts(&self, record: &mut Record, mut by: impl FnMut(&str) -> String) {
        for text in record.tried.iter_mut().flat_map(|tried| [&mut tried.old, &mut tried.new]) {
            self.replace(text, &mut by);
        }
        for TraceLine { text, .. } in &mut record.trace {
            self.replace(text, &mut by);
        }
        if let Some(decision) = &mut record.decision {
            self.replace(&mut decision.plan, &mut by);
        }
        if let Some(fault) = &mut record.fault {
            self.replace(fault, &mut by);
        }
        if let Some(security) = &mut record.security {
            self.replace(&mut security.detail, &mut by);
        }
        for anomaly in &mut record.reported.anomalies {
            self.replace(anomaly, &mut by);
        }
    }

    fn replace(&self, text: &mut String, by: &mut impl FnMut(&str) -> String) {
        for word in &self.words {
            if text.contains(word.as_str()) {
                *text = text.replace(word.as_str(), &by(word));
            }
        }
        if text.contains('+') {
            *text = numbers(text, &self.line, by);
        }
    }
}

/// The text with every number but `keep` replaced.
fn numbers(text: &str, keep: &str, by: &mut impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('+');
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = piece.split_at_checked(digits).unwrap_or((piece, ""));
        if digits < SHORTEST_NUMBER || keep.strip_prefix('+') == Some(number) {
            out.push('+');
            out.push_str(number);
        } else {
            out.push_str(&by(&format!("+{number}")));
        }
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::samples;

    #[test]
    fn nothing_of_the_person_is_left() {
        let record = samples::decision();
        let open = without(record);
        let text = serde_json::to_string(&open).unwrap();
        for telling in ["5550123", "5550142", "it is about Anna", "RE0123", "<Say>", "speech", "forwarded_from"] {
            assert!(!text.contains(telling), "{telling} in {text}");
        }
        assert!(text.contains("+16195550100") && text.contains("\"line\":\"main\""), "{text}");
        assert_eq!(open.trace[1].text, "taken: caller erased is one of vip, line +16195550100");
    }

    #[test]
    fn taking_the_person_out_twice_changes_nothing() {
        for record in [samples::decision(), samples::security(), samples::closed()] {
            let once = without(record);
            assert_eq!(without(once.clone()), once);
        }
    }

    #[test]
    fn a_short_plus_is_no_number() {
        let erased = &mut |_: &str| ERASED.to_owned();
        assert_eq!(numbers("2 + 2 and +123456, +12025550101!", "", erased), "2 + 2 and +123456, erased!");
        assert_eq!(numbers("+", "+", erased), "+");
    }
}
