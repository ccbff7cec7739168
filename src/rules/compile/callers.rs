//! Classes of callers, with their lists.

use crate::diagnostic::Diagnostic;
use crate::model::call::Attestation;
use crate::model::phone::E164;
use crate::rules::compile::{Desk, Entry};
use crate::rules::people;
use crate::rules::place::At;
use crate::rules::ruleset::CallerClass;
use crate::rules::shape::shorten;
use crate::rules::written::{self, AttestationWord};

impl<'a> Desk<'a> {
    pub(super) fn caller_class(&mut self, entry: &Entry<'a, written::CallerClass>) -> CallerClass {
        let (at, written) = (&entry.at, entry.value);
        let list = at.field("numbers");
        let mut numbers: Vec<E164> = Vec::with_capacity(written.numbers.len());
        for (index, number) in written.numbers.iter().enumerate() {
            numbers.extend(self.number(&list.item(index), number));
        }
        if let Some(path) = &written.file {
            self.caller_list(&at.field("file"), path, &mut numbers);
        }
        numbers.sort();
        numbers.dedup();
        let list = at.field("prefixes");
        let mut prefixes: Vec<Box<str>> = Vec::with_capacity(written.prefixes.len());
        for (index, prefix) in written.prefixes.iter().enumerate() {
            prefixes.extend(self.prefix(&list.item(index), prefix));
        }
        let attestation: Box<[Attestation]> = written.attestation.0.iter().map(|word| attestation_of(*word)).collect();
        let withheld = written.withheld.unwrap_or(false);
        let nothing = written.numbers.is_empty() && written.prefixes.is_empty() && written.file.is_none();
        if nothing && attestation.is_empty() && !withheld && !at.is_broken() {
            let help = "add `numbers`, `prefixes`, `file`, `withheld: true` or `attestation`";
            let problem = at.key_error("empty-class", format!("no caller can be in the class `{}`", entry.name));
            self.report(at, problem.help(help));
        }
        CallerClass {
            name: entry.name.into(),
            numbers: numbers.into_boxed_slice(),
            prefixes: prefixes.into_boxed_slice(),
            withheld,
            attestation,
            at: at.line(),
        }
    }

    fn caller_list(&mut self, at: &At<'_>, path: &str, numbers: &mut Vec<E164>) {
        let Some(bytes) = self.file(at, path) else { return };
        match people::read(&bytes) {
            Ok(list) => numbers.extend(list),
            Err(faults) => {
                for fault in faults {
                    let mut problem = Diagnostic::error("bad-caller-list", fault.message);
                    problem.help = fault.help;
                    self.fault_in(at, path, &bytes, fault.line, problem);
                }
            }
        }
    }

    fn prefix(&mut self, at: &At<'_>, prefix: &str) -> Option<Box<str>> {
        let digits = prefix.strip_prefix('+').unwrap_or_default();
        let fine = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !fine || digits.starts_with('0') {
            let help = "write `+`, the country code and the first digits, such as \"+1900\"";
            self.error(at, "bad-number", format!("`{}` is not the opening of a phone number", shorten(prefix)), help);
            return None;
        }
        if at.is_plain() {
            let message = format!("the opening `{prefix}` of phone numbers stands without quotes");
            self.error(at, "unquoted-number", message, format!("write \"{prefix}\""));
            return None;
        }
        Some(prefix.into())
    }
}

/// The result that a word stands for.
pub(super) const fn attestation_of(word: AttestationWord) -> Attestation {
    match word {
        AttestationWord::PassedA => Attestation::PassedA,
        AttestationWord::PassedB => Attestation::PassedB,
        AttestationWord::PassedC => Attestation::PassedC,
        AttestationWord::Failed => Attestation::Failed,
        AttestationWord::Unsigned => Attestation::Unsigned,
    }
}
