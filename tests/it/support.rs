//! A service of one's own: a real socket on a port nobody else has, a real store in a folder that goes away.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use ringfall::app::ports::{Clock, Journal};
use ringfall::settings::layers::Surroundings;
use ringfall::settings::{self, Settings};
use ringfall::startup::{self, Ground, Running};
use ringfall::webhook::form::Form;
use ringfall::webhook::signature::Signer;

/// The account of all tests.
pub(crate) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
/// Its token.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// The token after a rotation.
pub(crate) const NEXT_TOKEN: &str = "fedcba9876543210fedcba9876543210";
/// The address that requests are signed for.
pub(crate) const PUBLIC: &str = "https://phones.example.com";
/// The line of [`RULES`].
pub(crate) const LINE: &str = "+16195550100";
/// A call.
pub(crate) const CALL: &str = "CA0123456789abcdef0123456789abcdef";

/// A small business: the primary confirms by key, the backup does not.
pub(crate) const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  primary: "+16195550111"
  backup: { number: "+18585550107", confirm: none }
routes:
  - cascade: [{ ring: primary, for: 20s }, { ring: backup, for: 20s }]
finally: { voicemail: Please leave your name and number after the tone. }
"#;

/// A clock that stands still until it is moved: Monday 2026-11-23 10:00 in Los Angeles.
#[derive(Debug)]
pub(crate) struct StoppedClock(AtomicI64, AtomicI64);

impl StoppedClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_795_456_800), AtomicI64::new(0)))
    }

    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Somebody sets the clock; no time goes by.
    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.1.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst) + self.1.load(Ordering::SeqCst)).unwrap()
    }

    fn steady(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// The folders of a service; they outlive it, so that another can be started on them.
pub(crate) struct House {
    folder: Arc<tempfile::TempDir>,
    pub(crate) clock: Arc<StoppedClock>,
}

/// A running service in its house.
pub(crate) struct Service {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
    client: reqwest::Client,
    _folder: Arc<tempfile::TempDir>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

impl Reply {
    /// The value of the first such attribute, as a reader of XML has it.
    pub(crate) fn attribute(&self, name: &str) -> String {
        let start = self.body.find(&format!(" {name}=\"")).unwrap_or_else(|| panic!("no {name} in {}", self.body));
        let rest = &self.body[start + name.len() + 3..];
        rest[..rest.find('"').unwrap()].replace("&amp;", "&")
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(&[("rules/acme.yaml", RULES)])
    }

    /// The house of two businesses: what comes to a number of neither is nobody's.
    pub(crate) fn of_two() -> Self {
        Self::with(&[("rules/acme.yaml", RULES), ("rules/other.yaml", &RULES.replace(LINE, "+16195550190"))])
    }

    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let house = Self { folder: Arc::new(tempfile::tempdir().unwrap()), clock: StoppedClock::new() };
        std::fs::create_dir(house.path("rules")).unwrap();
        std::fs::create_dir(house.path("templates")).unwrap();
        for (name, text) in files {
            house.write(name, text);
        }
        house
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn settings(&self, more: &[(&str, &str)]) -> Settings {
        let folder = |name: &str| self.path(name).display().to_string();
        let mut around = Surroundings { folder: self.folder.path().to_owned(), ..Surroundings::default() };
        let given = [
            ("RINGFALL_LISTEN", "127.0.0.1:0".to_owned()),
            ("RINGFALL_PUBLIC_URL", PUBLIC.to_owned()),
            ("RINGFALL_DATA", folder("data")),
            ("RINGFALL_RULES", folder("rules")),
            ("RINGFALL_TEMPLATES", folder("templates")),
            ("RINGFALL_RELOAD", "signal".to_owned()),
            ("RINGFALL_WORKERS", "1".to_owned()),
            ("RINGFALL_DRAIN", "10s".to_owned()),
            ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
            ("TWILIO_AUTH_TOKEN", TOKEN.to_owned()),
            ("TWILIO_AUTH_TOKEN_NEXT", NEXT_TOKEN.to_owned()),
        ];
        around.variables.extend(given.map(|(name, value)| (name.to_owned(), value)));
        around.variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        settings::load(&around).settings.unwrap()
    }

    pub(crate) async fn serve(&self) -> Service {
        self.serve_with(&[], None).await
    }

    pub(crate) async fn serve_with(&self, more: &[(&str, &str)], journal: Option<Arc<dyn Journal>>) -> Service {
        let clock: Arc<dyn Clock> = Arc::<StoppedClock>::clone(&self.clock);
        let running = startup::start(&self.settings(more), Ground { clock, journal }).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Service { address: running.address, running, client, _folder: Arc::clone(&self.folder) }
    }
}

/// The fields of a request about [`CALL`], with some of them changed.
pub(crate) fn fields<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("AccountSid", ACCOUNT),
        ("CallSid", CALL),
        ("CallStatus", "ringing"),
        ("From", "+13125550123"),
        ("To", LINE),
        ("Direction", "inbound"),
    ];
    for (name, value) in changed {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields
}

impl Service {
    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        reply(self.client.get(self.url(target)).send().await.unwrap()).await
    }

    /// A signed webhook about [`CALL`].
    pub(crate) async fn ask(&self, target: &str, changed: &[(&str, &str)]) -> Reply {
        self.ask_signed_by(TOKEN, target, changed).await
    }

    pub(crate) async fn ask_signed_by(&self, token: &str, target: &str, changed: &[(&str, &str)]) -> Reply {
        let form = Form::of(fields(changed));
        let signature = Signer::new(token).sign(&format!("{PUBLIC}{target}"), &form);
        self.post(target, form.encode(), &[("X-Twilio-Signature", &signature)]).await
    }

    /// A form as it is, with these headers.
    pub(crate) async fn post(&self, target: &str, body: String, headers: &[(&str, &str)]) -> Reply {
        let mut request = self.client.post(self.url(target)).body(body);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        reply(request.send().await.unwrap()).await
    }

    /// The call comes in.
    pub(crate) async fn arrive(&self) -> Reply {
        self.ask("/twilio/inbound-call", &[]).await
    }

    /// The counter of that line in `/metrics`; 0 when there is none.
    pub(crate) async fn counted(&self, line: &str) -> u64 {
        let text = self.get("/metrics").await.body;
        let found = text.lines().find_map(|known| known.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or(0)
    }

    /// `/readyz` as JSON.
    pub(crate) async fn ready(&self) -> serde_json::Value {
        serde_json::from_str(&self.get("/readyz").await.body).unwrap()
    }
}

/// The call comes in at that address; the status of the answer.
pub(crate) async fn arrive_at(address: SocketAddr) -> u16 {
    let form = Form::of(fields(&[]));
    let signature = Signer::new(TOKEN).sign(&format!("{PUBLIC}/twilio/inbound-call"), &form);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("http://{address}/twilio/inbound-call")).header("X-Twilio-Signature", signature);
    let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form.encode());
    request.send().await.unwrap().status().as_u16()
}

async fn reply(response: reqwest::Response) -> Reply {
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    Reply { status, content_type: content_type.unwrap_or_default(), body: response.text().await.unwrap() }
}

/// Sends bytes and reads until the other side closes.
pub(crate) fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // A server that is done with somebody may reset the connection.
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// The built program with an environment of its own.
pub(crate) fn program(folder: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ringfall"));
    command.current_dir(folder).env_clear().env("NO_COLOR", "1");
    command
}

/// Makes an authority and a certificate for this machine: the authority's certificate, the server's and its key.
pub(crate) fn certificates() -> [String; 3] {
    let folder = tempfile::tempdir().unwrap();
    let script = "set -e
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj '/CN=An authority of tests' \
            -days 2 -addext basicConstraints=critical,CA:TRUE
        openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=127.0.0.1
        printf 'subjectAltName=IP:127.0.0.1\\n' > san
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem";
    let done = std::process::Command::new("sh").args(["-c", script]).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    ["ca.pem", "server.pem", "server.key"].map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap())
}
