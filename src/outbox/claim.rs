//! Texts on their way: taken, handed over, settled.

use std::collections::BTreeMap;

use crate::app::messenger::ports::{Became, Delivery, OutboxError, Receipt, Room};
use crate::outbox::spending::Purse;
use crate::outbox::work::{Row, Value, Work, given, one, places, run};
use crate::outbox::{keep, report, spending};
use crate::outreach::draft::Addressee;

/// Texts to one receiver within [`LATELY`] beyond which two machines are taken to be writing to each other, or, where
/// nobody can answer, more are put off.
const MOST_TO_ONE: i64 = 20;

/// The stretch over which texts to one receiver are counted, in seconds.
const LATELY: i64 = 600;

/// Which of an organization's texts went to a receiver since then, or are on their way.
const SENT_LATELY: &str =
    "WHERE org = $1 AND receiver = $2 AND changed > $3 AND state IN ('sent', 'sending', 'unknown')";

/// Looks at the carrier, so many seconds apart, before a text counts as not sent.
const LOOKS: i64 = 3;
const BETWEEN_LOOKS: i64 = 20;

/// Seconds between two looks at most.
const SELDOM: i64 = 300;

/// Seconds after which what was worth nothing any more is not looked for any more.
const GIVEN_UP: i64 = 86_400;

/// A node that was not heard of for so many seconds is taken to be dead. With the looks that follow, this is longer
/// than any request of its could be under way.
const SILENT: &str = "15 seconds";

/// Takes what is due. What must not go out any more is settled.
pub(in crate::outbox) async fn claim(
    work: &mut dyn Work,
    room: &Room,
    node: &str,
) -> Result<Vec<Delivery>, OutboxError> {
    let due = format!(
        "SELECT id, org, sender, receiver, body, expires, tried, attempts, state, kind, call, unless_taken, \
         reason FROM texts \
         WHERE state IN ('waiting', 'unknown') AND due <= $1 AND org NOT IN ('', {}) ORDER BY due LIMIT $2{}",
        places(3, room.but.len().max(1)),
        work.skips()
    );
    let mut given: Vec<Value> = given![room.now, room.most].into();
    given.extend(room.but.iter().map(Value::from));
    if room.but.is_empty() {
        given.push("".into());
    }
    let mut by_org: BTreeMap<String, Vec<Due>> = BTreeMap::new();
    for row in work.rows(&due, &given).await? {
        let due = Due::read(&row)?;
        by_org.entry(due.delivery.org.clone()).or_default().push(due);
    }
    let mut claimed = Vec::new();
    // In the same order on every node, so that no two wait for each other.
    for (org, all) in by_org {
        work.alone(&org).await?;
        let mut purse = Purse::open(work, &org, room).await?;
        let mut taken = 0;
        for due in all {
            if taken == room.each {
                break;
            }
            if let Some(delivery) = take(work, due, room, (node, &mut purse)).await? {
                taken += 1;
                claimed.push(delivery);
            }
        }
        purse.close(work).await?;
    }
    Ok(claimed)
}

/// A text that is due.
struct Due {
    delivery: Delivery,
    unknown: bool,
    kind: String,
    call: String,
    unless_taken: bool,
}

impl Due {
    fn read(row: &Row) -> Result<Self, OutboxError> {
        Ok(Self {
            delivery: Delivery {
                id: row.number(0)?,
                org: row.text(1)?,
                from: row.text(2)?,
                to: row.text(3)?,
                body: row.text(4)?,
                expires: row.number(5)?,
                tried: row.maybe_number(6),
                attempts: u32::try_from(row.number(7)?).unwrap_or(u32::MAX),
                reason: row.maybe_text(12),
            },
            unknown: row.text(8)? == "unknown",
            kind: row.text(9)?,
            call: row.text(10)?,
            unless_taken: row.number(11)? != 0,
        })
    }
}

/// Takes one, unless it must not go out.
async fn take(
    work: &mut dyn Work,
    due: Due,
    room: &Room,
    (node, purse): (&str, &mut Purse),
) -> Result<Option<Delivery>, OutboxError> {
    let (now, Delivery { id, org, to, body, .. }) = (room.now, &due.delivery);
    if due.unknown {
        // It may be with the carrier already: it is looked for, which costs nothing.
        let update = "UPDATE texts SET state = 'sending', changed = $2, node = $3 WHERE id = $1";
        run(work, update, &given![*id, now, node]).await?;
        return Ok(Some(due.delivery));
    }
    if let Some((state, reason)) = stopped(work, &due, now).await? {
        end(work, *id, state, &reason, now).await?;
        return Ok(None);
    }
    if !matches!(Addressee::of(to), Addressee::Phone(_)) && sent_lately(work, org, to, now).await? >= MOST_TO_ONE {
        // Nobody answers us from there, so it is no loop; yet nobody reads so much at once. It is due again when there is
        // room, before those that come later.
        let reason = format!("{MOST_TO_ONE} went there within ten minutes: it waits");
        let first = format!("SELECT min(changed) FROM texts {SENT_LATELY}");
        let first = count(work, &first, &given![org, to, now - LATELY]).await?;
        again(work, *id, (first + LATELY).max(now + 1), &reason, now).await?;
        return Ok(None);
    }
    let estimate = room.budget.estimate(org, to, body);
    if let Some(reason) = purse.refusal(estimate.cost) {
        // It waits for a new day's money, unless it is worth nothing by then.
        if due.delivery.expires > purse.midnight() {
            again(work, *id, purse.midnight(), &format!("{reason}: it waits until midnight UTC"), now).await?;
        } else {
            end(work, *id, "dead", &reason, now).await?;
        }
        return Ok(None);
    }
    // From here on it may be with the carrier, whatever happens to us.
    let update = "UPDATE texts SET state = 'sending', attempts = attempts + 1, tried = $2, changed = $2, node = $3, \
                  segments = $4, cost = $5, booked = $6 WHERE id = $1";
    let (segments, cost, booked) = (estimate.segments, estimate.cost.millionths(), purse.book(estimate));
    run(work, update, &given![*id, now, node, segments, cost, booked]).await?;
    Ok(Some(Delivery { attempts: due.delivery.attempts + 1, tried: None, ..due.delivery }))
}

/// Why a text does not go out any more.
async fn stopped(work: &mut dyn Work, due: &Due, now: i64) -> Result<Option<(&'static str, String)>, OutboxError> {
    let Delivery { org, to, body, .. } = &due.delivery;
    if due.unless_taken {
        let select = "SELECT taken_by FROM cases WHERE org = $1 AND call = $2";
        if let Some(by) = one(work, select, &given![org, &due.call]).await?.and_then(|row| row.maybe_text(0)) {
            return Ok(Some(("skipped", format!("{by} has taken the call"))));
        }
    }
    if due.delivery.expires <= now {
        return Ok(Some(("dead", "it could not be sent in time".to_owned())));
    }
    let select = "SELECT reason FROM refused WHERE org = $1 AND number = $2";
    if let Some(row) = one(work, select, &given![org, to]).await? {
        return Ok(Some(("dead", row.text(0)?)));
    }
    if matches!(Addressee::of(to), Addressee::Phone(_)) && sent_lately(work, org, to, now).await? >= MOST_TO_ONE {
        return Ok(Some((
            "dead",
            format!("{MOST_TO_ONE} texts went there within ten minutes: this looks like a loop"),
        )));
    }
    if due.kind == "text" || due.kind == "offered" {
        let same = "SELECT count(*) FROM texts WHERE org = $1 AND receiver = $2 AND changed > $3 AND body = $4 \
                    AND state IN ('sent', 'sending', 'unknown')";
        if count(work, same, &given![org, to, now - LATELY, body]).await? > 0 {
            return Ok(Some(("skipped", "the same words went there within ten minutes".to_owned())));
        }
    }
    Ok(None)
}

/// How many went there, or are on their way, within [`LATELY`].
async fn sent_lately(work: &mut dyn Work, org: &str, to: &str, now: i64) -> Result<i64, OutboxError> {
    let lately = format!("SELECT count(*) FROM texts {SENT_LATELY}");
    count(work, &lately, &given![org, to, now - LATELY]).await
}

async fn count(work: &mut dyn Work, select: &str, given: &[Value]) -> Result<i64, OutboxError> {
    one(work, select, given).await?.map_or(Ok(0), |row| row.number(0))
}

async fn end(work: &mut dyn Work, id: i64, state: &str, reason: &str, now: i64) -> Result<(), OutboxError> {
    let update = "UPDATE texts SET state = $2, reason = $3, changed = $4, tried = NULL WHERE id = $1";
    run(work, update, &given![id, state, reason, now]).await
}

/// Says what became of a text. What was given to another node meanwhile is that one's to settle; only that the
/// carrier has it is news from whomever it comes.
pub(in crate::outbox) async fn settle(
    work: &mut dyn Work,
    id: i64,
    became: &Became,
    now: i64,
    node: &str,
) -> Result<(), OutboxError> {
    if let Became::Sent(receipt) = became {
        return sent(work, id, receipt, now).await;
    }
    let ours = "SELECT org, receiver, tried, expires FROM texts WHERE id = $1 AND state = 'sending' AND node = $2";
    let Some(whose) = one(work, ours, &given![id, node]).await? else { return Ok(()) };
    match became {
        Became::Sent(receipt) => sent(work, id, receipt, now).await,
        Became::Later { after, why } => {
            spending::take_back(work, id).await?;
            again(work, id, now + after, why, now).await
        }
        Became::Dead { why, code } => {
            spending::take_back(work, id).await?;
            end(work, id, "dead", why, now).await?;
            match keep::unreachable(*code) {
                Some(reason) => keep::refuse(work, &whose.text(0)?, &whose.text(1)?, reason).await,
                None => Ok(()),
            }
        }
        Became::Unknown(why) => {
            let (tried, expires) = (whose.maybe_number(2).unwrap_or(now), whose.number(3)?);
            look_later(work, id, (why, now), (tried, expires)).await
        }
        Became::Looked(found) => looked(work, id, found, now).await,
    }
}

async fn sent(work: &mut dyn Work, id: i64, receipt: &Receipt, now: i64) -> Result<(), OutboxError> {
    let sid = &receipt.sid;
    // Another with the same words may have been looked up under this name; the carrier says which it is.
    let other = "UPDATE texts SET state = 'unknown', sid = NULL, status = NULL, due = $3, changed = $4 \
                 WHERE sid = $1 AND id <> $2 AND receiver LIKE '+%' AND EXISTS (SELECT 1 FROM texts AS own WHERE \
                 own.id = $2 AND own.org = texts.org AND own.receiver = texts.receiver AND own.body = texts.body)";
    run(work, other, &given![sid, id, now + BETWEEN_LOOKS, now]).await?;
    // Whoever gives two the same name does not keep us from knowing that both went out.
    let update = "UPDATE texts SET state = 'sent', reason = NULL, changed = $3, tried = NULL, sid = CASE WHEN EXISTS \
                  (SELECT 1 FROM texts AS other WHERE other.sid = $2 AND other.id <> $1) THEN NULL ELSE $2 END \
                  WHERE id = $1 AND state <> 'sent' RETURNING org";
    let Some(row) = one(work, update, &given![id, sid, now]).await? else { return Ok(()) };
    spending::settle(work, id, receipt).await?;
    // The carrier may have told of it before it answered.
    report::caught_up(work, &row.text(0)?, sid).await
}

async fn again(work: &mut dyn Work, id: i64, due: i64, why: &str, now: i64) -> Result<(), OutboxError> {
    let update = "UPDATE texts SET state = 'waiting', due = $2, reason = $3, changed = $4, tried = NULL, looks = 0 \
                  WHERE id = $1";
    run(work, update, &given![id, due, why, now]).await
}

/// Looks again, more seldom the longer it is not known; a day after it was worth anything it is given up.
async fn look_later(
    work: &mut dyn Work,
    id: i64,
    (why, now): (&str, i64),
    (tried, expires): (i64, i64),
) -> Result<(), OutboxError> {
    if now > expires.saturating_add(GIVEN_UP) {
        return end(work, id, "dead", &format!("whether it went out was never known: {why}"), now).await;
    }
    let wait = (now.saturating_sub(tried) / 4).clamp(2, SELDOM);
    let update = "UPDATE texts SET state = 'unknown', due = $2, reason = $3, changed = $4 WHERE id = $1";
    run(work, update, &given![id, now + wait, why, now]).await
}

/// The carrier has these; the first that is no other text's is this one. When there is none it was not sent, but
/// only after some looks: a message may show late.
async fn looked(work: &mut dyn Work, id: i64, found: &[Receipt], now: i64) -> Result<(), OutboxError> {
    for receipt in found {
        if one(work, "SELECT id FROM texts WHERE sid = $1", &given![&receipt.sid]).await?.is_none() {
            return sent(work, id, receipt, now).await;
        }
    }
    let update = "UPDATE texts SET looks = looks + 1 WHERE id = $1 RETURNING looks";
    let looks = count(work, update, &given![id]).await?;
    if looks >= LOOKS {
        spending::take_back(work, id).await?;
        return again(work, id, now, "the carrier does not have it: it is sent again", now).await;
    }
    let update = "UPDATE texts SET state = 'unknown', due = $2, changed = $3 WHERE id = $1";
    run(work, update, &given![id, now + BETWEEN_LOOKS, now]).await
}

/// Whether anything that was on its way went out is not known any more.
pub(in crate::outbox) async fn given_back(work: &mut dyn Work, now: i64) -> Result<usize, OutboxError> {
    let update = "UPDATE texts SET state = 'unknown', due = $1, changed = $1 WHERE state = 'sending' RETURNING id";
    Ok(work.rows(update, &given![now]).await?.len())
}

/// Says that this node lives, and gives back what dead ones had on their way, and this one when it begins. Whether a
/// node lives is told by the database's clock alone.
pub(in crate::outbox) async fn beat(
    work: &mut dyn Work,
    now: i64,
    node: &str,
    begins: bool,
) -> Result<usize, OutboxError> {
    let alive = "INSERT INTO nodes (node, seen) VALUES ($1, clock_timestamp()) \
                 ON CONFLICT (node) DO UPDATE SET seen = excluded.seen";
    run(work, alive, &given![node]).await?;
    let dead = format!(
        "UPDATE texts SET state = 'unknown', due = $1, changed = $1 WHERE state = 'sending' AND (node = $2 OR node IN \
         (SELECT node FROM nodes WHERE seen < clock_timestamp() - interval '{SILENT}')) RETURNING id"
    );
    // A node that goes on knows what it has on its way.
    let own = if begins { node } else { "" };
    Ok(work.rows(&dead, &given![now, own]).await?.len())
}
