//! The JSON Schema of a record's wire form, generated from the types.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::audit::record::{Record, SCHEMA};

/// Where the schema is checked in.
pub const CHECKED_IN: &str = "docs/audit-record-1.schema.json";

/// The schema as a document with a final newline; `ringfall schema --audit` prints it.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&value()).unwrap_or_default();
    text.push('\n');
    text
}

/// The schema itself. It allows fields that it does not name: a newer writer may add some.
pub fn value() -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Record>().to_value();
    crate::rules::schema::tidy(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".to_owned(), json!(format!("Ringfall audit record, version {SCHEMA}")));
    }
    schema
}
