//! Tokens: how they are issued, what they are good for, and how they end.

use ringfall::tenant::event::Deed;
use ringfall::tenant::role::{Action, Role};
use serde_json::json;

use crate::api::{Desk, word};
use crate::support::{House, program};

#[actix_web::test]
async fn until_somebody_could_use_it_the_api_is_not_there() {
    let desk = Desk::open_with(&[]).await;
    for path in ["/me", "/openapi.json", "/organizations"] {
        let said = desk.ask("GET", path, Some("ringfall_guess"), None).await;
        assert_eq!((said.status, said.text.as_str()), (404, ""), "{path}");
    }
    let (_, token) = desk.token("acme", Role::Viewer, &[], None).await;
    assert_eq!(desk.get("/me", &token).await.status, 200);
    assert_eq!(desk.ask("GET", "/openapi.json", None, None).await.status, 200);
}

#[actix_web::test]
async fn a_token_is_shown_once_and_only_its_hash_is_kept() {
    let desk = Desk::open().await;
    let owner = word(Role::Owner);
    let wanted = json!({ "name": "night shift", "role": "operator", "scopes": ["read", "switch"] });
    let issued = desk.ask("POST", "/organizations/acme/tokens", Some(&owner), Some(&wanted)).await;
    assert_eq!(issued.status, 201, "{}", issued.text);
    let secret = issued.body["secret"].as_str().unwrap();
    let id = issued.body["token"]["id"].as_str().unwrap();
    assert!(secret.starts_with("ringfall_") && secret.len() > 50, "{}", secret.len());
    let me = desk.get("/me", secret).await;
    assert_eq!(
        (me.body["actor"].as_str(), me.body["role"].as_str()),
        (Some(&*format!("token:{id}")), Some("operator"))
    );
    assert_eq!(me.body["may"], json!(["read", "switch"]));
    let listed = desk.get("/organizations/acme/tokens", &owner).await;
    assert_eq!(listed.body["items"][0]["last_used"], json!("2026-11-23T18:00:00Z"));
    assert!(!listed.text.contains(secret) && !listed.text.contains("hash"), "{}", listed.text);
    let folder = desk.house.path("data");
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        let secret = secret.as_bytes();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{} holds the token", file.display());
    }
}

#[actix_web::test]
async fn a_token_ends_and_a_revoked_one_counts_no_more() {
    let desk = Desk::open().await;
    let (_, short) = desk.token("acme", Role::Viewer, &[], Some(60)).await;
    let (id, long) = desk.token("acme", Role::Viewer, &[], None).await;
    assert_eq!(desk.get("/organizations/acme", &short).await.status, 200);
    desk.house.clock.forward(60);
    let over = desk.get("/organizations/acme", &short).await;
    assert_eq!((over.status, over.code()), (401, "unauthenticated"));
    assert!(!over.text.contains("expired"), "why is for the trail: {}", over.text);
    assert_eq!(desk.get("/organizations/acme", &long).await.status, 200);
    let owner = word(Role::Owner);
    let path = format!("/organizations/acme/tokens/{id}");
    let stale = desk.ask_with("DELETE", &path, Some(&owner), None, &[("If-Match", "\"1\"")]).await;
    assert_eq!((stale.status, stale.code()), (412, "stale"));
    for _ in 0..2 {
        let revoked = desk.ask("DELETE", &path, Some(&owner), None).await;
        assert_eq!(revoked.status, 200, "once is enough, and twice does no harm: {}", revoked.text);
        assert_eq!(revoked.body["revoked"]["by"], json!("jwt:ana"));
    }
    assert_eq!(desk.get("/organizations/acme", &long).await.status, 401);
    let deeds: Vec<Deed> = desk.trail("acme").await.into_iter().map(|event| event.deed).collect();
    assert_eq!(deeds.iter().filter(|deed| **deed == Deed::TokenRevoked).count(), 1);
}

#[actix_web::test]
async fn the_same_wish_is_not_granted_twice() {
    let desk = Desk::open().await;
    let (owner, wanted) = (word(Role::Owner), json!({ "name": "console", "role": "viewer" }));
    let key = [("Idempotency-Key", "5f0a-1")];
    let path = "/organizations/acme/tokens";
    let first = desk.ask_with("POST", path, Some(&owner), Some(&wanted), &key).await;
    let again = desk.ask_with("POST", path, Some(&owner), Some(&wanted), &key).await;
    assert_eq!((first.status, again.status, again.code()), (201, 409, "taken"));
    let other = desk.ask_with("POST", path, Some(&owner), Some(&wanted), &[("Idempotency-Key", "5f0a-2")]).await;
    assert_eq!(other.status, 201);
}

#[actix_web::test]
async fn tokens_that_make_no_sense_are_not_issued() {
    let desk = Desk::open().await;
    for (owner, wanted) in [
        ("acme", json!({ "name": " ", "role": "viewer" })),
        ("acme", json!({ "name": "x\ny", "role": "viewer" })),
        ("acme", json!({ "name": "x", "role": "platform-admin" })),
        ("@platform", json!({ "name": "x", "role": "owner" })),
        ("acme", json!({ "name": "x", "role": "viewer", "scopes": ["tokens"] })),
        ("acme", json!({ "name": "x", "role": "viewer", "expires": "2001-01-01T00:00:00Z" })),
    ] {
        let path = format!("/organizations/{owner}/tokens");
        let said = desk.ask("POST", &path, Some(&word(Role::PlatformAdmin)), Some(&wanted)).await;
        assert_eq!((said.status, said.code()), (422, "invalid"), "{wanted}: {}", said.text);
    }
}

#[actix_web::test]
async fn scopes_narrow_a_token() {
    let desk = Desk::open().await;
    let (_, token) = desk.token("acme", Role::Owner, &[Action::Read], None).await;
    assert_eq!(desk.get("/organizations/acme", &token).await.status, 200);
    let said = desk.get("/organizations/acme/tokens", &token).await;
    assert_eq!((said.status, said.code()), (403, "forbidden"));
}

#[test]
fn the_command_line_issues_lists_and_takes_back_what_the_api_takes() {
    let house = House::new();
    let run = |words: &[&str]| {
        let output = program(&house.path(".")).arg("token").args(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, token, told) = run(&["create", "--platform", "--name", "console", "--expires", "90d", "--by", "ana"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(token.starts_with("ringfall_") && token.lines().count() == 1 && !told.contains(token.trim()), "{told}");
    let (_, listed, _) = run(&["list", "--platform"]);
    assert!(
        listed.contains("platform-admin") && listed.contains("console") && listed.contains("never used"),
        "{listed}"
    );
    let (_, listed, _) = run(&["list", "--platform", "--format", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["created"]["by"], json!("cli:ana"));
    let server = actix_web::rt::System::new();
    server.block_on(async {
        let service = house.serve().await;
        let url = service.url("/api/v1/me");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = || async { client.get(&url).bearer_auth(token.trim()).send().await.unwrap().status().as_u16() };
        assert_eq!(ask().await, 200);
        let (code, _, told) = run(&["revoke", listed[0]["id"].as_str().unwrap(), "--platform"]);
        assert_eq!((code, told.contains("counts no more")), (Some(0), true), "{told}");
        assert_eq!(ask().await, 401, "from that moment, in a service that runs");
    });
    let (code, _, told) = run(&["revoke", "tok_none", "--platform"]);
    assert_eq!((code, told.contains("no such token")), (Some(2), true), "{told}");
    let (code, _, told) = run(&["create", "--org", "nobody", "--name", "x"]);
    assert_eq!((code, told.contains("no organization")), (Some(2), true), "{told}");
    assert!(run(&["create", "--platform", "--name", "x", "--expires", "soon"]).0 == Some(2));
}
