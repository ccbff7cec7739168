//! Runs of entries as they stand there, changed under a lock: salts dropped, and what was let go signed for.

use std::collections::BTreeSet;

use tokio_postgres::Transaction;

use crate::chain::checkpoint::Signer;
use crate::chain::entry::{Entry, SIZE};
use crate::chain::letgo::LetGo;
use crate::merged::bind::unsigned;

/// A run.
pub(in crate::merged) struct Run {
    pub(in crate::merged) node: String,
    pub(in crate::merged) key: String,
    pub(in crate::merged) before: i64,
    pub(in crate::merged) entries: Vec<Entry>,
    pub(in crate::merged) let_go: Vec<LetGo>,
}

/// The entries in their stored form, one after the other.
pub(in crate::merged) fn entries(bytes: &[u8]) -> Vec<Entry> {
    let (whole, _) = bytes.as_chunks::<SIZE>();
    whole.iter().map(Entry::decode).collect()
}

/// What is stated about a run, as far as it is about this one and signed; what is not counts for nothing.
pub(in crate::merged) fn let_go(text: &str, node: &str, key: &str, before: i64) -> Vec<LetGo> {
    let all: Vec<LetGo> = serde_json::from_str(text).unwrap_or_default();
    let (name, before) = (name(node, key), unsigned(before));
    all.into_iter().filter(|it| it.node == name && it.before == before && it.is_genuine()).collect()
}

/// What a chain is called where others sign about it: a node that lost its disk has two.
fn name(node: &str, key: &str) -> String {
    format!("{node} {key}")
}

/// The runs of that node behind so many entries, locked: one for each of its keys.
pub(in crate::merged) async fn locked(
    transaction: &Transaction<'_>,
    node: &str,
    before: i64,
) -> Result<Vec<Run>, tokio_postgres::Error> {
    let select = "SELECT key, entries, let_go::text FROM audit_chain WHERE node = $1 AND before = $2 ORDER BY key \
                  FOR UPDATE";
    let rows = transaction.query(select, &[&node, &before]).await?;
    let mut found = Vec::new();
    for row in &rows {
        let key: String = row.try_get(0)?;
        found.push(Run {
            node: node.to_owned(),
            before,
            entries: entries(row.try_get(1)?),
            let_go: let_go(row.try_get(2)?, node, &key, before),
            key,
        });
    }
    Ok(found)
}

impl Run {
    /// Drops the salts of some, and tells of how many.
    pub(in crate::merged) fn without_salts(&mut self, which: impl Fn(&Entry) -> bool) -> usize {
        let mut all = 0;
        for entry in self.entries.iter_mut().filter(|entry| which(entry)) {
            *entry = entry.erased();
            all += 1;
        }
        all
    }

    /// Signs for records of these places going, and drops their salts. What others signed stays as they did.
    pub(in crate::merged) fn sign_away(&mut self, places: &BTreeSet<i64>, signer: &Signer, at: &str) {
        let own = signer.key();
        let before = self.let_go.extract_if(.., |stated| stated.key == own).flat_map(|stated| stated.places);
        let all: BTreeSet<i64> = before.chain(places.iter().copied()).collect();
        let name = name(&self.node, &self.key);
        self.let_go.push(LetGo::signed(signer, &name, unsigned(self.before), all, at));
        self.without_salts(|entry| places.contains(&entry.seq));
    }

    /// Writes it back.
    pub(in crate::merged) async fn write(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let mut bytes = Vec::with_capacity(self.entries.len() * SIZE);
        self.entries.iter().for_each(|entry| entry.encode(&mut bytes));
        let let_go = serde_json::to_string(&self.let_go).unwrap_or_else(|_unwritable| "[]".to_owned());
        let update = "UPDATE audit_chain SET entries = $4, let_go = $5::text::json \
                      WHERE node = $1 AND key = $2 AND before = $3";
        transaction.execute(update, &[&self.node, &self.key, &self.before, &bytes, &let_go]).await.map(drop)
    }
}
