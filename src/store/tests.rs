//! The store on real files: restarts, crashes, full disks, and many requests at once.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::app::messenger::ports::Trail as _;
use crate::audit::record::{Decided, Effected, Facts, Kind, Place, Received, Reported};
use crate::database::sqlite::Newer;
use crate::model::moment::Zone;

mod closing;
mod keeping;
mod reading;
mod replaced;
mod stopping;

/// A clock that stands still until it is set.
#[derive(Debug)]
struct Set(AtomicI64);

const START: i64 = 1_795_000_000;

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

impl Set {
    fn at_start() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START)))
    }

    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

fn options(folder: &Path, clock: &Arc<Set>) -> Options {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    Options { folder: folder.to_owned(), node: "one".to_owned(), clock, patience: Patience::default(), behind: 0 }
}

fn record(kind: Kind, call: u32, step: &str, at: i64) -> Record {
    let zone = Zone::named("America/Los_Angeles").unwrap();
    let id = Uuid::from_u128(u128::from(call) << 64 | u128::from(at.unsigned_abs()));
    let received = Received::at(Timestamp::from_second(at).unwrap(), &zone);
    Record {
        org: "acme".to_owned(),
        endpoint: "continue".to_owned(),
        call: format!("CA{call:032x}"),
        step: step.to_owned(),
        account: "AC1".to_owned(),
        began: Some(START),
        ..Record::blank(kind, id, "one", received)
    }
}

/// A call that comes in and rings `primary`; a missed call is told to `owner`.
fn arrival(call: u32) -> Record {
    let facts = Facts {
        line: Some("main".to_owned()),
        called: "+16195550100".to_owned(),
        caller: "+16195550142".to_owned(),
        caller_is: "number".to_owned(),
        happened: "arrived".to_owned(),
        ..Facts::default()
    };
    let decision = Decided {
        act: "ring".to_owned(),
        contacts: vec!["primary".to_owned()],
        seconds: Some(20),
        ..Decided::default()
    };
    Record {
        facts: Some(facts),
        decision: Some(decision),
        to: Some(Place { hop: 1, step: Some("1.0".to_owned()), missed: Some("owner".to_owned()), ..Place::default() }),
        twiml: Some(format!("<Response><!--{call}--></Response>")),
        ..record(Kind::Decision, call, "arrived", START)
    }
}

fn call(number: u32) -> String {
    format!("CA{number:032x}")
}

fn ended(call: u32, at: i64) -> Record {
    Record {
        reported: Reported { call_status: Some("completed".to_owned()), ..Reported::default() },
        ..record(Kind::Status, call, "status completed", at)
    }
}

fn count(folder: &Path, sql: &str) -> i64 {
    open::reader(&folder.join("ringfall.db")).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn the_same_step_is_written_once_and_answered_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&options(folder.path(), &Set::at_start())).unwrap();
    assert_eq!(store.append(arrival(1)).await, Ok(Appended::Fresh));
    let other = Record { twiml: Some("<Response/>".to_owned()), ..arrival(1) };
    let repeat = Appended::Repeat { twiml: Some("<Response><!--1--></Response>".to_owned()) };
    assert_eq!(store.append(other).await, Ok(repeat));
    assert_eq!(store.append(arrival(2)).await, Ok(Appended::Fresh));
    assert_eq!(count(folder.path(), "SELECT count(*) FROM records"), 2);
    let health = store.health();
    assert_eq!((health.written, health.repeats, health.lost), (2, 1, 0));
}

#[tokio::test]
async fn the_same_call_id_in_two_organizations_is_two_calls() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&options(folder.path(), &Set::at_start())).unwrap();
    assert_eq!(store.append(arrival(1)).await, Ok(Appended::Fresh));
    let other = Record { org: "other".to_owned(), ..arrival(1) };
    assert_eq!(store.append(other).await, Ok(Appended::Fresh));
    assert_eq!(store.records("other", &call(1)).await.unwrap().len(), 1);
    assert_eq!(store.records("acme", &call(1)).await.unwrap(), [arrival(1)]);
}

/// All records that people are told of.
async fn told(store: &Store) -> Vec<Record> {
    let (mut records, mut place) = (Vec::new(), 0);
    loop {
        let news = store.news(place).await.unwrap();
        records.extend(news.records);
        if news.place == place {
            return records;
        }
        place = news.place;
    }
}

#[tokio::test]
async fn what_people_are_told_of_is_found_by_whoever_wrote_it_and_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), &Set::at_start());
    let effects = || vec![Effected { key: "text@1.0".to_owned(), kind: "text".to_owned(), ..Effected::default() }];
    let written: Vec<_> = (0..5_000)
        .map(|number| match number % 9 {
            0 => Record { effects: effects(), ..arrival(number) },
            1 => record(Kind::Message, number, "text SM1", START),
            2 => record(Kind::Transcription, number, "transcript", START),
            _ => arrival(number),
        })
        .collect();
    let store = Store::open(&options).unwrap();
    for appended in futures_util::future::join_all(written.iter().map(|record| store.append(record.clone()))).await {
        assert_eq!(appended, Ok(Appended::Fresh));
    }
    let found = told(&store).await;
    let wanted = written.into_iter().enumerate().filter(|(number, _)| number % 9 < 3).map(|(_, record)| record);
    assert_eq!(found, wanted.collect::<Vec<_>>());
    store.close();
    let next = Store::open(&options).unwrap();
    assert_eq!(told(&next).await, found);
    next.append(Record { effects: effects(), ..arrival(5_000) }).await.unwrap();
    assert_eq!(told(&next).await.len(), found.len() + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_equal_requests_at_once_one_is_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&options(folder.path(), &Set::at_start())).unwrap());
    let mut tasks = Vec::new();
    for turn in 0..400_u32 {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let effects = vec![Effected { key: "text@1.0".to_owned(), kind: "text".to_owned(), ..Effected::default() }];
            store.append(Record { effects, ..arrival(turn % 20) }).await.unwrap()
        }));
    }
    let mut fresh = 0;
    for task in tasks {
        fresh += u32::from(task.await.unwrap() == Appended::Fresh);
    }
    assert_eq!(fresh, 20);
    assert_eq!(count(folder.path(), "SELECT count(*) FROM records"), 20);
    assert_eq!(told(&store).await.len(), 20);
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    store.append(arrival(1)).await.unwrap();
    let reported = Reported { contact: Some("primary".to_owned()), accepted: Some(true), ..Reported::default() };
    let leg = Some(call(900));
    let key = Record { reported, leg, ..record(Kind::Screen, 1, "screen 1", START + 9) };
    store.append(key).await.unwrap();
    store.keep_rules("acme", Digest::of([&b"rules"[..]]), vec![text("acme.yaml")]).await.unwrap();
    drop(store);

    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    assert_eq!(store.key("acme", &call(1), Some(&call(900))), Key::Accepted);
    assert_eq!(store.key("acme", &call(1), Some(&call(901))), Key::Nothing);
    assert_eq!(store.earlier_calls("acme", "+16195550142", &call(2), START + 60), [60]);
    assert_eq!(store.earlier_calls("acme", "+16195550142", &call(1), START + 60), Vec::<u32>::new());
    assert_eq!(store.active_calls("acme", "primary", &call(2)), 1);
    assert_eq!(store.active_calls("acme", "primary", &call(1)), 0);
    let short = Digest::of([&b"rules"[..]]).short();
    assert_eq!(store.rules("acme", &short).await.unwrap(), Some(vec![text("acme.yaml")]));
    assert_eq!(store.rules("other", &short).await.unwrap(), None);
    assert!(matches!(store.append(arrival(1)).await, Ok(Appended::Repeat { .. })));
    store.settle().await.unwrap();
    let summary = store.call("acme", &call(1)).await.unwrap().unwrap();
    assert_eq!(summary.answered.unwrap().by.as_deref(), Some("primary"));
    assert_eq!(summary.waited, Some(9));
}

fn text(path: &str) -> RuleText {
    RuleText { path: path.to_owned(), text: "version: 1\n".to_owned() }
}

#[tokio::test]
async fn a_crash_before_the_calls_are_written_loses_none_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    for number in 0..50 {
        store.append(arrival(number)).await.unwrap();
    }
    // The files as a crash would leave them: copied while the store has them open.
    let crashed = tempfile::tempdir().unwrap();
    for name in ["ringfall.db", "ringfall.db-wal"] {
        std::fs::copy(folder.path().join(name), crashed.path().join(name)).unwrap();
    }
    assert_eq!(count(crashed.path(), "SELECT count(*) FROM calls"), 0);
    let again = Store::open(&options(crashed.path(), &clock)).unwrap();
    again.settle().await.unwrap();
    assert_eq!(count(crashed.path(), "SELECT count(*) FROM calls"), 50);
    assert!(matches!(again.append(arrival(7)).await, Ok(Appended::Repeat { .. })));
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_round_of_calls_loses_none_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    // Too few for the log to be folded while the files are copied.
    for number in 0..250 {
        store.append(arrival(number)).await.unwrap();
    }
    clock.pass(2);
    // A portion of the round is written along with this.
    store.append(ended(3, START + 2)).await.unwrap();
    let crashed = tempfile::tempdir().unwrap();
    for name in ["ringfall.db", "ringfall.db-wal"] {
        std::fs::copy(folder.path().join(name), crashed.path().join(name)).unwrap();
    }
    assert_eq!(count(crashed.path(), "SELECT count(*) FROM calls"), 100);
    assert_eq!(count(crashed.path(), "SELECT seq FROM cursors WHERE name = 'calls'"), 0);
    let again = Store::open(&options(crashed.path(), &clock)).unwrap();
    again.append(ended(4, START + 2)).await.unwrap();
    again.settle().await.unwrap();
    assert_eq!(count(crashed.path(), "SELECT count(*) FROM calls"), 250);
    assert_eq!(count(crashed.path(), "SELECT seq FROM cursors WHERE name = 'calls'"), 252);
    for number in 0..250 {
        let records = again.records("acme", &call(number)).await.unwrap();
        assert_eq!(records.len(), if [3, 4].contains(&number) { 2 } else { 1 }, "{number}");
        assert!(matches!(again.append(arrival(number)).await, Ok(Appended::Repeat { .. })));
    }
}

#[tokio::test]
async fn a_call_that_nobody_took_is_closed_with_its_escalation_once() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    store.append(arrival(1)).await.unwrap();
    store.append(ended(1, START + 12)).await.unwrap();
    clock.pass(20);
    store.settle().await.unwrap();
    assert_eq!(told(&store).await, [], "a request may still be on its way");
    clock.pass(20);
    store.settle().await.unwrap();
    store.settle().await.unwrap();
    let [missed] = &told(&store).await[..] else { panic!("once") };
    assert_eq!((&*missed.effects[0].kind, missed.effects[0].to.as_deref()), ("missed", Some("owner")));
    let summary = store.call("acme", &call(1)).await.unwrap().unwrap();
    assert_eq!((summary.end.as_deref(), summary.waited), (Some("caller_gone"), Some(12)));
    assert_eq!(summary.closed_by.as_deref(), Some("status"));
    let records = store.records("acme", &call(1)).await.unwrap();
    let closed = records.last().unwrap();
    assert_eq!((closed.kind, &*closed.account), (Kind::Closed, "AC1"));
    assert_eq!(records.len(), 3);
    clock.pass(3600);
    store.settle().await.unwrap();
    assert_eq!(count(folder.path(), "SELECT count(*) FROM records"), 3);
}

#[tokio::test]
async fn a_taken_call_whose_status_overtakes_its_action_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    store.append(arrival(1)).await.unwrap();
    clock.pass(70);
    store.append(ended(1, START + 70)).await.unwrap();
    clock.pass(2);
    let facts = Facts {
        happened: "rang".to_owned(),
        outcome: Some("connected".to_owned()),
        connected: Some("primary".to_owned()),
        ..Facts::default()
    };
    let over = Record {
        facts: Some(facts),
        from: Some(Place { hop: 1, ..Place::default() }),
        reported: Reported { dial_seconds: Some(60), ..Reported::default() },
        decision: Some(Decided { act: "nothing".to_owned(), end: Some("connected".to_owned()), ..Decided::default() }),
        ..record(Kind::Decision, 1, "1.0", START + 72)
    };
    store.append(over).await.unwrap();
    clock.pass(60);
    store.settle().await.unwrap();
    assert_eq!(told(&store).await, []);
    let summary = store.call("acme", &call(1)).await.unwrap().unwrap();
    assert_eq!((summary.end.as_deref(), summary.waited), (Some("connected"), Some(12)));
    assert_eq!(store.active_calls("acme", "primary", &call(2)), 0);
}

#[tokio::test]
async fn a_call_that_never_ends_is_swept_as_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    store.append(arrival(1)).await.unwrap();
    store.settle().await.unwrap();
    clock.pass(Patience::default().call_seconds - 1);
    store.settle().await.unwrap();
    assert_eq!(count(folder.path(), "SELECT count(*) FROM calls WHERE closed_at IS NULL"), 1);
    drop(store);
    clock.pass(2);
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    store.settle().await.unwrap();
    let summary = store.call("acme", &call(1)).await.unwrap().unwrap();
    assert_eq!((summary.end.as_deref(), summary.closed_by.as_deref()), (Some("unknown"), Some("sweep")));
    assert_eq!(told(&store).await.iter().filter(|record| record.effects[0].kind == "missed").count(), 1);
}

/// The engine's own limit on the size of the file stands in for a full disk: it needs no rights and fails the same way.
fn fill(connection: &Connection) {
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    connection.pragma_update(None, "max_page_count", pages).unwrap();
}

fn make_room(connection: &Connection) {
    connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
}

#[tokio::test]
async fn a_full_disk_defers_records_and_forgets_none() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    store.append(arrival(0)).await.unwrap();
    store.jobs.send(Job::Run(fill)).unwrap();
    let mut deferred = 0;
    for number in 1..=100 {
        match store.append(arrival(number)).await {
            Ok(Appended::Fresh) => {}
            Err(JournalError::Deferred(why)) => {
                assert!(why.contains("full"), "{why}");
                deferred += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(deferred > 25, "{deferred}");
    let health = store.health();
    assert_eq!((health.deferred, health.lost), (deferred, 0));
    assert!(health.failing.is_some());
    let repeat = Appended::Repeat { twiml: Some("<Response><!--100--></Response>".to_owned()) };
    assert_eq!(store.append(arrival(100)).await, Ok(repeat), "a repeat while it waits hears the same");

    store.jobs.send(Job::Run(make_room)).unwrap();
    while store.health().failing.is_some() {
        clock.pass(10);
        tokio::task::yield_now().await;
    }
    let health = store.health();
    assert_eq!((health.deferred, health.lost, health.failing), (0, 0, None));
    assert_eq!(count(folder.path(), "SELECT count(DISTINCT call) FROM records"), 101);
    // So much time has passed that calls may have been closed meanwhile, each with a record of its own.
    assert_eq!(count(folder.path(), "SELECT count(*) FROM records WHERE kind = 'decision'"), 101);
    assert_eq!(store.append(arrival(101)).await, Ok(Appended::Fresh));
}

#[tokio::test]
async fn the_log_is_folded_into_the_file_while_calls_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&options(folder.path(), &Set::at_start())).unwrap();
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len();
    let mut written = 0;
    while size("ringfall.db") < 1 << 20 {
        let calls = (0..500).map(|number| store.append(arrival(written + number)));
        for appended in futures_util::future::join_all(calls).await {
            assert_eq!(appended, Ok(Appended::Fresh));
        }
        written += 500;
        assert!(written < 100_000, "the log only grows: {} bytes", size("ringfall.db-wal"));
    }
}

#[test]
fn a_folder_is_held_by_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), &Set::at_start());
    let store = Store::open(&options).unwrap();
    let refused = Store::open(&options).unwrap_err();
    assert!(matches!(refused, StoreError::Held { .. }), "{refused}");
    assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
    // Somebody may still read in it.
    store.close();
    let next = Store::open(&options).unwrap();
    drop(store);
    assert!(Store::open(&options).is_err(), "what is over gives back only what it held");
    drop(next);
    Store::open(&options).unwrap();
}

#[tokio::test]
async fn nobody_else_can_read_what_is_written_down() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let store = Store::open(&options(&folder, &Set::at_start())).unwrap();
    store.append(arrival(1)).await.unwrap();
    for name in ["", "ringfall.db", "ringfall.db-wal", "ringfall.db-shm", "ringfall.lock"] {
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} {mode:o}");
    }
}

#[test]
fn a_damaged_file_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ringfall.db"), "not a journal, and long enough to be looked at".repeat(100))
        .unwrap();
    let refused = Store::open(&options(folder.path(), &Set::at_start())).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
    assert!(refused.to_string().contains("recover"), "{refused}");
}

#[test]
fn a_file_of_a_newer_form_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), &Set::at_start());
    drop(Store::open(&options).unwrap());
    let connection = Connection::open(folder.path().join("ringfall.db")).unwrap();
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (99, 'x', '', '0')";
    connection.execute(newer, []).unwrap();
    drop(connection);
    let refused = Store::open(&options).unwrap_err();
    assert!(matches!(refused, StoreError::Newer(Newer { found: 99, .. })), "{refused}");
    let unread = Archive::open(folder.path()).unwrap_err();
    assert_eq!(unread.to_string(), refused.to_string());
}

#[test]
fn a_folder_that_cannot_be_made_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data"), "a file").unwrap();
    let refused = Store::open(&options(&folder.path().join("data"), &Set::at_start())).unwrap_err();
    assert!(matches!(refused, StoreError::Folder { .. }), "{refused}");
    assert!(refused.to_string().contains("--data"), "{refused}");
}

#[tokio::test]
async fn a_closed_store_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&options(folder.path(), &Set::at_start())).unwrap();
    store.close();
    assert_eq!(store.append(arrival(1)).await, Err(JournalError::Closed));
}
