//! The command line as its user meets it: the built binary, its exit code, its words.

use std::process::{Command, Output};

fn ringfall(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringfall")).args(args).env("NO_COLOR", "1").output().unwrap()
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn no_command_is_misuse_and_shows_the_help() {
    let output = ringfall(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output.stderr).contains("Usage: ringfall <COMMAND>"));
}

#[test]
fn an_unknown_option_is_misuse() {
    let output = ringfall(&["init", "--frobnicate"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output.stderr).contains("--frobnicate"));
}

#[test]
fn init_never_overwrites_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.yaml");
    let path = path.to_str().unwrap();
    assert_eq!(ringfall(&["init", path]).status.code(), Some(0));
    std::fs::write(path, "mine").unwrap();
    let output = ringfall(&["init", path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output.stderr).contains("nothing was changed"));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
}

#[test]
fn a_rules_folder_that_is_named_and_is_not_there_is_misuse() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ringfall"))
        .args(["serve", "--listen", "127.0.0.1:0", "--rules", "nowhere"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = words(&output.stderr);
    assert!(told.contains("no folder `nowhere`") && told.contains("ringfall init"), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn a_call_to_nobody_or_nowhere_is_misuse_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("routing-rules/acme.yaml");
    std::fs::create_dir(folder.path().join("routing-rules")).unwrap();
    assert_eq!(ringfall(&["init", rules.to_str().unwrap()]).status.code(), Some(0));
    let call = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ringfall"))
            .arg("call")
            .args(args)
            .current_dir(folder.path())
            .env_remove("RINGFALL_RULES")
            .output()
            .unwrap();
        (output.status.code(), words(&output.stderr))
    };
    let (code, told) = call(&["--leg", "primery=busy"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("`primery`") && told.contains("did you mean `primary`?"), "{told}");
    let (code, told) = call(&["--leg", "somebody-else=busy"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("there are `primary`"), "{told}");
    let (code, told) = call(&["--server", "127.0.0.1:9", "--leg", "primary=busy"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("`--server http://127.0.0.1:9`"), "{told}");
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = ringfall(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(words(&output.stdout).contains("ringfall"), "{shell}");
    }
}

#[test]
fn health_tells_by_its_exit_code_how_the_service_is() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = std::thread::spawn(move || {
        for status in ["200 OK", "503 Service Unavailable"] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = std::io::Read::read(&mut stream, &mut request).unwrap();
            assert!(words(&request[..length]).starts_with("GET /readyz HTTP/1.1\r\n"));
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            std::io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
        }
    });
    let asked = |url: &str| ringfall(&["health", "--ready", "--url", url]);
    assert_eq!(asked(&url).status.code(), Some(0));
    let sick = asked(&url);
    assert_eq!(sick.status.code(), Some(1));
    assert!(words(&sick.stdout).ends_with("not well: status 503\n"));
    service.join().unwrap();
    assert_eq!(asked(&url).status.code(), Some(1), "nobody is there any more");
    assert_eq!(asked("nowhere").status.code(), Some(3));
}
