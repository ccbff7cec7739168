//! What is shown, and what is done by hand: the list of texts, calls that people were told of, switches with every turn.

use crate::app::messenger::ports::{OutboxError, Told, Waiting};
use crate::model::money::Money;
use crate::model::phone::E164;
use crate::outbox::desk::Desk;
use crate::outbox::keep;
use crate::outbox::work::{ALL, Row, Value, Work, given, one, places};
use crate::outreach::draft::PRACTICE;
use crate::outreach::effects::Case;
use crate::tenant::switch::SwitchState;

/// A text in the list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// Its number in the list.
    pub id: i64,
    /// Whose.
    pub org: String,
    /// The call, or the text that it answers.
    pub call: String,
    /// Why it is sent.
    pub kind: String,
    /// Who gets it.
    pub to: String,
    /// `waiting`, `sending`, `unknown`, `sent`, `skipped` or `dead`.
    pub state: String,
    /// When it is due, in seconds since 1970.
    pub due: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// The carrier's name for it.
    pub sid: Option<String>,
    /// The carrier's last word on it, such as `delivered`.
    pub status: Option<String>,
    /// The carrier's code, when it could not be delivered.
    pub code: Option<u32>,
    /// Our number.
    pub from: String,
    /// The words.
    pub body: String,
    /// Until when it is worth sending.
    pub expires: i64,
    /// When anything became of it last.
    pub changed: i64,
    /// How many parts it makes, once it was taken to be sent.
    pub segments: Option<u32>,
    /// What it costs as far as is known, in the currency of the settings.
    pub cost: Option<String>,
}

/// The columns of a text in the list.
const LISTED: &str = "id, org, call, kind, receiver, state, due, attempts, reason, sid, status, code, sender, body, \
                      expires, changed, segments, cost";

impl Listed {
    fn read(row: &Row) -> Result<Self, OutboxError> {
        let small = |place: usize| row.maybe_number(place).and_then(|number| u32::try_from(number).ok());
        Ok(Self {
            id: row.number(0)?,
            org: row.text(1)?,
            call: row.text(2)?,
            kind: row.text(3)?,
            to: row.text(4)?,
            state: row.text(5)?,
            due: row.number(6)?,
            attempts: small(7).unwrap_or(u32::MAX),
            reason: row.maybe_text(8),
            sid: row.maybe_text(9),
            status: row.maybe_text(10),
            code: small(11),
            from: row.text(12)?,
            body: row.text(13)?,
            expires: row.number(14)?,
            changed: row.number(15)?,
            segments: small(16),
            cost: row.maybe_number(17).map(|cost| Money::of_millionths(cost).to_string()),
        })
    }
}

/// One turn of a switch.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TurnLine {
    /// The switch.
    pub switch: String,
    /// Who.
    pub by: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// On or off; nothing for back at the default.
    pub on: Option<bool>,
    /// Until when.
    pub until: Option<i64>,
    /// Whether this took a turn back.
    pub undone: bool,
}

impl Desk {
    /// Texts in these states, newest first; all states for none.
    pub async fn list(&self, org: Option<&str>, states: &[&str], most: u32) -> Result<Vec<Listed>, OutboxError> {
        let mut given: Vec<Value> = given![most].into();
        let mut filters = Vec::new();
        if !states.is_empty() {
            filters.push(format!("state IN ({})", places(given.len() + 1, states.len())));
            given.extend(states.iter().map(|state| Value::from(*state)));
        }
        if let Some(org) = org {
            filters.push(format!("org = ${}", given.len() + 1));
            given.push(org.into());
        }
        let filter = if filters.is_empty() { String::new() } else { format!("WHERE {} ", filters.join(" AND ")) };
        let select = format!("SELECT {LISTED} FROM texts {filter}ORDER BY id DESC LIMIT $1");
        let rows = self.with_texts(ALL, move |work| Box::pin(async move { work.rows(&select, &given).await }));
        rows.await?.iter().map(Listed::read).collect()
    }

    /// One text.
    pub async fn text(&self, id: i64) -> Result<Option<Listed>, OutboxError> {
        let select = format!("SELECT {LISTED} FROM texts WHERE id = $1");
        let row = self.with_texts(ALL, move |work| Box::pin(async move { one(work, &select, &given![id]).await }));
        row.await?.as_ref().map(Listed::read).transpose()
    }

    /// Lets a text that died, or that the carrier could not deliver, try again for an hour; whether there was one.
    pub async fn retry(&self, id: i64, now: i64) -> Result<bool, OutboxError> {
        let update = "UPDATE texts SET state = 'waiting', due = $2, attempts = 0, looks = 0, changed = $2, sid = NULL, booked = NULL, \
                      status = NULL, code = NULL, expires = CASE WHEN expires < $3 THEN $3 ELSE expires END \
                      WHERE id = $1 AND (state IN ('dead', 'skipped', 'waiting') \
                      OR state = 'sent' AND status IN ('undelivered', 'failed')) \
                      AND coalesce(reason, '') NOT LIKE $4 RETURNING id";
        // Of a practice call nobody is told, whoever asks for it.
        self.changed(update, given![id, now, now + 3_600, &*format!("{PRACTICE}%")].into()).await
    }

    /// Lets a text that was not sent never go out; whether there was one.
    pub async fn discard(&self, id: i64, now: i64) -> Result<bool, OutboxError> {
        let update = "UPDATE texts SET state = 'skipped', reason = 'dropped by hand', changed = $2 \
                      WHERE id = $1 AND state IN ('dead', 'waiting', 'unknown') \
                      AND coalesce(reason, '') NOT LIKE $3 RETURNING id";
        // One of a practice call keeps its reason: it never goes out in any case.
        self.changed(update, given![id, now, &*format!("{PRACTICE}%")].into()).await
    }

    async fn changed(&self, update: &'static str, given: Vec<Value>) -> Result<bool, OutboxError> {
        let changed = self.with_texts(ALL, move |work| Box::pin(async move { one(work, update, &given).await }));
        Ok(changed.await?.is_some())
    }

    /// The switches of an organization that were ever turned.
    pub fn switches_of(&self, org: &str) -> Result<Vec<SwitchState>, OutboxError> {
        let all = self.with_switches(|work| Box::pin(keep::switches(work)))?;
        Ok(all.into_iter().filter(|state| state.org.as_str() == org).collect())
    }

    /// Keeps how a switch stands now.
    pub fn turn(&self, state: &SwitchState, by: &str, at: i64, undone: bool) -> Result<(), OutboxError> {
        let (state, by) = (state.clone(), by.to_owned());
        self.with_switches(move |work| Box::pin(async move { keep::switch(work, &state, &by, at, undone).await }))
    }

    /// The latest turns of an organization's switches, newest first.
    pub fn turns(&self, org: &str, most: u32) -> Result<Vec<TurnLine>, OutboxError> {
        let select = "SELECT switch, by, at, state, until, undone FROM turns WHERE org = $1 ORDER BY id DESC LIMIT $2";
        let given = given![org, most];
        let rows = self.with_switches(move |work| Box::pin(async move { work.rows(select, &given).await }))?;
        let read = |row: &Row| {
            Ok(TurnLine {
                switch: row.text(0)?,
                by: row.text(1)?,
                at: row.number(2)?,
                on: row.maybe_number(3).map(|on| on != 0),
                until: row.maybe_number(4),
                undone: row.number(5)? != 0,
            })
        };
        rows.iter().map(read).collect()
    }
}

fn told(row: &Row) -> Result<Case, OutboxError> {
    Ok(Case { call: row.text(0)?, caller: row.text(1)?, called: row.text(2)?, at: row.number(3)? })
}

/// The calls of which this number was told since then, newest first.
pub(in crate::outbox) async fn cases(
    work: &mut dyn Work,
    org: &str,
    number: &str,
    since: i64,
) -> Result<Vec<Told>, OutboxError> {
    let select = "SELECT c.call, c.caller, c.called, c.at, c.taken_by FROM cases c \
                  WHERE c.org = $1 AND c.at >= $3 AND EXISTS (SELECT 1 FROM texts t \
                  WHERE t.org = $1 AND t.call = c.call AND t.receiver = $2 AND t.kind = 'missed') \
                  ORDER BY c.at DESC, c.call LIMIT 100";
    let rows = work.rows(select, &given![org, number, since]).await?;
    rows.iter().map(|row| Ok(Told { case: told(row)?, taken_by: row.maybe_text(4) })).collect()
}

/// The call's case.
pub(in crate::outbox) async fn case(work: &mut dyn Work, org: &str, call: &str) -> Result<Option<Case>, OutboxError> {
    let select = "SELECT call, caller, called, at FROM cases WHERE org = $1 AND call = $2";
    one(work, select, &given![org, call]).await?.as_ref().map(told).transpose()
}

/// The text of that name.
pub(in crate::outbox) async fn kept(
    work: &mut dyn Work,
    org: &str,
    call: &str,
    key: &str,
) -> Result<Option<Waiting>, OutboxError> {
    let select = "SELECT key, sender, receiver, body, state, reason, sid, status, attempts, due, expires FROM texts \
                  WHERE org = $1 AND call = $2 AND key = $3";
    let Some(row) = one(work, select, &given![org, call, key]).await? else { return Ok(None) };
    Ok(Some(Waiting {
        key: row.text(0)?,
        from: row.text(1)?,
        to: row.text(2)?,
        body: row.text(3)?,
        state: row.text(4)?,
        reason: row.maybe_text(5),
        sid: row.maybe_text(6),
        status: row.maybe_text(7),
        attempts: u32::try_from(row.number(8)?).unwrap_or(u32::MAX),
        due: row.number(9)?,
        expires: row.number(10)?,
    }))
}

/// Everybody else who was told of the call.
pub(in crate::outbox) async fn others(
    work: &mut dyn Work,
    org: &str,
    call: &str,
    but: &str,
) -> Result<Vec<E164>, OutboxError> {
    // Whoever has not been told of the call needs not hear that it was taken.
    let select = "SELECT DISTINCT receiver FROM texts WHERE org = $1 AND call = $2 AND kind = 'missed' \
                  AND receiver <> $3 AND state IN ('sending', 'unknown', 'sent') ORDER BY receiver";
    let rows = work.rows(select, &given![org, call, but]).await?;
    Ok(rows.iter().filter_map(|row| E164::parse(&row.maybe_text(0)?).ok()).collect())
}

/// How many texts are in which state. States that end are many and uninteresting; dead ones are few and worth a look.
pub(in crate::outbox) async fn counts(work: &mut dyn Work) -> Result<Vec<(String, u64)>, OutboxError> {
    let select = "SELECT state, count(*) FROM texts WHERE state IN ('waiting', 'unknown') GROUP BY state \
                  UNION ALL SELECT 'dead', count(*) FROM texts WHERE state = 'dead'";
    let rows = work.rows(select, &[]).await?;
    rows.iter().map(|row| Ok((row.text(0)?, u64::try_from(row.number(1)?).unwrap_or_default()))).collect()
}
