//! `ringfall replay`: recorded calls played again, and every difference from what was answered then.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::cli::Answer;
use crate::cli::outcome::Outcome;
use crate::cli::replay::server::Server;
use crate::cli::replay::shelf::{Shelf, Under};
use crate::cli::templates::Skins;
use crate::cli::terminal;
use crate::replay::again::{Stage, Tape};
use crate::replay::differ::{judge, updated};
use crate::replay::recording::{Recording, Unreadable};
use crate::replay::report::{self, Replayed, Report, Unplayed};

pub(crate) mod files;
mod server;
pub(crate) mod shelf;

/// What to play, and against what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    ringfall replay\n  \
    ringfall replay calls/ --rules routing-rules/acme.yaml\n  \
    ringfall replay --verify --format junit fixtures/recorded > report.xml\n  \
    ringfall replay --server http://127.0.0.1:8080 fixtures/recorded/backup-talks.yaml\n\n\
    A recording names its rules; `--rules` puts others in their place. `ringfall record` makes recordings.")]
pub struct Replay {
    /// A rule file, or a folder of them, to answer by instead of the rules that the recordings name
    #[arg(long, value_name = "PATH")]
    rules: Option<PathBuf>,
    /// The folder of your own TwiML templates; `twiml-templates` when it is there
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    /// Check every signature too
    #[arg(long, conflicts_with = "server")]
    verify: bool,
    /// Write what is answered now into the recordings that differ
    #[arg(long, conflicts_with = "server")]
    update: bool,
    /// Send the requests to this server instead, and compare its TwiML
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// With `--server`: the folder in which that server keeps its data, for the simulator's token
    #[arg(long, value_name = "DIR", requires = "server")]
    data: Option<PathBuf>,
    /// With `--server`: a file with the auth token to sign with, instead of the simulator's
    #[arg(long, value_name = "FILE", requires = "server")]
    auth_token_file: Option<PathBuf>,
    /// With `--server`: the account that the token belongs to
    #[arg(long, value_name = "AC…", requires = "server")]
    account_sid: Option<String>,
    /// With `--server`: the public address that it believes it has
    #[arg(long, value_name = "URL", requires = "server")]
    public_url: Option<String>,
    /// How to show what differs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Recordings, or folders of them with all inside
    #[arg(default_value = "fixtures/recorded")]
    paths: Vec<PathBuf>,
}

/// The ways to show what differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For eyes
    Text,
    /// For programs; the form is versioned
    Json,
    /// For build servers
    Junit,
}

pub(crate) fn run(args: &Replay) -> Answer {
    let paths = files::gather(&args.paths)?;
    if paths.is_empty() {
        eprintln!("error: there is no recorded call in {}", files::shown(&args.paths));
        eprintln!("help: `ringfall record --last 7d --out fixtures/recorded` makes some");
        return Ok(Outcome::Misuse);
    }
    let mut player = Player {
        args,
        templates: Skins::of_folder(args.templates.as_deref())?,
        shelf: Shelf::new(args.rules.as_deref())?,
        server: args.server.as_deref().map(|url| Server::new(url, args)).transpose()?,
        under_others: 0,
    };
    let mut report = Report::default();
    let mut progress = Progress::new(paths.len());
    for path in &paths {
        match player.play(path) {
            Ok(one) => report.replayed.push(one),
            Err(error) => {
                progress.clear();
                eprintln!("error: {error}");
                report.unplayed.push(Unplayed { file: error.file.clone(), message: error.to_string() });
            }
        }
        progress.step();
    }
    progress.clear();
    if player.under_others > 0 && args.format == Format::Text {
        let (count, one) = (player.under_others, if player.under_others == 1 { "" } else { "s" });
        eprintln!(
            "note: {count} recording{one} went by other rules than these: what callers meet is compared, not why"
        );
    }
    terminal::put(&match args.format {
        Format::Text => report::text(&report),
        Format::Json => report::json(&report),
        Format::Junit => report::junit(&report),
    });
    let written = report.replayed.iter().all(|one| one.verdict.differences.is_empty() || one.updated);
    Ok(if written && report.unplayed.is_empty() { Outcome::Fine } else { Outcome::Findings })
}

struct Player<'a> {
    args: &'a Replay,
    templates: Skins,
    shelf: Shelf,
    server: Option<Server>,
    under_others: usize,
}

impl Player<'_> {
    fn play(&mut self, path: &std::path::Path) -> Result<Replayed, Unreadable> {
        let file = path.display().to_string();
        let fault = |message: String| Unreadable { file: file.clone(), place: None, message };
        let text = files::text(path).map_err(fault)?;
        let mut recording = Recording::read(&file, &text)?;
        if let Some(server) = &mut self.server {
            let verdict = server.play(&recording).map_err(|error| fault(format!("{error:#}")))?;
            return Ok(Replayed { file, call: recording.call, verdict, updated: false });
        }
        let Under { rules, own } = self.shelf.of(path, &recording).map_err(fault)?;
        if let Some(own) = own.filter(|own| own.digest != rules.digest) {
            recording = crate::replay::alias::in_numbers_of(&recording, &own, &rules);
        }
        self.under_others += usize::from(rules.digest.short() != recording.rules.digest);
        let tape = Tape::of(&recording).map_err(fault)?;
        let templates = self.templates.of(&recording.org);
        let stage = match self.args.verify {
            true => Stage::verifying(&rules, templates),
            false => Stage::believing(&rules, templates),
        };
        let verdict = judge(&recording, &tape, &stage);
        let mut written = false;
        if self.args.update && (!verdict.differences.is_empty() || recording.rules.digest != rules.digest.short()) {
            if recording.rules.file.is_none() && recording.rules.digest != rules.digest.short() {
                let message = "it holds its own rules, and these are others: record the call again under them";
                return Err(fault(message.to_owned()));
            }
            let made = updated(&recording, &tape, &stage);
            if made.webhooks.is_empty() {
                return Err(fault("nothing would be left of it".to_owned()));
            }
            std::fs::write(path, made.text()).map_err(|error| fault(format!("could not be written: {error}")))?;
            written = true;
        }
        Ok(Replayed { file, call: recording.call, verdict, updated: written })
    }
}

/// How far it is, on a terminal, while it takes long.
pub(crate) struct Progress {
    all: usize,
    done: usize,
    shown: Option<Instant>,
    shows: bool,
}

impl Progress {
    pub(crate) fn new(all: usize) -> Self {
        Self { all, done: 0, shown: None, shows: std::io::stderr().is_terminal() }
    }

    /// One more is done.
    #[expect(clippy::disallowed_methods, reason = "a terminal is shown no more than it can follow")]
    pub(crate) fn step(&mut self) {
        self.done += 1;
        let often = self.shown.is_some_and(|shown| shown.elapsed() < Duration::from_millis(100));
        if self.shows && !often {
            self.shown = Some(Instant::now());
            eprint!("\r\u{1b}[K{} of {}", self.done, self.all);
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if self.shown.take().is_some() {
            eprint!("\r\u{1b}[K");
        }
    }
}

/// The error of a folder that cannot be read, with its name.
pub(crate) fn unreadable<T>(result: std::io::Result<T>, path: &std::path::Path) -> anyhow::Result<T> {
    result.with_context(|| format!("could not read `{}`", path.display()))
}
