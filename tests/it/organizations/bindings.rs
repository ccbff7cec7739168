//! Numbers: the line that one rings, the account that one is used over, and the one that is let go.

use std::time::{Duration, Instant};

use ringfall::admin::Office;
use ringfall::admin::numbers::Lead;
use ringfall::app::ports::Clock as _;
use ringfall::model::ids::{AccountSid, OrgSlug};
use ringfall::model::phone::E164;
use ringfall::tenant::owner::Owner;
use ringfall::tenant::stamp::{Actor, Stamp};
use ringfall::tenants;

use crate::organizations::desk::{
    ACME, ACME_LINE, ACME_TOKEN, BRAVO, BRAVO_LINE, BRAVO_TOKEN, Desk, LONG, becomes, call, fresh,
};
use crate::support::{House, Service};

/// Two lines of which each says its name; a third number stands in no rule.
const RULES: &str = r#"version: 1
timezone: America/Denver
lines:
  front: { number: "+16195550100", start: front }
  sales: { number: "+16195550104", start: sales }
flows:
  front: [{ cascade: [{ voicemail: This is the front. }] }]
  sales: [{ cascade: [{ voicemail: This is sales. }] }]
finally: { voicemail: The end. }
"#;

const CAMPAIGN: &str = "+16195550107";

async fn says(service: &Service, line: &str, text: &str) {
    let until = Instant::now() + LONG;
    loop {
        let reply = call(service, ACME_TOKEN, ACME, line, "/twilio/inbound-call?org=acme", &fresh()).await;
        if reply.body.contains(text) {
            return;
        }
        assert!(Instant::now() < until, "never `{text}`: {reply:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_number_rings_the_line_that_its_binding_names() {
    let house = House::with(&[("rules/acme.yaml", RULES)]);
    let service = house.serve().await;
    let desk = Desk::of(&house, &[]);
    desk.does("org add acme --plan premium", "");
    desk.does(
        &format!("connect twilio --org acme --account-sid {ACME} --number {ACME_LINE} --number {CAMPAIGN} --enforce"),
        ACME_TOKEN,
    );
    says(&service, ACME_LINE, "This is the front.").await;
    says(&service, CAMPAIGN, "The end.").await;
    let told = desk.does(&format!("connect number --org acme {CAMPAIGN} --line sales"), "");
    assert_eq!(told, format!("{CAMPAIGN} leads to `acme`, line `sales`\n"));
    says(&service, CAMPAIGN, "This is sales.").await;
    assert!(desk.does("org show acme", "").contains("line `sales`"));
    // A line that the rules do not have leaves the number where its own line is.
    desk.does(&format!("connect number --org acme {ACME_LINE} --line nowhere"), "");
    desk.does(&format!("connect number --org acme {CAMPAIGN} --line front"), "");
    says(&service, CAMPAIGN, "This is the front.").await;
    says(&service, ACME_LINE, "This is the front.").await;
    // What is said a second time changes nothing.
    let again = desk.does(&format!("connect number --org acme {CAMPAIGN} --line front"), "");
    assert!(again.contains("already"), "{again}");
    service.running.stop().await;
}

#[test]
fn a_number_that_another_organization_of_the_account_has_is_refused_with_the_way_out() {
    let house = crate::organizations::desk::house();
    let desk = Desk::of(&house, &[("RINGFALL_RULES", "rules")]);
    desk.does("org add acme --plan premium", "");
    desk.does("org add bravo --plan premium", "");
    let connect = |org: &str, line: &str| format!("connect twilio --org {org} --account-sid {ACME} --number {line}");
    desk.does(&connect("acme", ACME_LINE), ACME_TOKEN);
    let told = format!("{ACME_LINE} leads to `acme`");
    let refused = desk.refuses(2, &connect("bravo", ACME_LINE), ACME_TOKEN);
    assert!(refused.contains(&told) && refused.contains("connect release --org"), "{refused}");
    // Nothing of it was done: neither the account nor the number is bravo's.
    assert!(!desk.does("connect list --org bravo", "").contains(ACME));
    // A number that no line of the rules has is bound, with a word about it.
    let output = desk.run(&connect("bravo", CAMPAIGN), ACME_TOKEN);
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && warned.contains(&format!("no line of `bravo` has {CAMPAIGN}")), "{warned}");
    let refused = desk.refuses(2, &format!("connect number --org bravo {ACME_LINE}"), "");
    assert!(refused.contains(&told), "{refused}");
    // The way out leads there.
    desk.does(&format!("connect release --org acme {ACME_LINE}"), "");
    desk.does(&format!("connect number --org bravo {ACME_LINE}"), "");
}

#[test]
fn a_number_in_two_accounts_is_let_go_where_it_is_said() {
    let house = crate::organizations::desk::house();
    let desk = Desk::of(&house, &[]);
    desk.does("org add acme --plan premium", "");
    for (account, token) in [(ACME, ACME_TOKEN), (BRAVO, BRAVO_TOKEN)] {
        desk.does(&format!("connect twilio --org acme --account-sid {account} --number {ACME_LINE}"), token);
    }
    let refused = desk.refuses(2, &format!("connect release --org acme {ACME_LINE}"), "");
    assert!(refused.contains("several accounts"), "{refused}");
    desk.does(&format!("connect release --org acme {ACME_LINE} --account-sid {ACME}"), "");
    let shown = desk.does("org show acme --format json", "");
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let kept: Vec<&str> =
        shown["numbers"].as_array().unwrap().iter().map(|number| number["installation"].as_str().unwrap()).collect();
    assert!(kept.len() == 1 && kept[0].starts_with("twilio-00000bbb-"), "{kept:?}");
    desk.does(&format!("connect release --org acme {ACME_LINE}"), "");
    assert!(desk.refuses(2, &format!("connect release --org acme {ACME_LINE}"), "").contains("no such number"));
}

/// A text to the line, and the end of a call to it.
async fn reports(service: &Service, token: &str, line: &str) -> [u16; 2] {
    let text =
        [("AccountSid", ACME), ("To", line), ("MessageSid", "SM0123456789abcdef0123456789abcdef"), ("Body", "stop")];
    let name = fresh();
    let over = [("AccountSid", ACME), ("To", line), ("CallSid", name.as_str()), ("CallStatus", "completed")];
    let text = service.ask_signed_by(token, "/twilio/inbound-sms", &text).await;
    [text.status, service.ask_signed_by(token, "/twilio/call-status", &over).await.status]
}

#[tokio::test]
async fn whoever_shares_an_account_reports_nothing_for_the_other() {
    let house = crate::organizations::desk::house();
    let service = house.serve().await;
    let desk = Desk::of(&house, &[]);
    for (org, line, token) in [("acme", ACME_LINE, ACME_TOKEN), ("bravo", BRAVO_LINE, BRAVO_TOKEN)] {
        desk.does(&format!("org add {org} --plan premium"), "");
        let connect = format!("connect twilio --org {org} --account-sid {ACME} --number {line} --enforce");
        desk.does(&connect, ACME_TOKEN);
        if token != ACME_TOKEN {
            desk.does(&format!("connect rotate --org {org}"), token);
        }
        becomes(&service, 200, (token, ACME, line, "/twilio/inbound-call")).await;
    }
    assert_eq!(reports(&service, ACME_TOKEN, ACME_LINE).await, [200, 200]);
    assert_eq!(reports(&service, BRAVO_TOKEN, BRAVO_LINE).await, [200, 200]);
    let store = service.running.store.clone().unwrap();
    let of_acme = async || {
        store.settle().await.unwrap();
        let all = store.archive().records_after(0, 1_000).unwrap();
        all.into_iter().filter(|kept| &*kept.record.org == "acme").count()
    };
    let before = of_acme().await;
    for status in reports(&service, BRAVO_TOKEN, ACME_LINE).await {
        assert!([200, 403].contains(&status), "{status}");
    }
    assert_eq!(of_acme().await, before, "the other's token speaks for nobody but the other");
    service.running.stop().await;
}

#[tokio::test]
async fn a_number_that_goes_from_one_to_another_is_never_lost() {
    let house = crate::organizations::desk::house();
    let desk = Desk::of(&house, &[]);
    for org in ["acme", "bravo"] {
        desk.does(&format!("org add {org} --plan premium"), "");
        desk.does(&format!("connect twilio --org {org} --account-sid {ACME} --enforce"), ACME_TOKEN);
    }
    desk.does(&format!("connect number --org bravo {CAMPAIGN}"), "");
    let service = house.serve().await;
    let holder = || {
        let known = service.running.app.directory.now();
        let (account, number) = (AccountSid::parse(ACME).unwrap(), E164::parse(CAMPAIGN).unwrap());
        known.number(&account, &number).map(|tenant| tenant.slug.to_string())
    };
    assert_eq!(holder().as_deref(), Some("bravo"));
    // Both are seen at one look, and the one who gets it is read before the one who had it.
    let office = Office::new(tenants::open(&house.path("data"), None).unwrap(), None);
    let (acme, bravo) = (OrgSlug::parse("acme").unwrap(), OrgSlug::parse("bravo").unwrap());
    let by = Stamp::new(&Actor::new("test"), house.clock.now());
    let number = E164::parse(CAMPAIGN).unwrap();
    let lead =
        Lead { over: Owner::Org(acme.clone()), account: None, number: number.clone(), line: None, priority: None };
    office.release(&bravo, &number, (None, None), &by).await.unwrap();
    office.bind(&acme, &lead, &by).await.unwrap();
    let until = Instant::now() + LONG;
    while holder().as_deref() != Some("acme") {
        assert!(Instant::now() < until, "it is {:?}'s", holder());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    service.running.stop().await;
}
