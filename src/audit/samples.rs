//! Records for tests: one of each sort that tells something of its own.

use crate::audit::record::Record;

/// A decision that names its caller in every place where one can be named.
pub(crate) fn decision() -> Record {
    read(DECISION)
}

/// The same with another name, place in the call and time.
pub(crate) fn numbered(number: u64) -> Record {
    let mut record = decision();
    record.id = uuid::Uuid::from_u128(0x019a_a5a0_0000_7000_8000_0000_0000_0000 | u128::from(number));
    record.step = format!("step-{number}");
    record.received.us += i64::try_from(number).unwrap_or_default();
    record
}

/// A refused request.
pub(crate) fn security() -> Record {
    read(SECURITY)
}

/// The end of a call.
pub(crate) fn closed() -> Record {
    read(CLOSED)
}

fn read(text: &str) -> Record {
    serde_json::from_str(text).unwrap_or_else(|error| unreachable!("{error}"))
}

const DECISION: &str = r#"{"schema":1,"id":"019aa5a0-0000-7000-8000-000000000001","kind":"decision","org":"acme","node":"one",
"received":{"us":1795456800000000,"utc":"2026-11-23T18:00:00.000000Z","local":"2026-11-23T10:00:00.000000-08:00","zone":"America/Los_Angeles"},
"endpoint":"inbound-call","call":"CA0123456789abcdef0123456789abcdef","account":"AC0123456789abcdef0123456789abcdef","step":"arrived","request":{"method":"POST","target":"/twilio/inbound-call","body":"From=%2B13125550123&To=%2B16195550100"},"began":1795456800,"verifier":"primary",
"facts":{"line":"main","called":"+16195550100","caller":"+13125550123","caller_is":"number","attestation":"passed-a","forwarded_from":"+13125550142","happened":"arrived","speech":"it is about Anna","digits":"4711"},
"reported":{"call_status":"ringing","recording":"RE0123","recording_url":"https://api.example.com/RE0123","text":"call me back","contact":"primary"},
"to":{"step":"0.0","stage":0,"hop":1},
"decision":{"act":"ring","step":"0.0","contacts":["primary"],"seconds":20,"plan":"rings primary for 20 s, showing +13125550123"},
"trace":[{"depth":0,"path":"lines/main","text":"taken: line main"},{"depth":1,"path":"flows/main/0","text":"taken: caller +13125550123 is one of vip, line +16195550100"}],
"rules":"0123456789abcdef","templates":"fedcba9876543210","tzdb":"2026f","twiml":"<Response><Say>Call from 3 1 2, 5 5 5, 0 1 2 3</Say></Response>","latency_us":412}"#;

const SECURITY: &str = r#"{"schema":1,"id":"019aa5a0-0000-7000-8000-000000000002","kind":"security","org":"","node":"one",
"received":{"us":1795456801000000,"utc":"2026-11-23T18:00:01.000000Z","local":"2026-11-23T18:00:01.000000+00:00","zone":"UTC"},
"endpoint":"inbound-call","step":"019aa5a0-0000-7000-8000-000000000002","tzdb":"2026f",
"security":{"event":"signature-refused","peer":"192.0.2.7","detail":"To=+16195550100"},"latency_us":9}"#;

const CLOSED: &str = r#"{"schema":1,"id":"019aa5a0-0000-7000-8000-000000000003","kind":"closed","org":"acme","node":"one",
"received":{"us":1795456900000000,"utc":"2026-11-23T18:01:40.000000Z","local":"2026-11-23T10:01:40.000000-08:00","zone":"America/Los_Angeles"},
"call":"CA0123456789abcdef0123456789abcdef","step":"closed","began":1795456800,"latency_us":0,
"summary":{"org":"acme","call":"CA0123456789abcdef0123456789abcdef","line":"main","called":"+16195550100","caller":"+13125550123",
"began_us":1795456800000000,"last_us":1795456870000000,"zone":"America/Los_Angeles","rung":[{"hop":1,"contact":"primary","at_us":1795456800000000,"outcome":"no_answer"},
{"hop":2,"contact":"backup","at_us":1795456820000000,"outcome":"connected"}],"answered":{"by":"backup","at_us":1795456829000000},"waited":29,"end":"connected","hops":3,"act":"nothing",
"over_us":1795456870000000,"closed_us":1795456900000000,"closed_by":"status"}}"#;
