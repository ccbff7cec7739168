//! Two nodes on one database, one killed in the middle of its work again and again: what was answered is in the trail
//! of all nodes, once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::crash::{calls, killed_under_load, settle, start};
use crate::postgres::{self, Database};

const ROUNDS: usize = 6;

/// The calls that have a decision in the database; each has one.
fn written(database: &Database) -> BTreeSet<String> {
    let told = database.sql("SELECT call FROM audit_records WHERE kind = 'decision' ORDER BY call");
    let all: Vec<&str> = told.lines().collect();
    let written: BTreeSet<String> = all.iter().map(|call| (*call).to_owned()).collect();
    assert_eq!(written.len(), all.len(), "a call has two records");
    written
}

/// Decisions in the journal of that folder.
fn in_journal(folder: &Path) -> i64 {
    let journal = rusqlite::Connection::open(folder.join("data/ringfall.db")).unwrap();
    journal.query_row("SELECT count(*) FROM records WHERE kind = 'decision'", [], |row| row.get(0)).unwrap()
}

fn none_lost(heard: &BTreeSet<String>, written: &BTreeSet<String>) {
    let lost: Vec<_> = heard.difference(written).collect();
    assert!(lost.is_empty(), "{} of {} answers have no record: {lost:?}", lost.len(), heard.len());
}

#[test]
fn a_node_that_is_killed_again_and_again_sends_everything_once_it_is_back() {
    let database = postgres::shared().database();
    let [one, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let named = |name| [("RINGFALL_DATABASE_URL", database.url.expose()), ("RINGFALL_NODE", name)];
    [&one, &other].into_iter().for_each(|folder| settle(folder.path()));
    let steady = start(other.path(), &named("steady"));
    let (count, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut heard = BTreeSet::new();
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| calls(steady.address, 9999, 0, &count, &stop));
        for round in 0..ROUNDS {
            heard.extend(killed_under_load(start(one.path(), &named("killed")), round));
        }
        stop.store(true, Ordering::SeqCst);
        heard.extend(caller.join().unwrap());
    });
    assert!(count.load(Ordering::SeqCst) > 0);
    // Its disk is back.
    let _back = start(one.path(), &named("killed"));
    let all = in_journal(one.path()) + in_journal(other.path());
    let end = Instant::now() + Duration::from_secs(120);
    while database.sql("SELECT count(*) FROM audit_records WHERE kind = 'decision'") != all.to_string() {
        assert!(Instant::now() < end, "{} of {all} records arrived", written(&database).len());
        std::thread::sleep(Duration::from_millis(50));
    }
    none_lost(&heard, &written(&database));
    let nodes = database.sql("SELECT string_agg(DISTINCT node, ' ' ORDER BY node) FROM audit_records");
    assert_eq!(nodes, "killed steady");
}

#[test]
fn with_answers_that_wait_nothing_is_lost_though_the_disk_is_gone() {
    let database = postgres::shared().database();
    let settings = [
        ("RINGFALL_DATABASE_URL", database.url.expose()),
        ("RINGFALL_NODE", "mortal"),
        ("RINGFALL_AUDIT_ACK", "shared"),
        ("RINGFALL_AUDIT_ACK_WAIT", "9s"),
        ("RINGFALL_JOURNAL_DEADLINE", "10s"),
        ("RINGFALL_DEADLINE", "14s"),
    ];
    let mut heard = BTreeSet::new();
    for round in 0..ROUNDS {
        // Nothing of the machine before is left.
        let folder = tempfile::tempdir().unwrap();
        settle(folder.path());
        heard.extend(killed_under_load(start(folder.path(), &settings), round));
    }
    none_lost(&heard, &written(&database));
    assert_eq!(database.sql("SELECT count(*) FROM audit_records WHERE record->>'ack' IS NOT NULL"), "0");
}
