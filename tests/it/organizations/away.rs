//! Nodes and their database: what one node hears from another, and a start while the database is away.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::organizations::desk::{
    ACME, ACME_LINE, ACME_NEXT, ACME_TOKEN, BRAVO, BRAVO_LINE, BRAVO_TOKEN, CHARLIE_LINE, Desk, KEY, LONG, becomes,
    call, fresh, house,
};
use crate::postgres;
use crate::support::{ACCOUNT, House, PUBLIC, Reply, TOKEN, fields, program};

const INBOUND: &str = "/twilio/inbound-call";

#[tokio::test]
async fn a_call_that_ended_on_one_node_is_refused_by_the_other() {
    let database = postgres::shared().database();
    let shared = [("RINGFALL_DATABASE_URL", database.url.expose()), ("ENCRYPTION_KEY", KEY)];
    let (one, other) = (house(), house());
    let first = one.serve_with(&shared, None).await;
    let second = other.serve_with(&shared, None).await;
    Desk::of(&one, &shared).found_all();
    for node in [&first, &second] {
        becomes(node, 200, (ACME_TOKEN, ACME, ACME_LINE, INBOUND)).await;
    }
    let name = fresh();
    let arrived = call(&first, ACME_TOKEN, ACME, ACME_LINE, INBOUND, &name).await;
    let about = [("AccountSid", ACME), ("To", ACME_LINE), ("CallSid", &*name), ("CallStatus", "completed")];
    assert_eq!(first.ask_signed_by(ACME_TOKEN, "/twilio/call-status?org=acme", &about).await.status, 200);
    let until = Instant::now() + LONG;
    while call(&second, ACME_TOKEN, ACME, ACME_LINE, INBOUND, &name).await.status != 403 {
        assert!(Instant::now() < until, "the end of the call is not heard of");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(second.counted("ringfall_refused_total{reason=\"replayed\"}").await > 0);
    let again = call(&first, ACME_TOKEN, ACME, ACME_LINE, INBOUND, &name).await;
    assert_eq!(again, arrived, "a retry where it was answered");
    // What comes with the end itself is late and no replay; another account's call of that name is another call.
    let action = arrived.attribute("action");
    assert_eq!(second.ask_signed_by(ACME_TOKEN, &action, &about).await.status, 200);
    other.clock.forward(600);
    assert_eq!(second.ask_signed_by(ACME_TOKEN, &action, &about).await.status, 403);
    assert_eq!(call(&second, BRAVO_TOKEN, BRAVO, BRAVO_LINE, INBOUND, &name).await.status, 200);
    assert_eq!(call(&second, ACME_TOKEN, ACME, ACME_LINE, INBOUND, &fresh()).await.status, 200);
    first.running.stop().await;
    second.running.stop().await;
}

/// The program itself, as a node.
struct Node {
    child: Child,
    address: String,
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Node {
    fn start(house: &House, database: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let mut command = program(&house.path("."));
        for (name, value) in [
            ("RINGFALL_LISTEN", address.as_str()),
            ("RINGFALL_PUBLIC_URL", PUBLIC),
            ("RINGFALL_DATABASE_URL", database),
            ("ENCRYPTION_KEY", KEY),
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", TOKEN),
        ] {
            command.env(name, value);
        }
        let command = command.arg("serve").args(["--data", &house.path("data").display().to_string()]);
        let command = command.args(["--rules", &house.path("rules").display().to_string()]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, address }
    }

    /// A call over that account; nothing while the node is not there.
    async fn call(&self, token: &str, account: &str, line: &str) -> Option<Reply> {
        let call = fresh();
        let form = ringfall::webhook::form::Form::of(fields(&[
            ("AccountSid", account),
            ("To", line),
            ("CallSid", &call),
            ("From", "anonymous"),
        ]));
        let signature = ringfall::webhook::signature::Signer::new(token).sign(&format!("{PUBLIC}{INBOUND}"), &form);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(format!("http://{}{INBOUND}", self.address)).header("X-Twilio-Signature", signature);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form.encode());
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some(Reply { status, content_type: String::new(), body: response.text().await.ok()? })
    }

    async fn becomes(&self, status: u16, token: &str, account: &str, line: &str) -> Reply {
        let until = Instant::now() + LONG;
        loop {
            let reply = self.call(token, account, line).await;
            if let Some(reply) = reply.filter(|reply| reply.status == status) {
                return reply;
            }
            assert!(Instant::now() < until, "never {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn answers_all_apart(&self) {
        for (token, account, line, name) in [
            (ACME_TOKEN, ACME, ACME_LINE, "acme"),
            (BRAVO_TOKEN, BRAVO, BRAVO_LINE, "bravo"),
            (TOKEN, ACCOUNT, CHARLIE_LINE, "charlie"),
        ] {
            let reply = self.becomes(200, token, account, line).await;
            assert!(reply.body.contains(&format!("This is {name}.")), "{}", reply.body);
        }
        for (token, account, line) in
            [(BRAVO_TOKEN, ACME, ACME_LINE), (TOKEN, ACME, ACME_LINE), (ACME_TOKEN, ACCOUNT, CHARLIE_LINE)]
        {
            assert_eq!(self.call(token, account, line).await.unwrap().status, 403, "{account} {line}");
        }
    }
}

#[tokio::test]
async fn a_node_starts_without_its_database_and_follows_it_when_it_is_back() {
    let server = postgres::own();
    let database = server.database();
    let house = house();
    let desk = Desk::of(&house, &[("RINGFALL_DATABASE_URL", database.url.expose()), ("ENCRYPTION_KEY", KEY)]);
    desk.found_all();
    let node = Node::start(&house, database.url.expose());
    node.answers_all_apart().await;
    // A rotation is the last thing that was changed: both tokens must be there after the start.
    desk.does("connect rotate --org acme", ACME_NEXT);
    node.becomes(200, ACME_NEXT, ACME, ACME_LINE).await;
    let kept = house.path("data").join("organizations.kept");
    let until = Instant::now() + LONG;
    while !std::fs::read_to_string(&kept).is_ok_and(|text| text.contains("\\\"next\\\":{")) {
        assert!(Instant::now() < until, "the state is not kept: {:?}", std::fs::read_to_string(&kept));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let about = std::fs::metadata(&kept).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o777, 0o600);
    let text = std::fs::read_to_string(&kept).unwrap();
    assert!(![ACME_TOKEN, ACME_NEXT, BRAVO_TOKEN].iter().any(|token| text.contains(token)));

    server.stop();
    node.answers_all_apart().await;
    drop(node);
    let node = Node::start(&house, database.url.expose());
    node.answers_all_apart().await;
    node.becomes(200, ACME_NEXT, ACME, ACME_LINE).await;
    assert!(desk.refuses(3, "connect promote --org acme", "").contains("cannot be reached"));

    server.start_again();
    desk.comes_to("connect promote --org acme");
    node.becomes(403, ACME_TOKEN, ACME, ACME_LINE).await;
    desk.does("connect revoke --org bravo", "");
    node.becomes(403, BRAVO_TOKEN, BRAVO, BRAVO_LINE).await;
    node.becomes(200, ACME_NEXT, ACME, ACME_LINE).await;
}

#[tokio::test]
async fn what_a_node_heard_right_before_its_stop_is_there_when_it_starts_without_the_database() {
    let server = postgres::own();
    let database = server.database();
    let house = house();
    let shared = [("RINGFALL_DATABASE_URL", database.url.expose()), ("ENCRYPTION_KEY", KEY)];
    let node = house.serve_with(&shared, None).await;
    let desk = Desk::of(&house, &shared);
    desk.found_all();
    desk.does("connect rotate --org acme", ACME_NEXT);
    becomes(&node, 200, (ACME_NEXT, ACME, ACME_LINE, INBOUND)).await;
    node.running.stop().await;
    server.stop();
    let node = house.serve_with(&shared, None).await;
    for (token, account, line) in [(ACME_NEXT, ACME, ACME_LINE), (BRAVO_TOKEN, BRAVO, BRAVO_LINE)] {
        assert_eq!(call(&node, token, account, line, INBOUND, &fresh()).await.status, 200, "{account}");
    }
    // With the database away a stop waits a moment for it, and no longer.
    let begun = Instant::now();
    node.running.stop().await;
    assert!(begun.elapsed() < LONG, "a stop waits for the database");
}
