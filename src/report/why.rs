//! One call told: in a sentence, as it went on, and with the reasons.

use jiff::Timestamp;

use crate::audit::record::{Kind, Record, SecurityEvent};
use crate::audit::summary::{Rung, Summary};
use crate::model::moment::{Moment, Zone};

/// The call as its records tell it; the summary is folded from them.
pub fn folded(records: &[Record]) -> Summary {
    let mut summary = Summary::default();
    records.iter().filter(|record| record.kind != Kind::Security).for_each(|record| summary.fold(record));
    summary
}

/// "Mon 2026-11-23 10:00: +13125550123 called main, rang primary (no answer), rang backup (took it after 9 s), talked
/// for 41 s".
pub fn sentence(call: &Summary) -> String {
    let zone = Zone::named(&call.zone).unwrap_or_else(Zone::utc);
    let began = Timestamp::from_microsecond(call.began_us).unwrap_or(Timestamp::UNIX_EPOCH);
    let moment = Moment::new(began, &zone).zoned().strftime("%a %Y-%m-%d %-H:%M").to_string();
    let line = call.line.as_deref().unwrap_or(&call.called);
    let mut parts = vec![format!("{} called {line}", if call.caller.is_empty() { "somebody" } else { &call.caller })];
    let mut place = 0;
    while let Some(first) = call.rung.get(place) {
        let same = call.rung.iter().skip(place).take_while(|rung| rung.hop == first.hop);
        let group: Vec<&Rung> = same.collect();
        place += group.len();
        parts.push(ring(call, &group));
    }
    parts.extend(last(call));
    let imagined = if call.imagined { "; an imagined time, so no wait is known" } else { "" };
    format!("{moment}: {}{imagined}", parts.join(", "))
}

fn ring(call: &Summary, group: &[&Rung]) -> String {
    let names: Vec<_> = group.iter().map(|rung| rung.contact.as_str()).collect();
    let taken = group.iter().any(|rung| rung.outcome.as_deref() == Some("connected"));
    let at = group.first().map_or(0, |rung| rung.at_us);
    let came = match (&call.answered, group.first().and_then(|rung| rung.outcome.as_deref())) {
        (Some(answered), _)
            if taken
                || group.iter().any(|rung| answered.by.as_ref() == Some(&rung.contact) && rung.outcome.is_none()) =>
        {
            let after = (answered.at_us - at).max(0) / 1_000_000;
            let after = if call.imagined { String::new() } else { format!(" after {after} s") };
            let who =
                answered.by.as_deref().filter(|_| names.len() > 1).map(|who| format!("{who} ")).unwrap_or_default();
            format!("{who}took it{after}")
        }
        (_, Some(outcome)) => told(outcome).to_owned(),
        (_, None) => "no word of how it ended".to_owned(),
    };
    format!("rang {} ({came})", names.join(" and "))
}

fn told(outcome: &str) -> &str {
    match outcome {
        "answered_no_key" => "picked up, no key",
        "no_answer" => "no answer",
        "failed" => "not reachable",
        other => other,
    }
}

fn last(call: &Summary) -> Option<String> {
    if let Some(answered) = &call.answered {
        let over = call.over_us.filter(|_| !call.imagined)?;
        return Some(format!("talked for {} s", (over - answered.at_us).max(0) / 1_000_000));
    }
    let waited = call.waited.map(|seconds| format!(" after {seconds} s")).unwrap_or_default();
    Some(match call.end.as_deref()? {
        "voicemail" => match call.message_seconds {
            Some(seconds) if seconds > 0 => format!("left a message of {seconds} s"),
            _ => "reached the mailbox and left nothing".to_owned(),
        },
        "texted" => "asked for a text instead".to_owned(),
        "rejected" => "was refused".to_owned(),
        "hung_up" => "was hung up on".to_owned(),
        "handed_off" => "was handed off".to_owned(),
        "caller_gone" => format!("hung up{waited}"),
        "unknown" => "no word of how it ended".to_owned(),
        other => other.to_owned(),
    })
}

/// The call as it went on: one line for each record, seconds from its beginning, or from the first when that is
/// imagined.
pub fn timeline(records: &[Record]) -> String {
    let call = folded(records);
    let first = records.first().map_or(call.began_us, |first| first.received.us);
    let began = if call.imagined { first } else { call.began_us };
    let mut out = String::new();
    for record in records {
        let after = (record.received.us - began).max(0);
        out.push_str(&format!("{:>6}.{} s  {}\n", after / 1_000_000, after / 100_000 % 10, event(record)));
    }
    out
}

/// What was refused, with what is known of it: the organization that was named, and the reason.
fn refused(event: &SecurityEvent) -> String {
    let detail = if event.detail.is_empty() { String::new() } else { format!(", {}", event.detail) };
    format!("refused: {}{detail}", event.event)
}

/// What a record tells, in a few words.
pub fn event(record: &Record) -> String {
    let reported = &record.reported;
    let who = || reported.contact.as_deref().unwrap_or("the callee");
    let mut told = match record.kind {
        Kind::Decision => decided(record),
        Kind::Screen => match reported.accepted {
            Some(true) => format!("{} takes the call", who()),
            Some(false) => format!("{} declines", who()),
            None => format!("{} is asked for a key", who()),
        },
        Kind::Status => {
            let leg = if record.leg.is_some() { format!("the leg of {}", who()) } else { "the call".to_owned() };
            let status = reported.call_status.as_deref().unwrap_or("?");
            let lasted = reported.call_seconds.map(|seconds| format!(" after {seconds} s")).unwrap_or_default();
            format!("the carrier reports: {leg} is {status}{lasted}")
        }
        Kind::Recording => {
            format!(
                "a message of {} s is recorded",
                reported.seconds.map_or_else(|| "?".to_owned(), |seconds| seconds.to_string())
            )
        }
        Kind::Transcription => "the message is written out".to_owned(),
        Kind::Message => "a text message is reported".to_owned(),
        Kind::Closed => {
            let end = record.summary.as_ref().and_then(|summary| summary.end.as_deref()).unwrap_or("unknown");
            format!("the call is closed: {end}")
        }
        Kind::Trial => {
            let tried = record.tried.as_ref().map_or("", |tried| tried.new.as_str());
            format!("rules on trial would have answered otherwise: {tried}")
        }
        Kind::Security => record.security.as_ref().map_or_else(String::new, refused),
    };
    for anomaly in &reported.anomalies {
        told.push_str(&format!("; odd: {anomaly}"));
    }
    if let Some(fault) = &record.fault {
        told.push_str(&format!("; answered in spite of: {fault}"));
    }
    told
}

fn decided(record: &Record) -> String {
    let plan = record.decision.as_ref().map_or("nothing was decided", |decision| decision.plan.as_str());
    let before = record.facts.as_ref().and_then(|facts| {
        let outcome = facts.outcome.as_deref().map(|outcome| format!("the ring ended: {}", told(outcome)));
        outcome.or_else(|| facts.digits.as_ref().map(|digits| format!("the caller pressed {digits}")))
    });
    match before {
        Some(before) => format!("{before}; {plan}"),
        None => plan.to_owned(),
    }
}

/// The reasons of each answer, as they were written down.
pub fn reasons(records: &[Record]) -> String {
    let mut out = String::new();
    for record in records.iter().filter(|record| !record.trace.is_empty()) {
        let rules = record.rules.as_deref().unwrap_or("unknown");
        out.push_str(&format!(
            "{} {} by rules {rules}, {} µs\n",
            record.received.local, record.endpoint, record.latency_us
        ));
        for line in &record.trace {
            let indent = "  ".repeat(usize::from(line.depth) + 1);
            let words = format!("{indent}{}", line.text);
            out.push_str(format!("{words:<76}  {}", line.path).trim_end());
            out.push('\n');
        }
    }
    out
}
