//! Takes a person out of the journal while no service writes to it.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};
use uuid::Uuid;

use crate::audit::person::{self, Whom};
use crate::audit::record::Record;
use crate::audit::summary::Summary;
use crate::store::body;
use crate::store::error::StoreError;
use crate::store::open::{self, Folder};

/// What is to be erased, found and not yet touched.
#[derive(Debug)]
pub struct Erasing {
    folder: Folder,
    connection: Connection,
    whom: Whom,
    calls: Vec<i64>,
    /// Calls of the person: organization and name.
    pub names: BTreeSet<(String, String)>,
    /// The names of the records.
    pub ids: Vec<Uuid>,
    /// The places of the records that tell of the person.
    pub records: Vec<i64>,
    /// Organizations whose rules, kept here, name the number: records that ring it are not those of a caller.
    pub named_by: Vec<String>,
    /// Whether it is the number of a line, and of nobody who called.
    pub is_line: bool,
    /// Recordings of the person's messages: who holds each, an organization or an account, and the carrier's name.
    pub recordings: BTreeSet<(String, String)>,
}

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// Calls.
    pub calls: usize,
    /// Records.
    pub records: usize,
}

impl Erasing {
    /// Finds all that tells of the caller. A folder that a service holds is refused.
    pub fn find(folder: &Path, whom: &Whom) -> Result<Self, StoreError> {
        let folder = Folder::take(folder)?;
        let file = folder.file();
        let connection = open::prepare(&file)?;
        let mut found = Self {
            folder,
            connection,
            whom: whom.clone(),
            calls: Vec::new(),
            names: BTreeSet::new(),
            ids: Vec::new(),
            named_by: Vec::new(),
            is_line: false,
            records: Vec::new(),
            recordings: BTreeSet::new(),
        };
        found.look().map_err(|source| StoreError::of(&file, source))?;
        Ok(found)
    }

    fn look(&mut self) -> rusqlite::Result<()> {
        let mut query = self.connection.prepare("SELECT id, org, call FROM calls WHERE caller = ?1")?;
        let mut rows = query.query([self.whom.caller()])?;
        while let Some(row) = rows.next()? {
            self.calls.push(row.get(0)?);
            self.names.insert((row.get(1)?, row.get(2)?));
        }
        if let Some(digits) = self.whom.digits() {
            let select = "SELECT DISTINCT org FROM rule_texts WHERE instr(files, ?1) > 0 ORDER BY org";
            let mut query = self.connection.prepare(select)?;
            self.named_by = query.query_map([digits], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        }
        let caller = self.whom.caller();
        let mut query = self.connection.prepare("SELECT seq, org, call, body FROM records ORDER BY seq")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let own = self.names.contains(&(row.get(1)?, row.get(2)?));
            let Ok(record) = body::decode::<Record>(row.get_ref(3)?.as_blob()?) else { continue };
            self.is_line |= record.facts.as_ref().is_some_and(|facts| facts.called == caller);
            let named =
                if self.named_by.is_empty() { self.whom.is_in(&record) } else { person::tells_of(&record, caller) };
            // What was erased before is as it will be, and needs no second time.
            if (own || named) && person::without(record.clone()) != record {
                self.records.push(row.get(0)?);
                self.ids.push(record.id);
                let holder = record.holder().to_owned();
                self.recordings.extend(record.reported.recording.map(|recording| (holder, recording)));
            }
        }
        Ok(())
    }

    /// Writes what was found without the person, and leaves nothing of it in the file's free room.
    pub fn finish(mut self) -> Result<Erased, StoreError> {
        let file = self.folder.file();
        self.rewrite().map_err(|source| StoreError::of(&file, source))?;
        Ok(Erased { calls: self.calls.len(), records: self.records.len() })
    }

    fn rewrite(&mut self) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "secure_delete", "on")?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for seq in &self.records {
            let record: Record = transaction
                .prepare_cached("SELECT body FROM records WHERE seq = ?1")?
                .query_row([seq], |row| body::decode(row.get_ref(0)?.as_blob()?))?;
            let open = body::column(&person::without(record.clone()))?;
            transaction.prepare_cached("UPDATE records SET body = ?2 WHERE seq = ?1")?.execute(params![seq, open])?;
        }
        for id in &self.calls {
            let mut summary: Summary = transaction
                .prepare_cached("SELECT summary FROM calls WHERE id = ?1")?
                .query_row([id], |row| body::decode(row.get_ref(0)?.as_blob()?))?;
            person::ERASED.clone_into(&mut summary.caller);
            transaction
                .prepare_cached("UPDATE calls SET caller = ?2, summary = ?3 WHERE id = ?1")?
                .execute(params![id, person::ERASED, body::column(&summary)?])?;
        }
        transaction.commit()?;
        // What earlier changes left behind in free room is only gone when the file is written anew.
        self.connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
    }
}
