//! The carrier's account page: it says whether a token is an account's, and nothing else.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;

/// A running page.
pub(crate) struct Carrier {
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
}

impl Carrier {
    /// Knows these accounts with their tokens.
    pub(crate) fn start(accounts: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let known: BTreeMap<String, String> =
            accounts.iter().map(|(sid, token)| ((*sid).to_owned(), (*token).to_owned())).collect();
        let (known, asked) = (Arc::new(known), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                answer(&known, &stream);
            }
        });
        Self { url, asked }
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(known: &BTreeMap<String, String>, mut stream: &TcpStream) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let path = lines.next().unwrap_or_default();
    let sid =
        path.split("/Accounts/").nth(1).and_then(|rest| rest.split(".json").next()).unwrap_or_default().to_owned();
    let login = lines.filter_map(|line| line.strip_prefix("authorization: Basic ").map(str::to_owned)).next();
    let login = login.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok()).unwrap_or_default();
    let right = known.get(&sid).is_some_and(|token| login == format!("{sid}:{token}").as_bytes());
    let (status, body) = if right {
        ("200 OK", serde_json::json!({ "sid": sid, "friendly_name": "x", "status": "active" }))
    } else {
        ("401 Unauthorized", serde_json::json!({ "code": 20003, "message": "Authenticate", "status": 401 }))
    };
    let body = body.to_string();
    let head = "Content-Type: application/json\r\nConnection: close";
    drop(write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
}
