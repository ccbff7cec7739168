//! The trail, or an export of it, held against the chain.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::chain::export::Reader;
use crate::chain::verify::Report;
use crate::cli::Answer;
use crate::cli::audit::compare::{self, Compared};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::cli::trail::Place;
use crate::seal::{self, Folder, Verdict};

/// What to verify, and with which key.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 everything holds, 1 something does not, 3 could not look.\n\
    Without FILE the journal here is held against its chain, and the trail of all nodes against the journal, where\n\
    the settings name a database and no --data is given; an export needs nothing but itself.\n\
    Keep the key that is shown elsewhere, and demand it with --key: then nobody can sign anew.")]
pub(in crate::cli) struct Verify {
    /// An export to verify
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The only key that may have signed, in hex
    #[arg(long, value_name = "HEX")]
    key: Option<String>,
    /// `text` or `json`
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    place: Place,
}

pub(in crate::cli) fn run(args: &Verify) -> Answer {
    match &args.file {
        Some(file) => export(args, file),
        None => journal(args),
    }
}

fn journal(args: &Verify) -> Answer {
    let folder = Folder::open(&args.place.folder())?;
    let shows = std::io::stderr().is_terminal();
    let progress = |seen| {
        if shows {
            eprint!("\r{seen} records");
        }
    };
    let verdict = seal::verify(&folder, &args.place.archive()?, args.key.clone(), progress);
    if shows {
        eprint!("\r");
    }
    let report = match verdict {
        Ok(report) => report,
        Err(Verdict::Fault(fault)) => return Ok(found(args, &format!("the chain does not hold: {fault}"))),
        Err(Verdict::Cannot(error)) => return Err(error.into()),
    };
    let there = match args.place.merged()? {
        Some(reader) => match compare::compare(&args.place.archive()?, &reader)? {
            Ok(compared) => Some(compared),
            Err(fault) => return Ok(found(args, &format!("the trail of all nodes is another one: {fault}"))),
        },
        None => None,
    };
    terminal::put(&match args.format.as_str() {
        "json" => {
            let mut value = serde_json::to_value(&report)?;
            if let (Some(fields), Some(there)) = (value.as_object_mut(), &there) {
                fields.insert("merged".to_owned(), serde_json::to_value(there)?);
            }
            format!("{value:#}\n")
        }
        _ => format!(
            "the chain of {} holds: {} records as they were written, {} without a person who was erased\n\
             {} checkpoints by the key {}; {} records since the last, {} not bound yet\n{}{}",
            folder.node(),
            report.whole,
            report.erased,
            report.checkpoints,
            report.key.as_deref().unwrap_or("(none yet)"),
            report.unsigned,
            report.waiting,
            kept(&report),
            there.as_ref().map_or_else(String::new, merged)
        ),
    });
    Ok(Outcome::Fine)
}

/// How much of the journal the trail of all nodes has.
fn merged(there: &Compared) -> String {
    let Compared { same, erased, let_go, waiting } = there;
    format!(
        "the trail of all nodes has {same} of these records as they are here, and {erased} without a person who was \
         erased; {let_go} were let go there, {waiting} are on their way\n"
    )
}

/// From when on the trail is kept, when some of it was let go.
fn kept(report: &Report) -> String {
    let mut told = String::new();
    if let Some(since) = &report.kept_since {
        let before = report.let_go;
        told = format!("the trail is kept from the checkpoint of {since} on; {before} records before it were let go\n");
    }
    if report.let_go_since > 0 {
        let more = report.let_go_since;
        told.push_str(&format!(
            "{more} records since then went sooner, as their organizations want it; that is signed for\n"
        ));
    }
    told
}

fn found(args: &Verify, fault: &str) -> Outcome {
    terminal::put(&match args.format.as_str() {
        "json" => format!("{:#}\n", serde_json::json!({ "fault": fault })),
        _ => format!("{fault}\n"),
    });
    Outcome::Findings
}

fn export(args: &Verify, file: &Path) -> Answer {
    let shown = || format!("`{}`", file.display());
    let lines = BufReader::new(std::fs::File::open(file).with_context(shown)?);
    let mut reader = Reader::new(args.key.clone());
    for line in lines.lines() {
        if let Err(fault) = reader.line(&line.with_context(shown)?) {
            return Ok(found(args, &format!("the chain does not hold: {fault}")));
        }
    }
    match reader.finish() {
        Ok(proved) if args.format == "json" => terminal::put(&format!("{:#}\n", serde_json::to_value(&proved)?)),
        Ok(proved) => terminal::put(&format!(
            "{} records of {} are as they were written, {} of them without a person who was erased\n\
             signed by the key {}\n",
            proved.records,
            proved.node,
            proved.erased,
            proved.key.as_deref().unwrap_or("(none)")
        )),
        Err(fault) => return Ok(found(args, &format!("the chain does not hold: {fault}"))),
    }
    Ok(Outcome::Fine)
}
