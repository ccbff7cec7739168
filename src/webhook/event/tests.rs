//! The odd shapes in which the carrier's fields come.

use super::*;
use crate::webhook::form::Charset;
use crate::webhook::raw::Limits;
use proptest::prelude::*;

const CALL: &str = "CA0123456789abcdef0123456789abcdef";
const CHILD: &str = "CAfedcba9876543210fedcba9876543210";

fn call(fields: &[(&str, &str)]) -> CallEvent {
    let form = Form::of([("CallSid", CALL)].into_iter().chain(fields.iter().copied()));
    CallEvent::read(Endpoint::Continue, &form).unwrap()
}

#[test]
fn a_first_request_is_read_whole() {
    let event = call(&[
        ("AccountSid", "AC0123456789abcdef0123456789abcdef"),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("From", "+16195550111"),
        ("To", "+16195550100"),
        ("ForwardedFrom", "+18585550107"),
        ("StirVerstat", "TN-Validation-Passed-A"),
        ("CallToken", "%7B%22parentCallInfoToken%22%3A1%7D"),
        ("SomethingNew", "x"),
    ]);
    assert_eq!(event.status, CallStatus::Ringing);
    assert_eq!(event.from.number().map(E164::as_str), Some("+16195550111"));
    assert_eq!(event.to.number.as_ref().map(E164::as_str), Some("+16195550100"));
    assert_eq!(event.forwarded_from.as_ref().map(E164::as_str), Some("+18585550107"));
    assert_eq!(event.attestation, Attestation::PassedA);
    assert!(event.account.is_some() && event.dial.is_none() && event.recording.is_none());
}

#[test]
fn only_the_call_is_demanded() {
    let bare = call(&[]);
    assert_eq!((bare.status, bare.from, bare.to), (CallStatus::Missing, Caller::Withheld, Called::default()));
    let read = |fields: &[(&str, &str)]| CallEvent::read(Endpoint::InboundCall, &Form::of(fields.iter().copied()));
    assert_eq!(read(&[("From", "+16195550111")]), Err(EventError::NoCall));
    assert_eq!(read(&[("CallSid", "")]), Err(EventError::NoCall));
    assert!(matches!(read(&[("CallSid", "12345")]), Err(EventError::BadCall(_))));
}

#[test]
fn callers_and_numbers_have_odd_forms() {
    assert_eq!(call(&[("From", "+266696687"), ("FromCountry", "LS")]).from, Caller::Withheld);
    assert_eq!(call(&[("From", ""), ("Caller", "Anonymous")]).from, Caller::Withheld);
    assert_eq!(call(&[("Caller", "client:front-desk")]).from, Caller::Client("front-desk".into()));
    assert_eq!(call(&[("From", "16195550111")]).from, Caller::Malformed("16195550111".into()));
    let number = |to: &str| call(&[("Called", to)]).to.number.map(|number| number.as_str().to_owned());
    assert_eq!(number("16195550100").as_deref(), Some("+16195550100"));
    assert_eq!(number("whatsapp:+16195550100").as_deref(), Some("+16195550100"));
    assert_eq!(number("sip:front@pbx.example.com"), None);
}

#[test]
fn a_ring_may_end_without_a_leg_or_a_length() {
    let full = call(&[
        ("DialCallStatus", "completed"),
        ("DialCallSid", CHILD),
        ("DialCallDuration", "42"),
        ("DialBridged", "true"),
    ]);
    let report = full.dial.unwrap();
    assert_eq!((report.bridged, report.seconds), (Some(true), Some(42)));
    assert_eq!(report.leg.as_ref().map(CallSid::as_str), Some(CHILD));
    let bare = call(&[("DialCallStatus", "no-answer"), ("DialBridged", "maybe"), ("DialCallDuration", "")]);
    let expected = DialReport { status: DialStatus::NoAnswer, ..DialReport::default() };
    assert_eq!(bare.dial, Some(expected));
    assert_eq!(call(&[("DialCallSid", CHILD)]).dial, None);
}

#[test]
fn misspelt_states_are_kept_and_are_not_the_end() {
    assert_eq!(CallStatus::parse("Cancelled"), CallStatus::Canceled);
    assert_eq!(CallStatus::parse("no_answer"), CallStatus::NoAnswer);
    assert_eq!(CallStatus::parse("in progress"), CallStatus::InProgress);
    let odd = CallStatus::parse("compelted");
    assert!(odd == CallStatus::Other("compelted".into()) && !odd.is_final());
    assert!(
        ["completed", "busy", "failed", "no-answer", "canceled"]
            .map(CallStatus::parse)
            .iter()
            .all(CallStatus::is_final)
    );
}

#[test]
fn keys_are_none_empty_or_pressed_and_hanging_up_is_no_key() {
    assert_eq!(call(&[]).digits, None);
    assert_eq!(call(&[("Digits", "")]).digits.as_deref(), Some(""));
    assert_eq!(call(&[("Digits", "12")]).digits.as_deref(), Some("12"));
    let left = call(&[("Digits", "hangup"), ("RecordingDuration", "7"), ("RecordingUrl", "https://api.twilio.com/x")]);
    assert_eq!(left.digits, None);
    let recording = left.recording.unwrap();
    assert!(recording.hung_up && recording.seconds == Some(7) && recording.status == RecordingStatus::Unknown);
}

#[test]
fn speech_may_lack_a_believable_confidence() {
    let said = |confidence: &str| call(&[("SpeechResult", "sales please"), ("Confidence", confidence)]).speech.unwrap();
    assert_eq!(said("0.93").confidence, Some(0.93));
    assert_eq!([said("").confidence, said("NaN").confidence, said("7").confidence], [None; 3]);
    assert_eq!(call(&[("SpeechResult", "")]).speech, None);
}

#[test]
fn a_transcription_may_hold_nothing() {
    let read = |status: &str, text: &str| {
        call(&[("TranscriptionStatus", status), ("TranscriptionText", text)]).transcription.unwrap()
    };
    assert_eq!(read("completed", "call me back").text.as_deref(), Some("call me back"));
    for nothing in ["(blank)", "   ", ""] {
        assert_eq!(read("completed", nothing).text, None);
    }
    assert!(read("failed", "").failed);
}

#[test]
fn a_fallback_tells_what_failed_and_a_zero_does_not() {
    let fault = call(&[("ErrorCode", "11200"), ("ErrorUrl", "https://h.example/x")]).fault.unwrap();
    assert_eq!((&*fault.code, fault.url.as_deref()), ("11200", Some("https://h.example/x")));
    assert_eq!(call(&[("ErrorCode", "0")]).fault, None);
}

#[test]
fn messages_go_by_any_of_their_names() {
    let form = Form::of([("SmsSid", "SM1"), ("SmsStatus", "delivered"), ("To", "whatsapp:+16195550100")]);
    let event = MessageEvent::read(Endpoint::MessageStatus, &form).unwrap();
    assert_eq!((&*event.message, &*event.status), ("SM1", "delivered"));
    assert_eq!(MessageEvent::read(Endpoint::InboundSms, &Form::default()), Err(EventError::NoMessage));
}

proptest! {
    #[test]
    fn no_fields_panic(fields in prop::collection::vec((field_name(), ".{0,40}"), 0..20)) {
        let form = Form::of(fields.iter().map(|(name, value)| (*name, value.as_str())));
        let form = Form::of(form.iter().chain([("CallSid", CALL), ("MessageSid", "SM1")]));
        let bytes = form.encode();
        let read = Form::parse(bytes.as_bytes(), Charset::Utf8, &Limits::default()).unwrap();
        prop_assert!(CallEvent::read(Endpoint::Continue, &read).is_ok());
        prop_assert!(MessageEvent::read(Endpoint::InboundSms, &read).is_ok());
    }
}

fn field_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "From",
        "To",
        "CallStatus",
        "Direction",
        "ForwardedFrom",
        "StirVerstat",
        "DialCallStatus",
        "DialCallSid",
        "DialCallDuration",
        "DialBridged",
        "Digits",
        "SpeechResult",
        "Confidence",
        "RecordingUrl",
        "RecordingDuration",
        "RecordingStatus",
        "TranscriptionText",
        "TranscriptionStatus",
        "SequenceNumber",
        "Timestamp",
        "ErrorCode",
        "ParentCallSid",
        "AccountSid",
        "CallDuration",
        "Body",
        "SmsStatus",
    ])
}
