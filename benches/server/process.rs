//! The servers as processes of their own: started on one core, measured from outside.

use std::fs;
use std::future::Future;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::load::Outcome;

pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "a token of the bench, which opens nothing";

/// What a server is started with.
#[derive(Debug)]
pub struct Setup {
    pub folder: PathBuf,
    rules: PathBuf,
    /// Further settings, by their variables.
    pub more: Vec<(&'static str, String)>,
}

impl Setup {
    /// The rule files of the repository.
    pub fn shipped(name: &str) -> Self {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("routing-rules");
        Self { folder: fresh(name), rules, more: Vec::new() }
    }

    /// So many organizations with a small business's rules each.
    pub fn organizations(name: &str, count: usize) -> Self {
        let folder = fresh(name);
        let rules = folder.join("rules");
        fs::create_dir_all(&rules).expect("a folder");
        for number in 0..count {
            fs::write(rules.join(format!("org-{number}.yaml")), rule_file(number)).expect("a rule file");
        }
        Self { folder, rules, more: Vec::new() }
    }
}

impl Drop for Setup {
    /// What a run has written is gigabytes that nobody reads; a failed one leaves it to be looked at.
    fn drop(&mut self) {
        if !std::thread::panicking()
            && let Err(error) = fs::remove_dir_all(&self.folder)
        {
            eprintln!("`{}` is left: {error}", self.folder.display());
        }
    }
}

fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{name}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("to clear the folder");
    }
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn rule_file(number: usize) -> String {
    format!(
        "version: 1\ntimezone: America/Los_Angeles\nnumbers: [\"+1619555{number:04}\"]\ncontacts:\n  \
         primary: \"+17605550111\"\n  backup: \"+18585550107\"\nhours:\n  business: mon-fri 09:00-17:00\n  \
         evening: [mon-fri 17:00-21:00, sat 10:00-16:00]\ncallers:\n  unwanted: {{ numbers: [\"+18585550199\"] }}\n\
         routes:\n  - when: {{ caller: unwanted }}\n    cascade: [{{ reject: busy }}]\n  - when: {{ hours: [business, evening] }}\n    \
         cascade: [{{ ring: primary, for: 20s }}, {{ ring: backup, for: 20s }}]\n  - cascade: [{{ say: We are closed now. }}, \
         {{ ring: primary, for: 15s }}, {{ ring: backup, for: 20s }}]\n\
         finally: {{ voicemail: Please leave your name and number after the tone. }}\n"
    )
}

/// Runs this process on the last core, so that the first is the server's. False when that cannot be had.
pub fn pin_self() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pid = std::process::id().to_string();
    let set = Command::new("taskset").args(["-cp", &(cores - 1).to_string(), &pid]).stdout(Stdio::null()).status();
    cores > 1 && set.is_ok_and(|status| status.success())
}

/// A server on the first core.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    // Goes when the server has gone, unless it is handed back.
    setup: Option<Setup>,
}

impl Server {
    /// Starts the release server, and tells how long it took to be ready.
    pub async fn start(setup: Setup) -> (Self, Duration) {
        Self::start_program(Path::new(env!("CARGO_BIN_EXE_ringfall")), setup).await
    }

    /// The same with a program that was built from other code.
    pub async fn start_program(program: &Path, setup: Setup) -> (Self, Duration) {
        let mut command = pinned(program);
        command.arg("serve");
        Self::launch(command, setup).await
    }

    /// Starts this program as the bare server.
    pub async fn start_bare(setup: Setup) -> (Self, Duration) {
        Self::launch(pinned(&std::env::current_exe().expect("this program")), setup).await
    }

    async fn launch(mut command: Command, setup: Setup) -> (Self, Duration) {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let log = fs::File::create(setup.folder.join("server.log")).expect("a log file");
        command
            .current_dir(&setup.folder)
            .env("TWILIO_ACCOUNT_SID", ACCOUNT)
            .env("TWILIO_AUTH_TOKEN", TOKEN)
            .env("RINGFALL_LISTEN", format!("127.0.0.1:{port}"))
            .env("RINGFALL_PUBLIC_URL", format!("http://127.0.0.1:{port}"))
            .env("RINGFALL_DATA", setup.folder.join("data"))
            .env("RINGFALL_RULES", &setup.rules)
            .env("RINGFALL_WORKERS", "1")
            .envs(setup.more.iter().map(|(name, value)| (name, value)))
            .env(crate::bare::MARK, port.to_string())
            .stdout(Stdio::null())
            .stderr(log);
        if let Ok(level) = std::env::var("BENCH_LOG") {
            command.env("RINGFALL_LOG", level);
        }
        let started = Instant::now();
        let child = command.spawn().expect("to start the server");
        let folder = setup.folder.clone();
        let mut server = Self { child, port, setup: Some(setup) };
        let request = format!("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
        while !server.is_ready(request.as_bytes()).await {
            assert!(started.elapsed() < Duration::from_secs(60), "the server is not ready; see {}", folder.display());
            if let Ok(Some(status)) = server.child.try_wait() {
                let log = fs::read_to_string(folder.join("server.log")).unwrap_or_default();
                panic!("the server stopped with {status}: {log}");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        (server, started.elapsed())
    }

    async fn is_ready(&self, request: &[u8]) -> bool {
        self.asked(request).await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    async fn asked(&self, request: &[u8]) -> Option<String> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        let mut answer = String::new();
        stream.write_all(request).await.ok()?;
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    }

    /// Waits until what stood back in a rush has caught up.
    pub async fn caught_up(&self) {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", self.port);
        let started = Instant::now();
        let is_behind = |text: &str| {
            let mut told = text.lines().filter(|line| line.starts_with("ringfall_audit_chain_backlog "));
            told.all(|line| !line.ends_with(" 0"))
        };
        while self.asked(request.as_bytes()).await.is_none_or(|text| is_behind(&text)) {
            assert!(started.elapsed() < Duration::from_secs(60), "what stood back does not catch up");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stands still until it is told to go on: what it does by itself is done on nobody else's time.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Goes on, with what it put off.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process");
        rustix::process::kill_process(pid, signal).expect("a server that runs");
    }

    /// Adds the processor time that the server took meanwhile.
    pub async fn measured(&self, run: impl Future<Output = Outcome>) -> Outcome {
        let before = self.cpu();
        let mut outcome = run.await;
        outcome.cpu = self.cpu().saturating_sub(before);
        outcome
    }

    /// Processor time so far, user and system.
    fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 =
            after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory.
    pub fn memory_mb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) / 1024
    }

    pub fn stop(mut self) -> Setup {
        self.child.kill().expect("to stop the server");
        self.child.wait().expect("the server's end");
        self.setup.take().expect("what it was started with")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already stopped in the usual case; after a panic this is the only stop.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

fn pinned(program: &Path) -> Command {
    let has_taskset = Command::new("taskset").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if has_taskset.is_ok_and(|status| status.success()) {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}
