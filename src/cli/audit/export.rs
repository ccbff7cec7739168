//! Records written out: lines of JSON with their proof, or rows for a table.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::Value;

use crate::app::ports::Clock as _;
use crate::chain::checkpoint::Checkpoint;
use crate::chain::export::{Exporter, Over};
use crate::cli::Answer;
use crate::cli::audit::everywhere;
use crate::cli::outcome::Outcome;
use crate::cli::trail::{Filter, Place, Source};
use crate::clock::SystemClock;
use crate::feed::sheet::{COLUMNS, row};
use crate::seal::{Folder, Keys};
use crate::store::Archive;

/// Which records, and in which form.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    ringfall audit export --org acme --since 2026-11-01 --out november.jsonl\n  \
    ringfall audit verify november.jsonl\n  \
    ringfall audit export --format csv --kind closed > calls.csv\n\
    The rows of `csv` have the same columns with the same types for every record, as tools for tables and Parquet want it.")]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    filter: Filter,
    /// `proof`: lines of JSON that verify on their own; `json`: the records alone; `csv`: rows
    #[arg(long, value_name = "FORMAT", default_value = "proof", value_parser = ["proof", "json", "csv"])]
    format: String,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub(in crate::cli) fn run(args: &Export) -> Answer {
    match &args.out {
        Some(file) => replace(file, |out| export(args, out)).with_context(|| format!("`{}`", file.display()))?,
        None => export(args, &mut BufWriter::new(std::io::stdout()))?,
    }
    Ok(Outcome::Fine)
}

/// Writes beside the file and puts that in its place when it is whole: one that fails leaves what was there.
fn replace(file: &Path, write: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    // What is no file, such as a pipe, cannot be replaced.
    if std::fs::metadata(file).is_ok_and(|known| !known.is_file()) {
        return write(&mut BufWriter::new(File::create(file)?));
    }
    // A link stays one: what it leads to is replaced.
    let file = std::fs::canonicalize(file).unwrap_or_else(|_new| file.to_owned());
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = file.with_file_name(name);
    let written = || {
        let mut out = BufWriter::new(File::create_new(&beside)?);
        if let Ok(known) = std::fs::metadata(&file) {
            out.get_ref().set_permissions(known.permissions())?;
        }
        write(&mut out)?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        Ok(std::fs::rename(&beside, &file)?)
    };
    written().inspect_err(|_told| drop(std::fs::remove_file(&beside)))
}

fn export(args: &Export, out: &mut impl Write) -> anyhow::Result<()> {
    match args.format.as_str() {
        "proof" => match args.place.source()? {
            Source::Journal(archive) => proved(args, &archive, out)?,
            Source::Merged(reader) => everywhere::proved(&args.filter, &reader, out)?,
        },
        "json" => each(args, |record| Ok(writeln!(out, "{}", serde_json::to_string(record)?)?))?,
        _ => {
            writeln!(out, "{}", COLUMNS.map(quoted).join(","))?;
            each(args, |record| {
                let cells: Vec<String> = row(record).iter().map(cell).collect();
                Ok(writeln!(out, "{}", cells.join(","))?)
            })?;
        }
    }
    Ok(out.flush()?)
}

fn each(args: &Export, mut write: impl FnMut(&Record) -> anyhow::Result<()>) -> anyhow::Result<()> {
    args.place.source()?.each_record(&args.filter, |record| write(&record).map(|()| ControlFlow::Continue(())))
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A text as a cell. One that a table would take for a formula gets an apostrophe; a number with its plus is none.
fn quoted(text: &str) -> String {
    let number = text.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number;
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

/// Entries go along with what is stored; what is not asked for is only a leaf.
fn proved(args: &Export, archive: &Archive, out: &mut impl Write) -> anyhow::Result<()> {
    let data = args.place.folder();
    let folder = Folder::open(&data).context("without a chain there is no proof: use --format json")?;
    let range = args.filter.range();
    let from = archive.place_before(range.start)?;
    let to = if range.end == Timestamp::MAX { i64::MAX } else { archive.place_before(range.end)? };
    let (mut exporter, first) = Exporter::new(Over::Stored, folder.node(), folder.started_at()?);
    out.write_all(first.as_bytes())?;
    let mut tip = folder.start()?;
    let begun = tip.count;
    let mut checkpoints = folder.checkpoints()?.into_iter().filter(|checkpoint| checkpoint.count > begun).peekable();
    let mut pages =
        Pages { archive, kept: Vec::new().into_iter().peekable(), stored: Vec::new().into_iter().peekable(), from };
    for segment in folder.segments()? {
        for entry in folder.entries(&segment)? {
            let found = if entry.seq > from && entry.seq <= to { pages.at(entry.seq)? } else { None };
            let found = found.filter(|(record, _)| args.filter.fits(record));
            let body = found.as_ref().map(|(record, _)| serde_json::to_string(record)).transpose()?;
            let asked =
                found.as_ref().zip(body.as_ref()).map(|((_, stored), body)| (Some(stored.as_slice()), body.as_str()));
            exporter.entry(&entry, asked);
            tip = tip_behind(tip, &entry);
            for checkpoint in here(&mut checkpoints, tip.count) {
                out.write_all(exporter.checkpoint(checkpoint).as_bytes())?;
            }
        }
    }
    // The last records are under no checkpoint yet: whoever has the key signs for them.
    let last = Keys::open(&data)?.signer.sign(folder.node(), &tip, &SystemClock.now().to_string());
    out.write_all(exporter.checkpoint(last).as_bytes())?;
    Ok(())
}

fn tip_behind(tip: crate::chain::entry::Tip, entry: &crate::chain::entry::Entry) -> crate::chain::entry::Tip {
    crate::chain::entry::Tip { count: tip.count + 1, seq: entry.seq, link: entry.link }
}

fn here(checkpoints: &mut Peekable<impl Iterator<Item = Checkpoint>>, count: u64) -> Vec<Checkpoint> {
    std::iter::from_fn(|| checkpoints.next_if(|next| next.count <= count)).collect()
}

type Record = crate::audit::record::Record;

/// Records in words and as they are stored, side by side.
struct Pages<'a> {
    archive: &'a Archive,
    kept: Peekable<std::vec::IntoIter<crate::store::Kept>>,
    stored: Peekable<std::vec::IntoIter<(i64, Vec<u8>)>>,
    from: i64,
}

impl Pages<'_> {
    fn at(&mut self, seq: i64) -> anyhow::Result<Option<(Record, Vec<u8>)>> {
        while self.kept.next_if(|kept| kept.seq < seq).is_some() {}
        while self.stored.next_if(|(place, _)| *place < seq).is_some() {}
        if self.kept.peek().is_none() || self.stored.peek().is_none() {
            self.from = self.from.max(seq - 1);
            self.kept = self.archive.records_after(self.from, 500)?.into_iter().peekable();
            self.stored = self.archive.stored_after(self.from, 500)?.into_iter().peekable();
        }
        let kept = self.kept.next_if(|kept| kept.seq == seq);
        let stored = self.stored.next_if(|(place, _)| *place == seq);
        Ok(kept.zip(stored).map(|(kept, (_, stored))| (kept.record, stored)))
    }
}
