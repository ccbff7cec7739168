//! A mail server that takes mail only from those who speak as the standards ask, and complains of everything else.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Who may send.
pub(crate) const USER: &str = "phones@example.com";
pub(crate) const PASSWORD: &str = "hunter2-of-the-mailbox";
pub(crate) const NEXT_PASSWORD: &str = "hunter3-of-the-mailbox";

/// How connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cover {
    Wrapped,
    Upgraded,
    Open,
}

/// What it does with the next mail instead of taking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// It refuses the receiver with this answer.
    Receiver(&'static str),
    /// It refuses the words with this answer.
    Words(&'static str),
    /// It takes it, and goes before it says so.
    TakeAndCut,
    /// It takes it, and says nothing for a long time.
    TakeAndHang,
    /// It lets in nobody who says who he is.
    Login(&'static str),
    /// It says more than it should before the connection is encrypted.
    Inject,
    /// It asks who is there even of those who name nobody.
    Demand,
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Taken {
    /// The value of a header, unfolded.
    pub(crate) fn header(&self, name: &str) -> String {
        let head = self.text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let found = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
        found.unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// The words.
    pub(crate) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").unwrap().1.trim_end()
    }
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) taken: Vec<Taken>,
    pub(crate) script: VecDeque<Act>,
    /// What was said that nobody says to a mail server.
    pub(crate) complaints: Vec<String>,
    /// What it was told, secrets and all.
    pub(crate) heard: Vec<String>,
}

impl State {
    /// The next act, when it is one of these.
    fn act(&mut self, fits: impl Fn(Act) -> bool) -> Option<Act> {
        if fits(*self.script.front()?) { self.script.pop_front() } else { None }
    }
}

/// The server, for as long as the tests run.
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl MailServer {
    pub(crate) fn start(cover: Cover, identity: Option<(&str, &str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tls = identity.map(|(certificate, key)| {
            let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<_, _>>().unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
            Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())
        });
        let state: Arc<Mutex<State>> = Arc::default();
        let own = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, state, tls) = (stream.unwrap(), Arc::clone(&own), tls.clone());
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                std::thread::spawn(move || Session::new(stream, cover, tls, &state).talk());
            }
        });
        Self { address, state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The one that tests share which only connect to it.
    pub(crate) fn shared() -> &'static Self {
        static SERVER: OnceLock<MailServer> = OnceLock::new();
        SERVER.get_or_init(|| Self::start(Cover::Open, None))
    }

    /// What was taken, and nobody complained.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        let state = self.state();
        assert_eq!(state.complaints, Vec::<String>::new());
        state.taken.clone()
    }
}

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

/// One connection, and how far it has come.
struct Session<'s> {
    stream: TcpStream,
    wire: Box<dyn Wire>,
    cover: Cover,
    tls: Option<Arc<ServerConfig>>,
    state: &'s Mutex<State>,
    greeted: bool,
    hidden: bool,
    known: bool,
    from: Option<String>,
    to: Option<String>,
}

impl<'s> Session<'s> {
    fn new(stream: TcpStream, cover: Cover, tls: Option<Arc<ServerConfig>>, state: &'s Mutex<State>) -> Self {
        let wire = Box::new(stream.try_clone().unwrap());
        let hidden = cover != Cover::Upgraded;
        let (greeted, known, from, to) = (false, false, None, None);
        let mut session = Self { stream, wire, cover, tls, state, greeted, hidden, known, from, to };
        if cover == Cover::Wrapped {
            session.hide();
        }
        session
    }

    fn hide(&mut self) {
        let tls = ServerConnection::new(self.tls.clone().expect("a certificate")).unwrap();
        self.wire = Box::new(StreamOwned::new(tls, self.stream.try_clone().unwrap()));
        (self.hidden, self.greeted) = (true, false);
    }

    /// Talks until one side has had enough.
    fn talk(mut self) -> Option<()> {
        say(&mut self.wire, "220 mail.example.com ready")?;
        loop {
            let line = line(&mut self.wire, self.state)?;
            self.state.lock().unwrap().heard.push(line.clone());
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let answer = self.answer(word, rest)?;
            say(&mut self.wire, answer)?;
            if answer.starts_with("221") {
                return None;
            }
            if word == "STARTTLS" && answer.starts_with("220 ") {
                self.hide();
            }
        }
    }

    fn act(&self, fits: impl Fn(Act) -> bool) -> Option<Act> {
        self.state.lock().unwrap().act(fits)
    }

    /// What is answered; nothing when it goes without a word.
    fn answer(&mut self, word: &str, rest: &str) -> Option<&'static str> {
        Some(match word {
            "EHLO" if !rest.is_empty() => {
                self.greeted = true;
                if self.hidden {
                    "250-mail.example.com\r\n250 AUTH PLAIN"
                } else {
                    "250-mail.example.com\r\n250 STARTTLS"
                }
            }
            "STARTTLS" if self.greeted && !self.hidden => {
                if self.act(|act| act == Act::Inject).is_some() {
                    say(&mut self.wire, "220 go on\r\n250-mail.example.com\r\n250 AUTH PLAIN\r\n235 welcome");
                    return None;
                }
                "220 go on"
            }
            "AUTH" if self.greeted && self.hidden && !self.known => self.log_in(rest),
            "MAIL" if !self.known && (self.cover != Cover::Open || self.act(|act| act == Act::Demand).is_some()) => {
                "530 5.7.0 who are you"
            }
            "RSET" if self.greeted => {
                (self.from, self.to) = (None, None);
                "250 forgotten"
            }
            "MAIL" if self.greeted && self.hidden => {
                self.from = between(rest);
                "250 sender taken"
            }
            "RCPT" if self.from.is_some() => match self.act(|act| matches!(act, Act::Receiver(_))) {
                Some(Act::Receiver(answer)) => answer,
                _ => {
                    self.to = between(rest);
                    "250 receiver taken"
                }
            },
            "DATA" if self.to.is_some() => return self.take(),
            "QUIT" => "221 goodbye",
            _ => {
                self.state.lock().unwrap().complaints.push(format!("{word} {rest}"));
                "503 not now"
            }
        })
    }

    fn log_in(&mut self, rest: &str) -> &'static str {
        if let Some(Act::Login(answer)) = self.act(|act| matches!(act, Act::Login(_))) {
            return answer;
        }
        let given = rest.strip_prefix("PLAIN ").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        self.known = [PASSWORD, NEXT_PASSWORD].iter().any(|word| given == format!("\0{USER}\0{word}").into_bytes());
        if self.known { "235 welcome" } else { "535 5.7.8 bad credentials" }
    }

    fn take(&mut self) -> Option<&'static str> {
        say(&mut self.wire, "354 go on")?;
        let text = words(&mut self.wire, self.state)?;
        let (from, to) = (self.from.take().unwrap(), self.to.take().unwrap());
        let act = self.act(|act| matches!(act, Act::Words(_) | Act::TakeAndCut | Act::TakeAndHang));
        if let Some(Act::Words(answer)) = act {
            return Some(answer);
        }
        let mut state = self.state.lock().unwrap();
        judge(&text, &mut state.complaints);
        state.taken.push(Taken { from, to, text });
        drop(state);
        if act == Some(Act::TakeAndHang) {
            std::thread::sleep(Duration::from_secs(60));
            return None;
        }
        (act != Some(Act::TakeAndCut)).then_some("250 taken")
    }
}

/// A mail as it must be: nothing but ASCII, lines of a length that all servers take, every header that readers want.
fn judge(text: &str, complaints: &mut Vec<String>) {
    let head = text.split("\r\n\r\n").next().unwrap();
    for name in [
        "From: ",
        "To: ",
        "Subject: ",
        "Date: ",
        "Message-ID: <",
        "MIME-Version: 1.0",
        "Auto-Submitted: auto-generated",
    ] {
        if head.lines().filter(|line| line.starts_with(name)).count() != 1 {
            complaints.push(format!("not one {name} in {head}"));
        }
    }
    if !text.is_ascii() || text.lines().any(|line| line.len() > 998) || head.contains("Bcc") {
        complaints.push(format!("no mail is written like this: {text}"));
    }
}

fn between(text: &str) -> Option<String> {
    Some(text.split_once('<')?.1.split_once('>')?.0.to_owned())
}

fn say(wire: &mut impl Write, text: &str) -> Option<()> {
    wire.write_all(format!("{text}\r\n").as_bytes()).and_then(|()| wire.flush()).ok()
}

/// A line; nothing at the end. One that does not end as lines end is complained of.
fn line(wire: &mut impl Read, state: &Mutex<State>) -> Option<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    loop {
        if wire.read(&mut byte).ok()? == 0 {
            return None;
        }
        line.push(byte[0]);
        if byte[0] == b'\n' {
            break;
        }
    }
    let text = String::from_utf8_lossy(&line).into_owned();
    if !text.ends_with("\r\n") {
        state.lock().unwrap().complaints.push(format!("a bare end of line: {text:?}"));
    }
    Some(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn words(wire: &mut impl Read, state: &Mutex<State>) -> Option<String> {
    let mut text = String::new();
    loop {
        let line = line(wire, state)?;
        if line == "." {
            return Some(text);
        }
        text += line.strip_prefix('.').unwrap_or(&line);
        text += "\r\n";
    }
}
