//! PostgreSQL stopped, frozen, cut off and slowed while calls come in: they are answered, and every record arrives
//! once.

use std::time::Duration;

use super::merged::{decisions, node};
use super::proxy::Proxy;
use super::sinks::{calls, state, until};
use crate::postgres;
use crate::support::House;

#[tokio::test]
async fn a_database_that_is_stopped_gets_everything_afterwards_even_across_a_restart() {
    let server = postgres::own();
    let database = server.database();
    let house = House::new();
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 0..10).await;
    until("ten records", || decisions(&database) == (10, 10)).await;
    // In the middle of the load.
    tokio::join!(calls(&service, 10..40), async { tokio::task::spawn_blocking(|| server.stop()).await.unwrap() });
    // However long it took to stop: these find it stopped.
    calls(&service, 40..45).await;
    until_failing(&service).await;
    assert_eq!(service.counted("ringfall_sink_failing{sink=\"@database\",kind=\"merged\"}").await, 1);
    let waiting = state(&service, "@database").await;
    assert!(waiting["behind"].as_u64().unwrap() > 0, "{waiting}");
    service.running.stop().await;
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 45..55).await;
    server.start_again();
    until("fifty-five records", || decisions(&database) == (55, 55)).await;
    until_well(&service).await;
    service.running.stop().await;
}

async fn until_failing(service: &crate::support::Service) {
    let end = std::time::Instant::now() + Duration::from_secs(120);
    while state(service, "@database").await["failing"].is_null() {
        assert!(std::time::Instant::now() < end, "nobody says that it fails");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_well(service: &crate::support::Service) {
    let end = std::time::Instant::now() + Duration::from_secs(120);
    loop {
        let now = state(service, "@database").await;
        if now["failing"].is_null() && now["behind"] == 0 {
            return;
        }
        assert!(std::time::Instant::now() < end, "it never gets well: {now}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_database_that_is_frozen_gets_everything_once() {
    let server = postgres::own();
    let database = server.database();
    let house = House::new();
    let service = node(&house, "one", database.url.expose()).await;
    calls(&service, 0..5).await;
    until("five records", || decisions(&database) == (5, 5)).await;
    tokio::join!(calls(&service, 5..35), async { server.freeze() });
    calls(&service, 35..40).await;
    server.thaw();
    until("forty records", || decisions(&database) == (40, 40)).await;
    until_well(&service).await;
    service.running.stop().await;
}

#[tokio::test]
async fn a_way_that_is_cut_again_and_again_loses_and_doubles_nothing() {
    let database = postgres::shared().database();
    let proxy = Proxy::to(database.port());
    let url = database.url_at(proxy.address.port());
    let house = House::new();
    let service = node(&house, "one", &url).await;
    calls(&service, 0..5).await;
    for round in 0..4 {
        let from = 5 + round * 20;
        tokio::join!(calls(&service, from..from + 20), async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            proxy.cut();
            tokio::time::sleep(Duration::from_millis(50)).await;
            proxy.mend();
        });
    }
    until("all records", || decisions(&database) == (85, 85)).await;
    until_well(&service).await;
    service.running.stop().await;
}

#[tokio::test]
async fn a_slow_way_delays_records_and_no_caller() {
    let database = postgres::shared().database();
    let proxy = Proxy::to(database.port());
    let url = database.url_at(proxy.address.port());
    let house = House::new();
    let service = node(&house, "one", &url).await;
    calls(&service, 0..5).await;
    until("five records", || decisions(&database) == (5, 5)).await;
    proxy.slow(Duration::from_millis(400));
    calls(&service, 5..60).await;
    until("sixty records", || decisions(&database) == (60, 60)).await;
    assert_eq!(service.counted("ringfall_fallback_served_total{reason=\"journal-slow\"}").await, 0);
    service.running.stop().await;
}
