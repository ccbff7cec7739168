//! Records that leave with their proof: whoever has the file and the key can verify it without us.
//!
//! A file is lines of JSON. A run begins at a checkpoint (or at the beginning of the chain) and ends at one; in
//! between stands each record with what its entry holds, or only the leaf of a record that was not asked for. A file
//! may hold several chains, one behind the other.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::record::Record;

use crate::chain::checkpoint::Checkpoint;
use crate::chain::entry::{Entry, Form, SALT, Tip, read};
use crate::chain::{Hash, bytes, hex};

/// One line of a file, but for the record itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Line {
    /// The first line of a chain: version of this form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ringfall_export: Option<u8>,
    /// The first line of a chain: whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    /// A run begins at the beginning of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    genesis: Option<bool>,
    /// A run begins here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Checkpoint>,
    /// A run ends here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Checkpoint>,
    /// A record that was not asked for: its place and its leaf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leaf: Option<(i64, String)>,
    /// What the entry of the record on this line holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Proof {
    seq: i64,
    id: Uuid,
    salt: String,
    whole: String,
    open: String,
    /// What is stored, in base64: the bytes that the chain is over; none when they are the record on this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stored: Option<String>,
}

/// Where the chain of a file is kept, and so what it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Over what a node stores.
    Stored,
    /// Over what others are told.
    Told,
}

impl Over {
    /// The version of the form: programs that know the first alone cannot read the second.
    const fn version(self) -> u8 {
        match self {
            Self::Stored => 1,
            Self::Told => 2,
        }
    }
}

/// What stands before a record on its line; nothing in a proof can look like it.
const RECORD: &str = ",\"record\":";

/// Writes a file: what it is told comes in the order of the trail.
#[derive(Debug)]
pub struct Exporter {
    from: Line,
    pending: Vec<String>,
    chosen: bool,
}

impl Exporter {
    /// Starts at the beginning of the node's chain or at the checkpoint that it was cut off at; the first line comes
    /// back.
    pub fn new(over: Over, node: &str, start: Option<Checkpoint>) -> (Self, String) {
        let version = Some(over.version());
        let first = Line { ringfall_export: version, node: Some(node.to_owned()), ..Line::default() };
        let from = match start {
            Some(start) => Line { from: Some(start), ..Line::default() },
            None => Line { genesis: Some(true), ..Line::default() },
        };
        (Self { from, pending: Vec::new(), chosen: false }, written(&first))
    }

    /// The next entry, with what is stored (if that is what the chain is over) and the record's written form when it is
    /// asked for.
    pub fn entry(&mut self, entry: &Entry, asked: Option<(Option<&[u8]>, &str)>) {
        let Some((stored, body)) = asked else {
            let leaf = Some((entry.seq, entry.leaf().to_string()));
            self.pending.push(written(&Line { leaf, ..Line::default() }));
            return;
        };
        let proof = Proof {
            seq: entry.seq,
            id: entry.id,
            salt: hex(&entry.salt),
            whole: entry.whole.to_string(),
            open: entry.open.to_string(),
            stored: stored.map(|stored| STANDARD.encode(stored)),
        };
        let mut line = written(&Line { proof: Some(proof), ..Line::default() });
        line.truncate(line.trim_end_matches(['}', '\n']).len() + 1);
        line.push_str(RECORD);
        line.push_str(body);
        line.push_str("}\n");
        self.pending.push(line);
        self.chosen = true;
    }

    /// Entries that wait for a checkpoint.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// A checkpoint after the entries so far: the lines of the run that ends here, none when nothing of it was asked
    /// for.
    pub fn checkpoint(&mut self, checkpoint: Checkpoint) -> String {
        let next = Line { from: Some(checkpoint.clone()), ..Line::default() };
        let from = std::mem::replace(&mut self.from, next);
        let pending = std::mem::take(&mut self.pending);
        if !std::mem::take(&mut self.chosen) {
            return String::new();
        }
        let to = Line { to: Some(checkpoint), ..Line::default() };
        std::iter::once(written(&from)).chain(pending).chain(std::iter::once(written(&to))).collect()
    }
}

fn written(line: &Line) -> String {
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    text
}

/// What a file holds of one chain that is proved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Proved {
    /// Whose chain.
    pub node: String,
    /// The key that signed.
    pub key: Option<String>,
    /// Records.
    pub records: u64,
    /// Of those, without their person.
    pub erased: u64,
    /// Records that were not asked for, within the runs.
    pub left_out: u64,
    /// Runs from one checkpoint to another.
    pub runs: u64,
}

/// Why a file proves nothing: the line, counted from 1, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unproved {
    /// The line.
    pub line: u64,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Unproved {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for Unproved {}

/// Reads a file line by line.
#[derive(Debug, Default)]
pub struct Reader {
    line: u64,
    tip: Option<Tip>,
    ended: Option<Tip>,
    keys: Vec<String>,
    proved: Proved,
    before: Vec<Proved>,
}

impl Reader {
    /// With `keys` in hex, no others may have signed.
    pub fn new(keys: &[String]) -> Self {
        Self { keys: keys.to_vec(), ..Self::default() }
    }

    /// The next line.
    pub fn line(&mut self, text: &str) -> Result<(), Unproved> {
        self.line += 1;
        self.read(text).map_err(|why| Unproved { line: self.line, why })
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let text = text.trim_end();
        let (line, body) = match text.split_once(RECORD) {
            Some((line, body)) => (format!("{line}}}"), body.strip_suffix('}')),
            None => (text.to_owned(), None),
        };
        let line: Line = serde_json::from_str(&line).map_err(|error| format!("is no line of an export: {error}"))?;
        if self.line == 1 || line.ringfall_export.is_some() {
            return self.first(line);
        }
        if let Some(from) = line.from {
            self.begin(&from)
        } else if line.genesis == Some(true) && self.ended.is_none() {
            self.tip = Some(Tip::genesis(&self.proved.node));
            Ok(())
        } else if let Some(to) = line.to {
            self.end(&to)
        } else if let Some((seq, leaf)) = line.leaf {
            self.proved.left_out += 1;
            let leaf = Hash::parse(&leaf).ok_or("its leaf is no hash")?;
            self.follows(seq)?.bind_leaf(seq, leaf);
            Ok(())
        } else if let (Some(proof), Some(body)) = (line.proof, body) {
            self.record(&proof, body)
        } else {
            Err("holds nothing that an export has".to_owned())
        }
    }

    fn first(&mut self, line: Line) -> Result<(), String> {
        if self.tip.is_some() {
            return Err("a chain begins within a run of another".to_owned());
        }
        match (line.ringfall_export, line.node) {
            (Some(1 | 2), Some(node)) => {
                let before = std::mem::replace(&mut self.proved, Proved { node, ..Proved::default() });
                if self.line > 1 {
                    self.before.push(before);
                }
                self.ended = None;
                Ok(())
            }
            (Some(version), _) => Err(format!("is an export of version {version}, which this program does not know")),
            (None, _) => {
                Err("is not the first line of an export with proof: write one with `ringfall audit export`".to_owned())
            }
        }
    }

    fn begin(&mut self, from: &Checkpoint) -> Result<(), String> {
        if self.tip.is_some() {
            return Err("a run begins within another".to_owned());
        }
        let tip = self.genuine(from)?;
        if self.ended.is_some_and(|ended| tip.count < ended.count) {
            return Err("a run begins before the end of the one before".to_owned());
        }
        self.tip = Some(tip);
        Ok(())
    }

    fn end(&mut self, to: &Checkpoint) -> Result<(), String> {
        let reached = self.tip.take().ok_or("a run ends that has not begun")?;
        if self.genuine(to)? != reached {
            return Err("the records since the last checkpoint are not those that were signed: one was altered, removed, added or moved".to_owned());
        }
        self.ended = Some(reached);
        self.proved.runs += 1;
        Ok(())
    }

    fn genuine(&mut self, checkpoint: &Checkpoint) -> Result<Tip, String> {
        if !checkpoint.is_genuine() {
            return Err("the checkpoint is not signed by its key".to_owned());
        }
        if checkpoint.node != self.proved.node {
            return Err(format!("the checkpoint is of the chain of `{}`", checkpoint.node));
        }
        let tip = checkpoint.tip().ok_or("the checkpoint's link is no hash")?;
        let known = self.proved.key.get_or_insert_with(|| checkpoint.key.clone());
        if *known != checkpoint.key || !(self.keys.is_empty() || self.keys.contains(&checkpoint.key)) {
            return Err(format!("the checkpoint is signed by another key: {}", checkpoint.key));
        }
        Ok(tip)
    }

    fn record(&mut self, proof: &Proof, body: &str) -> Result<(), String> {
        let entry = Entry {
            seq: proof.seq,
            id: proof.id,
            salt: bytes::<SALT>(&proof.salt).ok_or("its salt is not written as it should be")?,
            whole: Hash::parse(&proof.whole).ok_or("its hash is not written as it should be")?,
            open: Hash::parse(&proof.open).ok_or("its hash is not written as it should be")?,
            link: Hash::default(),
        };
        let stored = proof.stored.as_ref().map(|stored| STANDARD.decode(stored)).transpose();
        let stored = stored.map_err(|_unshown| "what is stored is not written as it should be")?;
        match stored.as_ref().map_or_else(|| entry.form_told(body), |stored| entry.form(stored)) {
            Form::Whole => {}
            Form::Open => self.proved.erased += 1,
            Form::Other => return Err(format!("record {} was altered", entry.id)),
        }
        let told: Record =
            serde_json::from_str(body).map_err(|_unshown| format!("record {} cannot be read", entry.id))?;
        let sealed = stored.as_ref().map_or_else(|| Some(told.clone()), |stored| read(stored));
        let sealed = sealed.filter(|record| record.id == entry.id);
        let sealed = sealed.ok_or_else(|| format!("record {} goes by another name", entry.id))?;
        if !same(sealed, told) {
            return Err(format!("record {} was altered: it is not what is stored of it", entry.id));
        }
        self.follows(entry.seq)?.bind(entry);
        self.proved.records += 1;
        Ok(())
    }

    fn follows(&mut self, seq: i64) -> Result<&mut Tip, String> {
        let tip = self.tip.as_mut().ok_or("a record stands outside of a run: nothing proves it")?;
        if seq <= tip.seq {
            return Err(format!("the record of place {seq} stands behind that of place {}", tip.seq));
        }
        Ok(tip)
    }

    /// The file is at its end: what it proves, chain by chain.
    pub fn finish(mut self) -> Result<Vec<Proved>, Unproved> {
        let whole = self.line > 0 && self.tip.is_none();
        let why = if self.line == 0 { "the file is empty" } else { "the file ends within a run: its end was cut off" };
        if !whole {
            return Err(Unproved { line: self.line, why: why.to_owned() });
        }
        self.before.push(self.proved);
        Ok(self.before)
    }
}

/// Whether the record is told as it is stored; the words of its reasons are made when it is read.
fn same(mut stored: Record, mut told: Record) -> bool {
    for record in [&mut stored, &mut told] {
        record.considered.clear();
        record.trace.clear();
        record.received = std::mem::take(&mut record.received).written();
    }
    stored == told
}
