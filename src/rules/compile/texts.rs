//! Small values: phone numbers, times, texts with their languages, blanks, recordings and addresses.

use crate::model::moment::Zone;
use crate::model::near::nearest;
use crate::model::phone::E164;
use crate::rules::compile::names::{Section, is_name};
use crate::rules::compile::{Desk, Entry, Language};
use crate::rules::grammar;
use crate::rules::load::FileError;
use crate::rules::place::At;
use crate::rules::ruleset::{Speech, Template, Texts};
use crate::rules::shape::shorten;
use crate::rules::written::{FlagOr, Prompt, Said, TextOr};

/// The blanks that a template may have.
const BLANKS: [&str; 3] = ["caller", "line", "time"];

/// Longest text that a provider takes in one message: ten segments.
const LONGEST_BODY: usize = 1530;

/// Longest text that is spoken in one go.
const LONGEST_SPEECH: usize = 3000;

/// What the caller hears, as its place in the file offers it.
pub(super) struct Heard<'w> {
    /// A prompt, a text, or a text per language.
    pub(super) say: Option<&'w Said>,
    /// A recording.
    pub(super) play: Option<&'w str>,
    /// What is said when the recording cannot be had.
    pub(super) else_say: Option<&'w Said>,
}

impl<'a> Desk<'a> {
    /// A phone number in quotes.
    pub(super) fn number(&mut self, at: &At<'_>, text: &str) -> Option<E164> {
        match E164::parse(text) {
            Ok(_) if at.is_plain() => {
                let message = format!("the phone number `{text}` stands without quotes");
                let help = format!("write \"{text}\": YAML takes a bare number for a sum of money, and drops its `+`");
                self.error(at, "unquoted-number", message, help);
                None
            }
            Ok(number) => Some(number),
            Err(error) => {
                let bare: String = text.chars().filter(|sign| !matches!(sign, ' ' | '-' | '(' | ')' | '.')).collect();
                let help = match (E164::parse(&bare), E164::parse(&format!("+1{bare}"))) {
                    (Ok(number), _) => format!("did you mean \"{}\"?", number.as_str()),
                    (Err(_), Ok(number)) if bare.len() == 10 => format!("did you mean \"{}\"?", number.as_str()),
                    _ => error.to_string(),
                };
                self.error(at, "bad-number", format!("`{}` is not a phone number", shorten(text)), help);
                None
            }
        }
    }

    /// A duration in seconds within limits.
    pub(super) fn seconds(&mut self, at: &At<'_>, text: &str, least: u32, most: u32) -> Option<u32> {
        let seconds = self.read(at, grammar::duration(text))?;
        if (least..=most).contains(&seconds) {
            return Some(seconds);
        }
        let message = format!("`{}` is not between {} and {}", shorten(text), length(least), length(most));
        self.error(at, "out-of-range", message, format!("write a duration from {} to {}", length(least), length(most)));
        None
    }

    /// The same for what fits into sixteen bits.
    pub(super) fn short_seconds(&mut self, at: &At<'_>, text: &str, least: u16, most: u16) -> Option<u16> {
        let seconds = self.seconds(at, text, least.into(), most.into())?;
        u16::try_from(seconds).ok()
    }

    /// A time zone by its name.
    pub(super) fn zone_named(&mut self, at: &At<'_>, name: &str) -> Option<Zone> {
        let city = abbreviation(name);
        if let (Some(zone), None) = (Zone::named(name), city) {
            return Some(zone);
        }
        let message = match city {
            Some(_) => {
                format!("`{}` is an offset or an abbreviation of one, and knows nothing of summer time", shorten(name))
            }
            None => format!("there is no time zone `{}`", shorten(name)),
        };
        let known =
            || chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|zone| abbreviation(zone).is_none());
        let same_place = || {
            let wanted = shorten(name).replace(' ', "_");
            known().find(|known| {
                let city = known.rsplit('/').next().unwrap_or_default();
                city.len() > 2 && city.eq_ignore_ascii_case(&wanted)
            })
        };
        let help = match city.filter(|city| !city.is_empty()).or_else(|| nearest(name, known())).or_else(same_place) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a name of the IANA database, such as `America/New_York`; offsets and abbreviations change with the season".to_owned(),
        };
        self.error(at, "unknown-zone", message, help);
        None
    }

    /// The index of a language; it is new when nothing named it before.
    pub(super) fn language(&mut self, at: &At<'_>, tag: &str) -> Option<u8> {
        let found = self.languages.iter().position(|language| *language.tag == *tag);
        let index = found.or_else(|| {
            let mut parts = tag.split('-');
            let first = parts
                .next()
                .is_some_and(|part| matches!(part.len(), 2 | 3) && part.bytes().all(|byte| byte.is_ascii_lowercase()));
            let rest = parts
                .all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            if !(first && rest) {
                let help = "write a language tag, such as `en`, `es` or `en-GB`";
                self.error(at, "bad-language", format!("`{}` is not a language", shorten(tag)), help);
                return None;
            }
            self.languages.push(Language { tag: tag.into(), written: false });
            Some(self.languages.len() - 1)
        })?;
        let index = u8::try_from(index).ok();
        if index.is_none() {
            self.error(
                at,
                "too-many-values",
                "the file has more than 255 languages",
                "split it into several organizations",
            );
        }
        index
    }

    /// A language that a call is to be in: some text must be written in it.
    pub(super) fn asked_language(&mut self, at: At<'a>, tag: &str) -> Option<u8> {
        let index = self.language(&at, tag)?;
        self.asked_languages.push((index, at));
        Some(index)
    }

    /// Finds the languages that calls can be in and nothing is written in.
    pub(super) fn settle_languages(&mut self) {
        for (index, at) in std::mem::take(&mut self.asked_languages) {
            let Some(language) =
                self.languages.get(usize::from(index)).filter(|language| index != 0 && !language.written)
            else {
                continue;
            };
            let tag = language.tag.clone();
            let written = self.languages.iter().enumerate().filter(|(place, language)| *place == 0 || language.written);
            let written: Vec<&str> = written.map(|(_, language)| &*language.tag).collect();
            let help = match nearest(&tag, written.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write a text in it, as `say: {{ {tag}: … }}`; written so far: {}", written.join(", ")),
            };
            self.error(&at, "unknown-language", format!("nothing is said in the language `{tag}`"), help);
        }
    }

    /// A text, or a text per language.
    pub(super) fn texts(&mut self, at: &At<'_>, said: &Said) -> Option<Texts> {
        match said {
            TextOr::Text(text) => {
                let text = self.spoken(at, text)?;
                Some(Texts(Box::new([(0, text)])))
            }
            TextOr::Full(by_language) => {
                let texts = by_language.0.iter().enumerate();
                let texts: Vec<_> =
                    texts.filter_map(|(index, (tag, text))| self.text_in(&at.item(index), tag, text)).collect();
                if texts.is_empty() {
                    let help = "write `{ en: …, es: … }`, or just the text";
                    self.error(at, "empty-text", "there is no text in any language", help);
                    return None;
                }
                Some(Texts(texts.into_boxed_slice()))
            }
        }
    }

    fn text_in(&mut self, at: &At<'_>, tag: &str, text: &str) -> Option<(u8, Box<str>)> {
        let index = self.language(at, tag);
        let text = self.spoken(at, text)?;
        let language = self.languages.get_mut(usize::from(index?))?;
        language.written = true;
        Some((index?, text))
    }

    fn spoken(&mut self, at: &At<'_>, text: &str) -> Option<Box<str>> {
        let text = text.trim();
        if text.is_empty() {
            self.error(at, "empty-text", "there is nothing to say", "write what the caller is to hear");
            return None;
        }
        if text.chars().count() > LONGEST_SPEECH {
            let message = format!("the text has more than {LONGEST_SPEECH} letters");
            self.error(at, "out-of-range", message, "nobody listens to that much: shorten it");
            return None;
        }
        if text.contains("{{") {
            let help = "blanks are for text messages and notices; write the words out";
            self.error(at, "unknown-blank", "a spoken text has no blanks", help);
            return None;
        }
        Some(text.into())
    }

    /// A prompt by its name, or texts written in place.
    pub(super) fn speech(&mut self, at: &At<'_>, said: &Said) -> Option<Speech> {
        if let TextOr::Text(text) = said {
            if let Some(index) = self.names.get(Section::Prompts, text) {
                self.names.mark(Section::Prompts, index);
                return self.prompts.get(usize::from(index)).cloned().flatten();
            }
            // A single lowercase word is a name: spoken by mistake, it would greet callers with `clsoed`.
            if is_name(text) {
                let mut problem = self.names.unknown(Section::Prompts, text, at);
                if problem.help.as_ref().is_some_and(|help| !help.starts_with("did you mean")) {
                    problem.help = Some("add it under `prompts:`, or write a sentence to have it spoken".to_owned());
                }
                self.report(at, problem);
                return None;
            }
        }
        self.texts(at, said).map(Speech::Say)
    }

    /// What the caller hears at a place that says it by `say` or `play`; `at` is the map with these keys.
    pub(super) fn heard(&mut self, at: &At<'_>, heard: &Heard<'_>) -> Option<Speech> {
        let else_at = at.field("else_say");
        match (heard.say, heard.play) {
            (Some(said), None) => {
                if heard.else_say.is_some() {
                    self.error(&else_at, "stray-option", "`else_say` has no `play` beside it", "delete it");
                }
                self.speech(&at.field("say"), said)
            }
            (None, Some(audio)) => self.play(&at.field("play"), audio, heard.else_say.map(|said| (&else_at, said))),
            (Some(_), Some(_)) => {
                let help = "keep one of them; what is said when a recording cannot be had is `else_say`";
                let at = at.field("play");
                self.report(&at, at.key_error("several-verbs", "`say` and `play` stand together").help(help));
                None
            }
            (None, None) => {
                self.error(
                    at,
                    "missing-speech",
                    "nothing is heard here",
                    "add `say:` with a text, or `play:` with a recording",
                );
                None
            }
        }
    }

    /// A recording by its address or path.
    pub(super) fn play(&mut self, at: &At<'_>, audio: &str, else_say: Option<(&At<'_>, &Said)>) -> Option<Speech> {
        let else_said = else_say.map(|(at, said)| self.else_said(at, said));
        let speech = Speech::Play { audio: audio.into(), else_say: else_said.flatten() };
        if audio.contains("://") {
            return self.address(at, audio, &["https", "http"]).then_some(speech);
        }
        match self.files.find(audio) {
            Ok(()) => Some(speech),
            Err(FileError::Missing) if else_say.is_some() => {
                let warning = at.warning("missing-audio", format!("there is no recording `{audio}`"));
                self.report(at, warning.help("callers hear `else_say` until the file is there"));
                Some(speech)
            }
            Err(error) => {
                let mut problem = crate::rules::compile::unavailable(at, audio, &error);
                if error == FileError::Missing {
                    problem.help = Some("add the file, or `else_say` with what is said meanwhile".to_owned());
                }
                self.report(at, problem);
                None
            }
        }
    }

    fn else_said(&mut self, at: &At<'_>, said: &Said) -> Option<Texts> {
        match self.speech(at, said)? {
            Speech::Say(texts) => Some(texts),
            Speech::Play { .. } => {
                self.error(
                    at,
                    "stray-option",
                    "`else_say` names a recording",
                    "name a prompt that is spoken, or write the text",
                );
                None
            }
        }
    }

    /// An entry of `prompts`.
    pub(super) fn prompt(&mut self, entry: &Entry<'a, TextOr<Prompt>>) -> Option<Speech> {
        match entry.value {
            TextOr::Text(text) => self.texts(&entry.at, &TextOr::Text(text.clone())).map(Speech::Say),
            TextOr::Full(prompt) => {
                if let (Some(said), None) = (&prompt.say, &prompt.play) {
                    // A prompt is what names stand for, so its own text is never a name.
                    return self.texts(&entry.at.field("say"), said).map(Speech::Say);
                }
                let heard = Heard {
                    say: prompt.say.as_ref(),
                    play: prompt.play.as_deref(),
                    else_say: prompt.else_say.as_ref(),
                };
                self.heard(&entry.at, &heard)
            }
        }
    }

    /// `true` or texts; false says that there is none.
    pub(super) fn flag_or_texts(&mut self, at: &At<'_>, value: &FlagOr<Said>, otherwise: &str) -> Option<Texts> {
        match value {
            FlagOr::Flag(false) => None,
            FlagOr::Flag(true) => Some(Texts(Box::new([(0, otherwise.into())]))),
            FlagOr::Full(said) => match self.speech(at, said)? {
                Speech::Say(texts) => Some(texts),
                Speech::Play { .. } => {
                    self.error(
                        at,
                        "stray-option",
                        "the offer names a recording",
                        "name a prompt that is spoken, or write the text",
                    );
                    None
                }
            },
        }
    }

    /// The words of a text message or notice.
    pub(super) fn template(&mut self, at: &At<'_>, text: &str) -> Option<Template> {
        if text.trim().is_empty() {
            self.error(at, "empty-text", "there is nothing to send", "write the words of the message");
            return None;
        }
        if text.chars().count() > LONGEST_BODY {
            let message = format!("the message has more than {LONGEST_BODY} letters, which is ten text messages");
            self.error(at, "out-of-range", message, "shorten it");
            return None;
        }
        let mut rest = text;
        while let Some((_, tail)) = rest.split_once("{{") {
            let Some((blank, after)) = tail.split_once("}}") else {
                self.error(
                    at,
                    "unknown-blank",
                    "a blank is not closed",
                    "write `{{caller}}`, with two braces on both sides",
                );
                return None;
            };
            let blank = blank.trim();
            if !BLANKS.contains(&blank) {
                let near = nearest(blank, BLANKS).map(|near| format!("did you mean `{{{{{near}}}}}`?"));
                let help = near.unwrap_or_else(|| "known are `{{caller}}`, `{{line}}` and `{{time}}`".to_owned());
                self.error(at, "unknown-blank", format!("there is no blank `{}`", shorten(blank)), help);
                return None;
            }
            rest = after;
        }
        Some(Template(text.trim().into()))
    }

    /// Whether a text is an address of one of these schemes.
    pub(super) fn address(&mut self, at: &At<'_>, text: &str, schemes: &[&str]) -> bool {
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let clean = !text.chars().any(|sign| sign.is_whitespace() || sign.is_control());
        if schemes.contains(&scheme) && host.chars().any(char::is_alphanumeric) && !host.contains('@') && clean {
            return true;
        }
        let example = schemes.first().copied().unwrap_or("https");
        let help = format!("write an address such as `{example}://example.com/path`");
        self.error(at, "bad-address", format!("`{}` is not an address that can be used here", shorten(text)), help);
        false
    }
}

/// For what is no zone but an offset or an abbreviation of one, the city that is mostly meant, or nothing.
///
/// Some of these stand in the database and know nothing of summer time.
fn abbreviation(name: &str) -> Option<&'static str> {
    let fixed = name.starts_with("Etc/GMT") || !name.bytes().any(|byte| byte.is_ascii_lowercase() || byte == b'/');
    if !fixed || name == "UTC" {
        return None;
    }
    Some(match name {
        "EST" | "EDT" | "ET" | "EST5EDT" => "America/New_York",
        "CST" | "CDT" | "CT" | "CST6CDT" => "America/Chicago",
        "MST" | "MDT" | "MT" | "MST7MDT" => "America/Denver",
        "PST" | "PDT" | "PT" | "PST8PDT" => "America/Los_Angeles",
        "AKST" | "AKDT" => "America/Anchorage",
        "HST" => "Pacific/Honolulu",
        "GMT" | "BST" | "WET" => "Europe/London",
        "CET" | "CEST" | "MET" => "Europe/Berlin",
        "EET" => "Europe/Helsinki",
        _ => "",
    })
}

/// A duration in words, for limits.
pub(super) fn length(seconds: u32) -> String {
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) && seconds >= 120 => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}
