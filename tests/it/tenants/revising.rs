//! Rules and the rollout in the store: what is taken, what is not, and the way back.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use ringfall::app::revisions::{self, Candidate, RevisionError};
use ringfall::app::rollout::{self, Turn, TurnError};
use ringfall::app::tenancy::{Page, TenantError, Tenants};
use ringfall::rules::NoFiles;
use ringfall::tenant::event::Deed;
use ringfall::tenant::item::{Item, Kind};
use ringfall::tenant::organization::Refusal;
use ringfall::tenant::owner::Owner;
use ringfall::tenant::plan::Plan;
use ringfall::tenant::profile::Provider;
use ringfall::tenant::revision::RuleFile;
use ringfall::tenant::rollout::{RolloutError, Stage};

use crate::support::RULES;
use crate::tenants::things::{at, by, make, org, organization, slug};

/// The rules of the tests with another name in a comment, which makes them others.
pub(crate) fn candidate(of: &str, name: &str) -> Candidate {
    let text = format!("# {name}\n{RULES}");
    revisions::examine(&slug(of), text.as_bytes(), &NoFiles, at(1_795_456_800)).candidate.unwrap()
}

async fn push(store: &dyn Tenants, name: &str) -> revisions::Taken {
    revisions::push(store, &candidate("acme", name), name, &by()).await.unwrap()
}

async fn acme(store: &dyn Tenants) {
    make(store, &Owner::Platform, Item::Organization(organization("acme", Plan::Basic))).await.unwrap();
}

#[test]
fn rules_that_do_not_hold_are_not_taken() {
    let examine = |text: &str| revisions::examine(&slug("acme"), text.as_bytes(), &NoFiles, at(1_795_456_800));
    let wrong = examine("version: 1\n");
    assert!(wrong.candidate.is_none() && wrong.problems.iter().any(|problem| problem.is_error()));
    let promise = format!("{RULES}promises:\n  - never_rings: {{ contact: backup }}\n");
    let broken = examine(&promise);
    assert!(broken.problems.iter().any(|problem| problem.code == "broken-promise"), "{:?}", broken.problems);
    assert!(broken.candidate.is_none());
    assert!(examine(RULES).candidate.is_some());
}

pub(crate) async fn rules_are_pushed_and_rolled_back(store: &dyn Tenants) {
    acme(store).await;
    let none = revisions::roll_back(store, &slug("acme"), None, "", &by()).await;
    assert_eq!(none, Err(RevisionError::NothingBefore(slug("acme"))));
    let first = push(store, "first").await;
    assert_eq!((first.before, first.changed), (None, true));
    assert!(!push(store, "first").await.changed);
    let second = push(store, "second").await;
    assert_eq!(second.before, Some(first.now.digest));
    let back = revisions::roll_back(store, &slug("acme"), None, "the second rang nobody", &by()).await.unwrap();
    assert_eq!(back.now.digest, first.now.digest);
    let forth = revisions::roll_back(store, &slug("acme"), Some(&second.now.digest.short()), "", &by()).await.unwrap();
    assert_eq!(forth.now.digest, second.now.digest);
    let unknown = revisions::roll_back(store, &slug("acme"), Some("ffff"), "", &by()).await;
    assert!(matches!(unknown, Err(RevisionError::Unknown { .. })), "{unknown:?}");
    let key = first.now.digest.key();
    let texts = revisions::texts(store, &slug("acme"), key, at(1_795_456_800)).await.unwrap().unwrap();
    let files: Vec<_> = texts.into_iter().map(|it| RuleFile { path: it.path, text: it.text }).collect();
    assert_eq!(files, candidate("acme", "first").files);
    assert_eq!(store.tenant(&slug("acme")).await.unwrap().rules.unwrap().item, forth.now);
    let trail = store.events(&org("acme"), Page::newest(100)).await.unwrap();
    let told = trail.iter().find(|event| event.detail.contains("rang nobody")).unwrap();
    assert_eq!(told.deed, Deed::RulesRolledBack);
    let nobody = revisions::push(store, &candidate("nobody", "x"), "", &by()).await;
    assert_eq!(nobody, Err(TenantError::NotFound(Kind::Organization)));
}

pub(crate) async fn of_many_pushes_each_is_kept_and_one_is_current(store: &dyn Tenants) {
    acme(store).await;
    let pushes = (0..5).map(|number| async move { push(store, &format!("from {number}")).await });
    assert!(join_all(pushes).await.iter().all(|taken| taken.changed));
    let all = store.revisions(&slug("acme")).await.unwrap();
    assert_eq!(all.len(), 5);
    let current = store.tenant(&slug("acme")).await.unwrap().rules.unwrap();
    assert_eq!(all.iter().filter(|kept| kept.item.state == current.item.state).count(), 1);
}

pub(crate) async fn the_suspended_get_no_new_rules(store: &dyn Tenants) {
    acme(store).await;
    let mut kept = store.tenant(&slug("acme")).await.unwrap().organization;
    kept.item.state = ringfall::tenant::organization::OrgState::Suspended;
    let suspended = Item::Organization(kept.item);
    let suspended =
        ringfall::tenant::change::Change::changed(suspended, kept.version, Deed::OrganizationSuspended, "unpaid");
    store.change(&Owner::Platform, vec![suspended], &by()).await.unwrap();
    let refused = revisions::push(store, &candidate("acme", "x"), "", &by()).await;
    assert_eq!(refused, Err(TenantError::Forbidden(Refusal::Suspended(slug("acme")))));
}

pub(crate) async fn the_rollout_is_turned_by_many_and_nothing_is_lost(store: &dyn Tenants) {
    assert_eq!(rollout::standing(store).await.unwrap().stage(Provider::Twilio), Stage::On);
    let providers = [Provider::Slack, Provider::Telegram, Provider::WhatsApp];
    let matrix = ringfall::tenant::rollout::Matrix::parse("v0.1.0:green").unwrap();
    let (matrix, by) = (&matrix, &by());
    let turns = providers.map(|provider| async move {
        let (orgs, matrix) = (BTreeSet::from([slug("acme")]), Some(matrix.clone()));
        rollout::turn(store, by, &Turn::Stage { provider, stage: Stage::Canary, orgs, matrix }).await.unwrap()
    });
    join_all(turns).await;
    let standing = rollout::standing(store).await.unwrap();
    assert!(providers.iter().all(|provider| standing.stage(*provider) == Stage::Canary), "{standing:?}");
    let uncited = Turn::Stage { provider: Provider::Slack, stage: Stage::On, orgs: BTreeSet::new(), matrix: None };
    let refused = rollout::turn(store, by, &uncited).await;
    assert_eq!(refused, Err(TurnError::Refused(RolloutError::NoMatrix(Provider::Slack))));
    assert_eq!(rollout::standing(store).await.unwrap(), standing);
    let lines = store.events(&Owner::Platform, Page::newest(10)).await.unwrap();
    assert_eq!(lines.len(), 3);
}
