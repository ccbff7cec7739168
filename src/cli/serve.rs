//! `ringfall serve`: runs until told to stop.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Answer;
use crate::cli::notify;
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::model::count::counted;
use crate::settings::layers::Surroundings;
use crate::settings::{self, LogFormat, RulesFrom, Settings};
use crate::startup::{self, Ground, Running};
use crate::telemetry::{self, Look};

/// What `ringfall serve` may be told.
#[derive(Debug, Args)]
#[command(
    after_help = "Settings come from flags, variables such as RINGFALL_ENV, .env and ringfall.yaml, in that order.\n\
        The carrier's account comes from TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (or TWILIO_AUTH_TOKEN_FILE).\n\
        SIGHUP reads rules and templates again; SIGTERM answers what is under way and ends.\n\
        Exit codes: 0 stopped as asked, 2 a setting is wrong, 3 could not run, or stopped with records that no disk took.\n\
        Example: ringfall serve --listen 127.0.0.1:3000 --rules routing-rules"
)]
pub struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:8080, or 0.0.0.0:$PORT]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// What the carrier calls this service, such as `https://phones.example.com`
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Folder with one rule file for each organization [default: routing-rules]
    #[arg(long, value_name = "FOLDER")]
    rules: Option<String>,
    /// Folder with templates that replace the built-in ones [default: twiml-templates]
    #[arg(long, value_name = "FOLDER")]
    templates: Option<String>,
    /// Folder of the journal [default: data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// `development` or `production` [default: development]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Log level or directives [default: info]
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// `human` or `json` [default: human]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Threads that answer [default: one for each core]
    #[arg(long, value_name = "COUNT")]
    workers: Option<String>,
    /// Settings file [default: ringfall.yaml, when there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Shows every setting with its source, secrets hidden, and ends
    #[arg(long)]
    print_config: bool,
}

impl Serve {
    fn flags(&self) -> BTreeMap<&'static str, String> {
        let given = [
            ("listen", &self.listen),
            ("public_url", &self.public_url),
            ("rules", &self.rules),
            ("templates", &self.templates),
            ("data", &self.data),
            ("environment", &self.environment),
            ("log", &self.log),
            ("log_format", &self.log_format),
            ("workers", &self.workers),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(args: &Serve) -> Answer {
    let loaded = settings::load(&Surroundings::of_process(args.flags(), args.config.clone()));
    if args.print_config {
        terminal::put(&loaded.printed());
        loaded.doubts().iter().for_each(|doubt| eprintln!("warning: {doubt}"));
    }
    let doubts = loaded.doubts().to_vec();
    let settings = match loaded.settings {
        Ok(settings) => settings,
        Err(faults) => {
            eprintln!("error: {faults}");
            return Ok(Outcome::Misuse);
        }
    };
    if args.print_config {
        return Ok(Outcome::Fine);
    }
    if let Some(rules) = args.rules.as_ref().filter(|_| !settings.rules.is_dir()) {
        eprintln!("error: --rules: there is no folder `{rules}`");
        eprintln!("help: make it with a first rule file: `ringfall init {rules}/my-business.yaml`");
        return Ok(Outcome::Misuse);
    }
    let colors = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let look = match settings.log_format {
        LogFormat::Human => Look::Human { colors },
        LogFormat::Json => Look::Json,
    };
    let telemetry = telemetry::start(&settings.log, look)?;
    doubts.iter().for_each(|doubt| tracing::warn!("{doubt}"));
    // The web server has threads of its own; this one only waits for signals.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(serve(&settings));
    telemetry.finish();
    served?;
    Ok(Outcome::Fine)
}

async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot wait for SIGHUP")?;
    // Heard, it kills nobody: the writing fails instead, and is tried again as on a full disk.
    let mut too_long = signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).context("cannot wait for SIGXFSZ")?;
    let running = startup::start(settings, Ground::default()).await?;
    if settings.log_format == LogFormat::Human {
        eprint!("{}", banner(settings, &running));
        eprintln!("{}", administration(&running).await);
    }
    notify::tell(notify::READY);
    let mut told = false;
    loop {
        tokio::select! {
            _ = too_long.recv(), if !told => {
                tracing::error!(
                    "a file has become as long as this process may write: raise the limit (`ulimit -f`, or LimitFSIZE= of \
                     the systemd unit) and start again, or `prlimit --fsize=unlimited: --pid {}` at once",
                    std::process::id()
                );
                told = true;
            }
            _ = hangup.recv() => running.reload(),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    notify::tell(notify::STOPPING);
    tracing::info!("stopping: no more calls are wanted, those under way are answered");
    let lost = running.stop().await;
    tracing::info!("stopped");
    anyhow::ensure!(
        lost == 0,
        "{} could not be written to `{}` and {} lost: make room there before you stop, or let stopping wait longer with \
         `drain`",
        counted(lost, "record"),
        settings.data.display(),
        if lost == 1 { "is" } else { "are" }
    );
    Ok(())
}

/// What somebody who has just started it wants to know.
fn banner(settings: &Settings, running: &Running) -> String {
    let now = running.app.live.now();
    let organizations = now.organizations().count();
    let mut lines = vec![
        format!("Ringfall listens on http://{}", running.address),
        format!(
            "  answering {} of {} from {}",
            counted(now.lines(), "line"),
            counted(organizations, "organization"),
            place(settings)
        ),
    ];
    if organizations == 0 && settings.rules_from == RulesFrom::Store {
        lines.push("  There are no rules yet. Bring some: ringfall rules push --org my-business".to_owned());
    } else if organizations == 0 {
        let rules = settings.rules.display();
        lines.push(format!(
            "  There are no rules yet. Write some to start from: ringfall init {rules}/my-business.yaml"
        ));
    }
    let faults = now.faults();
    if faults > 0 {
        let rules = settings.rules.display();
        lines.push(format!(
            "  {} wrong with the rules or templates; see them all: ringfall check {rules}",
            counted(faults, "thing")
        ));
    }
    if settings.twilio.is_none() && !running.app.directory.now().has_account() {
        lines.push("  No carrier account is set, so no real call can come in. To go on:".to_owned());
        lines.push("    set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (or TWILIO_AUTH_TOKEN_FILE),".to_owned());
        lines.push("    and public_url to the address at which the carrier reaches this machine.".to_owned());
    }
    if settings.public_url.is_none() && settings.twilio.is_some() {
        lines.push(
            "  No public_url is set: requests are believed by their Host header. Set it before going live.".to_owned(),
        );
    }
    if let Some(url) = &settings.public_url {
        lines.push(format!("  At the carrier, set each number's voice webhook to {url}/twilio/inbound-call (POST)"));
    }
    let first = now.organizations().flat_map(|it| it.rules.lines.iter()).next();
    if let (settings::Environment::Development, Some(line)) = (settings.environment, first) {
        lines.push(format!("  Try a call from this machine: ringfall call --to {}", line.number));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Whether the administration API answers, and how it is made to.
async fn administration(running: &Running) -> String {
    if running.api.gatekeeper.is_open().await {
        return format!("  The administration API answers at http://{}{}", running.api_address(), crate::api::PATH);
    }
    "  The administration API is off until there is a token: ringfall token create --platform --name NAME".to_owned()
}

/// Where the rules come from.
fn place(settings: &Settings) -> String {
    match settings.rules_from {
        RulesFrom::Folder => settings.rules.display().to_string(),
        RulesFrom::Store => "the revisions in the store".to_owned(),
    }
}
