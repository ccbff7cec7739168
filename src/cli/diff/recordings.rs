//! Recorded calls that stand in files of their own, as `fixtures/recorded` holds them: each is played by its own rules,
//! and what its people did is kept.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::audit::record::{Kind, Received, Record};
use crate::cli::replay::files;
use crate::cli::rulefiles;
use crate::diff::Trail;
use crate::model::moment::Zone;
use crate::replay::again::{Keys, Outcome, Stage, Tape, play};
use crate::replay::copy;
use crate::replay::recording::Recording;
use crate::rules::ruleset::RuleSet;
use crate::twiml::templates::Templates;

/// Adds the call of a recording to the trail; an error says what is wrong with the file.
pub(crate) fn add(path: &Path, templates: &Templates, trail: &mut Trail) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let text = files::text(path).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    let recording = Recording::read(&name, &text).map_err(|error| anyhow::anyhow!("{error}"))?;
    let rules = rules_of(&recording, path)?;
    let tape = Tape::of(&recording).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    let stage = Stage::believing(&rules, templates);
    let mut keys = Keys::default();
    for (request, webhook) in tape.requests.iter().zip(&recording.webhooks) {
        let played =
            play(&tape, request, &stage, &mut keys, None).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        let received = Received { us: request.at.as_microsecond(), ..Received::at(request.at, &Zone::utc()) };
        let mut record = Record::blank(Kind::Decision, uuid::Uuid::nil(), "", received);
        record.org.clone_from(&recording.org);
        record.call.clone_from(&recording.call);
        if let Outcome::Caller(stand, answered) = &played.outcome {
            let called = field(&webhook.form, "To");
            crate::respond::written::decision(&mut record, &rules, &called, stand, answered);
            record.reported.dial_seconds = field(&webhook.form, "DialCallDuration").parse().ok();
            trail.record(&record);
        } else if let Outcome::Callee(screened) = &played.outcome {
            record.kind = Kind::Screen;
            record.reported.accepted = crate::respond::callee::accepted(screened.screen);
            trail.record(&record);
        }
    }
    let mut closed = Record::blank(Kind::Closed, uuid::Uuid::nil(), "", Received::default());
    closed.org.clone_from(&recording.org);
    closed.call.clone_from(&recording.call);
    closed.summary =
        Some(Box::new(crate::audit::summary::Summary { end: Some(recording.end.clone()), ..Default::default() }));
    trail.record(&closed);
    Ok(())
}

fn rules_of(recording: &Recording, path: &Path) -> anyhow::Result<RuleSet> {
    let name = path.display();
    if !recording.rules.texts.is_empty() {
        return copy::rules(&recording.rules.texts).map_err(|error| anyhow::anyhow!("{name}: {error}"));
    }
    let file = recording.rules.file.as_ref().with_context(|| format!("{name}: it names no rules"))?;
    let beside: PathBuf = path.parent().unwrap_or(Path::new(".")).join(file);
    let files = rulefiles::gather(&[beside]).with_context(|| format!("{name}: its rules are gone"))?;
    let rules = files.first().and_then(rulefiles::usable).map(|(rules, _)| rules);
    rules.with_context(|| format!("{name}: the rules that it was recorded under cannot be used"))
}

/// A field of the form; empty when there is none.
fn field(form: &[String], name: &str) -> String {
    let body = form.join("&");
    let found = form_urlencoded::parse(body.as_bytes()).find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}
