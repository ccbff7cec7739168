//! What was answered is written down, however often the server is killed in the middle of its work.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ringfall::webhook::form::{Charset, Form};
use ringfall::webhook::raw::Limits;
use ringfall::webhook::signature::Signer;

use crate::process::Server;

const ACCOUNT: &str = "AC00000000000000000000000000000003";
const TOKEN: &str = "crash-test-token";
const ORIGIN: &str = "https://phones.example.com";
const ROUNDS: usize = 20;
const CONNECTIONS: usize = 8;

/// Answers that the server gives before it is killed, so that it dies busy and each round has something to lose.
const ANSWERS: usize = 60;

/// A node with these settings besides.
pub(crate) fn start(folder: &Path, more: &[(&str, &str)]) -> Server {
    Server::start(folder, &settings(more))
}

/// The same through a shell.
pub(crate) fn start_through(script: &str, folder: &Path, more: &[(&str, &str)]) -> Server {
    Server::start_through(script, folder, &settings(more))
}

fn settings<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let account = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", TOKEN), ("RINGFALL_PUBLIC_URL", ORIGIN)];
    [&account, more].concat()
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
pub(crate) fn calls(
    address: SocketAddr,
    round: usize,
    connection: usize,
    count: &AtomicUsize,
    stop: &AtomicBool,
) -> Vec<String> {
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

/// Gives the server its rules.
pub(crate) fn settle(folder: &Path) {
    let rules = folder.join("routing-rules");
    fs::create_dir(&rules).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("routing-rules/small-business.yaml");
    fs::copy(shipped, rules.join("acme.yaml")).unwrap();
}

/// Calls without pause on some connections, and kills the server in the middle; the calls that were answered.
pub(crate) fn killed_under_load(mut server: Server, round: usize) -> BTreeSet<String> {
    let (count, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let address = server.address;
    let heard = std::thread::scope(|scope| {
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
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    assert!(count.load(Ordering::SeqCst) >= ANSWERS, "the server answered next to nothing in round {round}");
    heard
}

#[test]
fn every_answer_has_exactly_one_record_however_often_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    settle(folder.path());
    let mut heard = BTreeSet::new();
    for round in 0..ROUNDS {
        heard.extend(killed_under_load(start(folder.path(), &[]), round));
    }
    drop(start(folder.path(), &[]));

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
