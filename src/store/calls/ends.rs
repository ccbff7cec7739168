//! Which calls are to be closed by now.
//!
//! Nearly all are at hand and wait here in order. The table tells of the others, such as those of the run before; it is
//! looked through in stretches, because it also tells of calls that are closed and not yet written there as such.

use std::collections::VecDeque;

use rusqlite::Connection;

use crate::audit::summary::Summary;
use crate::store::Patience;
use crate::store::calls::table::{self, Left};
use crate::store::calls::{Name, Open, deadline};
use crate::store::spread::Spread;

/// Calls closed in one go, so that a long list never keeps an answer waiting for more than some milliseconds.
const AT_ONCE: u32 = 200;

/// How long after it was looked through the table is looked through again.
const AGAIN_US: i64 = 2_000_000;

/// The calls that are over, and how far the table has been looked through.
#[derive(Debug, Default)]
pub(super) struct Ends {
    over: VecDeque<(i64, Name)>,
    /// Where the table is looked on: when the call there is due, and its row.
    at: Option<(i64, i64)>,
    /// When it was looked through to its end.
    looked_us: i64,
}

impl Ends {
    /// This call is over, and is to be closed at that time.
    pub(super) fn add(&mut self, due: i64, name: Name) {
        self.over.push_back((due, name));
    }

    /// The table is looked through from its beginning at the next time.
    pub(super) fn look_again(&mut self) {
        (self.at, self.looked_us) = (None, i64::MIN);
    }

    /// Some of the calls that are to be closed by now.
    pub(super) fn due(
        &mut self,
        connection: &Connection,
        open: &Spread<Name, Box<Open>>,
        (patience, now_us): (Patience, i64),
    ) -> rusqlite::Result<Vec<Summary>> {
        let is_due = |call: &Summary| call.closed_us.is_none() && deadline(call, patience) <= now_us;
        let mut calls = Vec::new();
        while calls.len() < AT_ONCE as usize && self.over.front().is_some_and(|(due, _)| *due <= now_us) {
            let Some((_, name)) = self.over.pop_front() else { break };
            let Some(call) = open.get(&name).map(|open| &open.summary) else { continue };
            if is_due(call) {
                calls.push(call.clone());
            } else if call.closed_us.is_none() {
                self.over.push_back((deadline(call, patience), name));
            }
        }
        let again = now_us.saturating_sub(self.looked_us).saturating_abs() >= AGAIN_US;
        if calls.len() < AT_ONCE as usize && (self.at.is_some() || again) {
            self.look(connection, now_us, |name, left| {
                // Reading a row takes longer than looking at a call that is at hand.
                let call = match open.get(name) {
                    Some(open) => Some(&open.summary).filter(|call| is_due(call)).cloned(),
                    None => Some(left.read()?).filter(is_due),
                };
                calls.extend(call);
                Ok(())
            })?;
        }
        Ok(calls)
    }

    fn look(
        &mut self,
        connection: &Connection,
        now_us: i64,
        show: impl FnMut(&str, Left<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        self.at = table::each_due(connection, self.at.unwrap_or((i64::MIN, 0)), (now_us, AT_ONCE), show)?;
        if self.at.is_none() {
            self.looked_us = now_us;
        }
        Ok(())
    }
}
