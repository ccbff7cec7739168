//! What is too old is let go in portions, and its room is used again.

use super::*;

/// Lets the writer work until the question has that answer, however busy the machine is.
async fn until(clock: &Set, folder: &Path, sql: &str, wanted: i64) {
    let mut looks = 0;
    while count(folder, sql) != wanted {
        looks += 1;
        assert!(looks < 6_000, "{sql} is {}", count(folder, sql));
        clock.pass(1);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn calls_of_a_day(store: &Store, clock: &Set, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let at = clock.now().as_second();
        let effects = vec![Effected { key: "text@1.0".to_owned(), kind: "text".to_owned(), ..Effected::default() }];
        let arrival = Record { received: record(Kind::Decision, number, "", at).received, effects, ..arrival(number) };
        store.append(Record { began: Some(at), ..arrival }).await.unwrap();
        store.append(Record { began: Some(at), ..ended(number, at) }).await.unwrap();
    }
    clock.pass(86_400);
    store.settle().await.unwrap();
}

#[tokio::test]
async fn what_is_too_old_leaves_every_table() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    calls_of_a_day(&store, &clock, 0..150).await;
    let text = Record { call: String::new(), ..record(Kind::Message, 0, "text SM1", START) };
    store.append(text).await.unwrap();
    clock.pass(1);
    let before = clock.now();
    let place = store.archive().place_before(before).unwrap();
    clock.pass(60);
    calls_of_a_day(&store, &clock, 150..160).await;
    let kept = count(folder.path(), "SELECT count(*) FROM records") - place;
    store.let_go(place, before);
    until(&clock, folder.path(), "SELECT count(*) FROM records", kept).await;
    until(&clock, folder.path(), "SELECT count(*) FROM calls", 10).await;
    for (sql, wanted) in [("SELECT min(seq) FROM records", place + 1), ("SELECT count(*) FROM loose_steps", 0)] {
        assert_eq!(count(folder.path(), sql), wanted, "{sql}");
    }
    assert_eq!(told(&store).await.len(), 20);
    assert_eq!(store.call("acme", &call(3)).await.unwrap(), None);
    assert_eq!(store.records("acme", &call(155)).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_place_is_never_taken_twice_though_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    calls_of_a_day(&store, &clock, 0..3).await;
    let latest = store.archive().latest().unwrap();
    store.let_go(i64::MAX, clock.now());
    until(&clock, folder.path(), "SELECT count(*) FROM records", 0).await;
    assert_eq!(store.archive().latest().unwrap(), latest);
    drop(store);
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    store.append(arrival(7)).await.unwrap();
    assert_eq!(count(folder.path(), "SELECT min(seq) FROM records"), latest + 1);
}

#[tokio::test]
async fn room_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    let mut pages = Vec::new();
    for day in 0..6_u32 {
        let before = clock.now();
        let place = store.archive().latest().unwrap();
        calls_of_a_day(&store, &clock, day * 200..day * 200 + 200).await;
        let kept = store.archive().latest().unwrap() - place;
        store.let_go(place, before);
        until(&clock, folder.path(), "SELECT count(*) FROM records", kept).await;
        pages.push(count(folder.path(), "PRAGMA page_count"));
    }
    let (second, last) = (pages[1], pages[5]);
    assert!(last <= second + second / 10, "the file grows: {pages:?}");
}

#[tokio::test]
async fn a_clock_that_was_set_far_ahead_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    let believed = || store.archive().believes(clock.now()).unwrap();
    assert!(believed(), "there is nothing to lose");
    calls_of_a_day(&store, &clock, 0..2).await;
    clock.pass(60);
    assert!(believed());
    clock.pass(400 * 86_400);
    assert!(!believed());
    calls_of_a_day(&store, &clock, 2..3).await;
    clock.pass(-60);
    assert!(!believed(), "what was written by it is no proof at once");
    clock.pass(120);
    assert!(believed());
}

#[tokio::test]
async fn the_steps_are_taken_back_and_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    calls_of_a_day(&store, &clock, 0..5).await;
    let (written, before) = (count(folder.path(), "SELECT count(*) FROM records"), told(&store).await);
    store.close();
    let file = Connection::open(folder.path().join("ringfall.db")).unwrap();
    for back in [include_str!("../migrations/back/3.sql"), include_str!("../migrations/back/2.sql")] {
        file.execute_batch(back).unwrap();
    }
    drop(file);
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    assert_eq!((count(folder.path(), "SELECT count(*) FROM records"), told(&store).await), (written, before));
}
