//! Numbers as a sink may have them: in full, masked, or as pseudonyms that still tell "the same caller".

use aws_lc_rs::hmac;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::person::{self, Named};
use crate::audit::record::Record;
use crate::model::phone::mask;

/// How much of a caller's number is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Numbers {
    /// All of it.
    #[default]
    Full,
    /// The first and last digits.
    Masked,
    /// A name made from it under the organization's key, and its last two digits.
    Pseudonym,
}

/// Makes the pseudonyms of one organization: without the key nobody can find the number again.
#[derive(Debug, Clone)]
pub struct Pseudonyms(hmac::Key);

/// Bytes of a pseudonym: 80 bits keep all the callers of an organization apart.
const NAME: usize = 10;

impl Pseudonyms {
    /// Those of the organization, from the installation's key.
    pub fn of(key: &[u8], org: &str) -> Self {
        let own = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("numbers of {org}").as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
    }

    /// The pseudonym of a number or an address.
    pub fn name(&self, who: &str) -> String {
        let code = hmac::sign(&self.0, who.as_bytes());
        let mut name = String::from("p-");
        for byte in code.as_ref().iter().take(NAME) {
            name.push_str(&format!("{byte:02x}"));
        }
        let digits: Vec<char> = who.chars().filter(char::is_ascii_digit).collect();
        if digits.len() > 4 {
            name.push('-');
            name.extend(digits.iter().skip(digits.len() - 2));
        }
        name
    }
}

/// The record with its numbers as they may be told. What is not in full leaves out request and answer as they were sent, and what
/// was said, written and pressed: numbers stand in there in many forms.
pub fn veiled(record: &Record, numbers: Numbers, pseudonyms: &Pseudonyms) -> Record {
    let mut record = record.clone();
    if numbers == Numbers::Full {
        return record;
    }
    let veil = |who: &str| match numbers {
        Numbers::Full => who.to_owned(),
        Numbers::Masked => mask(who),
        Numbers::Pseudonym => pseudonyms.name(who),
    };
    let named = Named::of(&record);
    named.replace_texts(&mut record, veil);
    if let Some(facts) = &mut record.facts {
        let (caller, forwarded) = (facts.caller.clone(), facts.forwarded_from.as_deref().map(veil));
        person::silence(facts);
        facts.caller = told(&caller, veil);
        facts.forwarded_from = forwarded;
    }
    if let Some(summary) = &mut record.summary {
        summary.caller = told(&summary.caller, veil);
    }
    person::content(&mut record.reported);
    record.request = None;
    record.twiml = None;
    record
}

/// A caller without a number has nothing to hide.
fn told(caller: &str, veil: impl Fn(&str) -> String) -> String {
    if matches!(caller, "" | "withheld" | person::ERASED) { caller.to_owned() } else { veil(caller) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::samples;

    #[test]
    fn a_pseudonym_keeps_the_same_caller_the_same() {
        let (own, other) = (Pseudonyms::of(b"key", "acme"), Pseudonyms::of(b"key", "globex"));
        let name = own.name("+13125550123");
        assert_eq!(name, own.name("+13125550123"));
        assert!(name.ends_with("-23") && name.len() == 25, "{name}");
        assert_ne!(name, own.name("+13125550124"));
        assert_ne!(name, other.name("+13125550123"));
        assert_ne!(name, Pseudonyms::of(b"another", "acme").name("+13125550123"));
    }

    #[test]
    fn no_number_but_the_lines_own_is_told() {
        let names = Pseudonyms::of(b"key", "acme");
        for numbers in [Numbers::Masked, Numbers::Pseudonym] {
            for record in [samples::decision(), samples::closed(), samples::security()] {
                let text = serde_json::to_string(&veiled(&record, numbers, &names)).unwrap();
                for telling in ["5550123", "5550142", "Anna", "5 5 5", "call me back"] {
                    assert!(!text.contains(telling), "{telling} in {text}");
                }
            }
        }
        let seen = veiled(&samples::decision(), Numbers::Pseudonym, &names);
        assert_eq!(
            seen.facts.unwrap().caller,
            veiled(&samples::closed(), Numbers::Pseudonym, &names).summary.unwrap().caller
        );
    }

    #[test]
    fn in_full_nothing_changes() {
        let record = samples::decision();
        assert_eq!(veiled(&record, Numbers::Full, &Pseudonyms::of(b"key", "acme")), record);
    }
}
