//! What was answered is written down, however often the server is killed in the middle of its work.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ringfall::webhook::form::{Charset, Form};
use ringfall::webhook::raw::Limits;
use ringfall::webhook::signature::Signer;

const ACCOUNT: &str = "AC00000000000000000000000000000003";
const TOKEN: &str = "crash-test-token";
const ORIGIN: &str = "https://phones.example.com";
const ROUNDS: usize = 20;
const CONNECTIONS: usize = 8;

/// Answers that the server gives before it is killed, so that it dies busy and each round has something to lose.
const ANSWERS: usize = 60;

struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap();
        let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_ringfall"))
            .arg("serve")
            .current_dir(folder)
            .env_clear()
            .env("TWILIO_ACCOUNT_SID", ACCOUNT)
            .env("TWILIO_AUTH_TOKEN", TOKEN)
            .env("RINGFALL_LISTEN", address.to_string())
            .env("RINGFALL_PUBLIC_URL", ORIGIN)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { child, address };
        let started = Instant::now();
        while !server.is_ready() {
            let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(60), "the server is not ready: {}", log());
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("the server stopped with {status}: {}", log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return false };
        let mut answer = String::new();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }

    /// `kill -9`: nothing of the process runs any more.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn request(call: &str) -> Vec<u8> {
    let target = "/twilio/inbound-call?org=acme";
    let body = format!(
        "AccountSid={ACCOUNT}&ApiVersion=2010-04-01&CallSid={call}&CallStatus=ringing&Direction=inbound\
         &From=%2B18585550142&To=%2B16195550100&Caller=%2B18585550142&Called=%2B16195550100"
    );
    let form = Form::parse(body.as_bytes(), Charset::Utf8, &Limits::default()).unwrap();
    let signature = Signer::new(TOKEN).sign(&format!("{ORIGIN}{target}"), &form);
    format!(
        "POST {target} HTTP/1.1\r\nHost: phones.example.com\r\nX-Twilio-Signature: {signature}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Whether the whole of a good answer came.
fn answered(stream: &mut TcpStream, request: &[u8]) -> Option<bool> {
    stream.write_all(request).ok()?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).ok().filter(|read| *read > 0)?;
        answer.extend_from_slice(&part[..read]);
        let text = answer.trim_ascii_end();
        if text.ends_with(b"</Response>") || text.ends_with(b"<Response/>") {
            return Some(answer.starts_with(b"HTTP/1.1 200"));
        }
    }
}

/// Calls without pause until the server is gone; each call is placed twice in a row now and then.
fn calls(address: SocketAddr, round: usize, connection: usize, count: &AtomicUsize, stop: &AtomicBool) -> Vec<String> {
    let Ok(mut stream) = TcpStream::connect(address) else { return Vec::new() };
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut heard = Vec::new();
    for number in 0.. {
        let call = format!("CA{round:08x}{connection:08x}{number:016x}");
        let request = request(&call);
        for _ in 0..=usize::from(number % 7 == 0) {
            match answered(&mut stream, &request) {
                Some(good) => assert!(good, "a genuine request was refused"),
                None => return heard,
            }
            count.fetch_add(1, Ordering::SeqCst);
        }
        heard.push(call);
        if stop.load(Ordering::SeqCst) {
            return heard;
        }
    }
    heard
}

#[test]
fn every_answer_has_exactly_one_record_however_often_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("routing-rules");
    fs::create_dir(&rules).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("routing-rules/small-business.yaml");
    fs::copy(shipped, rules.join("acme.yaml")).unwrap();
    let mut heard = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut server = Server::start(folder.path());
        let (count, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let address = server.address;
        std::thread::scope(|scope| {
            let (count, stop) = (&count, &stop);
            let callers: Vec<_> = (0..CONNECTIONS)
                .map(|connection| scope.spawn(move || calls(address, round, connection, count, stop)))
                .collect();
            let started = Instant::now();
            while count.load(Ordering::SeqCst) < ANSWERS && started.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(1));
            }
            server.kill();
            stop.store(true, Ordering::SeqCst);
            for caller in callers {
                heard.extend(caller.join().unwrap());
            }
        });
        assert!(count.load(Ordering::SeqCst) >= ANSWERS, "the server answered next to nothing in round {round}");
    }
    drop(Server::start(folder.path()));

    let journal = rusqlite::Connection::open(folder.path().join("data/ringfall.db")).unwrap();
    let mut query =
        journal.prepare("SELECT call, count(*) FROM records WHERE kind = 'decision' GROUP BY call").unwrap();
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).unwrap();
    let mut written = BTreeSet::new();
    for row in rows {
        let (call, count) = row.unwrap();
        assert_eq!(count, 1, "{call} has {count} records");
        written.insert(call);
    }
    let lost: Vec<_> = heard.difference(&written).collect();
    assert!(lost.is_empty(), "{} of {} answers have no record: {lost:?}", lost.len(), heard.len());
    assert!(heard.len() >= ROUNDS * ANSWERS / 2);
}
