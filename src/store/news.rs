//! The journal read behind its writing, for those who tell people.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::app::messenger::ports::{News, Trail};
use crate::app::ports::{JournalError, Later};
use crate::audit::record::Kind;
use crate::store::told::{Told, concerns};
use crate::store::{Store, body, rows};

/// Records told of that are read at once.
const PORTION: usize = 256;

/// Records looked through at once for those that are told of.
const LOOKED: i64 = 4_096;

/// What is damaged, or of a newer program, must not keep everybody else from being told.
const UNREADABLE: &str = "a record cannot be read: nobody is told of it";

/// As much of a record as says whether somebody is told of it.
#[derive(Deserialize)]
struct Look {
    kind: Kind,
    #[serde(default)]
    effects: Vec<IgnoredAny>,
}

impl Trail for Store {
    fn news(&self, after: i64) -> Later<'_, Result<News, JournalError>> {
        let told = std::sync::Arc::clone(&self.told);
        Box::pin(self.read(move |archive| archive.readers.ask(|connection| news(connection, &told, after))))
    }
}

fn news(connection: &Connection, told: &Told, after: i64) -> rusqlite::Result<News> {
    // One moment for all questions, and the places afterwards, so that nothing written meanwhile is passed by.
    let moment = connection.unchecked_transaction()?;
    let end = rows::latest(&moment)?;
    if end < after {
        // A younger journal than the one that was read: what comes now is not to be passed over.
        return Ok(News { records: Vec::new(), place: end });
    }
    let (places, reached) = match told.between(after, end, PORTION) {
        Some(places) => (places, end),
        None => looked_through(&moment, after, end)?,
    };
    let place = if places.len() == PORTION { places.last().copied().unwrap_or(reached) } else { reached };
    let mut query = moment.prepare_cached("SELECT body FROM records WHERE seq = ?1")?;
    let mut records = Vec::with_capacity(places.len());
    for place in places {
        let read = query.query_row([place], |row| Ok(body::decode(row.get_ref(0)?.as_blob()?))).optional()?;
        match read {
            Some(Ok(record)) => records.push(record),
            Some(Err(error)) => tracing::error!(record = place, %error, "{UNREADABLE}"),
            // It was let go.
            None => {}
        }
    }
    Ok(News { records, place })
}

/// The places of those that are told of, and how far they were looked for.
fn looked_through(connection: &Connection, after: i64, end: i64) -> rusqlite::Result<(Vec<i64>, i64)> {
    let mut query = connection.prepare_cached("SELECT seq, body FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let mut rows = query.query(params![after, LOOKED])?;
    let (mut places, mut looked, mut reached) = (Vec::new(), 0, after);
    while let Some(row) = rows.next()? {
        (reached, looked) = (row.get(0)?, looked + 1);
        let Ok(look) = body::decode::<Look>(row.get_ref(1)?.as_blob()?) else {
            tracing::error!(record = reached, "{UNREADABLE}");
            continue;
        };
        if concerns(look.kind, !look.effects.is_empty()) {
            places.push(reached);
        }
        if places.len() == PORTION {
            return Ok((places, reached));
        }
    }
    Ok((places, if looked == LOOKED { reached } else { end }))
}
