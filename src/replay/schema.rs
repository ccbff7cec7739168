//! The JSON Schema of a recording, generated from the types.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::replay::recording::{FORM, Recording};

/// Where the schema is checked in.
pub const CHECKED_IN: &str = "fixtures/fixture-1.schema.json";

/// The schema as a document with a final newline; `ringfall schema --fixture` prints it.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&value()).unwrap_or_default();
    text.push('\n');
    text
}

/// The schema itself.
pub fn value() -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Recording>().to_value();
    crate::rules::schema::tidy(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".to_owned(), json!(format!("Ringfall recorded call, version {FORM}")));
    }
    schema
}
