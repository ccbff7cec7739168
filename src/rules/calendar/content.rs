//! The lines of a calendar file: unfolding, parameters, and the values of single properties.

use jiff::civil::{Date, Time};

/// One unfolded line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Where it starts in the file, from 1.
    pub(super) number: u32,
    /// The name in capitals.
    pub(super) name: String,
    /// The parameters as written.
    parameters: Vec<(String, String)>,
    /// What stands after the colon.
    pub(super) value: String,
}

impl Line {
    /// Whether it is that name with that value, in any case.
    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.name == name && self.value.trim().eq_ignore_ascii_case(value)
    }

    /// A parameter's value.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The same line with another value.
    pub(super) fn with_value(&self, value: &str) -> Self {
        Self { value: value.to_owned(), ..self.clone() }
    }
}

/// Joins folded lines; a line that opens with a space or a tab continues the one before.
pub(super) fn unfold(text: &str) -> Vec<Line> {
    let mut joined: Vec<(u32, String)> = Vec::new();
    for (line, number) in text.split('\n').zip(1_u32..) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match (line.strip_prefix([' ', '\t']), joined.last_mut()) {
            (Some(more), Some((_, before))) => before.push_str(more),
            (Some(_) | None, _) if line.is_empty() => {}
            (Some(_) | None, _) => joined.push((number, line.to_owned())),
        }
    }
    joined.iter().map(|(number, line)| parse(*number, line)).collect()
}

fn parse(number: u32, line: &str) -> Line {
    let mut quoted = false;
    let colon = line.char_indices().find(|(_, sign)| {
        quoted ^= *sign == '"';
        *sign == ':' && !quoted
    });
    let (head, value) = colon.map_or((line, ""), |(place, _)| {
        let (head, rest) = line.split_at(place);
        (head, rest.strip_prefix(':').unwrap_or(rest))
    });
    let mut parts = head.split(';');
    let name = parts.next().unwrap_or_default().trim().to_ascii_uppercase();
    let parameters = parts
        .filter_map(|part| part.split_once('='))
        .map(|(key, value)| (key.to_ascii_uppercase(), value.trim_matches('"').to_owned()))
        .collect();
    Line { number, name, parameters, value: value.to_owned() }
}

/// Text without its escapes, as one line.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        if sign != '\\' {
            plain.push(sign);
            continue;
        }
        match signs.next() {
            Some('n' | 'N') => plain.push(' '),
            Some(escaped) => plain.push(escaped),
            None => {}
        }
    }
    plain.trim().to_owned()
}

/// The text as an error shows it.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

fn number<T: std::str::FromStr>(text: &str, from: usize, to: usize) -> Option<T> {
    text.get(from..to).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

/// `20261224`.
pub(super) fn date(text: &str) -> Option<Date> {
    let fits = text.len() == 8;
    fits.then(|| Date::new(number(text, 0, 4)?, number(text, 4, 6)?, number(text, 6, 8)?).ok()).flatten()
}

/// `090000`; a leap second counts as the second before it.
pub(super) fn time(text: &str) -> Option<Time> {
    let second = number::<i8>(text, 4, 6)?.min(59);
    let fits = text.len() == 6;
    fits.then(|| Time::new(number(text, 0, 2)?, number(text, 2, 4)?, second, 0).ok()).flatten()
}

/// `P1D`, `P2W` or `PT8H30M` in seconds; never negative.
pub(super) fn duration(text: &str) -> Option<i64> {
    let body = text.trim().strip_prefix('+').unwrap_or(text.trim()).strip_prefix('P')?;
    let mut total: i64 = 0;
    let mut count: Option<i64> = None;
    let mut timed = false;
    for sign in body.chars() {
        if let Some(digit) = sign.to_digit(10) {
            count = Some(count.unwrap_or(0).checked_mul(10)?.checked_add(digit.into())?);
            continue;
        }
        let size = match (sign, timed) {
            ('T', false) => {
                timed = true;
                continue;
            }
            ('W', false) => 604_800,
            ('D', false) => 86_400,
            ('H', true) => 3_600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        total = total.checked_add(count.take()?.checked_mul(size)?)?;
    }
    (count.is_none() && total <= 366 * 86_400).then_some(total)
}
