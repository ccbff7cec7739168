//! The API against its own description: every operation, every role, every foreign organization.

use ringfall::tenant::owner::Owner;
use ringfall::tenant::role::Role;
use serde_json::{Value, json};

use crate::api::{Desk, jwt, word};

/// Every operation: method, path, and a body where it takes one.
fn operations(description: &Value) -> Vec<(String, String, bool)> {
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase(), path.clone(), operation.get("requestBody").is_some()));
        }
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

/// The path with its names filled in.
fn filled(path: &str, org: &str) -> String {
    let name = |piece: &str| match piece {
        "{org}" => org.to_owned(),
        "{digest}" => "0".repeat(64),
        piece if piece.starts_with('{') => "some-name".to_owned(),
        piece => piece.to_owned(),
    };
    path.split('/').map(name).collect::<Vec<_>>().join("/")
}

#[actix_web::test]
async fn nothing_of_another_organization_leaks_by_any_operation_to_any_role() {
    let desk = Desk::open().await;
    let (bravos_token, _) = desk.token("bravo", Role::Viewer, &[], None).await;
    let description = desk.ask("GET", "/openapi.json", None, None).await.body;
    let foreign = ["bravo", "missing", Owner::PLATFORM, "BRAVO", "bravo%2e", "..", "%00", "acme%2fbravo", "*"];
    let mut asked = 0;
    for (method, path, has_body) in operations(&description).iter().filter(|(_, path, _)| path.contains("{org}")) {
        for role in [Role::Owner, Role::Operator, Role::Viewer] {
            let body = has_body.then(|| json!({}));
            let mut answers = Vec::new();
            for org in foreign {
                let bearer = jwt("acme", role, &[]);
                let target = filled(path, org).replace("some-name", &bravos_token);
                let said = desk.ask(method, &target, Some(&bearer), body.as_ref()).await;
                assert_eq!((said.status, said.code()), (404, "not-found"), "{role} {method} {target}: {}", said.text);
                assert!(!said.text.contains("Springfield") && !said.text.contains("bravo"), "{}", said.text);
                let mut headers = said.headers.clone();
                ["date", "x-request-id", "connection"].iter().for_each(|name| drop(headers.remove(*name)));
                answers.push((said.nameless(), headers));
                asked += 1;
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{role} {method} {path}: {answers:?}");
        }
    }
    assert!(asked > 200, "{asked}");
    let kept = desk.tenants().tokens(&Owner::parse("bravo").unwrap()).await.unwrap();
    assert!(kept.len() == 1 && kept[0].token.item.revoked.is_none(), "{kept:?}");
}

#[actix_web::test]
async fn what_is_the_platforms_is_nobody_elses() {
    let desk = Desk::open().await;
    let description = desk.ask("GET", "/openapi.json", None, None).await.body;
    let open = ["/me", "/plans", "/roles"];
    // One operation is for the organization that the sender acts for.
    let own = |path: &str| path.contains("{org}") || path == "/sms/send";
    for (method, path, has_body) in operations(&description).iter().filter(|(_, path, _)| !own(path)) {
        for role in [Role::Owner, Role::Operator, Role::Viewer] {
            let body = has_body.then(|| json!({}));
            let said = desk.ask(method, &filled(path, ""), Some(&word(role)), body.as_ref()).await;
            let wanted = if open.contains(&path.as_str()) { 200 } else { 403 };
            assert_eq!(said.status, wanted, "{role} {method} {path}: {}", said.text);
        }
    }
}

#[actix_web::test]
async fn every_operation_wants_to_know_who_asks() {
    let desk = Desk::open().await;
    let description = desk.ask("GET", "/openapi.json", None, None).await.body;
    for (method, path, has_body) in operations(&description) {
        let body = has_body.then(|| json!({}));
        let said = desk.ask(&method, &filled(&path, "acme"), None, body.as_ref()).await;
        assert_eq!((said.status, said.code()), (401, "unauthenticated"), "{method} {path}: {}", said.text);
        desk.house.clock.forward(4);
    }
}
