//! The second wall around the outbox in PostgreSQL: the database itself keeps organizations apart.

use ringfall::app::messenger::ports::{Entry, Outbox as _};
use ringfall::model::phone::E164;
use ringfall::outbox::Desk;
use ringfall::outreach::effects::Case;

use crate::outbox::{CALL, DANA, ORG, claim, draft, room};

/// All that is kept of organizations.
const KEPT: [&str; 5] = ["texts", "cases", "refused", "reports", "spending"];

/// A row in each of them.
fn everything(org: &str) -> Vec<Entry> {
    let Entry::Draft { call, draft, .. } = draft("a", DANA, 100) else { panic!("no draft") };
    let case = Case { call: CALL.into(), caller: DANA.into(), called: DANA.into(), at: 100 };
    vec![
        Entry::Draft { org: org.into(), call, draft },
        Entry::Case { org: org.into(), case },
        Entry::Wish { org: org.into(), number: "+16195550119".into(), refused: Some("opted out") },
        Entry::Report { org: org.into(), sid: format!("SM{org}"), status: "sent".into(), error: None, at: 100 },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_sees_and_writes_its_own_rows_whatever_a_statement_says() {
    let database = crate::postgres::shared().database();
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::shared(folder.path(), Some(&database.url), "one").unwrap();
    desk.keep([everything(ORG), everything("bravo")].concat(), None).await.unwrap();
    // Who sends for all still sends for all.
    assert_eq!(claim(&desk, 100).await.len(), 2);
    for table in KEPT {
        let seen = |org: &str| database.ask(&format!("SET ringfall.org = '{org}'; SELECT org FROM {table}")).unwrap();
        assert_eq!(
            (seen("bravo"), seen("nobody"), seen("")),
            ("bravo".into(), String::new(), String::new()),
            "{table}"
        );
        assert_eq!(database.ask(&format!("SELECT count(*) FROM {table}")).unwrap(), "0", "{table}");
        assert_eq!(seen("@platform").lines().count(), 2, "{table}");
        let change = format!("SET ringfall.org = 'bravo'; DELETE FROM {table}; UPDATE {table} SET org = 'acme'");
        database.ask(&change).unwrap();
        assert_eq!((seen("bravo").as_str(), seen(ORG).as_str()), ("", ORG), "{table}");
        let moved = database.ask(&format!("SET ringfall.org = '{ORG}'; UPDATE {table} SET org = 'bravo'"));
        assert!(moved.unwrap_err().contains("row-level security"), "{table}");
    }
    // Questions about one organization are asked for it alone.
    let dana = E164::parse(DANA).unwrap();
    assert!(desk.case("bravo", CALL).await.unwrap().is_none() && desk.case(ORG, CALL).await.unwrap().is_some());
    assert_eq!(desk.cases(ORG, &dana, 0).await.unwrap().len(), 1);
    assert!(desk.claim(room(101)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_of_one_organizations_text_says_nothing_of_anothers() {
    let database = crate::postgres::shared().database();
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::shared(folder.path(), Some(&database.url), "one").unwrap();
    desk.keep(vec![draft("a", DANA, 100)], None).await.unwrap();
    let id = claim(&desk, 100).await[0].id;
    desk.settle(id, ringfall::app::messenger::ports::Became::Sent("SM1".to_owned().into()), 100).await.unwrap();
    let report = |org: &str| {
        let (sid, status) = ("SM1".to_owned(), "undelivered".to_owned());
        Entry::Report { org: org.into(), sid, status, error: Some(30006), at: 101 }
    };
    desk.keep(vec![report("bravo")], None).await.unwrap();
    assert_eq!(desk.text(id).await.unwrap().unwrap().status, None);
    desk.keep(vec![report(ORG)], None).await.unwrap();
    assert_eq!(desk.text(id).await.unwrap().unwrap().status.as_deref(), Some("undelivered"));
}
