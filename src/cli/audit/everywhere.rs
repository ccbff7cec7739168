//! Records of all nodes written out with the proof that stands beside them, chain by chain.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;

use anyhow::Context as _;

use crate::audit::record::Record;
use crate::chain::checkpoint::Checkpoint;
use crate::chain::entry::Entry;
use crate::chain::export::{Exporter, Over};
use crate::cli::trail::Filter;
use crate::merged::{Chain, Chosen, Reader, Step, Told};

/// Entries that are written in one run at most, where several follow each other.
const TOGETHER: usize = 1_000;

/// Writes what is asked for, with the runs that hold it.
pub(super) fn proved(filter: &Filter, reader: &Reader, out: &mut dyn Write) -> anyhow::Result<()> {
    for chain in reader.chains()? {
        let runs = reader.runs_with(&chain, &filter.asked())?;
        let (mut writer, first) = Writer::new(&chain, filter, out);
        writer.out.write_all(first.as_bytes())?;
        reader.walk(&chain, Chosen::Behind(&runs), &mut |step| {
            writer.step(step)?;
            Ok(ControlFlow::Continue(()))
        })?;
        writer.end()?;
    }
    let unbound = reader.unbound(&filter.asked())?;
    if unbound > 0 {
        eprintln!("note: {unbound} records are proved by nothing and left out; --format json or csv has them");
    }
    Ok(())
}

/// Writes one chain.
struct Writer<'a> {
    node: &'a str,
    filter: &'a Filter,
    exporter: Exporter,
    checkpoints: BTreeMap<u64, Checkpoint>,
    count: u64,
    out: &'a mut dyn Write,
}

impl<'a> Writer<'a> {
    fn new(chain: &'a Chain, filter: &'a Filter, out: &'a mut dyn Write) -> (Self, String) {
        let (exporter, first) = Exporter::new(Over::Told, &chain.node, None);
        (Self { node: &chain.node, filter, exporter, checkpoints: BTreeMap::new(), count: 0, out }, first)
    }

    fn step(&mut self, step: Step) -> anyhow::Result<()> {
        match step {
            Step::Checkpoints(more) => self.checkpoints.extend(more.into_iter().map(|it| (it.count, it))),
            Step::Run(before, _) => {
                if before != self.count || self.exporter.pending() >= TOGETHER {
                    self.end()?;
                    self.begin(before)?;
                }
            }
            Step::Entry(entry, told) => self.entry(&entry, told)?,
            Step::Stray(_) => {}
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry, told: Option<Told>) -> anyhow::Result<()> {
        self.count += 1;
        let asked = match told.filter(|told| told.id == entry.id) {
            Some(told) => {
                let record: Record = serde_json::from_str(&told.text).context("a record there cannot be read")?;
                Some(told.text).filter(|_| self.filter.fits(&record) && self.filter.covers(&record))
            }
            None => None,
        };
        self.exporter.entry(entry, asked.as_ref().map(|text| (None, text.as_str())));
        Ok(())
    }

    fn begin(&mut self, before: u64) -> anyhow::Result<()> {
        if before > 0 {
            drop(self.exporter.checkpoint(self.checkpoint(before)?));
        }
        self.count = before;
        Ok(())
    }

    fn end(&mut self) -> anyhow::Result<()> {
        if self.exporter.pending() > 0 {
            let lines = self.exporter.checkpoint(self.checkpoint(self.count)?);
            self.out.write_all(lines.as_bytes())?;
            self.checkpoints = self.checkpoints.split_off(&self.count);
        }
        Ok(())
    }

    fn checkpoint(&self, count: u64) -> anyhow::Result<Checkpoint> {
        let found = self.checkpoints.get(&count).cloned();
        let node = self.node;
        found.with_context(|| format!("the chain of {node} has no checkpoint after {count} records: `audit verify`"))
    }
}
