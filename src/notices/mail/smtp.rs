//! The conversation with a mail server: bounded in what is read and in how long anybody waits, encrypted before
//! anything of worth is said, and clear about how far it came.
//!
//! It is our own because whose server it is, is anybody's choice: what it sends must not fill the memory of a service
//! that others use, and whether it took a mail must be known as exactly as it can be.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::model::secret::Secret;
use crate::notices::mail::server::{Cover, Server};

/// Time to connect to each address of the server.
const CONNECT: Duration = Duration::from_secs(4);

/// Addresses that are tried at most.
const PLACES: usize = 4;

/// Time until the server is ready for mail: some let strangers wait.
const READY: Duration = Duration::from_secs(30);

/// Time until it has heard whom a mail is for.
const ENVELOPE: Duration = Duration::from_secs(30);

/// Time until it says that it took a mail: some look through it first, and who goes too soon sends it twice.
const TAKING: Duration = Duration::from_secs(180);

/// Time to say goodbye.
const PARTING: Duration = Duration::from_secs(2);

/// Bytes of one answer at most.
const LARGEST: u64 = 16 << 10;

/// Signs of the server's words that are passed on.
const SHOWN: usize = 160;

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::notices::mail) enum Stage {
    /// Being let in.
    Ready,
    /// Saying whom we are.
    Login,
    /// Saying whom a mail is from.
    Sender,
    /// Saying whom it is for.
    Receiver,
    /// The mail itself.
    Words,
}

/// Which answer lets us go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// That it is done.
    Done,
    /// That it wants to hear more.
    More(u16),
}

impl Due {
    fn is(self, code: u16) -> bool {
        match self {
            Self::Done => (200..300).contains(&code),
            Self::More(wanted) => code == wanted,
        }
    }
}

/// Why a mail was not taken.
#[derive(Debug)]
pub(in crate::notices::mail) enum Trouble {
    /// It was not: there is no connection, or it ended too soon.
    Away(String),
    /// It was not: the connection is not safe.
    Unsafe(String),
    /// It was not: the server says so.
    Refused { stage: Stage, code: u16, said: String },
    /// Nobody can tell.
    Unknown(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.get_ref() {
            Some(inner) if inner.is::<rustls::Error>() => Self::Unsafe(inner.to_string()),
            _ => Self::Away(error.to_string()),
        }
    }
}

/// What a connection runs over.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection on which the server takes mail.
pub(in crate::notices::mail) struct Talk {
    wire: BufReader<Box<dyn Wire>>,
}

/// What the server said.
struct Answer {
    code: u16,
    lines: Vec<String>,
}

impl Answer {
    /// Its words, for people: on one line, without anybody's address, and not too long.
    fn said(&self) -> String {
        let words = self.lines.iter().flat_map(|line| line.split_whitespace());
        let hidden = words.map(|word| if word.contains('@') { "(address)" } else { word });
        let text = hidden.fold(self.code.to_string(), |text, word| text + " " + word);
        text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).take(SHOWN).collect()
    }

    /// What stands behind that word in a list of what the server can do.
    fn offers(&self, word: &str) -> Option<String> {
        self.lines.iter().skip(1).find_map(|line| {
            let line = line.to_ascii_uppercase();
            let rest = line.strip_prefix(word)?;
            (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim().to_owned())
        })
    }
}

impl Talk {
    /// Connects to the first of these addresses that answers, and is let in.
    pub(in crate::notices::mail) async fn begin(
        server: &Server,
        places: &[IpAddr],
        tls: &Arc<rustls::ClientConfig>,
        password: &Secret,
    ) -> Result<Self, Trouble> {
        let stream = connected(places, server.port).await?;
        let slow = |_elapsed| Trouble::Away("it is not ready in time".to_owned());
        tokio::time::timeout(READY, Self::let_in(server, stream, tls, password)).await.map_err(slow)?
    }

    async fn let_in(
        server: &Server,
        stream: TcpStream,
        tls: &Arc<rustls::ClientConfig>,
        password: &Secret,
    ) -> Result<Self, Trouble> {
        let ourselves = match stream.local_addr()?.ip() {
            IpAddr::V4(address) => format!("[{address}]"),
            IpAddr::V6(address) => format!("[IPv6:{address}]"),
        };
        let hello = format!("EHLO {ourselves}");
        let name = ServerName::try_from(server.host.clone());
        let name = name.map_err(|error| Trouble::Away(error.to_string()))?;
        let connector = TlsConnector::from(Arc::clone(tls));
        let mut talk = match server.cover {
            Cover::Wrapped => Self::over(connector.connect(name.clone(), stream).await?),
            Cover::Upgraded | Cover::Open => Self::over(stream),
        };
        talk.hear(Stage::Ready, Due::Done).await?;
        let mut offered = talk.ask(&hello, Stage::Ready, Due::Done).await?;
        if server.cover == Cover::Upgraded {
            if offered.offers("STARTTLS").is_none() {
                return Err(Trouble::Unsafe("it offers no encryption at this port".to_owned()));
            }
            talk.ask("STARTTLS", Stage::Ready, Due::Done).await?;
            // What came with the answer would later be taken for something that was said under encryption.
            if !talk.wire.buffer().is_empty() {
                return Err(Trouble::Unsafe(
                    "it says more than it should before the connection is encrypted".to_owned(),
                ));
            }
            talk = Self::over(connector.connect(name, talk.wire.into_inner()).await?);
            offered = talk.ask(&hello, Stage::Ready, Due::Done).await?;
        }
        if let Some(user) = &server.user {
            talk.log_in(&offered, user, password).await?;
        }
        Ok(talk)
    }

    fn over(wire: impl Wire + 'static) -> Self {
        Self { wire: BufReader::new(Box::new(wire)) }
    }

    async fn log_in(&mut self, offered: &Answer, user: &str, password: &Secret) -> Result<(), Trouble> {
        let ways = offered.offers("AUTH").unwrap_or_default();
        let takes = |way: &str| ways.split_whitespace().any(|known| known == way);
        if takes("PLAIN") {
            let both = Secret::new(STANDARD.encode(format!("\0{user}\0{}", password.expose())));
            self.ask(&format!("AUTH PLAIN {}", both.expose()), Stage::Login, Due::Done).await?;
        } else if takes("LOGIN") {
            let password = Secret::new(STANDARD.encode(password.expose()));
            self.ask("AUTH LOGIN", Stage::Login, Due::More(334)).await?;
            self.ask(&STANDARD.encode(user), Stage::Login, Due::More(334)).await?;
            self.ask(password.expose(), Stage::Login, Due::Done).await?;
        } else {
            let why = "it takes no password here (neither AUTH PLAIN nor LOGIN): another port, an app password or another \
                       server may";
            return Err(Trouble::Away(why.to_owned()));
        }
        Ok(())
    }

    /// Whether it would take mail from that sender; nothing is sent.
    pub(in crate::notices::mail) async fn would_take(&mut self, from: &str) -> Result<(), Trouble> {
        let tried = async {
            self.ask(&format!("MAIL FROM:<{from}>"), Stage::Sender, Due::Done).await?;
            self.ask("RSET", Stage::Sender, Due::Done).await.map(drop)
        };
        let slow = |_elapsed| Trouble::Away("it does not answer in time".to_owned());
        tokio::time::timeout(ENVELOPE, tried).await.map_err(slow)?
    }

    /// Hands a mail over.
    pub(in crate::notices::mail) async fn hand_over(
        &mut self,
        from: &str,
        to: &str,
        mail: &[u8],
    ) -> Result<(), Trouble> {
        let told = async {
            self.ask(&format!("MAIL FROM:<{from}>"), Stage::Sender, Due::Done).await?;
            self.ask(&format!("RCPT TO:<{to}>"), Stage::Receiver, Due::Done).await?;
            self.ask("DATA", Stage::Words, Due::More(354)).await.map(drop)
        };
        let slow = |_elapsed| Trouble::Away("it does not answer in time".to_owned());
        tokio::time::timeout(ENVELOPE, told).await.map_err(slow)??;
        let taken = async {
            self.wire.write_all(&dotted(mail)).await?;
            self.wire.flush().await?;
            self.hear(Stage::Words, Due::Done).await.map(drop)
        };
        match tokio::time::timeout(TAKING, taken).await {
            Ok(Err(Trouble::Away(why) | Trouble::Unsafe(why))) => Err(Trouble::Unknown(why)),
            Ok(done) => done,
            Err(_elapsed) => Err(Trouble::Unknown("it does not say in time whether it took it".to_owned())),
        }
    }

    /// Says goodbye; what was taken stays taken if the server does not listen.
    pub(in crate::notices::mail) async fn end(mut self) {
        let parting = async {
            self.wire.write_all(b"QUIT\r\n").await?;
            self.wire.flush().await?;
            let mut rest = [0; 64];
            self.wire.read(&mut rest).await
        };
        drop(tokio::time::timeout(PARTING, parting).await);
    }

    async fn ask(&mut self, words: &str, stage: Stage, due: Due) -> Result<Answer, Trouble> {
        let line = Secret::new(format!("{words}\r\n"));
        self.wire.write_all(line.expose().as_bytes()).await?;
        self.wire.flush().await?;
        self.hear(stage, due).await
    }

    /// An answer that lets us go on.
    async fn hear(&mut self, stage: Stage, due: Due) -> Result<Answer, Trouble> {
        let Self { wire } = self;
        let mut left = wire.take(LARGEST);
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            left.read_until(b'\n', &mut line).await?;
            if line.last() != Some(&b'\n') {
                let why = if left.limit() == 0 { "its answer has no end" } else { "it broke off" };
                return Err(Trouble::Away(why.to_owned()));
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            let code = text.get(..3).and_then(|code| code.parse::<u16>().ok()).filter(|code| (200..600).contains(code));
            let Some(code) = code else { return Err(Trouble::Away("it does not speak as mail servers do".to_owned())) };
            lines.push(text.get(4..).unwrap_or_default().to_owned());
            if text.as_bytes().get(3) != Some(&b'-') {
                let answer = Answer { code, lines };
                return match code {
                    _ if due.is(code) => Ok(answer),
                    400.. => Err(Trouble::Refused { stage, code, said: answer.said() }),
                    _ => Err(Trouble::Away(format!("it answers what nobody asked: {}", answer.said()))),
                };
            }
        }
    }
}

/// The first of these addresses that lets us connect.
async fn connected(places: &[IpAddr], port: u16) -> Result<TcpStream, Trouble> {
    let mut why = "its host has no address".to_owned();
    for place in places.iter().take(PLACES) {
        match tokio::time::timeout(CONNECT, TcpStream::connect(SocketAddr::new(*place, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = format!("{error} at port {port}"),
            Err(_elapsed) => why = format!("it cannot be connected to in time at port {port}"),
        }
    }
    Err(Trouble::Away(why))
}

/// A mail as it goes over the wire: a line that begins with a dot has another before it, and a dot alone ends it.
fn dotted(mail: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(mail.len() + 64);
    let mut fresh = true;
    for byte in mail {
        if fresh && *byte == b'.' {
            wire.push(b'.');
        }
        wire.push(*byte);
        fresh = *byte == b'\n';
    }
    if !wire.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A talk with somebody who says exactly this.
    async fn hears(said: &'static [u8]) -> Result<Vec<String>, Trouble> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        theirs.write_all(said).await.unwrap();
        drop(theirs);
        Talk::over(ours).hear(Stage::Ready, Due::Done).await.map(|answer| answer.lines)
    }

    #[tokio::test]
    async fn an_answer_is_read_to_its_end_and_no_further_than_it_may_go() {
        assert_eq!(hears(b"220 ready\r\n").await.unwrap(), ["ready"]);
        assert_eq!(hears(b"250-one\r\n250-AUTH PLAIN\r\n250 three\r\n").await.unwrap(), ["one", "AUTH PLAIN", "three"]);
        assert_eq!(hears(b"250\r\n").await.unwrap(), [""]);
        let refused = hears(b"550 5.1.1 <desk@example.com> gr\xfc\xdfe\x07\r\n").await.unwrap_err();
        let Trouble::Refused { code: 550, said, .. } = refused else { panic!("{refused:?}") };
        assert!(said.starts_with("550 5.1.1 (address) gr") && !said.contains('\u{7}'), "{said}");
        for odd in [
            b"".as_slice(),
            b"220",
            b"hello\r\n",
            b"999 x\r\n",
            b"354 go on\r\n",
            b"250-one\r\n",
            b"\xff\xff\xff\xff\r\n",
        ] {
            assert!(matches!(hears(odd).await, Err(Trouble::Away(_))), "{odd:?}");
        }
        let endless: &'static [u8] = vec![b'2'; 1 << 19].leak();
        assert!(matches!(hears(endless).await, Err(Trouble::Away(why)) if why.contains("no end")));
        let lines: &'static [u8] = b"250-x\r\n".repeat(10_000).leak();
        assert!(matches!(hears(lines).await, Err(Trouble::Away(why)) if why.contains("no end")));
    }

    #[test]
    fn dots_at_the_beginning_of_lines_are_doubled() {
        assert_eq!(dotted(b"a\r\n.\r\n.b\r\nc.d"), b"a\r\n..\r\n..b\r\nc.d\r\n.\r\n");
        assert_eq!(dotted(b".\r\n"), b"..\r\n.\r\n");
        assert_eq!(dotted(b""), b"\r\n.\r\n");
    }
}
