//! The story that README tells, run as it stands there: a hundred calls, and one opening hour that is changed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ringfall::audit::record::{Kind, Record};
use ringfall::startup::trials;
use ringfall::store::{Archive, Kept};
use serde_json::Value;

use crate::support::raw;

/// On a machine that is busy.
const LONG: Duration = Duration::from_secs(300);

/// A shell in which the story's commands are typed, one after the other.
struct Shell {
    folder: tempfile::TempDir,
    child: Child,
    typed: ChildStdin,
    said: BufReader<ChildStdout>,
    listen: String,
}

impl Shell {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_ringfall")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let log = File::create(folder.path().join("log.txt")).unwrap();
        // A group of its own, so that what it leaves behind ends with it.
        let mut child = Command::new("bash")
            .arg("--norc")
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", &path)
            .env("NO_COLOR", "1")
            .env("RINGFALL_LISTEN", free.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let (typed, said) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { folder, child, typed, said, listen: free.to_string() }
    }

    /// Types a command, and gives what it printed and its exit code.
    fn run(&mut self, command: &str) -> (String, i32) {
        let (end, redirect) = ("@@ended", if command.ends_with('&') { " >server.txt 2>&1 &" } else { "" });
        let command = command.strip_suffix('&').unwrap_or(command);
        writeln!(self.typed, "{command}{redirect}\necho \"{end} $?\"").unwrap();
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "the shell is gone after `{command}`");
            if let Some(code) = line.strip_prefix(end) {
                return (printed, code.trim().parse().unwrap());
            }
            printed.push_str(&line);
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn wait(&self, what: &str, mut until: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !until() {
            let log = std::fs::read_to_string(self.path("log.txt")).unwrap_or_default();
            let server = std::fs::read_to_string(self.path("server.txt")).unwrap_or_default();
            assert!(begun.elapsed() < LONG, "{what}\n{log}\n{server}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until a page of the service says so.
    fn page(&self, path: &str, part: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.listen);
        let listen: SocketAddr = self.listen.parse().unwrap();
        self.wait(part, || raw(listen, request.as_bytes()).contains(part));
    }

    fn kept(&self, kind: Kind) -> Vec<Kept> {
        let mut found = Vec::new();
        let archive = Archive::open(&self.path("data")).unwrap();
        let show = |kept: Kept| {
            found.extend(Some(kept).filter(|kept| kept.record.kind == kind));
            ControlFlow::Continue(())
        };
        archive.each_record(Timestamp::MIN..Timestamp::MAX, show).unwrap();
        found
    }

    fn records(&self, kind: Kind) -> Vec<Record> {
        self.kept(kind).into_iter().map(|kept| kept.record).collect()
    }

    fn json(&mut self, command: &str) -> Value {
        let (printed, _) = self.run(&format!("{command} --format json"));
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{command}: {error}\n{printed}"))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        drop(Command::new("kill").args(["-TERM", "--", &group]).status());
        drop(self.child.wait());
    }
}

/// The commands of the story, each with what README shows of its output.
fn told() -> Vec<(String, Vec<String>)> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, story) = readme.split_once("\n## A change, before it is live\n").expect("README tells the story");
    let story = story.split("\n## ").next().unwrap();
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for block in story.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match line.strip_prefix("$ ") {
                Some(command) => commands.push((command.to_owned(), Vec::new())),
                None => commands.last_mut().unwrap().1.push(line.trim().to_owned()),
            }
        }
    }
    commands
}

/// The calls of that hour, by their own time.
fn of_the_hour(records: &[Record]) -> BTreeSet<String> {
    let zone = TimeZone::get("America/Los_Angeles").unwrap();
    let hour = |record: &&Record| {
        record.began.is_some_and(|at| Timestamp::from_second(at).unwrap().to_zoned(zone.clone()).hour() == 16)
    };
    records.iter().filter(hour).map(|record| record.call.clone()).collect()
}

fn named(report: &Value) -> BTreeSet<String> {
    let groups = report[0]["groups"].as_array().unwrap();
    let calls = groups.iter().flat_map(|group| group["calls"].as_array().unwrap());
    calls.map(|call| call["call"].as_str().unwrap().to_owned()).collect()
}

/// How far the story has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Come {
    Begun,
    Compared,
    Shadow,
    Canary,
    Promoted,
}

impl Shell {
    /// What a reader of the page would wait for, too, before typing the command.
    fn before(&self, command: &str, come: Come) {
        if command.starts_with("ringfall record") {
            self.wait("not all calls are over", || self.records(Kind::Closed).len() >= 100);
        }
        if command.ends_with("rules status") && come == Come::Shadow {
            self.wait("nothing differs", || of_the_hour(&self.records(Kind::Trial)).len() >= 5);
        }
        if command.ends_with("rules status") && come == Come::Canary {
            self.wait("not all calls are over", || self.records(Kind::Closed).len() >= 120);
            let last = self.kept(Kind::Closed).last().map_or(0, |kept| kept.seq);
            let book = || trials::read(&self.path("data"));
            self.wait("the calls are not counted", || book().is_ok_and(|book| book.seq >= last));
        }
    }

    /// Waits until the command shows its effect; tells how far the story has come.
    fn after(&mut self, command: &str, come: Come) -> Come {
        if command == "ringfall serve &" {
            let listen: SocketAddr = self.listen.parse().unwrap();
            self.wait("the service does not start", || TcpStream::connect(listen).is_ok());
            self.page("/healthz", "alive");
            come
        } else if command.starts_with("ringfall replay") {
            moved(self, command);
            Come::Compared
        } else if command.contains("mode: shadow }") {
            self.page("/readyz", "\"state\":\"shadow\"");
            Come::Shadow
        } else if command.contains("mode: canary") {
            self.page("/readyz", "\"state\":\"canary\"");
            Come::Canary
        } else if command.ends_with("promote") {
            self.page("/readyz", "\"trials\":[]");
            Come::Promoted
        } else {
            come
        }
    }
}

/// What the page shows stands in what was printed, in its order; what an ellipsis stands for is not looked at.
fn shown(printed: &str, line: &str) -> bool {
    let mut rest = Some(printed);
    for part in line.split('…') {
        rest = rest.and_then(|rest| rest.split_once(part)).map(|(_, rest)| rest);
    }
    rest.is_some()
}

#[test]
fn the_story_goes_as_readme_tells_it() {
    let mut shell = Shell::open();
    let mut come = Come::Begun;
    for (command, shows) in told() {
        shell.before(&command, come);
        let (printed, code) = shell.run(&command);
        let expected = i32::from(command.starts_with("ringfall replay"));
        let log = std::fs::read_to_string(shell.path("log.txt")).unwrap();
        assert_eq!(code, expected, "{command}\n{printed}\n{log}");
        for line in shows.iter().filter(|line| !line.is_empty()) {
            assert!(shown(&printed, line), "{command}: no `{line}` in\n{printed}");
        }
        come = shell.after(&command, come);
    }
    assert_eq!(come, Come::Promoted);
    in_the_shadow_and_beyond(&shell);
}

/// Exactly the calls of the hour are named, by every way to ask.
fn moved(shell: &mut Shell, replay: &str) {
    let replayed = shell.json(replay);
    let calls = replayed["calls"].as_array().unwrap();
    let otherwise = calls.iter().filter(|call| call["same"] == false);
    let otherwise: BTreeSet<String> = otherwise.map(|call| call["call"].as_str().unwrap().to_owned()).collect();
    let rules = "routing-rules/acme.yaml routing-rules/next/acme.yaml";
    let of_recordings = shell.json(&format!("ringfall diff {rules} --calls calls"));
    assert_eq!(otherwise.len(), 10);
    assert_eq!(named(&of_recordings), otherwise);
    let of_the_journal = shell.json(&format!("ringfall diff {rules} --calls last-30d"));
    assert_eq!(named(&of_the_journal), of_the_hour(&shell.records(Kind::Closed)));
}

/// The shadow named the calls of the hour and no others, and the canary answered some callers by the new rules.
fn in_the_shadow_and_beyond(shell: &Shell) {
    let differing: BTreeSet<String> = shell.records(Kind::Trial).into_iter().map(|record| record.call).collect();
    assert_eq!(differing.len(), 5, "{differing:?}");
    assert!(differing.is_subset(&of_the_hour(&shell.records(Kind::Closed))), "{differing:?}");
    let book = trials::read(&shell.path("data")).unwrap();
    let fares = book.trials.values().next().unwrap();
    assert!((1..10).contains(&fares.tried.ended) && fares.tried.unanswered == fares.tried.ended, "{fares:?}");
    assert_eq!(fares.others.unanswered, 0, "{fares:?}");
}
