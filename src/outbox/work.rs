//! One transaction, whatever the database: statements with what is given to them, and rows with what they say.
//!
//! Placeholders are `$1`, `$2`…; numbers are 64 bits wide, yes and no are 1 and 0, and times are seconds since 1970.

use crate::app::messenger::ports::OutboxError;
use crate::app::ports::Later;

/// What comes of something that is done in a transaction.
pub(in crate::outbox) type Done<'w, T> = Later<'w, Result<T, OutboxError>>;

/// What goes in and comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::outbox) enum Value {
    Null,
    Number(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Number(yes.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What a statement is given, in the order of its placeholders.
macro_rules! given {
    ($($value:expr),* $(,)?) => { [$($crate::outbox::work::Value::from($value)),*] };
}

pub(in crate::outbox) use given;

/// What a row says, column by column.
#[derive(Debug)]
pub(in crate::outbox) struct Row(pub(in crate::outbox) Vec<Value>);

impl Row {
    pub(in crate::outbox) fn maybe_number(&self, place: usize) -> Option<i64> {
        match self.0.get(place) {
            Some(Value::Number(number)) => Some(*number),
            Some(Value::Null | Value::Text(_)) | None => None,
        }
    }

    pub(in crate::outbox) fn maybe_text(&self, place: usize) -> Option<String> {
        match self.0.get(place) {
            Some(Value::Text(text)) => Some(text.clone()),
            Some(Value::Null | Value::Number(_)) | None => None,
        }
    }

    pub(in crate::outbox) fn number(&self, place: usize) -> Result<i64, OutboxError> {
        self.maybe_number(place).ok_or_else(|| odd(place))
    }

    pub(in crate::outbox) fn text(&self, place: usize) -> Result<String, OutboxError> {
        self.maybe_text(place).ok_or_else(|| odd(place))
    }
}

fn odd(place: usize) -> OutboxError {
    OutboxError(format!("column {place} is not what it should be"))
}

/// Who sends for all organizations.
pub(in crate::outbox) const ALL: &str = "@platform";

/// A transaction.
pub(in crate::outbox) trait Work: Send {
    /// What the statement answers; nothing for one that only changes something.
    fn rows<'a>(&'a mut self, sql: &'a str, given: &'a [Value]) -> Done<'a, Vec<Row>>;

    /// What passes by rows that another node is at.
    fn skips(&self) -> &'static str;

    /// From here on it is for this organization, and sees and writes nothing else; for all with [`ALL`].
    fn stands_for<'a>(&'a mut self, org: &'a str) -> Done<'a, ()>;

    /// The same, and lets no other node decide what this organization may send until the transaction ends.
    fn alone<'a>(&'a mut self, org: &'a str) -> Done<'a, ()>;
}

/// Does it.
pub(in crate::outbox) async fn run(work: &mut dyn Work, sql: &str, given: &[Value]) -> Result<(), OutboxError> {
    work.rows(sql, given).await.map(drop)
}

/// The first row of the answer.
pub(in crate::outbox) async fn one(
    work: &mut dyn Work,
    sql: &str,
    given: &[Value],
) -> Result<Option<Row>, OutboxError> {
    Ok(work.rows(sql, given).await?.into_iter().next())
}

/// Placeholders from this one on, so many.
pub(in crate::outbox) fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}
