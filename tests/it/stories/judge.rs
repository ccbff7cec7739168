//! Whether a call went as its story says: every difference, in words.

use std::collections::BTreeMap;

use ringfall::phone::log::{CallLog, End, seconds};
use ringfall::phone::wire::Purpose;

use super::story::{Expect, Story};

/// Everything that went otherwise.
pub(crate) fn differences(story: &Story, log: &CallLog) -> Vec<String> {
    let mut found = Vec::new();
    let expect = &story.expect;
    people(expect, log, &mut found);
    words(expect, log, &mut found);
    times(expect, log, &mut found);
    requests(expect, log, &mut found);
    complaints(expect, log, &mut found);
    found
}

fn people(expect: &Expect, log: &CallLog, found: &mut Vec<String>) {
    if log.end.word() != expect.ends {
        found.push(format!("ends {}, not {}", log.end.word(), expect.ends));
    }
    let talked = if let End::Connected { name, .. } = &log.end { Some(name.as_str()) } else { None };
    if expect.talked_to.is_some() && talked != expect.talked_to.as_deref() {
        found.push(format!("talked to {talked:?}, not {:?}", expect.talked_to));
    }
    if let Some(rings) = &expect.rings
        && log.rung_names() != *rings
    {
        found.push(format!("rang {:?}, not {rings:?}", log.rung_names()));
    }
    let shown: Vec<&str> = log.rung.iter().map(|leg| leg.shown.as_str()).collect();
    if let Some(shows) = &expect.shows
        && shown != *shows
    {
        found.push(format!("showed {shown:?}, not {shows:?}"));
    }
    if expect.handed_to.is_some() && log.handed_to != expect.handed_to {
        found.push(format!("handed to {:?}, not {:?}", log.handed_to, expect.handed_to));
    }
}

fn words(expect: &Expect, log: &CallLog, found: &mut Vec<String>) {
    let mut heard = log.heard.iter();
    for wanted in &expect.hears {
        if !heard.any(|text| text.contains(wanted)) {
            found.push(format!("never heard `{wanted}` in its place; heard {:?}", log.heard));
        }
    }
    for wanted in &expect.whispers {
        if !log.rung.iter().any(|leg| leg.heard.iter().any(|text| text.contains(wanted))) {
            found.push(format!("no callee heard `{wanted}`"));
        }
    }
}

fn times(expect: &Expect, log: &CallLog, found: &mut Vec<String>) {
    if let Some(waits) = &expect.waits {
        let most = waits.trim_start_matches("<=").trim().trim_end_matches('s').parse::<u64>().unwrap();
        if log.waited > most * 1_000 {
            found.push(format!("waited {}, more than {most} s", seconds(log.waited)));
        }
    }
    let left = log.message.as_ref().map(|message| message.seconds);
    let wanted = expect.message.as_deref().and_then(super::story::seconds);
    if expect.message.is_some() && left != wanted {
        found.push(format!("left a message of {left:?} s, not {wanted:?}"));
    }
}

fn requests(expect: &Expect, log: &CallLog, found: &mut Vec<String>) {
    let mut dials: Vec<BTreeMap<&str, &str>> = Vec::new();
    let mut last = "";
    for webhook in log.webhooks.iter().filter(|webhook| webhook.request.purpose == Purpose::Action) {
        let fields = webhook.request.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: BTreeMap<&str, &str> = fields.collect();
        // Repetitions of one request carry one token.
        if fields.contains_key("DialCallStatus") && webhook.request.token != last {
            last = &webhook.request.token;
            dials.push(fields);
        }
    }
    if let Some(actions) = &expect.actions {
        if actions.len() != dials.len() {
            found.push(format!("{} dials were reported, not {}", dials.len(), actions.len()));
        }
        for (action, dial) in actions.iter().zip(&dials) {
            for (name, value) in action {
                let sent = dial.get(name.as_str()).copied().unwrap_or("absent");
                if sent != value {
                    found.push(format!("{name} was reported as {sent}, not {value}"));
                }
            }
        }
    }
    for kind in &expect.callbacks {
        if !log.webhooks.iter().any(|webhook| webhook.request.purpose.word() == kind) {
            found.push(format!("no {kind} request was sent"));
        }
    }
    let own = |webhook: &&ringfall::phone::log::Webhook| {
        webhook.request.purpose == Purpose::Status
            && !webhook.request.fields.iter().any(|(name, _)| name == "ParentCallSid")
    };
    let told = log.webhooks.iter().rfind(own).and_then(|webhook| {
        webhook.request.fields.iter().find(|(name, _)| name == "CallStatus").map(|(_, value)| value.clone())
    });
    if expect.status.is_some() && told != expect.status {
        found.push(format!("the call's final status was {told:?}, not {:?}", expect.status));
    }
}

/// Whatever the carrier would complain about is a fault, unless the story says so.
fn complaints(expect: &Expect, log: &CallLog, found: &mut Vec<String>) {
    for warning in &log.warnings {
        if !expect.warnings.iter().any(|part| warning.text.contains(part)) {
            found.push(format!("complained: {:?} {}", warning.code, warning.text));
        }
    }
    for part in &expect.warnings {
        if !log.warnings.iter().any(|warning| warning.text.contains(part)) {
            found.push(format!("no complaint about `{part}`"));
        }
    }
    let unanswered = log.webhooks.iter().filter(|webhook| webhook.status != Some(200)).count();
    if unanswered > 0 {
        found.push(format!("{unanswered} requests were not answered with 200"));
    }
}
