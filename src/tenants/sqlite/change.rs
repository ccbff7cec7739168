//! What is changed: the thing and its line in the trail in one transaction.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, ffi, params};

use crate::app::tenancy::{Changed, Conflict, TenantError};
use crate::tenant::binding::Binding;
use crate::tenant::change::{Change, What};
use crate::tenant::item::{Item, Kind};
use crate::tenant::owner::Owner;
use crate::tenant::stamp::{At, Stamp};
use crate::tenants::gather;
use crate::tenants::sql::Dialect;
use crate::tenants::sqlite::read;

const SQL: Dialect = Dialect::Sqlite;

/// Keeps all of it, or none.
pub(in crate::tenants::sqlite) fn keep(
    connection: &mut Connection,
    scope: &Owner,
    changes: &[Change],
    by: &Stamp,
) -> Result<Changed, TenantError> {
    let of = |error: rusqlite::Error| read::failed(Kind::Organization, &error);
    let transaction = connection.transaction().map_err(of)?;
    let mut versions = Vec::with_capacity(changes.len());
    for change in changes {
        let kind = change.item().map_or(Kind::Organization, Item::kind);
        if !change.is_within(scope) {
            return Err(TenantError::NotFound(kind));
        }
        allowed(&transaction, change)?;
        if let What::New(Item::Binding(binding)) = &change.what {
            free(&transaction, binding)?;
        }
        let seq = write_event(&transaction, change, by).map_err(|error| failed(kind, &error))?;
        apply(&transaction, change, seq)?;
        versions.push(gather::place(seq));
    }
    transaction.commit().map_err(of)?;
    Ok(Changed { versions })
}

/// Whether the organization is there and may have it.
fn allowed(transaction: &Transaction<'_>, change: &Change) -> Result<(), TenantError> {
    let Some(org) = change.organization() else { return Ok(()) };
    let id = org.as_str().to_owned();
    let found = read::item(transaction, &Owner::Org(org), Kind::Organization, &id)?;
    let found = gather::organizations(vec![found]).pop().ok_or(TenantError::NotFound(Kind::Organization))?;
    Ok(change.is_allowed_by(&found.item)?)
}

/// Whether no other organization has the number in that account. The lock is held already, so nobody gets it meanwhile.
fn free(transaction: &Transaction<'_>, it: &Binding) -> Result<(), TenantError> {
    let (channel, over) = (it.channel.word(), &it.installation);
    let given = params![over.owner.as_str(), over.id.as_str(), it.selector, channel, it.org.as_str()];
    let found = transaction.prepare_cached(&SQL.elsewhere()).and_then(|mut query| query.exists(given));
    match found.map_err(|error| failed(Kind::Binding, &error))? {
        true => Err(Conflict::Taken(Kind::Binding).into()),
        false => Ok(()),
    }
}

fn write_event(transaction: &Transaction<'_>, change: &Change, by: &Stamp) -> rusqlite::Result<i64> {
    let kind = change.item().map(|item| item.kind().word());
    let id = change.item().map(Item::id).unwrap_or_default();
    let owner = change.owner();
    let given =
        params![owner.as_str(), kind, id, change.deed.word(), change.detail, by.by.as_str(), by.at.microsecond()];
    transaction.prepare_cached(SQL.write_event())?.query_row(given, |row| row.get(0))
}

fn apply(transaction: &Transaction<'_>, change: &Change, seq: i64) -> Result<(), TenantError> {
    let (item, found) = match &change.what {
        What::Noted(_) => return Ok(()),
        What::New(item) => return insert(transaction, item, seq),
        What::Changed(kept) => (&kept.item, update(transaction, &kept.item, seq, kept.version)?),
        What::Removed(kept) => (&kept.item, delete(transaction, &kept.item, kept.version)?),
    };
    if found > 0 {
        return Ok(());
    }
    // Nobody has it, or somebody has changed it.
    read::item(transaction, &item.owner(), item.kind(), &item.id())?;
    Err(Conflict::Stale(item.kind()).into())
}

fn insert(transaction: &Transaction<'_>, item: &Item, seq: i64) -> Result<(), TenantError> {
    let (kind, owner, body) = (item.kind(), item.owner(), item.write()?);
    let of = |error: rusqlite::Error| failed(kind, &error);
    let mut query = transaction.prepare_cached(&SQL.insert(kind)).map_err(of)?;
    let (org, id, claim) = (owner.as_str(), item.id(), item.claim());
    let done = match item.parent() {
        Some(parent) => query.execute(params![org, id, seq, claim, body, parent.owner.as_str(), parent.id.as_str()]),
        None => query.execute(params![org, id, seq, claim, body]),
    };
    done.map(drop).map_err(of)
}

fn update(transaction: &Transaction<'_>, item: &Item, seq: i64, version: u64) -> Result<usize, TenantError> {
    let (kind, owner, body) = (item.kind(), item.owner(), item.write()?);
    let of = |error: rusqlite::Error| failed(kind, &error);
    let mut query = transaction.prepare_cached(&SQL.update(kind)).map_err(of)?;
    let (org, id, claim, version) = (owner.as_str(), item.id(), item.claim(), gather::number(version));
    let done = match item.parent() {
        Some(parent) => {
            query.execute(params![org, id, seq, claim, body, parent.owner.as_str(), parent.id.as_str(), version])
        }
        None => query.execute(params![org, id, seq, claim, body, version]),
    };
    done.map_err(of)
}

fn delete(transaction: &Transaction<'_>, item: &Item, version: u64) -> Result<usize, TenantError> {
    let of = |error: rusqlite::Error| failed(item.kind(), &error);
    let mut query = transaction.prepare_cached(&SQL.delete(item.kind())).map_err(of)?;
    query.execute(params![item.owner().as_str(), item.id(), gather::number(version)]).map_err(of)
}

/// Remembers the use of a token.
pub(in crate::tenants::sqlite) fn token_used(
    connection: &Connection,
    owner: &Owner,
    id: &str,
    at: Timestamp,
) -> Result<(), TenantError> {
    let given = params![owner.as_str(), id, At::new(at).microsecond()];
    let done = connection.prepare_cached(SQL.token_used()).and_then(|mut query| query.execute(given));
    let found = done.map_err(|error| read::failed(Kind::Token, &error))?;
    if found > 0 { Ok(()) } else { Err(TenantError::NotFound(Kind::Token)) }
}

/// What an error of the engine means to who changes things of that kind.
fn failed(kind: Kind, error: &rusqlite::Error) -> TenantError {
    let code = error.sqlite_error().map(|error| error.extended_code);
    match code {
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => Conflict::Taken(kind).into(),
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Conflict::Bound(kind).into(),
        _ => read::failed(kind, error),
    }
}
