//! Holds the records of a node against its chain, and names the first that does not fit.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use crate::chain::checkpoint::Checkpoint;
use crate::chain::entry::{Entry, Form, Tip, read};
use crate::chain::letgo::LetGo;

/// What was found good.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Records that were let go from the beginning of the chain, because they were older than they are kept.
    pub let_go: u64,
    /// Records that were let go since, because their organization keeps them for fewer days; signed for.
    pub let_go_since: u64,
    /// When the checkpoint that the chain now begins at was signed; none while all of it is kept.
    pub kept_since: Option<String>,
    /// Records that are as they were written.
    pub whole: u64,
    /// Records that are as they were written but for the person who was erased.
    pub erased: u64,
    /// Records that are not in the chain yet.
    pub waiting: u64,
    /// Checkpoints that hold.
    pub checkpoints: u64,
    /// Records after the last checkpoint: whoever can write the folder could have removed some behind them.
    pub unsigned: u64,
    /// The key of the checkpoints.
    pub key: Option<String>,
}

/// The first thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The record does not say what it said.
    Altered {
        /// Its place.
        seq: i64,
        /// Its name.
        id: Uuid,
    },
    /// The record is gone.
    Missing {
        /// Its place.
        seq: i64,
        /// Its name.
        id: Uuid,
    },
    /// Another record stands in the place.
    Reordered {
        /// The place.
        seq: i64,
        /// Who stood there.
        id: Uuid,
        /// Who stands there.
        found: Uuid,
    },
    /// A record stands where none was.
    Added {
        /// The place.
        seq: i64,
    },
    /// The entry does not follow from those before it.
    Broken {
        /// The place of its record.
        seq: i64,
        /// The record's name.
        id: Uuid,
    },
    /// Entries are gone, and nobody says of which records.
    Lost {
        /// The place of the last record before them.
        after: i64,
        /// How many.
        count: u64,
    },
    /// A checkpoint is not signed by its key, or by another key than those before.
    Forged {
        /// How many entries it claims to be after.
        count: u64,
    },
    /// A checkpoint says another thing than the chain.
    Contradicted {
        /// How many entries it is after.
        count: u64,
    },
    /// A checkpoint is after more entries than there are.
    Cut {
        /// Entries that there are.
        has: u64,
        /// Entries that there were.
        had: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { seq, id } => write!(out, "record {id} (place {seq}) was altered"),
            Self::Missing { seq, id } => write!(out, "record {id} (place {seq}) is missing"),
            Self::Reordered { seq, id, found } => {
                write!(out, "record {id} (place {seq}) was reordered: record {found} stands in its place")
            }
            Self::Added { seq } => write!(out, "a record at place {seq} was added: the chain does not know it"),
            Self::Broken { seq, id } => write!(out, "the chain is broken at record {id} (place {seq})"),
            Self::Lost { after, count } => {
                write!(out, "{count} records behind place {after} are missing, and so are their entries")
            }
            Self::Forged { count } => write!(out, "the checkpoint after {count} records is not signed by its key"),
            Self::Contradicted { count } => {
                write!(out, "the chain is not the one that the checkpoint after {count} records was signed over")
            }
            Self::Cut { has, had } => write!(out, "the chain ends after {has} records, and once had {had}"),
        }
    }
}

impl std::error::Error for Fault {}

/// Goes along the chain; what it is told comes in the order of the trail.
#[derive(Debug)]
pub struct Verifier {
    tip: Tip,
    checkpoints: VecDeque<Checkpoint>,
    signed: u64,
    keys: Vec<String>,
    own: Option<String>,
    witnesses: BTreeSet<String>,
    let_go: Vec<LetGo>,
    report: Report,
}

impl Verifier {
    /// Starts where the chain does; with `keys` in hex, no others may have signed.
    pub fn new(start: Tip, checkpoints: Vec<Checkpoint>, keys: &[String]) -> Self {
        Self {
            tip: start,
            checkpoints: checkpoints.into(),
            signed: start.count,
            keys: keys.to_vec(),
            own: None,
            witnesses: BTreeSet::new(),
            let_go: Vec::new(),
            report: Report { let_go: start.count, ..Report::default() },
        }
    }

    /// Whoever signs with one of these keys may have let records go, too.
    #[must_use]
    pub fn with_witnesses(self, witnesses: BTreeSet<String>) -> Self {
        Self { witnesses, ..self }
    }

    /// Checkpoints behind those that are known.
    pub fn more_checkpoints(&mut self, more: Vec<Checkpoint>) {
        self.checkpoints.extend(more);
    }

    /// The entries that follow stand together, behind so many others; what was let go of them is stated, if anything
    /// was.
    pub fn run(&mut self, before: u64, let_go: Vec<LetGo>) -> Result<(), Fault> {
        self.let_go = let_go;
        let Some(count) = before.checked_sub(self.tip.count).filter(|count| *count > 0) else { return Ok(()) };
        Err(Fault::Lost { after: self.tip.seq, count })
    }

    /// Whether that key may sign: always the same, and one of those that are demanded.
    fn is_own(&mut self, key: &String) -> bool {
        let own = self.own.get_or_insert_with(|| key.clone());
        own == key && (self.keys.is_empty() || self.keys.contains(key))
    }

    /// Whether the record was let go, and that is signed for by the key of the chain or a witness.
    fn was_let_go(&mut self, seq: i64) -> bool {
        let stated = self.let_go.iter().filter(|stated| stated.places.contains(&seq));
        let keys: Vec<String> = stated.map(|stated| stated.key.clone()).collect();
        keys.iter().any(|key| self.witnesses.contains(key) || self.is_own(key))
    }

    /// The next entry, and what is kept as its record.
    pub fn entry(&mut self, entry: &Entry, body: Option<&[u8]>) -> Result<(), Fault> {
        let found = body.map(|body| match entry.form(body) {
            Form::Other => (Form::Other, name(body)),
            form @ (Form::Whole | Form::Open) => (form, Some(entry.id)),
        });
        self.next(entry, found)
    }

    /// The next entry, and what is told as its record, by that name.
    pub fn told(&mut self, entry: &Entry, told: Option<(Uuid, &str)>) -> Result<(), Fault> {
        let found = told.map(|(id, told)| {
            let form = if id == entry.id { entry.form_told(told) } else { Form::Other };
            (form, Some(id))
        });
        self.next(entry, found)
    }

    fn next(&mut self, entry: &Entry, found: Option<(Form, Option<Uuid>)>) -> Result<(), Fault> {
        self.checkpoints_here()?;
        let Entry { seq, id, .. } = *entry;
        if self.tip.bind(*entry).link != entry.link {
            return Err(Fault::Broken { seq, id });
        }
        match found {
            Some((Form::Whole, _)) => self.report.whole += 1,
            Some((Form::Open, _)) => self.report.erased += 1,
            None if self.was_let_go(seq) => self.report.let_go_since += 1,
            None => return Err(Fault::Missing { seq, id }),
            Some((Form::Other, Some(found))) if found != id => {
                // Where something was let go, another chain's record may stand in the same place.
                if !self.was_let_go(seq) {
                    return Err(Fault::Reordered { seq, id, found });
                }
                self.report.let_go_since += 1;
            }
            Some((Form::Other, _)) => return Err(Fault::Altered { seq, id }),
        }
        Ok(())
    }

    /// A record that no entry is about: behind the end it only waits to be bound.
    pub fn without_entry(&mut self, seq: i64, ended: bool) -> Result<(), Fault> {
        if !ended {
            return Err(Fault::Added { seq });
        }
        self.report.waiting += 1;
        Ok(())
    }

    /// All of it was seen.
    pub fn finish(mut self) -> Result<Report, Fault> {
        self.checkpoints_here()?;
        if let Some(last) = self.checkpoints.back() {
            return Err(Fault::Cut { has: self.tip.count, had: last.count });
        }
        self.report.unsigned = self.tip.count - self.signed;
        Ok(self.report)
    }

    fn checkpoints_here(&mut self) -> Result<(), Fault> {
        while self.checkpoints.front().is_some_and(|next| next.count <= self.tip.count) {
            let Some(next) = self.checkpoints.pop_front() else { break };
            if !self.is_own(&next.key) || !next.is_genuine() {
                return Err(Fault::Forged { count: next.count });
            }
            if next.count < self.tip.count {
                continue;
            }
            if next.tip() != Some(self.tip) {
                return Err(Fault::Contradicted { count: next.count });
            }
            self.report.checkpoints += 1;
            self.signed = next.count;
            self.report.key = Some(next.key);
        }
        Ok(())
    }
}

/// The name in what is stored of a record.
fn name(stored: &[u8]) -> Option<Uuid> {
    read(stored).map(|record| record.id)
}
