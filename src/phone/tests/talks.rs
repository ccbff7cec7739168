//! Speech, menus, messages, errors and endings.

use super::*;

fn heard(pages: &[(&str, &str)], script: &Script) -> CallLog {
    place(&mut Server::new(pages), &call(), script)
}

#[test]
fn a_farewell_is_an_ending_and_silence_is_not() {
    assert_eq!(heard(&[("/voice", "<Say>We are closed.</Say><Hangup/>")], &script(&[])).end, End::HungUp);
    assert_eq!(heard(&[("/voice", "")], &script(&[])).end, End::Dropped(Drop::Nothing));
    assert_eq!(heard(&[("/voice", "<Pause length='10'/>")], &script(&[])).end, End::Dropped(Drop::Nothing));
    let question = "<Gather><Say>Press 1.</Say></Gather>";
    assert_eq!(heard(&[("/voice", question)], &script(&[])).end, End::Dropped(Drop::Nothing));
    let before = "<Say>Please hold.</Say><Dial><Number>+16195550111</Number></Dial>";
    assert_eq!(heard(&[("/voice", before)], &script(&[])).end, End::Dropped(Drop::Nothing));
}

#[test]
fn a_first_reject_is_not_answered() {
    let mut call = call();
    call.status_url = Some("http://127.0.0.1:8080/status".to_owned());
    for (reason, status) in [("busy", "busy"), ("rejected", "no-answer")] {
        let page = format!("<Reject reason='{reason}'/>");
        let mut server = Server::new(&[("/voice", &page), ("/status", "")]);
        let log = place(&mut server, &call, &script(&[]));
        assert_eq!(log.end, End::Rejected);
        let fields = server.sent("/status", 0);
        assert_eq!((fields["CallStatus"], fields["CallDuration"]), (status, "0"));
    }
}

#[test]
fn keys_and_speech_go_to_the_action() {
    let menu =
        "<Gather input='dtmf speech' numDigits='1' action='/chosen'><Say>Press 1.</Say></Gather><Say>None.</Say>";
    let pages = [("/voice", menu), ("/chosen", "<Say>Thanks.</Say>")];
    let mut server = Server::new(&pages);
    let with_key = Script { keys: vec!["2".to_owned()], ..Script::default() };
    place(&mut server, &call(), &with_key);
    assert_eq!(server.sent("/chosen", 0)["Digits"], "2");
    let mut server = Server::new(&pages);
    let with_words = Script { speech: vec!["reservations".to_owned()], ..Script::default() };
    place(&mut server, &call(), &with_words);
    let fields = server.sent("/chosen", 0);
    assert_eq!((fields["SpeechResult"], fields["Confidence"]), ("reservations", "0.9"));
    assert!(!fields.contains_key("Digits"));
    let log = heard(&pages, &script(&[]));
    assert_eq!(log.heard, ["Press 1.", "None."], "silence goes on with the next verb");
}

#[test]
fn an_empty_result_is_sent_when_wanted() {
    let menu = "<Gather actionOnEmptyResult='true' timeout='3' action='/chosen'/>";
    let mut server = Server::new(&[("/voice", menu), ("/chosen", "<Say>Bye.</Say>")]);
    let log = place(&mut server, &call(), &script(&[]));
    assert_eq!(server.sent("/chosen", 0)["Digits"], "");
    assert_eq!(log.waited, 3_000 + 286);
}

#[test]
fn a_gather_without_action_asks_for_its_own_document_again() {
    let mut server = Server::new(&[("/voice", "<Gather numDigits='1'/><Say>Bye.</Say>")]);
    let keys = Script { keys: vec!["1".to_owned(), "1".to_owned()], ..Script::default() };
    place(&mut server, &call(), &keys);
    assert_eq!(server.paths(), ["/voice", "/voice", "/voice"]);
    assert_eq!(server.sent("/voice", 1)["CallStatus"], "in-progress");
}

const RECORD: &str = "<Say>Leave a message.</Say><Record action='/recorded' maxLength='60' finishOnKey='#' \
    recordingStatusCallback='/recording' recordingStatusCallbackEvent='completed absent' transcribe='true' \
    transcribeCallback='/text'/><Hangup/>";

#[test]
fn a_message_ends_by_hanging_up() {
    let pages = [("/voice", RECORD), ("/recorded", ""), ("/recording", ""), ("/text", "")];
    let mut server = Server::new(&pages);
    let log = place(&mut server, &call(), &Script::default());
    assert_eq!(log.end, End::Voicemail);
    assert_eq!(log.message.as_ref().unwrap().seconds, 12);
    let fields = server.sent("/recorded", 0);
    assert_eq!((fields["Digits"], fields["CallStatus"], fields["RecordingDuration"]), ("hangup", "completed", "12"));
    let news = server.sent("/recording", 0);
    assert_eq!((news["RecordingStatus"], news["RecordingSource"]), ("completed", "RecordVerb"));
    assert_eq!(news["RecordingSid"], fields["RecordingSid"]);
    assert_eq!(server.sent("/text", 0)["TranscriptionStatus"], "completed");
    assert_eq!(log.waited, 1_143, "until the tone");
}

#[test]
fn a_message_can_end_by_key_and_be_thanked_for() {
    let pages = [("/voice", RECORD), ("/recorded", "<Say>Thanks.</Say>"), ("/recording", ""), ("/text", "")];
    let mut server = Server::new(&pages);
    let message = Message { seconds: Some(5), ends: MessageEnd::Key('#') };
    let log = place(&mut server, &call(), &Script { message, ..Script::default() });
    assert_eq!(server.sent("/recorded", 0)["Digits"], "#");
    assert_eq!(log.heard, ["Leave a message.", "Thanks."]);
}

#[test]
fn a_silent_caller_leaves_an_absent_recording() {
    let pages = [("/voice", RECORD), ("/recorded", ""), ("/recording", "")];
    let mut server = Server::new(&pages);
    let message = Message { seconds: None, ends: MessageEnd::Silence };
    let mut silent = Script { message, ..Script::default() };
    let log = place(&mut server, &call(), &silent);
    assert_eq!(log.end, End::Voicemail);
    assert_eq!(server.paths(), ["/voice", "/recording"]);
    assert_eq!(server.sent("/recording", 0)["RecordingStatus"], "absent");
    silent.quirks.insert(Quirk::SilenceKept);
    let mut server = Server::new(&pages);
    place(&mut server, &call(), &silent);
    assert_eq!(server.sent("/recorded", 0)["RecordingDuration"], "0");
}

#[test]
fn a_caller_who_hangs_up_in_the_message_leaves_what_was_said() {
    let mut server = Server::new(&[("/voice", RECORD), ("/recorded", ""), ("/recording", ""), ("/text", "")]);
    let gone = Script { hang_up: Some(HangUp::After(5_000)), ..Script::default() };
    let log = place(&mut server, &call(), &gone);
    assert_eq!(log.message.as_ref().unwrap().seconds, 2);
    assert_eq!(log.end, End::Voicemail);
}

#[test]
fn errors_go_to_the_fallback_with_number_and_url() {
    let mut call = call();
    call.fallback_url = Some("http://127.0.0.1:8080/rescue".to_owned());
    let mut server = Server::new(&[("/rescue", "<Dial><Number>+16195550111</Number></Dial>")]).failing("/voice", 500);
    let log = place(&mut server, &call, &script(&["anna=answered"]));
    let fields = server.sent("/rescue", 0);
    assert_eq!((fields["ErrorCode"], fields["ErrorUrl"]), ("11200", "http://127.0.0.1:8080/voice"));
    assert!(matches!(log.end, End::Connected { .. }));
}

#[test]
fn errors_without_a_fallback_drop_the_caller() {
    for status in [403, 404, 500, 503] {
        let log = place(&mut Server::default().failing("/voice", status), &call(), &script(&[]));
        assert_eq!(log.end, End::Dropped(Drop::Error), "{status}");
        assert!(log.dropped());
    }
    let mut server = Server::default();
    server.pages.insert("/voice".to_owned(), (200, "<Response><Say>a & b</Say></Response>".to_owned()));
    let log = place(&mut server, &call(), &script(&[]));
    assert_eq!(log.warnings[0].code, Some(12100));
    assert_eq!(log.end, End::Dropped(Drop::Error));
}

#[test]
fn unknown_verbs_are_skipped_with_a_warning() {
    let log = heard(&[("/voice", "<say>no</say><Say>Closed.</Say>")], &script(&[]));
    assert_eq!(log.warnings[0].code, Some(12200));
    assert_eq!(log.heard, ["Closed."]);
}

#[test]
fn circles_are_noticed() {
    let log = heard(&[("/voice", "<Redirect>/voice</Redirect>")], &script(&[]));
    assert_eq!(log.end, End::Dropped(Drop::Circles));
}

#[test]
fn another_servers_document_and_a_stream_are_handed_over() {
    let log = heard(&[("/voice", "<Redirect>https://voice.example/agent</Redirect>")], &script(&[]));
    assert_eq!((log.end.word(), log.handed_to.as_deref()), ("handed_off", Some("https://voice.example/agent")));
    let stream = "<Connect action='/back'><Stream url='wss://voice.example/agent'/></Connect>";
    let pages = [("/voice", stream), ("/back", "<Say>Welcome back.</Say>")];
    assert_eq!(heard(&pages, &script(&[])).end, End::HandedOff);
    let returned = Script { handoff_returns: true, ..Script::default() };
    assert_eq!(heard(&pages, &returned).heard, ["Welcome back."]);
    let log =
        heard(&[("/voice", "<Enqueue waitUrl='/wait'>support</Enqueue>"), ("/wait", "<Say>Wait.</Say>")], &script(&[]));
    assert_eq!(log.end, End::HandedOff);
}

#[test]
fn repeated_requests_must_be_answered_alike() {
    let mut call = call();
    call.delivery.copies = 3;
    let mut server = Server::new(&[("/voice", "<Say>Closed.</Say>")]);
    let log = place(&mut server, &call, &script(&[]));
    assert_eq!(server.paths().len(), 3);
    assert!(log.warnings.is_empty());
    assert_eq!(server.seen[0].token, server.seen[2].token);
}

#[test]
fn callbacks_can_be_lost_or_come_late() {
    let mut call = call();
    call.status_url = Some("http://127.0.0.1:8080/status".to_owned());
    call.delivery.callbacks = Callbacks::Lost;
    let pages = [("/voice", "<Say>Closed.</Say>"), ("/status", "")];
    let mut server = Server::new(&pages);
    place(&mut server, &call, &script(&[]));
    assert_eq!(server.paths(), ["/voice"]);
    call.delivery.callbacks = Callbacks::Shuffled;
    let mut server = Server::new(&pages);
    place(&mut server, &call, &script(&[]));
    assert_eq!(server.paths(), ["/voice", "/status"]);
}

#[test]
fn the_same_call_is_the_same_twice() {
    let pages = [("/voice", RECORD), ("/recorded", ""), ("/recording", ""), ("/text", "")];
    assert_eq!(heard(&pages, &script(&[])), heard(&pages, &script(&[])));
}
