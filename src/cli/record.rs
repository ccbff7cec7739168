//! `ringfall record`: calls of the audit trail made into files that can be committed and played again.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;

use crate::app::ports::Clock as _;
use crate::cli::Answer;
use crate::cli::outcome::Outcome;
use crate::cli::record::recorder::{Found, Recorder, Unrecorded, Where};
use crate::cli::replay::Progress;
use crate::cli::terminal;
use crate::clock::SystemClock;
use crate::model::digest::Digest;
use crate::rules::grammar;
use crate::store::Archive;

mod key;
pub(crate) mod recorder;

/// Which calls to record, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    ringfall record --call CA0123456789abcdef0123456789abcdef\n  \
    ringfall record --last 30d --sample 500 --out calls/\n  \
    ringfall record --last 7d --org acme --embed --out calls/\n\n\
    Numbers, names and words become stand-ins; `ringfall replay` plays what was recorded.")]
pub struct Record {
    /// One call, by the carrier's identifier; may be given several times
    #[arg(long, value_name = "CA…", required_unless_present_any = ["last", "sample"])]
    call: Vec<String>,
    /// All calls that came in within this time, such as `30d`; 30 days with `--sample` alone
    #[arg(long, value_name = "TIME", conflicts_with = "call")]
    last: Option<String>,
    /// Only so many of them, drawn by chance
    #[arg(long, value_name = "N", conflicts_with = "call")]
    sample: Option<usize>,
    /// Draws the same calls again for the same number
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "sample")]
    seed: u64,
    #[command(flatten)]
    from: From,
    /// Put a copy of the rules into each file, with stand-ins for their numbers too
    #[arg(long)]
    embed: bool,
    /// The folder that the files are written to
    #[arg(long, value_name = "DIR", default_value = "fixtures/recorded")]
    out: PathBuf,
}

/// Where calls and rules are.
#[derive(Debug, clap::Args)]
pub(crate) struct From {
    /// Only calls of this organization
    #[arg(long, value_name = "NAME")]
    pub(crate) org: Option<String>,
    /// The folder in which the server keeps its data
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The folder of rule files
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<PathBuf>,
    /// The folder of your own TwiML templates; `twiml-templates` when it is there
    #[arg(long, value_name = "FOLDER")]
    pub(crate) templates: Option<PathBuf>,
    /// The file of the key for stand-ins; `fixture.key` in the data folder, made when it is not there
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

pub(crate) fn run(args: &Record) -> Answer {
    let stretch = match stretch(args.last.as_deref()) {
        Ok(stretch) => stretch,
        Err(error) => {
            eprintln!("error: --last: {error}");
            return Ok(Outcome::Misuse);
        }
    };
    let recorder = Recorder::new(&args.from)?;
    let calls = if args.call.is_empty() {
        let mut calls = within(&recorder.archive, args.from.org.as_deref(), stretch)?;
        if let Some(most) = args.sample {
            calls = drawn(calls, most, args.seed);
        }
        calls
    } else {
        let mut calls = Vec::new();
        for call in &args.call {
            calls.push(recorder.find(call)?.with_context(|| format!("there is no call `{call}` in the trail"))?);
        }
        calls
    };
    if calls.is_empty() {
        eprintln!("error: no call has come to its end in that time");
        return Ok(Outcome::Findings);
    }
    std::fs::create_dir_all(&args.out).with_context(|| format!("could not make `{}`", args.out.display()))?;
    let (mut made, mut webhooks, mut kept, mut failed) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut progress = Progress::new(calls.len());
    for call in &calls {
        let place = if args.embed { Where::Copy } else { Where::Beside(&args.out) };
        match recorder.record(call, place) {
            Ok(recording) => {
                let path = args.out.join(format!("{}.yaml", recording.call));
                std::fs::write(&path, recording.text())
                    .with_context(|| format!("could not write `{}`", path.display()))?;
                (made, webhooks) = (made + 1, webhooks + recording.webhooks.len());
                kept += usize::from(!recording.kept.is_empty());
            }
            Err(Unrecorded(why)) => {
                progress.clear();
                eprintln!("error: call {}: {why}", call.call);
                failed += 1;
            }
        }
        progress.step();
    }
    progress.clear();
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let folder = shown(&args.out);
    terminal::put(&format!("recorded {made} call{} with {webhooks} webhook{} in {folder}\n", s(made), s(webhooks)));
    if kept > 0 {
        eprintln!("note: {kept} of them keep something that is no stand-in: read `kept` in them before you share them");
    }
    Ok(if failed == 0 { Outcome::Fine } else { Outcome::Findings })
}

fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}

/// The time to look at.
fn stretch(last: Option<&str>) -> Result<std::ops::Range<Timestamp>, String> {
    let seconds = grammar::duration(last.unwrap_or("30d")).map_err(|error| error.message)?;
    let now = SystemClock.now();
    let start = now.checked_sub(jiff::SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MIN);
    Ok(start..now.checked_add(jiff::SignedDuration::from_secs(1)).unwrap_or(now))
}

/// The calls that began in the stretch and are over.
fn within(archive: &Archive, org: Option<&str>, stretch: std::ops::Range<Timestamp>) -> anyhow::Result<Vec<Found>> {
    let mut calls = Vec::new();
    archive.each_call(org, stretch, |summary| {
        if summary.end.is_some() {
            calls.push(Found { org: summary.org, call: summary.call });
        }
        ControlFlow::Continue(())
    })?;
    Ok(calls)
}

/// So many of the calls, in their order; which ones depends on the seed and on nothing else.
fn drawn(calls: Vec<Found>, most: usize, seed: u64) -> Vec<Found> {
    let lot = |call: &Found| Digest::of([seed.to_be_bytes().as_slice(), call.call.as_bytes()]);
    let mut lots: Vec<Digest> = calls.iter().map(lot).collect();
    lots.sort_unstable();
    let Some(last) = lots.get(most) else { return calls };
    let last = *last;
    calls.into_iter().filter(|call| lot(call) < last).collect()
}
