//! What is changed: the thing, its line in the trail and the announcement in one transaction.

use jiff::Timestamp;
use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use crate::app::tenancy::{Changed, Conflict, TenantError};
use crate::tenant::binding::Binding;
use crate::tenant::change::{Change, What};
use crate::tenant::item::{Item, Kind};
use crate::tenant::owner::Owner;
use crate::tenant::stamp::{At, Stamp};
use crate::tenants::gather;
use crate::tenants::postgres::follow::CHANNEL;
use crate::tenants::postgres::{read, unreachable_server};
use crate::tenants::sql::Dialect;

const SQL: Dialect = Dialect::Postgres;

/// Held by whoever writes until its transaction ends: `tenants` in numbers. Writers stand in line, so that a line
/// of the trail is never seen before one with a smaller number.
const WRITING: i64 = 0x74_65_6e_61_6e_74_73;

/// Says for whom the transaction is.
const SPEAK_FOR: &str = "SELECT set_config('ringfall.org', $1, true)";

/// Keeps all of it, or none.
pub(in crate::tenants::postgres) async fn keep(
    transaction: &Transaction<'_>,
    scope: &Owner,
    changes: &[Change],
    by: &Stamp,
) -> Result<Changed, TenantError> {
    let cannot = |error: tokio_postgres::Error| unreachable_server(&error);
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&WRITING]).await.map_err(cannot)?;
    let mut versions = Vec::with_capacity(changes.len());
    for change in changes {
        let kind = change.item().map_or(Kind::Organization, Item::kind);
        if !change.is_within(scope) {
            return Err(TenantError::NotFound(kind));
        }
        allowed(transaction, change).await?;
        if let What::New(Item::Binding(binding)) = &change.what {
            free(transaction, scope, binding).await?;
        }
        let seq = write_event(transaction, change, by).await.map_err(|error| failed(kind, &error))?;
        apply(transaction, change, seq).await?;
        versions.push(gather::place(seq));
    }
    if let Some(last) = versions.last() {
        let notify = "SELECT pg_notify($1, $2)";
        transaction.execute(notify, &[&CHANNEL, &last.to_string()]).await.map_err(cannot)?;
    }
    Ok(Changed { versions })
}

/// Whether the organization is there and may have it.
async fn allowed(transaction: &Transaction<'_>, change: &Change) -> Result<(), TenantError> {
    let Some(org) = change.organization() else { return Ok(()) };
    let id = org.as_str().to_owned();
    let found = read::item(transaction, &Owner::Org(org), Kind::Organization, &id).await?;
    let found = gather::organizations(vec![found]).pop().ok_or(TenantError::NotFound(Kind::Organization))?;
    Ok(change.is_allowed_by(&found.item)?)
}

/// Whether no other organization has the number in that account. Writers stand in line, so nobody gets it meanwhile.
///
/// This one question looks over the wall, and only its answer comes back.
async fn free(transaction: &Transaction<'_>, scope: &Owner, it: &Binding) -> Result<(), TenantError> {
    let cannot = |error: tokio_postgres::Error| unreachable_server(&error);
    let (org, channel, over) = (it.org.as_str(), it.channel.word(), &it.installation);
    let (owner, id) = (over.owner.as_str(), over.id.as_str());
    let given: [&(dyn ToSql + Sync); 5] = [&owner, &id, &it.selector, &channel, &org];
    transaction.execute(SPEAK_FOR, &[&Owner::Platform.as_str()]).await.map_err(cannot)?;
    let found = transaction.query_opt(&SQL.elsewhere(), &given).await.map_err(cannot)?;
    transaction.execute(SPEAK_FOR, &[&scope.as_str()]).await.map_err(cannot)?;
    match found {
        Some(_) => Err(Conflict::Taken(Kind::Binding).into()),
        None => Ok(()),
    }
}

async fn write_event(transaction: &Transaction<'_>, change: &Change, by: &Stamp) -> Result<i64, tokio_postgres::Error> {
    let kind = change.item().map(|item| item.kind().word());
    let id = change.item().map(Item::id).unwrap_or_default();
    let owner = change.owner();
    let given: [&(dyn ToSql + Sync); 7] =
        [&owner.as_str(), &kind, &id, &change.deed.word(), &change.detail, &by.by.as_str(), &by.at.microsecond()];
    Ok(transaction.query_one(SQL.write_event(), &given).await?.get(0))
}

async fn apply(transaction: &Transaction<'_>, change: &Change, seq: i64) -> Result<(), TenantError> {
    let (item, found) = match &change.what {
        What::Noted(_) => return Ok(()),
        What::New(item) => return write(transaction, item, seq, None).await.map(drop),
        What::Changed(kept) => (&kept.item, write(transaction, &kept.item, seq, Some(kept.version)).await?),
        What::Removed(kept) => (&kept.item, delete(transaction, &kept.item, kept.version).await?),
    };
    if found > 0 {
        return Ok(());
    }
    // Nobody has it, or somebody has changed it.
    read::item(transaction, &item.owner(), item.kind(), &item.id()).await?;
    Err(Conflict::Stale(item.kind()).into())
}

/// Keeps a new thing, or one that has this version in its new form.
async fn write(transaction: &Transaction<'_>, item: &Item, seq: i64, version: Option<u64>) -> Result<u64, TenantError> {
    let (kind, owner, body, claim, id) = (item.kind(), item.owner(), item.write()?, item.claim(), item.id());
    let org = owner.as_str();
    let mut given: Vec<&(dyn ToSql + Sync)> = vec![&org, &id, &seq, &claim, &body];
    let parent = item.parent().map(|parent| (parent.owner.as_str(), parent.id.as_str()));
    if let Some((parent_org, parent)) = &parent {
        given.extend([parent_org as &(dyn ToSql + Sync), parent]);
    }
    let version = version.map(gather::number);
    let sql = match &version {
        Some(version) => {
            given.push(version);
            SQL.update(kind)
        }
        None => SQL.insert(kind),
    };
    transaction.execute(&sql, &given).await.map_err(|error| failed(kind, &error))
}

async fn delete(transaction: &Transaction<'_>, item: &Item, version: u64) -> Result<u64, TenantError> {
    let (owner, id, version) = (item.owner(), item.id(), gather::number(version));
    let given: [&(dyn ToSql + Sync); 3] = [&owner.as_str(), &id, &version];
    let done = transaction.execute(&SQL.delete(item.kind()), &given).await;
    done.map_err(|error| failed(item.kind(), &error))
}

/// Remembers the use of a token.
pub(in crate::tenants::postgres) async fn token_used(
    transaction: &Transaction<'_>,
    owner: &Owner,
    id: &str,
    at: Timestamp,
) -> Result<(), TenantError> {
    let at = At::new(at).microsecond();
    let given: [&(dyn ToSql + Sync); 3] = [&owner.as_str(), &id, &at];
    let found = transaction.execute(SQL.token_used(), &given).await.map_err(|error| unreachable_server(&error))?;
    if found > 0 { Ok(()) } else { Err(TenantError::NotFound(Kind::Token)) }
}

/// What an error of the server means to who changes things of that kind.
fn failed(kind: Kind, error: &tokio_postgres::Error) -> TenantError {
    match error.code() {
        Some(code) if *code == SqlState::UNIQUE_VIOLATION => Conflict::Taken(kind).into(),
        Some(code) if *code == SqlState::FOREIGN_KEY_VIOLATION => Conflict::Bound(kind).into(),
        _ => unreachable_server(error),
    }
}
