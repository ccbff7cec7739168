//! What becomes of texts, whatever stops in between.

use crate::app::messenger::ports::{Became, Delivery, Entry, Outbox as _, Place, Room};
use crate::model::phone::E164;
use crate::outbox::Desk;
use crate::outreach::draft::{Draft, Kind};
use crate::outreach::effects::Case;

const ORG: &str = "acme";
const CALL: &str = "CA0123456789abcdef0123456789abcdef";
const DANA: &str = "+16195550111";
const PLENTY: u32 = 1_000_000;

fn draft(key: &str, to: &str, due: i64) -> Entry {
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

fn open(folder: &tempfile::TempDir) -> Desk {
    Desk::open(folder.path()).unwrap()
}

fn room(now: i64) -> Room {
    Room { now, most: 100, each: 100, a_day: PLENTY, but: Vec::new() }
}

async fn claim(desk: &Desk, now: i64) -> Vec<Delivery> {
    desk.claim(room(now)).await.unwrap()
}

fn states(desk: &Desk) -> Vec<String> {
    let mut states: Vec<_> = desk.list(None, &[], 1_000).unwrap().into_iter().map(|text| text.state).collect();
    states.sort();
    states
}

#[tokio::test]
async fn a_text_is_kept_once_and_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let desk = open(&folder);
    let place = Place { record: 7, effect: 3 };
    desk.keep(vec![draft("a", DANA, 100)], Some(place)).await.unwrap();
    desk.keep(vec![draft("a", DANA, 100), draft("b", DANA, 100)], None).await.unwrap();
    drop(desk);
    let desk = open(&folder);
    assert_eq!((states(&desk).len(), desk.place().await.unwrap()), (2, place));
}

#[tokio::test]
async fn a_text_on_its_way_at_a_crash_is_looked_up_and_never_sent_blindly() {
    let folder = tempfile::tempdir().unwrap();
    let desk = open(&folder);
    desk.keep(vec![draft("a", DANA, 100)], None).await.unwrap();
    let first = claim(&desk, 100).await;
    assert_eq!((first.len(), first[0].tried), (1, None));
    assert!(claim(&desk, 100).await.is_empty(), "it is nobody else's");
    // The process dies here; another starts.
    drop(desk);
    let desk = open(&folder);
    assert!(claim(&desk, 101).await.is_empty());
    assert_eq!(desk.recover(101).await.unwrap(), 1);
    let again = claim(&desk, 101).await;
    assert_eq!(again[0].tried, Some(100), "the carrier is asked for what was tried then");
    // It dies again while looking.
    drop(desk);
    let desk = open(&folder);
    assert_eq!(desk.recover(102).await.unwrap(), 1);
    assert_eq!(claim(&desk, 102).await[0].tried, Some(100));
    desk.settle(again[0].id, Became::Looked(vec!["SM1".into()]), 103).await.unwrap();
    assert_eq!(states(&desk), ["sent"]);
}

#[tokio::test]
async fn what_the_carrier_does_not_have_is_sent_again_after_three_looks() {
    let folder = tempfile::tempdir().unwrap();
    let desk = open(&folder);
    desk.keep(vec![draft("a", DANA, 100), draft("b", DANA, 100)], None).await.unwrap();
    for delivery in claim(&desk, 100).await {
        desk.settle(delivery.id, Became::Unknown("late".into()), 100).await.unwrap();
    }
    let mut now = 100;
    let mut looks = 0;
    let resent = loop {
        now += 1;
        assert!(now < 1_000, "{:?}", desk.list(None, &[], 10));
        let claimed = claim(&desk, now).await;
        if let Some(new) = claimed.iter().find(|delivery| delivery.tried.is_none()) {
            break new.id;
        }
        for delivery in claimed {
            looks += 1;
            // One message is there; it can be only one of the two.
            desk.settle(delivery.id, Became::Looked(vec!["SM1".into()]), now).await.unwrap();
        }
    };
    assert_eq!(looks, 4, "one look found it, three did not");
    desk.settle(resent, Became::Sent("SM2".into()), now).await.unwrap();
    assert_eq!(states(&desk), ["sent", "sent"]);
}

#[tokio::test]
async fn a_call_that_is_taken_needs_no_more_texts_and_only_one_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let desk = open(&folder);
    let case = Case { call: CALL.into(), caller: "+13125550123".into(), called: "+16195550100".into(), at: 100 };
    let Entry::Draft { org, call, draft } = draft("later", "+16195550130", 700) else { panic!("no draft") };
    let later = Entry::Draft { org, call, draft: Draft { unless_taken: true, ..draft } };
    let taken = |by: &str| Entry::Taken { org: ORG.into(), call: CALL.into(), by: by.into(), at: 200 };
    desk.keep(vec![Entry::Case { org: ORG.into(), case }, later], None).await.unwrap();
    desk.keep(vec![taken("lee"), taken("dana")], None).await.unwrap();
    assert!(claim(&desk, 700).await.is_empty());
    let listed = desk.list(None, &["skipped"], 10).unwrap();
    assert_eq!(listed[0].reason.as_deref(), Some("lee has taken the call"));
}

#[tokio::test]
async fn ceilings_and_loops_stop_texts_and_age_does() {
    let folder = tempfile::tempdir().unwrap();
    let desk = open(&folder);
    let many = (0..30).map(|number| draft(&format!("n{number}"), DANA, 100)).collect();
    desk.keep(many, None).await.unwrap();
    for delivery in claim(&desk, 100).await {
        desk.settle(delivery.id, Became::Sent(format!("SM{}", delivery.id)), 100).await.unwrap();
    }
    assert_eq!(desk.list(None, &["sent"], 100).unwrap().len(), 20);
    assert!(desk.list(None, &["dead"], 1).unwrap()[0].reason.as_ref().unwrap().contains("loop"));
    desk.keep(vec![draft("other", "+16195550112", 100), draft("old", "+16195550113", -100_000)], None).await.unwrap();
    assert!(desk.claim(Room { a_day: 20, ..room(100) }).await.unwrap().is_empty());
    let reasons: Vec<_> = desk.list(None, &["dead"], 2).unwrap().into_iter().filter_map(|text| text.reason).collect();
    assert!(reasons.iter().any(|reason| reason.contains("texts_a_day")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("in time")), "{reasons:?}");
}

#[tokio::test]
async fn a_landline_that_the_carrier_reports_is_not_texted_again() {
    let folder = tempfile::tempdir().unwrap();
    let desk = open(&folder);
    desk.keep(vec![draft("a", DANA, 100)], None).await.unwrap();
    let id = claim(&desk, 100).await[0].id;
    desk.settle(id, Became::Sent("SM1".into()), 100).await.unwrap();
    let report = Entry::Report { sid: "SM1".into(), status: "undelivered".into(), error: Some(30006) };
    desk.keep(vec![report, draft("b", DANA, 101)], None).await.unwrap();
    assert!(claim(&desk, 101).await.is_empty());
    assert!(desk.list(None, &["dead"], 1).unwrap()[0].reason.as_ref().unwrap().contains("landline"));
}
