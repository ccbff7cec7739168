//! Walks along the chains there, and holds every record against its entry: nothing but the database is asked.

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::audit::record::Kind;
use crate::chain::checkpoint::Checkpoint;
use crate::chain::entry::{Entry, Tip};
use crate::chain::letgo::LetGo;
use crate::chain::verify::{Fault, Report, Verifier};
use crate::merged::bind::{CHECKPOINT, checkpoint, signed, unsigned};
use crate::merged::read::Reader;
use crate::merged::{Asked, CHAINS, runs};

/// Runs that are read in one go.
const RUNS: usize = 100;

/// The chain of a node: what one key signed. A node that lost its disk has another one since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The node.
    pub node: String,
    /// The key, in hex.
    pub key: String,
}

/// A record as it stands there.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its name.
    pub id: Uuid,
    /// Its published form.
    pub text: String,
    seq: i64,
    us: i64,
    org: String,
    call: String,
    kind: String,
    run: Option<i64>,
}

/// What comes next on the way along a chain.
#[derive(Debug)]
pub enum Step {
    /// Checkpoints at the ends of the runs that follow.
    Checkpoints(Vec<Checkpoint>),
    /// The entries that follow stand together, behind so many others; what of them is said to have been let go.
    Run(u64, Vec<LetGo>),
    /// An entry, and what stands in its place.
    Entry(Entry, Option<Told>),
    /// A record between the entries.
    Stray(Told),
}

/// Which runs are walked along.
#[derive(Debug, Clone, Copy)]
pub enum Chosen<'a> {
    /// All of them, and what stands between and behind them, from that place on.
    All(i64),
    /// Those behind so many entries.
    Behind(&'a [i64]),
}

/// What is proved of one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proved {
    /// Whose records.
    pub node: String,
    /// How they hold.
    #[serde(flatten)]
    pub report: Report,
    /// The place of the first of them.
    pub first: i64,
    /// The place of the last that was signed for.
    pub last: i64,
    /// When that was signed.
    pub signed_at: Option<String>,
    /// Records of the node before the first: sent before there was a chain, or on their way out.
    pub before: i64,
}

/// What is proved of the trail of all nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Proof {
    /// By chain.
    pub nodes: Vec<Proved>,
    /// Nodes that have no chain there, with how many records they have.
    pub unproven: Vec<(String, i64)>,
}

/// The first thing that does not fit, and in whose records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("of node {node}, {fault}")]
pub struct Faulty {
    /// Whose.
    pub node: String,
    /// What.
    pub fault: Fault,
}

/// A run as it is read.
struct Run {
    before: i64,
    first: i64,
    last: i64,
    entries: Vec<Entry>,
    let_go: Vec<LetGo>,
}

impl Run {
    fn of(row: &Row, chain: &Chain) -> Result<Self, tokio_postgres::Error> {
        let before = row.try_get(0)?;
        let let_go = runs::let_go(row.try_get(4)?, &chain.node, &chain.key, before);
        Ok(Self {
            before,
            first: row.try_get(1)?,
            last: row.try_get(2)?,
            entries: runs::entries(row.try_get(3)?),
            let_go,
        })
    }

    fn end(&self) -> i64 {
        self.before.saturating_add(signed(self.entries.len() as u64))
    }
}

const RUN: &str = "SELECT before, first, last, entries, let_go::text FROM audit_chain WHERE node = $1 AND key = $2";

impl Reader {
    /// All chains there.
    pub fn chains(&self) -> anyhow::Result<Vec<Chain>> {
        self.gather(CHAINS, &[], |row| Ok(Chain { node: row.try_get(0)?, key: row.try_get(1)? }))
    }

    /// The runs of a chain that hold records which are asked for, by the entries before each.
    pub fn runs_with(&self, chain: &Chain, asked: &Asked) -> anyhow::Result<Vec<i64>> {
        self.asked(
            "SELECT DISTINCT run FROM audit_records",
            "AND node = $6 AND run IS NOT NULL ORDER BY run",
            asked,
            &[&chain.node],
            |row| Ok(row.try_get::<_, i64>(0)?),
        )
    }

    /// How many records that are asked for no run holds.
    pub fn unbound(&self, asked: &Asked) -> anyhow::Result<i64> {
        let count = "SELECT count(*) FROM audit_records";
        let counted = self.asked(count, "AND run IS NULL", asked, &[], |row| Ok(row.try_get::<_, i64>(0)?))?;
        Ok(counted.into_iter().sum())
    }

    /// Walks along a chain, entry by entry, until it is enough.
    pub fn walk(
        &self,
        chain: &Chain,
        chosen: Chosen<'_>,
        show: &mut dyn FnMut(Step) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        let (mut chunks, mut place) = match chosen {
            Chosen::All(first) => (None, first),
            Chosen::Behind(some) => (Some(some.chunks(RUNS)), 0),
        };
        let mut end = -1;
        loop {
            let page = match &mut chunks {
                None => self.page(chain, end)?,
                Some(chunks) => match chunks.next() {
                    Some(some) => self.these(chain, some)?,
                    None => return Ok(()),
                },
            };
            let checkpoints = match (&chunks, page.last()) {
                (None, Some(last)) => self.checkpoints(chain, end, last.end())?,
                (None, None) => self.checkpoints(chain, end, i64::MAX)?,
                (Some(_), _) => self.checkpoints_at(chain, &page)?,
            };
            if show(Step::Checkpoints(checkpoints))?.is_break() {
                return Ok(());
            }
            let stretches: Vec<(i64, i64)> = match (&chunks, page.last()) {
                (Some(_), _) => page.iter().map(|run| (run.first, run.last)).collect(),
                (None, last) => vec![(place, last.map_or(i64::MAX, |last| last.last))],
            };
            let is_last = page.is_empty();
            if let Some(last) = page.last() {
                (end, place) = (last.end().max(end), last.last.saturating_add(1).max(place));
            }
            if self.along(&chain.node, page, &stretches, show)?.is_break() || (chunks.is_none() && is_last) {
                return Ok(());
            }
        }
    }

    /// The runs behind so many entries.
    fn page(&self, chain: &Chain, end: i64) -> anyhow::Result<Vec<Run>> {
        let sql = format!("{RUN} AND before >= $3 ORDER BY before LIMIT $4");
        let most = signed(RUNS as u64);
        self.gather(&sql, &[&chain.node, &chain.key, &end, &most], |row| Ok(Run::of(row, chain)?))
    }

    fn these(&self, chain: &Chain, some: &[i64]) -> anyhow::Result<Vec<Run>> {
        let sql = format!("{RUN} AND before = ANY($3) ORDER BY before");
        self.gather(&sql, &[&chain.node, &chain.key, &some], |row| Ok(Run::of(row, chain)?))
    }

    fn checkpoints(&self, chain: &Chain, behind: i64, upto: i64) -> anyhow::Result<Vec<Checkpoint>> {
        let sql = format!(
            "SELECT {CHECKPOINT} FROM audit_checkpoints WHERE node = $1 AND key = $2 AND count > $3 AND count <= $4 \
             ORDER BY count"
        );
        self.gather(&sql, &[&chain.node, &chain.key, &behind, &upto], |row| Ok(checkpoint(row)?))
    }

    fn checkpoints_at(&self, chain: &Chain, page: &[Run]) -> anyhow::Result<Vec<Checkpoint>> {
        let counts: Vec<i64> = page.iter().flat_map(|run| [run.before, run.end()]).collect();
        let sql = format!(
            "SELECT {CHECKPOINT} FROM audit_checkpoints WHERE node = $1 AND key = $2 AND count = ANY($3) ORDER BY count"
        );
        self.gather(&sql, &[&chain.node, &chain.key, &counts], |row| Ok(checkpoint(row)?))
    }

    /// Shows the entries of the runs with the records in these stretches of places.
    fn along(
        &self,
        node: &str,
        page: Vec<Run>,
        stretches: &[(i64, i64)],
        show: &mut dyn FnMut(Step) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<ControlFlow<()>> {
        let sql = "SELECT seq, id::text, (extract(epoch FROM received) * 1000000)::bigint, org, call, kind, run, \
                   record::text FROM unnest($2::bigint[], $3::bigint[]) AS stretch (first, last) JOIN audit_records \
                   ON node = $1 AND seq BETWEEN stretch.first AND stretch.last ORDER BY seq";
        let (first, last): (Vec<i64>, Vec<i64>) = stretches.iter().copied().unzip();
        let mut merge = Merge::of(page);
        let mut flow = ControlFlow::Continue(());
        self.each(sql, &[&node, &first, &last], |row| {
            flow = merge.record(told(row)?, show)?;
            Ok(flow)
        })?;
        if flow.is_continue() { merge.finish(show) } else { Ok(flow) }
    }

    /// Holds every record against the chain of its node; `progress` hears how many were seen. With `keys` in hex, no
    /// others may have signed.
    pub fn verify(&self, keys: &[String], mut progress: impl FnMut(u64)) -> anyhow::Result<Result<Proof, Faulty>> {
        let chains = self.chains()?;
        let may = |chain: &&Chain| keys.is_empty() || keys.contains(&chain.key);
        let witnesses: BTreeSet<String> = chains.iter().filter(may).map(|chain| chain.key.clone()).collect();
        let (mut proof, mut seen) = (Proof::default(), 0);
        for chain in &chains {
            let is_alone = chains.iter().filter(|other| other.node == chain.node).count() == 1;
            let mut count = || {
                seen += 1;
                if seen % 20_000 == 0 {
                    progress(seen);
                }
            };
            match self.verify_one(chain, is_alone, keys, witnesses.clone(), &mut count)? {
                Ok(proved) => proof.nodes.push(proved),
                Err(fault) => return Ok(Err(Faulty { node: chain.node.clone(), fault })),
            }
        }
        for node in self.places()?.into_keys().filter(|node| !chains.iter().any(|chain| chain.node == *node)) {
            let count = "SELECT count(*) FROM audit_records WHERE node = $1";
            let counted = self.gather(count, &[&node], |row| Ok(row.try_get::<_, i64>(0)?))?;
            proof.unproven.push((node, counted.into_iter().sum()));
        }
        Ok(Ok(proof))
    }

    fn verify_one(
        &self,
        chain: &Chain,
        is_alone: bool,
        keys: &[String],
        witnesses: BTreeSet<String>,
        count: &mut dyn FnMut(),
    ) -> anyhow::Result<Result<Proved, Fault>> {
        let (start, first) = match self.start(chain)? {
            Ok(start) => start,
            Err(fault) => return Ok(Err(fault)),
        };
        let before = match self.before(chain, first)? {
            Ok(before) => before,
            Err(fault) => return Ok(Err(fault)),
        };
        let kept_since = self.checkpoints(chain, signed(start.count) - 1, signed(start.count))?;
        let kept_since = kept_since.into_iter().next().map(|checkpoint| checkpoint.at).filter(|_| start.count > 0);
        let mut verifier = Verifier::new(start, Vec::new(), keys).with_witnesses(witnesses);
        let (mut fault, mut run, mut last, mut strays) = (None, 0, None, Vec::new());
        self.walk(chain, Chosen::All(first), &mut |step| {
            let held = match step {
                Step::Checkpoints(more) => {
                    last = more.last().cloned().or_else(|| last.take());
                    verifier.more_checkpoints(more);
                    Ok(())
                }
                Step::Run(behind, let_go) => {
                    run = behind;
                    verifier.run(behind, let_go)
                }
                Step::Entry(entry, told) => {
                    count();
                    match &told {
                        Some(told) if told.id == entry.id && !told.fits(&chain.node, run) => {
                            Err(Fault::Altered { seq: entry.seq, id: entry.id })
                        }
                        _ => verifier.told(&entry, told.as_ref().map(|told| (told.id, told.text.as_str()))),
                    }
                }
                Step::Stray(told) if !is_alone => {
                    strays.push((told.run, told.seq, told.id));
                    Ok(())
                }
                Step::Stray(told) => Err(Fault::Added { seq: told.seq }),
            };
            fault = held.err();
            Ok(if fault.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        let fault = match fault {
            None => self.added(chain, strays)?,
            fault => fault,
        };
        let report = match fault.map_or_else(|| verifier.finish(), Err) {
            Ok(report) => Report { kept_since, ..report },
            Err(fault) => return Ok(Err(fault)),
        };
        let (last, signed_at) = last.map_or((0, None), |last| (last.seq, Some(last.at)));
        Ok(Ok(Proved { node: chain.node.clone(), report, first, last, signed_at, before }))
    }

    /// Where the chain that is kept begins, and the place of its first record.
    fn start(&self, chain: &Chain) -> anyhow::Result<Result<(Tip, i64), Fault>> {
        let sql = format!("{RUN} ORDER BY before LIMIT 1");
        let run = self.gather(&sql, &[&chain.node, &chain.key], |row| Ok(Run::of(row, chain)?))?.pop();
        let before = match &run {
            Some(run) if run.before == 0 => return Ok(Ok((Tip::genesis(&chain.node), run.first))),
            Some(run) => run.before,
            // All of it was let go, up to the last checkpoint.
            None => self.checkpoints(chain, -1, i64::MAX)?.pop().map_or(0, |last| signed(last.count)),
        };
        let start = self.checkpoints(chain, before - 1, before)?.pop();
        let tip = start.as_ref().and_then(Checkpoint::tip);
        let first = |tip: Tip| run.map_or(tip.seq.saturating_add(1), |run| run.first);
        // Without a checkpoint there, nobody says what came before.
        Ok(tip.map(|tip| (tip, first(tip))).ok_or(Fault::Lost { after: 0, count: unsigned(before) }))
    }

    /// How many records of the node all runs are behind, and no other chain holds: those are older, or somebody put them
    /// there.
    fn before(&self, chain: &Chain, first: i64) -> anyhow::Result<Result<i64, Fault>> {
        let sql = "SELECT count(*), min(seq), min(seq) FILTER (WHERE received > (SELECT received_to FROM audit_chain \
                   WHERE node = $1 AND key = $2 ORDER BY before LIMIT 1)) FROM audit_records AS old WHERE node = $1 \
                   AND seq < $3 AND (run IS NULL OR NOT EXISTS (SELECT FROM audit_chain WHERE node = old.node AND \
                   before = old.run AND key <> $2))";
        let found = self.gather(sql, &[&chain.node, &chain.key, &first], |row| {
            Ok((row.try_get::<_, i64>(0)?, row.try_get::<_, Option<i64>>(1)?, row.try_get::<_, Option<i64>>(2)?))
        });
        let (all, least, late) = found?.pop().unwrap_or_default();
        let added = late.or_else(|| least.filter(|seq| *seq < 1));
        Ok(added.map_or(Ok(all), |seq| Err(Fault::Added { seq })))
    }

    /// The first of these records, each with its run and its place, that no other chain of the same node holds.
    fn added(&self, chain: &Chain, mut strays: Vec<(Option<i64>, i64, Uuid)>) -> anyhow::Result<Option<Fault>> {
        strays.sort_unstable();
        let sql = "SELECT entries FROM audit_chain WHERE node = $1 AND key <> $2 AND before = $3";
        for some in strays.chunk_by(|one, next| one.0 == next.0) {
            let run = some.first().and_then(|(run, ..)| *run);
            let held = self.gather(sql, &[&chain.node, &chain.key, &run], |row| Ok(runs::entries(row.try_get(0)?)))?;
            let held: BTreeSet<(i64, Uuid)> = held.iter().flatten().map(|entry| (entry.seq, entry.id)).collect();
            if let Some((_, seq, _)) = some.iter().find(|(_, seq, id)| !held.contains(&(*seq, *id))) {
                return Ok(Some(Fault::Added { seq: *seq }));
            }
        }
        Ok(None)
    }
}

fn told(row: &Row) -> anyhow::Result<Told> {
    Ok(Told {
        seq: row.try_get(0)?,
        id: row.try_get::<_, &str>(1)?.parse()?,
        us: row.try_get(2)?,
        org: row.try_get(3)?,
        call: row.try_get(4)?,
        kind: row.try_get(5)?,
        run: row.try_get(6)?,
        text: row.try_get(7)?,
    })
}

/// What a record says itself of what stands in columns beside it.
#[derive(Deserialize)]
struct Said<'a> {
    id: Uuid,
    kind: Kind,
    #[serde(borrow)]
    org: Cow<'a, str>,
    #[serde(borrow)]
    node: Cow<'a, str>,
    received: Moment,
    #[serde(borrow, default)]
    call: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Moment {
    us: i64,
}

impl Told {
    /// Whether the columns say what the record says, and name the run that holds it.
    fn fits(&self, node: &str, run: u64) -> bool {
        let Ok(said) = serde_json::from_str::<Said<'_>>(&self.text) else { return false };
        said.id == self.id
            && said.kind.word() == self.kind
            && said.org == self.org
            && said.node == node
            && said.received.us == self.us
            && said.call == self.call
            && self.run.map(unsigned) == Some(run)
    }
}

/// Entries and records, which come in the order of their places, side by side.
struct Merge {
    pending: VecDeque<Piece>,
    group: Vec<Told>,
}

enum Piece {
    Run(u64, Vec<LetGo>),
    Entry(Entry),
}

impl Merge {
    fn of(page: Vec<Run>) -> Self {
        let pieces = page.into_iter().flat_map(|run| {
            let entries = run.entries.into_iter().map(Piece::Entry);
            std::iter::once(Piece::Run(unsigned(run.before), run.let_go)).chain(entries)
        });
        Self { pending: pieces.collect(), group: Vec::new() }
    }

    /// The next record. Two chains of one node may each have one in the same place.
    fn record(
        &mut self,
        told: Told,
        show: &mut dyn FnMut(Step) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<ControlFlow<()>> {
        let is_next = self.group.first().is_some_and(|first| first.seq != told.seq);
        let flow = if is_next { self.flush(show)? } else { ControlFlow::Continue(()) };
        self.group.push(told);
        Ok(flow)
    }

    /// Shows the entries up to the place at hand, the records in it, and what no entry is about.
    fn flush(
        &mut self,
        show: &mut dyn FnMut(Step) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<ControlFlow<()>> {
        let mut group = std::mem::take(&mut self.group);
        let upto = group.first().map_or(i64::MAX, |first| first.seq);
        while let Some(piece) = self.pending.pop_front() {
            let step = match piece {
                Piece::Run(before, let_go) => Step::Run(before, let_go),
                Piece::Entry(entry) if entry.seq > upto => {
                    self.pending.push_front(Piece::Entry(entry));
                    break;
                }
                Piece::Entry(entry) if entry.seq < upto => Step::Entry(entry, None),
                Piece::Entry(entry) => {
                    let here = group.iter().position(|told| told.id == entry.id).unwrap_or_default();
                    Step::Entry(entry, (here < group.len()).then(|| group.remove(here)))
                }
            };
            if show(step)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        for told in group {
            if show(Step::Stray(told))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(
        &mut self,
        show: &mut dyn FnMut(Step) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<ControlFlow<()>> {
        if self.flush(show)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        self.flush(show)
    }
}
