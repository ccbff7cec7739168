//! The journal read behind its writing, for those who tell people.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::app::messenger::ports::{News, Place, Trail};
use crate::app::ports::{JournalError, Later};
use crate::audit::record::Record;
use crate::store::{Store, body};

/// Effects and records read at once.
const PORTION: usize = 256;

impl Trail for Store {
    fn news(&self, after: Place) -> Later<'_, Result<News, JournalError>> {
        Box::pin(self.read(move |archive| archive.readers.ask(|connection| news(connection, after))))
    }
}

fn news(connection: &Connection, after: Place) -> rusqlite::Result<News> {
    let most = i64::try_from(PORTION).unwrap_or(i64::MAX);
    let last = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    // One moment for all questions, so that nothing written between two of them is passed by.
    let moment = connection.unchecked_transaction()?;
    let end: i64 = moment.query_row("SELECT coalesce(max(seq), 0) FROM records", [], last)?;
    let mut place = Place { record: end.max(after.record), ..after };
    let mut found = BTreeMap::new();
    let select = "SELECT o.id, r.seq, r.body FROM outbox o JOIN records r ON r.seq = o.record \
                  WHERE o.id > ?1 ORDER BY o.id LIMIT ?2";
    let mut query = moment.prepare_cached(select)?;
    let mut rows = query.query(params![after.effect, most])?;
    let (mut effects, mut latest) = (0, 0);
    while let Some(row) = rows.next()? {
        place.effect = row.get(0)?;
        latest = row.get(1)?;
        effects += 1;
        found.insert(latest, read(row, 2)?);
    }
    if effects == PORTION {
        // What was written after these effects waits for those before it.
        place.record = place.record.min(latest).max(after.record);
    }
    let select = "SELECT seq, body FROM records INDEXED BY records_told WHERE seq > ?1 AND seq <= ?2 \
                  AND kind IN ('message', 'transcription') ORDER BY seq LIMIT ?3";
    let mut query = moment.prepare_cached(select)?;
    let mut rows = query.query(params![after.record, place.record, most])?;
    let mut texts = 0;
    while let Some(row) = rows.next()? {
        let seq = row.get(0)?;
        texts += 1;
        if texts == PORTION {
            place.record = seq;
        }
        found.insert(seq, read(row, 1)?);
    }
    Ok(News { records: found.into_values().collect(), place })
}

fn read(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Record> {
    body::decode(row.get_ref(column)?.as_blob()?)
}
