//! What is turned over the API of one node counts on another, and stands in the trail.

use std::time::{Duration, Instant};

use ringfall::tenant::event::Deed;
use ringfall::tenant::role::Role;
use serde_json::{Value, json};

use crate::api::{Desk, SECRET, word};
use crate::postgres;
use crate::revisions::world;
use crate::support::{RULES, Service};

/// Rules with a switch that sends callers elsewhere.
fn rules() -> String {
    let switch = "switches: { closed: { expires: 4h } }\n";
    let route = "routes:\n  - when: { switch: closed }\n    cascade: [{ voicemail: We are closed. }]\n";
    RULES.replace("routes:\n", &format!("{switch}{route}"))
}

/// Calls until the answer holds that text.
pub(super) async fn says(service: &Service, text: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let call = format!("CA{}", uuid::Uuid::now_v7().simple());
        let reply = service.ask("/twilio/inbound-call", &[("CallSid", &call), ("From", "anonymous")]).await;
        if reply.body.contains(text) {
            return;
        }
        assert!(Instant::now() < until, "never `{text}`: {reply:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(super) fn path(tail: &str) -> String {
    format!("/organizations/acme/{tail}")
}

/// Looked at, refused, and taken; the digest of the first ones.
async fn rules_are_brought(desk: &Desk, there: &Service) -> Value {
    let owner = word(Role::Owner);
    let wrong = json!({ "text": RULES.replace("primary, for", "nobody, for") });
    let found = desk.ask("POST", &path("rules/check"), Some(&word(Role::Viewer)), Some(&wrong)).await;
    assert_eq!((found.status, &found.body["holds"]), (200, &Value::Bool(false)), "{}", found.text);
    let refused = desk.ask("POST", &path("rules"), Some(&owner), Some(&wrong)).await;
    let problem = refused.body["error"]["problems"][0].as_str().unwrap_or_default();
    assert_eq!((refused.status, refused.code()), (422, "invalid"));
    assert!(problem.starts_with("acme.yaml:8:") && problem.contains("nobody"), "it says where: {problem}");
    let viewer = desk.ask("POST", &path("rules"), Some(&word(Role::Viewer)), Some(&wrong)).await;
    assert_eq!((viewer.status, viewer.code()), (403, "forbidden"));
    let first = desk.ask("POST", &path("rules"), Some(&owner), Some(&json!({ "text": RULES, "note": "first" }))).await;
    assert_eq!((first.status, &first.body["state"]), (200, &json!("current")), "{}", first.text);
    says(there, "+16195550111").await;
    let winter = json!({ "text": rules().replace("+16195550111", "+16195550122"), "note": "winter" });
    let tag = first.headers["etag"].clone();
    let pushed = desk.ask_with("POST", &path("rules"), Some(&owner), Some(&winter), &[("If-Match", &tag)]).await;
    assert_eq!(pushed.status, 200, "{}", pushed.text);
    says(there, "+16195550122").await;
    let stale = desk.ask_with("POST", &path("rules"), Some(&owner), Some(&winter), &[("If-Match", &tag)]).await;
    assert_eq!((stale.status, stale.code()), (412, "stale"));
    first.body["digest"].clone()
}

/// On here, seen there, and taken back.
async fn a_switch_is_turned(desk: &Desk, there: &Service) {
    let owner = word(Role::Owner);
    assert_eq!(desk.ask("PUT", &path("switches/nope"), Some(&owner), Some(&json!({ "on": true }))).await.status, 404);
    says(&desk.service, "+16195550122").await;
    let on = desk.ask("PUT", &path("switches/closed"), Some(&word(Role::Operator)), Some(&json!({ "on": true }))).await;
    assert_eq!((on.status, &on.body["on"], &on.body["from"]), (200, &Value::Bool(true), &json!("api")), "{}", on.text);
    says(there, "We are closed.").await;
    says(&desk.service, "We are closed.").await;
    let undone = desk.ask("POST", &path("switches/closed/undo"), Some(&owner), None).await;
    assert_eq!((undone.status, &undone.body["on"]), (200, &Value::Null), "{}", undone.text);
    says(there, "+16195550122").await;
    let nothing = desk.ask("POST", &path("switches/closed/undo"), Some(&owner), None).await;
    assert_eq!((nothing.status, nothing.code()), (409, "wrong-state"));
}

/// The platform's administrators alone, and never further in without the matrix.
async fn the_rollout_is_turned(desk: &Desk, there: &Service) {
    let (owner, admin) = (word(Role::Owner), word(Role::PlatformAdmin));
    let off = json!({ "allow_platform_fallback": false });
    assert_eq!(desk.ask("PATCH", "/rollout", Some(&owner), Some(&off)).await.status, 403);
    assert_eq!(desk.ask("PATCH", "/rollout", Some(&admin), Some(&json!({}))).await.code(), "invalid");
    let turned = desk.ask("PATCH", "/rollout", Some(&admin), Some(&off)).await;
    assert_eq!((turned.status, &turned.body["allow_platform_fallback"]), (200, &Value::Bool(false)), "{}", turned.text);
    says(there, "Please leave your name").await;
    let stage = "/rollout/stages/slack";
    let canary = json!({ "stage": "canary", "canary": ["acme"] });
    assert_eq!(desk.ask("PUT", stage, Some(&admin), Some(&canary)).await.code(), "wrong-state");
    let cited = json!({ "stage": "canary", "canary": ["acme"], "matrix": "v0.1.0:green" });
    let staged = desk.ask("PUT", stage, Some(&admin), Some(&cited)).await;
    assert_eq!(staged.body["stages"]["slack"]["canary"], json!(["acme"]), "{}", staged.text);
    let back = desk.ask("POST", &format!("{stage}/rollback"), Some(&admin), None).await;
    assert_eq!(back.body["stages"]["slack"]["stage"], json!("off"), "{}", back.text);
    let killed = desk.ask("POST", "/rollout/kill", Some(&admin), None).await;
    assert_eq!((killed.status, &killed.body["enabled"]), (200, &Value::Bool(false)), "{}", killed.text);
}

#[actix_web::test]
async fn rules_switches_and_the_rollout_turned_on_one_node_count_on_the_other() {
    let database = postgres::shared().database();
    let settings = [
        ("RINGFALL_API_JWT_SECRET", SECRET),
        ("RINGFALL_DATABASE_URL", database.url.expose()),
        ("RINGFALL_RULES_FROM", "store"),
    ];
    let desk = Desk::empty_with(&settings).await;
    world(desk.tenants().as_ref()).await;
    let other = crate::support::House::new();
    let there = [settings[0], settings[1], settings[2], ("RINGFALL_NODE", "node-2")];
    let there = other.serve_with(&there, None).await;
    let first = rules_are_brought(&desk, &there).await;
    a_switch_is_turned(&desk, &there).await;
    let owner = word(Role::Owner);
    let back = desk.ask("POST", &path("rules/rollback"), Some(&owner), Some(&json!({ "note": "too early" }))).await;
    assert_eq!((back.status, &back.body["digest"]), (200, &first), "{}", back.text);
    says(&there, "+16195550111").await;
    the_rollout_is_turned(&desk, &there).await;
    let trail: Vec<Deed> = desk.trail("acme").await.into_iter().map(|event| event.deed).collect();
    for deed in [Deed::RulesPushed, Deed::RulesRolledBack, Deed::SwitchTurned, Deed::SwitchUndone, Deed::Refused] {
        assert!(trail.contains(&deed), "{deed} is not in {trail:?}");
    }
    let trail: Vec<Deed> = desk.trail("@platform").await.into_iter().map(|event| event.deed).collect();
    for deed in [Deed::RolloutChanged, Deed::RolloutStaged, Deed::RolloutRolledBack, Deed::RolloutKilled] {
        assert!(trail.contains(&deed), "{deed} is not in {trail:?}");
    }
    there.running.stop().await;
}
