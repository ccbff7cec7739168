//! `ringfall report`: calls added up.

use std::ops::{ControlFlow, Range};
use std::path::PathBuf;

use anyhow::Context as _;
use jiff::Timestamp;

use crate::app::ports::{Clock as _, JournalError};
use crate::cli::Answer;
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::cli::trail::{Place, Source, Stretch};
use crate::clock::SystemClock;
use crate::draw::diagnostics::Style;
use crate::model::moment::Zone;
use crate::report::call::Call;
use crate::report::tally::Tally;
use crate::report::text::Ink;
use crate::report::{json, svg, text};
use crate::store::Archive;

/// Which calls, and how they are shown.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ringfall report --since 30d\n  ringfall report --org acme --since 2026-11-01 --svg week.svg\n\
    Hours and weekdays are those of each line's own time zone."
)]
pub struct Report {
    /// Calls of this organization alone
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    #[command(flatten)]
    stretch: Stretch,
    /// Hours and weekdays in this time zone instead of each line's own
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// `text` or `json`
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    /// Also writes the map of the week as a picture into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: &Report) -> Answer {
    let zone = match &args.timezone {
        Some(name) => {
            Some(Zone::named(name).with_context(|| format!("`{name}` is no time zone such as America/Chicago"))?)
        }
        None => None,
    };
    let (org, stretch) = (args.org.as_deref(), args.stretch.range());
    let tally = match args.place.source()? {
        Source::Journal(archive) => added(&archive, org, &stretch, zone.as_ref())?,
        Source::Merged(reader) => {
            let mut tally = Tally::new(zone);
            reader.each_call(org, &stretch, |call| tally.add(&Call::of(call)))?;
            tally
        }
    };
    let (whole, lines) = tally.finish();
    if let Some(file) = &args.svg {
        std::fs::write(file, svg::svg(&whole)).with_context(|| format!("`{}`", file.display()))?;
    }
    let ink = match terminal::style(&std::io::stdout()) {
        Style::Colored => Ink::Colored,
        Style::Plain => Ink::Plain,
    };
    terminal::put(&match args.format.as_str() {
        "json" => format!("{:#}\n", json::json(&whole, &lines)),
        _ => text::text(&whole, &lines, ink),
    });
    Ok(Outcome::Fine)
}

/// The calls of the stretch, added up by as many hands as the machine has.
fn added(archive: &Archive, org: Option<&str>, asked: &Range<Timestamp>, zone: Option<&Zone>) -> anyhow::Result<Tally> {
    let mut tally = Tally::new(zone.cloned());
    let Some(first) = archive.first_call()? else { return Ok(tally) };
    let last = SystemClock.now().max(first) + std::time::Duration::from_secs(86_400);
    let (from, to) = (asked.start.max(first).as_second(), asked.end.min(last).as_second());
    if to < from {
        return Ok(tally);
    }
    let hands = i64::try_from(std::thread::available_parallelism().map_or(1, usize::from)).unwrap_or(1);
    // Calls are not spread evenly: small parts, taken as hands get free.
    let parts = hands * 8;
    let edge = |part: i64| match part {
        0 => asked.start,
        _ if part == parts => asked.end,
        _ => Timestamp::from_second(from + (to - from) * part / parts).unwrap_or(asked.end),
    };
    let next = std::sync::atomic::AtomicI64::new(0);
    let work = || -> Result<Tally, JournalError> {
        let mut own = Tally::new(zone.cloned());
        loop {
            let part = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if part >= parts {
                return Ok(own);
            }
            let stretch = edge(part).max(asked.start)..edge(part + 1).min(asked.end);
            archive.each_call(org, stretch, |summary| {
                own.add(&Call::of(summary));
                ControlFlow::Continue(())
            })?;
        }
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..hands).map(|_| scope.spawn(work)).collect();
        for one in all {
            let own = one.join().map_err(|_panic| anyhow::anyhow!("adding up failed unexpectedly"))??;
            tally.merge(own);
        }
        Ok(tally)
    })
}
