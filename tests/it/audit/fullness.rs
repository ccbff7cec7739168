//! A disk that is full under the journal: a small file system where the tests may make one, and else a limit to the
//! size of the server's files. Callers are answered, the alarm is raised, and when there is room again nothing of what
//! was answered is lost.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::{Duration, Instant};

use crate::crash::{calls, settle, start_through};
use crate::postgres;

const LONG: Duration = Duration::from_secs(300);

fn did(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|done| done.status.success())
}

/// Room that runs out, and may be made again.
enum Room {
    /// A file system of its own, in this folder.
    Mounted(PathBuf),
    /// Files of the server may not be longer.
    Limited,
}

impl Room {
    /// Four megabytes under the data folder.
    fn scarce(data: &Path) -> Self {
        std::fs::create_dir_all(data).unwrap();
        let shown = data.to_str().unwrap();
        let mounted = did("mount", &["-t", "tmpfs", "-o", "size=4m,mode=700", "none", shown]);
        if mounted { Self::Mounted(data.to_owned()) } else { Self::Limited }
    }

    /// What the server is started through.
    fn shell(&self) -> &'static str {
        match self {
            Self::Mounted(_) => "exec \"$0\" \"$@\"",
            // Blocks of 512 or 1024 bytes.
            Self::Limited => "ulimit -S -f 4096; exec \"$0\" \"$@\"",
        }
    }

    fn make(&self, server: u32) {
        let done = match self {
            Self::Mounted(data) => did("mount", &["-o", "remount,size=400m", data.to_str().unwrap()]),
            Self::Limited => did("prlimit", &["--pid", &server.to_string(), "--fsize=unlimited:"]),
        };
        assert!(done, "room cannot be made again");
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Self::Mounted(data) = self {
            did("umount", &["-l", data.to_str().unwrap()]);
        }
    }
}

/// Asks for a page of the server's own.
fn page(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn ready(address: SocketAddr) -> serde_json::Value {
    let answer = page(address, "/readyz");
    let start = answer.find('{').unwrap();
    let end = answer.rfind('}').unwrap();
    serde_json::from_str(&answer[start..=end]).unwrap()
}

fn one_call(address: SocketAddr, round: usize) -> Vec<String> {
    calls(address, round, 0, &AtomicUsize::new(0), &AtomicBool::new(true))
}

/// Call after call, one at a time, until some wait in memory; each must be answered, which `calls` holds.
fn fill(address: SocketAddr) -> BTreeSet<String> {
    fill_from(address, 0)
}

fn fill_from(address: SocketAddr, first: usize) -> BTreeSet<String> {
    let mut heard = BTreeSet::new();
    let begun = Instant::now();
    for round in first.. {
        heard.extend(one_call(address, round));
        if round % 50 == 49 && ready(address)["journal"]["waiting"].as_u64().unwrap() >= 20 {
            break;
        }
        assert!(begun.elapsed() < LONG, "the disk is never full: {}", ready(address)["journal"]);
    }
    heard
}

/// Waits until everything that waited is written.
fn recovered(address: SocketAddr) {
    let begun = Instant::now();
    loop {
        let journal = ready(address)["journal"].clone();
        if journal["state"] == "good" && journal["waiting"] == 0 {
            break;
        }
        assert!(begun.elapsed() < LONG, "it does not recover: {journal}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The same, with no room set aside on the disk; against a limit to files it does not help.
fn fill_whole(room: &Room, address: SocketAddr) -> BTreeSet<String> {
    let mut heard = fill(address);
    if let Room::Mounted(data) = room
        && std::fs::remove_file(data.join("ringfall.reserve")).is_ok()
    {
        recovered(address);
        heard.extend(fill_from(address, 1 << 20));
    }
    heard
}

/// The calls that have a decision in the journal.
fn answered(journal: &rusqlite::Connection) -> BTreeSet<String> {
    let mut query = journal.prepare("SELECT DISTINCT call FROM records WHERE kind = 'decision'").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Waits for that in the log.
fn logged(folder: &Path, part: &str) {
    let begun = Instant::now();
    let log = || std::fs::read_to_string(folder.join("log")).unwrap();
    while !log().contains(part) {
        assert!(begun.elapsed() < LONG, "no `{part}` in {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn callers_are_answered_and_nothing_is_lost_when_the_disk_is_full() {
    let database = postgres::shared().database();
    let folder = tempfile::tempdir().unwrap();
    settle(folder.path());
    let room = Room::scarce(&folder.path().join("data"));
    let server = start_through(room.shell(), folder.path(), &[("RINGFALL_DATABASE_URL", database.url.expose())]);
    let address = server.address;
    let mut heard = BTreeSet::new();
    heard.extend(fill(address));
    let told = ready(address);
    assert_eq!(told["journal"]["state"], "failing", "{told}");
    assert_eq!(told["journal"]["lost"], 0, "{told}");
    let metrics = page(address, "/metrics");
    let deferred =
        metrics.lines().any(|line| line.starts_with("ringfall_fallback_served_total{reason=\"journal-deferred\"}"));
    assert!(deferred, "{metrics}");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("the journal cannot write"), "{log}");
    room.make(server.id());
    recovered(address);
    heard.extend(one_call(address, 1 << 20));
    let sql = "SELECT count(*) FROM audit_records WHERE kind = 'decision'";
    let begun = Instant::now();
    // The table is made with the first record, which is sent when callers leave the time for it.
    let arrived = || database.try_sql(sql).unwrap_or_default();
    while arrived() != heard.len().to_string() {
        assert!(begun.elapsed() < LONG, "{} of {} records arrived", arrived(), heard.len());
        std::thread::sleep(Duration::from_millis(50));
    }
    let written = database.sql("SELECT DISTINCT call FROM audit_records WHERE kind = 'decision'");
    assert_eq!(written.lines().map(str::to_owned).collect::<BTreeSet<_>>(), heard);
    drop(server);
}

#[test]
fn room_that_is_made_while_it_stops_saves_what_waited() {
    let folder = tempfile::tempdir().unwrap();
    settle(folder.path());
    let data = folder.path().join("data");
    let room = Room::scarce(&data);
    let mut server = start_through(room.shell(), folder.path(), &[("RINGFALL_DRAIN", "300s")]);
    let heard = fill_whole(&room, server.address);
    server.ask_to_stop();
    logged(folder.path(), "stopping waits until the journal can write");
    room.make(server.id());
    assert_eq!(server.ended(), Some(0));
    let journal = rusqlite::Connection::open(data.join("ringfall.db")).unwrap();
    assert_eq!(answered(&journal), heard);
}

#[test]
fn records_that_are_lost_by_stopping_are_told_and_no_success() {
    let folder = tempfile::tempdir().unwrap();
    settle(folder.path());
    let room = Room::scarce(&folder.path().join("data"));
    let mut server = start_through(room.shell(), folder.path(), &[("RINGFALL_DRAIN", "1s")]);
    fill_whole(&room, server.address);
    server.ask_to_stop();
    assert_eq!(server.ended(), Some(3));
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    for part in ["lost by stopping now", "error: ", "records could not be written to `", "make room", "drain"] {
        assert!(log.contains(part), "no `{part}` in {log}");
    }
}

#[test]
fn a_full_disk_keeps_no_service_from_stopping_or_starting() {
    let folder = tempfile::tempdir().unwrap();
    settle(folder.path());
    let data = folder.path().join("data");
    let room = Room::scarce(&data);
    let mut server = start_through(room.shell(), folder.path(), &[("RINGFALL_DRAIN", "1s")]);
    let mut heard = fill(server.address);
    server.ask_to_stop();
    let Room::Mounted(_) = room else {
        // A limit to files is no full disk: what is set aside does not help against it.
        assert_eq!(server.ended(), Some(3));
        return;
    };
    assert_eq!(server.ended(), Some(0));
    // What is left is enough for a start, which sets half of it aside; somebody else takes the other half.
    let server = start_through(room.shell(), folder.path(), &[]);
    let begun = Instant::now();
    while !data.join("ringfall.reserve").exists() {
        assert!(begun.elapsed() < LONG, "nothing is set aside");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(server);
    let mut filler = std::fs::File::create(data.join("filler")).unwrap();
    while filler.write_all(&[1; 512]).is_ok() {}
    let mut server = start_through(room.shell(), folder.path(), &[]);
    logged(folder.path(), "this start uses the room that was set aside");
    heard.extend(one_call(server.address, 1 << 20));
    server.ask_to_stop();
    assert_eq!(server.ended(), Some(0));
    let journal = rusqlite::Connection::open(data.join("ringfall.db")).unwrap();
    assert_eq!(answered(&journal), heard);
}

#[test]
fn a_limit_to_the_size_of_files_kills_no_service() {
    let folder = tempfile::tempdir().unwrap();
    settle(folder.path());
    let room = Room::Limited;
    let mut server = start_through(room.shell(), folder.path(), &[]);
    let heard = fill(server.address);
    assert_eq!(ready(server.address)["journal"]["state"], "failing");
    logged(folder.path(), "raise the limit (`ulimit -f`");
    room.make(server.id());
    server.ask_to_stop();
    assert_eq!(server.ended(), Some(0));
    let journal = rusqlite::Connection::open(folder.path().join("data/ringfall.db")).unwrap();
    assert_eq!(answered(&journal), heard);
}
