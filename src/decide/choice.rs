//! Which choice of a menu a caller made, by key or by word.

use crate::decide::trace::StepOutcome;
use crate::rules::ruleset::{Menu, MenuKey};

/// The choice; keys beat words, and among words the key written first.
pub(crate) fn made(menu: &Menu, digits: &str, speech: &str) -> StepOutcome {
    let pressed = menu.keys.iter().position(|key| *key.digits == *digits && !digits.is_empty());
    let chosen = pressed.or_else(|| menu.keys.iter().position(|key| names(key, speech)));
    match chosen.and_then(|place| u8::try_from(place).ok()) {
        Some(key) => StepOutcome::Key(key),
        None if digits.is_empty() && words(speech).next().is_none() => StepOutcome::Silence,
        None => StepOutcome::WrongKey,
    }
}

/// Whether the speech holds one of the key's phrases, or the key itself, as whole words.
fn names(key: &MenuKey, speech: &str) -> bool {
    key.words.iter().any(|phrase| says(speech, phrase)) || says(speech, &key.digits)
}

/// Whether `phrase` stands in `speech` as whole words in a row, in any case and punctuation.
pub(crate) fn says(speech: &str, phrase: &str) -> bool {
    let mut rest = words(speech);
    loop {
        let mut heard = rest.clone();
        let mut wanted = words(phrase).peekable();
        if wanted.peek().is_none() {
            return false;
        }
        if wanted.all(|word| heard.next().is_some_and(|other| same(word, other))) {
            return true;
        }
        if rest.next().is_none() {
            return false;
        }
    }
}

/// The words of a text, without what stands between them.
fn words(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn same(one: &str, other: &str) -> bool {
    one.chars().flat_map(char::to_lowercase).eq(other.chars().flat_map(char::to_lowercase))
}
