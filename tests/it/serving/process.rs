//! The built program: its settings, its signals, its words to whoever starts it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use crate::support::{House, LINE, RULES, program};

fn words(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn print_config_shows_every_source_and_no_secret() {
    let house = House::new();
    house.write("ringfall.yaml", "node: desk\ndrain: 5s\n");
    house.write(".env", "TWILIO_AUTH_TOKEN=5ecret-5ecret\nTWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\n");
    std::process::Command::new("chmod").arg("600").arg(house.path(".env")).status().unwrap();
    let output =
        program(&house.path("")).args(["serve", "--print-config", "--listen", "127.0.0.1:0"]).output().unwrap();
    let shown = words(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output.stderr));
    assert!(!shown.contains("5ecret"), "{shown}");
    for part in ["flag --listen", ".env TWILIO_AUTH_TOKEN", "ringfall.yaml", "default", "***", "desk"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

#[test]
fn wrong_settings_are_misuse_and_all_are_told() {
    let house = House::new();
    let mut command = program(&house.path(""));
    let output =
        command.args(["serve"]).env("RINGFALL_LISTEN", "nowhere").env("RINGFALL_DRAIN", "soon").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = words(&output.stderr);
    assert!(told.contains("2 settings are wrong") && told.contains("nowhere") && told.contains("soon"), "{told}");
}

/// A started program, ended when it goes out of sight.
struct Started {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Started {
    fn new(house: &House) -> Self {
        let mut command = program(&house.path(""));
        command.args(["serve", "--listen", "127.0.0.1:0", "--rules", "rules", "--templates", "templates"]);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Everything up to the line that holds `part`.
    fn until(&mut self, part: &str) -> String {
        let mut told = String::new();
        for line in self.lines.by_ref() {
            told.push_str(&line.unwrap());
            told.push('\n');
            if told.contains(part) {
                return told;
            }
        }
        panic!("`{part}` never came:\n{told}");
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn it_starts_without_a_carrier_account_and_says_how_to_go_on() {
    let house = House::new();
    let mut started = Started::new(&house);
    let told = started.until("Try a call");
    for part in ["listens on http://127.0.0.1:", "1 line of 1 organization", "TWILIO_ACCOUNT_SID", LINE] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    started.signal("HUP");
    house.write("rules/bad.yaml", "version: 1\n");
    started.until("bad.yaml");
    started.signal("TERM");
    started.until("stopped");
    assert_eq!(started.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_second_service_on_the_same_folder_is_refused() {
    let house = House::with(&[("rules/acme.yaml", RULES)]);
    let mut first = Started::new(&house);
    first.until("listens on");
    let output = program(&house.path("")).args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(words(&output.stderr).contains("data"), "{}", words(&output.stderr));
}

#[test]
fn a_data_folder_that_is_a_file_is_refused_with_a_way_out() {
    let house = House::new();
    house.write("data", "no folder");
    let output = program(&house.path("")).args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    let told = words(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("data folder `data`: choose another with --data"), "{told}");
}
