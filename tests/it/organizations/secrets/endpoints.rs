//! Every operation of the API, with what it is sent and how it answers; one that is missing here stops the tests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::organizations::desk::{ACME_TOKEN, BRAVO, BRAVO_LINE, BRAVO_TOKEN};
use crate::organizations::secrets::{API_KEY, API_SECRET, BRAVO_NEXT, Marks};

/// An operation, the status it answers with, and what it is sent.
type Entry = (&'static str, u16, Value);

/// In this order. What an earlier answer named is put where a path has that name: an account, a number's way, a digest.
fn entries() -> Vec<Entry> {
    [of_accounts(), of_what_they_do()].concat()
}

/// Founding, connecting, rotating, binding.
fn of_accounts() -> Vec<Entry> {
    let (connect, none) = (json!({ "account_sid": BRAVO, "auth_token": BRAVO_TOKEN }), Value::Null);
    let mut with_key = connect.clone();
    with_key["api_key"] = API_KEY.into();
    with_key["api_secret"] = API_SECRET.into();
    vec![
        ("me", 200, none.clone()),
        ("plans", 200, none.clone()),
        ("roles", 200, none.clone()),
        ("foundOrganization", 201, json!({ "slug": "bravo", "name": "Bravo", "plan": "premium" })),
        ("listOrganizations", 200, none.clone()),
        ("showOrganization", 200, none.clone()),
        ("setPlan", 200, json!({ "plan": "partner" })),
        ("suspendOrganization", 200, none.clone()),
        ("resumeOrganization", 200, none.clone()),
        ("optIn", 200, none.clone()),
        ("optOut", 200, none.clone()),
        // Secrets in the wrong place, of the wrong form, or of somebody else.
        ("connectInstallation", 400, json!({ "account_sid": BRAVO, "auth_token": [BRAVO_TOKEN] })),
        ("connectInstallation", 422, json!({ "account_sid": BRAVO_TOKEN, "auth_token": BRAVO_TOKEN })),
        ("connectInstallation", 400, Value::String(BRAVO_TOKEN.to_owned())),
        ("connectInstallation", 422, json!({ "account_sid": BRAVO, "auth_token": ACME_TOKEN })),
        ("connectInstallation", 200, with_key),
        ("listInstallations", 200, none.clone()),
        ("showInstallation", 200, none.clone()),
        ("rotateInstallation", 400, json!({ "auth_token": { "is": BRAVO_NEXT } })),
        ("rotateInstallation", 200, json!({ "auth_token": BRAVO_NEXT })),
        ("promoteInstallation", 409, none.clone()),
        ("dropNextToken", 200, none.clone()),
        ("enforceInstallation", 200, none.clone()),
        ("listProfiles", 200, none.clone()),
        ("bindNumber", 200, json!({ "number": BRAVO_LINE, "account_sid": BRAVO })),
        ("listBindings", 200, none.clone()),
        ("requestDomain", 200, json!({ "host": "phones.bravo.example" })),
        ("listDomains", 200, none.clone()),
        ("verifyDomain", 409, none.clone()),
        ("activateDomain", 409, none.clone()),
        ("removeDomain", 204, none),
    ]
}

/// Switches, texts, rules, tokens and stages, and the end of the account.
fn of_what_they_do() -> Vec<Entry> {
    let (rules, none) = (crate::organizations::desk::rules("bravo", BRAVO_LINE), Value::Null);
    vec![
        ("listSwitches", 200, none.clone()),
        ("turnSwitch", 404, json!({ "on": true })),
        ("undoSwitch", 404, none.clone()),
        ("sendText", 202, json!({ "to": "+13035550123", "body": "Your table is ready." })),
        ("showText", 200, none.clone()),
        ("sendOwnText", 202, json!({ "to": "+13035550124", "body": "Your table is ready.", "org": "bravo" })),
        ("checkRules", 200, json!({ "text": rules })),
        ("pushRules", 200, json!({ "text": rules })),
        ("listRevisions", 200, none.clone()),
        ("showRevision", 200, none.clone()),
        ("rollBackRules", 409, json!({})),
        ("issueToken", 201, json!({ "name": "night shift", "role": "operator" })),
        ("listTokens", 200, none.clone()),
        ("revokeToken", 200, none.clone()),
        ("showRollout", 200, none.clone()),
        ("turnRollout", 200, json!({ "progressive": true })),
        ("stageProvider", 200, json!({ "stage": "on", "matrix": "v1:green" })),
        ("rollBackProvider", 200, none.clone()),
        ("killRollout", 200, none.clone()),
        ("turnRollout", 200, json!({ "enabled": true, "rollback_mode": false, "progressive": false })),
        ("stageProvider", 200, json!({ "stage": "on", "matrix": "v1:green" })),
        ("listEvents", 200, none.clone()),
        ("unbindNumber", 204, none.clone()),
        ("revokeInstallation", 200, none),
    ]
}

/// Operations by their names: method and path.
fn described() -> BTreeMap<String, (String, String)> {
    let description: Value = serde_json::from_str(&ringfall::api::describe::text()).unwrap();
    let mut all = BTreeMap::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if let Some(name) = operation["operationId"].as_str() {
                all.insert(name.to_owned(), (method.to_uppercase(), path.clone()));
            }
        }
    }
    all
}

#[test]
fn secrets_are_driven_through_every_operation() {
    let known = described();
    assert!(known.contains_key("connectInstallation"), "{known:?}");
    let driven: BTreeSet<String> = entries().into_iter().map(|(name, ..)| name.to_owned()).collect();
    let missing: Vec<&String> = known.keys().filter(|name| !driven.contains(*name)).collect();
    assert!(
        missing.is_empty(),
        "no marked secrets are driven through {missing:?}: add a line for each to `of_accounts` or `of_what_they_do` in {}, with the status it \
         answers and what it is sent",
        file!()
    );
}

/// Asks every operation as the bearer of that token, and searches what it answers.
pub(super) async fn drive(address: &str, token: &str, marks: &mut Marks, surprises: &mut Vec<String>) {
    let known = described();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut names: BTreeMap<&str, String> = BTreeMap::from([
        ("org", "bravo".to_owned()),
        ("host", "phones.bravo.example".to_owned()),
        ("capability", "platform-messaging".to_owned()),
        ("switch", "closed_today".to_owned()),
        ("provider", "twilio".to_owned()),
    ]);
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    for (name, status, body) in entries() {
        let (method, path) = known.get(name).unwrap_or_else(|| panic!("there is no operation `{name}`"));
        let kind = path.split('/').nth(3).unwrap_or_default();
        names.insert("id", ids.get(kind).cloned().unwrap_or_default());
        let path = names.iter().fold(path.clone(), |path, (name, text)| path.replace(&format!("{{{name}}}"), text));
        let request = client.request(method.parse().unwrap(), format!("http://{address}/api/v1{path}"));
        let mut request = request.bearer_auth(token).header("Idempotency-Key", format!("{name}-0001"));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let answered = answer.status().as_u16();
        let headers = format!("{:?}", answer.headers());
        let text = answer.text().await.unwrap();
        let said: Value = serde_json::from_str(&text).unwrap_or_default();
        if let Some(secret) = said["secret"].as_str() {
            assert_eq!(name, "issueToken", "it shows a secret");
            ids.insert(kind_of(&known, name), said["token"]["id"].as_str().unwrap().to_owned());
            marks.search(&format!("{name}, beside the token that it shows once"), text.replace(secret, "").as_bytes());
            marks.add(secret);
        } else {
            marks.search(name, text.as_bytes());
        }
        marks.search(&format!("{name} in its headers"), headers.as_bytes());
        if let Some(id) = said["id"].as_str() {
            ids.insert(kind_of(&known, name), id.to_owned());
        }
        if let Some(digest) = said["digest"].as_str() {
            names.insert("digest", digest.to_owned());
        }
        if answered != status {
            surprises.push(format!("{name} {path} answers {answered}, not {status}: {text}"));
        }
    }
}

/// What an operation is about: the third piece of its path.
fn kind_of<'a>(known: &'a BTreeMap<String, (String, String)>, name: &str) -> &'a str {
    known[name].1.split('/').nth(3).unwrap_or_default()
}
