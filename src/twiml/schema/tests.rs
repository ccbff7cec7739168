//! What Twilio takes and what it does not.

use super::*;

fn complaints(context: Context, inside: &str) -> Vec<String> {
    let found = check(&format!("<Response>{inside}</Response>"), context);
    found
        .iter()
        .map(|complaint| format!("{} {}: {}", complaint.severity.word(), complaint.path, complaint.message))
        .collect()
}

#[track_caller]
fn good(inside: &str) {
    assert_eq!(complaints(Context::Voice, inside), Vec::<String>::new(), "{inside}");
}

#[track_caller]
fn bad(inside: &str, expected: &str) {
    assert_eq!(complaints(Context::Voice, inside), [expected], "{inside}");
}

#[test]
fn good_documents_pass() {
    good("");
    good(
        "<Say voice=\"alice\" language=\"en-US\" loop=\"2\">Hi <break strength=\"weak\"/> <prosody rate=\"slow\"><s>there</s></prosody></Say>",
    );
    good("<Dial>+16195550111</Dial>");
    good(
        "<Dial timeout=\"5\" answerOnBridge=\"true\" callerId=\"+16195550100\"><Number url=\"/x?a=1&amp;b=2\" statusCallbackEvent=\"answered completed\">+16195550111</Number><Client>ann</Client></Dial>",
    );
    good(
        "<Gather action=\"/a\" input=\"dtmf speech\" speechTimeout=\"auto\" finishOnKey=\"\"><Say>Press</Say><Pause/></Gather><Say>Bye</Say>",
    );
    good(
        "<Record action=\"/a\" maxLength=\"120\" transcribe=\"true\" transcribeCallback=\"https://x.example/t\"/><Hangup/>",
    );
    good(
        "<Play digits=\"1wW#\"/><Play>https://x.example/a.mp3</Play><Pause length=\"2\"/><Redirect method=\"POST\">../next</Redirect>",
    );
    good(
        "<Connect action=\"/a\"><Stream url=\"wss://x.example/m\"><Parameter name=\"a\" value=\"b\"/></Stream></Connect>",
    );
    good("<Dial><Sip username=\"u\" password=\"p\">sip:a@b.example;transport=tls</Sip></Dial>");
    good("<Refer><Sip>sip:a@b.example</Sip></Refer>");
    good("<Enqueue workflowSid=\"WW1\"><Task priority=\"1\">{}</Task></Enqueue>");
}

#[test]
fn verbs_and_attributes_are_known_by_name() {
    bad("<Speak>Hi</Speak>", "error Response/Speak: Twilio knows no `Speak`");
    bad("<say>Hi</say>", "error Response/say: Twilio knows no `say`; did you mean `Say`?");
    bad("<Dail>+16195550111</Dail>", "error Response/Dail: Twilio knows no `Dail`; did you mean `Dial`?");
    bad(
        "<Say Voice=\"man\">Hi</Say>",
        "error Response/Say@Voice: `Say` has no attribute `Voice`; did you mean `voice`?",
    );
    bad("<Hangup reason=\"x\"/>", "error Response/Hangup@reason: `Hangup` has no attribute `reason`");
    bad("<Number>+16195550111</Number>", "error Response/Number: `Number` cannot stand in `Response`");
    bad(
        "<Gather action=\"/a\"><Dial>+16195550111</Dial></Gather>",
        "error Response/Gather/Dial: `Dial` cannot stand in `Gather`",
    );
    bad("hello", "error Response: text cannot stand in `Response`");
}

#[test]
fn values_have_their_kind_and_range() {
    bad("<Dial timeout=\"4\">+16195550111</Dial>", "error Response/Dial@timeout: 4 is less than 5");
    bad("<Dial timeout=\"601\">+16195550111</Dial>", "error Response/Dial@timeout: `601` is more than 600");
    bad("<Dial timeout=\"20s\">+16195550111</Dial>", "error Response/Dial@timeout: `20s` is not a whole number");
    bad(
        "<Dial answerOnBridge=\"True\">+16195550111</Dial>",
        "error Response/Dial@answerOnBridge: `True` is not `true` or `false`",
    );
    bad("<Reject reason=\"closed\"/>", "error Response/Reject@reason: `closed` is not one of `rejected`, `busy`");
    bad(
        "<Gather action=\"/a\" input=\"voice\"/>",
        "error Response/Gather@input: `voice` is not made of `dtmf`, `speech`",
    );
    bad("<Gather action=\"/a\" finishOnKey=\"12\"/>", "error Response/Gather@finishOnKey: `12` is not one key");
    bad("<Gather action=\"\"/>", "error Response/Gather@action: the URL is empty");
    bad(
        "<Say language=\"english please\">x</Say>",
        "error Response/Say@language: `english please` is not a language tag such as `en-US`",
    );
    bad("<Redirect>ftp://x.example/</Redirect>", "error Response/Redirect: Twilio does not fetch `ftp:` addresses");
    bad(
        "<Connect><Stream url=\"https://x.example\"/></Connect>",
        "error Response/Connect/Stream@url: a stream goes to a `wss://` address, and this is `https://x.example`",
    );
}

#[test]
fn nouns_are_what_they_name() {
    bad("<Dial/>", "error Response/Dial: this `Dial` rings nobody");
    bad("<Dial>anonymous</Dial>", "error Response/Dial: `anonymous` is not a phone number such as `+16195550100`");
    bad(
        "<Dial><Number>+16195550111</Number><Number>none</Number></Dial>",
        "error Response/Dial/Number[2]: `none` is not a phone number such as `+16195550100`",
    );
    bad(
        "<Dial><Sip>bob@example.com</Sip></Dial>",
        "error Response/Dial/Sip: `bob@example.com` is not a SIP address such as `sip:name@example.com`",
    );
    bad("<Play/>", "error Response/Play: this `Play` plays nothing");
    bad(
        "<Gather action=\"/a\"><Play digits=\"1\"/></Gather>",
        "error Response/Gather/Play@digits: tones cannot be played in a `Gather`",
    );
    bad("<Say/>", "warning Response/Say: `Say` is empty");
    bad("<Redirect/>", "error Response/Redirect: `Redirect` is empty");
    bad(
        &format!("<Say>{}</Say>", "a".repeat(4097)),
        "error Response/Say: more than 4096 characters are to be spoken at once",
    );
    let eleven = "<Number>+16195550111</Number>".repeat(11);
    bad(&format!("<Dial>{eleven}</Dial>"), "error Response/Dial: 11 are rung at once; Twilio rings 10");
}

#[test]
fn what_is_never_reached_is_noticed() {
    bad("<Hangup/><Say>Hi</Say>", "warning Response/Say: nothing after `Hangup` is reached");
    bad("<Dial action=\"/a\">+16195550111</Dial><Hangup/>", "warning Response/Hangup: nothing after `Dial` is reached");
    bad(
        "<Say>Hi</Say><Reject/>",
        "warning Response/Reject: only the first verb of a document can refuse a call unanswered",
    );
    bad(
        "<Say>Hi</Say><Dial answerOnBridge=\"true\">+16195550111</Dial>",
        "warning Response/Dial@answerOnBridge: the call is answered already by the verbs before, so this changes nothing",
    );
    bad("<Record/>", "warning Response/Record: without `action` Twilio asks for this same document again");
    bad(
        "<Record action=\"/a\" transcribe=\"true\" maxLength=\"121\"/>",
        "warning Response/Record@transcribe: messages of more than 120 seconds are not written out",
    );
    bad(
        "<Record action=\"/a\" transcribeCallback=\"/t\"/>",
        "warning Response/Record@transcribeCallback: nothing is written out without `transcribe=\"true\"`",
    );
    good("<Dial>+16195550111</Dial><Record action=\"/a\"/><Hangup/>");
}

#[test]
fn a_callees_leg_takes_few_verbs() {
    assert_eq!(
        complaints(Context::Screening, "<Gather action=\"/a\"><Say>Press 1</Say></Gather><Hangup/>"),
        Vec::<String>::new()
    );
    assert_eq!(
        complaints(Context::Screening, "<Dial>+16195550111</Dial>"),
        ["error Response/Dial: `Dial` does not belong on the callee's leg; Say, Play, Gather, Hangup do"]
    );
    assert!(complaints(Context::Screening, "<Pause/>").iter().all(|complaint| complaint.starts_with("warning")));
}

#[test]
fn answers_to_messages_have_their_own_verbs() {
    assert_eq!(complaints(Context::Messaging, "<Message to=\"+16195550111\">Hi</Message>"), Vec::<String>::new());
    assert_eq!(
        complaints(Context::Messaging, "<Message><Body>Hi</Body><Media>https://x.example/a.png</Media></Message>"),
        Vec::<String>::new()
    );
    assert_eq!(complaints(Context::Messaging, "<Say>Hi</Say>"), ["error Response/Say: Twilio knows no `Say`"]);
}

#[test]
fn long_and_broken_documents_are_refused() {
    let long = complaints(Context::Voice, &"<Pause/>".repeat(8000));
    assert_eq!(long, ["error Response: the document has 64021 bytes; Twilio takes 64000"]);
    let found = check("<Response>\n<Say>a\n</Response>", Context::Voice);
    assert!(found.iter().all(Complaint::is_error) && found.len() == 1);
}

#[test]
fn complaints_have_their_line() {
    let found = check("<Response>\n <Say>a</Say>\n <Nay/>\n</Response>", Context::Voice);
    assert_eq!(found.iter().map(|complaint| complaint.line).collect::<Vec<_>>(), [3]);
}
