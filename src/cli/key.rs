//! `ringfall key`: which keys stored secrets are sealed under, and the change to a new one.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::io::IsTerminal as _;

use crate::cli::Answer;
use crate::cli::office::{self, Desk};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;

/// What to do with the key.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "To change the key: make one with `openssl rand -hex 32`, set ENCRYPTION_KEY to it and ENCRYPTION_KEY_PREVIOUS to the\n\
    old one, restart every server, run `ringfall key rotate`, and leave ENCRYPTION_KEY_PREVIOUS out again.\n\
    An interrupted change is taken up again by running it again."
)]
pub struct Key {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    desk: Desk,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Put every stored secret under the present key, in batches
    Rotate,
    /// Tell how many secrets are sealed under which key
    List,
}

pub(crate) fn run(args: &Key) -> Answer {
    office::run(&args.desk, async |office, settings| match &args.what {
        What::Rotate => {
            let by = args.desk.stamp();
            let shown = std::io::stderr().is_terminal();
            let told = office
                .reseal(&by, |progress| {
                    if shown {
                        eprint!("\r{} organizations, {} accounts done", progress.organizations, progress.resealed);
                    }
                })
                .await;
            if shown {
                eprintln!();
            }
            let told = told?;
            terminal::put(&format!(
                "{} accounts put under the present key, {} were under it already\n",
                told.resealed, told.current
            ));
            Ok(Outcome::Fine)
        }
        What::List => {
            let present = settings.ring.as_ref().map(|ring| ring.current().to_string());
            for (key, count) in office.keys_in_use().await? {
                let note = if present.as_ref() == Some(&key) { " (present)" } else { "" };
                terminal::put(&format!("{key} {count} secrets{note}\n"));
            }
            Ok(Outcome::Fine)
        }
    })
}
