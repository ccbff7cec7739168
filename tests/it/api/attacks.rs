//! Ways around what one may do: more than one's own scopes, two credentials at once, numbers of others, odd framing.

use ringfall::tenant::item::Item;
use ringfall::tenant::owner::Owner;
use ringfall::tenant::plan::{Capability, Plan};
use ringfall::tenant::role::{Action, Role};
use serde_json::{Value, json};

use crate::api::{Desk, SECRET, jwt, word};
use crate::revisions::world;
use crate::support::{ACCOUNT, LINE, raw};
use crate::tenants::things::{by, installation, make, org, organization, profile};

#[actix_web::test]
async fn nobody_issues_a_token_that_may_more_than_themselves() {
    let desk = Desk::open().await;
    let path = "/organizations/acme/tokens";
    let (_, narrow) = desk.token("acme", Role::Owner, &[Action::Tokens, Action::Read], None).await;
    for wanted in [
        json!({ "name": "x", "role": "owner" }),
        json!({ "name": "x", "role": "owner", "scopes": ["tokens", "credentials"] }),
        json!({ "name": "x", "role": "operator" }),
    ] {
        let said = desk.ask("POST", path, Some(&narrow), Some(&wanted)).await;
        assert_eq!((said.status, said.code()), (403, "forbidden"), "{wanted}: {}", said.text);
    }
    for wanted in
        [json!({ "name": "x", "role": "viewer" }), json!({ "name": "y", "role": "owner", "scopes": ["read"] })]
    {
        assert_eq!(desk.ask("POST", path, Some(&narrow), Some(&wanted)).await.status, 201, "{wanted}");
    }
    assert_eq!(desk.tenants().tokens(&Owner::parse("acme").unwrap()).await.unwrap().len(), 3);
    let whole = desk.ask("POST", path, Some(&word(Role::Owner)), Some(&json!({ "name": "z", "role": "owner" }))).await;
    assert_eq!(whole.status, 201, "{}", whole.text);
}

#[actix_web::test]
async fn a_signed_word_that_names_no_scope_may_nothing() {
    let desk = Desk::open().await;
    for (scope, status) in [(json!(""), 401), (json!("  "), 401), (json!("read"), 200), (Value::Null, 200)] {
        let said = desk.get("/organizations/acme", &jwt("acme", Role::Owner, &[("scope", scope.clone())])).await;
        assert_eq!(said.status, status, "{scope}: {}", said.text);
    }
}

#[actix_web::test]
async fn a_number_of_the_platforms_account_is_given_by_the_platform_alone() {
    let desk = Desk::empty_with(&[("RINGFALL_API_JWT_SECRET", SECRET)]).await;
    world(desk.tenants().as_ref()).await;
    let path = "/organizations/acme/bindings";
    let theirs = json!({ "number": "+16195550199", "platform": true });
    for role in [Role::Owner, Role::Operator] {
        let said = desk.ask("POST", path, Some(&word(role)), Some(&theirs)).await;
        assert_eq!((said.status, said.code()), (403, "forbidden"), "{role}: {}", said.text);
    }
    let own = json!({ "number": LINE, "platform": true, "line": "front" });
    let said = desk.ask("POST", path, Some(&word(Role::Operator)), Some(&own)).await;
    assert_eq!((said.status, &said.body["line"]), (200, &json!("front")), "{}", said.text);
    let said = desk.ask("POST", path, Some(&word(Role::PlatformAdmin)), Some(&theirs)).await;
    assert_eq!(said.status, 200, "{}", said.text);
    let opted = desk.tenants().tenant(&crate::tenants::things::slug("acme")).await.unwrap().organization.item;
    assert!(opted.opt_ins.contains(&Capability::PlatformVoice) && opted.created == by());
}

#[actix_web::test]
async fn a_number_that_another_has_in_the_same_account_is_taken() {
    let desk = Desk::empty_with(&[("RINGFALL_API_JWT_SECRET", SECRET)]).await;
    let store = desk.tenants();
    world(store.as_ref()).await;
    let things = [
        Item::Organization(organization("bravo", Plan::Premium)),
        Item::Profile(profile(&org("bravo"))),
        Item::Installation(Box::new(installation(&org("bravo"), ACCOUNT))),
    ];
    for thing in things {
        make(store.as_ref(), &Owner::Platform, thing).await.unwrap();
    }
    let (path, theirs) = ("/organizations/bravo/bindings", jwt("bravo", Role::Owner, &[]));
    let said = desk.ask("POST", path, Some(&theirs), Some(&json!({ "number": LINE }))).await;
    assert_eq!((said.status, said.code()), (409, "taken"), "{}", said.text);
    assert!(!said.text.contains("acme"), "{}", said.text);
    let said = desk.ask("POST", path, Some(&theirs), Some(&json!({ "number": "+16195550199" }))).await;
    assert_eq!(said.status, 200, "{}", said.text);
}

#[actix_web::test]
async fn two_credentials_and_bodies_of_two_lengths_are_refused() {
    let settings = [("RINGFALL_API_JWT_SECRET", SECRET), ("RINGFALL_API_LISTEN", "127.0.0.1:0")];
    let desk = Desk::open_with(&settings).await;
    let (good, bad) = (word(Role::Viewer), jwt("acme", Role::Owner, &[("aud", json!("else"))]));
    let address = desk.service.running.api_address();
    let asked = |head: String| {
        tokio::task::spawn_blocking(move || raw(address, format!("{head}Connection: close\r\n\r\n").as_bytes()))
    };
    for (first, second) in [(&good, &bad), (&bad, &good), (&good, &good)] {
        let head = format!(
            "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {first}\r\nAuthorization: Bearer {second}\r\n"
        );
        let answer = asked(head).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    // What two readers could take for different requests is taken for none.
    let body = "GET /api/v1/organizations HTTP/1.1\r\nHost: x\r\n\r\n";
    for framing in [
        format!("Content-Length: 4\r\nContent-Length: {}\r\n", body.len()),
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", body.len()),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Content-Length: +4\r\n".to_owned(),
    ] {
        let head = format!(
            "POST /api/v1/organizations/acme/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {good}\r\n\
             Content-Type: application/json\r\n{framing}Connection: close\r\n\r\n{body}"
        );
        let answer = tokio::task::spawn_blocking(move || raw(address, head.as_bytes())).await.unwrap();
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{framing}: {answer}");
        assert!(answer.starts_with("HTTP/1.1 4"), "{framing}: {answer}");
    }
    for target in ["/twilio/inbound-call", "/healthz", "//api/v1/me", "/api/v1/../../healthz", "/api/v1/%2e%2e/healthz"]
    {
        let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {good}\r\n");
        let answer = asked(head).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{target}: {answer}");
    }
}
