//! Mail: an organization's own mail server takes it, by SMTP.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::{Address, Message};

use crate::admin::outlets::Outlet;
use crate::app::messenger::herald::Notice;
use crate::app::messenger::ports::Failed;
use crate::app::outside::inside;
use crate::egress::{Egress, Refused};
use crate::model::mail::is_plain;
use crate::model::secret::Secret;
use crate::notices::answer::{later, never};
use crate::notices::mail::crowd::Crowd;
use crate::notices::mail::server::Cover;
use crate::notices::mail::smtp::{Stage, Talk, Trouble};

mod crowd;
mod server;
mod smtp;

pub use server::Server;

/// Signs of a subject at most.
const SUBJECT: usize = 120;

/// A first sentence shorter than this is no subject: it may end in the dot of a short form.
const SENTENCE: usize = 20;

/// How long it takes somebody to mend what a server refuses.
const MENDING: Duration = Duration::from_secs(900);

/// Why a server was not connected.
#[derive(Debug)]
pub enum Ungreeted {
    /// What was said of it is wrong.
    Wrong(String),
    /// It cannot be asked now.
    Away(String),
}

/// Those who carry mail.
#[derive(Debug, Default)]
pub struct Mail {
    crowd: Crowd,
    /// By the account: several organizations may share the platform's.
    refusals: Mutex<BTreeMap<String, Refusal>>,
}

/// That a server does not take mail from an account, whatever is in it.
#[derive(Debug)]
struct Refusal {
    why: String,
    /// When it said so, in seconds since 1970.
    at: i64,
}

impl Refusal {
    fn counts(&self, now: i64) -> bool {
        (0..MENDING.as_secs().cast_signed()).contains(&(now - self.at))
    }
}

/// Reads the address that mails come from; why it is none.
pub fn sender(text: &str) -> Result<String, String> {
    let text = text.trim();
    if is_plain(text) { Ok(text.to_owned()) } else { Err(format!("`{text}` is not a mail address")) }
}

/// Whether the server takes mail from that sender, with the user's password; nothing is sent.
pub async fn greeted(egress: &Egress, server: &Server, from: &str, password: &Secret) -> Result<(), Ungreeted> {
    let places = places(egress, server).await?;
    let tls = egress.tls().map_err(|error| Ungreeted::Away(error.to_string()))?;
    let told = |trouble: Trouble| {
        let why = words(&trouble);
        if let Trouble::Refused { stage: Stage::Login, code: 500.., .. } = trouble {
            return Ungreeted::Wrong(why);
        }
        if let Trouble::Refused { stage: Stage::Sender, code: 500.., .. } = trouble {
            return Ungreeted::Wrong(format!("{why} (`--from`, `--user`)"));
        }
        Ungreeted::Away(why)
    };
    let mut talk = Talk::begin(server, &places, &tls, password).await.map_err(told)?;
    let taken = talk.would_take(from).await;
    talk.end().await;
    taken.map_err(told)
}

/// Whether the server still takes mail from whom it was connected for; nothing is sent.
pub async fn works(egress: &Egress, outlet: &Outlet) -> Result<(), String> {
    let server = Server::kept(&outlet.name).ok_or("the mail server is kept in a form that cannot be read")?;
    let told = |(Ungreeted::Wrong(why) | Ungreeted::Away(why))| why;
    greeted(egress, &server, &outlet.account, &outlet.secret).await.map_err(told)
}

impl Mail {
    /// Sends a notice; the name that the mail has. A repeat has the same one, so that mailboxes can leave it out.
    pub(in crate::notices) async fn send(
        &self,
        egress: &Egress,
        outlet: &Outlet,
        notice: &Notice,
    ) -> Result<String, Failed> {
        let odd = "the mail server is kept in a form that cannot be read: `ringfall connect email` again";
        let server = Server::kept(&outlet.name).ok_or_else(|| later(odd, None))?;
        let from = Address::from_str(&outlet.account).map_err(|_unshown| later(odd, None))?;
        let to = deliverable(&notice.to).ok_or_else(|| never("it is no address that mail servers take"))?;
        let id = format!("<{}@{}>", notice.id, from.domain());
        let mail = mail(from, to.clone(), &id, notice);
        let mail = mail.map_err(|why| never(format!("no mail can be made of it: {why}")))?.formatted();

        // Many wrong passwords would have the server shut us out; another account is asked at once.
        if let Some(why) = self.refusal(notice, outlet) {
            return Err(later(why, None));
        }
        // Whoever waits for a silent server keeps nobody else's texts waiting.
        let Some(_place) = self.crowd.enter(&outlet.id) else {
            return Err(later("others of its mails are under way", Some(Duration::from_secs(2))));
        };
        let unasked = |(Ungreeted::Wrong(why) | Ungreeted::Away(why))| later(why, None);
        let places = places(egress, &server).await.map_err(unasked)?;
        let tls = egress.tls().map_err(|error| later(error.to_string(), None))?;
        let failed = |trouble| self.failed(&trouble, notice, outlet);
        let mut talk = Talk::begin(&server, &places, &tls, &outlet.secret).await.map_err(failed)?;
        let taken = talk.hand_over(&outlet.account, to.as_ref(), &mail).await;
        // That it was taken is to be written down without waiting for a goodbye.
        drop(tokio::spawn(talk.end()));
        taken.map(|()| id).map_err(failed)
    }

    fn failed(&self, trouble: &Trouble, notice: &Notice, outlet: &Outlet) -> Failed {
        let failed = failed(trouble);
        if let (
            Trouble::Refused { stage: Stage::Login | Stage::Sender, code: 500.., .. },
            Failed::NotDone { why, .. },
        ) = (trouble, &failed)
        {
            let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            refusals.retain(|_, known| known.counts(notice.at));
            refusals.insert(outlet.id.clone(), Refusal { why: why.clone(), at: notice.at });
        }
        failed
    }

    /// Why the server takes nothing from this account, as it said a while ago.
    fn refusal(&self, notice: &Notice, outlet: &Outlet) -> Option<String> {
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.get(&outlet.id).filter(|known| known.counts(notice.at)).map(|known| known.why.clone())
    }
}

/// Where the server is, when it may be asked in that way.
async fn places(egress: &Egress, server: &Server) -> Result<Vec<std::net::IpAddr>, Ungreeted> {
    let places = egress.places(&server.host).await.map_err(|refused| {
        let why = format!("the mail server `{}` cannot be asked: {refused}", server.host);
        if refused == Refused::Nowhere { Ungreeted::Away(why) } else { Ungreeted::Wrong(why) }
    })?;
    if server.cover == Cover::Open && places.iter().any(|place| inside(*place).is_none()) {
        let why = "the mail server is outside, and nothing is sent there unencrypted: connect it with `smtps://` or `smtp://`";
        return Err(Ungreeted::Wrong(why.to_owned()));
    }
    Ok(places)
}

/// An address with its host as mail servers write it; none that they would take.
fn deliverable(text: &str) -> Option<Address> {
    let (user, host) = text.rsplit_once('@')?;
    // Nothing but a name, so that the reader of addresses makes no other host of it.
    if host.contains(['/', '\\', '?', '#', ':', '%', '@', '['])
        || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return None;
    }
    let host = reqwest::Url::parse(&format!("http://{host}/")).ok()?.host_str()?.to_owned();
    let address = Address::new(user, host).ok()?;
    is_plain(address.as_ref()).then_some(address)
}

fn mail(from: Address, to: Address, id: &str, notice: &Notice) -> Result<Message, lettre::error::Error> {
    let seconds = u64::try_from(notice.at).unwrap_or_default();
    // No machine is to answer it.
    let by_itself = HeaderName::new_from_ascii_str("Auto-Submitted");
    Message::builder()
        .from(from.into())
        .to(to.into())
        .subject(subject(&notice.body))
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(id.to_owned()))
        .raw_header(HeaderValue::new(by_itself, "auto-generated".to_owned()))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(format!("{}\r\n", notice.body.replace("\r\n", "\n").replace('\n', "\r\n")))
}

/// The first sentence, or as many of its words as a subject may have.
fn subject(body: &str) -> String {
    let line = body.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("Notice");
    let ends = line.match_indices(". ").map(|(at, _)| at).find(|at| *at >= SENTENCE);
    let sentence = ends.and_then(|at| line.get(..at)).unwrap_or(line).trim_end_matches('.');
    let clean: String = sentence.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    if clean.chars().count() <= SUBJECT {
        return clean;
    }
    let cut: String = clean.chars().take(SUBJECT - 1).collect();
    let words = cut.rsplit_once(' ').map_or(&*cut, |(words, _)| words);
    format!("{words}…")
}

/// What went wrong, for people.
fn words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Away(why) => format!("the mail server cannot be asked: {why}"),
        Trouble::Unsafe(why) => format!("the mail server cannot be reached safely: {why}"),
        Trouble::Unknown(why) => format!("the mail server may have taken it: {why}"),
        Trouble::Refused { stage, said, .. } => match stage {
            Stage::Ready => format!("the mail server lets nobody in: {said}"),
            Stage::Login => format!("the mail server does not take the user or the password: {said}"),
            Stage::Sender => format!("the mail server takes nothing from this sender: {said}"),
            Stage::Receiver => format!("the mail server refuses the receiver: {said}"),
            Stage::Words => format!("the mail server refuses the mail: {said}"),
        },
    }
}

/// What becomes of the notice. What is wrong with us or with the server can be mended in time; what is wrong with the
/// receiver or the mail itself is final.
fn failed(trouble: &Trouble) -> Failed {
    let why = words(trouble);
    match trouble {
        Trouble::Unknown(_) => Failed::Unknown(why),
        Trouble::Away(_) | Trouble::Unsafe(_) => later(why, None),
        Trouble::Refused { code: ..500, .. } | Trouble::Refused { stage: Stage::Ready | Stage::Sender, .. } => {
            later(why, None)
        }
        Trouble::Refused { stage: Stage::Login, .. } => {
            later(format!("{why}: `ringfall connect email` with the right ones"), None)
        }
        Trouble::Refused { stage: Stage::Receiver | Stage::Words, code, said } => {
            if is_final(*code, said) {
                never(why)
            } else {
                later(why, Some(MENDING))
            }
        }
    }
}

/// Whether a refusal is about the receiver or the mail itself, by its code and by the one behind it: servers report
/// there, too, what they have against the sender or against us, and that can be mended.
fn is_final(code: u16, said: &str) -> bool {
    // What stands behind the code: 5, a subject and a detail, with dots between, in brackets or not.
    let detail = said.split_whitespace().nth(1).unwrap_or_default();
    let detail = detail.trim_matches(|sign: char| !sign.is_ascii_digit());
    let parts: Vec<u16> = detail.split('.').map_while(|part| part.parse().ok()).collect();
    match parts[..] {
        [5, 1, 1 | 2 | 3 | 6 | 10] | [5, 2, 1 | 3] | [5, 3, 4] | [5, 6, _] => true,
        [5, _, _] => false,
        // Mailboxes that moved or are written wrong, and words that ask for too much.
        _ => matches!(code, 551 | 553 | 555),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::OrgSlug;
    use crate::rules::ruleset::ChannelKind;

    #[test]
    fn the_sender_is_an_address() {
        assert_eq!(sender(" phones@example.com "), Ok("phones@example.com".to_owned()));
        for wrong in
            ["", "phones", "phones@localhost", "a b@example.com", "Phones <phones@example.com>", "a@b@example.com"]
        {
            assert!(sender(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_host_of_other_letters_is_written_as_servers_do() {
        let written = |text: &str| deliverable(text).map(|address| address.to_string());
        assert_eq!(written("desk@example.com").as_deref(), Some("desk@example.com"));
        assert_eq!(written("info@müller.example").as_deref(), Some("info@xn--mller-kva.example"));
        for wrong in [
            "büro@example.com",
            "a..b@example.com",
            "desk@-x.example",
            "desk@x.example/y",
            "desk@x.example:25",
            "desk@ex%61mple.com",
            "desk@1.2",
            "desk",
        ] {
            assert_eq!(written(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_subject_is_the_first_sentence() {
        let message = "New message (9 s) from +13125550123, Mon 10:00. Listen: https://x";
        assert_eq!(subject(message), "New message (9 s) from +13125550123, Mon 10:00");
        assert_eq!(subject("\n Nobody took a call.\nSecond line."), "Nobody took a call");
        assert_eq!(subject("Call from Dr. Smith's office. It was 10:00."), "Call from Dr. Smith's office");
        assert_eq!(subject("a\tb\u{7}c"), "a b c");
        assert_eq!(subject(""), "Notice");
        let long = subject(&"word ".repeat(40));
        assert!(long.ends_with("word…") && long.chars().count() <= SUBJECT, "{long}");
        let endless = subject(&"ü".repeat(200));
        assert_eq!(endless.chars().count(), SUBJECT);
    }

    #[test]
    fn what_is_final_is_about_the_receiver_or_the_mail() {
        let refused = |stage, code, said: &str| failed(&Trouble::Refused { stage, code, said: said.to_owned() });
        let is_final = |stage, code, said| matches!(refused(stage, code, said), Failed::Never { .. });
        for (stage, code, said) in [
            (Stage::Receiver, 550, "550 5.1.1 nobody here"),
            (Stage::Receiver, 550, "550 #5.1.1 nobody here"),
            (Stage::Receiver, 550, "550 (5.1.10) nobody here"),
            (Stage::Receiver, 553, "553 no such name"),
            (Stage::Receiver, 550, "550 5.2.1 disabled"),
            (Stage::Words, 550, "550 5.6.0 malformed"),
        ] {
            assert!(is_final(stage, code, said), "{said}");
        }
        for (stage, code, said) in [
            (Stage::Ready, 554, "554 no service for you"),
            (Stage::Login, 535, "535 5.7.8 bad credentials"),
            (Stage::Sender, 550, "550 5.7.60 cannot send as this sender"),
            (Stage::Receiver, 450, "450 4.2.0 come back"),
            (Stage::Receiver, 552, "552 full"),
            (Stage::Receiver, 550, "550 Sender verify failed"),
            (Stage::Receiver, 550, "550 5.1.8 (address): Sender address rejected"),
            (Stage::Receiver, 504, "504 5.5.2 Helo command rejected"),
            (Stage::Receiver, 550, "550 5.2.2: mailbox full"),
            (Stage::Words, 554, "554 #5.7.1 blocked"),
            (Stage::Words, 554, "554 transaction failed"),
            (Stage::Receiver, 550, "550 5.2.2 mailbox full"),
            (Stage::Receiver, 550, "550 5.4.5 daily quota exceeded"),
            (Stage::Words, 554, "554 5.7.1 blocked"),
        ] {
            assert!(!is_final(stage, code, said), "{said}");
        }
    }

    #[test]
    fn nothing_in_the_words_becomes_a_header() {
        let notice = Notice {
            org: OrgSlug::parse("acme").unwrap(),
            channel: "desk".to_owned(),
            kind: ChannelKind::Email,
            to: "desk@example.com".to_owned(),
            body: "Call from Zoë\r\nBcc: all@example.com. Bye.\n.\nEnd".to_owned(),
            template: None,
            id: "ntc_1".to_owned(),
            at: 1_795_456_800,
        };
        let address = |text: &str| Address::from_str(text).unwrap();
        let mail = mail(address("phones@example.com"), address("desk@example.com"), "<ntc_1@example.com>", &notice);
        let mail = String::from_utf8(mail.unwrap().formatted()).unwrap();
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("Bcc") && body.contains("Bcc: all@example.com"), "{mail}");
        assert!(head.contains("Message-ID: <ntc_1@example.com>") && head.contains("Auto-Submitted: auto-generated"));
        assert!(head.contains("Date: Mon, 23 Nov 2026 18:00:00 +0000") && mail.is_ascii(), "{mail}");
    }
}
