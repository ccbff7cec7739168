//! Another journal in the place of the one that was read.

use super::*;

#[tokio::test]
async fn a_journal_that_was_put_back_goes_on_behind_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let set = Set::at_start();
    let store = Store::open(&options(folder.path(), &set)).unwrap();
    store.append(arrival(0)).await.unwrap();
    drop(store);
    for opened in 0..2 {
        let store = Store::open(&Options { behind: 40, ..options(folder.path(), &set) }).unwrap();
        assert_eq!(store.archive().latest().unwrap(), 40 + opened);
        // Whoever was further on begins again where it ends now.
        assert_eq!(store.news(70).await.unwrap().place, 40 + opened);
        store.append(arrival(1 + u32::try_from(opened).unwrap())).await.unwrap();
        let news = store.news(40 + opened).await.unwrap();
        assert_eq!(news.place, 41 + opened);
    }
    assert_eq!(count(folder.path(), "SELECT max(seq) FROM records"), 42);
}
