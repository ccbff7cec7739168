//! Puts records there, all of a batch or none.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_postgres::Statement;
use tokio_postgres::error::SqlState;

use crate::database::{self, Address, AddressError};
use crate::merged::row::{Columns, Row};
use crate::merged::{Link, STEPS, Way};

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the steps to the current form may take.
const LONGEST: Duration = Duration::from_secs(120);

/// Months that are made ahead.
const AHEAD: i8 = 2;

/// A row that is there already is left as it is.
const INSERT: &str = "INSERT INTO audit_records (received, id, org, call, kind, node, seq, record) \
    SELECT timestamptz 'epoch' + us * interval '1 microsecond', id::uuid, org, call, kind, node, seq, record::json \
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[]) \
    AS sent (us, id, org, call, kind, node, seq, record) ON CONFLICT DO NOTHING";

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
    link: Option<(Link, Statement)>,
    formed: bool,
    /// Months that have their partition, as days in which they begin.
    months: BTreeSet<i64>,
}

impl fmt::Debug for Shipper {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Shipper")
    }
}

impl Shipper {
    /// A shipper to that address; it is reached when there is something to send.
    pub fn new(address: &Address) -> Result<Self, AddressError> {
        Ok(Self { way: Way::to(address)?, link: None, formed: false, months: BTreeSet::new() })
    }

    /// Puts the rows there; those that are there already stay as they are. `now` says which months come next.
    pub async fn put(&mut self, rows: &[Row<'_>], now: Timestamp) -> Result<(), Refused> {
        // Only a link that answered well is used again: nobody knows what another one waits for.
        let (link, insert) = match self.link.take() {
            Some(linked) => linked,
            None => self.linked().await?,
        };
        let work = async {
            self.make_months(&link, rows, now).await?;
            match insert_rows(&link, &insert, rows).await {
                Err(error) if is_without_month(&error) => {
                    // Somebody has let it go since it was made.
                    self.months.clear();
                    self.make_months(&link, rows, now).await?;
                    insert_rows(&link, &insert, rows).await
                }
                done => done,
            }
        };
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(())) => {
                self.link = Some((link, insert));
                Ok(())
            }
            Ok(Err(error)) => {
                let refused = refused(&error);
                if matches!(refused, Refused::Never(_)) {
                    self.link = Some((link, insert));
                }
                Err(refused)
            }
            Err(_late) => Err(Refused::Slow),
        }
    }

    async fn linked(&mut self) -> Result<(Link, Statement), Refused> {
        let mut link = self.way.connect(PATIENCE).await.map_err(Refused::Away)?;
        if !self.formed {
            let brought = tokio::time::timeout(LONGEST, database::bring_up(&mut link.client, &STEPS)).await;
            brought.map_err(|_late| Refused::Slow)?.map_err(Refused::Away)?;
            self.formed = true;
        }
        let prepared = tokio::time::timeout(PATIENCE, link.client.prepare(INSERT)).await;
        let insert = prepared.map_err(|_late| Refused::Slow)?.map_err(|error| refused(&error))?;
        Ok((link, insert))
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
            link.client.execute(make, &[first]).await?;
            self.months.insert(*first);
        }
        Ok(())
    }
}

async fn insert_rows(link: &Link, insert: &Statement, rows: &[Row<'_>]) -> Result<(), tokio_postgres::Error> {
    let Columns { received, ids, orgs, calls, kinds, nodes, seqs, bodies } = Columns::of(rows);
    link.client.execute(insert, &[&received, &ids, &orgs, &calls, &kinds, &nodes, &seqs, &bodies]).await.map(drop)
}

/// The second in which the month of that microsecond begins, or one so many months later.
fn month(us: i64, later: i8) -> Option<i64> {
    let at = Timestamp::from_microsecond(us).ok()?.to_zoned(TimeZone::UTC);
    let first = at.date().first_of_month().checked_add(jiff::Span::new().months(later)).ok()?;
    Some(first.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

fn is_without_month(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|told| {
        *told.code() == SqlState::CHECK_VIOLATION && told.message().starts_with("no partition of relation")
    })
}

/// What is wrong with a value or breaks a rule of the tables stays wrong; everything else may pass.
fn refused(error: &tokio_postgres::Error) -> Refused {
    let why = database::told(error);
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
