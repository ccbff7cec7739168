//! Lets go of what is older than it is to be kept, and takes persons out of what is kept.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio_postgres::Client;

use crate::app::retention;
use crate::audit::person::{self, Whom};
use crate::audit::record::Record;
use crate::database::{self, Address};
use crate::merged::{Link, Way};

/// How long one statement may take: a person is looked for in every record.
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

/// Lets go of all records of requests that came in before that moment, months as a whole and the rest in portions;
/// and of those of some organizations that came in before a moment of their own. Nothing goes by a clock that reads
/// what cannot be believed.
pub async fn let_go(
    address: &Address,
    now: Timestamp,
    before: Option<Timestamp>,
    of: &[(String, Timestamp)],
) -> Result<Gone, String> {
    let way = Way::to(address).map_err(|error| error.to_string())?;
    let link = way.connect(PATIENCE).await?;
    let told = |error: tokio_postgres::Error| database::told(&error);
    if !is_there(&link).await.map_err(told)? {
        return Ok(Gone::default());
    }
    if !believes(&link.client, now).await.map_err(told)? {
        return Err(retention::DOUBT.to_owned());
    }
    let mut gone = Gone::default();
    for part in parts(&link.client).await.map_err(told)? {
        if end_of(&part).zip(before).is_some_and(|(end, before)| end <= before) {
            // Whoever writes just then goes first; it is tried again.
            let drop = format!("SET lock_timeout = '2s'; DROP TABLE IF EXISTS {part}; RESET lock_timeout");
            link.client.batch_execute(&drop).await.map_err(told)?;
            gone.months += 1;
        }
    }
    if let Some(before) = before {
        gone.records += rest(&link.client, None, before).await.map_err(told)?;
    }
    for (org, before) in of {
        gone.records += rest(&link.client, Some(org), *before).await.map_err(told)?;
    }
    Ok(gone)
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

/// Deletes what is left, in portions.
async fn rest(client: &Client, org: Option<&String>, before: Timestamp) -> Result<u64, tokio_postgres::Error> {
    let delete = "DELETE FROM audit_records WHERE (received, id) IN (SELECT received, id FROM audit_records WHERE \
                  received < timestamptz 'epoch' + $1::bigint * interval '1 microsecond' \
                  AND ($3::text IS NULL OR org = $3) ORDER BY received, id LIMIT $2)";
    let mut all = 0;
    loop {
        let rows = client.execute(delete, &[&before.as_microsecond(), &ROWS, &org]).await?;
        all += rows;
        if rows == 0 {
            return Ok(all);
        }
    }
}

async fn is_there(link: &Link) -> Result<bool, tokio_postgres::Error> {
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

/// A record where it stands.
struct Found {
    us: i64,
    id: String,
    record: Record,
}

const SELECT: &str =
    "SELECT (extract(epoch FROM received) * 1000000)::bigint, id::text, record::text FROM audit_records";

/// Takes the person out of the records that tell of it (with `anywhere`, those that name the number at all), and of
/// all records of its calls and of these, each with its organization; tells out of how many.
pub async fn erase(
    address: &Address,
    whom: &Whom,
    calls: &[(String, String)],
    anywhere: bool,
) -> Result<usize, String> {
    let way = Way::to(address).map_err(|error| error.to_string())?;
    let link = way.connect(PATIENCE).await?;
    let told = |error: tokio_postgres::Error| database::told(&error);
    if !is_there(&link).await.map_err(told)? {
        return Ok(0);
    }
    let naming = format!("{SELECT} WHERE strpos(record::text, $1) > 0");
    let rows = link.client.query(&naming, &[&whom.digits().unwrap_or(whom.caller())]).await.map_err(told)?;
    let mut all = found(&rows).map_err(told)?;
    all.retain(|it| if anywhere { whom.is_in(&it.record) } else { person::tells_of(&it.record, whom.caller()) });
    let own = all.iter().filter(|it| person::tells_of(&it.record, whom.caller()));
    let own = own.map(|it| (it.record.org.clone(), it.record.call.clone())).filter(|(_, call)| !call.is_empty());
    let calls: BTreeSet<(String, String)> = own.chain(calls.iter().cloned()).collect();
    let names: Vec<&str> = calls.iter().map(|(_, call)| call.as_str()).collect();
    let rows = link.client.query(&format!("{SELECT} WHERE call = ANY($1)"), &[&names]).await.map_err(told)?;
    let of_calls = found(&rows).map_err(told)?.into_iter();
    all.extend(of_calls.filter(|it| calls.contains(&(it.record.org.clone(), it.record.call.clone()))));
    let mut done = BTreeSet::new();
    for Found { us, id, record } in all {
        let open = person::without(record.clone());
        if open == record || !done.insert(id.clone()) {
            continue;
        }
        let text = serde_json::to_string(&open).map_err(|error| error.to_string())?;
        let update = "UPDATE audit_records SET record = $3::text::json WHERE id = $1::text::uuid \
                      AND received = timestamptz 'epoch' + $2::bigint * interval '1 microsecond'";
        link.client.execute(update, &[&id, &us, &text]).await.map_err(told)?;
    }
    Ok(done.len())
}

fn found(rows: &[tokio_postgres::Row]) -> Result<Vec<Found>, tokio_postgres::Error> {
    let mut all = Vec::new();
    for row in rows {
        // What this program cannot read is of a newer one, which must erase it.
        if let Ok(record) = serde_json::from_str(row.try_get(2)?) {
            all.push(Found { us: row.try_get(0)?, id: row.try_get(1)?, record });
        }
    }
    Ok(all)
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
