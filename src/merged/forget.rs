//! Takes persons out of the records that are kept there.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_postgres::Client;

use crate::audit::person::{self, Whom};
use crate::audit::record::Record;
use crate::database::{self, Address};
use crate::merged::keep::is_there;
use crate::merged::{STEPS, Way, runs};

/// How long one statement may take: a person is looked for in every record.
const PATIENCE: Duration = Duration::from_secs(600);

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
    let mut link = way.connect(PATIENCE).await?;
    let told = |error: tokio_postgres::Error| database::told(&error);
    if !is_there(&link).await.map_err(told)? {
        return Ok(0);
    }
    database::bring_up(&mut link.client, &STEPS).await?;
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
        rewrite(&mut link.client, &record, us, &text).await.map_err(told)?;
    }
    Ok(done.len())
}

/// Puts that in the place of the record, and drops the salt of its entry with it, so that nothing tells any more what was
/// erased.
async fn rewrite(client: &mut Client, record: &Record, us: i64, text: &str) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    let update = "UPDATE audit_records SET record = $3::text::json WHERE id = $1::text::uuid \
                  AND received = timestamptz 'epoch' + $2::bigint * interval '1 microsecond' RETURNING node, seq, run";
    let places = transaction.query(update, &[&record.id.to_string(), &us, &text]).await?;
    for place in &places {
        let (node, seq): (String, i64) = (place.try_get(0)?, place.try_get(1)?);
        if let Some(before) = place.try_get::<_, Option<i64>>(2)? {
            for mut run in runs::locked(&transaction, &node, before).await? {
                if run.without_salts(|entry| entry.seq == seq && entry.id == record.id) > 0 {
                    run.write(&transaction).await?;
                }
            }
        }
    }
    transaction.commit().await
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
