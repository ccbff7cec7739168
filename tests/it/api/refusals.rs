//! How the API says no: in one form, with nothing in it that the sender may not know.

use ringfall::tenant::event::Deed;
use ringfall::tenant::role::{Action, Role};
use serde_json::json;

use crate::api::{Desk, NOW, jwt, word};

#[actix_web::test]
async fn whatever_is_not_done_is_told_in_one_form() {
    let desk = Desk::open().await;
    let owner = word(Role::Owner);
    let tokens = "/organizations/acme/tokens";
    let odd = [("Content-Type", "text/plain")];
    let cases = [
        (401, "unauthenticated", desk.ask("GET", "/me", None, None).await),
        (401, "unauthenticated", desk.get("/me", "ringfall_unknown").await),
        (404, "not-found", desk.get("/nothing/here", &owner).await),
        (404, "not-found", desk.get("/organizations/acme/tokens/tok_none/x", &owner).await),
        (404, "not-found", desk.get("/organizations/acme/installations/none", &owner).await),
        (404, "not-found", desk.get("/organizations/acme/rules/xyz", &owner).await),
        (405, "method-not-allowed", desk.ask("PUT", "/me", Some(&owner), None).await),
        (403, "forbidden", desk.get("/organizations", &owner).await),
        (403, "forbidden", desk.get("/organizations/acme/tokens", &word(Role::Operator)).await),
        (415, "not-json", desk.ask("POST", tokens, Some(&owner), None).await),
        (415, "not-json", desk.ask_with("POST", tokens, Some(&owner), None, &odd).await),
        (400, "bad-request", desk.ask("POST", tokens, Some(&owner), Some(&json!({ "name": "x" }))).await),
        (400, "bad-request", desk.ask("POST", tokens, Some(&owner), Some(&json!([1, 2]))).await),
        (400, "bad-request", desk.get("/organizations/acme/events?limit=many", &owner).await),
        (400, "bad-request", desk.get("/organizations/acme/events?other=1", &owner).await),
    ];
    for (status, code, said) in cases {
        assert_eq!((said.status, said.code()), (status, code), "{}", said.text);
        let error = &said.body["error"];
        for part in ["message", "hint", "request_id"] {
            assert!(error[part].as_str().is_some_and(|text| !text.is_empty()), "{part} in {}", said.text);
        }
        assert_eq!(said.headers["x-request-id"], error["request_id"].as_str().unwrap());
        assert_eq!(said.headers["cache-control"], "no-store");
        assert!(said.status != 401 || said.headers["www-authenticate"].starts_with("Bearer"));
        assert!(said.status != 405 || said.headers["allow"] == "GET");
    }
}

#[actix_web::test]
async fn a_query_that_does_not_fit_is_told_with_its_field() {
    let desk = Desk::open().await;
    let owner = word(Role::Owner);
    for (query, told) in [
        ("limit=many", "the query does not fit at `limit`: this is no value for it"),
        ("other=1", "the query does not fit: unknown field `other`, expected one of `limit`"),
        ("limit=1&limit=2", "the query does not fit"),
    ] {
        let said = desk.get(&format!("/organizations/acme/events?{query}"), &owner).await;
        let message = said.body["error"]["message"].as_str().unwrap_or_default();
        assert!(said.status == 400 && message.starts_with(told), "{query}: {}", said.text);
        assert!(!message.contains("deserialize") && !message.contains("many"), "{query}: {message}");
    }
}

#[actix_web::test]
async fn what_was_sent_is_not_echoed() {
    let desk = Desk::open().await;
    let marked = "hush-8d1f2c";
    let owner = word(Role::Owner);
    for body in [
        json!({ "name": { "secret": marked }, "role": "viewer" }),
        json!({ "name": "x", "role": marked }),
        json!({ "name": "x", "role": "viewer", marked: 1 }),
        json!(marked),
    ] {
        let said = desk.ask("POST", "/organizations/acme/tokens", Some(&owner), Some(&body)).await;
        assert_eq!(said.status, 400, "{}", said.text);
        assert!(!said.text.contains(marked), "{}", said.text);
    }
    let said = desk.get("/me", marked).await;
    assert!(said.status == 401 && !said.text.contains(marked), "{}", said.text);
    let seen = format!("{:?}", desk.trail("@platform").await);
    assert!(!seen.contains(marked), "{seen}");
}

#[actix_web::test]
async fn a_body_that_is_too_long_is_not_read() {
    let desk = Desk::open().await;
    let long = json!({ "name": "x".repeat(5 << 20), "role": "viewer" });
    let said = desk.ask("POST", "/organizations/acme/tokens", Some(&word(Role::Owner)), Some(&long)).await;
    assert_eq!((said.status, said.code()), (413, "too-large"));
}

#[actix_web::test]
async fn words_that_do_not_count_are_refused_alike_and_stand_in_the_trail() {
    let desk = Desk::open().await;
    let mut answers = Vec::new();
    for (changed, reason) in [
        (("exp", json!(NOW - 100)), "jwt-expired"),
        (("nbf", json!(NOW + 100)), "jwt-not-yet"),
        (("aud", json!("other")), "jwt-audience"),
        (("role", json!("root")), "jwt-claims"),
        (("role", json!("platform-admin")), "unfitting-role"),
        (("org_id", json!("@platform")), "unfitting-role"),
    ] {
        let said = desk.get("/organizations/acme", &jwt("acme", Role::Owner, &[changed])).await;
        assert_eq!((said.status, said.code()), (401, "unauthenticated"), "{reason}");
        answers.push(said.nameless());
        let newest = desk.trail("@platform").await.remove(0);
        assert_eq!(newest.deed, Deed::Refused);
        assert!(newest.detail.contains(reason) && newest.by.by.as_str() == "api:127.0.0.1", "{newest:?}");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[actix_web::test]
async fn whoever_fails_too_often_waits_and_nobody_else() {
    let desk = Desk::open().await;
    let owner = word(Role::Owner);
    for _ in 0..10 {
        assert_eq!(desk.get("/me", "ringfall_same").await.status, 401);
    }
    let said = desk.get("/me", "ringfall_same").await;
    assert_eq!((said.status, said.code(), said.headers["retry-after"].as_str()), (429, "too-many-failures", "60"));
    assert_eq!(desk.get("/me", &owner).await.status, 200, "another credential is not touched by that");
    for number in 0..20 {
        assert_eq!(desk.get("/me", &format!("ringfall_{number}")).await.status, 401);
    }
    let said = desk.get("/me", "ringfall_another").await;
    assert_eq!(said.status, 429, "so many from one address");
    desk.house.clock.forward(60);
    assert_eq!(desk.get("/me", "ringfall_same").await.status, 401, "the minute is over");
    assert_eq!(desk.get("/me", &owner).await.status, 200);
}

/// Whoever may do it, does; whoever may not, is told so; and each refusal stands in the trail.
#[actix_web::test]
async fn roles_are_judged_by_the_one_table() {
    let desk = Desk::open().await;
    for role in Role::ALL {
        let bearer = word(*role);
        for (path, action) in [
            ("/organizations/acme", Action::Read),
            ("/organizations/acme/installations", Action::Read),
            ("/organizations/acme/tokens", Action::Tokens),
        ] {
            let said = desk.get(path, &bearer).await;
            let wanted = if ringfall::tenant::role::may(*role, action).is_ok() { 200 } else { 403 };
            assert_eq!(said.status, wanted, "{role} {path}: {}", said.text);
        }
    }
    let refused: Vec<_> = desk.trail("acme").await.into_iter().filter(|event| event.deed == Deed::Refused).collect();
    assert_eq!(refused.len(), 2, "operator and viewer asked for tokens");
    assert!(refused[0].by.by.as_str() == "jwt:ana" && refused[0].detail.contains("not-allowed"), "{:?}", refused[0]);
}

#[actix_web::test]
async fn metrics_count_patterns_and_never_names() {
    let desk = Desk::open().await;
    desk.get("/organizations/acme", &word(Role::Viewer)).await;
    desk.get("/organizations/bravo", &word(Role::Viewer)).await;
    let text = desk.service.get("/metrics").await.body;
    for line in [
        "ringfall_api_requests_total{operation=\"GET /organizations/{org}\",outcome=\"fine\"} 1",
        "ringfall_api_requests_total{operation=\"GET /organizations/{org}\",outcome=\"not-found\"} 1",
        "ringfall_api_refused_total{reason=\"foreign\"} 1",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(!text.contains("acme") && !text.contains("bravo"), "{text}");
}
