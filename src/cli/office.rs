//! What commands about organizations share: the settings, who asks, secrets from files, and how failures end.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{IsTerminal as _, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

use crate::admin::{AdminError, Office};
use crate::app::ports::Clock as _;
use crate::cli::Answer;
use crate::cli::outcome::Outcome;
use crate::clock::SystemClock;
use crate::model::ids::OrgSlug;
use crate::model::phone::E164;
use crate::model::secret::Secret;
use crate::settings::layers::Surroundings;
use crate::settings::{self, Settings};
use crate::startup::organizations;
use crate::tenant::owner::Owner;
use crate::tenant::stamp::{Actor, Stamp};

/// Where organizations are kept, and who asks.
#[derive(Debug, clap::Args)]
pub(crate) struct Desk {
    /// Settings file [default: ringfall.yaml, when there is one]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Folder of the organizations' store, unless RINGFALL_DATABASE_URL is set [default: data]
    #[arg(long, value_name = "FOLDER", global = true)]
    data: Option<String>,
    /// Who does this, for the trail [default: the name of the user]
    #[arg(long, value_name = "NAME", global = true)]
    by: Option<String>,
}

impl Desk {
    /// The settings.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        let flags: BTreeMap<_, _> = self.data.iter().map(|folder| ("data", folder.clone())).collect();
        Ok(settings::load(&Surroundings::of_process(flags, self.config.clone())).settings?)
    }

    /// Who asks, and when.
    pub(crate) fn stamp(&self) -> Stamp {
        let user = || {
            let names = ["SUDO_USER", "USER", "LOGNAME"];
            let known = names.iter().filter_map(|name| std::env::var_os(name)?.into_string().ok());
            // Timers and containers often have no name, and always a number.
            let number = || format!("uid-{}", rustix::process::getuid().as_raw());
            known.into_iter().find(|name| !name.is_empty()).unwrap_or_else(number)
        };
        let name = self.by.clone().unwrap_or_else(user);
        Stamp::new(&Actor::new(&format!("cli:{name}")), SystemClock.now())
    }
}

/// Does something in the office; a wrong question ends as misuse, with what is wrong on standard error.
pub(crate) fn run<F: Future<Output = anyhow::Result<Outcome>>>(
    desk: &Desk,
    work: impl FnOnce(Office, Settings) -> F,
) -> Answer {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let done = runtime.block_on(async {
        let settings = desk.settings()?;
        let office = organizations::office(&settings).await?;
        work(office, settings).await
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match done {
        Err(error) if error.downcast_ref::<AdminError>().is_some_and(AdminError::is_misuse) => {
            eprintln!("error: {error:#}");
            Ok(Outcome::Misuse)
        }
        Err(error) if error.is::<Misuse>() => {
            eprintln!("error: {error:#}");
            Ok(Outcome::Misuse)
        }
        done => done,
    }
}

/// Something that cannot be asked so.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misuse(pub(crate) String);

/// An organization, or the platform itself.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whose {
    /// The organization
    #[arg(long, value_name = "NAME", value_parser = crate::cli::ground::slug)]
    org: Option<OrgSlug>,
    /// The platform's own account
    #[arg(long)]
    platform: bool,
}

impl Whose {
    /// Whose.
    pub(crate) fn owner(&self) -> Owner {
        self.org.clone().map_or(Owner::Platform, Owner::Org)
    }
}

/// Reads a number on the command line.
pub(crate) fn number(text: &str) -> Result<E164, String> {
    E164::parse(text).map_err(|error| error.to_string())
}

/// A secret from a file that nobody else may read.
pub(crate) fn secret_file(path: &Path) -> anyhow::Result<Secret> {
    let shown = path.display();
    let about = std::fs::metadata(path).with_context(|| format!("cannot read `{shown}`"))?;
    if about.is_dir() {
        return Err(Misuse(format!("`{shown}` is a folder: name the file in it that holds the secret")).into());
    }
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Misuse(format!("others may read `{shown}` (mode {mode:o}): run `chmod 600 {shown}`")).into());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{shown}`"))?;
    trimmed(text, &format!("`{shown}`"))
}

/// The exit code of a command that Ctrl-C ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// A terminal that does not show what is typed, until this is dropped.
struct Unshown(Option<Termios>);

impl Unshown {
    fn begin() -> Self {
        let Ok(before) = tcgetattr(std::io::stdin()) else { return Self(None) };
        shown_at_interrupt(before.clone());
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        // Where it cannot be hidden it is shown: who types sees it.
        let set = tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden);
        Self(set.is_ok().then_some(before))
    }
}

impl Drop for Unshown {
    fn drop(&mut self) {
        self.0.iter().for_each(show);
    }
}

fn show(before: &Termios) {
    // The shell sets it right if this fails.
    let _shown = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
}

/// From now on, Ctrl-C gives the terminal back as it was before it ends the command. The runtime has a thread for this
/// while another waits for what is typed.
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "a thread that waits for a line can be ended in no other way"
)]
fn shown_at_interrupt(before: Termios) {
    // Where it cannot be heard of, it ends the command as ever.
    let Ok(mut interrupt) = signal(SignalKind::interrupt()) else { return };
    tokio::spawn(async move {
        interrupt.recv().await;
        show(&before);
        std::process::exit(INTERRUPTED);
    });
}

/// A secret from the file, or from standard input.
pub(crate) fn secret(file: Option<&Path>, what: &str) -> anyhow::Result<Secret> {
    let Some(path) = file else {
        let mut text = String::new();
        if std::io::stdin().is_terminal() {
            eprint!("{what} (not shown): ");
            let unshown = Unshown::begin();
            let read = std::io::stdin().read_line(&mut text);
            drop(unshown);
            eprintln!();
            read?;
        } else {
            std::io::stdin().take(4096).read_to_string(&mut text)?;
        }
        return trimmed(text, "standard input");
    };
    secret_file(path)
}

fn trimmed(text: String, from: &str) -> anyhow::Result<Secret> {
    let whole = Secret::new(text);
    let text = Secret::new(whole.expose().trim().to_owned());
    if text.expose().is_empty() {
        return Err(Misuse(format!("{from} is empty")).into());
    }
    Ok(text)
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For eyes
    Text,
    /// For programs
    Json,
}
