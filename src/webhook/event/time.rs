//! The three ways in which the carrier writes an instant.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// Reads `Sun, 25 Mar 2018 09:53:19 +0000` with any spelling of day and month, `2024-06-17 16:49:31 UTC`,
/// and ISO 8601; anything else is no instant.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 80 {
        return None;
    }
    let iso = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT")).map(|rest| format!("{rest}Z"));
    iso.as_deref().unwrap_or(text).parse().ok().or_else(|| mail(text))
}

/// The date of a mail header; the name of the day is not looked at, and a month's first letters count.
fn mail(text: &str) -> Option<Timestamp> {
    let date = text.split_once(',').map_or(text, |(_, date)| date);
    let parts: Vec<&str> = date.split_whitespace().collect();
    let [day, month, year, time, zone] = parts.as_slice() else { return None };
    let month: String = month.chars().take(3).collect();
    DateTimeParser::new().parse_timestamp(format!("{day} {month} {year} {time} {zone}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_formats_name_the_same_instant() {
        for text in [
            "Mon, 17 Jun 2024 16:49:31 +0000",
            "Mond, 17 June 2024 16:49:31 GMT",
            "17 Jun 2024 10:49:31 -0600",
            "2024-06-17 16:49:31 UTC",
            "2024-06-17T16:49:31Z",
        ] {
            assert_eq!(parse(text).map(Timestamp::as_second), Some(1_718_642_971), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_instant() {
        for text in ["", "now", "17 Jun 2024", "2024-06-17 16:49:31", ", , ,", "99 Xyz 2024 16:49:31 +0000"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
