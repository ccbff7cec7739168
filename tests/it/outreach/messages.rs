//! Messages that callers leave: who hears of them, by which address, and what they say.

use std::time::Duration;

use crate::fake_twilio::{KEY, KEY_SECRET};
use crate::outreach::{CALLER, DANA, LEE, OWNER, RULES, Stage};
use crate::support::{CALL, House, program};

#[actix_web::test]
async fn a_message_is_told_with_an_address_that_only_we_can_make() {
    let stage = Stage::new();
    let service = stage.serve().await;
    let sid = "RE0123456789abcdef0123456789abcdef";
    stage.fake.state().recordings.insert(sid.into(), b"a voice".repeat(10_000));
    stage.text_closed(&service).await;
    let box_ = service.ask("/twilio/inbound-call", &[]).await;
    let url = format!("https://api.twilio.com/2010-04-01/Accounts/{}/Recordings/{sid}", crate::support::ACCOUNT);
    let left = [
        ("RecordingSid", sid),
        ("RecordingUrl", url.as_str()),
        ("RecordingDuration", "12"),
        ("CallStatus", "in-progress"),
    ];
    service.ask(&box_.attribute("action"), &left).await;
    let texts = stage.told(2).await;
    let (to, body) = &texts[1];
    assert_eq!(to, OWNER);
    assert!(body.starts_with(&format!("New message (12 s) from {CALLER} for ")), "{body}");
    assert!(!body.contains("api.twilio.com"), "{body}");
    let address = body.split("Listen: ").nth(1).unwrap_or_else(|| panic!("no address in {body}"));
    let target = address.strip_prefix(crate::support::PUBLIC).unwrap();
    let heard = service.get(target).await;
    assert_eq!((heard.status, heard.content_type.as_str(), heard.body.len()), (200, "audio/mpeg", 70_000));
    for bad in [target.replace("until=1", "until=2"), target.replace("acme", "other"), target.replace("RE0", "RE1")] {
        assert_eq!(service.get(&bad).await.status, 404, "{bad}");
    }
    let cut = service.get(target.split('?').next().unwrap()).await;
    assert!(cut.status == 404 && cut.body.contains("has to be whole"), "{cut:?}");
    stage.house.clock.forward(8 * 86_400);
    assert_eq!(service.get(target).await.status, 404, "its week is over");
    service.running.stop().await;
}

#[actix_web::test]
async fn an_address_of_one_machine_is_good_on_the_others() {
    let (stage, database) = (Stage::new(), crate::postgres::shared().database());
    let sid = "RE0123456789abcdef0123456789abcdef";
    stage.fake.state().recordings.insert(sid.into(), b"a voice".repeat(10));
    let url = stage.fake.url();
    let common = [
        ("TWILIO_API_KEY", KEY),
        ("TWILIO_API_SECRET", KEY_SECRET),
        ("RINGFALL_TWILIO_API_URL", url.as_str()),
        ("RINGFALL_DATABASE_URL", database.url.expose()),
        ("ENCRYPTION_KEY", "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f1"),
    ];
    let named = |name| [&common[..], &[("RINGFALL_NODE", name)]].concat();
    let other = House::with(&[("rules/acme.yaml", RULES)]);
    let (first, second) = (stage.service(&named("one")).await, other.serve_with(&named("two"), None).await);
    stage.text_closed(&first).await;
    let box_ = first.ask("/twilio/inbound-call", &[]).await;
    first.ask(&box_.attribute("action"), &[("RecordingSid", sid), ("RecordingDuration", "12")]).await;
    let texts = stage.told(2).await;
    let address = texts[1].1.split("Listen: ").nth(1).unwrap();
    let target = address.strip_prefix(crate::support::PUBLIC).unwrap();
    for node in [&first, &second] {
        assert_eq!((node.get(target).await.status, node.get(target).await.body.len()), (200, 70));
    }
    first.running.stop().await;
    second.running.stop().await;
}

#[actix_web::test]
async fn a_message_that_was_left_elsewhere_is_told_all_the_same() {
    let stage = Stage::new();
    let service = stage.serve().await;
    let told = |sid| [("RecordingSid", sid), ("RecordingDuration", "9"), ("RecordingStatus", "completed")];
    // At the ending of a static host, while this machine was away.
    let out = ["fallback", "export", "--out", "there"];
    let mut export = program(&stage.house.path(""));
    let export = export.args(out).env("RINGFALL_RULES", "rules").env("RINGFALL_PUBLIC_URL", crate::support::PUBLIC);
    assert!(export.output().unwrap().status.success());
    let page = std::fs::read_to_string(stage.house.path("there/acme/16195550100.xml")).unwrap();
    let callback = page.split("recordingStatusCallback=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let callback = callback.strip_prefix(crate::support::PUBLIC).unwrap();
    let report = told("RE0123456789abcdef0123456789abcdef");
    for _ in 0..2 {
        // The carrier tells of a recording without saying who called whom.
        let nobody = [("From", ""), ("To", ""), ("CallStatus", ""), ("Direction", "")];
        assert_eq!(service.ask(callback, &[&report[..], &nobody].concat()).await.status, 200);
    }
    let texts = stage.told(1).await;
    assert_eq!((texts.len(), texts[0].0.as_str()), (1, OWNER));
    assert!(texts[0].1.starts_with("New message (9 s) from an unknown number, "), "{texts:?}");
    assert!(texts[0].1.contains(" Listen: "), "{texts:?}");
    service.running.stop().await;
}

#[actix_web::test]
async fn a_message_at_a_number_that_the_rules_forgot_is_told_where_there_is_one_business() {
    let stage = Stage::new();
    let service = stage.serve().await;
    let forgotten = ("To", "+16195550199");
    let ending = service.ask("/twilio/inbound-call", &[forgotten]).await;
    assert!(ending.body.contains("<Record") && ending.body.contains("?org=acme"), "{}", ending.body);
    let left = [forgotten, ("RecordingSid", "RE0123456789abcdef0123456789abcdef"), ("RecordingDuration", "9")];
    service.ask(&ending.attribute("action"), &left).await;
    let texts = stage.told(1).await;
    assert_eq!((texts.len(), texts[0].0.as_str()), (1, OWNER), "{texts:?}");
    assert!(texts[0].1.starts_with(&format!("New message (9 s) from {CALLER} for ")), "{texts:?}");
    // The end of the call, which names nobody, belongs to it.
    service.ask("/twilio/call-status", &[forgotten, ("CallStatus", "completed"), ("CallDuration", "30")]).await;
    let store = service.running.store.clone().unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while store.call("acme", CALL).await.unwrap().is_none_or(|call| call.over_us.is_none()) {
        assert!(std::time::Instant::now() < end, "the call is not closed");
        store.settle().await.unwrap();
    }
    assert_eq!(service.counted("ringfall_anomalies_total{reason=\"unknown-number\"}").await, 1);
    service.running.stop().await;
}

#[actix_web::test]
async fn a_message_and_its_transcript_go_to_those_whom_the_call_rang() {
    let stage = Stage::new();
    let on_duty =
        RULES.replace("send_to: [owner]", "send_to: [on_duty], transcribe: true").replace("    missed: page\n", "");
    stage.house.write("rules/acme.yaml", &on_duty);
    let service = stage.serve().await;
    let mut page = service.ask("/twilio/inbound-call", &[]).await;
    for _ in 0..2 {
        page = service.ask(&page.attribute("action"), &[("DialCallStatus", "no-answer")]).await;
    }
    let left = ("RecordingSid", "RE0123456789abcdef0123456789abcdef");
    service.ask(&page.attribute("action"), &[left, ("RecordingDuration", "9")]).await;
    stage.told(2).await;
    let words = [left, ("TranscriptionStatus", "completed"), ("TranscriptionText", "Please call me back.")];
    service.ask(&page.attribute("transcribeCallback"), &words).await;
    let mut texts = stage.told(4).await;
    texts[..2].sort();
    texts[2..].sort();
    let receivers: Vec<&str> = texts.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(receivers, [DANA, LEE, DANA, LEE], "{texts:?}");
    assert_eq!(texts[3].1, format!("Message from {CALLER}: Please call me back."));
    service.running.stop().await;
}
