//! Notices by mail: who is told, that each mail arrives once, and that nothing is told in the open.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ringfall::app::outside::Allowed;
use ringfall::app::ports::Later;
use ringfall::egress::{Egress, Names};
use ringfall::model::secret::Secret;
use ringfall::notices::mail::{Server, greeted};

use crate::fake_mail::{Act, Cover, MailServer, NEXT_PASSWORD, PASSWORD, Taken, USER};
use crate::organizations::desk::{Desk, KEY as SEALING};
use crate::support::{House, Service, certificates};

const RULES: &str = r##"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
routes:
  - name: nobody
    cascade:
      - { notify: desk, body: "Nobody took the call of {{caller}}. It was {{time}}." }
      - { voicemail: office }
channels:
  desk: { email: desk@example.com }
mailboxes:
  office: { greeting: Please leave a message., send_to: [owner@example.com, owner@example.com] }
finally: { voicemail: office }
"##;

/// A small business whose operator has connected a mail server.
struct Shop {
    house: House,
    desk: Desk,
    mail: MailServer,
}

const SHARED: [(&str, &str); 2] = [("RINGFALL_OUTBOUND_ALLOW", "127.0.0.1"), ("ENCRYPTION_KEY", SEALING)];

impl Shop {
    fn new() -> Self {
        let house = House::with(&[("rules/acme.yaml", RULES)]);
        let desk = Desk::of(&house, &SHARED);
        Self { house, desk, mail: MailServer::start(Cover::Open, None) }
    }

    fn connect(&self, password: &str) {
        let server = format!("unencrypted://{}", self.mail.address);
        self.desk.does(&format!("connect email --platform --server {server} --user {USER}"), password);
    }

    async fn leave_a_message(&self, service: &Service) {
        let mailbox = service.arrive().await;
        let left = [
            ("RecordingSid", "RE0123456789abcdef0123456789abcdef"),
            ("RecordingUrl", "https://api.twilio.com/recording"),
            ("RecordingDuration", "12"),
            ("CallStatus", "in-progress"),
        ];
        service.ask(&mailbox.attribute("action"), &left).await;
    }

    /// The mails once there are so many, while the clock goes on.
    async fn taken(&self, count: usize) -> Vec<Taken> {
        for _ in 0..600 {
            let taken = self.mail.taken();
            if taken.len() >= count {
                return taken;
            }
            self.house.clock.forward(1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("only these came: {:?}\n{}", self.mail.taken(), self.desk.does("outbox list --show-numbers", ""));
    }

    /// Waits until a line of that state says so.
    async fn until(&self, state: &str, part: &str) -> String {
        for _ in 0..300 {
            let list = self.desk.does(&format!("outbox list --state {state} --show-numbers"), "");
            if list.contains(part) {
                return list;
            }
            self.house.clock.forward(1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("`{part}` never was {state}: {}", self.desk.does("outbox list --show-numbers", ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_and_a_missed_call_are_told_by_mail() {
    let shop = Shop::new();
    // Whoever may not send is told so, and connects nothing.
    let wrong = format!("connect email --platform --server unencrypted://{} --user {USER}", shop.mail.address);
    let refused = shop.desk.refuses(2, &wrong, "not-the-password");
    assert!(refused.contains("does not take the user or the password (permanent error (535)"), "{refused}");
    assert!(!refused.contains("not-the-password"), "{refused}");
    let service = shop.house.serve_with(&SHARED, None).await;
    shop.leave_a_message(&service).await;
    shop.until("waiting", "connect email --org acme").await;
    shop.connect(PASSWORD);
    let mut taken = shop.taken(2).await;
    taken.sort_by(|one, other| one.to.cmp(&other.to));
    let [notice, message] = &taken[..] else { panic!("a receiver named twice is told once: {taken:?}") };
    assert_eq!((notice.from.as_str(), notice.to.as_str()), (USER, "desk@example.com"));
    assert_eq!(notice.header("Subject"), "Nobody took the call of +13125550123");
    assert!(notice.body().starts_with("Nobody took the call of +13125550123. It was "), "{notice:?}");
    assert_eq!((notice.header("From"), notice.header("To")), (USER.to_owned(), "desk@example.com".to_owned()));
    assert_eq!(message.to, "owner@example.com");
    assert!(message.body().starts_with("New message (12 s) from +13125550123 for "), "{message:?}");
    // The same step again tells nobody again.
    shop.leave_a_message(&service).await;
    shop.until("sent", "owner@example.com").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(shop.mail.taken().len(), 2);
    let shown = shop.desk.does("connect list", "") + &shop.desk.does("outbox list", "");
    assert!(shown.contains(USER) && !shown.contains(PASSWORD), "{shown}");
    assert_eq!(shop.desk.does("outbox list --state sent", "").lines().count(), 2);
    service.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mail_server_answers_is_understood() {
    let shop = Shop::new();
    shop.connect(PASSWORD);
    let service = shop.house.serve_with(&SHARED, None).await;
    // One that is busy is asked again; whether the second was taken is not known, and it goes out under the same name.
    shop.mail.state().script.extend([Act::Words("451 4.3.0 come back"), Act::TakeAndCut]);
    service.arrive().await;
    let taken = shop.taken(2).await;
    assert_eq!(taken[0].header("Message-ID"), taken[1].header("Message-ID"));
    assert!(taken[0].header("Message-ID").ends_with("@example.com>"), "{taken:?}");
    // An address that does not exist is dead at once, and the list says why without telling the address twice.
    shop.mail.state().script.push_back(Act::Receiver("550 5.1.1 <desk@example.com>: nobody here"));
    service.ask("/twilio/inbound-call", &[("CallSid", "CA00000000000000000000000000000001")]).await;
    let dead = shop.until("dead", "nobody here").await;
    assert!(dead.contains("the mail server refuses it") && dead.matches("desk@example.com").count() <= 1, "{dead}");
    assert_eq!(shop.mail.taken().len(), 2);
    // A password that was changed at the server: it waits, and goes out once the new one is connected.
    let other = MailServer::start(Cover::Open, None);
    let gone = shop.mail.address;
    let dead_end = format!("connect email --platform --server unencrypted://{gone} --user stranger@example.com");
    assert!(shop.desk.refuses(2, &dead_end, PASSWORD).contains("535"));
    let next = format!("connect email --platform --server unencrypted://{} --user {USER}", other.address);
    shop.desk.does(&next, NEXT_PASSWORD);
    service.ask("/twilio/inbound-call", &[("CallSid", "CA00000000000000000000000000000002")]).await;
    for _ in 0..600 {
        if !other.taken().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((other.taken().len(), shop.mail.taken().len()), (1, 2), "the account that was connected last is used");
    service.running.stop().await;
}

#[test]
fn nothing_is_told_before_the_connection_is_safe() {
    let [authority, certificate, key] = certificates();
    let identity = Some((certificate.as_str(), key.as_str()));
    let wrapped = MailServer::start(Cover::Wrapped, identity);
    let upgraded = MailServer::start(Cover::Upgraded, identity);
    let open = MailServer::start(Cover::Open, None);
    let house = House::new();
    house.write("authority.pem", &authority);
    house.write("stranger.pem", &certificates()[0]);
    let desk = |authority: &str| {
        let file = house.path(authority).display().to_string();
        Desk::of(&house, &[SHARED[0], SHARED[1], ("SSL_CERT_FILE", &file)])
    };
    let connect = |server: String| format!("connect email --platform --server {server} --user {USER}");
    for server in [format!("smtps://{}", wrapped.address), format!("smtp://{}", upgraded.address)] {
        desk("authority.pem").does(&connect(server.clone()), PASSWORD);
        let refused = desk("stranger.pem").refuses(2, &connect(server), PASSWORD);
        assert!(refused.contains("cannot be reached safely") && !refused.contains(PASSWORD), "{refused}");
    }
    // One that does not offer it is told nothing.
    let refused = desk("authority.pem").refuses(2, &connect(format!("smtp://{}", open.address)), PASSWORD);
    assert!(refused.contains("STARTTLS is not supported"), "{refused}");
    // One that asks who we are although we name nobody.
    desk("authority.pem")
        .does(&format!("connect email --platform --server unencrypted://{} --from {USER}", open.address), "");
    for server in [&wrapped, &upgraded, &open] {
        assert_eq!(server.taken(), []);
    }
    // What is misuse is told before anybody is asked.
    let before = wrapped.state().came;
    for (server, who, part) in [
        ("https://mail.example.com", "--user phones@example.com", "is no mail server"),
        ("mail.example.com:0", "--user phones@example.com", "is no mail server"),
        ("127.0.0.1:1", "--user phones", "`phones` is not a mail address: give the sender with `--from`"),
        ("unencrypted://192.168.1.1", "--user phones@example.com", "private address"),
        ("127.0.0.1:1", "--user phones@example.com", "cannot be asked"),
    ] {
        let told =
            desk("authority.pem").refuses(2, &format!("connect email --platform --server {server} {who}"), PASSWORD);
        assert!(told.contains(part), "{server}: {told}");
    }
    assert_eq!(wrapped.state().came, before);
}

/// A name of somewhere outside.
#[derive(Debug)]
struct Outside;

impl Names for Outside {
    fn addresses(&self, _: String) -> Later<'static, std::io::Result<Vec<IpAddr>>> {
        Box::pin(async { Ok(vec!["8.8.8.8".parse().unwrap()]) })
    }
}

#[tokio::test]
async fn nobody_outside_is_told_anything_unencrypted() {
    let egress = Egress::by(Allowed::default(), Arc::new(Outside)).unwrap();
    let server = Server::parse("unencrypted://mail.example.com", None).unwrap();
    let told = greeted(&egress, &server, USER, &Secret::new(String::new())).await.unwrap_err();
    assert!(told.contains("nothing is sent there unencrypted"), "{told}");
}
