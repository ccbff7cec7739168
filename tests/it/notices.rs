//! Notices to where people talk: what each provider is sent, what its answers lead to, and whose account it goes over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringfall::admin::outlets::Outlet;
use ringfall::app::messenger::herald::{Herald as _, Notice};
use ringfall::app::messenger::ports::Failed;
use ringfall::app::outside::Allowed;
use ringfall::app::ports::Later;
use ringfall::egress::Egress;
use ringfall::model::ids::OrgSlug;
use ringfall::model::secret::Secret;
use ringfall::notices::mail::Mail;
use ringfall::notices::{Accounts, Bases, Notices};
use ringfall::rules::ruleset::ChannelKind;
use ringfall::tenant::profile::Provider;
use ringfall::twilio::client::{Gate, Patience};
use serde_json::{Value, json};

use crate::audit::web::{Act, Asked, Web};
use crate::fake_mail::{Act as MailAct, Cover, MailServer, PASSWORD, USER};
use crate::fake_twilio::{Fake, KEY, KEY_SECRET};
use crate::organizations::desk::{Desk, KEY as SEALING};
use crate::support::{ACCOUNT, House, LINE, Service};

mod mail;
mod runbooks;

pub(crate) const BOT: &str = "xoxb-0000-hunter2hunter2";
const NEXT_BOT: &str = "xoxb-0001-hunter2hunter2";
pub(crate) const TELEGRAM: &str = "123456789:AAbbCCddEEffGGhhIIjjKKll-hunter2";
const NEXT_TELEGRAM: &str = "123456789:BBaaCCddEEffGGhhIIjjKKll-hunter2";

const RULES: &str = r##"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
routes:
  - name: nobody
    cascade:
      - { notify: team, body: "<!channel> Call from {{caller}}." }
      - { notify: chat, body: "Call from {{caller}}." }
      - { notify: phone, body: "Call from {{caller}}." }
      - { voicemail: Please leave a message. }
channels:
  team: { slack: "#calls" }
  chat: { telegram: "-1001234567890" }
  phone: { whatsapp: "+16195550130" }
finally: { voicemail: Please leave a message. }
"##;

/// Slack and Telegram in one place, as far as they are used here.
pub(crate) struct People {
    pub(crate) web: Web,
    said: Arc<Mutex<Vec<(String, Value)>>>,
}

impl People {
    pub(crate) fn start() -> Self {
        let said: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let own = Arc::clone(&said);
        let web = Web::start(move |asked| answer(asked, &mut own.lock().unwrap()));
        Self { web, said }
    }

    pub(crate) fn said(&self) -> Vec<(String, Value)> {
        self.said.lock().unwrap().clone()
    }
}

fn answer(asked: &Asked, said: &mut Vec<(String, Value)>) -> (u16, String) {
    let slack = [BOT, NEXT_BOT].iter().any(|bot| asked.header("authorization") == format!("Bearer {bot}"));
    let asks =
        |method: &str| [TELEGRAM, NEXT_TELEGRAM].iter().any(|token| asked.target == format!("/bot{token}/{method}"));
    let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
    let answer = match (asked.method.as_str(), asked.target.as_str()) {
        ("POST", "/api/auth.test") if slack => json!({ "ok": true, "team_id": "T0123", "team": "Acme" }),
        ("POST", "/api/chat.postMessage") if slack && body["channel"] == "#calls" => {
            said.push(("slack".into(), body));
            json!({ "ok": true, "channel": "C0123", "ts": "1700000000.000100" })
        }
        ("POST", "/api/chat.postMessage") if slack => json!({ "ok": false, "error": "channel_not_found" }),
        ("POST", path) if path.starts_with("/api/") => json!({ "ok": false, "error": "invalid_auth" }),
        ("GET", _) if asks("getMe") => {
            json!({ "ok": true, "result": { "id": 123456789, "is_bot": true, "username": "acme_bot" } })
        }
        ("POST", _) if asks("sendMessage") => {
            let chat = body["chat_id"].as_str().unwrap_or_default().to_owned();
            if !chat.starts_with("-100") {
                let why = "Bad Request: chat not found";
                return (400, json!({ "ok": false, "error_code": 400, "description": why }).to_string());
            }
            said.push(("telegram".into(), body));
            json!({ "ok": true, "result": { "message_id": 7 } })
        }
        _ => return (401, json!({ "ok": false, "error_code": 401, "description": "Unauthorized" }).to_string()),
    };
    (200, answer.to_string())
}

/// Waits until that many notices were taken.
async fn told(people: &People, count: usize) -> Vec<(String, Value)> {
    for _ in 0..600 {
        if people.said().len() >= count {
            return people.said();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("only these came: {:?}", people.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_told_to_slack_telegram_and_whatsapp_over_the_organizations_own_accounts() {
    let (people, twilio) = (People::start(), Fake::start());
    twilio.state().own(LINE, &[]);
    let house = House::with(&[("rules/acme.yaml", RULES)]);
    let (url, carrier) = (people.web.url(), twilio.url());
    let shared = [
        ("RINGFALL_OUTBOUND_ALLOW", "127.0.0.1"),
        ("RINGFALL_SLACK_URL", url.as_str()),
        ("RINGFALL_TELEGRAM_URL", url.as_str()),
        ("ENCRYPTION_KEY", SEALING),
    ];
    let desk = Desk::of(&house, &shared);
    desk.does("org add acme --plan premium --name Acme", "");
    desk.does("org opt-in acme platform-voice", "");
    desk.does(&format!("connect number --org acme {LINE} --platform"), "");
    // A wrong token connects nothing, and is not shown.
    let refused = desk.refuses(2, "connect slack --org acme", "xoxb-wrong-hunter2");
    assert!(refused.contains("invalid_auth") && !refused.contains("hunter2"), "{refused}");
    let refused = desk.refuses(2, "connect telegram --org acme", "123456789:AAbbCCddEEffGGhhIIjjKKll-wrong");
    assert!(refused.contains("Unauthorized") && !refused.contains("AAbb"), "{refused}");
    let mut settings = shared.to_vec();
    settings.push(("RINGFALL_TWILIO_API_URL", &carrier));
    let service = house.serve_with(&settings, None).await;
    connected(&service).await;
    service.ask("/twilio/inbound-call", &[]).await;

    // Without accounts they wait, and say for what.
    let mut waits = String::new();
    for _ in 0..200 {
        waits = desk.does("outbox list --state waiting --org acme", "");
        if waits.matches("connect ").count() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(waits.contains("connect slack --org acme") && waits.contains("connect whatsapp --org acme"), "{waits}");
    desk.does("connect slack --org acme", BOT);
    desk.does("connect telegram --org acme", TELEGRAM);
    let whatsapp = format!("connect whatsapp --org acme --account-sid {ACCOUNT} --api-key {KEY} --from {LINE}");
    desk.does(&whatsapp, KEY_SECRET);
    house.clock.forward(10);
    let said = told(&people, 2).await;
    let of = |who: &str| said.iter().find(|(known, _)| known == who).unwrap().1.clone();
    assert_eq!(of("slack")["text"], "&lt;!channel&gt; Call from +13125550123.", "nobody is mentioned by a text");
    assert_eq!(of("telegram")["text"], "Call from +13125550123.");
    for _ in 0..600 {
        if !twilio.state().texts().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let texts = twilio.state().texts();
    assert_eq!(texts, [("whatsapp:+16195550130".to_owned(), "Call from +13125550123.".to_owned())]);
    // Each once, and no secret anywhere.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(people.said().len(), 2);
    let shown =
        desk.does("outbox list", "") + &desk.does("connect list --org acme", "") + &service.ready().await.to_string();
    assert!(!shown.contains("hunter2") && !shown.contains(KEY_SECRET), "{shown}");

    // Another organization of the store has no part in them.
    assert!(shown.contains("slack") && shown.contains("telegram"), "{shown}");
    service.running.stop().await;
}

/// Waits until the number leads to the organization.
async fn connected(service: &Service) {
    for call in 0..600 {
        let call = format!("CA{call:032x}");
        let reply = service.ask("/twilio/inbound-call", &[("CallSid", &call), ("CallStatus", "completed")]).await;
        if reply.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the number leads nowhere");
}

/// One account for everything.
#[derive(Debug)]
struct One(Outlet);

impl Accounts for One {
    fn outlet<'a>(&'a self, _: &'a OrgSlug, _: Provider) -> Later<'a, Result<Option<Outlet>, String>> {
        Box::pin(async { Ok(Some(self.0.clone())) })
    }

    fn whose<'a>(&'a self, _: &'a OrgSlug, _: Provider) -> Later<'a, String> {
        Box::pin(async { "--platform".to_owned() })
    }
}

fn notices(secret: &str, web: &Web) -> Notices {
    let outlet = Outlet {
        id: "one".into(),
        account: "account".into(),
        name: "bot".into(),
        secret: Secret::new(secret.to_owned()),
        from: None,
    };
    let bases = Bases { slack: web.url(), telegram: web.url() };
    let egress = Egress::new(Allowed::parse("127.0.0.1").unwrap()).unwrap();
    let gate = Arc::new(Gate::new(&web.url(), Patience::default()).unwrap());
    Notices { accounts: Arc::new(One(outlet)), egress, bases, gate, mail: Mail::default() }
}

fn notice(kind: ChannelKind, to: &str) -> Notice {
    Notice {
        org: OrgSlug::parse("acme").unwrap(),
        channel: "team".into(),
        kind,
        to: to.to_owned(),
        body: "Call from +13125550123.".into(),
        template: None,
        id: "ntc_0123".into(),
        at: 1_795_456_800,
    }
}

const HOOK: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_to_an_address_of_ones_own_is_signed_and_repeats_are_told_apart() {
    let seen: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let own = Arc::clone(&seen);
    let web = Web::start(move |asked| {
        own.lock().unwrap().push(asked.clone());
        (204, String::new())
    });
    let (notices, notice) = (notices(HOOK, &web), notice(ChannelKind::Webhook, &format!("{}/calls", web.url())));
    web.script([Act::Fault(503, Some(7)), Act::Fault(410, None)]);
    let busy = notices.send(&notice).await.unwrap_err();
    assert!(matches!(busy, Failed::NotDone { wait: Some(wait), .. } if wait.as_secs() == 7), "{busy:?}");
    assert!(matches!(notices.send(&notice).await, Err(Failed::Never { .. })), "it is gone for good");
    assert_eq!(notices.send(&notice).await, Ok("ntc_0123".to_owned().into()));
    assert_eq!(notices.send(&notice).await, Ok("ntc_0123".to_owned().into()));
    let seen = seen.lock().unwrap().clone();
    for asked in &seen {
        let (id, at) = (asked.header("webhook-id"), asked.header("webhook-timestamp"));
        assert_eq!((id, at), ("ntc_0123", "1795456800"));
        let key = STANDARD.decode(HOOK.strip_prefix("whsec_").unwrap()).unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        let tag = aws_lc_rs::hmac::sign(&key, format!("{id}.{at}.{}", asked.body).as_bytes());
        assert_eq!(asked.header("webhook-signature"), format!("v1,{}", STANDARD.encode(tag)));
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        assert_eq!(
            body["data"],
            json!({ "organization": "acme", "channel": "team", "text": "Call from +13125550123." })
        );
    }
    assert_eq!(seen.len(), 2);
    // Somebody's address that leads inside is never asked.
    let inside = Notice { to: "http://127.0.0.2:1/calls".into(), ..notice };
    assert!(matches!(notices.send(&inside).await, Err(Failed::NotDone { why, .. }) if why.contains("loopback")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_providers_answer_is_understood() {
    let people = People::start();
    let slack = notices(BOT, &people.web);
    let unknown = slack.send(&notice(ChannelKind::Slack, "#nowhere")).await;
    assert!(matches!(&unknown, Err(Failed::Never { why, .. }) if why.contains("invite")), "{unknown:?}");
    let stranger = notices("xoxb-hunter2", &people.web).send(&notice(ChannelKind::Slack, "#calls")).await;
    assert!(matches!(&stranger, Err(Failed::NotDone { why, .. }) if !why.contains("hunter2")), "{stranger:?}");
    people.web.script([Act::Fault(429, Some(3)), Act::DoAndCut, Act::Close]);
    let many = slack.send(&notice(ChannelKind::Slack, "#calls")).await;
    assert!(matches!(many, Err(Failed::NotDone { wait: Some(wait), .. }) if wait.as_secs() == 3), "{many:?}");
    let cut = slack.send(&notice(ChannelKind::Slack, "#calls")).await;
    assert!(matches!(cut, Err(Failed::Unknown(_))), "whether it arrived is not known: {cut:?}");
    let closed = slack.send(&notice(ChannelKind::Slack, "#calls")).await;
    assert!(closed.is_err(), "{closed:?}");
    let telegram = notices(TELEGRAM, &people.web);
    let nobody = telegram.send(&notice(ChannelKind::Telegram, "42")).await;
    assert!(matches!(&nobody, Err(Failed::Never { why, .. }) if why.contains("chat not found")), "{nobody:?}");
    assert_eq!(telegram.send(&notice(ChannelKind::Telegram, "-10042")).await, Ok("-10042/7".to_owned().into()));
}

const TEMPLATED: &str = r##"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
routes:
  - name: nobody
    cascade:
      - { notify: phone, body: "Call from\n{{caller}}." }
      - { voicemail: Please leave a message. }
channels:
  phone: { whatsapp: "+16195550130", template: HX0123456789abcdef0123456789abcdef }
finally: { voicemail: Please leave a message. }
"##;

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_over_whatsapp_fills_the_template_and_one_that_is_not_heard_of_is_found() {
    let twilio = Fake::start();
    twilio.state().own(LINE, &[]);
    let template = "News from the phones: {{1}}";
    twilio.state().templates.insert("HX0123456789abcdef0123456789abcdef".into(), template.into());
    let house = House::with(&[("rules/acme.yaml", TEMPLATED)]);
    let now = ringfall::app::ports::Clock::now(&*house.clock).to_zoned(jiff::tz::TimeZone::UTC);
    twilio.state().now = Some(jiff::fmt::rfc2822::to_string(&now).unwrap());
    let desk = Desk::of(&house, &[("ENCRYPTION_KEY", SEALING)]);
    desk.does("org add acme --plan premium --name Acme", "");
    desk.does("org opt-in acme platform-voice", "");
    desk.does(&format!("connect number --org acme {LINE} --platform"), "");
    let whatsapp = format!("connect whatsapp --org acme --account-sid {ACCOUNT} --api-key {KEY} --from {LINE}");
    desk.does(&whatsapp, KEY_SECRET);
    let carrier = twilio.url();
    // It is there, and nobody hears of it: it is looked for, and not sent again.
    twilio.script("Messages.json", &[crate::fake_twilio::Act::DoAndCut]);
    let settings = [("ENCRYPTION_KEY", SEALING), ("RINGFALL_TWILIO_API_URL", carrier.as_str())];
    let service = house.serve_with(&settings, None).await;
    connected(&service).await;
    service.ask("/twilio/inbound-call", &[]).await;
    let mut sent = String::new();
    for _ in 0..600 {
        sent = desk.does("outbox list --state sent --show-numbers", "");
        if !sent.is_empty() {
            break;
        }
        house.clock.forward(1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(sent.contains("#phone"), "{sent} {}", desk.does("outbox list", ""));
    let words = "News from the phones: Call from +13125550123.".to_owned();
    assert_eq!(twilio.state().texts(), [("whatsapp:+16195550130".to_owned(), words)]);
    let asked = twilio.seen("Messages.json");
    assert_eq!(asked[0].field("ContentVariables"), Some(r#"{"1":"Call from +13125550123."}"#));
    assert_eq!(asked[0].field("Body"), None);
    assert_eq!(asked.iter().filter(|asked| asked.field("ContentSid").is_some()).count(), 1, "{asked:?}");
    service.running.stop().await;
}

#[test]
fn a_template_belongs_to_whatsapp_and_has_a_name_of_twilios() {
    let house = House::with(&[("rules/acme.yaml", TEMPLATED)]);
    let desk = Desk::of(&house, &[("RINGFALL_RULES", "rules")]);
    desk.does("check rules", "");
    for (from, to, told) in [
        ("HX0123", "HY0123", "is not the name of a template"),
        ("89abcdef0123", "89abcdef012", "is not the name of a template"),
        ("whatsapp: \"+16195550130\"", "slack: \"#calls\"", "only a channel of `whatsapp` has a template"),
    ] {
        house.write("rules/acme.yaml", &TEMPLATED.replace(from, to));
        let refused = desk.refused_with(1, "check rules");
        assert!(refused.contains(told) && refused.contains("rules/acme.yaml:10:"), "{refused}");
    }
}

const EVERYWHERE: &str = r##"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
routes:
  - cascade: [{ notify: team, body: "A call." }, { voicemail: Please leave a message. }]
channels:
  team: { slack: "#calls" }
  chat: { telegram: "-1001234567890" }
  phone: { whatsapp: "+16195550130" }
  ours: { webhook: "https://127.0.0.1:9/calls" }
  desk: { email: desk@example.com }
mailboxes:
  office: { greeting: Please leave a message., send_to: desk@example.com }
finally: { voicemail: office }
"##;

#[test]
fn doctor_says_of_each_channel_over_which_account_it_goes_or_what_is_missing() {
    let people = People::start();
    let url = people.web.url();
    let house = House::with(&[("rules/acme.yaml", EVERYWHERE)]);
    let inside = ("RINGFALL_OUTBOUND_ALLOW", "127.0.0.1");
    let slack = [("RINGFALL_RULES", "rules"), ("RINGFALL_SLACK_URL", url.as_str()), ("RINGFALL_TELEGRAM_URL", &url)];
    let alone = Desk::of(&house, &[&slack[..], &[("ENCRYPTION_KEY", SEALING)]].concat());
    let desk = Desk::of(&house, &[&slack[..], &[("ENCRYPTION_KEY", SEALING), inside]].concat());
    desk.does("org add acme --plan premium --name Acme", "");
    let told = desk.refused_with(1, "doctor --org acme");
    let kinds =
        [("team", "slack"), ("chat", "telegram"), ("phone", "whatsapp"), ("ours", "webhook"), ("desk", "email")];
    for (channel, provider) in kinds {
        let part = format!(
            "FAIL  acme: channel {channel}: no account at {provider} is connected\n      -> `ringfall connect {provider} --org acme`"
        );
        assert!(told.contains(&part), "{part} in\n{told}");
    }
    let part = "FAIL  acme: mail about messages: no account at email is connected";
    assert!(told.contains(part), "{part} in\n{told}");
    desk.does("connect slack --org acme", BOT);
    desk.does("connect telegram --org acme", TELEGRAM);
    let whatsapp = format!("connect whatsapp --org acme --account-sid {ACCOUNT} --api-key {KEY} --from {LINE}");
    desk.does(&whatsapp, KEY_SECRET);
    desk.does("connect webhook --org acme", "");
    let mail = MailServer::start(Cover::Open, None);
    let email = format!("connect email --org acme --server unencrypted://{} --user {USER}", mail.address);
    desk.does(&email, PASSWORD);
    let told = desk.does("doctor --org acme", "");
    for part in [
        "PASS  acme: channel team: goes over the account `T0123` at slack",
        "PASS  acme: channel chat: goes over the account `123456789` at telegram",
        &format!("PASS  acme: channel phone: goes over the account `{ACCOUNT}` at whatsapp"),
        "PASS  acme: channel ours: goes over the account",
        &format!("PASS  acme: channel desk: goes over the account `{USER}` at email"),
        &format!("PASS  acme: mail about messages: goes over the account `{USER}` at email"),
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    assert!(!told.contains("hunter2") && !told.contains(KEY_SECRET) && !told.contains("whsec_"), "{told}");
    // A password that was changed at the server is noticed here, before anybody waits for a mail.
    mail.state().script.push_back(MailAct::Login("535 5.7.8 bad credentials"));
    let told = desk.refused_with(1, "doctor --org acme");
    let why = "which does not work: the mail server does not take the user or the password: 535 5.7.8";
    assert!(told.matches(why).count() == 2 && told.contains("connect it again"), "{told}");
    assert_eq!(mail.taken(), []);
    // An address of the inside is asked only where the operator lets it.
    let told = alone.refused_with(1, "doctor --org acme");
    let part = "FAIL  acme: channel ours: its address is never asked: ";
    assert!(told.contains(part) && told.contains("`outbound_allow`"), "{told}");
    // One that was let go is missing again.
    desk.does("connect disconnect slack --org acme", "");
    let told = desk.refused_with(1, "doctor --org acme");
    assert!(told.contains("FAIL  acme: channel team: no account at slack is connected"), "{told}");
}
