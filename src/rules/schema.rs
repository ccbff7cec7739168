//! The JSON Schema of the rule language, draft-07 because that is what editors read.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::rules::written::File;

/// Where the schema is checked in, and where the first line of the example files points.
pub const CHECKED_IN: &str = "routing-rules/ringfall-1.schema.json";

/// The schema as a document with a final newline; `ringfall schema` prints it.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&value()).unwrap_or_default();
    text.push('\n');
    text
}

/// The schema itself.
pub fn value() -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<File>().to_value();
    tidy(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".to_owned(), json!("Ringfall routing rules, version 1"));
        root.insert("required".to_owned(), json!(["version", "timezone", "finally"]));
    }
    schema
}

/// Takes out what is true of the types and no help to a reader: nulls, defaults, integer formats.
pub fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.remove("default");
            if object.get("format").is_some_and(|format| format.as_str().is_some_and(|text| text.starts_with("uint"))) {
                object.remove("format");
            }
            without_null(object);
            for (key, inner) in object.iter_mut().filter(|(key, _)| *key != "examples") {
                // The keys of these are names of ours, not words of the schema.
                let names = matches!(key.as_str(), "properties" | "definitions");
                if let (true, Some(named)) = (names, inner.as_object_mut()) {
                    named.values_mut().for_each(tidy);
                } else {
                    tidy(inner);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn without_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(kinds)) = object.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(branches)) = object.get_mut("anyOf") {
        branches.retain(|branch| branch != &json!({ "type": "null" }));
        if let [only] = branches.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            if only.get("$ref").is_some() {
                object.insert("allOf".to_owned(), json!([only]));
            } else if let Value::Object(only) = only {
                object.extend(only);
            }
        }
    }
}
