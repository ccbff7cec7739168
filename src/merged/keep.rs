//! Lets go of what is older than it is to be kept.
//!
//! Runs whose records are all too old go from the front of their chain, which then begins at a signed checkpoint. What
//! goes from the midst of a run that stays is signed for, in the same transaction.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio_postgres::Client;

use crate::app::retention;
use crate::chain::checkpoint::Signer;
use crate::database::{self, Address};
use crate::merged::{CHAINS, Link, STEPS, Way, runs};

/// How long one statement may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Rows that go in one statement, which keeps no batch of records waiting for long.
const ROWS: i64 = 2_000;

/// How partitions are called, before their year and month.
const PART: &str = "audit_records_";

/// What went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gone {
    /// Whole months.
    pub months: usize,
    /// Records of the month that is kept in part.
    pub records: u64,
}

/// What is to go.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Records of requests that came in before that moment.
    pub before: Option<Timestamp>,
    /// Records of some organizations that came in before a moment of their own.
    pub of: &'a [(String, Timestamp)],
    /// Who signs for what goes from the midst of a chain; without one it stays.
    pub signer: Option<&'a Signer>,
}

/// Lets go of that, months as a whole and the rest in portions. Nothing goes by a clock that reads what cannot be
/// believed.
pub async fn let_go(address: &Address, now: Timestamp, terms: Terms<'_>) -> Result<Gone, String> {
    let Terms { before, of, signer } = terms;
    let way = Way::to(address).map_err(|error| error.to_string())?;
    let mut link = way.connect(PATIENCE).await?;
    let told = |error: tokio_postgres::Error| database::told(&error);
    if !is_there(&link).await.map_err(told)? {
        return Ok(Gone::default());
    }
    database::bring_up(&mut link.client, &STEPS).await?;
    if !believes(&link.client, now).await.map_err(told)? {
        return Err(retention::DOUBT.to_owned());
    }
    let mut gone = Gone::default();
    let mut keeper = Keeper { client: &mut link.client, signer, at: now.to_string() };
    if let Some(before) = before {
        keeper.cut_chains(before).await.map_err(told)?;
        gone.records += keeper.let_go_midst(before).await.map_err(told)?;
        for part in parts(keeper.client).await.map_err(told)? {
            let Some(end) = end_of(&part).filter(|end| *end <= before) else { continue };
            gone.months += usize::from(keeper.drop_part(&part, end).await.map_err(told)?);
        }
        gone.records += keeper.rest(None, before).await.map_err(told)?;
    }
    for (org, before) in of {
        gone.records += keeper.of_one(org, *before).await.map_err(told)?;
        gone.records += keeper.rest(Some(org), *before).await.map_err(told)?;
    }
    Ok(gone)
}

/// A moment, given in microseconds since 1970.
fn moment(given: &str) -> String {
    format!("timestamptz 'epoch' + {given}::bigint * interval '1 microsecond'")
}

/// Who lets go.
struct Keeper<'a> {
    client: &'a mut Client,
    signer: Option<&'a Signer>,
    at: String,
}

impl Keeper<'_> {
    /// Cuts from the front of each chain the runs that hold only what is too old, and the checkpoints before the first
    /// that stays.
    async fn cut_chains(&self, before: Timestamp) -> Result<(), tokio_postgres::Error> {
        let first = format!(
            "SELECT before FROM audit_chain WHERE node = $1 AND key = $2 AND received_to >= {} ORDER BY before LIMIT 1",
            moment("$3")
        );
        for (node, key) in chains(self.client).await? {
            let first = self.client.query_opt(&first, &[&node, &key, &before.as_microsecond()]).await?;
            let first: Option<i64> = first.map(|row| row.try_get(0)).transpose()?;
            let runs = "DELETE FROM audit_chain WHERE node = $1 AND key = $2 AND before < coalesce($3, before + 1)";
            self.client.execute(runs, &[&node, &key, &first]).await?;
            let checkpoints = "DELETE FROM audit_checkpoints WHERE node = $1 AND key = $2 AND count < coalesce($3, \
                               (SELECT max(count) FROM audit_checkpoints WHERE node = $1 AND key = $2))";
            self.client.execute(checkpoints, &[&node, &key, &first]).await?;
        }
        Ok(())
    }

    /// Lets go of what is too old in runs that stay.
    async fn let_go_midst(&mut self, before: Timestamp) -> Result<u64, tokio_postgres::Error> {
        let runs = format!("SELECT DISTINCT node, before FROM audit_chain WHERE received_from < {}", moment("$1"));
        let runs = self.client.query(&runs, &[&before.as_microsecond()]).await?;
        let mut all = 0;
        for run in &runs {
            all += self.sign_away(run.try_get(0)?, run.try_get(1)?, None, before).await?;
        }
        Ok(all)
    }

    /// Lets go of what an organization keeps no longer, where it is bound.
    async fn of_one(&mut self, org: &str, before: Timestamp) -> Result<u64, tokio_postgres::Error> {
        let some = format!(
            "SELECT DISTINCT node, run FROM (SELECT node, run FROM audit_records WHERE received < {} AND org = $2 \
             AND run IS NOT NULL AND EXISTS (SELECT FROM audit_chain WHERE node = audit_records.node AND before = run) \
             LIMIT $3) AS chosen",
            moment("$1")
        );
        let mut all = 0;
        loop {
            let runs = self.client.query(&some, &[&before.as_microsecond(), &org, &ROWS]).await?;
            let mut here = 0;
            for run in &runs {
                here += self.sign_away(run.try_get(0)?, run.try_get(1)?, Some(org), before).await?;
            }
            all += here;
            if here == 0 {
                return Ok(all);
            }
        }
    }

    /// Lets go of what is too old in one run, and signs for it.
    async fn sign_away(
        &mut self,
        node: String,
        run: i64,
        org: Option<&str>,
        before: Timestamp,
    ) -> Result<u64, tokio_postgres::Error> {
        let Some(signer) = self.signer else { return Ok(0) };
        let transaction = self.client.transaction().await?;
        let mut gone = 0;
        for mut run in runs::locked(&transaction, &node, run).await? {
            let delete = format!(
                "DELETE FROM audit_records WHERE node = $1 AND seq BETWEEN $2 AND $3 AND run = $4 AND received < {} \
                 AND ($6::text IS NULL OR org = $6) AND id = ANY($7::text[]::uuid[]) RETURNING seq",
                moment("$5")
            );
            let (Some(first), Some(last)) = (run.entries.first(), run.entries.last()) else { continue };
            let ids: Vec<String> = run.entries.iter().map(|entry| entry.id.to_string()).collect();
            let us = before.as_microsecond();
            let rows =
                transaction.query(&delete, &[&node, &first.seq, &last.seq, &run.before, &us, &org, &ids]).await?;
            let places: BTreeSet<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
            if !places.is_empty() {
                gone += places.len() as u64;
                run.sign_away(&places, signer, &self.at);
                run.write(&transaction).await?;
            }
        }
        transaction.commit().await?;
        Ok(gone)
    }

    /// Drops a month, unless a run that stays holds something of it. Tells whether it went.
    async fn drop_part(&self, part: &str, end: Timestamp) -> Result<bool, tokio_postgres::Error> {
        // Whoever writes just then goes first, and nobody writes meanwhile; what fails is tried again.
        let drop = format!(
            "SET lock_timeout = '2s'; LOCK TABLE audit_records IN ACCESS EXCLUSIVE MODE; DO $$ BEGIN \
             IF NOT EXISTS (SELECT FROM audit_chain WHERE received_from < {}) THEN DROP TABLE IF EXISTS {part}; END IF; \
             END $$; RESET lock_timeout",
            moment(&end.as_microsecond().to_string())
        );
        self.client.batch_execute(&drop).await?;
        self.client.query_one("SELECT to_regclass($1) IS NULL", &[&part]).await?.try_get(0)
    }

    /// Deletes what no run holds, in portions.
    async fn rest(&self, org: Option<&String>, before: Timestamp) -> Result<u64, tokio_postgres::Error> {
        let delete = format!(
            "DELETE FROM audit_records WHERE (received, id) IN (SELECT received, id FROM audit_records AS old WHERE \
             received < {} AND ($3::text IS NULL OR org = $3) AND (run IS NULL OR NOT EXISTS (SELECT FROM audit_chain \
             WHERE node = old.node AND before = old.run)) ORDER BY received, id LIMIT $2)",
            moment("$1")
        );
        let mut all = 0;
        loop {
            let rows = self.client.execute(&delete, &[&before.as_microsecond(), &ROWS, &org]).await?;
            all += rows;
            if rows == 0 {
                return Ok(all);
            }
        }
    }
}

/// All chains: the node and the key of each.
async fn chains(client: &Client) -> Result<Vec<(String, String)>, tokio_postgres::Error> {
    let rows = client.query(CHAINS, &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Whether something is a day old and no more than a month by that clock, or nothing is older.
async fn believes(client: &Client, now: Timestamp) -> Result<bool, tokio_postgres::Error> {
    let (month, day) = retention::proof(now);
    let at = "timestamptz 'epoch' + interval '1 microsecond' * ";
    let between = format!(
        "SELECT EXISTS (SELECT FROM audit_records WHERE received >= {at}$1::bigint AND received < {at}$2::bigint) \
         OR NOT EXISTS (SELECT FROM audit_records WHERE received < {at}$1::bigint)"
    );
    client.query_one(&between, &[&month.as_microsecond(), &day.as_microsecond()]).await?.try_get(0)
}

/// Whether there is a trail at all.
pub(in crate::merged) async fn is_there(link: &Link) -> Result<bool, tokio_postgres::Error> {
    let row = link.client.query_one("SELECT to_regclass('audit_records') IS NOT NULL", &[]).await?;
    row.try_get(0)
}

async fn parts(client: &Client) -> Result<Vec<String>, tokio_postgres::Error> {
    let select = "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
                  WHERE inhparent = 'audit_records'::regclass ORDER BY relname";
    client.query(select, &[]).await?.iter().map(|row| row.try_get(0)).collect()
}

/// When the month of a partition of ours is over.
fn end_of(part: &str) -> Option<Timestamp> {
    let (year, month) = part.strip_prefix(PART)?.split_once('_')?;
    let first = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
    let next = first.checked_add(jiff::Span::new().months(1)).ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_over_when_the_next_begins() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        assert_eq!(end_of("audit_records_2026_11"), at("2026-12-01T00:00:00Z"));
        assert_eq!(end_of("audit_records_2026_12"), at("2027-01-01T00:00:00Z"));
        for other in ["audit_records_2026_13", "audit_records_old", "others_2026_11", "audit_records"] {
            assert_eq!(end_of(other), None, "{other}");
        }
    }
}
