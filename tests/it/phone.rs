//! The phone as its user meets it: the built binary against a service, and against servers that misbehave.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::Value;

use crate::support::House;

/// Runs `ringfall call` with nobody at the terminal.
fn call(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfall"));
    command.arg("call").args(args).current_dir(folder).env("NO_COLOR", "1").stdin(Stdio::null());
    command.output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", words(&output.stdout)))
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Serves the house for as long as `tell` takes, with the server's address and the house's folder.
fn while_served(house: &House, tell: impl FnOnce(&str, &Path)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let service = runtime.block_on(house.serve());
    tell(&service.url(""), &house.path(""));
    runtime.block_on(service.running.stop());
}

const OFFICE: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  primary: "+16195550111"
  backup: { number: "+18585550107", confirm: none }
hours: { business: mon-fri 09:00-17:00 }
routes:
  - when: business
    cascade: [{ ring: primary, for: 20s }, { ring: backup, for: 20s }]
finally: { voicemail: Please leave a message. }
"#;

#[test]
fn a_call_from_the_command_line_is_seen_through_to_the_backup() {
    let house = House::with(&[("rules/acme.yaml", OFFICE)]);
    while_served(&house, |server, folder| {
        let at = ["--server", server, "--rules", "rules", "--at", "2026-11-23 10:00"];
        let legs = ["--leg", "primary=mailbox", "--leg", "backup=answered", "--format", "json"];
        let output = call(folder, &[&at[..], &legs[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", words(&output.stderr));
        let report = json(&output);
        assert_eq!((&report["version"], &report["end"]), (&Value::from(1), &Value::from("connected")));
        assert_eq!(report["talked_to"], "backup");
        assert_eq!(report["warnings"], Value::Array(Vec::new()));
        let rung: Vec<&str> =
            report["rung"].as_array().unwrap().iter().map(|leg| leg["name"].as_str().unwrap()).collect();
        assert_eq!(rung, ["primary", "backup"]);
    });
}

#[test]
fn a_timeline_says_what_the_caller_hears() {
    let house = House::with(&[("rules/acme.yaml", OFFICE)]);
    while_served(&house, |server, folder| {
        let at = ["--server", server, "--rules", "rules", "--at", "2026-11-23 17:00"];
        let output = call(folder, &[&at[..], &["--leave-message", "9s", "--after-message", "#"]].concat());
        let expected = "   0.0 s  +13125550123 calls +16195550100
   0.0 s  hears \"Please leave a message.\"  (1.6 s)
   1.6 s  hears the tone  (1.0 s)
   2.6 s  leaves a message of 9 s  (9.0 s)
  11.6 s  presses #
  11.6 s  hears \"Thank you. Goodbye.\"  (1.3 s)
  13.0 s  the call is over

The caller left a message of 9 s after 1.6 s.
";
        assert_eq!(words(&output.stdout), expected);
        assert!(words(&output.stderr).contains("nobody answers"), "{}", words(&output.stderr));
    });
}

#[test]
fn only_the_simulator_may_say_what_time_it_is() {
    let house = House::with(&[("rules/acme.yaml", OFFICE)]);
    house.write("carrier.token", crate::support::TOKEN);
    while_served(&house, |server, folder| {
        // The service's own clock says Monday, ten in the morning.
        let night = ["--server", server, "--rules", "rules", "--at", "2026-11-23 23:00", "--format", "json"];
        let imagined = call(folder, &night);
        assert_eq!(json(&imagined)["rung"], Value::Array(Vec::new()));
        let carrier = ["--account-sid", crate::support::ACCOUNT, "--auth-token-file", "carrier.token"];
        let public = ["--public-url", crate::support::PUBLIC];
        let output = call(folder, &[&night[..], &carrier[..], &public[..]].concat());
        assert_eq!(json(&output)["rung"].as_array().unwrap().len(), 2, "{}", words(&output.stderr));
    });
}

#[test]
fn the_settings_say_where_the_server_is() {
    let house = House::with(&[("rules/acme.yaml", OFFICE)]);
    while_served(&house, |server, folder| {
        let listen = server.strip_prefix("http://").unwrap();
        house.write("ringfall.yaml", &format!("listen: {listen}\nrules: rules\n"));
        let output = call(folder, &["--at", "2026-11-23 10:00", "--leg", "primary=answered", "--format", "json"]);
        assert_eq!(json(&output)["talked_to"], "primary", "{}", words(&output.stderr));
    });
}

#[test]
fn a_forged_call_is_refused_and_the_phone_says_what_to_look_at() {
    let house = House::with(&[("rules/acme.yaml", OFFICE)]);
    house.write("wrong.token", "not the token");
    while_served(&house, |server, folder| {
        let carrier = ["--account-sid", crate::support::ACCOUNT, "--auth-token-file", "wrong.token"];
        let output = call(folder, &[&["--server", server, "--rules", "rules"][..], &carrier[..]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(words(&output.stdout).contains("11200"), "{}", words(&output.stdout));
        assert!(words(&output.stderr).contains("refused the signature"), "{}", words(&output.stderr));
    });
}

#[test]
fn what_cannot_be_asked_is_misuse() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["--to", "+16195550100", "--leg", "anna"][..],
        &["--to", "+16195550100", "--leg", "anna=asleep"],
        &["--to", "+16195550100", "--hang-up-during", "lunch"],
        &["--to", "+16195550100", "--leave-message", "long"],
        &["--to", "+16195550100", "--at", "tomorrow"],
        &["--to", "nonsense"],
        &["--quirk", "odd"],
        &[],
    ] {
        let output = call(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", words(&output.stderr));
    }
}

#[test]
fn a_server_that_is_not_there_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = call(folder.path(), &["--server", &format!("http://{free}"), "--to", "+16195550100"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(words(&output.stderr).contains("ringfall serve"), "{}", words(&output.stderr));
}

/// A server that answers each path with these bytes, whole with head.
fn toy(answer: impl Fn(&str) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve_one(stream, &answer);
        }
    });
    address
}

/// Reads a request, answers its head and first line, and closes.
fn serve_one(stream: TcpStream, answer: &impl Fn(&str) -> String) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        let done = line.trim().is_empty();
        head.push_str(&line);
        if done {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let text = answer(&format!("{head}{}", words(&body)));
    let mut stream = reader.into_inner();
    let _gone = stream.write_all(text.as_bytes());
}

fn twiml(body: &str) -> String {
    let body = format!("<Response>{body}</Response>");
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The report of a call against a toy, and the exit code.
fn toy_call(address: SocketAddr, more: &[&str]) -> (Value, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let server = format!("http://{address}");
    let args = ["--server", &server, "--path", "/voice", "--to", "+16195550100", "--format", "json"];
    let output = call(folder.path(), &[&args[..], more].concat());
    (json(&output), output.status.code())
}

fn codes(report: &Value) -> Vec<i64> {
    report["warnings"].as_array().unwrap().iter().filter_map(|warning| warning["code"].as_i64()).collect()
}

#[test]
fn any_server_that_speaks_twiml_can_be_called() {
    let address = toy(|request| {
        assert!(request.contains("x-twilio-signature: "), "{request}");
        assert!(request.contains("TwilioProxy/1.1"), "{request}");
        if request.starts_with("POST /voice") {
            return twiml("<Gather numDigits='1' action='/key?a=1&amp;b=2'><Say>Press 1.</Say></Gather>");
        }
        assert!(request.starts_with("POST /key?a=1&b=2 "), "{request}");
        assert!(request.contains("Digits=1"), "{request}");
        twiml("<Say>Thanks.</Say>")
    });
    let (report, code) = toy_call(address, &["--key", "1"]);
    assert_eq!((code, &report["end"]), (Some(0), &Value::from("hung_up")));
    assert_eq!(report["heard"], serde_json::json!(["Press 1.", "Thanks."]));
}

#[test]
fn a_server_that_fails_drops_the_caller_unless_there_is_a_fallback() {
    let address = toy(|request| {
        if request.starts_with("POST /voice") {
            return "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
        }
        assert!(request.contains("ErrorCode=11200"), "{request}");
        twiml("<Say>One moment.</Say><Dial><Number>+16195550111</Number></Dial>")
    });
    let (report, code) = toy_call(address, &["--key", "1"]);
    assert_eq!((code, &report["why_dropped"]), (Some(1), &Value::from("error")));
    let (report, code) = toy_call(address, &["--fallback-url", "/rescue", "--default-leg", "answered"]);
    assert_eq!((code, &report["end"]), (Some(0), &Value::from("connected")));
}

#[test]
fn a_server_that_does_not_answer_in_time_is_given_up_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (report, code) = toy_call(listener.local_addr().unwrap(), &["--timeout", "0.3s", "--key", "1"]);
    assert_eq!((code, codes(&report)), (Some(1), vec![11205]));
}

#[test]
fn cookies_come_back_and_redirects_are_followed_with_a_warning() {
    let address = toy(|request| {
        if request.starts_with("POST /voice") {
            let twiml = twiml("<Say>Hello.</Say><Redirect>/next</Redirect>");
            return twiml.replacen("\r\n", "\r\nSet-Cookie: place=3; Path=/\r\n", 1);
        }
        assert!(request.contains("cookie: place=3"), "{request}");
        if request.starts_with("POST /next") {
            return "HTTP/1.1 307 Over there\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                .to_owned();
        }
        assert!(request.starts_with("POST /there"), "{request}");
        twiml("<Say>Bye.</Say>")
    });
    let (report, _) = toy_call(address, &["--key", "1"]);
    assert_eq!(report["heard"], serde_json::json!(["Hello.", "Bye."]));
    assert!(report["warnings"][0]["text"].as_str().unwrap().contains("redirected"), "{report}");
}

#[test]
fn endless_redirects_and_wrong_kinds_of_answers_have_their_numbers() {
    let endless =
        toy(|_| "HTTP/1.1 302 On\r\nLocation: /on\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned());
    assert_eq!(codes(&toy_call(endless, &["--key", "1"]).0), [11215]);
    let json = toy(|_| twiml("").replace("text/xml", "application/json"));
    assert_eq!(codes(&toy_call(json, &["--key", "1"]).0), [12300]);
    let broken = toy(|_| twiml("<Say>a & b</Say>"));
    assert_eq!(codes(&toy_call(broken, &["--key", "1"]).0), [12100]);
    let odd = toy(|_| twiml("<Speak>Hi</Speak><Say>Closed.</Say>"));
    assert_eq!(codes(&toy_call(odd, &["--key", "1"]).0), [12200]);
}

#[test]
fn the_readme_shows_a_call_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let shown = readme.split("```console\n$ ringfall call ").nth(1).unwrap().split("```").next().unwrap();
    let (args, expected) = shown.split_once('\n').unwrap();
    let rules = std::fs::read_to_string(root.join("routing-rules/urgent-line.yaml")).unwrap();
    let house = House::with(&[("rules/urgent-line.yaml", &rules)]);
    while_served(&house, |server, folder| {
        let place = ["--server", server, "--rules", "rules"];
        let output = call(folder, &place.into_iter().chain(args.split(' ')).collect::<Vec<_>>());
        assert_eq!(words(&output.stdout), expected);
    });
}
