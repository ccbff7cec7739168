//! Calls that are over are closed, however many they are and whoever wrote them down.

use futures_util::future::join_all;

use super::*;

/// More than are closed in one go.
const MANY: u32 = 700;

const CLOSED: &str = "SELECT count(*) FROM calls WHERE closed_at IS NOT NULL";

async fn calls(store: &Store) {
    let appended = join_all((0..MANY).map(|number| store.append(arrival(number)))).await;
    assert!(appended.into_iter().all(|appended| appended.is_ok()));
    let appended = join_all((0..MANY).map(|number| store.append(ended(number, START + 2)))).await;
    assert!(appended.into_iter().all(|appended| appended.is_ok()));
}

#[tokio::test]
async fn many_calls_that_are_over_at_once_are_closed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    calls(&store).await;
    clock.pass(30);
    store.settle().await.unwrap();
    assert_eq!(count(folder.path(), CLOSED), i64::from(MANY));
    assert_eq!(told(&store).await.len(), MANY as usize);
    store.settle().await.unwrap();
    assert_eq!(told(&store).await.len(), MANY as usize, "each once");
}

#[tokio::test]
async fn calls_of_the_run_before_are_closed_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Set::at_start();
    let store = Store::open(&options(folder.path(), &clock)).unwrap();
    calls(&store).await;
    store.settle().await.unwrap();
    drop(store);
    assert_eq!(count(folder.path(), CLOSED), 0, "a request may still be on its way");
    clock.pass(30);
    let again = Store::open(&options(folder.path(), &clock)).unwrap();
    // Nobody asks for it: the writer looks by itself, stretch by stretch.
    let mut looks = 0;
    while told(&again).await.len() < MANY as usize {
        looks += 1;
        assert!(looks < 6_000, "{} are told", told(&again).await.len());
        clock.pass(1);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    again.settle().await.unwrap();
    assert_eq!((count(folder.path(), CLOSED), told(&again).await.len()), (i64::from(MANY), MANY as usize));
}
