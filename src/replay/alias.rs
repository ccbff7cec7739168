//! A recording with its own copy of the rules, told in the numbers of other rules: people and lines of one name are
//! the same.

use std::collections::BTreeMap;

use crate::replay::TOKEN;
use crate::replay::fields;
use crate::replay::recording::Recording;
use crate::replay::standins::NUMBERS;
use crate::replay::take::sign;
use crate::rules::ruleset::RuleSet;
use crate::webhook::form::Charset;
use crate::webhook::origin::Origin;
use crate::webhook::signature::Signer;

/// The recording in the numbers of `after`; `before` is its own copy.
pub fn in_numbers_of(recording: &Recording, before: &RuleSet, after: &RuleSet) -> Recording {
    let mut pairs = BTreeMap::new();
    for contact in &before.contacts {
        if let Some(other) = after.contacts.iter().find(|other| other.name == contact.name) {
            pairs.insert(contact.number.as_str(), other.number.as_str());
        }
    }
    for (place, line) in before.lines.iter().enumerate() {
        // In the short form a line's name is its number.
        let named = after.lines.iter().find(|other| other.name == line.name);
        if let Some(other) = named.or_else(|| after.lines.get(place)) {
            pairs.insert(line.number.as_str(), other.number.as_str());
        }
    }
    pairs.retain(|one, other| one != other);
    let mut made = recording.clone();
    let (Ok(origin), false) = (Origin::parse(&recording.signed_for), pairs.is_empty()) else { return made };
    let text = |text: &str| pairs.iter().fold(text.to_owned(), |text, (one, other)| text.replace(one, other));
    for webhook in &mut made.webhooks {
        let mut change = |name: &str, value: &str| {
            let other = pairs.get(value).filter(|_| NUMBERS.contains(&name));
            Some(other.map_or(value, |other| *other).to_owned())
        };
        let form = webhook.form.iter().map(String::as_str);
        webhook.form = fields::changed(form, Charset::Utf8, &mut change);
        webhook.target = fields::changed_query(&webhook.target, &mut change);
        webhook.signature = sign(webhook, &origin, &Signer::new(TOKEN));
        webhook.answer.twiml = text(&webhook.answer.twiml);
    }
    made
}
