//! Whether what the service wrote down is what the phone noticed.

use std::collections::BTreeSet;

use ringfall::audit::record::Record;
use ringfall::audit::summary::Summary;
use ringfall::phone::log::{CallLog, End};

use super::story::Story;

/// Everything that was written down otherwise.
pub(crate) fn differences(story: &Story, log: &CallLog, summary: Option<&Summary>, records: &[Record]) -> Vec<String> {
    let mut found = Vec::new();
    let Some(summary) = summary else { return vec!["nothing was written down".to_owned()] };
    let end = summary.end.as_deref().unwrap_or("nothing");
    let wanted = story.expect.recorded.as_deref().unwrap_or_else(|| log.end.word());
    if end != wanted {
        found.push(format!("written down as {end}, not {wanted}"));
    }
    let contacts: Vec<&str> = log.rung.iter().map(|leg| leg.name.as_str()).filter(|name| !name.contains(':')).collect();
    let rung: Vec<&str> = summary.rung.iter().map(|rung| rung.contact.as_str()).collect();
    if rung != contacts {
        found.push(format!("written down that {rung:?} were rung, not {contacts:?}"));
    }
    if let (End::Connected { name, .. }, Some(answered)) = (&log.end, &summary.answered)
        && answered.by.as_deref().is_some_and(|by| by != name)
    {
        found.push(format!("written down that {:?} answered, not {name}", answered.by));
    }
    waited(log, summary, &mut found);
    if summary.closed_us.is_none() {
        found.push("the call is still open in the books".to_owned());
    }
    effects(story, records, &mut found);
    found
}

/// The service reckons back from what it is told: a caller's silence after a message counts as waiting for it.
fn waited(log: &CallLog, summary: &Summary, found: &mut Vec<String>) {
    let near = match log.end {
        End::Connected { .. } => 2,
        End::Voicemail => 6,
        End::Rejected | End::HungUp | End::HandedOff | End::CallerGone | End::Dropped(_) | End::Open => return,
    };
    let waited = log.waited / 1_000;
    if summary.waited.is_none_or(|told| u64::from(told).abs_diff(waited) > near) {
        found.push(format!("written down that the caller waited {:?} s, not {waited}", summary.waited));
    }
}

/// Each effect once, and those that the story names.
fn effects(story: &Story, records: &[Record], found: &mut Vec<String>) {
    let mut keys = BTreeSet::new();
    let mut kinds = Vec::new();
    for effect in records.iter().flat_map(|record| &record.effects) {
        if !keys.insert(effect.key.as_str()) {
            found.push(format!("the effect `{}` was written down twice", effect.key));
        }
        kinds.push(effect.kind.as_str());
    }
    if let Some(wanted) = &story.expect.effects {
        kinds.sort_unstable();
        let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        wanted.sort_unstable();
        if kinds != wanted {
            found.push(format!("effects {kinds:?}, not {wanted:?}"));
        }
    }
}
