//! What organizations spend in a day, from midnight to midnight UTC: booked when a text goes out, taken back when it
//! did not, and set right when the carrier says what it costs.

use crate::app::messenger::ports::{OutboxError, Receipt, Room, Spent};
use crate::model::money::Money;
use crate::outbox::work::{Work, given, one, run};
use crate::outreach::spend::{Estimate, Standing, standing};

/// A day in seconds.
const DAY: i64 = 86_400;

/// Days that are remembered.
const REMEMBERED: i64 = 40;

/// The day of that moment.
fn day(now: i64) -> i64 {
    now.div_euclid(DAY)
}

/// What one organization may still spend today, while nobody else decides on it.
pub(in crate::outbox) struct Purse {
    org: String,
    day: i64,
    ceiling: Money,
    before: Spent,
    booked: Money,
    held: u64,
}

impl Purse {
    pub(in crate::outbox) async fn open(work: &mut dyn Work, org: &str, room: &Room) -> Result<Self, OutboxError> {
        let (day, org) = (day(room.now), org.to_owned());
        let select = "SELECT spent, held FROM spending WHERE org = $1 AND day = $2";
        let row = one(work, select, &given![&org, day]).await?;
        let (spent, held) = row.map_or(Ok((0, 0)), |row| Ok((row.number(0)?, row.number(1)?)))?;
        let before = Spent {
            org: org.clone(),
            spent: Money::of_millionths(spent),
            held: u64::try_from(held).unwrap_or_default(),
        };
        let ceiling = room.budget.ceiling(&org);
        Ok(Self { org, day, ceiling, before, booked: Money::default(), held: 0 })
    }

    fn spent(&self) -> Money {
        self.before.spent.plus(self.booked)
    }

    /// Why so much more is too much. What is free always goes.
    pub(in crate::outbox) fn refusal(&mut self, cost: Money) -> Option<String> {
        if cost == Money::default() || self.spent().plus(cost) <= self.ceiling {
            return None;
        }
        self.held += 1;
        let (spent, ceiling) = (self.spent(), self.ceiling);
        Some(format!("it costs {cost}, and of the day's {ceiling} (`spend_a_day`) {spent} are spent"))
    }

    /// The next midnight, when a new day's money is there.
    pub(in crate::outbox) const fn midnight(&self) -> i64 {
        (self.day + 1) * DAY
    }

    /// Books what a text is taken to cost that goes out now; the day it is booked to, if it costs anything.
    pub(in crate::outbox) fn book(&mut self, estimate: Estimate) -> Option<i64> {
        self.booked = self.booked.plus(estimate.cost);
        (estimate.cost != Money::default()).then_some(self.day)
    }

    /// Writes all of it down, and warns once a day when the ceiling is near, and when it held something up.
    pub(in crate::outbox) async fn close(self, work: &mut dyn Work) -> Result<(), OutboxError> {
        if self.booked == Money::default() && self.held == 0 {
            return Ok(());
        }
        let held = i64::try_from(self.held).unwrap_or(i64::MAX);
        let insert = "INSERT INTO spending (org, day, spent, held) VALUES ($1, $2, $3, $4) ON CONFLICT (org, day) \
                      DO UPDATE SET spent = spending.spent + excluded.spent, held = spending.held + excluded.held";
        run(work, insert, &given![&self.org, self.day, self.booked.millionths(), held]).await?;
        if self.before.spent == Money::default() {
            let old = "DELETE FROM spending WHERE org = $1 AND day < $2";
            run(work, old, &given![&self.org, self.day - REMEMBERED]).await?;
        }
        let (org, spent, ceiling) = (&self.org, self.spent(), self.ceiling);
        if standing(spent, ceiling) >= Standing::Near && standing(self.before.spent, ceiling) == Standing::Fine {
            tracing::warn!(org, %spent, %ceiling, "four fifths of what may be spent on texts today are spent");
        }
        if self.before.held == 0 && held > 0 {
            tracing::error!(org, %spent, %ceiling, "texts are held up: what may be spent on them today is spent");
        }
        Ok(())
    }
}

/// A text that was booked did not go out.
pub(in crate::outbox) async fn take_back(work: &mut dyn Work, id: i64) -> Result<(), OutboxError> {
    change(work, id, Money::default(), None).await
}

/// The carrier has it, and perhaps says what it costs, or how many parts it makes.
pub(in crate::outbox) async fn settle(work: &mut dyn Work, id: i64, receipt: &Receipt) -> Result<(), OutboxError> {
    let select = "SELECT segments, cost FROM texts WHERE id = $1 AND booked IS NOT NULL";
    let Some(row) = one(work, select, &given![id]).await? else { return Ok(()) };
    let (taken, cost) = (row.number(0)?.max(1), Money::of_millionths(row.number(1)?));
    let segments = receipt.segments.map_or(taken, i64::from);
    let by_part = Money::of_millionths(cost.millionths() / taken);
    let real = match receipt.price {
        Some((price, _)) => price,
        None => by_part.times(u32::try_from(segments).unwrap_or(u32::MAX)),
    };
    if real == cost && segments == taken {
        return Ok(());
    }
    change(work, id, real, Some(segments)).await
}

/// Lets a text have cost so much; nothing is booked any more for one that makes no parts.
async fn change(work: &mut dyn Work, id: i64, cost: Money, segments: Option<i64>) -> Result<(), OutboxError> {
    let update = "UPDATE spending SET spent = spent + $2 - (SELECT cost FROM texts WHERE id = $1) \
                  WHERE (org, day) = (SELECT org, booked FROM texts WHERE id = $1 AND booked IS NOT NULL)";
    run(work, update, &given![id, cost.millionths()]).await?;
    let update = "UPDATE texts SET cost = $2, booked = CASE WHEN $3 = 0 THEN NULL ELSE booked END, \
                  segments = CASE WHEN $3 = 0 THEN segments ELSE $3 END WHERE id = $1 AND booked IS NOT NULL";
    run(work, update, &given![id, cost.millionths(), segments.unwrap_or_default()]).await
}

/// What organizations have spent on the day of that moment.
pub(in crate::outbox) async fn spent(work: &mut dyn Work, now: i64) -> Result<Vec<Spent>, OutboxError> {
    let select = "SELECT org, spent, held FROM spending WHERE day = $1 ORDER BY org";
    let rows = work.rows(select, &given![day(now)]).await?;
    let read = |row: &crate::outbox::work::Row| {
        Ok(Spent {
            org: row.text(0)?,
            spent: Money::of_millionths(row.number(1)?),
            held: u64::try_from(row.number(2)?).unwrap_or_default(),
        })
    };
    rows.iter().map(read).collect()
}
