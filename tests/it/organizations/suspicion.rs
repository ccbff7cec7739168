//! What is not served in full, what is on trial, and what is only spelt wrong: nobody who is believed is dropped.

use ringfall::webhook::form::Form;
use ringfall::webhook::signature::Signer;

use crate::organizations::desk::{
    ACME, ACME_LINE, ACME_TOKEN, BRAVO_TOKEN, CHARLIE_LINE, Desk, becomes, call, fresh, house,
};
use crate::support::{ACCOUNT, House, Reply, Service, TOKEN, fields};

const INBOUND: &str = "/twilio/inbound-call";

/// Calls until the answer holds that text.
async fn says(service: &Service, text: &str, (token, account, line): (&str, &str, &str)) {
    let until = std::time::Instant::now() + crate::organizations::desk::LONG;
    loop {
        let reply = call(service, token, account, line, INBOUND, &fresh()).await;
        assert_eq!(reply.status, 200, "a believed caller is dropped");
        if reply.body.contains(text) {
            return;
        }
        assert!(std::time::Instant::now() < until, "never `{text}`: {reply:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn whoever_is_suspended_downgraded_or_opted_out_keeps_the_static_ending() {
    let house = house();
    let service = house.serve().await;
    let desk = Desk::of(&house, &[]);
    desk.found_all();
    let acme = (ACME_TOKEN, ACME, ACME_LINE);
    becomes(&service, 200, (ACME_TOKEN, ACME, ACME_LINE, INBOUND)).await;
    desk.does("org suspend acme", "");
    says(&service, "The end of acme.", acme).await;
    let stranger = call(&service, BRAVO_TOKEN, ACME, ACME_LINE, INBOUND, &fresh()).await;
    assert_eq!((stranger.status, stranger.body.as_str()), (403, ""));
    desk.does("org resume acme", "");
    says(&service, "This is acme.", acme).await;
    desk.does("org plan acme basic", "");
    says(&service, "The end of acme.", acme).await;
    let charlie = (TOKEN, ACCOUNT, CHARLIE_LINE);
    says(&service, "This is charlie.", charlie).await;
    desk.does("org opt-out charlie platform-voice", "");
    says(&service, "The end of charlie.", charlie).await;
    service.running.stop().await;
}

/// A call that is signed for another address than the public one.
async fn signed_at(service: &Service, address: &str, token: &str, headers: &[(&str, &str)]) -> Reply {
    let call = fresh();
    let form = Form::of(fields(&[("AccountSid", ACME), ("To", ACME_LINE), ("CallSid", &call)]));
    let signature = Signer::new(token).sign(&format!("{address}{INBOUND}"), &form);
    let headers = [&[("X-Twilio-Signature", signature.as_str())], headers].concat();
    service.post(INBOUND, form.encode(), &headers).await
}

async fn seen(service: &Service, result: &str) -> u64 {
    service.counted(&format!("ringfall_signature_checks_total{{result=\"{result}\"}}")).await
}

#[tokio::test]
async fn a_new_account_is_observed_and_then_enforced_by_itself() {
    let house = house();
    let service = house.serve().await;
    let desk = Desk::of(&house, &[]);
    desk.does("org add acme --plan premium", "");
    desk.does(
        &format!("connect twilio --org acme --account-sid {ACME} --number {ACME_LINE} --observe 3 --observe-hours 720"),
        ACME_TOKEN,
    );
    becomes(&service, 200, (ACME_TOKEN, ACME, ACME_LINE, INBOUND)).await;
    for (address, token, headers, wanted) in [
        ("http://phones.example.com", ACME_TOKEN, [].as_slice(), "observed-wrong-scheme"),
        ("https://other.example.com", ACME_TOKEN, &[("Host", "other.example.com")], "observed-wrong-host"),
        ("https://phones.example.com", BRAVO_TOKEN, &[], "observed-unknown"),
    ] {
        let reply = signed_at(&service, address, token, headers).await;
        assert_eq!(reply.status, 200, "{wanted}");
        assert!(reply.body.contains("The end of acme.") && !reply.body.contains("This is"), "{}", reply.body);
        assert_eq!(seen(&service, wanted).await, 1, "{wanted}");
    }
    // What is not believed is answered, and not acted on: the record of it decides nothing.
    for _ in 0..3 {
        call(&service, ACME_TOKEN, ACME, ACME_LINE, INBOUND, &fresh()).await;
    }
    let refused = signed_at(&service, "https://phones.example.com", BRAVO_TOKEN, &[]).await;
    assert_eq!((refused.status, refused.body.as_str()), (403, ""));
    let until = std::time::Instant::now() + crate::organizations::desk::LONG;
    while !desk.does("connect list --org acme", "").contains("signatures enforced") {
        assert!(std::time::Instant::now() < until, "the end of the trial is not written down");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    service.running.stop().await;
}

#[tokio::test]
async fn a_webhook_of_a_call_that_is_long_over_is_refused_and_a_retry_is_answered_the_same() {
    let house = House::new();
    let service = house.serve().await;
    let first = service.arrive().await;
    let action = first.attribute("action");
    let next = service.ask(&action, &[("DialCallStatus", "no-answer")]).await;
    house.clock.forward(30 * 60);
    assert_eq!(service.arrive().await, first, "a retry is answered the same");
    house.clock.forward(2 * 3600);
    let replayed = service.arrive().await;
    assert_eq!((replayed.status, replayed.body.as_str()), (403, ""));
    assert_eq!(service.counted("ringfall_refused_total{reason=\"replayed\"}").await, 1);
    // A step that was never heard of is taken as long as a call can last.
    house.clock.forward(20 * 3600);
    let later = service.ask(&next.attribute("action"), &[("DialCallStatus", "no-answer")]).await;
    assert_eq!(later.status, 200);
    house.clock.forward(10 * 3600);
    let fields = [("DialCallStatus", "no-answer"), ("CallSid", "CA00000000000000000000000000000abc")];
    let old = service.ask(&next.attribute("action"), &fields).await;
    assert_eq!((old.status, old.body.as_str()), (403, ""));
    service.running.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_ahead_drops_no_caller_and_opens_no_window() {
    let house = House::new();
    let service = house.serve().await;
    let first = service.arrive().await;
    let action = first.attribute("action");
    house.clock.set_ahead(30 * 3600);
    assert_eq!(service.arrive().await, first, "a retry is answered the same");
    let next = service.ask(&action, &[("DialCallStatus", "no-answer")]).await;
    assert_eq!(next.status, 200, "the call began minutes ago, whatever the clock says");
    house.clock.forward(2 * 3600);
    assert_eq!(service.arrive().await.status, 403, "a step of two hours ago is no retry");
    house.clock.forward(30 * 3600);
    let other = [("DialCallStatus", "no-answer"), ("CallSid", "CA00000000000000000000000000000abc")];
    assert_eq!(service.ask(&next.attribute("action"), &other).await.status, 403);
    service.running.stop().await;
}
