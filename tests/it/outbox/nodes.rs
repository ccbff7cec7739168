//! Nodes that share an outbox in PostgreSQL.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ringfall::app::messenger::ports::{Became, Outbox as _, Room};
use ringfall::outbox::Desk;

use crate::outbox::{DANA, claim, draft, room, states};

/// How long something may take on a machine that is busy.
const LONG: Duration = Duration::from_secs(120);

fn node(folder: &tempfile::TempDir, url: &ringfall::model::secret::Secret, name: &str) -> Desk {
    Desk::shared(folder.path(), Some(url), name).unwrap()
}

/// Sends whatever there is; what this node sent.
async fn sends(node: Desk) -> Vec<i64> {
    let mut mine = Vec::new();
    loop {
        let claimed = node.claim(Room { most: 7, ..room(100) }).await.unwrap();
        if claimed.is_empty() && node.list(None, &["waiting"], 1).await.unwrap().is_empty() {
            return mine;
        }
        for delivery in claimed {
            node.settle(delivery.id, Became::Sent(format!("SM{}", delivery.id).into()), 100).await.unwrap();
            mine.push(delivery.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_nodes_each_text_is_one_nodes_and_each_reads_its_own_journal() {
    let database = crate::postgres::shared().database();
    let folders: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    // Even with one name they are not taken for each other.
    let nodes: Vec<_> = folders.iter().map(|folder| node(folder, &database.url, "same")).collect();
    let many = (0..200)
        .map(|number| draft(&format!("n{number}"), &format!("+1{}55501{:02}", 201 + number / 100, number % 100), 100))
        .collect();
    nodes[0].keep(many, Some(9)).await.unwrap();
    assert_eq!(nodes[1].place().await.unwrap(), 0);
    let mut tasks = tokio::task::JoinSet::new();
    for node in nodes.clone() {
        tasks.spawn(sends(node));
    }
    let mut all = BTreeSet::new();
    let mut count = 0;
    for mine in tasks.join_all().await {
        count += mine.len();
        all.extend(mine);
    }
    assert_eq!((count, all.len()), (200, 200), "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_had_on_its_way_is_looked_up_by_another() {
    let database = crate::postgres::shared().database();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, two) = (node(&here, &database.url, "one"), node(&there, &database.url, "two"));
    one.recover(100, true).await.unwrap();
    two.recover(100, true).await.unwrap();
    one.keep(vec![draft("a", DANA, 100)], None).await.unwrap();
    let id = claim(&one, 100).await[0].id;
    assert!(claim(&two, 100).await.is_empty());
    assert_eq!(two.recover(101, false).await.unwrap(), 0, "the other one lives");
    // It is not heard of any more.
    database.sql("UPDATE nodes SET seen = seen - interval '1 minute' WHERE node LIKE 'one/%'");
    assert_eq!(two.recover(102, false).await.unwrap(), 1);
    let again = claim(&two, 102).await;
    assert_eq!((again[0].id, again[0].tried), (id, Some(100)), "the carrier is asked first");
    // It was not dead, only slow: what it says of a text that is another's now does not count…
    one.settle(id, Became::Later { after: 0, why: "slow".into() }, 103).await.unwrap();
    assert_eq!(states(&two).await, ["sending"]);
    // …but that the carrier has it does.
    one.settle(id, Became::Sent("SM1".to_owned().into()), 104).await.unwrap();
    two.settle(id, Became::Looked(Vec::new()), 105).await.unwrap();
    assert_eq!(states(&two).await, ["sent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_nothing_waits_long_and_afterwards_all_is_there() {
    let server = crate::postgres::own();
    let database = server.database();
    let folder = tempfile::tempdir().unwrap();
    let desk = node(&folder, &database.url, "one");
    desk.keep(vec![draft("a", DANA, 100)], Some(1)).await.unwrap();
    server.stop();
    // Switches are here whatever is away.
    assert_eq!(desk.switches().await.unwrap(), []);
    assert!(desk.keep(vec![draft("b", DANA, 100)], None).await.is_err());
    assert!(desk.claim(room(100)).await.is_err());
    // A node that starts meanwhile is not kept from starting.
    let another = tempfile::tempdir().unwrap();
    let other = node(&another, &database.url, "two");
    assert!(other.place().await.is_err());
    server.start_again();
    let until = Instant::now() + LONG;
    while desk.keep(vec![draft("b", DANA, 100)], None).await.is_err() {
        assert!(Instant::now() < until, "it is never found again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(claim(&other, 100).await.len(), 2);
    assert_eq!(desk.place().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_are_taken_back_and_taken_again() {
    let database = crate::postgres::shared().database();
    let folder = tempfile::tempdir().unwrap();
    node(&folder, &database.url, "one").keep(vec![draft("a", DANA, 100)], None).await.unwrap();
    let back = [
        include_str!("../../../src/outbox/migrations/back/postgres-3.sql"),
        include_str!("../../../src/outbox/migrations/back/postgres-2.sql"),
        include_str!("../../../src/outbox/migrations/back/postgres-1.sql"),
    ];
    // A node of the release before still writes as it did.
    database.sql("INSERT INTO reading (node, record, effect) VALUES ('older', 7, 3)");
    // One step and again to the current form: what was kept is still there; then all of them.
    database.sql(back[0]);
    assert_eq!(states(&node(&folder, &database.url, "one")).await, ["waiting"]);
    back.iter().for_each(|step| drop(database.sql(step)));
    let desk = node(&folder, &database.url, "one");
    assert!(states(&desk).await.is_empty());
    desk.keep(vec![draft("a", DANA, 100)], None).await.unwrap();
    let file = rusqlite::Connection::open(folder.path().join("outbox.db")).unwrap();
    for back in [
        include_str!("../../../src/outbox/migrations/back/sqlite-5.sql"),
        include_str!("../../../src/outbox/migrations/back/sqlite-4.sql"),
        include_str!("../../../src/outbox/migrations/back/sqlite-3.sql"),
        include_str!("../../../src/outbox/migrations/back/sqlite-2.sql"),
    ] {
        file.execute_batch(back).unwrap();
    }
    let desk = Desk::open(folder.path()).unwrap();
    assert!(states(&desk).await.is_empty());
}
