//! Rules and templates that change while calls come in.

use ringfall::app::ports::Journal as _;

use crate::support::{House, RULES, Service};

const NO_ANSWER: [(&str, &str); 3] =
    [("DialCallStatus", "no-answer"), ("DialBridged", "false"), ("CallStatus", "in-progress")];

fn changed() -> String {
    RULES.replace("+16195550111", "+16195550122").replace("+18585550107", "+18585550199")
}

async fn file(service: &Service, organization: &str) -> serde_json::Value {
    let ready = service.ready().await;
    let files = ready["rules"]["files"].as_array().unwrap();
    files.iter().find(|file| file["organization"] == organization).unwrap().clone()
}

/// Waits until the rules that answer now are safe on disk.
async fn kept(service: &Service) {
    let store = service.running.store.clone().unwrap();
    let digest = file(service, "acme").await["rules"].as_str().unwrap().to_owned();
    let kept = async {
        while store.rules("acme", &digest).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), kept).await.unwrap();
}

#[tokio::test]
async fn new_rules_answer_new_calls_and_old_calls_go_on_under_theirs() {
    let house = House::new();
    let service = house.serve().await;
    let first = service.arrive().await;
    house.write("rules/acme.yaml", &changed());
    service.running.reload();
    let second = service.ask(&first.attribute("action"), &NO_ANSWER).await;
    assert!(second.body.contains("+18585550107"), "{}", second.body);
    let other = service.ask("/twilio/inbound-call", &[("CallSid", "CA22222222222222222222222222222222")]).await;
    assert!(other.body.contains("+16195550122"), "{}", other.body);
    service.running.stop().await;
}

#[tokio::test]
async fn a_bad_file_leaves_the_old_rules_answering_and_says_so() {
    let house = House::new();
    let service = house.serve().await;
    house.write("rules/acme.yaml", "version: 1\ntimezone: Mars/Olympus\n");
    service.running.reload();
    assert!(service.arrive().await.body.contains("+16195550111"));
    let file = file(&service, "acme").await;
    assert_eq!(file["state"], "stale");
    assert!(file["problems"].to_string().contains("Mars/Olympus"), "{file}");
    assert_eq!(service.counted("ringfall_rules_last_reload_successful").await, 0);
    assert_eq!(service.counted("ringfall_organizations_stale").await, 1);
    house.write("rules/acme.yaml", &changed());
    service.running.reload();
    assert_eq!(service.counted("ringfall_rules_last_reload_successful").await, 1);
    service.running.stop().await;
}

#[tokio::test]
async fn a_file_spoilt_before_a_restart_is_stood_in_for_by_the_rules_kept_last() {
    let house = House::new();
    let service = house.serve().await;
    kept(&service).await;
    house.clock.forward(60);
    house.write("rules/acme.yaml", &changed());
    service.running.reload();
    kept(&service).await;
    service.running.stop().await;
    house.write("rules/acme.yaml", "version: 1\n");
    let service = house.serve().await;
    assert!(service.arrive().await.body.contains("+16195550122"));
    assert_eq!(file(&service, "acme").await["state"], "stale");
    service.running.stop().await;
}

#[tokio::test]
async fn a_number_in_two_files_stays_with_whoever_has_it() {
    let house = House::with(&[("rules/zebra.yaml", RULES)]);
    let service = house.serve().await;
    house.write("rules/acme.yaml", &changed());
    service.running.reload();
    assert!(service.arrive().await.body.contains("+16195550111"));
    let file = file(&service, "acme").await;
    let problem = file["problems"].to_string();
    assert!(problem.contains("acme.yaml:3") && problem.contains("zebra.yaml:3"), "{problem}");
    // No older state of it answers: there is none.
    assert_eq!(file["state"], "refused");
    service.running.stop().await;
    // By name, acme would be the first.
    let service = house.serve().await;
    assert!(service.arrive().await.body.contains("+16195550111"));
    // A signed address that names one of the two is answered by that one's own rules.
    for (org, rung) in [("acme", "+16195550122"), ("zebra", "+16195550111")] {
        let call = format!("CA{:032x}", org.len());
        let reply = service.ask(&format!("/twilio/inbound-call?org={org}"), &[("CallSid", &call)]).await;
        assert!(reply.status == 200 && reply.body.contains(rung), "{org}: {reply:?}");
    }
    service.running.stop().await;
    // Spoilt before a start, the file of the holder is stood in for, and its number stays with it.
    house.write("rules/zebra.yaml", "version: 1\n");
    let service = house.serve().await;
    assert!(service.arrive().await.body.contains("+16195550111"));
    service.running.stop().await;
}

#[tokio::test]
async fn an_organizations_own_template_is_used_and_a_bad_one_is_not() {
    let house = House::with(&[
        ("rules/acme.yaml", RULES),
        ("templates/acme/ring.xml.j2", include_str!("../../../twiml-templates/ring.xml.j2")),
    ]);
    let service = house.serve().await;
    let before = service.arrive().await;
    house.write("templates/acme/ring.xml.j2", "<Response><Dial><Number>{{ nobody }}</Number></Dial></Response>");
    service.running.reload();
    let ready = service.ready().await;
    assert!(ready["rules"]["problems"].to_string().contains("ring.xml.j2"), "{ready}");
    let after = service.ask("/twilio/inbound-call", &[("CallSid", "CA22222222222222222222222222222222")]).await;
    assert_eq!(after.body, before.body);
    service.running.stop().await;
}

#[tokio::test]
async fn a_change_on_disk_is_noticed() {
    let house = House::new();
    let service = house.serve_with(&[("RINGFALL_RELOAD", "watch")], None).await;
    let before = file(&service, "acme").await["rules"].clone();
    house.write("rules/.acme.new", &changed());
    std::fs::rename(house.path("rules/.acme.new"), house.path("rules/acme.yaml")).unwrap();
    let noticed = async {
        while file(&service, "acme").await["rules"] == before {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), noticed).await.unwrap();
    service.running.stop().await;
}

#[tokio::test]
async fn recordings_of_the_rules_folder_can_be_had_and_nothing_else() {
    let house = House::new();
    house.write("rules/audio/closed.mp3", "sound");
    let service = house.serve().await;
    let audio = service.get("/audio/acme/audio/closed.mp3").await;
    assert_eq!((audio.status, audio.content_type.as_str(), audio.body.as_str()), (200, "audio/mpeg", "sound"));
    for path in [
        "/audio/acme/acme.yaml",
        "/audio/nobody/audio/closed.mp3",
        "/audio/acme/../data/simulator.token",
        "/audio/acme/%2e%2e/data/x.mp3",
        "/audio/acme/audio%2fnone.mp3",
    ] {
        assert_eq!(service.get(path).await.status, 404, "{path}");
    }
    service.running.stop().await;
}
