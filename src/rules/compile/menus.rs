//! Menus and their keys.

use std::collections::BTreeMap;

use crate::model::ids::MenuId;
use crate::rules::compile::steps::Setting;
use crate::rules::compile::texts::Heard;
use crate::rules::compile::{Desk, Entry};
use crate::rules::place::At;
use crate::rules::ruleset::{Menu, MenuKey, Owner, Speech, Texts};
use crate::rules::shape::shorten;
use crate::rules::written;

/// Most digits that one choice may have.
const MOST_DIGITS: usize = 8;

impl<'a> Desk<'a> {
    pub(super) fn menu(&mut self, index: usize, entry: &Entry<'a, written::Menu>) -> Menu {
        let (at, written) = (&entry.at, entry.value);
        let id = MenuId(u16::try_from(index).unwrap_or(u16::MAX));
        let heard =
            Heard { say: written.say.as_ref(), play: written.play.as_deref(), else_say: written.else_say.as_ref() };
        let prompt = self.heard(at, &heard);
        let keys = self.keys(id, at, written);
        let wait = match written.wait.as_deref() {
            Some(wait) => self.short_seconds(&at.field("wait"), wait, 1, 60),
            None => Some(5),
        };
        let otherwise = written.otherwise.as_ref().map(|steps| {
            let steps = self.steps(&at.field("otherwise"), steps, Setting::Otherwise);
            self.add_cascade(Owner::Otherwise(id), steps)
        });
        Menu {
            name: entry.name.into(),
            // Stands in for a prompt that was refused; such a file makes no rule set.
            prompt: prompt.unwrap_or_else(|| Speech::Say(Texts(Box::default()))),
            keys: keys.into_boxed_slice(),
            wait: wait.unwrap_or(5),
            tries: written.tries.unwrap_or(1),
            otherwise,
            at: at.line(),
        }
    }

    fn keys(&mut self, id: MenuId, at: &At<'a>, written: &'a written::Menu) -> Vec<MenuKey> {
        let list = at.field("keys");
        if written.keys.0.is_empty() {
            let help = "add keys, such as `\"1\": [{ ring: primary }]`";
            self.report(&list, list.key_error("empty-list", "the menu has no keys").help(help));
        }
        let mut keys = Vec::with_capacity(written.keys.0.len());
        for (index, (digits, steps)) in written.keys.0.iter().enumerate() {
            let place = list.item(index);
            self.digits(&place, digits);
            let steps = self.steps(&place, steps, Setting::Key);
            let owner = Owner::Key(id, u8::try_from(index).unwrap_or(u8::MAX));
            let cascade = self.add_cascade(owner, steps);
            keys.push(MenuKey { digits: digits.as_str().into(), words: Box::default(), cascade });
        }
        if written.keys.0.len() > 255 {
            self.error(&list, "too-many-values", "the menu has more than 255 keys", "split it into several menus");
        }
        self.words(at, written, &mut keys);
        keys
    }

    fn digits(&mut self, at: &At<'a>, digits: &str) {
        let fine = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*' || byte == b'#');
        if !fine || digits.is_empty() {
            let help = "write the keys to press, such as \"1\", \"*\" or \"42\"";
            let problem = at.key_error("bad-menu-key", format!("`{}` is not a key of a phone", shorten(digits)));
            self.report(at, problem.help(help));
        } else if digits.len() > MOST_DIGITS {
            let message =
                format!("`{}` has {} digits, and a choice has at most {MOST_DIGITS}", shorten(digits), digits.len());
            self.report(at, at.key_error("bad-menu-key", message).help("choose a shorter one"));
        }
    }

    fn words(&mut self, at: &At<'a>, written: &'a written::Menu, keys: &mut [MenuKey]) {
        let list = at.field("words");
        let mut seen: BTreeMap<String, At<'a>> = BTreeMap::new();
        for (index, (digits, words)) in written.words.0.iter().enumerate() {
            let place = list.item(index);
            let mut spoken: Vec<Box<str>> = Vec::with_capacity(words.0.len());
            for (index, word) in words.0.iter().enumerate() {
                let place = place.one_of(index);
                let word = word.trim().to_lowercase();
                if word.is_empty() {
                    self.error(&place, "empty-text", "there is no word here", "write the word that callers say");
                } else if let Some(first) = seen.get(&word) {
                    let problem = place.error("duplicate-word", format!("`{word}` stands for two keys"));
                    let problem = problem.also(first.source(), first.span(), "first written here");
                    self.report(&place, problem.help("let each word stand for one key"));
                } else {
                    spoken.push(word.as_str().into());
                    seen.insert(word, place);
                }
            }
            match keys.iter_mut().find(|key| *key.digits == **digits) {
                Some(key) => key.words = spoken.into_boxed_slice(),
                None => {
                    let problem = place.key_error("unknown-name", format!("the menu has no key `{}`", shorten(digits)));
                    self.report(&place, problem.help("add it under `keys:`"));
                }
            }
        }
    }
}
