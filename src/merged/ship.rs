//! Puts records there, all of a batch or none, and binds them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_postgres::Statement;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use crate::chain::checkpoint::{Checkpoint, Signer};
use crate::database::{self, Address, AddressError};
use crate::merged::bind::{self, Binder, Known, Run, Unbound};
use crate::merged::row::{Columns, Row};
use crate::merged::{Link, STEPS, Way};

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the steps to the current form may take.
const LONGEST: Duration = Duration::from_secs(120);

/// Months that are made ahead.
const AHEAD: i8 = 2;

/// A row that is there already is left as it is.
const INSERT: &str = "INSERT INTO audit_records (received, id, org, call, kind, node, seq, record, run) \
    SELECT timestamptz 'epoch' + us * interval '1 microsecond', id::uuid, org, call, kind, node, seq, record::json, $9::bigint \
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[]) \
    AS sent (us, id, org, call, kind, node, seq, record) ON CONFLICT DO NOTHING";

/// The run of the rows, counted as they are put there, and the checkpoint behind it.
const BIND: &str = "INSERT INTO audit_chain (node, key, before, first, last, received_from, received_to, records, entries) \
    SELECT $10::text, $11::text, $9::bigint, $12::bigint, $13::bigint, \
    timestamptz 'epoch' + $14::bigint * interval '1 microsecond', \
    timestamptz 'epoch' + $15::bigint * interval '1 microsecond', (SELECT count(*) FROM put)::integer, $16::bytea) \
    INSERT INTO audit_checkpoints (node, key, count, seq, link, at, signature) \
    VALUES ($10::text, $11::text, $17::bigint, $13::bigint, $18::text, $19::text, $20::text)";

/// Why a batch is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It may be taken later.
    Away(String),
    /// There was no answer in time; a smaller batch may have one.
    Slow,
    /// Something in it will never be taken.
    Never(String),
}

/// The way there, and what is known of the place.
pub struct Shipper {
    way: Way,
    link: Option<Linked>,
    binder: Option<Binder>,
    formed: bool,
    /// Months that have their partition, as days in which they begin.
    months: BTreeSet<i64>,
}

/// A connection, and what is said over it again and again.
struct Linked {
    link: Link,
    insert: Statement,
    bind: Statement,
}

impl fmt::Debug for Shipper {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Shipper")
    }
}

impl Shipper {
    /// A shipper to that address; it is reached when there is something to send. With a signer, what it sends is bound.
    pub fn new(address: &Address, signer: Option<Arc<Signer>>) -> Result<Self, AddressError> {
        let binder = signer.map(Binder::new);
        Ok(Self { way: Way::to(address)?, link: None, binder, formed: false, months: BTreeSet::new() })
    }

    /// What was written down when the service ran last.
    pub fn recall(&mut self, known: Known) {
        if let Some(binder) = &mut self.binder {
            binder.recall(known);
        }
    }

    /// What is to be written down; none when nothing is bound.
    pub fn known(&self) -> Option<&Known> {
        self.binder.as_ref().map(Binder::known)
    }

    /// Puts the rows there; those that are there already stay as they are. `now` says which months come next.
    pub async fn put(&mut self, rows: &[Row<'_>], now: Timestamp) -> Result<(), Refused> {
        // Only a link that answered well is used again: nobody knows what another one waits for.
        let linked = match self.link.take() {
            Some(linked) => linked,
            None => self.linked().await?,
        };
        let work = async {
            self.make_months(&linked.link, rows, now).await?;
            match self.put_all(&linked, rows, now).await {
                Err(Unbound::Said(error)) if is_without_month(&error) => {
                    // Somebody has let it go since it was made.
                    self.months.clear();
                    self.make_months(&linked.link, rows, now).await?;
                    self.put_all(&linked, rows, now).await
                }
                done => done,
            }
        };
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(())) => {
                self.link = Some(linked);
                Ok(())
            }
            Ok(Err(Unbound::Chain(why))) => Err(Refused::Away(why)),
            Ok(Err(Unbound::Said(error))) => {
                let refused = refused(&error);
                if matches!(refused, Refused::Never(_)) {
                    self.link = Some(linked);
                }
                Err(refused)
            }
            Err(_late) => Err(Refused::Slow),
        }
    }

    async fn put_all(&mut self, linked: &Linked, rows: &[Row<'_>], now: Timestamp) -> Result<(), Unbound> {
        let Some(binder) = &mut self.binder else { return Ok(insert(linked, rows).await?) };
        // A journal may have records of another name that its node had.
        for some in rows.chunk_by(|one, next| one.record.node == next.record.node) {
            let Some(first) = some.first() else { continue };
            binder.ask(&linked.link.client, &first.record.node).await?;
            let bound = binder.place(&first.record.node);
            let (before, new) = some.split_at(some.partition_point(|row| row.seq <= bound));
            if !before.is_empty() {
                // They are there, unless the journal has begun anew: then they must be, if unbound.
                insert(linked, before).await?;
            }
            match bind(binder, linked, new, now).await {
                Err(Unbound::Said(error)) if bind::is_partly_there(&error) => {
                    let there = there(&linked.link, new).await?;
                    let new: Vec<Row<'_>> =
                        new.iter().filter(|row| !there.contains(&row.record.id.to_string())).copied().collect();
                    bind(binder, linked, &new, now).await?;
                }
                done => done?,
            }
        }
        Ok(())
    }

    async fn linked(&mut self) -> Result<Linked, Refused> {
        let mut link = self.way.connect(PATIENCE).await.map_err(Refused::Away)?;
        if !self.formed {
            let brought = tokio::time::timeout(LONGEST, database::bring_up(&mut link.client, &STEPS)).await;
            brought.map_err(|_late| Refused::Slow)?.map_err(Refused::Away)?;
            self.formed = true;
        }
        let bound = format!("WITH put AS ({INSERT} RETURNING seq), run AS ({BIND}");
        let both = async { tokio::try_join!(link.client.prepare(INSERT), link.client.prepare(&bound)) };
        let prepared = tokio::time::timeout(PATIENCE, both).await;
        let (insert, bind) = prepared.map_err(|_late| Refused::Slow)?.map_err(|error| refused(&error))?;
        if let Some(binder) = &mut self.binder {
            binder.ask_again();
        }
        Ok(Linked { link, insert, bind })
    }

    /// Makes the months of the rows and those that come next, unless they are known to be there.
    async fn make_months(
        &mut self,
        link: &Link,
        rows: &[Row<'_>],
        now: Timestamp,
    ) -> Result<(), tokio_postgres::Error> {
        let mut wanted: BTreeSet<i64> = rows.iter().filter_map(|row| month(row.record.received.us, 0)).collect();
        wanted.extend((0..=AHEAD).filter_map(|ahead| month(now.as_microsecond(), ahead)));
        for first in wanted.difference(&self.months.clone()) {
            let make = "SELECT audit_month(timestamptz 'epoch' + $1::bigint * interval '1 second')";
            match link.client.execute(make, &[first]).await {
                Err(error) if !is_made(&error) => return Err(error),
                _ => drop(self.months.insert(*first)),
            }
        }
        Ok(())
    }
}

async fn insert(linked: &Linked, rows: &[Row<'_>]) -> Result<(), tokio_postgres::Error> {
    let Columns { received, ids, orgs, calls, kinds, nodes, seqs, bodies } = Columns::of(rows);
    let no_run: Option<i64> = None;
    let given: [&(dyn ToSql + Sync); 9] = [&received, &ids, &orgs, &calls, &kinds, &nodes, &seqs, &bodies, &no_run];
    linked.link.client.execute(&linked.insert, &given).await.map(drop)
}

/// Puts them there with the run that binds them, or nothing at all.
async fn bind(binder: &mut Binder, linked: &Linked, rows: &[Row<'_>], now: Timestamp) -> Result<(), Unbound> {
    let Some(run) = binder.run(rows, now)? else { return Ok(()) };
    let Columns { received, ids, orgs, calls, kinds, nodes, seqs, bodies } = Columns::of(rows);
    let Checkpoint { node, key, link, at, signature, .. } = &run.checkpoint;
    let Run { before, first, last, from_us, to_us, entries, count, .. } = &run;
    let given: [&(dyn ToSql + Sync); 20] = [
        &received, &ids, &orgs, &calls, &kinds, &nodes, &seqs, &bodies, before, node, key, first, last, from_us, to_us,
        entries, count, link, at, signature,
    ];
    linked.link.client.execute(&linked.bind, &given).await?;
    binder.done(run.checkpoint);
    Ok(())
}

/// The names of those that are there.
async fn there(link: &Link, rows: &[Row<'_>]) -> Result<BTreeSet<String>, tokio_postgres::Error> {
    let Columns { received, ids, .. } = Columns::of(rows);
    let select = "SELECT id::text FROM unnest($1::bigint[], $2::text[]) AS sent (us, name) JOIN audit_records \
                  ON received = timestamptz 'epoch' + us * interval '1 microsecond' AND id = name::uuid";
    link.client.query(select, &[&received, &ids]).await?.iter().map(|row| row.try_get(0)).collect()
}

/// The second in which the month of that microsecond begins, or one so many months later.
fn month(us: i64, later: i8) -> Option<i64> {
    let at = Timestamp::from_microsecond(us).ok()?.to_zoned(TimeZone::UTC);
    let first = at.date().first_of_month().checked_add(jiff::Span::new().months(later)).ok()?;
    Some(first.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Whether another node made the month at the same moment: what the server had looked up before it waited, it believes.
fn is_made(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| *code == SqlState::DUPLICATE_TABLE)
}

fn is_without_month(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|told| {
        *told.code() == SqlState::CHECK_VIOLATION && told.message().starts_with("no partition of relation")
    })
}

/// What is wrong with a value or breaks a rule of the tables stays wrong; everything else may pass.
fn refused(error: &tokio_postgres::Error) -> Refused {
    let why = database::told(error);
    if let Some(another) = bind::is_another(error) {
        return Refused::Away(another.to_owned());
    }
    match error.code() {
        Some(code) if *code == SqlState::QUERY_CANCELED => Refused::Slow,
        Some(code) if is_about_values(code) => Refused::Never(why),
        Some(_) | None => Refused::Away(why),
    }
}

fn is_about_values(code: &SqlState) -> bool {
    // Data exceptions, broken constraints, and what is too long for an index.
    ["22", "23", "54"].iter().any(|class| code.code().starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_and_follow_each_other_in_utc() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let late = at("2026-12-31T23:59:59.999999Z").as_microsecond();
        assert_eq!(month(late, 0), Some(at("2026-12-01T00:00:00Z").as_second()));
        assert_eq!(month(late, 1), Some(at("2027-01-01T00:00:00Z").as_second()));
        assert_eq!(month(late + 1, 2), Some(at("2027-03-01T00:00:00Z").as_second()));
        assert_eq!(month(i64::MAX, 0), None);
    }
}
