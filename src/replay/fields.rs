//! The fields of forms and queries, changed one by one without touching the others.

use crate::webhook::form::{Charset, Form};
use crate::webhook::raw::Limits;

/// Changes the values of raw `name=value` pairs; a pair whose field the change leaves out is dropped, and a value that
/// stays the same keeps its spelling.
pub(crate) fn changed<'a>(
    pairs: impl Iterator<Item = &'a str>,
    charset: Charset,
    mut change: impl FnMut(&str, &str) -> Option<String>,
) -> Vec<String> {
    let mut all = Vec::new();
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let Ok(form) = Form::parse(pair.as_bytes(), charset, &Limits::default()) else { continue };
        let Some((name, value)) = form.iter().next() else { continue };
        match change(name, value) {
            Some(new) if new == value => all.push(pair.to_owned()),
            Some(new) => all.push(Form::of([(name, new.as_str())]).encode()),
            None => {}
        }
    }
    all
}

/// The same for the query of a target.
pub(crate) fn changed_query(target: &str, change: impl FnMut(&str, &str) -> Option<String>) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let pairs = changed(query.split('&'), Charset::Utf8, change);
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// Names of our own in queries.
pub(crate) const OURS: [&str; 14] = ["org", "rules", "at", "s", "g", "h", "l", "m", "r", "c", "n", "a", "b", "f"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_keeps_its_spelling() {
        let pairs = ["From=%2b13125550123", "City=S%c3%a3o", "Secret=1"];
        let all = changed(pairs.into_iter(), Charset::Utf8, |name, value| match name {
            "From" => Some("+12025550100".to_owned()),
            "Secret" => None,
            _ => Some(value.to_owned()),
        });
        assert_eq!(all, ["From=%2B12025550100", "City=S%c3%a3o"]);
        let target = changed_query("/twilio/screen?org=acme&f=13125550123", |name, value| {
            Some(if name == "f" { "12025550100".to_owned() } else { value.to_owned() })
        });
        assert_eq!(target, "/twilio/screen?org=acme&f=12025550100");
    }
}
