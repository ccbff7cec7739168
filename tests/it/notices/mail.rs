//! Notices by mail: who is told, that each mail arrives once, and that nothing is told in the open.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ringfall::app::outside::Allowed;
use ringfall::app::ports::Later;
use ringfall::egress::{Egress, Names};
use ringfall::model::secret::Secret;
use ringfall::notices::mail::{Server, Ungreeted, greeted};

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

    /// Somebody calls whom nobody takes.
    async fn call(&self, service: &Service, number: usize) {
        let (call, from) = (format!("CA{number:032x}"), format!("+131255501{number:02}"));
        service.ask("/twilio/inbound-call", &[("CallSid", &call), ("From", &from)]).await;
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
    assert!(refused.contains("does not take the user or the password: 535 5.7.8 bad credentials"), "{refused}");
    assert!(!refused.contains("not-the-password"), "{refused}");
    let service = shop.house.serve_with(&SHARED, None).await;
    shop.leave_a_message(&service).await;
    shop.until("waiting", "connect email --platform").await;
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
    // The same step again tells nobody again: what comes after it is told, and nothing between.
    shop.leave_a_message(&service).await;
    shop.call(&service, 1).await;
    let told: Vec<String> = shop.taken(3).await.into_iter().map(|mail| mail.to).collect();
    assert_eq!((told.len(), told.last().map(String::as_str)), (3, Some("desk@example.com")));
    let shown = shop.desk.does("connect list", "") + &shop.desk.does("outbox list", "");
    assert!(shown.contains(USER) && !shown.contains(PASSWORD), "{shown}");
    assert_eq!(shop.desk.does("outbox list --state sent", "").lines().count(), 3);
    service.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mail_server_answers_is_understood() {
    let shop = Shop::new();
    shop.connect(PASSWORD);
    let service = shop.house.serve_with(&SHARED, None).await;
    // One that is busy is asked again; whether the second was taken is not known, and it goes out under the same name,
    // after a while that grows.
    shop.mail.state().script.extend([Act::Words("451 4.3.0 come back"), Act::TakeAndCut]);
    service.arrive().await;
    let taken = shop.taken(1).await;
    shop.until("waiting", "whether it arrived is not known").await;
    shop.house.clock.forward(3_600);
    let again = shop.taken(2).await;
    assert_eq!(again[1].header("Message-ID"), taken[0].header("Message-ID"));
    assert!(taken[0].header("Message-ID").ends_with("@example.com>"), "{taken:?}");
    // An address that does not exist is dead at once, and the server's words tell nobody's address.
    shop.mail.state().script.push_back(Act::Receiver("550 5.1.1 <Desk@Example.com>: nobody here"));
    shop.call(&service, 1).await;
    let dead = shop.until("dead", "nobody here").await;
    assert!(dead.contains("refuses the receiver: 550 5.1.1 (address) nobody here"), "{dead}");
    // A full mailbox, and a password that the server takes no longer, can be mended: what waits goes out by itself.
    for act in [Act::Receiver("552 5.2.2 mailbox full"), Act::Login("535 5.7.8 bad credentials")] {
        shop.mail.state().script.push_back(act);
    }
    shop.call(&service, 2).await;
    shop.until("waiting", "mailbox full").await;
    shop.house.clock.forward(1_000);
    shop.until("waiting", "`ringfall connect email` with the right ones").await;
    assert_eq!(shop.mail.taken().len(), 2);
    // It is not asked again with the same password, and at once with another.
    let heard = shop.mail.state().heard.len();
    for _ in 0..5 {
        shop.house.clock.forward(100);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(shop.mail.state().heard.len(), heard);
    shop.connect(NEXT_PASSWORD);
    shop.house.clock.forward(300);
    shop.taken(3).await;
    service.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_mails_that_waited_all_go_out() {
    let shop = Shop::new();
    let service = shop.house.serve_with(&SHARED, None).await;
    for number in 0..30 {
        shop.call(&service, number).await;
    }
    shop.until("waiting", "connect email --platform").await;
    shop.connect(PASSWORD);
    // Twenty at once, and the others within minutes.
    shop.taken(20).await;
    let mut taken = shop.mail.taken();
    for _ in 0..100 {
        if taken.len() >= 30 {
            break;
        }
        shop.house.clock.forward(60);
        tokio::time::sleep(Duration::from_millis(200)).await;
        taken = shop.mail.taken();
    }
    let names: std::collections::BTreeSet<String> = taken.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!((taken.len(), names.len()), (30, 30), "each once");
    assert_eq!(shop.desk.does("outbox list --state dead", ""), "");
    service.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_under_way_at_a_stop_goes_again_when_it_is_under_way_nowhere() {
    let shop = Shop::new();
    shop.connect(PASSWORD);
    let service = shop.house.serve_with(&SHARED, None).await;
    shop.mail.state().script.push_back(Act::TakeAndHang);
    shop.call(&service, 1).await;
    let first = shop.taken(1).await;
    service.running.stop().await;
    let service = shop.house.serve_with(&SHARED, None).await;
    shop.until("waiting", "whether it arrived is not known").await;
    assert_eq!(shop.mail.taken().len(), 1);
    shop.house.clock.forward(300);
    let again = shop.taken(2).await;
    assert_eq!(again[1].header("Message-ID"), first[0].header("Message-ID"));
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
    let connect = |server: &str| format!("connect email --platform --server {server} --user {USER}");
    let trusting = desk("authority.pem");
    for (server, heard) in [(&wrapped, "smtps"), (&upgraded, "smtp")] {
        let address = format!("{heard}://{}", server.address);
        trusting.does(&connect(&address), PASSWORD);
        let before = server.state().heard.len();
        let refused = desk("stranger.pem").refuses(3, &connect(&address), PASSWORD);
        assert!(refused.contains("cannot be reached safely") && !refused.contains(PASSWORD), "{refused}");
        let heard = server.state().heard[before..].join(" ");
        assert!(!heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
    }
    // One that does not offer it, and one that goes on to talk in the open, hear nothing of worth.
    let refused = trusting.refuses(3, &connect(&format!("smtp://{}", open.address)), PASSWORD);
    assert!(refused.contains("offers no encryption"), "{refused}");
    upgraded.state().script.push_back(Act::Inject);
    let before = upgraded.state().heard.len();
    let refused = trusting.refuses(3, &connect(&format!("smtp://{}", upgraded.address)), PASSWORD);
    assert!(refused.contains("says more than it should"), "{refused}");
    let heard = [upgraded.state().heard[before..].join(" "), open.state().heard.join(" ")].concat();
    assert!(heard.contains("EHLO [127.0.0.1]") && !heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
    // One that wants to know who we are although nobody was named.
    let nobody = format!("connect email --platform --server unencrypted://{} --from {USER}", open.address);
    open.state().script.push_back(Act::Demand);
    let refused = trusting.refuses(2, &nobody, "");
    assert!(refused.contains("takes nothing from this sender: 530 5.7.0 who are you"), "{refused}");
    trusting.does(&nobody, "");
    // What is misuse is told before anybody is asked.
    let before = open.state().heard.len();
    for (server, who, part) in [
        ("https://127.0.0.1", "--user phones@example.com", "is no mail server"),
        ("127.0.0.1:0", "--user phones@example.com", "is no mail server"),
        (&open.address.to_string(), "--user phones", "`phones` is not a mail address: give the sender with `--from`"),
        (
            "unencrypted://192.168.1.1",
            "--user phones@example.com",
            "`192.168.1.1` cannot be asked: its host leads to a private",
        ),
    ] {
        let told = trusting.refuses(2, &format!("connect email --platform --server {server} {who}"), PASSWORD);
        assert!(told.contains(part), "{server}: {told}");
    }
    assert_eq!(open.state().heard.len(), before);
    let gone = trusting.refuses(3, &connect("127.0.0.1:1"), PASSWORD);
    assert!(gone.contains("cannot be asked: Connection refused") && gone.contains("at port 1"), "{gone}");
    for server in [&wrapped, &upgraded, &open] {
        assert_eq!(server.taken(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_out_encrypted_and_from_a_service_of_its_own() {
    let [authority, certificate, key] = certificates();
    let identity = Some((certificate.as_str(), key.as_str()));
    for (cover, word) in [(Cover::Wrapped, "smtps"), (Cover::Upgraded, "smtp")] {
        let mail = MailServer::start(cover, identity);
        let house = House::with(&[("rules/acme.yaml", RULES)]);
        house.write("authority.pem", &authority);
        let file = house.path("authority.pem").display().to_string();
        let settings =
            [SHARED[0], SHARED[1], ("SSL_CERT_FILE", &*file), ("RINGFALL_RULES", "rules"), ("RINGFALL_DATA", "data")];
        let desk = Desk::of(&house, &settings);
        desk.does(&format!("connect email --platform --server {word}://{} --user {USER}", mail.address), PASSWORD);
        let service = crate::process::Server::start(&house.path("."), &settings);
        desk.does(&format!("call --server http://{} --to +16195550100 --data data", service.address), "");
        for _ in 0..600 {
            if !mail.taken().is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let taken = mail.taken();
        assert!(taken.iter().any(|mail| mail.to == "desk@example.com"), "{taken:?}\n{}", desk.does("outbox list", ""));
    }
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
    let told = greeted(&egress, &server, USER, &Secret::new(String::new())).await;
    assert!(
        matches!(&told, Err(Ungreeted::Wrong(why)) if why.contains("nothing is sent there unencrypted")),
        "{told:?}"
    );
}
