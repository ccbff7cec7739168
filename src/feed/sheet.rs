//! Records as the rows of a sheet that an owner reads.

use serde_json::{Value, json};

use crate::audit::record::Record;

/// The columns. New ones come at the end, so that a sheet of before only grows.
pub const COLUMNS: [&str; 16] = [
    "id",
    "time",
    "zone",
    "organization",
    "line",
    "called",
    "caller",
    "kind",
    "what happened",
    "decision",
    "ending",
    "taken by",
    "waited (s)",
    "rules",
    "answered in (µs)",
    "call",
];

/// Characters that a cell holds at most.
const CELL: usize = 50_000;

/// The row of a record. Cells are texts and numbers, never formulas: they are sent as they are.
pub fn row(record: &Record) -> Vec<Value> {
    let facts = record.facts.as_ref();
    let summary = record.summary.as_deref();
    let text = |value: Option<&str>| cell(value.unwrap_or_default());
    let happened = facts.map(|facts| facts.outcome.as_deref().unwrap_or(&facts.happened));
    let happened = happened.or(record.reported.call_status.as_deref());
    let happened = happened.or(record.security.as_ref().map(|security| security.event.as_str()));
    let decision = record.decision.as_ref();
    let end = decision.and_then(|decision| decision.end.as_deref());
    let taken = summary.and_then(|summary| summary.answered.as_ref()).and_then(|answered| answered.by.as_deref());
    vec![
        cell(&record.id.to_string()),
        cell(&record.received.local),
        cell(&record.received.zone),
        cell(&record.org),
        text(facts.and_then(|it| it.line.as_deref()).or(summary.and_then(|it| it.line.as_deref()))),
        text(facts.map(|it| it.called.as_str()).or(summary.map(|it| it.called.as_str()))),
        text(facts.map(|it| it.caller.as_str()).or(summary.map(|it| it.caller.as_str()))),
        cell(record.kind.word()),
        text(happened),
        text(decision.map(|decision| decision.plan.as_str())),
        text(end.or(summary.and_then(|summary| summary.end.as_deref()))),
        text(taken),
        summary.and_then(|summary| summary.waited).map_or_else(|| json!(""), |seconds| json!(seconds)),
        text(record.rules.as_deref()),
        json!(record.latency_us),
        cell(&record.call),
    ]
}

fn cell(text: &str) -> Value {
    Value::String(text.chars().take(CELL).collect())
}

/// What the first row of a sheet says about the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// There is none yet, or only the first of our columns: it is to be written.
    Missing,
    /// It is ours.
    Ours,
    /// It is somebody else's; the first column that differs, and what stands there.
    Foreign(String),
}

/// Looks at the first row.
pub fn header(row: &[String]) -> Header {
    let differs = row.iter().zip(COLUMNS).find(|(cell, column)| cell.trim() != *column);
    match differs {
        Some((cell, _)) => Header::Foreign(cell.clone()),
        None if row.len() >= COLUMNS.len() => Header::Ours,
        None => Header::Missing,
    }
}

/// The number of the last row in a range such as `Calls!A12:P20`.
pub fn last_row(range: &str) -> Option<u64> {
    let end = range.rsplit('!').next()?.rsplit(':').next()?;
    end.trim_start_matches(|sign: char| sign.is_ascii_alphabetic() || sign == '$').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::samples;

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        for record in [samples::decision(), samples::closed(), samples::security()] {
            assert_eq!(row(&record).len(), COLUMNS.len());
        }
        let row = row(&samples::closed());
        assert_eq!(
            (row[6].as_str(), row[11].as_str(), row[12].as_u64()),
            (Some("+13125550123"), Some("backup"), Some(29))
        );
    }

    #[test]
    fn the_header_is_known_again() {
        let ours: Vec<_> = COLUMNS.iter().map(|column| (*column).to_owned()).collect();
        assert_eq!(header(&ours), Header::Ours);
        assert_eq!(header(&ours[..4]), Header::Missing);
        assert_eq!(header(&[]), Header::Missing);
        assert_eq!(header(&["id".to_owned(), "Kunde".to_owned()]), Header::Foreign("Kunde".to_owned()));
        assert_eq!((last_row("Calls!A12:P20"), last_row("'My tab'!$A$7"), last_row("?")), (Some(20), Some(7), None));
        assert_eq!(last_row("Calls!A2"), Some(2));
    }
}
