//! Switches that are read from elsewhere: what a call meets while the source tells something, fails, and is silent.

use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringfall::app::outside::Allowed;
use ringfall::app::ports::Later;
use ringfall::egress::{self, Egress, Names};
use serde_json::{Value, json};

use crate::audit::google::Google;
use crate::audit::web::{Act, Web};
use crate::support::{House, Service, program};

/// Closed while the switch is on; without a word of its source for ten minutes it counts as on.
fn rules(source: &str) -> String {
    format!(
        r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  primary: "+16195550111"
switches:
  closed: {{ expires: 4h, source: {{ {source}, every: 30s, stale_after: 10m, when_stale: on }} }}
routes:
  - name: closed
    when: {{ switch: closed }}
    cascade: [{{ voicemail: We are closed. }}]
  - name: open
    cascade: [{{ ring: primary, for: 20s }}]
finally: {{ voicemail: Please leave your name and number after the tone. }}
"#
    )
}

/// A document on the web, which says what it is told to say.
struct Page {
    web: Web,
    says: Arc<Mutex<Value>>,
    asked: Arc<AtomicU32>,
}

impl Page {
    fn start(says: Value) -> Self {
        let (says, asked) = (Arc::new(Mutex::new(says)), Arc::new(AtomicU32::new(0)));
        let (own, count) = (Arc::clone(&says), Arc::clone(&asked));
        let web = Web::start(move |request| {
            assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/status"));
            count.fetch_add(1, Ordering::SeqCst);
            (200, own.lock().unwrap().to_string())
        });
        Self { web, says, asked }
    }

    fn says(&self, what: Value) {
        *self.says.lock().unwrap() = what;
    }

    fn source(&self) -> String {
        format!("url: \"{}/status\", field: /phones/closed", self.web.url())
    }
}

const LOOPBACK: (&str, &str) = ("RINGFALL_OUTBOUND_ALLOW", "127.0.0.1");

/// Waits until the readiness page says so of the sources.
async fn until(service: &Service, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..600 {
        let sources = service.ready().await["sources"].clone();
        if wanted(&sources) {
            return sources;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the sources stay at {}", service.ready().await["sources"]);
}

/// What the caller of a new call meets.
async fn meets(service: &Service, call: u32) -> &'static str {
    let call = format!("CA{call:032x}");
    let reply = service.ask("/twilio/inbound-call", &[("CallSid", &call), ("From", "anonymous")]).await;
    match (reply.body.contains("<Dial"), reply.body.contains("We are closed.")) {
        (true, false) => "open",
        (false, true) => "closed",
        _ => panic!("{reply:?}"),
    }
}

/// Calls until the caller meets that; the switch follows its source a moment later.
async fn meets_at_last(service: &Service, first: u32, wanted: &str) {
    for call in first..first + 600 {
        if meets(service, call).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("callers never meet `{wanted}`: {}", service.ready().await["sources"]);
}

fn why(data: &Path) -> String {
    let output = program(data).args(["switch", "list", "--data", "data"]).env("RINGFALL_RULES", "rules").output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_on_the_web_turns_a_switch_and_its_silence_is_told() {
    let page = Page::start(json!({ "phones": { "closed": "no" } }));
    let house = House::with(&[("rules/acme.yaml", &rules(&page.source()))]);
    let service = house.serve_with(&[LOOPBACK], None).await;
    until(&service, |it| it["good"] == 1 && page.asked.load(Ordering::SeqCst) > 0).await;
    meets_at_last(&service, 0x1000, "open").await;
    page.says(json!({ "phones": { "closed": true } }));
    house.clock.forward(30);
    meets_at_last(&service, 0x2000, "closed").await;
    page.says(json!({ "phones": { "closed": false } }));
    house.clock.forward(30);
    meets_at_last(&service, 0x3000, "open").await;

    // It fails: what it told last counts for ten minutes, and no longer.
    page.says(json!({ "phones": { "closed": "perhaps" } }));
    house.clock.forward(30);
    let sources = until(&service, |it| it["failing"] == 1).await;
    assert!(sources["troubles"][0]["why"].as_str().unwrap().contains("perhaps"), "{sources}");
    assert_eq!(meets(&service, 0x4000).await, "open");
    house.clock.forward(700);
    until(&service, |it| it["stale"] == 1 && it["failing"] == 0).await;
    assert_eq!(meets(&service, 0x4001).await, "closed");
    assert_eq!(service.counted("ringfall_switch_sources{state=\"stale\"}").await, 1);
    let told = ringfall_why(&house, "CA00000000000000000000000000004001", &service).await;
    assert!(told.contains("its source"), "{told}");

    // And it comes back.
    page.says(json!({ "phones": { "closed": 0 } }));
    house.clock.forward(30);
    until(&service, |it| it["good"] == 1 && it["troubles"] == json!([])).await;
    assert_eq!(meets(&service, 0x4002).await, "open");
    service.running.stop().await;
}

/// What `ringfall why` tells of a call.
async fn ringfall_why(house: &House, call: &str, service: &Service) -> String {
    for _ in 0..100 {
        let output = program(&house.path("")).args(["why", call, "--data", "data"]).output().unwrap();
        if output.status.success() {
            return String::from_utf8(output.stdout).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the call cannot be told: {:?}", service.address);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_survives_a_restart_while_it_is_fresh() {
    let page = Page::start(json!({ "phones": { "closed": "off" } }));
    let house = House::with(&[("rules/acme.yaml", &rules(&page.source()))]);
    let service = house.serve_with(&[LOOPBACK], None).await;
    meets_at_last(&service, 0x1000, "open").await;
    for _ in 0..200 {
        if why(&house.path("")).contains("by its source") || house.path("data/sources.json").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    service.running.stop().await;
    page.web.script(std::iter::repeat_n(Act::Close, 1_000));
    let service = house.serve_with(&[LOOPBACK], None).await;
    assert_eq!(meets(&service, 0x2000).await, "open");
    until(&service, |it| it["failing"] == 1).await;
    house.clock.forward(601);
    until(&service, |it| it["stale"] == 1).await;
    assert_eq!(meets(&service, 0x2001).await, "closed");
    service.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_the_inside_is_never_asked() {
    let page = Page::start(json!({ "phones": { "closed": "no" } }));
    let house = House::with(&[("rules/acme.yaml", &rules(&page.source()))]);
    let service = house.serve().await;
    let sources = until(&service, |it| it["stale"] == 1).await;
    assert!(sources["troubles"][0]["why"].as_str().unwrap().contains("loopback"), "{sources}");
    assert_eq!(meets(&service, 0x1000).await, "closed");
    assert_eq!(page.asked.load(Ordering::SeqCst), 0, "nobody asked");
    service.running.stop().await;
}

const SHEET: &str = "1AbCdEfGhIjKlMnOpQrStUvWxYz";

fn sheet_rules() -> String {
    rules(&format!("sheet: {SHEET}, cell: \"Joe's phones!B2\""))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_of_a_sheet_turns_a_switch_with_the_operators_account_or_the_organizations_own() {
    let house = House::with(&[("rules/acme.yaml", &sheet_rules())]);
    let google = Google::start(&house.path(""));
    let url = google.web.url();
    google.kept.lock().unwrap().cells.insert(format!("{SHEET} 'Joe''s phones'!B2"), json!(false));
    let settings = [LOOPBACK, ("RINGFALL_GOOGLE_SHEETS_URL", url.as_str())];
    let key = google.key_file.display().to_string();
    let with_key = [settings[0], settings[1], ("RINGFALL_GOOGLE_CREDENTIALS_FILE", key.as_str())];

    // Without an account it says what to do.
    let service = house.serve_with(&settings, None).await;
    let sources = until(&service, |it| it["stale"] == 1).await;
    assert!(sources["troubles"][0]["why"].as_str().unwrap().contains("connect google"), "{sources}");
    service.running.stop().await;

    // The operator's file serves whoever is known by a rule file alone.
    let service = house.serve_with(&with_key, None).await;
    meets_at_last(&service, 0x1000, "open").await;
    google.kept.lock().unwrap().cells.insert(format!("{SHEET} 'Joe''s phones'!B2"), json!("YES"));
    house.clock.forward(30);
    meets_at_last(&service, 0x2000, "closed").await;
    service.running.stop().await;
    assert_eq!(google.kept.lock().unwrap().complaints, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_of_the_store_never_reads_with_the_operators_account() {
    let house = House::with(&[("rules/acme.yaml", &sheet_rules())]);
    let google = Google::start(&house.path(""));
    let url = google.web.url();
    google.kept.lock().unwrap().cells.insert(format!("{SHEET} 'Joe''s phones'!B2"), json!(false));
    let key = google.key_file.display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = program(&house.path(""));
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    run(&["org", "add", "acme", "--name", "Acme", "--plan", "premium", "--data", "data"]);
    let settings =
        [LOOPBACK, ("RINGFALL_GOOGLE_SHEETS_URL", url.as_str()), ("RINGFALL_GOOGLE_CREDENTIALS_FILE", key.as_str())];
    let service = house.serve_with(&settings, None).await;
    let sources = until(&service, |it| it["stale"] == 1).await;
    assert!(sources["troubles"][0]["why"].as_str().unwrap().contains("connect google --org acme"), "{sources}");
    assert_eq!(google.kept.lock().unwrap().asked, 0);

    // With an account of its own it does.
    std::fs::set_permissions(&google.key_file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    run(&["connect", "google", "--org", "acme", "--key-file", &key, "--data", "data"]);
    house.clock.forward(30);
    until(&service, |it| it["good"] == 1).await;
    run(&["connect", "disconnect", "google", "--org", "acme", "--data", "data"]);
    house.clock.forward(30);
    until(&service, |it| it["failing"] == 1).await;
    service.running.stop().await;
}

/// Names whose addresses change from one look to the next.
#[derive(Debug)]
struct Fickle(Mutex<Vec<Vec<IpAddr>>>);

impl Names for Fickle {
    fn addresses(&self, _host: String) -> Later<'static, std::io::Result<Vec<IpAddr>>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(answer) })
    }
}

/// A way out to one loopback address alone, over names that answer so, one after the other.
fn way(answers: &[&[&str]]) -> Egress {
    let answers = answers.iter().map(|answer| answer.iter().map(|it| it.parse().unwrap()).collect()).collect();
    Egress::by(Allowed::parse("127.0.0.1").unwrap(), Arc::new(Fickle(Mutex::new(answers)))).unwrap()
}

/// A place that sends everybody on.
fn elsewhere(to: String) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 2_048];
            drop(std::io::Read::read(&mut stream, &mut head));
            let answer = format!("HTTP/1.1 302 X\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            drop(std::io::Write::write_all(&mut stream, answer.as_bytes()));
        }
    });
    address
}

async fn reads(way: &Egress, url: &str) -> Result<String, String> {
    let url = way.admits(url).map_err(|refused| refused.to_string())?;
    let answer = way.reading().get(url).send().await.map_err(egress::told)?;
    answer.text().await.map_err(egress::told)
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_and_names_that_change_their_mind_are_judged_when_connecting() {
    let page = Web::start(|_| (200, "good".to_owned()));
    let port = page.address.port();
    let url = format!("http://status.example.com:{port}/");
    // The same name, looked up twice: the second time it leads to a place that is not allowed.
    let inside = "127.0.0.2";
    let fickle = way(&[&["127.0.0.1"], &[inside]]);
    assert_eq!(reads(&fickle, &url).await, Ok("good".to_owned()));
    page.script([Act::Close]);
    let refused = loop {
        // The connection of before may be used once more; a new one is judged.
        match reads(&fickle, &url).await {
            Err(why) if why.contains("loopback") => break why,
            Ok(_) | Err(_) => {}
        }
    };
    assert!(refused.contains("outbound_allow"), "{refused}");
    // When no connection of before was at hand, the first page still waits to close one.
    let page = Web::start(|_| (200, "good".to_owned()));
    let port = page.address.port();
    // A name that leads to both is not asked at all.
    let both = reads(&way(&[&["127.0.0.1", "10.0.0.1"]]), &url).await.unwrap_err();
    assert!(both.contains("private"), "{both}");
    let nowhere = reads(&way(&[&[]]), &url).await.unwrap_err();
    assert!(nowhere.contains("no address"), "{nowhere}");

    // Redirects: to an address in digits, to a name that leads inside, to another scheme, and in circles.
    for (to, why) in [
        (format!("http://127.0.0.2:{port}/"), "loopback"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "link-local"),
        ("http://[::ffff:10.0.0.1]/".to_owned(), "private"),
        ("ftp://127.0.0.1/".to_owned(), ""),
    ] {
        let refused = reads(&way(&[&["127.0.0.1"]]), &format!("http://{}/", elsewhere(to.clone()))).await.unwrap_err();
        assert!(refused.contains(why), "{to}: {refused}");
    }
    let by_name = elsewhere(format!("http://inner.example.com:{port}/"));
    let refused = reads(&way(&[&[inside]]), &format!("http://{by_name}/")).await.unwrap_err();
    assert!(refused.contains("loopback"), "{refused}");
    assert_eq!(reads(&way(&[&["127.0.0.1"]]), &format!("http://{by_name}/")).await, Ok("good".to_owned()));
    let circle = elsewhere("/again".to_owned());
    let refused = reads(&way(&[&[]]), &format!("http://{circle}/")).await.unwrap_err();
    assert!(refused.contains("redirects more than"), "{refused}");
}
