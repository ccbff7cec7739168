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
    /// Connections that came.
    pub(crate) came: usize,
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
                state.lock().unwrap().came += 1;
                std::thread::spawn(move || serve(stream, cover, tls, &state));
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

fn covered(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Box<dyn Wire> {
    Box::new(StreamOwned::new(ServerConnection::new(tls.expect("a certificate")).unwrap(), stream))
}

fn serve(stream: TcpStream, cover: Cover, tls: Option<Arc<ServerConfig>>, state: &Mutex<State>) {
    let mut wire: Box<dyn Wire> = match cover {
        Cover::Wrapped => covered(stream.try_clone().unwrap(), tls.clone()),
        Cover::Upgraded | Cover::Open => Box::new(stream.try_clone().unwrap()),
    };
    if say(&mut wire, "220 mail.example.com ready").is_none() {
        return;
    }
    let (mut greeted, mut hidden, mut known) = (false, cover != Cover::Upgraded, false);
    let (mut from, mut to) = (None::<String>, None::<String>);
    let complain = |line: &str| state.lock().unwrap().complaints.push(line.to_owned());
    while let Some(line) = line(&mut wire, state) {
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match word {
            "EHLO" if !rest.is_empty() => {
                greeted = true;
                if hidden { "250-mail.example.com\r\n250 AUTH PLAIN" } else { "250-mail.example.com\r\n250 STARTTLS" }
            }
            "STARTTLS" if greeted && !hidden => {
                say(&mut wire, "220 go on");
                wire = covered(stream.try_clone().unwrap(), tls.clone());
                (hidden, greeted) = (true, false);
                continue;
            }
            "AUTH" if greeted && hidden && !known => {
                let given = rest.strip_prefix("PLAIN ").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
                known = [PASSWORD, NEXT_PASSWORD].iter().any(|word| given == format!("\0{USER}\0{word}").into_bytes());
                if known { "235 welcome" } else { "535 5.7.8 bad credentials" }
            }
            "MAIL" if hidden && !known && cover != Cover::Open => "530 5.7.0 who are you",
            "MAIL" if greeted && hidden => {
                from = between(rest);
                "250 sender taken"
            }
            "RCPT" if from.is_some() => {
                match state.lock().unwrap().script.pop_front_if(|act| matches!(act, Act::Receiver(_))) {
                    Some(Act::Receiver(answer)) => answer,
                    _ => {
                        to = between(rest);
                        "250 receiver taken"
                    }
                }
            }
            "DATA" if to.is_some() => {
                say(&mut wire, "354 go on");
                let Some(text) = words(&mut wire, state) else { return };
                let (from, to) = (from.take().unwrap(), to.take().unwrap());
                let act = state.lock().unwrap().script.pop_front();
                if let Some(Act::Words(answer)) = act {
                    answer
                } else {
                    judge(&text, &complain);
                    state.lock().unwrap().taken.push(Taken { from, to, text });
                    if act == Some(Act::TakeAndCut) {
                        return;
                    }
                    "250 taken"
                }
            }
            "QUIT" => {
                say(&mut wire, "221 goodbye");
                return;
            }
            _ => {
                complain(&line);
                "503 not now"
            }
        };
        if say(&mut wire, answer).is_none() {
            return;
        }
    }
}

/// A mail as it must be: nothing but ASCII, lines of a length that all servers take, every header that readers want.
fn judge(text: &str, complain: &impl Fn(&str)) {
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
            complain(&format!("not one {name} in {head}"));
        }
    }
    if !text.is_ascii() || text.lines().any(|line| line.len() > 998) || head.contains("Bcc") {
        complain(&format!("no mail is written like this: {text}"));
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
