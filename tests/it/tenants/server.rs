//! What PostgreSQL alone does: the second wall, many nodes, going away and coming back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfall::app::tenancy::{TenantError, Tenants};
use ringfall::model::secret::Secret;
use ringfall::tenant::item::Item;
use ringfall::tenant::owner::Owner;
use ringfall::tenant::plan::Plan;

use crate::postgres::{self, Database};
use crate::support::certificates;
use crate::tenants::things::{found, make, of_a_newer_program, org, organization, slug, switch};

/// On a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

fn open(database: &Database) -> Arc<dyn Tenants> {
    open_at(&database.url)
}

fn open_at(url: &Secret) -> Arc<dyn Tenants> {
    ringfall::tenants::open(std::path::Path::new("/nonexistent"), Some(url)).unwrap()
}

/// Waits for it, and gives how long that took.
async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) -> Duration {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < LONG, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_query_without_its_organization_sees_nothing_even_without_a_where() {
    let database = postgres::shared().database();
    let store = open(&database);
    found(store.as_ref(), &["acme", "bravo"]).await;
    make(store.as_ref(), &Owner::Platform, Item::Rollout(crate::tenants::things::rollout())).await.unwrap();
    assert!(store.health().second_wall);
    let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> \
                  'ringfall_tenants_migrations' ORDER BY 1";
    let tables = database.sql(tables);
    assert_eq!(tables.lines().count(), 12, "{tables}");
    for table in tables.lines() {
        let all = database.sql(&format!("SELECT count(*) FROM {table}"));
        let unsaid = database.ask(&format!("SELECT count(*) FROM {table}")).unwrap();
        assert_eq!(unsaid, "0", "{table}, of {all} rows");
        let as_acme = |sql: &str| database.ask(&format!("BEGIN; SET LOCAL ringfall.org = 'acme'; {sql}; COMMIT"));
        let seen = as_acme(&format!("SELECT DISTINCT org FROM {table}")).unwrap();
        assert!(seen == "acme" || seen.is_empty(), "{table}: {seen}");
        if table != "events" {
            as_acme(&format!("UPDATE {table} SET org = org; DELETE FROM {table} WHERE org <> 'acme'")).unwrap();
            as_acme(&format!("UPDATE {table} SET org = 'bravo', id = 'stolen'")).unwrap_err_or_none(table);
        }
        assert_eq!(database.sql(&format!("SELECT count(*) FROM {table}")), all, "{table}");
    }
    let intruder = "INSERT INTO switches (org, id, version, body) VALUES ('bravo', 'x', 1, '{}')";
    let refused = database.ask(&format!("BEGIN; SET LOCAL ringfall.org = 'acme'; {intruder}; COMMIT")).unwrap_err();
    assert!(refused.contains("row-level security"), "{refused}");
}

/// A table where the organization has nothing changes nothing, and everywhere else the wall stands.
trait Refused {
    fn unwrap_err_or_none(self, table: &str);
}

impl Refused for Result<String, String> {
    fn unwrap_err_or_none(self, table: &str) {
        match self {
            Ok(_) => assert!(["rollout", "token_uses"].contains(&table), "{table}"),
            Err(told) => assert!(told.contains("row-level security") || told.contains("violates"), "{table}: {told}"),
        }
    }
}

#[tokio::test]
async fn the_trail_is_altered_by_nobody() {
    let database = postgres::shared().database();
    let store = open(&database);
    found(store.as_ref(), &["acme"]).await;
    for sql in ["UPDATE events SET actor = 'nobody'", "DELETE FROM events", "TRUNCATE events"] {
        let refused = database.ask(&format!("BEGIN; SET LOCAL ringfall.org = '@platform'; {sql}; COMMIT")).unwrap_err();
        assert!(refused.contains("never altered or removed"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn nodes_that_start_at_once_take_the_steps_once() {
    let database = postgres::shared().database();
    let nodes: Vec<_> = (0..6).map(|_| open(&database)).collect();
    let asked = nodes.iter().enumerate().map(|(number, node)| async move {
        let item = Item::Organization(organization(&format!("org-{number}"), Plan::Basic));
        make(node.as_ref(), &Owner::Platform, item).await
    });
    for made in futures_util::future::join_all(asked).await {
        made.unwrap();
    }
    assert_eq!(database.sql("SELECT count(*) FROM ringfall_tenants_migrations"), "2");
}

#[tokio::test]
async fn a_change_on_one_node_is_heard_of_on_the_others() {
    let database = postgres::shared().database();
    let (one, other) = (open(&database), open(&database));
    found(one.as_ref(), &["acme"]).await;
    let mut heard = other.watch();
    let all = |place: &u64| *place >= 9;
    tokio::time::timeout(LONG, heard.wait_for(all)).await.unwrap().unwrap();
    for number in 0..20 {
        let mut turned = switch("acme");
        turned.switch = format!("switch-{number}");
        let made = make(one.as_ref(), &org("acme"), Item::Switch(turned)).await.unwrap();
        let told = heard.wait_for(|place| *place >= made.cursor());
        // Announced, and not found by asking now and then: twenty questions would take far longer.
        tokio::time::timeout(Duration::from_secs(30), told).await.unwrap().unwrap();
    }
    assert_eq!(other.tenant(&slug("acme")).await.unwrap().switches.len(), 21);
}

#[tokio::test]
async fn a_server_that_is_away_is_told_and_found_again() {
    let server = postgres::own();
    let database = server.database();
    let store = open(&database);
    found(store.as_ref(), &["acme"]).await;
    server.stop();
    let gone = store.tenant(&slug("acme")).await.unwrap_err();
    assert!(matches!(gone, TenantError::Unavailable(_)), "{gone}");
    until("the store says that it fails", || async { store.health().failing.is_some() }).await;
    server.start_again();
    until("the store answers again", || async { store.tenant(&slug("acme")).await.is_ok() }).await;
    until("the store says that it is well", || async { store.health().failing.is_none() }).await;
    // Changes are announced again.
    let second = open(&database);
    let made = make(second.as_ref(), &Owner::Platform, Item::Organization(organization("bravo", Plan::Basic)));
    let made = made.await.unwrap().cursor();
    until("the change is heard of", || async { *store.watch().borrow() >= made }).await;
}

#[tokio::test]
async fn a_store_can_be_opened_while_the_server_is_away() {
    let server = postgres::own();
    let database = server.database();
    server.stop();
    let store = open(&database);
    assert!(matches!(store.tenant(&slug("acme")).await, Err(TenantError::Unavailable(_))));
    let mut portions = store.load(ringfall::tenant::owner::Platform);
    assert!(matches!(portions.recv().await, Some(Err(TenantError::Unavailable(_)))));
    server.start_again();
    let founded = || make(store.as_ref(), &Owner::Platform, Item::Organization(organization("acme", Plan::Basic)));
    until("an organization is founded", || async { founded().await.is_ok() }).await;
}

#[tokio::test]
async fn a_frozen_server_keeps_nobody_waiting_for_ever() {
    let server = postgres::own();
    let database = server.database();
    let store = open(&database);
    found(store.as_ref(), &["acme"]).await;
    server.freeze();
    let asked = tokio::time::timeout(LONG, store.tenant(&slug("acme"))).await.expect("somebody waits for ever");
    assert!(matches!(asked, Err(TenantError::Unavailable(_))), "{asked:?}");
    server.thaw();
    until("the store answers again", || async { store.tenant(&slug("acme")).await.is_ok() }).await;
}

#[tokio::test]
async fn the_steps_can_be_taken_back_and_taken_again() {
    let database = postgres::shared().database();
    let store = open(&database);
    found(store.as_ref(), &["acme"]).await;
    drop(store);
    database.sql(include_str!("../../../src/tenants/migrations/back/postgres-2.sql"));
    database.sql(include_str!("../../../src/tenants/migrations/back/postgres-1.sql"));
    let left = database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
    assert_eq!(left, "1", "only the table of the steps is left");
    let store = open(&database);
    found(store.as_ref(), &["acme"]).await;
}

#[tokio::test]
async fn a_database_of_a_newer_form_is_left_alone() {
    let database = postgres::shared().database();
    found(open(&database).as_ref(), &["acme"]).await;
    database.sql("INSERT INTO ringfall_tenants_migrations VALUES (99, 'later', now()::text, '1')");
    let told = open(&database).tenant(&slug("acme")).await.unwrap_err().to_string();
    assert!(told.contains("form 99") && told.contains("newer"), "{told}");
}

#[tokio::test]
async fn a_superuser_is_noticed_to_pass_by_the_second_wall() {
    let database = postgres::shared().database();
    let url = Secret::new(database.url.expose().replace("ringfall@", "postgres@"));
    let store = open_at(&url);
    found(store.as_ref(), &["acme"]).await;
    assert!(!store.health().second_wall);
}

#[tokio::test]
async fn an_encrypted_address_is_encrypted_and_trusts_only_its_authority() {
    let [authority, certificate, key] = certificates();
    let lines = ["ssl = on", "ssl_cert_file = 'tests.pem'", "ssl_key_file = 'tests.key'"];
    let server = postgres::own_with(&lines, &[("tests.pem", &certificate), ("tests.key", &key)]);
    let database = server.database();
    let folder = tempfile::tempdir().unwrap();
    let at = |authority: &str| {
        let file = folder.path().join("authority.pem");
        std::fs::write(&file, authority).unwrap();
        let url = format!("{}?sslmode=verify-full&sslrootcert={}", database.url.expose(), file.display());
        open_at(&Secret::new(url))
    };
    let store = at(&authority);
    found(store.as_ref(), &["acme"]).await;
    let plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                 WHERE application_name = 'ringfall' AND NOT ssl";
    assert_eq!(database.sql(plain), "0");
    let [stranger, _, _] = certificates();
    let refused = at(&stranger).tenant(&slug("acme")).await.unwrap_err();
    assert!(matches!(refused, TenantError::Unavailable(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_program_wrote_hides_nothing_else() {
    let database = postgres::shared().database();
    let store = ringfall::tenants::open(std::path::Path::new("/nonexistent"), Some(&database.url)).unwrap();
    of_a_newer_program(store.as_ref(), |sql| {
        // Whoever writes says for whom, as the wall wants it.
        database.sql(&format!("SET ringfall.org = '@platform'; {sql}"));
    })
    .await;
}
