//! What SQLite alone does: a file that other programs change too.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use ringfall::database::sqlite::Newer;
use ringfall::tenant::item::Item;
use ringfall::tenant::owner::Owner;
use ringfall::tenant::plan::Plan;
use ringfall::tenants::{OpenError, Sqlite};

use crate::tenants::things::{found, make, of_a_newer_program, organization, slug};

#[tokio::test]
async fn a_change_by_another_program_is_heard_of() {
    let folder = tempfile::tempdir().unwrap();
    let service = ringfall::tenants::open(folder.path(), None).unwrap();
    let command = ringfall::tenants::open(folder.path(), None).unwrap();
    let mut heard = service.watch();
    for number in 0..5 {
        let item = Item::Organization(organization(&format!("org-{number}"), Plan::Basic));
        let made = make(command.as_ref(), &Owner::Platform, item).await.unwrap();
        let told = heard.wait_for(|place| *place >= made.cursor());
        tokio::time::timeout(Duration::from_secs(60), told).await.unwrap().unwrap();
    }
    assert!(service.tenant(&slug("org-4")).await.is_ok());
}

#[tokio::test]
async fn the_file_is_for_this_user_alone_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = ringfall::tenants::open(&folder.path().join("data"), None).unwrap();
    found(store.as_ref(), &["acme"]).await;
    let mode = |path: &str| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data"), mode("data/tenants.db")), (0o700, 0o600));
    drop(store);
    let store = ringfall::tenants::open(&folder.path().join("data"), None).unwrap();
    assert!(store.tenant(&slug("acme")).await.is_ok());
    assert_eq!(*store.watch().borrow(), 9);
}

#[tokio::test]
async fn programs_that_start_at_once_take_the_steps_once() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let open = || Sqlite::open(folder.path()).map(drop);
        let opened: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        for done in opened {
            done.join().unwrap().unwrap();
        }
    });
}

#[tokio::test]
async fn the_steps_can_be_taken_back_and_a_newer_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Sqlite::open(folder.path());
    found(&open().unwrap(), &["acme"]).await;
    let file = rusqlite::Connection::open(folder.path().join("tenants.db")).unwrap();
    file.execute_batch(include_str!("../../../src/tenants/migrations/back/sqlite-2.sql")).unwrap();
    file.execute_batch(include_str!("../../../src/tenants/migrations/back/sqlite-1.sql")).unwrap();
    found(&open().unwrap(), &["acme"]).await;
    file.execute("INSERT INTO ringfall_tenants_migrations VALUES (99, 'later', 'now', '1')", []).unwrap();
    assert!(matches!(open(), Err(OpenError::Newer(Newer { found: 99, .. }))));
}

#[tokio::test]
async fn what_a_newer_program_wrote_hides_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = ringfall::tenants::open(folder.path(), None).unwrap();
    let write = |sql: &str| {
        let file = rusqlite::Connection::open(folder.path().join("tenants.db")).unwrap();
        file.execute_batch(sql).unwrap();
    };
    of_a_newer_program(store.as_ref(), write).await;
}
