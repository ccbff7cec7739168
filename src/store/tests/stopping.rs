//! Stopping while the disk takes nothing.

use tokio::time::Instant;

use super::*;

/// A store on a full disk, and how many records wait in memory.
async fn full(folder: &Path) -> (Store, usize) {
    let store = Store::open(&options(folder, &Set::at_start())).unwrap();
    store.append(arrival(0)).await.unwrap();
    store.jobs.send(Job::Run(fill)).unwrap();
    for number in 1..=100 {
        drop(store.append(arrival(number)).await);
    }
    let waiting = usize::try_from(store.health().deferred).unwrap();
    assert!(waiting > 25, "{waiting}");
    (store, waiting)
}

#[tokio::test]
async fn room_that_is_made_while_it_stops_saves_what_waited() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = full(folder.path()).await;
    let jobs = store.jobs.clone();
    let maker = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(600));
        jobs.send(Job::Run(make_room)).unwrap();
    });
    assert_eq!(store.close_within(Duration::from_secs(60)), 0);
    maker.join().unwrap();
    assert_eq!(count(folder.path(), "SELECT count(*) FROM records WHERE kind = 'decision'"), 101);
}

#[tokio::test]
async fn what_no_disk_took_is_counted_as_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (store, waiting) = full(folder.path()).await;
    let begun = Instant::now();
    assert_eq!(store.close_within(Duration::from_millis(600)), waiting);
    assert!(begun.elapsed() >= Duration::from_millis(600), "it gave up early");
    let written = usize::try_from(count(folder.path(), "SELECT count(*) FROM records")).unwrap();
    assert_eq!(written + waiting, 101);
}

#[tokio::test]
async fn the_room_that_was_set_aside_is_for_what_still_waits() {
    let folder = tempfile::tempdir().unwrap();
    let reserve = folder.path().join("ringfall.reserve");
    let (store, _) = full(folder.path()).await;
    Reserve::of(folder.path()).set_aside(1 << 30).unwrap();
    assert!(store.close_within(Duration::ZERO) > 0, "the engine's own limit stays");
    assert!(!reserve.exists());
    // Where all is written it stays for the next start.
    let store = Store::open(&options(folder.path(), &Set::at_start())).unwrap();
    Reserve::of(folder.path()).set_aside(1 << 30).unwrap();
    store.close();
    assert!(reserve.exists());
}

#[tokio::test]
async fn nothing_is_waited_for_when_all_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&options(folder.path(), &Set::at_start())).unwrap();
    store.append(arrival(0)).await.unwrap();
    let begun = Instant::now();
    assert_eq!(store.close_within(Duration::from_secs(60)), 0);
    assert!(begun.elapsed() < Duration::from_secs(30), "it waited for nothing");
}
