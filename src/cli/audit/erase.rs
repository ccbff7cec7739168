//! A person taken out of every record.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use crate::cli::Answer;
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::cli::trail::Place;
use crate::seal::{Folder, SealError};
use crate::store::Erasing;

/// Whom to take out.
#[derive(Debug, clap::Args)]
#[command(after_help = "The service must be stopped: it holds the journal.\n\
    What sinks have already been sent is elsewhere, and must be erased there.\n\
    Exit codes: 0 erased, 1 nothing tells of this caller, 3 could not run.\n\
    Example: ringfall audit erase --caller +13125550123")]
pub(in crate::cli) struct Erase {
    /// The caller, as records have it
    #[arg(long, value_name = "NUMBER")]
    caller: String,
    /// Say what would be erased, and leave it
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
}

pub(in crate::cli) fn run(args: &Erase) -> Answer {
    let data = args.place.folder();
    // Looked at first, so that a folder without a journal is not made into one.
    drop(args.place.archive()?);
    let erasing = Erasing::find(&data, &args.caller)?;
    if erasing.records.is_empty() {
        eprintln!("nothing tells of this caller");
        return Ok(Outcome::Findings);
    }
    let recordings = erasing.recordings.clone();
    if args.dry_run {
        terminal::put(&format!("{} records would be erased\n", erasing.records.len()));
    } else {
        // The salts go first: should this stop half way, it finds the same records when it is run again.
        match Folder::open(&data) {
            Ok(chain) => drop(chain.erase(&erasing.records)?),
            Err(SealError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let erased = erasing.finish()?;
        terminal::put(&format!("erased from {} calls and {} records\n", erased.calls, erased.records));
    }
    for recording in recordings {
        terminal::put(&format!("recording {recording}: delete it at the carrier\n"));
    }
    Ok(Outcome::Fine)
}
