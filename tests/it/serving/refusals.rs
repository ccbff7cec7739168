//! Who is not believed, and what is too much; nobody is told why.

use ringfall::webhook::form::Form;
use ringfall::webhook::signature::Signer;

use crate::support::{House, PUBLIC, RULES, Service, TOKEN, fields, raw};

async fn refused(service: &Service, target: &str, body: String, headers: &[(&str, &str)]) -> (u16, String) {
    let reply = service.post(target, body, headers).await;
    (reply.status, reply.body)
}

#[tokio::test]
async fn every_forgery_is_refused_in_the_same_words() {
    let service = House::new().serve().await;
    let target = "/twilio/inbound-call";
    let form = Form::of(fields(&[]));
    let good = Signer::new(TOKEN).sign(&format!("{PUBLIC}{target}"), &form);
    let other_url = Signer::new(TOKEN).sign("https://elsewhere.example.com/twilio/inbound-call", &form);
    let other_token = Signer::new("guessed").sign(&format!("{PUBLIC}{target}"), &form);
    let stranger = Form::of(fields(&[("AccountSid", "ACffffffffffffffffffffffffffffffff")]));
    let nobody = Form::of(fields(&[]).into_iter().filter(|(name, _)| *name != "AccountSid"));
    let cases = [
        (form.encode(), None),
        (form.encode(), Some("")),
        (form.encode(), Some("AAAA")),
        (form.encode(), Some(other_url.as_str())),
        (form.encode(), Some(other_token.as_str())),
        (format!("{}&Extra=1", form.encode()), Some(good.as_str())),
        (stranger.encode(), Some(good.as_str())),
        (nobody.encode(), Some(good.as_str())),
        (String::new(), Some(good.as_str())),
    ];
    for (body, signature) in cases {
        let headers: Vec<_> = signature.map(|text| ("X-Twilio-Signature", text)).into_iter().collect();
        assert_eq!(refused(&service, target, body.clone(), &headers).await, (403, String::new()), "{body}");
    }
    assert_eq!(service.counted("ringfall_refused_total{reason=\"unverified\"}").await, 9);
    service.running.stop().await;
}

#[tokio::test]
async fn an_organization_cannot_be_reached_through_anothers_name() {
    let other = RULES.replace("+16195550100", "+16195550199");
    let service = House::with(&[("rules/acme.yaml", RULES), ("rules/other.yaml", &other)]).serve().await;
    let reply = service.ask("/twilio/inbound-call?org=other", &[]).await;
    assert_eq!((reply.status, reply.body.as_str()), (403, ""));
    assert_eq!(service.ask("/twilio/inbound-call?org=acme", &[]).await.status, 200);
    service.running.stop().await;
}

#[tokio::test]
async fn what_is_too_much_or_no_form_is_refused_unread() {
    let house = House::new();
    let service = house.serve_with(&[("RINGFALL_BODY_LIMIT", "4kB")], None).await;
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    for (status, body, headers) in [
        (413, "a=".to_owned() + &"x".repeat(5000), vec![form]),
        (415, "<a/>".to_owned(), vec![("Content-Type", "text/xml")]),
        (415, "a=b".to_owned(), vec![("Content-Type", "application/x-www-form-urlencoded; charset=koi8-r")]),
        (400, "a=%FF".to_owned(), vec![form]),
        (413, "a=b&".repeat(600), vec![form]),
    ] {
        assert_eq!(refused(&service, "/twilio/inbound-call", body, &headers).await, (status, String::new()));
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let put = client.put(service.url("/twilio/inbound-call")).body("a=b").send().await.unwrap();
    assert_eq!(put.status().as_u16(), 405);
    assert_eq!(service.get("/twilio/nowhere").await.status, 404);
    for reason in ["body-too-long", "content-type", "charset", "not-text", "too-many-fields", "method"] {
        assert_eq!(service.counted(&format!("ringfall_refused_total{{reason=\"{reason}\"}}")).await, 1, "{reason}");
    }
    service.running.stop().await;
}

#[tokio::test]
async fn slow_senders_are_shown_the_door() {
    let service = House::new().serve_with(&[("RINGFALL_HEADER_TIMEOUT", "1s")], None).await;
    let address = service.address;
    let head = tokio::task::spawn_blocking(move || raw(address, b"POST /twilio/inbound-call HTTP/1.1\r\nHost: x\r\n"));
    let half = "POST /twilio/inbound-call HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Content-Length: 100\r\nConnection: close\r\n\r\na=b";
    let body = tokio::task::spawn_blocking(move || raw(address, half.as_bytes()));
    assert!(head.await.unwrap().starts_with("HTTP/1.1 408"));
    assert!(body.await.unwrap().starts_with("HTTP/1.1 408"));
    assert_eq!(service.counted("ringfall_refused_total{reason=\"body-too-slow\"}").await, 1);
    service.running.stop().await;
}

#[tokio::test]
async fn the_simulator_is_believed_only_from_this_machine() {
    let house = House::new();
    let service = house.serve().await;
    let text = std::fs::read_to_string(house.path("data/simulator.token")).unwrap();
    let simulator = ringfall::model::simulator::Simulator::parse(&text).unwrap();
    let form = Form::of(fields(&[("AccountSid", simulator.account.as_str())]));
    let target = "/twilio/inbound-call";
    let signature = Signer::new(simulator.token.expose()).sign(&service.url(target), &form);
    let signed = ("X-Twilio-Signature", signature.as_str());
    assert_eq!(service.post(target, form.encode(), &[signed]).await.status, 200);
    for header in [("X-Forwarded-For", "198.51.100.7"), ("Via", "1.1 proxy"), ("CF-Connecting-IP", "198.51.100.7")] {
        let through_proxy = [signed, header];
        assert_eq!(refused(&service, target, form.encode(), &through_proxy).await, (403, String::new()), "{header:?}");
    }
    service.running.stop().await;
}

#[tokio::test]
async fn in_production_there_is_no_simulator() {
    let house = House::new();
    let service = house.serve_with(&[("RINGFALL_ENV", "production")], None).await;
    assert!(!house.path("data/simulator.token").exists());
    assert_eq!(service.ready().await["credentials"], serde_json::json!(["platform"]));
    service.running.stop().await;
}

#[tokio::test]
async fn strangers_hear_only_whether_the_service_is_ready() {
    let service = House::new().serve().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |path| client.get(service.url(path)).header("X-Forwarded-For", "198.51.100.7").send();
    assert_eq!(ask("/readyz").await.unwrap().text().await.unwrap(), "{\"status\":\"ready\"}");
    assert_eq!(ask("/metrics").await.unwrap().status().as_u16(), 404);
    assert_eq!(ask("/healthz").await.unwrap().status().as_u16(), 200);
    // Those who only look whether it is there ask without reading.
    for path in ["/healthz", "/readyz"] {
        let seen = client.head(service.url(path)).send().await.unwrap();
        assert_eq!((seen.status().as_u16(), seen.text().await.unwrap().len()), (200, 0), "{path}");
    }
    service.running.stop().await;
}

#[tokio::test]
async fn a_public_address_with_a_path_is_signed_and_linked_with_it() {
    let house = House::new();
    let service = house.serve_with(&[("RINGFALL_PUBLIC_URL", "https://example.com/phone")], None).await;
    let form = Form::of(fields(&[]));
    let signature = Signer::new(TOKEN).sign("https://example.com/phone/twilio/inbound-call", &form);
    // A proxy may take the path off, or leave it on.
    for target in ["/twilio/inbound-call", "/phone/twilio/inbound-call"] {
        let reply = service.post(target, form.encode(), &[("X-Twilio-Signature", &signature)]).await;
        assert_eq!(reply.status, 200, "{target}");
        assert!(reply.attribute("action").starts_with("/phone/twilio/continue?"), "{}", reply.body);
    }
    service.running.stop().await;
}
