//! Host names: anybody may ask, DNS proves, and what comes in under a name is its organization's and nobody else's.

use std::time::{Duration, Instant};

use ringfall::webhook::form::Form;
use ringfall::webhook::signature::Signer;

use crate::fake_dns::Dns;
use crate::organizations::desk::{
    ACME, ACME_LINE, ACME_TOKEN, BRAVO, BRAVO_LINE, BRAVO_TOKEN, Desk, LONG, fresh, house,
};
use crate::support::{Reply, Service, fields};

const HOST: &str = "phones.acme.example";
const RECORD: &str = "_ringfall.phones.acme.example";

/// A call that comes in under a host, signed for that host.
async fn call_under(service: &Service, host: &str, token: &str, account: &str, line: &str, target: &str) -> Reply {
    let call = fresh();
    let form = Form::of(fields(&[("AccountSid", account), ("To", line), ("CallSid", &call)]));
    let signature = Signer::new(token).sign(&format!("https://{host}{target}"), &form);
    service.post(target, form.encode(), &[("X-Twilio-Signature", &signature), ("Host", host)]).await
}

async fn becomes(service: &Service, status: u16) -> Reply {
    let until = Instant::now() + LONG;
    loop {
        let reply = call_under(service, HOST, ACME_TOKEN, ACME, ACME_LINE, "/twilio/inbound-call").await;
        if reply.status == status {
            return reply;
        }
        assert!(Instant::now() < until, "still {reply:?} and not {status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What must stand in DNS, as a command told it.
fn word(told: &str) -> String {
    let start = told.find("ringfall-verify=").unwrap_or_else(|| panic!("no record in {told}"));
    told[start..].chars().take_while(|sign| *sign != '"').collect()
}

#[tokio::test]
async fn a_host_name_is_proved_in_dns_and_then_answers_for_its_organization_alone() {
    let house = house();
    let service = house.serve().await;
    let dns = Dns::start();
    let desk = Desk::of(&house, &[("RINGFALL_DNS_RESOLVER", &dns.address)]);
    desk.found_all();
    let told = desk.does(&format!("domain add --org acme {HOST}"), "");
    assert!(told.contains(&format!("{HOST} pending  {RECORD} TXT \"")), "{told}");
    assert_eq!(desk.does(&format!("domain add --org acme {HOST}"), ""), told, "the word stays the same");
    let missing = desk.refuses(1, &format!("domain verify --org acme {HOST}"), "");
    assert!(missing.contains(RECORD) && missing.contains(&word(&told)), "it says what to do: {missing}");
    assert!(desk.refuses(2, &format!("domain activate --org acme {HOST}"), "").contains("not verified yet"));

    // Somebody else asks for the same name, with a word of their own, which proves nothing for them.
    let other = desk.does(&format!("domain add --org bravo {HOST}"), "");
    assert_ne!(word(&other), word(&told));
    dns.put(RECORD, &["v=spf1 -all", &word(&told)]);
    desk.refuses(1, &format!("domain verify --org bravo {HOST}"), "");
    assert_eq!(desk.does(&format!("domain verify --org acme {HOST}"), ""), format!("{HOST} verified\n"));
    dns.put(RECORD, &[&word(&other)]);
    let taken = desk.refuses(2, &format!("domain verify --org bravo {HOST}"), "");
    assert!(taken.contains("belongs to another organization"), "{taken}");

    assert_eq!(call_under(&service, HOST, ACME_TOKEN, ACME, ACME_LINE, "/twilio/inbound-call").await.status, 403);
    assert_eq!(desk.does(&format!("domain activate --org acme {HOST}"), ""), format!("{HOST} active\n"));
    let reply = becomes(&service, 200).await;
    assert!(reply.body.contains("This is acme."), "{}", reply.body);
    for target in ["/twilio/inbound-call", "/twilio/inbound-call?org=bravo"] {
        let reply = call_under(&service, HOST, BRAVO_TOKEN, BRAVO, BRAVO_LINE, target).await;
        assert_eq!((reply.status, reply.body.as_str()), (403, ""), "{target}");
    }
    let shown = desk.does("domain list --org acme --format json", "");
    assert!(shown.contains("\"state\": \"active\"") && shown.contains(RECORD), "{shown}");
    assert!(desk.does("org show acme", "").contains(&format!("domain   {HOST} active")));

    desk.does(&format!("domain remove --org acme {HOST}"), "");
    becomes(&service, 403).await;
    assert_eq!(desk.does(&format!("domain verify --org bravo {HOST}"), ""), format!("{HOST} verified\n"));
    assert!(dns.asked().iter().all(|name| name == RECORD), "nothing else is asked: {:?}", dns.asked());
    service.running.stop().await;
}

#[test]
fn a_resolver_that_cannot_be_asked_changes_nothing_and_says_so() {
    let house = house();
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let desk = Desk::of(&house, &[("RINGFALL_DNS_RESOLVER", &nobody)]);
    desk.does("org add acme --plan premium", "");
    desk.does(&format!("domain add --org acme {HOST}"), "");
    let told = desk.refuses(3, &format!("domain verify --org acme {HOST}"), "");
    assert!(told.contains("TXT record cannot be looked up"), "{told}");
    assert!(desk.does("domain list --org acme", "").contains("pending"));
    let wrong = Desk::of(&house, &[("RINGFALL_DNS_RESOLVER", "nowhere")]);
    assert!(wrong.refuses(3, "domain list --org acme", "").contains("dns_resolver"));
}
