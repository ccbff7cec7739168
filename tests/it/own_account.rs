//! An organization with an account of its own: wired, called, told, answered and closed over that account alone.

use std::time::{Duration, Instant};

use ringfall::webhook::form::Form;
use ringfall::webhook::signature::Signer;

use crate::fake_twilio::{Fake, KEY, KEY_SECRET};
use crate::organizations::desk::{ACME, ACME_LINE, ACME_TOKEN, Desk, file, fresh};
use crate::process::Server;
use crate::support::{ACCOUNT, House, TOKEN};

const DANA: &str = "+16195550111";
const LEE: &str = "+16195550112";
const OWNER: &str = "+16195550130";
const CALLER: &str = "+13125550123";
const STATIC: &str = "https://static.example.com/phones";

/// How long something may take on a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  dana: { number: "+16195550111", notify: sms, confirm: none }
  lee: { number: "+16195550112", notify: sms, confirm: none }
  owner: { number: "+16195550130", notify: sms }
switches:
  closed_today: { expires: end_of_day, set_by: [owner] }
routes:
  - name: closed
    when: { switch: closed_today }
    cascade: [{ voicemail: box }]
  - name: open
    cascade: [{ ring: dana, for: 20s }, { ring: lee, for: 20s }, { voicemail: box }]
    missed: page
escalations:
  page:
    - { sms: [dana, lee], text: "Missed {{caller}}. Reply TAKE." }
mailboxes:
  box: { greeting: We are closed. Please leave a message., send_to: [owner] }
finally: { voicemail: box }
"#;

/// An agency's machine, whose own account is another one, and a fake that knows acme's account only.
struct Agency {
    house: House,
    fake: Fake,
    variables: Vec<(String, String)>,
    server: Option<Server>,
}

impl Agency {
    fn new() -> Self {
        let fake = Fake::start();
        {
            let mut state = fake.state();
            state.account = ACME.into();
            state.token = ACME_TOKEN.into();
            state.own(ACME_LINE, &[("voice_url", "https://old.example.com/voice")]);
        }
        let house = House::with(&[("rules/acme.yaml", RULES)]);
        let folder = |name: &str| house.path(name).display().to_string();
        let given = [
            ("RINGFALL_DATA", folder("data")),
            ("RINGFALL_RULES", folder("rules")),
            ("RINGFALL_TEMPLATES", folder("templates")),
            ("RINGFALL_FALLBACK_URL", STATIC.to_owned()),
            ("RINGFALL_TWILIO_API_URL", fake.url()),
            ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
            ("TWILIO_AUTH_TOKEN", TOKEN.to_owned()),
            // The agency's own key must be of no use to anybody else.
            ("TWILIO_API_KEY", format!("SK{}", "9".repeat(32))),
            ("TWILIO_API_SECRET", "the-secret-of-the-agency".to_owned()),
            ("RINGFALL_PUBLIC_URL", "https://phones.example.com".to_owned()),
        ];
        let variables = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { house, fake, variables, server: None }
    }

    fn desk(&self) -> Desk {
        let more: Vec<_> = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Desk::of(&self.house, &more)
    }

    /// Adds acme and connects its account, with this API key.
    fn connect(&self, desk: &Desk, key: &str, secret: &str) {
        let secret = file(&self.house.path("api-secret"), secret, 0o600);
        let keys = format!("--api-key {key} --api-secret-file {secret}");
        let command = format!("connect twilio --org acme --account-sid {ACME} --number {ACME_LINE} --enforce {keys}");
        desk.does(&command, ACME_TOKEN);
    }

    fn serve(&mut self) -> String {
        let variables: Vec<_> = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let server = Server::start(&self.house.path(""), &variables);
        let url = format!("http://{}", server.address);
        self.server = Some(server);
        url
    }

    /// A webhook that acme's account signs.
    async fn signed(&self, target: &str, fields: &[(&str, &str)]) -> String {
        let form = Form::of(fields.iter().copied());
        let signature = Signer::new(ACME_TOKEN).sign(&format!("https://phones.example.com{target}"), &form);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}{target}", self.server.as_ref().unwrap().address);
        let request = client.post(url).header("X-Twilio-Signature", signature);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form.encode());
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{target}");
        response.text().await.unwrap()
    }

    /// Somebody writes to acme's line.
    async fn text(&self, from: &str, body: &str) {
        let sid = fresh().replace("CA", "SM");
        let fields =
            [("AccountSid", ACME), ("MessageSid", sid.as_str()), ("From", from), ("To", ACME_LINE), ("Body", body)];
        self.signed("/twilio/inbound-sms?org=acme", &fields).await;
    }

    /// A call to which nobody comes.
    async fn miss(&self) {
        let call = fresh();
        let fields = [("AccountSid", ACME), ("CallSid", &call), ("From", CALLER), ("To", ACME_LINE)];
        let ringing = [&fields[..], &[("CallStatus", "ringing"), ("Direction", "inbound")]].concat();
        self.signed("/twilio/inbound-call?org=acme", &ringing).await;
        let gone = [&fields[..], &[("CallStatus", "no-answer"), ("Direction", "inbound")]].concat();
        self.signed("/twilio/call-status?org=acme", &gone).await;
    }

    /// Texts as the account has them, once there are so many.
    fn told(&self, count: usize) -> Vec<(String, String)> {
        let until = Instant::now() + LONG;
        loop {
            let texts = self.fake.state().texts();
            if texts.len() >= count {
                return texts;
            }
            assert!(Instant::now() < until, "only these texts came: {texts:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn pair(to: &str, body: &str) -> (String, String) {
    (to.to_owned(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_clean_machine_to_a_closed_office_over_its_own_account() {
    let mut agency = Agency::new();
    let desk = agency.desk();
    desk.does("org add acme --plan premium --name Acme", "");
    agency.connect(&desk, KEY, KEY_SECRET);
    let plan = desk.refused_with(1, "numbers plan --org acme");
    assert!(plan.contains("https://old.example.com/voice") && plan.contains("inbound-call?org=acme"), "{plan}");
    let applied = desk.does("numbers apply --org acme", "");
    assert!(applied.contains("as it should be") && applied.contains(&format!("{STATIC}/acme/16195550100.xml")));
    assert_eq!(desk.does("numbers drift --org acme", ""), "");
    let exported = desk.does("fallback export --org acme --out static", "");
    assert!(exported.contains("static/acme/16195550100.xml"), "{exported}");
    let url = agency.serve();
    // Nobody comes to the phone: both hear of it at the same moment.
    let call = |more: &str| format!("call --server {url} --to {ACME_LINE} --from {CALLER} {more}");
    let heard = desk.does(&call("--leg dana=no-answer --leg lee=no-answer --hang-up-after 60s"), "");
    assert!(heard.contains("lee's phone rings"), "{heard}");
    let missed = format!("Missed {CALLER}. Reply TAKE.");
    let mut texts = agency.told(3);
    texts.sort();
    assert_eq!(texts[..2], [pair(DANA, &missed), pair(LEE, &missed)]);
    assert!(texts[2].0 == OWNER && texts[2].1.starts_with("New message"), "{texts:?}");
    let known = texts.len();
    // One takes it, and the other hears of that.
    agency.text(LEE, "TAKE").await;
    let texts = agency.told(known + 2);
    assert!(texts.contains(&pair(LEE, &format!("You have the call from {CALLER}; the others know."))), "{texts:?}");
    assert!(texts.contains(&pair(DANA, &format!("lee takes the call from {CALLER}."))), "{texts:?}");
    // The owner closes the office from a phone, and the next call goes to the mailbox.
    agency.text(OWNER, "CLOSED").await;
    let texts = agency.told(known + 3);
    assert!(texts[known + 2].1.starts_with("closed_today is on"), "{texts:?}");
    let heard = desk.does(&call("--hang-up-after 5s"), "");
    assert!(heard.contains("We are closed") && !heard.contains("phone rings"), "{heard}");
    // The carrier's word on a text is asked for, and shown.
    let sid = agency.fake.state().messages[0]["sid"].as_str().unwrap().to_owned();
    let told = agency.fake.seen("Messages.json");
    let callback = told.iter().find_map(|seen| seen.field("StatusCallback").map(str::to_owned)).unwrap();
    assert_eq!(callback, "https://phones.example.com/twilio/message-status?org=acme");
    let report = [("AccountSid", ACME), ("MessageSid", &sid), ("MessageStatus", "delivered"), ("From", ACME_LINE)];
    agency.signed("/twilio/message-status?org=acme", &report).await;
    let until = Instant::now() + LONG;
    while !desk.does("outbox list --org acme", "").contains("delivered") {
        assert!(Instant::now() < until, "{}", desk.does("outbox list --org acme", ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_or_replaced_counts_at_once_and_the_platforms_is_never_used() {
    let mut agency = Agency::new();
    let desk = agency.desk();
    desk.does("org add acme --plan premium", "");
    // A key that the carrier does not know: the text is refused, and nothing else is tried.
    agency.connect(&desk, &format!("SK{}", "1".repeat(32)), "no-longer-the-secret");
    agency.serve();
    agency.miss().await;
    let until = Instant::now() + LONG;
    while !desk.does("outbox list --state dead", "").contains("20003") {
        assert!(Instant::now() < until, "{}", desk.does("outbox list", ""));
    }
    agency.connect(&desk, KEY, KEY_SECRET);
    // What died of it is tried again by hand, over the key that is there now.
    let dead = desk.does("outbox list --state dead --format json", "");
    let dead: serde_json::Value = serde_json::from_str(&dead).unwrap();
    let dead = dead.as_array().unwrap();
    assert_eq!(dead.len(), 2);
    std::thread::sleep(Duration::from_secs(2));
    for text in dead {
        desk.does(&format!("outbox retry {}", text["id"]), "");
    }
    agency.told(2);
    // Without an account of its own the texts wait: the platform's account is not for this organization.
    desk.does("connect revoke --org acme", "");
    std::thread::sleep(Duration::from_secs(2));
    for text in dead {
        let id = &text["id"];
        assert_eq!(desk.run(&format!("outbox retry {id}"), "").status.code(), Some(1), "it went out");
    }
    let refused = desk.refused_with(3, "numbers plan --org acme");
    assert!(refused.contains("leads to an account"), "{refused}");
    let accounts = agency.fake.seen("Messages.json");
    assert!(accounts.iter().all(|seen| seen.path.contains(ACME)), "another account was used: {accounts:?}");
}
