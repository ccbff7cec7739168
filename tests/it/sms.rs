//! Texts over the API: who may, what goes out, once, and how it stands.

use std::time::Duration;

use ringfall::admin::numbers::Lead;
use ringfall::app::access::tokens::{self, Wanted};
use ringfall::app::messenger::ports::Entry;
use ringfall::app::tenancy::{Page, Tenants};
use ringfall::model::ids::{AccountSid, OrgSlug};
use ringfall::model::phone::E164;
use ringfall::tenant::change::Change;
use ringfall::tenant::event::Deed;
use ringfall::tenant::item::Item;
use ringfall::tenant::organization::Organization;
use ringfall::tenant::owner::Owner;
use ringfall::tenant::plan::{Capability, Plan};
use ringfall::tenant::role::{Action, Role};
use ringfall::tenant::stamp::{Actor, Stamp};
use serde_json::{Value, json};

use crate::fake_twilio::{Fake, KEY, KEY_SECRET};
use crate::support::{ACCOUNT, House, LINE, Service};

const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  primary: "+16195550111"
switches:
  closed_today: { expires: 4h }
routes:
  - when: { switch: closed_today }
    cascade: [{ voicemail: We are closed. }]
  - cascade: [{ ring: primary, for: 20s }]
finally: { voicemail: Please leave a message. }
"#;

const CUSTOMER: &str = "+13125550123";

struct Desk {
    fake: Fake,
    service: Service,
    client: reqwest::Client,
}

fn stamp() -> Stamp {
    Stamp::new(&Actor::new("test:ana"), jiff::Timestamp::from_second(1_795_456_800).unwrap())
}

impl Desk {
    /// Acme and bravo on the platform's account.
    async fn open() -> Self {
        let fake = Fake::start();
        fake.state().own(LINE, &[]);
        let house = House::with(&[("rules/acme.yaml", RULES)]);
        let url = fake.url();
        let settings =
            [("TWILIO_API_KEY", KEY), ("TWILIO_API_SECRET", KEY_SECRET), ("RINGFALL_TWILIO_API_URL", url.as_str())];
        let service = house.serve_with(&settings, None).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let desk = Self { fake, service, client };
        for slug in ["acme", "bravo"] {
            let mut made = Organization::new(OrgSlug::parse(slug).unwrap(), slug.to_owned(), Plan::Premium, stamp());
            made.opt_ins.extend([Capability::PlatformVoice, Capability::PlatformMessaging]);
            let change = Change::new(Item::Organization(made), Deed::OrganizationFounded, "");
            desk.tenants().change(&Owner::Platform, vec![change], &stamp()).await.unwrap();
        }
        let office = &desk.service.running.api.office;
        office.stand_in(&AccountSid::parse(ACCOUNT).unwrap(), &stamp()).await.unwrap();
        let (acme, line) = (OrgSlug::parse("acme").unwrap(), E164::parse(LINE).unwrap());
        let lead = Lead { over: Owner::Platform, account: None, number: line, line: None, priority: None };
        office.bind(&acme, &lead, &stamp()).await.unwrap();
        desk
    }

    fn tenants(&self) -> &dyn Tenants {
        &*self.service.running.api.tenants
    }

    async fn token(&self, owner: &str, role: Role, scopes: &[Action]) -> String {
        let (name, scopes) = ("a test's".to_owned(), scopes.iter().copied().collect());
        let wanted = Wanted { name, role, scopes, expires: None, again: None };
        let tenants = &self.service.running.api.tenants;
        let fresh = tokens::issue(tenants, &Owner::parse(owner).unwrap(), wanted, &stamp()).await.unwrap();
        fresh.secret.expose().to_owned()
    }

    async fn ask(&self, method: &str, path: &str, token: &str, body: Option<Value>, key: Option<&str>) -> (u16, Value) {
        let url = format!("http://{}/api/v1{path}", self.service.running.api_address());
        let mut request = self.client.request(method.parse().unwrap(), url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn until_texts(&self, count: usize) -> Vec<(String, String)> {
        for _ in 0..600 {
            let texts = self.fake.state().texts();
            if texts.len() >= count {
                return texts;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("only these texts came: {:?}", self.fake.state().texts());
    }

    async fn until_state(&self, token: &str, path: &str, state: &str) -> Value {
        for _ in 0..600 {
            let (status, body) = self.ask("GET", path, token, None, None).await;
            assert_eq!(status, 200, "{body}");
            if body["state"] == state {
                return body;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the text never is {state}");
    }

    /// The directory follows the store within a moment.
    async fn settled(&self) {
        let (acme, line) = (OrgSlug::parse("acme").unwrap(), E164::parse(LINE).unwrap());
        let app = &self.service.running.app;
        for _ in 0..1_500 {
            let served = app.outreach.means().unwrap().carrier.serves(&acme, &line).is_ok();
            if app.directory.now().tenants().count() >= 2 && served {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the organizations are not known");
    }
}

#[actix_web::test]
async fn a_text_goes_out_once_and_tells_how_it_stands() {
    let desk = Desk::open().await;
    desk.settled().await;
    let token = desk.token("acme", Role::Operator, &[Action::Text, Action::Read]).await;
    let wish = json!({ "to": CUSTOMER, "body": "Your table is ready." });
    let (status, first) = desk.ask("POST", "/sms/send", &token, Some(wish.clone()), Some("order-1")).await;
    assert_eq!((status, first["from"].as_str()), (202, Some(LINE)), "{first}");
    let path = format!("/organizations/acme/sms/{}", first["id"].as_str().unwrap());
    assert_eq!(desk.until_texts(1).await, [(CUSTOMER.to_owned(), "Your table is ready.".to_owned())]);
    let sent = desk.until_state(&token, &path, "sent").await;
    assert!(sent["sid"].as_str().unwrap().starts_with("SM"), "{sent}");
    // The same wish again, over the other address too, sends nothing more.
    for path in ["/sms/send", "/organizations/acme/sms"] {
        let (status, again) = desk.ask("POST", path, &token, Some(wish.clone()), Some("order-1")).await;
        assert_eq!((status, &again["id"], &again["state"]), (202, &first["id"], &json!("sent")), "{again}");
    }
    let other = json!({ "to": CUSTOMER, "body": "Something else." });
    let (status, refused) = desk.ask("POST", "/sms/send", &token, Some(other), Some("order-1")).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("taken")), "{refused}");
    assert_eq!(desk.fake.state().texts().len(), 1);
    let trail = desk.tenants().events(&Owner::parse("acme").unwrap(), Page::newest(50)).await.unwrap();
    let asked: Vec<_> = trail.iter().filter(|event| event.deed == Deed::TextAsked).collect();
    assert_eq!(asked.len(), 1, "{trail:?}");
    assert!(!asked[0].detail.contains(CUSTOMER), "numbers are masked: {:?}", asked[0]);
}

#[actix_web::test]
async fn a_text_is_under_the_guards_of_every_other() {
    let desk = Desk::open().await;
    desk.settled().await;
    let token = desk.token("acme", Role::Owner, &[]).await;
    let ask = |body: Value| desk.ask("POST", "/organizations/acme/sms", &token, Some(body), None);
    for (to, why) in [
        ("+19005550111", "costs extra"),
        ("+447911123456", "countries"),
        (LINE, "our own"),
        ("+18005550111", "toll-free"),
        ("12", "`to`"),
    ] {
        let (status, refused) = ask(json!({ "to": to, "body": "Hello." })).await;
        let told = refused["error"]["message"].as_str().unwrap().to_owned();
        assert!(status == 422 && told.contains(why), "{to}: {refused}");
    }
    let (status, refused) = ask(json!({ "to": CUSTOMER, "body": "Hello.", "from": "+16195550199" })).await;
    assert!(status == 422 && refused["error"]["message"].as_str().unwrap().contains("lines"), "{refused}");
    assert_eq!(ask(json!({ "to": CUSTOMER, "body": "  " })).await.0, 422);
    assert_eq!(ask(json!({ "to": CUSTOMER, "body": "x".repeat(1_601) })).await.0, 422);
    // Whoever said STOP hears nothing.
    let wish = Entry::Wish { org: "acme".into(), number: CUSTOMER.into(), refused: Some("opted out with STOP") };
    desk.service.running.app.outreach.means().unwrap().outbox.keep(vec![wish], None).await.unwrap();
    let (status, text) = ask(json!({ "to": CUSTOMER, "body": "Hello again." })).await;
    assert_eq!(status, 202, "{text}");
    let path = format!("/organizations/acme/sms/{}", text["id"].as_str().unwrap());
    let dead = desk.until_state(&token, &path, "dead").await;
    assert!(dead["reason"].as_str().unwrap().contains("STOP"), "{dead}");
    assert_eq!(desk.fake.state().texts().len(), 0);
}

#[actix_web::test]
async fn only_who_may_sends_texts_in_an_organizations_name() {
    let desk = Desk::open().await;
    desk.settled().await;
    let wish = || Some(json!({ "to": CUSTOMER, "body": "Hello." }));
    let viewer = desk.token("acme", Role::Viewer, &[]).await;
    assert_eq!(desk.ask("POST", "/sms/send", &viewer, wish(), None).await.0, 403);
    let narrow = desk.token("acme", Role::Owner, &[Action::Read]).await;
    assert_eq!(desk.ask("POST", "/organizations/acme/sms", &narrow, wish(), None).await.0, 403);
    let bravo = desk.token("bravo", Role::Owner, &[]).await;
    assert_eq!(desk.ask("POST", "/organizations/acme/sms", &bravo, wish(), None).await.0, 404);
    let named = Some(json!({ "org": "acme", "to": CUSTOMER, "body": "Hello." }));
    assert_eq!(desk.ask("POST", "/sms/send", &bravo, named.clone(), None).await.0, 404);
    // Bravo has no rules here, and so no line of its own.
    assert_eq!(desk.ask("POST", "/sms/send", &bravo, wish(), None).await.0, 409);
    let admin = desk.token(Owner::PLATFORM, Role::PlatformAdmin, &[]).await;
    assert_eq!(desk.ask("POST", "/sms/send", &admin, wish(), None).await.0, 422, "whose?");
    let (status, sent) = desk.ask("POST", "/sms/send", &admin, named, None).await;
    assert_eq!(status, 202, "{sent}");
    let path = format!("/organizations/bravo/sms/{}", sent["id"].as_str().unwrap());
    assert_eq!(desk.ask("GET", &path, &bravo, None, None).await.0, 404, "another's text is like none");
    assert_eq!(desk.until_texts(1).await.len(), 1);
}
