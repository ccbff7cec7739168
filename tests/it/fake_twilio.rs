//! Twilio's REST interface as far as it is used here: it keeps what it is told, refuses what Twilio would refuse,
//! and misbehaves when asked to.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;

pub(crate) use crate::fake_twilio::state::State;

mod fields;
mod proof;
mod rest;
mod rules;
mod state;

/// The API key that the fake knows for the account of all tests.
pub(crate) const KEY: &str = "SK0123456789abcdef0123456789abcdef";
/// Its secret.
pub(crate) const KEY_SECRET: &str = "key-secret-key-secret-key-secret";

/// What bodies are written as.
const FORM: &str = "application/x-www-form-urlencoded";

/// What a request meets instead of a good answer.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// What it would have met anyway.
    Good,
    /// A refusal or a fault with this status and code; nothing is done.
    Fault(u16, u32),
    /// Too many requests, and for how many seconds, if said.
    TooMany(Option<u64>),
    /// Nothing is done and nothing answered, for as long as the other side waits.
    Hang,
    /// It is done, and nothing answered.
    DoAndHang,
    /// It is done, and the connection breaks in the middle of the answer.
    DoAndCut,
    /// The connection is closed with nothing done.
    Close,
    /// It is done, and the answer is no document.
    DoAndBabble,
    /// The next page of a list is said to be elsewhere.
    LeadAstray,
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Seen {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

struct Shared {
    state: Mutex<State>,
    script: Mutex<VecDeque<(String, Act)>>,
    seen: Mutex<Vec<Seen>>,
    complaints: Mutex<Vec<String>>,
    pause: Mutex<Duration>,
}

/// A running fake. When it goes, it stops the test if it was ever asked in a way that the real one does not know.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Fake {
    /// Listens on a port of its own, for the account of all tests with [`KEY`] and its token.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new()),
            script: Mutex::default(),
            seen: Mutex::default(),
            complaints: Mutex::default(),
            pause: Mutex::default(),
        });
        let inside = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (shared, Ok(stream)) = (Arc::clone(&inside), stream) else { continue };
                std::thread::spawn(move || converse(&shared, &stream));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has; tests put things in and look.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// The next requests whose path ends so meet these, one each.
    pub(crate) fn script(&self, path_end: &str, acts: &[Act]) {
        self.shared.script.lock().unwrap().extend(acts.iter().map(|act| (path_end.to_owned(), act.clone())));
    }

    /// What it has complained of since this was asked last.
    pub(crate) fn complaints(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.complaints.lock().unwrap())
    }

    /// Every answer takes so long.
    pub(crate) fn take_time(&self, pause: Duration) {
        *self.shared.pause.lock().unwrap() = pause;
    }

    /// The requests so far whose path ends so.
    pub(crate) fn seen(&self, path_end: &str) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().iter().filter(|seen| seen.path.ends_with(path_end)).cloned().collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let complaints = self.shared.complaints.lock().unwrap();
        assert!(std::thread::panicking() || complaints.is_empty(), "the interface knows none of this: {complaints:#?}");
    }
}

/// A request, read.
struct Asked {
    method: String,
    path: String,
    query: String,
    login: Option<(String, String)>,
    content_type: String,
    agent: String,
    body: Vec<u8>,
}

/// One answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self { status, headers: vec![("Content-Type", "application/json".into())], body: body.to_string().into_bytes() }
    }

    pub(super) fn fault(status: u16, code: u32, message: &str) -> Self {
        let info = format!("https://www.twilio.com/docs/errors/{code}");
        Self::json(
            status,
            &serde_json::json!({ "code": code, "message": message, "more_info": info, "status": status }),
        )
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} Said\r\nContent-Length: {}\r\n", self.status, self.body.len());
        text.push_str("Twilio-Request-Id: RQ0123456789abcdef0123456789abcdef\r\n");
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        [text.into_bytes(), self.body.clone()].concat()
    }
}

fn converse(shared: &Shared, mut stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let act = next_act(shared, &asked.path);
        let answered = match act {
            Act::Hang => None,
            Act::Close => return,
            Act::Fault(status, code) => Some(Answer::fault(status, code, "said by the script")),
            Act::TooMany(wait) => {
                let mut answer = Answer::fault(429, 20429, "Too Many Requests");
                answer.headers.extend(wait.map(|seconds| ("Retry-After", seconds.to_string())));
                Some(answer)
            }
            Act::Good | Act::DoAndHang | Act::DoAndCut | Act::DoAndBabble | Act::LeadAstray => {
                Some(done(shared, &asked))
            }
        };
        let pause = *shared.pause.lock().unwrap();
        std::thread::sleep(pause);
        let bytes = match (act, answered) {
            (Act::Hang | Act::DoAndHang, _) | (_, None) => {
                // Until the other side has had enough.
                drop(reader.read(&mut [0]));
                return;
            }
            (Act::DoAndCut, Some(answer)) => {
                let bytes = answer.bytes();
                drop(stream.write_all(&bytes[..bytes.len() - answer.body.len() / 2]));
                return;
            }
            (Act::DoAndBabble, Some(answer)) => Answer { body: b"<html>".to_vec(), ..answer }.bytes(),
            (Act::LeadAstray, Some(answer)) => {
                let mut body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
                body["next_page_uri"] = "/2010-04-01/Accounts/AC99999999999999999999999999999999/X.json".into();
                Answer::json(answer.status, &body).bytes()
            }
            (_, Some(answer)) => answer.bytes(),
        };
        if stream.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn next_act(shared: &Shared, path: &str) -> Act {
    let mut script = shared.script.lock().unwrap();
    let place = script.iter().position(|(end, _)| path.ends_with(end.as_str()));
    place.and_then(|place| script.remove(place)).map_or(Act::Good, |(_, act)| act)
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut asked = Asked {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        login: None,
        content_type: String::new(),
        agent: String::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => asked.body = vec![0; value.parse().ok()?],
            "content-type" => value.clone_into(&mut asked.content_type),
            "user-agent" => value.clone_into(&mut asked.agent),
            "authorization" => asked.login = login(value),
            _ => {}
        }
    }
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}

fn login(value: &str) -> Option<(String, String)> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// Does what is asked, as Twilio would.
fn done(shared: &Shared, asked: &Asked) -> Answer {
    let mut complaints = Vec::new();
    if asked.agent.is_empty() {
        complaints.push("no User-Agent".to_owned());
    }
    let text = if asked.method == "POST" {
        if asked.content_type != FORM {
            complaints.push(format!("a body of `{}`", asked.content_type));
        }
        if !asked.query.is_empty() {
            complaints.push(format!("{} with a query", asked.path));
        }
        if asked.content_type == FORM { String::from_utf8_lossy(&asked.body).into_owned() } else { String::new() }
    } else {
        asked.query.clone()
    };
    let fields = fields::decode(&text, &mut complaints);
    let seen = Seen { path: asked.path.clone(), fields: fields.clone() };
    shared.seen.lock().unwrap().push(seen);
    let request = rest::Request { method: &asked.method, path: &asked.path, fields: &fields, login: &asked.login };
    let answer = rest::answer(&mut shared.state.lock().unwrap(), &request, &mut complaints);
    let place = |complaint| format!("{} {}: {complaint}", asked.method, asked.path);
    shared.complaints.lock().unwrap().extend(complaints.into_iter().map(place));
    answer
}
