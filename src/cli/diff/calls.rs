//! The recorded calls that a comparison is about: read as they come, and shared out among the cores.

use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::{SignedDuration, Timestamp};

use crate::cli::diff::recordings;
use crate::cli::diff::sides::Sides;
use crate::diff::trail::{is_seen, read};
use crate::diff::{Both, Seen, Tally, Trail};
use crate::store::Archive;
use crate::twiml::templates::Templates;

/// Calls that are handed to a core at once.
const BATCH: usize = 512;

/// Faults that are told one by one.
const TOLD: u64 = 5;

/// Calls after which progress is shown again.
const PROGRESS: u64 = 50_000;

/// What came of reading the calls.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// One tally for each pair of files.
    pub(crate) tallies: Vec<Tally>,
    /// Lines and files that hold no recorded call.
    pub(crate) unreadable: u64,
    /// Calls to numbers that are in none of the files, of organizations that are not compared.
    pub(crate) elsewhere: u64,
}

/// Work for a core.
enum Batch {
    Lines(Vec<(u64, String)>),
    Calls(Vec<Seen>),
}

/// Reads all calls of a file, or of all `.jsonl` files of a folder, and takes each through both sides.
pub(crate) fn count(place: &Place, sides: &Sides) -> anyhow::Result<Counted> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let (work, jobs) = bounded::<Batch>(cores * 4);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|_| {
                scope.spawn({
                    let jobs = jobs.clone();
                    move || worker(&jobs, sides)
                })
            })
            .collect();
        drop(jobs);
        let mut reader = Reader {
            work,
            lines: Vec::new(),
            calls: Vec::new(),
            trail: Trail::default(),
            faults: Faults::default(),
            read: 0,
        };
        let read = reader.place(place);
        let faults = reader.finish();
        let mut whole =
            Counted { tallies: sides.pairs.iter().map(|_| Tally::default()).collect(), ..Counted::default() };
        for worker in workers {
            let part = worker.join().map_err(|_panic| anyhow::anyhow!("a comparing thread stopped"))?;
            whole.tallies.iter_mut().zip(part.tallies).for_each(|(own, other)| own.merge(other));
            whole.unreadable += part.unreadable;
            whole.elsewhere += part.elsewhere;
        }
        read?;
        whole.unreadable += faults.count;
        Ok(whole)
    })
}

/// Where recorded calls are.
#[derive(Debug)]
pub(crate) enum Place {
    /// In files: lines of JSON, and recordings of one call each.
    Files(Vec<PathBuf>),
    /// In the journal of this data folder, from that moment on.
    Journal(PathBuf, Timestamp),
}

/// What the user's word for recorded calls means.
pub(crate) fn place(text: &str, data: &Path, now: Timestamp) -> anyhow::Result<Place> {
    if let Some(stretch) = text.strip_prefix("last-") {
        let (count, unit) = stretch.split_at(stretch.len().saturating_sub(1));
        let hours = match unit {
            "h" => 1,
            "d" => 24,
            "w" => 7 * 24,
            _ => anyhow::bail!("`{text}` is no stretch of time: write `last-30d`, `last-12h` or `last-4w`"),
        };
        let count: i64 = count.parse().with_context(|| format!("`{text}` is no stretch of time: write `last-30d`"))?;
        let from = now.checked_sub(SignedDuration::from_hours(count.saturating_mul(hours))).unwrap_or(Timestamp::MIN);
        return Ok(Place::Journal(data.to_owned(), from));
    }
    let (path, shown) = (Path::new(text), text);
    if !path.is_dir() {
        anyhow::ensure!(
            path.exists(),
            "there is no file or folder `{shown}`: give a file of records, a folder of recorded calls, or a stretch such as `last-30d`"
        );
        return Ok(Place::Files(vec![path.to_owned()]));
    }
    let mut paths = Vec::new();
    inside(path, &mut paths)?;
    paths.sort();
    anyhow::ensure!(!paths.is_empty(), "the folder `{shown}` has no recorded calls (`*.jsonl`, `*.yaml`)");
    Ok(Place::Files(paths))
}

/// What may hold recorded calls in the folder and those in it, hidden ones apart.
fn inside(folder: &Path, all: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let cannot = || format!("could not read the folder `{}`", folder.display());
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            inside(&path, all)?;
        } else if path.extension().is_some_and(|ending| ending == "jsonl" || is_yaml(ending)) {
            all.push(path);
        }
    }
    Ok(())
}

fn is_yaml(ending: &std::ffi::OsStr) -> bool {
    ending == "yaml" || ending == "yml"
}

/// Lines that are no calls: the first are told, all are counted.
#[derive(Debug, Default)]
struct Faults {
    count: u64,
}

impl Faults {
    #[expect(clippy::print_stderr, reason = "the command line talks on standard error")]
    fn note(&mut self, told: &str) {
        self.count += 1;
        if self.count <= TOLD {
            eprintln!("warning: {told}");
        } else if self.count == TOLD + 1 {
            eprintln!("warning: and more of the kind");
        }
    }
}

struct Reader {
    work: Sender<Batch>,
    lines: Vec<(u64, String)>,
    calls: Vec<Seen>,
    trail: Trail,
    faults: Faults,
    read: u64,
}

impl Reader {
    fn place(&mut self, place: &Place) -> anyhow::Result<()> {
        match place {
            Place::Files(files) => files.iter().try_for_each(|file| self.file(file)),
            Place::Journal(data, from) => self.journal(data, *from),
        }
    }

    /// Everything that the journal holds from then on.
    fn journal(&mut self, data: &Path, from: Timestamp) -> anyhow::Result<()> {
        let shown = data.display();
        let archive = Archive::open(data)?;
        archive
            .each_record(from..Timestamp::MAX, |kept| {
                self.trail.record(&kept.record);
                self.let_go();
                ControlFlow::Continue(())
            })
            .with_context(|| format!("could not read the journal in `{shown}`"))
    }

    fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let name = path.display().to_string();
        if path.extension().is_some_and(is_yaml) {
            if let Err(error) = recordings::add(path, &Templates::built_in(), &mut self.trail) {
                self.faults.note(&format!("{error:#}"));
            }
            self.let_go();
            return Ok(());
        }
        let file = File::open(path).with_context(|| format!("could not read `{name}`"))?;
        let mut lines = BufReader::with_capacity(1 << 20, file);
        let mut number = 0_u64;
        loop {
            let mut line = Vec::with_capacity(512);
            number += 1;
            if lines.read_until(b'\n', &mut line).with_context(|| format!("could not read `{name}`"))? == 0 {
                return Ok(());
            }
            match String::from_utf8(line) {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => self.line(&name, number, line),
                Err(_error) => self.faults.note(&format!("{name}:{number}: the line is not UTF-8")),
            }
        }
    }

    fn line(&mut self, name: &str, number: u64, line: String) {
        if is_seen(&line) {
            self.lines.push((number, line));
            if self.lines.len() >= BATCH {
                self.send(Self::lines);
            }
            self.progress(1);
            return;
        }
        if let Err(error) = self.trail.line(&line) {
            self.faults.note(&format!("{name}:{number}: {error}"));
        }
        self.let_go();
    }

    fn lines(&mut self) -> Batch {
        Batch::Lines(std::mem::take(&mut self.lines))
    }

    fn calls(&mut self) -> Batch {
        Batch::Calls(std::mem::take(&mut self.calls))
    }

    /// A worker that has stopped is noticed when it is joined.
    fn send(&mut self, batch: fn(&mut Self) -> Batch) {
        let batch = batch(self);
        drop(self.work.send(batch));
    }

    fn let_go(&mut self) {
        while let Some(seen) = self.trail.next_done() {
            self.calls.push(seen);
            self.progress(1);
            if self.calls.len() >= BATCH {
                self.send(Self::calls);
            }
        }
    }

    #[expect(clippy::print_stderr, reason = "the command line talks on standard error")]
    fn progress(&mut self, calls: u64) {
        self.read += calls;
        if self.read.is_multiple_of(PROGRESS) && std::io::stderr().is_terminal() {
            eprint!("\r{} calls", self.read);
        }
    }

    #[expect(clippy::print_stderr, reason = "the command line talks on standard error")]
    fn finish(mut self) -> Faults {
        self.trail.finish();
        self.let_go();
        self.send(Self::lines);
        self.send(Self::calls);
        if self.read >= PROGRESS && std::io::stderr().is_terminal() {
            eprint!("\r{:>30}\r", "");
        }
        self.faults
    }
}

fn worker(jobs: &Receiver<Batch>, sides: &Sides) -> Counted {
    let mut counted = Counted { tallies: sides.pairs.iter().map(|_| Tally::default()).collect(), ..Counted::default() };
    let mut faults = Faults::default();
    for batch in jobs {
        match batch {
            Batch::Calls(calls) => calls.iter().for_each(|seen| counted.add(seen, sides)),
            Batch::Lines(lines) => {
                for (number, line) in lines {
                    match read(&line) {
                        Ok(seen) => counted.add(&seen, sides),
                        Err(error) => faults.note(&format!("line {number}: {error}")),
                    }
                }
            }
        }
    }
    counted.unreadable = faults.count;
    counted
}

impl Counted {
    /// A call belongs to the files of its organization, or to those that its number is in.
    fn add(&mut self, seen: &Seen, sides: &Sides) {
        let owns = |(old, new): &(crate::cli::diff::sides::Side, crate::cli::diff::sides::Side)| {
            let named = !seen.org.is_empty() && (old.stem == seen.org || new.stem == seen.org);
            let lines = old.rules.lines.iter().chain(&new.rules.lines);
            named || lines.map(|line| line.number.as_str()).any(|number| number == seen.called)
        };
        let found = sides.pairs.iter().zip(&mut self.tallies).find(|(pair, _)| owns(pair));
        match found {
            Some(((old, new), tally)) => tally.add(Both { old: &old.rules, new: &new.rules }, seen),
            None => self.elsewhere += 1,
        }
    }
}
