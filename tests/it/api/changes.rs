//! What may be changed over the API, and that a change is what calls are answered by.

use std::time::{Duration, Instant};

use ringfall::tenant::role::Role;
use serde_json::json;

use crate::api::{Desk, SECRET, word};
use crate::organizations::carrier::Carrier;
use crate::support::LINE;

const ACCOUNT: &str = "AC00000000000000000000000000000aaa";
const AUTH: &str = "acme0acme0acme0acme0acme0acme0ac";
const NEXT: &str = "acme1acme1acme1acme1acme1acme1ac";

#[actix_web::test]
async fn the_platform_founds_organizations_and_changes_their_plans() {
    let desk = Desk::open().await;
    let admin = word(Role::PlatformAdmin);
    let wanted = json!({ "slug": "charlie", "name": "Charlie's", "plan": "basic" });
    let founded = desk.ask("POST", "/organizations", Some(&admin), Some(&wanted)).await;
    assert_eq!((founded.status, founded.body["state"].as_str()), (201, Some("active")), "{}", founded.text);
    let again = desk.ask("POST", "/organizations", Some(&admin), Some(&wanted)).await;
    assert_eq!((again.status, again.code()), (409, "taken"));
    let first = desk.get("/organizations?limit=2", &admin).await;
    assert_eq!((first.body["items"].as_array().unwrap().len(), first.body["next"].as_str()), (2, Some("bravo")));
    let rest = desk.get("/organizations?limit=2&after=bravo", &admin).await;
    assert_eq!((rest.body["items"][0]["slug"].as_str(), rest.body["next"].is_null()), (Some("charlie"), true));
    let read = desk.get("/organizations/charlie", &admin).await;
    let tag = read.headers["etag"].clone();
    let plan = json!({ "plan": "premium" });
    let path = "/organizations/charlie/plan";
    let changed = desk.ask_with("PUT", path, Some(&admin), Some(&plan), &[("If-Match", &tag)]).await;
    assert_eq!((changed.status, changed.body["plan"].as_str()), (200, Some("premium")), "{}", changed.text);
    let stale = desk.ask_with("PUT", path, Some(&admin), Some(&plan), &[("If-Match", &tag)]).await;
    assert_eq!((stale.status, stale.code()), (412, "stale"));
    let owner = desk.ask("PUT", "/organizations/acme/plan", Some(&word(Role::Owner)), Some(&plan)).await;
    assert_eq!((owner.status, owner.code()), (403, "forbidden"), "an owner does not choose what to pay");
    let opted = desk.ask("PUT", "/organizations/acme/opt-ins/platform-voice", Some(&word(Role::Owner)), None).await;
    assert_eq!(opted.body["opt_ins"], json!(["platform-voice"]), "{}", opted.text);
    let opted = desk.ask("DELETE", "/organizations/acme/opt-ins/platform-voice", Some(&word(Role::Owner)), None).await;
    assert_eq!(opted.body["opt_ins"], json!([]));
}

#[actix_web::test]
async fn plans_and_states_hold_here_too() {
    let desk = Desk::open().await;
    let admin = word(Role::PlatformAdmin);
    let connect = json!({ "account_sid": ACCOUNT, "auth_token": AUTH });
    let basic = json!({ "plan": "basic" });
    assert_eq!(desk.ask("PUT", "/organizations/acme/plan", Some(&admin), Some(&basic)).await.status, 200);
    let domain = json!({ "host": "phones.example.com" });
    let refused = desk.ask("POST", "/organizations/acme/domains", Some(&word(Role::Owner)), Some(&domain)).await;
    assert_eq!((refused.status, refused.code()), (403, "plan-needed"));
    assert!(refused.text.contains("premium"), "it says which plan has it: {}", refused.text);
    let asked = desk.ask("POST", "/organizations/bravo/domains", Some(&admin), Some(&domain)).await;
    assert_eq!((asked.status, asked.body["state"].as_str()), (200, Some("pending")), "{}", asked.text);
    assert_eq!(asked.body["record_name"], json!("_ringfall.phones.example.com"));
    let gone = desk.ask("DELETE", "/organizations/bravo/domains/phones.example.com", Some(&admin), None).await;
    assert_eq!(gone.status, 204);
    assert_eq!(desk.ask("POST", "/organizations/bravo/suspend", Some(&admin), None).await.status, 200);
    let suspended = desk.ask("POST", "/organizations/bravo/domains", Some(&admin), Some(&domain)).await;
    assert_eq!((suspended.status, suspended.code()), (409, "suspended"));
    assert_eq!(desk.ask("POST", "/organizations/bravo/resume", Some(&admin), None).await.status, 200);
    let wrong = json!({ "account_sid": AUTH, "auth_token": ACCOUNT });
    let mixed = desk.ask("POST", "/organizations/bravo/installations", Some(&admin), Some(&wrong)).await;
    assert!(mixed.status == 422 && !mixed.text.contains(AUTH), "{}", mixed.text);
    let operator =
        desk.ask("POST", "/organizations/acme/installations", Some(&word(Role::Operator)), Some(&connect)).await;
    assert_eq!((operator.status, operator.code()), (403, "forbidden"));
}

#[actix_web::test]
async fn an_account_connected_here_is_answered_and_its_secrets_are_never_seen_again() {
    let carrier = Carrier::start(&[(ACCOUNT, AUTH)]);
    let settings = [("RINGFALL_API_JWT_SECRET", SECRET), ("RINGFALL_TWILIO_API_URL", carrier.url.as_str())];
    let desk = Desk::open_with(&settings).await;
    let owner = word(Role::Owner);
    let path = "/organizations/acme/installations";
    let wish = |token: &str, enforce: bool| json!({ "account_sid": ACCOUNT, "auth_token": token, "numbers": [LINE], "enforce": enforce });
    let refused = desk.ask("POST", path, Some(&owner), Some(&wish(NEXT, true))).await;
    assert_eq!((refused.status, refused.code()), (422, "provider-refused"), "{}", refused.text);
    let connected = desk.ask("POST", path, Some(&owner), Some(&wish(AUTH, false))).await;
    assert_eq!(connected.status, 200, "{}", connected.text);
    assert_eq!((connected.body["has_verifier"].as_bool(), connected.body["observed"].is_null()), (Some(true), false));
    // Said again it changes nothing, unless signatures are to be enforced.
    for enforce in [false, true, true] {
        let again = desk.ask("POST", path, Some(&owner), Some(&wish(AUTH, enforce))).await;
        assert_eq!((again.status, &again.body["id"]), (200, &connected.body["id"]));
        assert_eq!(again.body["observed"].is_null(), enforce, "{}", again.text);
    }
    let limit = Instant::now() + Duration::from_secs(60);
    let call = [("AccountSid", ACCOUNT)];
    while desk.service.ask_signed_by(AUTH, "/twilio/inbound-call?org=acme", &call).await.status != 200 {
        assert!(Instant::now() < limit, "the account is not answered");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let one = format!("{path}/{}", connected.body["id"].as_str().unwrap());
    let (present, next) = (json!({ "auth_token": AUTH }), json!({ "auth_token": NEXT }));
    let mut seen = vec![refused.text, connected.text];
    for (action, body, wanted) in [
        ("promote", None, (409, "wrong-state")),
        ("rotate", Some(&present), (422, "invalid")),
        ("rotate", Some(&next), (200, "")),
        ("rotate", Some(&next), (409, "wrong-state")),
        ("promote", None, (409, "wrong-state")),
        ("promote?unseen=true", None, (200, "")),
        ("drop-next", None, (409, "wrong-state")),
        ("revoke", None, (200, "")),
        ("revoke", None, (409, "wrong-state")),
    ] {
        let said = desk.ask("POST", &format!("{one}/{action}"), Some(&owner), body).await;
        assert_eq!((said.status, said.code()), wanted, "{action}: {}", said.text);
        seen.push(said.text);
    }
    let bindings = desk.get("/organizations/acme/bindings", &owner).await;
    let binding = format!("/organizations/acme/bindings/{}", bindings.body["items"][0]["id"].as_str().unwrap());
    assert_eq!(desk.ask("DELETE", &binding, Some(&owner), None).await.status, 204);
    seen.extend([bindings.text, desk.get("/organizations/acme/events?limit=200", &owner).await.text]);
    seen.push(desk.get(path, &owner).await.text);
    assert!(seen.iter().all(|text| !text.contains(AUTH) && !text.contains(NEXT)), "{seen:?}");
}
