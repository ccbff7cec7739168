//! From what a source says to on or off.

use serde_json::Value;

/// Signs of an answer that are shown when it is not understood.
const SHOWN: usize = 40;

/// On or off, as people and programs write it.
pub(in crate::sources) fn position(value: &Value) -> Result<bool, String> {
    let understood = match value {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            Some(_) | None => None,
        },
        Value::String(text) => word(text),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    understood.ok_or_else(|| format!("{} is neither on nor off: on, yes, true or 1; off, no, false or 0", shown(value)))
}

fn word(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "on" | "yes" | "true" | "1" => Some(true),
        "off" | "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a group of fields".to_owned(),
        Value::String(text) if text.trim().is_empty() => "an empty text".to_owned(),
        Value::String(_) | Value::Bool(_) | Value::Number(_) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text: String = text.chars().filter(|sign| !sign.is_control()).take(SHOWN).collect();
            format!("`{text}`")
        }
    }
}

/// The field of a document.
pub(in crate::sources) fn field<'a>(document: &'a Value, pointer: &str) -> Result<&'a Value, String> {
    document.pointer(pointer).ok_or_else(|| format!("the document has no field `{pointer}`"))
}

/// The one cell of an answer of the sheets interface, which leaves empty ones out.
pub(in crate::sources) fn cell(answer: &Value) -> Result<&Value, String> {
    answer.pointer("/values/0/0").ok_or_else(|| "the cell is empty, which is neither on nor off".to_owned())
}

/// A range as the interface wants it: the tab's name quoted, quotes within doubled.
pub(in crate::sources) fn range(cell: &str) -> String {
    let Some((tab, reference)) = cell.rsplit_once('!') else { return cell.to_owned() };
    let quoted = tab.strip_prefix('\'').and_then(|tab| tab.strip_suffix('\''));
    let tab = quoted.map_or_else(|| tab.replace('\'', "''"), str::to_owned);
    format!("'{tab}'!{reference}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_and_programs_write_is_understood() {
        for on in [json!(true), json!(1), json!("on"), json!(" Yes "), json!("TRUE"), json!("1")] {
            assert_eq!(position(&on), Ok(true), "{on}");
        }
        for off in [json!(false), json!(0), json!("Off"), json!("no"), json!("FALSE"), json!("0")] {
            assert_eq!(position(&off), Ok(false), "{off}");
        }
        for neither in [json!("maybe"), json!(""), json!(2), json!(null), json!([]), json!({ "on": true })] {
            assert!(position(&neither).is_err(), "{neither}");
        }
        let long = position(&json!("x".repeat(5_000))).unwrap_err();
        assert!(long.len() < 200, "{long}");
    }

    #[test]
    fn a_field_and_a_cell_are_found() {
        assert_eq!(field(&json!({ "phones": { "open": "yes" } }), "/phones/open"), Ok(&json!("yes")));
        assert_eq!(field(&json!(true), ""), Ok(&json!(true)));
        assert!(field(&json!({}), "/open").unwrap_err().contains("/open"));
        assert_eq!(cell(&json!({ "range": "Phones!B2", "values": [[true]] })), Ok(&json!(true)));
        assert!(cell(&json!({ "range": "Phones!B2" })).unwrap_err().contains("empty"));
    }

    #[test]
    fn a_tab_is_quoted() {
        assert_eq!(range("B2"), "B2");
        assert_eq!(range("Phones!B2"), "'Phones'!B2");
        assert_eq!(range("Joe's phones!B2"), "'Joe''s phones'!B2");
        assert_eq!(range("'My phones'!B2"), "'My phones'!B2");
    }
}
