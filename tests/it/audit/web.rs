//! A place on the web for records: it keeps what it is sent as the real one would, and misbehaves when asked to.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// What a request meets instead of what it should.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Nothing is done; this status, and seconds to wait if said.
    Fault(u16, Option<u64>),
    /// It is done, and the connection breaks in the middle of the answer.
    DoAndCut,
    /// The connection is closed with nothing done.
    Close,
    /// It is done, and the answer makes no sense.
    DoAndBabble,
}

type Handler = dyn Fn(&Asked) -> (u16, String) + Send + Sync;

/// The place.
#[derive(Clone)]
pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    script: Arc<Mutex<VecDeque<Act>>>,
    pub(crate) faults: Arc<Mutex<usize>>,
}

impl Web {
    pub(crate) fn start(handler: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let web = Self { address: listener.local_addr().unwrap(), script: Arc::default(), faults: Arc::default() };
        let (own, handler): (_, Arc<Handler>) = (web.clone(), Arc::new(handler));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (own, handler) = (own.clone(), Arc::clone(&handler));
                std::thread::spawn(move || own.serve(stream, &*handler));
            }
        });
        web
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the next requests meet, one after the other.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.script.lock().unwrap().extend(acts);
    }

    pub(crate) fn is_through(&self) -> bool {
        self.script.lock().unwrap().is_empty()
    }

    fn serve(&self, stream: TcpStream, handler: &Handler) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some(asked) = read(&mut reader) {
            let act = self.script.lock().unwrap().pop_front();
            if act.is_some() {
                *self.faults.lock().unwrap() += 1;
            }
            let (status, body, more) = match &act {
                Some(Act::Close) => return,
                Some(Act::Fault(status, after)) => {
                    let after = after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
                    (*status, "{\"error\":\"as asked\"}".to_owned(), after)
                }
                _ => {
                    let (status, body) = handler(&asked);
                    (status, body, String::new())
                }
            };
            let body = if matches!(act, Some(Act::DoAndBabble)) { "?".to_owned() } else { body };
            let length = if matches!(act, Some(Act::DoAndCut)) { body.len() + 10 } else { body.len() };
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}Content-Length: {length}\r\n\r\n"
            );
            if stream.write_all(format!("{head}{body}").as_bytes()).is_err() || matches!(act, Some(Act::DoAndCut)) {
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut parts = first.split_whitespace();
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut asked = Asked { method, target, headers, body: String::new() };
    let mut body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).ok()?;
    Some(asked)
}
