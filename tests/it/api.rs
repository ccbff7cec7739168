//! The administration API over real HTTP: who is let in, what they may touch, and how it says no.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ringfall::app::access::tokens::{self, Wanted};
use ringfall::app::tenancy::{Page, Tenants};
use ringfall::model::ids::OrgSlug;
use ringfall::tenant::change::Change;
use ringfall::tenant::event::{Deed, Event};
use ringfall::tenant::item::Item;
use ringfall::tenant::organization::Organization;
use ringfall::tenant::owner::Owner;
use ringfall::tenant::plan::Plan;
use ringfall::tenant::role::{Action, Role};
use ringfall::tenant::stamp::{Actor, Stamp};
use serde_json::{Value, json};

use crate::support::{House, Service};

mod apart;
mod attacks;
mod changes;
mod conformance;
mod nodes;
mod refusals;
mod schema;
mod switches;
mod token;

/// The secret that these tests sign with.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The moment at which the clock of these tests stands.
const NOW: i64 = 1_795_456_800;

/// A service with an API and two organizations, of which the second has things that nobody else may see.
struct Desk {
    house: House,
    service: Service,
    client: reqwest::Client,
}

/// What came back.
#[derive(Debug, Clone)]
struct Said {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
    text: String,
}

impl Said {
    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// Without what names the request.
    fn nameless(&self) -> String {
        let id = self.body["error"]["request_id"].as_str().unwrap_or_default();
        if id.is_empty() { self.text.clone() } else { self.text.replace(id, "") }
    }
}

fn stamp() -> Stamp {
    Stamp::new(&Actor::new("test:ana"), Timestamp::from_second(NOW).unwrap())
}

/// A word signed by the secret.
fn jwt(org: &str, role: Role, changed: &[(&str, Value)]) -> String {
    let mut claims = json!({ "sub": "ana", "org_id": org, "role": role.word(), "aud": "ringfall", "exp": NOW + 300 });
    for (name, value) in changed {
        claims[*name] = value.clone();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": "HS256" })), part(&claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The usual word of somebody of that role.
fn word(role: Role) -> String {
    jwt(if role == Role::PlatformAdmin { Owner::PLATFORM } else { "acme" }, role, &[])
}

impl Desk {
    async fn open() -> Self {
        Self::open_with(&[("RINGFALL_API_JWT_SECRET", SECRET)]).await
    }

    /// Without an organization.
    async fn empty_with(settings: &[(&str, &str)]) -> Self {
        let house = House::new();
        let service = house.serve_with(settings, None).await;
        Self { house, service, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn open_with(settings: &[(&str, &str)]) -> Self {
        let desk = Self::empty_with(settings).await;
        for slug in ["acme", "bravo"] {
            let slug = OrgSlug::parse(slug).unwrap();
            let name = format!("{slug} of Springfield");
            let organization = Organization::new(slug, name, Plan::Partner, stamp());
            let change = Change::new(Item::Organization(organization), Deed::OrganizationFounded, "");
            desk.tenants().change(&Owner::Platform, vec![change], &stamp()).await.unwrap();
        }
        desk
    }

    fn tenants(&self) -> &Arc<dyn Tenants> {
        &self.service.running.api.tenants
    }

    async fn token(&self, owner: &str, role: Role, scopes: &[Action], seconds: Option<i64>) -> (String, String) {
        let expires = seconds.map(|seconds| Timestamp::from_second(NOW + seconds).unwrap());
        let scopes = scopes.iter().copied().collect();
        let wanted = Wanted { name: "a test's".to_owned(), role, scopes, expires, again: None };
        let fresh = tokens::issue(self.tenants(), &Owner::parse(owner).unwrap(), wanted, &stamp()).await.unwrap();
        (fresh.token.item.id.to_string(), fresh.secret.expose().to_owned())
    }

    async fn ask(&self, method: &str, path: &str, bearer: Option<&str>, body: Option<&Value>) -> Said {
        self.ask_with(method, path, bearer, body, &[]).await
    }

    async fn ask_with(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Said {
        let url = format!("http://{}/api/v1{path}", self.service.running.api_address());
        let mut request = self.client.request(method.parse().unwrap(), url);
        if let Some(bearer) = bearer {
            request = request.header("Authorization", format!("Bearer {bearer}"));
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let text = response.text().await.unwrap();
        Said { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    async fn get(&self, path: &str, bearer: &str) -> Said {
        self.ask("GET", path, Some(bearer), None).await
    }

    async fn trail(&self, owner: &str) -> Vec<Event> {
        self.tenants().events(&Owner::parse(owner).unwrap(), Page::newest(500)).await.unwrap()
    }
}
