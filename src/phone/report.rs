//! A call for machines: the log as versioned JSON.

use serde::Serialize;

use crate::phone::log::{CallLog, Drop, End, RungLeg, Who};

/// Version of this form; it changes when a field is removed or changes its meaning.
pub const VERSION: u32 = 1;

/// The whole report.
#[derive(Debug, Serialize)]
struct Report<'a> {
    version: u32,
    call: &'a str,
    from: &'a str,
    to: &'a str,
    end: &'static str,
    dropped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_dropped: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    talked_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handed_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_seconds: Option<u32>,
    waited_seconds: f64,
    lasted_seconds: f64,
    summary: String,
    heard: &'a [String],
    rung: Vec<RungForm>,
    warnings: Vec<WarningForm<'a>>,
    timeline: Vec<EntryForm<'a>>,
    webhooks: Vec<WebhookForm<'a>>,
}

#[derive(Debug, Serialize)]
struct RungForm {
    name: String,
    number: String,
    shown: String,
    call: String,
    at: f64,
    does: &'static str,
    status: &'static str,
    bridged: bool,
    heard: Vec<String>,
}

#[derive(Debug, Serialize)]
struct WarningForm<'a> {
    at: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct EntryForm<'a> {
    at: f64,
    takes: f64,
    who: &'a str,
    kind: &'static str,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct WebhookForm<'a> {
    at: f64,
    purpose: &'static str,
    method: &'static str,
    url: &'a str,
    fields: &'a [(String, String)],
    status: Option<u16>,
    answer: &'a str,
}

/// The call as pretty JSON.
pub fn json(log: &CallLog) -> String {
    let report = Report {
        version: VERSION,
        call: &log.call,
        from: &log.from,
        to: &log.to,
        end: log.end.word(),
        dropped: log.dropped(),
        why_dropped: why(&log.end),
        talked_to: match &log.end {
            End::Connected { name, .. } => Some(name),
            End::Voicemail
            | End::Rejected
            | End::HungUp
            | End::HandedOff
            | End::CallerGone
            | End::Dropped(_)
            | End::Open => None,
        },
        handed_to: log.handed_to.as_deref(),
        message_seconds: log.message.as_ref().map(|message| message.seconds),
        waited_seconds: in_seconds(log.waited),
        lasted_seconds: in_seconds(log.lasted),
        summary: log.summary(),
        heard: &log.heard,
        rung: rung(log),
        warnings: log
            .warnings
            .iter()
            .map(|warning| WarningForm { at: in_seconds(warning.at), code: warning.code, text: &warning.text })
            .collect(),
        timeline: timeline(log),
        webhooks: webhooks(log),
    };
    // Nothing in the report can fail to be written: there are no maps and no foreign types.
    serde_json::to_string_pretty(&report).unwrap_or_default()
}

const fn why(end: &End) -> Option<&'static str> {
    match end {
        End::Dropped(Drop::Error) => Some("error"),
        End::Dropped(Drop::Nothing) => Some("nothing"),
        End::Dropped(Drop::Circles) => Some("circles"),
        End::Open => Some("open"),
        End::Connected { .. } | End::Voicemail | End::Rejected | End::HungUp | End::HandedOff | End::CallerGone => None,
    }
}

fn rung(log: &CallLog) -> Vec<RungForm> {
    let form = |leg: &RungLeg| RungForm {
        name: leg.name.clone(),
        number: leg.number.clone(),
        shown: leg.shown.clone(),
        call: leg.call.clone(),
        at: in_seconds(leg.at),
        does: leg.does.word(),
        status: leg.status,
        bridged: leg.bridged,
        heard: leg.heard.clone(),
    };
    log.rung.iter().map(form).collect()
}

fn timeline(log: &CallLog) -> Vec<EntryForm<'_>> {
    let mut entries = Vec::with_capacity(log.timeline.len());
    for entry in &log.timeline {
        let who = match &entry.who {
            Who::Caller => "caller",
            Who::Callee(name) => name.as_str(),
            Who::Carrier => "carrier",
        };
        let (at, takes) = (in_seconds(entry.at), in_seconds(entry.takes));
        entries.push(EntryForm { at, takes, who, kind: entry.kind.word(), text: &entry.text });
    }
    entries
}

fn webhooks(log: &CallLog) -> Vec<WebhookForm<'_>> {
    log.webhooks
        .iter()
        .map(|webhook| WebhookForm {
            at: in_seconds(webhook.at),
            purpose: webhook.request.purpose.word(),
            method: webhook.request.method.word(),
            url: &webhook.request.url,
            fields: &webhook.request.fields,
            status: webhook.status,
            answer: &webhook.answer,
        })
        .collect()
}

fn in_seconds(milliseconds: u64) -> f64 {
    // A call is far shorter than the 2^52 milliseconds that a float holds exactly.
    std::time::Duration::from_millis(milliseconds).as_secs_f64()
}
