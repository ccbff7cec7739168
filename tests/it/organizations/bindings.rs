//! Numbers: the line that one rings, the account that one is used over, and the one that is let go.

use std::time::{Duration, Instant};

use crate::organizations::desk::{ACME, ACME_LINE, ACME_TOKEN, BRAVO, BRAVO_TOKEN, Desk, LONG, call, fresh};
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
