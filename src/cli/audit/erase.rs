//! A person taken out of everything that is kept here, and recordings deleted at the carrier.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::audit::person::Whom;
use crate::cli::Answer;
use crate::cli::audit::recordings;
use crate::cli::ground::Where;
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::database::Address;
use crate::model::count::counted;
use crate::outbox::Desk;
use crate::seal::{Folder, SealError};
use crate::settings::Settings;
use crate::sinks;
use crate::startup::followers::{plans, sinks_folder};
use crate::store::{Archive, Erasing};

/// Whom to take out.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The service must be stopped: it holds the journal. Stopped half way, it goes on when it is run again.\n\
    Recordings are deleted over the account of the settings, or the organization's own; `--keep-recordings` leaves them.\n\
    Where the settings name a database, the trail of all nodes is erased from too; run it on every node.\n\
    What sinks, texts, mails and notices have told elsewhere must be erased there.\n\
    Exit codes: 0 erased, 1 nothing tells of this caller or something is left, 2 misuse, 3 could not run.\n\
    Example: ringfall audit erase --caller +13125550123"
)]
pub(in crate::cli) struct Erase {
    /// The caller, as records have it
    #[arg(long, value_name = "NUMBER")]
    caller: String,
    /// Say what would be erased, and leave it
    #[arg(long)]
    dry_run: bool,
    /// Delete no recordings at the carrier
    #[arg(long)]
    keep_recordings: bool,
    #[command(flatten)]
    place: Where,
}

pub(in crate::cli) fn run(args: &Erase) -> Answer {
    let settings = args.place.settings()?;
    let data = &settings.data;
    // Looked at first, so that a folder without a journal is not made into one.
    drop(Archive::open(data)?);
    let whom = Whom::new(&args.caller);
    let erasing = Erasing::find(data, &whom)?;
    if erasing.is_line {
        eprintln!("{} is the number of a line, not of a caller: nothing is erased", args.caller);
        return Ok(Outcome::Misuse);
    }
    for org in &erasing.named_by {
        eprintln!("note: the rules of `{org}` name this number; they keep it, and so do records of calls that rang it");
    }
    if args.dry_run {
        dry(&erasing);
        return Ok(if erasing.records.is_empty() { nobody(&whom) } else { Outcome::Fine });
    }
    let named = !erasing.named_by.is_empty();
    let own = erasing.recordings.clone();
    let erased = erase(&settings, &whom, erasing)?;
    let unheard = recordings::delete(&settings, args.keep_recordings, erased.then_some(&own))?;
    for recording in &unheard {
        terminal::put(&format!("{recording}\n"));
    }
    let left = if named { Vec::new() } else { left_in(data, &whom)? };
    for path in &left {
        terminal::put(&format!("{} still names the caller\n", path.display()));
    }
    if !erased && nobody(&whom) == Outcome::Misuse {
        return Ok(Outcome::Misuse);
    }
    let all_heard = unheard.is_empty() || args.keep_recordings;
    Ok(if erased && all_heard && left.is_empty() { Outcome::Fine } else { Outcome::Findings })
}

/// Says that nothing tells of the caller, who may have been written otherwise than records have it.
fn nobody(whom: &Whom) -> Outcome {
    if whom.digits().is_some() {
        eprintln!("nothing tells of this caller");
        return Outcome::Findings;
    }
    eprintln!("error: `{}` is no number, and no record has such a caller", whom.caller());
    eprintln!("help: write it as records have it, such as `+13125550123`: see `ringfall audit list --format json`");
    Outcome::Misuse
}

fn dry(erasing: &Erasing) {
    terminal::put(&format!("{} would be erased\n", counted(erasing.records.len(), "record")));
    for (org, recording) in &erasing.recordings {
        terminal::put(&format!("recording {recording} of `{org}` would be deleted at the carrier\n"));
    }
}

/// Whether there was anything. The journal comes last: until then, whoever runs it again finds everything again.
fn erase(settings: &Settings, whom: &Whom, erasing: Erasing) -> anyhow::Result<bool> {
    let data = &settings.data;
    recordings::remember(data, &erasing.recordings)?;
    let calls: Vec<_> = erasing.names.iter().cloned().collect();
    let texts = texts(settings, whom, &calls)?;
    let files = sinks::erase(&plans(settings), &sinks_folder(data), whom, &erasing.ids);
    let files = files.context("the files of the sinks could not be gone through")?;
    let merged = merged(settings, whom, &calls, erasing.named_by.is_empty())?;
    // The salts go before the records: should this stop half way, it finds the same records when it is run again.
    match Folder::open(data) {
        Ok(chain) => drop(chain.erase(&erasing.records)?),
        Err(SealError::Missing(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let erased = if erasing.records.is_empty() { None } else { Some(erasing.finish()?) };
    if let Some(erased) = erased {
        terminal::put(&format!(
            "erased from {} and {}\n",
            counted(erased.calls, "call"),
            counted(erased.records, "record")
        ));
    }
    if texts > 0 {
        terminal::put(&format!("erased from {} of the outbox\n", counted(texts, "row")));
    }
    if merged > 0 {
        terminal::put(&format!("erased from {} of the trail of all nodes\n", counted(merged, "record")));
    }
    for (path, lines) in &files {
        terminal::put(&format!("erased from {} of {}\n", counted(*lines, "line"), path.display()));
    }
    Ok(erased.is_some() || texts > 0 || merged > 0 || !files.is_empty())
}

/// Texts in the data folder, and those that nodes share.
fn texts(settings: &Settings, whom: &Whom, calls: &[(String, String)]) -> anyhow::Result<usize> {
    if settings.database_url.is_none() && !settings.data.join("outbox.db").exists() {
        return Ok(0);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let desk = Desk::shared(&settings.data, settings.database_url.as_ref(), &settings.node)?;
        Ok(desk.erase(whom, calls).await?)
    })
}

/// The trail of all nodes, where there is one. What other nodes have in their journals is erased on each of them.
fn merged(settings: &Settings, whom: &Whom, calls: &[(String, String)], anywhere: bool) -> anyhow::Result<usize> {
    let Some(url) = &settings.database_url else { return Ok(0) };
    let address = Address::parse(url)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let erased = runtime.block_on(crate::merged::erase(&address, whom, calls, anywhere));
    erased.map_err(|why| anyhow::anyhow!("the trail of all nodes in PostgreSQL: {why}"))
}

/// Files of the folder that hold the number all the same.
fn left_in(folder: &Path, whom: &Whom) -> anyhow::Result<Vec<PathBuf>> {
    let Some(digits) = whom.digits() else { return Ok(Vec::new()) };
    let mut left = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() && holds(&path, digits.as_bytes())? {
                left.push(path);
            }
        }
    }
    left.sort();
    Ok(left)
}

/// Whether the bytes stand in the file, which may be larger than the memory.
fn holds(path: &Path, wanted: &[u8]) -> std::io::Result<bool> {
    use std::io::Read as _;
    let mut file = std::fs::File::open(path)?;
    let mut read = Vec::new();
    loop {
        let kept = read.len().min(wanted.len());
        read.drain(..read.len() - kept);
        if (&mut file).take(1 << 20).read_to_end(&mut read)? == 0 {
            return Ok(false);
        }
        if read.windows(wanted.len()).any(|window| window == wanted) {
            return Ok(true);
        }
    }
}
