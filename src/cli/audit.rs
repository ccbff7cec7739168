//! `ringfall audit`: the trail read, exported, verified, and a person taken out of it.

use clap::Subcommand;

use crate::cli::Answer;

mod compare;
mod erase;
mod everywhere;
mod export;
mod list;
mod recordings;
mod verify;

/// What is wanted of the trail.
#[derive(Debug, clap::Args)]
pub struct Audit {
    #[command(subcommand)]
    wish: Wish,
}

#[derive(Debug, Subcommand)]
enum Wish {
    /// List records, oldest first
    List(list::List),
    /// Show one record whole, by its id
    Show(list::Show),
    /// Show the latest records, and those that come if asked to
    Tail(list::Tail),
    /// Write records out: lines of JSON with their proof, or rows for a table
    Export(export::Export),
    /// Hold every record against the chain, and name the first that does not fit
    Verify(verify::Verify),
    /// Take a person out of every record, and leave the chain whole
    Erase(erase::Erase),
}

pub(crate) fn run(args: &Audit) -> Answer {
    match &args.wish {
        Wish::List(args) => list::list(args),
        Wish::Show(args) => list::show(args),
        Wish::Tail(args) => list::tail(args),
        Wish::Export(args) => export::run(args),
        Wish::Verify(args) => verify::run(args),
        Wish::Erase(args) => erase::run(args),
    }
}
