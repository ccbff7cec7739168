//! Lets go of what is older than it is to be kept: a few rows at a time, between the records of callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use crate::store::writer::Writer;

/// How far everything was let go; its place stays taken when no record is left.
pub(in crate::store) const CURSOR: &str = "retention";

/// Rows of one go: a few milliseconds of writing.
const ROWS: i64 = 200;

/// Between two goes, so that callers have nine tenths of the time.
const PAUSE_US: i64 = 50_000;

/// What may go, said by whoever knows who still reads.
#[derive(Debug, Default)]
pub(in crate::store) struct Wish {
    upto: AtomicI64,
    before_us: AtomicI64,
}

impl Wish {
    /// Records up to the place may go, and calls that began before that time; it never goes back.
    pub(in crate::store) fn set(&self, upto: i64, before_us: i64) {
        self.before_us.fetch_max(before_us, Ordering::Relaxed);
        self.upto.fetch_max(upto, Ordering::Release);
    }

    fn get(&self) -> (i64, i64) {
        let upto = self.upto.load(Ordering::Acquire);
        (upto, self.before_us.load(Ordering::Relaxed))
    }
}

/// What the writer knows of it.
#[derive(Debug, Default)]
pub(in crate::store) struct Retention {
    pub(in crate::store) wish: Arc<Wish>,
    done: (i64, i64),
    last_us: i64,
}

impl Writer {
    /// Lets some go, when there is any and the last time is a little while ago.
    pub(in crate::store) fn let_go(&mut self, now_us: i64) {
        let wish = self.retention.wish.get();
        if wish == self.retention.done || (now_us - self.retention.last_us).abs() < PAUSE_US {
            return;
        }
        self.retention.last_us = now_us;
        // What the table of calls has not seen yet would be missing there.
        let upto = wish.0.min(self.calls.written());
        match go(&mut self.connection, upto, wish.1) {
            Ok(0) if upto == wish.0 => self.retention.done = wish,
            Ok(rows) => self.checkpoints.wrote(&self.connection, rows),
            Err(error) => tracing::warn!(%error, "what is too old could not be let go; it is tried again"),
        }
    }
}

/// Lets go of some rows, and tells how many.
pub(in crate::store) fn go(connection: &mut Connection, upto: i64, before_us: i64) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let rows = records(&transaction, upto)? + calls(&transaction, before_us)?;
    transaction.commit()?;
    Ok(rows)
}

fn records(connection: &Connection, upto: i64) -> rusqlite::Result<usize> {
    let first = connection.prepare_cached("SELECT min(seq) FROM records")?.query_row([], |row| row.get(0));
    let Some(first) = first.optional()?.flatten().filter(|first: &i64| *first <= upto) else { return Ok(0) };
    let end = upto.min(first + ROWS - 1);
    let effects = "DELETE FROM outbox WHERE (call, org) IN (SELECT call, org FROM records WHERE seq <= ?1) \
                   AND record <= ?1";
    connection.prepare_cached(effects)?.execute([end])?;
    let loose = "DELETE FROM loose_steps WHERE (org, step) IN (SELECT org, step FROM records WHERE seq <= ?1 \
                 AND call = '') AND record <= ?1";
    connection.prepare_cached(loose)?.execute([end])?;
    let rows = connection.prepare_cached("DELETE FROM records WHERE seq <= ?1")?.execute([end])?;
    let cursor = "INSERT INTO cursors (name, seq) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq";
    connection.prepare_cached(cursor)?.execute(params![CURSOR, end])?;
    Ok(rows)
}

fn calls(connection: &Connection, before_us: i64) -> rusqlite::Result<usize> {
    let calls = "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE began < ?1 AND closed_at IS NOT NULL \
                 ORDER BY began LIMIT ?2)";
    let rows = connection.prepare_cached(calls)?.execute(params![before_us, ROWS])?;
    let keys = "DELETE FROM keys WHERE (call, org, leg) IN (SELECT call, org, leg FROM keys WHERE at < ?1 \
                ORDER BY at LIMIT ?2)";
    Ok(rows + connection.prepare_cached(keys)?.execute(params![before_us, ROWS])?)
}
