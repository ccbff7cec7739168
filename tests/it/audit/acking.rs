//! Answers that wait for the trail of all nodes, and what they do when it does not come.

use std::time::{Duration, Instant};

use super::merged::decisions;
use super::sinks::{calls, until};
use crate::postgres;
use crate::support::{House, Service};

/// A node whose answers wait; long enough for a busy machine.
async fn patient(house: &House, url: &str, wait: &str) -> Service {
    let more = [
        ("RINGFALL_DATABASE_URL", url),
        ("RINGFALL_AUDIT_ACK", "shared"),
        ("RINGFALL_AUDIT_ACK_WAIT", wait),
        ("RINGFALL_JOURNAL_DEADLINE", "10s"),
        ("RINGFALL_DEADLINE", "14s"),
    ];
    house.serve_with(&more, None).await
}

#[tokio::test]
async fn nobody_is_answered_before_the_database_has_it() {
    let database = postgres::shared().database();
    let house = House::new();
    let service = patient(&house, database.url.expose(), "9s").await;
    for number in 0..20 {
        calls(&service, number..number + 1).await;
        assert_eq!(decisions(&database), (number + 1, number + 1));
    }
    // A repeat has nothing new to wait for.
    calls(&service, 3..4).await;
    assert_eq!(decisions(&database), (20, 20));
    let ready = service.ready().await;
    assert_eq!((&ready["ack"]["fallen_back"], &ready["ack"]["alone"]), (&false.into(), &0.into()), "{ready}");
    service.running.stop().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_waited_for_once_and_everybody_is_told() {
    let server = postgres::own();
    let database = server.database();
    let house = House::new();
    let service = patient(&house, database.url.expose(), "2s").await;
    calls(&service, 0..3).await;
    server.stop();
    // Some are waited for in vain; then nobody waits any more.
    calls(&service, 3..30).await;
    assert_eq!(service.counted("ringfall_audit_ack_fallen_back").await, 1);
    assert!(service.counted("ringfall_audit_ack_alone").await >= 27);
    let ready = service.ready().await;
    assert_eq!(ready["ack"]["fallen_back"], true, "{ready}");
    server.start_again();
    until("everything is there", || decisions(&database) == (30, 30)).await;
    let end = Instant::now() + Duration::from_secs(60);
    while service.counted("ringfall_audit_ack_fallen_back").await == 1 {
        assert!(Instant::now() < end, "it never waits again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The records tell: one event, and who was answered alone.
    let events = "SELECT count(*) FROM audit_records WHERE record->'security'->>'event' = 'ack-fell-back'";
    until("the event is there", || database.sql(events) == "1").await;
    let alone = "SELECT count(*) FROM audit_records WHERE kind = 'decision' AND record->>'ack' = 'local'";
    let alone: usize = database.sql(alone).parse().unwrap();
    assert!((25..=27).contains(&alone), "{alone}");
    let before = service.counted("ringfall_audit_ack_alone").await;
    calls(&service, 30..35).await;
    assert_eq!(decisions(&database), (35, 35), "answers wait again");
    assert_eq!(service.counted("ringfall_audit_ack_alone").await, before);
    service.running.stop().await;
}
