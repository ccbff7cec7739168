//! Metric lines in CloudWatch's embedded format: how long answers took, and how calls were completed.

use serde_json::{Value, json};

use crate::audit::record::{Kind, Record};

/// The line of a record; none when there is nothing to measure.
pub fn line(record: &Record, namespace: &str) -> Option<String> {
    let (dimensions, metrics, mut values) =
        if record.kind == Kind::Closed { completion(record)? } else { latency(record)? };
    let object = values.as_object_mut()?;
    object.insert("Org".to_owned(), json!(record.org));
    object.insert("Node".to_owned(), json!(record.node));
    // Neither is a dimension: each value would be a metric of its own, and paid for.
    object.insert("RecordId".to_owned(), json!(record.id));
    object.insert("CallSid".to_owned(), json!(record.call));
    object.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": record.received.us / 1000,
            "CloudWatchMetrics": [{ "Namespace": namespace, "Dimensions": dimensions, "Metrics": metrics }],
        }),
    );
    serde_json::to_string(&values).ok()
}

/// Dimensions, metrics and values.
type Parts = (Value, Value, Value);

fn latency(record: &Record) -> Option<Parts> {
    (!record.endpoint.is_empty() && record.kind != Kind::Security).then(|| {
        (
            json!([["Org"], ["Org", "Endpoint"]]),
            json!([{ "Name": "WebhookLatency", "Unit": "Microseconds" }, { "Name": "Faults", "Unit": "Count" }]),
            json!({
                "Endpoint": record.endpoint,
                "WebhookLatency": record.latency_us,
                "Faults": u8::from(record.fault.is_some()),
            }),
        )
    })
}

fn completion(record: &Record) -> Option<Parts> {
    let call = record.summary.as_deref()?;
    let mut metrics =
        vec![json!({ "Name": "Calls", "Unit": "Count" }), json!({ "Name": "CallsTaken", "Unit": "Count" })];
    let mut values = json!({
        "Ending": call.end.as_deref().unwrap_or("unknown"),
        "Calls": 1,
        "CallsTaken": u8::from(call.answered.is_some()),
    });
    if let (Some(waited), Some(object)) = (call.waited, values.as_object_mut()) {
        metrics.push(json!({ "Name": "CallerWait", "Unit": "Seconds" }));
        object.insert("CallerWait".to_owned(), json!(waited));
    }
    Some((json!([["Org"], ["Org", "Ending"]]), Value::Array(metrics), values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::samples;

    #[test]
    fn every_metric_and_dimension_has_its_value() {
        for record in [samples::decision(), samples::closed()] {
            let line: Value = serde_json::from_str(&line(&record, "Ringfall").unwrap()).unwrap();
            let told = &line["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(told["Namespace"], "Ringfall");
            for metric in told["Metrics"].as_array().unwrap() {
                assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric} in {line}");
            }
            for dimension in told["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap()) {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension} in {line}");
            }
            assert!(line["_aws"]["Timestamp"].as_i64().unwrap() > 1_600_000_000_000);
            assert!(!line.to_string().contains("5550123"));
        }
        assert_eq!(line(&samples::security(), "Ringfall"), None);
    }
}
