//! How an explained call looks, to the letter.

use crate::draw::explain::{self, Explained};
use crate::journey::people::{Reply, Script};
use crate::journey::{Call, travel};
use crate::model::call::{Attestation, State};
use crate::model::ids::{ContactId, LineId};
use crate::model::leg::Leg;
use crate::model::phone::Caller;
use crate::rules::{NoFiles, load};

const RULES: &str = r#"
version: 1
timezone: America/Chicago
lines: { main: { number: "+13125550100", start: triage } }
contacts:
  dana: { number: "+13125550111", notify: sms, away: dana_away }
  lee: { number: "+13125550112", notify: sms }
  desk: { number: "+13125550120", confirm: none }
hours: { office: [mon-thu 08:00-17:00, fri 08:00-15:00] }
callers: { vip: { numbers: ["+13125550181"] } }
switches: { dana_away: { expires: 12h } }
flows:
  triage:
    - name: vip
      when: { caller: vip, hours: office }
      cascade: [{ ring: desk }]
    - name: open
      when: { hours: office }
      cascade: [{ ring: desk }]
    - name: closed
      cascade: [{ say: We are "closed" <now>. }, { menu: after }]
      missed: tell
  urgent:
    - cascade: [{ ring: dana }, { ring: lee, for: 15s }]
menus:
  after: { say: Press 1 if it is urgent., keys: { "1": [{ flow: urgent }] } }
escalations:
  tell: [{ sms: [dana, lee], text: "Missed {{caller}}." }]
mailboxes:
  office: { greeting: Leave a message., send_to: [lee] }
finally: { voicemail: office }
"#;

/// Friday at three sharp, one who presses 1; Dana is away and Lee's mailbox picks up.
fn drawn(draw: fn(Explained<'_>) -> String) -> String {
    let loaded = load("drawn.yaml", RULES.as_bytes(), &NoFiles, jiff::civil::date(2026, 3, 1));
    let rules = loaded.rules.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let call = Call {
        line: Some(LineId(0)),
        caller: Caller::parse("+12025550143"),
        forwarded_from: None,
        attestation: Attestation::Unsigned,
        at: 1_772_830_800,
        state: State { switches: vec![Some(true)], ..State::default() },
    };
    let mut script = Script::new().key(Reply::Pressed("1".into())).leg(ContactId(1), [Leg::AnsweredNoKey]);
    let journey = travel(&rules, &call, &mut script);
    draw(Explained { rules: &rules, call: &call, to: "+13125550100", journey: &journey })
}

#[test]
fn a_terminal_shows_every_rule_and_person_with_its_one_fact() {
    insta::assert_snapshot!("text", drawn(explain::text));
}

#[test]
fn a_flowchart_shows_what_was_not_taken_dashed() {
    insta::assert_snapshot!("mermaid", drawn(explain::mermaid::text));
}

#[test]
fn programs_get_the_same_reasons() {
    let json: serde_json::Value = serde_json::from_str(&drawn(explain::json::text)).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["end"], "voicemail");
    assert_eq!(json["rules"], serde_json::json!(["closed", "flows/urgent/0"]));
    assert_eq!(json["rings"][0]["contact"], "lee");
    assert_eq!(json["call"]["switches"], serde_json::json!({ "dana_away": true }));
    let open = &json["answers"][0]["considered"][3];
    assert_eq!(open["path"], "flows/triage/1/when/hours");
    assert_eq!(open["verdict"], "not_taken");
    assert_eq!(open["why"], "hours office: 15:00 is not before 15:00 (fri 08:00-15:00, America/Chicago)");
}
