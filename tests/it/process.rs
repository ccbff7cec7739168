//! `ringfall serve` as a process of its own, which may be killed at any moment.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::program;

/// How long it may take to start on a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

/// A running server; it dies with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts one in this folder with these variables and no others.
    pub(crate) fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::launch(program(folder), folder, variables)
    }

    /// The same through a shell, which may change what the server is allowed.
    pub(crate) fn start_through(script: &str, folder: &Path, variables: &[(&str, &str)]) -> Self {
        let server = program(folder);
        let mut shell = std::process::Command::new("/bin/sh");
        shell.current_dir(folder).env_clear().args(["-c", script]).arg(server.get_program());
        Self::launch(shell, folder, variables)
    }

    fn launch(mut command: std::process::Command, folder: &Path, variables: &[(&str, &str)]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap();
        let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let child = command
            .arg("serve")
            .envs(variables.iter().copied())
            .env("RINGFALL_LISTEN", address.to_string())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { child, address };
        let started = Instant::now();
        while !server.is_ready() {
            let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(started.elapsed() < LONG, "the server is not ready: {}", log());
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("the server stopped with {status}: {}", log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return false };
        let mut answer = String::new();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }

    /// SIGTERM: it answers what is under way, and ends.
    pub(crate) fn ask_to_stop(&self) {
        let id = self.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
    }

    /// The exit code, once it has ended; none when a signal ended it.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// `kill -9`: nothing of the process runs any more.
    pub(crate) fn kill(&mut self) {
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
