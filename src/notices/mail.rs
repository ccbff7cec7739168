//! Mail: an organization's own mail server takes it, by SMTP.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr as _;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};

use crate::admin::outlets::Outlet;
use crate::app::messenger::herald::Notice;
use crate::app::messenger::ports::Failed;
use crate::app::outside::inside;
use crate::egress::Egress;
use crate::model::secret::Secret;
use crate::notices::answer::{later, never, refused};

/// Time until the server has said that it is ready for mail: some let strangers wait.
const GREETING: Duration = Duration::from_secs(30);

/// Time until it has taken a mail.
const TAKING: Duration = Duration::from_secs(30);

/// Signs of a subject at most.
const SUBJECT: usize = 120;

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    /// From its first byte.
    Wrapped,
    /// Before anything but a greeting is said.
    Upgraded,
    /// Not at all, which is for servers of the inside.
    Open,
}

impl Cover {
    const fn word(self) -> &'static str {
        match self {
            Self::Wrapped => "smtps",
            Self::Upgraded => "smtp",
            Self::Open => "unencrypted",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Wrapped, Self::Upgraded, Self::Open].into_iter().find(|cover| cover.word() == word)
    }

    /// Where servers usually listen for it.
    const fn port(self) -> u16 {
        match self {
            Self::Wrapped => 465,
            Self::Upgraded => 587,
            Self::Open => 25,
        }
    }
}

/// A mail server, and who we are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    host: String,
    port: u16,
    cover: Cover,
    user: Option<String>,
}

impl Server {
    /// Reads `smtp.example.com`, with or without a port and `smtps://`, `smtp://` or `unencrypted://` before it.
    pub fn parse(text: &str, user: Option<String>) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no mail server: write it like smtp.example.com:465");
        let (cover, place) = match text.split_once("://") {
            Some((word, place)) => (Some(Cover::of(word).ok_or_else(wrong)?), place),
            None => (None, text),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if host.starts_with('[') || !host.contains(':') => {
                (host, Some(port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?))
            }
            _ => (place, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let named = !host.is_empty() && host.len() <= 253 && host.bytes().all(fits);
        if !named && host.parse::<IpAddr>().is_err() {
            return Err(wrong());
        }
        if user.as_ref().is_some_and(|user| user.is_empty() || user.contains(char::is_control)) {
            return Err("the user's name is empty or holds a sign that cannot be sent".to_owned());
        }
        let wrapped = port.is_none_or(|port| port == Cover::Wrapped.port());
        let cover = cover.unwrap_or(if wrapped { Cover::Wrapped } else { Cover::Upgraded });
        Ok(Self { host: host.to_ascii_lowercase(), port: port.unwrap_or(cover.port()), cover, user })
    }

    /// Reads what `Display` has written.
    fn kept(text: &str) -> Option<Self> {
        let (server, user) = match text.split_once(' ') {
            Some((server, user)) => (server, Some(user.to_owned())),
            None => (text, None),
        };
        Self::parse(server, user).ok()
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, cover, user } = self;
        let word = cover.word();
        if host.contains(':') {
            write!(out, "{word}://[{host}]:{port}")?;
        } else {
            write!(out, "{word}://{host}:{port}")?;
        }
        user.as_ref().map_or(Ok(()), |user| write!(out, " {user}"))
    }
}

/// Reads the address that mails come from; why it is none.
pub fn sender(text: &str) -> Result<String, String> {
    let read = Address::from_str(text.trim()).ok().filter(|address| address.domain().contains('.'));
    read.map(|address| address.to_string()).ok_or_else(|| format!("`{text}` is not a mail address"))
}

/// Whether the server takes the user's password; nothing is sent.
pub async fn greeted(egress: &Egress, server: &Server, from: &str, password: &Secret) -> Result<(), String> {
    let from = Address::from_str(from).map_err(|error| error.to_string())?;
    match open(egress, server, from.domain(), password).await {
        Ok(connection) => {
            part(connection).await;
            Ok(())
        }
        Err(Failed::Never { why, .. } | Failed::NotDone { why, .. } | Failed::Unknown(why)) => Err(why),
    }
}

/// Sends a notice; the name that the mail has. A repeat has the same one, so that mailboxes can leave it out.
pub(in crate::notices) async fn send(egress: &Egress, outlet: &Outlet, notice: &Notice) -> Result<String, Failed> {
    let odd = || later("the mail server is kept in a form that cannot be read: `ringfall connect email` again", None);
    let server = Server::kept(&outlet.name).ok_or_else(odd)?;
    let from = Address::from_str(&outlet.account).map_err(|_unshown| odd())?;
    let to = Address::from_str(&notice.to).map_err(|_unshown| never("it is no mail address"))?;
    let (domain, id) = (from.domain().to_owned(), format!("<{}@{}>", notice.id, from.domain()));
    let mail = mail(from, to, &id, notice).map_err(|why| never(format!("no mail can be made of it: {why}")))?;

    let mut connection = open(egress, &server, &domain, &outlet.secret).await?;
    let taken = tokio::time::timeout(TAKING, connection.send(mail.envelope(), &mail.formatted())).await;
    let failed = match taken {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(untaken(&error, &notice.to)),
        Err(_) => Some(Failed::Unknown("the mail server does not say in time whether it took it".to_owned())),
    };
    match failed {
        None => {
            part(connection).await;
            Ok(id)
        }
        Some(failed) => Err(failed),
    }
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
    let sentence = line.split_once(". ").map_or(line, |(sentence, _)| sentence).trim_end_matches('.');
    let clean: String = sentence.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    if clean.chars().count() <= SUBJECT {
        return clean;
    }
    let cut: String = clean.chars().take(SUBJECT - 1).collect();
    let words = cut.rsplit_once(' ').map_or(&*cut, |(words, _)| words);
    format!("{words}…")
}

/// A connection on which the server takes mail.
async fn open(
    egress: &Egress,
    server: &Server,
    domain: &str,
    password: &Secret,
) -> Result<AsyncSmtpConnection, Failed> {
    let places = egress.places(&server.host).await.map_err(|why| refused(&why))?;
    if server.cover == Cover::Open && places.iter().any(|place| inside(*place).is_none()) {
        let why = "the mail server is outside, and nothing is sent there unencrypted: connect it with `smtps://` or `smtp://`";
        return Err(later(why, None));
    }
    let places: Vec<SocketAddr> = places.into_iter().map(|place| SocketAddr::new(place, server.port)).collect();
    match tokio::time::timeout(GREETING, ready(server, &places, domain, password)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(later(unready(&error), None)),
        Err(_) => Err(later("the mail server is not ready in time", None)),
    }
}

async fn ready(
    server: &Server,
    places: &[SocketAddr],
    domain: &str,
    password: &Secret,
) -> Result<AsyncSmtpConnection, Error> {
    let tls = || TlsParameters::new_rustls(server.host.clone());
    let ourselves = ClientId::Domain(domain.to_owned());
    let wrapped = if server.cover == Cover::Wrapped { Some(tls()?) } else { None };
    let mut connection = AsyncSmtpConnection::connect_tokio1(places, None, &ourselves, wrapped, None).await?;
    if server.cover == Cover::Upgraded {
        connection.starttls(tls()?, &ourselves).await?;
    }
    if let Some(user) = &server.user {
        let credentials = Credentials::new(user.clone(), password.expose().to_owned());
        connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
    }
    Ok(connection)
}

/// Says goodbye; what was taken stays taken if the server does not listen.
async fn part(mut connection: AsyncSmtpConnection) {
    drop(tokio::time::timeout(Duration::from_secs(2), connection.quit()).await);
}

/// Why the server takes no mail from us. Whoever mends it may be in time, so nothing of it is final.
fn unready(error: &Error) -> String {
    match error.status().map(u16::from) {
        Some(530 | 534 | 535 | 538) => format!(
            "the mail server does not take the user or the password ({}): `ringfall connect email` with the right ones",
            said(error)
        ),
        Some(_) => format!("the mail server takes no mail from us: {}", said(error)),
        None if is_unsafe(error) => format!("the mail server cannot be reached safely: {}", said(error)),
        None => format!("the mail server cannot be asked: {}", said(error)),
    }
}

/// Why it did not take this mail.
fn untaken(error: &Error, to: &str) -> Failed {
    let why = said(error).replace(to, "the address");
    match error.status().map(u16::from) {
        Some(530) => {
            later(format!("the mail server wants a user and a password ({why}): `ringfall connect email`"), None)
        }
        Some(_) if error.is_permanent() => never(format!("the mail server refuses it: {why}")),
        Some(_) => later(format!("the mail server does not take it now: {why}"), None),
        None if error.is_client() => never(format!("the mail server cannot take it: {why}")),
        None => Failed::Unknown(format!("the mail server broke off: {why}")),
    }
}

/// What lies behind an error, outermost first.
fn behind(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |error| error.source())
}

/// Whether the other side did not prove who it is.
fn is_unsafe(error: &Error) -> bool {
    let inner = |error: &io::Error| error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    let found = |error: &(dyn std::error::Error + 'static)| {
        error.is::<rustls::Error>() || error.downcast_ref::<io::Error>().is_some_and(inner)
    };
    error.is_tls() || behind(error).any(found)
}

/// What happened, for people: the server's words or the innermost reason, on one line, and not too long.
fn said(error: &Error) -> String {
    let text = match behind(error).last() {
        Some(deepest) if error.status().is_none() => deepest.to_string(),
        Some(_) | None => error.to_string(),
    };
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read_and_written_alike() {
        let user = || Some("desk@example.com".to_owned());
        for (text, user, kept) in [
            ("smtp.example.com", user(), "smtps://smtp.example.com:465 desk@example.com"),
            ("SMTP.example.com:465", None, "smtps://smtp.example.com:465"),
            ("smtp.example.com:587", user(), "smtp://smtp.example.com:587 desk@example.com"),
            ("smtp://smtp.example.com", None, "smtp://smtp.example.com:587"),
            ("smtps://smtp.example.com:2465", None, "smtps://smtp.example.com:2465"),
            ("unencrypted://relay", None, "unencrypted://relay:25"),
            ("unencrypted://127.0.0.1:2525", None, "unencrypted://127.0.0.1:2525"),
            ("[::1]:465", None, "smtps://[::1]:465"),
            ("::1", None, "smtps://[::1]:465"),
        ] {
            let server = Server::parse(text, user).unwrap();
            assert_eq!(server.to_string(), kept);
            assert_eq!(Server::kept(kept), Some(server));
        }
        for wrong in
            ["", ":465", "smtp.example.com:", "x:0", "a b", "https://smtp.example.com", "x:70000", "x/y", "u@x"]
        {
            assert!(Server::parse(wrong, None).is_err(), "{wrong}");
        }
        assert!(Server::parse("x", Some("a\r\nb".to_owned())).is_err());
    }

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
    fn the_subject_is_the_first_sentence() {
        assert_eq!(
            subject("New message (9 s) from +13125550123, Mon 10:00. Listen: https://x"),
            "New message (9 s) from +13125550123, Mon 10:00"
        );
        assert_eq!(subject("\n Nobody took a call.\nSecond line."), "Nobody took a call");
        assert_eq!(subject("a\tb\u{7}c"), "a b c");
        assert_eq!(subject(""), "Notice");
        let long = subject(&"word ".repeat(40));
        assert!(long.ends_with("word…") && long.chars().count() <= SUBJECT, "{long}");
        let endless = subject(&"ü".repeat(200));
        assert_eq!(endless.chars().count(), SUBJECT);
    }

    #[test]
    fn nothing_in_the_words_becomes_a_header() {
        let notice = Notice {
            org: crate::model::ids::OrgSlug::parse("acme").unwrap(),
            channel: "desk".to_owned(),
            kind: crate::rules::ruleset::ChannelKind::Email,
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
