//! What the carrier only reports: states of legs, recordings and transcripts. All are answered with nothing.

use crate::audit::record::{Kind, Reported};
use crate::webhook::event::{CallEvent, RecordingStatus};

/// What makes the report of a leg's state the same as its repeat, within the call.
pub fn status_step(event: &CallEvent) -> String {
    let leg = event.parent.as_ref().map_or("call", |_| event.call.as_str());
    let sequence = event.sequence.map_or_else(String::new, |number| format!(".{number}"));
    format!("status.{leg}.{}{sequence}", event.status.word())
}

/// What makes the report of a recording or of a transcript the same as its repeat, within the call.
pub fn message_step(kind: Kind, event: &CallEvent) -> String {
    let sid = event.recording.as_ref().and_then(|it| it.sid.as_deref()).unwrap_or("-");
    format!("{}.{sid}.{}", kind.word(), message_status(event))
}

/// How a recording or its transcript stands.
pub fn message_status(event: &CallEvent) -> &'static str {
    if let Some(transcription) = &event.transcription {
        return if transcription.failed { "failed" } else { "completed" };
    }
    match event.recording.as_ref().map(|recording| recording.status) {
        Some(RecordingStatus::InProgress) => "in-progress",
        Some(RecordingStatus::Completed) | None => "completed",
        Some(RecordingStatus::Absent) => "absent",
        Some(RecordingStatus::Failed) => "failed",
        Some(RecordingStatus::Unknown) => "unknown",
    }
}

/// What the carrier reported, in its own words.
pub fn reported(event: &CallEvent) -> Reported {
    let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let (dial, recording) = (event.dial.as_ref(), event.recording.as_ref());
    let transcription = event.transcription.as_ref();
    Reported {
        call_status: Some(event.status.word().to_owned()),
        call_seconds: event.seconds,
        dial_status: dial.map(|dial| dial.status.word().to_owned()),
        dial_bridged: dial.and_then(|dial| dial.bridged),
        dial_seconds: dial.and_then(|dial| dial.seconds),
        dial_leg: dial.and_then(|dial| dial.leg.as_ref()).map(ToString::to_string),
        sequence: event.sequence,
        recording: recording.and_then(|recording| text(&recording.sid)),
        recording_url: recording.and_then(|recording| text(&recording.url)),
        seconds: recording.and_then(|recording| recording.seconds),
        text: transcription.and_then(|transcription| text(&transcription.text)),
        error: event.fault.as_ref().map(|fault| fault.code.to_string()),
        ..Reported::default()
    }
}
