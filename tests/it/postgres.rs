//! A real PostgreSQL of the test run's own: made in a folder that goes away, on a port nobody else has, and gone
//! when the run ends, however it ends. That it cannot be started fails the tests that need it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use ringfall::model::secret::Secret;

/// The role that the service uses: it owns its database, and is no superuser.
const ROLE: &str = "ringfall";

/// How long it may take to start or stop on a machine that is busy.
const LONG: Duration = Duration::from_secs(120);

/// A server.
pub(crate) struct Server {
    folder: PathBuf,
    port: u16,
    programs: Programs,
    running: Mutex<Option<Child>>,
    databases: AtomicU32,
    // While its pipe is open, the watchdog lets the server live; then it ends it, and removes the folder.
    _watchdog: Watchdog,
}

/// A database of a test's own, on a server.
pub(crate) struct Database {
    /// Its address, for the role that the service uses.
    pub(crate) url: Secret,
    name: String,
    server: &'static Server,
}

/// The server that tests share which leave it alone; each makes databases of its own on it.
pub(crate) fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&[]))
}

/// A server that a test may stop and freeze.
pub(crate) fn own() -> &'static Server {
    Box::leak(Box::new(Server::start(&[])))
}

/// A server with further lines in its configuration.
pub(crate) fn own_with(lines: &[&str], files: &[(&str, &str)]) -> &'static Server {
    let server = Server::prepare(lines);
    for (name, text) in files {
        let path = server.folder.join("data").join(name);
        fs::write(&path, text).unwrap();
        run(Command::new("chmod").arg("600").arg(&path));
        server.programs.give(&path);
    }
    server.run();
    Box::leak(Box::new(server))
}

/// A port that stays ours while the server is stopped: none of those that connections leave from.
fn port() -> u16 {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU32::new(std::process::id().wrapping_mul(97)));
    loop {
        let port = u16::try_from(18_000 + next.fetch_add(1, Ordering::Relaxed) % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Server {
    fn start(lines: &[&str]) -> Self {
        let server = Self::prepare(lines);
        server.run();
        server
    }

    fn prepare(lines: &[&str]) -> Self {
        let programs = Programs::find();
        let folder = tempfile::Builder::new().prefix("ringfall-postgres").tempdir().unwrap().keep();
        let watchdog = Watchdog::start(&folder);
        programs.give(&folder);
        let data = folder.join("data");
        let initdb = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D"];
        run(programs.command("initdb").args(initdb).arg(&data));
        let port = port();
        let ours = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\nfsync = off\n\
             max_connections = 200\nlog_min_messages = warning\n{}\n",
            folder.display(),
            lines.join("\n")
        );
        let written = fs::read_to_string(data.join("postgresql.conf")).unwrap();
        fs::write(data.join("postgresql.conf"), written + &ours).unwrap();
        let (running, databases) = (Mutex::new(None), AtomicU32::new(0));
        Self { folder, port, programs, running, databases, _watchdog: watchdog }
    }

    fn run(&self) {
        let until = Instant::now() + LONG;
        while let Err(log) = self.try_run(until) {
            assert!(Instant::now() < until, "PostgreSQL ends at once:\n{log}");
            std::thread::sleep(Duration::from_millis(200));
        }
        let role = format!("DO $$ BEGIN CREATE ROLE {ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        self.sql("postgres", &role);
    }

    /// Starts it, or tells why it ended at once: what is left of the one before may still be going away.
    fn try_run(&self, until: Instant) -> Result<(), String> {
        let mut postgres = self.programs.command("postgres");
        // A group of its own: an interrupt at the terminal is for the tests, and the watchdog sees to the rest.
        let child = postgres.arg("-D").arg(self.folder.join("data")).stdin(Stdio::null()).process_group(0);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        *self.running.lock().unwrap() = Some(child.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        while !self.answers() {
            assert!(Instant::now() < until, "PostgreSQL does not start:\n{}", self.log());
            if self.running.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_some() {
                return Err(self.log());
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    fn answers(&self) -> bool {
        let mut ready = self.programs.command("pg_isready");
        let ready = ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        ready.status().unwrap().success()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// A fresh database.
    pub(crate) fn database(&'static self) -> Database {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER {ROLE} STRATEGY file_copy"));
        let url = Secret::new(format!("postgresql://{ROLE}@127.0.0.1:{}/{name}", self.port));
        Database { url, name, server: self }
    }

    /// Says something to a database as the superuser, and gives what it answers.
    pub(crate) fn sql(&self, database: &str, text: &str) -> String {
        self.ask("postgres", database, text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Says something to a database as anybody.
    pub(crate) fn ask(&self, role: &str, database: &str, text: &str) -> Result<String, String> {
        let mut psql = self.programs.command("psql");
        let place = ["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", role, "-d", database];
        let done =
            psql.args(place).args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", text]).output().unwrap();
        let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if done.status.success() { Ok(words(&done.stdout)) } else { Err(words(&done.stderr)) }
    }

    /// Ends it, as a machine that fails does: connections are cut.
    pub(crate) fn stop(&self) {
        let mut child = self.running.lock().unwrap().take().expect("it runs");
        signal("QUIT", &[child.id()]);
        child.wait().unwrap();
    }

    /// Starts it again after a stop.
    pub(crate) fn start_again(&self) {
        self.run();
    }

    /// Stops its clock: connections stay, and nothing answers.
    pub(crate) fn freeze(&self) {
        signal("STOP", &self.processes());
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        signal("CONT", &self.processes());
    }

    /// The server and all it has started.
    fn processes(&self) -> Vec<u32> {
        let first = self.running.lock().unwrap().as_ref().expect("it runs").id();
        let mut found = vec![first];
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
            if parent == Some(first) {
                found.push(pid);
            }
        }
        found
    }
}

impl Database {
    /// Says something to it as the superuser.
    pub(crate) fn sql(&self, text: &str) -> String {
        self.server.sql(&self.name, text)
    }

    /// The same, where it may be refused.
    pub(crate) fn try_sql(&self, text: &str) -> Result<String, String> {
        self.server.ask("postgres", &self.name, text)
    }

    /// The port of its server.
    pub(crate) fn port(&self) -> u16 {
        self.server.port
    }

    /// Its address by way of another port of this machine.
    pub(crate) fn url_at(&self, port: u16) -> String {
        self.url.expose().replace(&format!(":{}/", self.server.port), &format!(":{port}/"))
    }

    /// Says something to it as the role that the service uses.
    pub(crate) fn ask(&self, text: &str) -> Result<String, String> {
        self.server.ask(ROLE, &self.name, text)
    }
}

/// The programs of PostgreSQL, and who may run them: not root.
struct Programs {
    folder: Option<PathBuf>,
    user: Option<User>,
}

struct User {
    uid: String,
    gid: String,
}

impl Programs {
    fn find() -> Self {
        let at_hand = |name: &str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(name).exists())
        };
        let all = ["initdb", "postgres", "psql", "pg_isready"];
        let folder = if all.iter().all(|name| at_hand(name)) {
            None
        } else {
            let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
                .map(|found| found.flatten().map(|entry| entry.path().join("bin")).collect())
                .unwrap_or_default();
            versions.retain(|folder| all.iter().all(|name| folder.join(name).exists()));
            versions.sort();
            Some(versions.pop().expect("PostgreSQL is missing: `tests/all` installs it"))
        };
        let is_root = text(Command::new("id").arg("-u")) == "0";
        let user = is_root.then(|| {
            let known = |name: &&str| Command::new("id").arg(name).output().unwrap().status.success();
            let name = ["postgres", "nobody"].into_iter().find(known).expect("PostgreSQL does not run as root");
            User { uid: text(Command::new("id").args(["-u", name])), gid: text(Command::new("id").args(["-g", name])) }
        });
        Self { folder, user }
    }

    fn command(&self, name: &str) -> Command {
        let program = self.folder.as_ref().map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
        let mut command = Command::new(program);
        if let Some(user) = &self.user {
            command.uid(user.uid.parse().unwrap()).gid(user.gid.parse().unwrap());
        }
        // Whatever the caller's folder is, this user may not be let in.
        command.current_dir("/").env("LC_ALL", "C").env_remove("PGHOST").env_remove("PGPORT").env_remove("PGDATABASE");
        command
    }

    /// Makes it theirs.
    fn give(&self, path: &Path) {
        if let Some(user) = &self.user {
            run(Command::new("chown").arg(format!("{}:{}", user.uid, user.gid)).arg(path));
        }
    }
}

/// A process that outlives the tests by a moment: when their end of its pipe is closed, by whatever end of theirs,
/// it ends the server and removes the folder.
struct Watchdog(#[expect(dead_code, reason = "its open pipe is what keeps the server")] Child);

impl Watchdog {
    fn start(folder: &Path) -> Self {
        let script = r#"
            trap '' INT TERM HUP
            echo watching
            cat >/dev/null
            pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
            if [ -n "$pid" ]; then
                kill -CONT "$pid"
                pkill -CONT -P "$pid"
                kill -QUIT "$pid"
                for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" || break; sleep 0.3; done
                kill -KILL "$pid"
            fi 2>/dev/null
            rm -rf "$1"
        "#;
        let mut command = Command::new("sh");
        let command = command.args(["-c", script, "watchdog"]).arg(folder).process_group(0).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self(child)
    }
}

fn signal(name: &str, processes: &[u32]) {
    // Some of them may be gone by now.
    let ids = processes.iter().map(u32::to_string);
    Command::new("sh").args(["-c", "kill -\"$0\" \"$@\" 2>/dev/null || true", name]).args(ids).status().unwrap();
}

fn run(command: &mut Command) {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?} failed: {told}");
}

fn text(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
}
