//! How languages and numbers sound: language tags for the voice, and digits one by one.

use crate::model::phone::E164;

/// A language without region, its usual tag, and the tags of countries that speak it their own way.
type Tags = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The languages that Twilio speaks, by their code.
const TAGS: [Tags; 39] = [
    ("af", "af-ZA", &[]),
    ("ar", "ar-AE", &[("SA", "ar-SA"), ("EG", "ar-EG")]),
    ("bg", "bg-BG", &[]),
    ("ca", "ca-ES", &[]),
    ("cs", "cs-CZ", &[]),
    ("cy", "cy-GB", &[]),
    ("da", "da-DK", &[]),
    ("de", "de-DE", &[("AT", "de-AT")]),
    ("el", "el-GR", &[]),
    ("en", "en-US", &[("GB", "en-GB"), ("AU", "en-AU"), ("IN", "en-IN"), ("IE", "en-IE"), ("NZ", "en-NZ")]),
    ("es", "es-MX", &[("ES", "es-ES")]),
    ("eu", "eu-ES", &[]),
    ("fi", "fi-FI", &[]),
    ("fil", "fil-PH", &[]),
    ("fr", "fr-FR", &[("CA", "fr-CA"), ("BE", "fr-BE")]),
    ("gl", "gl-ES", &[]),
    ("he", "he-IL", &[]),
    ("hi", "hi-IN", &[]),
    ("hu", "hu-HU", &[]),
    ("id", "id-ID", &[]),
    ("is", "is-IS", &[]),
    ("it", "it-IT", &[]),
    ("ja", "ja-JP", &[]),
    ("ko", "ko-KR", &[]),
    ("lt", "lt-LT", &[]),
    ("ms", "ms-MY", &[]),
    ("nb", "nb-NO", &[]),
    ("nl", "nl-NL", &[("BE", "nl-BE")]),
    ("pl", "pl-PL", &[]),
    ("pt", "pt-BR", &[("PT", "pt-PT")]),
    ("ro", "ro-RO", &[]),
    ("ru", "ru-RU", &[]),
    ("sk", "sk-SK", &[]),
    ("sv", "sv-SE", &[]),
    ("th", "th-TH", &[]),
    ("tr", "tr-TR", &[]),
    ("uk", "uk-UA", &[]),
    ("vi", "vi-VN", &[]),
    ("zh", "zh-CN", &[("TW", "zh-TW"), ("HK", "zh-HK")]),
];

/// The tag that Twilio's voices know a language by; the first of the countries chooses among its regions.
pub(crate) fn tag(code: &str, countries: &[Box<str>]) -> String {
    let Some((_, usual, regions)) = TAGS.iter().find(|(known, _, _)| *known == code) else {
        return code.to_owned();
    };
    let home = countries.first().map_or("", |country| country);
    regions.iter().find(|(country, _)| *country == home).map_or(*usual, |(_, tag)| tag).to_owned()
}

/// A number digit by digit, with a pause where people pause.
pub(crate) fn spoken(number: &E164) -> String {
    let all = number.as_str().trim_start_matches('+');
    let (digits, groups) = match all.strip_prefix('1') {
        Some(national) if all.len() == 11 => (national, [3, 6]),
        Some(_) | None => (all, [usize::MAX; 2]),
    };
    let mut text = String::with_capacity(digits.len() * 2 + groups.len());
    for (place, digit) in digits.chars().enumerate() {
        if groups.contains(&place) {
            text.push(',');
        }
        if place > 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_gets_the_region_of_the_business() {
        let us: [Box<str>; 2] = ["US".into(), "GB".into()];
        let gb: [Box<str>; 1] = ["GB".into()];
        assert_eq!(tag("en", &us), "en-US");
        assert_eq!(tag("en", &gb), "en-GB");
        assert_eq!(tag("es", &us), "es-MX");
        assert_eq!(tag("es-US", &us), "es-US");
        assert_eq!(tag("xx", &[]), "xx");
        assert!(TAGS.is_sorted_by_key(|(code, _, _)| *code));
    }

    #[test]
    fn numbers_are_said_digit_by_digit() {
        assert_eq!(spoken(&E164::parse("+16195550100").unwrap()), "6 1 9, 5 5 5, 0 1 0 0");
        assert_eq!(spoken(&E164::parse("+4930901820").unwrap()), "4 9 3 0 9 0 1 8 2 0");
    }
}
