//! The outbox in both databases: one contract for the two, nodes that share one, and whatever stops in between.

use std::sync::Arc;

use ringfall::app::messenger::ports::{Budget, Delivery, Entry, Outbox as _, Room};
use ringfall::model::money::Money;
use ringfall::model::phone::E164;
use ringfall::model::secret::Secret;
use ringfall::outbox::Desk;
use ringfall::outreach::draft::{Draft, Kind};
use ringfall::outreach::segments::segments;
use ringfall::outreach::spend::Estimate;

mod contract;
mod crash;
mod nodes;
mod spending;
mod wall;

pub(crate) const ORG: &str = "acme";
pub(crate) const CALL: &str = "CA0123456789abcdef0123456789abcdef";
pub(crate) const DANA: &str = "+16195550111";

/// A place for an outbox, which goes away with the test.
pub(crate) struct Ground {
    folder: tempfile::TempDir,
    database: Option<Secret>,
}

impl Ground {
    pub(crate) fn sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: None }
    }

    pub(crate) fn postgresql() -> Self {
        let database = crate::postgres::shared().database();
        Self { folder: tempfile::tempdir().unwrap(), database: Some(database.url.clone()) }
    }

    /// The outbox as a process that begins finds it.
    pub(crate) fn open(&self) -> Desk {
        Desk::shared(self.folder.path(), self.database.as_ref(), "one").unwrap()
    }
}

pub(crate) fn draft(key: &str, to: &str, due: i64) -> Entry {
    let draft = Draft {
        key: key.into(),
        kind: Kind::Missed,
        from: E164::parse("+16195550100").ok(),
        to: to.into(),
        body: format!("Missed call {key}."),
        due,
        unless_taken: false,
        refused: None,
    };
    Entry::Draft { org: ORG.into(), call: CALL.into(), draft }
}

/// So much may be spent, and each part of a text costs a cent; channels are free.
#[derive(Debug)]
struct Cents(i64);

impl Budget for Cents {
    fn ceiling(&self, _: &str) -> Money {
        cents(self.0)
    }

    fn estimate(&self, _: &str, to: &str, body: &str) -> Estimate {
        let segments = if to.starts_with('#') { 0 } else { segments(body) };
        Estimate { segments, cost: cents(1).times(segments) }
    }
}

pub(crate) fn cents(cents: i64) -> Money {
    Money::of_millionths(10_000 * cents)
}

pub(crate) fn room(now: i64) -> Room {
    room_for(now, 1_000_000)
}

/// So many cents may be spent in a day.
pub(crate) fn room_for(now: i64, cents: i64) -> Room {
    Room { now, most: 100, each: 100, budget: Arc::new(Cents(cents)), but: Vec::new() }
}

pub(crate) async fn claim(desk: &Desk, now: i64) -> Vec<Delivery> {
    desk.claim(room(now)).await.unwrap()
}

pub(crate) async fn states(desk: &Desk) -> Vec<String> {
    let mut states: Vec<_> = desk.list(None, &[], 1_000).await.unwrap().into_iter().map(|text| text.state).collect();
    states.sort();
    states
}

/// Every promise of the port, for each of the databases.
macro_rules! both {
    ($($promise:ident),* $(,)?) => {
        mod on_sqlite {
            //! The promises of the port, kept by SQLite.
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                super::contract::$promise(super::Ground::sqlite()).await;
            })*
        }
        mod on_postgresql {
            //! The promises of the port, kept by PostgreSQL.
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                super::contract::$promise(super::Ground::postgresql()).await;
            })*
        }
    };
}

both! {
    a_text_is_kept_once_and_with_its_place,
    a_text_on_its_way_at_a_crash_is_looked_up_and_never_sent_blindly,
    a_letter_that_no_database_keeps_holds_nobody_up,
    the_carriers_own_answer_goes_before_what_was_found_by_looking,
    one_name_for_two_notices_keeps_neither_from_being_sent,
    what_was_settled_long_ago_is_let_go,
    what_cannot_be_found_out_is_asked_more_seldom_and_given_up,
    what_the_carrier_does_not_have_is_sent_again_after_three_looks,
    a_call_that_is_taken_needs_no_more_texts_and_only_one_takes_it,
    loops_stop_texts_and_age_does,
    too_much_for_a_channel_or_a_mailbox_waits,
    a_days_money_stops_what_costs_and_nothing_that_is_free,
    what_waits_for_midnight_goes_out_with_the_new_days_money,
    money_for_what_did_not_go_out_comes_back_and_the_carriers_price_counts,
    one_organization_does_not_keep_another_waiting,
    what_the_carrier_reports_is_kept_in_any_order_and_however_often,
    a_report_may_come_before_the_answer,
    a_landline_that_the_carrier_reports_is_not_texted_again,
    who_wants_no_texts_gets_none_until_they_are_wanted_again,
    people_who_were_told_of_a_call_are_found,
    what_died_is_tried_again_by_hand_and_what_waits_is_dropped,
    switches_are_kept_with_every_turn,
}
