//! Texts on their way: taken, handed over, settled.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::app::messenger::ports::{Became, Delivery, Room};
use crate::outbox::keep;

/// Texts to one receiver within [`LATELY`] beyond which two machines are taken to be writing to each other.
const MOST_TO_ONE: i64 = 20;

/// The stretch over which texts to one receiver are counted, in seconds.
const LATELY: i64 = 600;

/// A day in seconds.
const DAY: i64 = 86_400;

/// Looks at the carrier, so many seconds apart, before a text counts as not sent.
const LOOKS: i64 = 3;
const BETWEEN_LOOKS: i64 = 20;

/// Takes what is due. What must not go out any more is settled.
pub(in crate::outbox) fn claim(connection: &mut Connection, room: &Room) -> rusqlite::Result<Vec<Delivery>> {
    let Room { now, most, a_day, .. } = *room;
    let but = vec!["?"; room.but.len()].join(", ");
    let due = format!(
        "SELECT id, org, sender, receiver, body, expires, tried, attempts, state, kind, call, unless_taken \
         FROM texts WHERE state IN ('waiting', 'unknown') AND due <= ? AND org NOT IN ({but}) ORDER BY due LIMIT ?"
    );
    // Mostly nothing is due, and then nothing needs the lock.
    let some = "SELECT 1 FROM texts WHERE state IN ('waiting', 'unknown') AND due <= ?1 LIMIT 1";
    if most == 0 || connection.prepare_cached(some)?.query_row([now], |_| Ok(())).optional()?.is_none() {
        return Ok(Vec::new());
    }
    let transaction = connection.transaction()?;
    let mut claimed = Vec::new();
    let rows: Vec<(Delivery, Row)> = {
        let mut given: Vec<rusqlite::types::Value> = vec![now.into()];
        given.extend(room.but.iter().map(|org| org.clone().into()));
        given.push(i64::from(most).into());
        let mut query = transaction.prepare_cached(&due)?;
        let rows = query.query_map(rusqlite::params_from_iter(given), |row| {
            let delivery = Delivery {
                id: row.get(0)?,
                org: row.get(1)?,
                from: row.get(2)?,
                to: row.get(3)?,
                body: row.get(4)?,
                expires: row.get(5)?,
                tried: row.get(6)?,
                attempts: row.get(7)?,
            };
            let row = Row { state: row.get(8)?, kind: row.get(9)?, call: row.get(10)?, unless_taken: row.get(11)? };
            Ok((delivery, row))
        })?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    for (delivery, row) in rows {
        let share = taken.entry(delivery.org.clone()).or_default();
        if *share >= room.each {
            continue;
        }
        let unknown = row.state == "unknown";
        if let Some((state, reason)) = stopped(&transaction, &delivery, &row, now, a_day)?.filter(|_| !unknown) {
            end(&transaction, delivery.id, state, &reason, now)?;
            continue;
        }
        *share += 1;
        // From here on it may be with the carrier, whatever happens to us.
        let update = "UPDATE texts SET state = 'sending', attempts = attempts + ?3, tried = coalesce(tried, ?2), \
                      changed = ?2 WHERE id = ?1";
        transaction.prepare_cached(update)?.execute(params![delivery.id, now, i64::from(!unknown)])?;
        let tried = delivery.tried.filter(|_| unknown);
        claimed.push(Delivery { attempts: delivery.attempts + u32::from(!unknown), tried, ..delivery });
    }
    transaction.commit()?;
    Ok(claimed)
}

struct Row {
    state: String,
    kind: String,
    call: String,
    unless_taken: bool,
}

/// Why a text does not go out any more.
fn stopped(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    row: &Row,
    now: i64,
    a_day: u32,
) -> rusqlite::Result<Option<(&'static str, String)>> {
    let Delivery { org, to, body, .. } = delivery;
    if row.unless_taken {
        let select = "SELECT taken_by FROM cases WHERE org = ?1 AND call = ?2";
        let taken =
            transaction.prepare_cached(select)?.query_row(params![org, row.call], |row| row.get(0)).optional()?;
        if let Some(Some(by)) = taken.map(|by: Option<String>| by) {
            return Ok(Some(("skipped", format!("{by} has taken the call"))));
        }
    }
    if delivery.expires <= now {
        return Ok(Some(("dead", "it could not be sent in time".to_owned())));
    }
    let select = "SELECT reason FROM refused WHERE org = ?1 AND number = ?2";
    let refused = transaction.prepare_cached(select)?.query_row(params![org, to], |row| row.get(0)).optional()?;
    if let Some(reason) = refused {
        return Ok(Some(("dead", reason)));
    }
    let count = |select: &str, row: &[&dyn rusqlite::ToSql]| -> rusqlite::Result<i64> {
        transaction.prepare_cached(select)?.query_row(row, |row| row.get(0))
    };
    let lately = "SELECT count(*) FROM texts WHERE org = ?1 AND receiver = ?2 AND changed > ?3 \
                  AND state IN ('sent', 'sending', 'unknown')";
    if count(lately, &[org, to, &(now - LATELY)])? >= MOST_TO_ONE {
        return Ok(Some((
            "dead",
            format!("{MOST_TO_ONE} texts went there within ten minutes: this looks like a loop"),
        )));
    }
    if row.kind == "text" || row.kind == "offered" {
        let same = "SELECT count(*) FROM texts WHERE org = ?1 AND receiver = ?2 AND changed > ?3 AND body = ?4 \
                    AND state IN ('sent', 'sending', 'unknown')";
        if count(same, &[org, to, &(now - LATELY), body])? > 0 {
            return Ok(Some(("skipped", "the same words went there within ten minutes".to_owned())));
        }
    }
    let today = "SELECT count(*) FROM texts WHERE org = ?1 AND state IN ('sent', 'sending') AND changed > ?2";
    if count(today, &[org, &(now - DAY)])? >= i64::from(a_day) {
        let why = format!("the organization has sent {a_day} texts within a day, which is its ceiling (`texts_a_day`)");
        return Ok(Some(("dead", why)));
    }
    Ok(None)
}

fn end(transaction: &Transaction<'_>, id: i64, state: &str, reason: &str, now: i64) -> rusqlite::Result<()> {
    let update = "UPDATE texts SET state = ?2, reason = ?3, changed = ?4, tried = NULL WHERE id = ?1";
    transaction.prepare_cached(update)?.execute(params![id, state, reason, now]).map(drop)
}

/// Says what became of a text.
pub(in crate::outbox) fn settle(
    connection: &mut Connection,
    id: i64,
    became: &Became,
    now: i64,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    match became {
        Became::Sent(sid) => sent(&transaction, id, sid, now)?,
        Became::Later { after, why } => again(&transaction, id, now + after, why, now)?,
        Became::Dead { why, code } => {
            end(&transaction, id, "dead", why, now)?;
            if let Some(reason) = keep::unreachable(*code) {
                let select = "SELECT org, receiver FROM texts WHERE id = ?1";
                let whose = transaction.query_row(select, [id], |row| Ok((row.get(0)?, row.get(1)?)));
                let (org, receiver): (String, String) = whose?;
                keep::refuse(&transaction, &org, &receiver, reason)?;
            }
        }
        Became::Unknown(why) => look_later(&transaction, id, why, now)?,
        Became::Looked(found) => looked(&transaction, id, found, now)?,
    }
    transaction.commit()
}

fn sent(transaction: &Transaction<'_>, id: i64, sid: &str, now: i64) -> rusqlite::Result<()> {
    let update = "UPDATE texts SET state = 'sent', sid = ?2, reason = NULL, changed = ?3, tried = NULL WHERE id = ?1";
    transaction.prepare_cached(update)?.execute(params![id, sid, now]).map(drop)
}

fn again(transaction: &Transaction<'_>, id: i64, due: i64, why: &str, now: i64) -> rusqlite::Result<()> {
    let update = "UPDATE texts SET state = 'waiting', due = ?2, reason = ?3, changed = ?4, tried = NULL, looks = 0 \
                  WHERE id = ?1";
    transaction.prepare_cached(update)?.execute(params![id, due, why, now]).map(drop)
}

fn look_later(transaction: &Transaction<'_>, id: i64, why: &str, now: i64) -> rusqlite::Result<()> {
    let update = "UPDATE texts SET state = 'unknown', due = ?2, reason = ?3, changed = ?4 WHERE id = ?1";
    transaction.prepare_cached(update)?.execute(params![id, now + 2, why, now]).map(drop)
}

/// The carrier has these; the first that is no other text's is this one. When there is none it was not sent, but
/// only after some looks: a message may show late.
fn looked(transaction: &Transaction<'_>, id: i64, found: &[String], now: i64) -> rusqlite::Result<()> {
    for sid in found {
        let known = "SELECT 1 FROM texts WHERE sid = ?1";
        if transaction.prepare_cached(known)?.query_row([sid], |_| Ok(())).optional()?.is_none() {
            return sent(transaction, id, sid, now);
        }
    }
    let update = "UPDATE texts SET looks = looks + 1 WHERE id = ?1 RETURNING looks";
    let looks: i64 = transaction.prepare_cached(update)?.query_row([id], |row| row.get(0))?;
    if looks >= LOOKS {
        return again(transaction, id, now, "the carrier does not have it: it is sent again", now);
    }
    let update = "UPDATE texts SET state = 'unknown', due = ?2, changed = ?3 WHERE id = ?1";
    transaction.prepare_cached(update)?.execute(params![id, now + BETWEEN_LOOKS, now]).map(drop)
}
