//! Reads the trail of all nodes, for commands: each question waits for its answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::audit::record::{Kind, Record};
use crate::audit::summary::Summary;
use crate::database::{self, Address};
use crate::merged::{Link, Way};

/// How long one question may take: months of calls are added up.
const PATIENCE: Duration = Duration::from_secs(300);

/// Calls whose records are fetched in one go.
const CALLS: usize = 500;

/// Records of one node that are fetched in one go.
const PAGE: i64 = 500;

/// Around the time in a record's name, within which it came in.
const AROUND: Duration = Duration::from_secs(60);

/// How long after its beginning a call is closed at the latest.
const CLOSED_WITHIN: Duration = Duration::from_secs(26 * 3600);

/// The trail to read.
pub struct Reader {
    // The link first: it ends before what drives it.
    link: Link,
    runtime: Runtime,
}

impl fmt::Debug for Reader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Reader")
    }
}

/// Which records.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Of this organization.
    pub org: Option<String>,
    /// Of this call.
    pub call: Option<String>,
    /// Of this kind, by its word.
    pub kind: Option<String>,
    /// Of requests that came in then.
    pub stretch: Range<Timestamp>,
}

/// How far the records of a node reach, by its name.
pub type Places = BTreeMap<String, i64>;

const WHERE: &str = "received >= timestamptz 'epoch' + $1::bigint * interval '1 microsecond' \
    AND received < timestamptz 'epoch' + $2::bigint * interval '1 microsecond' \
    AND ($3::text IS NULL OR org = $3)";

/// The same, with the call and the kind.
const ASKED: &str = "received >= timestamptz 'epoch' + $1::bigint * interval '1 microsecond' \
    AND received < timestamptz 'epoch' + $2::bigint * interval '1 microsecond' \
    AND ($3::text IS NULL OR org = $3) AND ($4::text IS NULL OR call = $4) AND ($5::text IS NULL OR kind = $5)";

impl Reader {
    /// The trail at that address.
    pub fn open(address: &Address) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let link = runtime.block_on(Way::to(address)?.connect(PATIENCE));
        let link = link.map_err(|why| anyhow::anyhow!("PostgreSQL does not answer: {why}"))?;
        Ok(Self { link, runtime })
    }

    /// Shows the records in the order in which their requests came in, until it is enough.
    pub fn each_record(
        &self,
        asked: &Asked,
        mut show: impl FnMut(Record) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        self.records_of(asked, "received, id", i64::MAX, &mut show)
    }

    /// The latest of them, oldest first, of so many that are looked at; `fits` chooses further.
    pub fn latest(
        &self,
        asked: &Asked,
        most: usize,
        looked_at: i64,
        fits: impl Fn(&Record) -> bool,
    ) -> anyhow::Result<Vec<Record>> {
        let mut found = Vec::new();
        self.records_of(asked, "received DESC, id DESC", looked_at, &mut |record| {
            if found.len() < most && fits(&record) {
                found.push(record);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        found.reverse();
        Ok(found)
    }

    fn records_of(
        &self,
        asked: &Asked,
        order: &str,
        most: i64,
        show: &mut dyn FnMut(Record) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        let Asked { org, call, kind, stretch } = asked;
        let (from, to) = edges(stretch);
        let sql = format!("SELECT record::text FROM audit_records WHERE {ASKED} ORDER BY {order} LIMIT $6");
        self.each(&sql, &[&from, &to, org, call, kind, &most], |row| show(record(row.try_get(0)?)?))
    }

    /// Selects something of the records that are asked for, with `more` behind the conditions, and `given` from `$6` on.
    pub(in crate::merged) fn asked<T>(
        &self,
        select: &str,
        more: &str,
        asked: &Asked,
        given: &[&(dyn ToSql + Sync)],
        make: impl FnMut(&Row) -> anyhow::Result<T>,
    ) -> anyhow::Result<Vec<T>> {
        let Asked { org, call, kind, stretch } = asked;
        let (from, to) = edges(stretch);
        let first: [&(dyn ToSql + Sync); 5] = [&from, &to, org, call, kind];
        self.gather(&format!("{select} WHERE {ASKED} {more}"), &[&first, given].concat(), make)
    }

    /// The record of that name.
    pub fn record(&self, id: Uuid) -> anyhow::Result<Option<Record>> {
        let at = id.get_timestamp().map(|at| at.to_unix());
        let at = at.and_then(|(seconds, _)| Timestamp::from_second(i64::try_from(seconds).ok()?).ok());
        let near = at.map_or(Timestamp::UNIX_EPOCH..Timestamp::MAX, |at| at - AROUND..at + AROUND);
        let (from, to) = edges(&near);
        let nobody: Option<String> = None;
        let sql = format!("SELECT record::text FROM audit_records WHERE {WHERE} AND id = $4::text::uuid");
        let mut found = None;
        self.each(&sql, &[&from, &to, &nobody, &id.to_string()], |row| {
            found = Some(record(row.try_get(0)?)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The organizations that have a call of that name.
    pub fn organizations_of(&self, call: &str) -> anyhow::Result<Vec<String>> {
        let sql = "SELECT DISTINCT org FROM audit_records WHERE call = $1 AND kind <> 'security' ORDER BY org";
        let mut found = Vec::new();
        self.each(sql, &[&call], |row| {
            found.push(row.try_get(0)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// All records of one call, whichever node answered its steps.
    pub fn records(&self, org: &str, call: &str) -> anyhow::Result<Vec<Record>> {
        let mut found = Vec::new();
        self.records_of_calls(&[call], &[org], |record| found.push(record))?;
        Ok(found)
    }

    fn records_of_calls(&self, calls: &[&str], orgs: &[&str], mut show: impl FnMut(Record)) -> anyhow::Result<()> {
        let sql = "SELECT record::text FROM unnest($1::text[], $2::text[]) AS asked (call, org) \
                   JOIN audit_records USING (call, org) ORDER BY call, org, received, node, seq";
        self.each(sql, &[&calls, &orgs], |row| {
            show(record(row.try_get(0)?)?);
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Shows the calls that began in the stretch as a whole, in no order: those of one organization, or of all. Most
    /// calls were answered and closed by one node, whose closing record tells all of it; the others are folded from
    /// the records of all their nodes.
    pub fn each_call(
        &self,
        org: Option<&str>,
        stretch: &Range<Timestamp>,
        mut show: impl FnMut(Summary),
    ) -> anyhow::Result<()> {
        let until = stretch.end.checked_add(CLOSED_WITHIN).unwrap_or(Timestamp::MAX);
        let (from, to) = edges(&(stretch.start..until));
        let asked: [&(dyn ToSql + Sync); 3] = [&from, &to, &org];
        let began = |call: &Summary| {
            call.began_us >= stretch.start.as_microsecond() && call.began_us < stretch.end.as_microsecond()
        };
        let mut apart = BTreeSet::new();
        let sql = format!(
            "SELECT call, org FROM audit_records WHERE {WHERE} AND call <> '' AND kind <> 'security' \
             GROUP BY call, org HAVING min(node) <> max(node) OR count(*) FILTER (WHERE kind = 'closed') <> 1"
        );
        self.each(&sql, &asked, |row| {
            apart.insert((row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?));
            Ok(ControlFlow::Continue(()))
        })?;
        let sql = format!("SELECT record::text FROM audit_records WHERE {WHERE} AND kind = 'closed'");
        self.each(&sql, &asked, |row| {
            let closed: Closed = serde_json::from_str(row.try_get(0)?)?;
            if let Some(call) = closed.summary.filter(began) {
                let name = (call.call, call.org);
                if !apart.contains(&name) {
                    show(Summary { call: name.0, org: name.1, ..call });
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let apart: Vec<(String, String)> = apart.into_iter().collect();
        for some in apart.chunks(CALLS) {
            let (calls, orgs): (Vec<&str>, Vec<&str>) = some.iter().map(|(call, org)| (&**call, &**org)).unzip();
            let mut folded: BTreeMap<(String, String), Summary> = BTreeMap::new();
            self.records_of_calls(&calls, &orgs, |record| {
                if record.kind != Kind::Security {
                    folded.entry((record.call.clone(), record.org.clone())).or_default().fold(&record);
                }
            })?;
            folded.into_values().filter(began).for_each(&mut show);
        }
        Ok(())
    }

    /// The published forms of these records, by their names. Their requests came in from one microsecond to the other.
    pub fn bodies(&self, ids: &[Uuid], from: i64, to: i64) -> anyhow::Result<BTreeMap<Uuid, String>> {
        let to = to.saturating_add(1);
        let nobody: Option<String> = None;
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let sql =
            format!("SELECT id::text, record::text FROM audit_records WHERE {WHERE} AND id = ANY($4::text[]::uuid[])");
        let mut found = BTreeMap::new();
        self.each(&sql, &[&from, &to, &nobody, &ids], |row| {
            found.insert(row.try_get::<_, &str>(0)?.parse()?, row.try_get(1)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// When the request of the oldest record came in, in microseconds since 1970.
    pub fn oldest_us(&self) -> anyhow::Result<Option<i64>> {
        let sql = "SELECT (extract(epoch FROM min(received)) * 1000000)::bigint FROM audit_records";
        let mut found = None;
        self.each(sql, &[], |row| {
            found = row.try_get(0)?;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Whether its role sees everything, whatever row-level security says.
    pub fn passes_by_the_wall(&self) -> anyhow::Result<bool> {
        let asked = database::passes_by_the_wall(&self.link.client);
        self.runtime.block_on(asked).map_err(|why| anyhow::anyhow!("PostgreSQL: {why}"))
    }

    /// How far the records of each node reach.
    pub fn places(&self) -> anyhow::Result<Places> {
        // From one name to the next, so that not every row is looked at.
        let sql = "WITH RECURSIVE nodes AS (SELECT min(node) AS node FROM audit_records UNION ALL \
                   SELECT (SELECT min(node) FROM audit_records WHERE node > nodes.node) FROM nodes WHERE node IS NOT NULL) \
                   SELECT node, (SELECT max(seq) FROM audit_records AS all_of WHERE all_of.node = nodes.node) FROM nodes \
                   WHERE node IS NOT NULL";
        let mut found = Places::new();
        self.each(sql, &[], |row| {
            found.insert(row.try_get(0)?, row.try_get(1)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Shows what came since, node by node, and moves the places on.
    pub fn news(&self, places: &mut Places, mut show: impl FnMut(&Record)) -> anyhow::Result<()> {
        let sql = "SELECT seq, record::text FROM audit_records WHERE node = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        for (node, last) in self.places()? {
            let known = places.entry(node.clone()).or_default();
            // A journal that was lost begins anew.
            *known = (*known).min(last);
            while *known < last {
                let from = *known;
                self.each(sql, &[&node, &from, &PAGE], |row| {
                    show(&record(row.try_get(1)?)?);
                    *known = row.try_get(0)?;
                    Ok(ControlFlow::Continue(()))
                })?;
                if *known == from {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Asks, and makes something of each row.
    pub(in crate::merged) fn gather<T>(
        &self,
        sql: &str,
        given: &[&(dyn ToSql + Sync)],
        mut make: impl FnMut(&Row) -> anyhow::Result<T>,
    ) -> anyhow::Result<Vec<T>> {
        let mut found = Vec::new();
        self.each(sql, given, |row| {
            found.push(make(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Asks, and shows each row as it comes, until it is enough.
    pub(in crate::merged) fn each(
        &self,
        sql: &str,
        given: &[&(dyn ToSql + Sync)],
        mut show: impl FnMut(&Row) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let given = given.iter().copied();
            let rows = self.link.client.query_raw(sql, given).await.map_err(|error| failed(&error))?;
            let mut rows = pin!(rows);
            while let Some(row) = rows.next().await {
                if show(&row.map_err(|error| failed(&error))?)?.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }
}

#[derive(serde::Deserialize)]
struct Closed {
    summary: Option<Summary>,
}

fn record(text: &str) -> anyhow::Result<Record> {
    serde_json::from_str(text).map_err(|error| anyhow::anyhow!("a record in PostgreSQL cannot be read: {error}"))
}

fn edges(stretch: &Range<Timestamp>) -> (i64, i64) {
    (stretch.start.as_microsecond(), stretch.end.as_microsecond())
}

fn failed(error: &tokio_postgres::Error) -> anyhow::Error {
    let is_missing = |code: &SqlState| [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN].contains(code);
    if error.code().is_some_and(is_missing) {
        return anyhow::anyhow!(
            "PostgreSQL has no trail in this form yet: no node of this release with this database has sent a record"
        );
    }
    anyhow::anyhow!("PostgreSQL: {}", database::told(error))
}
