//! Records as documents of Firestore, in the typed JSON of its REST interface.

use serde_json::{Map, Value, json};

/// The body of a commit that writes these records, each a document named by the record's id: written again, it is
/// the same document.
pub fn commit<'a>(parent: &str, records: impl IntoIterator<Item = (String, &'a Value)>) -> Value {
    let write = |(id, record): (String, &Value)| json!({ "update": { "name": format!("{parent}/{id}"), "fields": fields(record) } });
    json!({ "writes": records.into_iter().map(write).collect::<Vec<_>>() })
}

fn fields(record: &Value) -> Value {
    let Value::Object(object) = record else { return json!({}) };
    object.iter().map(|(name, value)| (name.clone(), typed(value))).collect::<Map<_, _>>().into()
}

fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "nullValue": null }),
        Value::Bool(yes) => json!({ "booleanValue": yes }),
        Value::Number(number) if number.is_i64() => json!({ "integerValue": number.to_string() }),
        Value::Number(number) => json!({ "doubleValue": number.as_f64() }),
        Value::String(text) => json!({ "stringValue": text }),
        Value::Array(items) => json!({ "arrayValue": { "values": items.iter().map(item).collect::<Vec<_>>() } }),
        Value::Object(_) => json!({ "mapValue": { "fields": fields(value) } }),
    }
}

/// A list within a list is refused there: it becomes a map of its places.
fn item(value: &Value) -> Value {
    let Value::Array(inner) = value else { return typed(value) };
    let places = inner.iter().enumerate().map(|(place, value)| (place.to_string(), item(value)));
    json!({ "mapValue": { "fields": places.collect::<Map<_, _>>() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_carry_their_types() {
        let record = json!({ "a": 1, "b": "x", "c": [["s", true]], "d": { "e": null }, "f": 1.5 });
        let commit = commit("projects/p/databases/(default)/documents/audit", [("r1".to_owned(), &record)]);
        let update = &commit["writes"][0]["update"];
        assert_eq!(update["name"], "projects/p/databases/(default)/documents/audit/r1");
        let fields = &update["fields"];
        assert_eq!(fields["a"]["integerValue"], "1");
        assert_eq!(fields["c"]["arrayValue"]["values"][0]["mapValue"]["fields"]["1"]["booleanValue"], true);
        assert!(fields["d"]["mapValue"]["fields"]["e"]["nullValue"].is_null());
        assert_eq!(fields["f"]["doubleValue"], 1.5);
    }
}
