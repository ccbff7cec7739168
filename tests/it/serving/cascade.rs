//! A call through its steps, and the requests that carriers repeat, lose and reorder.

use crate::support::{CALL, House, LINE, NEXT_TOKEN, PUBLIC, RULES, Service, TOKEN, fields};
use ringfall::webhook::form::Form;
use ringfall::webhook::signature::Signer;

const LEG: &str = "CA11111111111111111111111111111111";

const NO_ANSWER: [(&str, &str); 3] =
    [("DialCallStatus", "no-answer"), ("DialBridged", "false"), ("CallStatus", "in-progress")];

/// The callee's leg: the answer to whoever picks up.
async fn screened(service: &Service, target: &str, digits: Option<&str>) -> crate::support::Reply {
    let mut changed = vec![("CallSid", LEG), ("ParentCallSid", CALL), ("Direction", "outbound-dial")];
    changed.extend(digits.map(|digits| ("Digits", digits)));
    service.ask(target, &changed).await
}

#[tokio::test]
async fn a_call_that_nobody_takes_rings_both_and_ends_in_the_mailbox() {
    let house = House::new();
    let service = house.serve().await;
    let first = service.arrive().await;
    assert_eq!((first.status, first.content_type.as_str()), (200, "text/xml; charset=utf-8"));
    assert!(first.body.contains("+16195550111") && first.body.contains("answerOnBridge"), "{}", first.body);
    let second = service.ask(&first.attribute("action"), &NO_ANSWER).await;
    assert!(second.body.contains("+18585550107"), "{}", second.body);
    let third = service.ask(&second.attribute("action"), &NO_ANSWER).await;
    assert!(third.body.contains("<Record") && third.body.contains("after the tone"), "{}", third.body);
    let recorded =
        [("RecordingUrl", "https://api.example.com/r"), ("RecordingDuration", "7"), ("CallStatus", "in-progress")];
    let fourth = service.ask(&third.attribute("action"), &recorded).await;
    assert!(fourth.body.contains("<Hangup"), "{}", fourth.body);
    service.ask("/twilio/call-status", &[("CallStatus", "completed"), ("CallDuration", "61")]).await;
    let store = service.running.store.clone().unwrap();
    house.clock.forward(60);
    store.settle().await.unwrap();
    let summary = store.call("acme", CALL).await.unwrap().unwrap();
    assert_eq!(summary.end.as_deref(), Some("voicemail"));
    assert_eq!(summary.rung.iter().map(|rung| rung.contact.as_str()).collect::<Vec<_>>(), ["primary", "backup"]);
    service.running.stop().await;
}

#[tokio::test]
async fn a_callee_who_presses_1_has_the_call() {
    let service = House::new().serve().await;
    let first = service.arrive().await;
    let asked = screened(&service, &first.attribute("url"), None).await;
    assert!(asked.body.contains("<Gather"), "{}", asked.body);
    let taken = screened(&service, &asked.attribute("action"), Some("1")).await;
    assert!(!taken.body.contains("<Hangup"), "{}", taken.body);
    let talked =
        [("DialCallStatus", "completed"), ("DialBridged", "true"), ("DialCallSid", LEG), ("DialCallDuration", "40")];
    let over = service.ask(&first.attribute("action"), &talked).await;
    assert!(over.body.contains("<Response/>"), "{}", over.body);
    assert_eq!(service.counted("ringfall_legs_total{outcome=\"connected\"}").await, 1);
    service.running.stop().await;
}

#[tokio::test]
async fn a_mailbox_that_picks_up_for_the_callee_is_not_the_callee() {
    let service = House::new().serve().await;
    let first = service.arrive().await;
    let asked = screened(&service, &first.attribute("url"), None).await;
    let again = screened(&service, &asked.attribute("action"), Some("")).await;
    assert!(again.body.contains("<Gather"), "{}", again.body);
    let given_up = screened(&service, &again.attribute("action"), Some("")).await;
    assert!(given_up.body.contains("<Hangup"), "{}", given_up.body);
    let reported = [("DialCallStatus", "completed"), ("DialBridged", "false"), ("DialCallSid", LEG)];
    let next = service.ask(&first.attribute("action"), &reported).await;
    assert!(next.body.contains("+18585550107"), "{}", next.body);
    assert_eq!(service.counted("ringfall_legs_total{outcome=\"answered_no_key\"}").await, 1);
    service.running.stop().await;
}

#[tokio::test]
async fn nobody_is_rung_for_a_caller_who_has_gone() {
    let service = House::new().serve().await;
    let first = service.arrive().await;
    let gone = [("DialCallStatus", "canceled"), ("DialBridged", "false"), ("CallStatus", "completed")];
    let over = service.ask(&first.attribute("action"), &gone).await;
    assert!(over.body.contains("<Response/>"), "{}", over.body);
    service.running.stop().await;
}

#[tokio::test]
async fn the_same_step_twice_has_one_answer_and_one_record() {
    let house = House::new();
    let service = house.serve().await;
    let first = service.arrive().await;
    house.clock.forward(3);
    assert_eq!(service.arrive().await, first);
    let target = first.attribute("action");
    let second = service.ask(&target, &NO_ANSWER).await;
    assert_eq!(service.ask(&target, &NO_ANSWER).await, second);
    let records = service.running.store.as_ref().unwrap().records("acme", CALL).await.unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(service.counted("ringfall_duplicate_webhooks_total").await, 2);
    service.running.stop().await;
}

#[tokio::test]
async fn a_webhook_by_get_is_answered_like_one_by_post() {
    let service = House::new().serve().await;
    let target = format!("/twilio/inbound-call?{}", Form::of(fields(&[])).encode());
    let signature = Signer::new(TOKEN).sign(&format!("{PUBLIC}{target}"), &Form::default());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(service.url(&target)).header("X-Twilio-Signature", signature).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert!(answer.text().await.unwrap().contains("+16195550111"));
    service.running.stop().await;
}

#[tokio::test]
async fn the_next_token_is_believed_and_told_apart() {
    let service = House::new().serve().await;
    let answer = service.ask_signed_by(NEXT_TOKEN, "/twilio/inbound-call", &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(service.counted("ringfall_signature_checks_total{result=\"ok-next\"}").await, 1);
    let records = service.running.store.as_ref().unwrap().records("acme", CALL).await.unwrap();
    assert_eq!(records[0].verifier.as_deref(), Some("next"));
    service.running.stop().await;
}

#[tokio::test]
async fn a_call_goes_on_under_its_rules_after_a_restart_with_others() {
    let house = House::new();
    let service = house.serve().await;
    let first = service.arrive().await;
    service.running.stop().await;
    house.write("rules/acme.yaml", &RULES.replace("+18585550107", "+18585550199"));
    let service = house.serve().await;
    let second = service.ask(&first.attribute("action"), &NO_ANSWER).await;
    assert!(second.body.contains("+18585550107"), "{}", second.body);
    let other = [("CallSid", LEG)];
    let fresh = service.ask("/twilio/inbound-call", &other).await;
    let after = service.ask(&fresh.attribute("action"), &[NO_ANSWER.as_slice(), &other].concat()).await;
    assert!(after.body.contains("+18585550199"), "{}", after.body);
    service.running.stop().await;
}

#[tokio::test]
async fn reports_and_texts_are_written_down_and_answered_with_nothing() {
    let service = House::new().serve().await;
    let first = service.arrive().await;
    let leg = [("CallSid", LEG), ("ParentCallSid", CALL), ("CallStatus", "ringing"), ("SequenceNumber", "1")];
    let status = service.ask(&first.attribute("statusCallback"), &leg).await;
    let text = [
        ("MessageSid", "SM0123456789abcdef0123456789abcdef"),
        ("Body", "hello"),
        ("From", "+13125550123"),
        ("To", LINE),
    ];
    let text = service.ask("/twilio/inbound-sms", &text).await;
    for reply in [&status, &text] {
        assert_eq!(reply.status, 200);
        assert!(reply.body.contains("<Response/>"), "{}", reply.body);
    }
    let records = service.running.store.as_ref().unwrap().records("acme", CALL).await.unwrap();
    assert_eq!(records[1].reported.contact.as_deref(), Some("primary"));
    service.running.stop().await;
}
