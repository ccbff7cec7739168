//! Two organizations with accounts of their own and one on the platform's, on one machine and on two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::organizations::desk::{
    ACME, ACME_LINE, ACME_NEXT, ACME_TOKEN, BRAVO, BRAVO_LINE, BRAVO_TOKEN, CHARLIE_LINE, Desk, KEY, becomes, call,
    fresh, house,
};
use crate::postgres;
use crate::support::{ACCOUNT, Service, TOKEN};

const INBOUND: &str = "/twilio/inbound-call";

/// Everybody is answered by their own rules, and nobody by anybody else's.
async fn all_are_answered_apart(service: &Service) {
    let acme = becomes(service, 200, (ACME_TOKEN, ACME, ACME_LINE, INBOUND)).await;
    let bravo = becomes(service, 200, (BRAVO_TOKEN, BRAVO, BRAVO_LINE, INBOUND)).await;
    let charlie = becomes(service, 200, (TOKEN, ACCOUNT, CHARLIE_LINE, INBOUND)).await;
    for (reply, name) in [(acme, "acme"), (bravo, "bravo"), (charlie, "charlie")] {
        assert!(reply.body.contains(&format!("This is {name}.")), "{}", reply.body);
        let action = reply.attribute("action");
        assert!(action.contains(&format!("org={name}")), "{action}");
    }
    let mut refused = Vec::new();
    for (token, account, line, org) in [
        // Another's key, another's account, another's number, another's name, and all of them mixed.
        (BRAVO_TOKEN, ACME, ACME_LINE, ""),
        (ACME_TOKEN, BRAVO, BRAVO_LINE, ""),
        (TOKEN, ACME, ACME_LINE, ""),
        (BRAVO_TOKEN, BRAVO, BRAVO_LINE, "acme"),
        (BRAVO_TOKEN, BRAVO, ACME_LINE, "acme"),
        (ACME_TOKEN, ACME, CHARLIE_LINE, "charlie"),
        (TOKEN, ACCOUNT, ACME_LINE, "acme"),
        (TOKEN, ACCOUNT, CHARLIE_LINE, "bravo"),
        (TOKEN, ACCOUNT, CHARLIE_LINE, "acme"),
        (ACME_TOKEN, ACCOUNT, ACME_LINE, "acme"),
        ("nobody", ACME, ACME_LINE, "acme"),
    ] {
        let target = if org.is_empty() { INBOUND.to_owned() } else { format!("{INBOUND}?org={org}") };
        let reply = call(service, token, account, line, &target, &fresh()).await;
        assert_eq!(reply.status, 403, "{token} {account} {line} {org}: {}", reply.body);
        refused.push(reply);
    }
    assert!(refused.iter().all(|reply| reply == &refused[0]), "a refusal tells its reason: {refused:?}");
}

#[tokio::test]
async fn three_organizations_are_answered_apart_by_one_server_on_sqlite() {
    let house = house();
    let service = house.serve().await;
    let desk = Desk::of(&house, &[]);
    desk.found_all();
    all_are_answered_apart(&service).await;
    // What was done is there after a restart, without anybody's token.
    service.running.stop().await;
    let service = house.serve().await;
    all_are_answered_apart(&service).await;
    service.running.stop().await;
}

#[tokio::test]
async fn three_organizations_are_answered_apart_by_two_servers_on_one_postgresql() {
    let database = postgres::shared().database();
    let shared = [("RINGFALL_DATABASE_URL", database.url.expose()), ("ENCRYPTION_KEY", KEY)];
    let (one, other) = (house(), house());
    let first = one.serve_with(&shared, None).await;
    let second = other.serve_with(&[shared[0], shared[1], ("RINGFALL_NODE", "node-2")], None).await;
    let desk = Desk::of(&one, &shared);
    desk.found_all();
    all_are_answered_apart(&first).await;
    all_are_answered_apart(&second).await;
    desk.does("connect revoke --org acme", "");
    for service in [&first, &second] {
        becomes(service, 403, (ACME_TOKEN, ACME, ACME_LINE, INBOUND)).await;
        assert_eq!(call(service, BRAVO_TOKEN, BRAVO, BRAVO_LINE, INBOUND, &fresh()).await.status, 200);
    }
    first.running.stop().await;
    second.running.stop().await;
}

/// The carrier, calling all the time with the token that it has now.
async fn busy(service: &Service, rotated: &AtomicBool, over: &AtomicBool) -> usize {
    let mut answered = 0;
    while !over.load(Ordering::SeqCst) {
        let token = if rotated.load(Ordering::SeqCst) { ACME_NEXT } else { ACME_TOKEN };
        let reply = call(service, token, ACME, ACME_LINE, INBOUND, &fresh()).await;
        assert_eq!(reply.status, 200, "a genuine request was refused");
        answered += 1;
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_refuses_no_genuine_request() {
    let house = house();
    let service = Arc::new(house.serve().await);
    let desk = Arc::new(Desk::of(&house, &[]));
    desk.found_all();
    becomes(&service, 200, (ACME_TOKEN, ACME, ACME_LINE, INBOUND)).await;
    let (rotated, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let answered = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (service, rotated, over) = (Arc::clone(&service), Arc::clone(&rotated), Arc::clone(&over));
            let answered = Arc::clone(&answered);
            tokio::spawn(async move { answered.fetch_add(busy(&service, &rotated, &over).await, Ordering::SeqCst) })
        })
        .collect();
    let at = Arc::clone(&desk);
    tokio::task::spawn_blocking(move || at.does("connect rotate --org acme", ACME_NEXT)).await.unwrap();
    becomes(&service, 200, (ACME_NEXT, ACME, ACME_LINE, INBOUND)).await;
    rotated.store(true, Ordering::SeqCst);
    for _ in 0..50 {
        assert_eq!(call(&service, ACME_NEXT, ACME, ACME_LINE, INBOUND, &fresh()).await.status, 200);
    }
    let at = Arc::clone(&desk);
    tokio::task::spawn_blocking(move || at.comes_to("connect promote --org acme")).await.unwrap();
    becomes(&service, 403, (ACME_TOKEN, ACME, ACME_LINE, INBOUND)).await;
    over.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    assert!(answered.load(Ordering::SeqCst) > 10, "nobody called meanwhile");
}
