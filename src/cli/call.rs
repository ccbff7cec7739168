//! `ringfall call`: places a call against a server, and shows what the caller hears.

#![expect(clippy::print_stderr, reason = "the command line prints its results")]

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;

use crate::app::ports::Clock as _;
use crate::cli::Answer;
use crate::cli::call::args::{Args, Format};
use crate::cli::call::ask::Terminal;
use crate::cli::call::book::Book;
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::clock::SystemClock;
use crate::draw::diagnostics::Style;
use crate::model::moment::Zone;
use crate::model::simulator::Simulator;
use crate::phone::log::CallLog;
use crate::phone::script::{Actors, Script};
use crate::phone::timeline::{self, Detail, Ink};
use crate::phone::{self, Call, Delivery, Elsewhere, Pace, PlaceError, Telling, report};
use crate::rules::grammar;
use crate::settings;
use crate::settings::layers::Surroundings;
use crate::webhook::signature::Signer;

pub mod args;
mod ask;
mod book;

/// What the phone signs with when no account is to be had: any server that checks refuses it.
const NO_ACCOUNT: &str = "AC00000000000000000000000000000000";

pub(crate) fn run(args: &Args) -> Answer {
    let script = match args.people.script() {
        Ok(script) => script,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(Outcome::Misuse);
        }
    };
    if let Some(server) = args.server.as_deref().filter(|server| !server.contains("://")) {
        eprintln!("error: --server: `{server}` says neither `http://` nor `https://`");
        eprintln!("help: write `--server http://{server}`");
        return Ok(Outcome::Misuse);
    }
    let around = Around::of(args);
    let books = book::books(&around.rules, SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).date());
    let (book, number) = book::choose(&books, args.to.as_deref(), args.org.as_deref());
    let Some(to) = number else {
        match &args.to {
            Some(to) => eprintln!("error: `{to}` is neither a number such as `+16195550100` nor a line of the rules"),
            None => eprintln!("error: which number is called? no rules in `{}` name one", around.rules.display()),
        }
        eprintln!("help: say it with `--to +16195550100`");
        return Ok(Outcome::Misuse);
    };
    if let Some((leg, meant)) = args.people.stranger(&book).filter(|_| args.path.is_none()) {
        eprintln!("error: --leg: nobody in the rules of `{}` is called `{leg}`", book.org);
        let known = || book.contacts.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        eprintln!(
            "help: {}",
            meant.map_or_else(|| format!("there are {}", known()), |it| format!("did you mean `{it}`?"))
        );
        return Ok(Outcome::Misuse);
    }
    let began = match began(args, &book, &to) {
        Ok(began) => began,
        Err(error) => {
            eprintln!("error: --at: {error}");
            eprintln!("help: write local date and time, such as `--at \"2026-11-23 10:00\"`");
            return Ok(Outcome::Misuse);
        }
    };
    let call = call_of(args, &around, book, to, began)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("could not start the clockwork of requests")?;
    let log = match runtime.block_on(placed(args, &call, &script)) {
        Ok(log) => log,
        Err(error @ PlaceError::Unreachable { .. }) => {
            eprintln!("help: start the server with `ringfall serve`, or name another one with `--server URL`");
            return Err(error.into());
        }
        Err(error @ PlaceError::Client(_)) => return Err(error.into()),
    };
    match args.format {
        Format::Json => terminal::put(&format!("{}\n", report::json(&log))),
        Format::Text => terminal::put(&format!("\n{}", timeline::summary(&log, ink()))),
    }
    hints(args, &log);
    Ok(if log.dropped() { Outcome::Findings } else { Outcome::Fine })
}

/// Places the call, telling of it line by line as it goes on.
async fn placed(args: &Args, call: &Call, script: &Script) -> Result<CallLog, PlaceError> {
    let detail = if args.requests { Detail::Requests } else { Detail::People };
    let ink = ink();
    let shows = args.format == Format::Text;
    let mut listen = |entry: &phone::log::Entry| {
        if let Some(line) = timeline::line(entry, detail, ink).filter(|_| shows) {
            terminal::put(&format!("{line}\n"));
        }
    };
    if args.people.is_silent() && std::io::stdin().is_terminal() {
        let mut terminal = Terminal::new(script);
        return phone::place_with(call, script, &mut terminal, &mut listen).await;
    }
    if args.people.is_silent() {
        eprintln!("note: nobody answers; say who does with `--leg NAME=answered` or `--default-leg answered`");
    }
    phone::place_with(call, script, &mut Actors::new(script), &mut listen).await
}

fn call_of(args: &Args, around: &Around, book: Book, to: String, began: Timestamp) -> anyhow::Result<Call> {
    let Account { sid: account, signer, telling } =
        account(args.auth_token_file.as_deref(), args.account_sid.as_deref(), &around.data)?;
    // A server of another make is sent what the carrier sends, and nothing else.
    let telling = if args.path.is_none() { telling } else { Telling::Nothing };
    if args.at.is_some() && telling == Telling::Nothing {
        eprintln!("note: --at changes nothing: only our own simulator's word for the time is taken");
    }
    let org = args.org.clone().or_else(|| (!book.org.is_empty()).then(|| book.org.clone()));
    // A server of another make knows nothing of organizations.
    let org = org.filter(|_| args.path.is_none() || args.org.is_some());
    let org = org.map_or_else(String::new, |org| format!("?org={org}"));
    let server = around.server.trim_end_matches('/');
    let at = |path: &str| {
        if path.contains("://") { path.to_owned() } else { format!("{server}/{}{org}", path.trim_start_matches('/')) }
    };
    let path = args.path.as_deref().unwrap_or("/twilio/inbound-call");
    // A server of another make has its own paths, or none.
    let status = match (&args.status_path, &args.path) {
        (Some(path), _) if path == "none" => None,
        (Some(path), _) => Some(at(path)),
        (None, None) => Some(at("/twilio/call-status")),
        (None, Some(_)) => None,
    };
    let elsewhere = if args.follow_elsewhere { Elsewhere::Followed } else { Elsewhere::HandedOver };
    let pace = if args.real_time { Pace::RealTime } else { Pace::AtOnce };
    Ok(Call {
        url: at(path),
        status_url: status,
        fallback_url: args.fallback_url.as_deref().map(at),
        account,
        signer,
        signed_origin: args.public_url.clone(),
        sid: format!("CA{}", uuid::Uuid::now_v7().simple()),
        to,
        from: caller(&args.from),
        attestation: args.attestation(),
        forwarded_from: args.forwarded_from.clone(),
        caller_name: args.caller_name.clone(),
        own_numbers: (!book.own.is_empty()).then_some(book.own),
        names: book.names,
        began,
        delivery: Delivery {
            copies: args.duplicate,
            callbacks: args.callbacks(),
            seed: args.seed,
            timeout: std::time::Duration::from_millis(args.timeout),
            pace,
        },
        telling,
        elsewhere,
    })
}

/// A caller who withholds the number, in the word that carriers use.
fn caller(from: &str) -> String {
    if from == "withheld" { "anonymous".to_owned() } else { from.to_owned() }
}

/// Where the server is and what it stands on: told, or as the settings of this folder have it.
struct Around {
    server: String,
    data: PathBuf,
    rules: PathBuf,
}

impl Around {
    fn of(args: &Args) -> Self {
        // Settings that cannot be used are for `ringfall serve` to complain about.
        let settings = settings::load(&Surroundings::of_process(BTreeMap::new(), None)).settings.ok();
        let listen = settings.as_ref().map_or(SocketAddr::from(([127, 0, 0, 1], 8080)), |settings| settings.listen);
        let host = if listen.ip().is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { listen.ip() };
        let server = format!("http://{}", SocketAddr::new(host, listen.port()));
        let (data, rules) = settings
            .map_or_else(|| ("data".into(), "routing-rules".into()), |settings| (settings.data, settings.rules));
        Self {
            server: args.server.clone().unwrap_or(server),
            data: args.data.clone().unwrap_or(data),
            rules: args.rules.clone().unwrap_or(rules),
        }
    }
}

/// When the call begins.
fn began(args: &Args, book: &Book, to: &str) -> Result<Timestamp, String> {
    let Some(text) = &args.at else { return Ok(SystemClock.now()) };
    let zone = book.zones.get(to).cloned().unwrap_or_else(Zone::utc);
    let written = grammar::moment(text).map_err(|error| error.message)?;
    written.within(&zone).map(|moment| moment.timestamp()).map_err(|error| error.to_string())
}

/// The account whose requests these are.
pub(in crate::cli) struct Account {
    pub(in crate::cli) sid: String,
    pub(in crate::cli) signer: Signer,
    pub(in crate::cli) telling: Telling,
}

/// The account that was named, or the simulator's, or a made-up one.
pub(in crate::cli) fn account(token: Option<&Path>, sid: Option<&str>, data: &Path) -> anyhow::Result<Account> {
    let file = token.map_or_else(|| data.join(crate::model::simulator::FILE), Path::to_owned);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && token.is_none() => {
            eprintln!(
                "note: no `{}`: signing with a made-up account, which a server that checks refuses",
                file.display()
            );
            eprintln!(
                "help: `ringfall serve` writes that file at its first start; or name a token with `--auth-token-file`"
            );
            let sid = sid.unwrap_or(NO_ACCOUNT).to_owned();
            return Ok(Account { sid, signer: Signer::new("made-up"), telling: Telling::Nothing });
        }
        Err(error) => return Err(error).with_context(|| format!("could not read `{}`", file.display())),
    };
    match (Simulator::parse(&text), sid) {
        (Ok(found), None) => {
            let signer = Signer::new(found.token.expose());
            Ok(Account { sid: found.account.to_string(), signer, telling: Telling::Time })
        }
        (Ok(found), Some(named)) => {
            Ok(Account { sid: named.to_owned(), signer: Signer::new(found.token.expose()), telling: Telling::Nothing })
        }
        (Err(_), Some(named)) => {
            Ok(Account { sid: named.to_owned(), signer: Signer::new(text.trim()), telling: Telling::Nothing })
        }
        (Err(error), None) => {
            let hint = "a file with a bare token needs `--account-sid`";
            Err(error).with_context(|| format!("could not use `{}` ({hint})", file.display()))
        }
    }
}

fn hints(args: &Args, log: &CallLog) {
    let refused = log.webhooks.first().and_then(|webhook| webhook.status) == Some(403);
    if refused && args.format == Format::Text {
        eprintln!("help: the server refused the signature: is `--auth-token-file` or `--data` that of the server,");
        eprintln!("help: and `--public-url` the address that it believes to be called by?");
    } else if args.format == Format::Text && std::io::stderr().is_terminal() {
        eprintln!("help: `ringfall why {}` tells every reason", log.call);
    }
}

fn ink() -> Ink {
    match terminal::style(&std::io::stdout()) {
        Style::Colored => Ink::Colored,
        Style::Plain => Ink::Plain,
    }
}
