//! The trail, or an export of it, held against the chain.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

use crate::chain::export::Reader;
use crate::chain::verify::Report;
use crate::cli::Answer;
use crate::cli::audit::compare::{self, Compared};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::cli::trail::Place;
use crate::merged::{Proof, Proved, Reader as Merged};
use crate::seal::{self, Folder, SealError, Verdict};

/// What to verify, and with which key.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 everything holds, 1 something does not, 3 could not look.\n\
    Where the settings name a database and no --data is given, the trail of all nodes is held against the chains that\n\
    stand beside it, which needs nothing but the database, and against the journal here, where there is one. Else the\n\
    journal alone is held against its chain. An export needs nothing but itself.\n\
    Keep the keys that are shown elsewhere, and demand them with --key: then nobody can sign anew.")]
pub(in crate::cli) struct Verify {
    /// An export to verify
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// A key that may have signed, in hex, and no others; once for each node
    #[arg(long = "key", value_name = "HEX")]
    keys: Vec<String>,
    /// `text` or `json`
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    place: Place,
}

pub(in crate::cli) fn run(args: &Verify) -> Answer {
    match &args.file {
        Some(file) => export(args, file),
        None => trail(args),
    }
}

/// What holds of the journal here.
struct Own {
    node: String,
    report: Report,
    there: Option<Compared>,
}

fn trail(args: &Verify) -> Answer {
    let reader = args.place.merged()?;
    let folder = match Folder::open(&args.place.folder()) {
        Ok(folder) => Some(folder),
        // The disk of the node may be gone: the trail of all nodes is proved without it.
        Err(SealError::Missing(_)) if reader.is_some() => None,
        Err(error) => return Err(error.into()),
    };
    let own = match folder.map(|folder| own(args, &folder, reader.as_ref())).transpose()? {
        Some(Ok(own)) => Some(own),
        Some(Err(fault)) => return Ok(found(args, &fault)),
        None => None,
    };
    let proof = match reader.map(|reader| reader.verify(&args.keys, progress())).transpose()? {
        Some(Ok(proof)) => Some(proof),
        Some(Err(faulty)) => return Ok(found(args, &format!("the trail of all nodes does not hold: {faulty}"))),
        None => None,
    };
    quiet();
    terminal::put(&match args.format.as_str() {
        "json" => format!("{:#}\n", json(own.as_ref(), proof.as_ref())?),
        _ => own.as_ref().map_or_else(String::new, text) + &proof.as_ref().map_or_else(String::new, proved),
    });
    let all = proof.is_none_or(|proof| proof.unproven.is_empty() && proof.nodes.iter().all(|node| node.before == 0));
    Ok(if all { Outcome::Fine } else { Outcome::Findings })
}

/// Shows how many records were seen, where somebody looks.
fn progress() -> impl FnMut(u64) {
    let shows = std::io::stderr().is_terminal();
    move |seen| {
        if shows {
            eprint!("\r{seen} records");
        }
    }
}

fn quiet() {
    if std::io::stderr().is_terminal() {
        eprint!("\r");
    }
}

/// Holds the journal here against its chain, and the trail of all nodes against the journal.
fn own(args: &Verify, folder: &Folder, reader: Option<&Merged>) -> anyhow::Result<Result<Own, String>> {
    let archive = args.place.archive()?;
    let report = match seal::verify(folder, &archive, &args.keys, progress()) {
        Ok(report) => report,
        Err(Verdict::Fault(fault)) => return Ok(Err(format!("the chain does not hold: {fault}"))),
        Err(Verdict::Cannot(error)) => return Err(error.into()),
    };
    let there = match reader.map(|reader| compare::compare(&archive, reader)).transpose()? {
        Some(Ok(compared)) => Some(compared),
        Some(Err(fault)) => return Ok(Err(format!("the trail of all nodes is another one: {fault}"))),
        None => None,
    };
    Ok(Ok(Own { node: folder.node().to_owned(), report, there }))
}

fn json(own: Option<&Own>, proof: Option<&Proof>) -> anyhow::Result<Value> {
    let mut value = match own {
        Some(own) => serde_json::to_value(&own.report)?,
        None => serde_json::json!({}),
    };
    if let Some(fields) = value.as_object_mut() {
        if let Some(there) = own.and_then(|own| own.there.as_ref()) {
            fields.insert("merged".to_owned(), serde_json::to_value(there)?);
        }
        if let Some(Proof { nodes, unproven }) = proof {
            fields.insert("nodes".to_owned(), serde_json::to_value(nodes)?);
            let unproven: BTreeMap<_, _> = unproven.iter().cloned().collect();
            fields.insert("unproven".to_owned(), serde_json::to_value(unproven)?);
        }
    }
    Ok(value)
}

fn text(Own { node, report, there }: &Own) -> String {
    format!(
        "the chain of {node} holds: {} records as they were written, {} without a person who was erased\n\
         {} checkpoints by the key {}; {} records since the last, {} not bound yet\n{}{}",
        report.whole,
        report.erased,
        report.checkpoints,
        report.key.as_deref().unwrap_or("(none yet)"),
        report.unsigned,
        report.waiting,
        kept(report),
        there.as_ref().map_or_else(String::new, merged)
    )
}

/// What the trail of all nodes proves by itself.
fn proved(proof: &Proof) -> String {
    let mut told = String::new();
    for Proved { node, report, first, last, signed_at, before } in &proof.nodes {
        let _written = write!(
            told,
            "the trail of all nodes holds for {node}: {} records as they were written, {} without a person who was \
             erased\n  places {first} to {last}, signed until {} by the key {}\n",
            report.whole,
            report.erased,
            signed_at.as_deref().unwrap_or("(never)"),
            report.key.as_deref().unwrap_or("(none)"),
        );
        for line in kept(report).lines() {
            let _written = writeln!(told, "  {line}");
        }
        if *before > 0 {
            let _written = writeln!(told, "  {before} records before the first place are proved by nothing");
        }
    }
    for (node, count) in &proof.unproven {
        let _written = writeln!(told, "{count} records of {node} are proved by nothing: it has no chain there");
    }
    told
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
    quiet();
    terminal::put(&match args.format.as_str() {
        "json" => format!("{:#}\n", serde_json::json!({ "fault": fault })),
        _ => format!("{fault}\n"),
    });
    Outcome::Findings
}

fn export(args: &Verify, file: &Path) -> Answer {
    let shown = || format!("`{}`", file.display());
    let lines = BufReader::new(std::fs::File::open(file).with_context(shown)?);
    let mut reader = Reader::new(&args.keys);
    for line in lines.lines() {
        if let Err(fault) = reader.line(&line.with_context(shown)?) {
            return Ok(found(args, &format!("the chain does not hold: {fault}")));
        }
    }
    let all = match reader.finish() {
        Ok(all) => all,
        Err(fault) => return Ok(found(args, &format!("the chain does not hold: {fault}"))),
    };
    if args.format == "json" {
        // A file of one chain is one object, as ever.
        let value = if let [one] = all.as_slice() { serde_json::to_value(one) } else { serde_json::to_value(&all) };
        terminal::put(&format!("{:#}\n", value?));
        return Ok(Outcome::Fine);
    }
    for proved in &all {
        terminal::put(&format!(
            "{} records of {} are as they were written, {} of them without a person who was erased\n\
             signed by the key {}\n",
            proved.records,
            proved.node,
            proved.erased,
            proved.key.as_deref().unwrap_or("(none)")
        ));
    }
    Ok(Outcome::Fine)
}
