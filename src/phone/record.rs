//! Record: the tone, the message, the action, and what is told of the recording afterwards.

use crate::phone::carrier::{After, Carrier, Gone, Page, Step};
use crate::phone::log::{Kind, LeftMessage, Who};
use crate::phone::parameters::{Fields, Status, field, rfc2822};
use crate::phone::script::{MessageEnd, People, Phase, Quirk};
use crate::phone::verbs::{method, number, resolve};
use crate::phone::wire::{Exchange, Method, Purpose};
use crate::twiml::document::Element;

/// Milliseconds of the tone.
const TONE: u64 = 1_000;

/// Shortest and longest message that is turned into text, in seconds.
const TRANSCRIBED: std::ops::RangeInclusive<u64> = 2..=120;

/// How a recording came out.
struct Taken {
    seconds: u64,
    /// The key that ended it, or `hangup`.
    digits: Option<String>,
    gone: bool,
}

impl<X: Exchange, P: People> Carrier<'_, X, P> {
    pub(crate) async fn record(&mut self, verb: &Element, page: &Page) -> Step<After> {
        self.answer();
        if self.got.talked.is_some() {
            let advice = "a mailbox after a conversation: `<Dial>` without `action` goes on to the next verb";
            self.complain(None, advice.to_owned());
        }
        self.served();
        self.got.mailbox = true;
        if verb.attribute("playBeep") != Some("false") {
            self.note(Who::Caller, Kind::Tone, TONE, "hears the tone".to_owned());
            self.spend(TONE, &Phase::Pause, &[]).await?;
        }
        let recording = self.sid("RE", "recording");
        let began = self.moment();
        let taken = self.take_message(verb).await;
        self.log.message = Some(LeftMessage { seconds: u32::try_from(taken.seconds).unwrap_or(u32::MAX) });
        let silent = taken.seconds == 0;
        let (status, source) = ("completed", "RecordVerb");
        let news = RecordingNews { recording: &recording, status, seconds: taken.seconds, began, source };
        let target = verb.attribute("action").unwrap_or_default();
        if silent && !self.has_quirk(Quirk::SilenceKept) {
            self.tell_of_recording(verb, page, &RecordingNews { status: "absent", ..news });
            return if taken.gone { Err(Gone) } else { Ok(After::Next) };
        }
        let mut fields = vec![
            field("RecordingUrl", &self.recording_url(&recording)),
            field("RecordingSid", &recording),
            field("RecordingDuration", &taken.seconds.to_string()),
        ];
        if let Some(digits) = &taken.digits {
            fields.push(field("Digits", digits));
        }
        self.tell_of_recording(verb, page, &news);
        self.transcription_news(verb, page, &recording, taken.seconds);
        if taken.gone {
            self.action_after_hang_up(verb, page, target, fields).await;
            return Err(Gone);
        }
        let errand = self.errand_to(verb, page, target, fields);
        Ok(After::Document(errand))
    }

    async fn take_message(&mut self, verb: &Element) -> Taken {
        let message = self.message();
        let most = number(verb, "maxLength").unwrap_or(3_600);
        let silence = number(verb, "timeout").unwrap_or(5).saturating_mul(1_000);
        let Some(wished) = message.seconds else {
            self.note(Who::Caller, Kind::Silence, silence, "says nothing".to_owned());
            let gone = self.spend(silence, &Phase::Record, &[]).await.is_err();
            return Taken { seconds: 0, digits: None, gone };
        };
        let seconds = u64::from(wished).min(most);
        self.note(Who::Caller, Kind::Records, seconds * 1_000, format!("leaves a message of {seconds} s"));
        let start = self.now;
        if self.spend(seconds * 1_000, &Phase::Record, &[]).await.is_err() {
            let seconds = (self.now - start) / 1_000;
            return Taken { seconds, digits: Some("hangup".to_owned()), gone: true };
        }
        if u64::from(wished) > most {
            self.complain(None, format!("the message was cut at `maxLength`, {most} s"));
            return Taken { seconds, digits: None, gone: false };
        }
        let keys = verb.attribute("finishOnKey").unwrap_or("1234567890*#");
        match message.ends {
            MessageEnd::HangUp => {
                self.hang_up();
                Taken { seconds, digits: Some("hangup".to_owned()), gone: true }
            }
            MessageEnd::Key(key) if keys.contains(key) => {
                self.note(Who::Caller, Kind::Presses, 0, format!("presses {key}"));
                Taken { seconds, digits: Some(key.to_string()), gone: false }
            }
            MessageEnd::Key(_) | MessageEnd::Silence => {
                self.note(Who::Caller, Kind::Silence, silence, "waits".to_owned());
                let gone = self.spend(silence, &Phase::Record, &[]).await.is_err();
                Taken { seconds, digits: gone.then(|| "hangup".to_owned()), gone }
            }
        }
    }

    /// An action that is still requested though the caller has gone; its answer is ignored.
    pub(crate) async fn action_after_hang_up(&mut self, verb: &Element, page: &Page, target: &str, fields: Fields) {
        if self.has_quirk(Quirk::StatusFirst) {
            self.final_news().await;
        }
        if self.has_quirk(Quirk::NoActionAfterHangUp) {
            return;
        }
        let mut leg = self.leg.clone();
        leg.status = self.final_status();
        let errand = self.errand_to(verb, page, target, fields);
        // The caller hears nothing of it; a failure is noted where it happens.
        drop(self.page(&leg, &errand).await);
    }

    /// Where the carrier keeps a recording.
    pub(crate) fn recording_url(&self, recording: &str) -> String {
        format!("https://api.twilio.com/2010-04-01/Accounts/{}/Recordings/{recording}", self.call.account)
    }

    /// What `recordingStatusCallback` of a Record or Dial is told.
    pub(crate) fn tell_of_recording(&mut self, verb: &Element, page: &Page, news: &RecordingNews<'_>) {
        let events = verb.attribute("recordingStatusCallbackEvent").unwrap_or("completed");
        let Some(target) = verb.attribute("recordingStatusCallback") else { return };
        if !events.split_whitespace().any(|event| event == news.status) {
            return;
        }
        let url = self.local(&resolve(&page.url, target));
        let fields = vec![
            field("AccountSid", &self.call.account),
            field("CallSid", &self.leg.sid),
            field("RecordingSid", news.recording),
            field("RecordingUrl", &self.recording_url(news.recording)),
            field("RecordingStatus", news.status),
            field("RecordingDuration", &news.seconds.to_string()),
            field("RecordingChannels", "1"),
            field("RecordingSource", news.source),
            field("RecordingStartTime", &rfc2822(news.began)),
            field("RecordingTrack", "both"),
        ];
        self.later_news(Purpose::Recording, &url, method(verb, "recordingStatusCallbackMethod"), fields);
    }

    fn transcription_news(&mut self, verb: &Element, page: &Page, recording: &str, seconds: u64) {
        let Some(target) = verb.attribute("transcribeCallback") else { return };
        if verb.attribute("transcribe") != Some("true") {
            self.complain(None, "`transcribeCallback` does nothing without `transcribe=\"true\"`".to_owned());
            return;
        }
        if !TRANSCRIBED.contains(&seconds) {
            return;
        }
        let url = self.local(&resolve(&page.url, target));
        let mut leg = self.leg.clone();
        leg.status = Status::Completed;
        let transcription = self.sid("TR", "transcription");
        let (status, text) = match self.script.transcript.as_str() {
            "failed" => ("failed", ""),
            text => ("completed", text),
        };
        let mut fields = leg.fields(&self.common);
        fields.extend([
            field("TranscriptionSid", &transcription),
            field("TranscriptionText", text),
            field("TranscriptionStatus", status),
            field("TranscriptionUrl", &format!("{}/Transcriptions/{transcription}", self.recording_url(recording))),
            field("TranscriptionType", "fast"),
            field("RecordingSid", recording),
            field("RecordingUrl", &self.recording_url(recording)),
        ]);
        self.later_news(Purpose::Transcription, &url, Method::Post, fields);
    }
}

/// What is told of a recording.
#[derive(Clone, Copy)]
pub(crate) struct RecordingNews<'a> {
    pub(crate) recording: &'a str,
    pub(crate) status: &'a str,
    pub(crate) seconds: u64,
    pub(crate) began: jiff::Timestamp,
    pub(crate) source: &'a str,
}
