//! Every outcome of a Dial, with what the action is told.

use super::*;

const DIAL: &str = "<Dial action='/done' timeout='20' answerOnBridge='true'><Number>+16195550111</Number></Dial>";
const SCREENED: &str = "<Dial action='/done' timeout='20' answerOnBridge='true'>\
    <Number url='/screen'>+16195550111</Number></Dial>";
const ASK: &str =
    "<Gather action='/key' numDigits='1' timeout='5' actionOnEmptyResult='true'><Say>Press 1.</Say></Gather>";

/// Dials Anna, who does this; returns the log and the action's fields.
fn dialed(
    dial: &str,
    does: &str,
    key_answer: &str,
    adjust: impl FnOnce(&mut Script),
) -> (CallLog, BTreeMap<String, String>) {
    let mut server =
        Server::new(&[("/voice", dial), ("/done", "<Say>Goodbye.</Say>"), ("/screen", ASK), ("/key", key_answer)]);
    let mut script = script(&[&format!("anna={does}")]);
    adjust(&mut script);
    let log = place(&mut server, &call(), &script);
    let fields = if server.paths().contains(&"/done") { server.sent("/done", 0) } else { BTreeMap::new() };
    (log, fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Status, bridged, duration, and the caller's own status as the action is told them.
fn told(fields: &BTreeMap<String, String>) -> [&str; 4] {
    ["DialCallStatus", "DialBridged", "DialCallDuration", "CallStatus"]
        .map(|name| fields.get(name).map_or("-", String::as_str))
}

#[test]
fn a_conversation_is_completed_and_bridged() {
    let (log, fields) = dialed(DIAL, "answered", "", |_| {});
    assert_eq!(told(&fields), ["completed", "true", "30", "in-progress"]);
    assert_eq!(log.end, End::Connected { name: "anna".to_owned(), mailbox: false });
    assert_eq!(log.waited, 8_000);
    assert_eq!(fields["DialCallSid"], log.rung[0].call);
}

#[test]
fn an_unscreened_mailbox_looks_like_a_conversation() {
    let (log, fields) = dialed(DIAL, "mailbox", "", |_| {});
    assert_eq!(told(&fields), ["completed", "true", "30", "in-progress"]);
    assert_eq!(log.end, End::Connected { name: "anna".to_owned(), mailbox: true });
    assert!(log.warnings[0].text.contains("mailbox took the call"));
}

#[test]
fn a_screened_mailbox_is_completed_and_not_bridged() {
    let (log, fields) = dialed(SCREENED, "mailbox", "<Hangup/>", |_| {});
    let [status, bridged, _, caller] = told(&fields);
    assert_eq!([status, bridged, caller], ["completed", "false", "ringing"], "the caller still hears ringing");
    assert_eq!(log.end, End::HungUp);
    assert_eq!(log.rung[0].heard, ["Press 1."]);
}

#[test]
fn a_key_connects_and_another_key_does_not() {
    let (log, fields) = dialed(SCREENED, "answered", "", |_| {});
    assert_eq!(told(&fields)[..2], ["completed", "true"]);
    assert_eq!(log.waited, 8_000 + 572 + 1_000, "ringing, the question, the key");
    let (_, fields) = dialed(SCREENED, "declined", "<Hangup/>", |_| {});
    assert_eq!(told(&fields)[..2], ["completed", "false"]);
}

#[test]
fn what_was_never_answered_has_no_duration() {
    for (does, status) in [
        ("busy", "busy"),
        ("declined", "busy"),
        ("no-answer", "no-answer"),
        ("unreachable", "failed"),
        ("canceled", "canceled"),
    ] {
        let (log, fields) = dialed(DIAL, does, "", |_| {});
        assert_eq!(told(&fields), [status, "false", "-", "ringing"], "{does}");
        assert!(fields.contains_key("DialCallSid"));
        assert_eq!(log.end, End::HungUp, "{does}");
    }
}

#[test]
fn a_caller_who_gives_up_while_it_rings_is_gone() {
    let during = |script: &mut Script| script.hang_up = Some(HangUp::During(Phase::Ring(Some("anna".to_owned()))));
    let (log, fields) = dialed(DIAL, "no-answer", "", during);
    assert_eq!(told(&fields), ["no-answer", "false", "-", "no-answer"]);
    assert_eq!(log.end, End::CallerGone);
    assert_eq!(log.heard, [""; 0], "the answer to a caller who has gone is not heard");
    let (_, fields) = dialed(DIAL, "no-answer", "", |script| {
        during(script);
        script.quirks.insert(Quirk::CanceledAfterHangUp);
    });
    assert_eq!(told(&fields)[0], "canceled");
    let (_, fields) = dialed(DIAL, "no-answer", "", |script| {
        during(script);
        script.quirks.insert(Quirk::NoActionAfterHangUp);
    });
    assert!(fields.is_empty());
}

#[test]
fn a_caller_who_hangs_up_after_talking_ends_a_completed_call() {
    let (log, fields) = dialed(DIAL, "answered", "", |script| script.hang_up = Some(HangUp::During(Phase::Talk)));
    assert_eq!(told(&fields), ["completed", "true", "2", "completed"]);
    assert!(matches!(log.end, End::Connected { .. }));
}

#[test]
fn old_accounts_say_nothing_of_bridging() {
    let (_, fields) = dialed(DIAL, "answered", "", |script| {
        script.quirks.insert(Quirk::NoDialBridged);
    });
    assert_eq!(told(&fields)[..3], ["completed", "-", "30"]);
}

#[test]
fn without_an_action_the_next_verb_follows_even_after_a_conversation() {
    let dial = "<Dial><Number>+16195550111</Number></Dial><Record/>";
    let mut server = Server::new(&[("/voice", dial)]);
    let log = place(&mut server, &call(), &script(&["anna=answered"]));
    assert!(log.warnings.iter().any(|warning| warning.text.contains("mailbox after a conversation")), "{log:?}");
    assert!(matches!(log.end, End::Connected { .. }));
}

#[test]
fn the_first_of_several_to_pick_up_stops_the_others() {
    let dial = "<Dial action='/done'><Number>+16195550111</Number><Number>+18585550107</Number></Dial>";
    let mut server = Server::new(&[("/voice", dial), ("/done", "")]);
    let log = place(&mut server, &call(), &script(&["anna=no-answer", "ben=answered"]));
    assert_eq!(log.rung_names(), ["anna", "ben"]);
    assert_eq!([log.rung[0].status, log.rung[1].status], ["canceled", "completed"]);
    assert_eq!(server.sent("/done", 0)["DialCallSid"], log.rung[1].call);
}

#[test]
fn legs_in_sequence_are_rung_one_after_the_other() {
    let dial = "<Dial action='/done' sequential='true' timeout='10'><Number>+16195550111</Number><Number>+18585550107</Number></Dial>";
    let mut server = Server::new(&[("/voice", dial), ("/done", "")]);
    let log = place(&mut server, &call(), &script(&["anna=no-answer", "ben=answered"]));
    assert_eq!(log.rung[1].at, 10_000);
}

#[test]
fn a_leg_tells_of_itself_in_order() {
    let dial = "<Dial action='/done'><Number statusCallback='/news' statusCallbackEvent='initiated ringing answered completed'>+16195550111</Number></Dial>";
    let mut server = Server::new(&[("/voice", dial), ("/done", ""), ("/news", "")]);
    let log = place(&mut server, &call(), &script(&["anna=answered"]));
    let news: Vec<_> = (0..4)
        .map(|place| {
            let fields = server.sent("/news", place);
            (fields["CallStatus"].to_owned(), fields["SequenceNumber"].to_owned())
        })
        .collect();
    let expected = [("initiated", "0"), ("ringing", "1"), ("in-progress", "2"), ("completed", "3")];
    assert_eq!(news, expected.map(|(status, number)| (status.to_owned(), number.to_owned())));
    let last = server.sent("/news", 3);
    assert_eq!((last["CallDuration"], last["ParentCallSid"]), ("30", log.call.as_str()));
    assert_eq!((last["To"], last["Direction"]), (ANNA, "outbound-dial"));
    assert_eq!(last["Timestamp"], "Sat, 21 Nov 2026 03:00:38 +0000");
}

#[test]
fn a_withheld_caller_cannot_be_passed_on_as_caller_id() {
    let mut call = call();
    call.from = "anonymous".to_owned();
    let mut server = Server::new(&[("/voice", DIAL), ("/done", "<Say>Sorry.</Say>")]);
    let log = place(&mut server, &call, &script(&["anna=answered"]));
    assert_eq!(log.warnings[0].code, Some(13214));
    assert_eq!(server.sent("/done", 0)["DialCallStatus"], "failed");
    let dial = DIAL.replace("<Dial", "<Dial callerId='+16195550100'");
    let mut server = Server::new(&[("/voice", &dial), ("/done", "")]);
    let log = place(&mut server, &call, &script(&["anna=answered"]));
    assert_eq!(log.rung[0].shown, LINE);
}

#[test]
fn an_unknown_caller_id_is_refused_when_the_numbers_are_known() {
    let dial = DIAL.replace("<Dial", "<Dial callerId='+17185550199'");
    for (own, refused) in [(None, false), (Some(vec![]), true), (Some(vec!["+17185550199".to_owned()]), false)] {
        let mut call = call();
        call.own_numbers = own;
        let mut server = Server::new(&[("/voice", &dial), ("/done", "")]);
        let log = place(&mut server, &call, &script(&["anna=answered"]));
        assert_eq!(log.warnings.iter().any(|warning| warning.code == Some(13214)), refused);
    }
}

#[test]
fn answering_on_bridge_counts_only_for_a_first_verb() {
    let dial = format!("<Say>Hello.</Say>{DIAL}");
    let mut server = Server::new(&[("/voice", &dial), ("/done", "")]);
    place(&mut server, &call(), &script(&["anna=no-answer"]));
    assert_eq!(server.sent("/done", 0)["CallStatus"], "in-progress");
}
