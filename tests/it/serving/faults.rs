//! Whatever breaks, a believed caller is answered.

use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringfall::app::ports::{Appended, Journal, JournalError, JournalHealth, Key, Later, RuleText};
use ringfall::audit::record::{Kind, Record};
use ringfall::model::digest::Digest;
use tokio::sync::Semaphore;

use crate::support::{CALL, House, LINE, Service};

const RECORDING: &str = "RE0123456789abcdef0123456789abcdef";

const NEXT_RECORDING: &str = "REfedcba9876543210fedcba9876543210";

const CALLER: &str = "+13125550123";

/// What is wrong with a journal.
#[derive(Debug)]
enum Trouble {
    Full,
    Hangs,
    Panics,
    /// Answers once somebody lets it.
    Waits(Semaphore),
}

#[derive(Debug)]
struct Broken {
    trouble: Trouble,
    asked: AtomicU64,
}

impl Broken {
    fn new(trouble: Trouble) -> Arc<Self> {
        Arc::new(Self { trouble, asked: AtomicU64::new(0) })
    }
}

impl Journal for Broken {
    fn append(&self, _record: Record) -> Later<'_, Result<Appended, JournalError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match &self.trouble {
            Trouble::Full => Box::pin(future::ready(Err(JournalError::Deferred("no space left".to_owned())))),
            Trouble::Hangs => Box::pin(future::pending()),
            Trouble::Panics => Box::pin(async { panic!("the journal stumbles") }),
            Trouble::Waits(gate) => Box::pin(async {
                gate.acquire().await.unwrap().forget();
                Ok(Appended::Fresh)
            }),
        }
    }

    fn key(&self, _org: &str, _call: &str, _leg: Option<&str>) -> Key {
        Key::Nothing
    }

    fn earlier_calls(&self, _org: &str, _caller: &str, _call: &str, _began: i64) -> Vec<u32> {
        Vec::new()
    }

    fn active_calls(&self, _org: &str, _contact: &str, _call: &str) -> u8 {
        0
    }

    fn keep_rules<'a>(&'a self, _: &'a str, _: Digest, _: Vec<RuleText>) -> Later<'a, Result<(), JournalError>> {
        Box::pin(future::ready(Ok(())))
    }

    fn rules<'a>(&'a self, _: &'a str, _: &'a str) -> Later<'a, Result<Option<Vec<RuleText>>, JournalError>> {
        Box::pin(future::ready(Ok(None)))
    }

    fn health(&self) -> JournalHealth {
        JournalHealth::default()
    }
}

async fn with(house: &House, trouble: Trouble) -> (Service, Arc<Broken>) {
    let journal = Broken::new(trouble);
    let more = [("RINGFALL_JOURNAL_DEADLINE", "100ms"), ("RINGFALL_DEADLINE", "2s")];
    (house.serve_with(&more, Some(Arc::<Broken>::clone(&journal))).await, journal)
}

async fn fallbacks(service: &Service, reason: &str) -> u64 {
    service.counted(&format!("ringfall_fallback_served_total{{reason=\"{reason}\"}}")).await
}

#[tokio::test]
async fn a_full_disk_changes_nothing_for_the_caller() {
    let house = House::new();
    let (service, _) = with(&house, Trouble::Full).await;
    let answer = service.arrive().await;
    assert!(answer.body.contains("+16195550111"), "{}", answer.body);
    assert_eq!(fallbacks(&service, "journal-deferred").await, 1);
    service.running.stop().await;
}

#[tokio::test]
async fn a_disk_that_hangs_is_not_waited_for() {
    let house = House::new();
    let (service, _) = with(&house, Trouble::Hangs).await;
    let answer = service.arrive().await;
    assert!(answer.body.contains("+16195550111"), "{}", answer.body);
    assert_eq!(fallbacks(&service, "journal-slow").await, 1);
    service.running.stop().await;
}

#[tokio::test]
async fn a_panic_is_answered_from_finally() {
    let house = House::new();
    let (service, _) = with(&house, Trouble::Panics).await;
    let answer = service.arrive().await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("<Record") && answer.body.contains("after the tone"), "{}", answer.body);
    assert_eq!(fallbacks(&service, "panic").await, 1);
    // The service is none the worse for it.
    assert_eq!(service.get("/healthz").await.status, 200);
    service.running.stop().await;
}

#[tokio::test]
async fn the_same_fault_asked_for_again_is_written_down_once() {
    let service = House::new().serve().await;
    for _ in 0..5 {
        service.ask("/twilio/inbound-call", &[("To", "+16195550177")]).await;
    }
    let written = loop {
        // Nobody waits for these records, so they may come a little later.
        let journal = service.ready().await["journal"].clone();
        let (written, repeats) = (journal["written"].as_u64().unwrap(), journal["repeats"].as_u64().unwrap());
        if written + repeats == 5 {
            break written;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(written, 1);
    service.running.stop().await;
}

#[tokio::test]
async fn an_unknown_number_is_answered_by_the_last_resort() {
    let service = House::of_two().serve().await;
    let answer = service.ask("/twilio/inbound-call", &[("To", "+16195550177")]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("<Say") && answer.body.contains("<Record"), "{}", answer.body);
    assert_eq!(fallbacks(&service, "unknown-number").await, 1);
    let store = service.running.store.clone().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let record = loop {
        if let Some(record) = store.records("", CALL).await.unwrap().pop() {
            break record;
        }
        assert!(std::time::Instant::now() < until, "it is not written down");
        tokio::task::yield_now().await;
    };
    // Whose call it was is known, though the number is nobody's.
    let facts = record.facts.unwrap();
    assert_eq!((&*facts.caller, &*facts.called, &*facts.happened), (CALLER, "+16195550177", "arrived"));
    // A message that is left there is kept as one.
    let left = [("To", "+16195550177"), ("RecordingSid", RECORDING), ("RecordingDuration", "12")];
    service.ask(&answer.attribute("recordingStatusCallback"), &left).await;
    let message = loop {
        let records = store.records("", CALL).await.unwrap();
        if let Some(record) = records.into_iter().find(|record| record.kind == Kind::Recording) {
            break record.reported;
        }
        assert!(std::time::Instant::now() < until, "the message is not written down");
        tokio::task::yield_now().await;
    };
    assert_eq!((message.recording.as_deref(), message.seconds), (Some(RECORDING), Some(12)));
    // So is the next one of the same call, and the call is told as one with a message.
    let next = [("To", "+16195550177"), ("RecordingSid", NEXT_RECORDING), ("RecordingDuration", "7")];
    for _ in 0..2 {
        service.ask(&answer.attribute("recordingStatusCallback"), &next).await;
    }
    service.ask("/twilio/call-status", &[("To", "+16195550177"), ("CallStatus", "completed")]).await;
    let summary = loop {
        store.settle().await.unwrap();
        let summary = store.call("", CALL).await.unwrap().unwrap();
        if summary.message_seconds == Some(7) && summary.over_us.is_some() {
            break summary;
        }
        assert!(std::time::Instant::now() < until, "the second message is not told: {summary:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(summary.end.as_deref(), Some("voicemail"));
    let records = store.records("", CALL).await.unwrap();
    let messages = records.iter().filter(|record| record.kind == Kind::Recording);
    let kept: Vec<_> = messages.filter_map(|record| record.reported.recording.as_deref()).collect();
    assert_eq!(kept, [RECORDING, NEXT_RECORDING]);
    let named = service.ask("/twilio/inbound-call?org=acme", &[("To", "+16195550177")]).await;
    assert!(named.body.contains("after the tone"), "{}", named.body);
    service.running.stop().await;
}

#[tokio::test]
async fn a_call_whose_rules_are_gone_is_answered_from_finally() {
    let service = House::new().serve().await;
    let first = service.arrive().await;
    let target = first.attribute("action");
    let rules = target.split("rules=").nth(1).unwrap()[..16].to_owned();
    let answer = service.ask(&target.replace(&rules, "0123456789abcdef"), &[("DialCallStatus", "busy")]).await;
    assert!(answer.body.contains("<Record") && answer.body.contains("after the tone"), "{}", answer.body);
    assert_eq!(fallbacks(&service, "rules-gone").await, 1);
    service.running.stop().await;
}

#[tokio::test]
async fn a_call_that_was_taken_before_the_fault_is_told_as_it_was() {
    let house = House::new();
    let service = house.serve().await;
    let first = service.arrive().await;
    let target = first.attribute("action");
    let rules = target.split("rules=").nth(1).unwrap()[..16].to_owned();
    // It rang and was talked for long, and then the rules were gone.
    house.clock.forward(200);
    let talked = [("DialCallStatus", "completed"), ("DialBridged", "true"), ("DialCallDuration", "180")];
    service.ask(&target.replace(&rules, "0123456789abcdef"), &talked).await;
    let store = service.running.store.clone().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let summary = loop {
        store.settle().await.unwrap();
        if let Some(summary) = store.call("acme", CALL).await.unwrap().filter(|summary| summary.answered.is_some()) {
            break summary;
        }
        assert!(std::time::Instant::now() < until, "it is not told as taken");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(summary.waited, Some(20));
    assert!(!summary.imagined && summary.answered.unwrap().by.as_deref() == Some("primary"));
    service.running.stop().await;
}

#[tokio::test]
async fn the_carriers_second_attempt_is_answered_from_finally() {
    let service = House::new().serve().await;
    let failed = [("ErrorCode", "11200"), ("ErrorUrl", "https://phones.example.com/twilio/inbound-call")];
    let answer = service.ask("/twilio/inbound-call", &failed).await;
    assert!(answer.body.contains("<Record") && answer.body.contains("after the tone"), "{}", answer.body);
    assert_eq!(fallbacks(&service, "carrier-fallback").await, 1);
    service.running.stop().await;
}

#[tokio::test]
async fn a_place_that_is_none_of_ours_still_reaches_somebody() {
    let service = House::new().serve().await;
    for target in ["/twilio/continue", "/twilio/continue?org=acme&rules=zzz", "/twilio/continue?org=acme&s=1.0"] {
        let answer = service.ask(target, &[]).await;
        assert_eq!(answer.status, 200, "{target}");
        assert!(answer.body.contains("<Record"), "{target}: {}", answer.body);
    }
    let screen = service.ask("/twilio/screen?org=acme", &[]).await;
    assert!(screen.body.contains("<Hangup"), "{}", screen.body);
    let nobody = service.ask("/twilio/inbound-call", &[("CallSid", "nonsense")]).await;
    assert!(nobody.body.contains("<Record"), "{}", nobody.body);
    service.running.stop().await;
}

#[tokio::test]
async fn faults_are_written_down_with_what_was_answered() {
    let house = House::new();
    let service = house.serve().await;
    let failed = [("ErrorCode", "11200"), ("ErrorUrl", "https://phones.example.com/twilio/inbound-call")];
    let answer = service.ask("/twilio/inbound-call", &failed).await;
    let store = service.running.store.clone().unwrap();
    let written = async {
        loop {
            let records = store.records("acme", CALL).await.unwrap();
            if let Some(record) = records.first() {
                return record.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let record = tokio::time::timeout(std::time::Duration::from_secs(20), written).await.unwrap();
    assert_eq!(record.twiml.as_deref(), Some(answer.body.as_str()));
    assert!(record.fault.unwrap().contains("11200"));
    let facts = record.facts.unwrap();
    assert_eq!((&*facts.caller, &*facts.called, facts.line.is_some()), (CALLER, LINE, true));
    service.running.stop().await;
}

#[tokio::test]
async fn stopping_answers_the_calls_that_are_under_way() {
    let house = House::new();
    let journal = Broken::new(Trouble::Waits(Semaphore::new(0)));
    let shared: Arc<dyn Journal> = Arc::<Broken>::clone(&journal);
    let service = house.serve_with(&[("RINGFALL_JOURNAL_DEADLINE", "7s")], Some(shared)).await;
    let Service { running, address, .. } = service;
    let app = Arc::clone(&running.app);
    let caller = tokio::spawn(async move { crate::support::arrive_at(address).await });
    while journal.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let stopping = tokio::spawn(running.stop());
    while app.open.is_open() {
        tokio::task::yield_now().await;
    }
    let Trouble::Waits(gate) = &journal.trouble else { panic!("not this journal") };
    gate.add_permits(1);
    assert_eq!(caller.await.unwrap(), 200);
    stopping.await.unwrap();
}
