//! What may be spent in a day: whatever stops in between, and however many nodes spend it.

use ringfall::app::messenger::ports::{Became, Entry, Outbox as _, Receipt};
use ringfall::model::money::{Currency, Money};
use ringfall::outbox::Desk;

use crate::outbox::{Ground, ORG, cents, draft, room_for};

/// A day in seconds, and a moment three hours before its end.
const DAY: i64 = 86_400;
const EVENING: i64 = 7 * DAY - 3 * 3_600;

/// A text to a number that nobody else gets one at.
fn to(number: u32, due: i64) -> Entry {
    draft(&format!("n{number}"), &format!("+1619555{:04}", 100 + number), due)
}

/// What has been spent on that day, and how many texts were held up.
async fn spent(desk: &Desk, now: i64) -> (Money, u64) {
    let all = desk.spent(now).await.unwrap();
    all.iter().find(|spent| spent.org == ORG).map_or_else(Default::default, |spent| (spent.spent, spent.held))
}

pub(crate) async fn a_days_money_stops_what_costs_and_nothing_that_is_free(ground: Ground) {
    let desk = ground.open();
    let morning = 7 * DAY + 3_600;
    desk.keep((0..3).map(|number| to(number, morning)).collect(), None).await.unwrap();
    // One that costs two parts.
    let Entry::Draft { org, call, draft } = to(3, morning) else { panic!("no draft") };
    let long = ringfall::outreach::draft::Draft { body: "a".repeat(200), ..draft };
    desk.keep(vec![Entry::Draft { org, call, draft: long }], None).await.unwrap();
    desk.keep(vec![crate::outbox::draft("free", "#ops", morning)], None).await.unwrap();
    let claimed = desk.claim(room_for(morning, 4)).await.unwrap();
    let receivers: Vec<_> = claimed.iter().map(|text| text.to.as_str()).collect();
    assert_eq!(receivers, ["+16195550100", "+16195550101", "+16195550102", "#ops"]);
    assert_eq!(spent(&desk, morning).await, (cents(3), 1));
    let dead = desk.list(Some(ORG), &["dead"], 10).await.unwrap();
    let told = dead[0].reason.as_deref().unwrap();
    assert_eq!(told, "it costs 0.02, and of the day's 0.04 (`spend_a_day`) 0.03 are spent");
    // Whoever starts again finds what was spent; and another organization has money of its own.
    drop(desk);
    let desk = ground.open();
    desk.keep(vec![to(4, morning), to(5, morning)], None).await.unwrap();
    assert_eq!(desk.claim(room_for(morning, 4)).await.unwrap().len(), 1);
    let Entry::Draft { call, draft, .. } = to(6, morning) else { panic!("no draft") };
    desk.keep(vec![Entry::Draft { org: "bravo".into(), call, draft }], None).await.unwrap();
    assert_eq!(desk.claim(room_for(morning, 4)).await.unwrap().len(), 1);
    let listed = desk.list(Some("bravo"), &["sending"], 1).await.unwrap();
    assert_eq!((listed[0].segments, listed[0].cost.as_deref()), (Some(1), Some("0.01")));
}

pub(crate) async fn what_waits_for_midnight_goes_out_with_the_new_days_money(ground: Ground) {
    let desk = ground.open();
    // Missed calls are worth four hours: longer than the day lasts.
    desk.keep(vec![to(0, EVENING), to(1, EVENING)], None).await.unwrap();
    assert_eq!(desk.claim(room_for(EVENING, 1)).await.unwrap().len(), 1);
    let waiting = desk.list(None, &["waiting"], 10).await.unwrap();
    let told = waiting[0].reason.as_deref().unwrap();
    assert!(told.ends_with("it waits until midnight UTC") && waiting[0].due == 7 * DAY, "{waiting:?}");
    assert!(desk.claim(room_for(7 * DAY - 1, 1)).await.unwrap().is_empty());
    assert_eq!(desk.claim(room_for(7 * DAY, 1)).await.unwrap().len(), 1);
    assert_eq!((spent(&desk, EVENING).await, spent(&desk, 7 * DAY).await), ((cents(1), 1), (cents(1), 0)));
}

pub(crate) async fn money_for_what_did_not_go_out_comes_back_and_the_carriers_price_counts(ground: Ground) {
    let desk = ground.open();
    desk.keep((0..5).map(|number| to(number, EVENING)).collect(), None).await.unwrap();
    let claimed = desk.claim(room_for(EVENING, 100)).await.unwrap();
    assert_eq!(spent(&desk, EVENING).await.0, cents(5));
    let mut ids = claimed.iter().map(|text| text.id);
    let mut settle = |became| desk.settle(ids.next().unwrap(), became, EVENING);
    settle(Became::Later { after: 60, why: "busy".into() }).await.unwrap();
    assert_eq!(spent(&desk, EVENING).await.0, cents(4));
    settle(Became::Dead { why: "refused".into(), code: None }).await.unwrap();
    assert_eq!(spent(&desk, EVENING).await.0, cents(3));
    // What may have gone out stays booked.
    settle(Became::Unknown("late".into())).await.unwrap();
    assert_eq!(spent(&desk, EVENING).await.0, cents(3));
    // The carrier makes three parts of one, and tells the price of the other.
    let receipt = |sid: &str| Receipt::from(sid.to_owned());
    settle(Became::Sent(Receipt { segments: Some(3), ..receipt("SM1") })).await.unwrap();
    assert_eq!(spent(&desk, EVENING).await.0, cents(5));
    let price = Some((Money::parse("0.0079").unwrap(), Currency::parse("USD").unwrap()));
    settle(Became::Sent(Receipt { price, segments: Some(1), ..receipt("SM2") })).await.unwrap();
    assert_eq!(spent(&desk, EVENING).await.0.to_string(), "0.0479");
    // What is told twice counts once, and a text that was never there gives its money back after three looks.
    desk.settle(claimed[4].id, Became::Sent(Receipt { segments: Some(9), ..receipt("SM2") }), EVENING).await.unwrap();
    for look in 1..=3 {
        let looked = desk.claim(room_for(EVENING + 30 * look, 100)).await.unwrap();
        let unknown = looked.iter().find(|text| text.id == claimed[2].id).unwrap();
        desk.settle(unknown.id, Became::Looked(Vec::new()), EVENING + 30 * look).await.unwrap();
    }
    // The first one, which was to be tried again, was taken meanwhile and is booked anew.
    assert_eq!(spent(&desk, EVENING).await.0.to_string(), "0.0479");
    let sent = desk.list(None, &["sent"], 10).await.unwrap();
    let told: Vec<_> = sent.iter().map(|text| (text.segments, text.cost.as_deref())).collect();
    assert_eq!(told, [(Some(1), Some("0.0079")), (Some(3), Some("0.03"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_spend_at_the_same_time_spend_no_more_than_may_be_spent() {
    let database = crate::postgres::shared().database();
    let folders: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let nodes: Vec<_> =
        folders.iter().map(|folder| Desk::shared(folder.path(), Some(&database.url), "same").unwrap()).collect();
    nodes[0].keep((0..200).map(|number| to(number, EVENING)).collect(), None).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for node in nodes.clone() {
        tasks.spawn(async move {
            let mut taken = 0;
            // Nobody takes all of them at once.
            for _ in 0..40 {
                let room = ringfall::app::messenger::ports::Room { most: 5, ..room_for(EVENING, 77) };
                taken += node.claim(room).await.unwrap().len();
            }
            taken
        });
    }
    let taken: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!((taken, spent(&nodes[0], EVENING).await), (77, (cents(77), 123)));
    assert!(nodes[1].claim(room_for(EVENING, 77)).await.unwrap().is_empty());
}
