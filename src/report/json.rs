//! The report for machines.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::report::advice;
use crate::report::figures::{Cell, Contact, Figures, Waits};

/// Version of this form; it rises when a field changes its meaning.
const VERSION: u8 = 1;

/// The whole report.
pub fn json(whole: &Figures, lines: &BTreeMap<String, Figures>) -> Value {
    let mut root = Map::new();
    root.insert("version".to_owned(), json!(VERSION));
    root.insert("all".to_owned(), figures(whole));
    root.insert(
        "lines".to_owned(),
        lines.iter().map(|(name, line)| (name.clone(), figures(line))).collect::<Map<_, _>>().into(),
    );
    Value::Object(root)
}

fn figures(of: &Figures) -> Value {
    json!({
        "calls": of.calls,
        "first_us": of.first_us,
        "last_us": of.last_us,
        "taken": of.taken(),
        "taken_at_ring": of.tiers.iter().map(|(tier, calls)| (tier.to_string(), json!(calls))).collect::<Map<_, _>>(),
        "missed": of.missed,
        "missed_with_message": of.messages,
        "ends": of.ends,
        "waits": waits(&of.waits),
        "waits_taken": waits(&of.waits_taken),
        "week": of.week.iter().map(|day| day.iter().map(cell).collect::<Vec<_>>()).collect::<Vec<_>>(),
        "people": of.contacts.iter().map(|(name, it)| (name.clone(), contact(it))).collect::<Map<_, _>>(),
        "mailboxes": advice::mailboxes(of).iter().map(|it| json!({
            "person": it.contact, "no_key": it.no_key, "not_taken": it.not_taken,
        })).collect::<Vec<_>>(),
        "better_order": advice::order(of).map(|it| json!({
            "now": it.now, "better": it.better, "seconds_now": it.seconds_now, "seconds_better": it.seconds_better,
        })),
    })
}

fn waits(of: &Waits) -> Value {
    json!({ "median": of.at(50), "p95": of.at(95) })
}

fn cell(of: &Cell) -> Value {
    json!({ "calls": of.calls, "taken": of.taken, "missed": of.missed, "mean_wait": of.waited.checked_div(of.waits) })
}

fn contact(of: &Contact) -> Value {
    json!({
        "rings": of.rings,
        "taken": of.taken,
        "no_key": of.no_key,
        "declined": of.declined,
        "busy": of.busy,
        "no_answer": of.no_answer,
        "failed": of.failed,
        "other": of.other,
    })
}
