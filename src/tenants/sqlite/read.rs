//! What is read, in the words of the port.

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, Params, Row, TransactionBehavior, params};
use tokio::sync::mpsc::Sender;

use crate::app::tenancy::{IssuedToken, Page, PlatformThings, Portion, Tenant, TenantError};
use crate::tenant::event::{Cursor, Event};
use crate::tenant::item::{Item, Kept, Kind, Unreadable};
use crate::tenant::organization::Organization;
use crate::tenant::owner::Owner;
use crate::tenant::revision::RuleRevision;
use crate::tenant::token::{ApiToken, TokenHash};
use crate::tenants::gather;
use crate::tenants::sql::Dialect;

const SQL: Dialect = Dialect::Sqlite;

/// Things in a portion of a load.
const PORTION: usize = 1024;

/// What an error of the engine means to who asked about things of that kind.
pub(in crate::tenants::sqlite) fn failed(kind: Kind, error: &rusqlite::Error) -> TenantError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            TenantError::Unreadable(Unreadable { kind, detail: error.to_string() })
        }
        _ => TenantError::Unavailable(error.to_string()),
    }
}

pub(in crate::tenants::sqlite) fn last(connection: &Connection) -> rusqlite::Result<Cursor> {
    connection.query_row(SQL.last(), [], |row| row.get(0)).map(gather::place)
}

/// Version and document, from these two columns on.
fn thing(kind: Kind, row: &Row<'_>, from: usize) -> Result<Kept<Item>, TenantError> {
    let of = |error: rusqlite::Error| failed(kind, &error);
    let body = row.get_ref(from + 1).map_err(of)?;
    let body = body.as_str().map_err(|error| Unreadable { kind, detail: error.to_string() })?;
    gather::kept(kind, row.get(from).map_err(of)?, body)
}

fn things(connection: &Connection, kind: Kind, sql: &str, given: impl Params) -> Result<Vec<Kept<Item>>, TenantError> {
    let of = |error: rusqlite::Error| failed(kind, &error);
    let mut query = connection.prepare_cached(sql).map_err(of)?;
    let mut rows = query.query(given).map_err(of)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(of)? {
        found.push(thing(kind, row, 0)?);
    }
    Ok(found)
}

/// One thing, if it is there.
pub(in crate::tenants::sqlite) fn find(
    connection: &Connection,
    owner: &Owner,
    kind: Kind,
    id: &str,
) -> Result<Option<Kept<Item>>, TenantError> {
    Ok(things(connection, kind, &SQL.one(kind), params![owner.as_str(), id])?.pop())
}

pub(in crate::tenants::sqlite) fn item(
    connection: &Connection,
    owner: &Owner,
    kind: Kind,
    id: &str,
) -> Result<Kept<Item>, TenantError> {
    find(connection, owner, kind, id)?.ok_or(TenantError::NotFound(kind))
}

fn everything_of(connection: &Connection, owner: &Owner) -> Result<Vec<Kept<Item>>, TenantError> {
    let of = |error: rusqlite::Error| failed(Kind::Organization, &error);
    let mut query = connection.prepare_cached(&SQL.everything_of()).map_err(of)?;
    let mut rows = query.query([owner.as_str()]).map_err(of)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(of)? {
        let word: String = row.get(0).map_err(of)?;
        found.extend(gather::one_of_many(thing(gather::kind(&word)?, row, 2), gather::BEARS)?);
    }
    Ok(found)
}

pub(in crate::tenants::sqlite) fn tenant(connection: &Connection, owner: &Owner) -> Result<Tenant, TenantError> {
    gather::tenant(everything_of(connection, owner)?)
}

pub(in crate::tenants::sqlite) fn platform(connection: &Connection) -> Result<PlatformThings, TenantError> {
    Ok(gather::platform(everything_of(connection, &Owner::Platform)?))
}

pub(in crate::tenants::sqlite) fn organizations(
    connection: &Connection,
    after: &str,
    most: u32,
) -> Result<Vec<Kept<Organization>>, TenantError> {
    let found = things(connection, Kind::Organization, &SQL.organizations(), params![after, most])?;
    Ok(gather::organizations(found))
}

pub(in crate::tenants::sqlite) fn revisions(
    connection: &Connection,
    owner: &Owner,
) -> Result<Vec<Kept<RuleRevision>>, TenantError> {
    let found = things(connection, Kind::Revision, &SQL.of_owner(Kind::Revision), [owner.as_str()])?;
    let mut found = gather::revisions(found);
    found.sort_by_key(|kept| std::cmp::Reverse((kept.item.taken.at, kept.version)));
    Ok(found)
}

pub(in crate::tenants::sqlite) fn token(
    connection: &Connection,
    hash: &TokenHash,
) -> Result<Option<Kept<ApiToken>>, TenantError> {
    let found = things(connection, Kind::Token, &SQL.claimed(Kind::Token), [hash.as_str()])?;
    Ok(gather::tokens(found).pop())
}

pub(in crate::tenants::sqlite) fn has_tokens(connection: &Connection) -> Result<bool, TenantError> {
    let of = |error: rusqlite::Error| failed(Kind::Token, &error);
    connection.prepare_cached(SQL.any_token()).and_then(|mut query| query.exists([])).map_err(of)
}

pub(in crate::tenants::sqlite) fn tokens(
    connection: &Connection,
    owner: &Owner,
) -> Result<Vec<IssuedToken>, TenantError> {
    let of = |error: rusqlite::Error| failed(Kind::Token, &error);
    let mut query = connection.prepare_cached(&SQL.tokens()).map_err(of)?;
    let mut rows = query.query([owner.as_str()]).map_err(of)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(of)? {
        let token = gather::tokens(vec![thing(Kind::Token, row, 0)?]).pop();
        let at: Option<i64> = row.get(2).map_err(of)?;
        let last_used = at.and_then(|at| Timestamp::from_microsecond(at).ok());
        found.extend(token.map(|token| IssuedToken { token, last_used }));
    }
    Ok(found)
}

pub(in crate::tenants::sqlite) fn events(
    connection: &Connection,
    scope: &Owner,
    page: Page,
) -> Result<Vec<Event>, TenantError> {
    let of = |error: rusqlite::Error| failed(Kind::Organization, &error);
    let (after, place, most) = match page {
        Page::After(place, most) => (true, place, most),
        Page::Before(place, most) => (false, place, most),
    };
    let everybodys = *scope == Owner::Platform;
    let mut query = connection.prepare_cached(&SQL.events(after, everybodys)).map_err(of)?;
    let place = gather::number(place);
    let mut rows = if everybodys {
        query.query(params![place, most]).map_err(of)?
    } else {
        query.query(params![place, most, scope.as_str()]).map_err(of)?
    };
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(of)? {
        found.push(event(row)?);
    }
    Ok(found)
}

fn event(row: &Row<'_>) -> Result<Event, TenantError> {
    let text = |column| row.get::<_, String>(column).map_err(|error| failed(Kind::Organization, &error));
    let number = |column| row.get::<_, i64>(column).map_err(|error| failed(Kind::Organization, &error));
    let kind: Option<String> = row.get(2).map_err(|error| failed(Kind::Organization, &error))?;
    let written = gather::Line {
        seq: number(0)?,
        org: text(1)?,
        kind,
        id: text(3)?,
        deed: text(4)?,
        detail: text(5)?,
        actor: text(6)?,
        at: number(7)?,
    };
    written.read()
}

/// Reads everything as of one moment.
pub(in crate::tenants::sqlite) fn load(
    connection: &mut Connection,
    to: &Sender<Result<Portion, TenantError>>,
) -> Result<(), TenantError> {
    let of = |error: rusqlite::Error| failed(Kind::Organization, &error);
    let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred).map_err(of)?;
    let end = last(&snapshot).map_err(of)?;
    for kind in Kind::DIRECTORY {
        let mut query = snapshot.prepare_cached(&SQL.everything(*kind)).map_err(of)?;
        let mut rows = query.query([]).map_err(of)?;
        let mut portion = Vec::with_capacity(PORTION);
        while let Some(row) = rows.next().map_err(of)? {
            portion.extend(gather::one_of_many(thing(*kind, row, 0), gather::BEARS_ALL)?);
            if portion.len() == PORTION && to.blocking_send(Ok(Portion::Items(std::mem::take(&mut portion)))).is_err() {
                return Ok(());
            }
        }
        if !portion.is_empty() && to.blocking_send(Ok(Portion::Items(portion))).is_err() {
            return Ok(());
        }
    }
    // Whoever does not listen any more has no use for the end.
    drop(to.blocking_send(Ok(Portion::End(end))));
    Ok(())
}
