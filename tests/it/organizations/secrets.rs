//! Marked secrets go in everywhere, and come out nowhere: not in output, logs, metrics, answers or files.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;

use ringfall::webhook::form::Form;
use ringfall::webhook::signature::Signer;

use crate::organizations::desk::{
    ACME, ACME_LINE, ACME_NEXT, ACME_TOKEN, BRAVO_TOKEN, Desk, KEY, NEXT_KEY, file, house, texts,
};
use crate::support::{ACCOUNT, fields, program};

const API_SECRET: &str = "api-secret-api-secret-api-secret";
const API_KEY: &str = "SK00000000000000000000000000000ccc";
const PLATFORM_TOKEN: &str = "platformplatformplatformplatform";

/// Every secret, as text and in the forms that a careless print would give it.
fn marks() -> Vec<Vec<u8>> {
    let all = [ACME_TOKEN, ACME_NEXT, BRAVO_TOKEN, PLATFORM_TOKEN, API_SECRET, KEY, NEXT_KEY, "hunter2hunter2"];
    let mut marks: Vec<Vec<u8>> = all.iter().map(|text| text.as_bytes().to_vec()).collect();
    marks.extend(all.iter().map(|text| format!("{:?}", &text.as_bytes()[..8]).trim_matches(['[', ']']).into()));
    let key: Vec<u8> = (0..32).collect();
    marks.push(key);
    marks
}

fn search(what: &str, bytes: &[u8]) {
    for mark in marks() {
        let found = bytes.windows(mark.len()).position(|window| window == mark);
        assert!(found.is_none(), "{what} holds {:?}", String::from_utf8_lossy(&mark));
    }
}

fn search_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search_files(&path);
        } else {
            search(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

#[tokio::test]
async fn marked_secrets_are_found_nowhere() {
    let house = house();
    let database = ("RINGFALL_DATABASE_URL", "postgresql://ringfall:hunter2hunter2@127.0.0.1:9/none");
    let platform = ("TWILIO_AUTH_TOKEN", PLATFORM_TOKEN);
    let variables = [platform, ("ENCRYPTION_KEY", KEY), ("RINGFALL_LOG", "trace"), ("RINGFALL_LOG_FORMAT", "json")];
    let desk = Desk::of(&house, &variables);
    let both = Desk::of(&house, &[("ENCRYPTION_KEY", NEXT_KEY), ("ENCRYPTION_KEY_PREVIOUS", KEY), platform]);
    let away = Desk::of(&house, &[database, platform, ("ENCRYPTION_KEY", KEY)]);
    let token = file(&house.path("in-token"), ACME_TOKEN, 0o600);
    let open = file(&house.path("in-open"), ACME_TOKEN, 0o644);
    let secret = file(&house.path("in-secret"), API_SECRET, 0o600);
    let env = format!("TWILIO_ACCOUNT_SID={ACME_TOKEN}\nTWILIO_AUTH_TOKEN={ACME}\nTWILIO_API_SECRET={API_SECRET}\n");
    let swapped = file(&house.path("in-swapped.env"), &env, 0o600);
    let half = file(&house.path("in-half.env"), ACME_TOKEN, 0o600);
    desk.does("org add acme --plan premium", "");
    let connect = format!("connect twilio --org acme --account-sid {ACME}");
    for (at, command, input) in [
        (&desk, format!("{connect} --token-file {open}"), ""),
        (&desk, connect.clone(), BRAVO_TOKEN),
        (&desk, format!("connect twilio --org acme --account-sid {ACME_TOKEN}"), ACME_TOKEN),
        (&desk, format!("{connect} --api-key {API_SECRET} --api-secret-file {secret}"), ACME_TOKEN),
        (
            &desk,
            format!(
                "{connect} --token-file {token} --api-key {API_KEY} --api-secret-file {secret} --number {ACME_LINE} --enforce"
            ),
            "",
        ),
        (&desk, connect.clone(), ACME_NEXT),
        (&desk, "connect rotate --org acme".to_owned(), ACME_NEXT),
        (&desk, format!("connect import --env-file {swapped}"), ""),
        (&desk, format!("connect import --env-file {half} --dry-run"), ""),
        (&desk, "org show acme --format json".to_owned(), ""),
        (&desk, "connect list --format json".to_owned(), ""),
        (&desk, "key list".to_owned(), ""),
        (&desk, "serve --print-config".to_owned(), ""),
        (&away, "serve --print-config".to_owned(), ""),
        (&away, "org list".to_owned(), ""),
        (&both, "key rotate".to_owned(), ""),
        (&desk, "key list".to_owned(), ""),
    ] {
        let output = at.run(&command, input);
        let (out, err) = texts(&output);
        search(&format!("`{command}` on standard output"), out.as_bytes());
        search(&format!("`{command}` on standard error"), err.as_bytes());
    }
    for made in [&token, &open, &secret, &swapped, &half] {
        std::fs::remove_file(made).unwrap();
    }
    serve_and_search(&house).await;
    search_files(&house.path("data"));
}

async fn serve_and_search(house: &crate::support::House) {
    let mut child = program(&house.path("."));
    for (name, value) in [
        ("ENCRYPTION_KEY", NEXT_KEY),
        ("RINGFALL_LOG", "trace"),
        ("RINGFALL_LOG_FORMAT", "human"),
        ("RINGFALL_LISTEN", "127.0.0.1:0"),
        ("RINGFALL_PUBLIC_URL", "https://phones.example.com"),
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", PLATFORM_TOKEN),
    ] {
        child.env(name, value);
    }
    let child = child.arg("serve").args(["--data", &house.path("data").display().to_string()]);
    let child = child.args(["--rules", &house.path("rules").display().to_string()]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut log = String::new();
    let address = loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it ended:\n{log}");
        log.push_str(&line);
        if let Some(at) = line.find("127.0.0.1:") {
            let digits: String =
                line[at..].chars().take_while(|sign| sign.is_ascii_digit() || ".:".contains(*sign)).collect();
            break digits;
        }
    };
    let reader = std::thread::spawn(move || {
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        rest
    });
    ask_and_search(&address).await;
    child.kill().unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.wait().unwrap();
    log.push_str(&reader.join().unwrap());
    search("standard output", out.as_bytes());
    search("the log", log.as_bytes());
}

async fn ask_and_search(address: &str) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (token, account, target) in [
        (ACME_TOKEN, ACME, "/twilio/inbound-call"),
        (ACME_NEXT, ACME, "/twilio/inbound-call?org=acme"),
        (BRAVO_TOKEN, ACME, "/twilio/inbound-call?org=acme"),
        (PLATFORM_TOKEN, ACCOUNT, "/twilio/call-status?org=acme"),
        (PLATFORM_TOKEN, ACCOUNT, "/twilio/inbound-sms"),
    ] {
        let form = Form::of(fields(&[("AccountSid", account), ("To", ACME_LINE), ("AuthToken", token)]));
        let signature = Signer::new(token).sign(&format!("https://phones.example.com{target}"), &form);
        let request = client.post(format!("http://{address}{target}")).header("X-Twilio-Signature", signature);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let without = Form::of(fields(&[("AccountSid", account), ("To", ACME_LINE)]));
        let reply = request.body(without.encode()).send().await.unwrap();
        search(target, reply.text().await.unwrap().as_bytes());
    }
    for page in ["/metrics", "/readyz", "/healthz"] {
        let reply = client.get(format!("http://{address}{page}")).send().await.unwrap();
        search(page, reply.text().await.unwrap().as_bytes());
    }
}
