//! A call as its caller hears it: `ringfall explain --hear`.

use std::fmt::Write as _;

use serde::Serialize;

use crate::draw::explain::json::{CallPart, VERSION, pretty};
use crate::draw::explain::{Explained, header, json};
use crate::journey::hear::{Heard, Sound, heard, long_silences, total};

/// A call as its caller hears it.
#[derive(Debug, Clone, Serialize)]
pub struct HeardCall {
    /// Version of this form.
    pub version: u8,
    /// The call.
    pub call: CallPart,
    /// Everything heard, in order.
    pub heard: Vec<HeardPart>,
    /// Seconds of ringing.
    pub ringing_seconds: u32,
    /// Seconds of speech.
    pub speech_seconds: u32,
    /// Seconds of silence.
    pub silence_seconds: u32,
    /// Seconds until the caller talked to somebody, heard a tone, or was hung up on.
    pub waited_seconds: u32,
    /// How it ended.
    pub end: &'static str,
    /// What callers do not bear.
    pub warnings: Vec<String>,
}

/// One thing heard.
#[derive(Debug, Clone, Serialize)]
pub struct HeardPart {
    /// Seconds since the call came.
    pub at_seconds: u32,
    /// How many seconds it lasts; 0 for a moment, or when nobody knows.
    pub seconds: u32,
    /// ringing, speech, silence, tone, talk or end.
    pub sound: &'static str,
    /// In words.
    pub what: String,
}

/// What the caller hears as lines for a terminal.
pub fn text(explained: Explained<'_>) -> String {
    let all = heard(explained.rules, explained.journey);
    let mut drawing = format!("{:<8} {}\n", "call", header(explained));
    for Heard { at, seconds, sound, what } in &all {
        let lasts = if *seconds == 0 { String::new() } else { format!("{seconds} s") };
        // Writing to a string cannot fail.
        let _infallible = writeln!(drawing, "{:>2}:{:02}    {:<8} {lasts:>5}  {what}", at / 60, at % 60, sound.word());
    }
    let of = |sound| total(&all, sound);
    let sum = format!(
        "{} s of ringing, {} s of speech, {} s of silence; the caller waited {} s",
        of(Sound::Ringing),
        of(Sound::Speech),
        of(Sound::Silence),
        explained.journey.waited
    );
    let _infallible = writeln!(drawing, "{:<8} {sum}", "heard");
    for warning in warnings(&all) {
        let _infallible = writeln!(drawing, "{:<8} {warning}", "warning");
    }
    drawing
}

/// The same for programs.
pub fn json(explained: Explained<'_>) -> String {
    let all = heard(explained.rules, explained.journey);
    let of = |sound| total(&all, sound);
    let form = HeardCall {
        version: VERSION,
        call: json::call(explained),
        ringing_seconds: of(Sound::Ringing),
        speech_seconds: of(Sound::Speech),
        silence_seconds: of(Sound::Silence),
        waited_seconds: explained.journey.waited,
        end: explained.journey.end.word(),
        warnings: warnings(&all),
        heard: all
            .into_iter()
            .map(|Heard { at, seconds, sound, what }| HeardPart { at_seconds: at, seconds, sound: sound.word(), what })
            .collect(),
    };
    pretty(&form)
}

fn warnings(all: &[Heard]) -> Vec<String> {
    let silences = long_silences(all).into_iter();
    silences
        .map(|(at, seconds)| {
            format!(
                "{seconds} s of silence from {}:{:02} on: callers take the line for dead and hang up",
                at / 60,
                at % 60
            )
        })
        .collect()
}
