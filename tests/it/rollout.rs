//! The rollout by command: what it refuses, what it shows, and that running services obey within a second.

use std::time::{Duration, Instant};

use ringfall::tenants;

use crate::revisions::world;
use crate::support::{House, Service, program};

/// Runs `ringfall rollout` in the house: its exit code and its words.
fn rollout(house: &House, args: &[&str]) -> (Option<i32>, String) {
    let mut command = program(&house.path(""));
    let command = command.env("RINGFALL_DATA", house.path("data")).env("USER", "ana");
    let output = command.arg("rollout").args(args).output().unwrap();
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), words(&output.stdout) + &words(&output.stderr))
}

/// Waits until new calls are answered with that, or without it.
async fn until(service: &Service, part: &str, wanted: bool) {
    let begun = Instant::now();
    for call in 0_u32.. {
        let sid = format!("CA{call:032x}");
        let answer = service.ask("/twilio/inbound-call", &[("CallSid", &sid)]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        if answer.body.contains(part) == wanted {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "in vain: {part} {wanted}: {}", answer.body);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn nobody_is_let_further_in_without_the_matrix() {
    let house = House::new();
    let (code, told) = rollout(&house, &["status"]);
    assert!(code == Some(0) && told.contains("never changed"), "{told}");
    let refused = |args: &[&str], why: &str| {
        let (code, told) = rollout(&house, args);
        assert!(code == Some(2) && told.contains(why), "{args:?}: {told}");
    };
    refused(&["stage", "slack", "canary", "--org", "acme"], "the security matrix is cited as green");
    refused(&["stage", "slack", "canary", "--org", "acme", "--matrix", "v1:red"], "is not green");
    refused(&["stage", "slack", "canary", "--matrix", "v1:green"], "a canary needs organizations");
    refused(&["stage", "slack", "on", "--matrix", "v1:green"], "goes through `canary` first");
    refused(&["stage", "slack", "halfway"], "off, canary and on");
    refused(&["stage", "fax", "on"], "the providers are");
    refused(&["rollback", "telegram"], "nothing to roll back");
    assert!(rollout(&house, &["status"]).1.contains("never changed"));
}

#[test]
fn a_provider_is_let_in_by_stages_and_taken_back() {
    let house = House::new();
    let done = |args: &[&str], shows: &str| {
        let (code, told) = rollout(&house, args);
        assert!(code == Some(0) && told.contains(shows), "{args:?}: {told}");
    };
    let canary = ["stage", "slack", "canary", "--org", "acme", "--org", "bravo", "--matrix", "v1:green"];
    done(&canary, "slack              canary (acme, bravo), matrix v1");
    done(&["stage", "slack", "on", "--matrix", "v2:green"], "slack              on (acme, bravo), matrix v2");
    done(&["rollback", "slack"], "slack              canary");
    done(&["stage", "slack", "off"], "slack              off");
    done(&["kill"], "own-accounts       off");
    done(&["enable"], "own-accounts       on");
    done(&["disable", "progressive"], "progressive        off");
    done(&["stage", "telegram", "on", "--matrix", "v2:green"], "telegram           on");
    done(&["status"], "changed by cli:ana at");
    let (_, told) = rollout(&house, &["status", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(shown["providers"]["telegram"]["stage"], "on");
    assert_eq!((&shown["enabled"], &shown["progressive"]), (&true.into(), &false.into()));
}

#[tokio::test]
async fn running_services_obey_at_once() {
    let house = House::new();
    world(tenants::open(&house.path("data"), None).unwrap().as_ref()).await;
    let service = house.serve().await;
    until(&service, "+16195550111", true).await;
    assert_eq!(rollout(&house, &["disable", "platform-fallback"]).0, Some(0));
    until(&service, "+16195550111", false).await;
    until(&service, "Please leave your name", true).await;
    assert_eq!(rollout(&house, &["enable", "platform-fallback"]).0, Some(0));
    until(&service, "+16195550111", true).await;
    service.running.stop().await;
}
