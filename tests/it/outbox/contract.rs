//! What becomes of texts, whatever stops in between and whatever database keeps them.

use ringfall::app::messenger::ports::{Became, Entry, Outbox as _, Room};
use ringfall::model::ids::OrgSlug;
use ringfall::model::phone::E164;
use ringfall::outreach::draft::{Draft, PRACTICE};
use ringfall::outreach::effects::Case;
use ringfall::tenant::stamp::{Actor, Stamp};
use ringfall::tenant::switch::{Setting, SwitchState};

pub(crate) use crate::outbox::spending::{
    a_days_money_stops_what_costs_and_nothing_that_is_free,
    money_for_what_did_not_go_out_comes_back_and_the_carriers_price_counts,
    what_waits_for_midnight_goes_out_with_the_new_days_money,
};
use crate::outbox::{CALL, DANA, Ground, ORG, claim, draft, room, states};

fn report(sid: &str, status: &str, error: Option<u32>) -> Entry {
    Entry::Report { org: ORG.into(), sid: sid.into(), status: status.into(), error, at: 200 }
}

pub(crate) async fn a_text_is_kept_once_and_with_its_place(ground: Ground) {
    let desk = ground.open();
    assert_eq!(desk.place().await.unwrap(), 0);
    let place = 7;
    desk.keep(vec![draft("a", DANA, 100)], Some(place)).await.unwrap();
    desk.keep(vec![draft("a", DANA, 100), draft("b", DANA, 100)], None).await.unwrap();
    drop(desk);
    let desk = ground.open();
    assert_eq!((states(&desk).await.len(), desk.place().await.unwrap()), (2, place));
    assert_eq!(desk.counts().await.unwrap(), [("waiting".to_owned(), 2), ("dead".to_owned(), 0)]);
}

pub(crate) async fn a_text_on_its_way_at_a_crash_is_looked_up_and_never_sent_blindly(ground: Ground) {
    let desk = ground.open();
    desk.keep(vec![draft("a", DANA, 100)], None).await.unwrap();
    let first = claim(&desk, 100).await;
    assert_eq!((first.len(), first[0].tried), (1, None));
    assert!(claim(&desk, 100).await.is_empty(), "it is nobody else's");
    assert_eq!(desk.recover(100, false).await.unwrap(), 0, "whoever goes on knows what is on its way");
    // The process dies here; another starts.
    drop(desk);
    let desk = ground.open();
    assert!(claim(&desk, 101).await.is_empty());
    assert_eq!(desk.recover(101, true).await.unwrap(), 1);
    let again = claim(&desk, 101).await;
    assert_eq!(again[0].tried, Some(100), "the carrier is asked for what was tried then");
    // It dies again while looking.
    drop(desk);
    let desk = ground.open();
    assert_eq!(desk.recover(102, true).await.unwrap(), 1);
    assert_eq!(claim(&desk, 102).await[0].tried, Some(100));
    desk.settle(again[0].id, Became::Looked(vec!["SM1".to_owned().into()]), 103).await.unwrap();
    assert_eq!(states(&desk).await, ["sent"]);
}

/// The same text in other words.
fn saying(entry: Entry, body: &str) -> Entry {
    let Entry::Draft { org, call, draft } = entry else { panic!("no text: {entry:?}") };
    Entry::Draft { org, call, draft: Draft { body: body.to_owned(), ..draft } }
}

pub(crate) async fn a_letter_that_no_database_keeps_holds_nobody_up(ground: Ground) {
    let desk = ground.open();
    let odd = saying(draft("a", DANA, 100), "two\0words");
    desk.keep(vec![report("SM\0", "sent\0", None), odd, draft("b", DANA, 100)], Some(3)).await.unwrap();
    assert_eq!((desk.place().await.unwrap(), claim(&desk, 100).await.len()), (3, 2));
}

pub(crate) async fn the_carriers_own_answer_goes_before_what_was_found_by_looking(ground: Ground) {
    let desk = ground.open();
    let alike = ["a", "b"].map(|key| saying(draft(key, DANA, 100), "Somebody called."));
    desk.keep(alike.into(), None).await.unwrap();
    let claimed = claim(&desk, 100).await;
    desk.settle(claimed[0].id, Became::Unknown("late".into()), 100).await.unwrap();
    let looking = claim(&desk, 110).await;
    assert_eq!(looking.iter().map(|it| it.id).collect::<Vec<_>>(), [claimed[0].id]);
    // The first finds the second's message, whose answer is still on its way.
    desk.settle(claimed[0].id, Became::Looked(vec!["SM2".to_owned().into()]), 110).await.unwrap();
    desk.settle(claimed[1].id, Became::Sent("SM2".to_owned().into()), 111).await.unwrap();
    assert_eq!(states(&desk).await, ["sent", "unknown"]);
    desk.settle(claimed[1].id, Became::Sent("SM2".to_owned().into()), 112).await.unwrap();
    let again = claim(&desk, 200).await;
    assert_eq!(again.iter().map(|it| it.id).collect::<Vec<_>>(), [claimed[0].id], "and is looked for again");
    desk.settle(claimed[0].id, Became::Looked(vec!["SM2".to_owned().into(), "SM1".to_owned().into()]), 201)
        .await
        .unwrap();
    assert_eq!(states(&desk).await, ["sent", "sent"]);
}

pub(crate) async fn one_name_for_two_notices_keeps_neither_from_being_sent(ground: Ground) {
    let desk = ground.open();
    desk.keep(vec![draft("a", "#calls", 100), draft("b", "#calls", 100)], None).await.unwrap();
    for delivery in claim(&desk, 100).await {
        desk.settle(delivery.id, Became::Sent("-10042/0".to_owned().into()), 101).await.unwrap();
    }
    assert_eq!(states(&desk).await, ["sent", "sent"]);
}

pub(crate) async fn what_was_settled_long_ago_is_let_go(ground: Ground) {
    let desk = ground.open();
    let case = Case { call: CALL.into(), caller: "x".into(), called: String::new(), at: 100 };
    let case = Entry::Case { org: ORG.into(), case };
    desk.keep(vec![draft("a", DANA, 100), draft("b", DANA, 100), case], None).await.unwrap();
    let sent = claim(&desk, 100).await.remove(0);
    desk.settle(sent.id, Became::Sent("SM1".to_owned().into()), 100).await.unwrap();
    assert_eq!(desk.let_go(Some("other"), 1_000).await.unwrap(), 0, "another's is another's");
    assert_eq!(desk.let_go(None, 100).await.unwrap(), 0, "it is not old yet");
    assert_eq!(desk.let_go(Some(ORG), 101).await.unwrap(), 2, "what was sent, and the call");
    assert_eq!(states(&desk).await, ["sending"], "what is under way stays");
    assert_eq!(desk.case(ORG, CALL).await.unwrap(), None);
    assert_eq!(desk.let_go(None, 1_000).await.unwrap(), 0);
}

pub(crate) async fn what_cannot_be_found_out_is_asked_more_seldom_and_given_up(ground: Ground) {
    let desk = ground.open();
    desk.keep(vec![draft("a", DANA, 100)], None).await.unwrap();
    let delivery = claim(&desk, 100).await.remove(0);
    desk.settle(delivery.id, Became::Unknown("late".into()), 100).await.unwrap();
    let (mut now, mut looks) = (100, 0);
    loop {
        now += 1;
        if claim(&desk, now).await.is_empty() {
            if states(&desk).await == ["dead"] {
                break;
            }
            now += 20;
            continue;
        }
        looks += 1;
        desk.settle(delivery.id, Became::Unknown("no account".into()), now).await.unwrap();
    }
    assert!(now > delivery.expires + 86_400, "{now}");
    assert!((100..1_000).contains(&looks), "{looks}");
}

pub(crate) async fn what_the_carrier_does_not_have_is_sent_again_after_three_looks(ground: Ground) {
    let desk = ground.open();
    desk.keep(vec![draft("a", DANA, 100), draft("b", DANA, 100)], None).await.unwrap();
    for delivery in claim(&desk, 100).await {
        desk.settle(delivery.id, Became::Unknown("late".into()), 100).await.unwrap();
    }
    let mut now = 100;
    let mut looks = 0;
    let resent = loop {
        now += 1;
        assert!(now < 1_000, "{:?}", desk.list(None, &[], 10).await);
        let claimed = claim(&desk, now).await;
        if let Some(new) = claimed.iter().find(|delivery| delivery.tried.is_none()) {
            break new.id;
        }
        for delivery in claimed {
            looks += 1;
            // One message is there; it can be only one of the two.
            desk.settle(delivery.id, Became::Looked(vec!["SM1".to_owned().into()]), now).await.unwrap();
        }
    };
    assert_eq!(looks, 4, "one look found it, three did not");
    desk.settle(resent, Became::Sent("SM2".to_owned().into()), now).await.unwrap();
    assert_eq!(states(&desk).await, ["sent", "sent"]);
}

pub(crate) async fn a_call_that_is_taken_needs_no_more_texts_and_only_one_takes_it(ground: Ground) {
    let desk = ground.open();
    let case = Case { call: CALL.into(), caller: "+13125550123".into(), called: "+16195550100".into(), at: 100 };
    let Entry::Draft { org, call, draft } = draft("later", "+16195550130", 700) else { panic!("no draft") };
    let later = Entry::Draft { org, call, draft: Draft { unless_taken: true, ..draft } };
    let taken = |by: &str| Entry::Taken { org: ORG.into(), call: CALL.into(), by: by.into(), at: 200 };
    desk.keep(vec![Entry::Case { org: ORG.into(), case }, later], None).await.unwrap();
    desk.keep(vec![taken("lee"), taken("dana")], None).await.unwrap();
    assert!(claim(&desk, 700).await.is_empty());
    let listed = desk.list(None, &["skipped"], 10).await.unwrap();
    assert_eq!(listed[0].reason.as_deref(), Some("lee has taken the call"));
}

pub(crate) async fn loops_stop_texts_and_age_does(ground: Ground) {
    let desk = ground.open();
    let many = (0..30).map(|number| draft(&format!("n{number}"), DANA, 100)).collect();
    desk.keep(many, None).await.unwrap();
    for delivery in claim(&desk, 100).await {
        desk.settle(delivery.id, Became::Sent(format!("SM{}", delivery.id).into()), 100).await.unwrap();
    }
    assert_eq!(desk.list(None, &["sent"], 100).await.unwrap().len(), 20);
    let dead = desk.list(Some(ORG), &["dead"], 1).await.unwrap();
    assert!(dead[0].reason.as_ref().unwrap().contains("loop"), "{dead:?}");
    assert_eq!(desk.list(Some("another"), &["dead"], 1).await.unwrap(), []);
    desk.keep(vec![draft("old", "+16195550113", -100_000)], None).await.unwrap();
    assert!(claim(&desk, 100).await.is_empty());
    let dead = desk.list(None, &["dead"], 1).await.unwrap();
    assert!(dead[0].reason.as_ref().unwrap().contains("in time"), "{dead:?}");
}

pub(crate) async fn too_much_for_a_channel_or_a_mailbox_waits(ground: Ground) {
    let desk = ground.open();
    for (number, to) in ["#team", "desk@example.com"].into_iter().enumerate() {
        let now = 100 + i64::try_from(number).unwrap() * 10_000;
        desk.keep((0..30).map(|number| draft(&format!("{to} {number}"), to, now)).collect(), None).await.unwrap();
        let first = claim(&desk, now).await;
        assert_eq!(first.len(), 20, "{to}");
        for delivery in first {
            desk.settle(delivery.id, Became::Sent(delivery.id.to_string().into()), now).await.unwrap();
        }
        let waits = desk.list(None, &["waiting"], 100).await.unwrap();
        assert!(waits.len() == 10 && waits[0].reason.as_ref().unwrap().contains("it waits"), "{waits:?}");
        assert!(claim(&desk, now + 59).await.is_empty());
        // As long as the first ones are within ten minutes, the others are put off; then they go.
        assert!(claim(&desk, now + 500).await.is_empty());
        assert_eq!(claim(&desk, now + 601).await.len(), 10, "{to}");
        assert_eq!(desk.list(None, &["dead"], 1).await.unwrap(), []);
    }
}

pub(crate) async fn one_organization_does_not_keep_another_waiting(ground: Ground) {
    let desk = ground.open();
    let of = |org: &str, number: u32| {
        let Entry::Draft { call, draft, .. } =
            draft(&format!("n{number}"), &format!("+1619555{:04}", 100 + number), 100)
        else {
            panic!("no draft")
        };
        Entry::Draft { org: org.into(), call, draft }
    };
    desk.keep((0..50).map(|number| of("acme", number)).collect(), None).await.unwrap();
    desk.keep(vec![of("bravo", 50)], None).await.unwrap();
    let first = desk.claim(Room { each: 10, ..room(100) }).await.unwrap();
    assert_eq!(first.iter().filter(|text| text.org == "acme").count(), 10);
    assert_eq!(first.iter().filter(|text| text.org == "bravo").count(), 1);
    let but = vec!["acme".to_owned()];
    assert!(desk.claim(Room { but, ..room(100) }).await.unwrap().is_empty());
    assert_eq!(desk.claim(Room { most: 7, ..room(100) }).await.unwrap().len(), 7);
}

pub(crate) async fn what_the_carrier_reports_is_kept_in_any_order_and_however_often(ground: Ground) {
    let desk = ground.open();
    desk.keep(vec![draft("a", DANA, 100), draft("b", "+16195550112", 100)], None).await.unwrap();
    for (delivery, sid) in claim(&desk, 100).await.iter().zip(["SM1", "SM2"]) {
        desk.settle(delivery.id, Became::Sent(sid.to_owned().into()), 100).await.unwrap();
    }
    for (status, error) in
        [("sent", None), ("delivered", None), ("sending", None), ("delivered", None), ("undelivered", Some(30003))]
    {
        desk.keep(vec![report("SM1", status, error)], None).await.unwrap();
    }
    for status in ["undelivered", "undelivered", "sent"] {
        desk.keep(vec![report("SM2", status, Some(30003))], None).await.unwrap();
    }
    let listed = desk.list(None, &["sent"], 10).await.unwrap();
    let of = |sid: &str| listed.iter().find(|text| text.sid.as_deref() == Some(sid)).unwrap();
    assert_eq!((of("SM1").status.as_deref(), of("SM1").code), (Some("delivered"), None));
    assert_eq!((of("SM2").status.as_deref(), of("SM2").code), (Some("undelivered"), Some(30003)));
}

pub(crate) async fn a_report_may_come_before_the_answer(ground: Ground) {
    let desk = ground.open();
    desk.keep(vec![draft("a", DANA, 100)], None).await.unwrap();
    let id = claim(&desk, 100).await[0].id;
    desk.keep(vec![report("SM1", "delivered", None), report("SM1", "sent", None)], None).await.unwrap();
    desk.settle(id, Became::Sent("SM1".to_owned().into()), 101).await.unwrap();
    let text = desk.text(id).await.unwrap().unwrap();
    assert_eq!((text.state.as_str(), text.status.as_deref()), ("sent", Some("delivered")));
    assert_eq!(desk.text(id + 1).await.unwrap(), None);
}

pub(crate) async fn a_landline_that_the_carrier_reports_is_not_texted_again(ground: Ground) {
    let desk = ground.open();
    desk.keep(vec![draft("a", DANA, 100)], None).await.unwrap();
    let id = claim(&desk, 100).await[0].id;
    desk.settle(id, Became::Sent("SM1".to_owned().into()), 100).await.unwrap();
    desk.keep(vec![report("SM1", "undelivered", Some(30006)), draft("b", DANA, 101)], None).await.unwrap();
    assert!(claim(&desk, 101).await.is_empty());
    let dead = desk.list(None, &["dead"], 1).await.unwrap();
    assert!(dead[0].reason.as_ref().unwrap().contains("landline"), "{dead:?}");
}

pub(crate) async fn who_wants_no_texts_gets_none_until_they_are_wanted_again(ground: Ground) {
    let desk = ground.open();
    let wish = |refused| Entry::Wish { org: ORG.into(), number: DANA.into(), refused };
    desk.keep(vec![wish(Some("opted out with STOP")), draft("a", DANA, 100)], None).await.unwrap();
    assert!(claim(&desk, 100).await.is_empty());
    desk.keep(vec![wish(None), draft("b", DANA, 100)], None).await.unwrap();
    let claimed = claim(&desk, 101).await;
    assert_eq!(claimed.len(), 1);
    let became = Became::Dead { why: "refused".into(), code: Some(21610) };
    desk.settle(claimed[0].id, became, 101).await.unwrap();
    desk.keep(vec![draft("c", DANA, 100)], None).await.unwrap();
    assert!(claim(&desk, 102).await.is_empty(), "the carrier knows of a STOP that we have not seen");
    assert_eq!(states(&desk).await, ["dead", "dead", "dead"]);
}

pub(crate) async fn people_who_were_told_of_a_call_are_found(ground: Ground) {
    let desk = ground.open();
    let (dana, lee) = (E164::parse(DANA).unwrap(), E164::parse("+16195550112").unwrap());
    let case = Case { call: CALL.into(), caller: "+13125550123".into(), called: "+16195550100".into(), at: 100 };
    let kept = Entry::Case { org: ORG.into(), case: case.clone() };
    desk.keep(vec![kept, draft("a", DANA, 100), draft("b", lee.as_str(), 100)], None).await.unwrap();
    claim(&desk, 100).await;
    let told = desk.cases(ORG, &dana, 50).await.unwrap();
    assert_eq!((told.len(), &told[0].case, &told[0].taken_by), (1, &case, &None));
    assert_eq!(desk.case(ORG, CALL).await.unwrap(), Some(case));
    assert_eq!(desk.others(ORG, CALL, &dana).await.unwrap(), [lee]);
    assert!(desk.cases(ORG, &dana, 101).await.unwrap().is_empty());
    assert!(desk.cases("another", &dana, 50).await.unwrap().is_empty());
    assert_eq!(desk.case("another", CALL).await.unwrap(), None);
}

pub(crate) async fn what_died_is_tried_again_by_hand_and_what_waits_is_dropped(ground: Ground) {
    let desk = ground.open();
    desk.keep(vec![draft("old", DANA, -100_000), draft("new", DANA, 100)], None).await.unwrap();
    let claimed = claim(&desk, 100).await;
    desk.settle(claimed[0].id, Became::Later { after: 60, why: "no key".into() }, 100).await.unwrap();
    let id = desk.list(None, &["dead"], 1).await.unwrap()[0].id;
    assert!(desk.retry(id, 101).await.unwrap());
    assert!(desk.discard(claimed[0].id, 101).await.unwrap());
    assert!(!desk.retry(9_999, 101).await.unwrap() && !desk.discard(9_999, 101).await.unwrap());
    let again = claim(&desk, 101).await;
    assert_eq!((again.len(), again[0].id), (1, id));
    desk.settle(id, Became::Sent("SM1".to_owned().into()), 102).await.unwrap();
    assert!(!desk.retry(id, 103).await.unwrap(), "it is with the carrier");
    desk.keep(vec![report("SM1", "failed", Some(30008))], None).await.unwrap();
    assert!(desk.retry(id, 103).await.unwrap(), "the carrier could not deliver it");
    assert_eq!(states(&desk).await, ["skipped", "waiting"]);
    let Entry::Draft { org, call, draft } = draft("practiced", DANA, 103) else { panic!("no draft") };
    let draft = Draft { refused: Some(format!("{PRACTICE} of an imagined time: nobody is told")), ..draft };
    desk.keep(vec![Entry::Draft { org, call, draft }], None).await.unwrap();
    let practiced = desk.list(None, &["dead"], 1).await.unwrap()[0].id;
    assert!(!desk.discard(practiced, 104).await.unwrap());
    assert!(!desk.retry(practiced, 104).await.unwrap(), "nobody is told of a practice call, whoever asks for it");
}

pub(crate) async fn switches_are_kept_with_every_turn(ground: Ground) {
    let desk = ground.open();
    let stamp = Stamp::new(&Actor::new("sms:dana"), jiff::Timestamp::from_second(100).unwrap());
    let mut state = SwitchState::new(OrgSlug::parse(ORG).unwrap(), "closed".to_owned());
    state.turn(Setting { on: true, until: None, set: stamp, from: "sms".to_owned() });
    let before = desk.switches_version().await.unwrap();
    desk.keep(vec![Entry::Switch { state: state.clone(), by: "sms:dana".into(), at: 100, undone: false }], None)
        .await
        .unwrap();
    assert_ne!(desk.switches_version().await.unwrap(), before);
    assert_eq!(desk.switches().await.unwrap(), [state]);
    assert_eq!(desk.last_turn(ORG, "sms:dana").await.unwrap().as_deref(), Some("closed"));
    assert_eq!(desk.last_turn(ORG, "sms:lee").await.unwrap(), None);
    let turns = desk.turns(ORG, 10).unwrap();
    assert_eq!((turns.len(), turns[0].on, turns[0].undone), (1, Some(true), false));
}
