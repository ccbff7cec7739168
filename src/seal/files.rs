//! Entries and checkpoints as files: entries of one size, so that each is found by reckoning; checkpoints as lines.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::chain::checkpoint::Checkpoint;
use crate::chain::checkpoint::Signer;
use crate::chain::entry::{Entry, SIZE, Tip};
use crate::chain::letgo::LetGo;

/// Why the chain cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key.
    #[error("the key of the audit trail: {0}")]
    Key(String),
    /// A file.
    #[error("the chain in `{}`: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The files say things that cannot be.
    #[error("the chain is spoilt: {0}")]
    Spoilt(String),
    /// There is none.
    #[error("there is no chain in `{}`: `ringfall serve` makes it beside the journal", .0.display())]
    Missing(PathBuf),
    /// The journal.
    #[error("{0}")]
    Journal(String),
}

/// The folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    node: String,
}

/// Some entries in one file: its name says how many come before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Entries before it.
    pub before: u64,
    path: PathBuf,
}

const NODE: &str = "node";
const CHECKPOINTS: &str = "checkpoints.jsonl";
const ENDING: &str = "chain";
const LET_GO: &str = "let-go";

impl Folder {
    fn at(data: &Path) -> PathBuf {
        data.join("chain")
    }

    /// Opens the chain in the data folder, or begins one for the node.
    pub fn make(data: &Path, node: &str) -> Result<Self, SealError> {
        let path = Self::at(data);
        let cannot = |source| SealError::File { path: path.clone(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(cannot)?;
        if !path.join(NODE).exists() {
            std::fs::write(path.join(NODE), node).map_err(cannot)?;
        }
        Self::open(data)
    }

    /// Opens the chain in the data folder.
    pub fn open(data: &Path) -> Result<Self, SealError> {
        let path = Self::at(data);
        match std::fs::read_to_string(path.join(NODE)) {
            // A node may get another name; its chain keeps the one it began with.
            Ok(node) => Ok(Self { node: node.trim().to_owned(), path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SealError::Missing(path)),
            Err(source) => Err(SealError::File { path, source }),
        }
    }

    /// The node whose chain it is.
    pub fn node(&self) -> &str {
        &self.node
    }

    fn cannot(&self, source: io::Error) -> SealError {
        SealError::File { path: self.path.clone(), source }
    }

    /// All files of entries, in order.
    pub fn segments(&self) -> Result<Vec<Segment>, SealError> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(|error| self.cannot(error))? {
            let path = entry.map_err(|error| self.cannot(error))?.path();
            let before = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            if let (Some(before), true) = (before, path.extension().is_some_and(|ending| ending == ENDING)) {
                found.push(Segment { before, path });
            }
        }
        found.sort_by_key(|segment| segment.before);
        Ok(found)
    }

    /// The entries of a file; what was half written when the machine stopped is left out.
    pub fn entries(&self, segment: &Segment) -> Result<Vec<Entry>, SealError> {
        let bytes = std::fs::read(&segment.path).map_err(|error| self.cannot(error))?;
        let (whole, _) = bytes.as_chunks::<SIZE>();
        Ok(whole.iter().map(Entry::decode).collect())
    }

    /// All checkpoints, in order; a line that was half written when the machine stopped is left out.
    pub fn checkpoints(&self) -> Result<Vec<Checkpoint>, SealError> {
        let text = match std::fs::read_to_string(self.path.join(CHECKPOINTS)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.cannot(error)),
        };
        let mut found: Vec<Checkpoint> = Vec::new();
        let lines: Vec<&str> = text.lines().collect();
        for (place, line) in lines.iter().enumerate() {
            match serde_json::from_str(line) {
                Ok(checkpoint) => found.push(checkpoint),
                Err(_) if place + 1 == lines.len() && !text.ends_with('\n') => {}
                Err(_) => return Err(SealError::Spoilt(format!("line {} of `{CHECKPOINTS}`", place + 1))),
            }
        }
        Ok(found)
    }

    /// Where the chain that is kept begins.
    pub fn start(&self) -> Result<Tip, SealError> {
        let before = self.segments()?.first().map_or(0, |segment| segment.before);
        self.tip_at(before)
    }

    /// The checkpoint that the chain that is kept begins at; none when it is all kept.
    pub fn started_at(&self) -> Result<Option<Checkpoint>, SealError> {
        let before = self.segments()?.first().map_or(0, |segment| segment.before);
        Ok(self.checkpoints()?.into_iter().find(|checkpoint| before > 0 && checkpoint.count == before))
    }

    fn tip_at(&self, count: u64) -> Result<Tip, SealError> {
        if count == 0 {
            return Ok(Tip::genesis(&self.node));
        }
        let found = self.checkpoints()?.into_iter().find(|checkpoint| checkpoint.count == count);
        let tip = found.as_ref().and_then(Checkpoint::tip);
        tip.ok_or_else(|| SealError::Spoilt(format!("no checkpoint says what came before the entry {}", count + 1)))
    }

    /// Where the chain ends.
    pub fn tip(&self) -> Result<Tip, SealError> {
        let Some(last) = self.segments()?.pop() else { return Ok(Tip::genesis(&self.node)) };
        let mut file = File::open(&last.path).map_err(|error| self.cannot(error))?;
        let whole = file.metadata().map_err(|error| self.cannot(error))?.len() / SIZE as u64;
        if whole == 0 {
            return self.tip_at(last.before);
        }
        let mut bytes = [0; SIZE];
        let read = file.seek(SeekFrom::Start((whole - 1) * SIZE as u64)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|error| self.cannot(error))?;
        let entry = Entry::decode(&bytes);
        Ok(Tip { count: last.before + whole, seq: entry.seq, link: entry.link })
    }

    /// The file to write on, cut off behind its last whole entry.
    pub(in crate::seal) fn writing(&self, before: u64, whole: u64) -> Result<File, SealError> {
        let path = self.path.join(format!("{before:020}.{ENDING}"));
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(false).mode(0o600).open(path);
        opened
            .and_then(|mut file| {
                file.set_len(whole * SIZE as u64)?;
                file.seek(SeekFrom::End(0))?;
                Ok(file)
            })
            .map_err(|error| self.cannot(error))
    }

    /// Adds checkpoints, safe on disk.
    pub(in crate::seal) fn add_checkpoints(&self, checkpoints: &[Checkpoint]) -> Result<(), SealError> {
        let path = self.path.join(CHECKPOINTS);
        let mut options = OpenOptions::new();
        let added = options.append(true).create(true).mode(0o600).open(path).and_then(|mut file| {
            // A line that was half written when the machine stopped was cut off: see `mend_checkpoints`.
            let mut lines = Vec::new();
            for checkpoint in checkpoints {
                serde_json::to_writer(&mut lines, checkpoint)?;
                lines.push(b'\n');
            }
            let before = file.metadata()?.len();
            let added = file.write_all(&lines).and_then(|()| file.sync_data());
            if added.is_err() {
                // What is half there would spoil what is added behind it.
                file.set_len(before)?;
            }
            added
        });
        added.map_err(|error| self.cannot(error))
    }

    /// Cuts off what was half written at the end of the checkpoints.
    pub(in crate::seal) fn mend_checkpoints(&self) -> Result<(), SealError> {
        let path = self.path.join(CHECKPOINTS);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.cannot(error)),
        };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole == text.len() {
            return Ok(());
        }
        let cut = OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(whole as u64));
        cut.map_err(|error| self.cannot(error))
    }

    /// Drops the checkpoints before the chain that is kept: those who follow it need none of them.
    pub(in crate::seal) fn trim_checkpoints(&self) -> Result<(), SealError> {
        let before = self.segments()?.first().map_or(0, |segment| segment.before);
        let all = self.checkpoints()?;
        if all.first().is_none_or(|first| first.count >= before) {
            return Ok(());
        }
        let kept = all.iter().filter(|checkpoint| checkpoint.count >= before);
        let mut text = Vec::new();
        for checkpoint in kept {
            text.extend(serde_json::to_vec(checkpoint).unwrap_or_default());
            text.push(b'\n');
        }
        self.replace(&self.path.join(CHECKPOINTS), &text)
    }

    /// Drops the salts of these records, so that nothing tells any more what was erased. Those without an entry yet
    /// come back.
    pub fn erase(&self, seqs: &[i64]) -> Result<Vec<i64>, SealError> {
        let mut waiting = seqs.to_vec();
        for segment in self.segments()? {
            let entries = self.entries(&segment)?;
            let here = |seq: &i64| entries.binary_search_by_key(seq, |entry| entry.seq);
            let file = OpenOptions::new().write(true).open(&segment.path).map_err(|error| self.cannot(error))?;
            for place in waiting.extract_if(.., |seq| here(seq).is_ok()).filter_map(|seq| here(&seq).ok()) {
                let Some(entry) = entries.get(place) else { continue };
                let mut bytes = Vec::with_capacity(SIZE);
                entry.erased().encode(&mut bytes);
                file.write_all_at(&bytes, (place * SIZE) as u64).map_err(|error| self.cannot(error))?;
            }
            file.sync_data().map_err(|error| self.cannot(error))?;
        }
        Ok(waiting)
    }

    /// What was let go of a file, as it was signed; a statement that nobody signed, or about something else, counts for
    /// nothing.
    pub fn let_go_of(&self, segment: &Segment) -> Result<Option<LetGo>, SealError> {
        let text = match std::fs::read(segment.path.with_extension(LET_GO)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.cannot(error)),
        };
        let stated: Option<LetGo> = serde_json::from_slice(&text).ok();
        let ours = |stated: &LetGo| stated.node == self.node && stated.before == segment.before && stated.is_genuine();
        Ok(stated.filter(ours))
    }

    /// Signs for these records going from the midst of the chain, before they do, and drops their salts. Those that
    /// are not bound yet must stay; the rest comes back.
    pub fn let_go(&self, seqs: &[i64], signer: &Signer, at: &str) -> Result<Vec<i64>, SealError> {
        let mut bound = Vec::new();
        for segment in self.segments()? {
            let entries = self.entries(&segment)?;
            let here: BTreeSet<i64> =
                seqs.iter().copied().filter(|seq| entries.binary_search_by_key(seq, |it| it.seq).is_ok()).collect();
            if here.is_empty() {
                continue;
            }
            bound.extend(here.iter().copied());
            let before = self.let_go_of(&segment)?.map(|stated| stated.places).unwrap_or_default();
            let all = before.union(&here).copied().collect();
            let stated = LetGo::signed(signer, &self.node, segment.before, all, at);
            self.replace(&segment.path.with_extension(LET_GO), &serde_json::to_vec(&stated).unwrap_or_default())?;
        }
        self.erase(&bound)?;
        Ok(bound)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), SealError> {
        let beside = path.with_extension("new");
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
        let replaced = opened.and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, path)
        });
        replaced.map_err(|error| self.cannot(error))
    }

    /// Drops whole files of entries whose records are all before the place `seq`; the place behind the last record
    /// that went with them comes back. The file that is written on stays.
    pub fn prune(&self, seq: i64) -> Result<Option<i64>, SealError> {
        let segments = self.segments()?;
        let mut dropped = None;
        for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
            let start = self.tip_at(next.before)?;
            if start.seq >= seq {
                break;
            }
            std::fs::remove_file(&segment.path).map_err(|error| self.cannot(error))?;
            match std::fs::remove_file(segment.path.with_extension(LET_GO)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.cannot(error)),
                _ => {}
            }
            dropped = Some(start.seq);
        }
        Ok(dropped)
    }
}
