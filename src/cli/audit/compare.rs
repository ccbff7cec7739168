//! The trail of all nodes held against the journal of one: what the chain proves here, it proves there.

use anyhow::Context as _;
use serde::Serialize;
use uuid::Uuid;

use crate::audit::person;
use crate::audit::record::Record;
use crate::merged::Reader;
use crate::store::{Archive, Kept};

/// Records that are compared in one go.
const PAGE: usize = 500;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Compared {
    /// Records that are the same.
    pub(super) same: u64,
    /// Records that are the same but for a person who was erased.
    pub(super) erased: u64,
    /// Records older than any that is kept there.
    pub(super) let_go: u64,
    /// Records that are behind the last one there, and on their way.
    pub(super) waiting: u64,
}

/// Compares every record of the journal with the one there. The first that is missing or says something else is told.
pub(super) fn compare(archive: &Archive, reader: &Reader) -> anyhow::Result<Result<Compared, String>> {
    let (mut compared, mut place) = (Compared::default(), 0);
    let (oldest, places) = (reader.oldest_us()?, reader.places()?);
    loop {
        let page = archive.records_after(place, PAGE)?;
        let Some(last) = page.last() else { return Ok(Ok(compared)) };
        place = last.seq;
        let ids: Vec<Uuid> = page.iter().map(|kept| kept.record.id).collect();
        let times = || page.iter().map(|kept| kept.record.received.us);
        let there = reader.bodies(&ids, times().min().unwrap_or_default(), times().max().unwrap_or_default())?;
        for Kept { seq, record, .. } in &page {
            let wrong = |what: &str| Ok(Err(format!("record {} (place {seq}) {what}", record.id)));
            match there.get(&record.id) {
                Some(body) if *body == serde_json::to_string(record)? => compared.same += 1,
                Some(body) => {
                    let other: Record = serde_json::from_str(body).context("a record there cannot be read")?;
                    let (open_there, open_here) = (person::without(other.clone()), person::without(record.clone()));
                    let is_erased = other == open_there || *record == open_here;
                    if open_there != open_here || !is_erased {
                        return wrong("says something else there");
                    }
                    compared.erased += 1;
                }
                None if oldest.is_none_or(|oldest| record.received.us < oldest) => compared.let_go += 1,
                None if places.get(&record.node).is_none_or(|sent| seq > sent) => compared.waiting += 1,
                None => return wrong("is missing there"),
            }
        }
    }
}
