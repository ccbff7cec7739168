//! Whether the value of an attribute, or the text of a noun, is one that Twilio takes.

use crate::twiml::schema::verbs::Kind;

/// What is wrong with a value of that kind.
pub(super) fn complaint(kind: Kind, value: &str) -> Option<String> {
    let is = |fits: bool, what: &str| (!fits).then(|| format!("`{value}` is not {what}"));
    match kind {
        Kind::Text => None,
        Kind::Short(most) => {
            let count = value.chars().count();
            (count > usize::from(most))
                .then(|| format!("{count} characters are more than the {most} that Twilio takes"))
        }
        Kind::Bool => is(matches!(value, "true" | "false"), "`true` or `false`"),
        Kind::Count(least, most) => count(value, least, most),
        Kind::CountOrAuto if value == "auto" => None,
        Kind::CountOrAuto => count(value, 1, u32::MAX),
        Kind::Url => url(value),
        Kind::Word(words) => is(words.contains(&value), &listed("one of", words)),
        Kind::Words(words) => {
            let mut given = value.split_ascii_whitespace().peekable();
            let any = given.peek().is_some();
            is(any && given.all(|word| words.contains(&word)), &listed("made of", words))
        }
        Kind::Language => is(is_language(value), "a language tag such as `en-US`"),
        Kind::Digits => is(value.chars().all(|sign| "0123456789ABCDwW#*".contains(sign)), "made of keys, `w` and `W`"),
        Kind::Keys(most) => {
            let fits = value.len() <= usize::from(most) && value.chars().all(|sign| "0123456789#*".contains(sign));
            is(fits, if most == 1 { "one key" } else { "made of keys" })
        }
    }
}

fn listed(how: &str, words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    format!("{how} {}", words.join(", "))
}

fn count(value: &str, least: u32, most: u32) -> Option<String> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse::<u32>() {
        Ok(count) if digits && (least..=most).contains(&count) => None,
        Ok(count) if digits && count < least => Some(format!("{count} is less than {least}")),
        Ok(_) if digits => Some(format!("`{value}` is more than {most}")),
        Ok(_) | Err(_) => Some(format!("`{value}` is not a whole number")),
    }
}

fn is_language(value: &str) -> bool {
    let fits = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let primary = value.split('-').next().unwrap_or_default();
    // `multi` lets Twilio find the language out.
    (2..=5).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && value.split('-').all(fits)
}

/// What is wrong with a URL; relative ones are as good as absolute ones.
pub(super) fn url(value: &str) -> Option<String> {
    if value.is_empty() {
        return Some("the URL is empty".to_owned());
    }
    if value.contains(char::is_whitespace) {
        return Some(format!("white space stands in the URL `{value}`"));
    }
    let scheme = value.split_once("://").map(|(scheme, _)| scheme);
    let path_first = value.starts_with(['/', '?', '.']) || value.find('/') < value.find("://");
    match scheme {
        Some("http" | "https" | "ws" | "wss") | None => None,
        Some(_) if path_first => None,
        Some(scheme) => Some(format!("Twilio does not fetch `{scheme}:` addresses")),
    }
}

/// What is wrong with a number to ring.
pub(super) fn number(value: &str) -> Option<String> {
    let digits: String = value.chars().filter(|sign| !" -().".contains(*sign)).collect();
    let bare = digits.strip_prefix('+').unwrap_or(&digits);
    let fits = (3..=15).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_digit());
    (!fits).then(|| format!("`{value}` is not a phone number such as `+16195550100`"))
}

/// What is wrong with a SIP address.
pub(super) fn sip(value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let rest = lower.strip_prefix("sip:").or_else(|| lower.strip_prefix("sips:"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => {
            let address = value.split('?').next().unwrap_or_default();
            (address.len() >= 255).then(|| "the SIP address has 255 characters or more".to_owned())
        }
        Some(_) | None => Some(format!("`{value}` is not a SIP address such as `sip:name@example.com`")),
    }
}
