//! Lets go of what is older than it is to be kept: a few rows at a time, between the records of callers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
    own: Mutex<VecDeque<Own>>,
}

/// What an organization that keeps less lets go: some records, and calls that began before a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Own {
    pub(in crate::store) org: String,
    pub(in crate::store) places: Vec<i64>,
    pub(in crate::store) upto: i64,
    pub(in crate::store) before_us: i64,
}

impl Wish {
    /// Records up to the place may go, and calls that began before that time; it never goes back.
    pub(in crate::store) fn set(&self, upto: i64, before_us: i64) {
        self.before_us.fetch_max(before_us, Ordering::Relaxed);
        self.upto.fetch_max(upto, Ordering::Release);
    }

    /// Records and calls of one organization may go; an older wish of the same one is part of this.
    pub(in crate::store) fn add(&self, own: Own) {
        let mut all = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| known.org != own.org);
        all.push_back(own);
    }

    fn own(&self) -> Option<Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).front().cloned()
    }

    fn is_done(&self, own: &Own) {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| known != own);
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
        let own = self.retention.wish.own();
        let nothing = own.is_none() && wish == self.retention.done;
        if nothing || (now_us - self.retention.last_us).abs() < PAUSE_US {
            return;
        }
        self.retention.last_us = now_us;
        if let Some(own) = own {
            match go_of(&mut self.connection, &own) {
                Ok(rows) => {
                    self.retention.wish.is_done(&own);
                    self.checkpoints.wrote(&self.connection, rows);
                }
                Err(error) => {
                    tracing::warn!(%error, org = %own.org, "what is too old could not be let go; it is tried again");
                }
            }
            return;
        }
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

/// The name of the cursor of an organization that keeps less.
pub(in crate::store) fn cursor(org: &str) -> String {
    format!("{CURSOR} {org}")
}

/// Lets go of what an organization keeps no longer.
fn go_of(connection: &mut Connection, own: &Own) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut rows = 0;
    for place in &own.places {
        let loose = "DELETE FROM loose_steps WHERE (org, step) IN (SELECT org, step FROM records WHERE seq = ?1 \
                     AND call = '') AND record = ?1";
        transaction.prepare_cached(loose)?.execute([place])?;
        rows += transaction.prepare_cached("DELETE FROM records WHERE seq = ?1")?.execute([place])?;
    }
    let calls = "DELETE FROM calls WHERE began < ?1 AND org = ?2 AND closed_at IS NOT NULL";
    rows += transaction.prepare_cached(calls)?.execute(params![own.before_us, own.org])?;
    let keys = "DELETE FROM keys WHERE at < ?1 AND org = ?2";
    rows += transaction.prepare_cached(keys)?.execute(params![own.before_us, own.org])?;
    set_cursor(&transaction, &cursor(&own.org), own.upto)?;
    transaction.commit()?;
    Ok(rows)
}

fn set_cursor(connection: &Connection, name: &str, seq: i64) -> rusqlite::Result<()> {
    let cursor = "INSERT INTO cursors (name, seq) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq";
    connection.prepare_cached(cursor)?.execute(params![name, seq])?;
    Ok(())
}

fn records(connection: &Connection, upto: i64) -> rusqlite::Result<usize> {
    let first = connection.prepare_cached("SELECT min(seq) FROM records")?.query_row([], |row| row.get(0));
    let Some(first) = first.optional()?.flatten().filter(|first: &i64| *first <= upto) else { return Ok(0) };
    let end = upto.min(first + ROWS - 1);
    let loose = "DELETE FROM loose_steps WHERE (org, step) IN (SELECT org, step FROM records WHERE seq <= ?1 \
                 AND call = '') AND record <= ?1";
    connection.prepare_cached(loose)?.execute([end])?;
    let rows = connection.prepare_cached("DELETE FROM records WHERE seq <= ?1")?.execute([end])?;
    set_cursor(connection, CURSOR, end)?;
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
