//! Speed of telling people: texts that leave, what waiting ones cost, and what effects cost a webhook.
//!
//! `cargo bench --bench outreach` prints one table; every figure of a webhook is a median, and nothing is asserted. With
//! `-- effects` it measures effects alone.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "a benchmark measures with the clock and prints what it saw"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ringfall::app::messenger::ports::{Entry, Outbox as _};
use ringfall::model::phone::E164;
use ringfall::outbox::Desk;
use ringfall::outreach::draft::{Draft, Kind};
use ringfall::settings::layers::Surroundings;
use ringfall::startup::{self, Ground, Running};
use ringfall::webhook::form::Form;
use ringfall::webhook::signature::Signer;

/// What the shipped binary allocates with.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PUBLIC: &str = "https://phones.example.com";
const LINE: &str = "+16195550100";

/// Webhooks of one measurement, and those before it that do not count.
const WEBHOOKS: usize = 1_500;
const WARM: usize = 100;

/// Pairs of services: two of a kind differ by where their files happen to lie.
const PAIRS: usize = 9;

const PLAIN: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
routes:
  - cascade: [{ voicemail: Please leave a message. }]
finally: { voicemail: Please leave a message. }
"#;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let effects_alone = std::env::args().any(|argument| argument == "effects");
    runtime.block_on(async {
        println!("ringfall outreach benchmark\n");
        let (carrier, sent) = carrier(Duration::from_millis(100));
        if !effects_alone {
            leaves(carrier, &sent).await;
            waits(carrier).await;
        }
        effects(carrier).await;
    });
}

/// 1,000 texts of one organization against a carrier that answers in 100 ms.
async fn leaves(carrier: SocketAddr, sent: &AtomicUsize) {
    let folder = house(PLAIN);
    keep(folder.path(), 1_000, jiff::Timestamp::now().as_second()).await;
    let running = serve(folder.path(), carrier).await;
    let started = Instant::now();
    let before = sent.load(Ordering::SeqCst);
    while sent.load(Ordering::SeqCst) - before < 1_000 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    println!(
        "1,000 texts that wait, of one organization, carrier answers in 100 ms: left in {:.1?}",
        started.elapsed()
    );
    running.stop().await;
}

/// What 100,000 waiting texts cost a start and a webhook.
async fn waits(carrier: SocketAddr) {
    let (mut starts, mut folders, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for count in [0, 100_000] {
        let folder = house(PLAIN);
        keep(folder.path(), count, jiff::Timestamp::now().as_second() + 3_600).await;
        let mut begun = Vec::new();
        for _ in 0..5 {
            let started = Instant::now();
            let running = serve(folder.path(), carrier).await;
            begun.push(started.elapsed());
            running.stop().await;
        }
        both.push(serve(folder.path(), carrier).await);
        folders.push(folder);
        starts.push(median(begun));
    }
    let asks = webhooks([both[0].address, both[1].address]).await;
    for running in both {
        running.stop().await;
    }
    let ratio = |pair: &[Duration]| pair[1].as_secs_f64() / pair[0].as_secs_f64();
    println!(
        "start to ready with 100,000 waiting texts against none: {:.1?} against {:.1?}, {:.2}",
        starts[1],
        starts[0],
        ratio(&starts)
    );
    println!(
        "a webhook with 100,000 waiting texts against none: {:.1?} against {:.1?}, {:.2}",
        asks[1],
        asks[0],
        ratio(&asks)
    );
}

/// What an effect costs the webhook that decides on it; and what two without one differ by, which is chance.
async fn effects(carrier: SocketAddr) {
    let telling = PLAIN.replace("cascade: [", "cascade: [{ text: caller, body: We saw your call. }, ");
    let kinds = [
        ("none either", PLAIN, Some(carrier)),
        ("one that nobody sends", &telling, None),
        ("a text sent", &telling, Some(carrier)),
    ];
    for (name, rules, carrier) in kinds {
        let mut ratios = Vec::new();
        for _ in 0..PAIRS {
            let folders = [house(PLAIN), house(rules)];
            let both = [serve(folders[0].path(), carrier).await, serve(folders[1].path(), carrier).await];
            let asks = webhooks([both[0].address, both[1].address]).await;
            for running in both {
                running.stop().await;
            }
            ratios.push(asks[1].as_secs_f64() / asks[0].as_secs_f64());
        }
        ratios.sort_by(f64::total_cmp);
        let [least, most] = [ratios[0], ratios[PAIRS - 1]];
        let middle = ratios[PAIRS / 2];
        println!(
            "a webhook that has {name} against one that has none: {middle:.2}; {PAIRS} pairs, {least:.2} to {most:.2}"
        );
    }
}

fn house(rules: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    std::fs::write(folder.path().join("rules/acme.yaml"), rules).unwrap();
    folder
}

async fn keep(folder: &Path, count: usize, due: i64) {
    let desk = Desk::open(&folder.join("data")).unwrap();
    let draft = |number: usize| {
        let draft = Draft {
            key: format!("n{number}"),
            kind: Kind::Missed,
            from: E164::parse(LINE).ok(),
            to: someone(number),
            body: "Missed call.".to_owned(),
            due,
            unless_taken: false,
            refused: None,
        };
        Entry::Draft { org: "acme".to_owned(), call: format!("CA{number:032x}"), draft }
    };
    let all: Vec<_> = (0..count).map(draft).collect();
    for portion in all.chunks(10_000) {
        desk.keep(portion.to_vec(), None).await.unwrap();
    }
}

async fn serve(folder: &Path, carrier: impl Into<Option<SocketAddr>>) -> Running {
    let place = |name: &str| folder.join(name).display().to_string();
    let mut around = Surroundings { folder: folder.to_owned(), ..Surroundings::default() };
    let given = [
        ("RINGFALL_LISTEN", "127.0.0.1:0".to_owned()),
        ("RINGFALL_PUBLIC_URL", PUBLIC.to_owned()),
        ("RINGFALL_DATA", place("data")),
        ("RINGFALL_RULES", place("rules")),
        ("RINGFALL_TEMPLATES", place("templates")),
        ("RINGFALL_RELOAD", "signal".to_owned()),
        ("RINGFALL_WORKERS", "1".to_owned()),
        ("RINGFALL_SPEND_A_DAY", "1000000 USD".to_owned()),
        ("RINGFALL_TEXTS_A_SECOND", "1000".to_owned()),
        ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
        ("TWILIO_AUTH_TOKEN", TOKEN.to_owned()),
    ];
    let means = carrier.into().map(|carrier| {
        [
            ("RINGFALL_TWILIO_API_URL", format!("http://{carrier}")),
            ("TWILIO_API_KEY", "SK0123456789abcdef0123456789abcdef".to_owned()),
            ("TWILIO_API_SECRET", "a-secret-of-nobody".to_owned()),
        ]
    });
    let given = given.into_iter().chain(means.into_iter().flatten());
    around.variables.extend(given.map(|(name, value)| (name.to_owned(), value)));
    let settings = ringfall::settings::load(&around).settings.unwrap();
    startup::start(&settings, Ground::default()).await.unwrap()
}

/// The median times of signed webhooks, asked of the two in turn, so that both meet the same moods of the disk.
async fn webhooks(addresses: [SocketAddr; 2]) -> [Duration; 2] {
    let asked = tokio::task::spawn_blocking(move || {
        let mut ways = addresses.map(|address| {
            let stream = TcpStream::connect(address).unwrap();
            (BufReader::new(stream.try_clone().unwrap()), stream, Vec::with_capacity(WEBHOOKS))
        });
        for number in 0..WARM + WEBHOOKS {
            let request = request(number);
            // Neither always comes first.
            ways.reverse();
            for (reader, stream, times) in &mut ways {
                let started = Instant::now();
                stream.write_all(&request).unwrap();
                answer(reader);
                if number >= WARM {
                    times.push(started.elapsed());
                }
            }
        }
        ways.map(|(_, _, times)| median(times))
    });
    asked.await.unwrap()
}

/// A number of nobody's.
fn someone(number: usize) -> String {
    format!("+1{}55501{:02}", 201 + number / 100 % 700, number % 100)
}

fn request(number: usize) -> Vec<u8> {
    let (call, from) = (format!("CA{number:032x}"), someone(number));
    let form = Form::of([
        ("AccountSid", ACCOUNT),
        ("CallSid", call.as_str()),
        ("CallStatus", "ringing"),
        ("From", from.as_str()),
        ("To", LINE),
        ("Direction", "inbound"),
    ]);
    let signature = Signer::new(TOKEN).sign(&format!("{PUBLIC}/twilio/inbound-call"), &form);
    let body = form.encode();
    let head = format!(
        "POST /twilio/inbound-call HTTP/1.1\r\nHost: phones.example.com\r\nX-Twilio-Signature: {signature}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

/// Reads one message; the first line and the length of its body.
fn answer(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    Some(first)
}

/// A carrier that takes every text and answers after a pause; and how many it has taken.
fn carrier(pause: Duration) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            std::thread::spawn(move || converse(stream, pause, &count));
        }
    });
    (address, taken)
}

fn converse(mut stream: TcpStream, pause: Duration, taken: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(first) = answer(&mut reader) {
        std::thread::sleep(pause);
        let (status, body) = if first.starts_with("POST") {
            let number = taken.fetch_add(1, Ordering::SeqCst);
            ("201 Created", format!("{{\"sid\":\"SM{number:032x}\",\"status\":\"queued\"}}"))
        } else {
            ("200 OK", "{\"messages\":[],\"incoming_phone_numbers\":[]}".to_owned())
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n");
        if write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).is_err() {
            return;
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
