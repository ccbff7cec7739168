//! Records in the terminal: many in a line each, or one whole.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use uuid::Uuid;

use crate::audit::record::Record;
use crate::cli::Answer;
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::cli::trail::{Filter, Place, Source};
use crate::merged::Reader;
use crate::report::why;
use crate::store::Archive;

/// Which records, and how many.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ringfall audit list --org acme --kind closed --since 7d")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    filter: Filter,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    limit: usize,
    /// `text`, or `json`: one record a line
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    place: Place,
}

/// Which record.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Show {
    /// The record's id, as listings, sinks and exports have it
    #[arg(value_name = "ID")]
    id: Uuid,
    #[command(flatten)]
    place: Place,
}

/// How many of the latest, and whether to wait for more.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Tail {
    /// So many of the latest
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    lines: usize,
    /// Go on with those that come
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    filter: Filter,
    /// `text`, or `json`: one record a line
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    place: Place,
}

fn line(record: &Record, format: &str) -> String {
    if format == "json" {
        return format!("{}\n", serde_json::to_string(record).unwrap_or_default());
    }
    let time: String = record.received.local.chars().take(19).collect();
    let call: String = if record.call.is_empty() { "-".to_owned() } else { record.call.clone() };
    let org = if record.org.is_empty() { "-" } else { &record.org };
    format!("{time}  {org:<16} {call:<34} {:<10} {}\n", record.kind.word(), why::event(record))
}

pub(in crate::cli) fn list(args: &List) -> Answer {
    let mut left = args.limit;
    args.place.source()?.each_record(&args.filter, |record| {
        if left == 0 {
            eprintln!("note: there are more; say how many with --limit");
            return Ok(ControlFlow::Break(()));
        }
        terminal::put(&line(&record, &args.format));
        left -= 1;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Outcome::Fine)
}

/// Minutes around the time in a record's name within which it was written.
const AROUND: Duration = Duration::from_secs(15 * 60);

pub(in crate::cli) fn show(args: &Show) -> Answer {
    let found = match args.place.source()? {
        Source::Journal(archive) => found(args, &archive)?,
        Source::Merged(reader) => reader.record(args.id)?,
    };
    let Some(record) = found else {
        eprintln!("there is no record `{}`", args.id);
        return Ok(Outcome::Findings);
    };
    terminal::put(&format!("{}\n", serde_json::to_string_pretty(&record)?));
    Ok(Outcome::Fine)
}

fn found(args: &Show, archive: &Archive) -> anyhow::Result<Option<Record>> {
    let (seconds, nanoseconds) = args.id.get_timestamp().context("a record's id is a version 7 UUID")?.to_unix();
    let at = Timestamp::new(i64::try_from(seconds)?, i32::try_from(nanoseconds)?)?;
    let mut found = None;
    let mut look = |kept: crate::store::Kept| {
        if kept.record.id == args.id {
            found = Some(kept.record);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    archive.each_record(at - AROUND..at + AROUND, &mut look)?;
    if found.is_none() {
        // A record that waited for the disk was written long after its request came in.
        archive.each_record(at + AROUND..Timestamp::MAX, &mut |kept: crate::store::Kept| {
            if kept.record.id == args.id {
                found = Some(kept.record);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(found)
}

/// Between two looks for more.
const LOOK: Duration = Duration::from_millis(300);

/// Records looked at for each that is wanted, before it is given up that more of them fit.
const LOOKED_AT: i64 = 100;

pub(in crate::cli) fn tail(args: &Tail) -> Answer {
    match args.place.source()? {
        Source::Journal(archive) => of_journal(args, &archive),
        Source::Merged(reader) => of_all_nodes(args, &reader),
    }
}

fn of_all_nodes(args: &Tail, reader: &Reader) -> Answer {
    let show = |record: &Record| terminal::put(&line(record, &args.format));
    let mut places = reader.places()?;
    let most = i64::try_from(args.lines).unwrap_or(i64::MAX);
    let looked_at = if args.filter.names_a_caller() { most.saturating_mul(LOOKED_AT) } else { most };
    let fits = |record: &Record| args.filter.fits(record);
    reader.latest(&args.filter.asked(), args.lines, looked_at, fits)?.iter().for_each(show);
    if !args.follow {
        return Ok(Outcome::Fine);
    }
    loop {
        std::thread::sleep(LOOK);
        reader.news(&mut places, |record| {
            if fits(record) {
                show(record);
            }
        })?;
    }
}

fn of_journal(args: &Tail, archive: &Archive) -> Answer {
    let latest = archive.latest()?;
    let wanted = i64::try_from(args.lines).unwrap_or(i64::MAX);
    let mut place = latest.saturating_sub(wanted.saturating_mul(LOOKED_AT)).max(0);
    let mut last = std::collections::VecDeque::new();
    loop {
        let page = archive.records_after(place, 500)?;
        let Some(end) = page.last() else { break };
        place = end.seq;
        last.extend(page.into_iter().map(|kept| kept.record).filter(|record| args.filter.fits(record)));
        while last.len() > args.lines {
            last.pop_front();
        }
    }
    last.iter().for_each(|record| terminal::put(&line(record, &args.format)));
    if !args.follow {
        return Ok(Outcome::Fine);
    }
    loop {
        let page = archive.records_after(place, 500)?;
        for kept in &page {
            if args.filter.fits(&kept.record) {
                terminal::put(&line(&kept.record, &args.format));
            }
            place = kept.seq;
        }
        if page.is_empty() {
            std::thread::sleep(LOOK);
        }
    }
}
