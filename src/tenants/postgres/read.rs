//! What is read, in the words of the port.

use std::pin::pin;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use tokio::sync::mpsc::Sender;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row, Transaction};

use crate::app::tenancy::{IssuedToken, Page, PlatformThings, Portion, Tenant, TenantError};
use crate::tenant::event::Event;
use crate::tenant::item::{Item, Kept, Kind, Unreadable};
use crate::tenant::organization::Organization;
use crate::tenant::owner::Owner;
use crate::tenant::revision::RuleRevision;
use crate::tenant::token::{ApiToken, TokenHash};
use crate::tenants::gather;
use crate::tenants::postgres::{Link, begin, unreachable_server};
use crate::tenants::sql::Dialect;

const SQL: Dialect = Dialect::Postgres;

/// Things in a portion of a load.
const PORTION: usize = 1024;

/// How long one table may take to load, in milliseconds.
const LOAD: &str = "60000";

fn column<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, place: usize) -> Result<T, TenantError> {
    let wrong = |error: tokio_postgres::Error| Unreadable { kind: Kind::Organization, detail: error.to_string() };
    Ok(row.try_get(place).map_err(wrong)?)
}

/// Version and document, from these two columns on.
fn thing(kind: Kind, row: &Row, from: usize) -> Result<Kept<Item>, TenantError> {
    gather::kept(kind, column(row, from)?, column(row, from + 1)?)
}

async fn rows(
    transaction: &Transaction<'_>,
    sql: &str,
    given: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, TenantError> {
    transaction.query(sql, given).await.map_err(|error| unreachable_server(&error))
}

async fn things(
    transaction: &Transaction<'_>,
    kind: Kind,
    sql: &str,
    given: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Kept<Item>>, TenantError> {
    rows(transaction, sql, given).await?.iter().map(|row| thing(kind, row, 0)).collect()
}

pub(in crate::tenants::postgres) async fn item(
    transaction: &Transaction<'_>,
    owner: &Owner,
    kind: Kind,
    id: &str,
) -> Result<Kept<Item>, TenantError> {
    let found = things(transaction, kind, &SQL.one(kind), &[&owner.as_str(), &id]).await?.pop();
    found.ok_or(TenantError::NotFound(kind))
}

async fn everything_of(transaction: &Transaction<'_>, owner: &Owner) -> Result<Vec<Kept<Item>>, TenantError> {
    let found = rows(transaction, &SQL.everything_of(), &[&owner.as_str()]).await?;
    let mut things = Vec::with_capacity(found.len());
    for row in &found {
        things.extend(gather::one_of_many(thing(gather::kind(column(row, 0)?)?, row, 2), gather::BEARS)?);
    }
    Ok(things)
}

pub(in crate::tenants::postgres) async fn tenant(
    transaction: &Transaction<'_>,
    owner: &Owner,
) -> Result<Tenant, TenantError> {
    gather::tenant(everything_of(transaction, owner).await?)
}

pub(in crate::tenants::postgres) async fn platform(
    transaction: &Transaction<'_>,
) -> Result<PlatformThings, TenantError> {
    Ok(gather::platform(everything_of(transaction, &Owner::Platform).await?))
}

pub(in crate::tenants::postgres) async fn organizations(
    transaction: &Transaction<'_>,
    after: &str,
    most: u32,
) -> Result<Vec<Kept<Organization>>, TenantError> {
    let most = i64::from(most);
    let found = things(transaction, Kind::Organization, &SQL.organizations(), &[&after, &most]).await?;
    Ok(gather::organizations(found))
}

pub(in crate::tenants::postgres) async fn revisions(
    transaction: &Transaction<'_>,
    owner: &Owner,
) -> Result<Vec<Kept<RuleRevision>>, TenantError> {
    let sql = SQL.of_owner(Kind::Revision);
    let mut found = gather::revisions(things(transaction, Kind::Revision, &sql, &[&owner.as_str()]).await?);
    found.sort_by_key(|kept| std::cmp::Reverse((kept.item.taken.at, kept.version)));
    Ok(found)
}

pub(in crate::tenants::postgres) async fn token(
    transaction: &Transaction<'_>,
    hash: &TokenHash,
) -> Result<Option<Kept<ApiToken>>, TenantError> {
    let found = things(transaction, Kind::Token, &SQL.claimed(Kind::Token), &[&hash.as_str()]).await?;
    Ok(gather::tokens(found).pop())
}

pub(in crate::tenants::postgres) async fn has_tokens(transaction: &Transaction<'_>) -> Result<bool, TenantError> {
    Ok(!rows(transaction, SQL.any_token(), &[]).await?.is_empty())
}

pub(in crate::tenants::postgres) async fn tokens(
    transaction: &Transaction<'_>,
    owner: &Owner,
) -> Result<Vec<IssuedToken>, TenantError> {
    let mut found = Vec::new();
    for row in rows(transaction, &SQL.tokens(), &[&owner.as_str()]).await? {
        let token = gather::tokens(vec![thing(Kind::Token, &row, 0)?]).pop();
        let at: Option<i64> = column(&row, 2)?;
        let last_used = at.and_then(|at| Timestamp::from_microsecond(at).ok());
        found.extend(token.map(|token| IssuedToken { token, last_used }));
    }
    Ok(found)
}

pub(in crate::tenants::postgres) async fn events(
    transaction: &Transaction<'_>,
    scope: &Owner,
    page: Page,
) -> Result<Vec<Event>, TenantError> {
    let (after, place, most) = match page {
        Page::After(place, most) => (true, gather::number(place), i64::from(most)),
        Page::Before(place, most) => (false, gather::number(place), i64::from(most)),
    };
    let everybodys = *scope == Owner::Platform;
    let sql = SQL.events(after, everybodys);
    let found = if everybodys {
        rows(transaction, &sql, &[&place, &most]).await?
    } else {
        rows(transaction, &sql, &[&place, &most, &scope.as_str()]).await?
    };
    found.iter().map(event).collect()
}

fn event(row: &Row) -> Result<Event, TenantError> {
    let line = gather::Line {
        seq: column(row, 0)?,
        org: column(row, 1)?,
        kind: column(row, 2)?,
        id: column(row, 3)?,
        deed: column(row, 4)?,
        detail: column(row, 5)?,
        actor: column(row, 6)?,
        at: column(row, 7)?,
    };
    line.read()
}

/// Reads everything as of one moment, while it is sent away.
pub(in crate::tenants::postgres) async fn load(
    link: &Link,
    to: &Sender<Result<Portion, TenantError>>,
) -> Result<(), TenantError> {
    let cannot = |error: tokio_postgres::Error| unreachable_server(&error);
    let mut lent = link.lend().await?;
    let snapshot = lent.client()?.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let snapshot = snapshot.start().await.map_err(cannot)?;
    begin(&snapshot, &Owner::Platform, LOAD).await?;
    let end = snapshot.query_one(SQL.last(), &[]).await.map_err(cannot)?;
    let end = gather::place(column(&end, 0)?);
    for kind in Kind::DIRECTORY {
        let nothing: [&(dyn ToSql + Sync); 0] = [];
        let rows = snapshot.query_raw(&SQL.everything(*kind), nothing).await.map_err(cannot)?;
        let mut rows = pin!(rows.ready_chunks(PORTION));
        while let Some(chunk) = rows.next().await {
            let read = |row: Result<Row, tokio_postgres::Error>| {
                let thing = row.map_err(cannot).and_then(|row| thing(*kind, &row, 0));
                gather::one_of_many(thing, gather::BEARS_ALL).transpose()
            };
            let portion = chunk.into_iter().filter_map(read);
            let portion = portion.collect::<Result<Vec<_>, _>>()?;
            if to.send(Ok(Portion::Items(portion))).await.is_err() {
                return Ok(());
            }
        }
    }
    snapshot.commit().await.map_err(cannot)?;
    lent.give_back();
    // Whoever does not listen any more has no use for the end.
    drop(to.send(Ok(Portion::End(end))).await);
    Ok(())
}
