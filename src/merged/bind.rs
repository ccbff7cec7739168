//! Binds what is sent to the chain of its node, which stands beside the records: a run of entries for each batch, and a
//! signed checkpoint behind it.
//!
//! Each node remembers its last checkpoint. When the chain in the database ends before it, somebody has cut it, and
//! nothing is sent until that was seen to: otherwise the next run would hide it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio_postgres::{Client, Row as Found};

use crate::audit::record::Record;
use crate::chain::checkpoint::{Checkpoint, Signer};
use crate::chain::entry::{Print, SALT, SIZE, Tip};
use crate::merged::row::Row;

/// The last checkpoint of each chain that a node continues, by the node's name: it may have had another one before.
pub type Known = BTreeMap<String, Checkpoint>;

/// Why nothing can be bound.
const ANOTHER: &str = "another process sends records as this node, with its key: give each node a name and a data \
                       folder of its own";

/// Why a record has no salt.
const NO_CHANCE: &str = "no random bytes are to be had";

/// The columns of a checkpoint.
pub(in crate::merged) const CHECKPOINT: &str = "node, key, count, seq, link, at, signature";

/// What binds.
pub(in crate::merged) struct Binder {
    signer: Arc<Signer>,
    key: String,
    known: Known,
    asked: BTreeSet<String>,
}

/// A batch bound: what stands beside its records.
pub(in crate::merged) struct Run {
    pub(in crate::merged) before: i64,
    pub(in crate::merged) first: i64,
    pub(in crate::merged) last: i64,
    pub(in crate::merged) from_us: i64,
    pub(in crate::merged) to_us: i64,
    pub(in crate::merged) entries: Vec<u8>,
    pub(in crate::merged) checkpoint: Checkpoint,
    pub(in crate::merged) count: i64,
}

/// Why it could not be done.
pub(in crate::merged) enum Unbound {
    /// PostgreSQL said so.
    Said(tokio_postgres::Error),
    /// The chain there is not the one that was sent.
    Chain(String),
}

impl From<tokio_postgres::Error> for Unbound {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Said(error)
    }
}

impl Binder {
    pub(in crate::merged) fn new(signer: Arc<Signer>) -> Self {
        Self { key: signer.key(), signer, known: Known::new(), asked: BTreeSet::new() }
    }

    /// What was written down when the service ran last. What another key signed is of a chain that has ended.
    pub(in crate::merged) fn recall(&mut self, known: Known) {
        self.known = known;
        self.known.retain(|_, checkpoint| checkpoint.key == self.key);
    }

    pub(in crate::merged) const fn known(&self) -> &Known {
        &self.known
    }

    /// The connection is another one: nobody knows what was done over the one before.
    pub(in crate::merged) fn ask_again(&mut self) {
        self.asked.clear();
    }

    /// The place up to which records of that node are bound.
    pub(in crate::merged) fn place(&self, node: &str) -> i64 {
        self.known.get(node).map_or(0, |checkpoint| checkpoint.seq)
    }

    /// Looks, once, where the chain of that node ends there.
    pub(in crate::merged) async fn ask(&mut self, client: &Client, node: &str) -> Result<(), Unbound> {
        if self.asked.contains(node) {
            return Ok(());
        }
        let last = format!(
            "SELECT {CHECKPOINT} FROM audit_checkpoints WHERE node = $1 AND key = $2 ORDER BY count DESC LIMIT 1"
        );
        let there = client.query_opt(&last, &[&node, &self.key]).await?.map(|row| checkpoint(&row)).transpose()?;
        match (self.known.get(node), there) {
            (_, Some(there)) if !there.is_genuine() || there.tip().is_none() => {
                return Err(Unbound::Chain(format!("the last checkpoint of `{node}` there is not signed by its key")));
            }
            (Some(known), Some(there)) if there.count < known.count => {
                return Err(Unbound::Chain(format!(
                    "the chain of `{node}` there ends after {} records, and had {}: it was cut, or the database is an \
                     older copy. To send again what the journal still has, stop the service, remove \
                     `sinks/@database.cursor.json` from its data folder, and start it",
                    there.count, known.count
                )));
            }
            (Some(known), Some(there)) if there.count == known.count && there.link != known.link => {
                return Err(Unbound::Chain(ANOTHER.to_owned()));
            }
            // Another database: its chain begins where the one before ended.
            (Some(known), None) => put(client, known).await?,
            (_, Some(there)) => drop(self.known.insert(node.to_owned(), there)),
            (None, None) => {}
        }
        self.asked.insert(node.to_owned());
        Ok(())
    }

    /// Binds the rows, which are of one node and behind what is bound; none when there is none.
    pub(in crate::merged) fn run(&self, rows: &[Row<'_>], now: Timestamp) -> Result<Option<Run>, Unbound> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(None) };
        let node = &first.record.node;
        let mut tip = self.known.get(node).and_then(Checkpoint::tip).unwrap_or_else(|| Tip::genesis(node));
        let before = tip.count;
        let mut entries = Vec::with_capacity(rows.len() * SIZE);
        for row in rows {
            let print = match row.print {
                Some(print) => print,
                None => print(row.record, row.body).ok_or_else(|| Unbound::Chain(NO_CHANCE.to_owned()))?,
            };
            tip.extend_told(row.seq, row.record.id, print).encode(&mut entries);
        }
        let times = || rows.iter().map(|row| row.record.received.us);
        Ok(Some(Run {
            before: signed(before),
            first: first.seq,
            last: last.seq,
            from_us: times().min().unwrap_or_default(),
            to_us: times().max().unwrap_or_default(),
            entries,
            count: signed(tip.count),
            checkpoint: self.signer.sign(node, &tip, &now.to_string()),
        }))
    }

    /// The run stands there.
    pub(in crate::merged) fn done(&mut self, checkpoint: Checkpoint) {
        self.known.insert(checkpoint.node.clone(), checkpoint);
    }
}

/// Whether a unique name of a chain is taken: somebody else continues it.
pub(in crate::merged) fn is_another(error: &tokio_postgres::Error) -> Option<&'static str> {
    let told = error.as_db_error()?;
    let ours = matches!(told.table(), Some("audit_chain" | "audit_checkpoints"));
    (ours && *told.code() == tokio_postgres::error::SqlState::UNIQUE_VIOLATION).then_some(ANOTHER)
}

/// Whether some of the records stood there already.
pub(in crate::merged) fn is_partly_there(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|told| told.constraint() == Some("audit_chain_whole"))
}

async fn put(client: &Client, checkpoint: &Checkpoint) -> Result<(), tokio_postgres::Error> {
    let insert = format!("INSERT INTO audit_checkpoints ({CHECKPOINT}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    let Checkpoint { node, key, count, seq, link, at, signature, .. } = checkpoint;
    client.execute(&insert, &[node, key, &signed(*count), seq, link, at, signature]).await.map(drop)
}

/// A checkpoint as a row has it.
pub(in crate::merged) fn checkpoint(row: &Found) -> Result<Checkpoint, tokio_postgres::Error> {
    Ok(Checkpoint {
        version: 1,
        node: row.try_get(0)?,
        key: row.try_get(1)?,
        count: unsigned(row.try_get(2)?),
        seq: row.try_get(3)?,
        link: row.try_get(4)?,
        at: row.try_get(5)?,
        signature: row.try_get(6)?,
    })
}

/// A count as PostgreSQL has it.
pub(in crate::merged) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as it was.
pub(in crate::merged) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

/// What is bound of a record, which takes longer than binding it; none when no random bytes are to be had.
pub fn print(record: &Record, told: &str) -> Option<Print> {
    let mut salt = [0; SALT];
    aws_lc_rs::rand::fill(&mut salt).ok()?;
    // All zero means that the person was erased.
    Some(Print::of_told(record, told, if salt == [0; SALT] { [1; SALT] } else { salt }))
}
