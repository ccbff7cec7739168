//! A record as a row.

use crate::audit::record::Record;
use crate::chain::entry::Print;

/// What is written of a record.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Its place in the journal of its node.
    pub seq: i64,
    /// The record; only what stands in columns is taken from it.
    pub record: &'a Record,
    /// Its published form.
    pub body: &'a str,
    /// What is bound of it, where that was made ahead.
    pub print: Option<Print>,
}

/// The rows by columns, as one statement takes them.
#[derive(Debug, Default)]
pub(in crate::merged) struct Columns<'a> {
    pub(in crate::merged) received: Vec<i64>,
    pub(in crate::merged) ids: Vec<String>,
    pub(in crate::merged) orgs: Vec<&'a str>,
    pub(in crate::merged) calls: Vec<&'a str>,
    pub(in crate::merged) kinds: Vec<&'a str>,
    pub(in crate::merged) nodes: Vec<&'a str>,
    pub(in crate::merged) seqs: Vec<i64>,
    pub(in crate::merged) bodies: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    pub(in crate::merged) fn of(rows: &[Row<'a>]) -> Self {
        let mut columns = Self::default();
        for Row { seq, record, body, .. } in rows {
            columns.received.push(record.received.us);
            columns.ids.push(record.id.to_string());
            columns.orgs.push(&record.org);
            columns.calls.push(&record.call);
            columns.kinds.push(record.kind.word());
            columns.nodes.push(&record.node);
            columns.seqs.push(*seq);
            columns.bodies.push(body);
        }
        columns
    }
}
